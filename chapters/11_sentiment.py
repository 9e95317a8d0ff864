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
# Is this review good or bad? A list of words with weights often knows. When
# does the *order* of the words decide, which networks can use it, and do they
# beat the list on real text?
#
# At the end you will be able to
#
# - turn texts into batches without letting padding or unknown words change an
#   answer;
# - build a bidirectional classifier with four poolings, in PyTorch and in
#   Keras, and say what each pooling can and cannot hold;
# - build a test that no bag of words can pass, and prove it;
# - compare a network with a strong baseline on real reviews: paired, over
#   folds, with calibration;
# - find what a classifier gets wrong, by slices, by reading, and by sentences
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
            "This copy has no address yet: run `make repository URL=...` in it."
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

# %%
import keras
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader

from utils.data import Vocabulary, make_twins
from utils.data.batches import bucket_batches, mask_from_lengths, pad
from utils.data.reviews import load_reviews, warn_of_repeats
from utils.data.text import tokenize
from utils.data.twins import split_pairs
from utils.exercises import check_masked_max
from utils.figures.style import use_book_style
from utils.labs import Reading, draw_reading, mistakes_lab, reading_lab

# %%
from utils.length.padding import pool_max
from utils.notebook import load_results, show_source
from utils.scratch import Bidirectional

# %%
from utils.sentiment.bag_of_words import NaiveBayesWeights, tfidf_regression
from utils.sentiment.behaviour import BehaviourTest, behaviour_tests
from utils.sentiment.keras import sentiment_classifier
from utils.sentiment.pytorch import (
    ReviewBatches,
    SentimentClassifier,
    positive_probabilities,
    probabilities_along,
)
from utils.training import fit, keep_keras_on_cpu
from utils.weights import from_torch, to_keras

keep_keras_on_cpu()
use_book_style()
pd.set_option("display.max_colwidth", None)

# %% [markdown]
# ## Two sentences, one bag
#
# A bag of words counts words and forgets their order. To see what that costs,
# the book generates reviews as *twins*: two clauses of opposite sentiment and a
# word of contrast that says which one counts. Exchange the clauses and the
# verdict turns over, while not a single word changes.

# %%
frame = make_twins(9500, rng=0)
pairs = frame[frame.duplicated("pair", keep=False)]
pairs[["label", "text"]][:2]

# %% [markdown]
# A classifier that sees a bag gives both twins the same answer, whatever it has
# learned, and twins have opposite labels. So it is right on exactly one of each
# pair. Three sentences in four are twins; even if it judges all the rest,
# single clauses, it reaches at most
# $\tfrac34 \cdot \tfrac12 + \tfrac14 = \tfrac58$ of the corpus.
#
# Half of the clauses negate their adjective, and some combinations of negator
# and adjective are *held out*: no training sentence has "not brilliant", though
# both words occur in many. Both twins always go to the same part.

# %%
seen, held_out = frame[~frame["held_out"]], frame[frame["held_out"]]
train, valid, test = split_pairs(seen, (0.8, 0.1, 0.1), rng=0)
twins = test[test.duplicated("pair", keep=False)]
assert not train["text"].str.contains("not brilliant").any()
sizes = {
    "train": train,
    "validation": valid,
    "test": test,
    "held out": held_out,
}
print({name: len(part) for name, part in sizes.items()})

# %%
bag = tfidf_regression().fit(train["text"], train["label"])
on_twins, overall = (
    bag.score(part["text"], part["label"]) for part in (twins, test)
)
share = len(twins) / len(test)
assert on_twins == 0.5
assert overall <= share / 2 + 1 - share
print(f"bag of words: {on_twins:.0%} on twins, {overall:.0%} on the whole test")

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
# Build it from the *training* texts alone. On real text give it a minimum
# frequency: a word seen once gets a vector fitted to one text, and if every
# training word is known, the unknown token is never trained.
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
# Many a tutorial pads in the data set, before the batch is drawn. Then every
# row has the same length, and the buckets or the packing that follow save
# nothing. What each way computes in vain:

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
# `ReviewBatches` does the last of these, for the loop of `utils.training`:

# %%
show_source(ReviewBatches.__iter__, ReviewBatches.inputs)
batches = ReviewBatches(train["text"], train["label"], vocabulary)
tokens, text_lengths, _ = next(iter(batches))
print(tuple(tokens.shape), "lengths", text_lengths.unique().tolist())

# %% [markdown]
# ## The classifier
#
# Each token's vector is a row of a table $E$; a bidirectional LSTM
# ([chapter 07](07_bidirectional.ipynb)) reads the vectors; a *pooling* makes
# one vector of all states; a linear layer gives two logits:
#
# $$
# h_t = [\overrightarrow{h}_t; \overleftarrow{h}_t], \qquad
# v = \mathrm{pool}(h_1, \dots, h_n), \qquad
# p = \mathrm{softmax}(W v + b).
# $$ (eq-sentiment-classifier)
#
# Four poolings are in use, each over the $n$ valid steps alone:
#
# $$
# v^{\text{last}} = [\overrightarrow{h}_n; \overleftarrow{h}_1], \qquad
# v^{\text{mean}} = \frac1n \sum_{t \le n} h_t, \qquad
# v^{\text{max}}_k = \max_{t \le n} h_{tk}, \qquad
# v^{\text{attention}} = \sum_{t \le n} \alpha_t h_t
# $$ (eq-sentiment-poolings)
#
# with $\alpha$ of [chapter 09](09_attention.ipynb). Only the last must carry
# its finding through every step that follows. In a maximum each unit may keep
# whatever it saw, and the gradient goes straight to the step where it saw it.

# %%
show_source(SentimentClassifier.read, SentimentClassifier.pool)

# %% [markdown]
# The backward direction reads each row reversed within its own length, so it
# never meets padding; it gives what packing gives and costs less on a CPU
# ([chapter 05](05_any_length.ipynb)). Train it, stopping at the epoch with the
# lowest validation loss:


# %%
def train_classifier(train, valid, vocabulary, **options):
    torch.manual_seed(0)
    model = SentimentClassifier(
        len(vocabulary), 32, 32, dropout=(0.1, 0.1), word_dropout=0.0, **options
    )
    fit(
        model,
        ReviewBatches(train["text"], train["label"], vocabulary),
        ReviewBatches(valid["text"], valid["label"], vocabulary, 256),
        loss=nn.functional.cross_entropy,
        optimizer=torch.optim.Adam(model.parameters(), 5e-3),
        epochs=10,
        clip=1.0,
    )
    return model


# %%
model = train_classifier(train, valid, vocabulary)


def accuracy(part):
    found = positive_probabilities(model, part["text"], vocabulary) > 0.5
    return (found == part["label"]).mean()


# %%
tails = {n: make_twins(400, rng=n, tail=(n, n)) for n in (50, 100, 400)}
assert accuracy(test) >= 0.99
assert accuracy(held_out) >= 0.97
assert all(accuracy(part) >= 0.97 for part in tails.values())
print(
    "right: 99 in 100 of the test, 97 in 100 of held-out combinations and of "
    "long tails"
)

# %% [markdown]
# What a bag of words provably cannot do takes the BiLSTM seconds. It also
# judges combinations that it never saw, and sentences with 400 neutral words
# behind the verdict, where no training sentence had more than 12.
#
# ### The same model in Keras, and in NumPy
#
# The embedding makes a mask from the zeros of the padding, and Keras's layers
# hand it on. One does not use it: `GlobalMaxPooling1D` finds the 0 that stands
# after a row's end wherever a unit is negative throughout. The book's layer
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
twin = sentiment_classifier(len(vocabulary), 32, 32, pooling="max")
keras.config.set_dtype_policy("float32")
twin.get_layer("embedding").set_weights([arrays["embedding.weight"]])
twin.get_layer("recurrent").set_weights(to_keras(layers).get_weights())
twin.get_layer("head").set_weights(
    [arrays["head.weight"].T, arrays["head.bias"]]
)
padded, few_lengths = pad(
    [vocabulary.encode(text) for text in few], value=Vocabulary.PAD
)
keras_logits = twin(padded).numpy()

