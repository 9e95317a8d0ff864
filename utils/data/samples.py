"""Small real data sets that installed packages carry, so that nothing is
downloaded."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from utils.data.batches import make_windows


@dataclass(frozen=True)
class Digits:
    """Handwritten digits: `x` holds an image's rows of ink from 0 to 1, `y`
    the digit."""

    x: Float[np.ndarray, "digit row column"]
    y: Int[np.ndarray, " digit"]


def load_digit_rows(test_digits: int = 360) -> tuple[Digits, Digits]:
    """Load 1,797 images of 8 × 8 pixels, each a sequence of 8 rows; return
    training and test part.

    The test part is the end of the file and not a random draw: one hand wrote
    many neighbouring images, and a random draw would put every writer into both
    parts.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten
    Digits, https://doi.org/10.24432/C50P49, CC BY 4.0; inside scikit-learn.
    Used in chapters 02 and 03.

    Raises:
        ValueError: `test_digits` leaves no image for one of the parts.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    if not 0 < test_digits < len(images):
        raise ValueError(
            f"test_digits is {test_digits}; of {len(images)} images at least "
            "one must stay for "
            "each part"
        )
    x = images.reshape(-1, 8, 8) / 16
    train, test = slice(None, -test_digits), slice(-test_digits, None)
    return Digits(x[train], labels[train]), Digits(x[test], labels[test])


def load_sunspots() -> tuple[
    Int[np.ndarray, " year"], Float[np.ndarray, " year"]
]:
    """Load the years from 1700 to 2008 and the mean number of sunspots in each.

    Source: the National Geophysical Data Center's yearly means, in the public
    domain; inside statsmodels. Used in chapters 02 and 03.
    """
    from statsmodels.datasets import sunspots

    table = sunspots.load_pandas().data
    return table["YEAR"].to_numpy(int), table["SUNACTIVITY"].to_numpy(float)


@dataclass(frozen=True)
class SunspotWindows:
    """Windows of past years, and the year after each, on a scale that suits a
    network.

    The scale is (sqrt(n) - mean) / std over the years before the test part; the
    square root evens out the swings, which grow with the level.
    `first_test_year` belongs to `y_test[0]`.
    """

    x_train: Float[np.ndarray, "train year 1"]
    y_train: Float[np.ndarray, " train"]
    x_valid: Float[np.ndarray, "valid year 1"]
    y_valid: Float[np.ndarray, " valid"]
    x_test: Float[np.ndarray, "test year 1"]
    y_test: Float[np.ndarray, " test"]
    first_test_year: int
    mean: float
    std: float

    def sunspots(
        self, scaled: Float[np.ndarray, "*shape"]
    ) -> Float[np.ndarray, "*shape"]:
        """Turn values on the network's scale back into numbers of sunspots."""
        return np.maximum(scaled * self.std + self.mean, 0) ** 2


def sunspot_windows(
    length: int = 22, first_valid_year: int = 1890, first_test_year: int = 1930
) -> SunspotWindows:
    """Cut the sunspots into windows of `length` years and split them by the
    year to predict.

    Raises:
        ValueError: a part would be empty.
    """
    years, sunspots = load_sunspots()
    target_years = years[length:]
    roots = np.sqrt(sunspots)
    known = roots[years < first_test_year]
    scaled = (roots - known.mean()) / known.std()
    x, y = make_windows(scaled, length)
    parts = (
        target_years < first_valid_year,
        (first_valid_year <= target_years) & (target_years < first_test_year),
        first_test_year <= target_years,
    )
    if not all(part.any() for part in parts):
        raise ValueError(
            f"windows of {length} years predict {target_years[0]} to "
            f"{target_years[-1]}; "
            f"{first_valid_year} and {first_test_year} must cut that into "
            "three parts"
        )
    train, valid, test = ((x[part][..., None], y[part]) for part in parts)
    mean, std = float(known.mean()), float(known.std())
    return SunspotWindows(*train, *valid, *test, first_test_year, mean, std)
