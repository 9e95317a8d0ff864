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
# # Recurrence after transformers
#
# A recurrent network reads one step after the other, because each state needs
# the one before. A transformer sees a whole sequence at once, and could
# therefore be trained on far more text. Must a recurrence wait? Not if it is
# linear in its state. A family of such models has come back under many names:
# S4, Mamba, RWKV, minGRU, DeltaNet. This chapter builds them from one idea and
# asks what they gave up for it.
#
# At the end you will be able to
#
# - compute a linear recurrence, and its gradient, without a loop over time;
# - write minGRU, a selective scan, linear attention and the delta rule, each in
#   a few lines, and show each equal to its own parallel form;
# - prove that a gate between 0 and 1 cannot track parity, and mend it;
# - run the tanh RNN of chapter 01 in parallel by Newton's method, and say when
#   that pays;
# - choose between a recurrence and attention for a task of your own.

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

from utils import exercises
from utils.figures.diagrams import scan_tree
from utils.figures.style import COLORS, use_book_style
from utils.labs import newton_lab, scan_lab
from utils.notebook import load_results, show_source
from utils.recurrences import keras as keras_recurrences
from utils.recurrences import minimal, pytorch_scan
from utils.recurrences.diagonal import lru, s4d, s4d_kernel
from utils.recurrences.matrix_state import delta_rule, linear_attention
from utils.recurrences.newton import newton, rnn_tangents
from utils.recurrences.selective import selective_scan
from utils.scratch import GRU, RNN, numerical_gradient
from utils.scratch import scan as library
from utils.scratch.scan import convolve, linear_scan, linear_scan_backward
from utils.training import keep_keras_on_cpu

# %% tags=["hide-input"]
keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## Four steps at once
#
# Strip a recurrent network down to its recurrence, with one unit and no
# squashing:
#
# $$
# h_t = a_t \, h_{t-1} + b_t .
# $$ (eq-scan-recurrence)
#
# $a_t$ says what stays of the old state and $b_t$ what is new. Four steps with
# $a_t = \tfrac12$ and $b = 1, 0, 2, 0$, one after the other:


# %%
def loop(a, b, h=0.0):
    states = []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        states.append(h)
    return np.array(states)


# %%
b = np.array([1.0, 0.0, 2.0, 0.0])
a = np.full(4, 0.5)
loop(a, b)

# %% [markdown]
# The last state is $h_4 = a_4 a_3 a_2 \, b_1 + a_4 a_3 \, b_2 + a_4 \, b_3 +
# b_4$: each input, weakened by what came after it. This can be written without
# a loop. Let $P_t = a_1 \cdots a_t$; then $h_t = P_t \sum_{s \le t} b_s / P_s$,
# two calls of NumPy:


# %%
def closed_form(a, b):
    P = np.cumprod(a)
    return P * np.cumsum(b / P)


closed_form(a, b)

# %% [markdown]
# The same numbers. On a longer sequence the idea fails:

# %%
rng = np.random.default_rng(0)
T = 4096
a, b = rng.uniform(0.2, 1.0, T), rng.normal(size=T)
with np.errstate(all="ignore"):
    attempt = closed_form(a, b)
first_bad = np.flatnonzero(~np.isfinite(attempt))[0]
print(
    f"{np.isnan(attempt).sum()} of {T} states are NaN, the first at {first_bad}"
)
assert np.allclose(attempt[:100], loop(a, b)[:100])

# %% [markdown]
# The products $P_t$ of a thousand numbers below one leave the range of floating
# point, and 0 times infinity is not a number. The states themselves are
# harmless; only this way to compute them is not. We need one that never
# multiplies more than it must.
#
# ## Two steps are one step
#
# Do two steps without looking at the state in between:
#
# $$
# h_2 = a_2 (a_1 h_0 + b_1) + b_2 = (a_2 a_1)\, h_0 + (a_2 b_1 + b_2) .
# $$ (eq-scan-join)
#
# That is again *a number times the old state plus a number*: a single step,
# with $a = a_2 a_1$ and $b = a_2 b_1 + b_2$. So the pairs $(a_1, b_1)$ and
# $(a_2, b_2)$ can be joined before anybody knows $h_0$. And it does not matter
# which neighbours are joined first, only that they keep their order:


# %%
def join(first, second):
    (a_1, b_1), (a_2, b_2) = first, second
    return a_2 * a_1, a_2 * b_1 + b_2


# %%
x, y, z = rng.normal(size=(3, 2))
# Identity: joining-is-associative
np.testing.assert_allclose(join(join(x, y), z), join(x, join(y, z)))
print(
    "x then y:", np.round(join(x, y), 3), " y then x:", np.round(join(y, x), 3)
)

# %% [markdown]
# The operation is **associative**, not commutative. This is all that a parallel
# computation needs. Join the steps 1 and 2, and at the same time 3 and 4, 5 and
# 6, and so on. What is left is a sequence of half the length, which we treat
# the same way. Once its states are known, the states between are one step away.
# This is a **scan**, or prefix sum ([Blelloch,
# 1990](https://www.cs.cmu.edu/~guyb/papers/Ble93.pdf)). Over eight steps, where
# a box $s{:}t$ holds the pair that leads over the steps $s$ to $t$:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-scan-tree", "caption": "A scan over eight steps: which pairs are joined, and when."}}
scan_tree(8)

# %% [markdown]
# In {numref}`fig-scan-tree` three levels join neighbours, two fill in the
# states between. A box that begins at step 1 (blue) has the whole past in it:
# its $b$ is the state. In code:


