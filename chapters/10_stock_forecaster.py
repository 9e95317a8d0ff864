# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,mystnb,-all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,-jupytext
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The stock forecaster
#
# Search for "LSTM stock prediction" and you will find a curve that follows the
# market almost perfectly. Can a recurrent network forecast stock prices, and if
# not, what about them can it forecast?
#
# At the end you will be able to
#
# - put any forecast beside the simplest one, and tell skill from luck with a
#   test;
# - name the leaks that make a forecast look good, and measure what each is
#   worth;
# - say why the direction of tomorrow's price stays unknown, and what acting on
#   a guess costs;
# - forecast tomorrow's *volatility* better than the field's standard models,
#   with an interval that holds what it promises;
# - run all of this on your own file of prices.

# %% tags=["bootstrap", "remove-cell"]
# Find the book's code in a folder above, or fetch it (as in Colab).
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = "https://github.com/_owner_/unrolled"
REF = os.environ.get("UNROLLED_REF", "main")
above = Path.cwd().resolve().parents
book = next((each for each in above if (each / "utils/scratch").is_dir()), None)
if book is None:
    book = Path("unrolled").resolve()
    if "/_owner_/" in REPOSITORY:
        raise RuntimeError(
            "This copy has no address yet: run `make repository URL=...` in it."
        )
    if not book.exists():
        clone = ["git", "clone", "-q", "--depth=1", "-b", REF, REPOSITORY, book]
        subprocess.run(clone, check=True)
sys.path.insert(0, str(book))
# PyTorch comes before TensorFlow: the other order can crash this kernel.
import utils.pytorch_first  # noqa: F401

needed = ["arch", "jaxtyping", "lightning-fabric", "sacrebleu"]
lacking = [name for name in needed if not find_spec(name.replace("-", "_"))]
if lacking:
    install = [sys.executable, "-m", "pip", "install", "--quiet", *lacking]
    subprocess.run(install, check=True)

# %%

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
from utils import forecasting
from utils.data import load_prices, make_windows
from utils.exercises import (
    check_har_features,
    check_price_windows,
    check_scaler,
)
from utils.figures.style import COLORS, use_book_style
from utils.forecasting import direction
from utils.labs import trading_cost_lab
from utils.models.keras import stacked_price_lstm
from utils.models.pytorch import ManyToOne
from utils.notebook import load_results, show_source
from utils.training import fit, keep_keras_on_cpu

keep_keras_on_cpu()
use_book_style()

# %% [markdown]
# ## Prices, and how to use your own
#
# The `arch` package carries daily prices of the S&P 500 and the NASDAQ from
# 1999 to 2018. To run this chapter on your own, change one line:
# `PRICES = "mine.csv"`, a file of 1,000 rows or more whose header names date,
# open, high, low, close and volume.

# %%
PRICES = "sp500"
prices = load_prices(PRICES, min_rows=1000)
close = prices["close"].to_numpy()
print(
    f"{len(prices)} days, {prices.index[0]:%Y-%m-%d} to "
    f"{prices.index[-1]:%Y-%m-%d}"
)

# %% [markdown]
# Some files are easily read without complaint and wrongly: a European export
# with `;` and decimal commas, or dates written as whole numbers. So
# `load_prices` guesses nothing. It names the file, the line, the column, what
# it found there, and the argument that settles it.

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    export = Path(folder) / "export.csv"
    export.write_text(
        "Date;Open;High;Low;Close;Volume\n02.01.2020;100,0;102,0;99,0;101,0;5000\n"
    )
    try:
        load_prices(export)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## The forecast that everybody shows
#
# The popular system scales the closing price to between 0 and 1 on the whole
# series, cuts windows of 60 days, and trains three LSTM layers of 50 units with
# dropout to predict the next value. The last fifth of the windows is the test.

# %%
low, high = close.min(), close.max()
scaled = np.float32((close - low) / (high - low))


def split_windows(length):
    x, y = make_windows(scaled, length)
    end = int(0.8 * len(x))
    return (x[:end, :, None], y[:end]), (x[end:, :, None], y[end:])


# %% [markdown]
# One epoch runs here; the other 49 are on record below. The PyTorch tab holds a
# lighter form of the idea: two layers of 64 units on windows of 10 days.

