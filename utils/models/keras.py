"""Keras models that the chapters train."""

import utils.pytorch_first  # noqa: F401

import keras
from keras import layers


def stacked_price_lstm(
    lookback: int, units: int = 50, dropout: float = 0.2
) -> keras.Model:
    """Build the popular price forecaster: three LSTMs with dropout and one
    dense unit, compiled.

    A window of `lookback` scaled prices in, the next scaled price out; Adam on
    the mean squared error. Chapter 10 judges it.
    """
    model = keras.Sequential([keras.Input((lookback, 1))])
    for returns_sequence in (True, True, False):
        model.add(layers.LSTM(units, return_sequences=returns_sequence))
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(1))
    model.compile(
        optimizer="adam", loss="mean_squared_error", jit_compile=False
    )
    return model


def many_to_one(
    kind: type[layers.Layer],
    time: int,
    input_size: int,
    outputs: int,
    units: tuple[int, int] = (128, 64),
    dropout: float = 0.2,
) -> keras.Model:
    """Build the usual stack: recurrent layer, dropout, recurrent layer, dense
    layer; uncompiled.

    Sequences (batch, time, input) in, (batch, outputs) out; logits where the
    target is a class. `kind` is SimpleRNN, LSTM or GRU. Chapters 02 and 03.
    """
    return keras.Sequential(
        [
            keras.Input((time, input_size)),
            kind(units[0], return_sequences=True),
            layers.Dropout(dropout),
            kind(units[1]),
            layers.Dense(outputs),
        ]
    )
