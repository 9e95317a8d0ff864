"""A recurrent layer that learns in the reader's browser.

The page's run is js/training.js, on the layers of js/layers.js. Here is the
same run on `utils.scratch`, number for number: it draws the picture for paper,
and the tests hold the one against the other.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Integer
from matplotlib.figure import Figure

from utils.figures.style import COLORS
from utils.labs.lab import (
    CHART,
    Lab,
    button,
    buttons,
    make_lab,
    module,
    read,
    select,
    slider,
)
from utils.scratch import GRU, RNN, Adam, Dense, softmax_cross_entropy

SEEDED = module("js/seeded.js")
TRAINING = module("js/layers.js") + SEEDED + module("js/training.js")
SCRIPT = read("js/training_lab.js")
STYLE = read("css/training.css")

UNITS, BATCH, TIME = 16, 16, 12
PROBE_SEED, STEPS_AT_MOST, STEPS_OF_THE_TWIN = 12345, 2000, 200
CELLS = {"rnn": RNN, "gru": GRU}
INPUTS = {"parity": 1, "addition": 2}
WORDS = {
    "parity": ("even so far", "odd so far"),
    "addition": ("nothing to carry", "one to carry"),
}


class Examples(NamedTuple):
    """Sequences of bits, the right answers, the bit that must be remembered."""

    x: Float[np.ndarray, "count time input"]
    y: Integer[np.ndarray, "count time"]
    memory: Integer[np.ndarray, "count time"]


class Run(NamedTuple):
    """A layer and its head after some steps, and the loss before each step."""

    layer: RNN | GRU
    head: Dense
    losses: list[float]


def generator(seed: int) -> Iterator[float]:
    """Yield numbers in (0, 1): s ← 48271 s mod (2³¹ − 1), over 2³¹ − 1.

    C++ calls this generator `minstd_rand`. It is exact in Python and in
    JavaScript alike. The first ten numbers, close for close seeds, are left
    out.
    """
    state = seed + 1
    for drawn in itertools.count():
        state = state * 48271 % 2147483647
        if drawn >= 10:
            yield state / 2147483647


def examples(
    task: str, random: Iterator[float], count: int, time: int
) -> Examples:
    """Draw examples of a task, as the page draws them.

    Parity: is the number of ones so far odd? Addition: the sum of two binary
    numbers, the lowest bits first; to remember is the carry.
    """
    shape = count, time, INPUTS[task]
    bits = [next(random) < 0.5 for _ in range(int(np.prod(shape)))]
    x = np.reshape(bits, shape).astype(int)
    if task == "parity":
        odd = x[:, :, 0].cumsum(axis=1) % 2
        return Examples(x.astype(float), odd, odd)
    answers, memory = np.empty_like(x[:, :, 0]), np.empty_like(x[:, :, 0])
    carry = np.zeros(count, int)
    for t in range(time):
        total = x[:, t].sum(axis=1) + carry
        answers[:, t], memory[:, t] = total % 2, total // 2
        carry = total // 2
    return Examples(x.astype(float), answers, memory)


def train(
    cell: str, task: str, seed: int, learning_rate: float, steps: int
) -> Run:
    """Train a layer of 16 units as the page does, with Adam on fresh batches.

    The loss is the mean of −log softmax(logits)[answer] over all bits, in nats.
    """
    random = generator(seed)
    layer, head = CELLS[cell](INPUTS[task], UNITS), Dense(UNITS, 2)
    for params in (layer.params, head.params):
        for name, array in params.items():
            drawn = [2 * next(random) - 1 for _ in range(array.size)]
            params[name] = np.reshape(drawn, array.shape) * UNITS**-0.5
    optimizer = Adam([layer.params, head.params], learning_rate)
    losses = []
    for _ in range(steps):
        x, y, _ = examples(task, random, BATCH, TIME)
        outputs, _ = layer.forward(x)
        loss, d_logits = softmax_cross_entropy(head.forward(outputs), y)
        d_head = head.backward(d_logits)
        optimizer.step([layer.backward(d_head.x).params, d_head.params])
        losses.append(loss)
    return Run(layer, head, losses)


def training_lab(
    cell: str = "gru",
    task: str = "parity",
    learning_rate: float = 0.01,
    seed: int = 0,
) -> Lab:
    """Let the reader train a layer of 16 units, and make it diverge.

    Args:
        cell: the layer that is chosen first, "rnn" or "gru".
        task: the task that is chosen first, "parity" or "addition".
        learning_rate: where Adam's starts, from 0.001 to about 3.
        seed: of the first weights and batches.

    Raises:
        ValueError: a cell or a task that the lab does not have.
    """
    for name, value, known in (("cell", cell, CELLS), ("task", task, INPUTS)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}; use one of {list(known)}")
    power = round(float(np.log10(learning_rate)), 1)
    tasks = {
        "parity": "Parity of the ones so far",
        "addition": "Binary addition",
    }
    controls = (
        select("cell", "Layer", {"rnn": "RNN", "gru": "GRU"}, cell)
        + select("task", "Task", tasks, task)
        + slider("rate", "Learning rate", -3.0, 0.5, 0.1, power)
        + buttons(
            button("train", "Train", main=True),
            button("step", "One step"),
            button("again", "Start again"),
            button("other", "Other first weights"),
        )
    )
    picture = """<div class="lab-panels">
