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
# # Sequences of any length
#
# **A recurrent layer reads sequences of any length, but an array has straight
# edges. How do rows of unequal length share a batch so that what fills up the
# short ones changes no answer, and what does that cost?**
#
# After this chapter you can
#
# - pad, pack, mask and gather a batch in NumPy, PyTorch and Keras;
# - say, for each framework's layer, each pooling and either side of the
#   padding, whether the answer survives;
# - keep padding out of the loss;
# - choose between padding, packing and buckets by measurements.

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
import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import (
    pack_padded_sequence,
    pad_packed_sequence,
    pad_sequence,
)

from utils.data import make_balls
from utils.data.batches import (
    bucket_batches,
    budget_batches,
    collate,
    mask_from_lengths,
    pad,
)
from utils.exercises import check_masked_loss
from utils.figures.padding import packed_batch
from utils.figures.seeds import median_and_range, seed_dots
from utils.figures.style import COLORS, DIVERGING, use_book_style
from utils.length.padding import (
    POOLINGS,
    invariance_matrix,
    pool_last,
    pool_max,
    pool_mean,
)
from utils.notebook import load_results, show_source
from utils.scratch import GRU, LSTM, RNN, AttentionPooling, Bidirectional
from utils.training import keep_keras_on_cpu
from utils.weights import to_keras, to_torch

# %% tags=["hide-input"]
keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## Rows that do not fit
#
# Somebody notes the position of a moving ball once a second, three times over,
# and stops whenever they have had enough: two positions, four, three. A batch
# is one array, but these rows do not make one:

# %%
rows = [
    np.array([0.4, 0.2]),
    np.array([0.1, 0.2, 0.3, 0.4]),
    np.array([0.0, -0.3, -0.6]),
]
try:
    np.array(rows)
except ValueError as error:
    print(str(error).partition(".")[0])

# %% [markdown]
# The usual way out is *padding*: fill the short rows up, with zeros, say. From
# then on nothing in the array distinguishes a zero that somebody noted, such as
# the third row's first position, from one that was filled in. So the *lengths*
# have to be kept beside the array.

# %%
x, lengths = pad(rows)
print(x)
print("lengths", lengths)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-length-padding", "caption": "Eight rows of positions in one array, padded on the right or on the left. Colour is the position, white a ball at 0; hatched cells are padding and hold no position."}, "image": {"alt": "Two panels of the same eight rows as coloured cells. Hatched grey cells fill each row up to ten steps, in the left panel behind the row's end, in the right panel before its beginning. One white cell stands inside a row."}}
eight = [row.astype(float) for row in make_balls(8, 3)]
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(6.2, 3))
for ax, side in zip(axes, ("right", "left"), strict=True):
    filled, counts = pad(eight, side)
    valid = mask_from_lengths(counts, filled.shape[1], side)
    shown = np.ma.masked_where(~valid, filled)
    place = {"aspect": "auto", "extent": (0.5, 10.5, 8.5, 0.5), "zorder": 2}
    image = ax.imshow(shown, cmap=DIVERGING, vmin=-50, vmax=50, **place)
    ax.patch.set(facecolor="0.9", hatch="////", edgecolor="0.6")
    ax.set(title=f"padded on the {side}", xlabel="step", xticks=(1, 4, 7, 10))
    ax.grid(visible=False)
axes[0].set_ylabel("row")
fig.colorbar(image, ax=axes, label="position")
plt.show()

# %% [markdown]
# With the padding on the right ({numref}`fig-length-padding`) all rows begin at
# the first step and each ends at one of its own; with the padding on the left
# they end together. The side will decide which answers are right.
#
# Now let a layer read the first row, once alone and once inside the batch, and
# compare its last outputs.

# %%
layer = RNN(1, 4, rng=0)
alone, _ = layer.forward(rows[0][None, :, None])
together, _ = layer.forward(x[:, :, None])
print("alone,        last output", alone[0, -1].round(2))
print("in the batch, last output", together[0, -1].round(2))

# %% [markdown]
# The row and the weights are the same, and yet the answer is another: it
# depends on which rows share the batch.
#
# ### Zeros are read
#
# What happened is seen best in one unit, $h_t = \tanh(x_t + \tfrac12 h_{t-1} +
# \tfrac14)$, that reads the row 1, −1 and then two zeros of padding:

# %%
h = 0.0
for x_t in (1, -1, 0, 0):
    h = np.tanh(x_t + h / 2 + 1 / 4)
    print(f"input {x_t:2}   state {h:5.2f}")

# %% [markdown]
# An input of zero is an input like any other. The old state is still multiplied
# by its weight and the bias is still added, so that after two steps of padding
# the state has changed its sign. Another number in the padding would not help:
# to leave a state where it is, the number would have to depend on that state,
# and therefore on the row.
#
# But the steps *before* the padding are safe: a layer that reads from left to
# right cannot see ahead. In the batch, too, the first row's outputs at its own
# two steps are right. The mistake is to read `outputs[:, -1]`, since for this
# row the last column is padding. So **gather** each row's output at its own
# last step:

# %%
gathered = together[np.arange(3), lengths - 1]
print("gathered                 ", gathered[0].round(2))
# Identity: gather-at-the-end
assert np.abs(together[0, -1] - alone[0, -1]).max() > 0.1
assert np.allclose(together[0, :2], alone[0], rtol=0, atol=1e-14)
assert np.allclose(gathered[0], alone[0, -1], rtol=0, atol=1e-14)

# %% [markdown]
# ### Rows that leave
#
# Gathering repairs the answer, but the layer still computes every padded step.
# To save that work, sort the rows, the longest first. Then the rows that are
# still running at step $t$ are the first $n$ of them, and a loop can leave the
# others alone:


# %%
def read(x, lengths, W_x, W_h, b):
    h = np.zeros((len(x), len(b)))
    outputs = np.zeros((*x.shape[:2], len(b)))
    for t in range(x.shape[1]):
        n = (lengths > t).sum()  # longest first: these are still running
        h[:n] = np.tanh(x[:n, t] @ W_x + h[:n] @ W_h + b)
        outputs[:n, t] = h[:n]
    return outputs, h


