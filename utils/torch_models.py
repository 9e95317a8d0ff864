"""PyTorch models that the chapters train."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class PriceLSTM(nn.Module):
    """Two stacked LSTM layers whose last output a linear layer turns into the next price.

    A window (batch, time, 1) in, (batch, 1) out. Chapter 08.
    """

    def __init__(self, hidden_size: int = 64):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden_size, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def forward(self, x: Float[Tensor, "batch time 1"]) -> Float[Tensor, "batch 1"]:
        outputs, _ = self.lstm(x)
        return self.head(outputs[:, -1])
