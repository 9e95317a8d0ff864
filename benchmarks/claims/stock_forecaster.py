"""Claims about forecasts of stock indices."""

from typing import Any

import numpy as np
from scipy import stats

from utils.forecasting.significance import holm, waves_of

from .claim import Effect

INDICES = {"S&P 500": "sp500", "NASDAQ": "nasdaq"}
CALIBRATED = ("all training days", "last 504 training days")
NETWORKS = ("MLP correction", "MLP correction, five days", "LSTM correction")
DATA = (
    "daily prices of the S&P 500 and the NASDAQ; 3,020 test days of each from "
    "2007 on, in six folds, before each of which every model is fitted again"
)
SPLIT = "the S&P 500's closing prices from 1999 to 2018"


def saving(
    case: dict[str, Any],
    loser: str,
    winner: str,
    what: str,
    calibrated: str = CALIBRATED[0],
    horizon: int = 1,
) -> Effect:
    """Take the difference of two mean losses, and its Diebold–Mariano interval.

    The recorded statistic is the difference over its standard error.
    """
    losses = case["qlike"][calibrated]
    value = losses[loser] - losses[winner]
    error = value / case["dm"][calibrated][loser][winner]["statistic"]
    waves = waves_of(case["days"], horizon)
    half = stats.t.ppf(0.975, waves) * error
    how = "95 % interval, Diebold–Mariano"
    return Effect(what, value, value - half, value + half, how)


def networks_correct_har(results: dict[str, Any]) -> tuple[Effect, ...]:
    """One day ahead, HAR forecasts variance better with a network's correction,
    whether the network has a memory or none.

    Each forecast is the geometric mean over the seeds.
    """
    effects, p_values = [], []
    for index, key in INDICES.items():
        case = results[f"{key} 1 Garman–Klass"]
        for network in ("LSTM correction", "MLP correction"):
            for calibrated in CALIBRATED:
                what = f"QLIKE that the {network} saves, {index}, {calibrated}"
                effect = saving(case, "HAR", network, what, calibrated)
                assert effect.low > 0.01
                effects.append(effect)
                test = case["dm"][calibrated]["HAR"][network]
                p_values.append(test["p_value"])
    assert max(holm(p_values)) < 0.05
    return tuple(effects)


