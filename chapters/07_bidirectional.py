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
# The word that decides a sentence may stand at its end. When may a model read a
# sequence from both ends, what comes out of it, and when is that cheating?
#
# At the end you will be able to
#
# - build a bidirectional layer from two one-way layers, for rows of unequal
#   length;
# - find every state in the outputs and in `h_n`, in PyTorch and Keras;
# - say why `outputs[:, -1]` is the wrong summary, and choose a pooling;
# - tell a task that gains from the second direction from one where it leaks the
#   answer.

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
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

# %%
from utils.data import make_windows
from utils.data.batches import bucket_batches, mask_from_lengths, pad
from utils.data.samples import load_digit_rows
from utils.exercises import check_final_states
from utils.figures.charts import heat_map
from utils.figures.style import use_book_style
from utils.length.padding import POOLINGS
from utils.models.keras import bidirectional_stack
from utils.models.pytorch import (
    FinalStatesReader,
    StepForecaster,
    SymbolReader,
    pool_outputs,
)
from utils.notebook import show_source
from utils.scratch import GRU, LSTM, RNN, Bidirectional
from utils.scratch.bidirectional import reverse_rows
from utils.training import evaluate, fit, keep_keras_on_cpu
from utils.weights import from_torch, to_keras, to_torch

keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## Two layers, two directions
#
# [Schuster and Paliwal (1997)](https://doi.org/10.1109/78.650093) run two
# recurrent layers with weights of their own over the same inputs, one from each
# end, and put their outputs side by side:
#
# $$
# \begin{aligned}
# \overrightarrow{h}_t &= f(x_t, \overrightarrow{h}_{t-1}) \\
# \overleftarrow{h}_t &= g(x_t, \overleftarrow{h}_{t+1}) \\
# y_t &= [\overrightarrow{h}_t, \overleftarrow{h}_t]
# \end{aligned}
# $$ (eq-bidirectional)
#
# The second layer needs no new code. Hand it the sequence backwards and turn
# its outputs round.

# %%
rng = np.random.default_rng(0)
x = rng.normal(size=(1, 6, 3))
ahead, back = LSTM(3, 4, rng=1), LSTM(3, 4, rng=2)
forward_half, _ = ahead.forward(x)
backward_half, _ = back.forward(x[:, ::-1])
by_hand = np.concatenate([forward_half, backward_half[:, ::-1]], axis=2)
outputs, states = Bidirectional(ahead, back).forward(x)
print("outputs", outputs.shape, "equal:", np.array_equal(outputs, by_hand))

# %% [markdown]
# Which inputs does an output know? Ask the gradient: the backward pass says how
# much the output at step $t$ moves with the input at step $s$.


# %%
def reach(layer, x, features):
    steps = x.shape[1]
    moved = np.zeros((steps, steps))
    for t in range(steps):
        d_outputs = np.zeros_like(layer.forward(x)[0])
        d_outputs[:, t, features] = 1
        moved[t] = np.abs(layer.backward(d_outputs).x[0]).sum(axis=1)
    return moved


both = Bidirectional(ahead, back)
halves = [reach(both, x, slice(0, 4)), reach(both, x, slice(4, 8))]

# %% mystnb={"image": {"alt": "Two heat maps of output step against input step. The forward half's gradient fills the lower left triangle, the backward half's the upper right; in the last row of the backward half a single cell is filled."}}
fig, axes = plt.subplots(1, 2, sharey=True)
for ax, half, name in zip(
    axes, halves, ("forward half", "backward half"), strict=True
):
    heat_map(ax, half, label="gradient")
    ax.set(title=name, xlabel="input step")
axes[0].set_ylabel("output step")
fig.suptitle("1. Each half knows one side", x=0.02, ha="left")
plt.show()

# %% [markdown]
# The forward half of output $t$ knows the steps up to $t$, the backward half
# those from $t$ on; together they know all. In the bottom row, the last output,
# the backward half has read one single input.
#
# ## Rows of unequal length
#
# Turning a padded array round puts its padding *first*, and the backward layer
# would start in it. Each row must be turned within its own length. That is all
# the layer of `utils.scratch` adds:

# %%
show_source(reverse_rows, Bidirectional.forward)

# %% [markdown]
# Its backward pass sends each half of the gradient through its own layer and
# adds what arrives at the input:

