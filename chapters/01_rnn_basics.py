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
# # RNN basics
#
# **How does a network read a sequence of any length with a fixed number of
# weights, and why does it forget what it read long ago?**
#
# After this chapter you can
#
# - write a recurrent layer and its backward pass in NumPy, and check both;
# - use the same weights in NumPy, PyTorch, Keras and a web page, and get the
#   same numbers;
# - look into a trained state and say what it holds;
# - judge a classifier and a forecaster against a simple baseline, and say when
#   the two are tied;
# - measure vanishing and exploding gradients, and say what clipping and
#   truncation do about them.
#
# You need matrix products, the chain rule and some Python.

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
import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from scipy import stats
from scipy.stats import ortho_group
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import nn

from utils.data import make_binary_sums
from utils.data.digit_forms import load_digit_forms
from utils.data.samples import sunspot_windows
from utils.exercises import check_bptt, check_clipping, check_rnn_cell
from utils.figures.diagrams import rnn_cell, rnn_shapes, unrolled
from utils.figures.seeds import median_and_range
from utils.figures.style import COLORS, use_book_style
from utils.forecasting.significance import diebold_mariano, waves_of
from utils.labs import cliff_lab, training_lab, vanishing_lab
from utils.notebook import load_results, show_source
from utils.scratch import (
    RNN,
    SGD,
    Adam,
    Dense,
    clip_global_norm,
    softmax_cross_entropy,
)
from utils.scratch.gradcheck import numerical_gradient, relative_error
from utils.scratch.reach import gradient_by_lag
from utils.training import keep_keras_on_cpu
from utils.weights import from_keras, to_keras, to_torch

# %% tags=["hide-input"]
keep_keras_on_cpu()
use_book_style()
keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)

# %% [markdown]
# Everything here is computed in float64, so that "equal" can mean equal to
# about 15 digits.
#
# ## A sum that must be carried
#
# Two binary numbers arrive digit by digit, lowest first, and at every step you
# are to name the digit of their sum.

# %%
digits, sums = make_binary_sums(500, 64, rng=99)
print("first number ", *digits[0, :8, 0].astype(int))
print("second number", *digits[0, :8, 1].astype(int))
print("sum          ", *sums[0, :8])

# %% [markdown]
# An ordinary network has inputs of a fixed size, so give it a window: the two
# digits of this step and those of the $k$ steps before. The best rule for such
# a window adds up what is inside it and assumes that nothing was carried in.
# How often is it right?


# %%
def window_rule(k):
    answers = np.empty_like(sums)
    for t in range(64):
        carry = 0
        for step in range(max(0, t - k), t):
            carry = (digits[:, step].sum(axis=1) + carry) // 2
        answers[:, t] = (digits[:, t].sum(axis=1) + carry) % 2
    return answers


# %%
for k in (0, 1, 2, 4, 8):
    right = window_rule(k) == sums
    print(
        f"{k} steps back: {right.mean():.1%} of the digits right, "
        f"{right.all(axis=1).mean():.1%} of the sums; {4 ** (k + 1)} cases"
    )

# %% [markdown]
# Each further step in the window halves the mistakes but multiplies by four the
# cases that the rule has to know, and a long enough sum still goes wrong. A
# longer window is the wrong idea. When you add with a pencil you never look
# back, because all that matters about the digits already read is one bit, the
# carry. A network should *learn* such a summary, and bring it up to date at
# every step.
#
# ## One state, updated at every step
#
# The summary is a vector $h_t$, the *hidden state*: hidden because the data
# never say what should be in it. Only the answers are given, and training finds
# out what to keep. The new state is computed from the new input $x_t$ and the
# old state ([Elman, 1990](https://doi.org/10.1207/s15516709cog1402_1)):
#
# $$
# \begin{aligned}
# z_t &= x_t W_x + h_{t-1} W_h + b \\
# h_t &= \tanh(z_t)
# \end{aligned}
# $$ (eq-rnn-step)
#
# Vectors are rows, as in the code. With $D$ inputs and $H$ *units*, each of
# which holds one number of the state, $W_x$ is $D \times H$, $W_h$ is $H \times
# H$ and $b$ has $H$ elements: nothing depends on the length of the sequence.
# The page [Notation](notation.md) says how others write it.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-cell", "caption": "One step of an RNN: the input and the old state, each times its weights, are added with a bias, and tanh turns the sum into the new state."}}
rnn_cell()

# %% [markdown]
# In {numref}`fig-rnn-cell` a square box has weights of its own, and what is
# round acts element by element. The state enters on the left and leaves on the
# right, so that the next step can begin where this one ends.
#
# ### Three steps by hand
#
# Take one unit, $w_x = 1$, $w_h = \tfrac12$, no bias, and the inputs 1, 0, 0:
#
# | step | input | $z_t$ | $h_t = \tanh z_t$ |
# |-|-|-|-|
# | 1 | 1 | $1$ | $0.762$ |
# | 2 | 0 | $\tfrac12 \cdot 0.762 = 0.381$ | $0.363$ |
# | 3 | 0 | $\tfrac12 \cdot 0.363 = 0.182$ | $0.180$ |

# %%
w_x, w_h = 1.0, 0.5
h = [0.0]
for x_t in (1.0, 0.0, 0.0):
    h.append(np.tanh(w_x * x_t + w_h * h[-1]))
print("h_1, h_2, h_3:", *(f"{h_t:.3f}" for h_t in h[1:]))

# %% [markdown]
# The last two inputs are zero, and still the last two states are not: they
# remember the 1, and less of it at every step.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-over-time", "caption": "An RNN, rolled up (left) and unrolled over three steps (right): one cell, one set of weights."}}
unrolled(steps=3)

# %% [markdown]
# On the left of {numref}`fig-rnn-over-time` the state goes round; on the right
# time is laid out. Unrolled, a recurrent network is a deep feed-forward network
# with one layer for each step, and all layers share their weights: what $x_1$
# sends to $h_3$ passes through $W_h$ twice.
#
# ### In NumPy, for a batch
#
# A *batch* is several sequences side by side, one in each row.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-shapes", "caption": "The shapes of one step, rows by columns: a batch of four sequences, three inputs, five units. Below, a *head*, which makes two answers of each state. Weights are grey, states blue."}}
rnn_shapes()

# %% [markdown]
# In {numref}`fig-rnn-shapes` a product has as many rows as its left factor and
# as many columns as its right one. $W_h$ is square, because it leads from state
# to state, and $b$ is added to every row. One step of all sequences is one line
# of code, and a loop over time makes a layer of it. The layer keeps every
# state, because the backward pass will need them.


# %%
def step(x, h, W_x, W_h, b):
    return np.tanh(x @ W_x + h @ W_h + b)


# %%
def forward(x, W_x, W_h, b):
    states = [np.zeros((len(x), len(b)))]
    for t in range(x.shape[1]):
        states.append(step(x[:, t], states[-1], W_x, W_h, b))
    return np.stack(states, axis=1)


# %% [markdown]
# The book's layer, `utils.scratch.RNN`, computes the same states.

# %%
rng = np.random.default_rng(0)
layer = RNN(input_size=3, hidden_size=5, rng=rng)
x = rng.standard_normal((4, 20, 3))
states = forward(x, **layer.params)
outputs, last = layer.forward(x)
assert relative_error(states[:, 1:], outputs) < 1e-14
print("batch, time, hidden:", outputs.shape, "  last state:", last.shape)

# %% tags=["remove-input"]
show_source(
    RNN.forward,
    fold="How the book's layer differs: rows of unequal length, checked shapes",
    bare=True,
)

# %% [markdown]
# ### Five ways to use one layer
#
# What a network is for decides which inputs it gets and which outputs are read.
# The five cases of {numref}`fig-rnn-layouts` are [Karpathy's
# (2015)](https://karpathy.github.io/2015/05/21/rnn-effectiveness/).

# %% tags=["hide-input"]
layouts = {
    "one to\none": ([0], [0], 1),
    "one to\nmany": ([0], [0, 1, 2], 3),
    "many to\none": ([0, 1, 2], [2], 3),
    "many to many,\nafterwards": ([0, 1, 2], [3, 4], 5),
    "many to many,\nin step": ([0, 1, 2], [0, 1, 2], 3),
}


