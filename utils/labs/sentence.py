"""A sentence of the reader's own, through four trained classifiers.

Chapter 11. `benchmarks.sentiment_reader` trains them and writes their weights,
rounded; this module and js/sentence.js compute the same from the same file.
"""

import html
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from utils.data.text import Vocabulary, tokenize
from utils.labs.lab import (
    CHART,
    Lab,
    button,
    buttons,
    make_lab,
    module,
    read,
    select,
)
from utils.labs.reading import (
    ALONG,
    LINES,
    Reading,
    draw_reading,
    verdict_keys,
)
from utils.labs.reading import STYLE as READING_STYLE
from utils.labs.weights import LOADER, Weights, weights_button
from utils.scratch import (
    LSTM,
    RNN,
    AdditiveAttention,
    Bidirectional,
    Dense,
    log_softmax,
)

SENTENCE = module("js/layers.js") + module("js/sentence.js")
SCRIPT = read("js/sentence_lab.js")
STYLE = READING_STYLE + read("css/sentence.css")

Params = Mapping[str, Float[np.ndarray, "..."]]
EXAMPLES = {
    "A concession": "although the whole cast was brilliant , the main plot "
    "was dull in the second half of it",
    "The same, the other way round": "the main plot was dull in the second "
    "half of it , although the whole cast was brilliant",
    "A long tail": "the final act was hardly gripping in most of the scenes . "
    "we saw it on a tuesday after work with two friends and then took the "
    "late bus home past the river while it rained in our part of town",
}


def networks(weights: Weights) -> dict[str, dict[str, Params]]:
    """Gather a file's layers, named "network: layer", by network."""
    found: dict[str, dict[str, Params]] = {}
    for name, params in weights.layers.items():
        network, _, layer = name.partition(": ")
        found.setdefault(network, {})[layer] = params
    return found


def positive(
    network: Mapping[str, Params], tokens: Int[np.ndarray, " time"]
) -> float:
    """Return a classifier's probability that a text is positive.

    The text is embedded, read in one direction or two, and reduced to a vector:
    the last state where there is one direction, attention's mixture where there
    is attention, else each feature's maximum. Equations: chapter 11.
    """
    x = network["embedding"]["table"][tokens][None]
    layer = _recurrent(network["recurrent"])
    outputs, _ = layer.forward(x)
    if "attention" in network:
        attention = AdditiveAttention(1, outputs.shape[2], 1)
        attention.params.update(network["attention"])
        pooled, _ = attention.forward(np.ones((1, 1)), outputs)
    elif isinstance(layer, Bidirectional):
        pooled = outputs.max(axis=1)
    else:
        pooled = outputs[:, -1]
    head = Dense(*network["head"]["W"].shape)
    head.params.update(network["head"])
    return float(np.exp(log_softmax(head.forward(pooled)))[0, 1])


def read_along(weights: Weights, vocabulary: Vocabulary, text: str) -> Reading:
    """Return a text's tokens and what each network would say if the text
    ended after each of them."""
    numbers = vocabulary.encode(text)
    return Reading(
        tokenize(text),
        {
            name: np.array(
                [
                    positive(network, numbers[: k + 1])
                    for k in range(len(numbers))
                ]
            )
            for name, network in networks(weights).items()
        },
    )


def sentence_lab(
    tokens: Sequence[str],
    weights: Weights,
    text: str = EXAMPLES["A concession"],
) -> Lab:
    """Let the reader type a sentence and see four verdicts after each word.

    Args:
        tokens: the vocabulary, in its order, without the special tokens.
        weights: the networks, as `load_weights` returns them.
        text: the sentence that stands there first.
    """
    first = read_along(weights, Vocabulary(tokens), text)
    names = list(first.verdicts)
    controls = (
        f"""<label class="lab-wide">Your sentence <textarea data-part="text"
rows="2" spellcheck="false" autocomplete="off">{html.escape(text)}</textarea>
</label>"""
        + select(
            "model",
            "Colour the words by",
            {str(m): name for m, name in enumerate(names)},
            str(len(names) - 1),
        )
        + buttons(weights_button("load", "Load the networks", weights))
        + buttons(
            *(
                button("example", name, text=example)
                for name, example in EXAMPLES.items()
            )
        )
    )
    return make_lab(
        "Four classifiers read your sentence",
        task="Load the networks, then change a word, exchange the clauses, "
        "append another sentence: who still gives the right verdict? They "
        "learnt the generated reviews of this chapter and know few words.",
        controls=controls,
        picture="""<p class="lab-words" data-part="words"></p>
<svg data-part="chart" role="img"
aria-label="Probability of positive after each word"></svg>""",
        sentence=f"""Positive: {verdict_keys(names)}.
<span data-part="unknown"></span> <b data-part="hint"></b>""",
        script=SCRIPT,
        twin=draw_reading(first),
        data={
            "vocabulary": list(tokens),
            "networks": names,
            "lines": list(LINES.items())[: len(names)],
            "tokens": list(first.tokens),
            "verdicts": [
                np.round(first.verdicts[name], 3).tolist() for name in names
            ],
        },
        modules=CHART + ALONG + SENTENCE + LOADER,
        style=STYLE,
    )


def _recurrent(params: Params) -> RNN | LSTM | Bidirectional:
    """Build the layer that has these parameters."""
    if "W_h" in params:
        return _one_way(params)
    forward, backward = (
        {
            name.removeprefix(direction): array
            for name, array in params.items()
            if name.startswith(direction)
        }
        for direction in ("forward_", "backward_")
    )
    return Bidirectional(_one_way(forward), _one_way(backward))


def _one_way(params: Params) -> RNN | LSTM:
    size, hidden = params["W_x"].shape[0], params["W_h"].shape[0]
    layer = RNN if params["W_h"].shape[1] == hidden else LSTM
    made = layer(size, hidden)
    made.params.update(params)
    return made
