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
# # GRU
#
# **The LSTM has three gates and two states. Which of them does a long memory
# need?**
#
# After this chapter you can
#
# - say what the update gate and the reset gate are for, and what is lost where
#   one is missing;
# - write the layer and its backward pass over time, and check them;
# - tell which published GRUs are one model under two names, and which are two
#   models, and why;
# - carry weights between NumPy, PyTorch and Keras, and say which two biases
#   cannot be merged into one.

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

from utils.data.samples import sunspot_windows
from utils.data.signals import make_running_sums
from utils.exercises import check_gru_cell
from utils.figures.diagrams import gru_backward, gru_cell
from utils.figures.seeds import median_and_range, seed_dots
from utils.figures.style import COLORS, use_book_style
from utils.labs import gru_cell_lab
from utils.models.pytorch import ManyToOne, StepForecaster
from utils.notebook import load_results, show_source
from utils.scratch import GRU
from utils.scratch.gradcheck import numerical_gradient, relative_error
from utils.scratch.reach import half_life
from utils.training import fit, keep_keras_on_cpu
from utils.weights import from_keras, from_torch, to_keras, to_torch

# %% tags=["hide-input"]
keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## What can be left out?
#
# [Chapter 2](02_lstm.ipynb) gave the LSTM a switch for each of three faults.
# Its forget gate and its input gate take two separate decisions, so that the
# cell may keep all *and* take in all, and grow without bounds; hence the tanh
# before the output. And its output gate hides what the cell holds; hence a
# second state $h$ beside $c$.
#
# So tie the two decisions: what is not kept makes room, and exactly that share
# of the new value enters. With $z$ the share that stays,
#
# $$
# h_t = z_t h_{t-1} + (1 - z_t)\, n_t ,
# $$ (eq-gru-blend)
#
# and since the two shares add up to one, the state lies between the old one and
# the new value $n_t$. It cannot grow beyond them, so that no tanh has to keep
# it in bounds. A single switch, the **update gate** $z$, does the work of two.
# The third, on what is shown, is simply given up: one state is memory and
# output at once.
#
# But with one state there is a new fault. The new value is made from the old
# state as well as from the input, $n_t = \tanh(x_t + h_{t-1})$, say. That is
# right while the unit adds up. It is wrong when something new begins: then
# $n_t$ should see the input alone. So put a switch on what the candidate sees
# of the past, the **reset gate** $r$:
#
# $$
# n_t = \tanh(x_t + r_t h_{t-1})
# $$ (eq-gru-scalar)
#
# One unit, by hand. It is to add two numbers, then begin anew, then keep what
# it has while it reads something it does not want:
#
# | step | $x$ | wish | $r$ | $z$ | $n = \tanh(x + r h)$ | $h = z h + (1 - z) n$ |
# |-|-|-|-|-|-|-|
# | 1 | $0.4$ | add | 1 | 0 | $0.38$ | $0.38$ |
# | 2 | $0.2$ | add | 1 | 0 | $0.52$ | $0.52$ |
# | 3 | $0.6$ | begin anew | 0 | 0 | $0.54$ | $0.54$ |
# | 4 | $-0.9$ | keep | 1 | 1 | $-0.35$ | $0.54$ |

# %%
settings = [(0.4, 1, 0), (0.2, 1, 0), (0.6, 0, 0), (-0.9, 1, 1)]
h = 0.0
for x, r, z in settings:
    n = np.tanh(x + r * h)
    h = z * h + (1 - z) * n
    print(f"n = {n:5.2f}   h = {h:.2f}")

# %% [markdown]
# With $r = 1$ at step 3 the old sum would have come along, $\tanh(0.6 + 0.52) =
# 0.81$. This is the **gated recurrent unit** of [Cho et al.
# (2014)](https://arxiv.org/abs/1406.1078). Whether it needs both gates will be
# tried further down; first the layer.
#
# ## One gate at a time

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gru-cell", "caption": "One step of a GRU as PyTorch and Keras compute it: the state runs along the top, and the candidate $n_t$ is made below it. The reset gate $r_t$ scales what the old state gives to the candidate; the update gate $z_t$ says how much of the old state stays."}}
gru_cell(reset="after")

# %% [markdown]
# Follow $h$ along the top of {numref}`fig-gru-cell`: one product, with $z_t$,
# and one sum per step, as for the LSTM's cell. The reset gate $r_t$ acts on a
# side path, where it scales what the old state sends to the candidate. We build
# one step for one row of inputs.

# %%
rng = np.random.default_rng(0)
D, H = 3, 4  # inputs and units
W_x = {gate: rng.normal(size=(D, H)) for gate in "rzn"}
W_h = {gate: rng.normal(size=(H, H)) for gate in "rzn"}
b_x = {gate: rng.normal(size=H) for gate in "rzn"}
b_h = {gate: rng.normal(size=H) for gate in "rzn"}
x, h_before = rng.normal(size=D), rng.normal(size=H)


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def from_x(gate):
    return x @ W_x[gate] + b_x[gate]


def from_h(gate):
    return h_before @ W_h[gate] + b_h[gate]


# %% [markdown]
# The **reset gate** says how much of the old state the candidate may see, the
# **update gate** what share of the old state stays:
#
# $$
# r_t = \sigma(x_t W_{xr} + b_{xr} + h_{t-1} W_{hr} + b_{hr})
# $$ (eq-gru-reset)
#
# $$
# z_t = \sigma(x_t W_{xz} + b_{xz} + h_{t-1} W_{hz} + b_{hz})
# $$ (eq-gru-update)

# %%
r = sigmoid(from_x("r") + from_h("r"))
z = sigmoid(from_x("z") + from_h("z"))

# %% [markdown]
# The **candidate** is the new value; with $r = 0$ it depends on the input
# alone. (Why two biases? The section on [orders and
# biases](#gate-orders-and-two-biases-that-are-not-one) says.)
#
# $$
# n_t = \tanh\big(x_t W_{xn} + b_{xn} + r_t \odot (h_{t-1} W_{hn} + b_{hn})\big)
# $$ (eq-gru-candidate)

# %%
n = np.tanh(from_x("n") + r * from_h("n"))

# %% [markdown]
# The new **state** blends the old one and the candidate:
#
# $$
# h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t
# $$ (eq-gru-state)

# %%
h = z * h_before + (1 - z) * n
assert h.shape == (H,)

# %% [markdown]
# Now take the place of the network: set the gates of one unit and take steps.
# In its history so far a value was written, kept, pulled down by three blends
# and kept again.

# %% mystnb={"figure": {"name": "fig-gru-lab", "caption": "One GRU unit over twelve steps, its gates set by hand. Its state is memory and output at once: written at the first step, kept, pulled towards new values by three blends, and kept again."}}
gru_cell_lab()

