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
# The [LSTM](02_lstm.ipynb) keeps two states and three gates. Which of them does
# a long memory need? The gated recurrent unit gets by with one state and two
# gates, and comes in four versions that are easily mistaken for one another.
#
# At the end you will be able to
#
# - write one step of a GRU, its fused form and its backward pass, and check
#   them;
# - set how far its gradient reaches through the bias of the update gate;
# - tell which published versions are one model under two names and which are
#   two models;
# - carry the weights between NumPy, PyTorch and Keras;
# - train a stack of GRUs on a real series and judge it against a linear model.

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
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
from utils.data.samples import load_sunspots, sunspot_windows
from utils.exercises import check_gru_cell
from utils.figures.charts import layer_speed, plot_layer_speed
from utils.figures.diagrams import gru_cell
from utils.figures.style import COLORS, use_book_style
from utils.labs import gru_cell_lab
from utils.models.keras import many_to_one
from utils.models.pytorch import ManyToOne, initialise_as_keras
from utils.notebook import load_results, show_source
from utils.scratch import GRU, LSTM, RNN
from utils.scratch.gradcheck import numerical_gradient, relative_error
from utils.scratch.reach import gradient_by_lag
from utils.training import fit, keep_keras_on_cpu
from utils.weights import from_keras, from_torch, to_keras, to_torch

keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## The problem, measured
#
# The same measurement as in [chapter 02](02_lstm.ipynb): random inputs, the
# gradient of the last output alone, and what is left of it at the input $k$
# steps earlier. The GRU's number that matters is the bias $b_z$ of its update
# gate.

# %%
HIDDEN = 32
UPDATE = slice(HIDDEN, 2 * HIDDEN)  # the gates stand in the order r, z, n


def gru_with_update_bias(bias):
    layer = GRU(8, HIDDEN, rng=1)
    layer.params["b_x"][UPDATE] = bias
    layer.params["b_h"][UPDATE] = 0
    return layer


# %%
noise = np.random.default_rng(2).normal(size=(32, 200, 8))
biases = [0.0, 1.0, 3.0, 5.0]
reach = {
    bias: gradient_by_lag(gru_with_update_bias(bias), noise)[:100]
    for bias in biases
}
reach_rnn = gradient_by_lag(RNN(8, HIDDEN, rng=1), noise)[:100]
lstm = LSTM(8, HIDDEN, rng=1)
lstm.params["b"][HIDDEN : 2 * HIDDEN] = 1
reach_lstm = gradient_by_lag(lstm, noise)[:100]

# %% mystnb={"image": {"alt": "Gradient left against the lag on a logarithmic scale for a plain RNN, an LSTM with forget bias 1, and GRUs with update biases 0, 1, 3 and 5. Each GRU runs close to its dashed line of theory; the larger the bias, the flatter."}}
fig, ax = plt.subplots()
lags = np.arange(100)
ax.semilogy(reach_rnn, color="black", label="RNN")
ax.semilogy(reach_lstm, color="gray", label="LSTM, bias 1")
for (bias, norms), color in zip(reach.items(), COLORS.values(), strict=False):
    ax.semilogy(norms, color=color, label=f"GRU, bias {bias:g}")
    gate = 1 / (1 + np.exp(-bias))
    ax.semilogy(lags, gate**lags, "--", color=color, linewidth=1)
    ax.plot(np.log(2) / -np.log(gate), 0.5, "o", color=color)
