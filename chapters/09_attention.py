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
# # Attention
#
# A recurrent network that has read a sequence holds all it will ever know of it
# in one vector. What if the answer needs every symbol of the input, one after
# the other? How can the network look again instead of remembering?
#
# At the end you will be able to
#
# - build an encoder–decoder that reads one sequence and writes another, and say
#   where its bottleneck is;
# - derive additive attention, its mask and its gradient, and check them;
# - train the same model with and without attention and show what the difference
#   is worth;
# - read an attention map, and say why it explains less than it seems to;
# - decode greedily and with a beam, and measure what teacher forcing hides.

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
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from utils.attention import keras as keras_attention
from utils.attention import pytorch as torch_attention
from utils.attention.pytorch import (
    PairBatches,
    Seq2Seq,
    exact_matches,
    greedy_decode,
)
from utils.data.dates import make_dates
from utils.data.pairs import Symbols, encode_pairs
from utils.figures.charts import heat_map
from utils.figures.style import COLORS, use_book_style
from utils.labs import AttentionExample, AttentionView, attention_lab
from utils.notebook import load_results, show_source
from utils.scratch import (
    AdditiveAttention,
    DotProductAttention,
    numerical_gradient,
    relative_error,
)
from utils.training import fit, keep_keras_on_cpu

keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## A task with two sequences
#
# People write a day in many ways, machines want one: ISO 8601, `2026-03-07`.
# The book draws days from 1900 to 2100 and writes each in one of nine styles.

# %%
pairs = make_dates(22_000, rng=0)
pd.DataFrame(pairs).drop_duplicates("style").set_index("style")

# %% [markdown]
# Names of months settle which number is the day. Between bare numbers nothing
# does, so the task needs a rule, and here the separator is the rule: **after a
# slash comes the day (month/day/year), before a dot stands the day
# (day.month.year)**. Without it the task could not be solved, by anybody:

# %%
year = pd.date_range("2026-01-01", "2026-12-31")
confusable = (year.day <= 12) & (year.day != year.month)
print(
    f"{confusable.mean():.1%} of the days of 2026 could be read as another day"
)

# %% [markdown]
# No day is drawn twice, so a split of the rows is a split by date: the test
# asks for days that the network has never seen in any spelling. Characters
# become numbers; 0 is padding.

# %%
train, test = pairs[:20_000], pairs[20_000:]
assert not {pair.iso for pair in train} & {pair.iso for pair in test}
characters = Symbols(pair.text for pair in train)
digits = Symbols(pair.iso for pair in train)


def encode(rows):
    return encode_pairs(
        [r.text for r in rows], [r.iso for r in rows], characters, digits
    )


train_rows, test_rows = encode(train), encode(test)
print(len(characters), "source symbols,", len(digits), "target symbols")

# %% [markdown]
# ## The encoder–decoder and its bottleneck
#
# The encoder is a bidirectional GRU ([chapter 07](07_bidirectional.ipynb)) with
# states $h_1, \dots, h_n$. Its summary $c$ joins the two final states, the
# forward one at the last symbol and the backward one at the first. The decoder,
# another GRU, starts from the summary and writes symbol after symbol:
#
# $$
# \begin{aligned}
# c &= [\overrightarrow{h}_n; \overleftarrow{h}_1], \qquad s_0 = \tanh(W_s c + b_s), \\
# s_i &= \mathrm{GRU}([y_{i-1}; c],\ s_{i-1}), \qquad
# p(y_i \mid y_{<i}, x) = \mathrm{softmax}(W_o [s_i; c] + b_o).
# \end{aligned}
# $$ (eq-attention-fixed)
#
# Feeding $c$ at every step is the design of
# [Cho et al. (2014)](https://arxiv.org/abs/1406.1078);
# [Sutskever, Vinyals and Le (2014)](https://arxiv.org/abs/1409.3215) give it
# once, as the first state. The encoder and one step of the decoder, as this
# chapter trains them:

# %%
show_source(Seq2Seq.encode, Seq2Seq.step)

# %% [markdown]
# `pack_padded_sequence` is there for correctness. A GRU that reads a padded row
# to its end leaves its forward state *after* the padding, and starts its
# backward state *in* it:

# %%
torch.manual_seed(0)
fixed = Seq2Seq(len(characters), len(digits), attention=False)
source, lengths, *_ = map(torch.from_numpy, test_rows.rows(slice(0, 5)))
memory = fixed.encode(source, lengths)
_, after_padding = fixed.encoder(fixed.source_embedding(source))
moved = (torch.cat([*after_padding], dim=1) - memory.summary).abs().amax(
    dim=1
) > 1e-3
pd.DataFrame({"length": lengths, "wrong after padding": moved})

