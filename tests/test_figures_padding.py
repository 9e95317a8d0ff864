"""Drawings of padded batches: what is read first when one is turned round, and
which states are made of padding."""

from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from utils.data.batches import pad
from utils.figures.padding import turned_batch
from utils.scratch import RNN, Bidirectional
from utils.scratch.bidirectional import reverse_rows

LENGTHS = (2, 5, 4)


def boxes(lengths):
    """Return each box's label and colour, in the order in which it is drawn."""
    marks = list(ElementTree.fromstring(turned_batch(lengths).svg))
    return [
        (after.get("data-label"), mark.get("class").split()[1])
        for mark, after in pairwise(marks)
        if mark.get("class").startswith(("box", "open"))
    ]


def test_inputs_stand_as_the_layer_is_handed_them():
    """As whole and within the length, as NumPy and `reverse_rows` turn them."""
    rows = [np.arange(1.0, length + 1) for length in LENGTHS]
    padded, lengths = pad([row[:, None] for row in rows])
    inputs = [label for label, _ in boxes(LENGTHS) if "h" not in label]
    drawn = np.array(inputs).reshape(3, *padded.shape[:2])
    for batch, expected in zip(
        drawn,
        (padded, padded[:, ::-1], reverse_rows(padded, lengths)),
        strict=True,
    ):
        steps = [[int(each.split("_")[-1]) for each in row] for row in batch]
        assert np.array_equal(steps, expected[:, :, 0])
    assert [row[0][0] for row in drawn[0]] == ["a", "b", "c"]


def test_grey_states_are_those_that_padding_spoils():
    """Beside the layer: what differs from a row read alone is grey."""
    rng = np.random.default_rng(0)
    layer = Bidirectional(RNN(3, 4, rng=1), RNN(3, 4, rng=2))
    x, lengths = pad([rng.normal(size=(length, 3)) for length in LENGTHS])
    colors = iter([color for label, color in boxes(LENGTHS) if "h" in label])
    for known in (None, lengths):
        outputs, _ = layer.forward(x, lengths=known)
        for row, length in enumerate(LENGTHS):
            alone, _ = layer.forward(x[row : row + 1, :length])
            for step in range(length):
                same = np.allclose(outputs[row, step, 4:], alone[0, step, 4:])
                assert next(colors) == ("orange" if same else "muted")
    assert next(colors, None) is None


def test_arrows_end_at_each_rows_last_input_and_turn_grey_behind_padding():
    lines = [
        mark.get("class").split()[1]
        for mark in ElementTree.fromstring(turned_batch(LENGTHS).svg)
        if mark.get("class").startswith("line")
    ]
    # As a whole: a behind three zeros, b, c behind one; then within lengths.
    whole = ["orange", *4 * ["muted"], *5 * ["orange"], "orange"]
    assert lines[:15] == whole + 4 * ["muted"]
    assert lines[15:] == ["ink", *sum(LENGTHS) * ["orange"], "ink"]


def test_the_alt_text_says_what_each_row_begins_with():
    alt = turned_batch(LENGTHS).alt
    assert "row a with padding, row b with step 5, row c with padding" in alt
    assert "row a with step 2, row b with step 5, row c with step 4" in alt
    assert "the states of a and c are grey" in alt
    assert "no state is grey" in turned_batch([3, 3]).alt


@pytest.mark.parametrize("lengths", [[], [3, 0]])
def test_a_batch_without_rows_or_steps_is_refused(lengths):
    with pytest.raises(ValueError, match=r"lengths is .* at least 1"):
        turned_batch(lengths)
