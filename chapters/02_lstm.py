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
# # LSTM
#
# A plain recurrent network forgets: [chapter 01](01_rnn_basics.ipynb) measured
# how the gradient from a late output shrinks on its way back to an early input.
# How does a network keep a value, and the gradient that teaches it to keep the
# value, over a hundred steps?
#
# At the end you will be able to
#
# - write one step of an LSTM, its fused form and its backward pass, and check
#   them;
# - say from the forget bias alone how far the gradient reaches;
# - carry the weights between NumPy, PyTorch and Keras without a wrong gate or a
#   doubled bias;
# - stack layers, read their shapes, and know where `dropout=` does nothing;
# - say what the forget gate is for, and when a plain classifier beats the LSTM.

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
import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
from utils.data.samples import load_digit_rows
from utils.exercises import check_lstm_cell
from utils.figures.charts import heat_map, layer_speed, plot_layer_speed
from utils.figures.diagrams import lstm_cell
from utils.figures.style import COLORS, use_book_style
from utils.labs import forget_bias_lab, lstm_cell_lab
from utils.models.keras import many_to_one
from utils.models.pytorch import ManyToOne
from utils.notebook import load_results, show_source
from utils.scratch import (
    GRU,
    LSTM,
    RNN,
    Adam,
    Dense,
    clip_global_norm,
    mean_squared_error,
)
from utils.scratch.gradcheck import numerical_gradient, relative_error
from utils.scratch.reach import gradient_by_lag
from utils.training import fit, keep_keras_on_cpu
from utils.weights import from_keras, from_torch, to_keras, to_torch

keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## The problem, measured
#
# Feed a layer random inputs, ask for the gradient of its last output alone, and
# see what is left of it at the input $k$ steps earlier:

# %%
show_source(gradient_by_lag)

# %% [markdown]
# The LSTM of this chapter has one number that matters here, the bias $b_f$ of
# its forget gate. Set it to 0, 1, 3 and 5 and put a plain RNN of the same size
# beside it.

# %%
HIDDEN = 32
FORGET = slice(HIDDEN, 2 * HIDDEN)  # the gates stand in the order i, f, g, o


def lstm_with_forget_bias(bias):
    layer = LSTM(8, HIDDEN, rng=1)
    layer.params["b"][FORGET] = bias
    return layer


# %%
noise = np.random.default_rng(2).normal(size=(32, 200, 8))
biases = [0.0, 1.0, 3.0, 5.0]
reach = {
    bias: gradient_by_lag(lstm_with_forget_bias(bias), noise)[:100]
    for bias in biases
}
reach_rnn, reach_gru = (
    gradient_by_lag(kind(8, HIDDEN, rng=1), noise)[:100] for kind in (RNN, GRU)
)

# %% mystnb={"image": {"alt": "Gradient left against the lag on a logarithmic scale, for a plain RNN, a GRU and LSTMs with forget biases 0, 1, 3 and 5. The larger the bias, the flatter the line; dashed lines show what theory gives, dots its half-life."}}
fig, ax = plt.subplots()
ax.semilogy(reach_rnn, color="black", label="RNN")
ax.semilogy(reach_gru, color="gray", label="GRU")
lags = np.arange(100)
for (bias, norms), color in zip(reach.items(), COLORS.values(), strict=False):
    ax.semilogy(norms, color=color, label=f"LSTM, bias {bias:g}")
    gate = 1 / (1 + np.exp(-bias))
    ax.semilogy(lags, gate**lags, "--", color=color, linewidth=1)
    ax.plot(np.log(2) / -np.log(gate), 0.5, "o", color=color)
