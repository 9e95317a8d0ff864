"""Tests of significance against values worked by hand, against statsmodels and
against the size that they promise."""

import numpy as np
import pytest
from scipy import stats
from scipy.fft import dct
from statsmodels.stats.multitest import multipletests

from utils.forecasting.significance import (
    diebold_mariano,
    holm,
    long_run_variance,
    mcnemar,
    mincer_zarnowitz,
    waves_of,
)


def test_holm_by_hand_and_in_the_order_of_the_input():
    # Sorted 0.01, 0.02, 0.04 times 3, 2, 1: 0.03, 0.04, 0.04.
    np.testing.assert_allclose(holm([0.04, 0.01, 0.02]), [0.04, 0.03, 0.04])
    # 2 x 0.03 = 0.06 stands above the 0.05 that follows, which may not fall.
    np.testing.assert_allclose(holm([0.05, 0.03]), [0.06, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.6]), [1, 1])


def test_holm_agrees_with_statsmodels():
    p_values = np.random.default_rng(0).uniform(size=40) ** 3
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected)
    assert holm([]).shape == (0,)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_holm_names_what_is_no_probability(bad):
    with pytest.raises(ValueError, match=r"p_values\[1\].*from 0 to 1"):
        holm([0.5, bad])


def overlapping(rng, n, horizon):
    """Draw sums over `horizon` steps, which overlap in all but one of them."""
    steps = np.cumsum(np.r_[0, rng.normal(size=n + horizon - 1)])
    return steps[horizon:] - steps[:-horizon]


def test_long_run_variance_is_the_mean_square_of_the_slow_cosines():
    series = np.random.default_rng(1).normal(size=60)
    slow = dct(series, norm="ortho")[1:6]
    assert long_run_variance(series, 5) == pytest.approx(np.mean(slow**2))
    every = long_run_variance(series, 59)
    assert every == pytest.approx(series.var(ddof=1))


def test_diebold_mariano_by_hand():
    loss, other = np.array([1.0, 2.0, 4.0, 3.0]), np.array([2.0, 2.0, 6.0, 7.0])
    difference = loss - other
    # All cosines together give the variance of independent days.
    plain = difference.mean() / np.sqrt(difference.var(ddof=1) / 4)
    found = diebold_mariano(loss, other, waves=3)
    assert found.statistic == pytest.approx(plain)
    assert found.p_value == pytest.approx(2 * stats.t.cdf(plain, 3))
    swapped = diebold_mariano(other, loss, waves=3)
    assert swapped.statistic == pytest.approx(-plain)


@pytest.mark.parametrize("horizon", [1, 5, 22])
def test_diebold_mariano_rejects_as_often_as_it_says(horizon):
    """At every overlap; Bartlett's weights over h - 1 lags give 12 % at 22."""
    rng = np.random.default_rng(3)
    p_values = [
        diebold_mariano(
            overlapping(rng, 600, horizon), np.zeros(600), horizon
        ).p_value
        for _ in range(1500)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.02)


def test_diebold_mariano_takes_no_wave_as_fast_as_the_overlap():
    assert waves_of(3020) == 83
    assert waves_of(3020, 22) == 68
    assert waves_of(60, 22) == 2


def test_mincer_zarnowitz_finds_a_scale_and_rejects_as_often_as_it_says():
    rng = np.random.default_rng(4)
    forecast = np.exp(rng.normal(size=2000))
    truth = forecast * rng.chisquare(1, size=2000)
    assert mincer_zarnowitz(truth, forecast).slope == pytest.approx(1, abs=0.15)
    assert mincer_zarnowitz(truth, forecast / 2).slope == pytest.approx(
        2, abs=0.3
    )
    assert mincer_zarnowitz(truth, forecast / 2).p_value < 1e-6
    p_values = []
    for _ in range(300):
        forecast = np.exp(rng.normal(size=3000) / 2)
        truth = forecast * rng.chisquare(4, size=3000) / 4
        p_values.append(mincer_zarnowitz(truth, forecast).p_value)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.06, abs=0.05)


def test_mcnemar_counts_the_rows_on_which_one_alone_is_right():
    right = np.array([True, True, True, False, False, True])
    other = np.array([True, False, False, True, False, False])
    found = mcnemar(right, other)
    assert found[:2] == (3, 1)
    # Three heads or more of four coins: 5 of 16 outcomes.
    assert found.p_value == pytest.approx(5 / 16)
    assert mcnemar(other, right).p_value == pytest.approx(15 / 16)
    assert mcnemar(right, right).p_value == 1
