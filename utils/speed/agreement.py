"""Does this machine compute what the book computes?"""

import numpy as np
import torch

from utils.scratch import GRU, LSTM, RNN
from utils.weights import to_torch

FLOAT64, FLOAT32, TF32 = 1e-12, 1e-5, 1e-2


def deviations() -> dict[str, float]:
    """Return the largest distance from NumPy's float64, by way of computing.

    Outputs and input gradients of all three layers on random data. "float64"
    and "float32" are PyTorch's on the CPU; where there is CUDA, "CUDA float64",
    "CUDA float32" and "CUDA TF32" follow.
    """
    ways = {
        "float64": ("cpu", torch.float64, False),
        "float32": ("cpu", torch.float32, False),
    }
    if torch.cuda.is_available():
        ways |= {
            "CUDA float64": ("cuda", torch.float64, False),
            "CUDA float32": ("cuda", torch.float32, False),
            "CUDA TF32": ("cuda", torch.float32, True),
        }
    found = {}
    for name, (device, dtype, tf32) in ways.items():
        before = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = tf32
        try:
            found[name] = max(
                deviation(kind, device, dtype) for kind in (RNN, GRU, LSTM)
            )
        finally:
            torch.backends.cudnn.allow_tf32 = before
    return found


def deviation(kind: type, device: str, dtype: torch.dtype) -> float:
    """Return how far PyTorch's layer is from NumPy's float64, with the same
    weights."""
    rng = np.random.default_rng(0)
    x, d_outputs = rng.normal(size=(8, 30, 16)), rng.normal(size=(8, 30, 32))
    layer = kind(16, 32, rng=1)
    outputs, _ = layer.forward(x)
    d_x = layer.backward(d_outputs).x
    module = to_torch(layer).to(device, dtype)
    given = torch.tensor(x, device=device, dtype=dtype, requires_grad=True)
    got = module(given)[0]
    got.backward(torch.tensor(d_outputs, device=device, dtype=dtype))
    assert given.grad is not None
    pairs = (got.detach(), outputs), (given.grad, d_x)
    return max(
        float(np.abs(each.cpu().double().numpy() - want).max())
        for each, want in pairs
    )


def verdict(found: dict[str, float]) -> str:
    """Say in words what the deviations mean."""
    limits = {"float64": FLOAT64, "float32": FLOAT32, "TF32": TF32}
    odd = [
        name for name, far in found.items() if far > limits[name.split()[-1]]
    ]
    if odd:
        return f"Look closer at {', '.join(odd)}: further off than rounding."
    return "This machine computes what the book computes, up to rounding."
