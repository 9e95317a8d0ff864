"""The checkers of chapter 10 accept what is right and name what is wrong."""

import numpy as np
import pandas as pd
import pytest

from utils.data import make_windows
from utils.exercises import (
    check_conformal,
    check_diebold_mariano,
    check_har_features,
    check_price_windows,
    check_qlike,
    check_scaler,
)
from utils.forecasting import conformal_interval, diebold_mariano, qlike


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


def last_interval(errors):
    lower, upper = conformal_interval(
        np.append(errors, np.nan), window=len(errors)
    )
    return lower[-1], upper[-1]


def independent_days(loss, other_loss):
    return diebold_mariano(loss, other_loss, waves=len(loss) - 1).statistic


def test_right_answers_pass():
    assert check_qlike(qlike)
    assert check_diebold_mariano(independent_days)
    assert check_conformal(last_interval)
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
        (
            check_scaler,
            lambda a, b: tuple(2 * each - 1 for each in min_max(a, b)),
            "from -1 to 1",
        ),
        (check_qlike, lambda v, f: qlike(f, v), "upside down"),
        (
            check_diebold_mariano,
            lambda a, b: independent_days(b, a),
            "turned round",
        ),
        (
            check_diebold_mariano,
            lambda a, b: (a - b).mean() / (a - b).std(ddof=1),
            "root of n",
        ),
        (
            check_conformal,
            lambda e: np.quantile(e, [0.05, 0.95]),
            "1 array; 2 are expected",
        ),
        (
            check_conformal,
            lambda e: (np.quantile(e, 0.05), np.quantile(e, 0.95)),
            "too narrow",
        ),
        (check_conformal, lambda e: (np.sort(e)[4], np.sort(e)[-5]), "off by"),
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
