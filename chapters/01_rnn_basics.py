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
# - write a recurrent layer and its backward pass in NumPy, and prove both
#   right;
# - use the same weights in NumPy, PyTorch and Keras and get the same numbers;
# - train a classifier and a forecaster, and judge them against a simple
#   baseline;
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
from matplotlib import pyplot as plt
from scipy.stats import ortho_group
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import nn

from utils.data import make_binary_sums
from utils.data.samples import load_digit_rows, sunspot_windows
from utils.exercises import check_rnn_cell
from utils.figures.diagrams import rnn_cell, unrolled
from utils.figures.style import COLORS, SEQUENTIAL, use_book_style
from utils.notebook import show_source
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

# %%
keep_keras_on_cpu()
use_book_style()
keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)

# %% [markdown]
# Everything here is computed in float64, so that "equal" can mean equal to
# about 15 digits.
#
# ## One state, updated at every step
#
# To add two numbers by hand you walk along the digits and carry one bit, a
# summary of everything already read. A recurrent network learns such a summary:
# a *hidden state* $h_t$, updated from each new input $x_t$
# ([Elman, 1990](https://doi.org/10.1207/s15516709cog1402_1)):
#
# $$
# \begin{aligned}
# z_t &= x_t W_x + h_{t-1} W_h + b \\
# h_t &= \tanh(z_t)
# \end{aligned}
# $$ (eq-rnn-step)
#
# Vectors are rows, as in the code. With $I$ inputs and $H$ hidden units, $W_x$
# is $I \times H$, $W_h$ is $H \times H$ and $b$ has $H$ elements: nothing
# depends on the length of the sequence.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-cell", "caption": "One step of an RNN: two products, one sum, one tanh."}}
rnn_cell()

# %% [markdown]
# {numref}`fig-rnn-cell` draws {eq}`eq-rnn-step` from left to right: square is
# what has weights of its own, round what acts element by element. The state is
# the only thing that enters on the left and leaves on the right, so the next
# step can begin where this one ends.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-rnn-over-time", "caption": "Unrolled over three steps: one cell, one set of weights."}}
unrolled(steps=3)

# %% [markdown]
# The three boxes of {numref}`fig-rnn-over-time` are the same cell with the same
# weights. Unrolled, a recurrent network is a deep feed-forward network with one
# layer for each step, and $h_3$ depends on $x_1$ through two products with
# $W_h$.
#
# In NumPy one step is one line.


# %%
def step(x, h, W_x, W_h, b):
    return np.tanh(x @ W_x + h @ W_h + b)


# %% [markdown]
# A loop over time makes it a layer. We keep every state, because the backward
# pass needs them.


# %%
def forward(x, W_x, W_h, b):
    states = [np.zeros((len(x), len(b)))]
    for t in range(x.shape[1]):
        states.append(step(x[:, t], states[-1], W_x, W_h, b))
    return np.stack(states, axis=1)


# %%
rng = np.random.default_rng(0)
layer = RNN(input_size=3, hidden_size=5, rng=rng)
x = rng.standard_normal((4, 20, 3))
states = forward(x, **layer.params)
outputs, last = layer.forward(x)
assert relative_error(states[:, 1:], outputs) < 1e-14
print("batch, time, hidden:", outputs.shape, "  last state:", last.shape)

# %% [markdown]
# `utils.scratch.RNN`, the layer used throughout the book, does the same, checks
# shapes, and takes rows of unequal length ([chapter 5](05_any_length.ipynb)).
#
# ### Five ways to use one layer
#
# What enters and which outputs are read decides what the network is for; the
# five cases are [Karpathy's
# (2015)](https://karpathy.github.io/2015/05/21/rnn-effectiveness/).

# %% tags=["hide-input"] mystnb={"image": {"alt": "Five small diagrams of inputs, hidden states and outputs: one to one; one to many; many to one; many to many, where outputs start after the last input; many to many, with an output at every step."}}
layouts = {
    "one to\none": ([0], [0]),
    "one to\nmany": ([0], [0, 1, 2]),
    "many to\none": ([0, 1, 2], [2]),
    "many to many,\nafterwards": ([0, 1, 2], [2, 3, 4]),
    "many to many,\nin step": ([0, 1, 2], [0, 1, 2]),
}
widths = [1 + max(read + written) for read, written in layouts.values()]
fig, axes = plt.subplots(
    1, 5, figsize=(6.2, 2.6), width_ratios=[w + 1 for w in widths]
)
arrow = {"arrowstyle": "-|>", "shrinkA": 5, "shrinkB": 6}
for ax, width, (name, (read, written)) in zip(
    axes, widths, layouts.items(), strict=True
):
    arrows = [((t, 0), (t, 1)) for t in read] + [
        ((t, 1), (t, 2)) for t in written
    ]
    for tail, tip in arrows + [((t - 1, 1), (t, 1)) for t in range(1, width)]:
        ax.annotate("", xy=tip, xytext=tail, arrowprops=arrow)
    for row, steps, color in (
        (0, read, "sky"),
        (1, range(width), "blue"),
        (2, written, "green"),
    ):
        ax.plot(
            steps, [row] * len(steps), "s", markersize=10, color=COLORS[color]
        )
    ax.set(xlim=(-0.7, width - 0.3), ylim=(-0.5, 2.5))
    ax.set_title(name, fontsize=9, loc="center")
    ax.set_axis_off()