# %%
# NumPy
outputs, _ = layers.forward(
    arrays["embedding.weight"][padded], lengths=few_lengths
)
pooled = pool_max(outputs, mask_from_lengths(few_lengths, padded.shape[1]))
logits = pooled @ arrays["head.weight"].T + arrays["head.bias"]
assert np.abs(logits - keras_logits).max() < 1e-10
odds = np.exp(logits)
assert np.abs(odds[:, 1] / odds.sum(axis=1) - torch_found).max() < 1e-6
print("NumPy, PyTorch and Keras agree")

# %% [markdown]
# Trained by Keras from its own initial weights, on rows padded to one length,
# it learns the same:


# %%
def encode(part):
    numbers, _ = pad(
        [vocabulary.encode(text) for text in part["text"]], value=Vocabulary.PAD
    )
    return numbers, part["label"].to_numpy()


keras.utils.set_random_seed(0)
keras_model = sentiment_classifier(len(vocabulary), 32, 32, dropout=(0.1, 0.1))
keras_model.compile(
    keras.optimizers.Adam(5e-3, clipnorm=1.0),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=False,
)
keras_model.fit(*encode(train), batch_size=64, epochs=5, verbose=0)
keras_accuracy = keras_model.evaluate(*encode(test), verbose=0)[1]
assert keras_accuracy >= 0.99
print("Keras, too: 99 in 100 of the test")

# %% [markdown]
# ### Which part of the architecture does it?
#
# One seed proves little. `python -m benchmarks.sentiment_twins` trains six
# architectures with five seeds each for ten epochs, two of them for thirty as
# well, beside bags of words and of n-grams. The table gives the lowest and the
# highest accuracy:

# %%
recorded = load_results("sentiment_twins")["results"]
parts = ["test", "held out", "tail 50", "tail 100", "tail 400"]
scores = {name: run for name, run in recorded.items() if "test" in run}
table = pd.DataFrame(scores).T[parts]
table.index = table.index.str.replace(r", seed \d", "", regex=True)
seeds = table.groupby(level=0, sort=False)


def lowest_to_highest(scores):
    low, high = f"{scores.min():.2f}", f"{scores.max():.2f}"
    return low if low == high else f"{low} – {high}"


seeds.agg(lowest_to_highest)

# %% [markdown]
# - **Bags** stay near chance on everything: on twins they must, and on single
#   clauses a weighted sum of words cannot join a negator to its adjective. On
#   held-out combinations they fall below.
# - **BiLSTM with maximum or attention**: every seed is perfect everywhere.
# - **BiLSTM with the last states**: after ten epochs most seeds are still at
#   chance; after thirty all five are perfect. It is slow, not incapable.
# - **One-way LSTM**: thirty epochs make all five seeds perfect on the test *and
#   leave most of them at chance behind 400 neutral words*. A perfect test score
#   does not say what a model has learned.
# - **The GRU** learns faster and holds longer here; the plain RNN learns
#   nothing in ten epochs.
#
# The order of the rows is a finding about this corpus, these sizes and ten
# epochs, not a law.

# %% [markdown]
# ## A verdict, word by word
#
# The verdict of this review stands in its first half. After every word each
# recorded classifier was asked what it would say if the text ended there:

# %% mystnb={"image": {"alt": "Probability of positive after each word of a review, a panel per classifier. RNN: a flat line at one half. LSTM: near zero after dull, rising from the comma to almost one before brilliant, then back to zero. BiLSTM with maximum and with attention: down to zero at dull, and there they stay."}}
readings = [
    Reading(
        each["tokens"],
        {name: np.array(v) for name, v in each["verdicts"].items()},
    )
    for each in recorded["word by word"]["readings"]
]
draw_reading(readings[1])

# %% [markdown]
# The RNN never leaves one half. The one-way LSTM is sure after "dull", turns
# with the comma and "although", and comes back only after "brilliant": its
# state must carry the argument, and then the answer, to the end. The two
# BiLSTMs read each beginning from both ends; they are sure at "dull", and
# neither the concession nor the tail moves them. No training text ends in
# mid-clause, so none of them was trained to answer there: the lines show where
# their states lean.
#
# Pick another sentence, and move along it:

# %%
reading_lab(readings, start=20)