def arrows(read, written, width):
    ways = [((t, 0), (t, 1)) for t in read]
    ways += [((t, 1), (t, 2)) for t in written]
    ways += [((t - 1, 1), (t, 1)) for t in range(1, width)]
    if len(read) == 1:
        ways += [((t - 1, 2), (t, 1)) for t in range(1, width)]
    return ways


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-layouts", "caption": "Five ways to use one layer: inputs below, states in the middle, outputs on top. Where the outputs come after the inputs, a second layer (orange) writes them and starts from the first one's last state."}, "image": {"alt": "Five small diagrams of inputs, hidden states and outputs. One to one. One to many, each output an input of the next step. Many to one. Many to many, afterwards: three steps that read, then two that write, in another colour. Many to many, in step."}}
sizes = {"figsize": (6.6, 2.5), "width_ratios": [2, 4, 4, 6, 4]}
fig, axes = plt.subplots(1, 5, **sizes)
style = {"arrowstyle": "-|>", "shrinkA": 5, "shrinkB": 6, "color": "0.45"}
for ax, (name, layout) in zip(axes, layouts.items(), strict=True):
    read, written, width = layout
    for tail, tip in arrows(*layout):
        ax.annotate("", xy=tip, xytext=tail, arrowprops=style)
    first = [t for t in range(width) if t <= max(read) or len(read) == 1]
    others = [t for t in range(width) if t not in first]
    dots = ((0, read, "sky"), (1, first, "blue"), (2, written, "green"))
    for row, steps, color in (*dots, (1, others, "orange")):
        ax.plot(steps, [row] * len(steps), "s", color=COLORS[color], ms=10)
    ax.set(xlim=(-0.7, width - 0.3), ylim=(-0.5, 2.5))
    ax.set_title(name, fontsize=9, loc="center")
    ax.set_axis_off()
plt.show()

# %% [markdown]
# With `head` a dense layer, which turns a state into an answer:
#
# | layout | example | in code |
# |-|-|-|
# | one to one | classify one vector | a sequence of length 1 |
# | one to many | write a text | each output is the next input |
# | many to one | [name a digit](#digits-row-by-row) | `head(outputs[:, -1])` |
# | afterwards | [translate](09_attention.ipynb) | another layer starts from `last` |
# | in step | [add](#an-answer-at-every-step) | `head(outputs)` |
#
# ## Backpropagation through time
#
# To train the layer we need the gradient of a loss $L$ with respect to its
# weights. Suppose $h_2$ had been a little larger. Two things would change: the
# output of step 2 itself, and, because $h_2$ is an input of step 3, everything
# that comes after. The gradient of $h_2$ is the sum of both effects. The second
# is known once we have finished step 3, so we start at the last step and walk
# back.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-backward", "caption": "The way back: at every state two gradients meet and are added, one from the step's own output $o_t$, which is a copy of the state, and one that the next step sends."}}
unrolled(steps=3, backward=True)

# %% [markdown]
# In {numref}`fig-rnn-backward`, $o_t = h_t$ is the copy of the state that
# leaves as output. Now by hand, for the three steps from above and the loss
# $L = h_2 + h_3$, so that $\partial L / \partial o_2 = \partial L / \partial
# o_3 = 1$. Write $\delta a$ for $\partial L / \partial a$. The slope of tanh at
# $z_t$ is $1 - h_t^2$, and each step back multiplies by $w_h = \tfrac12$:
#
# | step | $\delta h_t$: own output + from the right | $\delta z_t = \delta h_t (1 - h_t^2)$ |
# |-|-|-|
# | 3 | $1 + 0 = 1$ | $1 \cdot 0.968 = 0.968$ |
# | 2 | $1 + \tfrac12 \cdot 0.968 = 1.484$ | $1.484 \cdot 0.868 = 1.288$ |
# | 1 | $0 + \tfrac12 \cdot 1.288 = 0.644$ | $0.644 \cdot 0.420 = 0.270$ |
#
# The one weight $w_h$ was used at every step, so its gradient is a sum over the
# steps: $\delta w_h = h_1\, \delta z_2 + h_2\, \delta z_3$, that is,
# $0.762 \cdot 1.288 + 0.363 \cdot 0.968 = 1.333$. Is that true? Move $w_h$ a
# little, and see how much the loss moves.


# %%
def three_steps(w_h):
    h = [0.0]
    for x_t in (1.0, 0.0, 0.0):
        h.append(np.tanh(w_x * x_t + w_h * h[-1]))
    return h[2] + h[3]


# %%
d_h, d_w_h = 0.0, 0.0
for t, own in ((3, 1.0), (2, 1.0), (1, 0.0)):
    d_h = own + d_h
    d_z = d_h * (1 - h[t] ** 2)
    d_w_h += h[t - 1] * d_z
    print(f"step {t}: dh = {d_h:.3f}, dz = {d_z:.3f}")
    d_h = w_h * d_z
moved = (three_steps(0.501) - three_steps(0.499)) / 0.002
print(f"dw_h = {d_w_h:.3f}; moved by 0.001 each way: {moved:.3f}")

# %% [markdown]
# ### For matrices
#
# With vectors nothing changes except that the factors become matrices. The
# gradient that arrives at a state is
#
# $$
# \delta h_t = \frac{\partial L}{\partial o_t} + \delta z_{t+1} W_h^\top
# $$ (eq-rnn-dh)
#
# with $\delta z_{T+1} = 0$ after the last step $T$, then
#
# $$
# \delta z_t = \delta h_t \odot (1 - h_t^2),
# $$ (eq-rnn-dz)
#
# and since every step uses the same weights, their gradients are sums:
#
# $$
# \begin{aligned}
# \delta W_x &= \sum_t x_t^\top \, \delta z_t &
# \delta W_h &= \sum_t h_{t-1}^\top \, \delta z_t \\
# \delta b &= \sum_t \delta z_t &
# \delta x_t &= \delta z_t W_x^\top
# \end{aligned}
# $$ (eq-rnn-params)
#
# Equations {eq}`eq-rnn-dh` and {eq}`eq-rnn-dz` run from the last step to the
# first; hence *backpropagation through time*, BPTT ([Werbos,
# 1990](https://doi.org/10.1109/5.58337)). Each line of the loop is one of the
# equations.


# %%
def backward(d_outputs, x, states, W_x, W_h):
    grads = {"W_x": 0, "W_h": 0, "b": 0}
    d_h = np.zeros_like(states[:, 0])
    for t in reversed(range(x.shape[1])):
        d_h = d_h + d_outputs[:, t]
        d_z = d_h * (1 - states[:, t + 1] ** 2)
        grads["W_x"] += x[:, t].T @ d_z
        grads["W_h"] += states[:, t].T @ d_z
        grads["b"] += d_z.sum(axis=0)
        d_h = d_z @ W_h.T
    return grads


# %% [markdown]
# (`states` begins with $h_0$; hence `t + 1`.) The book's layer gives the same
# gradients.

# %%
g = rng.standard_normal(outputs.shape)
grads = layer.backward(g)
weights = layer.params["W_x"], layer.params["W_h"]
for name, by_hand in backward(g, x, states, *weights).items():
    assert relative_error(by_hand, grads.params[name]) < 1e-12

# %% tags=["remove-input"]
show_source(
    RNN.backward,
    fold="How the fast version differs: all slopes at once, one product over "
    "all steps",
    bare=True,
)

# %% [markdown]
# ### Is it right?
#
# A network can learn even from a wrong gradient, so we check ours twice. Let
# the loss be $L = \sum g_{ntj} h_{ntj}$ over rows $n$, steps $t$ and units $j$,
# with random numbers $g$, so that $\partial L / \partial o$ is $g$.
# First, *central differences*: move a weight $w$ by $\varepsilon = 10^{-6}$
# each way,
#
# $$
# \frac{\partial L}{\partial w} \approx
# \frac{L(w + \varepsilon) - L(w - \varepsilon)}{2 \varepsilon}.
# $$ (eq-rnn-differences)


# %% tags=["remove-input"]
show_source(
    numerical_gradient, fold="How `numerical_gradient` does it", bare=True
)


# %%
def loss():
    return float((g * layer.forward(x)[0]).sum())


# %%
# Identity: bptt-is-right
errors = [
    relative_error(grads.params[name], numerical_gradient(loss, value))
    for name, value in layer.params.items()
]
assert max(errors) < 1e-7

# %% [markdown]
# Second, PyTorch's automatic differentiation, which needs no $\varepsilon$;
# `to_torch` copies our weights into an `nn.RNN`.

# %%
module = to_torch(layer)
x_torch = torch.tensor(x, requires_grad=True)
outputs_torch, _ = module(x_torch)
(outputs_torch * torch.tensor(g)).sum().backward()
assert relative_error(outputs, outputs_torch.detach().numpy()) < 1e-14
for ours, theirs in [
    (grads.x, x_torch.grad),
    (grads.params["W_x"], module.weight_ih_l0.grad.T),
    (grads.params["W_h"], module.weight_hh_l0.grad.T),
    (grads.params["b"], module.bias_ih_l0.grad),
]:
    assert relative_error(ours, theirs.numpy()) < 1e-12
print("outputs agree with PyTorch to 1e-14, gradients to 1e-12")

# %% [markdown]
# ### What it costs
#
# The way back needs the state of every step, so all are kept until then: memory
# grows with the sequence. For a layer of 512 units and 64 rows, in float32:

# %%
for steps in (100, 1_000, 10_000):
    kept = 64 * steps * 512 * np.dtype("float32").itemsize
    print(f"{steps:6,} steps: {kept / 2**20:8,.0f} MiB of states")