# %% [markdown]
# A row that has ended keeps its state, so that at the end of the loop `h` holds
# each row's state at its own last step; the row's later outputs stay zero. The
# backward pass uses the same $n$: a row's gradient waits in `d_h` until the
# loop, which now runs from the end, reaches that row's last step.


# %%
def send_back(d_outputs, d_h, outputs, lengths, W_x, W_h, b):
    d_x = np.zeros((*outputs.shape[:2], len(W_x)))
    for t in reversed(range(outputs.shape[1])):
        n = (lengths > t).sum()
        d_z = (d_outputs[:n, t] + d_h[:n]) * (1 - outputs[:n, t] ** 2)
        d_x[:n, t] = d_z @ W_x.T
        d_h[:n] = d_z @ W_h.T
    return d_x


# %% [markdown]
# The layers of `utils.scratch` take `lengths` and do this for rows in any
# order. Both functions agree with them:

# %%
order = np.argsort(-lengths)
x_sorted, n_sorted = x[order][:, :, None], lengths[order]
outputs, state = layer.forward(x_sorted, lengths=n_sorted)
ours, h = read(x_sorted, n_sorted, **layer.params)

# %%
# Identity: finished-rows-leave
assert np.allclose(ours, outputs, rtol=0, atol=1e-14)
assert np.allclose(h, state, rtol=0, atol=1e-14)
assert np.allclose(h, gathered[order], rtol=0, atol=1e-14)
rng = np.random.default_rng(0)
d_outputs, d_state = rng.normal(size=outputs.shape), rng.normal(size=h.shape)
d_x = layer.backward(d_outputs, d_state).x
mine = send_back(d_outputs, d_state, ours, n_sorted, **layer.params)
assert np.allclose(mine, d_x, rtol=0, atol=1e-14)

# %% tags=["remove-input"]
show_source(
    RNN.forward,
    RNN.backward,
    fold="How the book's layer differs: it sorts, and products are joined",
    bare=True,
)

# %% [markdown]
# ## Packing in PyTorch
#
# PyTorch's recurrent layers do not take lengths beside a padded batch. They
# take a **packed** batch, which stores exactly what the loop above touches: for
# one step after the other the inputs of the rows still running, and how many
# rows these are.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-length-packed", "caption": "Padded, sorted, packed, and the outputs gathered. Three rows a, b and c of 2, 4 and 3 steps, as in the text. A packed batch holds no padding; the numbers below it are the rows of each step. Code counts steps from 0, so that a row's last step has the number length − 1."}}
packed_batch((2, 4, 3))

# %% [markdown]
# {numref}`fig-length-packed` follows our three rows. In code,
# `pack_padded_sequence` by default wants the rows sorted, the longest first,
# and raises an error where they are not. With `enforce_sorted=False` it sorts
# them itself and remembers the order, so that outputs and states come back as
# the rows went in.

# %%
padded = pad_sequence(
    [torch.tensor(row)[:, None] for row in rows], batch_first=True
)
counts = torch.tensor([len(row) for row in rows])
packed = pack_padded_sequence(
    padded, counts, batch_first=True, enforce_sorted=False
)
print("packed values", packed.data[:, 0].tolist())
print("rows per step", packed.batch_sizes.tolist())

# %%
in_torch = to_torch(layer)  # the same weights
packed_outputs, h_n = in_torch(packed)
unpacked, back = pad_packed_sequence(packed_outputs, batch_first=True)
print("outputs", tuple(unpacked.shape), "  lengths", back.tolist())
# Identity: packed-equals-gathered
assert np.allclose(h_n[0].detach(), gathered, rtol=0, atol=1e-14)
last = unpacked[torch.arange(3), counts - 1]
assert torch.equal(last, h_n[0])

# %% [markdown]
# So `h_n` of a packed run *is* every row's right final state, and if you need
# no other output, you have nothing to unpack and nothing to gather. Three
# things go wrong in practice.
#
# **`lengths` must be on the CPU**, even where everything else is on a GPU; that
# is [by design](https://github.com/pytorch/pytorch/issues/43227). Write
# `lengths.cpu()`, or keep them as a list.
#
# **No row may be empty.** A text that lost all its words in cleaning is enough:

# %%
try:
    pack_padded_sequence(padded, torch.tensor([0, 4, 3]), True, False)
except RuntimeError as error:
    print(str(error).partition(",")[0])

# %% [markdown]
# **Unpacking pads to this batch's longest row**, not to the width that came in.
# If the targets are wider, as they may be where several GPUs share a batch, say
# how wide with `total_length`:

# %%
wide, _ = pad_packed_sequence(packed_outputs, True, total_length=6)
print(tuple(unpacked.shape), "or", tuple(wide.shape))

# %% [markdown]
# ## Masks in Keras
#
# Keras leaves the padding in the array and sends a *mask* along, which is true
# where a step is valid; a recurrent layer skips the other steps. Here the
# padding holds a value that no position has, so that `Masking` can recognise
# it, and the layer gets the weights of the NumPy layer:

# %%
filled = keras.utils.pad_sequences(
    rows, padding="post", dtype="float64", value=-999
)[:, :, None]
mask = keras.layers.Masking(-999, dtype="float64").compute_mask(filled)
print(np.asarray(mask).astype(int))

# %%
plain = keras.layers.SimpleRNN(4, return_sequences=True, dtype="float64")
plain.build(filled.shape)
plain.set_weights(to_keras(layer).get_weights())
plain_outputs = np.asarray(plain(filled, mask=mask))
print("row 0, first unit", plain_outputs[0, :, 0].round(2))
# Identity: keras-repeats-the-last
assert np.allclose(plain_outputs[:, -1], gathered, rtol=0, atol=1e-14)
plain.zero_output_for_mask = True
zeroed = np.asarray(plain(filled, mask=mask))
print("zeroed           ", zeroed[0, :, 0].round(2))
assert not zeroed[~np.asarray(mask)].any()

