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
# # Bidirectional models
#
# **Some answers lie ahead. What does a network gain from reading a sequence
# from both ends, which sequences may it read so, and when is that cheating?**
#
# After this chapter you can
#
# - build a bidirectional layer, forward and backward, from a layer that you
#   know;
# - find every state in the outputs and in `h_n`, in PyTorch and Keras;
# - summarise a padded string by the right outputs, and see what a missing mask
#   costs;
# - say how much the future is worth to a task, how long you would have to wait
#   for it, and whether it is there at all when your model is used.

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
import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf
import torch
from matplotlib.colors import LogNorm
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from utils.data.batches import make_windows, mask_from_lengths, pad
from utils.data.digit_strings import (
    PAD,
    best_accuracy,
    best_marks,
    draw_digit_strings,
    occurs_once,
)
from utils.data.pronunciations import load_pronunciations
from utils.data.samples import load_sunspots
from utils.exercises import check_final_states, check_joined, check_shifted
from utils.figures.diagrams import bidirectional
from utils.figures.padding import turned_batch
from utils.figures.seeds import median_and_range, seed_dots
from utils.figures.style import COLORS, use_book_style
from utils.models.pytorch import FinalStatesReader, StepForecaster, SymbolReader
from utils.notebook import load_results, show_source
from utils.scratch import GRU, LSTM, RNN, Bidirectional
from utils.scratch.bidirectional import reverse_rows
from utils.training import fit, keep_keras_on_cpu
from utils.weights import from_torch, to_keras, to_torch

# %% [markdown]
# ## An answer that lies ahead
#
# Read the string 3 1 3 0 from left to right and say of every digit, as you meet
# it, whether it occurs *once* in the string. At the first 3 you cannot know.
# You have seen no other 3, three random digits are still to come, and each of
# them is another digit with probability $0.9$, so that "once" is right with
# probability $0.9^3 = 0.73$. You say "once", and you are wrong. No cleverer
# reader does better: what decides has not been read.
#
# The table gives the best answers (1 for "once") of readers who may see no, one
# or two further digits before they answer.

# %%
digits = np.array([3, 1, 3, 0])
answers = {"digit": digits}
for ahead in (0, 1, 2):
    answers[f"{ahead} ahead"] = best_marks(digits, ahead, 4, 4)
pd.DataFrame(answers | {"occurs once": occurs_once(digits)}).T

# %% [markdown]
# Only with two digits of look-ahead is the first 3 answered right. The strings
# of this chapter have 5 to 12 random digits. About a digit whose *twin*, an
# equal digit, has been seen, a reader is certain; for any other, the best
# reader names the likelier answer. Because the strings are random, we can
# compute exactly how often each case occurs, and therefore how often this
# reader is right on average:

# %%
bounds = [best_accuracy(ahead, 5, 12) for ahead in range(12)]
# Identity: what-the-past-allows
assert 0.76 < bounds[0] < 0.77
assert np.isclose(bounds[11], 1)
print("look-ahead:", *(f"{ahead:5}" for ahead in (0, 1, 2, 4, 8, 11)))
print("best:      ", *(f"{bounds[a]:.3f}" for a in (0, 1, 2, 4, 8, 11)))

# %% [markdown]
# Without look-ahead no reader is right on more than 76.3 % on average (a finite
# set of test strings may lie a little above or below). Does an LSTM that reads
# from left to right get there? `benchmarks/bidirectional.py` trained five, at
# the best of the learning rates tried, each from a seed of its own and on fresh
# strings in every batch, until they were flat. Where a table or figure of this
# chapter says "seeds", nothing was tuned on them.

# %% tags=["hide-input"]
keep_keras_on_cpu()
use_book_style()
recorded = load_results("bidirectional")["results"]


def runs(name):
    return list(recorded["runs"][name].values())


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-bound", "caption": "An LSTM that reads in one direction learns what can be known from the past: accuracy on 500 validation strings during 4,800 training steps, one line for each of five seeds. The dashed line is the best that any reader without look-ahead can do on average."}, "image": {"alt": "Five curves of accuracy against training steps. All rise from about 0.65 within the first 1,500 steps and then run along a dashed line at 0.763, about a point up and down."}}
fig, ax = plt.subplots()
for run in runs("tags, longer / one direction"):
    curve = run["curves"]["accuracy"]
    steps = np.arange(1, len(curve) + 1) * run["steps"] / len(curve)
    ax.plot(steps, curve, color=COLORS["blue"], linewidth=1.2)
ax.axhline(bounds[0], color="black", linestyle="--", linewidth=1)
ax.set(xlabel="training step", ylabel="accuracy", ylim=(0.5, 1))
plt.show()

# %% [markdown]
# The curves of {numref}`fig-bi-bound` run along that
# bound.[ᶜ](claims.md#one_direction_reaches_its_bound) The rest of the answer is
# in the string, but not in the part that has been read.
#
# ## Two readers, side by side
#
# Suppose the whole string lies before you. Then let a second reader begin at
# the other end. At every digit the first knows all that came before, the second
# all that comes after, and together they can answer. By hand, with the smallest
# recurrent network there is, $h_t = \tanh(x_t + \tfrac12 h_{t-1})$, over the
# three inputs 1, 0 and −1:
#
# | step | input | forward, from the left | backward, from the right |
# |-|-|-|-|
# | 1 | 1 | $\tanh(1) = 0.76$ | $\tanh(1 - 0.18) = 0.67$ |
# | 2 | 0 | $\tanh(0 + 0.38) = 0.36$ | $\tanh(0 - 0.38) = -0.36$ |
# | 3 | −1 | $\tanh(-1 + 0.18) = -0.67$ | $\tanh(-1) = -0.76$ |
#
# The input of step 2 is zero, and yet its two states say what stands to its
# left, something positive, and to its right, something negative. The output of
# a step is simply both states side by side.

# %%
forward, backward, h = [], [], 0.0
for x_t in (1, 0, -1):
    h = np.tanh(x_t + h / 2)
    forward.append(h)
h = 0.0
for x_t in (-1, 0, 1):  # from the other end
    h = np.tanh(x_t + h / 2)
    backward.insert(0, h)  # back to its place in time
print(np.round([forward, backward], 2))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-layer", "caption": "A bidirectional layer over three steps. The forward states (blue) run with time, the backward states (orange) against it, each layer with weights of its own; the output of a step is both states side by side. No arrow leads from one direction to the other."}, "image": {"alt": "Three columns, one for each step. Every input x goes to a blue box, a forward state, and to an orange box, a backward state. Blue arrows join the forward states from left to right, orange arrows the backward states from right to left. Above, the two states of a step stand side by side as the output y."}}
bidirectional()

# %% [markdown]
# {numref}`fig-bi-layer` is the layer of [Schuster and Paliwal
# (1997)](https://doi.org/10.1109/78.650093), the *bidirectional* recurrent
# network. With $f$ and $g$ two recurrent layers of any kind, and arrows for
# the directions,
#
# $$
# \begin{aligned}
# \overrightarrow{h}_t &= f(x_t, \overrightarrow{h}_{t-1}) \\
# \overleftarrow{h}_t &= g(x_t, \overleftarrow{h}_{t+1}) \\
# y_t &= [\overrightarrow{h}_t; \overleftarrow{h}_t]
# \end{aligned}
# $$ (eq-bidirectional)
#
# Neither layer sees the other's states. So the backward pass is easy too: the
# gradient of $y_t$ splits into its halves, each half goes back through its own
# layer, the backward layer's from step 1 to the last, and the two meet only in
# the input, which both have read. With $\delta x$ for the loss's gradient with
# respect to $x$:
#
# $$
# \delta x_t = \overrightarrow{\delta x}_t + \overleftarrow{\delta x}_t
# $$ (eq-bidirectional-dx)
#
# ### In NumPy
#
# The second layer needs no code of its own. Hand a plain RNN ([chapter
# 1](01_rnn_basics.ipynb)) the sequence turned round, and turn its outputs round
# again.


# %%
def read(x, W_x, W_h, b):
    h, outputs = np.zeros((len(x), len(b))), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W_x + h @ W_h + b)
        outputs.append(h)
    return np.stack(outputs, axis=1)


# %%
def read_both_ways(x, ahead, back):
    forward_half = read(x, **ahead)
    backward_half = read(x[:, ::-1], **back)[:, ::-1]
    return np.concatenate([forward_half, backward_half], axis=2)