# %% [markdown]
# In {numref}`fig-gru-lab` there is no gate between memory and output: whatever
# the unit keeps, it shows. And it cannot take in anything without giving up as
# much: press *Write* and take steps, and $h$ approaches the candidate and stays
# in $[-1, 1]$, where an LSTM's cell would grow.
#
# ## Over time
#
# The three products with $x$ are done as one, and so are the three with $h$.
# These two stay apart, because the reset gate scales a part of the second only.


# %%
def gru_forward(x, W_x, W_h, b_x, b_h):
    h = np.zeros((len(x), len(W_h)))
    steps = []
    for t in range(x.shape[1]):
        r_x, z_x, n_x = np.split(x[:, t] @ W_x + b_x, 3, axis=1)
        r_h, z_h, m = np.split(h @ W_h + b_h, 3, axis=1)
        r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
        n = np.tanh(n_x + r * m)
        h_before, h = h, z * h + (1 - z) * n
        steps.append((x[:, t], h_before, r, z, m, n, h))
    return np.stack([step[-1] for step in steps], axis=1), steps


# %%
layer = GRU(3, 4, rng=5)
x_batch = np.random.default_rng(7).normal(size=(2, 6, 3))
outputs, steps = gru_forward(x_batch, **layer.params)
# Identity: naive-layer
assert np.allclose(outputs, layer.forward(x_batch)[0], rtol=0, atol=1e-14)
print("batch, time, units:", outputs.shape)

# %% tags=["remove-input"]
show_source(
    GRU.forward,
    fold="How the book's layer differs: all of x W_x before the loop, rows of "
    "any length, either place of the reset gate",
    bare=True,
)

# %% [markdown]
# ## The backward pass
#
# Suppose that $h_{t-1}$ had been a little larger. What would have changed? The
# output of its own step; the state $h_t$, which keeps a share of it; and the
# two gates and the candidate of step $t$, which read it.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gru-backward", "caption": "The gradients of one step, from right to left. $\\delta h_t$ is the sum of the output's own gradient, $\\delta y_t$, and of what step $t+1$ sends. Step $t-1$ receives the copy, along the top, and what comes back through candidate and gates (below), whose gradients before squashing are $\\delta a^x_t$ and $\\delta a^h_t$."}}
gru_backward()

# %% [markdown]
# In {numref}`fig-gru-backward` and below, $\delta a$ stands for $\partial L /
# \partial a$, the total derivative; $\delta y_t$ is the part that arrives at
# output $t$ directly; and $m_t = h_{t-1} W_{hn} + b_{hn}$ is what the reset
# gate scales. With $a^x_t = x_t W_x + b_x$ and $a^h_t = h_{t-1} W_h + b_h$,
# the two fused rows, each of three parts,
#
# $$
# \delta h_t = \delta y_t + \delta h_{t+1} \odot z_{t+1}
# + \delta a^h_{t+1} W_h^\top ,
# $$ (eq-gru-dh)
#
# where after the last step the terms of step $T + 1$ are zero. By the product
# rule on {eq}`eq-gru-state` and {eq}`eq-gru-candidate`,
#
# $$
# \begin{aligned}
# \delta z_t &= \delta h_t \odot (h_{t-1} - n_t), &
# \delta n_t &= \delta h_t \odot (1 - z_t), \\
# \delta m_t &= \delta n_t \odot (1 - n_t^2) \odot r_t, &
# \delta r_t &= \delta n_t \odot (1 - n_t^2) \odot m_t .
# \end{aligned}
# $$ (eq-gru-dgates)
#
# In both rows the parts of the gates are the same, $\delta r_t$ and $\delta
# z_t$ times the slopes $\sigma' = \sigma (1 - \sigma)$. The third parts differ:
# $\delta n_t \odot (1 - n_t^2)$ goes to $a^x_t$, and $\delta m_t$ to $a^h_t$.
# Finally,
#
# $$
# \delta x_t = \delta a^x_t W_x^\top, \quad
# \delta W_x = \sum_t x_t^\top \delta a^x_t, \quad
# \delta W_h = \sum_t h_{t-1}^\top \delta a^h_t
# $$ (eq-gru-dweights)
#
# and the biases' gradients are the sums of these rows over all steps.


# %%
def gru_backward_pass(d_outputs, steps, W_x, W_h, b_x, b_h, copy=1, through=1):
    grads = [np.zeros_like(each) for each in (W_x, W_h, b_x, b_h)]
    d_x, d_h_next = [], np.zeros_like(d_outputs[:, 0])
    for t in reversed(range(len(steps))):
        x, h_before, r, z, m, n, _ = steps[t]
        d_h = d_outputs[:, t] + d_h_next
        d_z = d_h * (h_before - n) * z * (1 - z)
        d_n = d_h * (1 - z) * (1 - n**2)
        d_r = d_n * m * r * (1 - r)
        d_a_x, d_a_h = (
            np.hstack([d_r, d_z, d_n]),
            np.hstack([d_r, d_z, d_n * r]),
        )
        d_h_next = copy * d_h * z + through * d_a_h @ W_h.T
        d_x.insert(0, d_a_x @ W_x.T)
        grads[0] += x.T @ d_a_x
        grads[1] += h_before.T @ d_a_h
        grads[2] += d_a_x.sum(axis=0)
        grads[3] += d_a_h.sum(axis=0)
    return np.stack(d_x, axis=1), *grads


# %% [markdown]
# Is every term there? We compare with central differences, as in chapter 2, for
# a loss that is a weighted sum of all outputs. Then we close either road, the
# copy or the one through candidate and gates:


# %%
weights = np.random.default_rng(6).normal(size=outputs.shape)


def loss():
    return (weights * gru_forward(x_batch, **layer.params)[0]).sum()


numerical = {
    name: numerical_gradient(loss, value)
    for name, value in layer.params.items()
}


# %%
def largest_error(**roads):
    _, *found = gru_backward_pass(weights, steps, **layer.params, **roads)
    pairs = zip(found, numerical.values(), strict=True)
    return max(relative_error(mine, truth) for mine, truth in pairs)


# Identity: every-term
assert largest_error() < 1e-7
for road in ("copy", "through"):
    error = largest_error(**{road: 0})
    assert error > 0.01
    print(f"without the road {road!r}: off by {error:.0%}")

# %%
layer.forward(x_batch)
book = layer.backward(weights)
d_x, *grads = gru_backward_pass(weights, steps, **layer.params)
assert np.allclose(d_x, book.x, rtol=0, atol=1e-13)
for name, grad in zip(layer.params, grads, strict=True):
    assert np.allclose(grad, book.params[name], rtol=0, atol=1e-13)