# %% [markdown]
# A masked step keeps the state and **repeats the last output**, as in the first
# line, so that with a mask even `outputs[:, -1]` is right, and so is the answer
# of a layer that returns its last output only. If you would rather have zeros,
# as in PyTorch and in this book's layers, ask for them with
# `zero_output_for_mask=True`, as in the second line and in
# `utils.weights.to_keras`; then `outputs[:, -1]` is wrong again.
#
# Usually nobody writes the mask by hand. `Embedding(mask_zero=True)` makes it
# from the words' numbers, of which 0 must then mean padding, and the mask
# travels on from layer to layer, until it meets one that drops it:

# %%
words = np.array([[3, 1, 0, 0, 0], [4, 1, 2, 2, 3]])
keras.utils.set_random_seed(0)
embed = keras.layers.Embedding(5, 3, mask_zero=True)


def pooled(pool, words):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = np.asarray(pool(embed(words)))[0]
    return value, len(caught)


# %%
moved = {}
for name in ("GlobalAveragePooling1D", "GlobalMaxPooling1D"):
    pool = getattr(keras.layers, name)()
    in_batch, warned = pooled(pool, words)
    by_itself, _ = pooled(pool, words[:1, :2])
    moved[name] = np.abs(in_batch - by_itself).max()
    print(f"{name:22} moved by {moved[name]:.3f}, {warned} warnings")
# Identity: the-maximum-drops-the-mask
assert moved["GlobalAveragePooling1D"] < 1e-6
assert moved["GlobalMaxPooling1D"] > 1e-3

# %% [markdown]
# The mean over the first row's words is the same inside the batch and alone.
# The maximum is not: that layer drops the mask, and says so only in a warning,
# which is easily lost in a training log. Behind a recurrent layer that reads
# forward, over rows padded on the right, you may never notice, since there the
# padded steps repeat an output that the maximum has seen already. But ask for
# zeros, pad on the left or read in both directions, and the maximum is wrong
# there too. `Flatten`, a convolution and a `Lambda` drop the mask in the same
# way, and plain arithmetic such as `2 * x` drops it without a warning.
#
# Three more traps. **A mask value that occurs in the data** removes data. Our
# third ball starts at 0, and `Masking(0.0)` takes that position out:

# %%
lost = keras.layers.Masking(0.0).compute_mask(rows[2][None, :, None])
print(np.asarray(lost).astype(int))

# %% [markdown]
# **`pad_sequences` pads and cuts on the left by default**, so that `maxlen=3`
# keeps a row's *last* three steps:

# %%
print(keras.utils.pad_sequences([[1, 2, 3, 4, 5], [6, 7]], maxlen=3).tolist())

# %% [markdown]
# **On a GPU the mask must suit cuDNN.** There Keras, on top of TensorFlow, runs
# an LSTM or GRU with default activations by NVIDIA's cuDNN, which wants
# lengths, so that Keras has to turn the mask into lengths. That is possible if
# the padding stands on the right of every row *and no row is masked
# throughout*. Inside `fit`, `predict` and `tf.function` another mask [raises an
# error](https://github.com/keras-team/keras/blob/master/keras/src/backend/tensorflow/rnn.py);
# `use_cudnn=False` is the way round it, at the price of the slower layer.
# [Keras's guide](https://keras.io/guides/understanding_masking_and_padding/)
# therefore recommends `padding="post"`, against its own default. Here is the
# whole condition, to try on a mask of your own:


# %%
def suits_cudnn(mask):
    lengths = mask.sum(axis=1)
    on_the_right = mask_from_lengths(lengths, mask.shape[1])
    return bool((mask == on_the_right).all() and lengths.min() > 0)


# %%
assert suits_cudnn(mask_from_lengths(lengths, 4))
assert not suits_cudnn(mask_from_lengths(lengths, 4, "left"))
assert not suits_cudnn(mask_from_lengths(np.array([0, 4]), 4))

# %% [markdown]
# PyTorch has the same preference but raises no error: `pack_padded_sequence`
# takes the *first* steps of each row, whatever they hold. If your batch is
# padded on the left, move the padding to the right first (an exercise).
#
# ### What looks like a mask and is none
#
# PyTorch's `Embedding` has an argument that resembles `mask_zero`. With
# `padding_idx=0` the vector of word 0 begins as zeros and gets no gradient, so
# that it stays zero in training, and nothing is learnt for the padding. It does
# no more than that. It hands on neither a mask nor lengths, so that a recurrent
# layer behind it reads these zeros like any other inputs:

# %%
torch.manual_seed(0)
embed_in_torch = nn.Embedding(5, 3, padding_idx=0)
reader = nn.RNN(3, 4, batch_first=True)
outputs, _ = reader(embed_in_torch(torch.tensor(words[:1])))
outputs[0, -1].sum().backward()
moved = (outputs[0, -1] - outputs[0, 1]).abs().max().item()
# Identity: padding-index-is-no-mask
assert not embed_in_torch.weight[0].any()
assert not embed_in_torch.weight.grad[0].any()
assert moved > 0.1
print(f"three steps of padding move the state by up to {moved:.2f}")

# %% [markdown]
# Nor does it keep the zeros in place: if you initialise the weights again, or
# load trained ones, the padding's vector is what you put there. The model still
# needs the lengths.
#
# A *nested tensor*
# ([`torch.nested`](https://docs.pytorch.org/docs/stable/nested.html), which its
# own documentation calls a prototype) needs neither mask nor padding. It holds
# the rows one after the other, and a list of where each begins and ends:

# %%
nested = torch.nested.nested_tensor(
    [torch.tensor(row)[:, None] for row in rows], layout=torch.jagged
)
print("values", nested.values()[:, 0].tolist())
print("rows begin and end at", nested.offsets().tolist())
assert np.allclose(nested.mean(dim=1)[:, 0], [row.mean() for row in rows])
try:
    in_torch(nested)
except ValueError as error:
    print(error)