# %% [markdown]
# The same holds on the way back. `send_back` is the RNN's backward pass,
# reduced to the gradient of the inputs; the other direction gets its half of
# everything turned round.


# %%
def send_back(d_outputs, outputs, W_x, W_h, b):
    d_inputs, d_h = [], 0
    for t in reversed(range(outputs.shape[1])):
        d_z = (d_outputs[:, t] + d_h) * (1 - outputs[:, t] ** 2)
        d_inputs.insert(0, d_z @ W_x.T)
        d_h = d_z @ W_h.T
    return np.stack(d_inputs, axis=1)


# %%
def send_back_both_ways(d_outputs, outputs, ahead, back):
    d_ahead, d_back = np.split(d_outputs, 2, axis=2)
    h_ahead, h_back = np.split(outputs, 2, axis=2)
    d_forward = send_back(d_ahead, h_ahead, **ahead)
    d_backward = send_back(d_back[:, ::-1], h_back[:, ::-1], **back)
    return d_forward + d_backward[:, ::-1]


# %% [markdown]
# The book's layer, `utils.scratch.Bidirectional`, takes any two layers of one
# kind and gives the same outputs and the same gradient:

# %%
rng = np.random.default_rng(0)
x, d_outputs = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 8))
both = Bidirectional(RNN(3, 4, rng=1), RNN(3, 4, rng=2))
weights = both.forward_layer.params, both.backward_layer.params

# %%
# Identity: two-layers-in-one
outputs = read_both_ways(x, *weights)
assert np.allclose(outputs, both.forward(x)[0], rtol=0, atol=1e-14)
d_x = send_back_both_ways(d_outputs, outputs, *weights)
assert np.allclose(d_x, both.backward(d_outputs).x, rtol=0, atol=1e-14)
print("batch, time, both states:", outputs.shape)

# %% tags=["remove-input"]
show_source(
    Bidirectional.forward,
    Bidirectional.backward,
    fold="How the book's layer differs: sequences of any length, states",
    bare=True,
)

# %% [markdown]
# ## What does an output know?
#
# The backward pass answers a question that comes up with every architecture:
# which inputs does this output depend on? Set the gradient of output $t$ to
# one, send it back, and see where something arrives.


# %%
def reach(layer, x, features):
    outputs, _ = layer.forward(x)
    arrived = np.zeros((x.shape[1], x.shape[1]))
    for t in range(x.shape[1]):
        d_outputs = np.zeros_like(outputs)
        d_outputs[:, t, features] = 1
        arrived[t] = np.abs(layer.backward(d_outputs).x[0]).sum(axis=1)
    return arrived


# %%
halves = [reach(both, x[:1], slice(0, 4)), reach(both, x[:1], slice(4, 8))]

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-reach", "caption": "Each half knows one side. How much an input moves an output: the sum of the absolute gradients, the same scale in both panels; white is exactly zero. The last output, in the bottom row, has all inputs in its forward half and a single one in its backward half."}, "image": {"alt": "Two triangular heat maps of output step against input step. In the forward half the lower left triangle is filled, in the backward half the upper right one; both fade away from the diagonal."}}
faintest = min(half[half > 0].min() for half in halves)
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(6.2, 3))
for ax, half, name in zip(axes, halves, ("forward", "backward"), strict=True):
    shown = np.ma.masked_equal(half, 0)
    scale = LogNorm(faintest / 3, np.max(halves))
    image = ax.imshow(shown, norm=scale, extent=(0.5, 6.5, 6.5, 0.5))
    ax.set(title=f"{name} half", xlabel="input step", xticks=range(1, 7))
    ax.grid(visible=False)
axes[0].set(ylabel="output step", yticks=range(1, 7))
fig.colorbar(image, ax=axes, label="gradient, absolute")
plt.show()

# %% [markdown]
# Together the two triangles of {numref}`fig-bi-reach` fill the square: every
# output of the layer depends on every input. But look at the bottom row. For a
# layer in one direction the last output is the one that has read everything,
# and `outputs[:, -1]` is its summary. Here half of that vector has read one
# step. The same holds for the first output and the other half.
#
# ## Strings of unequal length
#
# In a batch, short sequences are padded on the right ([chapter
# 5](05_any_length.ipynb)). What happens to the backward layer if we turn the
# whole array round, as above? Three sequences of 2, 5 and 4 steps:

# %%
rows, lengths = pad([rng.normal(size=(n, 3)) for n in (2, 5, 4)])
careless, _ = both.forward(rows)
for row, n in enumerate(lengths):
    alone, _ = both.forward(rows[row : row + 1, :n])
    error = np.abs(careless[row, :n, 4:] - alone[0, :, 4:]).max()
    print(f"{n} steps: the backward half is off by up to {error:.2f}")

# %% [markdown]
# Only the longest is right. What did the backward layer read of the others?

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-padding", "caption": "What the backward layer reads of a padded batch with the rows a, b and c, from left to right, and its states, back in time's order. Turned round as a whole, rows a and c begin with padding, and all their states are made of it (grey). Turned round within its length, each row begins with its own last step (orange)."}}
turned_batch(lengths.tolist())

# %% [markdown]
# In the middle of {numref}`fig-bi-padding` row a begins with three zeros. The
# layer arrives at $a_2$, the first real input, with a state that padding has
# made, and hands that on to $a_1$. (Zeros are no protection: the bias moves the
# state.) Therefore each row must be turned round *within its own length*, as at
# the bottom:


# %%
def turn_round(x, lengths):
    turned = x.copy()
    for row, n in enumerate(lengths):
        turned[row, :n] = x[row, :n][::-1]
    return turned


# %%
# Identity: within-its-own-length
assert np.array_equal(turn_round(rows, lengths), reverse_rows(rows, lengths))
outputs, _ = both.forward(rows, lengths=lengths)
alone, _ = both.forward(rows[:1, :2])
assert np.allclose(outputs[:1, :2], alone, rtol=0, atol=1e-14)

# %% tags=["remove-input"]
show_source(
    reverse_rows,
    fold="How the book's version differs: one index, no loop",
    bare=True,
)

# %% [markdown]
# The padding stays on the right, after the last step of either direction, where
# it can no longer do harm. PyTorch gets the same by packing: its backward layer
# starts row b at step 5, row c one step later at $c_4$, row a at $a_2$, each
# with a state of zeros. Keras reads the padding, but its mask lets no state
# change there. Outputs and the gradient of the inputs agree for all three kinds
# of layer:

# %%
mask = mask_from_lengths(lengths, 5)
d_outputs = rng.normal(size=(3, 5, 8)) * mask[:, :, None]

# %%
layers = {
    kind.__name__: Bidirectional(kind(3, 4, rng=1), kind(3, 4, rng=2))
    for kind in (RNN, LSTM, GRU)
}


# %%
def ours(layer):
    outputs, _ = layer.forward(rows, lengths=lengths)
    return outputs, layer.backward(d_outputs).x


# %% tags=["tab-pytorch"]
# PyTorch
def in_torch(layer):
    x = torch.tensor(rows, requires_grad=True)
    packed = pack_padded_sequence(
        x, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    outputs, _ = pad_packed_sequence(to_torch(layer)(packed)[0], True)
    outputs.backward(torch.tensor(d_outputs))
    return outputs.detach().numpy(), x.grad.numpy()


# %% tags=["tab-keras"]
# Keras
def in_keras(layer):
    x = tf.Variable(rows)
    with tf.GradientTape() as tape:
        outputs = to_keras(layer)(x, mask=mask)
        loss = tf.reduce_sum(outputs * d_outputs)
    return outputs.numpy(), tape.gradient(loss, x).numpy()


# %%
# Identity: same-numbers
for name, layer in layers.items():
    for framework, run in (("PyTorch", in_torch), ("Keras", in_keras)):
        compared = 0
        for mine, theirs in zip(ours(layer), run(layer), strict=True):
            assert np.allclose(mine[mask], theirs[mask], rtol=0, atol=1e-12)
            compared += mine[mask].size
        print(f"{name:4} {framework:7} {compared} numbers within 1e-12")

# %% [markdown]
# ## Where the states are
#
# Bidirectional layers are stacked: the second reads the outputs of the first,
# both halves of them. With two layers and two directions there are four final
# states, and PyTorch's `h_n` holds them in this order:
#
# | | layer | direction | the state after reading |
# |-|-|-|-|
# | `h_n[0]` | lower | forward | the last step |
# | `h_n[1]` | lower | backward | the first step |
# | `h_n[2]` | upper | forward | the last step |
# | `h_n[3]` | upper | backward | the first step |
#
# The outputs are those of the upper layer. So `h_n[2]` must be the forward half
# of the last output, and `h_n[3]` the backward half of the *first*:

# %%
stack = nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True).double()
with torch.no_grad():
    outputs, (h_n, _) = stack(torch.tensor(x))