# %% tags=["tab-keras"]
# Keras
keras.utils.set_random_seed(0)
model = stacked_price_lstm(lookback=60)
(x_train, y_train), (x_test, y_test) = split_windows(60)
_ = model.fit(x_train, y_train, batch_size=32, epochs=1, verbose=0)
keras_forecast = model.predict(x_test, verbose=0)[:, 0]

# %% tags=["tab-pytorch"]
# PyTorch
torch.manual_seed(0)
model = ManyToOne(nn.LSTM, 1, 64, 1, num_layers=2, dropout=0.0)
train, (x_test, y_test) = split_windows(10)
windows = TensorDataset(
    *(torch.tensor(each) for each in (train[0], train[1][:, None]))
)
batches = DataLoader(windows, batch_size=32, shuffle=True)
optimizer = torch.optim.Adam(model.parameters())
_ = fit(
    model, batches, loss=nn.functional.mse_loss, optimizer=optimizer, epochs=1
)
torch_forecast = model(torch.tensor(x_test))[:, 0].detach().numpy()

# %% [markdown]
# ## The persistence court
#
# A forecast of a price has one rival that costs nothing: *tomorrow's price is
# today's*. Persistence, as this is called, is hard to beat because a price is
# close to a random walk: if it were plainly going to rise, it would have risen
# already. So the court asks four things of a forecast $f_t$ of $y_t$:
#
# - its error beside persistence's, as **skill**
#   ([Murphy,
#   1988](https://doi.org/10.1175/1520-0493(1988)116%3C2417:SSBOTM%3E2.0.CO;2)),
#
# $$
# \text{skill} = 1 - \frac{\sum_t (y_t - f_t)^2}{\sum_t (y_t - y_{t-1})^2},
# $$ (eq-stock-skill)
#
#   1 for a perfect forecast, 0 for persistence, negative for anything worse;
# - whether the difference is more than luck, by the test of
#   [Diebold and Mariano
#   (1995)](https://doi.org/10.1080/07350015.1995.10524599): the mean difference
#   $\bar d$ of the losses over its own standard error,
#
# $$
# \text{DM} = \frac{\bar d}{\sqrt{\hat V(\bar d)}},
# $$ (eq-stock-dm)
#
#   where $\hat V$ allows for the losses' autocorrelation, with the small-sample
#   factor of [Harvey et al.
#   (1997)](https://doi.org/10.1016/S0169-2070(96)00719-4); below −2 it favours
#   the forecast;
# - the **lag** at which it fits best: a curve that copies yesterday fits best
#   one day back;
# - a picture of the last days, near enough to see the copying.

# %%
show_source(forecasting.skill, forecasting.diebold_mariano)

# %% [markdown]
# Both systems before the court, after one epoch:


# %%
def to_points(scaled_forecast):
    return low + np.float64(scaled_forecast) * (high - low)


def try_forecast(name, scaled_forecast):
    days = len(scaled_forecast)
    forecast = to_points(scaled_forecast)
    verdict = forecasting.persistence_court(
        close[-days:], forecast, close[-days - 1 : -1]
    )
    print(
        f"{name}: worse than persistence {verdict.skill < 0}, surely "
        f"{verdict.dm_statistic > 2}"
    )
    return verdict


_ = try_forecast("Keras", keras_forecast)
verdict = try_forecast("PyTorch", torch_forecast)
print(
    f"persistence: RMSE {verdict.persistence_rmse:.4g}, MAPE "
    f"{verdict.persistence_mape:.2f} %"
)

# %% [markdown]
# One epoch is unfair to them. The record holds both on the S&P 500 after 1, 3,
# 15 and 50 epochs: the root mean squared error in index points of each of three
# seeds.

# %%
record = load_results("stock_tutorial")["results"]
table = {
    (system, f"after {epoch}"): [
        f"{record[system][seed]['epochs'][epoch]['rmse']:.0f}"
        for seed in record[system]
    ]
    for system in ("keras", "pytorch")
    for epoch in ("1", "3", "15", "50")
}
pd.Series({key: "  ".join(each) for key, each in table.items()}).unstack(
    sort=False
)

# %%
rival = record["persistence"]
print(f"persistence: RMSE {rival['rmse']:.1f}, MAPE {rival['mape']:.2f} %")
for name in ("keras", "pytorch"):
    errors = [
        run["epochs"]["50"]["rmse"] / rival["rmse"]
        for run in record[name].values()
    ]
    print(
        f"{name} after 50 epochs: {min(errors):.1f} to {max(errors):.1f} "
        "times that RMSE"
    )