# %% [markdown]
# This order suits layers that treat each step by itself, or a whole row at
# once: a linear layer, a mean over the steps, attention. A recurrence first
# wants the first step of *every* row, then the second step of every row, as a
# packed batch stores them, and PyTorch's recurrent layers refuse a nested one.
# For them it has to be padded (`torch.nested.to_padded_tensor`) and packed.
#
# ## Does the answer survive?
#
# So far one output stood for a row, and the layer read in one direction.
# `invariance_matrix` tries more general cases. Four rows are padded by five
# steps more than they need and run in one batch; a *pooling* makes one vector
# of each row's outputs; and that vector is compared with the one that the row
# gives alone. The layers read in both directions ([chapter
# 7](07_bidirectional.ipynb)), because the direction that begins at the end
# meets padding on the right first. There are five poolings: the *last* output,
# the *final states* of both directions, the *mean*, the *maximum*, and
# *attention*, a mean whose weights are learnt ([chapter
# 9](09_attention.ipynb)). The mask may be known to nobody, to the pooling
# alone, or to the layer as well. The layers are each framework's own, all with
# the same weights; the poolings are the book's, in NumPy, in every row of the
# table. What a framework's own pooling makes of a mask is another question:
# Keras's `GlobalMaxPooling1D` has just dropped it.

# %%
show_source(pool_last, pool_mean, pool_max, bare=True)

# %%
both_ways = {
    cell.__name__: Bidirectional(cell(3, 8, rng=1), cell(3, 8, rng=2))
    for cell in (RNN, LSTM, GRU)
}
attention = AttentionPooling(key_size=16, units=8, rng=3)


def pool_attention(outputs, mask):
    return attention.forward(outputs, mask)[0]


every = POOLINGS | {"attention": pool_attention}
matrix = invariance_matrix(both_ways, every)


# %% mystnb={"figure": {"name": "tab-length-grid", "caption": "Where padding changes the answer of a bidirectional LSTM (✗) and where it does not (✓). The poolings are the book's, the layers each framework's own."}}
# The invariance grid
def grid(cases):
    holds = np.where(cases["change"] < 1e-6, "✓", "✗")
    cells = cases.assign(holds=holds).pivot(
        index=["mask known to", "padding", "framework"],
        columns="pooling",
        values="holds",
    )
    everyone = ["nobody", "pooling", "layer and pooling"]
    order = [who for who in everyone if who in cells.index]
    return cells.reindex(order, level="mask known to")


grid(matrix[matrix["layer"] == "LSTM"])

# %% [markdown]
# By {numref}`tab-length-grid` layer *and* pooling have to know the mask, and
# the padding has to stand on the right, unless the layer is Keras's, which is
# told the mask itself and not a length. That holds for all five poolings, and
# for RNN and GRU as well. A ✗ is no rounding error:

# %%
# Identity: the-grid
told = matrix["mask known to"] == "layer and pooling"
fits = (matrix["padding"] == "right") | (matrix["framework"] == "Keras")
assert ((matrix["change"] < 1e-6) == (told & fits)).all()
wrong = matrix["change"][matrix["change"] >= 1e-6]
print(f"the {len(wrong)} wrong answers are off by {wrong.min():.2f}", end=" ")
print(f"to {wrong.max():.2f}, {wrong.median():.2f} in the median")

# %% [markdown]
# (Outputs lie between −1 and 1.) A layer that reads in one direction asks for
# less. Its valid outputs are right whatever follows, so that with the padding
# on the right it is enough if the pooling knows the mask:

# %% mystnb={"figure": {"name": "tab-length-one-way", "caption": "The same for an LSTM that reads in one direction and whose pooling alone knows the mask."}}
# The invariance grid
poolings = {"last": pool_last, "mean": pool_mean, "max": pool_max}
one_way = invariance_matrix({"LSTM": LSTM(3, 8, rng=1)}, poolings)
one_way = one_way[one_way["mask known to"] == "pooling"]
grid(one_way)

# %%
# Identity: one-way-on-the-right
on_the_right = one_way["padding"] == "right"
assert ((one_way["change"] < 1e-6) == on_the_right).all()

# %% [markdown]
# For such a layer {numref}`tab-length-one-way` means: pad on the right, run,
# and pool over the valid steps or gather the last. The layer needs neither
# packing nor a mask.
#
# ## Padding in the loss
#
# A model that answers at every step needs one more mask, in its loss. Say it
# predicts the class of each step, and at the padded steps, where there is
# nothing to predict, the target is filled up with class 0:

# %%
logits = torch.tensor([[[2.0, 0.0], [0.0, 2.0], [5.0, 0.0], [5.0, 0.0]]])
targets = torch.tensor([[0, 0, 0, 0]])  # two steps and two of padding
for width in (2, 3, 4):
    loss = cross_entropy(logits[0, :width], targets[0, :width])
    print(f"{width} columns: loss {loss:.2f}")

# %% [markdown]
# The model is right at the first step and wrong at the second, and yet the loss
# shrinks with every column of padding, because this model predicts the
# padding's class well. It is rewarded for knowing where rows end. The gradient
# of the real steps shrinks too, by the share of padding, because the sum is
# divided by the number of all steps; and that share changes from batch to
# batch.
#
# PyTorch's cross-entropy leaves out targets of −100 (its `ignore_index`); that
# is what to pad class numbers with. PyTorch's squared error knows no such mark.
# In Keras the mask reaches the loss by itself if it has come through all
# layers, and the loss then divides by the number of valid steps.

# %%
marked = torch.tensor([[0, 0, -100, -100]])
print(f"ignored: loss {cross_entropy(logits[0], marked[0]):.2f}")
# Identity: ignored-in-the-loss
for width in (2, 3, 4):
    loss = cross_entropy(logits[0, :width], marked[0, :width])
    assert torch.isclose(loss, cross_entropy(logits[0, :2], targets[0, :2]))

