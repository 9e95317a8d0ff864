"""Next year's sunspots, forecast by stacks and by linear regressions.

    python -m benchmarks.sunspots            the stacks of chapters 02 and 03
    python -m benchmarks.sunspots --years [--tune]

Square roots of the yearly means, scaled on the years before 1930; windows of 22
years; one step ahead. The stacks of GRUs and LSTMs train on windows that end
before 1890 and stop early on those before 1930.

`--years` compares chapter 01's stack of plain RNNs with a linear regression.
Learning rate and epochs, and the regression's order, are the best on 1890 to
1929 (three seeds of their own; `--tune` does no more); then all years before
1930 train both, the stack from five fresh seeds, and every test year's forecast
is recorded. It takes about a minute of one core.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import LinearRegression
from statsmodels.tsa.ar_model import AutoReg
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.digits import clip_each
from benchmarks.record import record, recorded
from utils.data.samples import SunspotWindows, sunspot_windows
from utils.models.pytorch import ManyToOne, initialise_as_keras
from utils.training import fit

EPOCHS, PATIENCE, BATCH, RATE = 100, 20, 32, 3e-3


def rmse(
    data: SunspotWindows, predictions: Float[np.ndarray, " window"]
) -> float:
    """Return the root mean squared error over the test years, in sunspots."""
    return float(
        np.sqrt(
            np.mean(
                (data.sunspots(predictions) - data.sunspots(data.y_test)) ** 2
            )
        )
    )


def torch_rmse(
    kind: type[nn.RNNBase],
    seed: int,
    data: SunspotWindows,
    epochs: int = EPOCHS,
    initialise: Callable[[nn.Module], None] | None = None,
) -> float:
    """Train PyTorch's two-layer model, from other initial weights if asked,
    and score it."""
    torch.manual_seed(seed)
    model = ManyToOne(kind, 1, 32, 1)
    if initialise:
        initialise(model)
    tensors = [
        torch.tensor(array, dtype=torch.float32)
        for array in (
            data.x_train,
            data.y_train[:, None],
            data.x_valid,
            data.y_valid[:, None],
        )
    ]
    batches = DataLoader(TensorDataset(*tensors[:2]), BATCH, shuffle=True)
    fit(
        model,
        batches,
        [tensors[2:]],
        loss=nn.functional.mse_loss,
        optimizer=torch.optim.Adam(model.parameters(), RATE),
        epochs=epochs,
        patience=PATIENCE,
    )
    with torch.no_grad():
        predictions = model(torch.tensor(data.x_test, dtype=torch.float32))
    return rmse(data, predictions.numpy()[:, 0].astype(float))


def keras_rmse(
    kind: str, seed: int, data: SunspotWindows, epochs: int = EPOCHS
) -> float:
    """Train Keras's stack and score it."""
    import keras

    from utils.models.keras import many_to_one

    keras.utils.set_random_seed(seed)
    model = many_to_one(
        getattr(keras.layers, kind), data.x_train.shape[1], 1, 1
    )
    model.compile(keras.optimizers.Adam(RATE), "mean_squared_error")
    model.fit(
        data.x_train,
        data.y_train,
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        validation_data=(data.x_valid, data.y_valid),
        callbacks=[
            keras.callbacks.EarlyStopping(
                patience=PATIENCE, restore_best_weights=True
            )
        ],
    )
    return rmse(data, model.predict(data.x_test, verbose=0)[:, 0].astype(float))


def baselines(data: SunspotWindows) -> dict[str, float]:
    """Return the error of repeating last year and of a linear autoregression
    on nine years."""
    before = np.concatenate([data.x_train[0, :, 0], data.y_train, data.y_valid])
    constant, *weights = AutoReg(before, 9).fit().params
    linear = constant + data.x_test[:, -9:, 0] @ np.array(weights[::-1])
    return {
        "last year's value": rmse(data, data.x_test[:, -1, 0]),
        "linear autoregression, 9 years": rmse(data, linear),
    }


# Year by year: the plain stack of chapter 01 beside a linear regression

STACK_RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
STACK_EPOCHS = 50
TUNING_SEEDS = range(100, 103)
Years = Float[np.ndarray, " year"]
Windows = tuple[
    Float[np.ndarray, "window year 1"], Float[np.ndarray, " window"]
]


