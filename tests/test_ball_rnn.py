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
from utils.length.ball_rnn import (
    BallRNN,
    shuffled_batches,
    train_adam,
    train_lbfgs,
    train_least_squares,
    train_like_the_source,
    train_sgd,
)
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
    """Build the same network in PyTorch; its parameters are w, W, b, a zero
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
    w, W, b, _, v, c = (
        parameter.grad.numpy().T.ravel() for parameter in twin.parameters()
    )
    assert np.abs(gradient - np.concatenate([w, W, b, v, c])).max() < 1e-12


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


def test_the_sources_training_takes_pytorchs_steps(rows):
    inputs, lengths, _ = rows
    model = BallRNN.initialised(3)
    twin = torch_twin(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    x, n_valid, y = map(torch.tensor, rows)
    run = train_like_the_source(model, rows, rows, max_epochs=4)
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


def in_torch(model, rows, optimizer_class, rate, epochs, **options):
    """Train PyTorch's network on the same batches, the rate along a cosine."""
    twin = torch_twin(model)
    if optimizer_class is torch.optim.Adam:  # one bias, as ours has
        twin.rnn.bias_hh_l0.requires_grad_(False)
    optimizer = optimizer_class(
        [p for p in twin.parameters() if p.requires_grad], lr=rate, **options
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _, batches in shuffled_batches(rows, 100, epochs, 7):
        for x, lengths, y in batches:
            predicted = twin(torch.from_numpy(x), torch.from_numpy(lengths))
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(
                predicted, torch.from_numpy(y)
            ).backward()
            optimizer.step()
        schedule.step()
    with torch.no_grad():
        return twin(*map(torch.from_numpy, rows[:2])).numpy()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_takes_pytorchs_steps(rows, momentum):
    model = BallRNN.initialised(3)
    ours = train_sgd(model, rows, 0.1, 5, 7, momentum)
    theirs = in_torch(model, rows, torch.optim.SGD, 0.1, 5, momentum=momentum)
    assert np.abs(ours.predict(*rows[:2]) - theirs).max() < 1e-10
    assert np.abs(model.predict(*rows[:2]) - theirs).max() > 1e-3


def test_adam_takes_pytorchs_steps(rows):
    model = BallRNN.initialised(3)
    ours = train_adam(model, rows, 0.03, 5, 7)
    theirs = in_torch(model, rows, torch.optim.Adam, 0.03, 5)
    assert np.abs(ours.predict(*rows[:2]) - theirs).max() < 1e-9


def test_lbfgs_never_ends_above_its_start(rows):
    model = BallRNN.initialised(4)
    seen = []
    ours = train_lbfgs(model, rows, 40, lambda done, _: seen.append(done))
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) <= 60
    before, after = (m.loss_gradient(rows)[0] for m in (model, ours))
    assert after < before / 20


def test_a_least_squares_step_solves_its_equation(rows):
    inputs, lengths, targets = rows
    model = BallRNN.initialised(5)
    found = train_least_squares(model, rows, 1, damping=10.0)
    J = model.jacobian(inputs, lengths)
    A = J.T @ J
    left = (A + 10 * np.diag(np.diag(A))) @ (found.theta - model.theta)
    right = -J.T @ (model.predict(inputs, lengths) - targets)
    assert np.abs(left - right).max() < 1e-8


def test_a_least_squares_step_that_fails_is_taken_back(rows):
    model = BallRNN.initialised(5)
    losses = [model.loss_gradient(rows)[0]]
    train_least_squares(
        model,
        rows,
        25,
        damping=1e-9,
        watch=lambda _, m: losses.append(m.loss_gradient(rows)[0]),
    )
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) < len(losses)
    assert losses[-1] < losses[0] / 10


def test_sgd_stops_when_patience_is_spent(rows):
    run = train_like_the_source(
        BallRNN.initialised(0), rows, rows, learning_rate=0.0, patience=4
    )
    assert run.best_epoch in (0, 1)
    assert len(run.valid_accuracy) == run.best_epoch + 5


def test_a_singular_system_is_a_step_that_fails(rows):
    silent = BallRNN(np.zeros(89))
    found = train_least_squares(silent, rows, 30)
    assert np.isfinite(found.theta).all()
    assert found.loss_gradient(rows)[0] <= silent.loss_gradient(rows)[0]


def test_least_squares_meets_the_target_on_unseen_lines():
    rows = make_balls(10_000, 0)
    train, _, test = split_by_group(start_and_velocity(rows), 0)
    distinct = [
        np.array(row) for row in sorted({tuple(rows[i]) for i in train})
    ]
    model = train_least_squares(BallRNN.initialised(0), scaled(distinct), 600)
    inputs, lengths, targets = scaled([rows[i] for i in test])
    predicted = model.predict(inputs, lengths) * SCALE
    assert ratio_accuracy(targets * SCALE, predicted) >= 0.999
    assert np.abs(targets * SCALE - predicted).mean() <= 0.001