plt.show()

# %% [markdown]
# Inputs are below, states in the middle, outputs on top. The middle row is the
# same in all five.
#
# | layout | example | in code, with `head` a dense layer | where |
# |-|-|-|-|
# | one to one | classify one vector | `outputs` of a sequence of length 1 | |
# | one to many | describe an image | `x` at the first step, zeros afterwards | |
# | many to one | classify a sequence | `head(outputs[:, -1])` | [below](#many-to-one-on-real-data) |
# | many to many, afterwards | translate | a second layer starts from `last` | [chapter 9](09_attention.ipynb) |
# | many to many, in step | label every element | `head(outputs)` | [below](#an-answer-at-every-step) |

# %%
head = Dense(5, 2, rng=rng)
decoder = RNN(2, 5, rng=rng)
first_only = np.concatenate([x[:, :1], np.zeros_like(x[:, 1:])], axis=1)
layouts = {
    "one to one": head.forward(layer.forward(x[:, :1])[0]),
    "one to many": head.forward(layer.forward(first_only)[0]),
    "many to one": head.forward(outputs[:, -1]),
    "many to many, afterwards": head.forward(
        decoder.forward(np.zeros((4, 7, 2)), last)[0]
    ),
    "many to many, in step": head.forward(outputs),
}
for name, result in layouts.items():
    print(f"{name:25}", result.shape)

# %% [markdown]
# ## Backpropagation through time
#
# Let $L$ be any loss of the outputs, and let $\mathrm{d}a$ stand for
# $\partial L / \partial a$, an array of the shape of $a$. A state acts on the
# loss in two ways: as the output of its own step, and through the next state.
# The chain rule adds the two:
#
# $$
# \mathrm{d}h_t = \frac{\partial L}{\partial o_t} + \mathrm{d}z_{t+1} W_h^\top
# $$ (eq-rnn-dh)
#
# where $o_t = h_t$ is the copy of the state that leaves as output, and
# $\mathrm{d}z_{T+1} = 0$. Since
# $\frac{\mathrm{d}}{\mathrm{d}z} \tanh z = 1 - \tanh^2 z$,
#
# $$
# \mathrm{d}z_t = \mathrm{d}h_t \odot (1 - h_t^2).
# $$ (eq-rnn-dz)
#
# Every step uses the same weights, so their gradients are sums over the steps:
#
# $$
# \begin{aligned}
# \mathrm{d}W_x &= \sum_t x_t^\top \, \mathrm{d}z_t &
# \mathrm{d}W_h &= \sum_t h_{t-1}^\top \, \mathrm{d}z_t \\
# \mathrm{d}b &= \sum_t \mathrm{d}z_t &
# \mathrm{d}x_t &= \mathrm{d}z_t W_x^\top
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
# The layer of the package does the same with less work per step: it takes the
# slopes of all steps at once and turns each sum over time into one matrix
# product. `rows` knows which rows are still running. It changes no weight; that
# is the optimiser's task.

# %%
show_source(RNN.backward)

# %% [markdown]
# ### Is it right?
#
# A wrong gradient can still train, so we check it twice, on the loss
# $L = \sum_t \langle g_t, h_t \rangle$ with random $g_t$, so that
# $\partial L / \partial o_t = g_t$. First, central differences: wiggle every
# weight and see how much the loss moves.

# %%
g = rng.standard_normal(outputs.shape)
layer.forward(x)
grads = layer.backward(g)
for name, by_hand in backward(
    g, x, states, layer.params["W_x"], layer.params["W_h"]
).items():
    assert relative_error(by_hand, grads.params[name]) < 1e-12


# %%
def loss():
    return float((g * layer.forward(x)[0]).sum())


for name, value in layer.params.items():
    assert (
        relative_error(grads.params[name], numerical_gradient(loss, value))
        < 1e-7
    )
print("BPTT agrees with central differences to 1e-7, their own accuracy")

# %% [markdown]
# Then PyTorch's automatic differentiation, which has no such limit; `to_torch`
# copies our weights into an `nn.RNN`. Errors are relative to the largest
# reference value.

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
# ## An answer at every step
#
# A dense *head* turns each state into logits $y_t = h_t V + c$, softmax into
# probabilities $p_t$, and the loss is the mean of $-\log p_{t,k}$ at the right
# class $k$. Since $-\log p_{t,k} = -y_{t,k} + \log \sum_j e^{y_{t,j}}$, its
# gradient is short:
#
# $$
# \begin{aligned}
# p_{t,k} &= \frac{e^{y_{t,k}}}{\sum_j e^{y_{t,j}}} \\
# \mathrm{d}y_t &= \frac{p_t - \mathrm{onehot}(k_t)}{N}
# \end{aligned}
# $$ (eq-rnn-softmax)
#
# with $N$ the number of targets.
#
# The task is the addition from the beginning of the chapter: at each step two
# binary digits enter, lowest first, and the network names the digit of the sum.