# %% [markdown]
# Blue words leave the reader with a positive verdict, orange ones with a
# negative one. The third sentence begins with a concession. At "evening", where
# it ends, the two BiLSTMs call the text good, for so far it says nothing else;
# the one-way LSTM already says the opposite.
#
# Now type a sentence of your own. Words that the vocabulary lacks are read as
# unknown.

# %% tags=["nbval-ignore-output"]
SENTENCE = (
    "the main plot was never dull , although the camera work was rather clumsy"
)
model.float()
words, along = probabilities_along(model, SENTENCE, vocabulary)
unknown = [word for word in words if word not in vocabulary.numbers]
verdict = "positive" if along[-1] > 0.5 else "negative"
print(f"{verdict} ({along[-1]:.3f}); unknown: {unknown}")
reading_lab([Reading(words, {"BiLSTM, max": along})], start=len(words))

# %% [markdown]
# Try "the plot is a masterpiece": the corpus never had its words, and the
# answer means nothing.
#
# ### In Chinese
#
# Nothing above knows English. Chinese has no spaces, so the tokens are
# characters:

# %%
chinese = make_twins(6000, rng=0, language="zh")
print(chinese["text"][0])
zh_train, zh_valid, zh_test = split_pairs(chinese, (0.8, 0.1, 0.1), rng=0)
characters = Vocabulary.from_texts(zh_train["text"])
reader = train_classifier(zh_train, zh_valid, characters)
found = positive_probabilities(reader, zh_test["text"], characters) > 0.5
assert (found == zh_test["label"]).mean() >= 0.99
print(len(characters), "characters; right: 99 in 100")

# %% [markdown]
# ## Real reviews
#
# The twins show what order *can* be worth. What is it worth in real text?
# `python -m benchmarks.sentiment --data PATH_OR_NAME` answers for a folder of
# your files or a data set of the Hugging Face hub: it chooses on validation,
# scores the test split once, and repeats the comparison over ten folds.
# Recorded here: 10,662 sentences from film reviews
# ([Pang and Lee, 2005](https://aclanthology.org/P05-1015)), whose texts the
# book does not carry. A file of yours needs a column of texts and one of
# labels, 0 or 1; what is wrong in it is named by its line.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    mine = Path(folder) / "mine.csv"
    mine.write_text("text,label\nA fine film.,1\nA dull one.,bad\n")
    try:
        load_reviews(mine)
    except ValueError as error:
        print(error)

# %% [markdown]
# The one to beat is *NB-weighted logistic regression*
# ([Wang and Manning, 2012](https://aclanthology.org/P12-2018)). It multiplies
# each one- or two-word feature $f$ by the log ratio of its shares in the two
# classes,
#
# $$
# r_f = \log \frac{p_f / \lVert p \rVert_1}{q_f / \lVert q \rVert_1}, \qquad
# p = 1 + \sum_{i:\, y_i = 1} x_i, \qquad q = 1 + \sum_{i:\, y_i = 0} x_i ,
# $$ (eq-sentiment-ratio)
#
# and fits a logistic regression on that: seconds of work, and no order beyond
# pairs of words.

# %%
show_source(NaiveBayesWeights.fit)

# %% [markdown]
# What helps a network that starts from random embeddings and 8,529 sentences?
# Three seeds each, on validation:

# %%
reviews = load_results("sentiment")["results"]["rotten_tomatoes"]
tried = {name: run["accuracy"] for name, run in reviews["validation"].items()}
baseline = reviews["baselines"]["NB-weighted logistic regression"]
print(f"NB-weighted logistic regression: {baseline['validation']:.3f}")
pd.DataFrame(tried).agg(["mean", "std"]).T.round(3)