# %%
def scan(a, b):
    if len(b) == 1:
        return b
    even, odd = slice(0, len(b) // 2 * 2, 2), slice(1, None, 2)
    known = scan(*join((a[even], b[even]), (a[odd], b[odd])))
    h = np.empty_like(b)
    h[0] = b[0]
    h[1::2] = known
    h[2::2] = a[2::2] * known[: len(h[2::2])] + b[2::2]
    return h


# %%
def levels(T):
    return 0 if T == 1 else 1 + levels(T // 2) + (T > 2)


error = np.abs(scan(a, b) - loop(a, b)).max()
# Identity: scan-is-loop
assert error < 1e-12
print(
    f"{T} steps in {levels(T)} levels of joins; largest difference {error:.0e}"
)

# %% [markdown]
# Each level is one array operation, in which everything may happen at the same
# time. With enough arithmetic units the loop takes $T$ times the time of a step
# and the scan about $2 \log_2 T$ times, for two and a half times the work.
# Watch numbers go through the tree in {numref}`fig-scan-lab`:

# %% mystnb={"figure": {"name": "fig-scan-lab", "caption": "A scan over eight steps, level by level."}}
scan_lab()

# %% [markdown]
# The layer of `utils` does this for a batch, with an initial state:


# %%
def draw(*shape, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1, 1, shape)
    return a, rng.normal(size=shape), rng.normal(size=(shape[0], *shape[2:]))


a, b, h0 = draw(2, T, 3)
h = linear_scan(a, b, h0)
expected = loop(a.swapaxes(0, 1), b.swapaxes(0, 1), h0).swapaxes(0, 1)
assert np.abs(h - expected).max() < 1e-12

# %%
show_source(linear_scan, fold="How the library does it", bare=True)

# %% [markdown]
# ### Backwards it is a scan too
#
# Let $\delta h_t = \partial L / \partial h_t$ collect everything that comes
# from later. A state acts on the loss through its own output, whose gradient is
# $\partial L/\partial y_t$, and through the next state, which it enters with
# the factor $a_{t+1}$:
#
# $$
# \delta h_t = \frac{\partial L}{\partial y_t} + a_{t+1}\, \delta h_{t+1},
# \qquad \delta b_t = \delta h_t, \qquad \delta a_t = \delta h_t\, h_{t-1} .
# $$ (eq-scan-backward)
#
# This is {eq}`eq-scan-recurrence` again, from the last step to the first, with
# the transitions shifted by one. So the gradient is a scan of the reversed
# arrays:

# %%
d_y = np.random.default_rng(1).normal(size=h.shape)
shifted = np.concatenate([a[:, 1:], np.zeros_like(a[:, :1])], axis=1)
d_h = linear_scan(shifted[:, ::-1], d_y[:, ::-1])[:, ::-1]
before = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
d_a, d_b, d_h0 = linear_scan_backward(a, h, d_y, h0)
# Identity: gradient-is-a-scan
np.testing.assert_allclose(d_b, d_h)
np.testing.assert_allclose(d_a, d_h * before)

# %% [markdown]
# Checked against differences on a short sequence, and against the two
# frameworks on the long one:


# %%
short_a, short_b, short_h0 = draw(1, 9, 2)


def loss():
    return (linear_scan(short_a, short_b, short_h0) * d_y[:1, :9, :2]).sum()


short = linear_scan(short_a, short_b, short_h0)
grads = linear_scan_backward(short_a, short, d_y[:1, :9, :2], short_h0)
for array, gradient in zip((short_a, short_b, short_h0), grads, strict=True):
    np.testing.assert_allclose(
        gradient, numerical_gradient(loss, array), atol=1e-8
    )

# %% tags=["tab-pytorch"]
# PyTorch
arrays = [torch.tensor(each, requires_grad=True) for each in (a, b, h0)]
h_torch = pytorch_scan.linear_scan(*arrays)
h_torch.backward(torch.tensor(d_y))
np.testing.assert_allclose(h_torch.detach(), h, atol=1e-12)
for array, gradient in zip(arrays, (d_a, d_b, d_h0), strict=True):
    np.testing.assert_allclose(array.grad, gradient, atol=1e-12)

# %% tags=["tab-keras"]
# Keras
arrays = [tf.Variable(each) for each in (a, b, h0)]
with tf.GradientTape() as tape:
    h_keras = keras_recurrences.linear_scan(*arrays)
    weighted = keras.ops.sum(h_keras * d_y)
np.testing.assert_allclose(h_keras, h, atol=1e-12)
results = tape.gradient(weighted, arrays)
for result, gradient in zip(results, (d_a, d_b, d_h0), strict=True):
    np.testing.assert_allclose(result, gradient, atol=1e-12)

# %% [markdown]
# Keras has `keras.ops.associative_scan`. PyTorch calls its
# [own](https://docs.pytorch.org/docs/2.14/higher_order_ops/associative_scan.html)
# a prototype, so `utils.recurrences.pytorch_scan` writes the tree out.
#
# ### When nothing changes: a convolution
#
# If $a$ is the same at every step, unrolling {eq}`eq-scan-recurrence` gives
# $h_t = \sum_k a^k\, b_{t-k}$: a convolution of the inputs with the **kernel**
# $1, a, a^2, \dots$ The fast Fourier transform computes it in
# $O(T \log T)$, once both are padded with zeros to twice the length, because
# the transform would wrap the end around to the beginning.

# %%
constant = np.array([0.9, -0.5, 0.99])
kernel = constant ** np.arange(T)[:, None]
by_hand = np.stack(
    [np.convolve(b[0, :, i], kernel[:, i])[:T] for i in range(3)], axis=1
)
h_constant = linear_scan(np.broadcast_to(constant, b.shape), b)
np.testing.assert_allclose(by_hand, h_constant[0], atol=1e-12)
# Identity: constant-is-convolution
np.testing.assert_allclose(convolve(constant, b), h_constant, atol=1e-12)

# %% [markdown]
# Its gradient with respect to $b$ is the same convolution, run backwards, in
# NumPy and in PyTorch:

# %%
_, d_b_constant, _ = linear_scan_backward(
    np.broadcast_to(constant, b.shape), h_constant, d_y
)
backwards = convolve(constant, d_y[:, ::-1])[:, ::-1]
np.testing.assert_allclose(backwards, d_b_constant, atol=1e-12)

# %%
b_torch, K = torch.tensor(b, requires_grad=True), torch.tensor(kernel)
spectra = (torch.fft.rfft(each, 2 * T, dim=-2) for each in (K, b_torch))
h_torch = torch.fft.irfft(torch.mul(*spectra), 2 * T, dim=-2)[:, :T]
h_torch.backward(torch.tensor(d_y))
np.testing.assert_allclose(h_torch.detach(), h_constant, atol=1e-12)
np.testing.assert_allclose(b_torch.grad, d_b_constant, atol=1e-12)

# %% [markdown]
# ### When nothing is negative: logarithms
#
# The closed form that failed can be saved where $a$ and $b$ are positive:
# products become sums of logarithms, which stay in range, and sums become
# $\log(e^x + e^y)$ ([Heinsen, 2023](https://arxiv.org/abs/2311.06281)):


# %%
def closed_form_of_logarithms(log_a, log_b):
    log_P = np.cumsum(log_a, axis=1)
    return log_P + np.logaddexp.accumulate(log_b - log_P, axis=1)


# %%
log_a, log_b = np.log(np.abs(a)), np.log(np.abs(b))
positive_h = linear_scan(np.abs(a), np.abs(b))
# Identity: logarithms-hold
for logarithms in (closed_form_of_logarithms, library.log_linear_scan):
    states = np.exp(logarithms(log_a, log_b))
    np.testing.assert_allclose(states, positive_h, rtol=1e-11)

# %% [markdown]
# `log_linear_scan` is our tree with + for every product and $\log(e^x + e^y)$
# for every sum.
#
# ## Gates that do not look
#
# Which networks are {eq}`eq-scan-recurrence`? The [GRU](03_gru.ipynb) seems to
# be: $h_t = z_t h_{t-1} + (1 - z_t) n_t$, with $a_t = z_t$ and $b_t = (1 - z_t)
# n_t$. But $z_t$ and $n_t$ look at $h_{t-1}$, so that nobody knows $a_t$ before
# the loop has got there. Cut that wire. Let the gate and the candidate see the
# input alone, and drop the reset gate, which has nothing left to reset, and the
# tanh, since a state that lies between its candidates needs no other bound:
#
# $$
# z_t = \sigma(x_t W_z + b_z), \qquad n_t = x_t W_n + b_n, \qquad
# h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t .
# $$ (eq-scan-mingru)
#
# This is **minGRU** ([Feng et al., 2024](https://arxiv.org/abs/2410.01201)). As
# in chapter 03 our $z$ is the share that stays; the paper's $z$ is our $1 - z$.


# %%
def sigmoid(u):
    return (1 + np.tanh(u / 2)) / 2


def min_gru_step(x, h, W, bias):
    z, n = np.split(x @ W + bias, 2, axis=-1)
    return sigmoid(z) * h + (1 - sigmoid(z)) * n


# %%
D, H = 3, 4
rng = np.random.default_rng(2)
x = rng.normal(size=(2, 50, D))
W, bias, h0 = (
    rng.normal(size=(D, 2 * H)),
    rng.normal(size=2 * H),
    np.zeros((2, H)),
)

# %%
h, one_by_one = h0, []
for t in range(50):
    h = min_gru_step(x[:, t], h, W, bias)
    one_by_one.append(h)
coefficients = minimal.min_gru(x, W, bias)  # a and b, from the inputs alone
at_once = linear_scan(*coefficients, h0)
# Identity: mingru-is-a-scan
np.testing.assert_allclose(at_once, np.stack(one_by_one, axis=1), atol=1e-12)

# %%
show_source(
    minimal.min_gru,
    minimal.min_lstm,
    fold="The library's two functions",
    bare=True,
)

# %% [markdown]
# `min_gru` returns the coefficients; what follows is the scan. **minLSTM** is
# as short. Its two gates are divided by their sum, so that what stays and what
# enters are shares of one whole here as well:

# %%
W_f, bias_f = rng.normal(size=(D, 3 * H)), rng.normal(size=3 * H)
f, i, n = np.split(x @ W_f + bias_f, 3, axis=-1)
f, i = sigmoid(f), sigmoid(i)
coefficients = minimal.min_lstm(x, W_f, bias_f)
np.testing.assert_allclose(coefficients, (f / (f + i), i / (f + i) * n))
h = loop(*(each.swapaxes(0, 1) for each in coefficients)).swapaxes(0, 1)
np.testing.assert_allclose(linear_scan(*coefficients), h, atol=1e-12)

# %% [markdown]
# The authors train in logarithms, for which the candidate must be positive:
# they pass it through $g(n) = n + \tfrac12$ for $n \ge 0$ and $\sigma(n)$
# below. That is another model, with the same gates:

# %%
log_h = library.log_linear_scan(
    *minimal.log_min_gru(x, W, bias), np.log(np.ones((2, H)))
)
z, n = np.split(x @ W + bias, 2, axis=-1)
a, b = sigmoid(z), (1 - sigmoid(z)) * np.exp(minimal.log_positive(n))
np.testing.assert_allclose(np.exp(log_h), linear_scan(a, b, np.ones((2, H))))

# %% [markdown]
# Two forms of one layer can disagree unnoticed. In one published implementation
# the initial state passed through $g$ twice in the parallel branch, until a
# reader compared
# ([minGRU-pytorch#9](https://github.com/lucidrains/minGRU-pytorch/issues/9)).
#
# ### A wheel for every unit
#
# S4 ([Gu et al., 2021](https://arxiv.org/abs/2111.00396)) has transitions that
# do not even see the input. Its later diagonal forms are simple: each unit has
# one *complex* number $\lambda$, whose size says how fast the state fades and
# whose angle how fast it turns. The
# **linear recurrent unit**
# ([Orvieto et al., 2023](https://arxiv.org/abs/2303.06349)) is
#
# $$
# \begin{aligned}
# h_t &= \lambda \odot h_{t-1} + \gamma \odot x_t B, &\qquad
# y_t &= \Re(h_t C), \\
# \lambda &= e^{-e^{\nu} + i e^{\theta}}, &\qquad
# \gamma &= \sqrt{1 - |\lambda|^2} .
# \end{aligned}
# $$ (eq-scan-lru)
#
# However training moves $\nu$ and $\theta$, $|\lambda| < 1$ holds, and $\gamma$
# keeps the state about as large as the input. Constant transitions are a
# convolution:


# %%
def lru_loop(x, nu, theta, B, C):
    eigenvalues = np.exp(-np.exp(nu) + 1j * np.exp(theta))
    gamma = np.sqrt(1 - np.abs(eigenvalues) ** 2)
    h, outputs = np.zeros((len(x), len(nu)), complex), []
    for t in range(x.shape[1]):
        h = eigenvalues * h + gamma * (x[:, t] @ B)
        outputs.append((h @ C).real)
    return np.stack(outputs, axis=1)


# %%
nu, theta = rng.normal(size=(2, H))
B, C = (rng.normal(size=(2, *each)) for each in ((D, H), (H, D)))
weights = nu, theta, B[0] + 1j * B[1], C[0] + 1j * C[1]
# Identity: lru-is-a-convolution
np.testing.assert_allclose(lru(x, *weights), lru_loop(x, *weights), atol=1e-12)

# %% [markdown]
# **S4D** ([Gu et al., 2022](https://arxiv.org/abs/2206.11893)) begins with a
# differential equation, $h' = A h + x$, holds the input constant over steps of
# length $\Delta$, and gets $\lambda = e^{\Delta A}$. Its output is a
# convolution with one kernel per channel. Two of them, as S4D initialises $A$:

# %% mystnb={"figure": {"name": "fig-s4d-kernels", "caption": "Kernels of two channels of an S4D layer that differ in their step length."}, "image": {"alt": "Two kernels over 400 steps: with a step length of 0.01 a few slow waves that fade over the whole window, with 0.1 waves ten times as fast that are gone after 100 steps."}}
log_delta = np.log([0.01, 0.1])
A = np.tile(-0.5 + 1j * np.pi * np.arange(4), (2, 1))
ones = np.ones((2, 4), complex)
kernels = s4d_kernel(log_delta, A, ones, 400)
fig, ax = plt.subplots()
for label, channel in zip(("0.01", "0.1"), kernels.T, strict=True):
    ax.plot(channel / np.abs(channel).max(), label=f"Δ = {label}")
ax.set(xlabel="lag k, in steps", ylabel="kernel, scaled")
ax.legend()
plt.show()

# %% [markdown]
# {numref}`fig-s4d-kernels` shows the same waves, ten times slower where
# $\Delta$ is ten times smaller. Kernel by FFT and state by scan agree:

# %%
noise = rng.normal(size=(2, 400, 2))
decay = np.exp(np.exp(log_delta)[:, None] * A)
new = (decay - 1) / A * noise[..., None]
h = linear_scan(np.broadcast_to(decay, new.shape), new)
by_state = 2 * (ones * h).sum(axis=-1).real
np.testing.assert_allclose(s4d(noise, log_delta, A, ones), by_state, atol=1e-12)

# %% [markdown]
# ### A step length that is read
#
# A convolution treats every input alike. It cannot decide that a word matters
# and the next thousand do not. **Mamba** ([Gu and Dao,
# 2023](https://arxiv.org/abs/2312.00752)) therefore reads the step length from
# the input. For each channel, with its own state of $M$ numbers (the other
# letters are the paper's, so that this $D$ is a weight, not a size),
#
# $$
# h_t = e^{\Delta_t A} \odot h_{t-1} + \Delta_t\, x_t\, B_t, \qquad
# y_t = h_t \cdot C_t + D\, x_t ,
# $$ (eq-scan-selective)
#
# where $A < 0$ is learnt but constant and $\Delta_t > 0$, $B_t$ and $C_t$ are
# linear in the input ($\Delta$ through softplus, $\ln(1 + e^u)$). A large
# $\Delta_t$ forgets and writes; a $\Delta_t$ near 0 skips the step. The
# transition changes with $t$, so there is no kernel any more, but there is a
# scan:


# %%
def selective_loop(x, delta, A, B, C, D):
    h, outputs = np.zeros((len(x), *A.shape)), []
    for t in range(x.shape[1]):
        step = delta[:, t, :, None]
        h = np.exp(step * A) * h + step * x[:, t, :, None] * B[:, t, None, :]
        outputs.append((h * C[:, t, None, :]).sum(-1) + D * x[:, t])
    return np.stack(outputs, axis=1)


# %%
M = 5
delta = np.logaddexp(0, rng.normal(size=x.shape))
A, D_skip = -rng.uniform(0.1, 2, (D, M)), rng.normal(size=D)
B, C = rng.normal(size=(2, 2, 50, M))
# Identity: selective-is-a-scan
y = selective_scan(x, delta, A, B, C, D_skip)
np.testing.assert_allclose(
    y, selective_loop(x, delta, A, B, C, D_skip), atol=1e-12
)

# %% [markdown]
# PyTorch's gradient through a loop, and through the scan with its own backward
# pass, agree as well:


# %%
def coefficients_of(x, delta, A, B):
    a = torch.exp(delta[..., None] * A)
    return a, (delta * x)[..., None] * B[:, :, None, :]


def gradients(states_of):
    inputs = [
        torch.tensor(each, requires_grad=True) for each in (x, delta, A, B)
    ]
    states = states_of(*coefficients_of(*inputs))
    (states**2).sum().backward()
    return [each.grad for each in inputs]


# %%
def torch_loop(a, b):
    h, states = torch.zeros_like(b[:, 0]), []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
        h = a_t * h + b_t
        states.append(h)
    return torch.stack(states, dim=1)


# %%
by_loop, by_scan = gradients(torch_loop), gradients(pytorch_scan.linear_scan)
for left, right in zip(by_loop, by_scan, strict=True):
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-11)

# %% [markdown]
# What does selection buy? Write the number 3, read noise for a thousand steps,
# and show the state. With $\Delta = 0$ during the noise it is untouched; with a
# constant $\Delta$ the number fades, and the noise gets in.

# %%
marked = np.concatenate([[3.0], rng.normal(size=1000)])[None, :, None]
one = np.ones((1, 1001, 1))
rate, skip = np.array([[-0.1]]), np.zeros(1)
attentive = np.where(np.arange(1001) == 0, 1.0, 0.0)[None, :, None]
for name, steps in (("selective", attentive), ("constant", 0.1 * one)):
    last = selective_scan(marked, steps, rate, one, one, skip)[0, -1, 0]
    print(f"{name}: {last:.3f}")

# %% [markdown]
# ### A table for a state
#
# A state of $H$ numbers is a narrow place. Make it a matrix $S$ that pairs
# **keys** with **values**, write with an outer product, and read with a
# **query** ([Katharopoulos et al., 2020](https://arxiv.org/abs/2006.16236),
# without their positive features and their division by the sum of the weights):
#
# $$
# S_t = S_{t-1} + k_t^\top v_t, \qquad o_t = q_t S_t .
# $$ (eq-scan-linear-attention)
#
# By hand: the key $(1, 0)$ gets the value $(5, 6)$ and the key $(0, 1)$ the
# value $(7, 8)$. Each key finds its value again:

# %%
keys, values = np.eye(2), np.array([[5.0, 6.0], [7.0, 8.0]])
S = np.zeros((2, 2))
for k, v in zip(keys, values, strict=True):
    S = S + np.outer(k, v)
np.testing.assert_array_equal(keys @ S, values)

# %% [markdown]
# Now unroll it: $o_t = q_t \sum_{s \le t} k_s^\top v_s = \sum_{s \le t} (q_t
# k_s^\top)\, v_s$. The output is a sum of all earlier values, each weighted by
# the product of the query with its key. That is the
# [attention](09_attention.ipynb) of chapter 09, without its softmax: **linear
# attention**, which is an RNN. One masked product of matrices replaces the
# loop:


# %%
def state_loop(write, q, k, v, *more):
    S, outputs = np.zeros((k.shape[1], v.shape[1])), []
    for t in range(len(k)):
        S = write(S, k[t], v[t], *(each[t] for each in more))
        outputs.append(q[t] @ S)
    return np.stack(outputs)


# %%
q, k, v = rng.normal(size=(3, 40, 6))
k /= np.linalg.norm(k, axis=1, keepdims=True)
# Identity: linear-attention-is-an-rnn
added = state_loop(lambda S, k, v: S + np.outer(k, v), q, k, v)
np.testing.assert_allclose(np.tril(q @ k.T) @ v, added, atol=1e-12)
np.testing.assert_allclose(
    linear_attention(q[None], k[None], v[None])[0], added
)

# %% [markdown]
# Linear attention only ever adds. Write a second value at a key, and the key
# returns the sum of the two:

# %%
k_again, v_old, v_new = keys[0], values[0], np.array([1.0, 1.0])
S = np.outer(k_again, v_old) + np.outer(k_again, v_new)
print("wanted", v_new, "found", k_again @ S)

# %% [markdown]
# The remedy is to ask first: what does the state return for this key? Write
# only the difference:
#
# $$
# S_t = S_{t-1} + \beta_t\, k_t^\top (v_t - k_t S_{t-1})
#     = (I - \beta_t k_t^\top k_t)\, S_{t-1} + \beta_t\, k_t^\top v_t .
# $$ (eq-scan-delta)
#
# This is the **delta rule** of Widrow and Hoff, in a layer by
# [Schlag et al. (2021)](https://arxiv.org/abs/2102.11174). With a unit key and
# $\beta = 1$ the new value replaces the old one:


# %%
def delta_step(S, k, v, beta):
    return S + beta * np.outer(k, v - k @ S)


S = delta_step(np.outer(k_again, v_old), k_again, v_new, 1.0)
print("wanted", v_new, "found", k_again @ S)

# %% [markdown]
# It is also a learning rule. The squared error of the state as a linear map
# from key to value, $\tfrac12 |k S - v|^2$, has the gradient $k^\top (k S -
# v)$, so that {eq}`eq-scan-delta` is one step of gradient descent of size
# $\beta$ for each token: **online least squares**. The layer trains a small
# model while it reads.

# %%
S, target = rng.normal(size=(6, 6)), v[0]


def squared_error():
    return float(((k[0] @ S - target) ** 2).sum() / 2)


descent = S - 0.7 * numerical_gradient(squared_error, S)
np.testing.assert_allclose(delta_step(S, k[0], target, 0.7), descent, atol=1e-8)

# %% [markdown]
# Can it be parallel? Its transition, $I - \beta_t k_t^\top k_t$, is not
# diagonal, and joining matrices is dear. But every step writes one row,
# $k_t^\top u_t$ with $u_t = \beta_t (v_t - k_t S_{t-1})$, and $S_{t-1} =
# \sum_{s<t} k_s^\top u_s$. Put the second into the first: $u_t = \beta_t
# \big(v_t - \sum_{s<t} (k_t k_s^\top)\, u_s\big)$. All $u$ together solve one
# triangular system, and then the read-out is linear attention with $u$ for $v$
# ([Yang et al., 2024](https://arxiv.org/abs/2406.06484)):

# %%
beta = rng.uniform(0, 2, 40)
overlaps = beta[:, None] * np.tril(k @ k.T, -1)
u = np.linalg.solve(np.eye(40) + overlaps, beta[:, None] * v)
# Identity: delta-rule-is-a-system
corrected = state_loop(delta_step, q, k, v, beta)
np.testing.assert_allclose(np.tril(q @ k.T) @ u, corrected, atol=1e-12)
arrays = (each[None] for each in (q, k, v, beta))
np.testing.assert_allclose(delta_rule(*arrays)[0], corrected, atol=1e-12)

# %% [markdown]
# In practice the system is solved for chunks of 64 steps or so, and the state
# carried from chunk to chunk. A factor before $S_{t-1}$ makes either rule
# forget: a constant one gives RetNet, one read from the input the scalar form
# of Mamba-2 and, with the delta rule, Gated DeltaNet. `linear_attention` and
# `delta_rule` take it as `decay`:

# %%
fading = rng.uniform(0.8, 1, 40)


def forgetting_step(S, k, v, beta, decay):
    return delta_step(decay * S, k, v, beta)


gated = state_loop(forgetting_step, q, k, v, beta, fading)
arrays = (each[None] for each in (q, k, v, beta, fading))
np.testing.assert_allclose(delta_rule(*arrays)[0], gated, atol=1e-12)

# %% [markdown]
# ### The family
#
# Every model of this section is a way to get from inputs to transitions. $H$ is
# the number of units, $M$ the state per channel, $d$ the size of a key and of a
# value, $T$ the steps read:
#
# | model | transition | gate sees the state? | all at once by | state | parity? |
# |-|-|-|-|-|-|
# | RNN, LSTM, GRU | dense, not linear | yes | Newton, below | $H$, $2H$ | yes, below |
# | minGRU, minLSTM | diagonal, in (0, 1) | no | scan | $H$ | no, below |
# | S4D, LRU | diagonal, complex, constant | no | FFT, scan | $H$ complex | no, below |
# | Mamba | diagonal, in (0, 1) | no | scan | $HM$ | no, below |
# | linear attention | the identity | no | masked product | $d^2$ | no, below |
# | [RetNet](https://arxiv.org/abs/2307.08621), [Mamba-2](https://arxiv.org/abs/2405.21060) | a number in (0, 1) | no | masked product | $d^2$ | no, below |
# | DeltaNet, $\beta < 1$ | identity less rank one | no | triangular system | $d^2$ | no, below |
# | DeltaNet, $\beta \le 2$ | a reflection at $\beta = 2$ | no | triangular system | $d^2$ | yes at 2, below |
# | [Gated DeltaNet](https://arxiv.org/abs/2412.06464) | a number times DeltaNet's | no | triangular system | $d^2$ | as $\beta$ |
# | [DeltaProduct](https://arxiv.org/abs/2502.10297) | product of several reflections | no | triangular system | $d^2$ | yes, cited |
# | [RWKV-7](https://arxiv.org/abs/2503.14456) | diagonal plus rank one | no | chunks | $d^2$ | yes, cited |
# | [Mamba-3](https://arxiv.org/abs/2603.15569) | rotations that the input chooses | no | masked product | $d^2$ | yes, cited |
# | [RWKV-4](https://arxiv.org/abs/2305.13048) | diagonal, in (0, 1), constant | no | scan | $2H$ | no, below |
# | [xLSTM](https://arxiv.org/abs/2405.04517): mLSTM | a number per head, not negative | no | masked product | $d^2$ | no, below |
# | xLSTM: sLSTM | as an LSTM | yes | loop | $4H$ | yes, cited |
# | attention | none: it keeps all keys and values | – | masked product | $2dT$, grows | did not, below |
#
# What does a *no* under *gate sees the state?* cost?
#
# ## What linearity costs
#
# Bits come in, one per step. Has the number of ones so far been odd? This is
# **parity**, the smallest task in which a state must be *tracked*: every one
# flips the answer, however long ago it came. An RNN of two units can do it:
# with $p$ for the parity so far, one asks whether $x + p$ is at least 1, the
# other whether it is 2, and the new $p$ is their difference:

# %%
bits = np.random.default_rng(0).integers(0, 2, (1, 100_000, 1)).astype(float)
parity = np.cumsum(bits, axis=1) % 2
two = RNN(1, 2)
two.params["W_x"][...] = 20
two.params["W_h"][...] = [[10, 10], [-10, -10]]
two.params["b"][...] = -10, -30
at_least_1, at_least_2 = two.forward(bits[:, :5000])[0][0].T
p = (at_least_1 - at_least_2) / 2
assert np.abs(p - parity[0, :5000, 0]).max() < 1e-6

# %% [markdown]
# Can a linear recurrence? Yes, with a transition that turns the state over: a
# one takes $h \in \{0, 1\}$ to $1 - h$ and a zero leaves it, so that
#
# $$
# h_t = (1 - 2 x_t)\, h_{t-1} + x_t .
# $$ (eq-scan-parity)

# %%
# Identity: parity-by-minus-one
np.testing.assert_array_equal(linear_scan(1 - 2 * bits, bits), parity)

# %% [markdown]
# Exact, over 100,000 steps. But the transition is −1 where the bit is 1, and
# the gates of minGRU, of Mamba and of most of the table lie between 0 and 1.
#
# ### Why can a gate between 0 and 1 not do it?
#
# Feed only ones. A gate that sees the input alone is then the same number $a$
# at every step, and so is $b$: every unit repeats one map, $f(h) = a h + b$
# with $a \ge 0$. Such a map keeps order: if $h \le h'$, then $f(h) \le f(h')$.
# And rounding to floating point keeps order, too. So if the first step went up,
# $h_0 \le h_1$, then $h_1 = f(h_0) \le f(h_1) = h_2$, and so on: the state
# climbs for ever, or it falls for ever. There are only finitely many
# floating-point numbers. Hence it stops:


# %%
def steps_until_still(a, number):
    a, b, h, steps = number(a), number(1 - a), number(0), 0
    while (after := a * h + b) != h:
        h, steps = after, steps + 1
    return steps


gates = [0.5, 0.9, 0.99, 0.999]
table = pd.DataFrame(index=pd.Index(gates, name="gate"))
for number in (np.float16, np.float32, np.float64):
    table[number.__name__] = [steps_until_still(gate, number) for gate in gates]
table

# %% [markdown]
# From then on the answer cannot change any more, but parity changes at every
# step. A layer above sees a constant input in its turn, and stops as well.
# Therefore **no stack of layers with gates $a \ge 0$ that see only their input,
# computed step by step in any fixed precision, tracks parity at every length**,
# whatever stands between the layers, as long as that looks at a fixed number of
# the latest steps and does not know how many came before. (The theorem, for
# more general layers, is in [Sarrof et al.
# (2024)](https://arxiv.org/abs/2405.17394) and [Grazzi et al.
# (2024)](https://arxiv.org/abs/2411.12537).) The gate 1 is no way out. It
# counts the ones, which is enough for any readout with infinite precision, but
# in single precision the count stops at $2^{24}$:

# %%
full = np.float32(2**24)
assert full + np.float32(1) == full

# %% [markdown]
# Nor is a complex $\lambda$ inside the unit circle. On a constant input its
# state spirals into the point $b / (1 - \lambda)$, and soon two neighbouring
# states differ by less than any readout can resolve:

# %%
turns = {
    "half a turn, fading": 0.9 * np.exp(1j * np.pi),
    "delta rule, β = 0.9": 1 - 0.9,
}
for name, a in turns.items():
    h = loop(np.full(200, a), np.ones(200))
    steps = ", ".join(f"{abs(h[t] - h[t - 1]):.0e}" for t in (5, 15, 150))
    print(f"{name}: steps 5, 15 and 150 move h by {steps}")

# %% [markdown]
# A transition of −0.9 alternates, and fades: a gate in (−1, 1) may learn parity
# at short lengths and lose it at longer ones. Linear attention has the
# transition 1, which the proof covers. With the delta rule and $\beta < 1$,
# what the state says of a constant key, $k S_t = \beta v + (1 - \beta)\, k
# S_{t-1}$, settles too.
#
# ### A reflection
#
# With $\beta = 2$ and a unit key the delta rule's transition $I - 2 k^\top k$
# is a reflection: it turns the state over along the key and has the eigenvalue
# −1 there. One key, the value $\tfrac12$ and $\beta_t = 2 x_t$ are
# {eq}`eq-scan-parity` again:

# %%
some = bits[:, :500]
one = np.ones_like(some)
by_delta_rule = delta_rule(one, one, one / 2, 2 * some[..., 0])
# Identity: parity-by-reflection
np.testing.assert_allclose(by_delta_rule, parity[:, :500], atol=1e-12)

# %% [markdown]
# Reflections do more. The one along $k = (e_i - e_j)/\sqrt2$ exchanges rows $i$
# and $j$ of the state. So the delta rule can follow a shell game: three cups,
# at each step two of them are exchanged, where is the ball?

# %%
swaps = rng.permuted(np.tile(np.arange(3), (300, 1)), axis=1)[:, :2]
key = (np.eye(3)[swaps[:, 0]] - np.eye(3)[swaps[:, 1]]) / np.sqrt(2)
S, cups = np.eye(3), np.arange(3)
for (i, j), k in zip(swaps, key, strict=True):
    S = delta_step(S, k, np.zeros(3), 2.0)
    cups[[i, j]] = cups[[j, i]]
np.testing.assert_allclose(S, np.eye(3)[cups], atol=1e-9)

# %% [markdown]
# The exchanges of three things generate the group $S_3$, whose elements do not
# commute: first 1 with 2, then 2 with 3, is not the same as the other way
# round. Diagonal transitions always commute; reflections along two keys do not.
# To know an element of $S_3$ is to know whether the number of exchanges was
# odd, so that the proof above holds here as well. [Merrill et al.
# (2024)](https://arxiv.org/abs/2404.08819) prove more: under a standard
# conjecture, with numbers of $O(\log T)$ digits, no fixed number of diagonal
# layers tracks the products of five things, $S_5$, at every length;
# transformers share the limit ([Merrill and Sabharwal,
# 2023](https://arxiv.org/abs/2207.00729)).
#
# ### Tracking on trial
#
# What does training find? Ten contenders of about 4,000 parameters read random
# bits in rows of 1 to 40 steps and say the parity after each, for 400 batches.
# All stand in a transformer's block (normalise, the layer, normalise, a
# perceptron, residual sums), once or, where {numref}`tab-parity` says so,
# twice; the selective scan is Mamba's without its convolution and gate, and the
# *negative* delta rule has $\beta < 2$, the other $\beta < 1$. Each
# had its own learning rate chosen on three seeds, the grid going on while the
# best rate lay at its edge; then five fresh seeds ran once
# (`benchmarks/state_tracking.py`; layers: `utils.recurrences.pytorch`):


# %%
def trial(group):
    record = load_results(f"state_tracking_{group}")["results"]
    return pd.DataFrame(
        {"contender": key.rpartition(" / ")[0], **run, **run["accuracy"]}
        for key, run in record["runs"].items()
    )


def medians(runs):
    lengths = list(runs["accuracy"].iloc[0])
    columns = ["rate", "parameters", "seconds", *lengths]
    table = runs.groupby("contender", sort=False)[columns].median().round(3)
    table = table.astype({"parameters": int})
    return table.rename(columns={"seconds": "CPU s"})


# %% mystnb={"figure": {"name": "tab-parity", "caption": "Parity: rate, size and time of each contender, and its share of right answers over the ten steps that end at 40, 100, 500 and 1,000; medians of five seeds, trained on at most 40 steps."}}
trials = {group: trial(group) for group in ("S2", "S3", "S5")}
medians(trials["S2"])

# %% [markdown]
# All ten had a like trial in $S_3$: the product so far, after each of 1 to 16
# elements, in 600 batches ({numref}`tab-s3`). The delta rules have two layers
# here, because a turn of all three things takes two reflections:

# %% mystnb={"figure": {"name": "tab-s3", "caption": "The same for products of permutations of three things, S₃: share of right answers over the ten steps that end at 16, 64 and 256; trained on at most 16."}}
medians(trials["S3"])

# %% [markdown]
# In $S_5$ two of five cups are exchanged at each step, and only an answer with
# all five places is right. This is **not a fair trial**: one rate, 0.01, for
# all, tuned for none; task and size chosen after exploratory runs; and an
# exchange is one reflection, which suits the delta rule. {numref}`tab-s5` shows
# what 1,000 batches of 1 to 12 exchanges taught, and ranks nobody:

# %% mystnb={"figure": {"name": "tab-s5", "caption": "Exchanges of five things, S₅, no contender tuned: share of the four steps that end at 12, 24, 48 and 96 after which all five places are known; medians of five seeds, trained on at most 12."}}
medians(trials["S5"])

# %% tags=["remove-cell"]
counted = {
    ("S2", "RNN", "500"): 5,
    ("S2", "GRU", "500"): 5,
    ("S2", "LSTM", "500"): 4,
    ("S2", "negative delta rule", "40"): 5,
    ("S2", "negative delta rule", "1000"): 3,
    ("S3", "LSTM", "256"): 5,
    ("S3", "GRU", "256"): 3,
}
for (group, contender, length), runs in counted.items():
    found = trials[group][trials[group]["contender"] == contender]
    assert (found[length] > 0.9).sum() == runs

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-tracking", "caption": "Share of right answers beyond the lengths of training, one dot for each of five seeds; dashed: chance. For S₅ no contender was tuned, and seven did not run."}, "image": {"alt": "Dots for ten contenders in three panels. Parity at 500 steps: RNN and GRU, five dots at one; LSTM, four at one and one at a half; negative delta rule, three at one, one at 0.8, one at a half; all others near one half. Products in S₃ at 256: RNN from 0.3 to 0.95; LSTM all above 0.9; GRU three near one, one at 0.7, one at 0.3; all others near one sixth. Exchanges in S₅ at 24, three contenders: GRU near chance, below 0.1; delta rule at zero; negative delta rule near one."}}
# After t exchanges only half of the 120 orders can be.
panels = {"S2": ("500", 1 / 2), "S3": ("256", 1 / 6), "S5": ("24", 1 / 60)}
titles = "parity", "products in $S_3$", "$S_5$, not tuned"
names = list(medians(trials["S2"]).index)
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(6.8, 3.6))
for ax, title, (group, panel) in zip(axes, titles, panels.items(), strict=True):
    length, chance = panel
    for name, runs in trials[group].groupby("contender"):
        row = [names.index(name)] * len(runs)
        ax.plot(runs[length], row, "o", color=COLORS["blue"], alpha=0.5)
    ax.axvline(chance, color=COLORS["black"], linewidth=1, linestyle="--")
    ax.set(xlabel=f"right at {length}", xlim=(-0.08, 1.08))
    ax.set_title(title, size=10)
