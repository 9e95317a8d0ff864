"""Scores, tests, splits and volatility models against known values and
against foresight."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from utils import forecasting
from utils.forecasting import direction
from utils.forecasting.recurrent import last_days, recurrent_volatility
from utils.forecasting.volatility import FLOOR, LHAR, log_linear

MODELS = {
    "yesterday": forecasting.yesterday,
    "EWMA": forecasting.ewma,
    "GARCH-t": forecasting.garch,
    "GJR-t": forecasting.gjr_garch,
    "HAR": forecasting.har,
    "LHAR": forecasting.lhar,
    "linear": forecasting.all_linear,
    "LSTM": lambda data, train: short_network(data, train),
    "MLP": lambda data, train: short_network(data, train, cell="MLP"),
    "five days": lambda data, train: recurrent_volatility(
        data, train, cell="MLP", days=5, epochs=1
    ),
    "trees": lambda data, train: forecasting.tree_correction(data, train, 5),
}


def short_network(data, train, cell="LSTM"):
    """Train the correction for two epochs."""
    from torch.nn.functional import mse_loss

    base = np.log(forecasting.har(data, train))
    features, target = data.features.to_numpy(), np.log(data.target)
    return np.exp(
        forecasting.train_correction(
            features, base, target, train, mse_loss, epochs=2, cell=cell
        )
    )


@pytest.fixture(scope="module")
def prices():
    """Return 900 days whose volatility comes in waves and answers falls."""
    rng = np.random.default_rng(0)
    log_variance, close, rows = -9.0, 100.0, []
    for _ in range(900):
        steps = np.exp(log_variance / 2) / 8 * rng.normal(size=64)
        path = close * np.exp(np.cumsum(np.r_[0, steps]))
        rows.append(
            [
                path[0],
                path.max(),
                path.min(),
                path[-1],
                1e6 * np.exp(rng.normal()),
            ]
        )
        shock = steps.sum() / np.exp(log_variance / 2)
        log_variance = (
            -9 + 0.95 * (log_variance + 9) - 0.15 * shock + 0.1 * rng.normal()
        )
        close = path[-1]
    index = pd.bdate_range("2015-01-01", periods=900, name="date")
    return pd.DataFrame(
        rows, index=index, columns=["open", "high", "low", "close", "volume"]
    )


@pytest.fixture(scope="module")
def data(prices):
    return forecasting.make_volatility_data(prices)


def test_scores_on_numbers_worked_by_hand():
    truth, forecast = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 2.0])
    assert forecasting.rmse(truth, forecast) == pytest.approx(np.sqrt(5 / 3))
    assert forecasting.mape(truth, forecast) == pytest.approx(50.0)
    assert forecasting.skill(
        truth, forecast, np.array([1.0, 1.0, 2.0])
    ) == pytest.approx(0.0)
    assert forecasting.skill(truth, truth, forecast) == 1.0
    np.testing.assert_allclose(
        forecasting.qlike(np.array([1.0, 2.0]), np.array([1.0, 1.0])),
        [0, 1 - np.log(2)],
    )


def test_qlike_is_least_at_the_true_variance_though_its_measure_is_noisy():
    measured = 3.0 * np.random.default_rng(0).chisquare(1, 200_000)
    levels = np.array([2.4, 3.0, 3.6])
    losses = [
        forecasting.qlike(measured, np.full(200_000, level)).mean()
        for level in levels
    ]
    assert np.argmin(losses) == 1


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_qlike_names_the_value_it_cannot_use(bad):
    with pytest.raises(ValueError, match=r"forecast\[1\].*above 0"):
        forecasting.qlike(np.ones(3), np.array([1.0, bad, 1.0]))


def test_mape_refuses_a_truth_of_zero():
    with pytest.raises(ValueError, match=r"truth\[1\] is 0"):
        forecasting.mape(np.array([1.0, 0.0]), np.ones(2))


@pytest.mark.parametrize("lag", [0, 1, 6])
def test_best_lag_finds_a_copy_whatever_its_level(lag):
    walk = np.cumsum(np.random.default_rng(1).normal(size=300))
    assert (
        forecasting.best_lag(walk[20:], walk[20 - lag : 300 - lag] + 50) == lag
    )


def test_diebold_mariano_refuses_equal_losses():
    with pytest.raises(ValueError, match="nothing to test"):
        forecasting.diebold_mariano(np.ones(20), np.ones(20))


def test_pesaran_timmermann_rejects_as_often_as_it_says_whatever_the_up_rate():
    rng = np.random.default_rng(4)
    p_values = [
        forecasting.pesaran_timmermann(
            rng.random(300) < 0.55, rng.random(300) < 0.9
        ).p_value
        for _ in range(600)
    ]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_pesaran_timmermann_sees_skill_and_refuses_a_constant():
    up = np.random.default_rng(5).random(300) < 0.5
    assert forecasting.pesaran_timmermann(up, up).p_value < 1e-6
    with pytest.raises(ValueError, match="forecast_up is always True"):
        forecasting.pesaran_timmermann(up, np.ones(300, dtype=bool))


@pytest.mark.parametrize("train_size", [None, 30])
def test_walk_forward_trains_on_the_past_alone_and_tests_every_origin_once(
    train_size,
):
    folds = list(
        forecasting.walk_forward(100, 60, 15, train_size=train_size, gap=4)
    )
    np.testing.assert_array_equal(
        np.concatenate([f.test for f in folds]), np.arange(60, 100)
    )
    for fold in folds:
        assert fold.train[-1] == fold.test[0] - 5
        assert fold.train[0] == (
            0 if train_size is None else fold.train[-1] - 29
        )


@pytest.mark.parametrize(("first", "size"), [(4, 10), (100, 10), (60, 0)])
def test_walk_forward_refuses_folds_without_days(first, size):
    with pytest.raises(ValueError, match=r"first_test|test_size"):
        list(forecasting.walk_forward(100, first, size, gap=4))


def test_the_court_convicts_a_copy_and_acquits_foresight():
    walk = 100 + np.cumsum(np.random.default_rng(6).normal(size=400))
    truth, yesterday = walk[1:], walk[:-1]
    copy = forecasting.persistence_court(
        truth, yesterday + 0.01 * np.sin(truth), yesterday
    )
    assert copy.best_lag == 1
    assert copy.skill == pytest.approx(0, abs=0.02)
    foresight = forecasting.persistence_court(
        truth, truth + 0.1 * np.cos(truth), yesterday
    )
    assert foresight.best_lag == 0
    assert foresight.skill > 0.9
    assert foresight.dm_statistic < -3
    assert "lag of 0 steps" in str(foresight)
    assert len(foresight.figure().axes) == 2


def test_the_court_wants_one_value_of_each_per_step(unannotated):
    with pytest.raises(ValueError, match="one value of each per step"):
        forecasting.persistence_court(np.ones(30), np.ones(29), np.ones(30))


def test_measures_of_variance_agree_with_the_path_that_made_them(prices):
    measures = [forecasting.garman_klass(prices), forecasting.parkinson(prices)]
    squared = np.log(prices["close"] / prices["open"]) ** 2
    for measure in measures:
        # 64 steps a day miss the true extremes, so ranges come out somewhat
        # small.
        assert measure.mean() / squared.mean() == pytest.approx(0.85, abs=0.12)
        assert measure.std() < squared.std()


def test_a_day_without_movement_and_one_without_volume_stay_finite(prices):
    odd = prices.copy()
    odd.iloc[400, :4] = odd["close"].iloc[400]
    odd.iloc[500, 4] = 0
    data = forecasting.make_volatility_data(odd)
    assert data.variance[400 - 22] == FLOOR
    assert np.isfinite(data.features.to_numpy()).all()
    silent = forecasting.make_volatility_data(odd.assign(volume=0.0))
    assert (silent.features["volume"] == 0).all()
    assert np.isfinite(short_network(silent, np.arange(300))).all()


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_target_is_the_mean_of_the_days_ahead(prices, horizon):
    data = forecasting.make_volatility_data(prices, horizon)
    variance = forecasting.garman_klass(prices)
    at = data.dates.get_loc(prices.index[300])
    assert data.target[at] == pytest.approx(
        variance.iloc[301 : 301 + horizon].mean()
    )
    assert np.isnan(data.target[-horizon:]).all()
    assert data.known == len(data.dates) - horizon


@pytest.mark.parametrize(("rows", "horizon"), [(900, 0), (22, 1)])
def test_volatility_data_refuses_what_leaves_no_origin(prices, rows, horizon):
    with pytest.raises(ValueError, match=r"horizon is 0|too few"):
        forecasting.make_volatility_data(prices.iloc[:rows], horizon)


@pytest.mark.parametrize("name", MODELS)
def test_no_forecast_knows_the_future(prices, data, name):
    """Change everything after an origin: nothing up to it may move."""
    train, origin = np.arange(400), 500
    shaken = prices.copy()
    shaken.iloc[origin + 23 :, :4] *= 1.5
    shaken.iloc[origin + 23 :, 4] *= 3
    before = MODELS[name](data, train)[: origin + 1]
    after = MODELS[name](forecasting.make_volatility_data(shaken), train)[
        : origin + 1
    ]
    np.testing.assert_allclose(after, before, rtol=1e-9)
    assert np.isfinite(before).all()


def test_calibration_makes_the_training_window_right_on_average(data):
    train = np.arange(400)
    forecast = forecasting.calibrate(
        data, 7 * forecasting.yesterday(data, train), train
    )
    assert np.mean(data.target[train] / forecast[train]) == pytest.approx(1)


def test_calibration_may_forget_all_but_the_last_days(data):
    train = np.arange(400)
    forecast = forecasting.calibrate(
        data, forecasting.har(data, train), train, window=100
    )
    late = data.target[300:400] / forecast[300:400]
    assert late.mean() == pytest.approx(1)
    everything = data.target[train] / forecast[train]
    assert everything.mean() != pytest.approx(1, abs=1e-3)


def test_linear_forecasts_stay_within_the_range_of_their_training(data):
    train = np.arange(400)
    free = log_linear(data, train, LHAR, within_range=False)
    kept = forecasting.lhar(data, train)
    low, high = data.target[train].min(), data.target[train].max()
    assert kept.max() <= high * (1 + 1e-12)
    inside = (free >= low) & (free <= high)
    np.testing.assert_allclose(kept[inside], free[inside])
    storm = forecasting.make_volatility_data(prices_with_a_storm())
    assert log_linear(storm, train, LHAR, within_range=False).max() > 2 * (
        forecasting.lhar(storm, train).max()
    )


def prices_with_a_storm():
    """Return calm days and then some whose range is a hundred times theirs."""
    rng = np.random.default_rng(7)
    size = np.where(np.arange(600) < 500, 0.005, 0.5)
    close = 100 + np.zeros(600)
    spread = size * np.exp(0.2 * rng.normal(size=600))
    return pd.DataFrame(
        {
            "open": close,
            "high": close * np.exp(spread / 2),
            "low": close * np.exp(-spread / 2),
            "close": close * np.exp(spread * rng.uniform(-0.4, 0.4, size=600)),
            "volume": 1e6,
        },
        index=pd.bdate_range("2012-01-02", periods=600),
    )


def test_a_whole_day_is_its_night_and_its_range(prices):
    measured = forecasting.whole_day(prices)
    nights = prices.assign(open=prices["open"] * 1.01)
    nights["high"] = nights[["open", "high"]].max(axis=1)
    expected = (
        np.log(nights["open"].iloc[5] / nights["close"].iloc[4]) ** 2
        + forecasting.garman_klass(nights).iloc[5]
    )
    assert forecasting.whole_day(nights).iloc[5] == pytest.approx(expected)
    np.testing.assert_allclose(
        measured.iloc[0], forecasting.garman_klass(prices).iloc[0]
    )


def test_forecasts_scaled_to_returns_use_only_returns_that_have_come(data):
    forecast = np.full(len(data.dates), 2e-4)
    scaled = forecasting.return_variance(data, forecast, window=50)
    assert np.isnan(scaled[:50]).all()
    assert scaled[50] == pytest.approx(np.mean(data.returns[1:51] ** 2))
    month = forecasting.make_volatility_data(prices_with_a_storm(), 5)
    with pytest.raises(ValueError, match="horizon is 5 days"):
        forecasting.return_variance(month, forecast)


def test_further_columns_become_features_and_none_may_be_missing(prices):
    fear = pd.DataFrame({"fear": np.arange(900.0)}, index=prices.index)
    data = forecasting.make_volatility_data(prices, extra=fear)
    np.testing.assert_array_equal(data.features["fear"], np.arange(22.0, 900))
    with pytest.raises(ValueError, match=r"extra has no fear on 2018-"):
        forecasting.make_volatility_data(prices, extra=fear.iloc[:-1])


def test_days_side_by_side():
    rows = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(
        last_days(rows, 2), [[0, 1, 0, 1], [2, 3, 0, 1], [4, 5, 2, 3]]
    )


def test_a_network_without_memory_answers_from_the_last_row_alone(data):
    """Exchange the past: an MLP says the same, an LSTM does not."""
    features = data.features.to_numpy()
    mixed = features.copy()
    mixed[400:500] = mixed[400:500][::-1]
    target, base = np.log(data.target), np.zeros(len(features))
    from torch.nn.functional import mse_loss

    for cell, same in (("MLP", True), ("LSTM", False)):
        answers = [
            forecasting.train_correction(
                each,
                base,
                target,
                np.arange(400),
                mse_loss,
                cell=cell,
                epochs=2,
            )[500]
            for each in (features, mixed)
        ]
        assert np.isclose(*answers, rtol=0, atol=1e-7) == same


def test_har_by_least_squares(data, prices):
    train = np.arange(400)
    log_variance = np.log(forecasting.garman_klass(prices))
    spans = [log_variance.rolling(days).mean()[22:] for days in (1, 5, 22)]
    fit = sm.OLS(
        np.log(data.target[train]), sm.add_constant(np.array(spans).T[train])
    ).fit()
    expected = np.exp(sm.add_constant(np.array(spans).T) @ fit.params)
    np.testing.assert_allclose(
        forecasting.har(data, train), expected, rtol=1e-8
    )


def test_garch_forecasts_five_days_as_the_mean_of_its_recursion(prices):
    from arch import arch_model

    data = forecasting.make_volatility_data(prices, 5)
    train = np.arange(600)
    percent = 100 * data.returns
    params = (
        arch_model(percent[train], vol="GARCH", p=1, q=1, dist="t")
        .fit(disp="off")
        .params.to_numpy()
    )
    mean, omega, alpha, beta, _ = params
    residual = percent - mean
    one_day = (
        forecasting.garch(forecasting.make_volatility_data(prices), train)[700]
        * 1e4
    )
    later = omega + alpha * residual[700] ** 2
    ahead = [one_day]
    for _ in range(4):
        ahead.append(omega + (alpha + beta) * ahead[-1])
    assert later < one_day
    assert forecasting.garch(data, train)[700] * 1e4 == pytest.approx(
        np.mean(ahead), rel=1e-6
    )


def test_the_correction_starts_at_its_base_and_learns_what_the_base_misses():
    """With a target that depends on the past in a way the base ignores."""
    from torch.nn.functional import mse_loss

    rng = np.random.default_rng(7)
    features = rng.normal(size=(1200, 1))
    base = np.zeros(1200)
    target = np.r_[0, 0, features[:-2, 0]] * 0.8
    untouched = forecasting.train_correction(
        features, base, target, np.arange(800), mse_loss, epochs=0
    )
    np.testing.assert_array_equal(untouched, base)
    learned = forecasting.train_correction(
        features,
        base,
        target,
        np.arange(800),
        mse_loss,
        epochs=40,
        learning_rate=1e-2,
    )
    assert forecasting.skill(target[800:], learned[800:], base[800:]) > 0.5


def test_the_correction_says_how_many_days_it_needs():
    from torch.nn.functional import mse_loss

    with pytest.raises(ValueError, match="at least 150 are needed"):
        forecasting.train_correction(
            np.ones((200, 1)),
            np.ones(200),
            np.ones(200),
            np.arange(149),
            mse_loss,
        )


@pytest.mark.parametrize("horizon", [1, 5])
def test_intervals_hold_what_they_promise_and_use_no_error_before_it_is_known(
    horizon,
):
    errors = np.random.default_rng(8).standard_t(4, size=4000)
    lower, upper = forecasting.conformal_interval(errors, 0.9, 250, horizon)
    ready = ~np.isnan(lower)
    assert np.flatnonzero(ready)[0] == 250 + horizon - 1
    held = (errors >= lower) & (errors <= upper)
    assert held[ready].mean() == pytest.approx(0.9, abs=0.02)
    changed = errors.copy()
    changed[1000:] = 99
    _, again = forecasting.conformal_interval(changed, 0.9, 250, horizon)
    np.testing.assert_array_equal(
        again[: 1000 + horizon], upper[: 1000 + horizon]
    )
    assert again[1000 + horizon] > upper[1000 + horizon]


@pytest.mark.parametrize(("coverage", "window"), [(1.2, 100), (0.9, 18)])
def test_intervals_refuse_what_cannot_be_covered(coverage, window):
    with pytest.raises(ValueError, match=r"between 0 and 1|needs 19 errors"):
        forecasting.conformal_interval(np.zeros(300), coverage, window)


def test_direction_baselines_on_a_series_that_reverts():
    rng = np.random.default_rng(9)
    returns = rng.normal(size=2000)
    for t in range(1, 2000):
        returns[t] -= 0.6 * returns[t - 1]
    close = pd.Series(100 * np.exp(np.cumsum(returns) / 100))
    dates, lags, following = direction.lagged_returns(close)
    np.testing.assert_allclose(lags[1:, 0], following[:-1])
    train, test = np.arange(1000), slice(1000, len(dates))
    for model in (direction.autoregression, direction.logistic):
        said = model(lags, following, train)[test] > 0
        assert np.mean(said == (following[test] > 0)) > 0.65
    assert np.ptp(direction.training_mean(lags, following, train)) == 0


def test_costs_are_paid_for_each_change():
    returns = np.array([0.01, -0.02, 0.03])
    invested = np.array([True, False, True])
    np.testing.assert_allclose(
        forecasting.strategy_returns(returns, invested, 10.0),
        [0.009, -0.001, 0.029],
    )


@pytest.mark.parametrize("horizon", [1, 5])
def test_adaptive_intervals_keep_their_promise_where_errors_drift(horizon):
    """Errors grow for ever, so that those of the past are too small."""
    rng = np.random.default_rng(9)
    errors = rng.normal(size=4000) * np.exp(np.arange(4000) / 400)
    plain, adaptive = (
        interval(errors, 0.9, 250, horizon)
        for interval in (
            forecasting.conformal_interval,
            forecasting.adaptive_interval,
        )
    )
    held = [
        np.mean(((errors >= lower) & (errors <= upper))[600:])
        for lower, upper in (plain, adaptive)
    ]
    assert held[0] < 0.86
    assert held[1] == pytest.approx(0.9, abs=0.02)


def test_adaptive_intervals_without_a_rate_are_the_plain_ones_and_look_back():
    errors = np.random.default_rng(10).normal(size=600)
    plain = forecasting.conformal_interval(errors, 0.9, 100, 5)
    fixed = forecasting.adaptive_interval(errors, 0.9, 100, 5, rate=0.0)
    np.testing.assert_array_equal(fixed, plain)
    changed = errors.copy()
    changed[400:] = 50
    before = forecasting.adaptive_interval(errors, 0.9, 100, 5, rate=0.05)
    after = forecasting.adaptive_interval(changed, 0.9, 100, 5, rate=0.05)
    np.testing.assert_array_equal(
        np.array(after)[:, :405], np.array(before)[:, :405]
    )
    assert after[1][405] > before[1][405]


def test_a_gap_of_sharpe_ratios_and_its_interval():
    rng = np.random.default_rng(11)
    index = 0.01 * rng.normal(size=2500)
    same = direction.sharpe_gap(index, 2 * index, draws=200)
    assert same == pytest.approx((0, 0, 0), abs=1e-12)
    better = index + 0.002
    found = direction.sharpe_gap(better, index, draws=200)
    assert found.gap == pytest.approx(
        direction.sharpe(better) - direction.sharpe(index)
    )
    assert 0 < found.low < found.gap < found.high
    independent = direction.sharpe_gap(
        0.01 * rng.normal(size=2500), index, draws=400
    )
    # Two independent ratios of ten years: √2 / √10 years each way.
    assert independent.high - independent.low == pytest.approx(
        2 * 1.96 * np.sqrt(2 / (2500 / 252)), rel=0.25
    )
