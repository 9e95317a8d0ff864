# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,mystnb,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,-jupytext
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sentiment
#
# **Is this review good or bad? A list of words with weights often knows. When
# does the *order* of the words decide, which networks can use it, and do they
# beat the list on real text?**
#
# After this chapter you can
#
# - turn texts into batches without letting padding or unknown words change an
#   answer;
# - build a bidirectional classifier with four poolings, in PyTorch and in
#   Keras, and say what each pooling can and cannot hold;
# - build a test that no bag of words can pass, and prove it;
# - compare classifiers on the same rows, count every test that you made, and
#   say whether their probabilities can be believed;
# - find what a classifier gets wrong: by slices, by reading, and by sentences
#   made to fail.

# %% tags=["bootstrap", "remove-cell"]
# Find the book's code in a folder above, or fetch it (as in Colab).
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = "https://github.com/_owner_/unrolled"
REF = os.environ.get("UNROLLED_REF", "main")
above = Path.cwd().resolve().parents
book = next((each for each in above if (each / "utils/scratch").is_dir()), None)
if book is None:
    book = Path("unrolled").resolve()
    if "/_owner_/" in REPOSITORY:
        raise RuntimeError(
            "This copy has no address yet. In its folder, run "
            "`python -m tools repository --url https://github.com/...`."
        )
    if not book.exists():
        clone = ["git", "clone", "-q", "--depth=1", "-b", REF, REPOSITORY, book]
        subprocess.run(clone, check=True)
sys.path.insert(0, str(book))
# PyTorch comes before TensorFlow: the other order can crash this kernel.
import utils.pytorch_first  # noqa: F401

needed = ["arch", "jaxtyping", "lightning-fabric", "sacrebleu"]
lacking = [name for name in needed if not find_spec(name.replace("-", "_"))]
if lacking:
    install = [sys.executable, "-m", "pip", "install", "--quiet", *lacking]
    subprocess.run(install, check=True)

# %% tags=["hide-input"]
import tempfile
import warnings
from math import comb, log
from pathlib import Path
from textwrap import fill

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.utils.data import DataLoader

