"""The training loop: what it optimises, when it stops, and that a run
survives anything."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.utils.data import DataLoader, TensorDataset

from utils.training import accuracy, evaluate, fit
from utils.training.checkpoints import (
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
    np.random.seed(0)


class Scale(nn.Module):
    """y = w x with one weight, so that every step can be worked out by hand."""

    def __init__(self, weight=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x):
        return self.weight * x


def one_batch(x, y):
    return [(torch.tensor(x), torch.tensor(y))]


def regression(rows=40):
    x = torch.randn(rows, 3)
    return TensorDataset(x, x.sum(dim=1, keepdim=True))


def network():
    return nn.Sequential(
        nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 1)
    )


# What the loop optimises


def test_gradient_is_clipped_to_the_norm_asked_for():
    model = Scale()
    fit(
        model,
        one_batch([1.0], [100.0]),
        loss=mse_loss,
        epochs=1,
        clip=0.5,
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
    )
    # unclipped, the step would be 200
    assert model.weight.item() == pytest.approx(0.5)


def test_every_input_of_a_batch_reaches_the_model():
    class Gather(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = Scale(1.0)

        def forward(self, x, lengths):
            return self.scale(x[torch.arange(len(x)), lengths - 1])

    x = torch.tensor([[1.0, 5.0, 0.0], [2.0, 3.0, 7.0]])
    batch = (x, torch.tensor([2, 3]), torch.tensor([5.0, 7.0]))
    assert evaluate(Gather(), [batch], loss=mse_loss) == {"loss": 0.0}


def test_scores_are_means_over_rows_not_over_batches():
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    labels = torch.tensor([0, 1, 1])
    model = nn.Linear(2, 2, bias=False)
    nn.init.eye_(model.weight)
    batches = [(logits[:2], labels[:2]), (logits[2:], labels[2:])]
    scores = evaluate(
        model, batches, loss=cross_entropy, metrics={"accuracy": accuracy}
    )
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["loss"] == pytest.approx(cross_entropy(logits, labels).item())


def test_schedule_moves_after_every_step():
    model = Scale()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    batches = one_batch([1.0], [1.0]) * 3
    fit(
        model,
        batches,
        loss=mse_loss,
        optimizer=optimizer,
        schedule=schedule,
        epochs=2,
    )
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5**6)


# When it stops


def test_stops_after_patience_with_the_best_weights_back():
    model = Scale()  # training pulls the weight to 10, validation wants 3
    history = fit(
        model,
        one_batch([1.0], [10.0]),
        one_batch([1.0], [3.0]),
        loss=mse_loss,
        epochs=50,
        patience=4,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.05),
    )
    losses = history.frame["valid_loss"]
    assert history.best_epoch == losses.idxmin() < len(losses)
    assert len(losses) == history.best_epoch + 4
    assert (
        evaluate(model, one_batch([1.0], [3.0]), loss=mse_loss)["loss"]
        == losses.min()
    )
    assert not model.training


def test_without_validation_the_last_weights_stay():
    model = Scale()
    history = fit(
        model,
        one_batch([1.0], [10.0]),
        loss=mse_loss,
        epochs=3,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
    )
    assert history.best_epoch == history.steps == 3
    assert model.weight.item() == pytest.approx(10 * (1 - 0.8**3))


def test_history_draws_its_curves_and_marks_the_best_epoch():
    model = Scale()
    history = fit(
        model,
        one_batch([1.0], [10.0]),
        one_batch([1.0], [3.0]),
        loss=mse_loss,
        epochs=6,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.05),
    )
    axes = history.plot()
    train, valid, best = (line.get_ydata() for line in axes.get_lines())
    np.testing.assert_array_equal(train, history.frame["train_loss"])
    np.testing.assert_array_equal(valid, history.frame["valid_loss"])
    assert best == [history.frame["valid_loss"].min()]


@pytest.mark.parametrize("silent", [True, False])
def test_bar_shows_rates_unless_silenced(silent, monkeypatch, capfd):
    monkeypatch.setenv("UNROLLED_PROGRESS", "0" if silent else "1")
    model = Scale()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    fit(
        model,
        one_batch([1.0], [1.0]),
        loss=mse_loss,
        optimizer=optimizer,
        epochs=2,
    )
    written = capfd.readouterr().err
    assert (
        written == "" if silent else "batches/s" in written and "2/2" in written
    )


# What it refuses


def test_a_loss_that_is_not_a_number_names_the_step():
    model = Scale()
    batches = one_batch([1.0], [1.0]) * 2 + one_batch([math.nan], [1.0])
    with pytest.raises(
        FloatingPointError,
        match="training loss at epoch 1, step 3 is nan: lower",
    ):
        fit(
            model,
            batches,
            loss=mse_loss,
            epochs=2,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.05),
        )


def test_a_validation_loss_that_is_not_a_number_is_named():
    model = Scale()
    with pytest.raises(
        FloatingPointError, match="validation loss at epoch 1 is inf"
    ):
        fit(
            model,
            one_batch([1.0], [1.0]),
            one_batch([math.inf], [1.0]),
            loss=mse_loss,
            epochs=2,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.05),
        )


def test_data_without_a_batch_is_refused():
    model = Scale()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with pytest.raises(ValueError, match="no batch"):
        fit(model, [], loss=mse_loss, optimizer=optimizer, epochs=1)
    with pytest.raises(ValueError, match="patience needs a validation set"):
        fit(model, [], loss=mse_loss, optimizer=optimizer, epochs=1, patience=2)


# What an interrupted run goes through


class Noise:
    """Batches drawn anew in every epoch from a NumPy generator of their own."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __iter__(self):
        for _ in range(5):
            x = torch.tensor(
                self.rng.standard_normal((8, 3)), dtype=torch.float32
            )
            yield x, x.sum(dim=1, keepdim=True)