# %% [markdown]
# Every row but the longest is wrong. Training uses the book's loop, Adam and
# one learning-rate cycle. The loss is the mean cross-entropy over all target
# symbols, each predicted from the true symbols before it.


# %%
def train_model(model, epochs=2, peak=5e-3):
    batches = PairBatches(train_rows, batch_size=128, rng=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=peak)
    schedule = OneCycleLR(
        optimizer, peak, total_steps=epochs * len(batches) + 1
    )
    fit(
        model,
        batches,
        loss=torch_attention.sequence_loss,
        optimizer=optimizer,
        epochs=epochs,
        clip=1.0,
        schedule=schedule,
    )
    return exact_matches(model, test_rows, max_length=11).mean()


without_attention = train_model(fixed)
assert without_attention < 0.8
print("Whole dates right without attention: fewer than four in five")

# %% [markdown]
# Two passes over 20,000 dates, and many test dates still come out wrong. A date
# fits into 128 numbers with ease, but the network must *learn* to pack year,
# month and day into one vector and to unpack them in another order, and all
# that it learns about either end must pass through the middle. That is slow.
#
# The other half of the problem is length. Let the same network write strings of
# random letters backwards. Their information grows with their length, the
# vector does not (`python -m benchmarks.attention_reversal` records it, 1 to 60
# letters in training):

# %% mystnb={"image": {"alt": "Share of letters right against string length without attention: it falls from near one at five letters to near chance at sixty."}}
reversal = load_results("attention_reversal")["results"]


def by_length(run, what):
    scores = reversal[run]["accuracy by length"]
    return [int(n) for n in scores], [score[what] for score in scores.values()]


for run in reversal:
    if run.startswith("no attention"):
        plt.plot(*by_length(run, "letters"), "o-", label=run)
plt.axhline(1 / 20, color=COLORS["black"], linewidth=1, label="chance")
plt.gca().set(xlabel="letters", ylabel="letters right", ylim=(0, 1.02))
plt.title("One vector holds short strings only")
plt.legend()
plt.show()

# %% [markdown]
# Ten letters are already too many for two passes of training, and each one more
# costs accuracy: this is the bottleneck that [Bahdanau, Cho and Bengio
# (2015)](https://arxiv.org/abs/1409.0473) conjectured for translation, and
# removed.
#
# ## Additive attention, derived
#
# The encoder computed a state at every position and threw all but the last
# away. Keep them. At each step the decoder needs a *context* from the positions
# that matter now, so let it choose: score every position $j$ against the
# decoder's last state, turn the scores into weights that sum to one, and mix.
#
# $$
# e_{ij} = v^\top \tanh(W_q^\top s_{i-1} + W_k^\top h_j)
# $$ (eq-attention-score)
#
# $$
# \alpha_{ij} = \frac{\exp e_{ij}}{\sum_{k=1}^{n} \exp e_{ik}}
# $$ (eq-attention-weights)
#
# $$
# c_i = \sum_{j=1}^{n} \alpha_{ij}\, h_j
# $$ (eq-attention-context)
#
# The sum runs over *all* positions: this attention is global. (Local attention,
# over a window, is a later variant of [Luong, Pham and Manning
# (2015)](https://arxiv.org/abs/1508.04025).) Nothing is discrete, so gradient
# descent can train the choice together with all the rest. In NumPy, for one
# query over five positions:

# %%
rng = np.random.default_rng(0)
query, keys = rng.normal(size=4), rng.normal(size=(5, 6))
W_q, W_k, v = (
    rng.normal(size=(4, 3)),
    rng.normal(size=(6, 3)),
    rng.normal(size=3),
)

scores = np.tanh(query @ W_q + keys @ W_k) @ v
weights = np.exp(scores) / np.exp(scores).sum()
context = weights @ keys
print(weights.round(3), "sum to", weights.sum().round(12))

# %% [markdown]
# For the backward pass let
# $g_j = \partial L / \partial \alpha_j = h_j^\top\, \partial L / \partial c$.
# From $\partial \alpha_j / \partial e_k = \alpha_j (\delta_{jk} - \alpha_k)$
# follows
#
# $$
# \frac{\partial L}{\partial e_j} = \alpha_j \Bigl( g_j - \sum_k \alpha_k g_k \Bigr):
# $$ (eq-attention-softmax-gradient)
#
# a score rises if its state helps more than the present mixture does. A state
# receives two gradients, $\alpha_j\, \partial L/\partial c$ for being mixed and
# another for being scored. The whole layer, for a batch:

# %%
show_source(AdditiveAttention.forward, AdditiveAttention.backward)

# %%
attention = AdditiveAttention(query_size=4, key_size=6, units=3, rng=0)
queries, states = rng.normal(size=(2, 4)), rng.normal(size=(2, 5, 6))
valid = np.array([[True] * 5, [True] * 3 + [False] * 2])
wanted = rng.normal(size=(2, 6))


def loss():
    return float((attention.forward(queries, states, valid)[0] * wanted).sum())


context, weights = attention.forward(queries, states, valid)
grads = attention.backward(wanted)
for name, array in {"query": queries, "keys": states}.items():
    assert (
        relative_error(getattr(grads, name), numerical_gradient(loss, array))
        < 1e-7
    )
for name, array in attention.params.items():
    assert (
        relative_error(grads.params[name], numerical_gradient(loss, array))
        < 1e-7
    )
print("every gradient agrees with central differences")

# %% [markdown]
# ### The same in both frameworks
#
# PyTorch has no additive attention layer. Keras has one, without the two
# matrices: its score is $v^\top \tanh(q + h_j)$, so it is ours with identities
# for $W_q$ and $W_k$. The book's own two layers take the NumPy weights, and
# agree in values and in gradients.

# %% tags=["tab-pytorch"]
# PyTorch
torch_layer = torch_attention.AdditiveAttention(4, 6, 3).double()
with torch.no_grad():
    torch_layer.query.weight.copy_(
        torch.from_numpy(attention.params["query"].T)
    )
    torch_layer.key.weight.copy_(torch.from_numpy(attention.params["key"].T))
    torch_layer.score.weight.copy_(
        torch.from_numpy(attention.params["score"][None])
    )
torch_states = torch.from_numpy(states).requires_grad_()
found, _ = torch_layer(
    torch.from_numpy(queries), torch_states, torch.from_numpy(valid)
)
found.backward(torch.from_numpy(wanted))
assert relative_error(found.detach().numpy(), context) < 1e-12
assert relative_error(torch_states.grad.numpy(), grads.keys) < 1e-12

# %% tags=["tab-keras"]
# Keras
keras_layer = keras_attention.AdditiveAttention(3, dtype="float64")
keras_layer.build(queries.shape, states.shape)
keras_layer.set_weights(
    [
        attention.params["query"],
        attention.params["key"],
        attention.params["score"][:, None],
    ]
)
keras_states = tf.Variable(states)
with tf.GradientTape() as tape:
    found, _ = keras_layer(queries, keras_states, mask=valid)
    value = tf.reduce_sum(found * wanted)
assert relative_error(found.numpy(), context) < 1e-12
assert (
    relative_error(tape.gradient(value, keras_states).numpy(), grads.keys)
    < 1e-12
)

# %%
same = AdditiveAttention(6, 6, 6, rng=1)
same.params["query"][...] = same.params["key"][...] = np.eye(6)
own = keras.layers.AdditiveAttention(dtype="float64")
own.build([(2, 1, 6), states.shape])
own.set_weights([same.params["score"]])
found = own([states[:, :1], states], mask=[None, valid]).numpy()[:, 0]
print(
    "Keras's own layer agrees:",
    np.allclose(found, same.forward(states[:, 0], states, valid)[0]),
)

# %% [markdown]
# ### The mask
#
# Row 1 above has three valid positions and two of padding. The softmax does not
# know that unless it is told; a padded state scores like any other and takes
# its share. The mask sets those scores to $-\infty$ *before* the softmax, so
# that the weights of the rest still sum to one:

# %%
_, unmasked = attention.forward(queries, states)
print("without a mask", unmasked[1].round(2))
print("with the mask ", weights[1].round(2))

# %% [markdown]
# Multiplying by the mask *after* the softmax leaves weights that sum to less
# than one, a smaller context for shorter rows. And a row without any valid
# position has no weights at all; the book's layer refuses it.
#
# ## The same model, with attention
#
# One thing changes against {eq}`eq-attention-fixed`: the constant $c$ becomes
# $c_i$ of {eq}`eq-attention-context`. Encoder, decoder, sizes, data, batches
# and learning rate stay.

