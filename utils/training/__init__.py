"""One training loop for every PyTorch model of the book, with checkpoints."""

from utils.training.device import keep_keras_on_cpu, training_device
from utils.training.loop import History, accuracy, evaluate, fit

__all__ = [
    "History",
    "accuracy",
    "evaluate",
    "fit",
    "keep_keras_on_cpu",
    "training_device",
]
