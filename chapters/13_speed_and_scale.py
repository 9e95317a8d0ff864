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
# # Speed and scale
#
# **The equations of an LSTM fit on a line, and a loop that follows them takes
# many times as long as `nn.LSTM`. Where does the time go, and what helps: a
# larger batch, a compiler, a GPU, a second process?**
#
# After this chapter you can
#
# - climb from a tutorial's loop to a fast layer, and say what each step gains;
# - say what bounds a layer on your machine: arithmetic, memory, or Python;
# - make a cell of your own fast enough to train;
# - train with several processes, on data that does not fit into memory;
# - export a model that runs step by step, and carries its state.

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
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file

from utils.exercises import (
    check_combined_gradient,
    check_intensity,
    check_ring_seconds,
)
from utils.figures.style import COLORS, use_book_style
from utils.notebook import RESULTS, load_results, show_source
from utils.scratch import LSTM
from utils.speed import ladder
from utils.speed.agreement import deviations, verdict
from utils.speed.cells import FusedPeephole, PeepholeLSTM, peephole_step
from utils.speed.crossing_figure import show_gpu
from utils.speed.export import ReadLast, load_step, run_stepwise, save_step
from utils.speed.parallel import (
    Network,
    cpu_processes,
    step_seconds,
    train_adder,
)
from utils.speed.streaming import StreamedBatches, write_shards
from utils.training import fit

# %% tags=["remove-cell"]
# What Colab may lack for this chapter alone.
wanted = ["datasets", "onnxruntime", "onnxscript"]
absent = [name for name in wanted if not find_spec(name)]
if absent:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *absent]
    subprocess.run(pip, check=True)

# %% tags=["hide-input"]
use_book_style()
climbed = load_results("ladder")["results"]
layers = load_results("cells")["results"]


def shown(size):
    return " × ".join(map(str, size))


def medians(run):
    return {way: np.median(t) for way, t in run["milliseconds"].items()}


def spread(values):
    return f"{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def in_rounds(run, over, under):
    taken = run["milliseconds"]
    return spread(np.array(taken[over]) / np.array(taken[under]))


# %% [markdown]
# Times depend on the machine, on its load and on the day. So none is taken
# live here: all come from recordings that `benchmarks/` made, on a machine that
# they name. In each recording the contenders run in turn, round after round, so
# that whatever disturbs one disturbs its rivals too; the first two rounds,
# which compile and allocate, do not count; a figure is the median of the
# rounds, and a ratio is taken within each round before its median is. Where
# ranges are wide, conclude little. Every time is that of a forward and a
# backward pass, down to the gradient of the inputs, on one thread and in
# float32, unless it says otherwise. To measure all of it on your machine,
# delete the files of these names in `benchmarks/results` (a recording adds only
# what they lack) and run `python -m benchmarks ladder cells custom_cell scaling
# streaming latency`, which takes less than an hour on two cores.

# %%
machine = load_results("ladder")["provenance"]
print(machine["processor"], "on", machine["date"])
print("PyTorch", machine["versions"]["torch"])

# %% [markdown]
# ## How long should a step take?
#
# Take an LSTM with 64 inputs and 128 units. One step of one sequence multiplies
# $[x_t, h_{t-1}]$, 192 numbers, with a matrix of 192 × 512 weights. Each weight
# costs one product and one sum:

# %%
weights = (64 + 128) * 4 * 128
peak = (
    2
    * 1024**3
    / np.median(climbed["ceilings"]["milliseconds"]["matrix product"])
)
peak = peak / 1e6  # operations a nanosecond, or GFLOP/s
print(f"{2 * weights:,} operations a step")
print(f"this processor: {peak:.0f} operations a nanosecond at best")
print(f"so a step takes {2 * weights / peak / 1000:.1f} microseconds")

# %%
slowest = "one sample, one gate at a time"
tutorial = medians(climbed["ladder, (64, 100, 64, 128)"])[slowest]
both_ways = 3 * 2 * weights / peak / 1000
print(f"forward and backward: {both_ways:.1f} microseconds at best")
print(f"a tutorial's loop: {1000 * tutorial / (64 * 100):.0f} microseconds")

# %% [markdown]
# "At best" is what one core reaches while it multiplies two matrices of 1,024 ×
# 1,024. The way back multiplies twice as much as the way there, so that both
# together take three times as long. A tutorial's loop takes dozens of times
# more than that. It must wait for something other than its arithmetic. One
# suspect is Python: a step written gate by gate makes some thirty calls of
# NumPy, and each costs time of its own, however little it computes. If that is
# so, it is good news, because calls can be saved without changing a number.
#
# ## Climbing
#
# Here is a step as the equations say it, for one sequence, one gate after the
# other:


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step_by_gates(x, h, c, W, b):
    joined = np.concatenate([x, h])
    i = sigmoid(joined @ W[:, 0] + b[0])
    f = sigmoid(joined @ W[:, 1] + b[1])
    g = np.tanh(joined @ W[:, 2] + b[2])
    o = sigmoid(joined @ W[:, 3] + b[3])
    c = f * c + i * g
    return o * np.tanh(c), c


# %% [markdown]
# Three ideas save calls. Steps of different sequences do not wait for each
# other: give all rows of a *batch* to one call. The four gates multiply the
# same vector: put their matrices side by side, and one product serves all. And
# the inputs are known before the loop begins: multiply all of them at once, and
# leave to the loop only what needs $h_{t-1}$.


# %%
def run_fast(x, W_x, W_h, b):
    from_x = x @ W_x + b  # all rows, all steps, all gates
    h = c = np.zeros((len(x), W_h.shape[0]))
    outputs = []
    for t in range(x.shape[1]):
        z = from_x[:, t] + h @ W_h
        i, f, g, o = np.split(z, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


# %% [markdown]
# No number has changed. The book's layer adds a fourth idea, memory laid out so
# that each step reads and writes one block of it, and it keeps what the
# backward pass needs. `utils/speed/ladder.py` writes all five ways with their
# backward passes:

# %%
rng = np.random.default_rng(0)
layer = LSTM(3, 4, rng=1)
x, d_outputs = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 4))
want = ladder.laid_out(layer, x, d_outputs)

# %%
# Identity: same-numbers-on-every-rung
W = np.vstack([layer.params["W_x"], layer.params["W_h"]])
h, c = step_by_gates(
    x[0, 0], np.zeros(4), np.zeros(4), W.reshape(7, 4, 4),
    layer.params["b"].reshape(4, 4),
)  # fmt: skip
assert np.allclose(h, want.outputs[0, 0], rtol=0, atol=1e-14)
fast = run_fast(x, **layer.params)
assert np.allclose(fast, want.outputs, rtol=0, atol=1e-14)
for run in ladder.RUNGS.values():
    got = run(layer, x, d_outputs)
    assert np.allclose(got.d_x, want.d_x, rtol=0, atol=1e-14)
    for name, gradient in got.params.items():
        assert np.allclose(gradient, want.params[name], rtol=0, atol=1e-12)