# %%
torch.manual_seed(0)
attending = Seq2Seq(len(characters), len(digits), attention=True)
with_attention = train_model(attending)
assert with_attention >= 0.99
print("Whole dates right with attention: at least 99 in 100")

# %% [markdown]
# The same two passes, and the task is solved. The recorded runs, with the Keras
# twin trained from its own initial weights and with two variants that come
# below (`python -m benchmarks.attention_dates`):

# %%
dates = load_results("attention_dates")["results"]
scored = {
    name: run for name, run in dates.items() if "exact match by epoch" in run
}
table = {name: run["exact match by epoch"] for name, run in scored.items()}
table["Keras, attention"] = [np.nan, dates["Keras"]["exact match"]]
table = pd.DataFrame.from_dict(table, orient="index").sort_index().round(3)
table.rename(columns=lambda column: f"pass {column + 1}")

# %% [markdown]
# With the same weights the two frameworks compute the same function. Matrices
# are transposed, a GRU's gates change their order from r, z, n to z, r, h, and
# PyTorch's two biases become the two rows of Keras's one; [chapter
# 03](03_gru.ipynb) shows why both are needed.

# %% tags=["tab-pytorch"]
# PyTorch
few = test_rows.rows(slice(0, 20))
attending.double()
with torch.no_grad():
    torch_logits = attending(*map(torch.from_numpy, few[:3])).numpy()
arrays = {name: value.numpy() for name, value in attending.state_dict().items()}

# %% tags=["tab-keras"]
# Keras
twin = keras_attention.Seq2Seq(len(characters), len(digits), dtype="float64")
twin((few.source, few.before))
twin.take_weights(arrays)
keras_logits = twin((few.source, few.before)).numpy()
assert relative_error(keras_logits, torch_logits) < 1e-10
print("The logits of both frameworks agree in float64")

# %% [markdown]
# And length? The strings written backwards, again from the recorded runs, now
# up to 80 letters:

# %% mystnb={"image": {"alt": "Share of letters right against string length: with attention nearly all up to thirty letters and about half at sixty; without attention the share falls below a quarter at twenty letters."}}
for name, colour in (("attention", "blue"), ("no attention", "vermilion")):
    for run in (run for run in reversal if run.startswith(name)):
        plt.plot(
            *by_length(run, "letters"), "o-", color=COLORS[colour], label=run
        )
plt.axvline(60, color=COLORS["black"], linewidth=1)
plt.gca().set(
    xlabel="letters (line: the longest in training)", ylabel="letters right"
)
plt.title("With attention, length costs far less")
plt.legend()
plt.show()

# %% [markdown]
# The same figures as numbers, letters right and whole strings right:

# %%
pd.DataFrame(
    {
        (run, what): dict(zip(*by_length(run, what), strict=True))
        for run in reversal
        for what in ("letters", "rows")
    }
).rename_axis("length").round(2)

# %% [markdown]
# At 20 letters attention gets 97 % of the letters right and the single vector
# 23 %; at 10 letters, 99 % and 56 %. The curve with attention falls as well, to
# 47 % at the longest length in training: one pass over 20,000 long strings,
# after one over short ones, is not enough to keep the place among sixty letters
# of twenty kinds, where the same letter stands in three places. Attention
# removes the bottleneck, not the need to learn where to look.

# %% [markdown]
# ## Where it looks
#
# The weights $\alpha_{ij}$ are numbers that can be drawn, a row per written
# symbol.

# %%
attending.float()


def look(text, extra=0, mask_padding=True):
    source = torch.tensor([characters.encode(text) + [0] * extra])
    memory = attending.encode(source, torch.tensor([len(text)]))
    if not mask_padding:
        memory = memory._replace(mask=torch.ones_like(memory.mask))
    symbols, weights = greedy_decode(attending, memory, max_length=11)
    written = digits.decode(symbols[0].tolist())
    return AttentionView(written, weights[0, : len(written)].numpy())


# %% mystnb={"image": {"alt": "Heat map of attention weights for Friday, 27 March 1908: the rows of the year's digits are dark over the year at the end, those of the month over the month's name, those of the day over 27."}}
text = "Friday, 27 March 1908"
view = look(text)
figure, axes = plt.subplots(figsize=(6.2, 4))
heat_map(
    axes, view.weights, rows=view.written, columns=list(text), label="weight"
)
axes.set(
    xlabel="source",
    ylabel="written",
    title="Each part of the date is fetched where it stands",
)
plt.show()

