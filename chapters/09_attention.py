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
# **A recurrent network that has read a sequence holds all that it knows of it
# in one vector. What if the answer needs every symbol of the input, one after
# the other? Can the network look again, instead of remembering?**
#
# After this chapter you can
#
# - build an encoder–decoder that reads one sequence and writes another, train
#   it and let it write;
# - build additive attention and its mask, derive its gradient, and check them;
# - compare models with and without attention fairly, and beside counting;
# - read an attention map, and say what it does not show;
# - search with a beam, and say what teacher forcing hides;
# - turn attention into self-attention, the layer of transformers.

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
import textwrap

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.flop_counter import FlopCounterMode

from utils.attention import keras as keras_attention
from utils.attention import pytorch as torch_attention
from utils.attention.joint_ngrams import align
from utils.attention.pytorch import (
    PairBatches,
    Seq2Seq,
    exact_matches,
    greedy_decode,
)
from utils.attention.scratch import MultiHeadSelfAttention, positions
from utils.data.dates import make_dates
from utils.data.pairs import PAD, START, Symbols, encode_pairs
from utils.data.pronunciations import load_pronunciations
from utils.exercises import (
    check_attention_weights,
    check_copy_gate,
    check_coverage_loss,
    check_dot_product_attention,
    check_padding_mask,
    check_tempered_weights,
)
from utils.figures.attending import attend_to_self, two_heads
from utils.figures.beam import beam_tree
from utils.figures.charts import heat_map
from utils.figures.diagrams import attend_after, encoder_decoder
from utils.figures.style import COLORS, use_book_style
from utils.labs import (
    AttentionExample,
    AttentionView,
    attention_lab,
    dates_lab,
    load_weights,
    pronouncer_lab,
)
from utils.notebook import load_results, show_source
from utils.scratch import (
    AdditiveAttention,
    numerical_gradient,
    relative_error,
)
from utils.training import fit, keep_keras_on_cpu

# %% tags=["remove-cell"]
keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## Two sequences that do not march in step
#
# How is *rhythm* pronounced? The dictionary of this chapter says R IH DH AH M:
# six letters, five sounds, and the fourth sound belongs to no letter. A network
# that answers at every input symbol, like those of [chapter
# 7](07_bidirectional.ipynb), has nowhere to write it. Reading and writing have
# to be taken apart: read all, then write until the answer is complete.
#
# First a task that is learnt in half a minute: people write a day in many ways,
# machines want one way, ISO 8601. The book draws days from 1900 to 2100 and
# writes each in one of nine styles. (The task is that of
# [Ahmed (2017)](https://medium.com/datalogue/attention-in-keras-1892773a4f22)
# and of Ng's course *Sequence Models*; the rule below and the split by day are
# ours.)

# %%
pairs = make_dates(18_000, rng=0)
pd.DataFrame(pairs).drop_duplicates("style").set_index("style")

# %% [markdown]
# Names of months settle which number is the day. Between bare numbers the task
# needs a rule, and here the separator gives it: **with slashes the month comes
# first, with dots the day**. Without the rule nobody could read 3/7/2026. No
# day is drawn twice, so that a split of the rows is a split by day.
#
# How does a decoder begin, and how does it stop? With two symbols that no date
# contains. It is first given `<start>`; when it has said all, it writes
# `<end>`. In training it is given the true answer shifted by one, and has to
# say what comes next:

# %%
train, test = pairs[:16_000], pairs[16_000:]
assert not {pair.iso for pair in train} & {pair.iso for pair in test}
characters = Symbols(pair.text for pair in train)
digits = Symbols(pair.iso for pair in train)


# %%
def encode(rows):
    texts, days = [r.text for r in rows], [r.iso for r in rows]
    return encode_pairs(texts, days, characters, digits)


# %%
train_rows, test_rows = encode(train), encode(test)
named = np.array(digits.symbols)
given, wanted = named[test_rows.before[0]], named[test_rows.after[0]]
pd.DataFrame({"given": given, "to write": wanted}).T

# %% [markdown]
# Symbols travel as numbers: 0 is padding, 1 the start, 2 the end. The model
# itself decides where an answer ends, by writing 2; we only stop waiting after
# eleven steps, which a date with its end takes.
#
# ## One vector between reader and writer
#
# The plainest way is to let one network read and hand a single vector to
# another, which writes:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-fixed", "caption": "An encoder–decoder. The encoder reads the sequence in both directions; its two final states, side by side, are the summary c, and all that the decoder ever sees. Each of the decoder's steps is given c, its last state and the symbol before; c also enters what is read out."}}
encoder_decoder()

# %% [markdown]
# The *encoder* of {numref}`fig-attention-fixed` is a bidirectional GRU. Its
# *summary* $c$ joins its two final states. The *decoder*, another GRU, starts
# from the summary and writes symbol after symbol. A symbol $y$ is a row with a
# single one in it, $yE$ its embedding, and $p_i$ holds the next symbol's
# probabilities:
#
# $$
# \begin{aligned}
# c &= [\overrightarrow{h}_T; \overleftarrow{h}_1] \\
# s_0 &= \tanh(c W_s + b_s) \\
# s_i &= \mathrm{GRU}([y_{i-1} E; c],\ s_{i-1}) \\
# p_i &= \mathrm{softmax}([s_i; c]\, W_o + b_o)
# \end{aligned}
# $$ (eq-attention-fixed)
#
# To give $c$ at every step is the design of [Cho et al.
# (2014)](https://arxiv.org/abs/1406.1078), whose output also sees $y_{i-1}$;
# [Sutskever, Vinyals and Le (2014)](https://arxiv.org/abs/1409.3215) give it
# once, as the first state. Here is the model in PyTorch: without attention the
# context of a step is the summary. The encoder hands over a `Memory`: its
# states (also multiplied by $W_k$), their mask and the summary.

# %%
show_source(Seq2Seq.encode, Seq2Seq.step, bare=True)

# %% tags=["remove-input"]
show_source(
    Seq2Seq.__init__,
    Seq2Seq.initial_state,
    torch_attention.sequence_loss,
    PairBatches.__iter__,
    fold="The layers and their sizes, the first state, the loss, the batches",
    bare=True,
)

# %% [markdown]
# `pack_padded_sequence` keeps the padding out of the states, `padding_idx` its
# embedding at zero ([chapter 5](05_any_length.ipynb)).
#
# ### Teacher forcing, and writing alone
#
# There are two loops over that step. In training, every step is given the
# *true* symbol before, whatever the model would have said: *teacher forcing*
# ([Williams and Zipser, 1989](https://doi.org/10.1162/neco.1989.1.2.270)). So
# all steps have a target, and the loss is the mean cross-entropy over them. In
# use nobody knows the truth, and every step is given what the step before has
# *written*.


# %%
def teacher_forcing(model, source, lengths, before):
    memory = model.encode(source, lengths)
    state, logits = model.initial_state(memory), []
    for i in range(before.shape[1]):
        features, state, _ = model.step(before[:, i], state, memory)
        logits.append(model.readout(features))
    return torch.stack(logits, dim=1)


# %%
def write(model, source, lengths, most):
    memory = model.encode(source, lengths)
    state, written = model.initial_state(memory), []
    symbol = torch.full((len(source),), START)
    for _ in range(most):
        features, state, _ = model.step(symbol, state, memory)
        symbol = model.readout(features).argmax(dim=1)
        written.append(symbol)
    return torch.stack(written, dim=1)


# %% [markdown]
# That is all the difference: `before[:, i]` against the `symbol` chosen last.
# To write the likeliest symbol at each step is *greedy* decoding. The book's
# `Seq2Seq.forward` is the first loop; `greedy_decode` is the second, which
# stops once every row has ended.

# %%
torch.manual_seed(0)
fixed = Seq2Seq(len(characters), len(digits), attention=False)
few = [torch.from_numpy(part) for part in test_rows.rows(slice(0, 5))]
# Identity: two-loops
with torch.no_grad():
    forced = teacher_forcing(fixed, *few[:3])
    torch.testing.assert_close(forced, fixed(*few[:3]))
    alone = write(fixed, *few[:2], most=11)
torch.testing.assert_close(
    alone[:, 0], greedy_decode(fixed, fixed.encode(*few[:2]), 11).symbols[:, 0]
)
print("logits", *forced.shape, "symbols written", *alone.shape)

# %% [markdown]
# The book's twin in Keras has the same layers; the loop of its `call` is
# teacher forcing.

# %%
show_source(
    keras_attention.Seq2Seq.__init__,
    keras_attention.Seq2Seq.encode,
    keras_attention.Seq2Seq.step,
    keras_attention.Seq2Seq.call,
    bare=True,
)

# %% [markdown]
# ### Does one vector do?
#
# A day is one of some 73,000: about 16 bits, and the summary has 128 numbers,
# 64 from either direction. So a date would fit. But the network must *learn* to
# fold year, month and day into one vector and to unfold them in another order.
# Longer sequences ask more of it: [Cho et al.
# (2014b)](https://arxiv.org/abs/1409.1259) measured how translations get worse
# with length. Here is what a model of {numref}`fig-attention-fixed` writes
# after sixteen passes over 8,000 English sentences with their French:

# %%
translated = load_results("attention_translation")["results"]["runs"]


def show_translation(run, number):
    example = translated[run]["examples"][number]
    for name in ("source", "written"):
        text = f"{name}: {example[name]}"
        print(textwrap.fill(text, width=76, subsequent_indent="  "))


# %%
show_translation("no attention / 16 / 0", 0)