DATA = {
    "global shuffle": lambda: DataLoader(
        regression(), batch_size=8, shuffle=True
    ),
    "own generator": lambda: DataLoader(
        regression(),
        batch_size=8,
        shuffle=True,
        generator=torch.Generator().manual_seed(5),
    ),
    "numpy stream": Noise,
}


class InterruptionError(Exception):
    pass


def run(data, folder=None, stop_after=None):
    """Train a network from seed 0; raise `InterruptionError` in the step
    after `stop_after`."""
    torch.manual_seed(0)
    np.random.seed(0)
    train, valid, model = DATA[data](), [regression()[:]], network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    steps = 0

    def loss(outputs, target):
        nonlocal steps
        if torch.is_grad_enabled():
            if steps == stop_after:
                raise InterruptionError
            steps += 1
        return mse_loss(outputs, target) * (1 + 0.1 * np.random.random())

    history = fit(
        model,
        train,
        valid,
        loss=loss,
        optimizer=optimizer,
        epochs=6,
        patience=2,
        clip=1.0,
        schedule=torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 0.5, total_steps=40
        ),
        checkpoint=folder,
        checkpoint_every=1,
    )
    return model.state_dict(), history


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("stop_after", [3, 5, 13])
def test_a_resumed_run_ends_bit_for_bit_where_it_would_have_ended(
    data, stop_after, tmp_path
):
    weights, history = run(data)
    with pytest.raises(InterruptionError):
        run(data, tmp_path, stop_after)
    resumed_weights, resumed_history = run(data, tmp_path)
    assert resumed_history == history
    for name, value in weights.items():
        assert torch.equal(resumed_weights[name], value), name


