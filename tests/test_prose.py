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
        (
            "It scored 84.3 % ([Someone, 2001](https://doi.org/1)). "
            "Ours scores 85.1 %.",
            ["85.1 %"],
        ),
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
    shown = prose.OutputNumber(Decimal(output))
    assert prose.QuotedNumber(text, "").is_rounding_of(shown) is reproduced


@pytest.mark.parametrize(
    ("text", "output", "slack", "supported"),
    [
        ("0.91", "0.913", "0.02", True),
        ("0.913", "0.913", "0.02", False),
        ("0.913", "0.913", "0.0099", True),
        ("0.9", "0.913", "0.02", True),
        ("91 %", "0.913", "0.02", True),
        ("91.3 %", "0.913", "0.02", False),
        ("91.3 %", "91.3", "2", False),
        ("91.3 %", "91.3", "0.9", True),
        ("0.92", "0.913", "0.02", False),
    ],
)
def test_digits_within_a_slack(
    text: str, output: str, slack: str, supported: bool
):
    shown = prose.OutputNumber(Decimal(output), Decimal(slack))
    assert prose.QuotedNumber(text, "").is_supported_by(shown) is supported


def values(output) -> list[str]:
    return [str(number.value) for number in prose.output_numbers(output)]


def test_numbers_of_outputs_are_those_a_reader_sees():
    table = new_output(
        "display_data",
        data={
            "text/html": "<script>x = 9.9</script><td>0.25</td>"
            "<svg><text>7.7</text></svg>"
        },
    )
    assert values(table) == ["0.25"]
    stream = new_output("stream", text="loss=0.5 (1,260 rows), x1.5, 2e-3")
    assert values(stream) == [
        "0.5",
        "1260",
        "0.002",
    ]


def test_the_slack_of_a_number_follows_from_its_cells_tags():
    allowed = {"within": Decimal("0.02"), "rtol": Decimal("0.1")}
    output = new_output("stream", text="0.5 7.5 95.0 % 12")
    found = prose.output_numbers(output, allowed)
    assert [float(number.slack) for number in found] == [0.05, 0.75, 9.5, 0]


SOURCE = '<div class="highlight"><pre>keepdims=True</pre></div>'
TABLE = "<table><tr><td>yes</td><td>0.1</td></tr><tr><td>No</td></tr></table>"


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (new_output("stream", text="equal: True"), ["True"]),
        (new_output("stream", text="[ True False]"), ["True", "False"]),
        (new_output("stream", text="GRU ✓\nRNN ✗"), ["✓", "✗"]),
        (new_output("stream", text="learned  yes\nbeaten  no"), ["yes", "no"]),
        (new_output("stream", text="no attention 0.1; eff:no|a"), []),
        (new_output("stream", text="nobody, Truely, is_True"), []),
        (
            new_output(
                "display_data",
                data={"text/html": SOURCE, "text/plain": "keepdims=True"},
            ),
            [],
        ),
        (
            new_output(
                "display_data",
                data={"text/html": TABLE, "text/plain": "yes 0.1\nNo"},
            ),
            ["yes", "No"],
        ),
        (
            new_output("execute_result", data={"text/plain": "np.True_\nTrue"}),
            ["True"],
        ),
    ],
)
def test_verdicts_are_those_a_reader_sees(output, found: list[str]):
    assert prose.verdicts(output) == found


def test_words_are_those_of_the_prose():
    markdown = (
        "The [*long* road](https://a.b/c-d) to $a + b$:\n\n"
        "```python\nx = 1\n```\n\n```{note}\nIt isn't far.\n```\n"
    )
    assert prose.words(markdown) == 7
