"""The network of the moving ball in NumPy, and the ways to train it that
chapter 06 compares."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

from utils.data.balls import SCALE, ratio_accuracy

Rows = tuple[
    Float[np.ndarray, "_batch _time"],
    Int[np.ndarray, " _batch"],
    Float[np.ndarray, " _batch"],
]  # inputs, lengths and targets, in positions / SCALE; the parts differ in size
Watch = Callable[[int, "BallRNN"], None]


@dataclass
class BallRNN:
    r"""One tanh layer over scalar inputs and a linear read-out of its last
    state.

    $h_t = \tanh(x_t w + h_{t-1} W + b)$ with $h_0 = 0$, and
    $\hat y = h_n v + c$ where $n$ is the row's own length. `theta` holds
    all parameters in one vector: w (hidden), W (hidden, hidden) row by row, b
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
        """Cut parameters, or derivatives by them, into views of w, W, b, v
        and c."""
        n = self.hidden_size
        w, W, b, v, c = np.split(vector, np.cumsum([n, n * n, n, n]), axis=-1)
        return [w, W.reshape(*W.shape[:-1], n, n), b, v, c]

    def states(
        self,
        inputs: Float[np.ndarray, "batch time"],
        lengths: Int[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "steps batch hidden"]:
        """Run the recurrence: states before the first step and after each; a
        finished row stays."""
        w, W, b, _, _ = self.parts(self.theta)
        batch, time = inputs.shape
        states = np.zeros(
            (time + 1, batch, self.hidden_size), dtype=self.theta.dtype
        )
        for t in range(time):
            states[t + 1] = np.tanh(inputs[:, t, None] * w + states[t] @ W + b)
            finished = lengths <= t
            states[t + 1][finished] = states[t][finished]
        return states

    def read_out(
        self, states: Float[np.ndarray, "steps batch hidden"]
    ) -> Float[np.ndarray, " batch"]:
        r"""Turn the final states into predictions, $h_n v + c$."""
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

        $\delta z_n = d \, v \odot (1 - h_n^2)$ and
        $\delta z_{t-1} = \delta z_t W^\top \odot (1 - h_{t-1}^2)$; zero on
        padding.
        """
        _, W, _, v, _ = self.parts(self.theta)
        deltas = np.empty_like(states[1:])
        d_state = d_predicted[:, None] * v
        for t in reversed(range(len(deltas))):
            active = (lengths > t)[:, None]
            deltas[t] = d_state * (1 - states[t + 1] ** 2) * active
            d_state = np.where(active, deltas[t] @ W.T, d_state)
        return deltas

    def jacobian(
        self,
        inputs: Float[np.ndarray, "batch time"],
        lengths: Int[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "batch parameter"]:
        r"""Differentiate each prediction by each parameter.

        $\partial \hat y / \partial w = \sum_t x_t \, \delta z_t$,
        $\partial \hat y / \partial W = \sum_t h_{t-1}^\top \delta z_t$,
        $\partial \hat y / \partial b = \sum_t \delta z_t$, and $h_n$ and 1 for
        v and c.
        """
        states = self.states(inputs, lengths)
        deltas = self.deltas(
            states, lengths, np.ones(len(inputs), self.theta.dtype)
        )
        result = np.empty(
            (len(inputs), len(self.theta)), dtype=self.theta.dtype
        )
        w, W, b, v, c = self.parts(result)
        w[:] = np.einsum("tbi,bt->bi", deltas, inputs)
        W[:] = np.einsum("tbi,tbj->bij", states[:-1], deltas)
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
        w, W, b, v, c = self.parts(result)
        w[:] = inputs.T.reshape(-1) @ flat
        W[:] = states[:-1].reshape(-1, n).T @ flat
        b[:] = flat.sum(axis=0)
        v[:] = d_predicted @ states[-1]
        c[:] = d_predicted.sum()
        return result

    def loss_gradient(
        self, rows: Rows
    ) -> tuple[float, Float[np.ndarray, " parameter"]]:
        """Return the mean squared error over the rows and its gradient."""
        inputs, lengths, targets = rows
        states = self.states(inputs, lengths)
        error = self.read_out(states) - targets
        gradient = self.gradient(
            inputs, lengths, states, error * (2 / len(error))
        )
        return float(error @ error) / len(error), gradient

    def copy(self) -> "BallRNN":
        """Return a model of its own with the same parameters."""
        return BallRNN(self.theta.copy(), self.hidden_size)


@dataclass
class SGDRun:
    """What `train_like_the_source` leaves: the best weights, their epoch, the
    accuracies after each epoch."""

    best: BallRNN
    best_epoch: int
    train_accuracy: list[float]
    valid_accuracy: list[float]


def train_like_the_source(
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
    model = model.copy()
    rates = learning_rate * bias_twice(model)
    batches = cut(train, np.arange(len(train[0])), batch_size)
    run = SGDRun(best, 0, [], [])
    for epoch in range(1, max_epochs + 1):
        scores = []
        for inputs, lengths, targets in batches:
            states = model.states(inputs, lengths)
            error = model.read_out(states) - targets
            scores.append(
                ratio_accuracy(targets * SCALE, (targets + error) * SCALE)
            )
            model.theta -= rates * model.gradient(
                inputs, lengths, states, error * (2 / len(error))
            )
        run.train_accuracy.append(float(np.mean(scores)))
        accuracy = ratio_accuracy(
            valid[2] * SCALE, model.predict(*valid[:2]) * SCALE
        )
        if accuracy > max(run.valid_accuracy, default=0.0):
            run.best, run.best_epoch = model.copy(), epoch
        run.valid_accuracy.append(accuracy)
        if epoch - run.best_epoch > patience:
            break
    return run


def bias_twice(model: BallRNN) -> Float[np.ndarray, " parameter"]:
    """Return 1 for every parameter and 2 for the bias.

    The bias is the sum of PyTorch's two, and in SGD each of those takes the
    full step.
    """
    rates = np.ones_like(model.theta)
    _, _, bias, _, _ = model.parts(rates)
    bias *= 2
    return rates


def cut(
    rows: Rows, order: Int[np.ndarray, " row"], batch_size: int
) -> list[Rows]:
    """Cut rows into batches in the given order."""
    return [
        (rows[0][some], rows[1][some], rows[2][some])
        for some in np.split(order, range(batch_size, len(order), batch_size))
    ]


def cosine(rate: float, epoch: int, epochs: int) -> float:
    """Lower a learning rate from `rate` to 0 along half a cosine."""
    return rate * (1 + np.cos(np.pi * epoch / epochs)) / 2


def shuffled_batches(
    rows: Rows, batch_size: int, epochs: int, seed: int
) -> Iterator[tuple[int, list[Rows]]]:
    """Yield each epoch, from 0, and its batches, shuffled anew."""
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        yield epoch, cut(rows, rng.permutation(len(rows[0])), batch_size)


def train_sgd(
    model: BallRNN,
    train: Rows,
    rate: float,
    epochs: int,
    seed: int,
    momentum: float = 0.0,
    watch: Watch | None = None,
    batch_size: int = 100,
) -> BallRNN:
    """Minimise the mean squared error by SGD whose rate falls along a cosine.

    $m = \\mu m + g$ and $\\theta = \\theta - \\eta m$, PyTorch's momentum.
    `watch` sees the number of epochs done and the model after each of them.
    """
    model = model.copy()
    velocity, twice = np.zeros_like(model.theta), bias_twice(model)
    for epoch, batches in shuffled_batches(train, batch_size, epochs, seed):
        for batch in batches:
            _, gradient = model.loss_gradient(batch)
            velocity = momentum * velocity + gradient
            model.theta -= cosine(rate, epoch, epochs) * twice * velocity
        if watch is not None:
            watch(epoch + 1, model)
    return model


def train_adam(
    model: BallRNN,
    train: Rows,
    rate: float,
    epochs: int,
    seed: int,
    watch: Watch | None = None,
    batch_size: int = 100,
) -> BallRNN:
    """Minimise the mean squared error by Adam whose rate falls along a cosine.

    The bias takes one step where PyTorch's two would take one each. `watch` as
    in `train_sgd`.

    Source: Kingma and Ba (2015), https://arxiv.org/abs/1412.6980.
    """
    model = model.copy()
    mean, square = np.zeros_like(model.theta), np.zeros_like(model.theta)
    step = 0
    for epoch, batches in shuffled_batches(train, batch_size, epochs, seed):
        for batch in batches:
            _, gradient = model.loss_gradient(batch)
            step += 1
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            scaled = mean / (1 - 0.9**step)
            scaled /= np.sqrt(square / (1 - 0.999**step)) + 1e-8
            model.theta -= cosine(rate, epoch, epochs) * scaled
        if watch is not None:
            watch(epoch + 1, model)
    return model


def train_lbfgs(
    model: BallRNN,
    train: Rows,
    evaluations: int,
    watch: Watch | None = None,
) -> BallRNN:
    """Minimise the mean squared error by L-BFGS on all rows at once.

    SciPy's, with 20 pairs of differences kept; it stops after `evaluations` of
    the gradient, or where it finds no lower point. `watch` sees the number of
    evaluations done and the model that was evaluated.

    Source: Liu and Nocedal (1989), https://doi.org/10.1007/BF01589116.
    """
    done = 0

    def loss_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal done
        point = BallRNN(theta, model.hidden_size)
        result = point.loss_gradient(train)
        done += 1
        if watch is not None:
            watch(done, point)
        return result

    found = minimize(
        loss_gradient,
        model.theta,
        jac=True,
        method="L-BFGS-B",
        options={
            "maxfun": evaluations,
            "maxiter": evaluations,
            "maxcor": 20,
            "ftol": 0.0,
            "gtol": 0.0,
        },
    )
    return BallRNN(found.x, model.hidden_size)


def train_least_squares(
    model: BallRNN,
    train: Rows,
    steps: int = 300,
    damping: float = 1e-2,
    watch: Watch | None = None,
) -> BallRNN:
    r"""Minimise the squared errors by damped Gauss-Newton steps, all rows at
    once.

    $(J^\top J + \lambda D) \Delta\theta = -J^\top r$ with $D$ the diagonal of
    $J^\top J$; $\lambda$ is divided by ten after a step that lowers the errors
    and multiplied by ten after one that does not and is taken back. It stops
    after `steps` of either kind, or where $\lambda$ has grown so large that
    no step is left. `watch` sees the number of steps done and the model.

    Sources: Levenberg (1944), https://doi.org/10.1090/qam/10666; Marquardt
    (1963), https://doi.org/10.1137/0111030.
    """
    inputs, lengths, targets = train
    model = model.copy()
    r = model.predict(inputs, lengths) - targets
    J = model.jacobian(inputs, lengths)
    for done in range(1, steps + 1):
        A = J.T @ J
        A += damping * np.diag(np.diag(A))
        try:
            step = np.linalg.solve(A, -J.T @ r)
        except np.linalg.LinAlgError:  # singular: as a step that fails
            step = np.zeros_like(model.theta)
        trial = BallRNN(model.theta + step, model.hidden_size)
        r_trial = trial.predict(inputs, lengths) - targets
        if r_trial @ r_trial < r @ r:
            model, r, damping = trial, r_trial, damping / 10
            J = model.jacobian(inputs, lengths)
        else:
            damping *= 10
        if watch is not None:
            watch(done, model)
        if damping > 1e12:
            break
    return model
