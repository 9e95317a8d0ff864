"""The page's intervals are those of utils.forecasting, day by day."""

import numpy as np
import pandas as pd
import pytest
from javascript import ENGINES, chosen, evaluator

from utils.data.prices import load_prices
from utils.forecasting import (
    adaptive_interval,
    conformal_interval,
    forecast_folds,
    har,
    make_volatility_data,
    walk_forward,
)
from utils.labs.volatility import (
    INTERVALS,
    LONGEST,
    SHORTEST,
    Track,
    by_year,
    track,
    volatility_lab,
)

SETTINGS = [
    (0.9, 504, 1, 0.0),
    (0.9, 504, 22, 0.01),
    (0.98, 126, 1, 0.05),
    (0.5, 130, 5, 0.03),
    (0.85, 1008, 22, 0.0),
]


@pytest.fixture(scope="module")
def tracks():
    prices = load_prices("sp500")
    found = []
    for horizon in (1, 22):
        data = make_volatility_data(prices, horizon=horizon)
        folds = walk_forward(data.known, 504, 504, gap=horizon - 1)
        found.append(track(data, forecast_folds(data, har, list(folds))))
    return found


@pytest.fixture(scope="module", params=ENGINES)
def run(request, tracks):
    errors = (tracks[1].errors / 1000).tolist()
    return evaluator(f"{INTERVALS}const errors = {errors};", chosen(request))


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_page_s_bounds_are_the_book_s(setting, run, tracks):
    coverage, window, horizon, rate = setting
    here = run(
        f"intervals.bounds(errors, {{coverage: {coverage}, window: {window}, "
        f"horizon: {horizon}, rate: {rate}}})"
    )
    errors = tracks[1].errors / 1000
    lower, upper = adaptive_interval(errors, coverage, window, horizon, rate)
    if rate == 0:
        plain = conformal_interval(errors, coverage, window, horizon)
        np.testing.assert_array_equal((lower, upper), plain)
    for name, there in (("lower", lower), ("upper", upper)):
        # JSON has no NaN: V8 writes null.
        got = np.array([np.nan if x is None else x for x in here[name]])
        np.testing.assert_array_equal(got, there)
    assert np.isfinite(lower).sum() == len(errors) - window - horizon + 1


def test_the_page_s_years_are_numpy_s(run, tracks):
    found = tracks[1]
    table = by_year(found, 0.9, 504, 0.01)
    assert len(table) > 10
    here = [
        run(
            "intervals.measure(errors, intervals.bounds(errors, {coverage: .9, "
            f"window: 504, horizon: 22, rate: .01}}), {first}, {last})"
        )
        for first, last in found.scored().values()
    ]
    for name in table:
        np.testing.assert_allclose(
            [each[name] for each in here], table[name], rtol=1e-12
        )


def test_a_year_is_scored_behind_the_longest_window(tracks):
    for found in tracks:
        scored = found.scored()
        assert 2008 in scored
        for year, (first, last) in scored.items():
            assert first >= LONGEST + found.horizon - 1
            assert set(found.years[first:last]) == {year}
        lower, _ = conformal_interval(
            found.errors / 1000, 0.9, LONGEST, found.horizon
        )
        assert np.isfinite(lower[min(scored.values())[0]])


def test_the_shortest_window_can_promise_the_most():
    errors = np.zeros(SHORTEST + 1)
    conformal_interval(errors, 0.98, SHORTEST)


def test_a_forecast_that_says_too_little_is_refused(tracks):
    prices = load_prices("sp500").iloc[:1400]
    data = make_volatility_data(prices)
    forecast = np.full(len(data.dates), np.nan)
    with pytest.raises(ValueError, match="never made"):
        track(data, forecast)
    forecast[100:] = data.variance[100:]
    forecast[500] = np.nan
    with pytest.raises(ValueError, match="gap"):
        track(data, forecast)
    forecast[: data.known - 2 * SHORTEST + 2] = np.nan
    with pytest.raises(ValueError, match="252 errors or more, and has 250"):
        volatility_lab([track(data, forecast)])
    with pytest.raises(ValueError, match="and has 0"):
        volatility_lab([])


def test_a_short_file_of_prices_has_a_lab_too():
    """Its longest window leaves half of the errors to be scored."""
    data = make_volatility_data(load_prices("sp500").iloc[:1000], horizon=22)
    folds = walk_forward(data.known, 504, 504, gap=21)
    found = track(data, forecast_folds(data, har, list(folds)))
    lab = volatility_lab([found])
    assert 'data-part="window" min="126" max="210" step="42"' in lab.html
    assert sum(last - first for first, last in found.scored(210).values()) > 200


def test_the_page_draws_what_the_sliders_say(browser, tracks):
    page = browser.new_page(viewport={"width": 900, "height": 1200})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content(volatility_lab(tracks).html)
    page.wait_for_selector("[data-started]")

    def part(name):
        return page.locator(f'[data-part="{name}"]')

    def share(name):
        return float(part(name).text_content().strip(" %"))

    def check(number, coverage, window, rate, year):
        found: Track = tracks[number]
        table = by_year(found, coverage, window, rate)
        assert share("held-year") == pytest.approx(
            100 * table["coverage"][year], abs=0.0501
        )
        least = table["coverage"].idxmin()
        assert part("worst").text_content().startswith(f"{least}: ")
        first, last = found.scored()[year]
        misses = part("misses").get_attribute("d").count("M")
        held = table["coverage"][year] * (last - first)
        assert misses == last - first - round(held)

    check(0, 0.9, 504, 0.0, 2008)
    part("horizon").select_option("1")
    check(1, 0.9, 504, 0.0, 2008)
    part("coverage").fill("0.7")
    part("window").press("ArrowRight")
    part("rate").fill("0.02")
    part("year").fill("2011")
    check(1, 0.7, 546, 0.02, 2011)
    assert "70 %" in part("promised").text_content()
    assert complaints == []
    page.close()


def test_a_lab_starts_with_a_year_that_was_scored(tracks):
    lab = volatility_lab(tracks, year=1950)
    last = max(tracks[0].scored())
    assert f'max="{last}" step="1" value="{last}"' in lab.html
    assert isinstance(by_year(tracks[0], 0.9, 504), pd.DataFrame)