print(len(ladder.RUNGS), "ways, one result")

# %% tags=["remove-input"]
show_source(
    ladder.fused_gates,
    ladder.inputs_first,
    fold="Two of the five ways, forward and backward",
    bare=True,
)

# %% [markdown]
# Here is what each of the five costs, beside four ways of the libraries: a
# Python loop over `nn.LSTMCell`, the same with the cell compiled by
# `torch.compile`, Keras compiled by XLA, and `nn.LSTM`. Where a size stands in
# one line it is batch × time × inputs × units; the last size has a single row.

# %% mystnb={"figure": {"name": "tab-speed-ladder", "caption": "Milliseconds of one forward and backward pass of an LSTM; medians of seven rounds, one thread, float32. The four lines above each column say its size: rows of the batch, time steps, inputs and units."}}
sizes = [r["size"] for n, r in climbed.items() if n.startswith("ladder")]
rungs = pd.DataFrame(
    {tuple(s): medians(climbed[f"ladder, {tuple(s)}"]) for s in sizes}
).drop("matrix product")
rungs.columns.names = ["batch", "time", "inputs", "units"]
rungs.map(lambda ms: f"{ms:,.0f}" if ms > 1000 else f"{ms:.3g}")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-speed-ladder", "caption": "What part of the processor each rung uses: operations of the layer's products per second, as a share of what the same core reaches on one large product in the same round. Dots are medians of seven rounds, lines their range."}, "image": {"alt": "Nine rows, one for each way to run an LSTM, and four colours for the sizes. In the first row the dots lie between two thousandths and two hundredths of the peak, in the others between a tenth and two thirds, except those of the size with a single row, which lie far to the left and reach six hundredths in the last row."}}
fig, ax = plt.subplots(figsize=(6.2, 4.2))
for size, color in zip(sizes, COLORS.values(), strict=False):
    run = climbed[f"ladder, {tuple(size)}"]
    taken = {w: np.array(t) for w, t in run["milliseconds"].items()}
    best = 2 * 1024**3 / taken["matrix product"]
    for place, way in enumerate(rungs.index):
        share = run["operations"] / taken[way] / best
        ax.plot([share.min(), share.max()], [place] * 2, color=color)
        ax.plot(np.median(share), place, "o", color=color)
    ax.plot([], [], "o", color=color, label=shown(size))
ax.set_yticks(range(len(rungs)), labels=rungs.index)
ax.invert_yaxis()
ax.set(xscale="log", xlabel="share of the processor's peak")
fig.legend(loc="outside upper left", ncols=2, fontsize=10)
plt.show()

# %% [markdown]
# Two things in {numref}`tab-speed-ladder` and {numref}`fig-speed-ladder` are
# worth a long look. The batch gains by far the most of all steps in
# NumPy:[ᶜ](claims.md#the_batch_gains_most) some twenty times, wherever there is
# a batch. There each later step gains about two fifths at most, mostly less and
# sometimes nothing; with a whole batch in each call the arithmetic may have
# become the larger part. And with a single row, in the last column, nothing
# that stays in Python helps enough. There `nn.LSTM`, whose loop is compiled
# C++, is several times as fast as NumPy and as a Python loop over its own
# cell.[ᶜ](claims.md#one_row_needs_a_kernel)
#
# With a batch, and 128 units or more, the book's NumPy layer keeps up with
# `nn.LSTM`.[ᶜ](claims.md#numpy_keeps_up_with_the_kernel) So the gap that a
# reader meets, "my LSTM is dozens of times slower", is not one between Python
# and C++. It is the missing batch.
#
# ### And the other layers?
#
# The same comparison for all three layers of the book, from `benchmarks/cells`:

# %% mystnb={"figure": {"name": "tab-speed-layers", "caption": "Time of PyTorch's layer over that of the book's in NumPy, forward and backward, one thread; median of seven rounds, in brackets the range. Above 1 NumPy is faster."}}
pd.DataFrame(
    {
        kind: {
            f"{shown(size)}, {dtype}": in_rounds(
                layers[f"{kind}, {dtype}, {tuple(size)}"], "PyTorch", "NumPy"
            )
            for dtype in ("float32", "float64")
            for size in sizes
        }
        for kind in ("RNN", "GRU", "LSTM")
    }
)

# %%
for kind in ("RNN", "GRU", "LSTM"):
    shares = []
    for size in sizes:
        run = layers[f"{kind}, float32, {tuple(size)}"]
        best = 2 * 1024**3 / medians(run)["matrix product"]
        shares.append(run["operations"] / medians(run)["NumPy"] / best)
    reached = ", ".join(f"{share:.2f}" for share in shares)
    print(f"{kind} in NumPy reaches {reached} of the peak")

# %% [markdown]
# In {numref}`tab-speed-layers` the book's RNN and GRU are faster than PyTorch's
# where calls are many and small, with few units or a single
# row,[ᶜ](claims.md#numpy_leads_small_rnns_and_grus) and at the larger sizes the
# ranges come close to one or reach it. PyTorch's LSTM in float32 is the one
# strong opponent: ahead with few units, and for a single row many times as fast
# as NumPy. At the second size this table puts it ahead and
# {numref}`tab-speed-ladder`, recorded minutes before, behind; a difference that
# turns round from one recording to the next is no finding. In float64 it falls
# behind as the others do. The shares say how much room is left in NumPy: at the
# third size more than half of the processor works, at the first about a quarter
# or less, and with a single row a hundredth at most.

# %% [markdown]
# ## What bounds a layer?
#
# A processor can compute only what has been brought to it. The product of a
# step reads the weights once and uses each for every row of the batch: two
# operations a row. A weight has four bytes, so that for one row there are two
# operations for four bytes, half an operation a byte, and for 64 rows 64 times
# as many. Count the bytes of the rows too, which lowers this, and you have the
# *arithmetic intensity* of the product. Two ceilings follow. However high the
# intensity, the core computes no faster than its peak; and however high its
# peak, it computes no faster than its memory delivers bytes, times the
# operations for each byte. Drawn against the intensity, both together look like
# a roof ([Williams, Waterman and Patterson,
# 2009](https://doi.org/10.1145/1498765.1498785)).

# %%
# Identity: intensity-of-a-step
N, K, M = 64, 64 + 128, 4 * 128
by_hand = 2 * N * K * M / (4 * (N * K + K * M + N * M))
assert np.isclose(ladder.intensity(64, 64, 128), by_hand)
for rows in (1, 8, 64, 512):
    print(rows, "rows:", f"{ladder.intensity(rows, 64, 128):5.1f} per byte")