ax.set(xlabel="lag k, in steps", ylabel="share of the gradient left")
ax.set(xlim=(0, 100), ylim=(1e-12, 3))
ax.set_title("Figure 1. The forget bias sets the reach")
fig.legend(loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
# The RNN's gradient loses half at every step. An LSTM with forget bias 0 does
# hardly better, nor does the [GRU](03_gru.ipynb) as it is initialised: the
# architecture offers a long memory, and the gate decides whether there is one.
# With forget bias 1 a ten-thousandth arrives from 50 steps back, with 3 and 5
# about a fifth. The dashed lines are $\sigma(b_f)^k$, the share that the cell
# alone would pass on, and the dots their half-lives; this chapter derives them,
# and says why the measured lines differ.

# %% [markdown]
# ## One gate at a time
#
# The LSTM [(Hochreiter and Schmidhuber,
# 1997)](https://doi.org/10.1162/neco.1997.9.8.1735), in the form that [Gers et
# al. (2000)](https://doi.org/10.1162/089976600300015015) gave it, keeps two
# states: a cell $c_t$ that is only scaled and added to, and an output $h_t$
# that the rest of the network sees.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-lstm-cell", "caption": "One step of an LSTM: the cell runs along the top, the output along the bottom."}}
lstm_cell()

# %% [markdown]
# Follow $c$ along the top of {numref}`fig-lstm-cell`: from one step to the next
# it meets one product, with $f_t$, and one sum. No matrix and no squashing
# function stands in its way, whereas $h_{t-1}$, at the bottom, must pass the
# weights of the four square boxes. We build one step for one input row, box by
# box.

# %%
rng = np.random.default_rng(0)
D, H = 3, 4  # inputs and units
W_x = {gate: rng.normal(size=(D, H)) for gate in "ifgo"}
W_h = {gate: rng.normal(size=(H, H)) for gate in "ifgo"}
b = {gate: np.zeros(H) for gate in "ifgo"}
x, h_before, c_before = (
    rng.normal(size=D),
    rng.normal(size=H),
    rng.normal(size=H),
)


# %%
def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


def affine(gate):
    return x @ W_x[gate] + h_before @ W_h[gate] + b[gate]


# %% [markdown]
# The **forget gate** says what share of each cell stays:
#
# $$
# f_t = \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f)
# $$ (eq-lstm-forget)

# %%
f = sigmoid(affine("f"))

# %% [markdown]
# The **input gate** says what share of the new value enters:
#
# $$
# i_t = \sigma(x_t W_{xi} + h_{t-1} W_{hi} + b_i)
# $$ (eq-lstm-input)

# %%
i = sigmoid(affine("i"))

# %% [markdown]
# The **candidate** is the new value; it alone may be negative, hence tanh:
#
# $$
# g_t = \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g)
# $$ (eq-lstm-candidate)

# %%
g = np.tanh(affine("g"))

# %% [markdown]
# The **output gate** says what share of the cell is shown:
#
# $$
# o_t = \sigma(x_t W_{xo} + h_{t-1} W_{ho} + b_o)
# $$ (eq-lstm-output)

# %%
o = sigmoid(affine("o"))

# %% [markdown]
# The two states follow, with $\odot$ the product element by element:
#
# $$
# c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)
# $$ (eq-lstm-state)

# %%
c = f * c_before + i * g
h = o * np.tanh(c)
assert c.shape == h.shape == (H,)

# %% [markdown]
# Four products of a row with a matrix are one product with the four matrices
# side by side. That is the **fused** form which every library uses; the gates
# are then slices of one row.

# %%
ORDER = "ifgo"
W_x_fused = np.hstack([W_x[gate] for gate in ORDER])
W_h_fused = np.hstack([W_h[gate] for gate in ORDER])
fused = x @ W_x_fused + h_before @ W_h_fused
assert fused.shape == (4 * H,)
np.testing.assert_allclose(fused, np.hstack([affine(gate) for gate in ORDER]))

# %% [markdown]
# The layer in `utils` does this for a batch and for every step:

# %%
show_source(LSTM.forward)

# %% [markdown]
# With our weights it takes our step:

# %%
layer = LSTM(D, H)
layer.params["W_x"][...] = W_x_fused
layer.params["W_h"][...] = W_h_fused
layer.params["b"][...] = 0
outputs, (h_layer, c_layer) = layer.forward(
    x[None, None], (h_before[None], c_before[None])
)
np.testing.assert_allclose(h_layer[0], h)
np.testing.assert_allclose(c_layer[0], c)

# %% [markdown]
# Take the place of the network below: set the four gates of one unit yourself
# and take steps. It starts with a history in which a value was written, kept,
# read, kept and finally let leak.

# %%
lstm_cell_lab()

# %% [markdown]
# While the output gate is shut, $h$ stays at 0 and $c$ keeps its value: storing
# and showing are separate decisions. Press *Leak* and then *Take this step* a
# few times to see a forget gate at $\sigma(1)$ empty the cell.

# %% [markdown]
# ## The backward pass
#
# Let $\delta h_t = \partial L/\partial h_t$ and
# $\delta c_t = \partial L/\partial c_t$ collect everything that reaches the
# states of step $t$ from later. By the product rule on {eq}`eq-lstm-state`,
#
# $$
# \begin{aligned}
# \delta o_t &= \delta h_t \odot \tanh c_t, &
# \delta c_t &\leftarrow \delta c_t + \delta h_t \odot o_t \odot (1 - \tanh^2 c_t), \\
# \delta i_t &= \delta c_t \odot g_t, \quad
# \delta g_t = \delta c_t \odot i_t, &
# \delta f_t &= \delta c_t \odot c_{t-1}, \quad
# \delta c_{t-1} = \delta c_t \odot f_t .
# \end{aligned}
# $$ (eq-lstm-backward-state)
#
# Through the squashing functions, $\sigma' = \sigma(1-\sigma)$ and
# $\tanh' = 1 - \tanh^2$, these become $\delta z_t$, the gradient of the fused
# row before squashing, and then
#
# $$
# \delta x_t = \delta z_t W_x^\top, \quad
# \delta h_{t-1} = \delta z_t W_h^\top, \quad
# \delta W_x = \sum_t x_t^\top \delta z_t, \quad
# \delta W_h = \sum_t h_{t-1}^\top \delta z_t, \quad
# \delta b = \sum_t \delta z_t .
# $$ (eq-lstm-backward-weights)
#
# One step in code, for the loss $L = \sum_j h_{t,j}$:

# %%
d_h, d_c = np.ones(H), np.zeros(H)
d_o = d_h * np.tanh(c)
d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2)
d_i, d_g, d_f = d_c * g, d_c * i, d_c * c_before
d_z = np.concatenate(
    [d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)]
)
d_h_before, d_c_before = d_z @ W_h_fused.T, d_c * f

# %% [markdown]
# Moving each element of $c_{t-1}$ and $h_{t-1}$ a little and computing the loss
# again must give the same:


# %%
def loss():
    state = (h_before[None], c_before[None])
    return layer.forward(x[None, None], state)[0].sum()