ax.set(xlabel="lag k, in steps", ylabel="share of the gradient left")
ax.set(xlim=(0, 100), ylim=(1e-12, 3))
ax.set_title("Figure 1. The update bias sets the reach")
fig.legend(loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
# The GRU with bias 0 loses its gradient about as fast as the RNN does; each
# larger bias flattens the line. The dashed lines are $\sigma(b_z)^k$, the path
# on which the state is simply copied, and the dots their half-lives. The
# measured lines stay close to them when the bias is 3 or 5.


# %%
def half_life(norms):
    slope, _ = np.polyfit(np.arange(5, 60), np.log(norms[5:60]), 1)
    return np.log(2) / -slope


gate = 1 / (1 + np.exp(-np.array(biases)))
table = pd.DataFrame(
    index=pd.Index([f"{bias:g}" for bias in biases], name="update bias")
)
table["half-life in steps, theory"] = np.log(2) / -np.log(gate)
table["measured"] = [half_life(norms) for norms in reach.values()]
table.round(1)

# %% [markdown]
# ## One gate at a time
#
# [Cho et al. (2014)](https://arxiv.org/abs/1406.1078) proposed the unit. Its
# state $h_t$ is memory and output in one.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-gru-cell", "caption": "One step of a GRU: the state runs along the top, the candidate is made below it."}}
gru_cell(reset="after")

# %% [markdown]
# Follow $h$ along the top of {numref}`fig-gru-cell`: one product, with $z_t$,
# and one sum per step, as for the LSTM's cell. The reset gate $r_t$ acts on a
# side path, where it scales what the old state sends to the candidate. We build
# one step for one input row.

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
    return (1 + np.tanh(a / 2)) / 2


def from_x(gate):
    return x @ W_x[gate] + b_x[gate]


def from_h(gate):
    return h_before @ W_h[gate] + b_h[gate]


# %% [markdown]
# The **reset gate** says how much of the old state the candidate may see:
#
# $$
# r_t = \sigma(x_t W_{xr} + b_{xr} + h_{t-1} W_{hr} + b_{hr})
# $$ (eq-gru-reset)

# %%
r = sigmoid(from_x("r") + from_h("r"))

# %% [markdown]
# The **update gate** says what share of the old state stays:
#
# $$
# z_t = \sigma(x_t W_{xz} + b_{xz} + h_{t-1} W_{hz} + b_{hz})
# $$ (eq-gru-update)

# %%
z = sigmoid(from_x("z") + from_h("z"))

# %% [markdown]
# The **candidate** is the new value; with $r = 0$ it depends on the input
# alone:
#
# $$
# n_t = \tanh\big(x_t W_{xn} + b_{xn} + r_t \odot (h_{t-1} W_{hn} + b_{hn})\big)
# $$ (eq-gru-candidate)

# %%
n = np.tanh(from_x("n") + r * from_h("n"))

# %% [markdown]
# The new **state** lies between the two, for what enters is what leaves room:
#
# $$
# h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t
# $$ (eq-gru-state)

# %%
h = z * h_before + (1 - z) * n
assert h.shape == (H,)

# %% [markdown]
# Fused, the three input products are one, and so are the three recurrent ones:

# %%
ORDER = "rzn"
W_x_fused, W_h_fused = (
    np.hstack([W[gate] for gate in ORDER]) for W in (W_x, W_h)
)
b_x_fused, b_h_fused = (
    np.hstack([b[gate] for gate in ORDER]) for b in (b_x, b_h)
)
gates_h = h_before @ W_h_fused + b_h_fused
np.testing.assert_allclose(gates_h, np.hstack([from_h(gate) for gate in ORDER]))

# %% [markdown]
# The layer takes all of $x W_x$ in one product before its loop and pays for the
# recurrent part alone at each step:

# %%
show_source(GRU.forward)

# %%
layer = GRU(D, H)
fused = {"W_x": W_x_fused, "W_h": W_h_fused, "b_x": b_x_fused, "b_h": b_h_fused}
for name, value in fused.items():
    layer.params[name][...] = value
_, h_layer = layer.forward(x[None, None], h_before[None])
np.testing.assert_allclose(h_layer[0], h)

# %% [markdown]
# With our weights the layer took our step. Now take the place of the network:
# set the gates of one unit and take steps. Its history wrote a value, kept it,
# let three blends pull it down and kept it again.

# %%
gru_cell_lab()

# %% [markdown]
# There is no gate between memory and output: whatever the unit keeps, it shows.
# And it cannot add without giving up: press *Write* and take steps, and $h$
# approaches the candidate and stays in $[-1, 1]$, where an LSTM's cell would
# grow.
#
# ## Two conventions for z are one model
#
# {eq}`eq-gru-state` is how Cho et al., PyTorch and Keras write it. [Chung et
# al. (2014)](https://arxiv.org/abs/1412.3555) exchange the roles,
# $h_t = (1 - z_t) \odot h_{t-1} + z_t \odot n_t$. Since
# $1 - \sigma(a) = \sigma(-a)$, a model of one kind becomes one of the other
# when the weights and biases of $z$ change their sign:


# %%
def step(x, h, params, keeps=True):
    """Take one step; `keeps` says whether z is the share that stays or the
    share that enters."""
    a_x, a_h = (
        x @ params["W_x"] + params["b_x"],
        h @ params["W_h"] + params["b_h"],
    )
    (r_x, z_x, n_x), (r_h, z_h, n_h) = (
        np.split(a_x, 3, axis=-1),
        np.split(a_h, 3, axis=-1),
    )
    z = sigmoid(z_x + z_h)
    n = np.tanh(n_x + sigmoid(r_x + r_h) * n_h)
    return z * h + (1 - z) * n if keeps else (1 - z) * h + z * n


# %%
negated = {name: value.copy() for name, value in fused.items()}
for value in negated.values():
    value[..., H : 2 * H] *= -1
np.testing.assert_allclose(step(x, h_before, fused), h)
np.testing.assert_allclose(step(x, h_before, negated, keeps=False), h)

# %% [markdown]
# One model, two names: whoever loads weights across the two must negate, and a
# bias that helps one (large $b_z$) harms the other.
#
# ## Two conventions for r are two models
#
# The reset gate can act after the product with $W_{hn}$, as above, or before
# it:
#
# $$
# n_t = \tanh\big(x_t W_{xn} + b_n + (r_t \odot h_{t-1}) W_{hn}\big)
# $$ (eq-gru-before)
#
# The paper's first version and NVIDIA's kernels reset after the product, its
# third version before ([Keras's
# documentation](https://keras.io/api/layers/recurrent_layers/gru/) names both).
# PyTorch has "after" only; Keras has both and defaults to "after". The same
# weights give different outputs:

# %%
after, before = GRU(3, 4, rng=7), GRU(3, 4, rng=7, reset_after=False)
for name in ("W_x", "W_h"):
    before.params[name][...] = after.params[name]
before.params["b"][...], after.params["b_h"][...] = after.params["b_x"], 0
sequence = np.random.default_rng(8).normal(size=(1, 20, 3))
difference = np.abs(
    after.forward(sequence)[0] - before.forward(sequence)[0]
).max()
print(f"largest difference between the outputs: {difference:.3f}")

# %% [markdown]
# Could other weights make them equal, as with $z$? No. The candidate sees the
# old state through $\operatorname{diag}(r) W$ if the gate acts before and
# through $W \operatorname{diag}(r)$ if after. Take two moments with gates $r_1$
# and $r_2$ and compare the two matrices $M_1 M_2^{-1}$:

# %%
W = rng.normal(size=(3, 3))
r_1, r_2 = rng.uniform(0.1, 0.9, size=(2, 3))
matrices = {
    "before": (np.diag(r_1) @ W, np.diag(r_2) @ W),
    "after": (W @ np.diag(r_1), W @ np.diag(r_2)),
}
for name, (first, second) in matrices.items():
    print(name, (first @ np.linalg.inv(second)).round(2) + 0.0, sep="\n")

# %% [markdown]
# Before, the quotient is $\operatorname{diag}(r_1 / r_2)$ whatever the weights;
# after, it is $W \operatorname{diag}(r_1 / r_2) W^{-1}$, which is diagonal only
# if $W$ is ({ref}`exercise 5 <ex-gru-agree>`). So no choice of weights turns
# one into the other. Both learn; only mixing them up, by loading the weights of
# one into the other, does harm.

# %% [markdown]
# ## The backward pass
#
# Let $\delta h_t = \partial L/\partial h_t$ collect everything from later, and
# $m_t = h_{t-1} W_{hn} + b_{hn}$. By the product rule on {eq}`eq-gru-state` and
# {eq}`eq-gru-candidate`,
#
# $$
# \begin{aligned}
# \delta z_t &= \delta h_t \odot (h_{t-1} - n_t), &
# \delta n_t &= \delta h_t \odot (1 - z_t) \odot (1 - n_t^2), \\
# \delta r_t &= \delta n_t \odot m_t, &
# \delta m_t &= \delta n_t \odot r_t,
# \end{aligned}
# $$ (eq-gru-backward-gates)
#
# where $\delta n_t$ has passed tanh already. With
# $\sigma' = \sigma(1 - \sigma)$ for both gates, the fused rows before squashing
# receive $\delta a^x = (\delta r', \delta z', \delta n)$ from the side of the
# input and $\delta a^h = (\delta r', \delta z', \delta m)$ from the side of the
# state, and
#
# $$
# \delta h_{t-1} = \delta h_t \odot z_t + \delta a^h_t W_h^\top, \qquad
# \delta x_t = \delta a^x_t W_x^\top .
# $$ (eq-gru-backward-state)
#
# The first term is the copying path: along it alone,
# $\partial h_T / \partial h_{T-k} = \operatorname{diag}(\prod_j z_{T-j})$,
# which is where figure 1's dashed lines come from. One step for
# $L = \sum_j h_{t,j}$:

# %%
d_h, m = np.ones(H), from_h("n")
d_z = d_h * (h_before - n) * z * (1 - z)
d_n = d_h * (1 - z) * (1 - n**2)
d_r, d_m = d_n * m * r * (1 - r), d_n * r
d_h_before = d_h * z + np.concatenate([d_r, d_z, d_m]) @ W_h_fused.T
d_x = np.concatenate([d_r, d_z, d_n]) @ W_x_fused.T


# %%
def loss():
    return step(x, h_before, fused).sum()


np.testing.assert_allclose(
    d_h_before, numerical_gradient(loss, h_before), atol=1e-8
)
np.testing.assert_allclose(d_x, numerical_gradient(loss, x), atol=1e-8)

# %% [markdown]
# The layer repeats this from the last step to the first, for either position of
# the reset gate:

# %%
show_source(GRU.backward)

# %% [markdown]
# Checked for both over two sequences of six steps:

# %%
sequences = np.random.default_rng(7).normal(size=(2, 6, 3))
weights = np.random.default_rng(6).normal(size=(2, 6, 4))


def weighted_sum(layer):
    return (weights * layer.forward(sequences)[0]).sum()


for layer in (after, before):
    weighted_sum(layer)
    grads = layer.backward(weights)
    for name, value in layer.params.items():
        numerical = numerical_gradient(partial(weighted_sum, layer), value)
        assert relative_error(grads.params[name], numerical) < 1e-7
    print(
        f"reset_after={layer.reset_after}: {', '.join(layer.params)} agree "
        "to 7 digits"
    )

# %% [markdown]
# ## Gate orders, and two biases that are not one
#
# | | order | biases |
# |-|-|-|
# | `utils.scratch.GRU`, [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html) | r, z, n | two |
# | [Keras](https://keras.io/api/layers/recurrent_layers/gru/) | z, r, h, where h is our n | two if `reset_after`, else one |
# | [ONNX](https://onnx.ai/onnx/operators/onnx__GRU.html) | z, r, h | two; `linear_before_reset=1` is "after" |
#
# In an LSTM, PyTorch's second bias is redundant. Here it is for $r$ and $z$,
# which see only the sum of the two, but not for $n$: $b_{hn}$ stands inside the
# product with $r$. Move 0.5 from one bias to the other:

# %%
unmoved, _ = GRU(3, 4, rng=7).forward(sequence)
for gate, columns in {
    "r": slice(0, 4),
    "z": slice(4, 8),
    "n": slice(8, 12),
}.items():
    moved = GRU(3, 4, rng=7)
    moved.params["b_x"][columns] += 0.5
    moved.params["b_h"][columns] -= 0.5
    same = np.allclose(moved.forward(sequence)[0], unmoved)
    print(f"moved between the biases of {gate}: same outputs {same}")

# %% [markdown]
# Hence the trap of the LSTM's forget bias waits here as well: set $b_z$ in one
# of the two, not in both.
#
# ## One model, three implementations
#
# The NumPy layer hands its weights to PyTorch and to Keras; outputs, states and
# gradients must agree to rounding in float64.

# %%
layer = GRU(5, 7, rng=3)
x_batch = np.random.default_rng(4).normal(size=(3, 11, 5))
outputs, h_last = layer.forward(x_batch)
d_outputs = np.random.default_rng(5).normal(size=outputs.shape)
grads = layer.backward(d_outputs)

# %% tags=["tab-pytorch"]
# PyTorch
module = to_torch(layer)
x_torch = torch.tensor(x_batch, requires_grad=True)
torch_outputs, h_n = module(x_torch)
torch_outputs.backward(torch.tensor(d_outputs))
np.testing.assert_allclose(torch_outputs.detach(), outputs, atol=1e-12)
np.testing.assert_allclose(h_n[0].detach(), h_last, atol=1e-12)
np.testing.assert_allclose(x_torch.grad, grads.x, atol=1e-12)
np.testing.assert_allclose(
    module.weight_ih_l0.grad.T, grads.params["W_x"], atol=1e-12
)
np.testing.assert_allclose(
    module.weight_hh_l0.grad.T, grads.params["W_h"], atol=1e-12
)
np.testing.assert_allclose(
    module.bias_ih_l0.grad, grads.params["b_x"], atol=1e-12
)
np.testing.assert_allclose(
    module.bias_hh_l0.grad, grads.params["b_h"], atol=1e-12
)

# %% tags=["tab-keras"]
# Keras
keras_layer = to_keras(layer, return_state=True)
x_keras = tf.Variable(x_batch)
with tf.GradientTape() as tape:
    keras_outputs, keras_h = keras_layer(x_keras)
    weighted = tf.reduce_sum(keras_outputs * d_outputs)
sources = [x_keras, *(weight.value for weight in keras_layer.trainable_weights)]
d_x_keras, d_kernel, d_recurrent, d_bias = tape.gradient(weighted, sources)
z_r_h = np.r_[7:14, 0:7, 14:21]  # Keras's order, as columns of ours
np.testing.assert_allclose(keras_outputs, outputs, atol=1e-12)
np.testing.assert_allclose(keras_h, h_last, atol=1e-12)
np.testing.assert_allclose(d_x_keras, grads.x, atol=1e-12)
np.testing.assert_allclose(d_kernel, grads.params["W_x"][:, z_r_h], atol=1e-12)
np.testing.assert_allclose(
    d_recurrent, grads.params["W_h"][:, z_r_h], atol=1e-12
)
np.testing.assert_allclose(d_bias[0], grads.params["b_x"][z_r_h], atol=1e-12)
np.testing.assert_allclose(d_bias[1], grads.params["b_h"][z_r_h], atol=1e-12)

# %% [markdown]
# The layer with the reset gate before the product has a twin in Keras and none
# in PyTorch:

# %%
twin = to_keras(before)
np.testing.assert_allclose(
    twin(sequence), before.forward(sequence)[0], atol=1e-12
)
try:
    to_torch(before)
except ValueError as error:
    print(error)

# %% [markdown]
# ### By hand in PyTorch
#
# The fused cell in six lines, equal to `nn.GRU` forward and backward. Exchange
# two of them and you have the version that PyTorch lacks.


# %%
def gru_step(x, h, W_ih, W_hh, b_ih, b_hh):
    r_x, z_x, n_x = (x @ W_ih.T + b_ih).chunk(3, dim=-1)
    r_h, z_h, n_h = (h @ W_hh.T + b_hh).chunk(3, dim=-1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    return z * h + (1 - z) * n


def gru_by_hand(module, x):
    h, outputs = x.new_zeros(x.shape[0], module.hidden_size), []
    weights = (
        module.weight_ih_l0,
        module.weight_hh_l0,
        module.bias_ih_l0,
        module.bias_hh_l0,
    )
    for x_t in x.unbind(1):
        h = gru_step(x_t, h, *weights)
        outputs.append(h)
    return torch.stack(outputs, 1)


# %%
x_by_hand = torch.tensor(x_batch, requires_grad=True)
by_hand = gru_by_hand(module, x_by_hand)
by_hand.backward(torch.tensor(d_outputs))
np.testing.assert_allclose(by_hand.detach(), torch_outputs.detach(), atol=1e-12)
np.testing.assert_allclose(x_by_hand.grad, x_torch.grad, atol=1e-12)

# %% [markdown]
# ### Shapes
#
# `nn.GRU` returns what [`nn.LSTM`](02_lstm.ipynb) does, less the cell:
# `outputs` of the last layer at every step, `h_n` of every layer at the last.
# Its `dropout=` skips the last layer in the same way.

# %%
stack = nn.GRU(
    input_size=8, hidden_size=64, num_layers=2, dropout=0.5, batch_first=True
)
stack_outputs, h_n = stack(torch.randn(32, 10, 8))
assert stack_outputs.shape == (32, 10, 64)
assert h_n.shape == (2, 32, 64)
assert torch.equal(h_n[-1], stack_outputs[:, -1])

# %% [markdown]
# ## A real series
#
# The yearly number of sunspots since 1700 (US National Geophysical Data Center,
# public domain, inside
# [statsmodels](https://www.statsmodels.org/stable/datasets/generated/sunspots.html))
# rises and falls in cycles of about eleven years. From 22 years, predict the
# next. The networks see square roots, scaled on the years before 1930; years
# from 1890 stop the training, and years from 1930 are the test.

# %%
data = sunspot_windows()
print(
    "train, validation, test:",
    len(data.y_train),
    len(data.y_valid),
    len(data.y_test),
)

# %% [markdown]
# Two stacks, as in chapter 02, with one output:

# %% tags=["tab-pytorch"]
# PyTorch
torch.manual_seed(0)
model = ManyToOne(nn.GRU, input_size=1, hidden_size=32, outputs=1)
names = ("x_train", "x_valid", "x_test", "y_train", "y_valid")
tensors = {
    name: torch.tensor(getattr(data, name), dtype=torch.float32)
    for name in names
}
train = TensorDataset(tensors["x_train"], tensors["y_train"][:, None])
history = fit(
    model,
    DataLoader(train, batch_size=32, shuffle=True),
    [(tensors["x_valid"], tensors["y_valid"][:, None])],
    loss=nn.functional.mse_loss,
    optimizer=torch.optim.Adam(model.parameters(), 3e-3),
    epochs=60,
    patience=15,
)

# %% tags=["tab-keras"]
# Keras
keras.utils.set_random_seed(0)
keras_model = many_to_one(keras.layers.GRU, time=22, input_size=1, outputs=1)
keras_model.compile(
    keras.optimizers.Adam(3e-3), "mean_squared_error", jit_compile=False
)
_ = keras_model.fit(
    data.x_train,
    data.y_train,
    batch_size=32,
    epochs=20,
    verbose=0,
    validation_data=(data.x_valid, data.y_valid),
)

# %% [markdown]
# Taken apart and run layer by layer in NumPy, each stack gives what its
# framework gives:

# %% tags=["tab-pytorch"]
# PyTorch
states = tensors["x_test"].numpy()
for number in range(2):
    states, _ = from_torch(model.recurrent, layer=number).forward(states)
weight, bias = (
    parameter.detach().numpy() for parameter in model.head.parameters()
)
predictions = states[:, -1] @ weight.T + bias
with torch.no_grad():
    np.testing.assert_allclose(model(tensors["x_test"]), predictions, atol=1e-4)

# %% tags=["tab-keras"]
# Keras
first, _, second, dense = keras_model.layers
states, _ = from_keras(first).forward(data.x_test.astype(np.float32))
states, _ = from_keras(second).forward(states)
kernel, bias = dense.get_weights()
keras_predictions = keras_model.predict(data.x_test, verbose=0)
np.testing.assert_allclose(
    keras_predictions, states[:, -1] @ kernel + bias, atol=1e-4
)

# %% mystnb={"image": {"alt": "Sunspots from 1930 to 2008 and the GRU's forecast one year ahead, which follows the cycles and falls short of the highest peaks."}}
years, sunspots = load_sunspots()
test_years = years[years >= data.first_test_year]
fig, ax = plt.subplots()
ax.plot(
    test_years, sunspots[-len(test_years) :], color="black", label="observed"
)
ax.plot(
    test_years, data.sunspots(predictions[:, 0]), label="GRU, one year ahead"
)
ax.set(xlabel="year", ylabel="sunspots", ylim=(0, None))
ax.set_title("Figure 2. The GRU follows the cycles")
ax.legend()
plt.show()

# %% [markdown]
# The forecast turns with the series and falls short of the highest peaks. Is
# that good? `benchmarks/sunspots.py` trained every stack with five seeds, and
# put beside them last year's value and a linear autoregression on the last nine
# years, which has ten coefficients. Root mean squared errors over the test
# years, in sunspots:

# %%
recorded = load_results("sunspots")["results"]
scores = recorded["rmse"] | {
    name: [error] for name, error in recorded["baselines"].items()
}
rows = {
    name: (np.mean(each), min(each), max(each)) for name, each in scores.items()
}
pd.DataFrame(rows, index=["mean RMSE", "lowest", "highest"]).T.round(1)

# %% [markdown]
# Repeating last year loses to everything. PyTorch's stacks, as PyTorch
# initialises them, lose to the ten coefficients in every run; Keras's GRU does
# not. The framework cannot be the reason, for both compute one function. The
# initial weights are most of it: PyTorch draws them all from one uniform
# distribution, Keras makes the recurrent ones orthogonal. With Keras's initial
# values PyTorch's stack comes level with the linear model:

# %%
show_source(initialise_as_keras)

# %% [markdown]
# What is left between that and Keras's wider stack we have not traced. On 79
# years neither lead is worth much: the first thing to try on a short, regular
# series is still the linear model, and the second is the initialisation
# ([chapter 04](04_memory_on_trial.ipynb) puts it on trial).
#
# ## What the gates do
#
# The update gates of the first layer, while it reads the whole series from 1700
# on:


# %%
def update_gates(layer, x):
    outputs, _ = layer.forward(x)
    before = np.pad(outputs, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    params = layer.params
    a = (
        x @ params["W_x"]
        + params["b_x"]
        + before @ params["W_h"]
        + params["b_h"]
    )
    return sigmoid(np.split(a, 3, axis=-1)[1])


series = ((np.sqrt(sunspots) - data.mean) / data.std).astype(np.float32)
gates = update_gates(
    from_torch(model.recurrent, layer=0), series[None, :, None]
)[0]

# %% mystnb={"image": {"alt": "Above, sunspots from 1900 to 2008; below, the mean update gate and those of the two units that move most, which swing with the cycle."}}
moving = gates.std(axis=0).argsort()[-2:]
fig, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.2, 4.4))
above.plot(years[200:], sunspots[200:], color="black")
above.set(
    ylabel="sunspots", title="Figure 3. Update gates swing with the solar cycle"
)
for unit in moving:
    below.plot(years[200:], gates[200:, unit], label=f"unit {unit}")
below.plot(
    years[200:],
    gates[200:].mean(axis=1),
    "--",
    color="black",
    label="mean of all",
)
below.set(xlabel="year", ylabel="update gate", ylim=(0, 1))
below.legend(ncols=3)
plt.show()

# %% [markdown]
# Both units keep more of their state at the maximum of a cycle and let more in
# at the minimum, where the next rise is decided; the mean over all units hides
# it. Their gates' correlation with the series:

# %%
correlations = [np.corrcoef(gates[:, unit], series)[0, 1] for unit in moving]
print("both above 0.5:", min(correlations) > 0.5)

# %% [markdown]
# ## LSTM or GRU?
#
# A GRU has three blocks of weights where the LSTM has four, so at equal width
# it is smaller; compare the two at equal *parameters*, not at equal width. On
# the digits of
# [chapter 02](02_lstm.ipynb), with the same widths and five seeds each:

# %%
digits = load_results("digits")["results"]
rows = {
    name: (np.mean(each), min(each), max(each))
    for name, each in digits["accuracy"].items()
}
pd.DataFrame(rows, index=["mean accuracy", "lowest", "highest"]).T.round(3)

# %%
for kind in (nn.LSTM, nn.GRU):
    print(
        kind.__name__,
        sum(p.numel() for p in kind(8, 64, num_layers=2).parameters()),
    )

# %% [markdown]
# With the same widths the GRU has three quarters of the parameters and scored
# higher in both frameworks. That is one small task, not a rule: [Chung et al.
# (2014)](https://arxiv.org/abs/1412.3555) and [Jozefowicz et al.
# (2015)](https://proceedings.mlr.press/v37/jozefowicz15.html) found no winner
# over all tasks. Take the GRU where its smaller size or its simpler state
# helps, the LSTM where values must add up: a GRU's state cannot leave
# $[-1, 1]$, so it counts badly
# ([Weiss et al., 2018](https://arxiv.org/abs/1805.04908)).
#
# ## How fast is it?
#
# `benchmarks/cells.py` timed the NumPy layer against the others on one thread,
# forward and backward; above 1, NumPy is faster:

# %%
speed = layer_speed(load_results("cells")["results"], "GRU")
speed.round(2)

# %% mystnb={"image": {"alt": "Time of PyTorch's GRU, of a loop over its cells and of Keras, each over the time of the NumPy layer, for four sizes and two element types."}}
fig, ax = plt.subplots(figsize=(6.2, 4.4))
plot_layer_speed(ax, speed)
ax.set_title("Figure 4. NumPy leads at the small sizes")
fig.legend(loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
# With a single row NumPy is several times faster than `nn.GRU`; the batched
# sizes are closer, and at the larger ones the two are about level, for both
# spend their time in the same matrix products. XLA is the strong opponent here,
# with a single row.
#
# ## Summary
#
# - A GRU keeps one state, scaled by the update gate and added to by the
#   candidate in proportion to what the gate gives up. The reset gate says how
#   much of the state the candidate sees.
# - The gradient along the copying path shrinks by the update gate at each step:
#   $b_z$ sets its half-life, as the forget bias does in an LSTM.
# - Whether $z$ keeps or replaces is a name: negate its weights. Whether $r$
#   acts before or after the product is a model: no weights translate one into
#   the other.
# - PyTorch's two biases of the candidate are two parameters, not one; those of
#   the gates are one.
# - On sunspots the initial weights decided whether a GRU kept up with ten
#   linear coefficients.
#
# ## Exercises
#
# ```{exercise-start} Count the weights
# :label: ex-gru-count
# ```
# *easy* How many numbers has a GRU with `D` inputs and `H` units in PyTorch,
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
counted = sum(p.numel() for p in nn.GRU(D, H).parameters())
keras_gru = keras.layers.GRU(H, reset_after=False)
keras_gru.build((None, None, D))
print("PyTorch:", counted, counted == 3 * H * (D + H + 2))
print(
    "Keras:  ",
    keras_gru.count_params(),
    keras_gru.count_params() == 3 * H * (D + H + 1),
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Freeze the state
# :label: ex-gru-freeze
# ```
# *easy* Choose parameters with which a GRU returns its initial state whatever
# its inputs are, and others with which it is a network without memory.
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
frozen, forgetful = GRU(3, 4), GRU(3, 4)
for layer, b_r, b_z in ((frozen, 0, 40), (forgetful, -800, -800)):
    layer.params["W_x"][:, :8] = layer.params["W_h"][:, :8] = 0
    layer.params["b_x"][:8] = np.repeat([b_r, b_z], 4)
    layer.params["b_h"][:8] = 0
start, other = np.random.default_rng(1).normal(size=(2, 2, 4))
assert np.allclose(frozen.forward(sequences, start)[1], start)
outputs_a, outputs_b = (
    forgetful.forward(sequences, state)[0] for state in (start, other)
)
assert np.allclose(outputs_a, outputs_b)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Write a GRU cell
# :label: ex-gru-cell
# ```
# *medium* Write `cell(x, h, W_x, W_h, b_x, b_h)` for a batch, which returns the
# next state, and run `check_gru_cell(cell)`. Either position of the reset gate
# and either meaning of $z$ will do; the checker says which you wrote, or which
# mistake you made.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-cell
# :class: dropdown
# ```


# %%
def cell(x, h, W_x, W_h, b_x, b_h):
    r_x, z_x, n_x = np.split(x @ W_x + b_x, 3, axis=-1)
    r_h, z_h, n_h = np.split(h @ W_h + b_h, 3, axis=-1)
    z = sigmoid(z_x + z_h)
    return z * h + (1 - z) * np.tanh(n_x + sigmoid(r_x + r_h) * n_h)


_ = check_gru_cell(cell)

# %% [markdown]
# The checker names what it recognises. Another right cell from this chapter,
# and a wrong one that leaves the reset gate out:


# %%
def chung(x, h, W_x, W_h, b_x, b_h):
    params = {"W_x": W_x, "W_h": W_h, "b_x": b_x, "b_h": b_h}
    return step(x, h, params, keeps=False)


def without_reset(x, h, W_x, W_h, b_x, b_h):
    _, z, n = np.split(x @ W_x + b_x + h @ W_h + b_h, 3, axis=-1)
    return sigmoid(z) * h + (1 - sigmoid(z)) * np.tanh(n)


for other in (chung, without_reset):
    check_gru_cell(other)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Set the half-life in PyTorch
# :label: ex-gru-bias
# ```
# *medium* Give an `nn.GRU` a gradient with a half-life of 20 steps on its
# copying path, and measure it with autograd on random inputs.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-bias
# :class: dropdown
# ```
# $\sigma(b_z)^{20} = \tfrac12$ gives $b_z = -\ln(2^{1/20} - 1)$, in one of the
# two biases. The measured half-life is a little off, for the inputs move the
# gate and $W_h$ adds paths.

# %%
torch.manual_seed(0)
half = nn.GRU(8, 32, batch_first=True)
with torch.no_grad():
    half.bias_ih_l0[UPDATE] = -np.log(2 ** (1 / 20) - 1)
    half.bias_hh_l0[UPDATE] = 0
inputs = torch.randn(32, 100, 8, requires_grad=True)
half(inputs)[0][:, -1].sum().backward()
norms = inputs.grad.norm(dim=2).mean(0).flip(0).numpy()
print(f"half-life measured: {half_life(norms):.0f} steps")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} When do the two reset gates agree?
# :label: ex-gru-agree
# ```
# *hard* Find recurrent weights $W_{hn}$ with which the GRU computes the same
# with its reset gate before and after the product, and say why there are no
# others that do so for all gates.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-gru-agree
# :class: dropdown
# ```
# $(r \odot h) W = r \odot (h W)$ for all $r$ and $h$ means
# $\operatorname{diag}(r) W = W \operatorname{diag}(r)$, that is
# $r_i W_{ij} = W_{ij} r_j$: every $W_{ij}$ with $i \neq j$ is zero. So $W_{hn}$
# is diagonal and $b_{hn} = 0$. A GRU of one unit is always of this kind, which
# is why the figure above need not choose.

# %%
diagonal = np.diag(np.random.default_rng(9).normal(size=4))
after.params["W_h"][:, 8:] = before.params["W_h"][:, 8:] = diagonal
after.params["b_h"][...] = 0
same = np.allclose(after.forward(sequence)[0], before.forward(sequence)[0])
print("with a diagonal W_hn the two agree:", same)

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Cho et al. (2014)](https://arxiv.org/abs/1406.1078): the unit, in the paper
#   that also gave the encoder-decoder; compare its versions to see the reset
#   gate move.
# - [Chung et al. (2014)](https://arxiv.org/abs/1412.3555): the first comparison
#   of LSTM and GRU, and the other convention for $z$.
# - [Weiss et al. (2018)](https://arxiv.org/abs/1805.04908): what an LSTM can
#   count and a GRU cannot.
#
# Before: [LSTM](02_lstm.ipynb). Next: [Memory on
# trial](04_memory_on_trial.ipynb), where RNN, LSTM and GRU of equal size
# compete for memory.