# %%
digits, sums = make_binary_sums(500, 64, rng=99)
print("first number ", *digits[0, :8, 0].astype(int))
print("second number", *digits[0, :8, 1].astype(int))
print("sum          ", *sums[0, :8])
no_carry = digits.sum(axis=2) % 2
print(f"right if the carry is ignored: {(no_carry == sums).mean():.3f}")

# %% [markdown]
# Without the carry one can only guess. Training is forward, loss, backward,
# update:


# %%
def train_adder(rnn, head, optimizer, rng, length=8, steps=400, clip=np.inf):
    norms = []
    for _ in range(steps):
        x, y = make_binary_sums(32, length, rng)
        logits = head.forward(rnn.forward(x)[0])
        _, d_logits = softmax_cross_entropy(logits, y)
        head_grads = head.backward(d_logits)
        grads = [rnn.backward(head_grads.x).params, head_grads.params]
        norms.append(clip_global_norm(grads, clip))
        optimizer.step(grads)
    return norms


def accuracy(rnn, head, state=None):
    return (
        head.forward(rnn.forward(digits, state)[0]).argmax(axis=2) == sums
    ).mean()


# %% [markdown]
# `clip_global_norm` measures the length of the gradient; with a limit of
# infinity it changes nothing. We train on 8 digits and test on 64.

# %%
for seed in range(5):
    rng = np.random.default_rng(seed)
    adder, adder_head = RNN(2, 16, rng=rng), Dense(16, 2, rng=rng)
    train_adder(
        adder, adder_head, Adam([adder.params, adder_head.params], 0.01), rng
    )
    print(
        f"seed {seed}: {accuracy(adder, adder_head):.3f} of 64-digit sums right"
    )

# %% [markdown]
# Every seed learns the carry from 8 digits and applies it to 64: what was
# learned is a rule for one step. It was easy because each carry is used, and
# made anew, at the next step;
# [long lags](#why-long-lags-are-hard) are another matter.
#
# ## The same weights in three libraries
#
# In PyTorch a cell is a module with the line from above.


# %%
class Cell(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W_x = nn.Parameter(
            torch.randn(input_size, hidden_size) / hidden_size**0.5
        )
        self.W_h = nn.Parameter(
            torch.randn(hidden_size, hidden_size) / hidden_size**0.5
        )
        self.b = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x, h):
        return torch.tanh(x @ self.W_x + h @ self.W_h + self.b)


# %%
cell = Cell(3, 5)
cell.load_state_dict(
    {name: torch.tensor(value) for name, value in layer.params.items()}
)
h, by_cell = torch.zeros(4, 5), []
for x_t in torch.tensor(x).unbind(dim=1):
    h = cell(x_t, h)
    by_cell.append(h)
assert (
    relative_error(torch.stack(by_cell, dim=1).detach().numpy(), outputs)
    < 1e-14
)

# %% [markdown]
# Both libraries have the layer ready made.

# %% tags=["tab-pytorch"]
# PyTorch
module = to_torch(layer)
by_torch, h_n = module(torch.tensor(x))
assert relative_error(by_torch.detach().numpy(), outputs) < 1e-14
print(module)

# %% tags=["tab-keras"]
# Keras
simple = to_keras(layer)
by_keras = keras.ops.convert_to_numpy(simple(x))
assert relative_error(by_keras, outputs) < 1e-14
print([tuple(weight.shape) for weight in simple.weights])

# %% [markdown]
# NumPy, the hand-written cell, `nn.RNN` and `SimpleRNN` compute the same
# outputs. Two conventions differ: PyTorch stores the matrices transposed, and
# it adds two biases where one would do.
#
# ### The shapes of `nn.RNN`
#
# A stack feeds the outputs of one layer to the next. `dropout` zeroes outputs
# between the layers while training, so it does nothing after the last layer.

# %%
stack = nn.RNN(
    input_size=3, hidden_size=5, num_layers=2, dropout=0.5, batch_first=True
)
outputs_torch, h_n = stack(torch.tensor(x))
# batch, time, hidden: the top layer, every step
assert outputs_torch.shape == (4, 20, 5)
# layers, batch, hidden: every layer, the last step
assert h_n.shape == (2, 4, 5)
assert torch.equal(outputs_torch[:, -1], h_n[-1])
# Dropout is random
assert not torch.equal(outputs_torch, stack(torch.tensor(x))[0])
stack.eval()
assert torch.equal(stack(torch.tensor(x))[0], stack(torch.tensor(x))[0])

# %% [markdown]
# `batch_first` reorders the inputs and outputs only: `h_n` is always (layers,
# batch, hidden).
#
# ## Many to one, on real data
#
# ### A classifier in PyTorch
#
# Scikit-learn ships 1,797 handwritten digits of 8 by 8 pixels
# ([Alpaydin and Kaynak, 1998, CC BY 4.0](https://doi.org/10.24432/C50P49)).
# Read row by row, each is a sequence of 8 steps with 8 inputs. The baseline,
# logistic regression, sees all 64 pixels at once; the last fifth of the file is
# the test set. One trap first: the file keeps [each writer's digits
# together](https://inria.github.io/scikit-learn-mooc/python_scripts/cross_validation_grouping.html),
# so a shuffled split tests on hands seen in training.

