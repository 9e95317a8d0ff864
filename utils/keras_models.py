"""Keras models that the chapters train."""

import keras
from keras import layers


def stacked_price_lstm(lookback: int, units: int = 50, dropout: float = 0.2) -> keras.Model:
    """Build the popular price forecaster: three LSTMs with dropout and one dense unit, compiled.

    A window of `lookback` scaled prices in, the next scaled price out; Adam on the mean squared
    error. Chapter 08 judges it.
    """
    model = keras.Sequential([keras.Input((lookback, 1))])
    for returns_sequence in (True, True, False):
        model.add(layers.LSTM(units, return_sequences=returns_sequence))
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(1))
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model
