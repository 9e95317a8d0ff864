"""A text of the reader's own, written in other symbols by a trained network:
a date in ISO 8601, a word in the phones that it is spoken with.

Chapter 09. `benchmarks.date_reader` and `benchmarks.pronouncer` train the
networks and write their weights, rounded; this module and js/transcribe.js
compute the same from the same file.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from utils.data.pairs import END, SPECIAL, START, Symbols
from utils.figures.charts import heat_map
from utils.labs.attention import ALIGNMENT
from utils.labs.attention import STYLE as MAP_STYLE
from utils.labs.lab import (
    CHART,
    Lab,
    button,
    buttons,
    checkbox,
    make_lab,
    module,
    read,
    slider,
    text_field,
)
from utils.labs.weights import LOADER, Weights, weights_button
from utils.scratch import (
    GRU,
    AdditiveAttention,
    Bidirectional,
    Dense,
    log_softmax,
)

TRANSCRIBE = module("js/layers.js") + module("js/transcribe.js")
SCRIPT = read("js/typed_lab.js")
STYLE = MAP_STYLE + read("css/typed.css")
PADDING, WIDTH = 20, 4

Vector = Float[np.ndarray, " size"]
Rows = Float[np.ndarray, "time size"]


class Typed(NamedTuple):
    """What a reader types, and how a network writes it.

    `title` and `task` are the lab's, `noun` names what is typed, and the first
    of `examples` stands there first. The network writes `steps` symbols at
    most, with `joint` between them. Where it reads small letters alone,
    `lower` makes them of capitals. `sounds` gives a word for a symbol that
    stands for a sound.
    """

    title: str
    task: str
    noun: str
    examples: tuple[str, ...]
    steps: int
    joint: str = ""
    lower: bool = False
    sounds: Mapping[str, str] = {}


DATES = Typed(
    "The network writes your date",
    "Load the network and type a date, in any spelling that you like. It "
    "learnt nine of them, in English, French, German, Chinese and numbers. "
    "Then take the mask away, or search with a beam.",
    "date",
    (
        "7. März 2026",
        "3/7/2026",
        "3.7.2026",
        "二〇二六年三月七日",
        "Friday, 27 March 1908",
        "30 February 2026",
    ),
    steps=11,
)
SOUNDS = """AA father, AE cat, AH hut, AO saw, AW cow, AY hide, B be, CH cheese,
D day, DH this, EH bed, ER bird, EY day, F fee, G green, HH he, IH it, IY eat,
JH judge, K key, L lee, M me, N no, NG sing, OW boat, OY toy, P pay, R read,
S sea, SH she, T tea, TH think, UH book, UW two, V voice, W we, Y yes, Z zoo,
ZH vision"""
# Words that were kept for the test, and one that is in no dictionary.
WORDS = Typed(
    "The network pronounces your word",
    "Load the network and type an English word, or one that could be. Of the "
    "words that were kept from its training it gets {wrong:.0f} % wrong. Move "
    "from phone to phone: which letters does it look at? A beam shows what "
    "else it might have said.",
    "word",
    ("mnemonic", "schedule", "enough", "chaos", "jalapeno", "ghoti"),
    steps=30,
    joint=" ",
    lower=True,
    sounds=dict(each.split() for each in SOUNDS.split(",")),
)


class Memory(NamedTuple):
    """The encoder's states, which of them may be attended to, and the state
    that the decoder begins with."""

    states: Rows
    mask: Bool[np.ndarray, " time"]
    state: Vector


class Output(NamedTuple):
    """Symbols, with the end where one came, and the sum of their ln p."""

    symbols: list[int]
    total: float


def mean_log(output: Output) -> float:
    """Return an output's mean ln p a symbol, by which outputs are ranked."""
    return output.total / len(output.symbols)


class Step(NamedTuple):
    """ln p of every symbol that may follow, the new state, the weights."""

    logs: Vector
    state: Vector
    weights: Float[np.ndarray, " time"]