from utils.data import Vocabulary, make_twins
from utils.data.batches import bucket_batches, mask_from_lengths, pad
from utils.data.reviews import load_reviews, warn_of_repeats
from utils.data.text import tokenize
from utils.data.twins import split_pairs
from utils.exercises import (
    check_calibration_error,
    check_macro_f1,
    check_masked_max,
    check_mcnemar,
    check_nb_ratio,
)
from utils.figures.diagrams import review_classifier
from utils.figures.seeds import median_and_range
from utils.figures.style import COLORS, use_book_style
from utils.forecasting.significance import holm
from utils.labs import (
    Reading,
    draw_reading,
    load_weights,
    mistakes_lab,
    reading_lab,
    sentence_lab,
)
from utils.length.padding import pool_max
from utils.notebook import load_results, show_source
from utils.scratch import Bidirectional
from utils.sentiment.bag_of_words import NaiveBayesWeights, tfidf_regression
from utils.sentiment.behaviour import behaviour_tests
from utils.sentiment.calibration import (
    calibration_floor,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from utils.sentiment.comparison import (
    best_share,
    fold_difference,
    mcnemar_test,
    share_interval,
)
from utils.sentiment.keras import sentiment_classifier
from utils.sentiment.pytorch import (
    ReviewBatches,
    SentimentClassifier,
    positive_probabilities,
    probabilities_along,
)
from utils.sentiment.recorded import RecordedRows
from utils.sentiment.vectors import load_vectors, start_from
from utils.training import fit, keep_keras_on_cpu
from utils.weights import from_torch, to_keras

# %%
keep_keras_on_cpu()
use_book_style()
pd.set_option("display.max_colwidth", None)

# %% [markdown]
# ## Two sentences, one bag
#
# Count the words of a review, give each word a weight, add up: that is a *bag
# of words*, and on most reviews it is hard to beat. Where the words stand does
# not count. To see what that costs, the book generates reviews as *twins*: two
# clauses of opposite sentiment and a word of contrast that says which one
# matters. Exchange the clauses and the verdict turns over, while not a single
# word changes.

# %%
frame = make_twins(9500, rng=0)
pairs = frame[frame.duplicated("pair", keep=False)]
for label, text in pairs[["label", "text"]][:2].itertuples(index=False):
    print(fill(f"{label}: {text}", 80), end="\n\n")

# %% [markdown]
# A bag adds up the same numbers for both twins. Their labels are opposite, so
# it is right on exactly one of each pair. Three sentences in four are twins;
# even if it judges all the rest, single clauses, rightly, it reaches at most
# $\tfrac34 \cdot \tfrac12 + \tfrac14 = \tfrac58$ of the corpus.
#
# Half of the clauses negate their adjective, and some combinations are *held
# out*: no training sentence has "not brilliant", though both words occur in
# many. Both twins always go to the same part.

# %%
seen, held_out = frame[~frame["held_out"]], frame[frame["held_out"]]
train, valid, test = split_pairs(seen, (0.8, 0.1, 0.1), rng=0)
twins = test[test.duplicated("pair", keep=False)]
assert not train["text"].str.contains("not brilliant").any()
for name, part in {"train": train, "validation": valid, "test": test}.items():
    print(f"{name}: {len(part)} sentences")
print(f"held out: {len(held_out)} sentences")

# %% [markdown]
# The usual bag: *TF-IDF* counts each word of a text and weighs it down by the
# share of texts that have it. *Logistic regression* learns one weight a word;
# the weighted sum is the *log odds* $z$ of a positive text, and
# $1 / (1 + e^{-z})$ its probability: $z = 0$ says one half, $z = 2$ says 0.88.

# %%
# Identity: a-bag-judges-one-of-each-pair
bag = tfidf_regression().fit(train["text"], train["label"])
on_twins, overall = (
    bag.score(part["text"], part["label"]) for part in (twins, test)
)
share = len(twins) / len(test)
assert on_twins == 0.5
assert overall <= share / 2 + 1 - share
print(f"bag of words: {on_twins:.1%} on twins, {overall:.0%} on the whole test")

# %% [markdown]
# ## From text to batches
#
# **Tokens.** A tokeniser splits text into words, Chinese characters and
# punctuation. A *vocabulary* numbers them. Two numbers are special and must
# differ: 0 is padding, which every layer must ignore, and 1 stands for every
# word that the training set lacks, which no layer may ignore.

# %%
vocabulary = Vocabulary.from_texts(train["text"], minimum_frequency=1)
print(len(vocabulary), "tokens, the first of them", vocabulary.tokens[:6])
print(tokenize("It isn't dull."), vocabulary.encode("It isn't dull."))

# %% [markdown]
# Build the vocabulary from the *training* texts alone, on real text with a
# minimum frequency: if every training word is known, the unknown token is never
# trained.
#
# **Batches.** Texts have unequal lengths, so padding comes last, when the batch
# is known. In PyTorch's terms: a data set yields single rows, and the *collate*
# function pads those of one batch and hands on their lengths.

# %%
rows = [vocabulary.encode(text) for text in train["text"]]


def collate(batch):
    tokens, lengths = pad([row for row, _ in batch], value=Vocabulary.PAD)
    labels = torch.tensor([label for _, label in batch])
    return torch.from_numpy(tokens), torch.from_numpy(lengths), labels


dataset = list(zip(rows, train["label"], strict=True))
loader = DataLoader(dataset, batch_size=3, collate_fn=collate)
tokens, text_lengths, _ = next(iter(loader))
print(tokens[:, -8:], text_lengths)

# %% [markdown]
# Many a tutorial pads in the data set, before the batch is drawn. What does
# each way compute in vain?

# %%
lengths = np.array([len(row) for row in rows])
order = np.random.default_rng(0).permutation(len(rows))
drawn = {
    "in the data set": [np.arange(len(rows))],
    "batch by batch": np.split(order, range(64, len(rows), 64)),
    "batch by batch, similar lengths": list(bucket_batches(lengths, 64, 0)),
}
for way, batches in drawn.items():
    steps = sum(lengths[batch].max() * len(batch) for batch in batches)
    print(f"padding {way}: {1 - lengths.sum() / steps:.0%} of all steps")

# %% [markdown]
# `ReviewBatches` does the last of these.

# %%
show_source(ReviewBatches.__iter__, ReviewBatches.inputs, fold="ReviewBatches")
batches = ReviewBatches(train["text"], train["label"], vocabulary)
tokens, text_lengths, _ = next(iter(batches))
print(tuple(tokens.shape), "lengths", text_lengths.unique().tolist())

# %% [markdown]
# ## The classifier
#
# A word's number says nothing about the word. So each number picks a row of a
# table $E$, an *embedding*, which is learned like any weight. A bidirectional
# LSTM ([chapter 07](07_bidirectional.ipynb)) reads these rows, because "not"
# may stand before what it negates and "although" after what it outweighs. A
# verdict wants one vector, so a *pooling* makes one of all states, and a linear
# layer, the *head*, gives two logits.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sentiment-classifier", "caption": "From tokens to a verdict: each token's number picks a row of the table E, a bidirectional layer reads the rows (blue forward, orange backward), a pooling makes one vector v of all states, and a linear layer makes the logits z of negative and positive."}, "image": {"alt": "From three words to a verdict, from below: token x t, its row e t of the table E, the state h t with arrows in both directions, a wide box that pools all states into v, and a matrix W that makes the logits z."}}
review_classifier()

# %% [markdown]
# In the letters of {numref}`fig-sentiment-classifier`,
#
# $$
# h_t = [\overrightarrow{h}_t; \overleftarrow{h}_t], \qquad
# v = \mathrm{pool}(h_1, \dots, h_n), \qquad
# z = v W + b,
# $$ (eq-sentiment-classifier)
#
# and the probability of positive is the softmax's second entry. Four poolings
# are in use, each over the $n$ valid steps alone:
#
# $$
# \begin{aligned}
# v^{\text{last}} &= [\overrightarrow{h}_n; \overleftarrow{h}_1], &
# v^{\text{mean}} &= \frac1n \sum_{t \le n} h_t, \\
# v^{\text{max}}_k &= \max_{t \le n} h_{tk}, &
# v^{\text{attention}} &= \sum_{t \le n} \alpha_t h_t
# \end{aligned}
# $$ (eq-sentiment-poolings)
#
# with the weights $\alpha$ of [chapter 09](09_attention.ipynb). A last state
# must carry its finding through every step that follows. In a maximum each unit
# may keep whatever it saw, and the gradient goes straight to the step where it
# saw it. Naively, for one text and without batches:

# %%
h = torch.tensor([[0.1, -0.5], [0.9, -0.2], [0.2, -0.4]])  # (time, unit)
scores = torch.tensor([0.0, 2.0, 0.0])  # attention's, one for each step
print("mean", h.mean(dim=0).numpy().round(2))
print("max ", h.max(dim=0).values.numpy().round(2))
print("attention", (scores.softmax(0) @ h).numpy().round(2))

# %% [markdown]
# For a batch the same lines need a mask, because a shorter row goes on in
# padding. The second unit above shows the trap: it is negative throughout, so
# an unmasked maximum would find the padding's 0.

# %%
show_source(SentimentClassifier.forward, bare=True)
show_source(SentimentClassifier.pool, fold="The four poolings, masked")

# %% [markdown]
# *Word dropout* replaces a share of the training words by the unknown token, so
# that no verdict hangs on one word. The backward direction reads each row
# reversed within its own length ([chapter 05](05_any_length.ipynb)). Train it,
# and keep the epoch with the lowest validation loss:


# %%
def build(vocabulary, size=32, **options):
    torch.manual_seed(0)
    options |= {"dropout": (0.1, 0.1), "word_dropout": 0.0}
    return SentimentClassifier(len(vocabulary), size, 32, **options)


def train_classifier(model, train, valid, vocabulary, epochs=6):
    fit(
        model,
        ReviewBatches(train["text"], train["label"], vocabulary),
        ReviewBatches(valid["text"], valid["label"], vocabulary, 256),
        loss=nn.functional.cross_entropy,
        optimizer=torch.optim.Adam(model.parameters(), 5e-3),
        epochs=epochs,
        clip=1.0,
    )


# %%
def accuracy(model, part):
    found = positive_probabilities(model, part["text"], vocabulary) > 0.5
    return (found == part["label"]).mean()


# %% tags=["within-0.03"]
model = build(vocabulary, pooling="max")
train_classifier(model, train, valid, vocabulary)
parts = {"test": test, "held out": held_out}
parts |= {
    f"{n} words behind": make_twins(400, n, tail=(n, n)) for n in (50, 400)
}
scores = {name: accuracy(model, part) for name, part in parts.items()}
for name, score in scores.items():
    print(f"{name}: {score:.3f} right")

# %%
assert min(scores.values()) > 0.93

# %% [markdown]
# What a bag of words provably cannot do[ⁱ](#a-bag-judges-one-of-each-pair)
# takes the BiLSTM seconds, for combinations that it never saw and with 400
# neutral words behind the verdict,[ᶜ](claims.md#maximum_learns_the_twins) where
# training sentences had at most 12.
#
# ### Where attention looks
#
# The same network with attention says how much each state counts. Its weights
# for one sentence, after training on the same sentences:

# %%
looking = build(vocabulary, pooling="attention")
train_classifier(looking, train, valid, vocabulary)
sentence = (
    "the main plot was dull from the first minute on , although the whole "
    "cast was not brilliant in most of the scenes . we saw it after work"
)
words = tokenize(sentence)
numbers = torch.tensor(vocabulary.encode(sentence))[None]
length = torch.tensor([len(words)])
with torch.no_grad():
    states = looking.read(numbers, length)
    _, alpha = looking.attention(states, torch.ones(1, len(words)).bool())

# %% [markdown]
# Or ask: what happens to the logits if one word is replaced by the unknown
# token?

# %%
without = numbers.repeat(len(words), 1)
without.fill_diagonal_(Vocabulary.UNK)
with torch.no_grad():
    logits = looking(without, length.repeat(len(words)))
    whole = looking(numbers, length)
change = ((logits - whole) @ torch.tensor([-1.0, 1.0])).numpy()

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sentiment-attention", "caption": "One trained BiLSTM with attention, one sentence whose verdict, negative, stands in its first half. Above: the attention weight of each state. Below: by how much the log odds of positive change when the word is replaced by the unknown token."}, "image": {"alt": "Two rows of bars over the words of a sentence. Above, a single bar of height one at the word was, before dull. Below, the tallest bar at dull, one half as tall at was, and all others near zero."}}
fig, axes = plt.subplots(2, 1, figsize=(6.2, 4), sharex=True)
axes[0].bar(range(len(words)), alpha[0], color=COLORS["blue"])
axes[1].bar(range(len(words)), change, color=COLORS["orange"])
axes[1].set_xticks(range(len(words)), words, rotation=90, fontsize=9)
axes[0].set(ylabel="weight α")
axes[1].set(ylabel="change of log odds")
for ax in axes:
    ax.grid(axis="x", visible=False)
plt.show()

# %% [markdown]
# In {numref}`fig-sentiment-attention` nearly all weight stands on one state of
# the clause that decides. But that state belongs to "was": the backward layer,
# coming from the right, has just read "dull". Here the weights say where the
# network collects its answer, and not which word made it. On larger data [Jain
# and Wallace (2019)](https://aclanthology.org/N19-1357) found the like often,
# and [Wiegreffe and Pinter (2019)](https://aclanthology.org/D19-1002) that this
# alone does not make the weights worthless.

# %% tags=["within-0.1"]
# tolerance: one training, whose end depends on the processor, by 0.06
before_comma = float(alpha[0, : words.index(",")].sum())
print(f"weight before the comma: {before_comma:.2f}")

# %%
assert before_comma > 0.8

# %% [markdown]
# ### The same model in Keras, and in NumPy
#
# In Keras the embedding makes a mask from the zeros of the padding, and the
# layers hand it on; but `GlobalMaxPooling1D` does not use it. The book's layer
# masks first.

# %% tags=["tab-pytorch"]
# PyTorch
few = test["text"][:20]
model.double()
torch_found = positive_probabilities(model, few, vocabulary)
arrays = {name: value.numpy() for name, value in model.state_dict().items()}
layers = Bidirectional(
    from_torch(model.forward_layer), from_torch(model.backward_layer)
)

# %% tags=["tab-keras"]
# Keras
keras.config.set_dtype_policy("float64")
same_model = sentiment_classifier(len(vocabulary), 32, 32, pooling="max")
keras.config.set_dtype_policy("float32")
same_model.get_layer("embedding").set_weights([arrays["embedding.weight"]])
same_model.get_layer("recurrent").set_weights(to_keras(layers).get_weights())
same_model.get_layer("head").set_weights(
    [arrays["head.weight"].T, arrays["head.bias"]]
)
padded, few_lengths = pad(
    [vocabulary.encode(text) for text in few], value=Vocabulary.PAD
)
keras_logits = same_model(padded).numpy()

# %%
# NumPy
outputs, _ = layers.forward(
    arrays["embedding.weight"][padded], lengths=few_lengths
)
pooled = pool_max(outputs, mask_from_lengths(few_lengths, padded.shape[1]))
logits = pooled @ arrays["head.weight"].T + arrays["head.bias"]

# %%
# Identity: same-verdicts
odds = np.exp(logits)
gaps = {
    "Keras": np.abs(logits - keras_logits).max(),
    "PyTorch": np.abs(odds[:, 1] / odds.sum(axis=1) - torch_found).max(),
}
assert gaps["Keras"] < 1e-10
assert gaps["PyTorch"] < 1e-6
for name, gap in gaps.items():
    print(f"{name}: at most {gap:.6f} from NumPy")

# %% [markdown]
# Trained by Keras from its own initial weights, on rows padded to one length,
# for five passes:


# %%
def encode(part):
    numbers, _ = pad(
        [vocabulary.encode(text) for text in part["text"]], value=Vocabulary.PAD
    )
    return numbers, part["label"].to_numpy()


# %% tags=["within-0.03"]
keras.utils.set_random_seed(0)
keras_model = sentiment_classifier(len(vocabulary), 32, 32, dropout=(0.1, 0.1))
keras_model.compile(
    keras.optimizers.Adam(5e-3, global_clipnorm=1.0),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=False,
)
keras_model.fit(*encode(train), batch_size=64, epochs=5, verbose=0)
keras_accuracy = keras_model.evaluate(*encode(test), verbose=0)[1]
print(f"Keras: {keras_accuracy:.3f} of the test right")

# %%
assert keras_accuracy > 0.93

# %% [markdown]
# ### Which part of the architecture does it?
#
# One seed proves little. `python -m benchmarks.sentiment_twins` trains six
# architectures with five seeds each for ten epochs, two of them for thirty as
# well, beside bags of words and of *n-grams*, which are up to $n$ words in a
# row. All networks have one learning rate, $0.005$, which was not tuned for
# each, and 32 units a direction, so that a two-way one has twice the recurrent
# weights.

# %%
recorded = load_results("sentiment_twins")["results"]
parts = ["test", "held out", "tail 100", "tail 400"]
runs = {
    name: run
    for name, run in recorded.items()
    if "test" in run and not name.startswith("Chinese")
}
table = pd.DataFrame(runs).T[parts]
table.index = table.index.str.replace(r", seed \d", "", regex=True)


def lowest_to_highest(scores):
    low, high = f"{scores.min():.2f}", f"{scores.max():.2f}"
    return low if low == high else f"{low} – {high}"


# %% mystnb={"figure": {"name": "tab-sentiment-twins", "caption": "Share right on twins, the lowest and the highest of five seeds; on the test, on held-out combinations of negator and adjective, and with 100 and 400 neutral words behind the verdict. Ten epochs where nothing else is said."}}
table.groupby(level=0, sort=False).agg(lowest_to_highest)

# %% [markdown]
# From {numref}`tab-sentiment-twins`:
#
# - **Bags** of up to three words in a row stay near chance on everything.
# - **BiLSTM with maximum or attention**: every seed is right everywhere.
# - **BiLSTM with the last states**: at chance with three of five seeds after
#   ten epochs, right with all after thirty: slow, not incapable.
# - **One-way LSTM**: thirty epochs make all five seeds right on the test, *and
#   leave four of them at 0.51 behind 400 neutral
#   words*.[ᶜ](claims.md#a_perfect_test_hides_length)
# - **The GRU** is right on the test with every seed. The plain RNN has learned
#   nothing.
#
# But ten epochs or thirty are our choice. So five fresh seeds each were trained
# until at most one validation sentence in a thousand was wrong, three epochs in
# a row, or for 40 epochs; the RNN at the best of three rates, and one LSTM on
# tails of up to 60 words instead of 12:

# %% mystnb={"figure": {"name": "tab-sentiment-learned", "caption": "Epochs until the twins were learned, and the share right then, on the test and behind 400 neutral words: the median, the lowest and the highest of five fresh seeds."}}
table = {}
for name, seeds in recorded["learned"].items():
    found = pd.DataFrame(seeds).T
    table[name] = {
        "epochs": median_and_range(found["accuracy"].map(len), 0),
        "test": median_and_range(found["test"], 2),
        "behind 400 words": median_and_range(found["tail 400"], 2),
    }
pd.DataFrame(table).T

# %% [markdown]
# By {numref}`tab-sentiment-learned` last states take longer than the
# maximum,[ᶜ](claims.md#last_states_learn_later) and the RNN does not
# arrive.[ᶜ](claims.md#plain_rnn_stays_at_chance) All others are right on the
# test, and behind 400 words two of the five one-way LSTMs are at chance. A
# perfect test score does not say what a model has learned. A maximum need not
# remember where the verdict stood: some unit was high there, and that value
# stands. A last state has to be carried over every neutral word, training never
# asked for more than 12, and whether it holds differs from seed to seed. Longer
# tails in training are a remedy;[ᶜ](claims.md#longer_tails_in_training_help) a
# pooling that need not remember is another.

# %% [markdown]
# ## A verdict, word by word
#
# When does a network make up its mind? Each recorded classifier was asked,
# after every word of a review, what it would say if the text ended there.

# %% mystnb={"figure": {"name": "fig-sentiment-reading", "caption": "What four classifiers would say of a review if it ended after each of its words. Its verdict, negative, stands in the first clause."}, "image": {"alt": "Probability of positive after each word of a review, a panel per classifier. RNN: a flat line at one half. LSTM: near zero after dull, rising from the comma to almost one before brilliant, then back to zero. BiLSTM with maximum and with attention: down to zero at dull, and there they stay."}}
readings = [
    Reading(
        each["tokens"],
        {name: np.array(v) for name, v in each["verdicts"].items()},
    )
    for each in recorded["word by word"]["readings"]
]
draw_reading(readings[1])

# %% [markdown]
# In {numref}`fig-sentiment-reading` the RNN stays near one half. The one-way
# LSTM is sure soon after "dull" and turns at the comma until "brilliant". The
# two BiLSTMs are sure at "dull" and stay.
#
# Is such a line a mind that follows the argument? The third recorded sentence
# begins with a concession, "although the new score was not tedious"; ask the
# BiLSTM with a maximum word by word:

# %%
third = readings[2]
for place in (1, 3, 4, 6, 11, 17, 18):
    said = third.verdicts["BiLSTM, max"][place]
    print(f"{third.tokens[place]:8} {said:.2f}")

# %% [markdown]
# It says 0.88 at "was", before any praise or blame. So the 0.81 at "evening",
# where the concession ends, is no sign that it has understood the clause: no
# training sentence breaks off there.

# %% mystnb={"figure": {"name": "fig-sentiment-lab", "caption": "Move along a sentence and watch four verdicts."}}
reading_lab(readings, start=20)

# %% [markdown]
# In {numref}`fig-sentiment-lab` blue words leave a positive verdict, orange
# ones a negative one. Type a sentence:

# %% tags=["nbval-ignore-output"] mystnb={"figure": {"name": "fig-sentiment-own", "caption": "The BiLSTM of this chapter on a sentence of yours."}}
SENTENCE = (
    "the main plot was never dull , although the camera work was rather clumsy"
)
model.float()
words, along = probabilities_along(model, SENTENCE, vocabulary)
unknown = [word for word in words if word not in vocabulary.numbers]
verdict = "positive" if along[-1] > 0.5 else "negative"
print(f"{verdict} ({along[-1]:.3f}); words not known: {len(unknown)}", *unknown)
reading_lab([Reading(words, {"BiLSTM, max": along})], start=len(words))

# %% [markdown]
# The model of {numref}`fig-sentiment-own` knows the twins' words alone. The
# four classifiers, rounded to 16 bits, run without Python:

# %% mystnb={"figure": {"name": "fig-sentiment-typed", "caption": "Type a sentence: four classifiers read it in the page. Words that none of them knows are underlined."}}
reader = load_results("sentiment_reader")["results"]
sentence_lab(reader["vocabulary"], load_weights("sentiment_reader"))

# %% [markdown]
# Swap the clauses in {numref}`fig-sentiment-typed`.
#
# ### In Chinese
#
# Chinese has no spaces, so the tokens are characters; nothing else changes:

# %%
chinese = make_twins(6000, rng=0, language="zh")
print(" ".join(tokenize(chinese["text"][0])))
found = [
    run["test"] for name, run in recorded.items() if name.startswith("Chinese")
]
print("recorded, right on the test:", median_and_range(found, 3))

# %% [markdown]
# ## Real reviews
#
# The twins show what order *can* be worth. And in real text?
# `python -m benchmarks.sentiment --data PATH_OR_NAME` answers for your
# files. Recorded: 10,662 sentences from film reviews ([Pang and Lee,
# 2005](https://aclanthology.org/P05-1015)). Their licence is not stated, so the
# book does not carry them; one stands in the first figure of [Socher et al.
# (2013)](https://aclanthology.org/D13-1170): "This film doesn't care about
# cleverness, wit or any other kind of intelligent humor." Three words of
# praise, and a verdict that hangs on "doesn't". How usual is that?

# %%
everything = load_results("sentiment_rows")["results"]["rotten_tomatoes"]
texts = everything["train"]
print(f"tokens in a sentence: {texts['tokens']['median']:.0f} in the median,")
print(
    f"  {texts['tokens']['5 %']:.0f} to {texts['tokens']['95 %']:.0f} in 90 %"
)
once = texts["words in one text"] / texts["words"]
print(f"different words: {texts['words']}, {once:.0%} in one sentence only")
for name in ("negation", "contrast", "neither"):
    print(f"sentences with {name}: {texts['slices'][name]:.0%}")

# %% [markdown]
# Half of all words occur in one sentence only; the networks below read them as
# the unknown token. A quarter of the sentences negate something and a fifth
# hold a "but" or its kin; 64 % do neither, and there order may have little to
# say.
#
# ### Which words tell the classes apart
#
# A word that stands mostly in good reviews speaks for good. A simple measure of
# how loudly is the log of the ratio of its shares in the two classes. By hand,
# with three words in all and one added to each count, so that no share is zero:
#
# | word | in positive texts | in negative texts | $a$ | $b$ | $r$ |
# |-|-|-|-|-|-|
# | moving | 6 | 1 | 7 | 2 | 1.48 |
# | dull | 0 | 8 | 1 | 9 | −1.97 |
# | film | 3 | 3 | 4 | 4 | 0.22 |
#
# with $r = \log\frac{a/12}{b/15}$.
# This is what naive Bayes adds up, word by word. *NB-weighted logistic
# regression* ([Wang and Manning, 2012](https://aclanthology.org/P12-2018))
# starts from there: it multiplies each one- or two-word feature $j$ by
#
# $$
# r_j = \log \frac{a_j / \sum_k a_k}{b_j / \sum_k b_k}, \qquad
# a = 1 + \sum_{i:\, y_i = 1} x_i, \qquad b = 1 + \sum_{i:\, y_i = 0} x_i ,
# $$ (eq-sentiment-ratio)
#
# where $x_i$ marks the features that text $i$ has, and fits a logistic
# regression on that: seconds of work, and no order beyond pairs of words.

# %%
counts = np.array([[6.0, 0, 3], [1, 8, 3]])
a, b = 1 + counts
print(np.log((a / a.sum()) / (b / b.sum())).round(2))
show_source(NaiveBayesWeights.fit, bare=True)

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-sentiment-words", "caption": "Of the words in at least 20 training sentences, the ten with the highest and the ten with the lowest log-count ratio r, with the number of positive and negative sentences that have them."}}
ranked = pd.DataFrame(texts["ratios"]).T
ranked.columns = ["positive", "negative", "r"]
ranked = ranked.astype({"positive": int, "negative": int}).round(2)
pd.concat([ranked[:10], ranked[::-1][:10]], keys=["praise", "blame"])

# %% [markdown]
# By {numref}`tab-sentiment-words` "unfunny" stands in 23 bad reviews and no
# good one. But "tv" and "90" (minutes) are not opinions: a classifier learns
# what *these* reviewers write.
#
# ### Variants of the network
#
# A network that starts from random embeddings does not know these words. What
# helps it? Each variant was trained with three seeds, all at one learning rate,
# which was not tuned for each. *Weight decay* draws all weights towards zero at
# every step.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sentiment-variants", "caption": "Validation accuracy of the variants that were tried, one dot for each of three seeds, a bar at the median. Blue: with recurrence; orange: without. The dashed line is NB-weighted logistic regression."}, "image": {"alt": "Rows of three dots. Most rows lie between 76 and 79 %; character n-grams lie lower. Blue rows with NB in the embeddings or its log odds inside lie between 79 and 82 %, around the dashed line at 80.6 %; orange rows with NB in the embeddings lie with the others, below 79 %."}}
reviews = load_results("sentiment")["results"]["rotten_tomatoes"]
fig, ax = plt.subplots(figsize=(6.2, 5.2))
names = list(reviews["validation"])[::-1]
for place, name in enumerate(names):
    tried = 100 * np.array(reviews["validation"][name]["accuracy"])
    color = COLORS["orange" if "no recurrence" in name else "blue"]
    ax.plot(tried, [place] * 3, "o", color=color, alpha=0.7)
    ax.plot([np.median(tried)] * 2, [place - 0.3, place + 0.3], color=color)
baseline = reviews["baselines"]["NB-weighted logistic regression"]
ax.axvline(100 * baseline["validation"], color="black", ls="--", lw=1)
ax.set_yticks(range(len(names)), [n.replace("BiLSTM, ", "") for n in names])
ax.tick_params(axis="y", labelsize=9)
ax.set(xlabel="validation sentences right, %")
plt.show()

# %% [markdown]
# In {numref}`fig-sentiment-variants` poolings, cells, word dropout and weight
# decay lie within about a point of each other, and the seeds of one variant up
# to three points apart: these runs show none of these choices to matter. Nor
# recurrence by itself: without it (orange) the maximum has 0.783, with it
# 0.781.

# %%
tried = {name: run["accuracy"] for name, run in reviews["validation"].items()}
for name in (
    "BiLSTM, max",
    "no recurrence, max",
    "NB in embeddings",
    "no recurrence, max, NB in embeddings",
    "no recurrence, mean",
    "no recurrence, mean, NB in embeddings",
    "NB log odds inside",
    "NB in both, more dropout",
):
    print(f"{name}: {np.mean(tried[name]):.3f}")
print(f"NB-weighted logistic regression: {baseline['validation']:.3f}")

# %% [markdown]
# What helps the BiLSTM is what the baseline
# knows.[ᶜ](claims.md#knowing_the_counts_helps) Embeddings whose first five
# numbers start at their word's $r$ of {eq}`eq-sentiment-ratio` lift 0.781 to
# 0.802. Adding the baseline's log odds of the whole text to the logits gives
# 0.799; both together, with more dropout, give 0.812. (A training text's log
# odds come from a fit that did not see it.) Without recurrence the same start
# does less: the mean gains a point, the maximum loses one. With three seeds
# each that is a hint, and ten folds will ask again.
#
# ## One test set, and how to read it
#
# The four poolings went on to the test sentences, with five seeds each, and two
# variants chosen on validation: the best of those without and of those with the
# baseline's log odds. The *ensemble* averages five probabilities; the
# *combination* mixes the log odds of the "NB in embeddings" ensemble with the
# baseline's, in the share that suits validation.
#
# Two classifiers have answered the same 1,067 sentences. Sentences that both
# get right, or both wrong, cannot tell the two apart; only those can on which
# exactly one is right. For the ensemble of five plain BiLSTMs against the
# baseline:

# %%
answers = RecordedRows(everything)
n_test, nb_share = reviews["rows"][2], baseline["test"]
plain = reviews["models"]["BiLSTM, max"]
only_network = plain["against_nb"]["only_first_right"]
only_nb = plain["against_nb"]["only_second_right"]
both = round(nb_share * n_test) - only_nb
counts = [
    [both, only_nb],
    [only_network, n_test - both - only_nb - only_network],
]
columns = ["BiLSTMs right", "BiLSTMs wrong"]
pd.DataFrame(counts, ["NB right", "NB wrong"], columns)

# %% [markdown]
# If they were equally good, each of the sentences off the diagonal would go to
# either with probability one half, like the toss of a coin. How often does a
# fair coin split so many tosses at least so unevenly?
#
# $$
# p = 2 \sum_{k=0}^{m} \binom{n}{k} 2^{-n},
# $$ (eq-sentiment-mcnemar)
#
# and 1 where that is more, with $n$ sentences off the diagonal and $m$ the
# smaller of the two counts.
# That is McNemar's test in its exact form ([McNemar,
# 1947](https://doi.org/10.1007/BF02295996)).

# %%
# Identity: mcnemar-by-hand
n, m = only_nb + only_network, min(only_nb, only_network)
p = 2 * sum(comb(n, k) for k in range(m + 1)) / 2**n
first = np.r_[np.ones(only_nb), np.zeros(only_network)].astype(bool)
assert np.isclose(p, mcnemar_test(first, ~first))
assert np.isclose(p, plain["against_nb"]["p"])
print(f"{only_nb} and {only_network} of {n}: p = {p:.2f}")

# %% [markdown]
# Eighty to 67 is what a fair coin does, or worse, in 32 of 100 such series. The
# 13 sentences, more than a point of accuracy, may be luck.
#
# {numref}`tab-sentiment-test` asks this question seven times. Among seven
# independent tests of classifiers that do not differ, three times in ten some
# $p$ is below $0.05$, for $1 - 0.95^7 = 0.30$.
# [Holm's](https://www.jstor.org/stable/4615733) adjustment pays for that:
# multiply the smallest $p$ by seven, the next by six, and so on, and never let
# a later one fall below an earlier.


# %%
def percent(value):
    return f"{value:.1%}"


table = {}
for name, run in reviews["models"].items():
    table[name] = {
        "single": f"{np.mean(run['test']):.1%}",
        "lowest": percent(min(run["test"])),
        "highest": percent(max(run["test"])),
        "ensemble": percent(run["ensemble"]),
        "p": run["against_nb"]["p"],
    }
mixture = reviews["combination"]
table["combination"] = {
    "ensemble": percent(mixture["test"]),
    "p": mixture["against_nb"]["p"],
}

# %% mystnb={"figure": {"name": "tab-sentiment-test", "caption": "1,067 test sentences: accuracy of single networks (mean, lowest and highest of five seeds) and of the ensemble of the five; McNemar's p of the ensemble against NB-weighted logistic regression, which is right on 80.1 %, and that p after Holm's adjustment for seven tests."}}
table = pd.DataFrame(table).T
table["Holm"] = holm(table["p"].astype(float).to_numpy())
for column in ("p", "Holm"):
    table[column] = table[column].map("{:.2f}".format)
table.fillna("")

# %% [markdown]
# By {numref}`tab-sentiment-test` the plain networks with the maximum are right
# on 77.4 %, one by one, and their ensemble on 78.9 %. NB in the embeddings,
# which lifts a single network to 79.0 %, brought this ensemble nothing: 78.5 %
# is below the mean of its own members, which may agree in their errors. The
# ensembles of mean and attention had a $p$ of 0.04 each; after Holm it is 0.25,
# and nothing in this table differs from the baseline by more than luck allows.
#
# Was the baseline left short? It has scikit-learn's default penalty, C = 1; a
# smaller C punishes large weights harder. Chosen on validation, among seven:

# %% mystnb={"figure": {"name": "tab-sentiment-counting", "caption": "Accuracy of what counts words or characters, at scikit-learn's default penalty and at the one of seven that suits validation."}}
kinds = list(everything["penalties"])
kinds = [kind for kind in kinds if kind in everything["counting"]]
counting = {}
for kind in kinds:
    tuned = everything["penalties"][kind]
    counting[kind] = {
        "C": f"{float(max(tuned, key=tuned.get)):g}",
        "validation, C = 1": f"{tuned.get('1', tuned.get('1.0')):.1%}",
        "validation, best C": f"{max(tuned.values()):.1%}",
        "test, C = 1": percent(answers.accuracies(f"{kind}, C = 1")[0]),
        "test, best C": percent(answers.accuracies(kind)[0]),
    }
pd.DataFrame(counting)

# %% [markdown]
# By {numref}`tab-sentiment-counting` TF-IDF had been left short, 76.1 % on
# validation against 78.3 % at the penalty that suits it; the NB-weighted
# regression was nearly at its best. And before a network's contribution is
# praised: what does *any* second opinion add? Average ten fits of the baseline,
# each without another tenth of the training sentences; and mix it with other
# models that count, just as it was mixed with the networks.

# %%
default = "NB-weighted, C = 1"
valid_truth = answers.labels("validation")


def mixed(name, part):
    z_nb = {p: answers.ensemble(default, p) for p in ("validation", part)}
    z = {p: answers.ensemble(name, p) for p in ("validation", part)}
    w = best_share(z["validation"], z_nb["validation"], valid_truth)
    return answers.right(w * z[part] + (1 - w) * z_nb[part], part)


def rival(name, part):
    if name.startswith("NB and "):
        return mixed(name.removeprefix("NB and "), part)
    return answers.right(answers.ensemble(name, part), part)


# %% mystnb={"figure": {"name": "tab-sentiment-mixtures", "caption": "What a second model that counts adds to the baseline (first row): accuracy on validation and test sentences, McNemar's p against the baseline on the test sentences, and p after Holm's adjustment for the three."}}
rivals = [default, "NB-weighted, ten fits"]
rivals += ["NB and TF-IDF, 1-grams", "NB and TF-IDF, characters"]
right = {name: rival(name, "test") for name in rivals}
p_values = [mcnemar_test(right[name], right[default]) for name in rivals[1:]]
adjusted = holm(p_values)
pd.DataFrame(
    {
        "validation": [percent(rival(n, "validation").mean()) for n in rivals],
        "test": [percent(right[name].mean()) for name in rivals],
        "p": ["", *(f"{p:.2f}" for p in p_values)],
        "Holm": ["", *(f"{p:.2f}" for p in adjusted)],
    },
    rivals,
)

# %% [markdown]
# Ten fits are worth no more than one. Mixed with characters the baseline
# is right on 81.5 % of the test sentences, more than any network. By
# {numref}`tab-sentiment-mixtures` its $p$ is 0.14, and 0.41 after Holm: this
# test set cannot tell a second opinion, whether it counts or reads, from luck.
#
# ### Ten folds
#
# One test set of 1,067 sentences cannot settle a point: the standard error of
# its accuracy is 1.2 points. So train and test ten times, on ten *folds* of all
# rows, each tested once, with ten networks that each stop on another tenth of
# the training rows.
#
# Ten differences are not ten experiments: any two folds share eight ninths of
# their training rows. [Nadeau and Bengio
# (2003)](https://doi.org/10.1023/A:1024068626366) therefore add the share
# tested over the share trained, $\frac19$ here, to the $\frac1{10}$ of
# independent differences,
#
# $$
# \widehat{\mathrm{var}} = \Bigl(\frac1{10} + \frac19\Bigr) s^2 ,
# $$ (eq-sentiment-folds)
#
# which makes an interval wider by $\sqrt{1 + 10/9} = 1.45$.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sentiment-folds", "caption": "Distance in accuracy over ten folds from NB-weighted logistic regression, in points, with 95 % intervals by Nadeau and Bengio, not adjusted for their number. Blue: networks with recurrence; orange: without; black: counting alone."}, "image": {"alt": "A forest plot of eight intervals. Above zero lie NB log odds inside, both combinations, and NB with characters, all about one point; ensembles alone, ten fits and NB with TF-IDF include zero."}}
folds = pd.DataFrame(reviews["folds"])
NB = "NB-weighted logistic regression"
singles = ["BiLSTM, NB in both", "no recurrence, NB in both"]
rivals = {
    name: fold_difference((folds[name] - folds[NB]).to_numpy())
    for name in folds.columns.drop([NB, "TF-IDF", "characters", *singles])
}
fig, ax = plt.subplots(figsize=(6.2, 3.4))
for place, (name, each) in enumerate(reversed(rivals.items())):
    color = COLORS["orange" if "without" in name else "blue"]
    color = "black" if name.startswith("NB and") or "fits" in name else color
    ax.plot([100 * each["low"], 100 * each["high"]], [place] * 2, color=color)
    ax.plot(100 * each["mean"], place, "o", color=color)
ax.axvline(0, color="black", lw=1)
ax.set_yticks(range(len(rivals)), list(reversed(rivals)), fontsize=9)
ax.set(xlabel="points above NB-weighted logistic regression")
plt.show()

# %% [markdown]
# Taken alone, four of the eight intervals of {numref}`fig-sentiment-folds` lie
# above zero.


# %% mystnb={"figure": {"name": "tab-sentiment-folds", "caption": "The same in numbers: mean difference from the baseline in points, its 95 % interval, its p, and p after Holm's adjustment for all rows."}}
def interval(each):
    return f"{100 * each['low']:+.2f} to {100 * each['high']:+.2f}"


adjusted = holm([each["p"] for each in rivals.values()])
compared = {
    name: {
        "points": f"{100 * each['mean']:+.2f}",
        "interval": interval(each),
        "p": f"{each['p']:.3f}",
        "Holm": f"{by_holm:.2f}",
    }
    for (name, each), by_holm in zip(rivals.items(), adjusted, strict=True)
}
print(f"NB-weighted logistic regression: {folds[NB].mean():.1%}")
pd.DataFrame(compared).T

# %% [markdown]
# The baseline is no straw man: Wang and Manning's own, a support vector
# machine, reached 79.4 % over ten folds of these sentences ([Kim,
# 2014](https://aclanthology.org/D14-1181), lists it). By
# {numref}`tab-sentiment-folds` networks with NB in their embeddings are 0.12
# points behind the baseline. With its log odds inside, too, they are 1.05
# ahead; mixed with the baseline instead, 1.07. But counted characters, mixed
# with it, are 1.26 ahead: the gain is no sign of
# reading.[ᶜ](claims.md#second_count_is_no_network) And no network's gain
# survives Holm,[ᶜ](claims.md#no_gain_survives_holm) the smallest adjusted $p$
# is 0.10, and the variants were chosen on rows that are in these folds.
#
# ### The same without recurrence
#
# The control is a network without recurrent layers: the mean of its token
# vectors, blind to order, chosen on validation among six. It differs in more
# than the recurrence: the recurrent one takes the maximum and trains for fewer
# epochs.

# %%
with_and_without = {
    "ensembles that know r": (
        "recurrent ensemble",
        "ensemble without recurrence",
    ),
    "mixed with the baseline": (
        "combination",
        "combination without recurrence",
    ),
    "single networks that know r and the log odds": singles,
}
worth = {
    name: fold_difference((folds[a] - folds[b]).to_numpy())
    for name, (a, b) in with_and_without.items()
}

# %% mystnb={"figure": {"name": "tab-sentiment-recurrence", "caption": "What recurrence adds over the same ten folds, in points, with 95 % intervals by Nadeau and Bengio; p after Holm's adjustment for these rows."}}
adjusted = holm([each["p"] for each in worth.values()])
pd.DataFrame(
    {
        name: {
            "points": f"{100 * each['mean']:+.2f}",
            "interval": interval(each),
            "Holm": f"{by_holm:.2f}",
        }
        for (name, each), by_holm in zip(worth.items(), adjusted, strict=True)
    }
).T

# %% [markdown]
# In {numref}`tab-sentiment-recurrence` ensembles with recurrence are 0.52
# points ahead of those without, their mixtures
# 0.28,[ᶜ](claims.md#recurrence_is_worth_half_a_point) and single networks that
# are handed everything are 0.35 points
# *behind*.[ᶜ](claims.md#recurrence_adds_less_than_a_point) Only the first
# interval leaves zero out; adjusted for the three, its $p$ is 0.12: half a
# point, and perhaps none. Of the 1.07 points that a mixture gains, 0.79 come
# with a network that is blind to order.
#
# One split says the same, by five fresh seeds
# each:[ᶜ](claims.md#recurrence_is_worth_little)

# %%
for name in singles:
    right = [100 * each for each in answers.accuracies(name)]
    print(f"{name}: {median_and_range(right, 1)} %")

# %% [markdown]
# ## Can the probabilities be believed?
#
# A classifier that says "80 %" of a hundred sentences should be right on
# eighty. Sort the sentences by *confidence*, the probability of the class that
# is named, into ten bins from one half to one. The *expected calibration error*
# is the mean gap between a bin's confidence and its share of right answers,
# weighted by its number of sentences ([Guo et al.,
# 2017](https://arxiv.org/abs/1706.04599)).

# %%
truth = answers.labels()
z = answers.ensemble("TF-IDF, 1-grams, C = 1")
table = reliability(z, truth)
by_hand = np.average(
    abs(table["accuracy"] - table["confidence"]), weights=table["texts"]
)
assert np.isclose(by_hand, expected_calibration_error(z, truth))
print(table.round(2).to_string())
print(f"calibration error: {by_hand:.1%}")

# %% [markdown]
# How small can it be? Not zero: a bin of sixty sentences misses its own
# probability by chance. So draw labels that *are* right as often as the
# classifier says, again and again. Only what lies above that *floor* is a
# fault.

# %%
floor = calibration_floor(z, rng=0)
print(f"perfect: {floor.mean():.1%} on average,")
print(f"below {np.quantile(floor, 0.95):.1%} in 95 of 100 draws")

# %% [markdown]
# The remedy is one number. Divide the log odds by a *temperature* $T$,
# chosen so that the validation sentences lose least: above 1 it makes the
# classifier less sure, below 1 surer, and no answer changes, because no sign
# does.

# %%
temperatures, calibrated = {}, {}
for name in answers.names:
    temperatures[name] = fit_temperature(
        answers.ensemble(name, "validation"), valid_truth
    )
    calibrated[name] = answers.ensemble(name) / temperatures[name]

# %% mystnb={"figure": {"name": "tab-sentiment-calibration", "caption": "Expected calibration error on the test sentences, before and after dividing the log odds by the temperature T that suits validation, and what a perfectly calibrated classifier with the same confidence shows: mean and 95th percentile of 1,000 draws."}}
errors = {}
for name in answers.names:
    raw = answers.ensemble(name)
    floor = calibration_floor(raw, rng=0)
    errors[name] = {
        "error": percent(expected_calibration_error(raw, truth)),
        "floor": percent(floor.mean()),
        "95 % below": percent(np.quantile(floor, 0.95)),
        "T": f"{temperatures[name]:.2f}",
        "scaled": percent(expected_calibration_error(calibrated[name], truth)),
    }
pd.DataFrame(errors).T

# %% [markdown]
# A bin's share of right answers is uncertain where it holds few sentences. The
# interval of [Wilson (1927)](https://doi.org/10.1080/01621459.1927.10502953)
# says how uncertain.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sentiment-reliability", "caption": "Reliability of TF-IDF at its default penalty, as it is and after temperature scaling: share right in each bin of confidence, with 95 % intervals by Wilson. On the dashed line, stated and true confidence agree."}, "image": {"alt": "Two panels with a dashed diagonal. Left: the points lie above the diagonal, the classifier is right more often than it says. Right: the points lie around the diagonal, within their intervals."}}
fig, axes = plt.subplots(1, 2, figsize=(6.2, 3.2), sharey=True)
name = "TF-IDF, 1-grams, C = 1"
for ax, odds, title in zip(
    axes, (z, calibrated[name]), ("as it is", "scaled"), strict=True
):
    for confidence, accuracy_, texts_ in reliability(odds, truth).to_numpy():
        low, high = share_interval(round(accuracy_ * texts_), int(texts_))
        ax.plot([confidence] * 2, [low, high], color=COLORS["blue"], lw=1)
        ax.plot(confidence, accuracy_, "o", color=COLORS["blue"])
    ax.plot([0.5, 1], [0.5, 1], color="black", ls="--", lw=1)
    ax.set(xlabel="confidence", title=title, ylim=(0.3, 1.02))
axes[0].set(ylabel="share right")
plt.show()

# %% [markdown]
# TF-IDF at its default penalty errs by 9.5 points, and by
# {numref}`fig-sentiment-reliability` it is too modest: of the sentences of
# which it says three quarters it gets nine in ten right. A temperature of 0.54
# takes the error to 2.0 %, within what chance
# explains;[ᶜ](claims.md#one_temperature_calibrates) its better penalty does the
# same by itself. The plain BiLSTMs' 3.4 % lie within their floor; those that
# know the baseline are too sure. By {numref}`tab-sentiment-calibration` scaling
# takes six of the ten further off, by up to about a point, for $T$ is itself
# estimated from a thousand sentences.
#
# ## Where it goes wrong
#
# What do the mistakes have in common? Cut the test set into slices, and give
# each share its interval.


# %% mystnb={"figure": {"name": "tab-sentiment-slices", "caption": "Test sentences right, in percent, by slice, with 95 % intervals by Wilson: the baseline, and ensembles of five networks."}}
def with_interval(share, of):
    low, high = share_interval(round(share * of), of)
    return f"{share:.1%} ({100 * low:.0f}–{100 * high:.0f})"


judges = ["NB-weighted", "BiLSTM", "BiLSTM, NB in both"]
slices = answers.slices()
by_slice = {"texts": slices.sum()}
for name in judges:
    right = answers.right(answers.ensemble(name))
    by_slice[name] = {
        part: with_interval(right[rows].mean(), rows.sum())
        for part, rows in slices.items()
    }
pd.DataFrame(by_slice)

# %% [markdown]
# By {numref}`tab-sentiment-slices` contrast costs everybody seven points or
# more:[ᶜ](claims.md#contrast_costs_everybody) the baseline is right on 72.3 %
# (66 to 78) of such sentences and on 82.2 % where nothing is negated or
# contrasted, the plain networks on 73.2 % and 80.9 %. On 224 sentences a gain
# of three points could not be seen.
#
# Then read the mistakes, on *validation* texts: whoever reads test texts and
# mends what is wrong there has trained on them. Here are those of the one-way
# LSTM, seed 0, on new twins with up to 40 words behind the verdict:

# %% mystnb={"figure": {"name": "fig-sentiment-mistakes", "caption": "Mistakes of one LSTM on twins with long tails, the surest first."}}
mistakes = recorded["mistakes of LSTM, last"]
by_length = pd.DataFrame(mistakes["by length"]).T.rename_axis("tokens")
print(by_length.assign(texts=by_length["texts"].astype(int)).round(2))
mistakes_lab(pd.DataFrame(mistakes["mistakes"]), "Mistakes of the one-way LSTM")

# %% [markdown]
# Up to 40 tokens it is nearly always right, beyond 60 in 0.62 of cases, and
# {numref}`fig-sentiment-mistakes` has the texts.
#
# ### Sentences made to fail
#
# Slices only sort the mistakes that the data happen to contain. [Ribeiro et al.
# (2020)](https://aclanthology.org/2020.acl-main.442) *generate* sentences that
# a classifier must be able to judge: a label that must come out, a change that
# must not matter (invariance), a change that may only push one way (direction).

# %% mystnb={"figure": {"name": "tab-sentiment-tests", "caption": "One sentence of each behaviour test, and what the test changes in it."}}
examples = {
    each.name: {
        "kind": each.kind,
        "text": each.texts[0],
        "changed": [*each.changed, ""][0],
    }
    for each in behaviour_tests()
}
pd.DataFrame(examples).T

# %% [markdown]
# {numref}`tab-sentiment-tests` shows one of a hundred sentences of each kind,
# built from 32 adjectives. Did the training sentences hold them?

# %%
seen_in = pd.Series(texts["adjectives of the behaviour tests"]).sort_values()
print(f"{(seen_in > 0).sum()} of {len(seen_in)} adjectives seen in training,")
print(f"the rarest, {seen_in.index[0]}, in {seen_in.iloc[0]} sentences")

# %% [markdown]
# Who fails how often?

# %%
twins_runs = [
    run for name, run in recorded.items() if name.startswith("behaviour")
]

# %% mystnb={"figure": {"name": "tab-sentiment-behaviour", "caption": "Behaviour tests failed, in percent of 100 sentences. NB-weighted: with 95 % intervals by Wilson. Networks: the median, lowest and highest of five seeds; the last column is the BiLSTM with a maximum that was trained on twins."}}
tests = [each.name for each in behaviour_tests()]
rates = {
    "NB-weighted": {
        test: with_interval(*answers.failures(judges[0], test), 100)
        for test in tests
    }
}
for name in judges[1:]:
    rates[name] = {
        test: median_and_range(
            [100 * each for each in answers.failures(name, test)], 0
        )
        for test in tests
    }
rates["twins"] = {
    test: median_and_range([100 * run[test] for run in twins_runs], 0)
    for test in tests
}
pd.DataFrame(rates)

# %% [markdown]
# In {numref}`tab-sentiment-behaviour` the classifiers of real text fail most
# negations,[ᶜ](claims.md#most_negations_fail) and on contrast they are at
# chance. And of plain verdicts like "the whole cast was brilliant." the
# baseline fails 35 % (26 to 45) and the plain networks 42 %, although they have
# seen every word. None of this shows in an accuracy of four in five.
#
# The BiLSTM that was right on every part of the twins passes every test with
# one of its seeds; others fail up to 43 % of the sentences with "but" and up to
# 56 % of those with one more word.[ᶜ](claims.md#right_on_twins_fails_elsewhere)
# What a network does where it was not trained is left to the seed.
#
# ## Beyond good and bad
#
# **More classes.** For "negative, neutral, positive" the head gets three
# columns: `SentimentClassifier(..., classes=3)`. Neutral is a class of its own
# and not the point where a two-class model is unsure: "the film lasts two
# hours" is neutral and easy. An exercise makes three classes of *stars*. The
# softmax does not know their order; a squared error on their number does.
#
# **Rare classes.** The sentences above are half good, half bad. Complaints in
# a shop's mail are not. Take the test sentences with one positive in ten, and
# ask the baseline:

# %%
positive = np.flatnonzero(truth == 1)
kept = np.sort(np.r_[np.flatnonzero(truth == 0), positive[:60]])
z_kept, truth_kept = answers.ensemble("NB-weighted")[kept], truth[kept]
print(f"always negative: {(truth_kept == 0).mean():.1%} right")
print(f"the baseline: {((z_kept > 0) == truth_kept).mean():.1%} right")

# %% [markdown]
# By accuracy the baseline now loses to a constant. Ask instead, for the rare
# class: of those called positive, how many are (*precision*)? Of those that
# are, how many were called so (*recall*)? Their harmonic mean is *F1*; for the
# constant, which finds none, it is 0.


# %%
def f1(called, true):
    hits = np.sum(called & true)
    precision, recall = hits / called.sum(), hits / true.sum()
    return precision, recall, 2 * precision * recall / (precision + recall)


for name, shift in {"as trained": 0, "prior shifted": log(60 / 528)}.items():
    scores = f1(z_kept + shift > 0, truth_kept == 1)
    right = ((z_kept + shift > 0) == truth_kept).mean()
    print(f"{name}: {right:.1%} right, precision {scores[0]:.2f},")
    print(f"  recall {scores[1]:.2f}, F1 {scores[2]:.2f}")

# %% [markdown]
# Two in three of its positive calls were false alarms, for it had learned that
# half of all texts are good. Telling it the new share, by adding
# $\log\frac{60}{528}$ to the log odds, halves the recall, nearly doubles the
# precision and lifts accuracy above the constant's.
#
# ## The frontier, and your own vectors
#
# What this chapter lacks is text beyond its 8,529 sentences. Logistic
# regression on frozen sentence vectors of SimCSE ([Gao et al.,
# 2021](https://aclanthology.org/2021.emnlp-main.552)) reaches, cross-validated
# on these sentences, by the files that its authors published with their models,
# 80.8 % with [a BERT trained without
# labels](https://huggingface.co/gaotianyu1350/unsup-simcse-bert-base-uncased/blob/main/eval_results.txt)
# and 87.0 % with [a large supervised
# RoBERTa](https://huggingface.co/gaotianyu1350/sup-simcse-roberta-large/blob/main/eval_results.txt).
# So 80 % is no frontier.
#
# A step that way: start the embeddings at vectors trained on billions of words,
# GloVe's or fastText's. Name your file; without one, the table that the BiLSTM
# above has learned stands in.

# %%
mine = Path("vectors.txt")  # yours: in a line a token, then its numbers
if not mine.is_file():
    mine = Path(tempfile.mkdtemp()) / "stand_in.txt"
    rows = model.embedding.weight.tolist()[2:]
    lines = [
        " ".join([token, *map(str, row)])
        for token, row in zip(vocabulary.tokens[2:], rows, strict=True)
    ]
    mine.write_text("\n".join(lines), encoding="utf-8")
vectors, known = load_vectors(mine, vocabulary)
print(f"{mine.name} knows {known.mean():.0%} of the vocabulary")

# %% tags=["nbval-ignore-output"]
# Not compared: your file gives other numbers.
reached = {}
for start in ("random vectors", "vectors of the file"):
    started = build(vocabulary, vectors.shape[1], pooling="max")
    if start != "random vectors":
        start_from(started, vectors)
    train_classifier(started, train[:400], valid[:200], vocabulary, epochs=12)
    reached[start] = accuracy(started, test)
    print(f"{start}: {reached[start]:.2f} of the test right")

# %%
if mine.name == "stand_in.txt":
    assert reached["vectors of the file"] - reached["random vectors"] > 0.2

# %% [markdown]
# From random vectors 400 sentences teach next to nothing, from the stand-in's
# nearly all. But those were learned from the twins' labels: expect less of
# GloVe's.
#
# ## Your own texts
#
# One command makes a classifier from a file of yours, and another asks it:
#
#     python -m utils.sentiment train reviews.csv --out model/
#     python -m utils.sentiment predict model/ new.csv --out verdicts.csv
#
# The first trains a bidirectional network and the NB-weighted regression on the
# same rows, keeps the one with the lower log loss on validation rows, fits a
# temperature to these, scores both on test rows that had no part in it, and
# saves. There are two classes; of stars, `--negative 1,2 --positive 4,5` says
# which are which.
#
# What is wrong in a file is named by its line:

# %%
with tempfile.TemporaryDirectory() as folder:
    mine = Path(folder) / "mine.csv"
    mine.write_text("text,label\nA fine film.,1\nA dull one.,bad\n")
    try:
        load_reviews(mine)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## What failed
#
# Our first paired test gave $p = 1$ for everything; one of the exercises has
# it.
#
# ## Summary
#
# - Twins hold the same words and opposite labels, so that a bag of words is
#   right on exactly one of each
#   pair.[ⁱ](#a-bag-judges-one-of-each-pair)
# - A small BiLSTM with a maximum over time is right on twins, on held-out
#   combinations and behind 400 neutral
#   words.[ᶜ](claims.md#maximum_learns_the_twins)
# - Last states learn the twins later than a
#   maximum.[ᶜ](claims.md#last_states_learn_later)
# - A plain RNN had not learned them in 40
#   epochs.[ᶜ](claims.md#plain_rnn_stays_at_chance)
# - One-way LSTMs that are right on the test may be right or at chance behind
#   400 neutral words.[ᶜ](claims.md#a_perfect_test_hides_length)
# - Trained on longer tails, they
#   hold.[ᶜ](claims.md#longer_tails_in_training_help)
# - Most seeds of the BiLSTM that is right on all twins fail a tenth or more of
#   simple sentences of another
#   form.[ᶜ](claims.md#right_on_twins_fails_elsewhere)
# - PyTorch, Keras and NumPy give the same verdict with the same
#   weights.[ⁱ](#same-verdicts)
# - On real sentences a single BiLSTM from random embeddings, at a learning rate
#   that was not tuned, stays behind NB-weighted logistic
#   regression.[ᶜ](claims.md#single_networks_are_behind)
# - It gains when it is given what the baseline
#   knows.[ᶜ](claims.md#knowing_the_counts_helps)
# - Given that, single networks with and without recurrent layers differ by less
#   than a point and a half.[ᶜ](claims.md#recurrence_is_worth_little)
# - Over ten folds they differ by less than
#   one.[ᶜ](claims.md#recurrence_adds_less_than_a_point)
# - Over ten folds, networks mixed with the baseline gain about a point, which
#   does not survive Holm's adjustment.[ᶜ](claims.md#no_gain_survives_holm)
# - A second model that counts adds as much, within a
#   point.[ᶜ](claims.md#second_count_is_no_network)
# - Over ten folds ensembles with recurrence are about half a point ahead of
#   those without, and their mixtures with the baseline by less; adjusted, both
#   may be luck.[ᶜ](claims.md#recurrence_is_worth_half_a_point)
# - TF-IDF at its default penalty is less sure than it should be by more than
#   chance explains, and one temperature, fitted on validation, mends
#   it.[ᶜ](claims.md#one_temperature_calibrates)
# - Sentences with a word of contrast are harder for the baseline and for the
#   networks.[ᶜ](claims.md#contrast_costs_everybody)
# - Trained on real reviews, both are wrong on most sentences that put "not"
#   before an adjective.[ᶜ](claims.md#most_negations_fail)
#
# ## Exercises
#
# ```{exercise-start} Pooling under padding (*easy*)
# :label: ex-sentiment-max
# ```
# Write `masked_max(outputs, mask)`: each unit's largest value over the valid
# steps. outputs (batch, time, hidden), mask (batch, time), True where a step is
# valid. Which value must stand for the padding? Check it with
# `check_masked_max(masked_max)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-max
# :class: dropdown
# ```
# Not 0: a unit that is negative throughout would find it. Only $-\infty$ loses
# against everything.


# %%
def masked_max(outputs, mask):
    return np.where(mask[:, :, None], outputs, -np.inf).max(axis=1)


assert check_masked_max(masked_max)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} The ratio of a word (*easy*)
# :label: ex-sentiment-ratio
# ```
# Write `ratio(counts, labels)`, the log-count ratios of
# {eq}`eq-sentiment-ratio`: counts (text, word), labels (text,), 1 or 0; the
# result (word,). Check it with `check_nb_ratio(ratio)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-ratio
# :class: dropdown
# ```
# Add one to each class's counts *before* dividing by their sum.