# %%
show_source(Bidirectional.backward)

# %% [markdown]
# ## The same in PyTorch and Keras
#
# PyTorch packs, Keras masks ([chapter 05](05_any_length.ipynb)). Outputs and
# the gradient at the input must agree, for all three layers, on rows of 2, 5
# and 4 steps.

# %%
rows, lengths = pad([rng.normal(size=(n, 3)) for n in (2, 5, 4)])
mask = mask_from_lengths(lengths, 5)
upstream = rng.normal(size=(3, 5, 8)) * mask[:, :, None]
layers = {
    cell.__name__: Bidirectional(cell(3, 4, rng=1), cell(3, 4, rng=2))
    for cell in (RNN, LSTM, GRU)
}


def largest(ours, theirs):
    return max(
        np.abs(a - b)[mask].max() for a, b in zip(ours, theirs, strict=True)
    )


# %% tags=["tab-pytorch"]
# PyTorch
def in_torch(layer):
    inputs = torch.tensor(rows, requires_grad=True)
    packed = pack_padded_sequence(
        inputs, torch.tensor(lengths), True, enforce_sorted=False
    )
    outputs, _ = pad_packed_sequence(
        to_torch(layer)(packed)[0], batch_first=True
    )
    outputs.backward(torch.tensor(upstream))
    return outputs.detach().numpy(), inputs.grad.numpy()


# %% tags=["tab-keras"]
# Keras
def in_keras(layer):
    inputs = tf.Variable(rows)
    with tf.GradientTape() as tape:
        outputs = to_keras(layer)(inputs, mask=mask)
        total = tf.reduce_sum(outputs * upstream)
    return outputs.numpy(), tape.gradient(total, inputs).numpy()


# %%
for name, layer in layers.items():
    outputs, _ = layer.forward(rows, lengths=lengths)
    ours = outputs, layer.backward(upstream).x
    for framework, run in (("PyTorch", in_torch), ("Keras", in_keras)):
        print(
            f"{name:4} {framework:7} equal within 1e-12: "
            f"{largest(ours, run(layer)) < 1e-12}"
        )

# %% [markdown]
# ## Where everything lies
#
# With two layers and two directions, `h_n` has four blocks. PyTorch orders them
# by layer, then by direction; the outputs are those of the top layer, its
# directions side by side.

# %%
stack = nn.LSTM(
    3,
    4,
    num_layers=2,
    bidirectional=True,
    batch_first=True,
    dtype=torch.float64,
)
data = torch.tensor(x)
with torch.no_grad():
    outputs, (h_n, c_n) = stack(data)
print("outputs", tuple(outputs.shape), " h_n", tuple(h_n.shape))
forward_half, backward_half = outputs.chunk(2, dim=2)
# Top layer, forward: after the last step
assert torch.equal(h_n[2], forward_half[:, -1])
# Top layer, backward: after the first step
assert torch.equal(h_n[3], backward_half[:, 0])
by_layer = h_n.view(2, 2, 1, 4)  # layer, direction, batch, hidden
assert torch.equal(by_layer[1, 0], h_n[2])

# %% [markdown]
# That the first two blocks are layer 0, forward and backward, shows when layer
# 0 runs alone, in NumPy, and feeds layer 1:

# %%
lower, upper = from_torch(stack, layer=0), from_torch(stack, layer=1)
middle, ((h_forward, _), (h_backward, _)) = lower.forward(x)
top, _ = upper.forward(middle)
print(
    "h_n[0], h_n[1]:",
    np.allclose(h_forward, h_n[0]),
    np.allclose(h_backward, h_n[1]),
)
print("outputs:       ", np.allclose(top, outputs))

# %% [markdown]
# Keras returns the states one by one instead, forward then backward, each with
# its cell state:

# %%
returned = to_keras(lower, return_state=True)(x)
print([tuple(each.shape) for each in returned])
assert np.allclose(returned[1], h_forward)
assert np.allclose(returned[3], h_backward)

# %% [markdown]
# ## Why `outputs[:, -1]` is wrong
#
# For a one-way layer the last output is the summary of the row. Here half of it
# has read one input. Change the *first* input and see what moves:

# %%
changed = x.copy()
changed[:, 0] += 1
before, after = (both.forward(each)[0] for each in (x, changed))
moved = np.abs(after - before)
print("last output, forward half moves: ", moved[:, -1, :4].max() > 0)
print("last output, backward half moves:", moved[:, -1, 4:].max() > 0)
print("output 0, backward half moves:   ", moved[:, 0, 4:].max() > 0)

# %% [markdown]
# Does it cost accuracy? Take rows of 20 to 40 random digits and ask two things
# at once: is the *first* digit below 5, and is the *last*? That makes four
# classes. Four poolings make one vector of a row's outputs: the last one, both
# directions' final states, the mean and the maximum over the valid steps. PAD
# is a symbol of its own, number 10.

# %%
show_source(pool_outputs)


# %%
def batches(rows, labels, size=64):
    made = []
    for chosen in bucket_batches(np.array([len(row) for row in rows]), size, 0):
        inputs, lengths = pad([rows[i] for i in chosen], value=10)
        targets = [labels[i] for i in chosen]
        targets = (
            pad(targets, value=-100)[0]
            if np.ndim(targets[0])
            else np.array(targets)
        )
        made.append(tuple(map(torch.tensor, (inputs, lengths, targets))))
    return made


# %%
def draw_digits(n, shortest, longest, rng):
    return [
        rng.integers(0, 10, k) for k in rng.integers(shortest, longest + 1, n)
    ]


def ends(row):
    return 2 * int(row[0] < 5) + int(row[-1] < 5)


rng = np.random.default_rng(0)
train_rows, test_rows = (
    draw_digits(1500, 20, 40, rng),
    draw_digits(1000, 20, 40, rng),
)
train, test = (
    batches(rows, [ends(row) for row in rows])
    for rows in (train_rows, test_rows)
)

# %%
cross_entropy = nn.CrossEntropyLoss()


def accuracy(logits, target):
    valid = target != -100
    return (logits.argmax(-1) == target)[valid].float().mean()


def train_reader(data, epochs, loss=cross_entropy, outputs=2, **options):
    torch.manual_seed(0)
    model = SymbolReader(11, outputs, **options)
    fit(
        model,
        data,
        loss=loss,
        optimizer=torch.optim.Adam(model.parameters(), 1e-2),
        epochs=epochs,
    )
    return model


readers = {
    how: train_reader(train, 5, outputs=4, pooling=how) for how in POOLINGS
}

# %% [markdown]
# Judge each reader three times: as trained; on the same batches padded by 20
# symbols more; and on those without a mask, told that every row fills the
# batch. Knowing no end is worth a quarter of the answers, one end a half: the
# table shows the accuracy to the nearest quarter.


# %%
def widen(data, extra=20):
    return [
        (nn.functional.pad(rows, (0, extra), value=10), n, y)
        for rows, n, y in data
    ]


def untold(data):
    return [(rows, torch.full_like(n, rows.shape[1]), y) for rows, n, y in data]


cases = {
    "masked": test,
    "masked, wider": widen(test),
    "not masked, wider": untold(widen(test)),
}
scores = {
    how: {
        name: evaluate(
            model, data, loss=cross_entropy, metrics={"a": accuracy}
        )["a"]
        for name, data in cases.items()
    }
    for how, model in readers.items()
}
pd.DataFrame(scores).T.map(lambda score: f"{round(4 * score) / 4:.2f}")

# %% [markdown]
# The last output knows the last digit and guesses the first: half of the
# answers. The other three have both ends and are right, and no amount of masked
# padding moves them. Without the mask, each forgets an end: the forward half
# has read twenty symbols of padding since.
#
# ## Where the second direction helps
#
# Mark every digit of a row that occurs in it exactly *once*. The clue may come
# before or after the digit, so that one direction cannot know. The best simple
# rule that looks back: mark a digit if it has not occurred before.

# %%
rng = np.random.default_rng(1)
train_rows, test_rows = (
    draw_digits(3000, 5, 12, rng),
    draw_digits(1000, 5, 12, rng),
)


def once(row):
    return (np.bincount(row, minlength=10)[row] == 1).astype(int)


truth = np.concatenate([once(row) for row in test_rows])
not_before = np.concatenate(
    [[digit not in row[:t] for t, digit in enumerate(row)] for row in test_rows]
)
print(f"always the commoner answer: {max(truth.mean(), 1 - truth.mean()):.2f}")
print(f"not seen before:            {(not_before == truth).mean():.2f}")