class Stack(nn.Module):
    """SimpleRNN(64) → SimpleRNN(32) → Dense(1), from Keras's initial weights.

    PyTorch trains it several times as fast as Keras on a CPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lower = nn.RNN(1, 64, batch_first=True)
        self.upper = nn.RNN(64, 32, batch_first=True)
        self.head = nn.Linear(32, 1)
        with torch.no_grad():
            initialise_as_keras(self)

    def forward(
        self, x: Float[Tensor, "window year 1"]
    ) -> Float[Tensor, " window"]:
        """Forecast the year after each window."""
        outputs, _ = self.upper(self.lower(x)[0])
        return self.head(outputs[:, -1])[:, 0]


def stacked_forecasts(
    params: dict[str, Tensor], x: Float[Tensor, "#model window year 1"]
) -> Float[Tensor, "model window"]:
    """Run many stacks at once, each with weights of its own."""

    def linear(x: Tensor, name: str, end: str = "") -> Tensor:
        weight, bias = (
            params[f"{name}.weight{end}"],
            params[f"{name}.bias{end}"],
        )
        return x @ weight.transpose(1, 2) + bias[:, None]

    models, (_, windows, *_) = len(params["head.weight"]), x.shape
    lower = torch.zeros(models, windows, 64)
    upper = torch.zeros(models, windows, 32)
    for year in x.unbind(2):
        from_below = linear(lower, "lower", "_hh_l0")
        lower = (linear(year, "lower", "_ih_l0") + from_below).tanh()
        from_below = linear(lower, "upper", "_ih_l0")
        upper = (from_below + linear(upper, "upper", "_hh_l0")).tanh()
    return linear(upper, "head")[..., 0]


def train_stacks(
    seeds: Sequence[int],
    rate: float,
    epochs: int,
    known: Windows,
    unseen: Windows,
) -> tuple[dict[str, Tensor], list[list[float]]]:
    """Train a stack from each seed, all at once; return their weights and each
    one's loss on the unseen years after every epoch.

    Each has its own first weights, batches and clipping.
    """
    models, orders = [], []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(Stack())
        orders.append(torch.Generator().manual_seed(seed))
    params = torch.func.stack_module_state(models)[0]
    x, y, x_unseen, y_unseen = (
        torch.tensor(array, dtype=torch.float32) for array in (*known, *unseen)
    )
    optimizer = torch.optim.Adam(params.values(), rate, eps=1e-7)
    curves: list[list[float]] = [[] for _ in seeds]
    for _ in range(epochs):
        places = [torch.randperm(len(y), generator=order) for order in orders]
        for batch in torch.stack(places).split(BATCH, dim=1):
            errors = stacked_forecasts(params, x[batch]) - y[batch]
            optimizer.zero_grad()
            errors.square().mean(dim=1).sum().backward()
            clip_each(params, 1.0)
            optimizer.step()
        with torch.no_grad():
            errors = stacked_forecasts(params, x_unseen[None]) - y_unseen
        for curve, loss in zip(
            curves, errors.square().mean(dim=1), strict=True
        ):
            curve.append(round(float(loss), 4))
    return params, curves


def until_1930(data: SunspotWindows) -> Windows:
    """Return the windows before the test part: what trains once rate, epochs
    and order are chosen."""
    return (
        np.concatenate([data.x_train, data.x_valid]),
        np.concatenate([data.y_train, data.y_valid]),
    )


def tune_stack(
    data: SunspotWindows, done: dict[str, list[float]], save: Callable[[], None]
) -> tuple[float, int]:
    """Return the rate and number of epochs with the lowest mean validation
    loss over three seeds.

    Tries three rates; while the best is the lowest or highest of those tried,
    one further out. `done` keeps each loss by rate and seed.
    """
    tried = list(STACK_RATES[1:4])
    known, unseen = (data.x_train, data.y_train), (data.x_valid, data.y_valid)
    while True:
        for rate in tried:
            keys = [f"{rate:g} / {seed}" for seed in TUNING_SEEDS]
            if keys[0] not in done:
                curves = train_stacks(
                    TUNING_SEEDS, rate, STACK_EPOCHS, known, unseen
                )[1]
                done.update(zip(keys, curves, strict=True))
                save()
        rate, epochs = best_stack(done)
        beyond = {min(tried): -1, max(tried): 1}.get(rate, 0)
        neighbour = STACK_RATES.index(rate) + beyond
        if not beyond or not 0 <= neighbour < len(STACK_RATES):
            return rate, epochs
        tried.append(STACK_RATES[neighbour])


def best_stack(done: dict[str, list[float]]) -> tuple[float, int]:
    """Return the rate and epochs at which the seeds' mean curve is lowest."""
    curves: dict[float, list[list[float]]] = {}
    for key, curve in done.items():
        curves.setdefault(float(key.split(" / ")[0]), []).append(curve)
    means = {rate: np.mean(each, axis=0) for rate, each in curves.items()}
    best = min(means, key=lambda rate: means[rate].min())
    return best, int(means[best].argmin()) + 1