# %% [markdown]
# It writes French: it agrees, negates, joins clauses. But of the sentence it
# has kept the beginning and a few words, lost its place and goes round in a
# loop of clever birds. One vector would have to tell it what is still to be
# said.
#
# ## Look again
#
# The encoder computed a state at every position, and all but each direction's
# last were thrown away. Keep them. Think of a dictionary: there are *keys*,
# each with a *value*; a *query* comes, the key that equals it is found, and its
# value is the answer. Now make the look-up soft: score *every* key against the
# query, turn the scores into weights that sum to one, and answer with the
# weighted mean of the values. Nothing is discrete any more, so that gradient
# descent can train it.
#
# Here the decoder's state is the query, and the encoder's states are keys and
# values alike. A one-layer network gives the score: it adds a projection of the
# query to one of the key, squashes the sum, and reads it off by a vector. That
# is *additive* attention, of [Bahdanau, Cho and Bengio
# (2015)](https://arxiv.org/abs/1409.0473). ([Graves
# (2013)](https://arxiv.org/abs/1308.0850) had steered handwriting by weights
# over places in a text.)
#
# $$
# e_{ij} = \tanh(s_{i-1} W_q + h_j W_k)\, v^\top
# $$ (eq-attention-score)
#
# $$
# \begin{aligned}
# \alpha_{ij} &= \frac{\exp e_{ij}}{\sum_{k=1}^{T} \exp e_{ik}} \\
# c_i &= \sum_{j=1}^{T} \alpha_{ij}\, h_j
# \end{aligned}
# $$ (eq-attention-context)
#
# Why the tanh? Without it the score would be $s_{i-1} W_q v^\top + h_j W_k
# v^\top$. The first part is the same for every position, so that the softmax
# cancels it: the decoder would look at the same places whatever it wants. With
# the tanh the query's effect depends on the position; so it does with the
# product $s_{i-1} W h_j^\top$ below.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-one-step", "caption": "One step of a decoder with attention. Its last state scores every state of the encoder; the softmax of the scores are the weights; the weighted mean of the encoder's states is the context of this step alone, which also enters what is read out (no arrow)."}}
encoder_decoder(attention=True)

# %% [markdown]
# By hand, with one number for everything, $W_q = W_k = v = 1$, the query $0.5$
# and three positions with $h = (-1, 0, 2)$:

# %%
query, states = 0.5, np.array([-1.0, 0.0, 2.0])
scores = np.tanh(query + states)
weights = np.exp(scores) / np.exp(scores).sum()
for name, row in (("e", scores), ("alpha", weights)):
    print(f"{name:6}", *(f"{value:6.2f}" for value in row))
print(f"c = {weights @ states:.2f}")

# %% [markdown]
# The context lies between the states, drawn towards those that score best. In
# {numref}`fig-attention-one-step` it takes the place of the constant $c$ of
# {eq}`eq-attention-fixed`, and nothing else changes.
#
# ### The gradient
#
# Let $\delta c$ be the gradient that arrives at the context. A weight receives
# $g_j = \delta c\, h_j^\top$. The softmax has $\partial \alpha_j / \partial e_k
# = \alpha_j ([j = k] - \alpha_k)$, and so
#
# $$
# \delta e_j = \alpha_j \Bigl( g_j - \sum_k \alpha_k g_k \Bigr),
# $$ (eq-attention-softmax-gradient)
#
# so that descent raises the scores of states that would help more than the
# present mixture. A state receives two gradients, one for being mixed and one
# for being scored:
#
# $$
# \begin{aligned}
# u_j &= \tanh(s W_q + h_j W_k) \\
# \delta h_j &= \alpha_j\, \delta c
# + \bigl( \delta e_j\, v \odot (1 - u_j^2) \bigr) W_k^\top
# \end{aligned}
# $$ (eq-attention-state-gradient)


# %%
def attend(query, keys, W_q, W_k, v):
    hidden = np.tanh(query @ W_q + keys @ W_k)
    weights = np.exp(hidden @ v)
    weights /= weights.sum()
    return weights @ keys, weights, hidden


# %%
def attend_back(d_c, keys, weights, hidden, W_k, v):
    g = keys @ d_c
    d_e = weights * (g - weights @ g)
    d_hidden = d_e[:, None] * v * (1 - hidden**2)
    return np.outer(weights, d_c) + d_hidden @ W_k.T


# %%
rng = np.random.default_rng(0)
attention = AdditiveAttention(query_size=4, key_size=6, units=3, rng=0)
params = dict(zip(("W_q", "W_k", "v"), attention.params.values(), strict=True))
queries, states = rng.normal(size=(2, 4)), rng.normal(size=(2, 5, 6))
d_c = rng.normal(size=6)

context, weights, hidden = attend(queries[0], states[0], **params)
d_keys = attend_back(
    d_c, states[0], weights, hidden, params["W_k"], params["v"]
)

# %%
# Identity: additive-attention
found, _ = attention.forward(queries[:1], states[:1])
assert relative_error(context, found[0]) < 1e-12
assert relative_error(d_keys, attention.backward(d_c[None]).keys[0]) < 1e-12


def loss():
    return float(attention.forward(queries[:1], states[:1])[0][0] @ d_c)


assert relative_error(d_keys, numerical_gradient(loss, states)[0]) < 1e-7
print(f"error against differences below {1e-7:.0e}")

# %% tags=["remove-input"]
show_source(
    AdditiveAttention.forward,
    AdditiveAttention.backward,
    fold="The book's layer: the same for a batch, with a mask",
    bare=True,
)

# %% [markdown]
# ### The mask
#
# A batch is padded, and the softmax does not know it: a padded state scores
# like any other and takes its share. The mask sets such scores to $-\infty$
# *before* the softmax, so that the weights of the others still sum to one.

# %%
valid = np.array([[True] * 5, [True] * 3 + [False] * 2])
_, unmasked = attention.forward(queries, states)
context, weights = attention.forward(queries, states, valid)
print("without a mask", unmasked[1].round(2))
print("with the mask ", weights[1].round(2))

# %% [markdown]
# A row without any valid position has no weights; the book's layer refuses it.
#
# ### Bahdanau's form and Luong's
#
# [Luong, Pham and Manning (2015)](https://arxiv.org/abs/1508.04025) ask *after*
# the recurrent step:
#
# | | Bahdanau | Luong, global attention |
# |-|-|-|
# | query | $s_{i-1}$, before the step | $s_i$, after the step |
# | score | $\tanh(s_{i-1} W_q + h_j W_k)\, v^\top$ | *dot* $s_i h_j^\top$; *general* $s_i W h_j^\top$; *concat* $\tanh([s_i; h_j]\, W)\, v^\top$ |
# | state | $s_i = \mathrm{GRU}([y_{i-1} E; c_i], s_{i-1})$ | $s_i = \mathrm{LSTM}(y_{i-1} E, s_{i-1})$ |
# | read out from | $[s_i; c_i]$ | $\tilde s_i = \tanh([c_i; s_i]\, W_c)$ |

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-after", "caption": "One step of a decoder that attends after its cell, with the encoder as before. The new state asks; what it finds and the state itself are joined into what is read out."}}
attend_after()

# %% [markdown]
# In {numref}`fig-attention-after` no arrow leads from $c_i$ to $s_i$. (In
# Bahdanau's paper the first state is the backward direction's, and a maxout
# readout sees $y_{i-1}$ too.) Luong's *input feeding* also gives $\tilde
# s_{i-1}$ to the next step. With a plain tanh cell both forms are a few lines:


# %%
def mix(scores, h):
    weights = np.exp(scores) / np.exp(scores).sum()
    return weights @ h, weights


def bahdanau_step(y, s, h, W_q, W_k, v, W):
    c, weights = mix(np.tanh(s @ W_q + h @ W_k) @ v, h)
    s = np.tanh(np.concatenate([y, c, s]) @ W)
    return np.concatenate([s, c]), s, weights


# %%
def luong_step(y, s, h, W_general, W, W_c):
    s = np.tanh(np.concatenate([y, s]) @ W)
    c, weights = mix(h @ (s @ W_general), h)
    return np.tanh(np.concatenate([c, s]) @ W_c), s, weights


# %%
y, s, h = rng.normal(size=2), rng.normal(size=4), states[0]


def drawn(*shape):
    return rng.normal(0, 0.5, shape)


steps = {
    "Bahdanau": bahdanau_step(y, s, h, **params, W=drawn(12, 4)),
    "Luong": luong_step(y, s, h, drawn(4, 6), drawn(6, 4), drawn(10, 4)),
}
for name, (features, _, weights) in steps.items():
    print(f"{name:9} features {features.size:2}, weights", weights.round(2))

# %% [markdown]
# ### The same in both frameworks
#
# PyTorch has no additive attention layer. Keras has one, without the two
# matrices: it is ours with identities for them. The book's layers take the
# NumPy layer's weights and agree, forward and backward.

# %% tags=["tab-pytorch"]
# PyTorch
torch_layer = torch_attention.AdditiveAttention(4, 6, 3).double()
arrays = list(attention.params.values())
for part, array in zip(torch_layer.parameters(), arrays, strict=True):
    part.data = torch.from_numpy(array.T.reshape(part.shape).copy())
torch_states = torch.from_numpy(states).requires_grad_()
found, _ = torch_layer(
    torch.from_numpy(queries), torch_states, torch.from_numpy(valid)
)
d_context = rng.normal(size=context.shape)
attention.forward(queries, states, valid)
grads = attention.backward(d_context)
found.backward(torch.from_numpy(d_context))
# Identity: additive-frameworks
assert relative_error(found.detach().numpy(), context) < 1e-12
assert relative_error(torch_states.grad.numpy(), grads.keys) < 1e-12

# %% tags=["tab-keras"]
# Keras
keras_layer = keras_attention.AdditiveAttention(3, dtype="float64")
keras_layer.build(queries.shape, states.shape)
keras_layer.set_weights([*arrays[:2], arrays[2][:, None]])
keras_states = tf.Variable(states)
with tf.GradientTape() as tape:
    found, _ = keras_layer(queries, keras_states, mask=valid)
    value = tf.reduce_sum(found * d_context)
d_states = tape.gradient(value, keras_states).numpy()
assert relative_error(found.numpy(), context) < 1e-12
assert relative_error(d_states, grads.keys) < 1e-12

# %% [markdown]
# ## Training, with attention
#
# Train for one pass over 16,000 dates with Adam under one learning-rate cycle
# (the rate rises, then falls to nothing), gradients clipped at the norm 1, then
# test on days that the network has never seen in any spelling:


# %%
def train_model(model, rows=train_rows, tests=test_rows, passes=1, peak=3e-2):
    batches = PairBatches(rows, batch_size=128, rng=0)
    optimizer = torch.optim.Adam(model.parameters(), lr=peak)
    # The schedule takes one step before the first batch.
    steps = passes * len(batches) + 1
    fit(
        model,
        batches,
        loss=torch_attention.sequence_loss,
        optimizer=optimizer,
        epochs=passes,
        clip=1.0,
        schedule=OneCycleLR(optimizer, peak, total_steps=steps),
    )
    return exact_matches(model, tests, max_length=11).mean()


# %% tags=["within-0.02"]
torch.manual_seed(0)
attending = Seq2Seq(len(characters), len(digits), attention=True)
score = train_model(attending)
assert score > 0.95
print(f"dates right as a whole: {score:.2f}")

# %% [markdown]
# With these weights the twin in Keras computes the same function, matrices
# transposed, gates and biases rearranged as in [chapter 3](03_gru.ipynb).

# %%
few = test_rows.rows(slice(0, 20))
attending.double()
with torch.no_grad():
    torch_logits = attending(*map(torch.from_numpy, few[:3])).numpy()
arrays = {name: value.numpy() for name, value in attending.state_dict().items()}
twin = keras_attention.Seq2Seq(len(characters), len(digits), dtype="float64")
twin((few.source, few.before))
twin.take_weights(arrays)
# Identity: seq2seq-frameworks
keras_logits = twin((few.source, few.before)).numpy()
assert relative_error(keras_logits, torch_logits) < 1e-10
_ = attending.float()

# %% [markdown]
# ### What is attention worth here?
#
# The run above cannot say, because no other model was trained beside it. A fair
# trial first finds the best learning rate of each, on days kept for validation:

# %% mystnb={"figure": {"name": "tab-attention-rates", "caption": "Validation loss after one pass over 20,000 dates, the median of three seeds, by the highest learning rate of the cycle."}}
dates = load_results("attention_dates")["results"]
rows = [
    (*name.split(" / "), run["error"]) for name, run in dates["tuning"].items()
]
losses = pd.DataFrame(rows, columns=["model", "rate", "seed", "loss"])
losses = losses.pivot_table("loss", "model", "rate", aggfunc="median")
losses.round(3)

# %% tags=["remove-cell"]
assert (
    25
    < losses.loc["no attention", "0.01"] / losses.loc["attention", "0.01"]
    < 35
)

# %% [markdown]
# At the rate 0.001 of {numref}`tab-attention-rates` the two models look alike;
# at 0.01 one loss is thirty times the other. A comparison at one learning rate
# is a comparison of learning rates. So each model gets its own best, three
# fresh seeds, and passes until its curve is flat:


# %%
def over_seeds(key, value):
    return [value(dates["runs"][f"{key} / {seed}"]) for seed in range(3)]


def spread(values, digits=3):
    low, middle, high = (f"{each:.{digits}f}" for each in sorted(values))
    return f"{middle} ({low} to {high})"


# %% mystnb={"figure": {"name": "tab-attention-dates", "caption": "Test dates that are right as a whole, by passes over 20,000 dates, each number of passes under a cycle of its own: the median of three seeds, their range, and the median CPU seconds."}}
table = {}
for name, budgets in {
    "no attention": (2, 4, 8),
    "attention": (1, 2, 4),
}.items():
    for passes in budgets:
        key = f"{name} / {passes}"
        seconds = over_seeds(key, lambda run: run["seconds"])
        table[name, passes] = {
            "parameters": dates["runs"][f"{key} / 0"]["parameters"],
            "CPU s": f"{np.median(seconds):.0f}",
            "right": spread(over_seeds(key, lambda run: run["exact"])),
        }
pd.DataFrame(table).T.rename_axis(["model", "passes"])

# %% [markdown]
# Both models of {numref}`tab-attention-dates` solve the task. With attention it
# is solved after one pass, without after four, in two and a half times the CPU
# time.[ᶜ](claims.md#attention_learns_dates_sooner) So one vector can hold a
# date, but takes longer to learn.
#
# ### What is the mask worth?
#
# Train with a mask and without (then neither encoder nor softmax knows where a
# row ends), on batches of similar lengths, with hardly any padding, and on
# random ones; test among more padding.

# %% mystnb={"figure": {"name": "tab-attention-mask", "caption": "Test dates that are right as a whole, in one array as wide as the longest date, and with forty columns of padding more: the median of three seeds and their range, two passes."}}
table = {}
for mask in ("mask", "no mask"):
    for batches in ("buckets", "random batches"):
        table[mask, batches] = {
            f"{columns} columns more": spread(
                over_seeds(
                    f"{mask} / {batches}",
                    lambda run, n=columns: run["exact by extra padding"][n],
                )
            )
            for columns in ("0", "40")
        }
pd.DataFrame(table).T.rename_axis(["model", "batches"])

# %% [markdown]
# A mask is a guarantee: in the two upper rows of {numref}`tab-attention-mask`
# no score moves. Without one the model has learnt an approximation, good for
# the padding that it was trained on.[ᶜ](claims.md#mask_is_a_guarantee) A model
# trained among much padding nearly always reads past it; one trained among
# little already fails on many dates beside the longest. (We had predicted less
# than 0.3 of the dates with forty columns; one seed had 0.46, and the present
# claim was written afterwards.)
#
# The guarantee needs no trial: forty columns behind every date change no symbol
# that our model writes.

# %%
source, lengths = map(torch.from_numpy, test_rows[:2])
wide = nn.functional.pad(source, (0, 40))
narrow, widened = (
    greedy_decode(attending, attending.encode(rows, lengths), 11)
    for rows in (source, wide)
)
# Identity: mask-guarantees
assert torch.equal(narrow.symbols, widened.symbols)
assert widened.weights[..., source.shape[1] :].max() == 0

# %% [markdown]
# ## Where it looks
#
# The weights $\alpha_{ij}$ can be drawn, a row for each written symbol.


# %%
def look(text, extra=0, mask_padding=True):
    source = torch.tensor([characters.encode(text) + [PAD] * extra])
    memory = attending.encode(source, torch.tensor([len(text)]))
    if not mask_padding:
        memory = memory._replace(mask=torch.ones_like(memory.mask))
    symbols, weights = greedy_decode(attending, memory, max_length=11)
    written = digits.decode(symbols[0].tolist())
    return AttentionView(written, weights[0, : len(written)].numpy())


# %%
text = "Friday, 27 March 1908"
view = look(text)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-map", "caption": "Where a trained model looks for each symbol of a date that it writes: the weights of one row sum to one."}, "image": {"alt": "Heat map of attention weights for Friday, 27 March 1908: the rows of the year's digits are dark over the year at the end, those of the month over the month's name, those of the day over 27."}}
figure, axes = plt.subplots(figsize=(6.2, 4))
names = {"rows": view.written, "columns": list(text)}
heat_map(axes, view.weights, **names, label="weight").set_clim(0, 1)
axes.set(xlabel="source", ylabel="written")
plt.show()

# %% [markdown]
# In {numref}`fig-attention-map` the year is written first though it stands
# last; for the month the weight lies on its name, for the day on its digits.
# Day and year are only copied here. A *pointer network* ([Vinyals, Fortunato
# and Jaitly, 2015](https://arxiv.org/abs/1506.03134)) does nothing else: it
# answers by the position that its weights choose.
#
# Take the map apart: another date, another row, no mask. ∅ is padding.

# %% tags=["nbval-ignore-output"] mystnb={"figure": {"name": "fig-attention-lab", "caption": "The weights behind each written symbol, with the mask of the softmax and without."}, "image": {"alt": "Two heat maps of attention weights for 7. März 2026 and twenty places of padding behind it, a row for each written symbol. With the mask the padding has no weight."}}
examples = []
texts = ["7. März 2026", "3/7/2026", "3.7.2026", "二〇二六年三月七日"]
for text in texts:
    views = [look(text, 20, mask_padding) for mask_padding in (True, False)]
    examples.append(AttentionExample([*text, *"∅" * 20], *views))
attention_lab(examples)

# %% [markdown]
# In {numref}`fig-attention-lab`, `3/7/2026` and `3.7.2026` hold the same three
# numbers. Their maps differ in where month and day are fetched, and that is the
# separator's work: the states at the digits have read it. Type a date of your
# own into {numref}`fig-attention-typed`.

# %% mystnb={"figure": {"name": "fig-attention-typed", "caption": "A network with attention, after four passes over the dates, writes what you type. Weights on the padding are added up in the last column."}}
reader = load_results("date_reader")["results"]
dates_lab(reader["source"], reader["target"], load_weights("date_reader"))

# %% [markdown]
# ### Backwards
#
# A task that is all memory: write letters backwards. Guess the map first.

# %%
letters = Symbols(["abcdefghij"])


def backwards(count, longest=8):
    strings = [
        "".join(rng.choice(letters.symbols[3:], length))
        for length in rng.integers(1, longest + 1, count)
    ]
    turned = [string[::-1] for string in strings]
    return encode_pairs(strings, turned, letters, letters)


# %% tags=["within-0.1"]
torch.manual_seed(0)
turning = Seq2Seq(len(letters), len(letters), attention=True)
means = backwards(12_000), backwards(500)
score = train_model(turning, *means, passes=2, peak=1e-2)
assert score > 0.7
# tolerance: trained only until its map can be read.
print(f"strings right as a whole: {score:.1f}")

# %%
text = "fabdeghc"
source = torch.tensor([letters.encode(text)])
memory = turning.encode(source, torch.tensor([len(text)]))
symbols, weights = greedy_decode(turning, memory, max_length=11)
written = letters.decode(symbols[0].tolist())

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-backwards", "caption": "The weights of a model that writes a string backwards."}, "image": {"alt": "Heat map of eight written letters against the eight of the source, fabdeghc. The weights lie on the diagonal from the upper right, where the last letter is written first, to the lower left."}}
figure, axes = plt.subplots(figsize=(4.2, 3.4))
names = {"rows": written, "columns": list(text)}
shown = weights[0, : len(written)].numpy()
heat_map(axes, shown, **names, label="weight").set_clim(0, 1)
axes.set(xlabel="source", ylabel="written")
plt.show()

