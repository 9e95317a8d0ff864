"""The moving ball's network in NumPy, its derivatives, and two ways to train
it.

Chapter 5 derives the Jacobian and sets the two ways side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import least_squares

from utils.data.balls import SCALE, ratio_accuracy

Rows = tuple[
    Float[np.ndarray, "_batch _time"],
    Int[np.ndarray, " _batch"],
    Float[np.ndarray, " _batch"],
]  # inputs, lengths and targets, in positions / SCALE; the parts differ in size


@dataclass
class BallRNN:
    r"""One tanh layer over scalar inputs and a linear read-out of its last
    state.

    $h_t = \tanh(w x_t + U h_{t-1} + b)$ with $h_0 = 0$, and
    $\hat y = v^\top h_n + c$ where $n$ is the row's own length. `theta` holds
    all parameters in one vector: w (hidden), U (hidden, hidden) row by row, b
    (hidden), v (hidden), c (1): 89 numbers for 8 units. Inputs and predictions
    are in the units of the training data, positions / SCALE in the book.
    """

    theta: Float[np.ndarray, " parameter"]
    hidden_size: int = 8

    @classmethod
    def initialised(
        cls, rng: np.random.Generator | int, hidden_size: int = 8
    ) -> "BallRNN":
        r"""Draw every parameter uniformly from $\pm 1/\sqrt{hidden}$, as
        PyTorch does.

        The bias is the sum of two such draws, because PyTorch's layer has two.
        """
        rng = np.random.default_rng(rng)
        bound = hidden_size**-0.5
        model = cls(
            rng.uniform(-bound, bound, hidden_size**2 + 3 * hidden_size + 1),
            hidden_size,
        )
        _, _, bias, _, _ = model.parts(model.theta)
        bias += rng.uniform(-bound, bound, hidden_size)
        return model

    def parts(
        self, vector: Float[np.ndarray, "*rows parameter"]
    ) -> list[np.ndarray]:
        """Cut parameters, or derivatives by them, into views of w, U, b, v
        and c."""
        n = self.hidden_size
        w, U, b, v, c = np.split(vector, np.cumsum([n, n * n, n, n]), axis=-1)
        return [w, U.reshape(*U.shape[:-1], n, n), b, v, c]

    def states(
        self,
        inputs: Float[np.ndarray, "batch time"],
        lengths: Int[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "steps batch hidden"]:
        """Run the recurrence: states before the first step and after each; a
        finished row stays."""
        w, U, b, _, _ = self.parts(self.theta)
        batch, time = inputs.shape
        states = np.zeros(
            (time + 1, batch, self.hidden_size), dtype=self.theta.dtype
        )
        for t in range(time):
            states[t + 1] = np.tanh(
                inputs[:, t, None] * w + states[t] @ U.T + b
            )
            finished = lengths <= t
            states[t + 1][finished] = states[t][finished]
        return states

    def read_out(
        self, states: Float[np.ndarray, "steps batch hidden"]
    ) -> Float[np.ndarray, " batch"]:
        r"""Turn the final states into predictions, $v^\top h_n + c$."""
        _, _, _, v, c = self.parts(self.theta)
        return states[-1] @ v + c

    def predict(
        self,
        inputs: Float[np.ndarray, "batch time"],
        lengths: Int[np.ndarray, " batch"],
    ) -> Float[np.ndarray, " batch"]:
        """Predict one value for each row from its valid steps."""
        return self.read_out(self.states(inputs, lengths))

    def deltas(
        self,
        states: Float[np.ndarray, "steps batch hidden"],
        lengths: Int[np.ndarray, " batch"],
        d_predicted: Float[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "time batch hidden"]:
        r"""Go back through time: the derivative by each step's sum inside the
        tanh.

        $\delta_n = d \, v \odot (1 - h_n^2)$ and
        $\delta_{t-1} = U^\top \delta_t \odot (1 - h_{t-1}^2)$; zero on padding.
        """
        _, U, _, v, _ = self.parts(self.theta)
        deltas = np.empty_like(states[1:])
        d_state = d_predicted[:, None] * v
        for t in reversed(range(len(deltas))):
            active = (lengths > t)[:, None]
            deltas[t] = d_state * (1 - states[t + 1] ** 2) * active
            d_state = np.where(active, deltas[t] @ U, d_state)
        return deltas

    def jacobian(
        self,
        inputs: Float[np.ndarray, "batch time"],
        lengths: Int[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "batch parameter"]:
        r"""Differentiate each prediction by each parameter.

        $\partial \hat y / \partial w = \sum_t \delta_t x_t$,
        $\partial \hat y / \partial U = \sum_t \delta_t h_{t-1}^\top$,
        $\partial \hat y / \partial b = \sum_t \delta_t$, and $h_n$ and 1 for v
        and c.
        """
        states = self.states(inputs, lengths)
        deltas = self.deltas(
            states, lengths, np.ones(len(inputs), self.theta.dtype)
        )
        result = np.empty(
            (len(inputs), len(self.theta)), dtype=self.theta.dtype
        )
        w, U, b, v, c = self.parts(result)
        w[:] = np.einsum("tbi,bt->bi", deltas, inputs)
        U[:] = np.einsum("tbi,tbj->bij", deltas, states[:-1])
        b[:] = deltas.sum(axis=0)
        v[:] = states[-1]
        c[:] = 1
        return result

    def gradient(
        self,
        inputs: Float[np.ndarray, "batch time"],
        lengths: Int[np.ndarray, " batch"],
        states: Float[np.ndarray, "steps batch hidden"],
        d_predicted: Float[np.ndarray, " batch"],
    ) -> Float[np.ndarray, " parameter"]:
        """Compute `d_predicted @ jacobian`, summed over the batch without
        building its rows."""
        n = self.hidden_size
        deltas = self.deltas(states, lengths, d_predicted)
        flat = deltas.reshape(-1, n)
        result = np.empty_like(self.theta)
        w, U, b, v, c = self.parts(result)
        w[:] = inputs.T.reshape(-1) @ flat
        U[:] = flat.T @ states[:-1].reshape(-1, n)
        b[:] = flat.sum(axis=0)
        v[:] = d_predicted @ states[-1]
        c[:] = d_predicted.sum()
        return result


@dataclass
class SGDRun:
    """What `train_sgd` leaves: the best weights, their epoch, the accuracies
    after each epoch."""

    best: BallRNN
    best_epoch: int
    train_accuracy: list[float]
    valid_accuracy: list[float]


def train_sgd(
    model: BallRNN,
    train: Rows,
    valid: Rows,
    learning_rate: float = 0.1,
    batch_size: int = 100,
    patience: int = 100,
    max_epochs: int = 10_000,
) -> SGDRun:
    """Train as the source of the task does: mean squared error, SGD, the same
    batches each epoch.

    Training ends once more than `patience` epochs have passed without a better
    validation accuracy, or after `max_epochs`. The training accuracy is the
    mean over the batches, each scored just before its update.
    """
    best = model
    model = BallRNN(model.theta.copy(), model.hidden_size)
    rates = np.full_like(model.theta, learning_rate)
    _, _, bias_rate, _, _ = model.parts(rates)
    # Our bias is the sum of PyTorch's two, and each of those takes the full
    # step
    bias_rate *= 2
    cuts = range(batch_size, len(train[0]), batch_size)
    batches = list(
        zip(*(np.split(array, cuts) for array in train), strict=True)
    )
    run = SGDRun(best, 0, [], [])
    for epoch in range(1, max_epochs + 1):
        scores = []
        for inputs, lengths, targets in batches:
            states = model.states(inputs, lengths)
            error = model.read_out(states) - targets
            scores.append(
                ratio_accuracy(targets * SCALE, (targets + error) * SCALE)
            )
            d_predicted = error * (2 / len(error))
            model.theta -= rates * model.gradient(
                inputs, lengths, states, d_predicted
            )
        run.train_accuracy.append(float(np.mean(scores)))
        accuracy = ratio_accuracy(
            valid[2] * SCALE, model.predict(*valid[:2]) * SCALE
        )
        if accuracy > max(run.valid_accuracy, default=0.0):
            run.best, run.best_epoch = (
                BallRNN(model.theta.copy(), model.hidden_size),
                epoch,
            )
        run.valid_accuracy.append(accuracy)
        if epoch - run.best_epoch > patience:
            break
    return run


def train_least_squares(
    model: BallRNN,
    train: Rows,
    evaluations: int = 300,
    watch: Callable[[BallRNN], None] | None = None,
) -> BallRNN:
    """Minimise the squared errors by Levenberg-Marquardt, all rows at once,
    from `model`.

    The method is MINPACK's, through SciPy; it stops after `evaluations` of the
    errors, or when they no longer fall. `watch` sees the model at every point
    where the Jacobian is taken.

    Source: Marquardt (1963), https://doi.org/10.1137/0111030.
    """
    inputs, lengths, targets = train

    def errors(theta: np.ndarray) -> np.ndarray:
        return (
            BallRNN(theta, model.hidden_size).predict(inputs, lengths) - targets
        )

    def jacobian(theta: np.ndarray) -> np.ndarray:
        point = BallRNN(theta, model.hidden_size)
        if watch is not None:
            watch(point)
        return point.jacobian(inputs, lengths)

    fitted = least_squares(
        errors,
        model.theta,
        jacobian,
        method="lm",
        max_nfev=evaluations,
        xtol=1e-12,
        ftol=1e-12,
    )
    return BallRNN(fitted.x, model.hidden_size)