# %%
recur = keras.layers.SimpleRNN(2, return_sequences=True)
predicted = keras.layers.Dense(1)(recur(embed(words)))
zeros = np.zeros((2, 5, 1))
in_keras = float(keras.losses.MeanSquaredError()(zeros, predicted))
squares = np.asarray(predicted)[:, :, 0] ** 2
assert np.isclose(in_keras, squares[words > 0].mean())
assert not np.isclose(in_keras, squares.mean(), rtol=0.01)

# %% [markdown]
# For any other loss, write the mean over valid steps yourself (the second
# exercise). And where a batch is cut into parts, for memory or for several
# machines, mind that the mean of the parts' means is not the mean over all
# valid steps unless the parts hold equally many of them (another exercise).
#
# ## What it costs
#
# Packing spares the arithmetic on padding, and is recommended for that ([an
# answer](https://stackoverflow.com/questions/51030782/why-do-we-pack-the-sequences-in-pytorch),
# [a
# tutorial](https://androidkt.com/pads-and-pack-variable-length-sequences-in-pytorch/)).
# If seven steps of ten are padding, it should save seven tenths of the time.
# `benchmarks/packing.py` measures what it saves on one core of a server's CPU:
# an epoch of 8 batches of 32 rows, run forward only or trained (forward and
# backward), for rows of equal length and three distributions of length up
# to 100. Each of five seeds draws rows anew, and every ratio divides the times
# of two ways of running the *same* rows, each timed once after an epoch to warm
# up. Predict: is the time packed over the time padded below 1 or above?

# %% tags=["hide-input"]
record = load_results("packing")["results"]
RAGGED = ("uniform 50 to 100", "uniform 1 to 100", "lognormal")
DRAWN = ("all equal", *RAGGED)
MODES = ("forward", "trained")


def ratio(way, size, cell, mode, lengths):
    name = f"{size} / {cell} / {mode} / {lengths}"
    times = [run[name]["milliseconds"] for run in record["runs"].values()]
    return [time[way] / time["pad"] for time in times]


def share(kind, lengths, size="small"):
    name = f"{size} / LSTM / trained / {lengths}"
    runs = record["runs"].values()
    return np.median([run[name]["padding share"][kind] for run in runs])


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-length-packing", "caption": "CPU time of a packed batch over that of the same batch padded, on a logarithmic axis, for layers of 64 units; one dot for each of five seeds, a line at their median. Above 1 packing loses. Below each distribution of lengths stands the share of steps that is padding."}, "image": {"alt": "Two panels of dots, forward and trained, four distributions each. Forward, the dots of RNN and GRU lie near one and fall below it as padding grows; those of the LSTM lie at one for equal rows and mostly above one elsewhere. Trained, the LSTM's dots lie at one for equal rows and between nearly three and five for all others; those of RNN and GRU lie between one and somewhat above two, and around one where most is padding."}}
COLOR = {"RNN": "blue", "GRU": "green", "LSTM": "vermilion"}
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(6.8, 3.8))
for ax, mode in zip(axes, MODES, strict=True):
    for shift, (cell, color) in enumerate(COLOR.items()):
        for place, n in enumerate(DRAWN):
            values = ratio("pack", "small", cell, mode, n)
            look = {"color": COLORS[color], "spread": 0.2}
            label = cell if place == 0 else None
            seed_dots(
                ax, place + 0.28 * (shift - 1), values, **look, label=label
            )
    ax.axhline(1, color="black", linewidth=1)
    names = [f"{n}\n{share('random', n):.0%}" for n in DRAWN]
    ax.set_xticks(range(4), [n.replace(" ", "\n", 1) for n in names], size=9)
    ax.set(yscale="log", title=mode, yticks=[0.5, 1, 2, 4, 8])
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
axes[0].set_ylabel("CPU time, packed / padded")
axes[0].legend(fontsize=10)
plt.show()

# %% [markdown]
# Begin on the left of each panel of {numref}`fig-length-packing`, where no row
# is padded and packing has nothing to save. Run forward, it hardly costs
# anything either. In training it does: RNN and GRU take one and a half times as
# long or more in the median, for the same rows and steps, while the LSTM takes
# no longer.[ᶜ](claims.md#packing_costs_training_where_nothing_is_padded) But as
# soon as lengths differ the trained LSTM's ratio is the highest of the
# three.[ᶜ](claims.md#packing_slows_the_fused_lstm)

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-length-packing", "caption": "CPU time packed over padded, as in the figure and also for layers of 128 units in batches of 64 rows: median over five seeds, lowest and highest."}}
UNITS = {"small": 64, "large": 128}
table = {
    (UNITS[size], mode, cell): {
        n: median_and_range(ratio("pack", size, cell, mode, n), 1)
        for n in DRAWN
    }
    for size in UNITS
    for mode in MODES
    for cell in ("RNN", "GRU", "LSTM")
}
pd.DataFrame(table).T

# %% [markdown]
# In forward runs packing keeps part of its promise: where most steps are
# padding, it saves the RNN and the GRU about a third of the time, and about
# half with 128 units
# ({numref}`tab-length-packing`).[ᶜ](claims.md#packing_saves_where_nothing_is_trained)
# It does not save seven tenths, since the loop still takes as many steps as the
# longest row has, and each step has costs of its own, however few rows it
# holds. In training hardly anything of this gain is left. With 64 units RNN and
# GRU come out even where most is padding and lose
# elsewhere,[ᶜ](claims.md#packed_training_is_even_at_best) and the LSTM takes
# three to four times as long on *ragged* batches, in which lengths
# differ.[ᶜ](claims.md#packing_slows_the_fused_lstm) With 128 units all three
# come out even or a little ahead where most is padding; where little is, the
# GRU loses about as much as the
# LSTM.[ᶜ](claims.md#packed_training_is_even_at_best)
#
# So two things need an explanation: why packing costs time where nothing is
# padded, and why it costs the LSTM most where lengths differ. Walk back through
# the graph that PyTorch records for the gradient, and count its operations:


# %%
def backward_steps(cell, lengths):
    layer, x = cell(32, 64, batch_first=True), torch.randn(32, 100, 32)
    if lengths is None:
        outputs = layer(x)[0]
    else:
        packed = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        outputs = layer(packed)[0].data
    waiting, seen = [outputs.grad_fn], set()
    while waiting:
        step = waiting.pop()
        seen.add(step)
        edges = step.next_functions
        waiting += [each for each, _ in edges if each and each not in seen]
    return seen


