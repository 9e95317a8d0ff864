"""Small real data sets that installed packages carry, so that nothing is downloaded."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Digits:
    """Handwritten digits: `x` holds an image's rows of ink from 0 to 1, `y` the digit."""

    x: Float[np.ndarray, "digit row column"]
    y: Int[np.ndarray, " digit"]


def load_digit_rows(test_digits: int = 360) -> tuple[Digits, Digits]:
    """Load 1,797 images of 8 × 8 pixels, each a sequence of 8 rows; return training and test part.

    The test part is the end of the file and not a random draw: one hand wrote many neighbouring
    images, and a random draw would put every writer into both parts.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits,
    https://doi.org/10.24432/C50P49, CC BY 4.0; inside scikit-learn. Used in chapters 02 and 03.

    Raises:
        ValueError: `test_digits` leaves no image for one of the parts.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    if not 0 < test_digits < len(images):
        raise ValueError(
            f"test_digits is {test_digits}; of {len(images)} images at least one must stay for "
            "each part"
        )
    x = images.reshape(-1, 8, 8) / 16
    train, test = slice(None, -test_digits), slice(-test_digits, None)
    return Digits(x[train], labels[train]), Digits(x[test], labels[test])


def load_sunspots() -> tuple[Int[np.ndarray, " year"], Float[np.ndarray, " year"]]:
    """Load the years from 1700 to 2008 and the mean number of sunspots in each.

    Source: the National Geophysical Data Center's yearly means, in the public domain; inside
    statsmodels. Used in chapters 02 and 03.
    """
    from statsmodels.datasets import sunspots

    table = sunspots.load_pandas().data
    return table["YEAR"].to_numpy(int), table["SUNACTIVITY"].to_numpy(float)