# %% [markdown]
# Two remedies give the same gradient. *Checkpointing* ([Chen et al.,
# 2016](https://arxiv.org/abs/1604.06174)) keeps a few states and computes the
# others again on the way back. *Real-time recurrent learning* ([Williams and
# Zipser, 1989](https://doi.org/10.1162/neco.1989.1.2.270)) carries the
# derivative of the state with respect to every weight forward in time, which
# needs no old states but much more computing. A third,
# [truncation](#truncating-the-past), changes the gradient.

# %% [markdown]
# ## An answer at every step
#
# Back to the sum. A *head*, a dense layer $y_t = h_t V + c$, turns each state
# into two scores, the *logits*, one for each possible digit. Softmax turns them
# into probabilities $p_t$, and the loss is the mean of $-\log p_{t,k}$, the
# surprise at the right digit $k$, over all $N$ answers; with the natural
# logarithm its unit is the *nat*. The gradient of this loss is short, because
# $-\log p_{t,k} = -y_{t,k} + \log \sum_j e^{y_{t,j}}$:
#
# $$
# \begin{aligned}
# p_{t,k} &= \frac{e^{y_{t,k}}}{\sum_j e^{y_{t,j}}} \\
# \delta y_t &= \frac{p_t - \mathrm{onehot}(k_t)}{N}
# \end{aligned}
# $$ (eq-rnn-softmax)
#
# where $\mathrm{onehot}(k)$ is 1 at place $k$ and 0 elsewhere. Training repeats
# four things: forward, loss, backward, update.


# %%
def train_adder(rnn, head, optimizer, rng, steps=400, length=8):
    losses = []
    for _ in range(steps):
        x, y = make_binary_sums(32, length, rng)
        logits = head.forward(rnn.forward(x)[0])
        loss, d_logits = softmax_cross_entropy(logits, y)
        head_grads = head.backward(d_logits)
        rnn_grads = rnn.backward(head_grads.x)
        optimizer.step([rnn_grads.params, head_grads.params])
        losses.append(loss)
    return losses


# %%
rng = np.random.default_rng(0)
adder, adder_head = RNN(2, 16, rng=rng), Dense(16, 2, rng=rng)
optimizer = Adam([adder.params, adder_head.params], learning_rate=0.01)
losses = train_adder(adder, adder_head, optimizer, rng)
named = adder_head.forward(adder.forward(digits)[0]).argmax(axis=2)
assert losses[0] - losses[-1] > 0.5
print("wrong digits in 500 sums of 64 digits:", (named != sums).sum())

# %% [markdown]
# It has seen sums of 8 digits and adds 64. How far does that go?
# `benchmarks/adder.py` trained five more, from seeds of their own, and asked
# each for sums of 2,000 digits.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-learning", "caption": "Five adders learn: the loss at each training step, one line for each seed. The dashed line is the loss of guessing, log 2. For a hundred steps and more nothing seems to happen; then the loss falls."}, "image": {"alt": "Five curves of loss against training step. All stay at the dashed line at 0.69 for more than a hundred steps and then fall steeply, the last after about three hundred, to below 0.1."}}
recorded = load_results("adder")["results"]["runs"]
for run in recorded["tanh"].values():
    plt.plot(run["loss"], color=COLORS["blue"], linewidth=1.2)
plt.axhline(np.log(2), color="black", linestyle="--", linewidth=1)
plt.gca().set(xlabel="training step", ylabel="loss in nats", ylim=(0, 0.8))
plt.show()

# %% [markdown]
# For more than a hundred steps no curve of {numref}`fig-rnn-learning` shows
# progress: a flat loss alone does not mean that nothing will be learnt. And the
# sums?

# %%
for length in ("64 digits", "2,000 digits"):
    counts = [run[length] for run in recorded["tanh"].values()]
    wrong = [count["wrong"] for count in counts]
    print(f"sums of {length}: of {counts[0]['digits']:,} digits wrong", *wrong)

# %% [markdown]
# None is wrong, in a hundred thousand digits for each of five
# networks.[ᶜ](claims.md#adder_goes_on) A rule for one step would explain that:
# it depends on the digits and the carry, and not on how many steps came before.
#
# The task is kind: each carry is used at the very next step, where the loss
# says whether it was right;
# [long lags](#why-long-lags-are-hard) are another matter.
#
# ### What is in the state?
#
# Sixteen numbers are more than the eye can read, so let us look at them from
# the two directions in which they differ most, the first two *principal
# components* ({numref}`fig-rnn-clusters`).

# %%
states = adder.forward(digits[:50])[0][:, 5:].reshape(-1, 16)
totals, carry = np.empty((50, 64), int), np.zeros(50, int)
for t in range(64):
    totals[:, t] = digits[:50, t].sum(axis=1) + carry
    carry = totals[:, t] // 2
totals = totals[:, 5:].ravel()
centred = states - states.mean(axis=0)
_, lengths, directions = np.linalg.svd(centred, full_matrices=False)
points = centred @ directions[:2].T

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-clusters", "caption": "What the trained adder keeps: its states over 50 sums (without the first five steps), in their first two principal components. Colour is the carry that goes on to the next step, shape the digit that is answered; both follow from how many ones there are in the column, the carry that comes in included."}, "image": {"alt": "Eight small clouds of points, four in the upper half and four in the lower. Each cloud has one colour and one shape."}}
for total in range(4):
    new_carry, digit = divmod(total, 2)
    plt.plot(
        *points[totals == total].T,
        "so"[digit],
        color=COLORS[("blue", "vermilion")[new_carry]],
        markersize=4,
        label=f"carry {new_carry}, digit {digit}",
    )
plt.gca().set(xlabel="first principal component", ylabel="second")
plt.legend()
plt.show()

# %% [markdown]
# The states fall into eight small clouds, one for each case that the step can
# meet: two digits and the carry that comes in. Three of the eight have one 1 in
# the column and three have two, which is why two of the four marks have three
# clouds each. Two components are not the whole state, though. What can be read
# off all sixteen numbers by a linear model, fitted on half of the sums? And how
# much of that off a layer with random weights, before any training?

# %%
untrained = RNN(2, 16, rng=np.random.default_rng(0))
before = untrained.forward(digits[:50])[0][:, 5:].reshape(-1, 16)


def read_off(states, target):
    reader = LogisticRegression(max_iter=1000).fit(states[:1475], target[:1475])
    return reader.score(states[1475:], target[1475:])