# %% [markdown]
# No seed of either system beats yesterday's price after any number of epochs.
# The Keras system stays well behind, how far depends on the seed; two seeds of
# the lighter one come close after 50 epochs, by learning to repeat the window's
# last value. How, then, does the curve look so good? Here is the recorded Keras
# run of seed 0 after 50 epochs, its last 60 days at full size.

# %% mystnb={"image": {"alt": "Above, sixty days of the S&P 500 and the forecast, which has the same shape a few days later and lies off the truth. Below, bars of the misfit at lags of 0 to 20 days: the least is not at lag 0."}}
sp500 = load_prices("sp500")["close"].to_numpy()
recorded = np.array(record["keras"]["0"]["forecast"].split(), dtype=float)
days = len(recorded)
verdict = forecasting.persistence_court(
    sp500[-days:], recorded, sp500[-days - 1 : -1]
)
print(verdict)
figure = verdict.figure()
figure.suptitle(f"The forecast trails the truth by {verdict.best_lag} days")
plt.show()

# %% [markdown]
# From afar the two curves coincide. From near, the forecast is the past,
# smoothed: the bars are lowest where it is moved back by days. Nothing in it
# can be acted upon.
#
# ### A forecaster of noise
#
# Some tutorials train on random numbers. For independent noise the best
# forecast is the mean, with an error of one standard deviation $\sigma$.
# Persistence misses by the difference of two independent draws,
# $\sqrt2\,\sigma$, so here even a constant "beats persistence". Which rival is
# right depends on the series; try both.

# %%
noise = np.random.default_rng(0).normal(size=100_000)
ratio = forecasting.rmse(noise[1:], noise[:-1]) / forecasting.rmse(
    noise[1:], np.zeros(99_999)
)
print(f"persistence over mean, RMSE: {ratio:.2f}")

# %% [markdown]
# ## Four leaks
#
# A leak lets the forecast see what it could not have known. The record has a
# small LSTM on the S&P 500, five seeds, with each of four leaks and without
# (`benchmarks/leaks.py`): the scaler fitted on all days; windows shuffled
# before the split; the epoch chosen on the test days; a bidirectional network
# that answers at every step.

# %%
leaks = load_results("leaks")["results"].values()
rows = {}
for name in ("scaler", "shuffle", "test as validation", "bidirectional"):
    clean = np.array([run[name]["clean"] for run in leaks])
    gain = np.array([run[name]["leaking"] for run in leaks]) - clean
    score, digits = ("R²", 2) if name == "bidirectional" else ("RMSE", 0)
    numbers = (clean.mean(), clean.std(ddof=1), gain.mean(), gain.std(ddof=1))
    rows[name] = [score, *(f"{each:.{digits}f}" for each in numbers)]
pd.DataFrame(
    rows, index=["score", "without", "its seeds' sd", "leak adds", "sd of that"]
).T

# %% [markdown]
# The two-way network is the plainest: at each step its backward half has read
# the answer, and it "explains" nearly all of a return that nobody can forecast.
# Shuffled windows come next: each test window has neighbours in training that
# share nine of its ten days, and no price lies outside the range that the
# network has seen. The scaler fitted on all days helps every seed, because it
# brings the test prices into the range of training for a network that cannot
# extrapolate; how much depends on how far the market rose. What the choice of
# the epoch on the test days adds is lost in the noise of the seeds.
#
# In the tutorial's split most test days lie above every training price:

# %%
print(
    f"{100 * rival['share_above_training_maximum']:.0f} % of test days above "
    "the training maximum"
)

# %% [markdown]
# This is why a price is the wrong thing to forecast. What repeats itself is the
# *return*, $r_t = \ln(p_t / p_{t-1})$.
#
# ## Returns: will it rise tomorrow?
#
# The test must respect time: fit on the past, forecast a block, move on.
# `walk_forward` yields the positions; the window before each block grows
# (expanding) or keeps its length (rolling).

# %%
show_source(forecasting.walk_forward)

# %%
dates, lags, following = direction.lagged_returns(prices["close"])
first = int(0.4 * len(dates))
folds = list(forecasting.walk_forward(len(dates), first, 504))
models = {
    "training mean": direction.training_mean,
    "AR(1)": direction.autoregression,
    "five-lag logit": direction.logistic,
}
forecasts = {
    name: np.concatenate(
        [model(lags, following, fold.train)[fold.test] for fold in folds]
    )
    for name, model in models.items()
}

