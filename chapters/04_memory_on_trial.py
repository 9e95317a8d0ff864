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
# # Memory on trial
#
# **Which cell learns to use what it read dozens of steps ago? And what does it
# take before such a question may be answered at all?**
#
# [Chapter 1](01_rnn_basics.ipynb) measured how the gradient of a plain
# recurrent network fades with the lag, the number of steps that it goes back,
# and [chapters 2](02_lstm.ipynb) and [3](03_gru.ipynb) built gates against it.
# It is tempting to run RNN, LSTM and GRU on one task and to print who won. This
# chapter does that, sees the verdict turn round, asks what went wrong, and
# tries again by rules.
#
# After this chapter you can
#
# - state the recall, adding and copy tasks, and derive what an answer without
#   memory scores;
# - say what a comparison of cells must hold equal and what it must not;
# - show that a verdict at one learning rate may be a verdict on the learning
#   rate, and that a cell's initial values belong to the cell;
# - say how far three tuning seeds can be trusted;
# - put a forecast beside a baseline that is allowed to adapt as much as the
#   network is.

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
from itertools import combinations_with_replacement

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.ticker import MaxNLocator
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from utils.data import make_adding, make_copy, make_sines
from utils.data.samples import load_digit_rows
from utils.figures.seeds import median_and_range, seed_dots
from utils.figures.style import COLORS, use_book_style
from utils.forecasting.waves import (
    adaptive_errors,
    shared_coefficients,
    sinusoid_forecast,
    windows,
)
from utils.models.pytorch import SequenceReader, equal_hidden_size
from utils.notebook import load_results, show_source
from utils.scratch import LSTM, RNN
from utils.scratch.reach import gradient_by_lag

# %% tags=["hide-input"]
use_book_style()

# %% [markdown]
# ## One letter, twenty steps later
#
# The smallest memory task: first comes a letter, one of eight; nineteen steps
# pass, the last of which asks for it; at the next step it has to be named.

# %%
row, answer = make_copy(1, lag=19, rng=0, length=1)
print("read :", *row[0])
print("named:", answer[0, -1])

# %% [markdown]
# (The letters are 0 to 7, 8 is a blank and 9 the question; from the letter to
# its name are twenty steps.) A network that has forgotten the letter can only
# guess: right in one case of eight, at a cross-entropy of $\ln 8$.

# %%
print(f"guessing: {1 / 8:.3f} right, cross-entropy {np.log(8):.3f}")

# %% [markdown]
# The networks are PyTorch's layers with a linear head on the last output,
# `SequenceReader`. Rows are drawn afresh at every training step, Adam moves the
# weights, and the gradient is clipped to norm 1.


# %%
def draw(n, rng):
    rows, answers = make_copy(n, lag=19, rng=rng, length=1)
    x = one_hot(torch.tensor(rows), 10).float()
    return x, torch.tensor(answers[:, -1])


# %%
def train(model, rate, steps, seed):
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(steps):
        x, letters = draw(32, rng)
        optimizer.zero_grad()
        cross_entropy(model(x), letters).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    x, letters = draw(500, np.random.default_rng(1000))
    with torch.no_grad():
        return cross_entropy(model(x), letters).item()


# %% [markdown]
# An LSTM has four times the matrices of an RNN with as many units, a GRU three
# times. Compared at equal numbers of units, either could win by its size alone.
# So the number of parameters is fixed, and the number of units follows.

# %%
CELLS = ("RNN", "LSTM", "GRU")
PARAMETERS = 4400
units = {cell: equal_hidden_size(cell, 10, 8, PARAMETERS) for cell in CELLS}
print(units)


# %%
def make(cell, seed):
    torch.manual_seed(seed)
    return SequenceReader(cell, 10, units[cell], 8)


# %% [markdown]
# ### The first hearing
#
# An earlier version of this chapter ran the trial at *one* learning rate, 0.01,
# with five seeds each and 1,000 training steps
# (`benchmarks/memory_one_rate.py`). Here is what it found at lag 20. (Its other
# lags, its other starts, and its runs of the adding and the copy task are not
# shown.) A run counts as *solved*, and ends, when the cross-entropy on
# validation rows falls below a twentieth of $\ln 8$.

# %% tags=["hide-input"]
one_rate = load_results("memory_one_rate")["results"]
EACH = one_rate["steps_per_check"]


# %% tags=["hide-input"]
def runs(task, cell):
    every = [f"{task} / {cell} / default / {seed}" for seed in range(5)]
    return [one_rate["runs"][key] for key in every]


def number_and_median(steps):
    return f"{len(steps)} ({np.median(steps):.0f})" if steps else "0"


# %% mystnb={"figure": {"name": "tab-memory-first", "caption": "Recall of one letter of eight after 20 steps, all at the learning rate 0.01: how many of five seeds solved it within 1,000 training steps, in brackets the median number of steps of those, and the final share of right answers as median and range of five seeds."}}
table = {}
for cell in CELLS:
    found = [(r["ended"], r["curves"]) for r in runs("recall 20", cell)]
    right = [curves["accuracy"][-1] for _, curves in found]
    steps = [EACH * len(c["loss"]) for ended, c in found if ended == "solved"]
    table[cell] = {
        "solved": number_and_median(steps),
        "right": median_and_range(right),
    }
pd.DataFrame(table).T

# %% [markdown]
# Read like a newspaper, {numref}`tab-memory-first` says: the GRU remembers, the
# RNN sometimes, and the LSTM, built for the purpose, guesses.
#
# ### The appeal
#
# Change a single number, the rate, from 0.01 to 0.001. The weights at the start
# and the rows stay the same. Here are two seeds after 300 training steps: at
# 0.01 from the record, where the GRU's runs had ended earlier, and at 0.001
# trained now:

# %%
at_300 = {}
for cell in ("RNN", "GRU"):
    losses = [r["curves"]["loss"] for r in runs("recall 20", cell)[:2]]
    at_300[cell] = [loss[: 300 // EACH][-1] for loss in losses]
    print(f"0.01  {cell:4}", *(f"{loss:.2f}" for loss in at_300[cell]))
assert max(at_300["GRU"]) < min(at_300["RNN"])

# %% tags=["within-0.1"]
# tolerance: a loss on its way down depends on the processor's rounding.
slower = {}
for cell in ("RNN", "GRU"):
    slower[cell] = [train(make(cell, s), 0.001, 300, s) for s in (0, 1)]
    print(f"0.001 {cell:4}", *(f"{loss:.2f}" for loss in slower[cell]))

# %%
assert max(slower["RNN"]) < 0.4
assert min(slower["GRU"]) > 1.2

# %% [markdown]
# On these seeds the order is the opposite. The RNN, which at 0.01 had not
# solved the task on either of them after 1,000 steps, has all but learnt the
# letters, and the GRU, which had solved it on both after 250, still guesses.
# (In NumPy, over five seeds, the RNN solves the task within 300 steps on no
# seed at 0.001, on four at 0.003.) Is the GRU unable to learn at 0.001, then?
# We chose the 300 steps as well. Let one seed go on:

# %% tags=["within-0.1"]
# tolerance: a loss on its way down depends on the processor's rounding.
longer = train(make("GRU", 1), 0.001, 1000, 1)
print(f"0.001 GRU, 1,000 steps: {longer:.2f}")
assert longer < 0.4

# %% [markdown]
# On this seed it was only slower. Who is ahead depends on the rate and on when
# one looks. Now go back to the rate 0.01 and change one number of the *LSTM*:
# its forget bias, from about 0 to 3. The seeds are the same two, the training
# steps 200:


# %%
@torch.no_grad()
def with_forget_bias(bias, seed):
    model, H = make("LSTM", seed), units["LSTM"]
    model.layer.bias_ih_l0[H : 2 * H] = bias  # PyTorch's order: i, f, g, o
    model.layer.bias_hh_l0[H : 2 * H] = 0
    return model


# %% tags=["within-0.03"]
biased = {}
for bias in (0, 3):
    readers = [with_forget_bias(bias, seed) for seed in (0, 1)]
    biased[bias] = [train(r, 0.01, 200, s) for s, r in enumerate(readers)]
    print(f"forget bias {bias}:", *(f"{loss:.2f}" for loss in biased[bias]))

# %%
assert min(biased[0]) > 1.5
assert max(biased[3]) < 0.1

# %% [markdown]
# On these seeds the cell that "guesses" now gives nearly all its probability to
# the right letter, and a record of five seeds
# agrees.[ᶜ](claims.md#forget_bias_brings_recall) A plain RNN of ReLU units that
# starts from the identity matrix ([Le et al.,
# 2015](https://arxiv.org/abs/1504.00941)) does so within 100 steps, at a rate
# of 0.003:


# %%
@torch.no_grad()
def identity_start(seed):
    model, H = make("RNN", seed), units["RNN"]
    model.layer = nn.RNN(10, H, nonlinearity="relu", batch_first=True)
    nn.init.eye_(model.layer.weight_hh_l0)
    nn.init.zeros_(model.layer.bias_ih_l0)
    nn.init.zeros_(model.layer.bias_hh_l0)
    return model


# %% tags=["within-0.03"]
identity = [train(identity_start(s), 0.003, 100, s) for s in (0, 1, 2)]
print("ReLU from the identity:", *(f"{loss:.2f}" for loss in identity))
assert max(identity) < 0.1

# %% [markdown]
# (On five recorded seeds too, where the GRU fails within 100 steps at three
# rates.[ᶜ](claims.md#a_start_is_enough_for_recall)) The start suits the task.
# With $W_h$ the identity, ReLU units *copy* what they hold and add what they
# read, $h_t = \max(0, h_{t-1} + x_t W_x)$, and what they read during the wait
# is the same for every letter.
#
# Three changes, three other pictures, and no line of
# {numref}`tab-memory-first` was wrong. What was wrong is the sentence that one
# wants to read into it. *A comparison at one learning rate compares learning
# rates*: it says which cell, from which start, suits the rate that somebody
# chose.
#
# ## A fair trial
#
# What would be fair? Each contender has to appear at its own best, and what
# "best" means has to be settled before anybody sees the result.
#
# 1. **Equal means.** The same parameters, rows, batch size, clipping and number
#    of training steps; where costs differ, say so.
# 2. **Its own rate.** Train every contender at 0.001, 0.003 and 0.01 on seeds
#    that serve for nothing else, and if the best is the lowest or the highest,
#    go on beyond it.
# 3. **Its own start.** An LSTM with forget bias 0 and one with 3 are two
#    contenders. So are a tanh RNN and a ReLU RNN from the identity.
# 4. **A budget and a goal.** Stop when the goal is met at two checks on the
#    validation rows in succession, or when the stated number of steps is used
#    up. "Did not within 3,000 steps" is a result; "cannot" would need a proof.
# 5. **Thresholds, then fresh seeds.** Write down what would count as a
#    difference; only then run seeds that nothing was tuned on, once.
# 6. **A baseline** that has everything except what is on trial.
#
# Tuning needs one number for each rate: the mean over the seeds of the share of
# the budget that a solved run needed, or, for an unsolved run, of 1 plus its
# best loss as a share of the baseline's (at most 1). With a budget of 1,000
# steps, three seeds solved after 200, 250 and 300 steps have a mean of $0.25$.
# At another rate the first seed needs 100 steps and the second is unsolved
# after 650. Whatever the third does, the mean will be at least $0.75 / 3 =
# 0.25$, and as the first rate wins where both are equal, the second seed's run
# may be broken off. That saves cost and does not change the choice.

# %%
print("rates to begin with:", 0.001, 0.003, 0.01)
solved_after = {"one": [200, 250, 300], "other": [100, 650]}
shares = {rate: np.array(n) / 1000 for rate, n in solved_after.items()}
# Identity: giving-up-is-safe
assert shares["other"].sum() / 3 >= shares["one"].mean()
print(f"one: {shares['one'].mean():.2f}")
print(f"other: at least {shares['other'].sum() / 3:.2f}")

# %% [markdown]
# Four more savings could change the choice, so they are named. Where the first
# tuning seed solves a task at no rate, the other two run only at the rate that
# came nearest, and at every rate if one of them succeeds there. On tasks
# without a goal they run at the two rates that were best for the first. A
# contender that solved a task at no rate is tuned one rate beyond only, and not
# run at twice its length (but all run adding 100). The grid ends at 0.00003
# and 1.
#
# ### The second hearing
#
# `benchmarks/memory.py` is a trial by these rules, with the NumPy layers of
# earlier chapters, on recall after 5 to 80 steps and on the four tasks of the
# next sections.

# %% tags=["hide-input"]
fair = load_results("memory")["results"]
NAMES = {
    "tanh RNN": "tanh RNN",
    "ReLU RNN": "ReLU RNN, identity",
    "LSTM, 1": "LSTM, forget bias 1",
    "LSTM, 3": "LSTM, forget bias 3",
    "GRU": "GRU",
}


# %% tags=["hide-input"]
def fresh(task, short, rate=None):
    name = NAMES.get(short, short)
    rate = rate or fair["rates"][task][name]
    key = f"seeds / {task} / {name} / {rate:g}"
    return rate, [fair["runs"][f"{key} / {seed}"] for seed in range(5)]


def who_ran(task):
    not_run = fair["not run"].get(task, [])
    return [short for short in NAMES if NAMES[short] not in not_run]


# %% tags=["hide-input"]
def outcome(task, short, rate=None):
    if short in NAMES and short not in who_ran(task):
        return "not run"
    rate, found = fresh(task, short, rate)
    at = [run["solved_at"] for run in found if run["ended"] == "solved"]
    return f"{number_and_median(at)}, {rate:g}"


def outcomes(task, lengths, telling):
    both = {f"{telling}, all at 0.01": (f"{task} {telling}", 0.01)}
    own = {str(length): (f"{task} {length}", None) for length in lengths}
    return {
        line: {short: outcome(name, short, rate) for short in NAMES}
        for line, (name, rate) in (both | own).items()
    }


# %% tags=["hide-input"]
def cost(short):
    run = fresh("recall 20", short)[1][0]
    step = 1000 * run["seconds"] / run["steps"]
    return f"{run['parameters']:,}; {step:.0f} ms"


# %% mystnb={"figure": {"name": "tab-memory-fair", "caption": "The second hearing of recall, by the number of steps from the letter to its name: how many of five fresh seeds solved it within 3,000 training steps, in brackets the median number of steps of those, and the learning rate; after 20 steps first all at 0.01, then each contender at its own rate, chosen on three other seeds. On top the parameters, and the CPU time of a training step at lag 20, checks included. “LSTM, 1” and “LSTM, 3” are the LSTM with forget bias 1 and 3; the ReLU RNN starts from the identity. “Not run” is a contender that solved half the lag at no rate."}}
table = {"parameters; a step": {short: cost(short) for short in NAMES}}
table |= outcomes("recall", (5, 10, 20, 40, 80), telling=20)
pd.DataFrame(table).T

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-memory-fair", "caption": "Training steps until recall of one letter after 20 steps was solved (fewer is sooner), one dot for each of five fresh seeds and a line at the median: at the rate 0.01 for all (light) and at each contender's own rate (dark). Dots on the dotted line had not solved it when the budget of 3,000 steps ended. Runs are checked every 50 steps; the scale is logarithmic. “LSTM, 1” and “LSTM, 3” are the LSTM with forget bias 1 and 3."}, "image": {"alt": "Two columns of five dots for each of five contenders, on a scale from 50 to 3,000 steps. All at 0.01: four dots of the tanh RNN lie between 100 and 500 and one on the dotted line, the ReLU RNN has 50 to 150, the LSTM with forget bias 1 has two above 2,000 and three on the line, that with 3 has 50 to 100, the GRU 200 to 250. Own rate: four dots of the tanh RNN at 150 to 200 and one on the line, the ReLU RNN 50 to 100, the LSTM with forget bias 1 500 to 1,250, that with 3 150, the GRU four at 50 and one on the line."}}
_, ax = plt.subplots(figsize=(6.6, 3.4))
BUDGET = fair["budgets"]["recall 20"]
for place, short in enumerate(NAMES):
    for shift, rate, color in ((-0.2, 0.01, "sky"), (0.2, None, "blue")):
        found = fresh("recall 20", short, rate)[1]
        steps = [run["solved_at"] or BUDGET for run in found]
        name = "all at 0.01" if rate else "own rate"
        label = None if place else name
        look = {"color": COLORS[color], "label": label, "spread": 0.25}
        seed_dots(ax, place + shift, steps, **look)
ax.axhline(BUDGET, color="black", linestyle=":", linewidth=1)
ax.set(yscale="log", ylim=(40, 5000), ylabel="training steps")
ax.set_xticks(range(len(NAMES)), NAMES)
ax.set_yticks([50, 100, 1000, 3000], ["50", "100", "1,000", "3,000"])
ax.legend(loc="center right")
plt.show()

# %% [markdown]
# Nobody guesses. At lag 20 and its own rate, each contender of
# {numref}`tab-memory-fair` succeeds on at least four seeds of five; the LSTM
# with forget bias 1 succeeds on all of them, and at 0.01 on
# two.[ᶜ](claims.md#every_contender_recalls) So what {numref}`fig-memory-fair`
# compares is how long they take, below in medians. With forget bias 3 the LSTM
# needs fewer than half the steps that it needs with
# 1.[ᶜ](claims.md#forget_bias_three_is_faster) The ReLU RNN from the identity is
# done on every seed before the LSTM with forget bias 1 is on
# any.[ᶜ](claims.md#identity_recalls_sooner)
#
# The ReLU RNN is not done before the GRU. Our appeal had tried the GRU at three
# rates, of which the highest was the best, and stopped. The rate that tuning
# found lies thirty times beyond it, and there the GRU needs fewer than half the
# steps that it needs at 0.01.[ᶜ](claims.md#own_rate_hastens_the_gru) We had
# made the mistake that we were describing.
#
# What does a longer wait do? At lag 10 the LSTM with forget bias 3 needs less
# than two thirds of the steps of that with
# 1,[ᶜ](claims.md#forget_bias_three_recalls_ten) at 40 less than a third of the
# budget, within which no seed is done with
# 1.[ᶜ](claims.md#forget_bias_three_recalls_forty) There the ReLU RNN needs less
# than half the steps of the tanh RNN.[ᶜ](claims.md#identity_recalls_forty) At
# 80 the LSTM with 3 succeeds on one seed, and the ReLU RNN on
# all;[ᶜ](claims.md#identity_recalls_eighty) the GRU, at a rate of 0.3, is far
# ahead of the tanh RNN.[ᶜ](claims.md#gates_recall_eighty)
#
# ### What a failed run remembers
#
# A run that fails need not have forgotten everything. Suppose its network is in
# the same state after several letters: it has *merged* them into a group.
# Within a group of $n$ letters it can only guess, at a cross-entropy of $\ln
# n$, and one of them is right. So with $k$ groups $k$ letters of eight are
# right, and the cross-entropy is $\sum \frac{n}{8} \ln n$ over the groups.


# %%
def of_groups(sizes):
    sizes = np.array(sizes)
    return np.sum(sizes / 8 * np.log(sizes))


# Identity: groups-of-letters
assert np.isclose(of_groups([2, 2, 2, 2]), np.log(2))
assert np.isclose(of_groups([8]), np.log(8))

# %% [markdown]
# Do the failed runs look like that? For each that errs, take the number of
# groups from the share of right answers, and among all groupings into that
# number the one whose cross-entropy is nearest:


# %%
def nearest_grouping(right, loss):
    groups = round(8 * right)
    every = combinations_with_replacement(range(1, 9), groups)
    eight = [sizes for sizes in every if sum(sizes) == 8]
    return min(eight, key=lambda sizes: abs(of_groups(sizes) - loss))


# %%
for short in NAMES:
    for rate in sorted({0.01, fresh("recall 20", short)[0]}):
        for run in fresh("recall 20", short, rate)[1]:
            right, loss = run["test"]["accuracy"], run["test"]["loss"]
            if run["ended"] == "solved" or right > 0.99:
                continue
            sizes = nearest_grouping(right, loss)
            print(f"{short:8} at {rate:<5g}", end=" ")
            print(f"{8 * right:.2f} of 8 right, loss {loss:.2f};", end=" ")
            print("groups", *sizes, f"have {of_groups(sizes):.2f}")

# %% [markdown]
# Nearly whole numbers of letters are right, and the losses lie near those of
# groups: these networks may have merged letters.
#
# ### Three seeds are few
#
# Of what we had predicted for lag 20, three things failed. The ReLU RNN was not
# done before the GRU. The tanh RNN was to gain two seeds by its own rate, and
# succeeds on as many as at 0.01.[ᶜ](claims.md#own_rate_gains_the_rnn_nothing)
# And the GRU fails on a seed at its own rate, which had passed on all three
# tuning seeds. How much is such a pass worth? Suppose that at some rate one run
# in five fails. All three tuning runs succeed nonetheless with probability
# $0.8^3$:

# %%
# Identity: three-seeds-pass
passes = 0.8**3
assert 0.5 < passes < 0.52
print(f"passes three seeds: {passes:.2f}, ten seeds: {0.8**10:.2f}")

# %% [markdown]
# So every second time such a rate passes for safe. And if the fastest rate lies
# at the edge of what still works, as the GRU's may, tuning for speed leads
# there. Five seeds are few as well: at 0.01 the first hearing counted one
# success of the tanh RNN, and this one, in NumPy, counts four. Such a trial can
# be fair, but it is coarse: it tells a hundred steps from a thousand, and not
# one failure in five from none.
#
# ## The adding problem
#
# In recall nothing disturbs the wait. Now let every step bring a number, drawn
# uniformly from $[0, 1)$, and a mark. Two steps are marked, one in each half of
# the row; the answer is the sum of the two marked numbers.
#
# | step | 1 | 2 | 3 | 4 | 5 | 6 |
# |-|-|-|-|-|-|-|
# | number | 0.9 | **0.3** | 0.7 | 0.2 | **0.6** | 0.8 |
# | mark | 0 | **1** | 0 | 0 | **1** | 0 |
#
# Here the answer is $0.3 + 0.6 = 0.9$. The task is due to [Hochreiter and
# Schmidhuber (1997)](https://doi.org/10.1162/neco.1997.9.8.1735), who ask it of
# rows of 100 to 1,000 steps, in another coding; a mark in each half is how
# [Arjovsky et al. (2016)](https://arxiv.org/abs/1511.06464) pose it.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-memory-adding-row", "caption": "A row of the adding problem with thirty steps: the answer is the sum of the two marked numbers (orange), and the others are noise."}, "image": {"alt": "Thirty numbers between 0 and 1 as grey bars. Two bars, one in each half, are marked in orange."}}
numbers, marks = make_adding(1, 30, rng=10)[0][0].T
colors = np.where(marks > 0, COLORS["vermilion"], "#B8C4CA")
fig, ax = plt.subplots(figsize=(6.2, 2.6))
ax.bar(np.arange(1, 31), numbers, color=colors)
ax.set(xlabel="step", ylabel="number")
plt.show()

# %% [markdown]
# In {numref}`fig-memory-adding-row` the first marked number must survive many
# steps of noise. What does an answer without memory score? The sum of two
# independent uniform numbers has mean 1 and variance
#
# $$ \mathbb{E}\,(y - 1)^2 = 2 \cdot \tfrac{1}{12} = \tfrac{1}{6}, $$ (eq-adding-baseline)
#
# whatever the length of the row. A network that always answers 1 has this mean
# squared error.

# %%
_, sums = make_adding(100_000, 30, rng=0)
constant = np.mean((sums - 1) ** 2)
# Identity: what-a-constant-scores
assert abs(constant - 1 / 6) < 0.002
print(f"always 1: {constant:.3f}, one sixth: {1 / 6:.3f}")

# %% [markdown]
# On the few hundred rows that judge a network during training, the constant's
# error is above or below a sixth by chance. So the curves are compared with its
# error on the same rows:

# %%
always_one = {}
for length in (50, 100, 200, 400):
    task = f"adding {length}"
    _, sums = make_adding(256, length, rng=1000)
    always_one[task] = np.mean((sums - 1) ** 2)
print(*(f"{task}: {e:.3f}" for task, e in always_one.items()), sep="\n")


# %% tags=["hide-input"]
def draw_curves(axes, task, dotted, top):
    for ax, short in zip(axes, NAMES, strict=True):
        rate, found = fresh(task, short) if short in who_ran(task) else (0, [])
        for run in found:
            steps = EACH * np.arange(1, len(run["losses"]) + 1)
            ax.plot(steps, run["losses"], color=COLORS["blue"], linewidth=1)
        if not found:
            ax.text(0.5, 0.2, "not run", ha="center", transform=ax.transAxes)
        ax.axhline(dotted, color="black", linestyle=":")
        title = f"{short} at {rate:g}" if found else short
        ax.set_title(title, fontsize="x-small")
        ax.set_ylim(0, top)
        ax.xaxis.set_major_locator(MaxNLocator(2, integer=True))
        ax.tick_params(axis="x", labelsize="small")
    axes[0].set_ylabel(task)


# %% tags=["hide-input"]
def grid_of(tasks):
    options = {"sharex": "row", "sharey": "row"}
    size = (7.5, 0.4 + 1.7 * len(tasks))
    _, axes = plt.subplots(len(tasks), len(NAMES), figsize=size, **options)
    axes[-1, 2].set_xlabel("training step")
    return zip(axes, tasks, strict=True)


# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-memory-adding", "caption": "The adding problem: mean squared error on validation rows during training, a row of panels for each length of the rows, one line for each of five seeds. Over each panel stand the contender and its learning rate; in two panels nothing was run. A line ends where the error falls below 1/60, a tenth of one sixth, where a number is no longer finite, or where the budget ends. The dotted line is the error of always answering 1 on the same rows. Spikes above 0.3 are cut off."}, "image": {"alt": "A grid of small panels, a row for each length and a column for each contender. Each panel has five lines over the training steps and a dotted line near one sixth; two panels of the tanh RNN, at 200 and 400 steps, say “not run”."}}
for axes, task in grid_of(always_one):
    draw_curves(axes, task, always_one[task], top=0.3)
plt.show()

# %% [markdown]
# Look for two things in {numref}`fig-memory-adding`. One is a *plateau*: a line
# that lies on the dotted one for hundreds of steps and then falls as from a
# cliff. Whoever stops before the fall cannot tell a cell that is about to learn
# from one that is not. The other is a line that breaks off before it falls.
# Such lines belong to the ReLU RNN on long rows, and stop where a number was no
# longer finite. What carries a memory undamped may carry the error of a weight
# undamped as well. From 50 steps to 200 the best rate of this RNN fell tenfold.

# %% mystnb={"figure": {"name": "tab-memory-adding", "caption": "The adding problem, by the length of the rows: how many of five fresh seeds solved it within 3,000 training steps (2,000 at 400 steps), in brackets the median number of steps of those, and the learning rate; at 100 steps first all at 0.01, then each contender at its own rate."}}
lengths = (50, 100, 200, 400)
pd.DataFrame(outcomes("adding", lengths, telling=100)).T

# %% [markdown]
# In {numref}`tab-memory-adding` the tanh RNN learns neither on rows of
# 50[ᶜ](claims.md#plain_start_does_not_add_fifty) nor of
# 100,[ᶜ](claims.md#plain_start_does_not_add) where the GRU succeeds on every
# seed. Started from the identity, with ReLU, the same RNN succeeds on every
# seed at 50 steps[ᶜ](claims.md#identity_adds_fifty) and on four at
# 100.[ᶜ](claims.md#identity_adds) There its own rate saves more than half of
# the steps that 0.01 takes, in the median, failures counted with the whole
# budget.[ᶜ](claims.md#own_rate_hastens_adding)
#
# In the median the GRU needs less than two thirds of the steps of the LSTM with
# forget bias 1 at 50,[ᶜ](claims.md#gates_add_fifty_sooner) less than half at
# 100,[ᶜ](claims.md#gates_add_sooner) and at 200 less than half of what the LSTM
# with 3 needs.[ᶜ](claims.md#gates_add_two_hundred) Four times the length, from
# 50 to 200, costs it less than twice the steps, and that LSTM twice or
# more.[ᶜ](claims.md#longer_rows_cost_the_gru_less) At 400 the GRU is far ahead
# of the ReLU RNN,[ᶜ](claims.md#gates_add_four_hundred) and both LSTMs add too.
#
# And the forget bias? Since 3 had helped in recall, we wrote down that it would
# help here. At 100 the LSTM with *1* needs fewer steps, in the median, at ten
# times the rate of 0.01.[ᶜ](claims.md#forget_bias_one_adds_sooner)
#
# ## The copy task
#
# Now a whole word has to be kept. Five letters are read, twenty steps pass, the
# last of them a signal, and the word must be written down in order. At every
# other step the right output is a blank. [Arjovsky et al.
# (2016)](https://arxiv.org/abs/1511.06464), after a task of Hochreiter and
# Schmidhuber's, ask for ten letters after waits of up to hundreds of steps.

# %%
words, answers = make_copy(1, lag=20, rng=3, length=5)
print("read :", *words[0])
print("write:", *answers[0])

# %% [markdown]
# Without memory the best answer is a blank until the signal, and then every
# letter with equal probability. That costs nothing during the wait and $\ln 8$
# at each of the $K$ letters, spread over $T + 2K$ steps, where $T$ is the wait:
#
# $$ \text{baseline} = \frac{K \ln 8}{T + 2K}. $$ (eq-copy-baseline)

# %%
K, T = 5, 20
no_memory = np.log(8) * np.repeat([0, 1], [T + K, K])
# Identity: what-silence-scores
assert np.isclose(no_memory.mean(), K * np.log(8) / (T + 2 * K))
print(f"no memory: {no_memory.mean():.3f}")

# %% [markdown]
# ## Digits, pixel by pixel
#
# One task is made of real data: the digits of [chapter 1](01_rnn_basics.ipynb),
# read one pixel a step. After the 64th the digit has to be named. In a second
# version the pixels of all digits are shuffled alike. The baseline, logistic
# regression, sees all pixels at once, whatever their order.

# %%
training, _ = load_digit_rows()
pixels = training.x[0].reshape(64)
shuffle = np.random.default_rng(3000).permutation(64)
reference = fair["references"]["pixels"]
print(f"logistic regression names {reference:.3f} of the test digits")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-memory-pixels", "caption": "A handwritten digit, and the 64 brightnesses that a network reads, one a step: row by row, and shuffled."}, "image": {"alt": "A digit in grey pixels. Beside it two panels with 64 bars each, from 0 to 1: in the upper one the bars come in groups, about eight steps apart, in the lower one in no such order."}}
_, axes = plt.subplot_mosaic([["digit", "plain"], ["digit", "shuffled"]])
axes["digit"].imshow(pixels.reshape(8, 8), cmap="Greys")
axes["digit"].axis("off")
for name, order in (("plain", np.arange(64)), ("shuffled", shuffle)):
    axes[name].bar(np.arange(1, 65), pixels[order], color=COLORS["blue"])
    axes[name].set(title=name, xlabel="step")
plt.show()

# %% [markdown]
# In the plain order of {numref}`fig-memory-pixels` ink comes back about every
# eight steps, row by row; shuffled, that rhythm is gone.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-memory-copy", "caption": "The copy task, five letters after a wait of twenty steps, and the digits pixel by pixel: cross-entropy on validation rows during training, one line for each of five seeds. Over each panel stand the contender and its learning rate. A line of the digits ends early where the loss was flat for a third of the budget. The dotted line is the score of whoever guesses (in the copy task, at the right steps). High values are cut off."}, "image": {"alt": "Three rows of panels, one for each task, and a column for each contender. Each panel has five lines over the training steps and a dotted line."}}
TOPS = {"copy": 0.6, "pixels": 2.6, "pixels permuted": 2.6}
for axes, task in grid_of(TOPS):
    draw_curves(axes, task, fair["baselines"][task], TOPS[task])
plt.show()

# %% [markdown]
# On the copy task, a curve of {numref}`fig-memory-copy` that has fallen to the
# dotted line has copied nothing yet, although without that line its fall would
# look like learning to copy: the network may have learnt no more than when to
# be silent. The share of letters that are right tells the rest:

# %%
for short in who_ran("copy"):
    rate, found = fresh("copy", short)
    right = [run["test"]["accuracy"] for run in found]
    print(f"{short:8} at {rate:<6g} {median_and_range(right)}")

# %% [markdown]
# One in eight is guessing. And a run whose curve is still falling when the
# budget ends was stopped; it has not failed. The GRU names more than two thirds
# of the letters, in the median, and the tanh RNN less than a
# third.[ᶜ](claims.md#gates_copy) The two forget biases differ by little: 3 is
# ahead in cross-entropy, by less than we had written
# down.[ᶜ](claims.md#forget_bias_three_copies)
#
# Of the digits, read in order, the LSTM with forget bias 1 names more than the
# tanh RNN, by 0.05 in the median, and the GRU no
# more.[ᶜ](claims.md#an_lstm_reads_pixels) The ReLU RNN is far behind the LSTM
# with 3.[ᶜ](claims.md#identity_reads_fewer_pixels) Shuffling costs the GRU more
# than the tanh RNN,[ᶜ](claims.md#permuting_costs_the_gru_more) so that here the
# plain cell ends ahead of it. And logistic regression, which sees the whole
# picture, names more than each of the five, in the
# median.[ᶜ](claims.md#a_linear_model_reads_every_pixel)
# ({numref}`tab-memory-scores`, behind the waves, has the numbers.)
#
# ## Waves
#
# Tutorials like to let an LSTM predict a sine wave. It is the wrong witness: a
# sine of period $p$ obeys, by the addition theorem, a recurrence with two
# coefficients,
#
# $$ x_t = 2 \cos(2\pi / p)\, x_{t-1} - x_{t-2}, $$ (eq-sine-recurrence)
#
# exactly and for ever.

# %%
PERIOD = 20
OMEGA = 2 * np.pi / PERIOD


def two_coefficients(x):
    return 2 * np.cos(OMEGA) * x[:, 1:-1] - x[:, :-2]


clean = make_sines(100, 100, rng=0, periods=(PERIOD, PERIOD))
# Identity: two-coefficients-suffice
assert np.abs(two_coefficients(clean) - clean[:, 2:]).max() < 1e-12

# %% [markdown]
# A little noise breaks the recurrence, because the noise of both past values
# enters the forecast: with noise of variance $\sigma^2$ the forecast's mean
# squared error is $\sigma^2 (2 + 4 \cos^2 \omega)$, where $\omega = 2\pi / p$.

# %%
NOISE = 0.2
noisy = make_sines(2000, 100, rng=0, periods=(PERIOD, PERIOD), noise=NOISE)
two = np.mean((two_coefficients(noisy) - noisy[:, 2:]) ** 2)
print(f"two coefficients: {two:.3f}")
print(f"in theory:        {NOISE**2 * (2 + 4 * np.cos(OMEGA) ** 2):.3f}")
print(f"last value again: {np.mean((noisy[:, 2:] - noisy[:, 1:-1]) ** 2):.3f}")
print(f"noise alone:      {NOISE**2:.3f}")

# %% [markdown]
# On these rows repeating the last value has the smaller error of the two, and
# nearly a third of even that is noise that nobody can forecast. More
# coefficients, fitted by least squares, average noise away: an autoregressive
# model, AR($k$), is linear in the last $k$ values.
#
# Now let the period be unknown. Every row is the sum of two sines, each with
# its own period between 10 and 50 steps, and noise; forecasts of the next value
# are scored on the second half of the row. In the first half a recurrent
# network may find out what it is listening to. Its baseline must be able to do
# the same, which *one* set of coefficients for all rows is not.
#
# ### A baseline that adapts
#
# Start from the coefficients $b$ that serve all rows, and before each step
# correct them by what this row has shown so far. With $z_s$ the window before
# step $s$, the correction $d$ minimises
#
# $$ \sum_{s < t} \bigl(x_s - z_s^\top (b + d)\bigr)^2 + \lambda \lVert d \rVert^2. $$ (eq-adaptive-ridge)
#
# The larger $\lambda$, the more evidence it takes to move away from $b$. This
# is ridge regression, solved anew at each step from two running sums, known as
# recursive least squares.

# %% tags=["remove-input"]
show_source(adaptive_errors, bare=True)

# %% [markdown]
# And if we may know what the rows are made of, we can fit just that: for each
# pair of periods on a grid the amplitudes have a closed form, and the forecasts
# of all pairs are averaged, weighted by how well each pair explains the row so
# far.

# %% tags=["remove-input"]
show_source(sinusoid_forecast, fold="Two sinusoids, fitted", bare=True)

# %%
WAVES = {"waves": 2, "periods": (10.0, 50.0), "noise": NOISE}
rows = make_sines(3000, 101, rng=0, **WAVES)
judged = make_sines(500, 101, rng=1000, **WAVES)
START = 51  # the second half begins here
errors = {"last value again": np.diff(judged, axis=1)[:, START - 1 :]}

# %%
for order in (2, 8, 24, 48):
    past, following = windows(judged, order)
    forecasts = past @ shared_coefficients(rows, order)
    errors[f"AR({order}), one for all rows"] = (forecasts - following)[:, -50:]

# %% [markdown]
# The order 24 and $\lambda = 3$ of the adaptive model were chosen on other rows
# (`benchmarks/memory_waves.py --tune`). The sinusoids are scored on a sample,
# 150 rows and every seventh step, to save time; for comparison, the adaptive
# model is scored on this sample too.

# %%
start = shared_coefficients(rows, 24)
own = adaptive_errors(judged, start, ridge=3.0, first=START)
errors["AR(24), fitted to the row"] = own

# %%
grid = np.linspace(1 / 50, 1 / 10, 60)  # frequencies, in cycles a step
some = judged[:150]
errors["the same, on the sample"] = own[:150, ::7]
errors["two sinusoids, on the sample"] = np.stack(
    [
        sinusoid_forecast(some[:, :t], grid, NOISE) - some[:, t]
        for t in range(START, 101, 7)
    ]
)

# %% mystnb={"figure": {"name": "tab-memory-waves", "caption": "Noisy waves of unknown period: mean squared error of forecasts of the next value on the second half of 500 rows, or on a sample of these steps. The networks: median and range of five seeds after 400 training steps at one learning rate, on the same rows."}}
table = {name: f"{np.mean(e**2):.3f}" for name, e in errors.items()}
for cell in CELLS:
    final = [r["curves"]["second_half"][-1] for r in runs("waves", cell)]
    table[f"{cell}, untuned"] = median_and_range(final, 3)
table["noise alone"] = f"{NOISE**2:.3f}"
pd.Series(table, name="mean squared error").to_frame()

# %%
mean = {name: np.mean(error**2) for name, error in errors.items()}
# Identity: adapting-to-the-row
shared = mean["AR(48), one for all rows"]
adaptive = mean["AR(24), fitted to the row"]
assert adaptive < 0.9 * shared
gru = [run["curves"]["second_half"][-1] for run in runs("waves", "GRU")]
assert abs(np.median(gru) - adaptive) < 0.003
# Identity: near-the-noise
assert NOISE**2 < mean["two sinusoids, on the sample"] < 0.055

# %% [markdown]
# Beside AR models with one set of coefficients, whatever adapts looks clever:
# the recorded GRU of {numref}`tab-memory-waves` has a median of 0.072, the AR
# model of order 48 has 0.088. Beside 24 coefficients that adapt too, and have
# 0.072 as well, the GRU has no advantage left, at least untuned and stopped
# after 400 steps. Two sinusoids come nearer to the noise, as a model can that
# knows the family the rows come from.
#
# {numref}`tab-memory-scores` has the second hearing of these waves, with
# networks tuned and trained for up to 1,500 steps, and of the digits.

# %% mystnb={"figure": {"name": "tab-memory-scores", "caption": "Each contender at its own learning rate, median and range of five fresh seeds on 2,000 test rows of waves (mean squared error of the next value on the second half) and on the test digits (share of right names). “No recurrence” is AR(24) fitted to the row, and logistic regression, on the very same rows."}}
table = {}
for task, reference in fair["references"].items():
    score = "loss" if task == "waves" else "accuracy"
    table[task] = {"no recurrence": f"{reference:.3f}"}
    for short in NAMES:
        found = [run["test"][score] for run in fresh(task, short)[1]]
        table[task][short] = median_and_range(found, 3)
pd.DataFrame(table)

# %% [markdown]
# So the GRU's tie was one more verdict on a rate and a budget. The tuned GRU
# forecasts better than the 24 coefficients that adapt, on every seed, and the
# tanh RNN on none.[ᶜ](claims.md#a_tuned_gru_passes_the_adaptive_forecast) In
# {numref}`tab-memory-scores` the LSTM with forget bias 1 comes close to the
# GRU.
#
# ## Where training starts
#
# A cell's initial values decide what it remembers before it has learnt
# anything, and so what gradient it gets. For the LSTM this can be computed by
# hand. A memory of size 1 is multiplied by the forget gate $f = \sigma(b_f)$ at
# every step (while inputs and states add little to the bias), so that
# $\sigma(b_f)^{20}$ is left of it after twenty steps:

# %%
biases = np.array([0, 1, 2, 3])
f = 1 / (1 + np.exp(-biases))
for bias, gate in zip(biases, f, strict=True):
    half_life = np.log(2) / -np.log(gate)
    print(f"{bias}: f = {gate:.2f}, half-life {half_life:4.1f} steps, ", end="")
    print(f"after 20 steps {gate**20:.6f}")
# Identity: what-a-bias-keeps
assert f[0] ** 20 < 1e-6
assert f[3] ** 20 > 0.35

# %% [markdown]
# Along the cell a bias of 0 leaves a millionth of the letter's trace at the
# question, 3 more than a third, and 1, the usual recommendation ([Jozefowicz et
# al., 2015](https://proceedings.mlr.press/v37/jozefowicz15.html)), a
# five-hundredth. That is the straight way; others go through $W_h$. Of the
# whole layer's gradient, measured as in [chapter 2](02_lstm.ipynb), this share
# is left at the letter, before anything is learnt:

# %%
H = units["LSTM"]
asked = np.eye(10)[make_copy(64, lag=19, rng=0, length=1)[0]]


def share_left(layer):
    return gradient_by_lag(layer, asked)[20]


def start_at(bias, seed):
    layer = LSTM(10, H, rng=seed)
    layer.params["b"][H : 2 * H] = bias
    return layer


# %%
left = {
    f"LSTM, {bias}": [share_left(start_at(bias, seed)) for seed in range(5)]
    for bias in (0, 1, 3)
}
plain = [RNN(10, units["RNN"], rng=seed) for seed in range(5)]
left["tanh RNN"] = [share_left(layer) for layer in plain]
for name, shares in left.items():
    print(f"{name:8} {median_and_range(shares, 5)}")
assert max(left["tanh RNN"]) < max(left["LSTM, 0"]) < min(left["LSTM, 1"])

# %% [markdown]
# With forget bias 3 most of the gradient arrives, with 0 next to nothing. That
# fits what the appeal showed. But the tanh RNN begins with less than any of the
# three, and yet learns to recall: reach at the start favours a cell and does
# not decide.
#
# If the fading is the reason, a longer wait must cost the smaller bias more. It
# does: from lag 5, where both LSTMs had solved the task by the first check
# (perhaps sooner), to lag 20 the steps grow at least threefold with forget bias
# 1, and with 3 by a factor that is smaller by a third at
# least.[ᶜ](claims.md#forget_bias_one_slows_with_the_lag) That fits the reason
# and does not prove it.
#
# ### Orthogonal is not orthogonal in an LSTM
#
# Another start: an orthogonal matrix neither shrinks nor stretches any vector,
# so [Saxe et al. (2014)](https://arxiv.org/abs/1312.6120) start deep networks
# from such matrices. But an LSTM's four recurrent matrices are stored as one of
# $4H \times H$ (its transpose in Keras, which draws that one orthogonal). Then
# its columns are orthonormal, and each gate owns a quarter of every column:

# %%
normal = np.random.default_rng(0).normal(size=(4 * H, H))
fused, _ = np.linalg.qr(normal)
gates = np.linalg.svd(fused.reshape(4, H, H), compute_uv=False)
print(f"whole: all {np.linalg.svd(fused, compute_uv=False).mean():.2f}")
print(f"each gate: {gates.min():.1f} to {gates.max():.1f}")
print(f"root mean square: {np.sqrt(np.mean(gates**2)):.2f}")
# Identity: a-quarter-of-every-column
assert np.isclose(np.mean(gates**2), 1 / 4)

# %% [markdown]
# A gate's matrix shrinks vectors to half their length on average (root mean
# square), and some directions almost to nothing. To make the gates orthogonal,
# draw the four blocks one by one.
#
# ### A start and a rate belong together
#
# From runs at the rate 0.01 this page once concluded that a better start helps
# the RNN on the adding problem "on one seed of five". But the identity with
# ReLU carries a change of a weight through every step undamped, so that a step
# of the optimizer that suits a forgetful cell may be too large for it. So the
# second hearing tunes a rate for each start, on two tasks
# ({numref}`tab-memory-further`): orthogonal or identity matrices for tanh
# units, forget biases of 0, 1 and 3 and those of Tallec and Ollivier ("chrono",
# the last exercise), and a GRU whose update gate keeps its state at first.

# %% mystnb={"figure": {"name": "tab-memory-further", "caption": "Starts, each at its own learning rate: how many of five fresh seeds solved a task within 3,000 training steps, in brackets the median number of steps of those, and the rate."}}
STARTS = (
    *("tanh RNN", "tanh RNN, orthogonal", "tanh RNN, identity"),
    "ReLU RNN, identity",
    *(f"LSTM, forget bias {bias}" for bias in (0, 1, 3)),
    *("LSTM, chrono", "GRU", "GRU, update bias 3"),
)
table = {
    task: {start: outcome(task, start) for start in STARTS}
    for task in ("recall 20", "adding 100")
}
pd.DataFrame(table)

# %% [markdown]
# From an orthogonal matrix, or the identity, a tanh RNN recalls on every
# seed.[ᶜ](claims.md#a_start_without_shrinking_recalls) But with either it adds
# on one at most, where the ReLU RNN adds on
# four.[ᶜ](claims.md#a_start_without_shrinking_does_not_add) The forget bias 0,
# tuned, recalls on one seed at
# most,[ᶜ](claims.md#forget_bias_zero_does_not_recall) and biases drawn for the
# lag need fewer than half the steps of bias
# 1.[ᶜ](claims.md#chrono_recalls_sooner) On the adding problem too such biases
# save a third of the steps or more.[ᶜ](claims.md#chrono_adds_sooner)

# %% [markdown]
# ## What failed
#
# - *Our first verdicts.* "The LSTM guesses at a lag of 20": true numbers of
#   one start, one rate and one budget.
# - *Six of 28 predictions* that we had written down for the last rounds of the
#   second hearing; the forget bias alone accounts for three.
# - *Gradients too small to compute with.* On long rows they become denormal
#   numbers, with which processors are slow. The benchmark rounds them to zero.
#
# ## Summary
#
# - Recall asks for one letter of eight after a wait; guessing is right in one
#   case of eight.[ᵈ](#one-letter-twenty-steps-later)
# - Always answering 1 has the error $1/6$ on the adding problem, whatever the
#   length of the row.[ⁱ](#what-a-constant-scores)
# - On the copy task silence, then guessing, has a cross-entropy of $K \ln 8 /
#   (T + 2K)$.[ⁱ](#what-silence-scores)
# - Within 300 training steps the GRU learns to recall the letter on more seeds
#   than the tanh RNN at a rate of 0.01, and on fewer at
#   0.003.[ᶜ](claims.md#order_turns_with_the_rate)
# - Each at its own rate, all five contenders recall a letter after 20 steps on
#   at least four seeds of five.[ᶜ](claims.md#every_contender_recalls)
# - With 40 steps the LSTM with forget bias 3 recalls on four seeds at least,
#   and needs less than a third of the steps, or of the budget, that forget bias
#   1 takes.[ᶜ](claims.md#forget_bias_three_recalls_forty)
# - On the adding problem with 100 steps forget bias 1 is somewhat faster, in
#   the median.[ᶜ](claims.md#forget_bias_one_adds_sooner)
# - There the GRU succeeds on every seed and the tanh RNN on none within 3,000
#   steps.[ᶜ](claims.md#plain_start_does_not_add)
# - On digits read pixel by pixel the LSTM with forget bias 1 is ahead of the
#   tanh RNN in the median, and the GRU is not.[ᶜ](claims.md#an_lstm_reads_pixels)
# - Logistic regression names more of these digits than each of the five, in the
#   median.[ᶜ](claims.md#a_linear_model_reads_every_pixel)
# - On noisy waves the tuned GRU is ahead of the coefficients that adapt, and
#   the tanh RNN is not.[ᶜ](claims.md#a_tuned_gru_passes_the_adaptive_forecast)
# - A rate at which one run in five fails passes three tuning seeds every second
#   time.[ⁱ](#three-seeds-pass)
# - A clean sine obeys a recurrence of two
#   coefficients.[ⁱ](#two-coefficients-suffice)
# - Of noisy waves of unknown period, 24 coefficients, fitted to the row as it
#   goes on, forecast the next value better than 48 fitted once to all
#   rows.[ᶜ](claims.md#adapting_to_the_row_pays)
# - Two sinusoids fitted to the row leave less than two fifths of the avoidable
#   error that these 24 coefficients
#   leave.[ᶜ](claims.md#two_sinusoids_come_near_the_noise)
# - Along the cell a forget bias of 0 leaves a millionth of a memory after
#   twenty steps, 3 more than a third.[ⁱ](#what-a-bias-keeps)
#
# ## Exercises
#
# ```{exercise-start} Size by size (*easy*)
# :label: ex-memory-1
# ```
# A colleague compares RNN, LSTM and GRU with 64 hidden units each on the adding
# problem. Predict how many times as many parameters as the RNN the other two
# have, then count. Which hidden sizes would be fair?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-memory-1
# :class: dropdown
# ```

# %%
count = {}
for cell in CELLS:
    model = SequenceReader(cell, 2, 64, 1)
    count[cell] = sum(p.numel() for p in model.parameters())
for cell in CELLS:
    fair = equal_hidden_size(cell, 2, 1, count["RNN"])
    ratio = count[cell] / count["RNN"]
    print(f"{cell:4} {ratio:.1f} times the RNN; fair: H = {fair}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Two baselines by hand (*easy*)
# :label: ex-memory-2
# ```
# Derive the mean squared error of the best constant answer when *three* marked
# numbers are added, and the copy task's baseline for ten letters of eight after
# a hundred steps. Check the first with random numbers.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-memory-2
# :class: dropdown
# ```
# Variances of independent numbers add up, so three give $3/12$; the best
# constant is the mean, $3/2$.

# %%
sums = np.random.default_rng(0).random((200_000, 3)).sum(axis=1)
print(f"three numbers: {np.mean((sums - 1.5) ** 2):.2f}, theory {3 / 12}")
print(f"copy, K = 10, T = 100: {10 * np.log(8) / 120:.3f}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} Find the unfair trial (*medium*)
# :label: ex-memory-unfair
# ```
# Four things in this plan decide the result before it is run. Which?
#
#     for cell in (RNN, LSTM, GRU):
#         for rate in (0.001, 0.003, 0.01):
#             for seed in range(5):
#                 layer = cell(10, 64, rng=seed)
#                 error = train_until(layer, rate, steps=300, rows=test_rows)
#                 results[cell, rate, seed] = error
#         best[cell] = min(results[cell, r, s] for r in rates for s in seeds)
#     print("the winner:", min(best, key=best.get))
#
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-memory-unfair
# :class: dropdown
# ```
# Equal units, not equal parameters. The rate is chosen on the test rows and on
# the very seeds that are reported. The best *run* is reported, which rewards
# the cell whose seeds scatter most, not the one that is good. And 300 steps may
# end on a plateau: a cell that has not begun to learn counts as one that will
# not. By how much the best of several runs flatters a cell can be computed.
# Take fifteen runs of each of two equally good cells, with errors from normal
# distributions that differ only in their spread:

# %%
rng = np.random.default_rng(0)
steady = rng.normal(1, 0.1, (10_000, 15)).min(axis=1)
erratic = rng.normal(1, 0.2, (10_000, 15)).min(axis=1)
print(f"best of fifteen: steady {steady.mean():.2f}, ", end="")
print(f"erratic {erratic.mean():.2f}")

# %% [markdown]
# Both errors are 1 on average; by its best run the erratic cell looks far
# better.
# ```{solution-end}
# ```
#
# ```{exercise-start} A bias for the lag (*hard*)
# :label: ex-memory-6
# ```
# [Tallec and Ollivier (2018)](https://arxiv.org/abs/1804.11188) draw the forget
# biases as $\ln u$ with $u$ uniform on $[1, T - 1]$, where $T$ is the longest
# lag expected, and set the input biases to their negatives. Which half-lives of
# the memory does that give for $T = 20$? Does the LSTM recall a letter after 20
# steps with it, in the 200 training steps at the rate 0.01 that were not enough
# from a forget bias of 0?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-memory-6
# :class: dropdown
# ```
# A gate at bias $b$ keeps $f = \sigma(b)$ per step, so with $b = \ln u$ the
# memory shrinks by $u / (1 + u)$. It falls to a share $1/e$ in about $u$ steps,
# so that these *time constants* cover the lags up to $T$; its half-life, $\ln 2
# / \ln(1 + 1/u)$, is about $0.69\, u$.


# %%
@torch.no_grad()
def chrono(longest, seed):
    model, H = make("LSTM", seed), units["LSTM"]
    u = 1 + (longest - 2) * torch.rand(H)
    model.layer.bias_hh_l0.zero_()
    model.layer.bias_ih_l0.zero_()
    model.layer.bias_ih_l0[:H] = -u.log()
    model.layer.bias_ih_l0[H : 2 * H] = u.log()
    return model, np.log(2) / torch.log1p(1 / u)


# %% tags=["within-0.03"]
_, half_lives = chrono(20, seed=0)
print(f"half-lives: {half_lives.min():.0f} to {half_lives.max():.0f} steps")
drawn = [train(chrono(20, s)[0], 0.01, 200, s) for s in (0, 1)]
print("cross-entropy:", *(f"{loss:.2f}" for loss in drawn))
assert max(drawn) < 0.3

# %% [markdown]
# On both seeds it does. Forget and input biases have changed together here, so
# this does not say which of them brings it.
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Hochreiter and Schmidhuber
#   (1997)](https://doi.org/10.1162/neco.1997.9.8.1735): the adding problem, one
#   of six experiments.
# - [Greff et al. (2017)](https://arxiv.org/abs/1503.04069): eight variants of
#   the LSTM in thousands of runs, and how much the learning rate explains.
# - [Jozefowicz, Zaremba and Sutskever
#   (2015)](https://proceedings.mlr.press/v37/jozefowicz15.html): a search over
#   thousands of cells that ends by recommending a larger forget bias.
#
# Before: [GRU](03_gru.ipynb). After: [sequences of any
# length](05_any_length.ipynb).
