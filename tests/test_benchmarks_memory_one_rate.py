"""The memory trial: what is recorded is what the code computes, and the
comparison is fair."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from benchmarks import memory_one_rate as memory
from benchmarks.record import RESULTS
from utils.models.pytorch import SequenceReader, equal_hidden_size


@pytest.fixture(scope="module")
def recorded():
    path = RESULTS / "memory_one_rate.json"
    return json.loads(path.read_text(encoding="utf-8"))["results"]


@pytest.mark.parametrize(
    ("task", "cell", "variant"),
    [
        ("adding 50", "GRU", "default"),
        ("adding 50", "LSTM", "orthogonal gates"),
        ("recall 10", "GRU", "default"),
        ("waves", "GRU", "default"),
    ],
)
def test_the_first_hundred_steps_of_a_run_come_out_as_recorded(
    task, cell, variant, recorded
):
    # Of runs whose loss leaps, such as the plain RNN's, rounding changes even
    # the first steps.
    short = dataclasses.replace(memory.TASKS[task], steps=100)
    rerun = memory.train(short, cell, variant, 0)
    run = recorded["runs"][f"{task} / {cell} / {variant} / 0"]
    assert rerun["parameters"] == run["parameters"]
    for score, curve in rerun["curves"].items():
        # Other processors add in another order, and training amplifies it.
        np.testing.assert_allclose(
            curve, run["curves"][score][:2], rtol=0.05, atol=0.01
        )


def test_every_recorded_run_belongs_to_the_trial_and_is_labelled_right(
    recorded,
):
    planned = {" / ".join(map(str, run)) for run in memory.runs()}
    assert set(recorded["runs"]) <= planned
    for key, run in recorded["runs"].items():
        task = memory.TASKS[key.split(" / ")[0]]
        losses = run["curves"]["loss"]
        assert (run["ended"] == "solved") == (losses[-1] < task.solved), key
        assert all(loss >= task.solved for loss in losses[:-1]), key
        if run["ended"] == "steps":
            assert len(losses) == task.steps // memory.STEPS_PER_CHECK, key


def test_parameter_counts_differ_by_less_than_three_percent(recorded):
    for key, run in recorded["runs"].items():
        assert run["parameters"] == pytest.approx(
            memory.PARAMETERS, rel=0.03
        ), key


def test_linear_forecasts_come_out_as_recorded(recorded):
    for name, score in memory.linear_forecasts(orders=(1, 4)).items():
        assert recorded["linear_forecasts"][name] == pytest.approx(score)


@pytest.mark.parametrize("cell", memory.CELLS)
def test_equal_hidden_size_is_the_closest(cell):
    def count(hidden):
        return sum(
            p.numel() for p in SequenceReader(cell, 3, hidden, 2).parameters()
        )

    best = equal_hidden_size(cell, 3, 2, 1000)
    assert abs(count(best) - 1000) == min(
        abs(count(hidden) - 1000) for hidden in range(1, 60)
    )


def test_variants_change_what_they_say():
    def layer(cell, variant):
        return memory.build(memory.TASKS["adding 50"], cell, variant, 0).layer

    assert layer("RNN", "ReLU").nonlinearity == "relu"
    identity = layer("RNN", "ReLU, identity")
    assert identity.nonlinearity == "relu"
    assert torch.equal(identity.weight_hh_l0, torch.eye(identity.hidden_size))
    biased = layer("LSTM", "forget bias 3")
    forget = (biased.bias_ih_l0 + biased.bias_hh_l0).view(4, -1)[1]
    assert torch.equal(forget, torch.full_like(forget, 3.0))
    for gate in layer("LSTM", "orthogonal gates").weight_hh_l0.chunk(4):
        torch.testing.assert_close(
            gate @ gate.T, torch.eye(len(gate)), atol=1e-5, rtol=0
        )
    fused = layer("LSTM", "orthogonal").weight_hh_l0
    torch.testing.assert_close(
        fused.T @ fused, torch.eye(fused.shape[1]), atol=1e-5, rtol=0
    )


def test_a_run_that_is_not_finite_ends_and_says_so():
    task = dataclasses.replace(
        memory.TASKS["adding 50"],
        loss=lambda outputs, targets: outputs.sum() * torch.inf,
    )
    assert memory.train(task, "RNN", "default", 0)["ended"] == "not finite"