# %% [markdown]
# What must an accuracy be compared with? Not with one half: the market rises on
# more than half of all days, so "up" every day is right more often than a coin.
# The right null is the **up-rate**; or, allowing for how often each forecast
# says "up", the independence test of
# [Pesaran and Timmermann
# (1992)](https://doi.org/10.1080/07350015.1992.10509922).

# %%
up = following[first:] > 0
for name, forecast in forecasts.items():
    hits = np.sum((forecast > 0) == up)
    coin, rate = (
        stats.binomtest(hits, len(up), p).pvalue for p in (0.5, up.mean())
    )
    print(
        f"{name:15} accuracy {hits / len(up):.3f}, p against a coin "
        f"{coin:.2g}, up-rate {rate:.2g}"
    )
print(f"{'always up':15} accuracy {up.mean():.3f}")

# %% [markdown]
# The record adds the LSTM (three seeds averaged, trained on the cross-entropy)
# on both indices, for the years 2007 to 2018, with expanding and rolling
# windows.

# %%
columns = {
    "accuracy": "accuracy",
    "p_coin": "p, coin",
    "p_up_rate": "p, up-rate",
}
runs = load_results("direction")["results"]
pd.DataFrame(
    {
        name: {"up-rate": run["up_rate"]}
        | {
            title: run["direction"]["LSTM, cross-entropy"][key]
            for key, title in columns.items()
        }
        | {
            "p, independence": run["direction"]["LSTM, cross-entropy"][
                "p_independence"
            ]
        }
        | {
            "R² of returns, %": run["returns"]["LSTM, squared error"][
                "r2_percent"
            ]
        }
        for name, run in runs.items()
    }
).T.astype(float).round(3)

# %% [markdown]
# Against a coin the LSTM looks certain; against the up-rate nothing is left.
# The independence test sees a trace on the S&P 500 (p of 0.02 and 0.01) and
# nothing on the NASDAQ: among many tests that is what chance looks like. As a
# forecast of the return it does worse than zero in three of the four cases, and
# in the fourth a Diebold–Mariano test finds no difference (`dm_p` in the
# record). No skill here survives a second index.
#
# ### What acting on it costs
#
# Hold the index on days for which the AR(1) forecast is positive, else hold
# cash. Each change costs some basis points (1 bp is one hundredth of a per
# cent). Move the slider.

# %%
ahead = np.expm1(following[first:] / 100)
trading_cost_lab(ahead, forecasts["AR(1)"] > 0, "AR(1)")

# %% [markdown]
# At no cost the orange line ends above the index; at 10 bp it ends below where
# it began. In numbers, with the Sharpe ratio (the mean daily return over its
# standard deviation, for a year):

# %%
for cost in (0.0, 2.0, 10.0):
    net = forecasting.strategy_returns(ahead, forecasts["AR(1)"] > 0, cost)
    print(
        f"{cost:2.0f} bp: 1 becomes {np.prod(1 + net):.2f}, Sharpe "
        f"{forecasting.sharpe(net):.2f}"
    )
print(
    f"index: 1 becomes {np.prod(1 + ahead):.2f}, Sharpe "
    f"{forecasting.sharpe(ahead):.2f}"
)

# %% [markdown]
# Where does the gain before costs come from? The record splits it at the end of
# 2009.

# %%
run = runs["sp500 expanding"]
for name in ("AR(1)", "five-lag logit", "LSTM, cross-entropy", "always up"):
    crisis, since = (
        run[f"sharpe_{years}"][name] for years in ("2007_2009", "from_2010")
    )
    print(f"{name:20} Sharpe 2007–2009 {crisis:5.2f}, from 2010 {since:5.2f}")

# %% [markdown]
# Most of what these rules earn beyond the index they earned by stepping aside
# in the crisis; a Sharpe ratio over twelve years is itself uncertain by about
# $1/\sqrt{12} \approx 0.3$. On a far larger universe [Fischer and Krauss
# (2018)](https://doi.org/10.1016/j.ejor.2017.11.054) found an LSTM's edge clear
# until 2009 and gone after costs from 2010.
#
# ## Volatility, where there is skill
#
# The *size* of tomorrow's move is another matter: calm follows calm and storm
# follows storm. Its measure from one day's prices is due to [Garman and Klass
# (1980)](https://doi.org/10.1086/296072),
#
# $$
# \sigma^2_t = \tfrac12 \ln\!\left(\frac{H_t}{L_t}\right)^2
#   - (2 \ln 2 - 1) \ln\!\left(\frac{C_t}{O_t}\right)^2 .
# $$ (eq-stock-gk)

