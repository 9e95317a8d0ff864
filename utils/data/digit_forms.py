"""Handwritten digits by the form on which they were written, so that no hand
is tested that was trained on."""

import numpy as np
from jaxtyping import Int

from utils.data.samples import Digits

# Every form asks for the same 130 digits in the same order, which begins with
# three times 0 to 9: the labels show where a form begins. Some lack a few.
FIRST_IMAGES = (
    *(0, 130, 256, 386, 516, 646, 776),
    *(906, 1029, 1157, 1287, 1415, 1545, 1667),
)


def load_digit_forms() -> tuple[Digits, Int[np.ndarray, " digit"]]:
    """Load all 1,797 images, each a sequence of 8 rows, and its form, 0 to 13.

    The 14 forms come from 13 writers, so at most one hand wrote two of them.

    Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten
    Digits, https://doi.org/10.24432/C50P49, CC BY 4.0; inside scikit-learn.
    Used in chapter 01.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    places = np.arange(len(images))
    form = np.searchsorted(FIRST_IMAGES, places, side="right") - 1
    return Digits(images.reshape(-1, 8, 8) / 16, labels), form
