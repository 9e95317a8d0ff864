"""The drawing of a beam search: what is kept, what is dropped, where greedy
decoding goes."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from utils.figures.beam import beam_tree

FIRST = {"a": 0.5, "b": 0.4, "c": 0.1}
SECOND = {"aa": 0.25, "ab": 0.15, "ba": 0.32, "bb": 0.08}


def drawn(totals, width):
    """Return each box's look and text, the branches' colours and labels, and
    the words."""
    marks = list(ElementTree.fromstring(beam_tree(totals, width).svg))
    boxes, branches = {}, {}
    for mark, following in pairwise(marks):
        kind, label = mark.get("class"), following.get("data-label") or ""
        if kind.startswith(("box", "open")):
            text, _, total = label.removeprefix(r"\mathrm{").partition("}")
            boxes[text] = kind, float(total.strip("\\ "))
            latest = text
        elif kind.startswith("solid") and mark.get("data-label") is None:
            branches[latest] = kind.split()[1], float(label)
    words = [mark.text for mark in marks if mark.tag.endswith("text")]
    return boxes, branches, words


def test_boxes_bear_products_and_the_likeliest_are_green():
    boxes, _, _ = drawn([FIRST, SECOND], 2)
    assert {text: total for text, (_, total) in boxes.items()} == FIRST | SECOND
    kept = {text for text, (kind, _) in boxes.items() if kind == "box green"}
    assert kept == {"a", "b", "aa", "ba"}
    assert {kind for kind, _ in boxes.values()} == {"box green", "open muted"}


def test_branches_bear_what_the_last_symbol_is_given():
    _, branches, _ = drawn([FIRST, SECOND], 2)
    shares = {text: share for text, (_, share) in branches.items()}
    behind = {"aa": 0.5, "ab": 0.3, "ba": 0.8, "bb": 0.2}
    assert shares == pytest.approx(FIRST | behind)


def test_greedy_decoding_goes_by_the_likeliest_branch_of_each_step():
    _, branches, words = drawn([FIRST, SECOND], 2)
    greedy = {
        text for text, (color, _) in branches.items() if color == "orange"
    }
    assert greedy == {"a", "aa"}
    assert words.count("kept, greedy") == words.count("likeliest") == 1
    assert words.count("dropped") == 3


def test_greedy_decoding_may_be_dropped():
    second = {"aa": 0.2, "ab": 0.15, "ba": 0.25, "bb": 0.21}
    _, branches, words = drawn([FIRST, second], 2)
    assert branches["aa"][0] == "orange"
    assert words.count("dropped, greedy") == 1


def test_a_beam_of_one_is_greedy_decoding():
    boxes, branches, words = drawn([FIRST, {"aa": 0.3, "ab": 0.2}], 1)
    kept = {text for text, (kind, _) in boxes.items() if kind == "box green"}
    assert kept == {text for text in branches if branches[text][0] == "orange"}
    assert "likeliest, greedy" in words


def test_the_alt_text_says_what_is_seen():
    alt = beam_tree([FIRST, SECOND], 2).alt
    assert "keeps a and b and drops c" in alt
    assert "meets aa 0.25, ab 0.15, ba 0.32, bb 0.08" in alt
    assert "keeps ba and aa and drops ab, bb" in alt
    assert "by way of a to aa; the likeliest full output is ba" in alt


def test_a_branch_shows_two_digits_where_one_would_round():
    _, branches, _ = drawn([{"a": 0.85, "b": 0.15}], 1)
    assert branches == {"a": ("orange", 0.85), "b": ("muted", 0.15)}


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="0 steps and a beam of 2"):
        beam_tree([])
    with pytest.raises(ValueError, match="1 steps and a beam of 0"):
        beam_tree([FIRST], 0)
    with pytest.raises(ValueError, match=r"'ca' extends none .* 'a', 'b'"):
        beam_tree([FIRST, {"ca": 0.1}])