# %%
train, test = load_digit_rows()
every_row, every_label = (
    np.concatenate([train.x, test.x]),
    np.concatenate([train.y, test.y]),
)


def linear_accuracy(order):
    pixels, labels = every_row[order].reshape(-1, 64), every_label[order]
    split = len(train.y)
    model = LogisticRegression(max_iter=1000).fit(
        pixels[:split], labels[:split]
    )
    return model.score(pixels[split:], labels[split:])


in_order = np.arange(len(every_label))
shuffled = np.random.default_rng(0).permutation(in_order)
print(
    f"split shuffled {linear_accuracy(shuffled):.2f}, in order "
    f"{linear_accuracy(in_order):.2f}"
)

# %% [markdown]
# Shuffling would flatter every model by several points. The loader keeps the
# order.


# %%
class RowReader(nn.Module):
    def __init__(self, hidden_size=64):
        super().__init__()
        self.rnn = nn.RNN(8, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 10)

    def forward(self, x):
        outputs, _ = self.rnn(x)
        return self.head(outputs[:, -1])


# %% [markdown]
# This is the plain training loop, once and in full. Later chapters import
# `utils.training.fit`, which is this loop with validation, early stopping,
# clipping and a progress bar.

# %%
rows, labels = torch.tensor(train.x), torch.tensor(train.y)


def train_reader(seed, epochs=15):
    torch.manual_seed(seed)
    model = RowReader()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(32):
            loss = nn.functional.cross_entropy(
                model(rows[batch]), labels[batch]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


# %%
scores = []
for seed in range(3):
    predicted = train_reader(seed)(torch.tensor(test.x)).argmax(dim=1)
    scores.append((predicted.numpy() == test.y).mean())
baseline = linear_accuracy(in_order)
standard_error = (baseline * (1 - baseline) / len(test.y)) ** 0.5
print("RNN, three seeds:", *(f"{score:.2f}" for score in scores))
print(
    f"logistic regression: {baseline:.2f}, standard error {standard_error:.2f}"
)

# %% [markdown]
# The three seeds scatter about logistic regression, within two standard errors
# of a test set this small: a tie. A digit has a fixed size, so a model with its
# own weights for each pixel loses nothing. A recurrent network earns its place
# where length or position varies.
#
# ### A regressor in Keras
#
# The yearly number of sunspots from 1700 to 2008 (public domain, in
# `statsmodels`) rises and falls in a cycle of about eleven years. The stack
# SimpleRNN(64) → SimpleRNN(32) → Dense(1) reads 22 years, scaled as square
# roots, and predicts the next. It trains on the years before 1890, stops early
# on those before 1930 and is tested on the rest.

# %%
data = sunspot_windows()


def forecaster(seed):
    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.SimpleRNN(64, return_sequences=True),
        keras.layers.SimpleRNN(32),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3, clipnorm=1.0),
        loss="mse",
        jit_compile=False,
    )
    stop = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
    known = {
        "x": data.x_train,
        "y": data.y_train,
        "validation_data": (data.x_valid, data.y_valid),
    }
    model.fit(**known, epochs=60, callbacks=[stop], verbose=0)
    return model


# %% [markdown]
# Two baselines: last year's number, and a linear regression on the same 22
# years.

# %%
models = [forecaster(seed) for seed in range(3)]
past, following = (
    np.concatenate([data.x_train, data.x_valid]),
    [*data.y_train, *data.y_valid],
)
linear = LinearRegression().fit(past[:, :, 0], following)
forecasts = {
    "last year": data.x_test[:, -1, 0],
    "linear": linear.predict(data.x_test[:, :, 0]),
}
for seed, model in enumerate(models):
    forecasts[f"RNN, seed {seed}"] = keras.ops.convert_to_numpy(
        model(data.x_test)
    )[:, 0]

# %%
actual = data.sunspots(data.y_test)
for name, forecast in forecasts.items():
    error = np.sqrt(np.mean((data.sunspots(forecast) - actual) ** 2))
    print(f"{name:12} root mean squared error {error:.1f} sunspots")

# %% mystnb={"image": {"alt": "Yearly sunspot numbers from 1930 to 2008 with two forecasts one year ahead. Both follow the cycle; the RNN falls short of most peaks."}}
years = data.first_test_year + np.arange(len(actual))
plt.plot(years, actual, color="black", label="sunspots")
plt.plot(years, data.sunspots(forecasts["linear"]), label="linear")
plt.plot(years, data.sunspots(forecasts["RNN, seed 0"]), "--", label="RNN")
plt.title("One year ahead: 22 coefficients beat 7,361")
plt.legend(ncols=3, fontsize="small", loc="upper right")
plt.ylim(0, 270)
plt.show()