# %% [markdown]
# In {numref}`fig-attention-backwards` the weights run along the other diagonal,
# or one letter beside it. Without attention one vector has to hold every letter
# at once. Does it learn to? Now strings have up to twenty letters of twenty
# kinds, and every pass draws fresh ones. Each model has the rate that was best
# for its most passes.

# %%
recorded = load_results("attention_reversal")["results"]["runs"]
learners = {}
for name in (
    "attention / 4",
    "no attention / 16",
    "no attention / 4",
    "no attention, 128 units / 16",
):
    runs = [recorded[f"{name} / {seed}"] for seed in range(3)]
    seconds = np.median([run["seconds"] for run in runs])
    learners[f"{name} passes, {seconds:.0f} CPU s"] = runs
    assert all((np.diff(run["training loss"]) < 0).all() for run in runs)
    last = [run["training loss"][-1] for run in runs]
    print(f"{name:28} passes, loss of the last: {spread(last)}")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-learning", "caption": "Learning to write strings backwards: the mean loss of each pass, one dot, over the CPU time spent until its end; a line for each of three seeds. The learning rate ends at zero with the last pass of each line."}, "image": {"alt": "Four bundles of falling lines, loss on a logarithmic axis. With attention it falls from about two to three thousandths in half a minute. Without, it goes slowly and steadily down, to about four tenths after four passes in some twenty seconds, to somewhat above a tenth after sixteen in a minute and a half, and with 128 units to six hundredths in two and a half."}}
figure, axes = plt.subplots(figsize=(6.2, 3.4))
for color, (name, runs) in zip(COLORS.values(), learners.items(), strict=False):
    for seed, run in enumerate(runs):
        losses = run["training loss"]
        spent = np.arange(1, len(losses) + 1) * run["seconds"] / len(losses)
        label = None if seed else name
        axes.plot(spent, losses, "o-", c=color, label=label, markersize=4)
axes.set(xlabel="CPU seconds", ylabel="loss of a pass", yscale="log")
axes.yaxis.set_major_formatter("{x:g}")
axes.legend(title=None, fontsize=8)
plt.show()

# %% [markdown]
# In {numref}`fig-attention-learning` the lines without attention fall until
# their learning rate nears zero, and fall further with more passes: that is
# slow learning, and no limit has been reached.

# %%
by_length = {
    name: [
        {n: part["letters"] for n, part in run["accuracy by length"].items()}
        for run in runs
    ]
    for name, runs in learners.items()
}
for name, runs in by_length.items():
    right = spread([run["20"] for run in runs], 2)
    print(f"{name:46} 20 letters: {right}")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-length", "caption": "Letters right in strings written backwards, by their length; three seeds each. Training strings had up to 20 letters, the dotted line."}, "image": {"alt": "Four bundles of falling curves over lengths from 5 to 40. With attention they stay near one up to 20 and fall beyond it. Without, they fall after four passes from 5 on, after sixteen from 10 on, and with 128 units mostly from 15 on."}}
figure, axes = plt.subplots(figsize=(6.2, 3.4))
for color, (name, runs) in zip(
    COLORS.values(), by_length.items(), strict=False
):
    for seed, run in enumerate(runs):
        label = None if seed else name.rpartition(",")[0]
        axes.plot(list(map(int, run)), run.values(), "o-", c=color, label=label)
axes.axvline(20, color="black", linestyle=":")
axes.set(xlabel="letters", ylabel="share right", ylim=(0, 1.03))
axes.legend(title=None, fontsize=8, loc="lower left", handlelength=1)
plt.show()

# %% [markdown]
# By {numref}`fig-attention-length` one vector learns short strings first, and
# more passes still help it with long ones; attention gets further in less
# time.[ᶜ](claims.md#one_vector_learns_short_strings_first) Is the vector too
# small? From twice the units it holds more
# letters,[ᶜ](claims.md#twice_the_units_hold_more_letters) yet fewer, in more
# CPU time, than attention from
# half.[ᶜ](claims.md#twice_the_units_stay_behind_attention) Beyond twenty
# letters, which none has met in training, all get worse.
#
# ### A map is not an explanation
#
# It is tempting to read the map as the reason. What would change the answer is
# another question; the gradient of a symbol's log probability with respect to
# each letter's embedding answers it.

# %%
row = encode([pair for pair in test if pair.style == "French"][:1])
text = "".join(characters.decode(row.source[0]))
gradients = torch_attention.input_gradients(
    attending, *map(torch.from_numpy, row)
)[0, :10].numpy()
shares = gradients / gradients.sum(axis=1, keepdims=True)
view = look(text)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-gradient", "caption": "What was mixed, and what would change the answer: attention weights above, the lengths of the input gradients, as shares of their row, below."}, "image": {"alt": "Two heat maps, one above the other, for a French date: attention weights above, the gradients' shares below, which spread over neighbouring characters."}}
figure, panes = plt.subplots(2, figsize=(6.2, 6.4))
names = {"rows": view.written, "columns": list(text)}
heat_map(panes[0], view.weights, **names, label="weight").set_clim(0, 1)
heat_map(panes[1], shares, **names, label="share").set_clim(0, 1)
panes[0].set(ylabel="written", title="attention")
panes[1].set(ylabel="written", title="gradient")
plt.show()

# %% [markdown]
# The two maps of {numref}`fig-attention-gradient` agree on the part of the
# date, and the gradient spreads over neighbours that got little weight. The
# reason lies in the encoder: a state has read the whole date in both
# directions, so that weight *on* a position is evidence of where something was
# fetched, not proof that its letter was the cause. How good is that evidence?
# In the trial, on 300 dates a seed:

# %%
same = over_seeds(
    "attention / 2", lambda run: run["explanation"]["same top position"]
)
print("most weight where the gradient is largest:", spread(same, 2))

# %% [markdown]
# How much do the weights matter? [Jain and Wallace
# (2019)](https://aclanthology.org/N19-1357) found that classifiers often give
# the same answer with the weights shuffled, and [Wiegreffe and Pinter
# (2019)](https://aclanthology.org/D19-1002) that the verdict depends on what
# one calls an explanation. [Vashishth et al.
# (2019)](https://arxiv.org/abs/1909.11218) explain how both can be: where one
# vector is made of one sequence, attention acts like a gate, and its values
# matter little; between two sequences, as here, they decide what is written.
# Shuffle our weights among each date's letters:


# %% tags=["within-0.02"]
class Dealt(torch_attention.AdditiveAttention):
    def attend(self, query, keys, projected, mask=None):
        _, weights = super().attend(query, keys, projected, mask)
        order = (torch.rand_like(weights) + (~mask).float()).argsort(dim=1)
        weights = weights.gather(1, order)
        return torch.bmm(weights[:, None], keys)[:, 0], weights


kept, attending.attention = attending.attention, Dealt(64, 128, 64)
attending.attention.load_state_dict(kept.state_dict())
dealt = exact_matches(attending, test_rows, max_length=11).mean()
attending.attention = kept
assert dealt < 0.1
print(f"all eleven symbols right, with the weights shuffled: {dealt:.2f}")

# %% [markdown]
# So a map shows what was fetched. To learn why a symbol came out, change the
# input and watch.

# %% [markdown]
# ## What teacher forcing hides
#
# For whole answers the two loops make no difference: a row is right under
# greedy decoding exactly when every symbol is right under teacher forcing,
# because until the first mistake both have been given the same.

# %%
few = [torch.from_numpy(part) for part in test_rows]
with torch.no_grad():
    forced = attending(*few[:3]).argmax(dim=2)
right = ((forced == few[3]) | (few[3] == PAD)).all(dim=1).numpy()
# Identity: same-rows
np.testing.assert_array_equal(right, exact_matches(attending, test_rows, 11))

# %% [markdown]
# The difference begins after a mistake. To see one takes a model that makes
# some: the one without attention, after two passes. On the symbols that follow
# a date's first mistake it is asked twice, once fed the truth, once its own.

# %% mystnb={"figure": {"name": "tab-attention-fed", "caption": "The share of symbols that are right after a date's first mistake, by what the model is fed. Both trainings are compared on the same symbols, those after the first mistake of both."}}
fed = {}
for training in ("true symbols", "own symbols, rising to half"):
    for seed in range(3):
        run = dates["runs"][f"fed / {seed}"][training]
        fed[f"trained on {training}", seed] = {
            "symbols": run["symbols compared"],
            "fed the truth": round(run["right, truth fed"], 2),
            "fed its own": round(run["right, own fed"], 2),
        }
pd.DataFrame(fed).T.rename_axis(["", "seed"]).astype({"symbols": int})

# %% [markdown]
# The network of the upper rows of {numref}`tab-attention-fed` was never given a
# wrong symbol in training, and fed its own after a mistake it gets fewer
# right.[ᶜ](claims.md#own_symbols_cost_after_a_mistake) That is called *exposure
# bias* ([Ranzato et al., 2016](https://arxiv.org/abs/1511.06732)). But the
# columns' difference is an upper bound, not the bias: the truth also tells the
# model what should have been written and so repairs its state, which would help
# a model that knows no bias too ([He et al.,
# 2021](https://arxiv.org/abs/1905.10617)).
#
# *Scheduled sampling* gives the model more and more of its own symbols in
# training ([Bengio et al., 2015](https://arxiv.org/abs/1506.03099)), at the
# price that the loss no longer has the true distribution as its optimum
# ([Huszár, 2015](https://arxiv.org/abs/1511.05101)). In the lower rows the
# difference is smaller for each seed, but for one by less than the margin of
# 0.02 that we had set, so we conclude nothing.
#
# ## Greedy and beam search
#
# The likeliest first symbol need not begin the likeliest *sequence*. So keep
# several beginnings, a *beam*. By hand, with three symbols, two steps and a
# beam of two:

# %%
first = {"a": 0.5, "b": 0.4, "c": 0.1}
then = {
    "a": {"a": 0.5, "b": 0.3, "c": 0.2},
    "b": {"a": 0.8, "b": 0.1, "c": 0.1},
}
beam, grown = sorted(first, key=first.get, reverse=True)[:2], {}
for begun in beam:
    for symbol, share in then[begun].items():
        grown[begun + symbol] = first[begun] * share
