"""What counts as a measured number, and which output reproduces it."""

from decimal import Decimal

import pytest
from nbformat.v4 import new_output

from tools import prose


def quoted(markdown: str) -> list[str]:
    return [number.text for number in prose.quoted_numbers(markdown)]


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("An error of 0.25 after 3 epochs.", ["0.25"]),
        ("A fall of −0.31 %, then 50 %.", ["−0.31 %", "50 %"]),
        ("A range of 0.1–0.2 and 1,234.5 days.", ["0.1", "0.2", "1,234.5"]),
        ("Set `lr=0.1`, with $p = 0.05$ and\n\n$$x = 0.3$$ (eq-x)", []),
        ("```python\nx = 0.5\n```\n", []),
        ("```{note}\nIt is 0.5.\n```\n", ["0.5"]),
        ("See [version 2.0](other.ipynb).", []),
        ("It scored 84.3 % ([Someone, 2001](https://doi.org/1)). Ours scores 85.1 %.", ["85.1 %"]),
        ("- one is 0.1\n- two is [x](https://a.b) 0.2\n", ["0.1"]),
        ("| a | 0.10 |\n| b | 0.20 |\n", ["0.10", "0.20"]),
        ("GRU {eq}`eq-1.5` in Python 3.11.", ["3.11"]),
        ("1. first\n2. second", []),
    ],
)
def test_quoted_numbers(markdown: str, found: list[str]):
    assert quoted(markdown) == found


@pytest.mark.parametrize(
    ("text", "output", "reproduced"),
    [
        ("0.334", "0.3337", True),
        ("0.334", "0.3345", True),
        ("0.335", "0.3337", False),
        ("0.33", "0.3337", True),
        ("0.3337", "0.334", False),
        ("0.3340", "0.334", True),
        ("95.7 %", "0.957", True),
        ("95.7", "0.957", False),
        ("95.7 %", "95.70", True),
        ("96 %", "0.957", True),
        ("95 %", "0.957", False),
        ("0.31", "-0.312", True),
        ("0.0012", "1.2e-3", True),
    ],
)
def test_rounding(text: str, output: str, reproduced: bool):
    assert prose.QuotedNumber(text, "").is_rounding_of_any([Decimal(output)]) is reproduced


def test_numbers_of_outputs_are_those_a_reader_sees():
    table = new_output(
        "display_data",
        data={"text/html": "<script>x = 9.9</script><td>0.25</td><svg><text>7.7</text></svg>"},
    )
    assert list(prose.output_numbers(table)) == [Decimal("0.25")]
    stream = new_output("stream", text="loss=0.5 (1,260 rows), x1.5, 2e-3")
    assert [str(n) for n in prose.output_numbers(stream)] == ["0.5", "1260", "0.002"]