axes[0].set_yticks(range(len(names)), names)
axes[0].invert_yaxis()
plt.show()

# %% [markdown]
# In {numref}`fig-tracking` the RNN and the GRU know the parity of 500 bits in
# every run, the LSTM in four of
# five.[ᶜ](claims.md#gates_that_see_the_state_track_parity) minGRU, the
# selective scan and the delta rule with $\beta < 1$
# guess,[ᶜ](claims.md#positive_transitions_lose_parity) and so do the
# LRU[ᶜ](claims.md#a_constant_transition_loses_parity) and the
# transformer.[ᶜ](claims.md#a_transformer_loses_parity) They guess at 40
# already: they did not learn it within 400 batches, and longer training was not
# tried. With $\beta < 2$ the
# delta rule is right at 40 steps in every run, and at 1,000 in three of
# five.[ᶜ](claims.md#a_negative_eigenvalue_learns_parity) Its eigenvalue comes
# near −1 and never is −1, which may be why.
#
# In $S_3$ the LSTM is nearly always right at 256 products, sixteen times the
# length of training, in every run, the GRU in three of
# five;[ᶜ](claims.md#gates_that_see_the_state_track_s3) the RNN loses some on
# the way. minGRU, the selective scan, the LRU, the delta rule with
# $\beta < 1$[ᶜ](claims.md#linear_recurrences_lose_s3) and the
# transformer[ᶜ](claims.md#a_transformer_loses_s3) guess at 64; at 16 none of
# them is right a quarter of the time. There the delta rule with $\beta < 2$ is
# right twice as often,[ᶜ](claims.md#a_negative_eigenvalue_helps_s3) and at 256
# it guesses. More than 600 batches were not tried.
#
# In $S_5$ the delta rule with $\beta < 2$ knows all five places after 24
# exchanges,[ᶜ](claims.md#a_negative_eigenvalue_learns_s5) twice the length of
# training, and in fewer and fewer rows up to 96. After as many batches the
# GRU's median at 12 is below one half, and with $\beta < 1$ the delta rule is
# hardly ever right. Tuned, they might do better.
#
# ## Newton makes the old RNN parallel
#
# Gates that see the state make a recurrence nonlinear, so that it must wait. Or
# must it? Write down all $T$ steps of a tanh RNN of one unit at once,
#
# $$
# h_t - \tanh(d_t + w\, h_{t-1}) = 0 , \qquad t = 1, \dots, T,
# $$ (eq-scan-newton-system)
#
# with $d_t$ for what comes from the input. These are $T$ equations for $T$
# unknowns. Newton's method solves equations: guess all states, replace each
# curve by its tangent at the guess, solve the linear problem, repeat. With the
# guess $g$, the value $f_t = \tanh(d_t + w\, g_{t-1})$ and its slope
# $J_t = (1 - f_t^2)\, w$, the correction $e = h - g$ obeys
#
# $$
# e_t = J_t\, e_{t-1} + (f_t - g_t) .
# $$ (eq-scan-newton)
#
# This linear problem is a *linear recurrence*. A scan solves it for all steps
# at once ([Lim et al., 2023](https://arxiv.org/abs/2309.12252)):