# %% [markdown]
# Both follow the cycle, and the RNN falls shorter of the peaks. Every seed
# beats repeating last year's number, 31.8, and every seed loses to the linear
# regression, 16.6. With 168 windows to learn from, 22 coefficients are enough.
# Chapters [2](02_lstm.ipynb) and [3](03_gru.ipynb) give the same windows to
# better cells.
#
# For a classifier end in `Dense(10)` with
# `SparseCategoricalCrossentropy(from_logits=True)`.
#
# The trained stack is still equation {eq}`eq-rnn-step`, twice. `from_keras`
# turns its layers into ours, and NumPy makes the same forecasts.

# %%
lower, upper, dense = models[0].layers
from_below, _ = from_keras(lower).forward(data.x_test)
_, summary = from_keras(upper).forward(from_below)
weight, bias = dense.get_weights()
by_numpy = (summary @ weight + bias)[:, 0]
assert relative_error(by_numpy, forecasts["RNN, seed 0"]) < 1e-12

# %% [markdown]
# ## Why long lags are hard
#
# How much does an input $k$ steps ago matter? Put equation {eq}`eq-rnn-dz` into
# {eq}`eq-rnn-dh` and follow one path back from the last step:
#
# $$
# \mathrm{d}h_{T-k} = \mathrm{d}h_T \prod_{j=0}^{k-1} D_{T-j} W_h^\top, \qquad
# D_t = \mathrm{diag}(1 - h_t^2)
# $$ (eq-rnn-product)
#
# A product of $k$ matrices shrinks or grows geometrically
# ([Bengio, Simard and Frasconi, 1994](https://doi.org/10.1109/72.279181)). No
# slope of tanh exceeds one, so each factor stretches by at most the largest
# singular value of $W_h$. We choose $W_h = \rho Q$ with $Q$ orthogonal: then
# all its singular values, and its spectral radius, are $\rho$, and the gradient
# over $k$ steps cannot exceed $\rho^k$.
#
# How much less than $\rho$ is a step's typical factor? Suppose that the
# gradient does not care which units have which slope. Then its squared length
# is multiplied, on average, by $\rho^2$ times the mean squared slope, the
# central quantity in
# [Schoenholz et al. (2017)](https://arxiv.org/abs/1611.01232) and, for
# recurrent networks, [Chen, Pennington and Schoenholz
# (2018)](https://arxiv.org/abs/1806.05394):
#
# $$
# \chi = \rho \, \sqrt{\operatorname{mean}\!\left[\phi'(z)^2\right]}
# $$ (eq-rnn-chi)
#
# The forward pass alone gives $\chi$, for any activation $\phi$. For ReLU about
# half of the slopes are one and the others zero, so
# $\chi \approx \rho / \sqrt{2}$.


# %%
def memory(activation, radius, hidden=64, time=50, batch=64):
    rng = np.random.default_rng(0)
    layer = RNN(4, hidden, rng=rng, activation=activation)
    layer.params["W_h"][...] = radius * ortho_group.rvs(
        hidden, random_state=rng
    )
    x = rng.standard_normal((batch, time, 4))
    states, _ = layer.forward(x)
    slopes = 1 - states**2 if activation == "tanh" else states > 0
    return gradient_by_lag(layer, x), radius * np.sqrt(np.mean(slopes**2.0))


# %% mystnb={"image": {"alt": "Two panels on a logarithmic scale: the norm of the gradient against the lag from 0 to 40 steps, for tanh above and ReLU below, at four spectral radii. Measured lines fall or rise as straight lines close to the dotted theory."}}
radii, lags, factors = (0.7, 1.0, 1.4, 1.8), np.arange(41), []
fig, axes = plt.subplots(2, 1, figsize=(6.2, 6.4), sharex=True, sharey=True)
for ax, activation in zip(axes, ("tanh", "relu"), strict=True):
    for radius in radii:
        norms, chi = memory(activation, radius)
        (line,) = ax.semilogy(lags, norms[lags], label=f"radius {radius}")
        ax.semilogy(lags, chi**lags, ":", color=line.get_color())
        growth = (norms[40] / norms[20]) ** (1 / 20)
        factors.append((activation, radius, growth, chi))
    ax.set(
        ylabel="gradient / at lag 0",
        title=f"{activation}: measured, and theory dotted",
    )
axes[0].legend(ncols=2, fontsize="small")
axes[1].set_xlabel("lag in steps")
plt.show()

# %% [markdown]
# The lines are straight on a logarithmic scale: gradients vanish and explode
# geometrically, as predicted from the forward pass alone. The table gives the
# factor for each step.

# %%
table = pd.DataFrame(
    factors, columns=["activation", "radius", "measured", "theory"]
)
table.pivot(
    index="radius", columns="activation", values=["measured", "theory"]
).round(2)

# %% [markdown]
# With tanh and radius one, a step keeps 0.89 of the gradient, and forty steps
# keep a hundredth. A larger radius does not explode as $\rho^k$ would: at 1.8
# the states saturate, the slopes shrink, and the factor is only 1.13.
#
# ReLU is often offered as the remedy, because its slope is one wherever it is
# active. In a recurrent network it trades vanishing for explosion. At radius
# one its gradient vanishes faster than that of tanh, 0.73 against 0.89, because
# half of the units are off. At 1.8 it explodes faster, 1.29 against 1.13,
# because nothing saturates. Near 1.4 both factors are close to one, but nothing
# holds them there once training moves the weights.
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
# where $\lVert g \rVert$ is the length of all gradients together. One unit
# shows why. With weight $w$ and bias $b$ it starts at $1/2$, runs for 50 steps
# without input, and should end at $0.7$.