class EncoderDecoder:
    """The encoder–decoder of chapter 09 in NumPy, for one source at a time."""

    def __init__(self, weights: Weights) -> None:
        layers = weights.layers
        self.source, self.target = (
            layers[name]["table"] for name in ("source", "target")
        )
        size, hidden = self.source.shape[1], layers["cell"]["W_h"].shape[0]
        self.encoder = Bidirectional(GRU(size, hidden), GRU(size, hidden))
        for direction, layer in (
            ("forward_", self.encoder.forward_layer),
            ("backward_", self.encoder.backward_layer),
        ):
            layer.params.update(
                {
                    name.removeprefix(direction): array
                    for name, array in layers["encoder"].items()
                    if name.startswith(direction)
                }
            )
        self.bridge, self.readout = (
            Dense(*layers[name]["W"].shape) for name in ("bridge", "readout")
        )
        self.bridge.params.update(layers["bridge"])
        self.readout.params.update(layers["readout"])
        self.attention = AdditiveAttention(hidden, 2 * hidden, hidden)
        self.attention.params.update(layers["attention"])
        self.cell = GRU(layers["cell"]["W_x"].shape[0], hidden)
        self.cell.params.update(layers["cell"])

    def encode(self, numbers: Sequence[int], mask: bool = True) -> Memory:
        """Read a source; its padding, states of zero, follows.

        Args:
            numbers: the source's symbols.
            mask: whether the padding is kept from the attention.
        """
        outputs, last = self.encoder.forward(self.source[list(numbers)][None])
        padding = np.zeros((PADDING, outputs.shape[2]))
        state = np.tanh(self.bridge.forward(np.concatenate(last, axis=1)))
        padded = np.concatenate([outputs[0], padding])
        return Memory(
            padded,
            np.arange(len(padded)) < len(numbers) + PADDING * (not mask),
            state[0],
        )

    def step(self, symbol: int, state: Vector, memory: Memory) -> Step:
        """Advance by one symbol, as `Seq2Seq.step` of the chapter."""
        context, weights = self.attention.forward(
            state[None], memory.states[None], memory.mask[None]
        )
        entered = np.concatenate([self.target[symbol], context[0]])
        _, after = self.cell.forward(entered[None, None], state[None])
        features = np.concatenate([after[0], context[0]])
        logs = log_softmax(self.readout.forward(features[None]))[0]
        return Step(logs, after[0], weights[0])

    def search(
        self, memory: Memory, steps: int, width: int = 1
    ) -> list[Output]:
        """Keep the `width` likeliest beginnings for so many steps; a width of
        1 is greedy.

        An output that ends takes its place along, as in chapter 09. Outputs
        come ranked by their mean ln p a symbol.
        """
        beams = [(Output([], 0.0), memory.state)]
        full: list[Output] = []
        for _ in range(steps):
            grown = []
            for (symbols, total), state in beams:
                last = symbols[-1] if symbols else START
                logs, after, _ = self.step(last, state, memory)
                grown += [
                    (Output([*symbols, symbol], total + log), after)
                    for symbol, log in enumerate(logs.tolist())
                ]
            grown.sort(key=lambda beam: -beam[0].total)
            kept = grown[: width - len(full)]
            full += [output for output, _ in kept if output.symbols[-1] == END]
            alive = [beam for beam in kept if beam[0].symbols[-1] != END]
            if not alive:
                break
            beams = alive
        found = full or [output for output, _ in beams]
        return sorted(found, key=mean_log, reverse=True)

    def weights_along(
        self, memory: Memory, symbols: Sequence[int]
    ) -> Float[np.ndarray, "written time"]:
        """Return the attention behind each symbol of an output."""
        state, rows = memory.state, []
        for symbol in (START, *symbols[:-1]):
            _, state, weights = self.step(symbol, state, memory)
            rows.append(weights)
        return np.array(rows)


