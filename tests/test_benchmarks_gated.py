"""The trials of gates: a gate that is taken away stays away, tuning follows its
rules, and what is recorded is what the code computes."""

import itertools

import numpy as np
import pytest

from benchmarks import forget_gate, gru_gates, reach, trial
from benchmarks.record import recorded
from utils.scratch.reach import gradient_by_lag

TASK = gru_gates.TASKS["sums"]


def gates_of(model, x):
    """Return r and z at every step, by the equations."""
    params = model.gru.params
    outputs, _ = model.gru.forward(x)
    before = np.pad(outputs, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    sums = x @ params["W_x"] + params["b_x"]
    sums += before @ params["W_h"] + params["b_h"]
    r, z, _ = np.split(1 / (1 + np.exp(-np.clip(sums, -80, 80))), 3, axis=2)
    return r, z


@pytest.mark.parametrize("contender", gru_gates.CONTENDERS)
def test_a_held_gate_stays_where_it_is_and_a_tied_one_follows(contender):
    model = gru_gates.GatedUnit(contender, seed=0)
    for _ in itertools.islice(gru_gates.learn(model, TASK, 0.01, 0), 3):
        pass
    x, _ = TASK.draw(4, np.random.default_rng(1))
    r, z = gates_of(model, x.astype(np.float32))
    assert (r == 1).all() == (contender == "no reset gate")
    assert (z < 1e-30).all() == (contender == "no update gate")
    tied = np.allclose(z, 1 - r, atol=1e-6)
    assert tied == (contender == "one gate for both")


@pytest.mark.parametrize("contender", gru_gates.CONTENDERS)
def test_contenders_have_as_many_free_parameters(contender):
    model = gru_gates.GatedUnit(contender, seed=0)
    assert model.free == pytest.approx(gru_gates.PARAMETERS, rel=0.06)
    _, grads = model.gradients(
        TASK.draw(4, np.random.default_rng(0)), TASK.scored
    )
    moved = sum(np.count_nonzero(g) for layer in grads for g in layer.values())
    assert moved == model.free


def test_a_cell_without_forget_gate_adds_up():
    reader = forget_gate.Reader("no forget gate", seed=0)
    x = np.zeros((1, 50, 1), np.float32)
    h = c = np.zeros((1, 9))
    for _ in range(50):
        z = h @ reader.lstm.params["W_h"] + reader.lstm.params["b"]
        i, _, g, o = np.split(z, 4, axis=1)
        c = c + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    np.testing.assert_allclose(
        reader.lstm.forward(x)[1][1], c, rtol=1e-4, atol=1e-5
    )
    grads, _ = reader.train_on(x + 1, np.ones((1, 50, 1)))
    assert not grads["W_h"][:, reader.forget].any()
    assert grads["W_h"].any()


def tuned(**errors):
    return {
        trial.key("a", float(rate[1:]), seed): {"error": error}
        for rate, error in errors.items()
        for seed in trial.TUNING_SEEDS
    }


def test_the_best_rate_has_a_neighbour_on_either_side():
    three = {"_0.001": 3, "_0.003": 2, "_0.01": 1}
    assert trial.chosen_rate({}, "a") == (None, 0.001)
    assert trial.chosen_rate(tuned(**three), "a") == (None, 0.03)
    four = tuned(**three, **{"_0.03": 2})
    assert trial.chosen_rate(four, "a") == (0.01, None)


def test_fresh_seeds_run_last_and_each_once():
    results = {"tuning": tuned(**{"_0.001": 3, "_0.003": 1, "_0.01": 2})}
    results["runs"] = {"a / 0": {"rate": 0.003}}
    assert not list(trial.missing(results, ["a"], fresh=False))
    left = list(trial.missing(results, ["a"], fresh=True))
    assert [name for _, name, _ in left] == [f"a / {s}" for s in range(1, 5)]
    assert {means[1] for _, _, means in left} == {0.003}


def test_a_longer_grid_is_gone_through_and_seeds_follow_the_new_best():
    results = {"tuning": tuned(**{"_0.001": 1, "_0.003": 2, "_0.01": 2})}
    results["tuning"] |= tuned(**{"_0.0003": 2})
    results["runs"] = {f"a / {seed}": {"rate": 0.001} for seed in trial.SEEDS}
    assert not list(trial.missing(results, ["a"], fresh=True))
    longer = (0.001, 0.003, 0.01, 0.03, 0.1)
    _, _, (_, rate, seed) = next(trial.missing(results, ["a"], True, longer))
    assert (rate, seed) == (0.03, trial.TUNING_SEEDS[0])
    results["tuning"] |= tuned(**{"_0.03": 0, "_0.1": 3})
    left = list(trial.missing(results, ["a"], True, longer))
    assert [means for *_, means in left] == [("a", 0.03, s) for s in range(5)]


def test_the_first_steps_of_a_gru_come_out_as_recorded():
    results = recorded("gru_gates")
    for name in ("adding / no reset gate / 0", "adding / both gates / 0"):
        run = results["runs"][name]
        task_name, contender, _ = name.split(" / ")
        task = gru_gates.TASKS[task_name]
        model = gru_gates.GatedUnit(contender, 0)
        losses = gru_gates.learn(model, task, run["rate"], 0)
        part = list(itertools.islice(losses, task.steps // gru_gates.POINTS))
        # Other processors add in another order, and training amplifies it.
        assert np.mean(part) == pytest.approx(run["curve"][0], rel=0.02)
        assert model.free == run["parameters"]


@pytest.mark.parametrize(
    ("name", "first", "contenders"),
    [
        (
            "gru_gates",
            gru_gates.FIRST_RATES,
            [
                trial.key(task, each)
                for task in gru_gates.TASKS
                for each in gru_gates.CONTENDERS
            ],
        ),
        (
            "forget_gate",
            trial.FIRST_RATES,
            [trial.key("streams", each) for each in forget_gate.CONTENDERS],
        ),
    ],
)
def test_trials_are_complete_and_at_their_tuned_rates(name, first, contenders):
    results = recorded(name)
    assert not list(trial.missing(results, contenders, True, first))
    assert len(results["runs"]) == len(contenders) * len(trial.SEEDS)
    for contender in contenders:
        rate, _ = trial.chosen_rate(results["tuning"], contender, first)
        for seed in trial.SEEDS:
            run = results["runs"][trial.key(contender, seed)]
            assert run["rate"] == rate


@pytest.mark.parametrize("name", ["LSTM, bias 3", "GRU, bias 1"])
def test_recorded_reach_comes_out_again(name):
    x = np.random.default_rng(2).normal(
        size=(reach.BATCH_SIZE, reach.TIME, reach.INPUTS)
    )
    shares = gradient_by_lag(reach.LAYERS[name](4), x)
    found = recorded("reach")[name]["left at lag 50"]
    assert shares[50] == pytest.approx(found[4], rel=1e-3)
    assert set(recorded("reach")) == set(reach.LAYERS)
