"""The real data sets inside installed packages: sizes, splits and the scale
of the sunspots."""

import numpy as np
import pytest

from utils.data.samples import load_digit_rows, load_sunspots, sunspot_windows


def test_digits_keep_the_order_of_the_file():
    train, test = load_digit_rows()
    assert train.x.shape == (1437, 8, 8)
    assert test.x.shape == (360, 8, 8)
    assert train.x.min() == 0
    assert train.x.max() == 1
    np.testing.assert_array_equal(train.y[:10], range(10))
    longer, _ = load_digit_rows(test_digits=100)
    np.testing.assert_array_equal(longer.x[1437:], test.x[:260])


@pytest.mark.parametrize("test_digits", [0, 1797])
def test_digits_need_a_row_in_each_part(test_digits):
    with pytest.raises(ValueError, match=f"test_digits is {test_digits}"):
        load_digit_rows(test_digits)


def test_sunspots_are_yearly():
    years, sunspots = load_sunspots()
    np.testing.assert_array_equal(years, np.arange(1700, 2009))
    assert sunspots[0] == 5.0
    assert sunspots[-1] == 2.9


def test_windows_end_before_their_target_and_parts_follow_in_time():
    years, sunspots = load_sunspots()
    data = sunspot_windows()
    assert len(data.y_test) == 2009 - 1930
    assert len(data.y_valid) == 40
    np.testing.assert_allclose(
        data.sunspots(data.y_test), sunspots[years >= 1930]
    )
    np.testing.assert_allclose(
        data.sunspots(data.x_test[0, :, 0]), sunspots[1908 - 1700 : 230]
    )
    np.testing.assert_array_equal(data.x_test[1:, -1, 0], data.y_test[:-1])
    np.testing.assert_array_equal(data.x_valid[0, -1, 0], data.y_train[-1])


def test_the_scale_knows_no_test_year():
    years, sunspots = load_sunspots()
    data = sunspot_windows()
    known = np.sqrt(sunspots[years < 1930])
    assert data.mean == pytest.approx(known.mean())
    assert data.std == pytest.approx(known.std())


def test_an_empty_part_is_refused():
    with pytest.raises(ValueError, match="must cut that into three parts"):
        sunspot_windows(first_test_year=2009)