# %%
def ratio(counts, labels):
    a = 1 + counts[labels == 1].sum(axis=0)
    b = 1 + counts[labels == 0].sum(axis=0)
    return np.log((a / a.sum()) / (b / b.sum()))


assert check_nb_ratio(ratio)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A test that always says 1 (*medium*)
# :label: ex-sentiment-mcnemar
# ```
# This test of two classifiers answers $p = 1$ whatever they do. Say why before
# you run it, mend it, and check it with `check_mcnemar(test)`.
#
#     from scipy.stats import binomtest
#
#     def test(first, second):  # booleans: which texts each gets right
#         only_first, only_second = first @ ~second, ~first @ second
#         n = int(only_first) + int(only_second)
#         return binomtest(int(only_first), n).pvalue
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-mcnemar
# :class: dropdown
# ```
# `@` of two boolean arrays is an "or" of "and"s: it says *whether* there is
# such a text, and not how many there are. Both counts are 1, and a coin tossed
# twice that falls once on either side is as even as can be.


# %%
def test_of_two(first, second):
    m = min(np.sum(first & ~second), np.sum(~first & second))
    n = np.sum(first != second)
    return min(1, 2 * sum(comb(n, k) for k in range(m + 1)) / 2**n)


assert check_mcnemar(test_of_two)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} How sure, how right (*medium*)
# :label: ex-sentiment-calibration
# ```
# Write `error(confidence, right)`, the expected calibration error over ten bins
# from one half to one, and check it with `check_calibration_error(error)`.
# Then: what is the error of a classifier that says "100 %" of every text and is
# right on 80 %?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-calibration
# :class: dropdown
# ```
# All its texts are in one bin, whose gap is 20 points.