print(*(f"{text} {total:.2f}" for text, total in grown.items()), sep="   ")
assert max(grown, key=grown.get) == "ba"

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-beam", "caption": "A beam of two over two steps. A branch bears the probability of its symbol after those before it, a box the product of all from the start on. Green: kept; grey: dropped and not extended; orange: the way of greedy decoding."}}
beam_tree([first, grown], width=2)

# %% [markdown]
# In {numref}`fig-attention-beam` greedy decoding begins with a, and so it
# cannot reach ba. The beam keeps the `width` likeliest beginnings, here a and
# b. Each step extends these alone and keeps the best again: behind c no product
# can exceed 0.10. An output that has ended is put aside, its place with it,
# until no place is left.

# %% tags=["remove-input"]
show_source(
    torch_attention.beam_search, fold="Beam search, one source at a time"
)

# %% [markdown]
# Does it get more *right*? First dates, which all have ten symbols:

# %% mystnb={"figure": {"name": "tab-attention-beam", "caption": "Dates right as a whole, of 300, by the width of the beam: a model without attention, two passes, three seeds."}}
rows = {
    f"seed {seed}": {
        width: round(found["exact"], 3)
        for width, found in run["exact by beam width"].items()
    }
    for seed in range(3)
    for run in [dates["runs"][f"no attention / 2 / {seed}"]]
}
beams = pd.DataFrame(rows).T.rename_axis("width", axis=1)
assert (beams["2"] - beams["1"] > 0.01).all()
assert (beams["2"] == beams["10"]).all()
beams

# %% [markdown]
# By {numref}`tab-attention-beam` one more beginning repairs one to three dates
# in a hundred, and eight more repair none. How to rank outputs that differ in
# length? Each symbol lowers the sum of the log probabilities, so that the sum
# prefers short outputs. One may rank by the mean per symbol instead, or by a
# gentler power of the length ([Wu et al.,
# 2016](https://arxiv.org/abs/1609.08144)). Translations do differ in length:

# %% mystnb={"figure": {"name": "tab-attention-ranked", "caption": "The first 100 test sentences of the translation below, with attention: how many are right as a whole, and BLEU, by the width of the beam and by what ranks its outputs. Median and range of three seeds."}}
table = {}
for how in ("sum", "mean"):
    for score, scale in (("exact", 100), ("BLEU", 1)):
        table[f"{score}, by the {how}"] = {
            width: spread([scale * run[how][score] for run in found], 0)
            for width in ("1", "2", "4", "10")
            for found in [
                [
                    translated[f"attention / 4 / {seed}"]["beams"][width]
                    for seed in range(3)
                ]
            ]
        }
pd.DataFrame(table).rename_axis("width")

# %% tags=["remove-cell"]
for seed in range(3):
    found = translated[f"attention / 4 / {seed}"]["beams"]
    greedy = found["1"]["mean"]["exact"]
    assert all(run["mean"]["exact"] >= greedy for run in found.values())
    parted = {
        width for width, run in found.items() if run["sum"] != run["mean"]
    }
    assert parted == ({"10"} if seed == 0 else set())

# %% [markdown]
# In {numref}`tab-attention-ranked` a second beginning mends two sentences in
# the median; wider beams add little, and sum and mean part only for one seed,
# at ten beginnings. Larger systems translate worse with wide beams ([Koehn
# and Knowles, 2017](https://aclanthology.org/W17-3204)), because models give
# the empty output a surprising share ([Stahlberg and Byrne,
# 2019](https://arxiv.org/abs/1908.10090)).
#
# ## English, spelt and spoken
#
# Back to *rhythm*. The [CMU Pronouncing
# Dictionary](http://www.speech.cs.cmu.edu/cgi-bin/cmudict) lists what no simple
# rule gives:

# %%
listed = load_pronunciations()
for word in ("through", "though", "tough", "rhythm", "lead"):
    print(f"{word:8}", " or ".join(" ".join(each) for each in listed[word]))
several = sum(len(each) > 1 for each in listed.values())
print(len(listed), "words,", several, "with several pronunciations")

# %% [markdown]
# A guess counts as right if it is *any* of those listed; the word error rate is
# the share of words that are not. Of these words 12,000 are kept for the test,
# 3,000 for validation. How they are split decides what is asked: by *word*,
# `walked` may be trained on and `walks` tested on; by *stem*, forms in -s, -ed,
# -ing, -er and -ly stay together.
#
# Before a network reads a word, let us count. Align every letter with the
# *phones* (sounds), none, one or two, that it stands for, and take a letter
# with its phones as one symbol:

# %%
sample = list(listed)[::40]
spelt = [(word, phones) for word in sample for phones in listed[word]]
joined = {"".join(j.letter for j in each): each for each in align(spelt)}
for word in [word for word in joined if len(word) == 9][:3]:
    print(*(f"{j.letter}:{'+'.join(j.phones) or '–'}" for j in joined[word]))

# %% [markdown]
# A word is now a sequence of one kind of symbol, and an n-gram model predicts
# each from the six before it: a *joint 7-gram* ([Bisani and Ney,
# 2008](https://doi.org/10.1016/j.specom.2008.01.002)), smoothed as Kneser and
# Ney do, searched with a beam of ten. It needs some 150 lines of NumPy
# (`utils/attention/joint_ngrams.py`) and no gradient.

# %% mystnb={"figure": {"name": "tab-attention-counted", "caption": "The joint 7-gram's word error rate on 12,000 words, all and by the number of letters, and the CPU seconds of aligning, counting and scoring."}}
spoken = load_results("pronunciation")["results"]["runs"]
table = {}
for by in ("word", "stem"):
    run = spoken[f"joint 7-gram / {by}"]
    errors = {"all": run["test"]["word errors"]}
    for letters, part in run["test"]["by letters"].items():
        errors[letters] = part["word errors"]
    table[f"split by {by}"] = errors | {"CPU s": run["seconds"]}
pd.DataFrame(table).T.round(3)

# %% tags=["remove-cell"]
by_word, by_stem = (table[f"split by {by}"] for by in ("word", "stem"))
assert by_stem["all"] - by_word["all"] > 0.05

# %% [markdown]
# By {numref}`tab-attention-counted` 27 % of the words come out wrong where
# relatives may have been trained on, and 34 % where fewer may: an error rate
# says little without its split. ([Published
# systems](https://github.com/cmusphinx/g2p-seq2seq) err on about 31 to 34 % of
# the current dictionary's words, on 20 to 24 % of an older split's.)
#
# That is what a network has to beat. This chapter's model, of 128 units, with
# attention and without, trains on these words for about the same CPU time,
# tuned on the split by word.

# %% tags=["hide-input"]
for by in ("word", "stem"):
    for part in ("ensemble", "mixture"):
        run = {"test": spoken[f"mixed / {by}"][part]}
        spoken[f"{part}, beam / {by}"] = run
    spoken[f"joint 7-gram, beam / {by}"] = spoken.pop(f"joint 7-gram / {by}")
rows = {
    "one vector, 9": "no attention{} / {} / 1",
    "one vector, 18": "no attention{} / {} / 2",
    "one vector, 36": "no attention{} / {} / 3",
    "attention, 6": "attention{} / {} / 1",
    "attention, 12": "attention{} / {} / 2",
    "attention, 24": "attention{} / {} / 3",
    "no dropout, 24": "attention, no dropout{} / {} / 3",
    "three networks": "ensemble{} / {}",
    "joint 7-gram": "joint 7-gram{} / {}",
    "mixture": "mixture{} / {}",
}


# %% tags=["hide-input"]
def runs_of(row, by="word", how=", beam"):
    name = rows[row].format(how, by)
    return [run for key, run in spoken.items() if key.startswith(name)]


def wrong(runs):
    found = [100 * run["test"]["word errors"] for run in runs]
    if len(found) > 1:
        return spread(found, 1)
    return f"{found[0]:.1f}" if found else ""


# %% mystnb={"figure": {"name": "tab-attention-spoken", "caption": "Words wrong of 12,000, in per cent, written greedily or with a beam: of five, ranked by the sum of the log probabilities (the mean was not tried), of ten for the counts. Median and range of three fresh seeds (one run in the last three rows); where an error is missing nothing ran. Median CPU seconds, split by word: of training, of the counts with scoring; writing all words with a beam takes 36 to 55 more with attention, 27 to 36 without. The three networks are those of 12 passes, mixed in equal shares; the mixture is of these and the counts, in the share that is best on validation words; both cost three trainings and some 170 for writing and mixing. Networks with attention have 425,000 parameters, those without 375,000. The dropout is the one with the lowest validation loss in one tuning run: with attention none, without 0.15. For the most passes it was chosen between that and the next larger alone, at the same rate, and the larger won both times: 0.15 and 0.3. Without dropout the loss after 24 passes is higher than after 12, though fewer words are wrong. The dropout lowers that loss, but not the words wrong."}}
table = {}
for row in rows:
    table[row] = {
        f"by {by}{how}": wrong(runs_of(row, by, how))
        for by in ("word", "stem")
        for how in ("", ", beam")
    }
    runs = runs_of(row, how="") or runs_of(row)
    seconds = [run["seconds"] for run in runs if "seconds" in run]
    table[row]["CPU s"] = f"{np.median(seconds):.0f}" if seconds else ""
pd.DataFrame(table).T.rename_axis("passes", axis=1)

# %% tags=["remove-cell"]
for passes in (
    ("attention, 6", "one vector, 9"),
    ("attention, 12", "one vector, 18"),
    ("attention, 24", "one vector, 36"),
):
    looking, plain = (
        [run["seconds"] for run in runs_of(row, how="")] for row in passes
    )
    assert max(looking) < min(plain)
looking, plain = (
    [run["seconds"] for run in runs_of(row, "stem", "")]
    for row in ("attention, 12", "one vector, 18")
)
assert max(looking) < min(plain)
losses = [
    [run["valid loss"] for run in runs_of(row, how="")]
    for row in ("attention, 12", "attention, 24", "no dropout, 24")
]
assert max(losses[0] + losses[1]) < min(losses[2])