# %%
def end_loss(w, b):
    h = 0.5
    for _ in range(50):
        h = np.tanh(w * h + b)
    return (h - 0.7) ** 2


# %% [markdown]
# Its gradient is that of an `RNN(1, 1)` whose inputs are zero.


# %%
def descend(clip, start=(1.4, -0.05), rate=1.0, steps=12):
    unit, half = RNN(1, 1), np.full((1, 1), 0.5)
    unit.params["W_h"][...], unit.params["b"][...] = start
    optimizer, path = SGD([unit.params], rate), [start]
    for _ in range(steps):
        outputs, last = unit.forward(np.zeros((1, 50, 1)), half)
        grads = unit.backward(np.zeros_like(outputs), 2 * (last - 0.7)).params
        clip_global_norm([grads], clip)
        optimizer.step([grads])
        path.append((unit.params["W_h"].item(), unit.params["b"].item()))
    return np.array(path)


# %% mystnb={"image": {"alt": "The loss over weight and bias: a narrow valley beside a cliff. Gradient descent without clipping leaps far across the plot; with clipping it takes small steps along the valley."}}
w, b = np.meshgrid(np.linspace(0, 2.4, 300), np.linspace(-0.5, 1.0, 300))
plt.figure(figsize=(6.2, 4.2))
plt.contourf(w, b, np.log10(end_loss(w, b) + 1e-4), 40, cmap=SEQUENTIAL)
plt.colorbar(label="log10 of the loss")
for clip, color, name in (
    (np.inf, "vermilion", "not clipped"),
    (0.1, "black", "clipped at 0.1"),
):
    path = descend(clip)
    plt.plot(
        *path.T,
        "o-",
        color=COLORS[color],
        markersize=4,
        linewidth=1,
        label=name,
    )
    longest = np.linalg.norm(np.diff(path, axis=0), axis=1).max()
    print(f"{name:15} longest step {longest:.1f}")
plt.title("A cliff: one step throws the weights far away")
plt.gca().set(xlabel="weight $w$", ylabel="bias $b$")
plt.legend(loc="upper right", frameon=True)
plt.show()

# %% [markdown]
# Low losses are light. Unclipped, the first step lands behind the wall, where
# the unit's state flips its sign on the way and the gradient is large; the
# second leaps 1.6 across the plot. Clipped, no step is longer than 0.1. Here
# the leap happens to end in the same valley.
#
# With many weights luck is rarer. The adder with ReLU and $W_h$ the identity,
# as proposed by [Le, Jaitly and Hinton
# (2015)](https://arxiv.org/abs/1504.00941), trained by plain gradient descent
# on 32 digits, without clipping and with the length limited to one:


# %%
def train_relu(seed, clip):
    rng = np.random.default_rng(seed)
    rnn, head = RNN(2, 16, rng=rng, activation="relu"), Dense(16, 2, rng=rng)
    rnn.params["W_h"][...] = np.eye(16)
    optimizer = SGD([rnn.params, head.params], 0.5)
    norms = train_adder(
        rnn, head, optimizer, rng, length=32, steps=300, clip=clip
    )
    return accuracy(rnn, head), max(norms)


# %%
for clip in (np.inf, 1.0):
    scores, longest = np.array([train_relu(seed, clip) for seed in range(5)]).T
    stuck, exploded = (scores < 0.55).sum(), (longest > 1000).sum()
    print(
        f"clip at {clip}: gradient above 1000 in {exploded} seeds, {stuck} "
        "stuck at chance"
    )

# %% [markdown]
# Without clipping all five seeds explode and end where they can only guess;
# with it none does. That holds for this setting and is no law: the tanh adder
# above needed no clipping. Nor can clipping lengthen a gradient that has
# vanished.
#
# ## Truncating the past
#
# BPTT stores every step. *Truncated* BPTT
# ([Williams and Peng, 1990](https://doi.org/10.1162/neco.1990.2.4.490)) cuts a
# long sequence into chunks, carries the state from one to the next, and lets no
# gradient cross the cut. The forward pass stays exact; the gradient lacks every
# path across a cut. That is a bias, and more data does not remove it. Here it
# is for $W_h$, over 256 sequences of 64 digits.


# %%
def recurrent_gradient(rnn, head, x, y, chunk):
    total, state = 0, None
    for start in range(0, x.shape[1], chunk):
        piece = slice(start, start + chunk)
        outputs, state = rnn.forward(x[:, piece], state)
        _, d_logits = softmax_cross_entropy(head.forward(outputs), y[:, piece])
        total += rnn.backward(head.backward(d_logits).x).params["W_h"]
    return total * chunk / x.shape[1]