# %% tags=["within-0.02"]
share = (lengths[:2] ** 2).sum() / (lengths**2).sum()
# Identity: carry-and-digit-in-the-state
for name, target in (("carry", totals // 2), ("digit", totals % 2)):
    score, chance = read_off(states, target), read_off(before, target)
    assert score > 0.99
    print(f"{name}: {score:.3f} right after training, {chance:.3f} before")
print(f"two components hold {share:.0%} of the variance")

# %% [markdown]
# After training, both. But the carry can be read off an untrained layer too,
# most of the time, because its state keeps a fading trace of the last digits,
# which nearly decide the carry. What training had to make readable was the
# digit. So a state that *shows* something does not yet prove that training put
# it there.
#
# ### Train one in this page
#
# The same layer can be trained in your browser, by the book's code in
# JavaScript ({numref}`fig-rnn-training`). Press *Train* and watch the states
# come apart as the loss falls. Then start again with a tenth of the learning
# rate, and with a hundred times as much.

# %% mystnb={"figure": {"name": "fig-rnn-training", "caption": "An RNN of 16 units that learns in this page to add: the loss, and its states in two principal components, orange where one is to carry. At first the loss stays at that of guessing."}}
training_lab(cell="rnn", task="addition")

# %% [markdown]
# As long as the loss lies on its plateau, where it still is in the printed
# picture, some clouds hold both colours; once it falls, they part. From these
# first weights that takes several hundred steps.
#
# ## The same weights in three libraries
#
# In PyTorch a cell is a module with the line from above.


# %%
class Cell(nn.Module):
    def __init__(self, params):
        super().__init__()
        for name, value in params.items():
            setattr(self, name, nn.Parameter(torch.tensor(value)))

    def forward(self, x, h):
        return torch.tanh(x @ self.W_x + h @ self.W_h + self.b)


# %%
cell, h, by_cell = Cell(layer.params), torch.zeros(4, 5), []
for x_t in torch.tensor(x).unbind(dim=1):
    h = cell(x_t, h)
    by_cell.append(h)
by_cell = torch.stack(by_cell, dim=1).detach().numpy()
assert relative_error(by_cell, outputs) < 1e-14

# %% tags=["tab-pytorch"]
# PyTorch
module = to_torch(layer)
by_torch = module(torch.tensor(x))[0].detach().numpy()
assert relative_error(by_torch, outputs) < 1e-14
print([tuple(weight.shape) for weight in module.parameters()])

# %% tags=["tab-keras"]
# Keras
simple = to_keras(layer)
by_keras = keras.ops.convert_to_numpy(simple(x))
assert relative_error(by_keras, outputs) < 1e-14
print([tuple(weight.shape) for weight in simple.weights])

# %%
# Identity: same-numbers
for others in (by_cell, by_torch, by_keras):
    assert np.allclose(others, outputs, rtol=0, atol=1e-14)

# %% [markdown]
# NumPy, the hand-written cell, `nn.RNN` and `SimpleRNN` compute the same
# outputs, and so do this page's labs. PyTorch stores the matrices transposed,
# and it adds two biases where one would do; [its
# source](https://github.com/pytorch/pytorch/blob/main/torch/nn/modules/rnn.py)
# says that the second is there to be compatible with cuDNN, NVIDIA's library.
#
# ### The shapes of `nn.RNN`
#
# A *stack* feeds the outputs of one layer to the next. `dropout` sets random
# outputs between the layers to zero while training, so it does nothing after
# the last layer. `batch_first` changes the order of inputs and outputs only:
# `h_n` is (layers, batch, hidden) in any case.

# %%
stack = nn.RNN(3, 5, num_layers=2, dropout=0.5, batch_first=True)
outputs_torch, h_n = stack(torch.tensor(x))
assert outputs_torch.shape == (4, 20, 5)  # the top layer, every step
assert h_n.shape == (2, 4, 5)  # every layer, the last step
assert torch.equal(outputs_torch[:, -1], h_n[-1])
again, _ = stack(torch.tensor(x))
assert not torch.equal(outputs_torch, again)  # other zeros
stack.eval()
assert torch.equal(stack(torch.tensor(x))[0], stack(torch.tensor(x))[0])

# %% [markdown]
# ## When is it a tie?
#
# The next sections compare models on real data. Whether a difference of two
# scores means anything depends on how much it would change on other data. To
# judge that, take the difference on every *pair*: the same writer, year or seed
# for both models. Pairs have to be nearly independent, which two images drawn
# by one hand are not. From the mean and the spread of the differences follows a
# 95 % interval, which would contain the true mean in 95 of 100 such
# experiments. **If the interval of the paired difference contains zero, the two
# are tied on these data**: the data do not decide. That does not prove them
# equal; the ends of the interval say how large a difference would still fit.
#
# By hand: on four pairs a model is better by 3, 1, 2 and −2 points. The mean is
# $1$, the standard deviation $2.16$, the standard error of the mean $2.16 /
# \sqrt 4 = 1.08$, and Student's $t$ for three degrees of freedom is $3.18$, so
# that the interval is $1 \pm 3.4$: a tie.


# %%
def paired(differences):
    interval = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    return np.mean(differences), interval.low, interval.high


mean, low, high = paired([3, 1, 2, -2])
print(f"{mean:.1f}, 95 % interval from {low:.1f} to {high:.1f}")

# %% [markdown]
# ## Digits, row by row
#
# Scikit-learn ships 1,797 handwritten digits of 8 by 8 pixels ([Alpaydin and
# Kaynak, 1998, CC BY 4.0](https://doi.org/10.24432/C50P49)). Read row by row,
# each is a sequence of 8 steps with 8 inputs and one answer at its end. The
# file does not say who wrote what, but its order tells: fourteen times the
# labels run 0 to 9 three times over and go on in one and the same order, a few
# missing. So these are fourteen filled-in forms, by thirteen people according
# to the data's description. [Scikit-learn's
# course](https://inria.github.io/scikit-learn-mooc/python_scripts/cross_validation_grouping.html)
# found the trap in this: a shuffled split tests on hands seen in training. What
# does that do to logistic regression on the 64 pixels?

# %%
images, form = load_digit_forms()
flat = images.x.reshape(-1, 64)


def accuracy_by_fold(fold):
    scores = []
    for tested in np.unique(fold):
        known = fold != tested
        model = LogisticRegression(max_iter=1000)
        model.fit(flat[known], images.y[known])
        scores.append(model.score(flat[~known], images.y[~known]))
    return scores


# %% tags=["within-0.005"]
pairs_of_forms = form // 2
shuffled = np.random.default_rng(0).permutation(pairs_of_forms)
by_forms, mixed = map(accuracy_by_fold, (pairs_of_forms, shuffled))
print("two forms left out:", *(f"{score:.3f}" for score in by_forms))
print("shuffled:          ", *(f"{score:.3f}" for score in mixed))
print(f"means {np.mean(by_forms):.3f} and {np.mean(mixed):.3f}")
assert np.mean(mixed) - np.mean(by_forms) > 0.01

# %% [markdown]
# Shuffling makes the accuracy several points too high. From here on every model
# is tested on unseen forms, and each form gives one pair. (One person filled in
# two forms, it is not known which, so that hand may have been seen.)
#
# ### A classifier in PyTorch
#
# `RowReader` is a layer and a head, and its training loop a plain one; one pass
# through the data is an *epoch*. Later chapters import `utils.training.fit`,
# this loop with validation, clipping and *early stopping*, which ends training
# when the score on held-out data no longer improves.


# %%
class RowReader(nn.Module):
    def __init__(self, hidden_size=64):
        super().__init__()
        self.rnn = nn.RNN(8, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 10)

    def forward(self, x):
        outputs, _ = self.rnn(x)
        return self.head(outputs[:, -1])


# %%
def train_reader(rows, labels, epochs=15):
    model = RowReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(64):
            logits = model(rows[batch])
            loss = nn.functional.cross_entropy(logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


# %% tags=["within-0.03"]
torch.manual_seed(0)
rows, labels = torch.tensor(images.x), torch.tensor(images.y)
seen = torch.tensor(form > 1)
reader = train_reader(rows[seen], labels[seen])
right = reader(rows[~seen]).argmax(dim=1) == labels[~seen]
print(
    f"forms 0 and 1, trained on the other twelve: {right.double().mean():.2f}"
)
assert right.double().mean() > 0.85

# %% [markdown]
# One number from one seed on two forms says little. `benchmarks/digits.py` left
# out twelve forms, two at a time, and trained for 15 epochs from five seeds
# each, at the learning rate that was best on forms 2 and 3, which are not
# tested. Beside the RNN stand logistic regression, its penalty chosen on the
# same two forms, and a control without recurrence: a dense network that sees
# all pixels at once and has as many parameters.

# %% tags=["hide-input"]
digit_forms = load_results("digit_forms")["results"]
forms, longer = digit_forms["runs"], digit_forms["longer"]


def by_form(name, source=forms):
    scores = {}
    for pair, runs in source[name].items():
        for run in runs.values() if " and " in pair else ():
            for number, score in run["test"].items():
                scores.setdefault(int(number), []).append(score)
    return np.array([np.mean(scores[number]) for number in sorted(scores)])


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-digits", "caption": "Form by form: how many digits are named right after 15 epochs, mean of five seeds for the two networks. A form is 130 digits by one hand, a few missing; no model has seen the form that it is tested on."}, "image": {"alt": "Twelve forms along the axis, three marks at each, between 0.81 and 1. The dense network lies above the RNN on eleven of the twelve; logistic regression lies above it on some and below it on others."}}
names = ("RNN", "dense network", "logistic regression")
shades = ("blue", "green", "black")
for name, color, mark in zip(names, shades, "os_", strict=True):
    plt.plot(by_form(name), mark, color=COLORS[color], label=name)
places = [0, 1, *range(4, 14)]
plt.xticks(range(12), places)
plt.gca().set(xlabel="form", ylabel="accuracy", ylim=(0.7, 1.01))
plt.legend(loc="lower left")
plt.show()

# %% [markdown]
# The models of {numref}`fig-rnn-digits` find the same forms hard, and that
# cancels in a difference on one form. So pairs, one for each form, tell more
# than the means alone.

# %%
for name in names:
    size = forms[name].get("parameters", 64 * 10 + 10)
    print(f"{name:20} {by_form(name).mean():.3f} right, {size} parameters")
for other in names[1:]:
    mean, low, high = paired(by_form("RNN") - by_form(other))
    print(f"RNN minus {other}: {mean:+.3f} ({low:+.3f} to {high:+.3f})")

# %% [markdown]
# By the rule above, the RNN and logistic regression are tied: the interval
# contains zero, and leaves room for a loss of almost three points or a gain of
# half a point. After 15 epochs the dense network is better than the RNN, by
# about two points.[ᶜ](claims.md#dense_network_reads_digits_better) Who chose
# 15, though? Five more seeds went on to 120, with forms 2 and 3 choosing both
# the rate and the number of epochs.

# %%
for name, best in longer["chosen"].items():
    print(f"{name}, best at {best['epochs']} epochs:", end="")
    for number, runs in longer["runs"][name].items():
        if number != "seconds":
            accuracy = by_form(name, {name: runs}).mean()
            print(f"  {number}: {accuracy:.3f}", end="")
    print()
last = [
    by_form(name, {name: longer["runs"][name][str(best["epochs"])]})
    for name, best in longer["chosen"].items()
]
mean, low, high = paired(last[0] - last[1])
print("each at its best, RNN minus dense network:")
print(f"{mean:+.3f} ({low:+.3f} to {high:+.3f})")

# %% [markdown]
# Each after its own number of epochs, all three are
# tied.[ᶜ](claims.md#longer_training_closes_the_gap) We had written down that
# the dense network would stay better; the RNN was only slower.
#
# ## Sunspots, year by year
#
# The yearly number of sunspots from 1700 to 2008 (public domain, in
# `statsmodels`) rises and falls in a cycle of about eleven years. In Keras, the
# stack SimpleRNN(64) → SimpleRNN(32) → Dense(1) reads 22 years, as scaled
# square roots, and predicts the next; `clipnorm` is explained
# [below](#clipping-the-explosion).

# %%
data = sunspot_windows()
known_x = np.concatenate([data.x_train, data.x_valid])
known_y = np.concatenate([data.y_train, data.y_valid])
chosen = load_results("sunspot_years")["results"]["chosen"]
print(len(known_y), "windows to learn from;", chosen)


# %%
def forecaster(seed):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.SimpleRNN(64, return_sequences=True),
            keras.layers.SimpleRNN(32),
            keras.layers.Dense(1),
        ]
    )
    adam = keras.optimizers.Adam(chosen["rate"], clipnorm=1.0)
    model.compile(optimizer=adam, loss="mse", jit_compile=False)
    model.fit(known_x, known_y, epochs=chosen["epochs"], verbose=0)
    return model


# %% [markdown]
# Learning rate and number of epochs are those best on the years 1890 to 1929,
# over three seeds; then all years before 1930 train the model, and those from
# 1930 on test it. The baselines are last year's number and a linear regression
# on the last $p$ years, its $p$ and coefficients found on the same years.

# %% tags=["rtol-0.1"]
model = forecaster(0)
by_keras = keras.ops.convert_to_numpy(model(data.x_test))[:, 0]
order = chosen["order"]
linear = LinearRegression().fit(known_x[:, -order:, 0], known_y)
by_line = linear.predict(data.x_test[:, -order:, 0])
actual = data.sunspots(data.y_test)
for name, forecast in (("RNN", by_keras), ("linear", by_line)):
    error = np.sqrt(np.mean((data.sunspots(forecast) - actual) ** 2))
    print(f"{name:6} root mean squared error {error:.1f} sunspots")
# no comparison: five seeds are compared below

# %% [markdown]
# `benchmarks/sunspots.py` trained the same stack in PyTorch, which is faster at
# it, from five seeds of Keras's initial weights, and recorded every forecast.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-sunspots", "caption": "Sunspots from 1930 on. Above, the numbers and the linear forecast one year ahead; below, how far each forecast lies from the number, the RNN's for five seeds."}, "image": {"alt": "Above, yearly sunspot numbers from 1930 to 2008 with seven cycles, and a linear forecast that follows them closely. Below, the errors of both kinds of forecast, mostly within 50 of zero, the grey lines of the RNN's five seeds often further from it at the maxima."}}
years = load_results("sunspot_years")["results"]
forecasts = {
    name: np.array(list(runs.values()))
    for name, runs in years["forecasts"].items()
}
time = data.first_test_year + np.arange(len(actual))
fig, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.2, 4.6))
above.plot(time, actual, color="black", label="sunspots")
above.plot(time, forecasts["linear regression"][0], label="linear")
above.set(ylabel="sunspots")
above.legend(ncols=2, loc="upper right")
below.plot(time, (forecasts["RNN"] - actual).T, color="0.7", linewidth=0.8)
below.plot(time, forecasts["linear regression"][0] - actual)
below.set(ylabel="forecast − number", xlabel="year")
plt.show()