def zeros_filled(step):
    return np.prod(step._saved_self_sym_sizes) / 1e6


# %%
# Identity: packing-cuts-slices
equal, ragged = torch.full((32,), 100), torch.arange(69, 101)
ways = {"padded": None, "packed, equal": equal, "packed, ragged": ragged}
print("             batch            steps fused slices zeros (million)")
for cell in (nn.LSTM, nn.GRU, nn.RNN):
    for name, some in ways.items():
        steps = backward_steps(cell, some)
        fused = sum(step.name() == "MkldnnRnnLayerBackward0" for step in steps)
        slices = [step for step in steps if step.name() == "SliceBackward0"]
        zeros = sum(zeros_filled(step) for step in slices)
        assert fused == (cell is nn.LSTM and name != "packed, ragged")
        assert bool(slices) == (name != "padded" and not fused)
        print(
            f"{cell.__name__:12} {name:14} {len(steps):7} {fused:5} "
            f"{len(slices):6} {zeros:6.1f}"
        )

# %% [markdown]
# A padded batch is taken apart into its steps at once, and put together again
# at once on the way back. A packed one is cut slice by slice, one for each
# step, and on the way back each of the hundred slices fills an array as large
# as the *whole batch* with zeros, to write its own part into it. For a GRU,
# whose gates together take 192 numbers at each step, a batch of 3,200 steps
# becomes sixty million zeros. That price is paid whether lengths differ or not,
# and it grows with the length, the batch and the units, which fits the GRU's
# losses with 128 units.
#
# The LSTM pays for something else as well. Padded, or packed with equal
# lengths, its hundred steps are one fused operation of the library oneDNN. When
# lengths differ, PyTorch leaves that kernel and goes step by step, as RNN and
# GRU always do on a CPU. (How the time divides between the two was not
# measured.)
#
# ### Buckets
#
# One way to have less padding needs no packing: put rows of similar length
# together. Sort the rows by length, cut batches of neighbours (**buckets**),
# and shuffle the batches. A *token budget* limits a batch not to a number of
# rows but to a number of steps, padding included; then short rows come in large
# batches, every batch takes about the same memory and time, and there are fewer
# of them, which also means fewer updates in an epoch.

# %%
show_source(budget_batches, bare=True)

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-length-buckets", "caption": "CPU time over that of padded random batches, layers of 64 units: buckets of 32 rows, padded or packed, and buckets of at most 3,200 steps, padded; median over five seeds, lowest and highest."}}
WAYS = {
    "bucket + pad": "buckets",
    "bucket + pack": "packed too",
    "budget + pad": "by budget",
}
table = {
    (mode, cell): {
        (n, label): median_and_range(
            ratio(way, "small", cell, mode, n), 1
        ).replace(" to ", "–")
        for n in ("uniform 1 to 100", "lognormal")
        for way, label in WAYS.items()
    }
    for mode in MODES
    for cell in ("RNN", "GRU", "LSTM")
}
pd.DataFrame(table).T

# %% [markdown]
# On the same rows that are packed in {numref}`tab-length-packing`, padded
# buckets save time in every case of {numref}`tab-length-buckets`, by the
# median, and with 128 units as well; where most of a random batch would be
# padding, they save more than a third of the
# time.[ᶜ](claims.md#buckets_save_everywhere) To pack the buckets as well costs
# time in training, for every cell and either size, and the LSTM of 64 units
# more than the buckets have saved; run forward it saves nothing to speak of
# with 64 units, and about a quarter for an RNN and a GRU of 128 units on
# lognormal lengths.[ᶜ](claims.md#packing_buckets_costs_in_training)
#
# What does a budget do to the time? Here it stands beside buckets for both
# sizes, on the lengths that differ most:


# %% tags=["hide-input"]
def budget_beside_buckets(size, cell, mode):
    ways = ("bucket + pad", "budget + pad")
    bucket, budget = (ratio(n, size, cell, mode, "lognormal") for n in ways)
    return {
        (UNITS[size], "buckets"): f"{np.median(bucket):.2f}",
        (UNITS[size], "budget"): f"{np.median(budget):.2f}",
        (UNITS[size], "ratio"): median_and_range(np.divide(budget, bucket)),
    }


# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-length-budget", "caption": "Buckets of equally many rows and batches by a token budget, padded, lognormal lengths: CPU time over that of random batches, medians of five seeds, and the budget's time over the buckets', median, lowest and highest. The last row is the share of steps that is padding."}}
table = {
    (mode, cell): budget_beside_buckets("small", cell, mode)
    | budget_beside_buckets("large", cell, mode)
    for mode in MODES
    for cell in ("RNN", "GRU", "LSTM")
}
table["padding", ""] = {
    (UNITS[size], name): f"{share(kind, 'lognormal', size):.0%}"
    for size in UNITS
    for name, kind in (("buckets", "bucket"), ("budget", "budget"))
}
pd.DataFrame(table).T.fillna("")

# %% [markdown]
# With 64 units the ratios of {numref}`tab-length-budget` lie on both sides of
# one, and so they do for the other lengths. With 128 units the budget takes
# longer in all six cases.[ᶜ](claims.md#a_token_budget_saves_no_time) Its batches
# of short rows are larger, so that their lengths differ more and more of them
# is padding; in turn there are fewer batches, and each step's own costs are
# paid less often. The wider the layer, the more the padding may count of the
# two, which would explain the difference between the sizes. So a budget is not
# there for speed: what it buys is that batches take about equal memory.
#
# Buckets of either kind cost randomness: a row meets only rows of about its own
# length, in every epoch. Where the label goes with the length, a batch becomes
# one-sided, and the usual way out is to sort only within chunks of, say, fifty
# random batches.
#
# So on a CPU: bucket, pad, and gather at the last step if the layer reads in
# one direction. If it reads in both, the layer has to know the lengths, because
# otherwise it gives wrong answers ({numref}`tab-length-grid`). Packing is one
# way to tell it. Another keeps the padding, and with it the LSTM's fused
# kernel: take two layers of one direction, and let the second read each row
# reversed *within its own length*, so that it, too, meets the padding last.


