"""Next year's sunspots: stacked GRUs and LSTMs over five seeds beside two
baselines.

Square roots of the yearly means, scaled on the years before 1930; windows of 22
years; one step ahead. The networks train on windows that end before 1890 and
stop early on those before 1930.
"""

import os
from collections.abc import Callable
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import torch
from jaxtyping import Float
from statsmodels.tsa.ar_model import AutoReg
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

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


def main(seeds: int = 5) -> None:
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


if __name__ == "__main__":
    main()