# %%
def error(confidence, right):
    bins = np.minimum(((confidence - 0.5) * 20).astype(int), 9)
    gaps = [
        abs(np.sum(confidence[bins == b] - right[bins == b])) for b in range(10)
    ]
    return sum(gaps) / len(right)


assert check_calibration_error(error)
print(f"{error(np.ones(10), np.arange(10) < 8):.1f}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Three classes, one of them common (*medium*)
# :label: ex-sentiment-macro
# ```
# Of a hundred reviews 12 have one star, 8 three and 80 five, and a classifier
# always says "positive". Write `macro_f1(predicted, true)` for labels 0, 1, 2:
# the mean of the classes' F1, 0 where none is found. Check it with
# `check_macro_f1(macro_f1)`; then ask it of your own stars.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-macro
# :class: dropdown
# ```
# F1 is twice the hits over those called so plus those that are so. Two of the
# three classes score nothing.


# %%
def macro_f1(predicted, true):
    scores = []
    for k in range(3):
        called, there = predicted == k, true == k
        scores.append(2 * (called & there).sum() / (called.sum() + there.sum()))
    return np.mean(scores)


assert check_macro_f1(macro_f1)
stars = np.repeat([1, 3, 5], [12, 8, 80])
true = np.digitize(stars, [3, 4])
always = np.full(100, 2)
print(f"{(always == true).mean():.0%} right, F1 {macro_f1(always, true):.2f}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} When padding and unknown are one (*medium*)
# :label: ex-sentiment-unknown
# ```
# A colleague gives unknown words the number 0 as well, and counts each row's
# length as `(tokens != 0).sum()`. What does the classifier then read of "the
# zeitgeist , albeit risible , was not brilliant"? Say it first, then run it.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-unknown
# :class: dropdown
# ```
# Each unknown word shortens the length by one, and the *last* words fall out:
# here the whole verdict. Keras's `mask_zero=True` would drop the unknown words
# themselves, wherever they stand. Neither raises an error.

# %%
numbers = vocabulary.encode(
    "the zeitgeist , albeit risible , was not brilliant"
)
confused = np.where(numbers == Vocabulary.UNK, Vocabulary.PAD, numbers)
length = (confused != 0).sum()
print("read:", vocabulary.decode(numbers[:length]))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A copy that leaks (*medium*)
# :label: ex-sentiment-leak
# ```
# A widely used copy of a sentiment data set has its validation sentences in its
# training file. Do the same to the twins: train a one-nearest-neighbour
# classifier on TF-IDF of up to three words, with and without the validation
# sentences. What do validation and test say, and who warns you?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-leak
# :class: dropdown
# ```
# A neighbour's label is right when the neighbour is the sentence itself.
# Validation looks perfect; the test, which was not copied, does not move.
# `warn_of_repeats` compares the texts.

# %%
leaking = pd.concat([train, valid])
for name, part in {"clean": train, "leaking": leaking}.items():
    nearest = make_pipeline(tfidf_regression(3)[0], KNeighborsClassifier(1))
    nearest.fit(part["text"], part["label"])
    found = [
        nearest.score(each["text"], each["label"]) for each in (valid, test)
    ]
    print(f"{name}: validation {found[0]:.0%}, test {found[1]:.0%}")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warn_of_repeats(leaking, valid)
print(fill(str(caught[0].message), 80))

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Iyyer et al. (2015)](https://aclanthology.org/P15-1162): averaged word
#   vectors come close to networks that read.
#
# Before: [the stock forecaster](10_stock_forecaster.ipynb). Next: [recurrence
# after transformers](12_recurrence_after_transformers.ipynb).