# %% tags=["remove-cell"]
for start, low, high in (("attention", 36, 55), ("no attention", 27, 36)):
    searched = [
        run["seconds"]
        for name, run in spoken.items()
        if name.startswith(start) and "width" in run
    ]
    assert (round(min(searched)), round(max(searched))) == (low, high)
for by in ("word", "stem"):
    assert 160 < spoken[f"mixed / {by}"]["seconds"] < 180

# %% [markdown]
# Split by word, attention gets more words of {numref}`tab-attention-spoken`
# right in less time;[ᶜ](claims.md#attention_pronounces_more_words) so by stem,
# and after twice the passes, with more dropout; both
# gain.[ᶜ](claims.md#attention_stays_ahead) Counting, in a twelfth of the time,
# beats each network of twelve passes by word; by stem each beats
# it.[ᶜ](claims.md#counting_wins_among_relatives) Mixed with three networks,
# counts get more right than
# alone,[ᶜ](claims.md#mixture_pronounces_more_words) and than the
# three.[ᶜ](claims.md#counts_help_three_networks) A beam helps each single
# network slightly.[ᶜ](claims.md#beam_pronounces_more_words) (Our earlier claims
# on counts and beam were refuted.)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-letters", "caption": "Words wrong, in per cent, by their number of letters, split by word and written with a beam: networks of 18 and 12 passes, a line for each of three seeds, the counts, and their mixture with the three networks."}, "image": {"alt": "Bundles of lines over six bins of letters, from 1–4 to 14–40. All begin near 20, the counts near 25. The single vector rises to about 60, attention to about 40; the counts stay between 25 and 28, and the mixture, from 18 on, ends at 24."}}
figure, axes = plt.subplots(figsize=(5, 3.4))
shown = ("one vector, 18", "attention, 12", "joint 7-gram", "mixture")
for color, row in zip(COLORS.values(), shown, strict=False):
    for seed, run in enumerate(runs_of(row)):
        bins = run["test"]["by letters"]
        errors = [100 * part["word errors"] for part in bins.values()]
        label = None if seed else row
        axes.plot(list(bins), errors, "o-", c=color, label=label, markersize=4)
axes.set(xlabel="letters", ylabel="words wrong, per cent", ylim=(0, None))
axes.legend()
plt.show()

# %% [markdown]
# In {numref}`fig-attention-letters` the single vector loses most on long
# words.[ᶜ](claims.md#attention_pronounces_more_words) Counts see seven letters
# of a word however long it is.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-phones", "caption": "The weights of the first network of 12 passes over two words that it was not trained on and pronounces as the dictionary does."}, "image": {"alt": "Two heat maps. Left, seven phones against the nine letters of xylophone: the weights run along the diagonal; F has most on p and some on h, and no phone looks at the last e. Right, six phones against the eight letters of lightest: L and AY on the diagonal, then T three letters further on, at the first t, with a little on g, and the rest along the diagonal from there."}}
drawn = {map["word"]: map for map in spoken["attention / word / 2 / 0"]["maps"]}
figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
for ax, word in zip(axes, ("xylophone", "lightest"), strict=True):
    found = drawn[word]
    assert found["written"] in found["listed"]
    assert not found["trained on"]
    names = {"rows": found["written"], "columns": list(word)}
    heat_map(ax, found["weights"], **names, label="weight").set_clim(0, 1)
plt.show()

# %% [markdown]
# In {numref}`fig-attention-phones` F looks at *ph*; *gh* and the last *e*, for
# which nothing is spoken, get little weight. A smaller network, wrong on 32 %,
# pronounces what you type into {numref}`fig-attention-pronouncer`.

# %% mystnb={"figure": {"name": "fig-attention-pronouncer", "caption": "A network with attention, after six passes over the training words, pronounces what you type. Weights on the padding are added up in the last column."}, "image": {"alt": "Heat map of attention weights for mnemonic, a row for each phone that the network wrote: M AH N AH M AA N IH K, which is wrong."}}
speaker = load_results("pronouncer")["results"]
pronouncer_lab(
    speaker["source"],
    speaker["target"],
    load_weights("pronouncer"),
    speaker["listed"],
    speaker["errors"]["int8"]["word errors"],
)

# %% [markdown]
# ## Translation, and how it fails
#
# The task that attention was made for is translation. A grammar writes English
# sentences of one to three clauses with their French: agreement, adjectives
# before or after their noun, negation around the verb, elision. The usual score
# is BLEU ([Papineni et al., 2002](https://aclanthology.org/P02-1040)): the
# geometric mean of the precisions of runs of one to four words, times a penalty
# if the output is too short; sacreBLEU ([Post,
# 2018](https://arxiv.org/abs/1804.08771)) fixes the details. On a corpus where
# each sentence has one translation, exact matches say more.
#
# Without attention the model gets up to sixteen passes to the other's four, and
# more CPU time; each learns at the rate that was best for its most passes.

# %% mystnb={"figure": {"name": "tab-attention-french", "caption": "Sentences translated exactly, by the number of source words, after training models of 64 units on 8,000 sentences: the median of three seeds and their range, and the median CPU seconds of training."}}
table = {}
for name in ("attention / 4", "no attention / 4", "no attention / 16"):
    runs = [translated[f"{name} / {seed}"] for seed in range(3)]
    column = {
        f"{words} words, n = {part['sentences']}": spread(
            [run["by source words"][words]["exact"] for run in runs], 2
        )
        for words, part in runs[0]["by source words"].items()
    }
    column["all"] = spread([run["greedy"]["exact"] for run in runs], 2)
    column["CPU s"] = f"{np.median([run['seconds'] for run in runs]):.0f}"
    table[f"{name} passes"] = column
pd.DataFrame(table)

# %% [markdown]
# Of the sentences of 21 to 40 words in {numref}`tab-attention-french` the model
# with attention translates most, the other fewer than one in
# ten.[ᶜ](claims.md#attention_keeps_long_sentences) More passes help the
# latter on shorter ones; no limit is shown. With attention the decoder looks at
# the next place, which it has to find, since the grammars differ:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-adjective", "caption": "The weights of a model with attention over an English sentence. French puts white behind the cat, and the weights cross."}, "image": {"alt": "Heat map of six French words against six English ones. Weights lie on the diagonal, except that le looks at loves more than at its own the, chat at cat and blanc, which follows it, at white."}}
drawn = translated["attention / 4 / 0"]["map"]
figure, axes = plt.subplots(figsize=(5, 3.4))
names = {"rows": drawn["written"], "columns": drawn["source"]}
heat_map(axes, drawn["weights"], **names, label="weight").set_clim(0, 1)
axes.set(xlabel="source", ylabel="written")
plt.show()

# %% [markdown]
# In {numref}`fig-attention-adjective` the last two rows leave the diagonal:
# *chat* is fetched from *cat*, *blanc* from *white*.
#
# ## The bridge to transformers
#
# Everything so far had two sequences. Let there be one, and let it question
# *itself*: three products make queries, keys and values of the same rows $X$,
# and every step looks at all steps.
#
# $$
# \begin{gathered}
# Q = X W_q \quad K = X W_k \quad V = X W_v \\
# Y = \mathrm{softmax}\Bigl(\frac{Q K^\top}{\sqrt{d}}\Bigr) V
# \end{gathered}
# $$ (eq-attention-self)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-within", "caption": "What the second of three steps takes from all three. Its query scores every key, its own among them; the softmax of the scores mixes the values. The other steps do the same, each with its own query."}}
attend_to_self()

# %% [markdown]
# This is *self-attention* ({numref}`fig-attention-within`), with the score of
# [Vaswani et al. (2017)](https://arxiv.org/abs/1706.03762). There are three
# matrices because a word may be found by one thing (a noun by its number), hand
# over another (what it means) and ask for a third. One matrix product scores
# all pairs. Each score is a sum of $d$ products, one for each feature; if their
# factors are independent, of mean zero and variance one, it has the variance
# $d$. Divided by $\sqrt d$ it has the variance one, so that large scores do not
# drive the softmax to where its gradient {eq}`eq-attention-softmax-gradient`
# vanishes.