# %%
def newton_by_hand(w, d, iterations):
    guess, history = np.zeros(len(d)), []
    for _ in range(iterations):
        f = np.tanh(d + w * np.r_[0, guess[:-1]])
        guess = guess + scan(w * (1 - f**2), f - guess)
        history.append(guess)
    return np.array(history)


# %%
w, d = 1.2, np.random.default_rng(1).normal(scale=0.5, size=8)
truth, h = [], 0.0
for each in d:
    h = np.tanh(each + w * h)
    truth.append(h)
guesses = newton_by_hand(w, d, 5)
names = [f"iteration {k + 1}" for k in range(5)]
table = pd.DataFrame(np.abs(guesses - truth), index=names)
table.columns = [f"h_{t + 1}" for t in range(8)]
assert table.iloc[4].max() < 1e-12
table.round(4)

# %% [markdown]
# The table shows how far each guess is from the loop's state. After $k$
# iterations the first $k$ states are right, since each is computed from one
# that is right: below the diagonal there are zeros. So $T$ iterations always
# suffice, which would be no gain. But long before that the errors of *all*
# steps collapse together, each iteration roughly squaring them.
#
# With $H$ units $J_t = W_h \operatorname{diag}(1 - f_t^2)$ is a matrix, and the
# scan joins matrices. `newton` does so for the layers of chapters 01 and 03:

# %%
x = rng.normal(scale=0.5, size=(1, 512, 4))
# Identity: newton-is-the-loop
for layer in (RNN(4, 16, rng=0), GRU(4, 16, rng=0)):
    solution = newton(layer, x)
    outputs, _ = layer.forward(x)
    np.testing.assert_allclose(solution.states, outputs, atol=1e-12)
    name = type(layer).__name__
    print(f"{name}: 512 steps in {solution.iterations} iterations")

# %%
show_source(newton, rnn_tangents, fold="The library's version", bare=True)

# %% [markdown]
# A handful of iterations in place of 512 steps. Always? In [chapter
# 01](01_rnn_basics.ipynb) the **spectral radius** of $W_h$, the size of its
# largest eigenvalue, decided whether gradients vanish or explode. Turn it up.
# The second quantity to watch is what the states really do: by how much a small
# difference between two states grows per step, on average along the sequence
# (the exponential of the largest **Lyapunov exponent**):


# %%
def rnn_of_gain(gain, seed, H=16):
    layer = RNN(4, H, rng=seed)
    W = np.random.default_rng(seed).normal(size=(H, H))
    layer.params["W_h"][...] = gain * W / np.abs(np.linalg.eigvals(W)).max()
    return layer


# %%
def growth_per_step(layer, x):
    before = np.pad(layer.forward(x)[0], ((0, 0), (1, 0), (0, 0)))[:, :-1]
    v, total = np.ones(layer.hidden_size), 0.0
    for slope in rnn_tangents(layer, x, before)[1][0]:
        v = v @ slope
        total += np.log(np.linalg.norm(v))
        v /= np.linalg.norm(v)
    return np.exp(total / x.shape[1])