# %% tags=["remove-input"]
show_source(
    GRU.backward,
    fold="How the book's layer differs: weights after the loop, in one product",
    bare=True,
)

# %% [markdown]
# ## How far does the gradient reach?
#
# Along the copy alone $\partial h_T / \partial h_{T-k} =
# \operatorname{diag}(\prod_j z_{T-j})$, so that the bias $b_z$ of the update
# gate plays the part of the LSTM's forget bias: before training $z \approx
# \sigma(b_z)$, and the gradient halves every $\ln 2 / -\ln \sigma(b_z)$ steps.

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-gru-reach", "caption": "After how many steps half of the gradient is left, before training, for each bias of the update gate: along the copy alone by theory, and measured on ten whole layers drawn at random, median, lowest and highest."}}
recorded = load_results("reach")["results"]
rows = {
    f"bias {bias}": {
        "along the copy, theory": f"{np.log(2) / np.log1p(np.exp(-bias)):.1f}",
        "GRU, measured": median_and_range(
            recorded[f"GRU, bias {bias}"]["half-life"], 1
        ),
    }
    for bias in (0, 1, 3, 5)
}
pd.DataFrame(rows).T

# %% [markdown]
# In {numref}`tab-gru-reach` the measured half-lives of biases 3 and 5 lie near
# theory, those of 0 and 1 above it, where the road through candidate and gates
# adds its share. The LSTM's lay farther from theory ([chapter
# 2](02_lstm.ipynb#how-far-does-the-gradient-reach)). A gate near one can be
# read as a time constant: {eq}`eq-gru-blend` with a constant $z$ is an average
# of the past that forgets with a time constant of about $1 / (1 - z)$ steps. So
# a network that learns its update gates learns how fast its own time runs
# ([Tallec and Ollivier, 2018](https://arxiv.org/abs/1804.11188)).
#
# ## Two conventions for z are one model
#
# {eq}`eq-gru-state` is how Cho et al., PyTorch and Keras write it. [Chung et
# al. (2014)](https://arxiv.org/abs/1412.3555) exchange the roles,
# $h_t = (1 - z_t) \odot h_{t-1} + z_t \odot n_t$. Since
# $1 - \sigma(a) = \sigma(-a)$, a model of one kind becomes one of the other
# when the weights and biases of $z$ change their sign:


# %%
def step(x, h, W_x, W_h, b_x, b_h, z_keeps=True, reset_after=True):
    """One step for a batch; z keeps or replaces, r acts after or before."""
    r_x, z_x, n_x = np.split(x @ W_x + b_x, 3, axis=-1)
    r_h, z_h, m = np.split(h @ W_h + b_h, 3, axis=-1)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    if not reset_after:
        m = (r * h) @ np.split(W_h, 3, axis=-1)[2]
    n = np.tanh(n_x + (r * m if reset_after else m))
    return z * h + (1 - z) * n if z_keeps else (1 - z) * h + z * n


# %%
states = np.random.default_rng(1).normal(size=(2, 4))
negated = {name: value.copy() for name, value in layer.params.items()}
for value in negated.values():
    value[..., 4:8] *= -1
# Identity: two-names-for-z
ours = step(x_batch[:, 0], states, **layer.params)
chung = step(x_batch[:, 0], states, **negated, z_keeps=False)
assert np.allclose(ours, chung, rtol=0, atol=1e-14)

# %% [markdown]
# One model, two names: whoever loads weights from one form into the other must
# negate those of $z$; and a large $b_z$, with which the one keeps its state,
# makes the other replace it.
#
# ## Two conventions for r are two models
#
# The reset gate can act after the product with $W_{hn}$, as above, or before
# it:
#
# $$
# n_t = \tanh\big(x_t W_{xn} + b_n + (r_t \odot h_{t-1}) W_{hn}\big)
# $$ (eq-gru-before)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gru-after", "caption": "Reset *after* the product: $W_{hn}$ mixes the old units first, and $r_t$ scales what arrives at each new unit."}}
gru_cell(reset="after", highlight="candidate")

# %% [markdown]
# In {numref}`fig-gru-after` new unit $j$ closes its own ear: $r_j$ scales all
# that it hears of the past. The other place is this:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gru-before", "caption": "Reset *before* the product: $r_t$ scales each old unit first, and $W_{hn}$ mixes what is left of them."}}
gru_cell(reset="before", highlight="candidate")

# %% [markdown]
# In {numref}`fig-gru-before` old unit $i$ shuts its mouth: all new units hear
# less of it. Could other weights turn one model into the other, as with $z$?
# Written out for old unit $i$ and new unit $j$, the old state enters the
# candidate through
#
# $$
# \text{before: } r_i W_{ij}, \qquad \text{after: } W'_{ij} r'_j .
# $$ (eq-gru-positions)
#
# Suppose that, for every old state, a layer with $W'$ and gates $r'$ does what
# a layer with $W$ and $r$ does. If a new unit $j$ listens to *two* old ones,
# $W_{ij} \neq 0$ and $W_{kj} \neq 0$, then $r'_j = r_i W_{ij} / W'_{ij} =
# r_k W_{kj} / W'_{kj}$, so
# that $r_i / r_k$ would have to be a constant. But the gates are set unit by
# unit, by the data, and their ratio is not. So for a general $W_{hn}$ no choice
# of weights will do. (Units may be renumbered, or turned in sign. Other changes
# of basis are barred, because gates act element by element.)
#
# The argument leaves an exception: where every new unit listens to one old unit
# only, the gates can simply move along with the units. Take a permutation, in
# which unit 1 listens to unit 4, 2 to 1, 3 to 2 and 4 to 3:

# %%
after, before = GRU(3, 4, rng=7), GRU(3, 4, rng=7, reset_after=False)
permutation = np.roll(np.eye(4), 1, axis=1)
listens_to = permutation.argmax(axis=0)
after.params["b_h"][...] = 0
for name in ("W_x", "W_h"):
    before.params[name][...] = after.params[name]
before.params["b"][...] = after.params["b_x"]
after.params["W_h"][:, 8:] = before.params["W_h"][:, 8:] = permutation


# %%
def difference():
    gap = after.forward(x_batch)[0] - before.forward(x_batch)[0]
    return np.abs(gap).max()


unmoved = difference()
for name in ("W_x", "W_h", "b_x"):
    value = after.params[name]
    value[..., :4] = value[..., :4][..., listens_to]
# Identity: permuted-resets-agree
assert difference() < 1e-14 < 0.01 < unmoved
print(f"same weights: apart by {unmoved:.2f}; gates moved along: 0")