# %% [markdown]
# The forecasts of {numref}`fig-rnn-sunspots` err in the same years, the linear
# one most on the steep way up to a maximum; the RNN's also stay too low at
# several maxima. How large are the errors in all?

# %%
squared = {name: (each - actual) ** 2 for name, each in forecasts.items()}
for name, errors in squared.items():
    root = np.sqrt(errors.mean(axis=1))
    print(f"{name:18} root mean squared error {median_and_range(root, 1)}")

# %% [markdown]
# Each year is a pair, but neighbouring years are not independent. The
# Diebold–Mariano statistic of [chapter 10](10_stock_forecaster.ipynb) divides
# the mean difference by an error that allows for that; from it follows the
# interval.

# %%
rnn, line = (
    squared[name].mean(axis=0) for name in ("RNN", "linear regression")
)
more = (rnn - line).mean()
error = more / diebold_mariano(rnn, line).statistic
half = stats.t.ppf(0.975, waves_of(len(actual), 1)) * error
print(f"squared error, RNN minus linear: {more:.0f}")
print(f"95 % interval from {more - half:.0f} to {more + half:.0f}")
alike = np.corrcoef((rnn - line)[1:], (rnn - line)[:-1])[0, 1]
print(f"correlation of neighbouring years' differences: {alike:.1f}")

# %% [markdown]
# The linear regression errs by 16.6 sunspots, the RNN's five seeds by 20.4 to
# 23.0, and repeating last year's number by 31.8. Yet the interval contains
# zero: a tie.[ᶜ](claims.md#years_do_not_decide_on_sunspots) In neighbouring
# years the differences are alike, so 79 years are worth fewer; the check that
# we wrote down before the runs allowed too little for that, and decided for the
# regression.
#
# The trained stack is still equation {eq}`eq-rnn-step`, twice: `from_keras`
# turns its layers into ours, and NumPy makes the same forecasts.

# %%
# Identity: keras-to-numpy
lower, upper, dense = model.layers
from_below, _ = from_keras(lower).forward(data.x_test)
_, final = from_keras(upper).forward(from_below)
weight, bias = dense.get_weights()
assert np.allclose((final @ weight + bias)[:, 0], by_keras, rtol=0, atol=1e-12)

# %% [markdown]
# ## Why long lags are hard
#
# How much does an input $k$ steps ago matter? Put equation {eq}`eq-rnn-dz` into
# {eq}`eq-rnn-dh` and follow one path back from the last step:
#
# $$
# \delta h_{T-k} = \delta h_T \prod_{j=0}^{k-1} D_{T-j} W_h^\top, \qquad
# D_t = \mathrm{diag}(1 - h_t^2)
# $$ (eq-rnn-product)
#
# A product of $k$ matrices shrinks or grows geometrically, as Hochreiter found
# in his [diploma thesis of
# 1991](https://people.idsia.ch/~juergen/SeppHochreiter1991ThesisAdvisorSchmidhuber.pdf)
# and [Bengio, Simard and Frasconi (1994)](https://doi.org/10.1109/72.279181)
# independently of him. No slope of tanh exceeds one, so each factor stretches
# by at most the largest singular value of $W_h$. Let $W_h = \rho Q$ with $Q$
# orthogonal. Then all its singular values are $\rho$, and so is its *spectral
# radius*, the largest absolute eigenvalue, and $k$ steps back the gradient is
# at most $\rho^k$ times as long.
#
# Move the radius in {numref}`fig-rnn-vanishing`, then the strength of the
# inputs: strong inputs drive the units to where tanh is flat.

# %% mystnb={"figure": {"name": "fig-rnn-vanishing", "caption": "The gradient of the last state by the input $k$ steps earlier, in a layer of 16 tanh units that runs in this page, for the spectral radius ρ that you choose, and its prediction (dashed): nearly a constant factor for each step."}}
vanishing_lab()

# %% [markdown]
# With weak inputs a radius a little above one keeps the gradient's size; with
# the strongest ones no radius of the slider does. The dashed line is the
# prediction of the next equation.
#
# How much less than $\rho$ is a step's typical factor? Suppose that the
# gradient's direction has nothing to do with which units have which slope. Then
# its squared length is multiplied, on average, by $\rho^2$ times the mean
# squared slope, and its length by
#
# $$
# \chi = \rho \, \sqrt{\operatorname{mean}\!\left[\phi'(z)^2\right]}.
# $$ (eq-rnn-chi)
#
# Here $\phi'$ is the slope of the activation. [Schoenholz et al.
# (2017)](https://arxiv.org/abs/1611.01232) and [Chen, Pennington and Schoenholz
# (2018)](https://arxiv.org/abs/1806.05394) work with the square of $\chi$. With
# ReLU, and $z$ as often positive as negative, half of the slopes are one and
# the others zero, so that $\chi \approx \rho / \sqrt{2}$.
#
# `gradient_by_lag` measures the real thing: for a loss that reads the last
# output through random weights, it returns $\lVert \delta x_{T-k} \rVert$,
# averaged over the batch, as a share of its value at lag 0.

# %% tags=["remove-input"]
show_source(gradient_by_lag, fold="How `gradient_by_lag` does it", bare=True)


# %%
def memory(activation, radius, draw):
    rng = np.random.default_rng(draw)
    layer = RNN(4, 64, rng=rng, activation=activation)
    Q = ortho_group.rvs(64, random_state=rng)
    layer.params["W_h"][...] = radius * Q
    x = rng.standard_normal((64, 50, 4))
    states, _ = layer.forward(x)
    slopes = 1 - states**2 if activation == "tanh" else states > 0
    slopes = slopes[:, 10:]  # the states start at zero, where tanh is steep
    chi = radius * np.sqrt(np.mean(slopes**2.0))
    return gradient_by_lag(layer, x), chi