print("outputs", tuple(outputs.shape), "  h_n", tuple(h_n.shape))
forward_half, backward_half = outputs.chunk(2, dim=2)
# Identity: order-of-the-states
assert torch.equal(h_n[2], forward_half[:, -1])
assert torch.equal(h_n[3], backward_half[:, 0])

# %% [markdown]
# The first two states are found by running the lower layer alone, in NumPy; its
# outputs then feed the upper layer:

# %%
lower, upper = from_torch(stack, layer=0), from_torch(stack, layer=1)
middle, ((h_forward, _), (h_backward, _)) = lower.forward(x)
assert np.allclose(h_n[0], h_forward)
assert np.allclose(h_n[1], h_backward)
assert np.allclose(outputs, upper.forward(middle)[0])

# %% [markdown]
# Keras returns the final states of a layer one by one, forward before backward,
# and for an LSTM each with its cell state:

# %%
returned = to_keras(lower, return_state=True)(x)
for name, value in zip(
    ("outputs", "forward h", "forward c", "backward h", "backward c"),
    returned,
    strict=True,
):
    print(f"{name:11}{tuple(value.shape)}")
assert np.allclose(returned[1], h_forward)
assert np.allclose(returned[3], h_backward)

# %% [markdown]
# ## One vector for a whole sequence
#
# A classifier needs *one* vector for a sequence's many outputs; to make it is
# called *pooling*. Four ways are common: the output of the last step; the two
# final states, each where its direction ends; the mean of the outputs; their
# largest values, feature by feature. A task tells them apart: the strings have
# 20 to 40 digits, and two questions are asked at once. Is the first digit below
# 5, and is the last? Guessing answers both right a quarter of the time.
#
# Which of the four will fail? Think of the bottom row of {numref}`fig-bi-reach`
# before you read on.

# %% tags=["hide-input"]
POOLINGS = ("last", "final states", "mean", "max")


def ends_right(name, case, question):
    return [run["test"][case][question] for run in runs(name)]


# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-bi-pooling", "caption": "Share of 1,000 test strings for which the pooling gives the right answer: median over five seeds, lowest and highest."}}
questions = ("first digit", "last digit", "both ends")
pooled = {question: {} for question in questions}
for question in questions:
    for how in POOLINGS:
        scores = ends_right(f"ends / {how}", "masked", question)
        pooled[question][how] = median_and_range(scores)
pd.DataFrame(pooled)

# %% [markdown]
# In {numref}`tab-bi-pooling` final states, mean and maximum answer both
# questions. The last output knows the last digit and guesses at the
# first.[ᶜ](claims.md#last_output_loses_an_end) Its backward half has read one
# step, but why does the forward half, which has read them all, not help? It
# would have to carry the first digit past 19 to 39 others, and chapter 1 showed
# how hard that is to learn. If that is the reason, then the same model must
# manage short strings:

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-bi-length", "caption": "The last output of a bidirectional LSTM, by length of the strings: share of test strings for which it gives the first digit right, median over five seeds, lowest and highest."}}
lengths_of = {
    "5 to 10 digits": "ends, 5 to 10 / last",
    "10 to 20 digits": "ends, 10 to 20 / last",
    "20 to 40 digits": "ends / last",
    "20 to 40, longer": "ends, longer / last",
}
by_length = {"training steps": {}, "first digit": {}}
for length, name in lengths_of.items():
    scores = ends_right(name, "masked", "first digit")
    by_length["training steps"][length] = runs(name)[0]["steps"]
    by_length["first digit"][length] = median_and_range(scores)
pd.DataFrame(by_length)

# %% [markdown]
# It does, on 5 to 10 digits ({numref}`tab-bi-length`). From 10 to 20 digits on,
# it guesses after 200 training steps, at every learning rate tried, and on the
# longest strings also after 1,000, at the rate of the shorter
# run.[ᶜ](claims.md#length_is_what_it_lacks) That is "did not learn within this
# budget", not "cannot": other rates for the longer run and a larger forget bias
# ([chapter 2](02_lstm.ipynb)) were not tried. So `outputs[:, -1]` is not blind
# to the first digit, but has to learn a long memory that the other poolings do
# not need.
#
# ### What a missing mask costs
#
# The mean and the maximum ran over the valid steps only, and the backward layer
# started at each string's own end. Now take the same trained models and leave
# out the mask, so that every row seems as wide as the batch. The test strings
# come in batches of like length, as [chapter 5](05_any_length.ipynb)
# recommends, and so with little padding; for the table's last column each row
# is padded by 20 symbols more.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-bi-mask", "caption": "The same trained models with their mask and without: share of test strings with both ends right, median over five seeds, lowest and highest."}}
cases = ("masked", "unmasked", "unmasked, widened")
unmasked = {case: {} for case in cases}
for case in cases:
    for how in POOLINGS:
        scores = ends_right(f"ends / {how}", case, "both ends")
        unmasked[case][how] = median_and_range(scores)
pd.DataFrame(unmasked)

# %% [markdown]
# In neat batches ({numref}`tab-bi-mask`) the three poolings that worked are
# still right on the strings that are the longest of their batch, and on about
# half of the others, so that the bug looks like a mediocre model. Twenty
# columns of padding show it: one end is gone. Which direction is to blame?
# Leave out the mask for one direction only: pool both the masked and the
# unmasked outputs, and put the forward half of the one beside the backward half
# of the other.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-mask", "caption": "Which half needs its mask depends on the pooling. Share of test strings with both ends right, one dot for each seed, rows padded by 20 symbols; only the half named has lost its mask. A model that knows one end is right on half of the strings."}, "image": {"alt": "Dots in three groups. Final states: near one half when the forward half has no mask, at one when the backward half has none. Mean and maximum: the other way round."}}
fig, ax = plt.subplots()
for half, shift, color in (
    ("forward", -0.2, COLORS["blue"]),
    ("backward", 0.2, COLORS["orange"]),
):
    case = f"{half} half unmasked, widened"
    for place, how in enumerate(POOLINGS[1:]):
        scores = ends_right(f"ends / {how}", case, "both ends")
        label = f"{half} half without mask" if place == 0 else None
        seed_dots(ax, place + shift, scores, color=color, label=label)
ax.set_xticks(range(3), POOLINGS[1:])
ax.set(ylabel="both ends right", ylim=(0, 1.05))
ax.legend(loc="lower center")
plt.show()

# %% [markdown]
# {numref}`fig-bi-mask` shows two different
# mistakes.[ᶜ](claims.md#each_half_needs_its_mask) *Final states* take the
# forward half at the last column, and there the forward layer has read twenty
# symbols of padding; its backward half, taken at step 1, has not suffered.
# *Mean* and *maximum* look at every column, so the forward layer's outputs at
# the real steps are still among them. What is left to fail is the backward
# half. It started in the padding, and the last digit is no longer the first
# thing that it reads. So the layer needs its mask and the pooling needs one
# too.
#
# ## What the second direction buys
#
# Back to the first task. Here is the whole trial behind {numref}`fig-bi-bound`.
# The models have equally many parameters, to within one in a hundred, and have
# read equally many strings, 800 batches of 64 or 4,800; each has the best
# learning rate of at least three for that budget. The delayed models are those
# of the next section.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-bi-tags", "caption": "Marking the digits that occur once, after 800 training steps and after 4,800: accuracy on 2,000 test strings, median over five seeds, lowest and highest; best, what the best possible reader with the same look-ahead scores on these strings; the CPU seconds of training, median; the learning rate. Delay 2 and delay 4 are models in one direction that answer so many steps after they have read a digit."}}
ahead = {"one direction": 0, "delay 2": 2, "delay 4": 4, "both directions": 11}
best = recorded["tag bounds"]["by look-ahead"]
table = []
for budget in ("tags", "tags, longer"):
    for name, steps in ahead.items():
        tagged = runs(f"{budget} / {name}")
        row = {
            "steps": f"{tagged[0]['steps']:,}",
            "best": f"{best[str(steps)]['test']:.3f}",
            "accuracy": median_and_range([run["test"] for run in tagged], 3),
            "parameters": tagged[0]["parameters"],
            "CPU s": f"{np.median([run['seconds'] for run in tagged]):.0f}",
            "rate": tagged[0]["rate"],
        }
        table.append(pd.Series(row, name=name))
