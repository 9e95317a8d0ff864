"""The drawings of self-attention: letters, words, frames."""

import io

import numpy as np
import pytest
from PIL import Image

from utils.figures.attending import attend_to_self, two_heads
from utils.figures.sketch import Sketch


@pytest.fixture(scope="module")
def written():
    return drawn(attend_to_self)


def drawn(draw):
    """Draw; collect where each formula stands, and the size of the sheet."""
    labels, sizes = {}, []
    with pytest.MonkeyPatch.context() as patch:
        write, start = Sketch._write, Sketch.__init__

        def noted(self, x, y, formula, *rest, **options):
            labels[formula] = (x, y)
            return write(self, x, y, formula, *rest, **options)

        def begun(self, width, height):
            sizes.append((width, height))
            start(self, width, height)

        patch.setattr(Sketch, "_write", noted)
        patch.setattr(Sketch, "__init__", begun)
        drawing = draw()
    return drawing, labels, sizes[0]


def test_every_letter_of_the_equation_stands_within_the_sheet(written):
    _, labels, (width, height) = written
    owed = "x_1 x_3 k_1 k_3 v_1 v_3 q_2 y_2 W_q W_k W_v e_{21} e_{23}"
    assert {*owed.split(), r"\alpha_{21}", r"\alpha_{23}"} <= set(labels)
    for x, y in labels.values():
        assert 10 < x < width - 10
        assert 10 < y < height - 10


def test_two_heads_stand_side_by_side_and_are_joined():
    drawing, labels, (width, height) = drawn(two_heads)
    for m in "12":
        (query, y), (key, _), (value, _) = (
            labels[f"{name}_{m}"] for name in "QKV"
        )
        assert query < key < value
        assert labels["X"][1] > y > labels[rf"\alpha_{m}"][1]
        assert labels[f"Y_{m}"][1] > labels["W_o"][1] > labels["Y"][1]
    assert labels["V_1"][0] < labels["X"][0] < labels["Q_2"][0]
    for x, y in labels.values():
        assert 10 < x < width - 10
        assert 10 < y < height - 10
    assert "two heads" in drawing.title


def test_one_sequence_gives_queries_keys_and_values(written):
    """Keys and values stand above their x, and one query alone is drawn."""
    _, labels, _ = written
    for j in "123":
        (x, y), (key, above), (value, _) = (
            labels[f"{name}_{j}"] for name in "xkv"
        )
        assert key < x < value
        assert above < y
    assert sum(name.startswith("q_") for name in labels) == 1


def test_it_is_drawn_and_described(written):
    drawing, _, _ = written
    assert "query" in drawing.alt
    assert np.asarray(Image.open(io.BytesIO(drawing.png))).any()