# %% [markdown]
# Both models are in use. What does harm is to load the weights of one into the
# other; how much, a trained model will show below.
#
# ### Four forms in print
#
# | source | $z$ is the share that | reset |
# |-|-|-|
# | [Cho et al. (2014)](https://arxiv.org/abs/1406.1078v1), first version of the preprint | stays | after the product |
# | [Cho et al. (2014)](https://arxiv.org/abs/1406.1078v3), third version, as published | stays | before |
# | [Chung et al. (2014)](https://arxiv.org/abs/1412.3555) | enters | before |
# | cuDNN, and with it [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html) | stays | after, with a bias of its own |
#
# Give all four the same weights, and where there is one bias for the candidate,
# the sum of the two. How far apart do they take the same states in one step?

# %%
one_bias = {name: value.copy() for name, value in layer.params.items()}
one_bias["b_x"] += one_bias["b_h"]
one_bias["b_h"][:] = 0
forms = {"Cho, v1": {}, "Cho, v3": {"reset_after": False}}
forms["Chung"] = {"reset_after": False, "z_keeps": False}
taken = {
    name: step(x_batch[:, 0], states, **one_bias, **form)
    for name, form in forms.items()
}
taken["cuDNN"] = step(x_batch[:, 0], states, **layer.params)

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-gru-forms", "caption": "The four forms with the same weights (Cho et al., first and third version, Chung et al., and cuDNN): the largest difference of two new states after one step from the same two."}}
apart = {
    name: {other: np.abs(one - two).max() for other, two in taken.items()}
    for name, one in taken.items()
}
# Identity: four-forms-differ
assert min(gap for row in apart.values() for gap in row.values() if gap) > 0.01
pd.DataFrame(apart).round(2)

# %% [markdown]
# No two forms of {numref}`tab-gru-forms` agree. Chung's lies farthest from all
# others, and yet it is the same model as the third version of Cho et al.; only
# its update gate wants weights of the opposite sign. Weights alone do not say
# which form they are for.
#
# Two of the documents mislead if read alone. PyTorch's says that it differs
# from the original paper on purpose, for the sake of speed; that is true of the
# published version, and not of the first.
# [Keras's](https://keras.io/api/layers/recurrent_layers/gru/) says that its
# default follows the third version and resets before. Ask the layer:

# %%
print("reset_after =", int(keras.layers.GRU(1).reset_after))

# %% [markdown]
# It resets after, as the fourth form does; `reset_after=False` gives the
# second. Why is "after" quicker? Because all three products with $h$ can then
# be one, which need not wait for $r$.
#
# ## Gate orders, and two biases that are not one
#
# | | order | biases |
# |-|-|-|
# | `utils.scratch.GRU`, [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html) | r, z, n | two |
# | [Keras](https://keras.io/api/layers/recurrent_layers/gru/) | z, r, h, where h is our n | two if `reset_after`, else one |
# | [ONNX](https://onnx.ai/onnx/operators/onnx__GRU.html) | z, r, h | two; `linear_before_reset=1` is "after" |
#
# In an LSTM, PyTorch's second bias is redundant. In a GRU it is redundant for
# $r$ and $z$, which see only the sum of the two, but not for $n$: $b_{hn}$
# stands inside the product with $r$. Move $0.5$ from one bias to the other and
# see how far the outputs move:

# %%
still, _ = GRU(3, 4, rng=7).forward(x_batch)
moves = {}
for number, gate in enumerate("rzn"):
    moved = GRU(3, 4, rng=7)
    moved.params["b_x"][4 * number : 4 * number + 4] += 0.5
    moved.params["b_h"][4 * number : 4 * number + 4] -= 0.5
    moves[gate] = np.abs(moved.forward(x_batch)[0] - still).max()
    print(f"moved between the biases of {gate}: {moves[gate]:.2f}")
# Identity: two-biases-of-n
assert max(moves["r"], moves["z"]) < 1e-14 < 0.01 < moves["n"]

# %% [markdown]
# The trap of the LSTM's forget bias waits here as well: set $b_z$ in one of the
# two, not in both.
#
# ## One model, four implementations
#
# The NumPy layer hands its weights to PyTorch and to Keras; outputs, states and
# gradients must agree to rounding in float64. The fourth is the layer in
# JavaScript with which this page's labs compute (`utils/labs/js/layers.js`); a
# test holds it to the same numbers.

# %%
layer = GRU(5, 7, rng=3)
x_batch = np.random.default_rng(4).normal(size=(3, 11, 5))
outputs, h_last = layer.forward(x_batch)
d_outputs = np.random.default_rng(5).normal(size=outputs.shape)
grads = layer.backward(d_outputs)


def same(found, expected):
    return np.allclose(found, expected, rtol=0, atol=1e-12)


# %% tags=["tab-pytorch"]
# PyTorch
# Identity: same-numbers-pytorch
module = to_torch(layer)
x_torch = torch.tensor(x_batch, requires_grad=True)
torch_outputs, h_n = module(x_torch)
torch_outputs.backward(torch.tensor(d_outputs))
assert same(torch_outputs.detach(), outputs)
assert same(h_n[0].detach(), h_last)
assert same(x_torch.grad, grads.x)
assert same(module.weight_ih_l0.grad.T, grads.params["W_x"])
assert same(module.weight_hh_l0.grad.T, grads.params["W_h"])
assert same(module.bias_ih_l0.grad, grads.params["b_x"])
assert same(module.bias_hh_l0.grad, grads.params["b_h"])

# %% tags=["tab-keras"]
# Keras
# Identity: same-numbers-keras
keras_layer = to_keras(layer, return_state=True)
x_keras = tf.Variable(x_batch)
with tf.GradientTape() as tape:
    keras_outputs, keras_h = keras_layer(x_keras)
    weighted = tf.reduce_sum(keras_outputs * d_outputs)
sources = [x_keras, *(weight.value for weight in keras_layer.trainable_weights)]
d_x_keras, d_kernel, d_recurrent, d_bias = tape.gradient(weighted, sources)
z_r_h = np.r_[7:14, 0:7, 14:21]  # Keras's order, as columns of ours
assert same(keras_outputs, outputs)
assert same(keras_h, h_last)
assert same(d_x_keras, grads.x)
assert same(d_kernel, grads.params["W_x"][:, z_r_h])
assert same(d_recurrent, grads.params["W_h"][:, z_r_h])
assert same(d_bias[0], grads.params["b_x"][z_r_h])
assert same(d_bias[1], grads.params["b_h"][z_r_h])

# %% [markdown]
# The layer with the reset gate before the product has a twin in Keras and none
# in PyTorch, and `to_torch` says so:

# %%
assert same(
    to_keras(before)(x_batch[:, :, :3]), before.forward(x_batch[:, :, :3])[0]
)
try:
    to_torch(before)
except ValueError as error:
    print("to_torch:", str(error).rpartition(": ")[2].partition(".")[0])

# %% [markdown]
# The shapes of `nn.GRU` are those of [`nn.LSTM`](02_lstm.ipynb) without the
# cell: `outputs` of the last layer at every step, `h_n` of every layer at the
# last. `dropout=` means in PyTorch and in Keras what it means for the LSTM.
#
# ## Which gates does a long memory need?
#
# To find out what a gate is worth, take it away. A gate is taken away by
# holding it at one value: $r = 1$ lets the candidate always see the whole past,
# $z = 0$ lets the candidate always replace the state. And the two may be tied
# to one: with $z = 1 - r$ the candidate sees of the old state just the share
# that it replaces. That is nearly the *minimal gated unit* of [Zhou et al.
# (2016)](https://arxiv.org/abs/1603.09420), whose gate acts before the product.
# With the full GRU that makes four contenders. All are the book's layer, with
# some columns of its weights held or tied; here $r$ is held:

# %%
held = GRU(3, 4, rng=5)
R, Z = slice(0, 4), slice(4, 8)
for name, value in held.params.items():
    value[..., R] = 100 if name == "b_x" else 0
no_reset, _ = held.forward(x_batch[:, :, :3])
_, steps = gru_forward(x_batch[:, :, :3], **held.params)
print("r held at", np.unique([each[2] for each in steps]))

# %% [markdown]
# We try them on two tasks, each made with the job of one gate in mind. In
# the *adding problem* ([Hochreiter and Schmidhuber,
# 1997](https://doi.org/10.1162/neco.1997.9.8.1735)) two of 30 numbers are
# marked, and after the last the network is to say their sum: it has to keep a
# number over a wait. In *running sums* it reads numbers and, at one step in
# ten, a marker, and says at every step the sum since the last marker: it has to
# build on its state at most steps, and to drop it at the others. Whoever set
# the gates by hand would give the first job to $z$ and the second to $r$.
#
# `benchmarks/gru_gates.py` tried them: about 2,000 parameters each, so that
# layers with one gate less have more units; orthogonal recurrent weights and an
# update bias of 1 at the start; each at the best of its learning rates; five
# fresh seeds on test rows that nothing was tuned on.

# %% tags=["hide-input"]
CONTENDERS = (
    "both gates",
    "no reset gate",
    "no update gate",
    "one gate for both",
)
TASKS = ("adding", "sums")
trial = load_results("gru_gates")["results"]


def runs(task, contender):
    names = [f"{task} / {contender} / {seed}" for seed in range(5)]
    return [trial["runs"][name] for name in names]


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gru-gates", "caption": "What is lost without a gate, on two tasks: the sum of two marked numbers of thirty (*adding*), and the sum of all numbers since the last marker (*sums*). Mean squared error on test rows, one dot for each of five seeds, a line at their median, on a logarithmic scale; dashed, always answering the mean."}, "image": {"alt": "Two panels with four groups of five dots. Adding: without the update gate the dots lie on the dashed line, those of the others between one and a half and three powers of ten below it, highest without the reset gate. Sums: all lie far below the dashed line; without the reset gate and without the update gate they are about equally high, with both gates or one for both they are lower."}}
fig, axes = plt.subplots(1, 2, figsize=(6.8, 3.2))
for ax, task in zip(axes, TASKS, strict=True):
    for place, contender in enumerate(CONTENDERS):
        errors = [run["error"] for run in runs(task, contender)]
        seed_dots(ax, place, errors, color=COLORS["blue"])
    baseline = trial["always the mean"][task]
    ax.axhline(baseline, color="black", linestyle="--", linewidth=1)
    ax.set_yscale("log")
    # at most nine letters a line, or neighbouring names run into each other
    names = [textwrap.fill(each, 9) for each in CONTENDERS]
    ax.set_xticks(range(4), names, fontsize=8)
    ax.set(title=task, ylabel="squared error" if task == "adding" else "")
plt.show()

# %% [markdown]
# Each dot of {numref}`fig-gru-gates` is a model of its own. In numbers:

# %% tags=["hide-input"] mystnb={"figure": {"name": "tab-gru-gates", "caption": "The same runs: mean squared error over the variance of the targets, in per cent, median, lowest and highest of five seeds; learning rate, parameters and median CPU seconds on the adding problem."}}
table = {}
for contender in CONTENDERS:
    row = table[contender] = {}
    for task in TASKS:
        scale = trial["always the mean"][task] / 100
        shares = [run["error"] / scale for run in runs(task, contender)]
        row[f"{task}, %"] = median_and_range(shares)
        row[f"rate, {task}"] = runs(task, contender)[0]["rate"]
    row["parameters"] = runs("adding", contender)[0]["parameters"]
    seconds = [run["seconds"] for run in runs("adding", contender)]
    row["CPU s"] = f"{np.median(seconds):.0f}"
pd.DataFrame(table).T

# %% [markdown]
# *The update gate keeps.*[ᶜ](claims.md#update_gate_keeps) In
# {numref}`fig-gru-gates` the layer without it stays on the dashed line of the
# adding problem: 500 training steps did not teach it to carry a number past the
# others. It stayed there in tuning too, at each of seven rates, among them all
# those at which the others learn; so the rate in {numref}`tab-gru-gates` is no
# better than its other rates. (It *did not* learn the task within these steps,
# which is not to say that it cannot; [chapter 4](04_memory_on_trial.ipynb)
# gives plain networks longer.) The three contenders with a gate that keeps
# learn the task, the one without reset gate among them, though with more error
# in the median.
#
# *The reset gate drops.*[ᶜ](claims.md#reset_gate_drops) On running sums all
# four learn. Without reset gate the errors in {numref}`tab-gru-gates` are more
# than twice those with both gates, in the median. The reason may be the one for
# which the task was made: the candidate always sees the old sum, at a marker
# too. But the trial does not show that this task belongs to the reset gate
# alone, since without the update gate the error is about as large, in the
# median a little larger.
#
# *One gate for both* learns both tasks. On the sums its error is about that of
# two gates; on adding it is twice as large in the median, in ranges that
# overlap. That agrees with what Zhou et al. found on their tasks. And it
# suggests that the reason just given is not the only one: where the tied unit
# drops its state, $z = 0$, it has $r = 1$, so that the candidate sees all of
# what it replaces. Nobody would begin anew like that by hand, but training
# found a way.
#
# So the answer, as far as this trial goes: for a long memory the gate that
# keeps was the one to have. The reset gate helped to begin anew, but it need
# not be a gate of its own, since on the sums one for both did as well. But
# these are two synthetic tasks, each made for one gate, at one size and one
# budget; they show what the gates can do, not what they are worth on your data.
# For speech, [Ravanelli et al. (2018)](https://arxiv.org/abs/1803.10225) left
# the reset gate out.
#
# ### Both gates, seen at work
#
# What did the two gates learn? Train a GRU on running sums, in PyTorch or in
# Keras, take its weights to NumPy and read its gates off `gru_forward`.