# %%
def every_step(logits, target):
    return cross_entropy(logits.flatten(0, 1), target.flatten())


train, test = (
    batches(rows, [once(row) for row in rows])
    for rows in (train_rows, test_rows)
)
taggers = {
    "both directions": train_reader(train, 10, every_step, hidden_size=32),
    "one direction": train_reader(
        train, 10, every_step, hidden_size=48, bidirectional=False
    ),
}
tagged = {
    name: evaluate(model, test, loss=every_step, metrics={"a": accuracy})["a"]
    for name, model in taggers.items()
}

# %%
for name, model in taggers.items():
    print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters")
rule = (not_before == truth).mean()
print("both directions above 0.9:", tagged["both directions"] > 0.9)
print("one direction better than the rule:", tagged["one direction"] > rule)

# %% [markdown]
# With as many parameters, one direction does no better than the rule that looks
# back: the rest of the answer lies ahead of it. The second direction supplies
# it.
#
# ## Where it cheats
#
# Now forecast: at every step, the next value. The series is noise, independent
# draws of variance 1, so that no forecast has a mean squared error below 1.
# Train one model of each kind to answer at every step of a row.

# %%
show_source(StepForecaster)

# %%
noise = torch.tensor(
    np.random.default_rng(0).normal(size=(400, 21, 1)), dtype=torch.float32
)
past, future = noise[:, :-1], noise[:, 1:]
forecasters = {}
for name, two_ways in (("one direction", False), ("both directions", True)):
    torch.manual_seed(0)
    model = StepForecaster(1, 16, bidirectional=two_ways)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    fit(
        model,
        [(past[:300], future[:300])] * 10,
        loss=nn.functional.mse_loss,
        optimizer=optimizer,
        epochs=10,
    )
    forecasters[name] = model

# %% [markdown]
# Judge them twice: in a back-test, which hands over the whole row, and live,
# where the row ends at the present.


# %%
@torch.no_grad()
def back_test(model):
    return ((model(past[300:]) - future[300:]) ** 2)[:, :-1].mean().item()


@torch.no_grad()
def live(model):
    errors = [
        (model(past[300:, :k])[:, -1] - future[300:, k - 1]) ** 2
        for k in range(5, 21)
    ]
    return torch.stack(errors).mean().item()


for name, model in forecasters.items():
    print(
        f"{name}: back-test below 0.1 {back_test(model) < 0.1}, live below "
        f"0.9 {live(model) < 0.9}"
    )

# %% mystnb={"image": {"alt": "Bars of mean squared error: one direction near 1 in the back-test and live; both directions near 0 in the back-test and near 1 live."}}
errors = pd.DataFrame(
    {
        name: {"back-test": back_test(m), "live": live(m)}
        for name, m in forecasters.items()
    }
)
ax = errors.T.plot.bar(rot=0)
ax.axhline(1, color="black", linewidth=1)
ax.legend(loc="center")
ax.set(
    ylabel="mean squared error",
    title="2. Noise forecast: the leak ends with the data",
)
plt.show()

# %% [markdown]
# The black line is the best that can be. The two-way model lies far below it in
# the back-test: its backward half has read $x_{t+1}$, which is the answer. Live
# there is nothing to read and it guesses like everybody else. Hence "predict
# the *next* word" with a bidirectional model is a mistake; such a model can
# fill in a *missing* word. A window whose steps are all in the past is another
# matter: there both directions may read it (an exercise).
#
# ## Stacks on real digits
#
# The usual Keras stack is two bidirectional layers and a dense one. The inner
# layer returns every output, because the next one needs a sequence; the outer
# one returns both final states, which Keras concatenates, so that the trap
# above does not arise.

# %%
show_source(bidirectional_stack)

# %%
show_source(FinalStatesReader)

# %% [markdown]
# The task: images of 8 × 8 pixels, read row by row ([Alpaydin and Kaynak
# (1998)](https://doi.org/10.24432/C50P49)). The baseline sees all 64 pixels at
# once and knows nothing of order: logistic regression.