# %% mystnb={"image": {"alt": "The relative error of the truncated gradient against the chunk length from 1 to 32, for three spectral radii. All fall with the chunk length; the larger the radius, the slower."}}
chunks = [1, 2, 4, 8, 16, 32]
x, y = make_binary_sums(256, 64, rng=0)
for radius in (0.8, 1.0, 1.2):
    rng = np.random.default_rng(1)
    rnn, head = RNN(2, 32, rng=rng), Dense(32, 2, rng=rng)
    rnn.params["W_h"][...] = radius * ortho_group.rvs(32, random_state=rng)
    full = recurrent_gradient(rnn, head, x, y, 64)
    errors = [
        recurrent_gradient(rnn, head, x, y, chunk) - full for chunk in chunks
    ]
    bias = np.linalg.norm(errors, axis=(1, 2)) / np.linalg.norm(full)
    plt.plot(chunks, bias, "o-", label=f"radius {radius}")
    print(
        f"radius {radius}: bias with chunks of 8 {bias[3]:.2f}, of 32 "
        f"{bias[5]:.2f}"
    )
plt.xscale("log", base=2)
plt.gca().set(
    xlabel="chunk length in steps", ylabel="bias / full gradient", ylim=(0, 1)
)
plt.title("Truncation errs most where the memory is longest")
plt.legend()
plt.show()

# %% [markdown]
# With chunks of 8 the bias is 0.19 of the gradient at radius 0.8 and 0.84 at
# radius 1.2: it shrinks at the pace at which the gradient forgets. Choose
# chunks longer than the lags that matter.
#
# ### Carrying the state across batches
#
# At prediction time the same cut is exact as long as the state is carried. The
# trained adder reads the 64 digits in chunks of 8, once with the carried state
# and once from zero each time.


# %%
def in_chunks(carry, chunk=8):
    state, right = None, []
    for start in range(0, 64, chunk):
        piece = slice(start, start + chunk)
        outputs, last = adder.forward(digits[:, piece], state)
        state = last if carry else None
        right.append(
            adder_head.forward(outputs).argmax(axis=2) == sums[:, piece]
        )
    return np.mean(right, axis=(0, 1))


print(
    "right at each place of a chunk, state carried:",
    in_chunks(carry=True).round(2),
)
print(
    "right at each place of a chunk, state reset:  ",
    in_chunks(carry=False).round(2),
)

# %% [markdown]
# Without the state the carry into each chunk is lost, and the error travels on
# through the digits. Carrying it needs row $i$ of every batch to continue row
# $i$ of the one before. In Keras the layer itself carries it, with
# `SimpleRNN(..., stateful=True)`.
#
# In PyTorch the carried state still belongs to the graph of the old chunk,
# which `backward` has freed. `detach` keeps the numbers and cuts the graph;
# that is all of truncated BPTT.

# %%
module, chunks = to_torch(adder), torch.tensor(digits).split(8, dim=1)
_, state = module(chunks[0])
state.sum().backward()
try:
    module(chunks[1], state)[0].sum().backward()
except RuntimeError as error:
    print(str(error).split(" (")[0])
module(chunks[1], state.detach())[0].sum().backward()

# %% [markdown]
# ## Summary
#
# - A recurrent layer applies one cell with one set of weights at every step;
#   the state carries what it remembers.
# - BPTT is the chain rule from the last step to the first. Ours agrees with
#   central differences and with PyTorch, and the same weights give the same
#   numbers in NumPy, PyTorch and Keras.
# - A small RNN learns the carry of binary addition exactly. On handwritten
#   digits it ties with logistic regression; on sunspots a linear regression
#   beats it.
# - Gradients vanish or explode geometrically with the lag, at a rate that the
#   radius of $W_h$ and the slopes of the activation predict. ReLU does not
#   remove this; it changes the rate.
# - Clipping bounds the harm of an explosion and does nothing against vanishing.
#   Truncation biases the gradient, by as much as lies beyond the cut.
#
# The next chapter changes the cell so that the factor for each step can stay
# near one: [LSTM](02_lstm.ipynb). The chapter before is the
# [introduction](intro.md).
#
# ## Exercises
#
# ```{exercise-start} Write the cell (easy)
# :label: ex-rnn-cell
# ```
# Write `cell(x, h, W_x, W_h, b)` for equation {eq}`eq-rnn-step` from memory,
# for a batch, and let `check_rnn_cell` judge it. Then take out the tanh and
# read what it says.
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

# %%
_ = check_rnn_cell(lambda x, h, W_x, W_h, b: x @ W_x + h @ W_h + b)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Count the parameters (easy)
# :label: ex-rnn-parameters
# ```
# How many parameters has the sunspot model, SimpleRNN(64) → SimpleRNN(32) →
# Dense(1) on one input? Derive the number from the shapes in equation
# {eq}`eq-rnn-step`. How many has PyTorch's version?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-parameters
# :class: dropdown
# ```
# A layer has $IH + H^2 + H$ parameters. PyTorch's second bias adds $H$ for each
# layer.