# %%
gains = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0]
x = rng.normal(scale=0.5, size=(1, 128, 4))
runs = [
    (gain, newton(layer, x).iterations, growth_per_step(layer, x))
    for gain in gains
    for layer in (rnn_of_gain(gain, seed) for seed in range(5))
]
runs = pd.DataFrame(runs, columns=["gain", "iterations", "growth"])
# Identity: growth-decides
shrinking, growing = runs[runs.growth < 0.9], runs[runs.growth > 1.1]
assert shrinking.iterations.max() < 20
assert growing.iterations.min() > 40

# %% mystnb={"figure": {"name": "fig-newton-gain", "caption": "Iterations of Newton's method for tanh RNNs of 16 units, five at each gain: against the gain, and against the growth of a small difference."}, "image": {"alt": "Newton's iterations for 128 steps, five networks for each gain. Left, against the gain: fewer than ten up to gain 1, more and more from there, sixty to ninety at gain 3. Right, against the growth of a small difference per step: few iterations below 0.9, a steep rise around one, more than forty above 1.1."}}
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(6.2, 3.2))
columns = {
    "gain": "recurrent gain",
    "growth": "growth of a difference per step",
}
for ax, (column, label) in zip(axes, columns.items(), strict=True):
    ax.plot(runs[column], runs["iterations"], "o", markersize=4, alpha=0.7)
    ax.axvline(1, color=COLORS["black"], linewidth=1, linestyle="--")
    ax.set(xlabel=label, ylim=(0, 128))
axes[0].set(ylabel="iterations for 128 steps")
plt.show()

# %% [markdown]
# Up to gain 1 a few iterations suffice ({numref}`fig-newton-gain`, a dot a
# network). Beyond it the number climbs, and the gain alone does not tell how
# far, because a saturated tanh has small slopes. What a small difference does
# tells more.[ⁱ](#growth-decides) Where it shrinks, an error in a guess dies out
# along the sequence, and the tangents of all steps get good together. Where it
# grows, the network is **chaotic**: each iteration settles only a few steps.
# [Gonzalez et al. (2025)](https://arxiv.org/abs/2508.16817) prove that this
# exponent decides: *predictability enables parallelization*. Turn the gain
# yourself ({numref}`fig-newton-lab`):

# %% mystnb={"figure": {"name": "fig-newton-lab", "caption": "Newton's method on a tanh RNN of 8 units, at any gain."}}
newton_lab()

# %% [markdown]
# ParaRNN ([Danieli et al.,
# 2025](https://arxiv.org/abs/2510.21450)) trains GRU- and LSTM-like networks of
# 7 billion parameters this way, with slopes made diagonal or nearly so, because
# joining dense matrices costs $H^3$.
#
# Of a chaotic network one should not even ask whether Newton's states equal the
# loop's, but whether they solve {eq}`eq-scan-newton-system`. The loop does not
# reproduce itself there: change the first of 512 inputs by $10^{-15}$, and its
# states move by more than $1$.

# %% tags=["nbval-ignore-output"]
wild = rnn_of_gain(3.0, seed=1)
x = np.random.default_rng(2).normal(scale=0.5, size=(1, 512, 4))
nudged = x.copy()
nudged[0, 0, 0] += 1e-15
apart = np.abs(wild.forward(nudged)[0] - wild.forward(x)[0]).max()
residual = newton(wild, x).residuals[-1]
print(f"loops apart by {apart:.1f}, Newton's residual {residual:.0e}")
assert apart > 1
assert residual <= 1e-12

# %% [markdown]
# ## What can only attention do?
#
# A state of fixed size cannot hold everything. How much? Let there be $n$ pairs
# of a key and one of $V$ values, and afterwards a question for any one key.
# There are $V^n$ ways to assign the values, and two assignments that lead to
# the same state get the same answers. So the state needs $n \log_2 V$ bits:
# **with $B$ bits at most $B / \log_2 V$ pairs can be recalled without error**,
# whatever the model. A state that is read linearly, $o = q S$, meets a second
# bound. Of keys with $d$ numbers at most $d$ are linearly independent. Beyond
# $d$ pairs some key is a combination of others, and then so is what it reads:
# exact values are lost, though the right symbol may still come out on top.
# Attention has no such limit, because it *keeps* the keys; its "state" grows
# with every step.
#
# Measured without any training: random unit keys of 16 numbers, one-hot values
# among 64 symbols, and an attention whose softmax is sharp. In the second case
# every fact is a correction: its key came twice with an old value before it
# comes with the new one.