def test_a_finished_run_is_not_trained_again(tmp_path):
    weights, history = run("global shuffle", tmp_path)
    again, same_history = run("global shuffle", tmp_path, stop_after=0)
    assert same_history == history
    assert all(
        torch.equal(again[name], value) for name, value in weights.items()
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs Linux or macOS")
def test_killed_processes_leave_no_damage_and_end_as_if_never_killed():
    command = (
        "import json; from benchmarks.kill_resume import measure; "
        "print(json.dumps(measure(10)))"
    )
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "UNROLLED_PROGRESS": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", command],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout)
    assert counts["kills"] == 10
    assert counts["runs_equal"] == counts["runs"] >= 1


# Checkpoints that must not be loaded


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def alter(path):
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(bytes(content))


def edit_step(path):
    path.write_text(path.read_text().replace('"batch": 0', '"batch": 1'))


@pytest.mark.parametrize(
    ("suffix", "damage", "words"),
    [
        (".safetensors", truncate, "truncated"),
        (".safetensors", alter, "altered"),
        (".safetensors", lambda path: path.unlink(), "missing"),
        (".json", truncate, "damaged"),
        (".json", edit_step, "altered"),
    ],
)
def test_damaged_checkpoints_are_refused_by_name(
    suffix, damage, words, tmp_path
):
    weights, _ = run("global shuffle", tmp_path)
    newest = sorted(tmp_path.glob("*.json"))[-1].with_suffix(suffix)
    damage(newest)
    with pytest.raises(CheckpointError, match=words) as caught:
        run("global shuffle", tmp_path)
    assert newest.name in str(caught.value)
    for path in tmp_path.glob(f"{newest.stem}.*"):
        path.unlink()
    # As the message says: from the one before
    resumed, _ = run("global shuffle", tmp_path)
    assert all(
        torch.equal(resumed[name], value) for name, value in weights.items()
    )


def test_checkpoints_of_another_model_or_optimizer_are_refused(tmp_path):
    run("global shuffle", tmp_path)
    data = [regression()[:]]
    model = nn.Sequential(
        nn.Linear(3, 9), nn.Tanh(), nn.Dropout(0.3), nn.Linear(9, 1)
    )
    with pytest.raises(
        CheckpointError, match=r"0.weight is torch.float32 \(8, 3\) there"
    ):
        fit(
            model,
            data,
            loss=mse_loss,
            epochs=1,
            checkpoint=tmp_path,
            optimizer=torch.optim.Adam(model.parameters()),
        )
    model = network()
    with pytest.raises(CheckpointError, match="trained with Adam, not SGD"):
        fit(
            model,
            data,
            loss=mse_loss,
            epochs=1,
            checkpoint=tmp_path,
            optimizer=torch.optim.SGD(model.parameters()),
        )


def test_a_state_comes_back_as_it_was_saved(tmp_path):
    state = {
        "tensors": {0: torch.arange(3), "a/b": [torch.tensor(1.5), (2, None)]},
        "numbers": [0.1, math.inf, 2**100, True],
    }
    save_checkpoint(tmp_path, state)
    loaded = load_checkpoint(tmp_path)
    assert repr(loaded) == repr(state)
    with pytest.raises(TypeError, match="state/x/1 is a set"):
        save_checkpoint(tmp_path, {"x": [1, set()]})
    assert len(list(tmp_path.iterdir())) == 2


def test_only_the_two_newest_checkpoints_are_kept(tmp_path):
    run("global shuffle", tmp_path)
    names = sorted(path.suffix for path in tmp_path.iterdir())
    assert names == [".json", ".json", ".safetensors", ".safetensors"]


# Devices, precision, processes


def test_mixed_precision_trains():
    model = network()
    history = fit(
        model,
        [regression()[:]],
        loss=mse_loss,
        epochs=30,
        optimizer=torch.optim.Adam(model.parameters(), lr=0.02),
        fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"),
    )
    losses = history.frame["train_loss"]
    assert losses.iloc[-1] < 0.5 * losses.iloc[0]
    assert model[0].weight.dtype == torch.float32


TWO_PROCESSES = """
import os, sys, torch
from lightning_fabric import Fabric
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset
from utils.training import fit

def train(fabric, folder):
    # fit itself must make the processes agree
    torch.manual_seed(fabric.global_rank)
    x = torch.linspace(-1, 1, 45).reshape(15, 3)
    rows = TensorDataset(x, x.prod(dim=1, keepdim=True))
    parts = torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
    model = torch.nn.Sequential(*parts)
    history = fit(
        model, DataLoader(rows, batch_size=4, shuffle=True), [rows[:]],
        loss=mse_loss, epochs=4, clip=0.1,
        optimizer=torch.optim.Adam(model.parameters(), lr=0.01),
        checkpoint=folder, fabric=fabric,
    )
    # One write, so that the processes' lines cannot run into each other.
    line = f"{fabric.global_rank} {history.frame.round(5).to_dict('list')}\\n"
    os.write(1, line.encode())

processes = int(sys.argv[1])
strategy = "ddp_fork" if processes > 1 else "auto"
fabric = Fabric(accelerator="cpu", devices=processes, strategy=strategy)
fabric.launch(train, sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
def test_two_processes_compute_what_one_computes(tmp_path):
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "UNROLLED_PROGRESS": "0",
    }
    lines = []
    for processes in (1, 2):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                TWO_PROCESSES,
                str(processes),
                str(tmp_path / str(processes)),
            ],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        found = [
            line for line in done.stdout.splitlines() if line[:1].isdigit()
        ]
        assert len(found) == processes
        lines += [line.split(" ", 1)[1] for line in found]
        assert (
            load_checkpoint(tmp_path / str(processes))["history"]["steps"] == 16
        )
    assert lines[0] == lines[1] == lines[2]