# %%
def self_attention(X, W_q, W_k, W_v, mask=None):
    Q, K, V = X @ W_q, X @ W_k, X @ W_v
    scores = Q @ K.T / np.sqrt(K.shape[1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ V, weights


# %% [markdown]
# If the layer is to write, no step may see what comes after it: the *causal
# mask* leaves the lower triangle. And because one softmax makes one mixture,
# there are several *heads*, each with its own queries, keys and values, joined
# by a last product.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-heads", "caption": "Self-attention with two heads. Each makes queries, keys and values of its own from the same rows, weighs and mixes; the mixtures stand side by side and pass a last product."}}
two_heads()

# %% [markdown]
# The book's `MultiHeadSelfAttention` computes {numref}`fig-attention-heads` for
# a batch, forward and backward.

# %%
layer = MultiHeadSelfAttention(size=8, heads=2, rng=1)
words = "the queen sees the white cat".split()
vectors = dict(zip(sorted(set(words)), rng.normal(size=(5, 8)), strict=True))
X = np.stack([vectors[word] for word in words])
causal = np.tril(np.ones((6, 6), dtype=bool))
Y, seen = layer.forward(X[None], causal[None])
_, free = layer.forward(X[None])

# %%
# Identity: heads-by-hand
parts = [layer.params[name][:, :4] for name in ("query", "key", "value")]
one_head, map_of_it = self_attention(X, *parts, mask=causal)
np.testing.assert_allclose(map_of_it, seen[0, 0], atol=1e-12)
both = np.concatenate(
    [
        one_head,
        self_attention(
            X,
            *(layer.params[name][:, 4:] for name in ("query", "key", "value")),
            mask=causal,
        )[0],
    ],
    axis=1,
)
np.testing.assert_allclose(both @ layer.params["output"], Y[0], atol=1e-12)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-attention-self", "caption": "A sentence looks at itself, with random weights. Without a mask each word sees all six; with the causal mask none sees what follows. The two heads look at different words."}, "image": {"alt": "Three heat maps of six words against six words. The first is filled everywhere, the second and third only on and below the diagonal, with different weights."}}
figure, panes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True)
names = {"rows": words, "columns": words}
for pane, shown in zip(panes, (free[0, 0], *seen[0]), strict=True):
    heat_map(pane, shown, **names, label="").set_clim(0, 1)
    pane.tick_params(axis="x", rotation=60)
panes[0].set(title="head 1, no mask", ylabel="looks")
panes[1].set(title="head 1, causal")
panes[2].set(title="head 2, causal")
plt.show()

# %% [markdown]
# In the first map of {numref}`fig-attention-self` the two rows of *the* are
# alike: one query serves both, wherever they stand. A sum does not know the
# order of its terms. Turn the words round, and the outputs turn with them,
# otherwise unchanged. So the places must be given with the words: add to each
# row a code of its place, sines and cosines of several speeds (section
# “Positional Encoding” of the same paper), and the symmetry is gone.

# %%
turned = np.arange(6)[::-1]
# Identity: order-lost
Y, _ = layer.forward(X[None])
moved, _ = layer.forward(X[None, turned])
np.testing.assert_allclose(moved[0], Y[0, turned], atol=1e-12)
placed, _ = layer.forward((X + positions(6, 8))[None])
moved, _ = layer.forward((X[turned] + positions(6, 8))[None])
change = np.abs(moved[0] - placed[0, turned]).max()
assert change > 0.1
print(f"largest change by turning the words round: {change:.2f}")

# %% [markdown]
# What does it cost? A GRU's multiplications grow with the length $T$, the
# products of scores and values with $T^2$. But the GRU needs $T$ steps one
# after the other; attention has no step that waits for another, and two
# positions are one step apart, not $T$ ([Vaswani et al.,
# 2017](https://arxiv.org/abs/1706.03762), table 1).


# %% mystnb={"figure": {"name": "tab-attention-cost", "caption": "Millions of multiplications and additions for a sequence of 64 features, by its length."}}
def operations(run):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e6


cell, heads = nn.GRUCell(64, 64), nn.MultiheadAttention(64, 4)
counts, state = {}, torch.zeros(1, 64)
for n in (16, 64, 256, 1024):
    x = torch.zeros(n, 1, 64)
    gru = operations(lambda x=x: [cell(step, state) for step in x])
    looked = operations(lambda x=x: heads(x, x, x))
    counts[n] = {"GRU": gru, "self-attention": looked}
pd.DataFrame(counts).T.rename_axis("length").round(1)

# %%
per_step = {n: row["GRU"] / n for n, row in counts.items()}
assert len(set(np.round(list(per_step.values()), 9))) == 1
assert counts[1024]["self-attention"] > 3 * counts[1024]["GRU"]
assert counts[16]["self-attention"] < counts[16]["GRU"]

# %% [markdown]
# By {numref}`tab-attention-cost` attention costs less on short sequences and
# much more on long ones. [Chapter 12](12_recurrence_after_transformers.ipynb)
# is about layers that try to avoid both costs.
#
# NumPy, PyTorch and Keras compute the same layer, forward and backward. They
# disagree about what True means in a mask:
#
# | | True in a mask means |
# |-|-|
# | this book, `keras.layers.MultiHeadAttention`, `scaled_dot_product_attention` | this may be seen |
# | `nn.MultiheadAttention`: `attn_mask`, `key_padding_mask` | this is *ignored* |

# %% tags=["tab-pytorch"]
# PyTorch
names = ("query", "key", "value")
torch_heads = nn.MultiheadAttention(8, 2, bias=False, batch_first=True).double()
stacked = np.concatenate([layer.params[name].T for name in names])
torch_heads.in_proj_weight.data = torch.from_numpy(stacked)
torch_heads.out_proj.weight.data = torch.from_numpy(layer.params["output"].T)
torch_rows = torch.from_numpy(X[None]).requires_grad_()
hidden_from = torch.from_numpy(~causal)
found, _ = torch_heads(
    torch_rows, torch_rows, torch_rows, attn_mask=hidden_from
)
d_outputs = rng.normal(size=(1, 6, 8))
found.backward(torch.from_numpy(d_outputs))
# Identity: heads-frameworks
Y, _ = layer.forward(X[None], causal[None])
d_inputs = layer.backward(d_outputs).x
assert relative_error(found.detach().numpy(), Y) < 1e-12
assert relative_error(torch_rows.grad.numpy(), d_inputs) < 1e-12

# %% tags=["tab-keras"]
# Keras
keras_heads = keras.layers.MultiHeadAttention(
    2, 4, use_bias=False, dtype="float64"
)
keras_heads.build(X[None].shape, X[None].shape)
cut = [layer.params[name].reshape(8, 2, 4) for name in names]
keras_heads.set_weights([*cut, layer.params["output"].reshape(2, 4, 8)])
keras_rows = tf.Variable(X[None])
with tf.GradientTape() as tape:
    found = keras_heads(keras_rows, keras_rows, attention_mask=causal[None])
    value = tf.reduce_sum(found * d_outputs)
assert relative_error(found.numpy(), Y) < 1e-12
assert (
    relative_error(tape.gradient(value, keras_rows).numpy(), d_inputs) < 1e-12
)

# %% [markdown]
# ## What failed
#
# - We once compared the two models after two passes over the dates, at one
#   learning rate and with one seed, and called the difference the bottleneck.
#   It was a curve that had not yet risen.
# - Without the rule for separators no model could read every date. Look for
#   such rows in your data before you blame the model.
# - We wanted one network with at most 28 % of the words wrong, split by word.
#   With dropout, chosen by the loss, the median is 28.2, with a beam, added
#   afterwards, 28.1; by our first rule, without, 28.1 and 27.8.
# - A missing mask does not fail loudly: the damage shows when a short row meets
#   a long one.
#
# ## Summary
#
# - An encoder–decoder reads a sequence into states and writes another symbol by
#   symbol, from a start to an end that it writes
#   itself.[ᵈ](#two-sequences-that-do-not-march-in-step)
# - Teacher forcing and greedy decoding run the same step and differ in the
#   symbol it is given.[ⁱ](#two-loops)
# - Additive attention scores every state of the encoder against the decoder's,
#   and mixes them by the softmax of the scores.[ᵈ](#look-again)
# - Its gradient reaches a state in two ways, as what is mixed and as what is
#   scored.[ⁱ](#additive-attention)
# - NumPy, PyTorch and Keras agree on this layer.[ⁱ](#additive-frameworks)
# - On dates attention is right after fewer passes and less CPU time than one
#   vector, which is right in the
#   end.[ᶜ](claims.md#attention_learns_dates_sooner)
# - Attention translates most sentences of 21 to 40 words exactly; one vector,
#   in more CPU time, few.[ᶜ](claims.md#attention_keeps_long_sentences)
# - A beam mispronounces one to ten fewer words in a
#   thousand.[ᶜ](claims.md#beam_pronounces_more_words)
# - Mixed with three networks, counts pronounce more words right than
#   alone.[ᶜ](claims.md#mixture_pronounces_more_words)
# - A mask is a guarantee; without one a model passes over such padding as it
#   was trained among.[ᶜ](claims.md#mask_is_a_guarantee)
# - After a mistake the true symbols help more than the model's own, which
#   bounds exposure bias from
#   above.[ᶜ](claims.md#own_symbols_cost_after_a_mistake)
# - Between two sequences the weights decide what is written; where one vector
#   is made of one sequence they act like a gate ([Vashishth et al.,
#   2019](https://arxiv.org/abs/1909.11218)).
# - Self-attention makes queries, keys and values of one sequence; a head is one
#   such mixture.[ⁱ](#heads-by-hand)
# - Self-attention does not know the order of its inputs; their places are given
#   with them.[ⁱ](#order-lost)
#
# ## Exercises
#
# ```{exercise-start} A padding mask (*easy*)
# :label: ex-attention-mask
# ```
# Write `padding_mask(lengths, time)`: a boolean array (batch, time), True at
# valid positions. `check_padding_mask(padding_mask)` judges it.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-mask
# :class: dropdown
# ```
# Broadcasting compares every position with every length.


# %%
def padding_mask(lengths, time):
    return np.arange(time) < np.asarray(lengths)[:, None]


assert check_padding_mask(padding_mask)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Softmax over the right axis (*easy*)
# :label: ex-attention-softmax
# ```
# Write `attention_weights(scores, mask)` for scores (batch, queries, time) and
# a mask (batch, time) with at least one valid position in each row: weights
# that sum to one over the valid *positions* of each query. Check it with
# `check_attention_weights(attention_weights)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-softmax
# :class: dropdown
# ```
# Over axis 1 the queries would compete for a position.


# %%
def attention_weights(scores, mask):
    scores = np.where(mask[:, None, :], scores, -np.inf)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


assert check_attention_weights(attention_weights)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Scaled dot-product attention (*medium*)
# :label: ex-attention-dot
# ```
# Write `dot_product_attention(queries, keys, values, mask)` after
# {eq}`eq-attention-self` for queries (batch, queries, d), keys (batch, time,
# d), values (batch, time, e) and a mask (batch, time). It returns the contexts
# (batch, queries, e). Check it with
# `check_dot_product_attention(dot_product_attention)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-dot
# :class: dropdown
# ```


# %%
def dot_product_attention(queries, keys, values, mask):
    scores = queries @ keys.swapaxes(1, 2) / np.sqrt(keys.shape[-1])
    return attention_weights(scores, mask) @ values


assert check_dot_product_attention(dot_product_attention)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the fault (*medium*)
# :label: ex-attention-fault
# ```
# This layer trains, but writes worse beside longer rows. What is wrong, and
# what shows it without an accuracy?
#
#     weights = softmax(scores) * mask
#     context = weights @ keys
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-fault
# :class: dropdown
# ```
# The mask comes after the softmax: padding has taken its share, and the weights
# no longer sum to one. Pad a batch further and compare.


# %%
def faulty(query, keys, mask):
    scores = np.tanh(query @ params["W_q"] + keys @ params["W_k"])
    weights = np.exp(scores @ params["v"])
    return (weights / weights.sum() * mask) @ keys


longer = np.concatenate([states[1, :3], np.zeros((9, 6))])
mask = np.arange(12) < 3
short = faulty(queries[1], longer[:3], mask[:3])
padded = faulty(queries[1], longer, mask)
assert np.abs(short - padded).max() > 0.1
print(f"changed by padding: {np.abs(short - padded).max():.2f}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Softer, harder (*medium*)
# :label: ex-attention-entropy
# ```
# Divide the scores by a *temperature*: below 1 the weights sharpen, towards
# *hard* attention on one position ([Xu et al.,
# 2015](https://arxiv.org/abs/1502.03044)). Write
# `tempered_weights(scores, mask, temperature)` for `check_tempered_weights`.
# Predict, for English dates at 1/8, 1 and 8, how many are right, and the
# entropy $-\sum_j \alpha_j \log_2 \alpha_j$ in bits where year and month are
# written.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-entropy
# :class: dropdown
# ```


# %%
def tempered_weights(scores, mask, temperature):
    return attention_weights(scores / temperature, mask)


assert check_tempered_weights(tempered_weights)

# %%
english = [pair for pair in test if pair.style == "English, weekday"][:200]
english_rows, score = encode(english), attending.attention.score.weight.data


def at(temperature):
    score.div_(temperature)
    memory = attending.encode(*map(torch.from_numpy, english_rows[:2]))
    weights = greedy_decode(attending, memory, max_length=10).weights.numpy()
    right = exact_matches(attending, english_rows, max_length=11).mean()
    score.mul_(temperature)  # exact, for a power of two
    return weights, right


# %% tags=["within-0.3"]
weights, right = {}, {}
for temperature in (1 / 8, 1, 8):
    weights[temperature], right[temperature] = at(temperature)
    bits = -weights[temperature] * np.log2(weights[temperature] + 1e-12)
    bits = bits.sum(axis=2).mean(axis=0)
    year, month = bits[:4].mean(), bits[5:7].mean()
    print(f"year {year:.1f} bits, month {month:.1f}, ", end="")
    print(f"right {right[temperature]:.1f}")
# tolerance: averages over few positions of a model trained shortly.
assert min(right[1 / 8], right[1]) > right[8] + 0.2

# %% [markdown]
# Flat weights no longer say where to read; sharp ones do little harm. A digit
# is one character, a month's name several.
# ```{solution-end}
# ```
#
# ```{exercise-start} Looked at twice (*medium*)
# :label: ex-attention-coverage
# ```
# Against loops [See, Liu and Manning
# (2017)](https://aclanthology.org/P17-1099) punish looking twice: a position's
# *coverage* is its weight at all steps before, the loss $\sum_{ij}
# \min(\alpha_{ij}, \sum_{k<i} \alpha_{kj})$. Write `coverage_loss(weights)` for
# (batch, steps, time) and `check_coverage_loss`. Where in a date is it largest?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-coverage
# :class: dropdown
# ```


# %%
def coverage_loss(weights):
    covered = weights.cumsum(axis=1) - weights
    return np.minimum(weights, covered).sum(axis=(1, 2))


assert check_coverage_loss(coverage_loss)

# %% tags=["within-0.1"]
losses = [coverage_loss(weights[1][:, :i]).mean() for i in range(11)]
each = np.diff(losses)
# no comparison: the reader predicts, and looks.
# tolerance: a model trained shortly.
print(
    *(
        f"{symbol} {loss:.1f}"
        for symbol, loss in zip("yyyy-mm-dd", each, strict=True)
    )
)

# %% [markdown]
# It is large at a month, whose two digits come from one name, and at the hyphen
# after it, which the source lacks: looking twice is right here. The loss suits
# summaries, where each place is due once.
# ```{solution-end}
# ```
#
# ```{exercise-start} Luong's placement (*medium*)
# :label: ex-attention-luong
# ```
# Move attention behind the cell: override `step` of `Seq2Seq` so that the *new*
# state asks, by the score *general*, and the readout sees $\tilde s_i$ alone.
# Which layers change their sizes, and is the model larger or smaller? Then
# train it.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-luong
# :class: dropdown
# ```
# The cell takes no context, the readout one vector. Whether it is better, one
# run at one rate cannot tell.


# %%
class LuongSeq2Seq(Seq2Seq):
    def __init__(self, *symbols):
        super().__init__(*symbols, attention=False)
        self.cell = nn.GRUCell(32, 64)
        self.general = nn.Linear(64, 128, bias=False)
        self.join = nn.Linear(128 + 64, 64)
        self.readout = nn.Linear(64, symbols[1])

    def step(self, symbol, state, memory):
        state = self.cell(self.target_embedding(symbol), state)
        scores = memory.states @ self.general(state)[..., None]
        scores = scores[..., 0].masked_fill(~memory.mask, -torch.inf)
        weights = scores.softmax(dim=1)
        context = (weights[:, None] @ memory.states)[:, 0]
        joined = torch.cat([context, state], dim=1)
        return torch.tanh(self.join(joined)), state, weights


# %%
luong = LuongSeq2Seq(len(characters), len(digits))
source, lengths, before, _ = map(torch.from_numpy, test_rows)
with torch.no_grad():
    memory = luong.encode(source, lengths)
    _, _, weights = luong.step(
        before[:, 0], luong.initial_state(memory), memory
    )
torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(source)))
assert weights[~memory.mask].max() == 0
for model in (attending, luong):
    print(sum(weight.numel() for weight in model.parameters()), "parameters")

