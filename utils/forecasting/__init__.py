"""Honest forecasts: baselines, walk-forward splits, scores, tests of
significance, volatility.

`python -m utils.forecasting --help` forecasts the volatility in a file of
prices.
"""

from utils.forecasting.court import Verdict, persistence_court
from utils.forecasting.direction import sharpe, strategy_returns
from utils.forecasting.intervals import conformal_interval
from utils.forecasting.recurrent import (
    lstm_correction,
    recurrent_volatility,
    train_correction,
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
    yesterday,
)

__all__ = [
    "Fold",
    "Significance",
    "Verdict",
    "VolatilityData",
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
    "lstm_correction",
    "make_volatility_data",
    "mape",
    "parkinson",
    "persistence_court",
    "pesaran_timmermann",
    "qlike",
    "recurrent_volatility",
    "rmse",
    "sharpe",
    "skill",
    "strategy_returns",
    "train_correction",
    "walk_forward",
    "yesterday",
]