# %%
batches = climbed["batch size"]["batches"]
ceilings = climbed["ceilings"]
bandwidth = ceilings["bytes"] / 1e6
bandwidth /= np.median(ceilings["milliseconds"]["copy"])  # GB/s
alone = [
    b["product operations"] / np.median(b["product"]) for b in batches.values()
]
print(f"memory: {bandwidth:.1f} bytes a nanosecond")
print(f"the roof bends at {peak / bandwidth:.1f} operations per byte")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-speed-roof", "caption": "The roof over one LSTM step with 64 inputs and 128 units, and what stands below it, at batches of 1 to 512 rows. Black: what a large copy in memory and a large product allow. Blue: the step's product alone, in NumPy, its weights in the cache. Orange and green: whole layers, 50 steps forward and backward, drawn at the intensity of their product. Medians of seven rounds."}, "image": {"alt": "Operations per nanosecond against operations per byte, both logarithmic. A black line rises and becomes level. The blue dots of the product begin above the rising part, fall below it and flatten near the level part; the dots of both layers rise as well and end at half the height of the level part."}}
intensity = np.array([each["intensity"] for each in batches.values()])
fig, ax = plt.subplots()
roof_x = np.geomspace(intensity.min() / 1.5, intensity.max() * 1.5)
roof_y = np.minimum(peak, bandwidth * roof_x)
ax.loglog(roof_x, roof_y, color="black")
ax.plot(intensity, np.array(alone) / 1e6, "o-", label="product alone")
for way, color in (("nn.LSTM", "orange"), ("NumPy", "green")):
    reached = [
        b["operations"] / np.median(b["milliseconds"][way])
        for b in batches.values()
    ]
    reached = np.array(reached) / 1e6
    ax.plot(intensity, reached, "o-", color=COLORS[color], label=way)
ax.set(xlabel="operations per byte", ylabel="operations per nanosecond")
ax.set_xticks([1, 10], labels=["1", "10"])
ax.set_yticks([5, 10, 20, 50], labels=["5", "10", "20", "50"])
ax.minorticks_off()
ax.legend()
plt.show()

# %% [markdown]
# Follow the blue dots of {numref}`fig-speed-roof`. With one row the product
# reads 98,304 weights and uses each of them once. It stays far below the level
# part, but above the sloping one, as it may: these weights fit into the cache,
# which delivers faster than the memory that the copy went through. (At two rows
# it falls back; a routine for matrices instead of vectors may be the reason. At
# eight rows `nn.LSTM`, which multiplies by routines of its own, lies above it.)
# From 32 rows on it is near the level part, and there it stays. The layers do
# not reach it. Between their products stand the gates, element by element, and
# each of their elements is read, computed and written, wherever the product
# stands under the roof.
#
# ### What a row alone costs
#
# One row uses each weight only once. What does that cost in training time?

# %% mystnb={"figure": {"name": "tab-speed-batch", "caption": "Training at different batch sizes: microseconds for each row, 50 steps, 64 inputs, 128 units; medians of seven rounds."}}
per_row = pd.DataFrame(
    {
        rows: {w: 1000 * t / int(rows) for w, t in medians(b).items()}
        for rows, b in batches.items()
    }
)
per_row.map(lambda value: f"{value:.0f}")

# %% [markdown]
# In {numref}`tab-speed-batch` a row alone costs several times what it costs
# among 64,[ᶜ](claims.md#a_row_alone_costs_more) and from there on a larger
# batch buys no more speed; in `nn.LSTM` a row even becomes dearer again. That
# is the reason to batch, and also the reason to stop: past that point a larger
# batch takes more memory and gives fewer steps of the optimiser in the same
# time.
#
# ### Two threads, and shorter numbers
#
# Does a second thread help, and do numbers of fewer bytes?


# %% mystnb={"figure": {"name": "tab-speed-threads", "caption": "Times as fast as on one thread in float32: two threads, and `nn.LSTM` in other types of numbers; median of seven rounds, in brackets the range."}}
gains = {}
for size in sizes[:3]:
    threads = climbed[f"threads, {tuple(size)}"]
    types = climbed[f"types, {tuple(size)}"]
    gains[shown(size)] = {
        "nn.LSTM, two threads": in_rounds(threads, "nn.LSTM, 1", "nn.LSTM, 2"),
        "NumPy, two threads": in_rounds(threads, "NumPy, 1", "NumPy, 2"),
        "nn.LSTM, float64": in_rounds(types, "float32", "float64"),
        "nn.LSTM, bfloat16": in_rounds(types, "float32", "bfloat16"),
    }
pd.DataFrame(gains)

# %% [markdown]
# What {numref}`tab-speed-threads` says first is: measure. The ideal for two
# threads is 2. Here the second gained something with 128 units or more, and
# with 64 units it made `nn.LSTM` nearly twice as slow. The two threads must
# meet after every product, and a recurrent layer has hundreds of small ones;
# that may be why. The ranges are wide although nothing else of ours ran: a
# virtual machine has neighbours, and a second thread may feel them first. So
# begin with `torch.set_num_threads(1)`, and let a second one show what it
# gains. Float64 has twice the bytes and half the numbers in each of the
# processor's vectors, and costs more than twice as much here, up to five times;
# the fast kernel of the next section is for float32. And bfloat16, which halves
# the bytes, is *slower* by far: this processor lists no instructions that
# multiply it. Shorter numbers may be fast where the hardware computes with
# them; here they are not.
#
# ## Five famous sentences
#
# Five things are often said about speed. Each is asked here as a question.
#
# ### Are GRUs faster than LSTMs?
#
# A GRU has three quarters of an LSTM's weights, so it should be. Here is the
# time of PyTorch's GRU over that of its LSTM, on this CPU:


# %% mystnb={"figure": {"name": "tab-speed-gru", "caption": "Time of `nn.GRU` over that of `nn.LSTM`, forward and backward, one thread; last, over that of `nn.LSTM` in float32 without its kernel. Median of seven rounds, in brackets the range. Three quarters would be their operations."}}
own = load_results("custom_cell")["results"]


def gru_over_lstm(dtype, size, lstm="nn.LSTM"):
    run = own[f"GRU and LSTM, {dtype}, {tuple(size)}"]
    return in_rounds(run, "nn.GRU", lstm)


table = {
    dtype: {shown(size): gru_over_lstm(dtype, size) for size in sizes}
    for dtype in ("float32", "float64")
}
without = "nn.LSTM without oneDNN"
table["float32, kernel off"] = {
    shown(size): gru_over_lstm("float32", size, without) for size in sizes
}
pd.DataFrame(table)

# %% [markdown]
# {numref}`tab-speed-gru` shows two worlds. In float64, with a batch, the answer
# is what the operations say.[ᶜ](claims.md#a_gru_is_faster_in_float64) In
# float32 it is not: with few units or with a single row the model with fewer
# operations is the slower one,[ᶜ](claims.md#a_gru_is_slower_in_float32) and at
# the two larger sizes both take about the same time. The last column shows why.
# PyTorch has a fast kernel for float32 LSTMs on a CPU, from the library oneDNN,
# and none for GRUs. Switch it off, and at the larger sizes three quarters come
# back, while at the others the two are level: many small calls, the same for
# both. (Before the first recording we expected the GRU to be slower at all four
# sizes, and were wrong.) "Faster" is a property of an implementation, a type of
# numbers and a size, not of an architecture.
#
# ### Does packing save time?
#
# A packed batch computes no padding, so it should. [Chapter
# 5](05_any_length.ipynb) has timed it on batches of unequal rows, on one
# thread:

# %%
packing = load_results("packing")["results"]["runs"].values()
lengths = "uniform 1 to 100"


def over_padding(model: str, way: str) -> float:
    """Return the median over the rounds of a way's time over padding's."""
    times = [run[f"{model} / {lengths}"]["milliseconds"] for run in packing]
    return float(np.median([time[way] / time["pad"] for time in times]))


# %% mystnb={"figure": {"name": "tab-speed-packing", "caption": "Time of one epoch of packed rows over that of rows padded at random, and of padded rows of similar length over the same; lengths uniform from 1 to 100, medians of five rounds of `benchmarks/packing.py`."}}
pd.DataFrame(
    {
        model: {
            "packed": over_padding(model, "pack"),
            "of similar length, padded": over_padding(model, "bucket + pad"),
        }
        for model in (
            f"{size} / {cell} / {mode}"
            for size in ("small", "large")
            for cell in ("LSTM", "GRU")
            for mode in ("forward", "trained")
        )
    }
).T.round(2)

# %% [markdown]
# {numref}`tab-speed-packing` says that it depends on the cell. PyTorch's kernel
# for float32 LSTMs on a CPU does not take packed rows, and what takes them
# instead makes training a small LSTM more than twice as
# slow.[ᶜ](claims.md#packing_slows_the_fused_lstm) RNNs and GRUs have no such
# kernel to lose: run forward alone, on batches that are mostly padding, they
# are faster packed[ᶜ](claims.md#packing_saves_where_nothing_is_trained) (those
# batches, of lognormal lengths, are in chapter 5). What saves time for every
# cell is to put rows of similar length together, and
# pad;[ᶜ](claims.md#buckets_save_everywhere) [token
# budgets](05_any_length.ipynb#buckets) save no
# more.[ᶜ](claims.md#a_token_budget_saves_no_time) On a GPU the answer may
# differ; measure.
#
# Leaving the padding out is not slow in itself. The book's NumPy layer sorts
# the rows by length, and a step takes only those that have not ended:

# %% mystnb={"figure": {"name": "tab-speed-ragged", "caption": "A batch of 64 unequal rows through an LSTM with 128 units, forward and backward: the share of padding, and the time of `nn.LSTM` over that of the NumPy layer, which computes no padding; median of seven rounds, in brackets the range."}}
pd.DataFrame(
    {
        run["lengths"]: {
            "padding": f"{run['padding share']:.2f}",
            "packed": in_rounds(run, "PyTorch, packed", "NumPy"),
            "padded": in_rounds(run, "PyTorch, padded", "NumPy"),
        }
        for name, run in layers.items()
        if name.startswith("ragged")
    }
).T

# %% [markdown]
# In {numref}`tab-speed-ragged` NumPy's advantage over padded rows grows with
# the padding, as it should, and the same rows packed take PyTorch more than
# twice NumPy's time. So it is not packing that costs time on a CPU. It is what
# PyTorch runs for it.
#
# ### Does `torch.compile` fix it?
#
# {numref}`tab-speed-ladder` has the compiled cell in a Python loop. But why not
# compile the whole loop? The compiler does not keep a loop: it unrolls it, and
# compiles every step.

# %% mystnb={"figure": {"name": "tab-speed-compile", "caption": "An LSTM with peepholes whose whole loop is compiled, by number of steps: milliseconds of a pass, medians of seven rounds, and seconds of the first call, which compiles, median and range of three; 64 rows, 64 inputs, 128 units."}}
compiled = {}
for name, run in own.items():
    if name.startswith("whole loop"):
        first = run["first call, seconds"]["loop compiled"]
        compiled[int(name.split(", ")[1])] = {
            way: f"{ms:.1f}" for way, ms in medians(run).items()
        } | {"first call (s)": spread(first)}
pd.DataFrame(compiled).rename_axis(columns="steps")

# %% [markdown]
# In {numref}`tab-speed-ladder` the compiled cell gains nothing: `nn.LSTMCell`
# is one fast operation already, each call of compiled code has a price of its
# own, and the loop around it stays in Python and stays slower than
# `nn.LSTM`.[ᶜ](claims.md#a_compiled_cell_is_no_kernel) Compiled as a whole, in
# {numref}`tab-speed-compile`, the loop gains a quarter to a third. (Compare
# within a column: something disturbed the rounds of five steps, which cannot
# cost what ten do.) But its compilation takes tens of seconds, more with every
# step, and again for every other length. (Before the first recording we
# expected twenty steps to take at least twice as long to compile as five, and
# were wrong.) For a loop of a few steps that trains for hours it may pay. For
# sequences of a thousand steps it is no remedy.
#
# ### Is minGRU 175 times faster than a GRU?
#
# So says the abstract of the paper's first version: [175 times faster for a
# sequence of 512 steps](https://arxiv.org/abs/2410.01201v1). minGRU's gates do
# not see the state, so that a scan ([chapter
# 12](12_recurrence_after_transformers.ipynb)) computes all steps at once, in
# some $2\log_2 T$ operations on long arrays instead of $T$ on short ones. Users
# have reported that their minGRU was [half as fast as
# `nn.GRU`](https://github.com/lucidrains/minGRU-pytorch/issues/13). Both can be
# true, for everything depends on which GRU minGRU is compared with:

# %% mystnb={"figure": {"name": "tab-speed-min", "caption": "Milliseconds to train one layer of 64 units on 64 rows, by the number of steps; medians of seven rounds on one thread of a CPU."}}
minimal = {
    run["length"]: medians(run)
    for name, run in own.items()
    if name.startswith("minimal")
}
pd.DataFrame(minimal).rename_axis(columns="steps").round(1)

# %%
faster = own["minimal, 512"]["times as fast as a GRU"]["here"]
print(f"over a loop: {np.median(faster):.2f} times")
kernel = minimal[512]["nn.GRU"] / minimal[512]["minGRU, scan"]
print(f"over nn.GRU: {kernel:.2f} times")