# %%
def reversed_rows(x, lengths):
    step = torch.arange(x.shape[1])
    mirrored = lengths[:, None] - 1 - step
    index = torch.where(mirrored >= 0, mirrored, step)
    return x.gather(1, index[:, :, None].expand_as(x))


# %%
two_way = both_ways["LSTM"]
x = torch.randn(3, 4, 3, dtype=torch.float64)
packed = pack_padded_sequence(x, counts, True, enforce_sorted=False)
outputs, _ = pad_packed_sequence(to_torch(two_way)(packed)[0], True)
there = to_torch(two_way.forward_layer)
back = to_torch(two_way.backward_layer)
from_the_end = back(reversed_rows(x, counts))[0]
pair = torch.cat([there(x)[0], reversed_rows(from_the_end, counts)], dim=2)
# Identity: two-layers-and-no-packing
valid = mask_from_lengths(counts.numpy(), 4)
assert torch.allclose(pair[valid], outputs[valid], rtol=0, atol=1e-14)

# %% [markdown]
# On a GPU cuDNN runs packed batches itself; [others'
# measurements](https://github.com/pytorch/pytorch/issues/149194) found packing
# slow there too. That was not measured here, and is worth ten minutes on your
# own machine.
#
# ### Where padding must not happen
#
# One habit makes all of this useless: a data set whose `__getitem__` pads every
# row to one fixed length. Then all reported lengths are equal, there is nothing
# to skip, nothing to sort, and the output "at the last valid step" is read
# after the padding.


# %%
class PaddedInside(torch.utils.data.Dataset):
    def __len__(self):
        return len(eight)

    def __getitem__(self, i):
        return pad([eight[i]], to_length=10)[0][0], 0.0


_, reported, _ = collate([PaddedInside()[i] for i in range(8)])
print("lengths that the batch reports:", reported)
print("lengths that the rows have:    ", np.array([len(row) for row in eight]))

# %% [markdown]
# Return the rows as they are and pad in the *collate function*, which sees the
# whole batch. `DataLoader(..., collate_fn=...)` takes one:

# %%
show_source(collate, bare=True)

# %% [markdown]
# ## What failed
#
# - `outputs[:, -1]` of a padded batch: an answer that depends on the
#   neighbours.
# - A mask that Keras's maximum drops with a warning.
# - A mask value that was also a position.
# - A loss that padding makes smaller.
# - Packing to save time in training: with 64 units it saved none, with 128
#   hardly any, and only where most was
#   padding.[ᶜ](claims.md#packed_training_is_even_at_best)
# - A token budget to save time: with 128 units it cost
#   some.[ᶜ](claims.md#a_token_budget_saves_no_time)
#
# ## Summary
#
# - Padding is read like any other input, so that the last column of a padded
#   batch is wrong for a shorter row, and the row's output at its own last step
#   is right.[ⁱ](#gather-at-the-end)
# - If rows are sorted by length, the longest first, those still running at a
#   step are the first ones, forward and backward.[ⁱ](#finished-rows-leave)
# - A packed batch stores the steps of these rows, and `h_n` is every row's
#   right final state.[ⁱ](#packed-equals-gathered)
# - In Keras a masked step keeps the state and repeats the last
#   output.[ⁱ](#keras-repeats-the-last)
# - Keras's maximum over steps drops the mask.[ⁱ](#the-maximum-drops-the-mask)
# - PyTorch's `padding_idx` keeps the padding's embedding at zero, and no mask
#   comes with it.[ⁱ](#padding-index-is-no-mask)
# - A layer that reads in both directions, and its pooling, have to know the
#   mask, and the padding has to stand on the right unless the layer is
#   Keras's.[ⁱ](#the-grid)
# - For a layer that reads in one direction, with the padding on the right, it
#   is enough that the pooling knows the mask.[ⁱ](#one-way-on-the-right)
# - Two layers of one direction, the second on rows reversed within their own
#   lengths, make a bidirectional layer without
#   packing.[ⁱ](#two-layers-and-no-packing)
# - Targets at padded steps have to be left out of the loss, or the loss depends
#   on the width of the batch.[ⁱ](#ignored-in-the-loss)
# - Trained on ragged batches on the CPU measured, an LSTM of 64 units takes
#   more than twice the time packed, and RNN and GRU of that size lose
#   less.[ᶜ](claims.md#packing_slows_the_fused_lstm)
# - PyTorch cuts a packed batch slice by slice, and leaves the LSTM's fused
#   kernel when lengths differ.[ⁱ](#packing-cuts-slices)
# - Run forward over batches that are mostly padding, RNN and GRU are faster
#   packed.[ᶜ](claims.md#packing_saves_where_nothing_is_trained)
# - Buckets of similar lengths save time for every cell, trained or
#   not.[ᶜ](claims.md#buckets_save_everywhere)
#
# ## Exercises
#
# ```{exercise-start} A batch padded on the left (*easy*)
# :label: ex-length-left
# ```
# `x` is padded on the left and `mask` marks its valid steps. Write
# `to_the_right(x, mask)`, which moves the padding to the right, and show that
# packing then gives the right states.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-length-left
# :class: dropdown
# ```


# %%
def to_the_right(x, mask):
    order = np.argsort(~mask, axis=1, kind="stable")
    return np.take_along_axis(x, order[:, :, None], axis=1)


# %%
x_left, lengths = pad(rows, "left")
mask_left = mask_from_lengths(lengths, 4, "left")
turned = torch.tensor(to_the_right(x_left[:, :, None], mask_left))
print(turned[:, :, 0].tolist())
packed = pack_padded_sequence(turned, counts, True, enforce_sorted=False)
assert np.allclose(in_torch(packed)[1][0].detach(), gathered)