def memory_adds_nothing_measurable(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """One day ahead, the LSTM's correction and that of a network without memory
    on the same features come within a hundredth of each other's QLIKE, and no
    test tells them apart.
    """
    effects, p_values = [], []
    for index, key in INDICES.items():
        for measure in ("Garman–Klass", "Parkinson"):
            case = results[f"{key} 1 {measure}"]
            what = f"QLIKE that memory saves, {index}, {measure}"
            effect = saving(case, "MLP correction", "LSTM correction", what)
            assert abs(effect.value) < 0.01
            effects.append(effect)
            tests = case["dm"][CALIBRATED[0]]["MLP correction"]
            p_values.append(tests["LSTM correction"]["p_value"])
    assert min(holm(p_values)) > 0.05
    return tuple(effects)


def features_save_most(results: dict[str, Any]) -> tuple[Effect, ...]:
    """One day ahead, a linear regression on the networks' features brings more
    than half of what the LSTM's correction saves against HAR.
    """
    effects = []
    for index, key in INDICES.items():
        losses = results[f"{key} 1 Garman–Klass"]["qlike_per_fold"]
        har, linear, lstm = (
            np.array(losses[name])
            for name in ("HAR", "linear, all features", "LSTM correction")
        )
        shares = (har - linear) / (har - lstm)
        whole = (har - linear).sum() / (har - lstm).sum()
        assert whole > 0.5
        what = f"the regression's share of the saving, {index}"
        low, high = float(shares.min()), float(shares.max())
        how = "range of six folds"
        effects.append(Effect(what, float(whole), low, high, how))
    return tuple(effects)


def beaten(results: dict[str, Any], rival: str, horizon: int) -> list[Effect]:
    """Assert that no network beats the rival on either index."""
    effects, p_values = [], []
    for index, key in INDICES.items():
        case = results[f"{key} {horizon} Garman–Klass"]
        for network in NETWORKS:
            what = f"QLIKE that the {network} saves, {index}"
            effects.append(saving(case, rival, network, what, horizon=horizon))
            test = case["dm"][CALIBRATED[0]][rival][network]
            p_values.append(test["p_value"])
    for effect, p_value in zip(effects, holm(p_values), strict=True):
        assert effect.value < 0 or p_value > 0.05
    return effects


def no_network_beats_lhar_for_a_week(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Five days ahead, no network's correction beats LHAR by more than luck."""
    effects = beaten(results, "LHAR", 5)
    assert len(effects) == 6
    return tuple(effects)


def no_network_beats_har_for_a_month(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Twenty-two days ahead, no network's correction beats HAR by more than
    luck.
    """
    effects = beaten(results, "HAR", 22)
    assert len(effects) == 6
    return tuple(effects)


def coverage_falls_with_the_horizon(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """A 90 % interval from past errors holds within three points of its promise
    one day ahead, and less than 88 % a month ahead.
    """
    effects = []
    for index, key in INDICES.items():
        for model in ("LHAR", "LSTM correction"):
            for horizon in (1, 22):
                case = results[f"{key} {horizon} Garman–Klass"]
                found = case["intervals"][model]["plain"]
                if horizon == 1:
                    assert abs(found["coverage"] - 0.9) < 0.03
                else:
                    assert found["coverage"] < 0.88
                years = [each["coverage"] for each in found["by year"].values()]
                what = f"coverage, {index}, {model}, {horizon} days"
                how = "range of twelve years"
                effects.append(
                    Effect(what, found["coverage"], min(years), max(years), how)
                )
    return tuple(effects)


def ranges_miss_the_night(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Returns from close to close exceed what forecasts of the range lead one
    to expect by more than a fifth; scaled by the past mean ratio, these come
    within a twentieth.
    """
    effects = []
    for index, key in INDICES.items():
        found = results[f"{key} 1 Garman–Klass"]["returns"]
        for how in ("as it is", "scaled"):
            spreads = [found[name][f"spread, {how}"] for name in NETWORKS]
            spreads += [
                found[name][f"spread, {how}"] for name in ("HAR", "LHAR")
            ]
            if how == "scaled":
                assert max(abs(spread - 1) for spread in spreads) < 0.05
            else:
                assert min(spreads) > 1.2
            what = f"root mean square of return over forecast, {index}, {how}"
            middle = float(np.median(spreads))
            low, high = min(spreads), max(spreads)
            effects.append(Effect(what, middle, low, high, "range of 5 models"))
    return tuple(effects)


def up_is_hard_to_beat(results: dict[str, Any]) -> tuple[Effect, ...]:
    """No rule that was tried foretells the direction of the next day better
    than "up" every day.
    """
    effects, p_values = [], []
    for name, run in results.items():
        found = dict(run["direction"])
        always = found.pop("always up")["accuracy"]
        gains = {
            rule: each["accuracy"] - always for rule, each in found.items()
        }
        assert max(gains.values()) < 0.01
        p_values += [each["p_always_up"] for each in found.values()]
        gain = gains["LSTM, cross-entropy"]
        low, high = min(gains.values()), max(gains.values())
        what = f"accuracy above that of always up, LSTM, {name}"
        effects.append(Effect(what, gain, low, high, "range of all rules"))
    assert min(holm(p_values)) > 0.05
    return tuple(effects)


def no_rule_outearns_the_index(results: dict[str, Any]) -> tuple[Effect, ...]:
    """After costs of ten basis points no rule that was tried has a Sharpe ratio
    above the index's by more than luck.
    """
    effects = []
    for name, run in results.items():
        for rule, costs in run["sharpe beside the index"].items():
            found = costs["10"]
            assert found["low"] < 0
            effects.append(
                Effect(
                    f"Sharpe ratio above the index's, {rule}, {name}",
                    found["gap"],
                    found["low"],
                    found["high"],
                    "95 % interval, stationary bootstrap",
                )
            )
    return tuple(effects)


def leaks_flatter(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Three leaks lower the error beside the naive forecast of the same days on
    every seed: a scaler fitted on all days, shuffled windows to less than a
    quarter, which is still worse than naive, and a two-way network to less than
    half of what can be had.
    """
    effects = []
    for leak in ("scaler", "shuffle", "bidirectional"):
        pairs = [run[leak] for run in results.values()]
        assert all(each["leaking"] < each["clean"] for each in pairs)
        if leak == "shuffle":
            assert all(each["leaking"] < each["clean"] / 4 for each in pairs)
            assert min(each["leaking"] for each in pairs) > 1
        if leak == "bidirectional":
            assert min(each["clean"] for each in pairs) > 0.95
            assert max(each["leaking"] for each in pairs) < 0.5
        for state in ("clean", "leaking"):
            what = f"error over the naive forecast's, {leak}, {state}"
            values = [each[state] for each in pairs]
            effects.append(Effect.over_seeds(what, values))
    return tuple(effects)