# %% [markdown]
# The year is written first though it stands last; for the month the weight sits
# on its name, for the day on its digits. Nobody told the network where anything
# is. Now take the map apart yourself: pick a written symbol by hovering or with
# the arrow keys, another date, and switch the mask off. ∅ is padding, twenty
# columns of it.

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "Heat map of attention weights for 7. März 2026, a row for each written symbol."}}
texts = [
    "7. März 2026",
    "3/7/2026",
    "3.7.2026",
    "11 Dec 2070",
    "二〇二六年三月七日",
]
examples = []
for text in texts:
    masked, unmasked = (
        look(text, extra=20),
        look(text, extra=20, mask_padding=False),
    )
    examples.append(AttentionExample([*text, *"∅" * 20], masked, unmasked))
attention_lab(examples)

# %% [markdown]
# `3/7/2026` and `3.7.2026` are the same three numbers. Their maps differ in
# where the month and the day are fetched, and that is the separator's work: the
# bidirectional states at the digits have read it.
#
# ### What the mask is worth
#
# Two models of the same seed, one trained and used with the mask, the other as
# if padding were a symbol: it is encoded, and attended to. Both then read the
# test dates with ever more padding behind them, as happens when a short row
# shares its batch with a long one.

# %%
pd.DataFrame(
    {
        name: dates[run]["exact match by extra padding"]
        for name, run in (
            ("masked", "attention, seed 0"),
            ("unmasked", "unmasked"),
        )
    }
).rename_axis("extra columns").round(3).T

# %% [markdown]
# And the trained model of this page, its mask switched off only now, with 40
# columns of padding:

# %%
wide = test_rows._replace(source=np.pad(test_rows.source, ((0, 0), (0, 40))))
source, lengths, _, after = map(torch.from_numpy, wide)
memory = attending.encode(source, lengths)
symbols, weights = greedy_decode(
    attending, memory._replace(mask=torch.ones_like(memory.mask)), max_length=11
)
on_padding = (
    weights.masked_fill(memory.mask[:, None], 0).sum(dim=2).mean().item()
)
still_right = (
    (symbols[:, :10] == after[:, :10]).all(dim=1).float().mean().item()
)
print("more than a tenth of all weight lies on padding:", on_padding > 0.1)
print("dates still right: fewer than nine in ten:", still_right < 0.9)
assert (
    exact_matches(attending, wide, 11)
    == exact_matches(attending, test_rows, 11)
).all()

# %% [markdown]
# Nothing moves with the mask. The model that was trained without one has 36 %
# of the dates right when all are padded to the longest, and 4 % with forty
# columns more. Its training batches held dates of similar length and so little
# padding; each longer neighbour in the batch is news to it.
#
# ## A map is not an explanation
#
# It is tempting to read the map as the reason for each symbol. Compare it with
# what would change the answer: the gradient of a written symbol's log
# probability by each source symbol's embedding.

# %% mystnb={"image": {"alt": "Two heat maps side by side for 7 mars 2026: attention weights on the left, the lengths of input gradients on the right; the gradients spread over neighbouring characters."}}
row = encode([pair for pair in test if pair.style == "French"][:1])
part = [torch.from_numpy(each) for each in row]
text = "".join(characters.decode(row.source[0]))
view, gradients = (
    look(text),
    torch_attention.input_gradients(attending, *part)[0, :10].numpy(),
)
figure, panes = plt.subplots(2, figsize=(6.2, 6.4))
gradients /= gradients.sum(axis=1, keepdims=True)
for pane, name, values in (
    (panes[0], "attention", view.weights),
    (panes[1], "gradient", gradients),
):
    heat_map(
        pane,
        values,
        rows=view.written,
        columns=list(text),
        label="share of row",
    )
    pane.set(ylabel="written", title=name)
plt.show()

# %% [markdown]
# The two agree on the part of the date, and the gradient spreads over
# neighbours that got no weight. The reason is in the encoder: the state at a
# position is no symbol, it has read the whole date in both directions, so
# weight *on* a position is no evidence *for* its symbol. [Jain and Wallace
# (2019)](https://aclanthology.org/N19-1357) found learned weights often
# uncorrelated with gradients, and other weights that give the same answer.
# Their two tests on the recorded model, over 300
# test dates:

# %%
tests = {
    name: run["explanation"]
    for name, run in dates.items()
    if "explanation" in run
}
pd.DataFrame(tests).round(2)

