"""Claims about forecasts of stock indices."""

from typing import Any

from scipy import stats

from .claim import Effect, claim

INDICES = {"S&P 500": "sp500", "NASDAQ": "nasdaq"}
DATA = (
    "daily prices of the S&P 500 and the NASDAQ; 3,020 test days of each from "
    "2007 on, in six folds, before each of which every model is fitted again"
)


def saving(case: dict[str, Any], loser: str, winner: str, what: str) -> Effect:
    """Take the difference of two mean losses, and its Diebold–Mariano interval.

    The recorded statistic is the difference over its standard error.
    """
    value = case["qlike"][loser] - case["qlike"][winner]
    error = value / case["dm"][loser][winner]["statistic"]
    half = stats.t.ppf(0.975, case["days"] - 1) * error
    how = "95 % interval, Diebold–Mariano"
    return Effect(what, value, value - half, value + half, how)


@claim(
    record="volatility",
    contenders=("HAR", "LSTM correction"),
    seeds=range(3),
    data=DATA,
    refuted_by="an index on which the interval of the saving reaches 0.01, or "
    "a fold in which HAR's loss is the lower one",
)
def lstm_corrects_har(results: dict[str, Any]) -> tuple[Effect, ...]:
    """One day ahead, an LSTM that corrects HAR forecasts variance better.

    The forecast is the geometric mean over the seeds.
    """
    effects = []
    for index, key in INDICES.items():
        case = results[f"{key} 1 Garman–Klass"]
        what = f"QLIKE that the correction saves, {index}"
        effect = saving(case, "HAR", "LSTM correction", what)
        folds = case["qlike_per_fold"]
        assert effect.low > 0.01
        assert all(
            corrected < plain
            for corrected, plain in zip(
                folds["LSTM correction"], folds["HAR"], strict=True
            )
        )
        effects.append(effect)
    return tuple(effects)


def share(losses: dict[str, float]) -> float:
    """Return how much of what the LSTM saves the linear regression saves."""
    har = losses["HAR"]
    saved = har - losses["LSTM correction"]
    return (har - losses["linear, all features"]) / saved


@claim(
    record="volatility",
    contenders=("linear, all features", "LSTM correction"),
    seeds=range(3),
    data=DATA,
    refuted_by="an index on which the regression saves less than half of what "
    "the LSTM saves, or as much as it",
)
def features_save_most(results: dict[str, Any]) -> tuple[Effect, ...]:
    """One day ahead, a linear regression on the LSTM's features brings more
    than half of what the LSTM saves against HAR, but not all of it.
    """
    effects = []
    for index, key in INDICES.items():
        case = results[f"{key} 1 Garman–Klass"]
        folds = case["qlike_per_fold"]
        rows = zip(*folds.values(), strict=True)
        shares = [share(dict(zip(folds, row, strict=True))) for row in rows]
        whole = share(case["qlike"])
        assert 0.5 < whole < 1
        what = f"the regression's share of the saving, {index}"
        how = "range of six folds"
        effects.append(Effect(what, whole, min(shares), max(shares), how))
    return tuple(effects)