# %% mystnb={"image": {"alt": "Daily volatility in per cent over all days, on a logarithmic axis: long calm and stormy stretches, with the highest peak in the worst crisis of the sample."}}
variance = forecasting.garman_klass(prices)
figure, axes = plt.subplots()
axes.semilogy(prices.index, 100 * np.sqrt(variance), linewidth=0.6)
axes.yaxis.set_major_formatter("{x:g}")
axes.set(ylabel="% a day", title="Volatility comes in long waves")
plt.show()

# %% [markdown]
# Neighbouring days are alike, and the waves last for months: this can be
# forecast.
#
# A warning: the S&P file has a seam. In its early years the "open" is a copy of
# the previous close, later a traded price, so {eq}`eq-stock-gk` changes its
# meaning inside the sample.

# %%
copied = (
    prices["open"].eq(prices["close"].shift()).groupby(prices.index.year).mean()
)
print(
    {
        int(year): f"{100 * share:.0f} %"
        for year, share in copied.items()
        if year % 3 == 0
    }
)

# %% [markdown]
# The check: a measure that needs no open, [Parkinson's
# (1980)](https://doi.org/10.1086/296071) range, and the NASDAQ. Both are on
# record below.
#
# ### The field's models
#
# **HAR** ([Corsi, 2009](https://doi.org/10.1093/jjfinec/nbp001)) regresses
# tomorrow's log variance $v_{t+1}$ on its last value and its means over a week
# and a month,
#
# $$
# \hat v_{t+1} = b_0 + b_1 v_t + b_2 \bar v_t^{(5)} + b_3 \bar v_t^{(22)} .
# $$ (eq-stock-har)
#
# Four numbers, and [tuned machine learning failed to beat it on 1,445
# stocks](https://arxiv.org/abs/2406.08041). **LHAR**
# ([Corsi and Renò, 2012](https://doi.org/10.1080/07350015.2012.663261)) adds
# the negative returns of the same three spans, because falls raise volatility
# more than rises. **GARCH** with Student-t errors ([Bollerslev,
# 1987](https://doi.org/10.2307/1925546)) filters squared returns, and **GJR**
# ([Glosten et al., 1993](https://doi.org/10.1111/j.1540-6261.1993.tb05128.x))
# gives falls a coefficient of their own.
#
# ### The LSTM, as a correction
#
# HAR is right about most of it, so let the network learn only what HAR misses:
#
# $$
# \hat v_{t+1} = \hat v^{\text{HAR}}_{t+1} + w^\top h_t + c, \qquad
# h_t = \text{LSTM}(x_1, \dots, x_t), \qquad w = 0,\ c = 0 \text{ at the start.}
# $$ (eq-stock-correction)
#
# The features $x_t$ are HAR's three, the return, the negative return with its
# weekly and monthly means, and the volume against its monthly mean. Training
# cuts the series into chunks of 64 days, each behind a burn-in of 22 that fills
# the state and is not scored.

# %%
show_source(forecasting.train_correction)

# %% [markdown]
# ### Scores that fit variances
#
# The score of the field is QLIKE,
#
# $$
# \text{QLIKE}(\sigma^2, f) = \frac{\sigma^2}{f} - \ln \frac{\sigma^2}{f} - 1 ,
# $$ (eq-stock-qlike)
#
# which stays honest although $\sigma^2$ is only a noisy measure
# ([Patton, 2011](https://doi.org/10.1016/j.jeconom.2010.03.034)). GARCH
# forecasts the variance from close to close, HAR the logarithm of another
# measure; so that all stand on one scale, each is multiplied by the constant
# that makes it right on average over its training window (`calibrate`).
#
# Now walk forward, every model fitted again before each fold, the network with
# one seed:

# %%
data = forecasting.make_volatility_data(prices, horizon=1)
first = int(0.4 * len(data.dates))
folds = list(forecasting.walk_forward(data.known, first, 504))
models = {
    "yesterday": forecasting.yesterday,
    "GJR-t": forecasting.gjr_garch,
    "HAR": forecasting.har,
    "LHAR": forecasting.lhar,
    "LSTM correction": forecasting.recurrent_volatility,
}
forecasts = {
    name: forecasting.forecast_folds(data, each, folds)
    for name, each in models.items()
}