# %% [markdown]
# The weight's peak and the gradient's are mostly the same position, but the
# order of the others is only loosely shared. Deal the trained weights out among
# other positions, and no date comes out right: this model cannot do without
# them, unlike the classifiers of that paper. [Wiegreffe and Pinter
# (2019)](https://aclanthology.org/D19-1002) answered that the verdict depends
# on what counts as an explanation and on the task, and that other weights with
# the same answer must be ones a model could have learned. A map shows what was
# fetched. Why a symbol came out takes an intervention: change the input and
# watch.
#
# ## Teacher forcing and what it hides
#
# Training fed the decoder the true symbol before each one: *teacher forcing*
# ([Williams and Zipser, 1989](https://doi.org/10.1162/neco.1989.1.2.270)). In
# use it feeds itself. For whole sequences this makes no difference: a row is
# right under greedy decoding exactly when every symbol is right under teacher
# forcing, for until the first mistake both have been fed the same.

# %%
source, lengths, before, after = map(torch.from_numpy, test_rows)
with torch.no_grad():
    forced = fixed(source, lengths, before).argmax(dim=2)
right_when_forced = (forced == after).all(dim=1).numpy()
print(
    "same rows:",
    np.array_equal(right_when_forced, exact_matches(fixed, test_rows, 11)),
)

# %% [markdown]
# The difference begins after the first mistake. The network has never seen a
# wrong symbol before it; this is *exposure bias* ([Ranzato et al.,
# 2016](https://arxiv.org/abs/1511.06732)). *Scheduled sampling* ([Bengio et
# al., 2015](https://arxiv.org/abs/1506.03099)) feeds it some of its own symbols
# in training. Measured on the model that does make mistakes, the one without
# attention, two passes, one seed; `teacher` is the share of true symbols fed in
# training:

# %%
mistakes = {
    name: run["after the first mistake"]
    for name, run in scored.items()
    if "teacher" in name
}
pd.DataFrame(mistakes).T.sort_index().round(3)

# %% [markdown]
# With teacher forcing alone the symbols after a mistake are 94.4 % right when
# the truth is fed, and 74.2 % when the model's own symbols are: the difference
# is exposure bias. Half its own symbols in training narrows the gap from both
# sides, 91.6 % against 81.4 %, and costs what counts here: fewer whole dates
# are right, 23.4 % against 38.6 %. The network learns to live with its mistakes
# before it has learned not to make them; that is why the method's authors
# *schedule* it, from true symbols towards its own.
#
# ## Greedy and beam search
#
# Greedy decoding takes the likeliest symbol at each step; the likeliest
# *sequence* may begin with another. Beam search keeps the `width` likeliest
# beginnings:

# %%
show_source(torch_attention.beam_search)

# %% [markdown]
# Full outputs are ranked by the mean log probability per symbol, since the sum
# falls with every symbol and so prefers short ones. The model without attention
# is unsure often enough to show the effect:

# %%
likelihoods = []
for row in range(100):
    source, lengths, *_ = map(
        torch.from_numpy, test_rows.rows(slice(row, row + 1))
    )
    memory = fixed.encode(source, lengths)
    outputs = [
        torch_attention.beam_search(fixed, memory, 11, width)
        for width in (1, 4)
    ]
    likelihoods.append([ranked[0][1] for ranked in outputs])
greedy, beam = np.array(likelihoods).T
print(
    "beam 4 finds a likelier date than greedy in some rows:",
    (beam > greedy + 1e-6).any(),
)
print("on average, too:", beam.mean() > greedy.mean())

# %% [markdown]
# Likelier is not the same as right: a beam repairs the search, not the model.
#
# ## Words: a small translation corpus
#
# The task that attention was made for is translation. A grammar writes English
# sentences of one to three clauses with their French: agreement in gender and
# number, adjectives before or after their noun, negation around the verb,
# elision. 8,000 sentences train, 600 others test, four passes
# (`python -m benchmarks.attention_translation`). The score is BLEU, which
# counts matching runs of one to four words; its details change its value, so it
# is left to
# [sacreBLEU (Post, 2018)](https://arxiv.org/abs/1804.08771), whose signature
# says which details.

# %%
translation = load_results("attention_translation")["results"]
print(translation["attention"]["sacreBLEU"])
for example in translation["attention"]["examples"][:2]:
    print(
        *(f"{name}: {text}" for name, text in example.items()),
        sep="\n",
        end="\n\n",
    )

