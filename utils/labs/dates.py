"""A date of the reader's own, written in ISO 8601 by a trained network.

Chapter 09. `benchmarks.date_reader` trains it and writes its weights, rounded;
this module and js/dates.js compute the same from the same file.
"""

from collections.abc import Sequence
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

DATES = module("js/layers.js") + module("js/dates.js")
SCRIPT = read("js/dates_lab.js")
STYLE = MAP_STYLE + read("css/dates.css")

EXAMPLES = (
    "7. März 2026",
    "3/7/2026",
    "3.7.2026",
    "二〇二六年三月七日",
    "Friday, 27 March 1908",
    "30 February 2026",
)
PADDING, STEPS, WIDTH = 20, 11, 4

Vector = Float[np.ndarray, " size"]
Rows = Float[np.ndarray, "time size"]


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


class DateNetwork:
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

    def search(self, memory: Memory, width: int = 1) -> list[Output]:
        """Keep the `width` likeliest beginnings; a width of 1 is greedy.

        An output that ends takes its place along, as in chapter 09. Outputs
        come ranked by their mean ln p a symbol.
        """
        beams = [(Output([], 0.0), memory.state)]
        full: list[Output] = []
        for _ in range(STEPS):
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
    text: str = EXAMPLES[0],
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
    network = DateNetwork(weights)
    symbols, digits = Symbols([source]), Symbols([target])
    memory = network.encode(symbols.encode(text))
    (best,) = network.search(memory)
    along = network.weights_along(memory, best.symbols)
    written = digits.decode(best.symbols)
    along = along[: len(written), : len(text)]
    return make_lab(
        "The network writes your date",
        task="Load the network and type a date, in any spelling that you "
        "like. It learnt nine of them, in English, French, German, Chinese "
        "and numbers. Then take the mask away, or search with a beam.",
        controls=text_field("text", "A date", text)
        + slider(
            "position", "Written symbol", 1.0, float(len(written)), 1.0, 1.0
        )
        + checkbox("mask", f"Mask the {PADDING} columns of padding ∅", True)
        + checkbox("beam", f"Search with a beam of {WIDTH}")
        + buttons(
            weights_button("load", "Load the network", weights),
            button("slowly", "Write it slowly"),
        )
        + buttons(*(button("example", each, text=each) for each in EXAMPLES)),
        picture="""<svg data-part="map" role="img"
aria-label="Attention weights: a row for each written symbol"></svg>
<table class="lab-outputs"><thead><tr><th scope="col">output</th>
<th scope="col">its probability</th></tr></thead>
<tbody data-part="outputs"></tbody></table>""",
        sentence="""Written: <b data-part="written"></b>. For
<b data-part="symbol"></b> most weight on <span data-part="best"></span>; on
padding <b data-part="padding"></b>. <span data-part="unknown"></span>
<b data-part="hint"></b>""",
        script=SCRIPT,
        twin=_twin(text, written, along),
        data={
            "source": symbols.symbols[len(SPECIAL) :],
            "target": digits.symbols[len(SPECIAL) :],
            "padding": PADDING,
            "steps": STEPS,
            "width": WIDTH,
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
        modules=CHART + ALIGNMENT + DATES + LOADER,
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