# %% tags=["within-0.1"]
# tolerance: one pass, at a rate that was not tuned
torch.manual_seed(0)
score = train_model(LuongSeq2Seq(len(characters), len(digits)), peak=1e-2)
assert score > 0.4
print(f"dates right after one pass: {score:.2f}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A copy gate (*medium*)
# :label: ex-attention-copy
# ```
# The *copy gate* $g$ of See, Liu and Manning mixes writing and copying: with
# probability $g$ a symbol is written, else the one at a position drawn by the
# weights is copied, $p(y) = g\, p_w(y) + (1 - g) \sum_{j:\, x_j = y} \alpha_j$.
# Write `copy_gate(written, weights, source, gate)` for probabilities (batch,
# symbols), weights and source (batch, time) and a gate (batch,); check it with
# `check_copy_gate(copy_gate)`. What could such a model write that ours cannot?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-copy
# :class: dropdown
# ```
# A symbol that stands twice gets both weights, which `mixed[rows, source] +=`
# would forget. Such a model can write a name that it has never met; a readout
# over a list of symbols cannot.


# %%
def copy_gate(written, weights, source, gate):
    mixed = gate[:, None] * written
    rows = np.arange(len(source))[:, None]
    np.add.at(mixed, (rows, source), (1 - gate[:, None]) * weights)
    return mixed


assert check_copy_gate(copy_gate)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} The source turned round (*hard*)
# :label: ex-attention-turned
# ```
# Sutskever, Vinyals and Le gave their encoder, which reads one way, each
# sentence from its end, and translated better. Would it help ours? Answer
# without training.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-attention-turned
# :class: dropdown
# ```
# No. Exchange the encoder's two directions, and the halves of every matrix that
# reads its states: this model computes from the turned source what the old one
# computes from the source. Both are equally likely random starts, and so is
# what training makes of them.


# %%
def exchange(name, value):
    if name.startswith("encoder"):
        back = name.endswith("_reverse")
        return name.removesuffix(
            "_reverse"
        ) if back else f"{name}_reverse", value
    if name in readers:
        ahead, behind = value[:, -128:-64], value[:, -64:]
        value = torch.cat([value[:, :-128], behind, ahead], dim=1)
    return name, value


# %%
readers = {f"{name}.weight" for name in ("bridge", "attention.key", "readout")}
readers.add("cell.weight_ih")
mirrored = Seq2Seq(len(characters), len(digits))
weights = attending.state_dict().items()
mirrored.load_state_dict(dict(exchange(*item) for item in weights))
few = test[:50]
turned = [pair._replace(text=pair.text[::-1]) for pair in few]
with torch.no_grad():
    ours, theirs = (
        model(*map(torch.from_numpy, encode(rows)[:3]))
        for model, rows in ((attending, few), (mirrored, turned))
    )
torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} An order that the separator forbids (*hard*)
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
# matter. Where both could be a month, the model must fail: by the rule it swaps
# them. With dots a day above 12 never stood second in training, and the model
# may do anything.

# %% tags=["within-0.1"]
days = pd.to_datetime([pair.iso for pair in test])
sources = [f"{day.month}.{day.day}.{day.year}" for day in days]
swapped = encode_pairs(sources, [pair.iso for pair in test], characters, digits)
right = exact_matches(attending, swapped, 11)
classes = {
    "equal": days.day == days.month,
    "both up to 12": (days.day <= 12) & (days.day != days.month),
    "day above 12": days.day > 12,
}
shares = {name: right[rows].mean() for name, rows in classes.items()}
assert shares["equal"] > 0.7
assert shares["both up to 12"] < 0.1
# tolerance: the model may do anything with days above 12.
print({name: f"{share:.1f}" for name, share in shares.items()})

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Bahdanau, Cho and Bengio (2015)](https://arxiv.org/abs/1409.0473): its
#   figure 2 shows BLEU against length on real text, figure 3 the most famous
#   alignment maps; appendix A has the model in full.
# - [Luong, Pham and Manning (2015)](https://arxiv.org/abs/1508.04025): scores,
#   placements and local attention, compared.
# - [Olah and Carter (2016)](https://doi.org/10.23915/distill.00001): attention
#   in pictures that can be touched.
# - [Vashishth et al. (2019)](https://arxiv.org/abs/1909.11218): read it after
#   Jain and Wallace, and Wiegreffe and Pinter, before you show anybody a heat
#   map.
#
# Before: [bidirectional models](07_bidirectional.ipynb). Next: [the stock
# forecaster](10_stock_forecaster.ipynb).