# %%
test = slice(first, data.known)
losses = {
    name: forecasting.qlike(data.target[test], f[test])
    for name, f in forecasts.items()
}
for name in ("yesterday", "GJR-t", "HAR", "LHAR"):
    print(f"{name:10} QLIKE {losses[name].mean():.3f}")
network = losses["LSTM correction"]
for name in ("GJR-t", "HAR"):
    better = forecasting.diebold_mariano(network, losses[name]).statistic < -2
    print(
        f"the LSTM correction is better than {name}, by more than luck: "
        f"{better}"
    )

# %% mystnb={"image": {"alt": "One year of daily volatility as dots and two forecasts as lines: both follow its level, the LSTM correction reacts to falls and calms sooner than HAR."}}
year = slice(data.known - 252, data.known)
figure, axes = plt.subplots()
axes.plot(
    data.dates[year],
    100 * np.sqrt(data.target[year]),
    ".",
    color="gray",
    label="came",
)
for name, color in (("HAR", "blue"), ("LSTM correction", "vermilion")):
    axes.plot(
        data.dates[year],
        100 * np.sqrt(forecasts[name][year]),
        color=COLORS[color],
        label=name,
    )
axes.set(
    ylabel="% a day",
    title="The last year: the correction turns sooner than HAR",
)
axes.tick_params(axis="x", rotation=30)
axes.legend()
plt.show()

# %% [markdown]
# Both lines follow the level of the dots; at the turns the correction tends to
# move first and further. No forecast should chase a single day's dot, which is
# noisy.
#
# ### The full record
#
# Three seeds averaged, both indices, 2007 to 2018, every pair tested
# (`benchmarks/volatility.py`). It adds a GRU, and both networks alone, without
# HAR beneath them. Learning rate and epochs were chosen on the years before
# 2007; the size of the network was fixed in trials that had seen later years,
# so fresh data are its better judge. MSE is of variances in squared per cent.
# Negative DM favours the row.

# %%
record = load_results("volatility")["results"]


def summary(case):
    rivals = ("HAR", "LHAR", "GJR-t", "linear, all features")
    rows = {
        name: {"QLIKE": f"{score:.4f}", "MSE": f"{case['mse'][name]:.1f}"}
        | {
            f"DM, {each}": f"{case['dm'][name][each]['statistic']:+.1f}"
            for each in rivals
            if each != name
        }
        | {"in the 90 % set": case["confidence_set"][name] > 0.1}
        for name, score in case["qlike"].items()
    }
    return pd.DataFrame(rows).T.fillna("")


summary(record["sp500 1 Garman–Klass"])

# %%
summary(record["nasdaq 1 Garman–Klass"])

# %% [markdown]
# The last column says which models the confidence set of
# [Hansen et al. (2011)](https://doi.org/10.3982/ECTA5771) keeps: those that no
# other beats beyond doubt. Five days ahead:

# %%
columns = ["QLIKE", "MSE", "DM, HAR", "DM, LHAR", "in the 90 % set"]
five_days = {
    index: summary(record[f"{index} 5 Garman–Klass"]).loc["GJR-t":, columns]
    for index in ("sp500", "nasdaq")
}
pd.concat(five_days, axis=1)

# %% [markdown]
# And what each saves of HAR's QLIKE, in per cent; in brackets the p-value
# against the linear model that sees the same features.

# %%
linear = "linear, all features"


def saving(case, name):
    saved = f"{100 * (1 - case['qlike'][name] / case['qlike']['HAR']):.1f}"
    return (
        saved
        if name == linear
        else f"{saved} ({case['dm'][name][linear]['p_value']:.2f})"
    )


networks = [
    f"{cell} {role}"
    for role in ("correction", "alone")
    for cell in ("LSTM", "GRU")
]
pd.DataFrame(
    {
        key: {
            name: saving(case, name)
            for name in (linear, *networks)
            if name in case["qlike"]
        }
        for key, case in record.items()
    }
).T.fillna("")

