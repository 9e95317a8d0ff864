"""Tests of significance against values worked by hand, against statsmodels and
against the size that they promise."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from utils.forecasting.significance import holm


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
