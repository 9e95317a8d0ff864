"""The game in the page costs what Python says, and takes what is typed."""

import json

import numpy as np
import pytest
from py_mini_racer import MiniRacer

from utils.labs import (
    Guesses,
    Passage,
    guesses_cost,
    rank_code,
    shannon_lab,
)
from utils.labs.shannon import SHANNON

CODE = rank_code(np.array([1, 1, 1, 1, 2, 2, 5]), 6)
MODEL = Guesses(np.array([1, 3, 1, 9]), np.array([0.5, 2.0, 0.25, 6.0]))
PASSAGE = Passage("To b", "e o\n", {"the last 2": MODEL})


@pytest.fixture
def run():
    """Evaluate an expression with the page's module in reach."""
    engine = MiniRacer()
    engine.eval(SHANNON)
    return lambda expression: json.loads(
        engine.eval(f"JSON.stringify({expression})")
    )


def test_a_code_is_a_distribution():
    assert (2.0**-CODE).sum() == pytest.approx(1)
    assert CODE.argmin() == 0
    assert CODE[2] == CODE[3] > CODE[4]


def test_the_page_counts_guesses_as_the_rules_say(run):
    found = run(
        """(() => {
      const game = new shannon.Game("ab"), said = [];
      for (const sign of ["b", "b", "x", "a"]) said.push(game.guess(sign));
      game.reveal(6);
      return [said, game.ranks, game.done, game.guess("a")];
    })()"""
    )
    said = ["wrong", "again", "wrong", "right"]
    assert found == [said, [3, 6], True, "again"]


@pytest.mark.parametrize("ranks", [[1], [1, 2, 6], [9, 1]])
def test_the_page_pays_what_python_pays(ranks, run):
    here = run(f"shannon.cost({ranks}, {CODE.tolist()})")
    assert here == pytest.approx(guesses_cost(np.array(ranks), CODE))


def test_a_passage_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="passages is empty"):
        shannon_lab([], CODE)
    with pytest.raises(ValueError, match="4 guesses for 2 characters"):
        shannon_lab([PASSAGE, PASSAGE._replace(text="ab")], CODE)


def test_a_reader_plays_a_passage(browser):
    complaints = []
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content(
        "<!doctype html><html lang='en'><body>"
        f"{shannon_lab([PASSAGE, PASSAGE], CODE).html}</body></html>"
    )
    page.wait_for_selector("[data-started]")

    def part(name):
        return page.locator(f'[data-part="{name}"]')

    for sign in ("x", "E", "e"):
        part("guess").press_sequentially(sign)
    assert part("known").text_content() == "e"
    part("guess").press_sequentially("o")
    assert part("wrong").text_content() == "o"
    part("space").click()
    part("show").click()
    part("end").click()
    assert part("left").text_content() == "0"
    assert part("guess").is_disabled()
    rows = [
        row.locator("th, td").all_text_contents()
        for row in part("scores").locator("tr").all()
    ]
    mine = guesses_cost(np.array([3, 2, 6, 1]), CODE)
    theirs = guesses_cost(MODEL.ranks, CODE)
    assert rows == [
        ["you", "1 of 4", f"{mine:.2f}", "–"],
        ["the last 2", "2 of 4", f"{theirs:.2f}", "2.19"],
    ]
    part("passage").select_option("1")
    assert part("known").text_content() == ""
    assert part("guess").is_enabled()
    assert complaints == []