<div><svg data-part="losses" role="img"
aria-label="Loss at each step, on a logarithmic axis"></svg></div>
<div><svg data-part="states" role="img"
aria-label="States of the layer, by the bit to remember"></svg>
<p class="lab-key"><span data-part="zero"></span>
<span data-part="one"></span></p></div></div>"""
    sentence = """Learning rate <b data-part="rate-now"></b>: after
<b data-part="step-now"></b> steps the loss is
<b data-part="loss-now"></b>: <b data-part="verdict"></b>. On new sequences
<b data-part="right"></b> of the bits are right at length
<span data-part="length"></span>, <b data-part="right-longer"></b> at length
<span data-part="length-longer"></span>."""
    return make_lab(
        "Train a network in this page",
        task="Press Train: 16 units learn from fresh sequences, in your "
        "browser. Then start again with another learning rate: too small is "
        "slow, too large never learns.",
        controls=controls,
        picture=picture,
        sentence=sentence,
        script=SCRIPT,
        twin=_twin(cell, task, seed, 10**power),
        data={
            "sizes": {"units": UNITS, "batch": BATCH, "time": TIME},
            "seed": seed,
            "probeSeed": PROBE_SEED,
            "limit": STEPS_AT_MOST,
            "words": WORDS,
        },
        modules=TRAINING + CHART,
        style=STYLE,
    )


def _twin(cell: str, task: str, seed: int, learning_rate: float) -> Figure:
    """Draw what the page shows after 200 steps: its loss and its states."""
    run = train(cell, task, seed, learning_rate, STEPS_OF_THE_TWIN)
    probes = examples(task, generator(PROBE_SEED), 16, TIME)
    states = run.layer.forward(probes.x)[0].reshape(-1, UNITS)
    centred = states - states.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    points = centred @ directions[:2].T
    twin = Figure(figsize=(7.2, 3.1), layout="constrained")
    loss, cloud = twin.subplots(1, 2)
    # Linear, unlike the page's axis, on which a plateau looks like noise.
    loss.plot(run.losses, color=COLORS["blue"], lw=1)
    loss.axhline(
        np.log(2), color=COLORS["black"], lw=0.8, ls="--", label="guessing"
    )
    loss.legend(loc="lower left")
    loss.set(xlabel="steps", ylabel="loss, nats a bit", title="Loss")
    loss.set_ylim(0)
    for bit, (colour, mark) in enumerate((("blue", "o"), ("vermilion", "s"))):
        chosen = points[probes.memory.ravel() == bit]
        label = WORDS[task][bit]
        cloud.scatter(*chosen.T, 14, COLORS[colour], marker=mark, label=label)
    cloud.set(
        xlabel="first principal component",
        ylabel="second",
        title=f"States after {len(run.losses)} steps",
    )
    keys = cloud.get_legend_handles_labels()
    twin.legend(*keys, loc="outside lower right", ncols=2)
    return twin