np.testing.assert_allclose(
    d_c_before, numerical_gradient(loss, c_before), atol=1e-8
)
np.testing.assert_allclose(
    d_h_before, numerical_gradient(loss, h_before), atol=1e-8
)

# %% [markdown]
# The layer repeats this from the last step to the first and takes each weight's
# sum over the steps as one product after the loop.

# %%
show_source(LSTM.backward)

# %% [markdown]
# Checked over two sequences of six steps, for every parameter:

# %%
layer, weights = (
    LSTM(3, 4, rng=5),
    np.random.default_rng(6).normal(size=(2, 6, 4)),
)
x6 = np.random.default_rng(7).normal(size=(2, 6, 3))


def weighted_sum():
    return (weights * layer.forward(x6)[0]).sum()


weighted_sum()
grads = layer.backward(weights)
for name, value in layer.params.items():
    error = relative_error(
        grads.params[name], numerical_gradient(weighted_sum, value)
    )
    print(f"{name}: relative error below 1e-7: {error < 1e-7}")

# %% [markdown]
# ## How far the gradient reaches
#
# Of all the paths from $c_T$ back to $c_{T-k}$, one touches no matrix: along
# the cell, $\delta c_{t-1} = \delta c_t \odot f_t$ at each step, so
#
# $$
# \frac{\partial c_T}{\partial c_{T-k}}\bigg|_{\text{cell}}
# = \operatorname{diag}\Big(\prod_{j=0}^{k-1} f_{T-j}\Big) .
# $$ (eq-lstm-path)
#
# With small weights $f \approx \sigma(b_f)$. The gradient then halves every
#
# $$
# k_{1/2} = \frac{\ln 2}{-\ln \sigma(b_f)}
# $$ (eq-lstm-half-life)
#
# steps. Move the bias:

# %%
forget_bias_lab()

# %% [markdown]
# The curve slides right as the bias grows: from about 3 on, each further unit
# makes the half-life about $e$ times longer. To measure the cell path alone,
# silence the other paths with $W_h = 0$:


# %%
def half_life(norms):
    slope, _ = np.polyfit(np.arange(5, 60), np.log(norms[5:60]), 1)
    return np.log(2) / -slope


alone = {bias: lstm_with_forget_bias(bias) for bias in biases}
for layer in alone.values():
    layer.params["W_h"][...] = 0

# %%
gate = sigmoid(np.array(biases))
table = pd.DataFrame(
    index=pd.Index([f"{bias:g}" for bias in biases], name="forget bias")
)
table["half-life, theory"] = np.log(2) / -np.log(gate)
table["measured, W_h = 0"] = [
    half_life(gradient_by_lag(each, noise)) for each in alone.values()
]
shares = {
    "left at lag 50, theory": gate**50,
    "measured": [n[50] for n in reach.values()],
}
for name, share in shares.items():
    table[name] = [f"{value:.1e}" for value in share]
table.round(1)

# %% [markdown]
# With $W_h = 0$ theory and measurement agree to a few per cent; the inputs move
# the gates around $\sigma(b_f)$, hence the rest. With the usual random $W_h$
# the paths through it add theirs, and more arrives from afar. With a large bias
# less does than theory says, for another reason: the input at lag 0 also acts
# through the output gate, which no earlier input does, so the line drops at
# once.
#
# Three consequences. "LSTMs do not have vanishing gradients" is wrong: they
# have a rate that you choose. The remedy is one line at initialisation, a
# forget bias of 1 or more, which [Jozefowicz et al.
# (2015)](https://proceedings.mlr.press/v37/jozefowicz15.html) found to be all
# that the LSTM lacked against the GRU. And nothing here forbids a gradient to
# grow: the paths through $W_h$ can still explode, which is why LSTMs are
# trained with clipping ({ref}`exercise 5 <ex-lstm-explode>`).

# %% [markdown]
# ## Gate orders, and the two biases
#
# The four gates stand in the fused matrices in an order that nobody agreed on:
#
# | | order | biases |
# |-|-|-|
# | `utils.scratch.LSTM`, [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html) | i, f, g, o | one here; two in PyTorch, added |
# | [Keras](https://keras.io/api/layers/recurrent_layers/lstm/) | i, f, c, o, where c is our g | one |
# | [ONNX](https://onnx.ai/onnx/operators/onnx__LSTM.html) | i, o, f, c | two, added |
#
# PyTorch's two biases are a trap: whoever sets the forget part of *both* to 1
# has set it to 2.

# %%
module = nn.LSTM(8, HIDDEN)
with torch.no_grad():
    module.bias_ih_l0[FORGET] = 1
    module.bias_hh_l0[FORGET] = 1
print(
    "set in both: ",
    (module.bias_ih_l0 + module.bias_hh_l0)[FORGET].unique().tolist(),
)
with torch.no_grad():
    module.bias_hh_l0[FORGET] = 0
print(
    "set in one:  ",
    (module.bias_ih_l0 + module.bias_hh_l0)[FORGET].unique().tolist(),
)

# %% [markdown]
# The other trap is to set it in one and leave random values in the other. Keras
# has one bias and begins with its forget part at 1 (`unit_forget_bias=True`):

# %%
keras_lstm = keras.layers.LSTM(2)
keras_lstm.build((None, None, 3))
print("Keras's bias, i f c o:", keras_lstm.cell.bias.numpy())