# %% mystnb={"image": {"alt": "BLEU against the number of source words: with attention it stays high, without attention it falls as sentences grow longer."}}
for name, colour in (("attention", "blue"), ("no attention", "vermilion")):
    bins = translation[name]["by source words"]
    plt.plot(
        list(bins),
        [score["BLEU"] for score in bins.values()],
        "o-",
        color=COLORS[colour],
        label=name,
    )
plt.gca().set(xlabel="words in the source", ylabel="BLEU", ylim=(0, 103))
plt.title("Without attention, BLEU falls with length")
plt.legend()
plt.show()

# %% [markdown]
# Up to thirty words attention is nearly perfect; the single vector is lost
# after ten.

# %%
table = {
    name: {"all": run["greedy"], **run["by source words"]}
    for name, run in translation.items()
}
pd.DataFrame(
    {
        (name, what): {words: score[what] for words, score in scores.items()}
        for name, scores in table.items()
        for what in ("BLEU", "exact")
    }
).round(2)

# %% [markdown]
# With attention the whole test scores 95.6, and more than 90 where the source
# has over forty words. Without it the score is 54.8 on the shortest sentences
# and 8.4 on the longest: words that French likes, in an order that has lost the
# sentence. Exact matches are the harsher measure, for one wrong ending spoils a
# sentence. This is one seed on a corpus without ambiguity; a large corpus of
# real text would move all of these numbers; the shape is the one that Bahdanau
# and his co-authors found.
#
# ## The bridge to transformers
#
# The tanh of {eq}`eq-attention-score` must be computed for every pair of query
# and key. A dot product needs no network of its own, and one matrix product
# scores all queries at once:
#
# $$
# \mathrm{Attention}(Q, K, V) = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V,
# $$ (eq-attention-scaled-dot)
#
# equation 1 of [Vaswani et al. (2017)](https://arxiv.org/abs/1706.03762). The
# root keeps the variance of a product of two random vectors at one, whatever
# their size $d$; without it large scores would drive the softmax to where its
# gradient {eq}`eq-attention-softmax-gradient` vanishes.

# %%
size = 64
random = np.random.default_rng(1).normal(size=(2, 10_000, size))
products = (random[0] * random[1]).sum(axis=1)
print(
    f"variance {products.var():.1f} unscaled, "
    f"{(products / np.sqrt(size)).var():.2f} scaled"
)

# %%
queries = rng.normal(size=(2, 6))
context, _ = DotProductAttention().forward(queries, states, valid)
found = nn.functional.scaled_dot_product_attention(
    *map(torch.from_numpy, (queries[:, None], states, states, valid[:, None]))
)
assert relative_error(found[:, 0].numpy(), context) < 1e-12
print("PyTorch's scaled dot-product attention agrees")

# %% [markdown]
# A transformer keeps this and drops the recurrence: the queries come from the
# sequence itself, all at once. What the recurrence cost it buys back elsewhere,
# the order of the symbols for one, which a mixture of states does not know.
#
# ## What failed
#
# - Our first beam search stopped when `width` outputs had ended. Short ones
#   that broke off early filled the quota before the good one was done, and long
#   translations came out worse than greedy's. An ended output must leave the
#   beam without stopping it.
# - Without the rule for separators the dates cannot be learned to the end,
#   however long the run. Look for such days in your own data before you blame
#   the model.
# - A missing mask does not fail loudly. In batches of similar length there is
#   little padding to attend to, training runs on, and the damage shows when a
#   short row meets a long one.
#
# ## Summary
#
# - An encoder–decoder without attention passes everything through one vector;
#   its accuracy falls with the length of the input.
# - Additive attention scores every position against the decoder's state, and
#   mixes the states by the softmax of the scores. It is global and
#   differentiable.
# - Padding must be masked before the softmax, and the encoder's final state
#   taken at each row's last valid step.
# - The attention weights show what was fetched. They are not the reason for the
#   answer.
# - Greedy exact match does not see exposure bias; symbols after a mistake do.
# - Scaled dot-product attention is the same idea with a score that is one
#   matrix product.
#
# ## Exercises
#
# ```{exercise-start} A padding mask (easy)
# :label: ex-attention-mask
# ```
# Write `padding_mask(lengths, time)`: a boolean array (batch, time), True at
# valid positions. Check it with `check_padding_mask(padding_mask)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-mask
# :class: dropdown
# ```
# Compare every position with every length; broadcasting does the rest.

# %%
from utils.exercises import check_padding_mask


def padding_mask(lengths, time):
    return np.arange(time) < np.asarray(lengths)[:, None]