# %%
radii, rows = (0.7, 1.0, 1.4, 1.8), []
measured = {
    (activation, radius): [memory(activation, radius, d) for d in range(3)]
    for activation in ("tanh", "relu")
    for radius in radii
}
for (activation, radius), draws in measured.items():
    growth = [(norms[40] / norms[20]) ** (1 / 20) for norms, _ in draws]
    theory = [chi for _, chi in draws]
    rows.append((activation, radius, np.median(growth), np.median(theory)))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-lags", "caption": "How the gradient fades or grows with the lag, for three random layers at each of four spectral radii: measured (lines) and predicted (dotted): χ to the power of the lag, where χ is the spectral radius times the root mean square of the activation's slopes. The scale is logarithmic, so that a straight line is a constant factor for each step."}, "image": {"alt": "Two panels, tanh above and ReLU below, of the gradient against the lag from 0 to 40 steps. Nearly straight lines, falling at radius 0.7 and 1, about level at 1.4, rising at 1.8; the dotted lines lie close to the measured ones."}}
fig, axes = plt.subplots(2, 1, figsize=(6.2, 6.4), sharex=True, sharey=True)
lags, shades = np.arange(41), ("sky", "blue", "green", "vermilion")
for ax, activation in zip(axes, ("tanh", "relu"), strict=True):
    for radius, color in zip(radii, shades, strict=True):
        for norms, chi in measured[activation, radius]:
            ax.semilogy(lags, norms[lags], color=COLORS[color], linewidth=1)
            ax.semilogy(lags, chi**lags, ":", color=COLORS[color], linewidth=1)
        ax.plot([], [], color=COLORS[color], label=f"radius {radius}")
    title = {"tanh": "tanh", "relu": "ReLU"}[activation]
    ax.set(ylabel="gradient / at lag 0", title=title)
axes[0].legend(ncols=2, fontsize="small")
axes[1].set_xlabel("lag in steps")
plt.show()

# %% [markdown]
# The lines of {numref}`fig-rnn-lags` are nearly straight: gradients vanish and
# explode geometrically, at about the rate that the states of the forward pass
# predict. The table has the factor of a step, the median of the three layers.

# %%
# Identity: factor-of-a-step
names = ["activation", "radius", "measured", "chi"]
table = pd.DataFrame(rows, columns=names).set_index(names[:2]).round(2)
assert np.abs(np.log(table.measured / table.chi)).max() < np.log(1.1)
assert table.measured["tanh", 1.0] < 0.95 < 1.05 < table.measured["tanh", 1.8]
table

# %% [markdown]
# With tanh and radius one, a step keeps 0.90 of the gradient, and forty steps
# about a hundredth. At a larger radius the gradient does not grow like
# $\rho^k$: at 1.8 the states saturate, the slopes shrink, and the factor is
# 1.11. The slopes are averaged from the eleventh step on, when the states,
# which start at zero, have settled.
#
# ReLU is often offered as the remedy, because its slope is one wherever it is
# active. But half of the units are off: at radius one its gradient keeps 0.73 a
# step, and vanishes sooner than tanh's. At 1.8 it explodes sooner, by 1.33 a
# step, because nothing saturates.
#
# ## Clipping the explosion
#
# One exploded gradient can throw the weights anywhere. The remedy is to shorten
# the step and keep its direction
# ([Pascanu, Mikolov and Bengio, 2013](https://arxiv.org/abs/1211.5063)):
#
# $$
# g \leftarrow g \cdot \min\!\left(1, \frac{\theta}{\lVert g \rVert}\right)
# $$ (eq-rnn-clip)
#
# where $\lVert g \rVert$ is the length of *all* gradients together, so that
# their proportions stay, and $\theta$ the limit. The same paper shows why, on
# one sigmoid unit that runs for 50 steps without input, from $1/2$, and should
# end at $0.7$: its loss has a steep wall. Ours is a tanh, with start and
# learning rate chosen so that the descent meets the wall.


# %%
def end_loss(w, b):
    h = 0.5
    for _ in range(50):
        h = np.tanh(w * h + b)
    return (h - 0.7) ** 2


# %% [markdown]
# Its gradient is that of an `RNN(1, 1)` whose inputs are zero.


# %%
def descend(clip, start=(1.6, 0.2), steps=60):
    unit, half = RNN(1, 1), np.full((1, 1), 0.5)
    unit.params["W_h"][...], unit.params["b"][...] = start
    optimizer, path = SGD([unit.params], learning_rate=1.0), []
    for _ in range(steps):
        weights = unit.params["W_h"].item(), unit.params["b"].item()
        outputs, last = unit.forward(np.zeros((1, 50, 1)), half)
        grads = unit.backward(np.zeros_like(outputs), 2 * (last - 0.7)).params
        norm = clip_global_norm([grads], clip)
        optimizer.step([grads])
        path.append((*weights, end_loss(*weights), norm))
    return np.array(path)


# %%
paths = {"not clipped": descend(np.inf), "clipped at 1": descend(1.0)}
for name, path in paths.items():
    norms, losses = path[:, 3], path[:, 2]
    print(
        f"{name:12} loss {losses[0]:.3f} → {losses[-1]:.4f}, longest gradient"
    )
    print(
        f"{norms.max():,.0f}, longer than 1 in {(norms > 1).sum()} of 60 steps"
    )
assert paths["clipped at 1"][-1, 2] < 0.1 * paths["not clipped"][-1, 2]

# %% mystnb={"figure": {"name": "fig-rnn-cliff", "caption": "The cliff. Left, the loss over weight and bias, faint where it is low, with two descents; the wall is where faint turns abruptly to dark. Right, the loss at each step. The descent that is not clipped (dashed) is thrown off the map in its fourth step and stays there; clipped, it comes back to the valley. Click into the map to begin elsewhere."}}
cliff_lab()

# %% [markdown]
# Both runs of {numref}`fig-rnn-cliff` walk down into the valley, overshoot, and
# land behind the wall, where the gradient is 3,704 long. Unclipped, the next
# step throws the weights off the map, to where the unit is saturated: there the
# loss is 0.09 and the gradient nearly zero, so that no step leads back.
# Clipped, the same step has length one and stays on the map; from there the run
# comes down into the valley again and ends at less than a tenth of that loss.
#
# Where does the wall come from? Without bias and with $w > 1$ the unit has two
# resting states, and goes to the one on whose side it starts. For weights on
# the wall, the border between the two sides runs through the start, so that a
# tiny change of the weights sends all later states to the other side.
#
# ### The ReLU adder
#
# The adder with ReLU and $W_h$ the identity, as proposed by [Le, Jaitly and
# Hinton (2015)](https://arxiv.org/abs/1504.00941), was trained by plain
# gradient descent on 32 digits (`benchmarks/adder.py`): once with the gradient
# clipped at length 1 and once without, each at the learning rate with the
# lowest loss on three tuning seeds, then from five fresh ones. A run that
# exploded counts as a guess, a loss of $\log 2$.

# %%
for name, tried in load_results("adder")["results"]["tuning"].items():
    losses = {}
    for key, value in tried.items():
        losses.setdefault(float(key.split(" / ")[0]), []).append(value)
    means = (
        f"{rate:g}: {np.mean(losses[rate]):.3f}" for rate in sorted(losses)
    )
    print(f"{name:12}", *means, sep="  ")

# %% mystnb={"figure": {"name": "tab-rnn-clip", "caption": "The ReLU adder after 300 steps, over five seeds: rate, share of digits right in 500 sums of 64 digits, and the longest gradient before clipping."}}
rows = {}
for name in ("clipped", "not clipped"):
    runs = list(recorded[f"ReLU / {name}"].values())
    right = [run["right"] for run in runs]
    longest = [run["longest gradient"] for run in runs]
    rows[name] = {
        "learning rate": runs[0]["rate"],
        "digits right": " ".join(f"{share:.2f}" for share in right),
        "longest gradient": f"{min(longest):.0f} to {max(longest):.0f}",
    }
pd.DataFrame(rows).T

# %% [markdown]
# Without clipping the runs at the two highest rates tried end at a guess, and
# at the rates that do not, the layer learns next to nothing in 300 steps
# ({numref}`tab-rnn-clip`). Clipped, it takes a rate thirty times as large and
# names most of the digits
# right.[ᶜ](claims.md#clipping_saves_the_relu_adder)
#
# ## Truncating the past
#
# *Truncated* BPTT cuts a long sequence into chunks, carries the state from one
# to the next, and lets no gradient cross the cut. ([Williams and Peng
# (1990)](https://doi.org/10.1162/neco.1990.2.4.490) let a window of $h$ steps
# move on by $h'$ steps at a time; chunks are the case $h = h'$.) The forward
# pass stays exact. The gradient lacks every path across a cut, and that is a
# bias: more data does not remove it. We measure it for $W_h$, in untrained
# layers over 256 sequences of 64 digits. `softmax_cross_entropy` returns means
# over a chunk's own answers; the factor at the end makes them a mean over all
# answers.