pd.DataFrame(table)

# %% [markdown]
# By {numref}`tab-bi-tags` one direction is right on 75.7 % of the digits after
# 800 steps, a point below the best that the past allows on these same strings,
# and on 76.5 % after 4,800. Both directions together are right on 99.7 % after
# 800 steps already: the second closes nearly the whole gap, at equal parameters
# and for about a fifth more computing
# time.[ᶜ](claims.md#second_direction_closes_the_gap)
#
# ### Look inside
#
# Where does the difference come from? Train one model of each here, for 300
# steps, and compare them by kind of digit: alone in its string; with its twin
# behind it; with its twin only ahead.


# %%
def marked_strings(n, rng):
    rows, lengths = pad(draw_digit_strings(n, 5, 12, rng), value=PAD)
    valid = mask_from_lengths(lengths, rows.shape[1])
    answers = np.where(valid, occurs_once(rows), -100)
    return tuple(map(torch.tensor, (rows, lengths, answers)))


# %%
def train_tagger(both_ways, hidden_size, rng):
    torch.manual_seed(0)
    model = SymbolReader(11, 2, hidden_size, bidirectional=both_ways)
    fit(
        model,
        [marked_strings(64, rng) for _ in range(300)],
        loss=lambda out, y: cross_entropy(out.flatten(0, 1), y.flatten()),
        optimizer=torch.optim.Adam(model.parameters(), 0.01),
        epochs=1,
        clip=1.0,
    )
    return model


# %%
rng = np.random.default_rng(0)
taggers = {
    "one direction": train_tagger(False, 47, rng),
    "both directions": train_tagger(True, 32, rng),
}

# %%
rows, lengths, answers = marked_strings(1000, np.random.default_rng(1))
same = rows[:, :, None] == rows[:, None, :]
behind = torch.tril(same, -1).any(2)
kinds = {
    "alone": answers == 1,
    "twin behind": (answers == 0) & behind,
    "twin only ahead": (answers == 0) & ~behind,
}

# %% tags=["within-0.03"]
by_kind = pd.DataFrame(index=list(kinds), columns=list(taggers), dtype=float)
with torch.no_grad():
    for name, model in taggers.items():
        right = model(rows, lengths).argmax(2) == answers
        for kind, which in kinds.items():
            by_kind.loc[kind, name] = right[which].float().mean().item()
by_kind.round(2)

# %%
gain = by_kind["both directions"] - by_kind["one direction"]
assert gain["twin only ahead"] > 0.3
assert by_kind.loc["twin behind", "one direction"] > 0.9

# %% [markdown]
# A twin that stands behind is found by both models. The other two kinds look
# alike from the left, a digit not seen before, and there the model in one
# direction can only name the likelier answer, while the other already tells
# most of them apart. To see where the bidirectional model looks, replace one
# digit of a string by each of the ten in turn, and watch how much every answer
# changes.

# %%
string = torch.tensor([7, 2, 9, 4, 2, 0, 7, 5])
n = len(string)
variants = string.repeat(n, 10, 1)
for place in range(n):
    variants[place, :, place] = torch.arange(10)


# %%
def chance_once(strings):
    with torch.no_grad():
        logits = taggers["both directions"](
            strings, torch.full((len(strings),), n)
        )
    return logits.softmax(2)[:, :, 1]


# %%
change = (chance_once(variants.flatten(0, 1)) - chance_once(string[None])).abs()
moved = change.view(n, 10, n).mean(dim=1).T

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-look", "caption": "What the trained bidirectional model looks at. Each cell: the mean change of an answer (row), as a probability, when the digit of a column is replaced. Rings mark pairs of equal digits."}, "image": {"alt": "A square heat map over the digits 7 2 9 4 2 0 7 5. The four darkest cells are the ringed ones, where two digits are the same, on both sides of the diagonal. The diagonal is of middling strength, and some cells beside it are faint to middling."}}
fig, ax = plt.subplots(figsize=(4.4, 3.6))
image = ax.imshow(moved, vmin=0, vmax=1)
twins = (string[:, None] == string).numpy() & ~np.eye(n, dtype=bool)
rings = {"mfc": "none", "mec": COLORS["orange"], "mew": 2, "ms": 16}
ax.plot(*np.nonzero(twins)[::-1], "o", **rings)
ax.set_xticks(range(n), string.tolist())
ax.set_yticks(range(n), string.tolist())
ax.set(xlabel="digit replaced", ylabel="answer at")
ax.grid(visible=False)
fig.colorbar(image, ax=ax, label="mean change")
plt.show()

# %% [markdown]
# In {numref}`fig-bi-look` the answer at either seven depends on the other
# seven, across the whole string, and likewise with the two twos: the first of
# each pair looks ahead through the backward layer, the second looks back
# through the forward one.
#
# ## Waiting for the future
#
# A bidirectional layer answers nothing before the sequence has ended. Where the
# whole of it is there, that costs only time: names and parts of speech in a
# sentence ([Huang et al., 2015](https://arxiv.org/abs/1508.01991), [Lample et
# al., 2016](https://arxiv.org/abs/1603.01360)), the sounds of a recording
# ([Graves and Schmidhuber,
# 2005](https://doi.org/10.1016/j.neunet.2005.06.042)), the shape of a protein
# ([Baldi et al., 1999](https://doi.org/10.1093/bioinformatics/15.11.937)), the
# sentence to be translated ([chapter 9](09_attention.ipynb)). Dictation, live
# captions, a keyboard's next word and every forecast are different. There the
# answer is wanted while the sequence still grows, and a bidirectional model
# would have to begin anew with every input, or cannot help at all.
#
# Between the two lies *look-ahead*: answer a few steps late. A layer in one
# direction can do that without change. Shift its targets by $k$ steps in
# training, so that what it says after reading $x_{t+k}$ is the answer for step
# $t$. The state is carried on, so that the model *streams*: it answers while
# the sequence still grows.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-delay", "caption": "What waiting buys. The line is the best score that a reader who sees so many digits ahead can reach; dots are trained models, one for each of five seeds, grey after 800 steps, coloured after 4,800; the bidirectional ones stand at the right, where everything has been seen. The low grey dot at two digits is a seed that had stopped at the level of no delay."}, "image": {"alt": "A rising line from 0.77 without look-ahead to 1 at eleven digits. Blue dots for models in one direction after 4,800 steps lie on it at 0, close below it at 2 and a little farther below at 4 digits, orange dots for the bidirectional model on it at 11. Grey dots after 800 steps lie lower, those at 4 digits mostly lower than those at 2."}}
fig, ax = plt.subplots()
every = [best[str(steps)]["test"] for steps in range(12)]
ax.plot(range(12), every, color="black", linewidth=1, label="best possible")
for name, steps in ahead.items():
    early = [run["test"] for run in runs(f"tags / {name}")]
    label = "after 800 steps" if steps == 0 else None
    seed_dots(ax, steps - 0.25, early, color="0.6", label=label)
    scores = [run["test"] for run in runs(f"tags, longer / {name}")]
    color = COLORS["orange" if name == "both directions" else "blue"]
    label = {0: "one direction", 11: "both directions"}.get(steps)
    seed_dots(ax, steps + 0.15, scores, color=color, label=label)
ax.set(xlabel="digits of look-ahead", ylabel="accuracy", ylim=(0.7, 1.02))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# After 800 steps two digits of delay had lifted the median from 0.757 to
# 0.830,[ᶜ](claims.md#waiting_buys_part_of_it) four only to 0.805 (a gain just
# short of our threshold, five points). After 4,800 the order is the other way
# round ({numref}`fig-bi-delay`): two digits reach 0.864 and four
# 0.903.[ᶜ](claims.md#longer_wait_buys_more) At 800 steps we had compared how
# fast they learn:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-waiting", "caption": "The delayed models while they learn. Accuracy on 500 validation strings during training, the median over five seeds, at the rates tuned for 4,800 steps; dashed, in the same colour, the best that is possible with that look-ahead. The grey line marks 800 steps."}, "image": {"alt": "Three curves against training steps. Without delay the curve runs along its dashed line from about 1,500 steps on. With two digits of delay it comes close to its line; with four it is the slowest at first, crosses that of two digits and ends highest, below its line and still rising slowly."}}
fig, ax = plt.subplots()
for name, color in zip(
    list(ahead)[:3], ("blue", "green", "purple"), strict=True
):
    curves = [r["curves"]["accuracy"] for r in runs(f"tags, longer / {name}")]
    middle = np.median(curves, axis=0)
    steps = 100 * np.arange(1, len(middle) + 1)
    ax.plot(steps, middle, color=COLORS[color], label=name)
    limit = bounds[ahead[name]]
    ax.axhline(limit, color=COLORS[color], linestyle="--", linewidth=1)