# %% [markdown]
# One day ahead every network saves more than a tenth of HAR's QLIKE on both
# indices, and the confidence set keeps the four of them and nothing else. Three
# things temper this.
#
# - Most of the gain is in the features: the linear model that sees them saves
#   8.7 % and 9.9 %. What the LSTM correction adds to that may be luck on the
#   NASDAQ, and on both indices with Parkinson's range, which does not know the
#   seam; there it saves 8.9 % and 8.8 % of HAR's QLIKE.
# - The network needs neither to be an LSTM nor to have HAR beneath it: the four
#   differ by no more than luck in QLIKE. What HAR lowers is their squared
#   error.
# - **Five days ahead there is no win.** No network beats LHAR by more than
#   luck, and on the NASDAQ the set drops all of them but one, the LSTM
#   correction too.
#
# The squared errors show why QLIKE is the better judge: on the S&P 500 the
# linear models with returns in them owe theirs to a handful of days. Over the
# longer test above:

# %%
squared = (data.target[test] - forecasts["LHAR"][test]) ** 2
worst = np.argsort(squared)[-3:]
print(
    f"three days make {100 * squared[worst].sum() / squared.sum():.0f} % of "
    "LHAR's squared error:"
)
print(
    ", ".join(
        f"after {day:%Y-%m-%d}" for day in sorted(data.dates[test][worst])
    )
)

# %% [markdown]
# On such days a linear model of the logarithm extrapolates beyond anything it
# was fitted on, and the exponential does the rest. An LSTM's outputs are
# bounded, which here is a virtue.
#
# ## Intervals
#
# The log forecast's own errors, out of sample, give it a margin: take the last
# 504 known at the origin, and cut off one twentieth at each end. This is
# conformal prediction
# ([Lei et al., 2018](https://doi.org/10.1080/01621459.2017.1307116)); its
# promise of 90 % needs errors that could be exchanged in time, which a market's
# cannot, so the coverage has to be measured.

# %%
errors = np.log(data.target) - np.log(forecasts["LSTM correction"])
lower, upper = forecasting.conformal_interval(errors, coverage=0.9, window=504)
for fold in folds[1:]:
    held = (errors >= lower)[fold.test] & (errors <= upper)[fold.test]
    print(
        f"{data.dates[fold.test[0]]:%Y-%m}: holds 80 to 97 % of days: "
        f"{0.8 < held.mean() < 0.97}"
    )

# %%
for key, case in record.items():
    coverage = case["intervals"]["LSTM correction"]
    per_fold = "  ".join(f"{100 * each:.0f}" for each in coverage["coverage"])
    print(
        f"{key:21} {100 * coverage['coverage_overall']:.1f} % overall; per "
        f"fold {per_fold}"
    )

# %% [markdown]
# One day ahead the coverage stays within three points of the promise in every
# fold, crisis or calm. Five days ahead it falls to 83 %, for targets that
# overlap err in runs. The intervals are wide: a day's range is a noisy measure,
# and an honest interval has to hold the noise too.
#
# ## The forecaster outside the book
#
# The same model runs from a shell on any file that `load_prices` accepts, and
# prints the baselines' scores beside its own:
#
# ```
# python -m utils.forecasting --prices mine.csv --horizon 1 --out forecast.csv
# ```
# %% [markdown]
# `--help` describes the columns. A file that cannot be used leaves nothing
# behind.
#
# ## Summary
#
# - A forecast of a price is worth what it saves against repeating the last
#   price. No recorded seed of the popular LSTM saves anything; its curve
#   convinces because it follows, days late.
# - Leaks are measured by running without them. A two-way network that answers
#   at every step and shuffled windows are the dear ones here.
# - Direction: compare with the up-rate, never with one half. No skill was
#   found.
# - Volatility: HAR is four coefficients and hard to beat. Networks beat it one
#   day ahead on both indices, mostly by their features; five days ahead none
#   beats LHAR.
# - Intervals from past errors need no distribution, but check their coverage
#   block by block.
#
# ## Exercises
#
# ```{exercise-start} Windows
# :label: ex-stock-windows
# ```
# *easy* Write `windows(series)`, which returns every window of 5 steps and the
# value after each, and run `check_price_windows(windows)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-stock-windows
# :class: dropdown
# ```


# %%
def windows(series):
    starts = range(len(series) - 5)
    return np.array([series[i : i + 5] for i in starts]), np.array(
        [series[i + 5] for i in starts]
    )


_ = check_price_windows(windows)
_ = check_price_windows(lambda series: (windows(series)[0], series[4:-1]))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} A scaler that keeps the secret
# :label: ex-stock-scaler
# ```
# *easy* Write `scale(train, test)`, which min–max scales both parts and leaks
# nothing, and run `check_scaler(scale)`.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-stock-scaler
# :class: dropdown
# ```