def dates_lab(
    source: Sequence[str],
    target: Sequence[str],
    weights: Weights,
    text: str = DATES.examples[0],
) -> Lab:
    """Let the reader type a date and see where the network looks as it writes.

    Args:
        source: the symbols of dates, in their order, without the special ones.
        target: those of ISO 8601, likewise.
        weights: the network, as `load_weights` returns it.
        text: the date that stands there first.

    Raises:
        ValueError: `text` has a symbol that `source` lacks.
    """
    return _typed_lab(DATES, source, target, weights, text, {})


def pronouncer_lab(
    source: Sequence[str],
    target: Sequence[str],
    weights: Weights,
    listed: Mapping[str, Sequence[Sequence[str]]],
    wrong: float,
) -> Lab:
    """Let the reader type a word and see the network pronounce it.

    Args:
        source: the letters, in their order, without the special ones.
        target: the phones, likewise.
        weights: the network, as `load_weights` returns it.
        listed: for some words, the pronunciations of the dictionary.
        wrong: the share of the test words that the network gets wrong.
    """
    words = WORDS._replace(task=WORDS.task.format(wrong=100 * wrong))
    first = WORDS.examples[0]
    return _typed_lab(words, source, target, weights, first, listed)


def _typed_lab(
    typed: Typed,
    source: Sequence[str],
    target: Sequence[str],
    weights: Weights,
    text: str,
    listed: Mapping[str, Sequence[Sequence[str]]],
) -> Lab:
    """Make the lab of either network."""
    network = EncoderDecoder(weights)
    letters, signs = Symbols([source]), Symbols([target])
    memory = network.encode(letters.encode(text))
    (best,) = network.search(memory, typed.steps)
    along = network.weights_along(memory, best.symbols)
    written = signs.decode(best.symbols)
    along = along[: len(written), : len(text)]
    return make_lab(
        typed.title,
        task=typed.task,
        controls=text_field("text", f"A {typed.noun}", text)
        + slider(
            "position", "Written symbol", 1.0, float(len(written)), 1.0, 1.0
        )
        + checkbox("mask", f"Mask the {PADDING} columns of padding ∅", True)
        + checkbox("beam", f"Search with a beam of {WIDTH}")
        + buttons(
            weights_button("load", "Load the network", weights),
            button("slowly", "Write it slowly"),
        )
        + buttons(
            *(button("example", each, text=each) for each in typed.examples)
        ),
        picture="""<svg data-part="map" role="img"
aria-label="Attention weights: a row for each written symbol"></svg>
<table class="lab-outputs"><thead><tr><th scope="col">output</th>
<th scope="col">its probability</th></tr></thead>
<tbody data-part="outputs"></tbody></table>""",
        sentence="""Written: <b data-part="written"></b>.
<span data-part="listed"></span> For <b data-part="symbol"></b> most weight on
<span data-part="best"></span>; on padding <b data-part="padding"></b>.
<span data-part="unknown"></span> <b data-part="hint"></b>""",
        script=SCRIPT,
        twin=_twin(text, written, along),
        data={
            "source": letters.symbols[len(SPECIAL) :],
            "target": signs.symbols[len(SPECIAL) :],
            "padding": PADDING,
            "width": WIDTH,
            "noun": typed.noun,
            "steps": typed.steps,
            "joint": typed.joint,
            "lower": typed.lower,
            "sounds": typed.sounds,
            "listed": {
                each: " or ".join(map(typed.joint.join, outputs))
                for each, outputs in listed.items()
            },
            "first": {
                "outputs": [
                    {
                        "symbols": best.symbols,
                        "total": round(best.total, 6),
                    }
                ],
                "weights": along.round(3).tolist(),
            },
        },
        modules=CHART + ALIGNMENT + TRANSCRIBE + LOADER,
        style=STYLE,
    )


def _twin(
    text: str,
    written: Sequence[str],
    weights: Float[np.ndarray, "written source"],
) -> Figure:
    """Draw the map of the first view."""
    twin = Figure(figsize=(6, 3.6), layout="constrained")
    axes = twin.subplots()
    heat_map(axes, weights, rows=written, columns=list(text), label="weight")
    axes.set(xlabel="source", ylabel="written")
    return twin