# %%
def recurrent_gradient(rnn, head, x, y, chunk):
    total, state = 0, None
    for start in range(0, x.shape[1], chunk):
        piece = slice(start, start + chunk)
        outputs, state = rnn.forward(x[:, piece], state)
        _, d_logits = softmax_cross_entropy(head.forward(outputs), y[:, piece])
        total += rnn.backward(head.backward(d_logits).x).params["W_h"]
    return total * chunk / x.shape[1]


# %%
def truncated(radius, draw, chunks):
    rng = np.random.default_rng(draw)
    rnn, head = RNN(2, 32, rng=rng), Dense(32, 2, rng=rng)
    rnn.params["W_h"][...] = radius * ortho_group.rvs(32, random_state=rng)
    full = recurrent_gradient(rnn, head, x, y, 64)
    for chunk in chunks:
        cut = recurrent_gradient(rnn, head, x, y, chunk)
        off = np.linalg.norm(cut - full) / np.linalg.norm(full)
        yield (
            off,
            (cut * full).sum() / np.linalg.norm(cut) / np.linalg.norm(full),
        )


# %%
chunks = [1, 2, 4, 8, 16, 32]
x, y = make_binary_sums(256, 64, rng=0)
biases = {
    radius: np.array(
        [list(truncated(radius, draw, chunks)) for draw in (1, 2, 3)]
    )
    for radius in (0.8, 1.0, 1.2)
}
for radius, draws in biases.items():
    off, cosine = np.median(draws[:, 3], axis=0)
    print(
        f"radius {radius}, chunks of 8: off by {off:.2f} of the gradient's "
        f"length, cosine {cosine:.2f}"
    )

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-truncation", "caption": "What is lost when no gradient crosses the cuts between chunks: the distance of the truncated gradient from the full one, as a share of the latter's length, against the chunk length, for three random layers at each of three spectral radii."}, "image": {"alt": "Nine lines that fall with the chunk length from 1 to 32. Up to chunks of 4 all lines of a larger radius lie above those of a smaller one; from 8 on lines of neighbouring radii touch and cross."}}
shades = ("sky", "blue", "green")
for (radius, draws), color in zip(biases.items(), shades, strict=True):
    plt.plot(chunks, draws[:, :, 0].T, "o-", color=COLORS[color], markersize=4)
    plt.plot([], [], color=COLORS[color], label=f"radius {radius}")
plt.xscale("log", base=2)
plt.gca().set(xlabel="chunk length in steps", ylabel="bias / full gradient")
plt.ylim(0, None)
plt.legend()
plt.show()

# %% [markdown]
# With chunks of 8 the gradient is off by about a fifth of its length at radius
# 0.8 and by about four fifths at radius 1.2. Longer chunks shrink the bias in
# all nine layers of {numref}`fig-rnn-truncation`. Choose chunks longer than the
# lags that matter. [Tallec and Ollivier
# (2017)](https://arxiv.org/abs/1705.08209) get rid of the bias by drawing the
# cuts at random and reweighting what crosses them, at the price of more noise.
#
# ### Carrying the state across batches
#
# When a trained model is only used, such cuts change nothing, as long as the
# state is carried. The adder reads in chunks of 8, once with the carried state
# and once from zero each time.


# %%
def in_chunks(carry, chunk=8):
    state, right = None, []
    for start in range(0, 64, chunk):
        piece = slice(start, start + chunk)
        outputs, last = adder.forward(digits[:, piece], state)
        state = last if carry else None
        named = adder_head.forward(outputs).argmax(axis=2)
        right.append(named == sums[:, piece])
    return np.mean(right, axis=(0, 1))


# %%
print("right at each place of a chunk")
print("state carried:", in_chunks(carry=True).round(2))
print("state reset:  ", in_chunks(carry=False).round(2))
print("expected:     ", (1 - 7 / 8 * 0.5 ** np.arange(1, 9)).round(2))

# %% [markdown]
# Without the state, the carry into each chunk is lost. The first of eight
# chunks has none to lose; into the others a one is carried in half of the
# cases, and then the first digit is wrong. So $1 - \tfrac78 \cdot \tfrac12$ of
# the first digits are right, and at each further place the mistake lives on
# with probability one half.
#
# In PyTorch the carried state still belongs to the graph of the old chunk,
# which `backward` has freed. `detach` keeps the numbers and cuts the graph;
# that is all of truncated BPTT.

# %%
module, pieces = to_torch(adder), torch.tensor(digits).split(8, dim=1)
_, state = module(pieces[0])
state.sum().backward()
try:
    module(pieces[1], state)[0].sum().backward()
except RuntimeError as error:
    print(str(error).split(" (")[0])
module(pieces[1], state.detach())[0].sum().backward()

# %% [markdown]
# In Keras the layer itself carries the state, with `stateful=True`. Row $i$ of
# every batch must then continue row $i$ of the one before: a fixed number of
# rows, `shuffle=False` in `fit`, and `reset_state` before the next sequences.

# %%
stateful = keras.layers.SimpleRNN(16, return_sequences=True, stateful=True)
stateful.build((500, 8, 2))
stateful.set_weights(to_keras(adder).get_weights())
whole = [np.asarray(stateful(digits[:, t : t + 8])) for t in range(0, 64, 8)]
whole = np.concatenate(whole, axis=1)
assert np.allclose(whole, adder.forward(digits)[0], rtol=0, atol=1e-12)
stateful.reset_state()
first = np.asarray(stateful(digits[:, :8]))
assert np.allclose(first, whole[:, :8], rtol=0, atol=1e-14)

# %% [markdown]
# ## What failed
#
# - Shuffling images that come in forms: the test part then holds known hands.
# - Our verdict on the digits: it held only after 15 epochs.
# - ReLU as a remedy for vanishing gradients: it only changes the factor of a
#   step.
#
# ## Summary
#
# - A recurrent layer applies one cell with one set of weights at every step,
#   and the state carries what it
#   remembers.[ᵈ](#one-state-updated-at-every-step)
# - Backpropagation through time is the chain rule from the last step to the
#   first, where each state adds up two gradients, that of its own output and
#   that of the next step.[ⁱ](#bptt-is-right)
# - The same weights give the same numbers in NumPy, PyTorch and
#   Keras.[ⁱ](#same-numbers)
# - RNNs of 16 units that had learnt from sums of 8 digits named every digit
#   right in sums of 2,000.[ᶜ](claims.md#adder_goes_on)
# - On unseen forms of handwritten digits an RNN is tied with logistic
#   regression after 15 epochs, and a dense network with as many parameters is
#   better.[ᶜ](claims.md#dense_network_reads_digits_better)
# - Each after its own number of epochs, the three are
#   tied.[ᶜ](claims.md#longer_training_closes_the_gap)
# - One year ahead, a stack of two plain RNNs errs more than a linear regression
#   on the sunspots, by a difference that 79 years do not
#   decide.[ᶜ](claims.md#years_do_not_decide_on_sunspots)
# - Trained by plain gradient descent for 300 steps, each at the best rate of
#   its grid, a ReLU adder that starts from the identity gets further with
#   clipping than without.[ᶜ](claims.md#clipping_saves_the_relu_adder)
# - The carry and the digit can be read off the adder's state by a linear
#   model.[ⁱ](#carry-and-digit-in-the-state)
# - Two models are tied on some data if the 95 % interval of their paired
#   difference contains zero.[ᵈ](#when-is-it-a-tie)
# - In random layers with an orthogonal $W_h$ gradients vanish or explode nearly
#   geometrically with the lag, and the radius and the slopes of the forward
#   pass predict the factor of a step to within ten
#   percent.[ⁱ](#factor-of-a-step)
#
# The next chapter changes the cell so that the factor of a step can stay near
# one: [LSTM](02_lstm.ipynb). Before: the [introduction](intro.md).
#
# ## Exercises
#
# ```{exercise-start} Write the cell (*easy*)
# :label: ex-rnn-cell
# ```
# Write `cell(x, h, W_x, W_h, b)` for equation {eq}`eq-rnn-step` from memory,
# for a batch, and let `check_rnn_cell` judge it. Then take out the tanh and
# read what the checker says.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-cell
# :class: dropdown
# ```


# %%
def cell(x, h, W_x, W_h, b):
    return np.tanh(x @ W_x + h @ W_h + b)


_ = check_rnn_cell(cell)
_ = check_rnn_cell(lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h + b)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the bug in the backward pass (*medium*)
# :label: ex-rnn-bug
# ```
# `broken` is the backward pass with ReLU in place of tanh, so that $h_t =
# \max(0, z_t)$, and it has two mistakes. Neither changes a shape. Find both,
# write `relu_backward(d_outputs, x, states, W_x, W_h)`, which returns the
# gradients of `W_x`, `W_h` and `b`, and let `check_bptt` judge it.
#
#     def broken(d_outputs, x, states, W_x, W_h):
#         d_W_x, d_W_h, d_b = 0, 0, 0
#         d_h = np.zeros_like(states[:, 0])
#         for t in reversed(range(x.shape[1])):
#             d_h = d_h + d_outputs[:, t]
#             d_z = d_h * (states[:, t] > 0)
#             d_W_x = d_W_x + x[:, t].T @ d_z
#             d_W_h = d_W_h + states[:, t].T @ d_z
#             d_b = d_b + d_z.sum(axis=0)
#             d_h = d_z @ W_h
#         return d_W_x, d_W_h, d_b
#
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-bug
# :class: dropdown
# ```


