"""Recurrent layers in NumPy alone: forward and backward passes written to be
read."""

from utils.scratch.attention import (
    AdditiveAttention,
    AttentionPooling,
    DotProductAttention,
)
from utils.scratch.base import Gradients
from utils.scratch.bidirectional import Bidirectional
from utils.scratch.dense import Dense
from utils.scratch.gradcheck import numerical_gradient, relative_error
from utils.scratch.gru import GRU
from utils.scratch.losses import (
    log_softmax,
    mean_squared_error,
    softmax_cross_entropy,
)
from utils.scratch.lstm import LSTM
from utils.scratch.optim import SGD, Adam, clip_global_norm
from utils.scratch.rnn import RNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Adam",
    "AdditiveAttention",
    "AttentionPooling",
    "Bidirectional",
    "Dense",
    "DotProductAttention",
    "Gradients",
    "clip_global_norm",
    "log_softmax",
    "mean_squared_error",
    "numerical_gradient",
    "relative_error",
    "softmax_cross_entropy",
]