# %%
x_train, y_train = (
    each.astype("float32") for each in make_running_sums(32 * 400, 30, rng=0)
)
x_fresh, y_fresh = make_running_sums(200, 30, rng=9)

# %% tags=["tab-pytorch"]
# PyTorch
torch.manual_seed(0)
model = StepForecaster(2, 24, bidirectional=False)
model.head = nn.Linear(24, 1)
parts = (torch.tensor(each).split(32) for each in (x_train, y_train))
optimizer = torch.optim.Adam(model.parameters(), 0.01)
fit(
    model,
    list(zip(*parts, strict=True)),
    loss=nn.functional.mse_loss,
    optimizer=optimizer,
    epochs=1,
    clip=1.0,
)
trained = from_torch(model.layer)

# %% tags=["tab-keras"]
# Keras
keras.utils.set_random_seed(0)
keras_model = keras.Sequential(
    [
        keras.Input((30, 2)),
        keras.layers.GRU(24, return_sequences=True),
        keras.layers.Dense(1),
    ]
)
adam = keras.optimizers.Adam(0.01, global_clipnorm=1.0)
keras_model.compile(adam, "mean_squared_error", jit_compile=False)
keras_model.fit(x_train, y_train, batch_size=32, shuffle=False, verbose=0)
trained_by_keras = from_keras(keras_model.layers[0])


# %%
def gates_of(layer):
    params = {name: each.astype(float) for name, each in layer.params.items()}
    _, steps = gru_forward(x_fresh, **params)
    r, z = (np.stack([each[k] for each in steps], axis=1) for k in (2, 3))
    return {"reset": r, "update": z}


is_marker = x_fresh[:, :, 1] == 1
weight, bias = (p.detach().numpy() for p in model.head.parameters())

# %% tags=["within-0.03"]
swings = {}
for library, layer in (("PyTorch", trained), ("Keras", trained_by_keras)):
    for gate, values in gates_of(layer).items():
        at, between = values[is_marker].mean(0), values[~is_marker].mean(0)
        closed = np.median(at), np.median(between)
        swings[library, gate] = closed
        print(
            f"{library:8}{gate:7} {closed[0]:.2f} at markers, "
            f"{closed[1]:.2f} between (median unit)"
        )
assert swings["PyTorch", "reset"][1] - swings["PyTorch", "reset"][0] > 0.1

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gru-gates-at-work", "caption": "Both gates of a trained GRU on running sums that it has not seen: each line is a unit, each panel a gate, over two rows of 30 steps set end to end (the second begins at step 30). Dotted lines mark the markers."}, "image": {"alt": "Two panels over 60 steps. Above, the reset gates of all units: their mean is near 0.4, falls to between 0.1 and 0.2 at the dotted markers and climbs back over some steps. Below, the update gates are spread from 0.1 to 0.95; their mean is near 0.57 and dips to between 0.4 and 0.5 at the markers. At step 30, where the second row begins, the lines jump together."}}
fig, axes = plt.subplots(2, 1, sharex=True, figsize=(6.2, 3.6))
found = gates_of(trained)
for ax, (gate, values) in zip(axes, found.items(), strict=True):
    two_rows = np.concatenate(values[:2])
    ax.plot(two_rows, color=COLORS["blue"], linewidth=0.7, alpha=0.5)
    ax.plot(two_rows.mean(axis=1), color="black", label="mean of all units")
    for step_number in np.flatnonzero(np.concatenate(is_marker[:2])):
        ax.axvline(step_number, color="gray", linewidth=1, linestyle=":")
    ax.set(ylabel=f"{gate} gate", ylim=(-0.02, 1.02))
axes[1].set(xlabel="step")
fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center")
plt.show()

# %% [markdown]
# In {numref}`fig-gru-gates-at-work` the reset gates of nearly all units fall at
# a marker, as in the example by hand, though not to zero, and rise again over
# the steps that follow, though not to one. The update gates dip as well, but
# less, and differ from unit to unit: some keep most of their state, some
# replace most of it. Two trained models are an illustration; what a gate is
# worth, the trial above says.
#
# And what does it cost to load these weights into the other convention? Here
# are the trained weights in a GRU that resets before the product:

# %% tags=["within-0.03"]
wrong = GRU(2, 24, reset_after=False)
params = trained.params
for name in ("W_x", "W_h"):
    wrong.params[name][...] = params[name]
wrong.params["b"][...] = params["b_x"] + params["b_h"]
errors = {
    name: np.mean((each.forward(x_fresh)[0] @ weight.T + bias - y_fresh) ** 2)
    for name, each in (("after, as trained", trained), ("before", wrong))
}
for name, error in errors.items():
    print(f"reset {name}: error {error / y_fresh.var():.2f} of the variance")
assert errors["before"] - errors["after, as trained"] > 0.2 * y_fresh.var()

