import numpy as np
import pytest
import torch

from utils.data.balls import (
    SCALE,
    inputs_and_targets,
    make_balls,
    ratio_accuracy,
    split_by_group,
    start_and_velocity,
)
from utils.length.ball_rnn import BallRNN, train_least_squares, train_sgd
from utils.models.pytorch import BallPredictor


def scaled(rows, dtype=float):
    inputs, lengths, targets = inputs_and_targets(rows)
    return (
        (inputs / SCALE).astype(dtype),
        lengths,
        (targets / SCALE).astype(dtype),
    )


@pytest.fixture(scope="module")
def rows():
    return scaled(make_balls(300, 0))


def torch_twin(model):
    """Build the same network in PyTorch; its parameters are w, U, b, a zero
    bias, v and c."""
    return BallPredictor.from_parts(*model.parts(model.theta))


def test_predictions_and_gradient_equal_pytorch(rows):
    inputs, lengths, targets = rows
    model = BallRNN.initialised(0)
    twin = torch_twin(model)
    predicted = twin(torch.tensor(inputs), torch.tensor(lengths))
    assert (
        np.abs(
            predicted.detach().numpy() - model.predict(inputs, lengths)
        ).max()
        < 1e-12
    )
    (predicted - torch.tensor(targets)).square().mean().backward()
    error = model.predict(inputs, lengths) - targets
    gradient = model.gradient(
        inputs, lengths, model.states(inputs, lengths), 2 * error / len(error)
    )
    w, U, b, _, v, c = (
        parameter.grad.numpy().ravel() for parameter in twin.parameters()
    )
    assert np.abs(gradient - np.concatenate([w, U, b, v, c])).max() < 1e-12


def test_jacobian_equals_finite_differences_and_sums_to_the_gradient(rows):
    inputs, lengths, _ = rows
    model = BallRNN.initialised(1)
    jacobian = model.jacobian(inputs, lengths)
    step = 1e-6
    for k in range(len(model.theta)):
        ahead, behind = model.theta.copy(), model.theta.copy()
        ahead[k] += step
        behind[k] -= step
        difference = BallRNN(ahead).predict(inputs, lengths) - BallRNN(
            behind
        ).predict(inputs, lengths)
        assert np.abs(jacobian[:, k] - difference / (2 * step)).max() < 1e-8
    direction = np.random.default_rng(0).normal(size=len(inputs))
    gradient = model.gradient(
        inputs, lengths, model.states(inputs, lengths), direction
    )
    assert np.abs(gradient - direction @ jacobian).max() < 1e-10


def test_padding_changes_nothing(rows):
    inputs, lengths, _ = rows
    model = BallRNN.initialised(2)
    wide = np.pad(inputs, ((0, 0), (0, 4)), constant_values=9.0)
    assert np.array_equal(
        model.predict(wide, lengths), model.predict(inputs, lengths)
    )
    assert (
        np.abs(
            model.jacobian(wide, lengths) - model.jacobian(inputs, lengths)
        ).max()
        < 1e-12
    )


def test_sgd_takes_pytorchs_steps(rows):
    inputs, lengths, _ = rows
    model = BallRNN.initialised(3)
    twin = torch_twin(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    x, n_valid, y = map(torch.tensor, rows)
    run = train_sgd(model, rows, rows, max_epochs=4)
    assert run.best_epoch >= 2
    for _ in range(run.best_epoch):
        for start in range(0, 300, 100):
            batch = slice(start, start + 100)
            predicted = twin(x[batch], n_valid[batch])
            loss = torch.nn.functional.mse_loss(predicted, y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    after = twin(x, n_valid).detach().numpy()
    assert np.abs(after - run.best.predict(inputs, lengths)).max() < 1e-10
    assert np.abs(after - model.predict(inputs, lengths)).max() > 1e-3


def test_sgd_stops_when_patience_is_spent(rows):
    run = train_sgd(
        BallRNN.initialised(0), rows, rows, learning_rate=0.0, patience=4
    )
    assert run.best_epoch in (0, 1)
    assert len(run.valid_accuracy) == run.best_epoch + 5


@pytest.mark.parametrize("seed", [0, 1])
def test_least_squares_meets_the_target_on_unseen_lines(seed):
    rows = make_balls(10_000, seed)
    train, _, test = split_by_group(start_and_velocity(rows), seed)
    distinct = [
        np.array(row) for row in sorted({tuple(rows[i]) for i in train})
    ]
    model = train_least_squares(BallRNN.initialised(seed), scaled(distinct))
    inputs, lengths, targets = scaled([rows[i] for i in test])
    predicted = model.predict(inputs, lengths) * SCALE
    assert ratio_accuracy(targets * SCALE, predicted) >= 0.999
    assert np.abs(targets * SCALE - predicted).mean() <= 0.001