# %% [markdown]
# On one thread of a CPU, where a scan has nothing to run in parallel, minGRU is
# three to four times as fast as a GRU at 512 steps, and nowhere near the
# published factor.[ᶜ](claims.md#min_gru_is_not_175_times_faster) In
# {numref}`tab-speed-min` its *loop* takes about as long as its scan. So the
# gain here is not the scan's. It comes from gates that need no product with the
# state: the two products of minGRU are done for all steps at once, before the
# loop. (That is so with 64 rows. With two, in [chapter
# 12](12_recurrence_after_transformers.ipynb), the scan takes a tenth of the
# loop's time:[ᶜ](claims.md#a_scan_is_faster_than_a_loop) a step of the loop
# then has little to compute, and what its calls cost may be what remains.) The
# published factor, as [users point
# out](https://github.com/cheind/mingru/issues/3), is not over `nn.GRU`. A GPU
# may wait very long for a loop in Python. Whoever uses `nn.GRU` has not written
# that loop.
#
# ### Is the GPU always faster?
#
# This book has not measured one yet, and so it does not answer. What can be
# said is what to look for. A GPU has a far higher roof, but each call to it
# costs microseconds, and a recurrent layer is a chain of small calls. So expect
# a small layer with a small batch to be faster on the CPU, and a crossing point
# somewhere; where it lies is a matter of measurement, and the next cell
# measures it. In Colab, choose a GPU under *Runtime*, set `MEASURE = True` and
# run the cell. After some minutes it shows your GPU's milliseconds beside those
# of the CPU next to it: for cuDNN, NVIDIA's library behind `nn.LSTM`, in
# float32, TF32 and bfloat16; for a Python loop; and for that loop replayed as a
# CUDA graph, a recording of its calls that the GPU repeats by itself. It draws
# them against the rows of a batch and against the number of units, with the
# crossing points marked.

# %%
MEASURE = False
if MEASURE:
    command = [sys.executable, "-m", "benchmarks.gpu"]
    subprocess.run(command, cwd=book, check=True)
if (RESULTS / "gpu.json").exists():
    show_gpu(load_results("gpu")["results"])
else:
    print("No GPU has been measured for this book yet.")

# %% [markdown]
# ## A cell of your own, fast enough to train
#
# Suppose you want what `nn.LSTM` does not offer. [Gers and Schmidhuber
# (2000)](https://doi.org/10.1109/IJCNN.2000.861302) let the gates see the cell
# through *peepholes*, three more vectors of weights. The plain way is a loop
# over steps like this one:

# %% tags=["remove-input"]
show_source(peephole_step, bare=True)

# %% [markdown]
# Autograd records every one of its operations at every step, and goes through
# the record on the way back. Two roads lead to speed. One hands the step to
# `torch.compile`, which joins its many small operations into a few. The other
# derives the backward pass by hand ([chapter 2](02_lstm.ipynb) did, for the
# LSTM) and hands autograd the whole loop as *one* operation, a
# `torch.autograd.Function`. That operation needs no record, writes into memory
# that is there already, and gathers the gradients of all steps so that one
# product gives that of $W_h$.

# %% tags=["remove-input"]
show_source(
    FusedPeephole, fold="All steps as one operation of autograd", bare=True
)

# %% [markdown]
# A hand-written gradient is believed when it equals the one that autograd
# finds:

# %%
torch.manual_seed(0)
plain = PeepholeLSTM(3, 4).double()
fused = PeepholeLSTM(3, 4, fused=True).double()
fused.load_state_dict(plain.state_dict())
inputs = torch.randn(2, 6, 3, dtype=torch.double)
for module in (plain, fused):
    (module(inputs) ** 3).sum().backward()

# %%
# Identity: fused-by-hand-equals-autograd
worst = max(
    (a.grad - b.grad).abs().max().item()
    for a, b in zip(plain.parameters(), fused.parameters(), strict=True)
)
assert worst < 1e-12
print("gradients agree to 1e-12, over", len(list(plain.parameters())), "arrays")

# %% mystnb={"figure": {"name": "tab-speed-peephole", "caption": "Milliseconds of a forward and backward pass of an LSTM with peepholes, written in three ways, and of `nn.LSTM`, which has none; medians of seven rounds."}}
written = {
    shown(run["size"]): medians(run)
    for name, run in own.items()
    if name.startswith("peepholes")
}
pd.DataFrame(written).round(1)

# %% [markdown]
# By {numref}`tab-speed-peephole`, at the smaller size the hand-written backward
# pass takes away about a third of the plain loop's
# time,[ᶜ](claims.md#a_hand_written_backward_pass_pays) at the larger one
# nothing. There the products and the gates themselves may take all the time
# there is, and the effort was in vain. (Before the first recording we expected
# a gain at both sizes, and were wrong.) With the compiled step it is the other
# way round: nothing at the smaller size, a tenth or more at the larger one, for
# nothing but a compiler for C++ and some seconds of patience. So measure before
# you derive. A third road changes the model: with gates that do not see the
# state, as in minGRU, all the products leave the loop.
#
# ## More than one process
#
# When one core is busy, take two. In *data parallel* training each process
# holds the whole model and computes the gradient of its own rows; then all
# average their gradients, and take the same step. The mean over all rows is the
# mean of the processes' means, each weighted by its rows, so that nothing
# changes but the order of additions. The book's `fit` does this on top of
# [Lightning Fabric](https://lightning.ai/docs/fabric/stable/): hand it a
# `Fabric` of two processes and launch that.
#
# A notebook is one process. So the next cell starts a small program, `python -m
# utils.speed.parallel`, that trains a GRU to add twenty numbers in two
# processes, and trains the same in this one:

# %%
folder = Path(tempfile.mkdtemp())
command = [sys.executable, "-m", "utils.speed.parallel", "--processes", "2"]
done = subprocess.run(
    [*command, "--out", folder / "two"], cwd=book, capture_output=True
)
assert done.returncode == 0, done.stderr.decode()
one, history = train_adder(cpu_processes(1))
two = load_file(folder / "two" / "weights.safetensors")

# %%
# Identity: two-processes-equal-one
worst = max(
    (weight - two[name]).abs().max().item()
    for name, weight in one.state_dict().items()
)
assert worst < 1e-6
print(history.steps, "steps; largest difference of a weight below 1e-6")

# %% [markdown]
# What does a second process buy? With *strong* scaling the batch stays and is
# shared; with *weak* scaling each process keeps its rows, and the batch grows.

# %%
scaling = load_results("scaling")["results"]


def per_step(name, processes):
    return np.array([run["step"][name] for run in scaling[processes]])


# %% mystnb={"figure": {"name": "tab-speed-scaling", "caption": "Times as many rows a second as one process on one thread: median of five rounds, in brackets the range. Two processors; the ideal is 2."}}
speedups = {}
for name, size in scaling["models"].items():
    alone = per_step(f"{name}, same batch", "1")
    speedups[f"{name}, {shown(size)}"] = {
        "two threads": spread(alone / per_step(f"{name}, two threads", "1")),
        "two processes, same batch": spread(
            alone / per_step(f"{name}, same batch", "2")
        ),
        "two processes, same rows each": spread(
            2 * alone / per_step(f"{name}, same rows each", "2")
        ),
    }
pd.DataFrame(speedups)