# %%
lower, upper, dense = 1 * 64 + 64**2 + 64, 64 * 32 + 32**2 + 32, 32 + 1
assert models[0].count_params() == lower + upper + dense
print(
    "Keras", lower + upper + dense, "  PyTorch", lower + 64 + upper + 32 + dense
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A radius below one (medium)
# :label: ex-rnn-radius
# ```
# We chose $W_h$ orthogonal. Draw a Gaussian matrix with 64 rows instead and
# scale it to spectral radius 0.9. Can $\lVert W_h^k \rVert$, the most that the
# linear part can stretch a gradient over $k$ steps, exceed one?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-radius
# :class: dropdown
# ```

# %%
W = np.random.default_rng(0).standard_normal((64, 64))
W *= 0.9 / np.abs(np.linalg.eigvals(W)).max()
for k in (1, 5, 20, 60):
    norm = np.linalg.norm(np.linalg.matrix_power(W, k), 2)
    print(
        f"k = {k:2}: stretches by at most {norm:.2f}, radius to the power k "
        f"is {0.9**k:.2f}"
    )

# %% [markdown]
# It can. The spectral radius decides what happens in the end; the largest
# singular value decides what can happen in one step, and for a Gaussian matrix
# it is about twice the radius. Between the two lies a transient of growth. "The
# radius is below one, so gradients vanish" is true only in the long run.
# ```{solution-end}
# ```
#
# ```{exercise-start} Highest digit first (medium)
# :label: ex-rnn-order
# ```
# Reverse the digits in time, so that the highest comes first. What share of the
# digits can any causal model name? Train the adder and compare.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-order
# :class: dropdown
# ```
# The carry into a digit now depends on digits still to come, and it is one in
# about half of the cases. No causal model can do much better than guess.


# %%
def train_reversed(rnn, head, optimizer, rng):
    for _ in range(400):
        x, y = make_binary_sums(32, 8, rng)
        logits = head.forward(rnn.forward(x[:, ::-1])[0])
        head_grads = head.backward(softmax_cross_entropy(logits, y[:, ::-1])[1])
        optimizer.step([rnn.backward(head_grads.x).params, head_grads.params])


# %%
rng = np.random.default_rng(0)
rnn, head = RNN(2, 16, rng=rng), Dense(16, 2, rng=rng)
train_reversed(rnn, head, Adam([rnn.params, head.params], 0.01), rng)
named = head.forward(rnn.forward(digits[:, ::-1])[0]).argmax(axis=2)
print(f"right: {(named == sums[:, ::-1]).mean():.2f}")

# %% [markdown]
# A model that also reads from the other end can: [chapter
# 7](07_bidirectional.ipynb).
# ```{solution-end}
# ```
#
# ```{exercise-start} Beyond the cut (hard)
# :label: ex-rnn-echo
# ```
# Let the target be the first digit six steps ago. Train on long sequences by
# truncated BPTT with the state carried, in chunks of 4 and in chunks of 16.
# Predict first: can the shorter chunk learn a lag that no gradient ever
# crosses?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-rnn-echo
# :class: dropdown
# ```


# %%
def train_echo(chunk, lag=6, steps=600):
    rng = np.random.default_rng(0)
    rnn, head = RNN(1, 32, rng=rng), Dense(32, 2, rng=rng)
    optimizer, state, correct = Adam([rnn.params, head.params], 3e-3), None, []
    bits = rng.integers(0, 2, (32, lag + chunk * steps))
    for start in range(lag, lag + chunk * steps, chunk):
        y = bits[:, start - lag : start - lag + chunk]
        outputs, state = rnn.forward(
            bits[:, start : start + chunk, None] - 0.5, state
        )
        logits = head.forward(outputs)
        head_grads = head.backward(softmax_cross_entropy(logits, y)[1])
        optimizer.step([rnn.backward(head_grads.x).params, head_grads.params])
        correct.append((logits.argmax(axis=2) == y).mean())
    return np.mean(correct[-50:])


# %%
for chunk, steps in ((4, 1600), (16, 400)):
    share = train_echo(chunk, steps=steps)
    print(
        f"chunks of {chunk:2}: above 0.95 right {share > 0.95}, below 0.65 "
        f"{share < 0.65}"
    )

# %% [markdown]
# Chunks of 16 learn the echo; chunks of 4 stay near the one half of a coin. The
# state is carried, so it does hold a trace of the digit, and the head may read
# what happens to be there. But no gradient ever tells the layer to keep it.
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Elman (1990)](https://doi.org/10.1207/s15516709cog1402_1), *Finding
#   structure in time*: short, and still the clearest account of what a hidden
#   state comes to represent.
# - [Bengio, Simard and Frasconi (1994)](https://doi.org/10.1109/72.279181): why
#   storing a bit robustly forces the gradient to vanish, an argument that
#   section
#   [Why long lags are hard](#why-long-lags-are-hard) only touches.
# - [Pascanu, Mikolov and Bengio (2013)](https://arxiv.org/abs/1211.5063): the
#   cliff, the clipping rule, and a regulariser against vanishing.
# - [Schoenholz et al. (2017)](https://arxiv.org/abs/1611.01232): where $\chi$
#   comes from, and why one is its critical value.
# - [Le, Jaitly and Hinton (2015)](https://arxiv.org/abs/1504.00941): the best
#   case for ReLU in a recurrent network, and the initial values that it needs.