assert check_padding_mask(padding_mask)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Softmax over the right axis (easy)
# :label: ex-attention-softmax
# ```
# Write `attention_weights(scores, mask)` for scores (batch, queries, time) and
# a mask (batch, time): weights that sum to one over the valid *positions* of
# each query. Check it with `check_attention_weights(attention_weights)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-softmax
# :class: dropdown
# ```
# Positions are the last axis. A softmax over axis 1 would let the queries
# compete for a position.

# %%
from utils.exercises import check_attention_weights


def attention_weights(scores, mask):
    scores = np.where(mask[:, None, :], scores, -np.inf)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


assert check_attention_weights(attention_weights)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} The log of a softmax (medium)
# :label: ex-attention-log-softmax
# ```
# The loss needs $\log p$. Show what `np.log(softmax(x))` gives for
# $x = (0, 1000)$, and write `my_log_softmax(x)`, over the last axis, that
# survives it. Check it with `check_log_softmax(my_log_softmax)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-log-softmax
# :class: dropdown
# ```
# The probability of the first underflows to 0 and its logarithm is $-\infty$;
# its true log probability is $-1000$. Subtract $\log \sum \exp$ instead of
# dividing before the logarithm.

# %%
from utils.exercises import check_log_softmax
from utils.scratch import log_softmax

x = np.array([0.0, 1000.0])
with np.errstate(divide="ignore"):
    print(
        "log(softmax(x)) =",
        np.log(np.exp(x - x.max()) / np.exp(x - x.max()).sum()),
    )


def my_log_softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


print("log_softmax(x)  =", my_log_softmax(x))
assert check_log_softmax(my_log_softmax)
assert np.array_equal(my_log_softmax(x), log_softmax(x))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Scaled dot-product attention (medium)
# :label: ex-attention-dot
# ```
# Write `dot_product_attention(queries, keys, values, mask)` after
# {eq}`eq-attention-scaled-dot` for queries (batch, queries, d), keys (batch,
# time, d), values (batch, time, e) and a mask (batch, time). It returns the
# contexts (batch, queries, e). Check it with
# `check_dot_product_attention(dot_product_attention)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-dot
# :class: dropdown
# ```

# %%
from utils.exercises import check_dot_product_attention


def dot_product_attention(queries, keys, values, mask):
    scores = queries @ keys.swapaxes(1, 2) / np.sqrt(keys.shape[-1])
    return attention_weights(scores, mask) @ values


assert check_dot_product_attention(dot_product_attention)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} An order that the separator forbids (hard)
# :label: ex-attention-order
# ```
# Write the test days with dots, but month first, and let the trained model read
# them. On which days must it fail, on which can it be right, and is it?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-order
# :class: dropdown
# ```
# A dot promises the day first. Where day and month are equal the order does not
# matter. Where both could be a month, the model must follow the rule and swap
# them: the "wrong" answer is the right one. Where the day exceeds 12 there is
# no such date in the training set, and the model may do anything.

# %%
days = pd.to_datetime([pair.iso for pair in test])
sources = [f"{day.month}.{day.day}.{day.year}" for day in days]
swapped = encode_pairs(sources, [pair.iso for pair in test], characters, digits)
right = exact_matches(attending, swapped, 11)
equal, confusable = (
    days.day == days.month,
    (days.day <= 12) & (days.day != days.month),
)
print("equal day and month: nearly all right:", right[equal].mean() > 0.95)
print("confusable: nearly none right:", right[confusable].mean() < 0.05)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Bahdanau, Cho and Bengio (2015)](https://arxiv.org/abs/1409.0473): the
#   paper; its figure 2 is this chapter's BLEU against length on real text, its
#   appendix A the model in full.
# - [Luong, Pham and Manning (2015)](https://arxiv.org/abs/1508.04025):
#   dot-product scores and local attention, compared.
# - [Vaswani et al. (2017)](https://arxiv.org/abs/1706.03762): attention without
#   recurrence.
# - [Jain and Wallace (2019)](https://aclanthology.org/N19-1357) and
#   [Wiegreffe and Pinter (2019)](https://aclanthology.org/D19-1002): read them
#   as a pair, before you show anybody a heat map.
# - [Post (2018)](https://arxiv.org/abs/1804.08771): why two BLEU scores from
#   two scripts cannot be compared.
#
# Before: [bidirectional networks](07_bidirectional.ipynb). Next: [the stock
# forecaster](10_stock_forecaster.ipynb), where the question is whether there is
# anything to learn.