# %%
def relu_backward(d_outputs, x, states, W_x, W_h):
    d_W_x, d_W_h, d_b = 0, 0, 0
    d_h = np.zeros_like(states[:, 0])
    for t in reversed(range(x.shape[1])):
        d_h = d_h + d_outputs[:, t]
        d_z = d_h * (states[:, t + 1] > 0)
        d_W_x = d_W_x + x[:, t].T @ d_z
        d_W_h = d_W_h + states[:, t].T @ d_z
        d_b = d_b + d_z.sum(axis=0)
        d_h = d_z @ W_h.T
    return d_W_x, d_W_h, d_b


# %%
def untransposed(d_outputs, x, states, W_x, W_h):
    return relu_backward(d_outputs, x, states, W_x, W_h.T)


_ = check_bptt(relu_backward)
_ = check_bptt(untransposed)

# %% [markdown]
# The slope was taken at the state *before* the step instead of after it, and
# the way back went through `W_h` instead of its transpose.
# ```{solution-end}
# ```
#
# ```{exercise-start} Clip it (*easy*)
# :label: ex-rnn-clip
# ```
# Write `clip(a, b, limit)` for two gradient arrays: it returns both, shortened
# by equation {eq}`eq-rnn-clip`. Before you ask `check_clipping`, predict what
# goes wrong if every number is clipped by itself.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-clip
# :class: dropdown
# ```


# %%
def clip(a, b, limit):
    length = np.sqrt((a**2).sum() + (b**2).sum())
    factor = min(1, limit / length)
    return a * factor, b * factor


_ = check_clipping(clip)
_ = check_clipping(
    lambda a, b, limit: (a.clip(-limit, limit), b.clip(-limit, limit))
)

# %% [markdown]
# The direction changes: a long number is cut down, a short one beside it stays.
# ```{solution-end}
# ```
#
# ```{exercise-start} Count the parameters (*easy*)
# :label: ex-rnn-parameters
# ```
# How many parameters does the sunspot model have, SimpleRNN(64) → SimpleRNN(32)
# → Dense(1) on one input? Derive the number from the shapes in equation
# {eq}`eq-rnn-step`. How many has it in PyTorch?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-parameters
# :class: dropdown
# ```
# A layer has $DH + H^2 + H$ parameters. PyTorch's second bias adds $H$ for each
# layer.

# %%
lower, upper, dense = 1 * 64 + 64**2 + 64, 64 * 32 + 32**2 + 32, 32 + 1
assert model.count_params() == lower + upper + dense
print("Keras  ", lower + upper + dense)
print("PyTorch", lower + 64 + upper + 32 + dense)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Highest digit first (*medium*)
# :label: ex-rnn-order
# ```
# Reverse the digits in time, so that the highest comes first. What share of 64
# digits can a *causal* model, one that has read no further than the digit it
# answers, get right at best? Compute it exactly, then train the adder and
# compare.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-order
# :class: dropdown
# ```
# The carry into a digit depends on digits still to come. Into place $i$,
# counted from 0 at the low end, it is 1 with probability $p_i$, where $p_0 = 0$
# and $p_{i+1} = \tfrac14 + \tfrac12 p_i$, because a column makes a carry with
# probability $\tfrac14$ and hands one on with $\tfrac12$. Hence $p_i =
# \tfrac12 - 2^{-(i+1)}$, and always assuming no carry, which is best, is right
# with probability $\tfrac12 + 2^{-(i+1)}$. The mean over $n$ places is
# $\tfrac12 + (1 - 2^{-n}) / n$.

# %%
print(f"exactly: {0.5 + (1 - 2.0**-64) / 64:.4f}")
print(f"on these sums, carry ignored: {(window_rule(0) == sums).mean():.3f}")


# %%
def train_reversed(rnn, head, optimizer, rng):
    for _ in range(400):
        x, y = make_binary_sums(32, 8, rng)
        logits = head.forward(rnn.forward(x[:, ::-1])[0])
        head_grads = head.backward(softmax_cross_entropy(logits, y[:, ::-1])[1])
        optimizer.step([rnn.backward(head_grads.x).params, head_grads.params])


# %% tags=["within-0.01"]
rng = np.random.default_rng(0)
rnn, head = RNN(2, 16, rng=rng), Dense(16, 2, rng=rng)
train_reversed(rnn, head, Adam([rnn.params, head.params], 0.01), rng)
named = head.forward(rnn.forward(digits[:, ::-1])[0]).argmax(axis=2)
share = (named == sums[:, ::-1]).mean()
assert share < 0.55
print(f"right: {share:.2f}")

# %% [markdown]
# A bidirectional model can: [chapter 7](07_bidirectional.ipynb).
# ```{solution-end}
# ```
#
# ```{exercise-start} Beyond the cut (*hard*)
# :label: ex-rnn-echo
# ```
# Let the target be the digit that entered six steps ago. Train on long
# sequences by truncated BPTT with the state carried, in chunks of 4 and in
# chunks of 16.
# Predict first: can the shorter chunk learn a lag that no gradient ever
# crosses?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-echo
# :class: dropdown
# ```


# %%
def train_echo(chunk, steps, seed, lag=6):
    rng = np.random.default_rng(seed)
    rnn, head = RNN(1, 32, rng=rng), Dense(32, 2, rng=rng)
    optimizer, state, correct = Adam([rnn.params, head.params], 3e-3), None, []
    bits = rng.integers(0, 2, (32, lag + chunk * steps))
    for start in range(lag, lag + chunk * steps, chunk):
        y = bits[:, start - lag : start - lag + chunk]
        x = bits[:, start : start + chunk, None] - 0.5
        outputs, state = rnn.forward(x, state)
        logits = head.forward(outputs)
        head_grads = head.backward(softmax_cross_entropy(logits, y)[1])
        optimizer.step([rnn.backward(head_grads.x).params, head_grads.params])
        correct.append((logits.argmax(axis=2) == y).mean())
    return np.mean(correct[-50:])


# %% tags=["within-0.1"]
# tolerance: where these short trainings end depends on the processor, by 0.08
echoes = {
    chunk: [train_echo(chunk, steps, seed) for seed in range(3)]
    for chunk, steps in ((4, 1600), (16, 400))
}
for chunk, shares in echoes.items():
    print(f"chunks of {chunk:2}: right", *(f"{share:.2f}" for share in shares))
assert min(echoes[16]) - max(echoes[4]) > 0.2

# %% [markdown]
# Chunks of 16 learn the echo on all three seeds. Chunks of 4 are little better
# than a coin: the state is carried, so that it holds a trace of the digit, and
# the head may learn to read what happens to be there. But no gradient ever
# tells the layer to keep it.
# ```{solution-end}
# ```
#
# ```{exercise-start} Less memory (*hard*)
# :label: ex-rnn-checkpoint
# ```
# Write a backward pass for long sequences that keeps one state in eight and
# computes the others again, eight steps at a time, from the last eight to the
# first. It must return the same gradient of $W_h$ as if all states were kept.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-checkpoint
# :class: dropdown
# ```


# %%
def thrifty(layer, x, d_outputs, chunk=8):
    kept, state = [], None
    for t in range(0, x.shape[1], chunk):
        kept.append(state)
        _, state = layer.forward(x[:, t : t + chunk], state)
    total, d_state = 0, None
    for t in reversed(range(0, x.shape[1], chunk)):
        layer.forward(x[:, t : t + chunk], kept.pop())
        grads = layer.backward(d_outputs[:, t : t + chunk], d_state)
        total, d_state = total + grads.params["W_h"], grads.state
    return total


# %%
x, g = rng.normal(size=(4, 64, 3)), rng.normal(size=(4, 64, 5))
layer.forward(x)
whole = layer.backward(g).params["W_h"]
assert relative_error(thrifty(layer, x, g), whole) < 1e-12

# %% [markdown]
# `d_state`, the gradient that the next chunk sends, crosses the cut: leave it
# out and this is truncated BPTT.
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Elman (1990)](https://doi.org/10.1207/s15516709cog1402_1), *Finding
#   structure in time*: a clear account of what a hidden state comes to
#   represent.
# - [Bengio, Simard and Frasconi (1994)](https://doi.org/10.1109/72.279181): why
#   storing a bit robustly forces the gradient to vanish.
# - [Pascanu, Mikolov and Bengio (2013)](https://arxiv.org/abs/1211.5063): the
#   cliff, the clipping rule, and a regulariser against vanishing.