# %% [markdown]
# The sort is stable and false comes before true, so that valid steps move to
# the front and keep their order.
# ```{solution-end}
# ```
#
# ```{exercise-start} A mean over valid steps (*easy*)
# :label: ex-length-loss
# ```
# A model predicts a number at every step. Write `masked_loss(predicted, target,
# mask)`, the mean squared error over the valid steps, and let
# `check_masked_loss` judge it. Then predict what the checker says to
# `((predicted - target) ** 2 * mask).mean()`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-length-loss
# :class: dropdown
# ```


# %%
def masked_loss(predicted, target, mask):
    return ((predicted - target) ** 2 * mask).sum() / mask.sum()


_ = check_masked_loss(masked_loss)
_ = check_masked_loss(
    lambda predicted, target, mask: ((predicted - target) ** 2 * mask).mean()
)

# %% [markdown]
# The second leaves the errors of the padding out of the sum, but still counts
# its steps in the number by which the sum is divided.
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the bug (*medium*)
# :label: ex-length-bug
# ```
# This function returns a final state for each row; a model on top of it trains,
# but badly. Find the mistake without reading on, by comparing each row's state
# with the one that the row gives alone, and mend it in one line.
#
#     def broken(layer, x, lengths):
#         order = np.argsort(-lengths)
#         packed = pack_padded_sequence(x[order], lengths[order], True)
#         return layer(packed)[1][0]
#
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-length-bug
# :class: dropdown
# ```


# %%
def broken(layer, x, lengths):
    order = np.argsort(-lengths)
    packed = pack_padded_sequence(x[order], lengths[order], True)
    return layer(packed)[1][0]


def mended(layer, x, lengths):
    order = np.argsort(-lengths)
    packed = pack_padded_sequence(x[order], lengths[order], True)
    return layer(packed)[1][0][np.argsort(order)]


# %%
for function in (broken, mended):
    found = function(in_torch, padded, counts.numpy()).detach().numpy()
    off = np.abs(found - gathered).max(axis=1)
    print(function.__name__, "is off by", off.round(2))

# %% [markdown]
# The rows were sorted for the packing and never put back, so that each state
# meets the label of another row.
# `np.argsort(order)` undoes the sorting; `enforce_sorted=False` does both.
# ```{solution-end}
# ```
#
# ```{exercise-start} How many rows in a bucket (*medium*)
# :label: ex-length-buckets
# ```
# For 640 lengths uniform on 1 to 100, predict and then compute the share of
# padding for batches of 8, 32 and 128 rows, at random and in buckets, and for
# budgets of as many steps as 8, 32 and 128 rows of 100 have. Then put in the
# lengths of some data of your own: which of the distributions of
# {numref}`fig-length-packing` are they nearest to?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-length-buckets
# :class: dropdown
# ```


# %%
def padding_share(lengths, batches):
    cells = sum(len(batch) * lengths[batch].max() for batch in batches)
    return 1 - lengths.sum() / cells


# %%
rng = np.random.default_rng(0)
drawn = rng.integers(1, 101, 640)
for size in (8, 32, 128):
    shares = {
        "at random": np.split(rng.permutation(640), 640 // size),
        "in buckets": bucket_batches(drawn, size, rng),
        "by budget": budget_batches(drawn, 100 * size, rng),
    }
    print(
        f"{size:3} rows:",
        *(f"{n} {padding_share(drawn, s):.1%}  " for n, s in shares.items()),
    )

# %% [markdown]
# At random the longest row decides, and the more rows, the longer it is: nearly
# 100 steps, while the mean row has 50, so that nearly half is padding. Sorted,
# 640 rows make 80 batches of 8 or 5 of 128. Within a batch lengths then differ
# by about 100/80 steps or 100/5, and the batch is padded to its longest row. A
# budget makes batches of short rows larger, so that their lengths differ by
# more.
# ```{solution-end}
# ```
#
# ```{exercise-start} The loss in parts (*medium*)
# :label: ex-length-parts
# ```
# A batch of rows of 4, 4, 30 and 30 steps does not fit into memory. It is cut
# into two parts of two rows; each part's gradient is that of its own mean loss
# over valid steps, and the two gradients are averaged. Predict: how many times
# as much does a step of a short row count as one of a long row? Check it, and
# say what to divide by.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-length-parts
# :class: dropdown
# ```

# %%
steps = np.array([4, 4, 30, 30])
parts = [steps[:2], steps[2:]]
weight = [1 / len(parts) / part.sum() for part in parts]
print(f"a step weighs {weight[0]:.4f} and {weight[1]:.4f}", end="")
print(f", {weight[0] / weight[1]:.1f} times as much; whole: {1 / 68:.4f}")
right = [part.sum() / steps.sum() / part.sum() for part in parts]
assert np.allclose(right, 1 / steps.sum())

# %% [markdown]
# As many times as the long part has the short one's steps, because each part's
# half of the weight is shared out among its own steps. Sum the losses of each
# part and divide by the valid steps of *all* parts, which must be counted
# before the first backward pass. A much-used training library had this bug in
# its gradient accumulation [until
# 2024](https://huggingface.co/blog/gradient_accumulation).
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [PyTorch,
#   `pack_padded_sequence`](https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html):
#   the contract, and what `enforce_sorted` is for.
# - [Keras, understanding masking and
#   padding](https://keras.io/guides/understanding_masking_and_padding/): which
#   layers make a mask, pass it on, or drop it.
# - [PyTorch issue 149194](https://github.com/pytorch/pytorch/issues/149194):
#   somebody else's measurements of slow packing, by sequence length, on CPU and
#   GPU.
# - [TensorFlow,
#   `bucket_by_sequence_length`](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#bucket_by_sequence_length)
#   and [torchdata,
#   `MaxTokenBucketizer`](https://pytorch.org/data/0.7/generated/torchdata.datapipes.iter.MaxTokenBucketizer.html):
#   buckets and token budgets, ready made.
#
# Before: [memory on trial](04_memory_on_trial.ipynb). After: [the moving
# ball](06_moving_ball.ipynb).