ax.axvline(800, color="0.6", linewidth=1)
ax.set(xlabel="training step", ylabel="accuracy", ylim=(0.5, 1))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# In {numref}`fig-bi-waiting` four digits of delay learn slowest and end
# highest, still rising. While a delayed model waits, it has to carry every
# digit that is still to be answered; whether this slows its training is not
# tested here. How much of the second direction's gain does a delay buy?

# %%
for budget in ("tags", "tags, longer"):
    middle = {
        name: np.median([run["test"] for run in runs(f"{budget} / {name}")])
        for name in ahead
    }
    gain = middle["both directions"] - middle["one direction"]
    for name in ("delay 2", "delay 4"):
        share = (middle[name] - middle["one direction"]) / gain
        steps = runs(f"{budget} / {name}")[0]["steps"]
        print(f"{name}, {steps:5,} steps: {share:.0%} of the gain")

# %%
for steps in (2, 4):
    now, late = (best[str(k)]["test"] for k in (0, steps))
    share = (late - now) / (1 - now)
    print(f"the best reader, {steps} digits late: {share:.0%}")

# %% [markdown]
# After 800 steps two digits bought 30 % of the gain and four 20 %; after 4,800
# they buy 42 % and 59 %, where the best reader with the same look-ahead has
# 43 % and 74 %.
#
# A third way keeps the second direction and cuts the stream into *chunks*. The
# forward layer carries its state on from chunk to chunk; the backward layer
# starts afresh at the end of each, perhaps a few steps beyond it. Speech
# recognisers used such *latency-controlled* bidirectional LSTMs ([Zhang et al.,
# 2016](https://arxiv.org/abs/1510.08983)); an exercise works out what chunks
# buy here.
#
# ## Where it cheats
#
# Now forecast: at every step of a series, say the next value. Our series is
# noise, independent draws with variance 1, so that no forecast from the past
# has an expected squared error below 1. We train a bidirectional GRU to answer
# at every step, on the same batch of 300 series a hundred times.

# %%
rng = np.random.default_rng(0)
noise = torch.tensor(rng.normal(size=(600, 21, 1)), dtype=torch.float32)
past, following = noise[:, :-1], noise[:, 1:]
torch.manual_seed(0)
forecaster = StepForecaster(1, 16, bidirectional=True)
# One epoch of a hundred steps, each on the same batch.
history = fit(
    forecaster,
    [(past[:300], following[:300])] * 100,
    loss=mse_loss,
    optimizer=torch.optim.Adam(forecaster.parameters(), 0.01),
    epochs=1,
)

# %% [markdown]
# Judge it twice on 300 unseen series. The *back-test* hands over each series
# whole and compares step by step, as one does with a history that lies on disk.
# *Live*, the series ends at the present step, and only the last answer counts.
# Both are scored at the same steps: from the fifth on (index 4), where there is
# a past to go by, without the last, whose answer is not in the input.

# %% tags=["within-0.03"]
with torch.no_grad():
    back_test = mse_loss(forecaster(past[300:])[:, 4:-1], following[300:, 4:-1])
    errors = [
        mse_loss(forecaster(past[300:, : t + 1])[:, -1], following[300:, t])
        for t in range(4, 19)
    ]
live = torch.stack(errors).mean()
print(f"back-test {back_test:.2f}   live {live:.2f}")
assert back_test < 0.1
assert live > 0.9

# %% [markdown]
# In the back-test the model predicts noise almost without error. Its backward
# half at step $t$ has read $x_{t+1}$, which is the answer, while live there is
# nothing there to read.[ᶜ](claims.md#forecaster_leaks) Nothing in the code is
# wrong, no test row was trained on, and the loss is the right one. Only the
# question "would I have had this input at that moment?" finds the mistake.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-leak", "caption": "The leak ends with the data. Mean squared error of forecasts of noise, one dot for each of five seeds; the line at 1 is the best that any forecast can expect. The third model reads in both directions too, but only the five values before its target."}, "image": {"alt": "Dots in three groups, back-test and live side by side. One direction: both at 1. Both directions: back-test near 0, live at 1. Both directions over the past only: both at 1."}}
models = ("one direction", "both directions", "both directions, past only")
names = ("one\ndirection", "both\ndirections", "both,\npast only")
fig, ax = plt.subplots()
for judged, shift, color in (
    ("back-test", -0.2, COLORS["vermilion"]),
    ("live", 0.2, COLORS["blue"]),
):
    for place, name in enumerate(models):
        scores = [run[judged] for run in runs(f"noise / {name}")]
        label = judged if place == 0 else None
        seed_dots(ax, place + shift, scores, color=color, label=label)
        middle = np.median(scores)
        ax.text(place + shift, middle + 0.06, f"{middle:.2f}", ha="center")
ax.axhline(1, color="black", linewidth=1)
ax.set_xticks(range(3), names)
ax.set(ylabel="mean squared error", ylim=(-0.05, 1.3))
ax.legend(loc="center left")
plt.show()

# %% [markdown]
# The third model of {numref}`fig-bi-leak` shows what the fault is *not*. It too
# reads in both directions, but only a window that ends before its target, and
# its back-test is no better than its live score. To read backward does no harm;
# to read what lies ahead of the moment of use does.
#
# The same holds for words. "Predict the next word" with a bidirectional model
# is this leak. "Fill in a missing word" is allowed, but not with the layer as
# it stands, since $y_t$ contains the word $x_t$ itself: join
# $\overrightarrow{h}_{t-1}$ and $\overleftarrow{h}_{t+1}$ instead. Nor will a
# stack of such layers do, because the second reads the word in its neighbours'
# states (an exercise). ELMo ([Peters et al.,
# 2018](https://arxiv.org/abs/1802.05365)) therefore stacks two language models,
# one in each direction, whose layers never read each other, and BERT ([Devlin
# et al., 2019](https://arxiv.org/abs/1810.04805)) hides the words to be
# predicted.
#
# ## A second direction on real data
#
# Does the second direction pay where nobody has arranged the task for it?
#
# ### Where is the stress?
#
# An English word has a vowel of primary stress (1), sometimes others of
# secondary stress (2), and the rest have none (0). What decides may come late:

# %%
listed = load_pronunciations(stress=True)
for word in ("photograph", "photographer", "photographic"):
    print(f"{word:13}", *listed[word][0])

# %% [markdown]
# These words begin with the same letters, and their ending says which vowel is
# stressed. A reader who has to mark the first vowel at once has not seen it. So
# here is a task: given the *phones* of a word, its speech sounds, without the
# digits, say the digit of every vowel. `benchmarks/stress.py` draws 40,000
# words of two vowels and more from the CMU Pronouncing Dictionary ([chapter
# 9](09_attention.ipynb)) to train on, and tests on 5,541 others. A word with
# its relatives, such as *walks* and *walked*, stands on one side, and no test
# word sounds like a training word.
#
# An LSTM in one direction marks a vowel when it comes to it, or one to four
# phones later; another reads in both directions, with about as many parameters.
# Each was tuned in runs of a single pass and then trained for two; three were
# also tuned and trained in runs of six. Against them stand rules that count. A
# *rule* takes the stress that a vowel mostly has in the training words where
# the same phones stand around it: it begins with the vowel and the number of
# vowels before it, and adds up to six phones on either side, one after the
# other. The more it adds, the fewer training words agree, so that it mixes the
# counts of all these contexts. A rule, too, may see as many phones ahead as we
# like.

# %% tags=["hide-input"]
stress = load_results("stress")["results"]["runs"]
rules = stress["rules"]["scores"]
AHEAD = {"one direction": 0, **{f"delay {k}": k for k in (1, 2, 3, 4)}}
WHOLE = 6
READERS = [*AHEAD, "both directions"]
LONGER = ["one direction", "delay 4", "both directions"]


