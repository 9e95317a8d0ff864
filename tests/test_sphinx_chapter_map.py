"""The map of the chapters has a box for each, below what it needs."""

import pytest
from bs4 import BeautifulSoup

from tools.sphinx_unrolled.chapter_map import (
    HEIGHT,
    WIDTH,
    draw,
    read_needs,
    rows,
)

LINES = ["01_a:", "02_b: 01_a", "05_c: 01_a", "07_d: 02_b 05_c"]
LABELS = {
    "01_a": ("A", 5),
    "02_b": ("A title of several words", 10),
    "05_c": ("C & D", 15),
    "07_d": ("D", 20),
}


def test_a_chapter_stands_below_the_last_that_it_needs():
    needs = read_needs([*LINES, "09_e: 01_a"])
    assert rows(needs) == [["01_a"], ["02_b", "05_c", "09_e"], ["07_d"]]


@pytest.mark.parametrize("line", ["08_x: 09_y", "08_x"])
def test_a_line_that_cannot_be_read_is_named(line):
    with pytest.raises(ValueError, match="08_x"):
        read_needs([*LINES, line])


def test_each_box_is_a_link_with_title_and_minutes():
    page = BeautifulSoup(draw(read_needs(LINES), LABELS), "html.parser")
    words = {
        link["href"]: " ".join(text.get_text() for text in link.select("text"))
        for link in page.select("a")
    }
    assert words == {
        "01_a.html": "1 A 5 min",
        "02_b.html": "2 A title of several words 10 min",
        "05_c.html": "5 C & D 15 min",
        "07_d.html": "7 D 20 min",
    }
    assert len(page.select("path")) == 4


def test_boxes_do_not_overlap_and_edges_lead_down():
    page = BeautifulSoup(draw(read_needs(LINES), LABELS), "html.parser")
    corners = [(float(r["x"]), float(r["y"])) for r in page.select("rect")]
    for number, (x, y) in enumerate(corners):
        for other_x, other_y in corners[number + 1 :]:
            assert abs(x - other_x) >= WIDTH or abs(y - other_y) >= HEIGHT
    for path in page.select("path"):
        numbers = path["d"][1:].replace("C", " ").split()
        assert float(numbers[1]) < float(numbers[-1])