# %% [markdown]
# Poolings, cells, dropped words and weight decay lie within about a point of
# each other, and the seeds of one variant differ by as much: none of these
# choices is shown to matter. Nor is recurrence by itself: without it, the
# maximum of the token vectors has 0.783. Character n-grams ([Bojanowski et al.,
# 2017](https://aclanthology.org/Q17-1010)) do harm.
#
# What helps is what the baseline knows. Embeddings whose first five numbers
# start at their word's $r$ of {eq}`eq-sentiment-ratio` lift 0.781 to 0.802;
# without recurrence they reach 0.785 at best. Adding the baseline's log odds of
# the whole text to the logits gives 0.799, less than the baseline's own 0.806;
# both together, with more dropout, give 0.812. (The log odds of training texts
# come from fits that did not see them: a fit that did is nearly always right
# there and leaves the network nothing to learn.)
#
# The four poolings and the best variant of either kind went on to the test
# split, with five seeds and as an ensemble, the mean of the five probabilities.
# The *combination* mixes the log odds of ensemble and baseline, in the share
# that suits validation. *p* is McNemar's exact test on the rows where only one
# of two classifiers is right; *calibration* is the mean gap between stated
# probability and accuracy over ten bins ([Guo et al.,
# 2017](https://arxiv.org/abs/1706.04599)).


# %%
def row(run):
    scores = np.array(run["test"])
    return {
        "single": f"{scores.mean():.1%} ± {scores.std(ddof=1):.1%}",
        "ensemble": f"{run['ensemble']:.1%}",
        "p against NB": f"{run['against_nb']['p']:.2f}",
        "calibration": f"{run['ensemble_calibration_error']:.1%}",
        "CPU s": f"{np.mean(run['cpu_seconds']):.0f}",
    }


table = {name: row(run) for name, run in reviews["models"].items()}
others = reviews["baselines"] | {"combination": reviews["combination"]}
for name, run in others.items():
    p = f"{run['against_nb']['p']:.2f}" if "against_nb" in run else ""
    kind = "ensemble" if name == "combination" else "single"
    table[name] = {kind: f"{run['test']:.1%}", "p against NB": p}
    table[name]["calibration"] = f"{run['calibration_error']:.1%}"
pd.DataFrame(table).T.fillna("")

# %% [markdown]
# A network from random embeddings stays behind: 77.4 % with the maximum, 78.9 %
# as an ensemble, against the baseline's 80.1 %. With 1,067 test sentences that
# may be luck: of the four poolings, mean and attention alone fall behind at
# $p < 0.05$. NB in the embeddings brings a single network to 79.0 %, NB in both
# to 80.0 %, and the combination has 80.4 %, three sentences more than the
# baseline ($p = 0.83$). The networks state their confidence about as well as
# the baseline; TF-IDF is two to three times as far off.
#
# One split cannot settle differences this small. So train and test ten times,
# on ten folds of all rows. Within a fold each of ten networks stops on another
# tenth of the training rows, so that the ensemble learns from all of them, as
# the baseline does. Folds share training rows; the intervals are widened for
# that
# ([Nadeau and Bengio, 2003](https://doi.org/10.1023/A:1024068626366)).

# %%
folds = pd.DataFrame(reviews["folds"])
compared = pd.DataFrame(reviews["fold_differences"]).T.map("{:+.2%}".format)
compared.insert(0, "accuracy", folds.mean().map("{:.1%}".format))
print(f"NB-weighted logistic regression: {folds.iloc[:, 0].mean():.1%}")
compared

# %% [markdown]
# Networks with NB in their embeddings are now 0.12 points behind the baseline,
# with an interval that holds zero. With NB in both they are 1.05 ahead of it,
# and mixed with it the first are 1.07 ahead; both intervals lie above zero.
# Read them with care: an earlier protocol, three networks a fold that all
# stopped on the same tenth, had not shown the gain beyond doubt, and the
# variants were chosen on rows that are in these folds.
#
# Is it *order* that gains? The control is the network without recurrent layers
# that did best on validation among six, the mean of its token vectors. It is
# 0.64 points behind the baseline alone and 0.79 ahead when mixed with it. With
# recurrence against without, on the same folds:

# %%
pd.DataFrame(reviews["recurrence"]).T.map("{:+.2%}".format)

# %% [markdown]
# Recurrence is worth 0.52 points to networks alone, and the interval barely
# excludes zero. To the combination it is worth 0.28, and there the interval
# holds zero. By these estimates most of what a network adds to the baseline is
# a second opinion on the words, not their order.
#
# ## Where it goes wrong
#
# What do the mistakes have in common? Cut the test set into slices:

# %%
slices = [pd.DataFrame(found).T for found in reviews["slices"].values()]
counts = slices[0]["texts"].astype(int)
accuracies = [found["accuracy"].map("{:.1%}".format) for found in slices]
pd.concat(
    [counts, *accuracies], axis=1, keys=["texts", "NB", "networks", "both"]
)

# %% [markdown]
# Contrast costs everybody ten points or more: 72.3 % for the baseline and 69.6
# % for the networks where a "but" or its kin stands, 82.3 % and 81.3 % where
# nothing is negated or contrasted. If reading in order paid anywhere, it should
# pay there and under negation, and there is no sign that it does: what the
# network learns from 6,030 sentences made to teach it, it does not learn from
# 8,529 real ones.
#
# Then read. With `--mistakes mistakes.html` the benchmark writes a page to
# browse the mistakes on your *validation* texts, the most confident first: who
# reads test texts and mends what is wrong there has trained on them. Here are
# those of the one-way LSTM, seed 0, on new twins with up to 40 words behind the
# verdict:

# %%
mistakes = recorded["mistakes of LSTM, last"]
by_length = pd.DataFrame(mistakes["by length"]).T.rename_axis("tokens")
print(by_length.assign(texts=by_length["texts"].astype(int)).round(2))
mistakes_lab(pd.DataFrame(mistakes["mistakes"]), "Mistakes of the one-way LSTM")

# %% [markdown]
# The cause is in the table: up to 40 tokens it is nearly always right, beyond
# 60 it is right in 0.62 of all cases. The record holds the 60 most confident of
# its 95 mistakes. Choose "negative" as the truth: there is none. All are praise
# called blame, so with longer tails the state drifts towards "negative".
#
# ### Sentences made to fail
#
# Slices only sort the mistakes that the data happen to contain. [Ribeiro et al.
# (2020)](https://aclanthology.org/2020.acl-main.442) turn it round and
# *generate* sentences that a classifier must be able to judge: a label that
# must come out, a change that must not matter (invariance), a change that may
# only push one way (direction).

# %%
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
# The share of a hundred sentences failed, for the classifiers of real text, and
# for the BiLSTM that was perfect on every part of the twins (the lowest and the
# highest of five seeds):

# %%
rates = pd.DataFrame(reviews["behaviour"]).map("{:.0%}".format)
rates.columns = ["NB", "networks", "both"]
runs = [run for name, run in recorded.items() if name.startswith("behaviour")]
low, high = (
    pd.DataFrame(runs).agg(way).map("{:.0%}".format) for way in ("min", "max")
)
rates.assign(twins=low + " – " + high)

# %% [markdown]
# The classifiers of real text fail most negations: the adjective outweighs what
# stands before it. They are at chance on contrast, and even of the plain
# verdicts the baseline fails 35 % and the networks 23 %. A change of subject
# alone turns over 8 % of the baseline's verdicts and 15 % of the networks'.
# None of this shows in an accuracy of four in five.
#
# And the BiLSTM with a perfect score on every part of the twins? One of its
# seeds passes every test; others fail up to 43 % of the sentences with "but"
# and up to 56 % of those with one more word. No training clause lacks its
# setting ("in most of the scenes"); these sentences have none, and what a
# network does where it was not trained is left to the seed. A test set drawn
# like the training set cannot show that, however large.
#
# ## What failed
#
# These are from trials that are not on record:
#
# - With embeddings of standard deviation 1, PyTorch's default, the same network
#   learned real text clearly worse. The book draws them with 0.1.
# - Log ratios of word *pairs*, given to the network at each position, made it
#   worse: most pairs occur once, and their ratio is the label of that one text.
# - Embeddings from a factorised table of co-occurrences did not help beyond
#   noise.
# - Our first paired test multiplied two boolean arrays with `@`, which NumPy
#   answers with a boolean: every count was one and every $p$ was 1. A table
#   counted by hand found it.
#
# What would help is known, but not used here: embeddings and whole networks
# trained beforehand on far more text.
#
# ## Summary
#
# - Twins prove what a bag of words cannot do; a small BiLSTM with a maximum or
#   attention over time does it, on held-out combinations and behind 400 neutral
#   words.
# - The final state has to carry the verdict to the end; a maximum or attention
#   need not. All must know the padding.
# - A perfect test score can stand beside chance on longer texts, and beside
#   sentences that fail.
# - On ten thousand real sentences the right weights on words decide nearly
#   everything: weighted counts are the baseline to beat. An ensemble comes
#   level, both together gain a point, and how much of that point is order stays
#   open.
# - Compare on the same rows, with a test, over folds; choose on validation;
#   read the mistakes there.
#
# ## Exercises
#
# ```{exercise-start} Pooling under padding
# :label: ex-sentiment-max
# ```
# *easy* Write `masked_max(outputs, mask)`: each unit's largest value over the
# valid steps. outputs (batch, time, hidden), mask (batch, time), True where a
# step is valid. Which value must stand for the padding? Check it with
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
# ```{exercise-start} When padding and unknown are one
# :label: ex-sentiment-unknown
# ```
# *medium* A colleague gives unknown words the number 0 as well, and counts each
# row's length as `(tokens != 0).sum()`. What does the classifier then read of
# "the zeitgeist , albeit risible , was not brilliant"? Say it first, then run
# it.
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
# ```{exercise-start} A copy that leaks
# :label: ex-sentiment-leak
# ```
# *medium* A widely used copy of a sentiment data set has its validation
# sentences in its training file. Do the same to the twins: train a
# one-nearest-neighbour classifier on TF-IDF of up to three words, with and
# without the validation sentences. What do validation and test say, and who
# warns you?
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
import warnings