def linear_forecast(
    order: int,
    known: Windows,
    x: Float[np.ndarray, "window year 1"],
) -> Years:
    """Forecast linearly from the last `order` years of each window."""
    model = LinearRegression().fit(known[0][:, -order:, 0], known[1])
    return model.predict(x[:, -order:, 0])


def tune_order(data: SunspotWindows) -> int:
    """Return the number of years with the lowest validation loss."""
    known = data.x_train, data.y_train
    losses = {
        order: np.mean(
            (linear_forecast(order, known, data.x_valid) - data.y_valid) ** 2
        )
        for order in range(1, data.x_train.shape[1] + 1)
    }
    return min(losses, key=losses.__getitem__)


def compare_year_by_year(only_tune: bool, seeds: int = 5) -> None:
    """Tune and run what `sunspot_years` does not hold yet, saving each run."""
    data, known = sunspot_windows(), until_1930(sunspot_windows())
    results = recorded("sunspot_years") or {"tuning": {}, "forecasts": {}}

    def save() -> None:
        record("sunspot_years", results)

    def forecast(predictions: np.ndarray) -> list[float]:
        return [round(float(x), 2) for x in data.sunspots(predictions)]

    rate, epochs = tune_stack(data, results["tuning"], save)
    order = tune_order(data)
    results["chosen"] = {"rate": rate, "epochs": epochs, "order": order}
    print(results["chosen"], flush=True)
    save()
    if only_tune:
        return
    results["sunspots"] = forecast(data.y_test)
    runs = results["forecasts"]
    runs["last year"] = {"0": forecast(data.x_test[:, -1, 0])}
    runs["linear regression"] = {
        "0": forecast(linear_forecast(order, known, data.x_test))
    }
    if "RNN" not in runs:
        test = data.x_test, data.y_test
        params, _ = train_stacks(range(seeds), rate, epochs, known, test)
        with torch.no_grad():
            x = torch.tensor(data.x_test, dtype=torch.float32)
            found = stacked_forecasts(params, x[None]).numpy()
        runs["RNN"] = {
            str(seed): forecast(each.astype(float))
            for seed, each in enumerate(found)
        }
    save()


def compare_stacks(seeds: int = 5) -> None:
    """Measure what is not recorded yet, and record after every run."""
    data = sunspot_windows()
    results = {
        "test_years": len(data.y_test),
        "baselines": baselines(data),
        "rmse": {},
    }
    results["rmse"] |= recorded("sunspots").get("rmse", {})
    runs = {
        "PyTorch GRU": (torch_rmse, nn.GRU),
        "PyTorch GRU, Keras's initial weights": (
            partial(torch_rmse, initialise=initialise_as_keras),
            nn.GRU,
        ),
        "PyTorch LSTM": (torch_rmse, nn.LSTM),
        "Keras GRU": (keras_rmse, "GRU"),
    }
    for name, (function, argument) in runs.items():
        errors = results["rmse"].setdefault(name, [])
        while len(errors) < seeds:
            errors.append(function(argument, len(errors), data))
            record("sunspots", results)
            print(
                f"{name} seed {len(errors) - 1}: {errors[-1]:.2f}", flush=True
            )
    print(
        results["baselines"],
        {name: np.mean(each) for name, each in results["rmse"].items()},
    )


def main() -> None:
    """Run one of the two comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", action="store_true", help="year by year")
    parser.add_argument("--tune", action="store_true", help="tune, no more")
    arguments = parser.parse_args()
    if arguments.years:
        compare_year_by_year(arguments.tune)
    else:
        compare_stacks()


if __name__ == "__main__":
    main()
