"""One training loop for every PyTorch model of the book, with checkpoints."""

from utils.training.loop import History, accuracy, evaluate, fit

__all__ = ["History", "accuracy", "evaluate", "fit"]