# %% [markdown]
# No error is raised, since all shapes fit, and the model is not quite useless:
# its error has grown from a hundredth of the variance to nearly half of it.
# That is what such a mistake looks like.
#
# ## LSTM or GRU?
#
# A GRU has three blocks of weights where the LSTM has four, so at equal width
# it is smaller, and a comparison at equal width is a comparison of sizes.
# [Chung et al. (2014)](https://arxiv.org/abs/1412.3555) and [Jozefowicz et al.
# (2015)](https://proceedings.mlr.press/v37/jozefowicz15.html) found no winner
# over all tasks; [chapter 4](04_memory_on_trial.ipynb) tries both at equal
# parameters, each at its own best. One difference needs no trial. A GRU's state
# is a blend and cannot leave $[-1, 1]$, whereas an LSTM's cell can grow by one
# at every step; so an LSTM can count far beyond the lengths of its training
# where a GRU does not ([Weiss et al., 2018](https://arxiv.org/abs/1805.04908)).
#
# The simplification did not end here. Take the old state out of the gates and
# out of the candidate as well, and {eq}`eq-gru-blend` becomes linear in $h$: it
# can then be computed for all steps at once. That is minGRU, and [chapter
# 12](12_recurrence_after_transformers.ipynb) begins with it. The same blend,
# through layers instead of steps, is the *highway* network, a residual
# connection with a gate ([Srivastava et al.,
# 2015](https://arxiv.org/abs/1505.00387)).
#
# Three quarters of the weights need not mean three quarters of the time.
# [Chapter 13](13_speed_and_scale.ipynb) measures both layers, in NumPy and in
# PyTorch.
#
# ## Summary
#
# - A GRU keeps one state, a blend of the old one and a candidate, and the
#   update gate says in which shares.[ᵈ](#one-gate-at-a-time)
# - The reset gate says how much of the state the candidate
#   sees.[ᵈ](#one-gate-at-a-time)
# - The state's gradient is the sum of that of its own output, of the copy's,
#   and of what comes back through candidate and gates; with all terms it is
#   that of central differences.[ⁱ](#every-term)
# - On the adding problem a GRU without its update gate learnt nothing in the
#   steps it was given, and one with it did.[ᶜ](claims.md#update_gate_keeps)
# - On sums that begin anew at markers a GRU without its reset gate erred more
#   than one with both.[ᶜ](claims.md#reset_gate_drops)
# - Whether $z$ keeps or replaces is a matter of names: negate its weights, and
#   the one form becomes the other.[ⁱ](#two-names-for-z)
# - Whether $r$ acts before or after the product makes two models, and for a
#   general $W_{hn}$ no weights translate one into the
#   other.[ᵈ](#two-conventions-for-r-are-two-models)
# - Where $W_{hn}$ is a permutation the gates can move along, and the two models
#   agree.[ⁱ](#permuted-resets-agree)
# - The two biases of the candidate are two parameters; those of a gate act as
#   one.[ⁱ](#two-biases-of-n)
# - NumPy and PyTorch compute the same function and
#   gradient.[ⁱ](#same-numbers-pytorch)
# - So do NumPy and Keras.[ⁱ](#same-numbers-keras)
#
# ## Exercises
#
# ```{exercise-start} Count the weights (*easy*)
# :label: ex-gru-count
# ```
# How many parameters does a GRU with `D` inputs and `H` units have in PyTorch,
# and how many in Keras with `reset_after=False`? Check on `D = 8`, `H = 64`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-count
# :class: dropdown
# ```
# Three blocks, each with `D + H` weights per unit, and two biases or one.

# %%
D, H = 8, 64
in_torch = sum(p.numel() for p in nn.GRU(D, H).parameters())
in_keras = keras.layers.GRU(H, reset_after=False)
in_keras.build((None, None, D))
assert in_torch == 3 * H * (D + H + 2)
assert in_keras.count_params() == 3 * H * (D + H + 1)
print("PyTorch:", in_torch, "  Keras:", in_keras.count_params())

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Freeze the state (*easy*)
# :label: ex-gru-freeze
# ```
# Choose parameters with which a GRU returns its initial state whatever its
# inputs are, and others with which it is a network without memory.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-freeze
# :class: dropdown
# ```
# With $z = 1$ the state is copied; with $z = 0$ and $r = 0$ it is
# $\tanh(x_t W_{xn} + b_{xn})$. Large biases make the gates so, once $W_{hz}$,
# $W_{xz}$, $W_{hr}$ and $W_{xr}$ are zero.

# %%
sequences = np.random.default_rng(7).normal(size=(2, 6, 3))
frozen, forgetful = GRU(3, 4), GRU(3, 4)
for layer, b_r, b_z in ((frozen, 0, 40), (forgetful, -800, -800)):
    layer.params["W_x"][:, :8] = layer.params["W_h"][:, :8] = 0
    layer.params["b_x"][:8] = np.repeat([b_r, b_z], 4)
    layer.params["b_h"][:8] = 0

# %%
start, other = np.random.default_rng(1).normal(size=(2, 2, 4))
assert np.allclose(frozen.forward(sequences, start)[1], start)
with_one, with_other = (
    forgetful.forward(sequences, state)[0] for state in (start, other)
)
assert np.allclose(with_one, with_other)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Write a GRU cell (*medium*)
# :label: ex-gru-cell
# ```
# Write `cell(x, h, W_x, W_h, b_x, b_h)` for a batch, which returns the next
# state, and run `check_gru_cell(cell)`. Either position of the reset gate and
# either meaning of $z$ will do; the checker says which you wrote, or which
# mistake you made.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-cell
# :class: dropdown
# ```


# %%
def cell(x, h, W_x, W_h, b_x, b_h):
    r_x, z_x, n_x = np.split(x @ W_x + b_x, 3, axis=1)
    r_h, z_h, n_h = np.split(h @ W_h + b_h, 3, axis=1)
    z = sigmoid(z_x + z_h)
    return z * h + (1 - z) * np.tanh(n_x + sigmoid(r_x + r_h) * n_h)


_ = check_gru_cell(cell)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the bug (*medium*)
# :label: ex-gru-bug
# ```
# Two colleagues wrote cells that run, and even learn. What is wrong with each?
# Say it before you ask the checker.
#
#     n = np.tanh(r * (x @ W_xn + b_xn + h @ W_hn + b_hn))   # the first
#     n = np.tanh(x @ W_xn + b_xn + h @ W_hn + b_hn)         # the second
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-bug
# :class: dropdown
# ```
# In the first a closed reset gate hides the input as well, so that the unit
# cannot begin anew with what it reads. In the second the reset gate is missing.


# %%
def colleague(candidate):
    def cell(x, h, W_x, W_h, b_x, b_h):
        r_x, z_x, n_x = np.split(x @ W_x + b_x, 3, axis=1)
        r_h, z_h, n_h = np.split(h @ W_h + b_h, 3, axis=1)
        z = sigmoid(z_x + z_h)
        n = candidate(sigmoid(r_x + r_h), n_x, n_h)
        return z * h + (1 - z) * n

    return cell