from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

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
print(caught[0].message)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} How long must an n-gram be?
# :label: ex-sentiment-ngrams
# ```
# *medium* Nine tokens in a row can hold an adjective, its setting and the "but"
# that settles its worth. Does a bag of sequences of up to nine tokens learn the
# twins?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-ngrams
# :class: dropdown
# ```
# Hardly. Half of the clauses negate, and then the sequence must begin at the
# negator: most that do are longer than nine tokens, and of those that fit, many
# occur once. So the classifier learns the training set by heart. A recurrent
# network learns negator, adjective and contrast apart and joins them: that is
# why held-out combinations cost it nothing.

# %%
for longest in (1, 5, 9):
    bag = tfidf_regression(longest).fit(train["text"], train["label"])
    found = [
        bag.score(part["text"], part["label"])
        for part in (train, test, held_out)
    ]
    print(
        "up to {}: train {:.0%}, test {:.0%}, held out {:.0%}".format(
            longest, *found
        )
    )

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A behaviour test of your own
# :label: ex-sentiment-behaviour
# ```
# *hard* Write an invariance test of three sentences that this chapter's BiLSTM
# fails on all of them, although every word is in the vocabulary. What in the
# training data explains it?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-sentiment-behaviour
# :class: dropdown
# ```
# Two negators. No training clause has more than one, so nothing ever taught the
# network that a second one undoes the first: "not never brilliant" is praise,
# and the model takes it for blame.

# %%
praise = [
    f"the main plot was {word} in most of the scenes ."
    for word in ("warm", "witty", "vivid")
]
blame = [text.replace("plot was", "plot was not never") for text in praise]
twice = BehaviourTest("two negators", "invariance", praise, blame)
failed = twice.failures(
    lambda texts: positive_probabilities(model, texts, vocabulary)
)
assert failed.all()
print(f"fails {failed.sum()} of {len(failed)}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Wang and Manning (2012)](https://aclanthology.org/P12-2018): when counting
#   words wins, and on how many data sets.
# - [Iyyer et al. (2015)](https://aclanthology.org/P15-1162): averaging word
#   vectors, order ignored, comes close to networks that read it; also the
#   source of word dropout.
# - [Ribeiro et al. (2020)](https://aclanthology.org/2020.acl-main.442):
#   behaviour tests, and how many commercial systems fail them.
# - [Guo et al. (2017)](https://arxiv.org/abs/1706.04599): why modern networks
#   are too sure of themselves, and one number that mends most of it.
# - [Nadeau and Bengio (2003)](https://doi.org/10.1023/A:1024068626366): why ten
#   folds are not ten experiments, and what interval to draw.
#
# Before: [the stock forecaster](10_stock_forecaster.ipynb). Next: [recurrence
# after transformers](12_recurrence_after_transformers.ipynb).