# %%
digits, unseen = load_digit_rows()
flat = LogisticRegression(max_iter=2000).fit(digits.x.reshape(-1, 64), digits.y)
baseline = flat.score(unseen.x.reshape(-1, 64), unseen.y)
print(
    f"{len(digits.y)} images to train on, {len(unseen.y)} to test, baseline "
    f"{baseline:.3f}"
)

# %% tags=["tab-pytorch"]
# PyTorch
torch.manual_seed(0)
reader = FinalStatesReader(8, 64, 10)
images, labels = (
    torch.tensor(digits.x, dtype=torch.float32),
    torch.tensor(digits.y),
)
loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(images, labels), 64, shuffle=True
)
fit(
    reader,
    loader,
    loss=cross_entropy,
    optimizer=torch.optim.Adam(reader.parameters(), 5e-3),
    epochs=15,
)
with torch.no_grad():
    answers = (
        reader(torch.tensor(unseen.x, dtype=torch.float32)).argmax(1).numpy()
    )
torch_score = (answers == unseen.y).mean()
print("above 0.8:", torch_score > 0.8)

# %% tags=["tab-keras"]
# Keras
keras.utils.set_random_seed(0)
model = bidirectional_stack(8, 8, 10)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(
    optimizer=keras.optimizers.Adam(5e-3), loss=loss, jit_compile=False
)
model.fit(digits.x, digits.y, epochs=8, batch_size=64, verbose=0)
keras_score = (model.predict(unseen.x, verbose=0).argmax(1) == unseen.y).mean()
print("above 0.8:", keras_score > 0.8)

# %%
for name, score in (("PyTorch", torch_score), ("Keras", keras_score)):
    print(
        f"{name}: gains 0.05 on logistic regression {score - baseline > 0.05}"
    )

# %% [markdown]
# Both read the digits, and neither gains on a linear model that sees all pixels
# at once. Eight rows are no long memory, and nothing in them arrives late. A
# second direction is worth its double cost where something does.
#
# ## What failed
#
# - `outputs[:, -1]` on the task of the two ends: half the answers wrong, from
#   the same layer that solves it otherwise.
# - The two-way forecaster, everywhere but in its own back-test.
# - The two-way stacks on the digits: a linear model on the raw pixels is as
#   good.
#
# ## Summary
#
# - A bidirectional layer is two layers; the second reads each row backwards
#   *from its own end*.
# - `h_n` is ordered layer 0 forward, layer 0 backward, layer 1 forward, and so
#   on; the final state of the backward direction belongs to step 0.
# - Summarise by both final states, the mean or the max, masked; never by the
#   last output.
# - Two directions help where the clue may come after. They cheat wherever the
#   answer does.
#
# ## Exercises
#
# ```{exercise-start} The final states, from the outputs (*easy*)
# :label: ex-bi-states
# ```
# Write `final_states(outputs, lengths)` in NumPy for a right-padded batch, let
# `check_final_states` judge it, and find the same numbers in the `h_n` of a
# bidirectional GRU of three layers.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-states
# :class: dropdown
# ```


# %%
def final_states(outputs, lengths):
    ahead, back = np.split(outputs, 2, axis=2)
    return np.concatenate(
        [ahead[np.arange(len(outputs)), lengths - 1], back[:, 0]], axis=1
    )


_ = check_final_states(final_states)
_ = check_final_states(lambda outputs, lengths: outputs[:, -1])

# %%
deep = nn.GRU(
    3,
    4,
    num_layers=3,
    bidirectional=True,
    batch_first=True,
    dtype=torch.float64,
)
packed = pack_padded_sequence(
    torch.tensor(rows), torch.tensor(lengths), True, enforce_sorted=False
)
with torch.no_grad():
    packed_outputs, h_n = deep(packed)
    outputs, _ = pad_packed_sequence(packed_outputs, batch_first=True)