# %% [markdown]
# ## One model, three implementations
#
# `utils.weights` knows these orders. The NumPy layer below hands its weights to
# PyTorch and to Keras; outputs, states and all gradients must agree, in
# float64, to rounding.

# %%
layer = LSTM(5, 7, rng=3)
x = np.random.default_rng(4).normal(size=(3, 11, 5))
outputs, (h, c) = layer.forward(x)
d_outputs = np.random.default_rng(5).normal(size=outputs.shape)
grads = layer.backward(d_outputs)

# %% tags=["tab-pytorch"]
# PyTorch
module = to_torch(layer)
x_torch = torch.tensor(x, requires_grad=True)
torch_outputs, (h_n, c_n) = module(x_torch)
torch_outputs.backward(torch.tensor(d_outputs))
np.testing.assert_allclose(torch_outputs.detach(), outputs, atol=1e-12)
np.testing.assert_allclose(c_n[0].detach(), c, atol=1e-12)
np.testing.assert_allclose(x_torch.grad, grads.x, atol=1e-12)
np.testing.assert_allclose(
    module.weight_hh_l0.grad.T, grads.params["W_h"], atol=1e-12
)
np.testing.assert_allclose(
    module.weight_ih_l0.grad.T, grads.params["W_x"], atol=1e-12
)
np.testing.assert_allclose(
    module.bias_ih_l0.grad, grads.params["b"], atol=1e-12
)

# %% tags=["tab-keras"]
# Keras
keras_layer = to_keras(layer, return_state=True)
x_keras = tf.Variable(x)
with tf.GradientTape() as tape:
    keras_outputs, keras_h, keras_c = keras_layer(x_keras)
    weighted = tf.reduce_sum(keras_outputs * d_outputs)
sources = [x_keras, *(weight.value for weight in keras_layer.trainable_weights)]
keras_grads = tape.gradient(weighted, sources)
np.testing.assert_allclose(keras_outputs, outputs, atol=1e-12)
np.testing.assert_allclose(keras_c, c, atol=1e-12)
expected = [grads.x, *(grads.params[name] for name in ("W_x", "W_h", "b"))]
for found, value in zip(keras_grads, expected, strict=True):
    np.testing.assert_allclose(found, value, atol=1e-12)

# %% [markdown]
# No assertion failed: the three compute one function and one gradient.
#
# ### By hand in PyTorch
#
# Where a variant is needed that no library has, one writes the cell and lets
# autograd differentiate it. The fused LSTM takes five lines:


# %%
def lstm_step(x, h, c, W_ih, W_hh, b_ih, b_hh):
    z = x @ W_ih.T + h @ W_hh.T + b_ih + b_hh
    i, f, g, o = z.chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def lstm_by_hand(module, x):
    h = c = x.new_zeros(x.shape[0], module.hidden_size)
    weights = (
        module.weight_ih_l0,
        module.weight_hh_l0,
        module.bias_ih_l0,
        module.bias_hh_l0,
    )
    outputs = []
    for x_t in x.unbind(1):
        h, c = lstm_step(x_t, h, c, *weights)
        outputs.append(h)
    return torch.stack(outputs, 1)


# %%
x_by_hand = torch.tensor(x, requires_grad=True)
by_hand = lstm_by_hand(module, x_by_hand)
by_hand.backward(torch.tensor(d_outputs))
np.testing.assert_allclose(by_hand.detach(), torch_outputs.detach(), atol=1e-12)
np.testing.assert_allclose(x_by_hand.grad, x_torch.grad, atol=1e-12)

# %% [markdown]
# ## Two layers, their shapes, and dropout
#
# `nn.LSTM` stacks layers itself. `outputs` holds every step of the *last*
# layer; `h_n` and `c_n` hold the last step of *every* layer, so `h_n[-1]` is
# the last output.

# %%
stack = nn.LSTM(
    input_size=8, hidden_size=64, num_layers=2, dropout=0.5, batch_first=True
)
batch = torch.randn(32, 10, 8)
stack_outputs, (h_n, c_n) = stack(batch)
assert stack_outputs.shape == (32, 10, 64)
assert h_n.shape == c_n.shape == (2, 32, 64)
assert torch.equal(h_n[-1], stack_outputs[:, -1])

# %% [markdown]
# `dropout=` acts *between* layers. The last layer's outputs are untouched, and
# with one layer it does nothing at all, which PyTorch says in a warning that is
# easy to overlook:

# %%
print("zeros among the last layer's outputs:", int((stack_outputs == 0).sum()))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    single = nn.LSTM(8, 64, dropout=0.5, batch_first=True).train()
print(
    "one layer, in training, twice the same:",
    torch.equal(single(batch)[0], single(batch)[0]),
)
print(
    "two layers, twice the same:", torch.equal(stack(batch)[0], stack(batch)[0])
)
print(caught[0].message)

# %% [markdown]
# To drop the last outputs, put an `nn.Dropout` behind the module.
#
# ## Two stacks on a real task
#
# Handwritten digits of 8 × 8 pixels
# ([Alpaydin and Kaynak, 1998](https://doi.org/10.24432/C50P49), CC BY 4.0,
# inside scikit-learn), read as sequences of eight rows. The test part is the
# end of the file: neighbouring images often come from one hand, and a random
# draw would put that hand into both parts.

# %%
train, test = load_digit_rows()
print(train.x.shape, test.x.shape)

# %% [markdown]
# Both models read the rows and classify from the last output. PyTorch's has two
# layers of 64, Keras's the widths 128 and 64 with dropout between.

