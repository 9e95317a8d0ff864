"""The checker of chapter 11 names the mistake that a function makes."""

import numpy as np
import pytest
import torch

from utils.exercises import check_masked_max

WRONG = {
    "sets the padding to 0": lambda o, m: (o * m[:, :, None]).max(axis=1),
    "over the padding too": lambda o, m: o.max(axis=1),
    "upside down": lambda o, m: np.where(m[:, :, None], -np.inf, o).max(axis=1),
    "averages": lambda o, m: np.stack(
        [row[valid].mean(axis=0) for row, valid in zip(o, m, strict=True)]
    ),
    "last valid step": lambda o, m: o[np.arange(3), m.sum(axis=1) - 1],
    "absolute": lambda o, m: np.where(m[:, :, None], abs(o), 0).max(axis=1),
    "fails with IndexError": lambda o, m: o[99],
    "shape (3, 6)": lambda o, m: np.where(m[:, :, None], o, -np.inf).max(
        axis=2
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_mistakes_are_named(mistake, capsys):
    assert check_masked_max(WRONG[mistake]) is False
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("Not yet. ")
    assert mistake in printed


@pytest.mark.parametrize(
    "right",
    [
        lambda o, m: np.where(m[:, :, None], o, -np.inf).max(axis=1),
        lambda o, m: o.masked_fill(~m[:, :, None], -torch.inf).amax(dim=1),
    ],
)
def test_right_functions_pass(right, capsys):
    assert check_masked_max(right) is True
    assert capsys.readouterr().out.startswith("Right. ")