def marked(name):
    return [stress[f"{name} / {seed}"] for seed in range(5)]


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-stress", "caption": "What the phones ahead are worth on English words: share of vowels whose stress is marked right, by how many phones the reader sees beyond the vowel. One dot for each of five seeds, after two passes and, where tried, after six; squares are rules that count, on the same test words."}, "image": {"alt": "Dots that rise from left to right. Blue dots for one direction rise from 0 to 4 phones ahead, by less and less; orange dots for both directions, at the right, lie highest. Purple dots after six passes lie a little above those after two. Black squares rise below them."}}
fig, ax = plt.subplots()
for name in READERS:
    color = COLORS["orange" if name == "both directions" else "blue"]
    scores = [run["vowels"] for run in marked(name)]
    label = None if name.startswith("delay") else name
    seed_dots(ax, AHEAD.get(name, WHOLE), scores, color=color, label=label)
for name in LONGER:
    scores = [run["vowels"] for run in marked(f"6 passes / {name}")]
    place, color = AHEAD.get(name, WHOLE) + 0.4, COLORS["purple"]
    label = "six passes" if name == "one direction" else None
    seed_dots(ax, place, scores, color=color, label=label)
for place in (*AHEAD.values(), WHOLE):
    known = "the whole word" if place == WHOLE else f"{place} ahead"
    score = rules[f"counts, {known}"]["vowels"]
    label = "counts" if place == 0 else None
    ax.plot(place, score, "s", color="black", mfc="none", label=label)
ax.set_xticks([*AHEAD.values(), WHOLE], [*AHEAD.values(), "whole\nword"])
ax.set(xlabel="phones seen ahead", ylabel="vowels right")
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# Each phone of delay in {numref}`fig-bi-stress` adds something, though less and
# less: four of them go more than half of the way to the whole
# word.[ᶜ](claims.md#waiting_four_phones_buys_most_of_it) The squares rise in
# the same way. In numbers:

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-bi-stress", "caption": "Stress marks of 5,541 test words, the networks' after two passes: vowels right, and words whose vowels are all right; for the networks the median over five seeds, lowest and highest; the CPU seconds of training, median; the learning rate. The pattern of the ending is the commonest pattern of stresses among training words with as many vowels and the longest ending shared."}}
table = {}
for name in (
    "the vowel alone",
    "counts, 0 ahead",
    "pattern of the ending",
    "counts, the whole word",
):
    table[name] = {
        what: f"{rules[name][what]:.3f}" for what in ("vowels", "words")
    }
for name in READERS:
    table[name] = {
        what: median_and_range([run[what] for run in marked(name)], 3)
        for what in ("vowels", "words")
    }
    table[name]["parameters"] = marked(name)[0]["parameters"]
    seconds = [run["seconds"] for run in marked(name)]
    table[name]["CPU s"] = f"{np.median(seconds):.0f}"
    table[name]["rate"] = marked(name)[0]["rate"]
pd.DataFrame(table).T.fillna("")

# %% [markdown]
# With the whole word before it the LSTM marks more vowels right than when it
# answers at once, and more words
# ({numref}`tab-bi-stress`).[ᶜ](claims.md#rest_of_the_word_tells_its_stress)
# Where nothing may be seen ahead, the counts mark 0.787 of the vowels right and
# the network 0.792; with the whole word the network marks more vowels and words
# right than the best of the rules.[ᶜ](claims.md#network_beats_the_counts) Three
# readers after six passes:

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-bi-stress-longer", "caption": "Stress marks after two passes and after six, each at its own learning rate: vowels and words right on the test words, median over five seeds, lowest and highest; medians of the loss on training words during the last pass (train) and on the validation words after it (valid); the CPU seconds of training."}}
table = []
for name in LONGER:
    for key in (name, f"6 passes / {name}"):
        row = {"passes": len(marked(key)[0]["train loss"])}
        for what in ("vowels", "words"):
            row[what] = median_and_range([r[what] for r in marked(key)], 3)
        for part in ("train", "valid"):
            losses = [run[f"{part} loss"][-1] for run in marked(key)]
            row[part] = f"{np.median(losses):.3f}"
        seconds = np.median([run["seconds"] for run in marked(key)])
        row |= {"CPU s": f"{seconds:.0f}", "rate": marked(key)[0]["rate"]}
        table.append(pd.Series(row, name=name))
pd.DataFrame(table)

# %%
for name in LONGER:
    longer = marked(f"6 passes / {name}")
    losses = np.median([run["valid loss"] for run in longer], axis=0)
    by_pass = " ".join(f"{loss:.3f}" for loss in losses)
    print(f"{name:15}  validation loss by pass: {by_pass}")
    assert abs(losses[-1] - losses[-2]) < 0.005
    assert min(run["vowels"] for run in longer) > max(
        run["vowels"] for run in marked(name)
    )

# %%
for passes, prefix in (("two", ""), ("six", "6 passes / ")):
    now, late, whole = (
        np.median([run["vowels"] for run in marked(prefix + name)])
        for name in LONGER
    )
    gain, share = whole - now, (late - now) / (whole - now)
    print(f"{passes} passes: both directions gain {gain:.3f}", end=", ")
    print(f"delay 4 wins {share:.0%} of it")

# %% [markdown]
# By {numref}`tab-bi-stress-longer` all three gain some vowels. The validation
# loss has levelled off while the training loss still falls, so that more passes
# would mostly fit the training words. Both directions still gain on
# one,[ᶜ](claims.md#six_passes_keep_the_gain) four phones of delay win more than
# half of that gain,[ᶜ](claims.md#six_passes_keep_the_wait) and the rules stay
# behind.[ᶜ](claims.md#six_passes_keep_the_rules_behind) Where in the word does
# the future help?

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-bi-stress-places", "caption": "Where the future counts: vowels marked right after two passes by their place from the end of the word, one dot for each of five seeds."}, "image": {"alt": "Dots in four groups, from the last vowel of a word to the earliest. In each group those of both directions lie highest and those of one direction lowest; the gap is small at the last vowel and widest at the earliest, where those of delay 4 lie nearer to one direction."}}
fig, ax = plt.subplots()
PLACES = list(stress["one direction / 0"]["by place"])
for shift, (name, color) in zip(
    (-0.25, 0, 0.25),
    {
        "one direction": "blue",
        "delay 4": "green",
        "both directions": "orange",
    }.items(),
    strict=True,
):
    for at, place in enumerate(PLACES):
        scores = [run["by place"][place] for run in marked(name)]
        look = {"color": COLORS[color], "spread": 0.18}
        label = name if at == 0 else None
        seed_dots(ax, at + shift, scores, **look, label=label)
ax.set_xticks(range(4), PLACES)
ax.set(xlabel="vowel", ylabel="right", ylim=(0.4, 1))
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# Behind the last vowel of a word little is to come. The more vowels follow one,
# the more the second direction adds
# ({numref}`fig-bi-stress-places`).[ᶜ](claims.md#future_is_worth_most_early_in_a_word)
# Four phones of delay reach only a vowel or two ahead.
#
# ### Images, row by row
#
# The last task is to read handwritten digits, 8 × 8 pixels, row by row from the
# top ([Alpaydin and Kaynak, 1998](https://doi.org/10.24432/C50P49)). The final
# states go to a dense layer. Here is the model in PyTorch and in Keras, with
# the same weights:

# %% tags=["tab-pytorch"]
# PyTorch
reader = FinalStatesReader(8, 64, 10)
image_rows = np.random.default_rng(0).random((4, 8, 8)).astype("float32")
with torch.no_grad():
    torch_logits = reader(torch.tensor(image_rows)).numpy()
print("parameters:", sum(each.numel() for each in reader.parameters()))

# %% tags=["tab-keras"]
# Keras
model = keras.Sequential(
    [
        keras.Input((8, 8)),
        keras.layers.Bidirectional(keras.layers.LSTM(64)),
        keras.layers.Dense(10),
    ]
)
print("parameters:", model.count_params())

# %% tags=["tab-keras"]
# The same weights
same = to_keras(from_torch(reader.layer)).get_weights()
model.layers[0].set_weights(same)
head = reader.head.weight.detach().T, reader.head.bias.detach()
model.layers[1].set_weights([np.asarray(each) for each in head])
keras_logits = model.predict(image_rows, verbose=0)