# %% tags=["tab-pytorch"]
# PyTorch
show_source(ManyToOne)

# %% tags=["tab-keras"]
# Keras
show_source(many_to_one)

# %% tags=["tab-pytorch"]
# PyTorch
torch.manual_seed(0)
model = ManyToOne(nn.LSTM, input_size=8, hidden_size=64, outputs=10)
data = TensorDataset(
    torch.tensor(train.x, dtype=torch.float32), torch.tensor(train.y)
)
history = fit(
    model,
    DataLoader(data, batch_size=64, shuffle=True),
    loss=nn.functional.cross_entropy,
    optimizer=torch.optim.Adam(model.parameters(), 2e-3),
    epochs=20,
)

# %% tags=["tab-keras"]
# Keras
keras.utils.set_random_seed(0)
keras_model = many_to_one(keras.layers.LSTM, time=8, input_size=8, outputs=10)
keras_model.compile(
    keras.optimizers.Adam(2e-3),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    jit_compile=False,
)
_ = keras_model.fit(train.x, train.y, batch_size=64, epochs=10, verbose=0)

# %% [markdown]
# A stack is nothing but layers one after the other. Taken apart, converted to
# NumPy and run in turn, each gives the framework's logits (float32, so to about
# six digits):

# %% tags=["tab-pytorch"]
# PyTorch
x32 = test.x.astype(np.float32)
states = x32
for number in range(2):
    states, _ = from_torch(model.recurrent, layer=number).forward(states)
head = [parameter.detach().numpy() for parameter in model.head.parameters()]
logits = states[:, -1] @ head[0].T + head[1]
with torch.no_grad():
    np.testing.assert_allclose(model(torch.tensor(x32)), logits, atol=1e-4)

# %% tags=["tab-keras"]
# Keras
first, _, second, dense = keras_model.layers
states, _ = from_keras(first).forward(x32)
states, _ = from_keras(second).forward(states)
kernel, bias = dense.get_weights()
keras_logits = states[:, -1] @ kernel + bias
np.testing.assert_allclose(
    keras_model.predict(x32, verbose=0), keras_logits, atol=1e-4
)

# %% [markdown]
# How good are they? One seed proves little, so `benchmarks/digits.py` trained
# each stack five times for 60 epochs and put two classifiers beside them that
# see all 64 pixels at once:

# %%
digits = load_results("digits")["results"]
scores = {
    f"{kind} LSTM": digits["accuracy"][f"{kind} LSTM"]
    for kind in ("PyTorch", "Keras")
}
scores |= {name: [accuracy] for name, accuracy in digits["baselines"].items()}
rows = {
    name: (np.mean(each), min(each), max(each)) for name, each in scores.items()
}
pd.DataFrame(rows, index=["mean accuracy", "lowest", "highest"]).T.round(3)

# %% [markdown]
# The stacks beat the linear baseline by a little and lose to a support vector
# machine with default settings. An image of eight rows has no long-term
# dependence to remember: a model that sees it at once has the easier problem.
# We keep the task because it trains in seconds, not because it needs an LSTM.
#
# ## What the gates do
#
# The weights trained above show the gates at work. The forget gate of the first
# layer, for one digit, from its weights and {eq}`eq-lstm-forget`:


# %%
def forget_gates(layer, x):
    outputs, _ = layer.forward(x)
    before = np.pad(outputs, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    z = (
        x @ layer.params["W_x"]
        + before @ layer.params["W_h"]
        + layer.params["b"]
    )
    return sigmoid(np.split(z, 4, axis=-1)[1])


gates = forget_gates(from_torch(model.recurrent, layer=0), x32)
digit = int(np.flatnonzero(test.y == 3)[0])

# %% mystnb={"image": {"alt": "Left, a handwritten three of eight rows; right, a heat map of the forget gates of 64 units at each of the eight rows."}}
fig, (left, right) = plt.subplots(1, 2, width_ratios=[1, 2.4])
left.imshow(test.x[digit], cmap="gray_r")
left.set(title="Figure 2.", ylabel="row read at each step")
left.grid(visible=False)
by_mean = gates[digit].mean(axis=0).argsort()
heat_map(right, gates[digit][:, by_mean], label="forget gate")
right.set(
    title="The gates open as the digit goes on",
    xlabel="unit, sorted by mean gate",
)
plt.show()

# %% [markdown]
# Each column is a unit. The gates begin near one half, where the weights were
# drawn, and open as the digit goes on: what the middle rows wrote has to last
# until the answer. The same holds over the whole test part:

# %%
print("mean forget gate by row:", gates.mean(axis=(0, 2)).round(1))

# %% [markdown]
# ## What the cell of 1997 lacked
#
# The first LSTM had no forget gate: $c_t = c_{t-1} + i_t \odot g_t$, which is
# the modern cell with $f = 1$. [Gers et al.
# (2000)](https://doi.org/10.1162/089976600300015015) saw it break down on
# streams that never end, because nothing resets the cell. The smallest such
# stream: markers at random steps, and at every step the question how long ago
# the last one was.


# %%
def make_stream(rows, time, rng):
    """Return markers, one in ten steps, and the steps since the last one in
    tens."""
    marker = rng.random((rows, time)) < 0.1
    last = np.maximum.accumulate(np.where(marker, np.arange(time), 0), axis=1)
    return marker[..., None].astype(float), (np.arange(time) - last)[
        ..., None
    ] / 10


# %% [markdown]
# A forget gate that is always 1 is a forget gate without weights and with a
# large bias: $\sigma(40)$ is exactly 1 in float64. So one layer serves for both
# cells.

# %%
UNITS = 8
FORGET_8 = slice(UNITS, 2 * UNITS)


def without_forget_gate(lstm):
    lstm.params["W_x"][:, FORGET_8] = 0
    lstm.params["W_h"][:, FORGET_8] = 0
    lstm.params["b"][FORGET_8] = 40


# %%
def train_on_streams(forgets, seed, steps=300):
    lstm, head = LSTM(1, UNITS, rng=seed), Dense(UNITS, 1, rng=seed)
    lstm.params["b"][FORGET_8] = 3
    optimizer, rng = (
        Adam([lstm.params, head.params]),
        np.random.default_rng(seed),
    )
    for number in range(steps):
        if not forgets:
            without_forget_gate(lstm)
        optimizer.learning_rate = 0.02 * (1 - number / steps)
        x, y = make_stream(16, 100, rng)
        _, d_predictions = mean_squared_error(
            head.forward(lstm.forward(x)[0]), y
        )
        head_grads = head.backward(d_predictions)
        grads = [lstm.backward(head_grads.x).params, head_grads.params]
        clip_global_norm(grads, 1.0)
        optimizer.step(grads)
    if not forgets:
        without_forget_gate(lstm)
    return lstm, head


# %% [markdown]
# Both train on streams of 100 steps and are tested on 2,000, three seeds each:

# %%
x_long, y_long = make_stream(16, 2000, np.random.default_rng(99))
curves, cells = {True: [], False: []}, {True: [], False: []}
for forgets in curves:
    for seed in range(3):
        lstm, head = train_on_streams(forgets, seed)
        hidden, (_, cell) = lstm.forward(x_long)
        errors = ((head.forward(hidden) - y_long) ** 2).mean(axis=(0, 2))
        curves[forgets].append(errors.reshape(40, 50).mean(axis=1))
        cells[forgets].append(np.abs(cell).mean())

# %% mystnb={"image": {"alt": "Squared error against the position in a stream of 2,000 steps, three runs each. With a forget gate the error stays low; without one it is several times higher and rises after the first hundred steps."}}
fig, ax = plt.subplots()
for forgets, color, label in (
    (True, "blue", "forget gate"),
    (False, "vermilion", "none, as in 1997"),
):
    ax.semilogy(
        np.arange(25, 2000, 50),
        np.array(curves[forgets]).T,
        color=COLORS[color],
    )
    ax.plot([], color=COLORS[color], label=label)
ax.axhline(
    y_long.var(), color="black", linestyle="--", label="predict the mean"
)
ax.set(xlabel="position in the stream", ylabel="squared error")
ax.set_title("Figure 3. Without a forget gate streams go wrong")
fig.legend(loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
# All runs err most where a marker is long in coming. Apart from that, with the
# gate every run keeps its error to the end of the stream; without it every run
# is several times worse once the stream is longer than the hundred steps of its
# training. The cells say why:

# %%
late = {
    forgets: [errors[20:].mean() for errors in curves[forgets]]
    for forgets in curves
}
print("with the gate, every late error below 0.05:", max(late[True]) < 0.05)
print("without, every one above:", min(late[False]) > 0.05)
print("mean |c| at the end below 20 with it, above 100 without:")
print(
    [bool(c < 20) for c in cells[True]], [bool(c > 100) for c in cells[False]]
)

# %% [markdown]
# Without the gate the cells run into the hundreds, where $\tanh(c)$ is 1 and
# has no slope. The gate that makes the gradient decay is the gate that makes
# the state usable.
#
# ## Two variants
#
# Let the gates see the cell itself through **peepholes** $p$
# [(Gers et al., 2002)](https://jmlr.org/papers/v3/gers02a.html), or tie the
# input gate to the forget gate, so that the cell takes in exactly what it gives
# up (**coupled** gates):


# %%
def peephole_step(x, h, c, W_x, W_h, b, p):
    z_i, z_f, z_g, z_o = np.split(x @ W_x + h @ W_h + b, 4)
    c_new = sigmoid(z_f + p["f"] * c) * c + sigmoid(z_i + p["i"] * c) * np.tanh(
        z_g
    )
    return sigmoid(z_o + p["o"] * c_new) * np.tanh(c_new), c_new


def coupled_step(x, h, c, W_x, W_h, b):
    z_f, z_g, z_o = np.split(x @ W_x + h @ W_h + b, 3)
    c_new = sigmoid(z_f) * c + (1 - sigmoid(z_f)) * np.tanh(z_g)
    return sigmoid(z_o) * np.tanh(c_new), c_new


# %% [markdown]
# With $p = 0$ a peephole cell is our cell. Its use is timing. Build a unit by
# hand that adds 0.2 to its cell at every step and shall speak once the cell has
# passed one half:

# %%
UNIT = np.zeros((1, 4))
# I = f = 1, g = 0.2, o shut while c is small
timer = np.array([40, 40, np.arctanh(0.2), -20])
for p_o in (0.0, 40.0):
    h, c, spoken = np.zeros(1), np.zeros(1), []
    peepholes = {"i": 0.0, "f": 0.0, "o": p_o}
    for _ in range(6):
        h, c = peephole_step(np.zeros(1), h, c, UNIT, UNIT, timer, peepholes)
        spoken.append(float(h[0].round(2)))
    print(f"peephole {p_o:2g}: h over six steps", spoken)

# %% [markdown]
# Without the peephole the unit stays silent for ever: $o = 0$ makes $h = 0$,
# and the gates, which see $h$ and not $c$, never learn that time has passed.
# With it, the unit speaks from the third step on.
#
# The coupled cell is a moving average: $c_t$ lies between $c_{t-1}$ and $g_t$,
# so it never leaves $[-1, 1]$, and it has three quarters of the parameters.

# %%
keep = np.repeat([0.0, 5.0, 0.0, 0.0], H)  # a forget bias of 5
f_g_o = slice(H, None)
silent = np.zeros(H), np.zeros(H)
plain, coupled, largest = silent, silent, np.zeros(2)
for x_row in rng.normal(size=(1000, D)):
    plain = peephole_step(
        x_row, *plain, W_x_fused, W_h_fused, keep, dict.fromkeys("ifo", 0.0)
    )
    coupled = coupled_step(
        x_row, *coupled, W_x_fused[:, f_g_o], W_h_fused[:, f_g_o], keep[f_g_o]
    )
    largest = np.maximum(largest, [abs(plain[1]).max(), abs(coupled[1]).max()])
print(
    "largest |c| in 1,000 steps: plain {:.1f}, coupled {:.2f}".format(*largest)
)

# %% [markdown]
# [Greff et al. (2017)](https://arxiv.org/abs/1503.04069) trained eight such
# variants and found none better than the plain cell by much; coupling lost
# nothing, and removing the forget gate or the output squashing hurt most. The
# coupled idea returns in the [GRU](03_gru.ipynb).

# %% [markdown]
# ## How fast is it?
#
# `benchmarks/cells.py` timed the NumPy layer against the others on one thread,
# forward and backward, in turn, and recorded the medians of their ratios: above
# 1, NumPy is faster.

# %%
cells = load_results("cells")["results"]
speed = layer_speed(cells, "LSTM")
speed.round(2)

# %% mystnb={"image": {"alt": "Time of PyTorch's LSTM, of a loop over its cells and of Keras, each over the time of the NumPy layer, for four sizes and two element types."}}
fig, ax = plt.subplots(figsize=(6.2, 4.4))
plot_layer_speed(ax, speed)
ax.set_title("Figure 4. nn.LSTM leads in float32")
fig.legend(loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
# Right of the line NumPy is faster. A Python loop over PyTorch's cells is
# slower at every size, and so is Keras unless XLA compiles it for a single row.
# `nn.LSTM` in float32 is the one strong opponent: the kernel behind it beats
# NumPy, and with a single row, where each step is a tiny product, by several
# times. In float64, where that kernel is not used, NumPy leads at the small
# sizes. The last column says what is left to gain: at best the layer reaches
# about half of the speed that the processor has in a plain matrix product.
#
# The way that tutorials write it, one sample and one gate at a time, and
# batches of unequal rows against PyTorch's packed and padded ones:

# %%
others = {
    name: run
    for name, run in cells.items()
    if name.startswith(("tutorial", "ragged"))
}
ratios = {
    name: run["forward and backward"]["ratio"] for name, run in others.items()
}
pd.DataFrame(ratios).T.round(1)

# %% [markdown]
# One gate at a time costs a factor of ten and more as soon as there is a batch.
# On a CPU packing does not pay: `nn.LSTM` on packed rows takes several times as
# long as NumPy, which runs only the rows that have not ended, and longer than
# on padded rows
# ([chapter 05](05_any_length.ipynb) looks into it).

# %% [markdown]
# ## Summary
#
# - An LSTM keeps a cell that is scaled by a forget gate and added to, and shows
#   it through an output gate; fused, a step is one product and a few
#   elementwise operations.
# - Along the cell the gradient shrinks by the forget gate at each step. Its
#   half-life is $\ln 2 / -\ln\sigma(b_f)$: set the bias on purpose, and in one
#   of PyTorch's two biases only.
# - NumPy, PyTorch and Keras compute the same function and gradient once gate
#   order and biases are translated.
# - The forget gate also keeps the state usable on long streams; the cell of
#   1997 had none.
# - `nn.LSTM(dropout=)` leaves the last layer alone and does nothing with one
#   layer.
# - On digits, a support vector machine beat both stacks.
#
# ## Exercises
#
# ```{exercise-start} Count the weights
# :label: ex-lstm-count
# ```
# *easy* How many numbers has an LSTM with `D` inputs and `H` units in Keras,
# and how many in PyTorch? Check your formula on `D = 8`, `H = 128`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-lstm-count
# :class: dropdown
# ```
# Four gates, each with `D + H` weights and one bias per unit; PyTorch keeps a
# second bias.

# %%
D, H = 8, 128
counted = keras_model.layers[0].count_params()
counted_torch = sum(p.numel() for p in nn.LSTM(D, H).parameters())
print("Keras:  ", counted, counted == 4 * H * (D + H + 1))
print("PyTorch:", counted_torch, counted_torch == 4 * H * (D + H + 2))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Choose a bias
# :label: ex-lstm-bias
# ```
# *easy* Your sequences need a gradient with a half-life of 50 steps. Which
# forget bias gives it?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-lstm-bias
# :class: dropdown
# ```
# Half-life $k$ means $\sigma(b)^k = \tfrac12$, so $\sigma(b) = 2^{-1/k}$ and
# $b = -\ln(2^{1/k} - 1)$.

# %%
bias = -np.log(2 ** (1 / 50) - 1)
print(
    f"bias {bias:.2f}, half-life {np.log(2) / -np.log(sigmoid(bias)):.1f} steps"
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Write a cell
# :label: ex-lstm-cell
# ```
# *medium* Write `cell(x, h, c, W_x, W_h, b)` for a batch, which returns
# `(h, c)` after one step, and run `check_lstm_cell(cell)`. Any of the gate
# orders above will do; the checker names the mistake if there is one.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-lstm-cell
# :class: dropdown
# ```


# %%
def cell(x, h, c, W_x, W_h, b):
    z_i, z_f, z_g, z_o = np.split(x @ W_x + h @ W_h + b, 4, axis=-1)
    c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_g)
    return sigmoid(z_o) * np.tanh(c), c


_ = check_lstm_cell(cell)

# %% [markdown]
# The checker knows the usual mistakes by name. With input and forget gate
# exchanged in the sum:


# %%
def mistaken(x, h, c, W_x, W_h, b):
    z_i, z_f, z_g, z_o = np.split(x @ W_x + h @ W_h + b, 4, axis=-1)
    c = sigmoid(z_i) * c + sigmoid(z_f) * np.tanh(z_g)
    return sigmoid(z_o) * np.tanh(c), c


_ = check_lstm_cell(mistaken)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Predict a sine wave
# :label: ex-lstm-sine
# ```
# *medium* Train an LSTM to predict the next value of a sine wave with a random
# phase and some noise (standard deviation 0.1). A clean sine obeys
# $x_{t+1} = 2\cos(\omega)\,x_t - x_{t-1}$: put the best such pair of
# coefficients, found by least squares, beside your LSTM.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-lstm-sine
# :class: dropdown
# ```


# %%
def noisy_sines(rows, rng, time=60, omega=0.4):
    phase = rng.uniform(0, 2 * np.pi, (rows, 1))
    clean = np.sin(omega * np.arange(time) + phase)
    return (clean + 0.1 * rng.normal(size=clean.shape))[..., None]


rng = np.random.default_rng(0)
lstm, head = LSTM(1, 16, rng=0), Dense(16, 1, rng=0)
optimizer = Adam([lstm.params, head.params], 0.01)
for _ in range(300):
    waves = noisy_sines(16, rng)
    predictions = head.forward(lstm.forward(waves[:, :-1])[0])
    _, d_predictions = mean_squared_error(predictions, waves[:, 1:])
    head_grads = head.backward(d_predictions)
    optimizer.step([lstm.backward(head_grads.x).params, head_grads.params])

# %%
waves = noisy_sines(200, np.random.default_rng(1))
pairs = np.concatenate([waves[:, 1:-1], waves[:, :-2]], axis=2).reshape(-1, 2)
coefficients, *_ = np.linalg.lstsq(pairs, waves[:, 2:].reshape(-1), rcond=None)
errors = {
    "two coefficients": pairs @ coefficients - waves[:, 2:].reshape(-1),
    "LSTM": (head.forward(lstm.forward(waves[:, :-1])[0]) - waves[:, 1:])[
        :, 10:
    ],
    "repeat the last value": waves[:, 1:] - waves[:, :-1],
}
print(
    {
        name: f"RMSE {np.sqrt(np.mean(error**2)):.2f}"
        for name, error in errors.items()
    }
)

# %% [markdown]
# No forecast can do better than the noise, 0.1. The LSTM comes near it because
# it averages over many past values; two coefficients see two of them and pass
# the noise on. Without noise the two coefficients are exact and the LSTM is
# not.
# ```{solution-end}
# ```
#
# ```{exercise-start} Make it explode
# :label: ex-lstm-explode
# ```
# *hard* The cell path alone can only shrink a gradient. Find weights for which
# the gradient of an LSTM *grows* with the lag, and say through which path.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-lstm-explode
# :class: dropdown
# ```
# Large recurrent weights: $h_{t-1}$ feeds the gates and the candidate through
# $W_h$, and that path multiplies by $W_h$ at each step as in a plain RNN.

# %%
for scale in (1, 4, 8):
    layer = lstm_with_forget_bias(1.0)
    layer.params["W_h"] *= scale
    print(
        f"W_h times {scale}: share at lag 50 is "
        f"{gradient_by_lag(layer, 0.1 * noise)[50]:.1e}"
    )

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Hochreiter and Schmidhuber
#   (1997)](https://doi.org/10.1162/neco.1997.9.8.1735): the analysis of the
#   decaying gradient that led to the constant error carousel, in the authors'
#   own words.
# - [Gers et al. (2000)](https://doi.org/10.1162/089976600300015015): the forget
#   gate and why streams need it; the cell that everybody uses.
# - [Greff et al. (2017)](https://arxiv.org/abs/1503.04069): eight variants on
#   three tasks, to know which parts matter before you change one.
# - [Jozefowicz et al.
#   (2015)](https://proceedings.mlr.press/v37/jozefowicz15.html): a search over
#   ten thousand architectures that ends with a bias.
#
# Before: [RNN basics](01_rnn_basics.ipynb). Next: [GRU](03_gru.ipynb), which
# does with one state and three quarters of the weights.
