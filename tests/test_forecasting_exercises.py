"""The checkers of chapter 10 accept what is right and name what is wrong."""

import numpy as np
import pandas as pd
import pytest

from utils.data import make_windows
from utils.exercises import (
    check_har_features,
    check_price_windows,
    check_scaler,
)


def min_max(train, test):
    low, high = train.min(), train.max()
    return (train - low) / (high - low), (test - low) / (high - low)


def leaking(train, test):
    both = np.concatenate([train, test])
    low, high = both.min(), both.max()
    return (train - low) / (high - low), (test - low) / (high - low)


def har_features(log_variance):
    series = pd.Series(log_variance)
    spans = [series.rolling(days).mean() for days in (1, 5, 22)]
    return pd.concat(spans, axis=1).dropna().to_numpy()


def har_ahead(log_variance):
    series = pd.Series(log_variance)[::-1]
    spans = [
        series.rolling(days, min_periods=1).mean()[::-1] for days in (1, 5, 22)
    ]
    return pd.concat(spans, axis=1).to_numpy()[21:]


def test_right_answers_pass():
    assert check_price_windows(lambda series: make_windows(series, 5))
    assert check_scaler(min_max)
    assert check_har_features(har_features)


@pytest.mark.parametrize(
    ("check", "answer", "reason"),
    [
        (
            check_price_windows,
            lambda s: (make_windows(s, 5)[0], s[4:-1]),
            "the target is the window's own last value",
        ),
        (
            check_price_windows,
            lambda s: make_windows(s, 5, horizon=2),
            "shape (14, 5)",
        ),
        (check_scaler, leaking, "It leaks"),
        (
            check_scaler,
            lambda a, b: (min_max(a, a)[0], min_max(b, b)[0]),
            "its own range",
        ),
        (check_har_features, har_ahead, "look ahead"),
        (
            check_har_features,
            lambda v: har_features(v)[:, [0, 2, 1]],
            "exchanged",
        ),
        (check_har_features, lambda v: har_features(v)[1:], "shape (38, 3)"),
    ],
)
def test_wrong_answers_are_named(check, answer, reason, capsys):
    assert not check(answer)
    assert reason in " ".join(capsys.readouterr().out.split())