_ = check_gru_cell(colleague(lambda r, n_x, n_h: np.tanh(r * (n_x + n_h))))
_ = check_gru_cell(colleague(lambda r, n_x, n_h: np.tanh(n_x + n_h)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Set the half-life in PyTorch (*medium*)
# :label: ex-gru-bias
# ```
# Give an `nn.GRU` a gradient with a half-life of 20 steps on its copying path,
# and measure it with autograd on random inputs.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-bias
# :class: dropdown
# ```
# $\sigma(b_z)^{20} = \tfrac12$ gives $b_z = -\ln(2^{1/20} - 1)$, in one of the
# two biases. The measured half-life is a little off, for the inputs move the
# gate and $W_h$ adds paths.

# %% tags=["rtol-0.05"]
# no comparison: one half-life, measured in float32
torch.manual_seed(0)
half = nn.GRU(8, 32, batch_first=True)
with torch.no_grad():
    half.bias_ih_l0[32:64] = -np.log(2 ** (1 / 20) - 1)
    half.bias_hh_l0[32:64] = 0
inputs = torch.randn(32, 100, 8, requires_grad=True)
half(inputs)[0][:, -1].sum().backward()
norms = inputs.grad.norm(dim=2).mean(0).flip(0).numpy()
print(f"half-life measured: {half_life(norms):.1f} steps")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the bug in the training loop (*medium*)
# :label: ex-gru-loop
# ```
# Two more colleagues train the `StepForecaster` from above on the running sums.
# Each loop has one fault. Predict for each what becomes of the error: does it
# fall, stay or jump? Then run both beside the mended loop.
#
#     for x, y in batches:                      # the first
#         loss = mse_loss(model(x), y)
#         loss.backward()
#         optimizer.zero_grad()
#         optimizer.step()
#
#     optimizer.zero_grad()                     # the second
#     for x, y in batches:
#         loss = mse_loss(model(x), y)
#         loss.backward()
#         optimizer.step()
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-loop
# :class: dropdown
# ```
# The first throws every gradient away before it is used, and the optimizer
# finds none to step along: the error stays where it was. The second never
# throws one away: each step follows the sum of all gradients so far, so that
# old ones, of weights that have long moved on, outvote the new. It goes past
# the valley and on, and ends worse than always answering the mean.


# %%
def errors_of(zero_when, batches, seed=0):
    torch.manual_seed(seed)
    model = StepForecaster(2, 24, bidirectional=False)
    model.head = nn.Linear(24, 1)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for x, y in batches:
        if zero_when == "before":
            optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        if zero_when == "between":
            optimizer.zero_grad()
        optimizer.step()
        yield loss.item()


# %% tags=["within-0.03"]
parts = (torch.tensor(each).split(32) for each in (x_train, y_train))
batches = list(zip(*parts, strict=True))[:200]
last = {}
for zero_when in ("before", "between", "never"):
    errors = list(errors_of(zero_when, batches))
    last[zero_when] = np.mean(errors[-20:]) / y_train.var()
for zero_when in ("before", "between"):
    print(f"zeroed {zero_when:7} {last[zero_when]:.2f} of the variance")
assert last["before"] < 0.3 < 0.8 < last["between"]
assert last["never"] > 1.2
print("never zeroed   over 1.2 of it")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} When do the two reset gates agree? (*hard*)
# :label: ex-gru-agree
# ```
# Find all $W_{hn}$ with which the GRU computes the same, with the *same* gates,
# before and after the product. A GRU of one unit: is it always of this kind?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-agree
# :class: dropdown
# ```
# $(r \odot h) W = r \odot (h W)$ for all $r$ and $h$ means $r_i W_{ij} = W_{ij}
# r_j$: every $W_{ij}$ with $i \neq j$ is zero. So $W_{hn}$ is diagonal, and
# $b_{hn} = 0$. A single unit's $W_{hn}$ is one number, so it is of this kind if
# its $b_{hn}$ is zero, as in the lab above.

# %%
diagonal = np.diag(np.random.default_rng(9).normal(size=4))
after, before = GRU(3, 4, rng=7), GRU(3, 4, rng=7, reset_after=False)
for name in ("W_x", "W_h"):
    before.params[name][...] = after.params[name]
after.params["W_h"][:, 8:] = before.params["W_h"][:, 8:] = diagonal
before.params["b"][...], after.params["b_h"][...] = after.params["b_x"], 0
gap = np.abs(after.forward(sequences)[0] - before.forward(sequences)[0]).max()
assert gap < 1e-14

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Your own series (*medium*)
# :label: ex-gru-series
# ```
# Take a series of your own, one number a step, in time's order (the solution
# takes the yearly sunspots). Train a GRU to predict the next number from a
# window of past ones, with three seeds. Put two forecasters beside it: the last
# value, and a linear model of the same window, fitted to the *same* training
# windows. Compare on the same test steps. Which sentence do three seeds and one
# test part allow?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-series
# :class: dropdown
# ```

# %%
data = sunspot_windows()
parts = {
    name: torch.tensor(getattr(data, name), dtype=torch.float32)
    for name in ("x_train", "y_train", "x_valid", "y_valid", "x_test")
}


def forecast(seed):
    torch.manual_seed(seed)
    gru = ManyToOne(nn.GRU, 1, 16, 1, num_layers=1, dropout=0.0)
    train = (parts["x_train"], parts["y_train"][:, None])
    valid = (parts["x_valid"], parts["y_valid"][:, None])
    optimizer = torch.optim.Adam(gru.parameters(), 0.01)
    means = {"loss": nn.functional.mse_loss, "optimizer": optimizer}
    fit(gru, [train] * 10, [valid], **means, epochs=25, patience=8)
    with torch.no_grad():
        return gru(parts["x_test"])[:, 0].numpy()


# %%
def windows(x):
    return np.hstack([x[:, :, 0], np.ones((len(x), 1))])


solution, *_ = np.linalg.lstsq(windows(data.x_train), data.y_train)
forecasts = {f"GRU, seed {seed}": forecast(seed) for seed in range(3)}
forecasts["linear, 23 coefficients"] = windows(data.x_test) @ solution
forecasts["last year"] = data.x_test[:, -1, 0]

# %% tags=["rtol-0.1"]
observed = data.sunspots(data.y_test)
rmse = {
    name: np.sqrt(np.mean((data.sunspots(each) - observed) ** 2))
    for name, each in forecasts.items()
}
for name, error in rmse.items():
    print(f"{name:24} RMSE {error:.0f} sunspots")
assert rmse["last year"] > 1.2 * rmse["linear, 23 coefficients"]

# %% [markdown]
# They allow this one: repeating last year is worse than a linear model of the
# window, on these years. Whether the GRU or the linear model forecasts sunspots
# better, a few sunspots of difference on 79 years and one untuned learning rate
# do not say.
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Cho et al. (2014)](https://arxiv.org/abs/1406.1078): the unit, in the paper
#   that also gave the encoder–decoder; compare its versions to see the reset
#   gate move.
# - [Chung et al. (2014)](https://arxiv.org/abs/1412.3555): an early comparison
#   of LSTM and GRU, and the other convention for $z$.
# - [Ravanelli et al. (2018)](https://arxiv.org/abs/1803.10225): why one might
#   leave the reset gate out, for speech.
# - [Weiss et al. (2018)](https://arxiv.org/abs/1805.04908): what an LSTM can
#   count and a GRU cannot.
#
# Before: [LSTM](02_lstm.ipynb). Next: [Memory on
# trial](04_memory_on_trial.ipynb), where RNN, LSTM and GRU compete for memory.