# %%
message = np.median([run["all_reduce"]["4096"] for run in scaling["2"]])
alone = np.median(per_step("small, same batch", "1"))
print(f"adding up 4,096 bytes over both processes: {message:.1f} ms")
print(f"a step of the small model in one: {alone:.1f} ms")

# %% [markdown]
# In {numref}`tab-speed-scaling` the second process pays for the large
# model,[ᶜ](claims.md#two_processes_want_a_large_model) and two that share the
# batch of the small one are *slower* than one. A step of the small model takes
# less time than one message between two processes, even a short one: the
# message timed here has a few thousand bytes. Two threads of one process, the
# alternative that needs no messages, gained less on the large model than two
# processes did. Processes meet once a step, threads after each product, which
# may be the reason. With the same rows for each process, weak scaling, the
# large model gains nearly as much.
#
# ### What would 64 workers do?
#
# Here is a model, with its assumptions. A step of one worker takes $C$ seconds;
# $n$ workers share it evenly, and nothing else shrinks. A ring of $n$ workers
# sums $S$ bytes of gradients in $2(n-1)$ messages of $S/n$ bytes ([Patarasuk
# and Yuan, 2009](https://doi.org/10.1016/j.jpdc.2008.09.002)), each with a
# latency $\ell$, over links of $\beta$ bytes a second:
#
# $$
# s(n) = \frac{C}{n} + 2(n - 1)\,\ell + \frac{2(n - 1)}{n} \frac{S}{\beta} .
# $$ (eq-speed-ring)
#
# By hand, for $C$ = 100 ms, two workers, a megabyte, 50 µs and a link of 125
# megabytes a second (a gigabit): $50 + 0.1 + 8 = 58.1$ ms, where 50 would be
# ideal. The term with $\ell$ grows with $n$, the last one soon stands still at
# $2S/\beta$, and only the first shrinks. For the large model of the table:

# %%
# Identity: ring-by-hand
gigabit = Network(latency=50e-6, bandwidth=125e6)
assert np.isclose(step_seconds(2, 0.1, 1e6, gigabit), 0.0581)
compute = np.median(per_step("large, same batch", "1")) / 1000
size = scaling["1"][0]["bytes"]["large"]
networks = {
    "a gigabit, 50 µs": gigabit,
    "a hundred gigabit, 5 µs": Network(5e-6, 12.5e9),
}
for name, network in networks.items():
    print(f"{name}:")
    for n in (2, 8, 64):
        faster = compute / step_seconds(n, compute, size, network)
        print(f"  {n} workers {faster:.1f} times as fast as one")

# %% [markdown]
# For two workers the model can be held against the recording: half of the
# computing, and the time that two processes of this machine took to add up a
# megabyte, beside what a step of theirs took.

# %%
add_up = np.median([run["all_reduce"]["1048576"] for run in scaling["2"]])
predicted = 1000 * compute / 2 + add_up * size / 2**20
measured = per_step("large, same batch", "2")
print(f"predicted {predicted:.0f} ms")
print(f"measured {np.median(measured):.0f} ms", end=", ")
print(f"from {measured.min():.0f} to {measured.max():.0f} in five rounds")

# %% [markdown]
# For two workers the prediction lies within the range of the rounds, so the
# model's terms are of the right size. But it lets nobody wait, although a step
# ends only when the slowest worker is done, and among many the slowest is
# slower. So take what it says about 8 and 64 workers as a limit: these are
# projections, not measurements. They say where the limit lies: with a slow
# network, in the bytes, so that a larger batch (more computing for the same
# bytes) or half-length gradients help; with a fast one, in the share of rows,
# which at 64 workers is one row each, and {numref}`tab-speed-batch` says what a
# row alone costs.
#
# ### Recipes
#
# Two processes on this machine, which is what the cell above has run:
#
# ```
# python -m utils.speed.parallel --processes 2 --out run
# ```
#
# Two machines with four GPUs each. *Not run here.* Write the `Fabric` into your
# script as below, call `fabric.launch()` before `fit`, and start the script on
# both machines, with `--node-rank=1` on the second:
#
# ```
# fabric = Fabric(accelerator="cuda", devices=4, num_nodes=2, strategy="ddp")
# ```
#
# ```
# fabric run train.py --accelerator=cuda --devices=4 --num-nodes=2 \
#     --node-rank=0 --main-address=ADDRESS_OF_THE_FIRST
# ```
#
# Under Slurm, which hands out the machines of a cluster. *Not run here.* Fabric
# finds the machines by itself when the numbers agree:
#
# ```
# #SBATCH --nodes=2 --ntasks-per-node=4 --gres=gpu:4
# srun python train.py
# ```
#
# ### When a worker dies
#
# It will, on a long run. The others then wait for its gradients, and the worst
# that can happen is that they wait for ever. A test of this book
# (`tests/test_speed_parallel.py`) kills one of two processes with `SIGKILL` in
# the middle of an epoch, either of them. The other ends with an error that
# names the lost connection, nothing hangs, and the same command run again goes
# on from the last checkpoint and ends at the weights of a run that nobody
# disturbed.
#
# ## Data that does not fit
#
# A million sequences of 50 numbers are 200 megabytes in float32, and a real
# data set may have a thousand times as many. Then they stay on disk, in
# *shards*, and training reads them as a stream. A stream cannot be shuffled as
# a whole. What can be drawn at random is the order of the shards and, within
# each block of rows (here 4,096), the order of the rows. So write the sequences
# to the shards in random order once, or rows that are neighbours on disk will
# stay neighbours in training.

# %%
rng = np.random.default_rng(0)
parts = [rng.integers(0, 2, (1000, 20), dtype=np.int8) for _ in range(4)]
shards = write_shards(folder / "shards", parts)


def last_bit(rows):
    return rows[:, -1].astype(int)


batches_on_disk = StreamedBatches(shards, batch_size=64, target=last_bit)

# %%
# Identity: a-stream-yields-every-row-once
seen = np.concatenate([x[..., 0].numpy() for x, _ in batches_on_disk])
everything = np.concatenate(parts)
assert not np.array_equal(seen, everything)
assert sorted(map(bytes, seen.astype(np.int8))) == sorted(
    map(bytes, everything)
)
print(len(seen), "rows from", len(shards), "shards, in another order")

# %% [markdown]
# `StreamedBatches` reads with the library
# [`datasets`](https://huggingface.co/docs/datasets/stream) and draws all order
# from one generator, `rng`. `fit` saves that generator's state. So a run that
# was cut short in mid-epoch draws the same order again, reads past what it had
# seen, without computing, and goes on. Here the second call finds the
# checkpoint that the first left in its second epoch, and ends where an
# undisturbed run ends:


# %%
def train_stream(epochs, checkpoint=None, stop_after=None):
    torch.manual_seed(0)
    model = ReadLast(1, 8, 2)
    batches = StreamedBatches(shards, batch_size=64, target=last_bit)
    if stop_after:
        batches = Interrupted(batches, stop_after)
    fit(
        model,
        batches,
        loss=lambda y, target: torch.nn.functional.cross_entropy(
            y[:, -1], target
        ),
        optimizer=torch.optim.Adam(model.parameters(), lr=0.01),
        epochs=epochs,
        checkpoint=checkpoint,
        checkpoint_every=5,
    )
    return model


# %%
class Interrupted:
    """A stream that breaks after so many batches."""

    def __init__(self, batches, stop_after):
        self.batches, self.rng = batches, batches.rng
        self.left = stop_after

    def __iter__(self):
        for batch in self.batches:
            self.left -= 1
            if self.left < 0:
                raise ConnectionError("the disk is gone")
            yield batch


# %%
# Identity: a-stream-resumes-in-mid-epoch
try:
    train_stream(2, folder / "stream", stop_after=80)
except ConnectionError as error:
    print("stopped:", error)
resumed = train_stream(2, folder / "stream")
undisturbed = train_stream(2)
for a, b in zip(resumed.parameters(), undisturbed.parameters(), strict=True):
    assert torch.equal(a, b)
print("the same weights, bit for bit")

# %% [markdown]
# And the memory? Peak memory of one epoch of `fit`, beyond what the process
# held before it touched the data:

# %% mystnb={"figure": {"name": "tab-speed-stream", "caption": "Megabytes of memory at the peak of one epoch over random bits, 50 a sequence; one run of each, in a process of its own, a small GRU, batches of 1,024."}}
streamed = load_results("streaming")["results"]
table = {}
for name, run in streamed.items():
    way, rows = name.split(" / ")
    held = run["megabytes"]
    table.setdefault(f"{int(rows):,} sequences", {})[way] = round(held)
pd.DataFrame(table)

# %% [markdown]
# In {numref}`tab-speed-stream` the memory of the stream does not grow from
# fifty thousand sequences to a million, apart from some megabytes up and down,
# and that of the array grows with
# them.[ᶜ](claims.md#a_stream_needs_constant_memory) Each number is that of one
# run, but the three sizes agree.
#
# ## Into use
#
# A trained model must often run without PyTorch, on a stream that never ends:
# one step at a time, with its state carried along. What is exported is then not
# the loop over a sequence but one *step*, a function of $x_t$, $h$ and $c$ that
# returns the answer and the next $h$ and $c$. The caller keeps the state.

# %%
torch.manual_seed(0)
model = ReadLast(4, 8, 2).eval()
sequence = torch.randn(1, 30, 4)
in_one_go = model(sequence)[0].detach().numpy()

# %%
# Identity: step-by-step-equals-the-batch
for name in ("step.pt2", "step.onnx"):
    save_step(model, folder / name)
    step = load_step(folder / name)
    answers = run_stepwise(step, sequence[0].numpy(), hidden_size=8)
    worst = np.abs(np.stack(list(answers)) - in_one_go).max()
    assert worst < 1e-6
    print(name, "- 30 steps, largest difference below 1e-6")

# %% [markdown]
# `step.pt2` is a program of `torch.export`, which needs PyTorch to run;
# `step.onnx` runs in [ONNX Runtime](https://onnxruntime.ai/docs/), without
# PyTorch. How long does a user wait for one answer?

# %% mystnb={"figure": {"name": "tab-speed-latency", "caption": "Latency of one step of one row, in microseconds, by inputs and units: median, and in brackets the 99th percentile, of 500 rounds of ten steps, on one thread."}}
latency = load_results("latency")["results"]
pd.DataFrame(
    {
        " inputs, ".join(map(str, run["size"])) + " units": {
            way: f"{q['50']:.0f} ({q['99']:.0f})"
            for way, q in run["microseconds"].items()
        }
        for run in latency.values()
    }
)

# %% [markdown]
# In {numref}`tab-speed-latency` all five forms compute the same answer, and
# most of their time is not arithmetic: from the first column to the last there
# are 256 times as many weights, and none of them takes even 20 times as long.
# What remains may be the price of calls, which ONNX Runtime, a program of a few
# operations outside Python, pays least often. With 64 inputs and 128 units it
# takes less than half the time of
# `nn.LSTM`.[ᶜ](claims.md#a_runtime_shortens_a_step)
#
# ## Does your machine compute the same?
#
# A fast machine that computes something else is of no use. This cell runs all
# three layers, forward and backward, in the ways that your machine knows, and
# says how far each is from NumPy in float64. Float32 rounds at the seventh
# digit. TF32, which recent NVIDIA GPUs use for float32 products when they may,
# at about the third.

# %%
found = deviations()
assert found["float64"] < 1e-12
assert found["float32"] < 1e-5
for way, distance in found.items():
    scale = next(s for s in (1e-12, 1e-5, 1e-2, np.inf) if distance < s)
    print(f"{way:13} below {scale:g}")
print(verdict(found))

# %% [markdown]
# ## Summary
#
# - Five ways to write an LSTM compute the same outputs and
#   gradients.[ⁱ](#same-numbers-on-every-rung)
# - One sample and one gate at a time, an LSTM takes more than five times as
#   long as the same layer with its memory laid out for the
#   step.[ᶜ](claims.md#a_tutorial_is_slow)
# - Among the steps in NumPy, the batch gains
#   most.[ᶜ](claims.md#the_batch_gains_most)
# - For a single row `nn.LSTM` is more than three times as fast as NumPy, and as
#   a Python loop over `nn.LSTMCell`.[ᶜ](claims.md#one_row_needs_a_kernel)
# - With 128 units or more in a batch, the NumPy layer takes less than 1.25
#   times as long as `nn.LSTM`.[ᶜ](claims.md#numpy_keeps_up_with_the_kernel)
# - In float32 on one thread a small RNN or GRU is faster in NumPy than in
#   PyTorch.[ᶜ](claims.md#numpy_leads_small_rnns_and_grus)
# - What bounds a product is read off its arithmetic
#   intensity.[ᵈ](#what-bounds-a-layer)
# - A row alone costs more than three times as much as a row among
#   64.[ᶜ](claims.md#a_row_alone_costs_more)
# - In float32 on a CPU, PyTorch's GRU is slower than its LSTM with few units or
#   a single row.[ᶜ](claims.md#a_gru_is_slower_in_float32)
# - In float64 it is faster, at three sizes with a
#   batch.[ᶜ](claims.md#a_gru_is_faster_in_float64)
# - On this CPU packing costs a small LSTM in training time instead of saving
#   it.[ᶜ](claims.md#packing_slows_the_fused_lstm)
# - A compiled cell in a Python loop stays slower than
#   `nn.LSTM`.[ᶜ](claims.md#a_compiled_cell_is_no_kernel)
# - On one thread of a CPU, at 512 steps, minGRU trains less than ten times as
#   fast as a GRU in a loop.[ᶜ](claims.md#min_gru_is_not_175_times_faster)
# - No GPU has been measured here yet.[ᵈ](#is-the-gpu-always-faster)
# - A backward pass by hand gives the gradients of
#   autograd.[ⁱ](#fused-by-hand-equals-autograd)
# - It made a cell of 64 units faster, and not one of
#   128.[ᶜ](claims.md#a_hand_written_backward_pass_pays)
# - Two processes train to the weights of one.[ⁱ](#two-processes-equal-one)
# - They are faster for a large model, and slower for a small
#   one.[ᶜ](claims.md#two_processes_want_a_large_model)
# - A stream from disk trains a million sequences in the memory of fifty
#   thousand.[ᶜ](claims.md#a_stream_needs_constant_memory)
# - Interrupted in mid-epoch and run again, such training ends at the same
#   weights.[ⁱ](#a-stream-resumes-in-mid-epoch)
# - An exported step that carries its state gives the answers of the whole
#   sequence.[ⁱ](#step-by-step-equals-the-batch)
# - ONNX Runtime takes such a step in less than half the time of
#   `nn.LSTM`.[ᶜ](claims.md#a_runtime_shortens_a_step)
#
# ## Exercises
#
# ```{exercise-start} What is left in the loop (*easy*)
# :label: ex-speed-intensity
# ```
# In `run_fast` the inputs are multiplied before the loop. What remains of a
# *GRU* there is the product of `N` states of `H` numbers with a matrix of `H`
# × `3 H`, in float32. How many operations does it do for each byte that it must
# read or write once? Write `left_in_loop(N, H)` and let `check_intensity` judge
# it. What does it approach for many rows?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-speed-intensity
# :class: dropdown
# ```
# The more rows, the less the weights count, and $H/4 \cdot 3/2$ remains: for
# every number of a state that is read, three results are written.