# %%
def recalled(n, seed, corrected, d=16, V=64):
    rng = np.random.default_rng(seed)
    keys = rng.normal(size=(n, d))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    old, wanted = rng.integers(V, size=(2, n))
    values = np.eye(V)[np.r_[old, old, wanted] if corrected else wanted]
    k, S = np.tile(keys, (len(values) // n, 1)), np.zeros((d, V))
    for key, value in zip(k, values, strict=True):
        S = delta_step(S, key, value, 1.0)
    best = np.linalg.lstsq(keys, np.eye(V)[wanted], rcond=None)[0]
    attended = np.exp(50 * keys @ k.T) @ values
    reads = keys @ (k.T @ values), keys @ S, keys @ best, attended
    return [np.mean(read.argmax(axis=1) == wanted) for read in reads]


# %% tags=["within-0.02"]
counts, cases = [2, 4, 8, 16, 32, 64, 128, 256], ("new facts", "corrections")
readers = ["linear attention", "delta rule", "best linear state", "attention"]
shares = np.array(
    [[[recalled(n, s, c) for s in range(10)] for n in counts] for c in (0, 1)]
)
new, corrections = (
    pd.DataFrame(np.median(each, axis=1), index=counts, columns=readers)
    for each in shares
)
# Identity: who-recalls-what
assert new.loc[256, "attention"] - new.loc[256, "best linear state"] > 0.5
assert new.loc[64, "linear attention"] - new.loc[64, "delta rule"] > 0.3
assert corrections.loc[8, "delta rule"] - corrections.loc[8, "attention"] > 0.5
pd.concat({"new facts": new, "corrections": corrections}).round(2)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-recall", "caption": "Facts recalled from keys of 16 numbers, by four memories without any training; a dot is a draw, a line their median. The best linear state is fitted to the new values alone."}, "image": {"alt": "Share of facts recalled against their number, for new facts on the left and for corrections on the right, ten draws each. New facts: attention stays at one, linear attention falls from 32 pairs on and the best linear state close behind it, the delta rule from 8 pairs on. Corrections: attention and linear attention stay near zero, the delta rule begins at one and falls as before, and so does the best linear state, after 32 pairs."}}
fig, axes = plt.subplots(1, 2, sharey=True, figsize=(6.2, 3.4))
for ax, case, share in zip(axes, cases, shares, strict=True):
    for i, (reader, color) in enumerate(
        zip(readers, COLORS.values(), strict=False)
    ):
        ax.plot(
            counts, np.median(share[..., i], axis=1), color=color, label=reader
        )
        ax.plot(
            counts, share[..., i], ".", color=color, markersize=3, alpha=0.4
        )
    ax.set_xscale("log", base=2)
    ax.set_xticks(counts[::2], counts[::2])
    ax.set(xlabel=f"pairs: {case}", ylim=(-0.03, 1.03))
axes[0].set(ylabel="share recalled")
fig.legend(
    *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2
)
plt.show()

# %% [markdown]
# For new facts attention in {numref}`fig-recall` answers every
# question.[ⁱ](#who-recalls-what) The linear state that fits the values best
# (least squares, which sees them all at once) names the right symbol well
# beyond 16 pairs and then fails; plain addition comes close. The delta rule
# comes last, because random keys overlap, and each correction at one key spoils
# its neighbours. For corrections addition and attention, which keep everything,
# have two old values against the new one and fail; the delta rule replaces, and
# does as well as before.[ⁱ](#who-recalls-what) This attention does not know
# which value came last.
#
# For copying [Jelassi et al. (2024)](https://arxiv.org/abs/2402.01032) prove as
# much: a fixed state cannot, two layers of a transformer can.
#
# And trained? Some 10,000 parameters each, rows of 1 to 24 pairs, rules as
# above (`benchmarks/recall_pairs.py`); linear attention has its features
# ($\mathrm{elu} + 1$) and its division here. In {numref}`tab-recall`, `state`
# counts the numbers that remember:

# %% mystnb={"figure": {"name": "tab-recall", "caption": "Share of values recalled, by number of pairs; trained on at most 24 pairs of 32 keys and 8 values, medians of five seeds."}}
record = load_results("recall_pairs")["results"]["runs"]
trained = pd.DataFrame(
    {"contender": key.rpartition(" / ")[0], **run, **run["accuracy"]}
    for key, run in record.items()
)
columns = ["parameters", "state", "2", "4", "8", "16", "24"]
medians = trained.groupby("contender", sort=False)[columns].median()
medians.astype({"parameters": int, "state": int}).round(3)

# %% [markdown]
# Attention recalls 24 pairs,[ᶜ](claims.md#attention_recalls_every_pair) the GRU
# under half of them.[ᶜ](claims.md#a_vector_recalls_few_pairs) That does not
# measure what its 28 numbers can hold: of two pairs, six bits, it gets 57 %
# right, so it did not learn the task within 400 batches. Of the two delta rules
# the one with the larger state errs less in the
# median;[ᶜ](claims.md#a_larger_matrix_recalls_more) the runs overlap.
#
# ## Which would you take?
#
# Per layer of width $d$ and $T$ steps, up to constants:
#
# | | work to train | steps that must wait | memory to train | a further token |
# |-|-|-|-|-|
# | RNN, LSTM, GRU | $T d^2$ | $T$ | $T d$ | $d^2$ |
# | the same by Newton, diagonal slopes | $T d^2$ per iteration | $\log T$ per iteration | $T d$ | $d^2$ |
# | minGRU, LRU | $T d^2$ | $\log T$ | $T d$ | $d^2$ |
# | Mamba, state $M$ | $T d^2 + T d M$ | $\log T$ | $T d M$, less if recomputed | $d^2 + d M$ |
# | linear attention, delta rule, chunks of $c$ | $T d^2 + T c d$ | $T / c$ | $T d$ | $d^2$ |
# | attention | $T d^2 + T^2 d$ | 1 | $T d$ in the best kernels | $d^2 + T d$ |
#
# {numref}`tab-cost` and {numref}`fig-cost` (`benchmarks/recurrence_cost.py`):
# one layer of 64 features on one thread of a CPU, forward and backward over two
# rows, and one further token of one row. No GPU has been measured yet: on one,
# `!cd unrolled && python -m benchmarks.recurrence_cost` adds its rows.

# %% mystnb={"figure": {"name": "tab-cost", "caption": "Milliseconds for a training pass, by number of steps, and megabytes kept for the backward pass at 4,096 steps."}}
measured = load_results("recurrence_cost")["results"]
cost_of_training = pd.DataFrame(
    {
        (device, name): {
            **{n: 1000 * costs["seconds"][n] for n in ("128", "1024", "4096")},
            "MB": costs["bytes"]["4096"] / 1e6,
        }
        for device, parts in measured.items()
        for name, costs in parts["training"].items()
    }
)
cost_of_training.T.round(1)

# %%
families = "GRU", "minGRU", "delta rule", "attention"
colors = dict(zip(families, COLORS.values(), strict=False))


def draw_cost(ax, part, ticks):
    for name, each in measured["cpu"][part].items():
        lengths = [int(length) for length in each["seconds"]]
        milliseconds = [1000 * second for second in each["seconds"].values()]
        line = "o--" if name.endswith((", loop", "written out")) else "o-"
        color = colors[name.partition(",")[0]]
        ax.loglog(lengths, milliseconds, line, color=color, ms=3, label=name)
    ax.minorticks_off()
    ax.set_xticks(lengths[::2], lengths[::2])
    ax.set_yticks(ticks, ticks)


# %% mystnb={"figure": {"name": "fig-cost", "caption": "Milliseconds on the CPU against length, both axes logarithmic: a training pass on the left, one further token on the right."}, "image": {"alt": "Left, six lines that rise with the length: lowest minGRU by a scan; fused attention is next up to 1,024 steps and then crosses the delta rule in chunks and minGRU by a loop, which lie close together; the GRU is highest at short lengths, attention written out rises most steeply and ends highest. Right: GRU and minGRU stay below 0.1 with no trend, attention's line rises."}}
fig, axes = plt.subplots(1, 2, figsize=(6.2, 4.4))
draw_cost(axes[0], "training", [3, 10, 30, 100, 300, 1000, 3000])
draw_cost(axes[1], "generation", [0.05, 0.1, 0.2, 0.5, 1])
axes[0].set(xlabel="steps in a row", ylabel="milliseconds")
axes[1].set(xlabel="tokens before")
fig.legend(
    *axes[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=2,
    fontsize=10,
)
plt.show()

# %% [markdown]
# At 4,096 steps minGRU's scan takes a tenth of the time of its
# loop.[ᶜ](claims.md#a_scan_is_faster_than_a_loop) Attention written out grows
# with the square of the length, in time and in
# memory.[ᶜ](claims.md#attention_grows_with_the_square) The more tokens came
# before, the longer attention takes for a further one; a recurrence always
# takes the same time.[ᶜ](claims.md#a_token_costs_attention_its_past)
#
# No task here was language, and no network large. So this is where to begin,
# not a ranking:
#
# - **Little data, one machine.** The [GRU](03_gru.ipynb) or the LSTM, unless
#   the task is recall or rows are long. (Not tested here.)
# - **A state to be followed exactly and for long.** Gates
#   that see the state, or negative eigenvalues. Test beyond the lengths of
#   training: accuracy within them hides the failure.
# - **Long smooth signals.** A diagonal linear recurrence trains in parallel and
#   carries only its state along. (Not tested here.)
# - **Things to look up again.** Attention, or a few
#   attention layers among recurrent ones, as in
#   [Jamba](https://arxiv.org/abs/2403.19887).
# - **Long outputs on small machines.** A state of fixed size.
#
# {numref}`fig-map` maps the names of this chapter; the scan for linear RNNs is
# [Martin and Cundy's (2017)](https://arxiv.org/abs/1709.04057).

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-map", "caption": "Recurrences since 2017, by the year of their paper and by their state; Newton stands for Newton's method, which is no model."}, "image": {"alt": "Names in three columns, the years from above. Linear, state a vector: linear RNN 2017, S4 2021, S4D 2022, LRU, RWKV-4 and Mamba 2023, minGRU 2024. Linear, state a matrix: linear attention 2020, delta rule 2021, RetNet 2023, Mamba-2, mLSTM and Gated DeltaNet 2024, RWKV-7 and DeltaProduct 2025, Mamba-3 2026. Sees its state: Newton 2023, sLSTM 2024, ParaRNN 2025, M²RNN 2026."}}
columns = {
    "linear, state\na vector": "2017 linear RNN; 2021 S4; 2022 S4D; "
    "2023 LRU, RWKV-4,\nMamba; 2024 minGRU",
    "linear, state\na matrix": "2020 linear attention; 2021 delta rule; "
    "2023 RetNet; 2024 Mamba-2, mLSTM,\nGated DeltaNet; "
    "2025 RWKV-7,\nDeltaProduct; 2026 Mamba-3",
    "sees its\nstate": "2023 Newton; 2024 sLSTM; 2025 ParaRNN; 2026 M²RNN",
}
places = [0, 1, 1.85]
fig, ax = plt.subplots(figsize=(4.8, 4.6))
for place, names in zip(places, columns.values(), strict=True):
    for year, name in (each.split(" ", 1) for each in names.split("; ")):
        ax.text(place, int(year), name, ha="center", va="center", size=10.5)
ax.set(xlim=(-0.55, 2.25), ylim=(2026.5, 2016.5), yticks=range(2017, 2027))
ax.xaxis.tick_top()
ax.set_xticks(places, columns)
ax.tick_params(labelsize=11, length=0)
ax.spines[:].set_visible(False)
ax.grid(visible=False)
plt.show()

# %% [markdown]
# Some newer ones see their states again, by Newton's method or in a loop
# ([M²RNN](https://arxiv.org/abs/2603.14360)).
#
# ## Summary
#
# - Two steps of a linear recurrence are one step of the same kind, and joining
#   steps is associative.[ⁱ](#joining-is-associative) A scan therefore computes
#   all states in about $2 \log_2 T$ parallel levels.[ⁱ](#scan-is-loop) Its
#   gradient is a scan as well.[ⁱ](#gradient-is-a-scan) With constant
#   transitions a convolution by FFT does the same.[ⁱ](#constant-is-convolution)
#   Where nothing is negative, logarithms save the closed
#   form.[ⁱ](#logarithms-hold)
# - minGRU has gates that do not look at the state.[ⁱ](#mingru-is-a-scan) LRU
#   and S4D do not look at the input either, and are
#   convolutions.[ⁱ](#lru-is-a-convolution) Mamba reads its step length from the
#   input, and is a scan.[ⁱ](#selective-is-a-scan) Linear attention adds to a
#   matrix, and is one masked product.[ⁱ](#linear-attention-is-an-rnn) The delta
#   rule corrects that matrix, and is one triangular
#   system.[ⁱ](#delta-rule-is-a-system)
# - A gate that sees the input alone and is never negative cannot track parity
#   at every length in a fixed precision ([Sarrof et al.,
#   2024](https://arxiv.org/abs/2405.17394)). A transition of −1
#   can.[ⁱ](#parity-by-minus-one) The delta rule with $\beta = 2$ has
#   one.[ⁱ](#parity-by-reflection)
# - Trained on at most 40 bits, the RNN and the GRU knew the parity of
#   500.[ᶜ](claims.md#gates_that_see_the_state_track_parity) Recurrences whose
#   transitions cannot be negative
#   guessed.[ᶜ](claims.md#positive_transitions_lose_parity) Trained on at most
#   16 products in $S_3$, the LSTM knew
#   256.[ᶜ](claims.md#gates_that_see_the_state_track_s3) At 64 minGRU and the
#   LRU were right less than half of the
#   time.[ᶜ](claims.md#linear_recurrences_lose_s3)
# - Newton's method turns a recurrence that is not linear into a few linear
#   ones.[ⁱ](#newton-is-the-loop) How few depends on whether the network
#   amplifies its past ([Gonzalez et al.,
#   2025](https://arxiv.org/abs/2508.16817)).
# - A state of $B$ bits recalls at most $B / \log_2 V$ pairs with $V$ values
#   without error.[ᵈ](#what-can-only-attention-do) Attention by a sharp softmax
#   without positions recalled 256 pairs, and returned what was out of
#   date.[ⁱ](#who-recalls-what)
#
# ## Exercises
#
# ```{exercise-start} Join two steps (*easy*)
# :label: ex-scan-join
# ```
# Write `join(a_1, b_1, a_2, b_2)` without looking it up, and run
# `exercises.check_join(join)`. Which of the operators $(a_2, a_2 b_1 + b_2)$,
# $(a_1 + a_2, b_1 + b_2)$ and $(a_2 a_1, b_1 + b_2)$ are associative, and what
# recurrences do the associative ones compute?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-scan-join
# :class: dropdown
# ```


# %%
def my_join(a_1, b_1, a_2, b_2):
    return a_2 * a_1, a_2 * b_1 + b_2


# %%
_ = exercises.check_join(my_join)
operators = {
    "a_2, a_2 b_1 + b_2": lambda p, q: (q[0], q[0] * p[1] + q[1]),
    "a_1 + a_2, b_1 + b_2": lambda p, q: (p[0] + q[0], p[1] + q[1]),
    "a_2 a_1, b_1 + b_2": lambda p, q: (q[0] * p[0], p[1] + q[1]),
}
for name, o in operators.items():
    p, q, r = np.random.default_rng(3).normal(size=(3, 2))
    gap = np.abs(np.subtract(o(o(p, q), r), o(p, o(q, r)))).max()
    print(f"{name}: the two groupings differ by {gap:.1f}")

# %% [markdown]
# The first is not: it forgets the transition of the first step. The others are
# two running sums, and a running product beside a running sum; neither is
# {eq}`eq-scan-recurrence`.
#
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the bug (*easy*)
# :label: ex-scan-bug
# ```
# This scan passes every test that starts from zero. Find what is wrong with
# `broken`, mend it, and let `exercises.check_scan` judge both.
#
# ```python
# def broken(a, b, h0):
#     b = b.copy()
#     b[:, 0] = b[:, 0] + h0
#     return linear_scan(a, b)
# ```
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-scan-bug
# :class: dropdown
# ```


# %%
def broken(a, b, h0):
    b = b.copy()
    b[:, 0] = b[:, 0] + h0
    return linear_scan(a, b)


def mended(a, b, h0):
    b = b.copy()
    b[:, 0] = b[:, 0] + a[:, 0] * h0
    return linear_scan(a, b)


for each in (broken, mended):
    exercises.check_scan(each)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} minGRU in logarithms (*medium*)
# :label: ex-scan-log
# ```
# Write `coefficients(z, n)`, which returns $\log a$ and $\log b$ of a minGRU
# with positive candidates from the values before squashing, and run
# `exercises.check_log_min_gru(coefficients)`. It tries values in the thousands.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-scan-log
# :class: dropdown
# ```
# $\log \sigma(z) = -\log(1 + e^{-z})$, which `np.logaddexp(0, -z)` computes
# without overflow.


# %%
def log_coefficients(z, n):
    log_g = np.where(
        n >= 0, np.log(np.maximum(n, 0) + 0.5), -np.logaddexp(0, -n)
    )
    return -np.logaddexp(0, -z), -np.logaddexp(0, z) + log_g


def naive(z, n):
    with np.errstate(all="ignore"):
        share = 1 / (1 + np.exp(-z))
        return np.log(share), np.log(1 - share) + minimal.log_positive(n)


for each in (naive, log_coefficients):
    exercises.check_log_min_gru(each)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A negative eigenvalue (*medium*)
# :label: ex-scan-parity
# ```
# Write `coefficients(x)`, which returns the $a$ and $b$ of a linear recurrence
# from $h_0 = 0$ whose state is the parity of the bits so far, and run
# `exercises.check_parity(coefficients)`. Then predict what becomes of the state
# if every transition is multiplied by 0.99, and check your prediction at step
# 1,000.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-scan-parity
# :class: dropdown
# ```


# %%
def flip(x):
    return 1 - 2 * x, x


_ = exercises.check_parity(flip)
a, b = flip(bits[:, :1000])
faded = linear_scan(0.99 * a, b)[0, :, 0]
wrong = np.flatnonzero((faded > 0.5) != (parity[0, :1000, 0] > 0.5))
print(f"first wrong at step {wrong[0] + 1}; {len(wrong)} of 1000 are wrong")

# %% [markdown]
# What is left of the first sign shrinks by $0.99$ with every step, which adds
# an error of $\pm 0.005$. Once the two are of like size the answers are
# guesses.
#
# ```{solution-end}
# ```
#
# ```{exercise-start} A matrix state by hand (*medium*)
# :label: ex-scan-delta
# ```
# Start from $S = 0$ and write, with $\beta = 1$, the value $(1, 0)$ at the key
# $(1, 0)$ and then $(0, 1)$ at the key $(0.6, 0.8)$. What does the first key
# return, by the delta rule and by linear attention? Work it out on paper; then
# write `step(S, k, v, beta)` and run `exercises.check_delta_step(step)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-scan-delta
# :class: dropdown
# ```
# The keys overlap by 0.6. At the second key the state says $(0.6, 0)$, so that
# the delta rule writes $(-0.6, 1)$ there. The first key then returns $(1, 0) +
# 0.6 \cdot (-0.6, 1) = (0.64, 0.6)$, linear attention $(1, 0) + 0.6 \cdot (0,
# 1) = (1, 0.6)$.


# %%
pairs = [([1.0, 0.0], [1.0, 0.0]), ([0.6, 0.8], [0.0, 1.0])]
S_delta, S_added = np.zeros((2, 2, 2))
for k, v in np.array(pairs):
    S_delta, S_added = delta_step(S_delta, k, v, 1.0), S_added + np.outer(k, v)
print("delta rule:", S_delta[0], "linear attention:", S_added[0])
_ = exercises.check_delta_step(delta_step)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Newton, predicted (*hard*)
# :label: ex-scan-newton
# ```
# How many iterations does `newton` need for a tanh RNN whose $W_h$ is zero? And
# for one whose $W_h$ is strictly upper triangular, with 4 units? Predict, then
# count. Why does neither number depend on $T$?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-scan-newton
# :class: dropdown
# ```
# With $W_h = 0$ the guess does not enter $f$: one iteration. In the triangular
# case unit 1 does not see the state and is right after one iteration, unit 2
# sees only unit 1 and is right after the next, and so on: at most 4. No state
# depends on one more than 3 steps back.

# %%
for T in (50, 400):
    x = np.random.default_rng(4).normal(size=(1, T, 3))
    layer = RNN(3, 4, rng=0)
    layer.params["W_h"] *= 0
    none = newton(layer, x).iterations
    layer.params["W_h"] += np.triu(
        np.random.default_rng(5).normal(size=(4, 4)), 1
    )
    print(f"T = {T}: {none} and {newton(layer, x).iterations} iterations")

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Delétang et al. (2022)](https://arxiv.org/abs/2207.02098): which
#   architecture generalises to longer inputs.
#
# Before: [Sentiment](11_sentiment.ipynb). Next: [Speed and
# scale](13_speed_and_scale.ipynb).
