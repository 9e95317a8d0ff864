"""The page descends before the cliff as NumPy does."""

import re

import numpy as np
import pytest
from javascript import ENGINES, chosen, evaluator

from utils.labs import cliff_lab
from utils.labs.cliff import (
    CLIFF,
    START,
    STEPS,
    TARGET,
    TIME,
    descend,
    end_loss,
)

NUMBER = re.compile(r"-?[\d.]+")
SETTING = f"{{time: {TIME}, start: {START}, target: {TARGET}, steps: {STEPS}}}"


@pytest.fixture(scope="module", params=ENGINES)
def run(request):
    return evaluator(CLIFF, chosen(request))


def test_the_page_s_loss_is_numpy_s(run):
    w, b = np.meshgrid(np.linspace(0.2, 2.2, 7), np.linspace(-0.6, 1.0, 5))
    here = [
        run(f"cliff.endLoss({SETTING}, {x}, {y})")
        for x, y in zip(w.ravel(), b.ravel(), strict=True)
    ]
    there = end_loss(w, b).ravel()
    np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("clip", [0.3, 1.0, np.inf])
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_the_page_s_descent_is_numpy_s(rate, clip, run):
    """Away from the wall, which magnifies rounding without bound."""
    limit = "Infinity" if np.isinf(clip) else clip
    for w, b in ((0.9, 0.1), (1.2, 0.6)):
        there = descend(w, b, rate, clip)
        here = run(f"cliff.descend({SETTING}, {w}, {b}, {rate}, {limit})")
        for name in ("w", "b", "loss", "norm"):
            np.testing.assert_allclose(
                [step[name] for step in here],
                getattr(there, name),
                rtol=1e-9,
                atol=1e-12,
            )
        assert np.ptp(there.w) > 1e-4


def test_clipping_saves_the_descent_that_the_lab_shows_first(run):
    for limit, clip in (("Infinity", np.inf), ("1", 1.0)):
        here = run(f"cliff.descend({SETTING}, 1.6, 0.2, 1, {limit})")
        there = descend(1.6, 0.2, 1.0, clip)
        # The first steps agree; the wall multiplies what rounding leaves.
        for step in range(3):
            assert here[step]["w"] == pytest.approx(there.w[step], rel=1e-9)
        assert here[-1]["loss"] == pytest.approx(there.loss[-1], rel=0.5)
        assert (there.loss[-1] < 0.01) == (clip == 1.0)


def test_a_click_and_the_keys_begin_elsewhere(browser):
    page = browser.new_page(viewport={"width": 900, "height": 900})
    page.set_content(cliff_lab().html)
    page.wait_for_selector("[data-started]")

    def part(name):
        return page.locator(f'[data-part="{name}"]')

    first = part("path-0").get_attribute("d")
    times = part("times").text_content()
    assert times == "1 of 60 steps"
    box = part("map").bounding_box()
    clicked = (box["width"] / 2, 40)
    part("map").click(position=dict(zip("xy", clicked, strict=True)))
    moved = part("path-0").get_attribute("d")
    assert moved != first
    start = [float(number) for number in NUMBER.findall(moved)[:2]]
    # The sliders' steps are seven pixels wide and less.
    assert start == pytest.approx(clicked, abs=4)
    part("w").focus()
    page.keyboard.press("ArrowLeft")
    assert part("path-0").get_attribute("d") != moved
    w, b = (float(part(name).input_value()) for name in "wb")
    shown = part("end-1").text_content().replace(",", "").replace("−", "-")
    there = descend(w, b, 1.0, 1.0).loss[-1]
    assert float(shown) == pytest.approx(there, rel=6e-3, abs=1e-3)
    page.close()