top = torch.cat([h_n[-2], h_n[-1]], dim=1)
print(
    "the last two blocks of h_n:",
    np.allclose(final_states(outputs.numpy(), lengths), top),
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Other ways to merge (*easy*)
# :label: ex-bi-merge
# ```
# Keras's `merge_mode` also knows "sum", "mul" and "ave". Make all three from
# concatenated outputs, and say what they lose.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-merge
# :class: dropdown
# ```

# %%
concatenated = to_keras(both)
ahead_half, back_half = np.split(np.asarray(concatenated(x)), 2, axis=2)
merged = {
    "sum": ahead_half + back_half,
    "mul": ahead_half * back_half,
    "ave": (ahead_half + back_half) / 2,
}
for mode, expected in merged.items():
    layer = keras.layers.Bidirectional(
        keras.layers.LSTM(4, return_sequences=True),
        merge_mode=mode,
        dtype="float64",
    )
    layer.build(x.shape)
    layer.set_weights(concatenated.get_weights())
    print(mode, np.allclose(layer(x), expected))

# %% [markdown]
# Half the width, and no later layer can tell the directions apart.
# ```{solution-end}
# ```
#
# ```{exercise-start} Turning the padding round (*medium*)
# :label: ex-bi-flip
# ```
# Feed the backward layer `x[:, ::-1]` of a padded batch, as if all rows were
# equally long. Which rows' outputs are wrong, and by how much?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-flip
# :class: dropdown
# ```

# %%
layer = layers["LSTM"]
right, _ = layer.forward(rows, lengths=lengths)
wrong, _ = layer.forward(rows)
for row, n in enumerate(lengths):
    change = np.abs(right[row, :n, 4:] - wrong[row, :n, 4:]).max()
    print(f"row of {n}: backward half changes by {change:.2f}")

# %% [markdown]
# Only the longest row, which has no padding, is right.
# ```{solution-end}
# ```
#
# ```{exercise-start} Two directions without a leak (*medium*)
# :label: ex-bi-window
# ```
# Cut one long series of noise into windows and forecast the value *after* each
# with the last output of both directions. Is the error in the back-test still
# too good to be true?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-window
# :class: dropdown
# ```

# %%
series = np.random.default_rng(0).normal(size=2000).astype(np.float32)
windows, targets = make_windows(series, 10)
windows, targets = (
    torch.tensor(windows.copy())[:, :, None],
    torch.tensor(targets)[:, None],
)
torch.manual_seed(0)
honest = FinalStatesReader(1, 16, 1)
optimizer = torch.optim.Adam(honest.parameters(), 1e-2)
fit(
    honest,
    [(windows[:1000], targets[:1000])] * 5,
    loss=nn.functional.mse_loss,
    optimizer=optimizer,
    epochs=5,
)
with torch.no_grad():
    error = nn.functional.mse_loss(
        honest(windows[1010:]), targets[1010:]
    ).item()
print("below 0.9:", error < 0.9)

# %% [markdown]
# No: the whole window lies before its target, so that reading it backwards
# reads nothing new. The leak is not in the direction but in what the model can
# see.
# ```{solution-end}
# ```
#
# ```{exercise-start} One direction with a delay (*hard*)
# :label: ex-bi-delay
# ```
# A one-way model may also know the future, if it answers late. Let the tagger
# of digits answer two steps after it has read a digit. How much of the second
# direction's gain does it get, and why not all?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-bi-delay
# :class: dropdown
# ```


# %%
def delay(data, steps=2):
    return [
        (
            nn.functional.pad(rows, (0, steps), value=10),
            lengths + steps,
            nn.functional.pad(labels, (steps, 0), value=-100),
        )
        for rows, lengths, labels in data
    ]


late = train_reader(
    delay(train), 10, every_step, hidden_size=48, bidirectional=False
)
late_score = evaluate(
    late, delay(test), loss=every_step, metrics={"a": accuracy}
)["a"]
print("better than without delay:", late_score > tagged["one direction"] + 0.03)
print("worse than both directions:", late_score < tagged["both directions"])

# %% [markdown]
# It sees two digits further, and gains. It pays with memory: while it waits it
# has to carry the digits still to be answered, and those clues that come later
# than the delay stay out of reach.
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Schuster and Paliwal (1997)](https://doi.org/10.1109/78.650093): the idea,
#   with the two directions' roles in regression and classification spelled out.
# - [Graves and Schmidhuber
#   (2005)](https://doi.org/10.1016/j.neunet.2005.06.042): bidirectional LSTMs
#   on speech frames, against one direction with a delay.
# - [PyTorch,
#   `nn.LSTM`](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html):
#   the shapes and the order of `h_n`, in the reference's own words.
#
# Before: [sequences of any length](05_any_length.ipynb). After:
# [attention](09_attention.ipynb).
