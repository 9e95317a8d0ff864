"""Gradient descent, Adam, and clipping by the global norm, over the params of
several layers.

Parameters and gradients come as lists of dictionaries, one for each layer:
`Adam([rnn.params, head.params]).step([rnn_grads.params, head_grads.params])`.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Arrays = Sequence[dict[str, Float[np.ndarray, "..."]]]


def clip_global_norm(gradients: Arrays, max_norm: float) -> float:
    """Scale all gradients, in place, so that their joint Euclidean norm is at
    most `max_norm`.

    Returns the norm before clipping. Source:
    [Pascanu, Mikolov and Bengio (2013)](https://arxiv.org/abs/1211.5063). Used
    in chapter 01.
    """
    arrays = [array for layer in gradients for array in layer.values()]
    norm = float(np.sqrt(sum(np.sum(array**2) for array in arrays)))
    if norm > max_norm:
        for array in arrays:
            array *= max_norm / norm
    return norm


class SGD:
    """Gradient descent: w <- w - learning_rate * dw, in place."""

    def __init__(self, params: Arrays, learning_rate: float) -> None:
        self.params = params
        self.learning_rate = learning_rate

    def step(self, gradients: Arrays) -> None:
        """Move every parameter once."""
        for params, grads in zip(self.params, gradients, strict=True):
            for name, gradient in grads.items():
                params[name] -= self.learning_rate * gradient


class Adam:
    """Adam: w <- w - learning_rate * m / (sqrt(v) + epsilon), in place.

    m and v are running means of dw and dw^2 with decays `beta1` and `beta2`,
    each divided by 1 - decay^step. Source: [Kingma and Ba
    (2015)](https://arxiv.org/abs/1412.6980), algorithm 1.
    """

    def __init__(
        self,
        params: Arrays,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.params = params
        self.learning_rate = learning_rate
        self.beta1, self.beta2 = beta1, beta2
        self.epsilon = epsilon
        self.steps = 0
        self._mean, self._square = (
            [
                {name: np.zeros_like(value) for name, value in layer.items()}
                for layer in params
            ]
            for _ in range(2)
        )

    def step(self, gradients: Arrays) -> None:
        """Move every parameter once."""
        self.steps += 1
        m_scale = 1 / (1 - self.beta1**self.steps)
        v_scale = 1 / (1 - self.beta2**self.steps)
        layers = zip(
            self.params, gradients, self._mean, self._square, strict=True
        )
        for params, grads, mean, square in layers:
            for name, gradient in grads.items():
                mean[name] += (1 - self.beta1) * (gradient - mean[name])
                square[name] += (1 - self.beta2) * (gradient**2 - square[name])
                m, v = mean[name] * m_scale, square[name] * v_scale
                params[name] -= (
                    self.learning_rate * m / (np.sqrt(v) + self.epsilon)
                )