# %%
def scale(train, test):
    low, high = train.min(), train.max()
    return (train - low) / (high - low), (test - low) / (high - low)


_ = check_scaler(scale)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} HAR by hand
# :label: ex-stock-har
# ```
# *medium* Write `har_features(log_variance)`, HAR's three regressors at every
# origin from the 22nd day on, run `check_har_features`, and fit the four
# coefficients of {eq}`eq-stock-har` on the first half of the days. Do they
# agree with `forecasting.har`?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-stock-har
# :class: dropdown
# ```


# %%
def har_features(log_variance):
    ends = range(22, len(log_variance) + 1)
    spans = [
        [log_variance[end - days : end].mean() for end in ends]
        for days in (1, 5, 22)
    ]
    return np.array(spans).T


_ = check_har_features(har_features)

# %%
log_variance = np.log(variance.to_numpy())
design = np.column_stack(
    [np.ones(len(prices) - 21), har_features(log_variance)]
)
half = len(prices) // 2
b, *_ = np.linalg.lstsq(
    design[1:half], log_variance[23 : half + 22], rcond=None
)
by_hand = np.exp(design[1:] @ b)
agree = np.allclose(by_hand, forecasting.har(data, np.arange(half - 1)))
print(f"b = {b.round(2)}; the same forecasts as forecasting.har: {agree}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} When does persistence beat the mean?
# :label: ex-stock-rivals
# ```
# *medium* For noise the mean wins by $\sqrt2$; for a random walk persistence
# wins. Between them lies $y_t = \rho\,y_{t-1} + \varepsilon_t$. At which $\rho$
# are the two rivals equal? Derive it, then simulate.
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-stock-rivals
# :class: dropdown
# ```
# The mean's squared error is the variance $\gamma_0$; persistence's is
# $2\gamma_0 - 2\gamma_1 = 2\gamma_0 (1 - \rho)$. They are equal at
# $\rho = \tfrac12$.

# %%
from scipy.signal import lfilter

for rho in (0.0, 0.5, 0.9):
    y = lfilter([1], [1, -rho], np.random.default_rng(1).normal(size=200_000))
    print(
        f"rho {rho}: skill of the mean against persistence "
        f"{1 - y.var() / np.diff(y).var():+.2f}"
    )

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise-start} How much past does HAR want?
# :label: ex-stock-rolling
# ```
# *hard* [The paper that finds HAR so hard to
# beat](https://arxiv.org/abs/2406.08041) puts that down to the fitting window.
# Refit HAR every 21 days on rolling windows of 250, 500 and 1,000 days and on
# an expanding one. Does the window matter here, and by more than luck?
# ```{exercise-end}
# ```
#
# ```{solution-start} ex-stock-rolling
# :class: dropdown
# ```


# %%
def refit(train_size):
    folds = list(
        forecasting.walk_forward(data.known, first, 21, train_size=train_size)
    )
    forecast = forecasting.forecast_folds(data, forecasting.har, folds)[
        first : data.known
    ]
    return forecasting.qlike(data.target[first : data.known], forecast)


expanding = refit(None)
print(f"expanding: {expanding.mean():.3f}")
for days in (250, 500, 1000):
    loss = refit(days)
    dm = forecasting.diebold_mariano(loss, expanding).statistic
    print(f"{days:9}: {loss.mean():.3f}, DM against expanding {dm:+.1f}")

# %% [markdown]
# On the S&P 500 no difference is more than luck. That paper had intraday data,
# which make each day's variance less noisy.
# ```{solution-end}
# ```
#
# ## Further reading
#
# - [Patton (2011)](https://doi.org/10.1016/j.jeconom.2010.03.034): which losses
#   still rank volatility forecasts rightly when the truth is only a proxy.
# - [Corsi (2009)](https://doi.org/10.1093/jjfinec/nbp001): how three means
#   imitate a memory of months.
# - [Audrino and Chassot (2024)](https://arxiv.org/abs/2406.08041): read it
#   before you claim a win over a badly fitted HAR.
# - [Fischer and Krauss (2018)](https://doi.org/10.1016/j.ejor.2017.11.054): the
#   most careful case for an LSTM on stocks, with costs.
#
# Before: [attention](09_attention.ipynb). Next:
# [sentiment](11_sentiment.ipynb).