# %%
# Identity: the-same-reader
assert np.allclose(torch_logits, keras_logits, rtol=0, atol=1e-5)

# %% [markdown]
# (PyTorch counts more parameters because it keeps two biases where one would
# do; [chapter 2](02_lstm.ipynb).) Against this model's 39,178 parameters stand
# a wider LSTM in one direction with 40,054, and logistic regression, which sees
# all 64 pixels at once and knows nothing of order. Each was trained on 1,137
# images, the networks for 20 epochs, tuned on the 300 that follow and tested on
# the 360 after those.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-bi-digits", "caption": "Accuracy on 360 test images: median over five seeds, lowest and highest; the CPU seconds of training, median; the learning rate. Logistic regression has no seed."}}
linear = recorded["logistic regression"]
table = {}
for name in ("both directions", "one direction"):
    trained = runs(f"digits / {name}")
    table[name] = {
        "accuracy": median_and_range([run["test"] for run in trained], 3),
        "parameters": trained[0]["parameters"],
        "CPU s": f"{np.median([run['seconds'] for run in trained]):.0f}",
        "rate": trained[0]["rate"],
    }
table["logistic regression"] = {
    "accuracy": f"{linear['test']:.3f}",
    "parameters": linear["parameters"],
}
one = [run["test"] for run in runs("digits / one direction")]
assert np.isclose(np.median(one), linear["test"], atol=0.001)
assert 50 * linear["parameters"] < table["one direction"]["parameters"]
pd.DataFrame(table).T.fillna("")

# %% [markdown]
# In {numref}`tab-bi-digits` the median rises from 0.900 to 0.928, and four
# seeds of five gain, although nothing in an image arrives
# late.[ᶜ](claims.md#second_direction_reads_digits) The ranges overlap, though,
# and the best single run, 0.944, reads in one direction: five seeds and 360
# images show a tendency, not its size. One direction's median equals the linear
# model's 0.900, reached with less than a fiftieth of its parameters. Why the
# second direction gains is not tested here.
#
# ## What failed
#
# - `outputs[:, -1]` of a bidirectional layer as the summary of a long string:
#   one end lost.
# - Turning the padded array round as a whole: every short sequence read wrong.
# - A mask left out at test time: in neat batches the model looked mediocre, and
#   only more padding showed one end gone.
# - The bidirectional forecaster, everywhere but in its own back-test.
# - Our forecast that four digits of delay would gain five points in 800 steps:
#   a budget too short to tell.
#
# ## Summary
#
# - A bidirectional layer is two recurrent layers with weights of their own, one
#   of which reads from the end, and its output at a step is both states side by
#   side.[ᵈ](#two-readers-side-by-side)
# - NumPy, PyTorch and Keras compute the same outputs and the same gradient of
#   the inputs.[ⁱ](#same-numbers)
# - In a padded batch the backward layer's input has to be turned round within
#   each sequence's own length.[ⁱ](#within-its-own-length)
# - `h_n` holds the lower layer's forward and backward state, then the upper
#   layer's, and a backward final state belongs to step
#   1.[ⁱ](#order-of-the-states)
# - After 200 training steps the last output of a bidirectional LSTM knows one
#   end of a long string; final states, mean and maximum know
#   both.[ᶜ](claims.md#last_output_loses_an_end)
# - Without a mask, final states lose an end through their forward half, mean
#   and maximum through their backward
#   half.[ᶜ](claims.md#each_half_needs_its_mask)
# - What a reader of the past can know has a bound, which can be computed where
#   the data are drawn from a known distribution.[ⁱ](#what-the-past-allows)
# - On digits that occur once, one direction comes within a point of that bound
#   when trained until it is flat.[ᶜ](claims.md#one_direction_reaches_its_bound)
# - The second direction closes nearly the whole gap above it, at equal
#   parameters.[ᶜ](claims.md#second_direction_closes_the_gap)
# - Answering two digits late buys part of this gain, and four digits, trained
#   long enough, buy more; such models can
#   stream.[ᶜ](claims.md#longer_wait_buys_more)
# - The stress of English vowels is marked right more often by a model in both
#   directions than by one that must answer at
#   once.[ᶜ](claims.md#rest_of_the_word_tells_its_stress)
# - Four phones of delay buy more than half of this gain, after six passes as
#   after two.[ᶜ](claims.md#six_passes_keep_the_wait)
# - The second direction adds the more, the more vowels follow the one that is
#   marked, after six passes as after
#   two.[ᶜ](claims.md#six_passes_keep_the_gain)
# - Handwritten digits read row by row gained from a second direction in the
#   median and on four seeds of five, at about equal
#   parameters.[ᶜ](claims.md#second_direction_reads_digits)
# - A forecaster that reads in both directions finds the answer in its input: on
#   noise it is nearly perfect in a back-test and useless
#   live.[ᶜ](claims.md#forecaster_leaks)
#
# ## Exercises
#
# ```{exercise-start} The final states, from the outputs (*easy*)
# :label: ex-bi-states
# ```
# Write `final_states(outputs, lengths)` in NumPy for a right-padded batch, let
# `check_final_states` judge it, and find the same numbers in the `h_n` of a
# bidirectional GRU of three layers. Which two of its six blocks are they?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-states
# :class: dropdown
# ```


# %%
def final_states(outputs, lengths):
    ahead, back = np.split(outputs, 2, axis=2)
    last = np.arange(len(outputs)), lengths - 1
    return np.concatenate([ahead[last], back[:, 0]], axis=1)


_ = check_final_states(final_states)
_ = check_final_states(lambda outputs, lengths: outputs[:, -1])

# %%
deep = nn.GRU(3, 4, 3, bidirectional=True, batch_first=True).double()
x, lengths = pad([rng.normal(size=(n, 3)) for n in (2, 5, 4)])
packed = pack_padded_sequence(
    torch.tensor(x), torch.tensor(lengths), True, enforce_sorted=False
)

# %%
with torch.no_grad():
    packed_outputs, h_n = deep(packed)
outputs, _ = pad_packed_sequence(packed_outputs, batch_first=True)
found = final_states(outputs.numpy(), lengths)
assert np.allclose(found, torch.cat([h_n[4], h_n[5]], dim=1))
print("h_n", tuple(h_n.shape), "  final states", found.shape)

# %% [markdown]
# The last two: the top layer's, forward before backward.
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the bug (*medium*)
# :label: ex-bi-bug
# ```
# `broken` runs without complaint, its outputs have the right shape, and a model
# on top of it trains. Find the mistake by asking the question of
# {numref}`fig-bi-reach`, with one input changed at a time. Then mend it for
# padded sequences: write `join(ahead, back, lengths)`, where `back` holds the
# outputs of the backward layer in the order in which it read, and let
# `check_joined` judge it.
#
#     def broken(x, ahead, back):
#         forward_half = read(x, **ahead)
#         backward_half = read(x[:, ::-1], **back)
#         return np.concatenate([forward_half, backward_half], axis=2)
#
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-bug
# :class: dropdown
# ```


# %%
def broken(x, ahead, back):
    forward_half = read(x, **ahead)
    backward_half = read(x[:, ::-1], **back)
    return np.concatenate([forward_half, backward_half], axis=2)


# %%
x = rng.normal(size=(1, 6, 3))
changed = x.copy()
changed[:, 1] += 1  # the second input
for network in (broken, read_both_ways):
    moved = np.abs(network(changed, *weights) - network(x, *weights))
    steps = np.flatnonzero(moved[0, :, 4:].max(axis=1)) + 1
    print(f"{network.__name__}: the backward outputs of steps {steps} move")

# %% [markdown]
# The second input may move the backward outputs of steps 1 and 2, which have
# read it. In `broken` it moves those of steps 5 and 6: the outputs were never
# turned back, so that step 1 holds what the backward layer knew after its first
# input, the *last* of the sequence. A mean over all steps hides this; a label
# at every step is paired with the wrong half.


# %%
def join(ahead, back, lengths):
    return np.concatenate([ahead, turn_round(back, lengths)], axis=2)


_ = check_joined(join)
_ = check_joined(lambda ahead, back, n: np.concatenate([ahead, back], axis=2))
_ = check_joined(lambda a, b, n: np.concatenate([a, b[:, ::-1]], axis=2))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Merge otherwise (*easy*)
# :label: ex-bi-merge
# ```
# Keras's `merge_mode` also knows "sum", "mul" and "ave". Make all three from
# concatenated outputs. What do they save, and what do they lose?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-merge
# :class: dropdown
# ```

