"""A text of the reader's own, continued by a trained character model.

Chapter 08. `benchmarks.writer` trains it and writes its weights, rounded; this
module and js/writer.js compute the same from the same file.
"""

import html
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
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
    slider,
)
from utils.labs.training import SEEDED, generator
from utils.labs.weights import LOADER, Weights, weights_button
from utils.language.alphabet import BOUNDARY, Alphabet
from utils.language.measure import surprisals
from utils.language.sampling import reshaped
from utils.language.scratch import CharacterModel

WRITER = module("js/layers.js") + module("js/writer.js")
SCRIPT = read("js/writer_lab.js")
STYLE = read("css/writer.css")

EXAMPLES = {
    "A speaker": "HAMLET:\nI have heard the king, and the queen with him.\n",
    "Not Shakespeare": "The network was trained on a fast computer, and the",
    "Nonsense": "xqzv jjkw the the the the the the",
}
LENGTH, CANDIDATES, HIGHEST = 120, 8, 10


def character_model(weights: Weights) -> CharacterModel:
    """Build the NumPy model that a file of weights holds, in float64."""
    layers = weights.layers
    symbols, size = layers["embedding"]["E"].shape
    hidden = layers["recurrent"]["W_h"].shape[0]
    model = CharacterModel(symbols, "GRU", hidden, size)
    for params, name in zip(
        model.params, ("embedding", "recurrent", "head"), strict=True
    ):
        params.update(layers[name])
    return model


def continued(
    model: CharacterModel,
    prompt: Int[np.ndarray, " time"],
    n: int,
    temperature: float,
    top_p: float,
    seed: int,
) -> Int[np.ndarray, " written"]:
    """Write up to `n` symbols after a prompt, by the page's random numbers.

    The first symbol is taken whose cumulative probability exceeds the number;
    otherwise as `utils.language.sample`, with its probabilities.
    """
    random = generator(seed)
    logs, state = model.following(prompt)
    written: list[int] = []
    while len(written) < n:
        p = reshaped(logs, temperature=temperature, top_p=top_p)
        place = np.searchsorted(p.cumsum(), next(random), side="right")
        symbol = int(min(place, np.flatnonzero(p)[-1]))
        if symbol == BOUNDARY:
            break
        written.append(symbol)
        logs, state = model.following(np.array([symbol]), state)
    return np.array(written, dtype=np.int64)


def writer_lab(
    characters: Sequence[str],
    weights: Weights,
    text: str = EXAMPLES["A speaker"],
    temperature: float = 0.7,
    top_p: float = 0.95,
    seed: int = 0,
) -> Lab:
    """Let the reader type a text, see each letter's bits, and have it
    continued.

    Args:
        characters: the model's alphabet, in its order.
        weights: the model, as `load_weights` returns it.
        text: the text that stands there first, already continued.
        temperature: where the temperature starts, from 0 to 2.
        top_p: where top-p starts, from 0.1 to 1.
        seed: of the random numbers.
    """
    model, alphabet = character_model(weights), Alphabet(characters)
    prompt = alphabet.encode(text)
    added = continued(model, prompt, LENGTH, temperature, top_p, seed)
    symbols = np.concatenate([prompt, added])
    bits = surprisals(model, symbols)[:-1]
    logs, _ = model.following(symbols)
    controls = (
        f"""<label class="lab-wide">Your text <textarea data-part="text"
rows="3" spellcheck="false" autocomplete="off">{html.escape(text)}</textarea>
</label>"""
        + slider("temperature", "Temperature", 0.0, 2.0, 0.1, temperature)
        + slider("top-p", "Top-p", 0.1, 1.0, 0.05, top_p)
        + buttons(
            weights_button("load", "Load the network", weights),
            button("write", "Write on", main=True),
            button("again", "Again, other draws"),
        )
        + buttons(
            *(
                button("example", name, text=example)
                for name, example in EXAMPLES.items()
            )
        )
    )
    return make_lab(
        "The network goes on with your text",
        task="Load the network, type, and let it write on. The bar above a "
        "letter is what it costs, up to ten bits; the chart shows what may "
        "come next, and what temperature and top-p make of it.",
        controls=controls,
        picture="""<p class="lab-letters" data-part="letters" role="img"
aria-label="No text yet"></p>
<svg data-part="next" role="img"
aria-label="The likeliest next characters"></svg>""",
        sentence="""<span class="lab-mine">Your text</span>: <b
data-part="mine"></b> bits a character;
<span class="lab-its">the network's</span>: <b data-part="its"></b>. Most
surprising: <span data-part="surprise"></span>. The next character is drawn
among <b data-part="kept"></b>. <b data-part="hint"></b>""",
        script=SCRIPT,
        twin=_twin(alphabet, symbols, bits, len(prompt)),
        data={
            "characters": alphabet.characters,
            "seed": seed,
            "length": LENGTH,
            "candidates": CANDIDATES,
            "highest": HIGHEST,
            "first": {
                "own": len(prompt),
                "symbols": symbols.tolist(),
                "bits": bits.round(3).tolist(),
                "logs": logs.round(4).tolist(),
            },
        },
        modules=CHART + SEEDED + WRITER + LOADER,
        style=STYLE,
    )


def _twin(
    alphabet: Alphabet,
    symbols: Int[np.ndarray, " time"],
    bits: Float[np.ndarray, " time"],
    own: int,
) -> Figure:
    """Draw bars above a text's letters, row by row, as the page does."""
    across = 60
    rows = -(-len(symbols) // across)
    figure = Figure(figsize=(7.2, 0.75 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, sharey=True, squeeze=False)[:, 0]
    signs = ["", "\ufffd", *alphabet.characters]
    for row, panel in enumerate(panels):
        places = np.arange(row * across, min((row + 1) * across, len(symbols)))
        panel.bar(
            places,
            bits[places],
            color=[COLORS["black" if p < own else "blue"] for p in places],
        )
        panel.set(
            xlim=(row * across - 0.7, (row + 1) * across - 0.3),
            ylim=(0, HIGHEST),
            yticks=(0, HIGHEST),
        )
        letters = [signs[symbols[place]].replace("\n", "↵") for place in places]
        panel.set_xticks(places, letters, family="monospace", fontsize=8)
        panel.tick_params(bottom=False)
    figure.supylabel("bits")
    return figure