# %%
def left_in_loop(N, H):
    operations = 2 * N * H * 3 * H
    numbers = N * H + H * 3 * H + N * 3 * H
    return operations / (4 * numbers)


_ = check_intensity(left_in_loop)
print("many rows:", round(left_in_loop(1e9, 128), 1), "=", 128 * 3 / 8)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the bug: unequal shares (*medium*)
# :label: ex-speed-shares
# ```
# A batch of 10 rows is shared by four processes, so that two of them have three
# rows and two have two. Each computes the gradient of the mean loss over *its*
# rows, and this function averages: `def combined(gradients, rows): return
# gradients.mean(axis=0)`. The weights drift away from those of one process.
# Why? Mend it; `gradients` is (processes, parameters), `rows` (processes,).
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-speed-shares
# :class: dropdown
# ```
# A row of a small share counts more than one of a large share. The mean over
# all rows weighs each process by its rows. (`fit` does it by scaling the loss
# before the backward pass.)


# %%
def combined(gradients, rows):
    return rows @ gradients / rows.sum()


_ = check_combined_gradient(lambda gradients, rows: gradients.mean(axis=0))
_ = check_combined_gradient(combined)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Does a second worker pay? (*easy*)
# :label: ex-speed-ring
# ```
# Write equation {eq}`eq-speed-ring` as `ring_seconds(n, C, S, latency,
# bandwidth)`. Then predict, before you compute it: over a gigabit link, does a
# second worker pay for a model of 4 megabytes whose step takes 20 ms? From how
# many milliseconds on does it?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-speed-ring
# :class: dropdown
# ```
# Two workers save $C/2$ and pay $2 \ell + S/\beta$, about 32 ms here. So the
# second pays from $C$ = 64.2 ms on.


# %%
def ring_seconds(n, C, S, latency, bandwidth):
    messages = 2 * (n - 1)
    return C / n + messages * (latency + S / n / bandwidth)


_ = check_ring_seconds(ring_seconds)
for C in (0.020, 0.0642, 0.100):
    two = ring_seconds(2, C, 4e6, 50e-6, 125e6)
    print(f"one: {1000 * C:.1f} ms, two: {1000 * two:.1f} ms")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A layer-normed LSTM (*hard*)
# :label: ex-speed-norm
# ```
# [Ba, Kiros and Hinton (2016)](https://arxiv.org/abs/1607.06450) normalise the
# sums of the gates. Write `normed_step(z, h, c, W_h, peepholes)` that
# normalises $h W_h$ over its features before `z` is added, and ignores the
# peepholes. Give it to a `PeepholeLSTM` as its `step` and check its gradient.
# Which of the chapter's roads to speed is the shorter one for it?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-speed-norm
# :class: dropdown
# ```
# The compiler takes it as it stands. A backward pass by hand needs the gradient
# of the normalisation too.


# %%
def normed_step(z, h, c, W_h, peepholes):
    sums = h @ W_h
    sums = torch.nn.functional.layer_norm(sums, sums.shape[1:])
    i, f, g, o = (z + sums).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


normed = PeepholeLSTM(3, 4).double()
normed.step = normed_step
given = torch.randn(2, 5, 3, dtype=torch.double, requires_grad=True)
assert torch.autograd.gradcheck(normed, given)
print("outputs:", tuple(normed(given).shape))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Shards in a bad order (*medium*)
# :label: ex-speed-order
# ```
# Somebody writes all sequences that end in 0 to the first two shards, and all
# that end in 1 to the others. Predict: what share of ones do the targets of a
# batch of `StreamedBatches` have? Look at the least and the greatest share, for
# these shards and for those of the chapter, with `block=250`. Then mend the
# shards.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-speed-order
# :class: dropdown
# ```
# The order of the shards is drawn, and that of the rows within a block, but
# rows of two blocks never meet, except in a batch that ends one and begins the
# next. So nearly every batch has one answer. The mending is a permutation of
# all rows before they are written.


# %%
rows = np.concatenate(parts)
by_answer = rows[np.argsort(rows[:, -1], kind="stable")]
for name, written_rows in (("sorted", by_answer), ("as drawn", rows)):
    paths = write_shards(folder / name, np.split(written_rows, 4))
    stream = StreamedBatches(paths, 64, last_bit, block=250)
    ones = [y.double().mean().item() for _, y in stream]
    print(f"{name}: {min(ones):.2f} to {max(ones):.2f}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Williams, Waterman and Patterson
#   (2009)](https://doi.org/10.1145/1498765.1498785): the roofline.
# - [Appleyard, Kočiský and Blunsom
#   (2016)](https://arxiv.org/abs/1604.01946): the same ladder on a GPU, step by
#   step, as cuDNN climbed it.
# - [Pöppel, Beck and Hochreiter (2024)](https://arxiv.org/abs/2412.07752):
#   kernels that keep a recurrent layer's weights on the GPU's chip.
# - [Li et al. (2020)](https://arxiv.org/abs/2006.15704): how PyTorch overlaps
#   the averaging of gradients with the backward pass.
#
# Before: [Recurrence after
# transformers](12_recurrence_after_transformers.ipynb). Back to [the map of the
# book](intro.md).