# %%
layer = Bidirectional(LSTM(3, 4, rng=1), LSTM(3, 4, rng=2))
joined = to_keras(layer)
ahead_half, back_half = np.split(np.asarray(joined(x)), 2, axis=2)
merged = {
    "sum": ahead_half + back_half,
    "mul": ahead_half * back_half,
    "ave": (ahead_half + back_half) / 2,
}

# %%
for mode, expected in merged.items():
    one = keras.layers.LSTM(4, return_sequences=True)
    other = keras.layers.Bidirectional(one, merge_mode=mode, dtype="float64")
    other.build(x.shape)
    other.set_weights(joined.get_weights())
    assert np.allclose(other(x), expected)
    print(mode, other(x).shape)

# %% [markdown]
# They halve the width, and with it the input weights of the layer above (not
# its recurrent ones). But no later layer can tell any more which direction a
# number came from.
# ```{solution-end}
# ```
#
# ```{exercise-start} What is one digit worth? (*medium*)
# :label: ex-bi-rule
# ```
# Predict before you compute: if a reader of the strings of 5 to 12 digits may
# see *one* digit ahead, how much of the gap between no look-ahead and certainty
# does it close? A tenth, a quarter, a half? And is the second digit worth more
# than the first, or less? Then use `best_accuracy`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-rule
# :class: dropdown
# ```

# %%
gap = np.diff(bounds) / (1 - bounds[0])
for steps, share in enumerate(gap[:5], start=1):
    print(f"digit {steps} of look-ahead closes {share:.1%} of the gap")

# %% [markdown]
# Nearly a quarter, and every further digit a little less: a twin is as likely
# to stand one step ahead as two, but the farther place is more often beyond the
# end, or no longer matters, since a nearer twin has been seen.
# ```{solution-end}
# ```
#
# ```{exercise-start} Chunks (*hard*)
# :label: ex-bi-chunks
# ```
# A stream is cut into chunks of $c$ digits. The forward layer carries on, the
# backward layer starts at the end of each chunk, so that the $i$-th digit of a
# chunk is answered with $c - i$ digits of look-ahead, when its chunk is
# complete. Predict, then compute with `best_marks`: is the best accuracy with
# chunks of 5 above or below that of a constant delay of 2, the mean look-ahead
# of such a chunk?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-chunks
# :class: dropdown
# ```


# %%
def marks_in_chunks(digits, size):
    places = np.arange(len(digits))
    ahead = size - 1 - places % size
    by_look_ahead = [best_marks(digits, k, 5, 12) for k in range(size)]
    return np.array(by_look_ahead)[ahead, places]


# %%
strings = draw_digit_strings(1500, 5, 12, rng=3)
truth = np.concatenate([occurs_once(each) for each in strings])
for size in (3, 5):
    delay = (size - 1) // 2
    chunks = [marks_in_chunks(each, size) for each in strings]
    constant = [best_marks(each, delay, 5, 12) for each in strings]
    chunks, constant = (
        np.mean(np.concatenate(marks) == truth) for marks in (chunks, constant)
    )
    print(f"chunks of {size}: {chunks:.3f}   delay {delay}: {constant:.3f}")

# %% [markdown]
# Slightly above, but the mean look-aheads are not quite equal: most strings end
# inside a chunk. Also, a string begins with a chunk, so that its first digits,
# which have the most still to come, get the longest looks. The price is
# unevenness: the last digit of every chunk is answered without look-ahead.
# ```{solution-end}
# ```
#
# ```{exercise-start} A missing word (*hard*)
# :label: ex-bi-missing
# ```
# Make the outputs of a bidirectional layer fit to fill in a missing input: in
# `without_itself(outputs)` step $t$ gets the forward state of $t - 1$ beside
# the backward state of $t + 1$, and zeros where there is none. `check_shifted`
# judges it. Then let a second layer read these outputs, and shift the second
# layer's outputs as well. Predict: does output 3 now depend on input 3?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-missing
# :class: dropdown
# ```


# %%
def without_itself(outputs):
    ahead, back = np.split(outputs, 2, axis=2)
    nothing = np.zeros_like(ahead[:, :1])
    ahead = np.concatenate([nothing, ahead[:, :-1]], axis=1)
    back = np.concatenate([back[:, 1:], nothing], axis=1)
    return np.concatenate([ahead, back], axis=2)


_ = check_shifted(without_itself)


# %%
upper = Bidirectional(RNN(8, 4, rng=3), RNN(8, 4, rng=4))


def one_layer(x):
    return without_itself(both.forward(x)[0])


def two_layers(x):
    return without_itself(upper.forward(one_layer(x))[0])


# %%
changed = x.copy()
changed[:, 2] += 1
for network in (one_layer, two_layers):
    moved = np.abs(network(changed) - network(x))[0, 2].max()
    print(f"{network.__name__}: input 3 moves output 3 by up to {moved:.2f}")

# %% [markdown]
# With one layer not at all. With two it does: at step 2 the lower layer's
# output holds the backward state of step 3, which has read $x_3$, and the upper
# layer's forward half carries it on to output 3. Any detour will do, and that
# is why deep bidirectional models hide the word in the input instead.
# ```{solution-end}
# ```
#
# ```{exercise-start} Your own series (*medium*)
# :label: ex-bi-own
# ```
# Take a series of your own, one column of numbers with more than a hundred
# rows, in time's order (the solution takes the yearly sunspots). Train the
# forecaster of this chapter in one direction and in both, judge each in a
# back-test and live, and put "tomorrow is like today" beside them. Which of the
# five numbers may you show to somebody who pays?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-own
# :class: dropdown
# ```

# %%
_, counts = load_sunspots()
series = np.sqrt(counts)
series = ((series - series[:200].mean()) / series[:200].std()).astype("float32")
windows, targets = make_windows(series, 20)
x, y = torch.tensor(windows.copy())[..., None], torch.tensor(targets)
following = torch.cat([x[:, 1:], y[:, None, None]], dim=1)


# %%
def judged(both_ways):
    torch.manual_seed(0)
    model = StepForecaster(1, 16, bidirectional=both_ways)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    # One epoch of 150 steps on the same batch: the first 180 windows.
    early = [(x[:180], following[:180])] * 150
    fit(model, early, loss=mse_loss, optimizer=optimizer, epochs=1)
    with torch.no_grad():
        error = (model(x[200:]) - following[200:]).square()[..., 0]
    # The back-test's steps have a past and their answer in the input; live is
    # the last step, behind which the input holds nothing.
    return error[:, 4:-1].mean().item(), error[:, -1].mean().item()


# %% tags=["within-0.03"]
today = (x[200:, -1, 0] - y[200:]).square().mean().item()
own = {name: judged(name == "both") for name in ("one", "both")}
for name, (back_test, live) in own.items():
    print(f"{name:4}  back-test {back_test:.2f}   live {live:.2f}")
print(f"like today               {today:.2f}")
assert own["both"][0] < own["one"][0] - 0.03
assert own["both"][1] > own["one"][1] + 0.2

# %% [markdown]
# Only what was measured live, and "like today". The model that reads in both
# directions looks like the best by far in its back-test. Live it is about as
# bad as saying "like today", because it was trained to copy an answer out of
# its input.
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Schuster and Paliwal (1997)](https://doi.org/10.1109/78.650093): the idea,
#   beside two networks that are trained apart and merged.
# - [Graves and Schmidhuber
#   (2005)](https://doi.org/10.1016/j.neunet.2005.06.042): bidirectional LSTMs
#   on speech frames, against one direction with a delay, the comparison of
#   {numref}`fig-bi-delay` on real data.
# - [Huang et al. (2015)](https://arxiv.org/abs/1508.01991): bidirectional LSTMs
#   that tag words, with a conditional random field on top, which scores whole
#   rows of tags.
# - [Zhang et al. (2016)](https://arxiv.org/abs/1510.08983), section on
#   latency-controlled BLSTMs: chunks, in a recogniser that must keep up.
# - [Peters et al. (2018)](https://arxiv.org/abs/1802.05365): ELMo, two language
#   models in opposite directions as features for every other task.
# - [PyTorch,
#   `nn.LSTM`](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html):
#   the order of `h_n`, in the reference's own words.
#
# Before: [sequences of any length](05_any_length.ipynb). After:
# [attention](09_attention.ipynb).
