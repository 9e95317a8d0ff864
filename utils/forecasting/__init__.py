"""Honest forecasts: baselines, walk-forward splits, scores, tests of
significance, volatility.

`python -m utils.forecasting --help` forecasts the volatility in a file of
prices.
"""

from utils.forecasting.court import Verdict, persistence_court
from utils.forecasting.direction import sharpe, sharpe_gap, strategy_returns
from utils.forecasting.intervals import adaptive_interval, conformal_interval
from utils.forecasting.recurrent import (
    TUNED,
    recurrent_volatility,
    train_correction,
    train_on_chunks,
    tree_correction,
)
from utils.forecasting.scores import (
    best_lag,
    lag_errors,
    mape,
    qlike,
    rmse,
    skill,
)
from utils.forecasting.significance import (
    Significance,
    diebold_mariano,
    holm,
    mcnemar,
    mincer_zarnowitz,
    pesaran_timmermann,
)
from utils.forecasting.splits import Fold, walk_forward
from utils.forecasting.volatility import (
    VolatilityData,
    all_linear,
    calibrate,
    ewma,
    forecast_folds,
    garch,
    garman_klass,
    gjr_garch,
    har,
    lhar,
    make_volatility_data,
    parkinson,
    return_variance,
    whole_day,
    yesterday,
)

__all__ = [
    "TUNED",
    "Fold",
    "Significance",
    "Verdict",
    "VolatilityData",
    "adaptive_interval",
    "all_linear",
    "best_lag",
    "calibrate",
    "conformal_interval",
    "diebold_mariano",
    "ewma",
    "forecast_folds",
    "garch",
    "garman_klass",
    "gjr_garch",
    "har",
    "holm",
    "lag_errors",
    "lhar",
    "make_volatility_data",
    "mape",
    "mcnemar",
    "mincer_zarnowitz",
    "parkinson",
    "persistence_court",
    "pesaran_timmermann",
    "qlike",
    "recurrent_volatility",
    "return_variance",
    "rmse",
    "sharpe",
    "sharpe_gap",
    "skill",
    "strategy_returns",
    "train_correction",
    "train_on_chunks",
    "tree_correction",
    "walk_forward",
    "whole_day",
    "yesterday",
]
