"""The memory trial: fair, resumable, and what is recorded comes out again."""

import dataclasses
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import memory, trial
from benchmarks.claims import memory_on_trial

SMALL = memory.recall(3, steps=150)
TWO = {name: memory.CONTENDERS[name] for name in ("tanh RNN", "GRU")}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Leave one short task and two contenders, and a journal of its own."""
    monkeypatch.setattr(memory, "TASKS", {"small": SMALL})
    monkeypatch.setattr(memory, "CONTENDERS", TWO)
    monkeypatch.setattr(memory, "JOURNAL", tmp_path / "memory.jsonl")
    monkeypatch.setattr(memory, "recorded", lambda name: {})
    monkeypatch.setattr(
        memory, "thresholds_committed", lambda claims: ("small",)
    )
    monkeypatch.setattr(sys, "argv", ["memory"])
    return tmp_path / "memory.jsonl"


def outcomes(journal):
    """Return what a journal holds, without the seconds it took."""
    return {
        key: {name: value for name, value in run.items() if name != "seconds"}
        for key, run in memory.read_journal(journal).items()
    }


def test_a_killed_trial_goes_on_where_it_was(small, monkeypatch):
    memory.main()
    whole = outcomes(small)
    assert sum(key.startswith("seeds / ") for key in whole) == 10
    assert {run["ended"] for run in whole.values()} <= {
        "solved",
        "budget",
        "left behind",
    }

    small.unlink()
    run, runs = memory.run, itertools.count()

    def killed(job):
        if next(runs) == 3:
            raise KeyboardInterrupt
        return run(job)

    monkeypatch.setattr(memory, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        memory.main()
    assert len(outcomes(small)) == 3
    with small.open("a", encoding="utf-8") as journal:
        journal.write('{"tuning / small / GRU / 0.003 / 100": {"ende')

    monkeypatch.setattr(memory, "run", run)
    memory.main()
    assert outcomes(small) == whole
    assert list(outcomes(small)) == list(whole), "in the same order"


def test_without_a_journal_the_recording_is_gone_on_with(small, monkeypatch):
    memory.main()
    whole = memory.read_journal(small)
    kept = dict(list(whole.items())[:-2])
    monkeypatch.setattr(memory, "recorded", lambda name: {"runs": dict(kept)})
    small.unlink()
    memory.main()
    assert list(memory.read_journal(small)) == list(whole)[-2:]
    assert set(memory.made(small)) == set(whole)


def test_processes_that_share_the_tasks_make_what_one_makes(small, monkeypatch):
    tasks = {"small": SMALL, "smaller": memory.recall(2, steps=100)}
    monkeypatch.setattr(memory, "TASKS", tasks)
    memory.main()
    whole = outcomes(small)
    small.unlink()
    for task in reversed(tasks):
        monkeypatch.setattr(sys, "argv", ["memory", "--only", task])
        memory.main()
        assert any(f" / {task} / " in key for key in outcomes(small))
        if task == "smaller":
            assert not any(" / small / " in key for key in outcomes(small))
    assert outcomes(small) == whole


@pytest.mark.parametrize("goal", [None, 0.0])
def test_a_run_without_a_goal_ends_where_its_loss_stays_flat(monkeypatch, goal):
    checks = iter([0.9, 0.4, 0.5, 0.6, *[0.4] * 20])
    monkeypatch.setattr(
        memory, "scores", lambda *a: {"loss": next(checks) + 1e-3}
    )
    task = dataclasses.replace(memory.recall(2, steps=300), solved=goal)
    run = memory.train(task, memory.EVERY["tanh RNN"], 1e-3, 0)
    assert (run["ended"], run["steps"]) == (
        ("flat", 200) if goal is None else ("budget", 300)
    )
    assert run["best"] == min(run["losses"]) == 0.401


def test_tuning_and_fresh_seeds_are_disjoint():
    apart = {memory.VALIDATION_SEED, memory.TEST_SEED, memory.PERMUTATION_SEED}
    seeds = set(memory.SEEDS), set(memory.TUNING_SEEDS), apart
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    assert len(memory.SEEDS) >= 5
    assert len(memory.TUNING_SEEDS) >= 3


def test_fresh_seeds_wait_for_committed_thresholds(small):
    done = {}
    while job := memory.next_job(done, ()):
        assert job.phase == "tuning"
        done[job.key] = {"ended": "solved", "solved_at": 50, "best": 0.0}
    assert memory.next_job(done, ("small",)).phase == "seeds"


def test_thresholds_count_once_they_are_committed(monkeypatch):
    def shown(source, code=0):
        monkeypatch.setattr(
            trial.subprocess,
            "run",
            lambda *a, **k: subprocess.CompletedProcess(a, code, source, ""),
        )
        return trial.thresholds_committed(memory.CLAIMS)

    claims = Path(memory_on_trial.__file__).read_text(encoding="utf-8")
    assert shown(claims) == memory_on_trial.THRESHOLDS_FOR
    assert set(memory_on_trial.THRESHOLDS_FOR) <= set(memory.TASKS)
    assert shown("x = 1\n") == ()
    assert shown("", 128) == ()


def test_a_run_that_is_not_finite_says_so():
    job = memory.train(
        memory.adding(10, steps=50), memory.EVERY["tanh RNN"], 1e30, 0
    )
    assert job["ended"] == "not finite"
    assert job["steps"] < 50
    assert memory.badness(SMALL, job) == memory.NOT_FINITE


def test_where_nothing_is_finite_lower_rates_are_tried(small):
    done = {}
    while job := memory.tuned("small", "GRU", done)[1]:
        at = 50 if job.rate == 1e-4 else None
        done[job.key] = {
            "ended": "solved" if at else "not finite",
            "solved_at": at,
            "best": 0.1 if at else None,
        }
    assert memory.tuned("small", "GRU", done)[0] == 1e-4


class Fake:
    """Tuning runs that end as a table says, and are counted."""

    def __init__(self, table):
        self.table, self.runs = table, 0

    def make(self, job):
        """End a run as the table says, or where it is left behind."""
        self.runs += 1
        share = self.table[job.rate, job.seed]
        if share < 1 and share < job.ceiling:
            at = share * SMALL.steps
            return {"ended": "solved", "solved_at": at, "best": 0.0}
        if job.ceiling < 1:
            return {"ended": "left behind", "solved_at": None, "best": 1.0}
        lost = {"solved_at": None, "best": (share - 1) * SMALL.baseline}
        return {"ended": "budget"} | lost

    def tune(self):
        """Tune until the best rate is known."""
        done = {}
        while True:
            best, job = memory.tuned("small", "GRU", done)
            if job is None:
                return best
            assert job.key not in done
            done[job.key] = self.make(job)


def table_of(random):
    """Draw how each rate fares on each seed: solved below 1, unsolved above."""
    seeds = memory.TUNING_SEEDS
    return {
        (rate, seed): random.uniform(0, 1)
        if random.random() < 0.7
        else random.uniform(1, 2)
        for rate in memory.RATES
        for seed in seeds
    }


def chosen(table):
    """Choose a rate by the same rules, with every run made."""
    first, seeds = memory.TUNING_SEEDS[0], memory.TUNING_SEEDS
    tried, racing = list(memory.FIRST_RATES), False

    def mean(rate):
        return np.mean([table[rate, seed] for seed in seeds])

    while True:
        racing |= min(table[rate, first] for rate in tried) < 1
        best = min(
            tried,
            key=mean if racing else lambda rate: table[rate, first],
        )
        place = memory.RATES.index(best)
        beside = set(memory.RATES[max(place - 1, 0) : place + 2]) - {*tried}
        if beside and (racing or len(tried) == len(memory.FIRST_RATES)):
            tried.append(min(beside))
        elif racing or min(table[best, seed] for seed in seeds) >= 1:
            return best, tried
        else:
            racing = True


def test_giving_up_rates_early_does_not_change_the_choice(small):
    saved = 0
    for seed in range(200):
        table = table_of(np.random.default_rng(seed))
        best, tried = chosen(table)
        fake = Fake(table)
        assert fake.tune() == best
        saved += 3 * len(tried) - fake.runs
    assert saved > 0


def test_where_nothing_is_solved_one_rate_more_and_one_rate_for_all_seeds(
    small,
):
    lost = {key: 2 - key[0] for key in table_of(np.random.default_rng(0))}
    fake = Fake(lost)
    assert fake.tune() == 0.03
    assert fake.runs == 4 + 2
    # One of the other seeds solves it there: then all run at every rate.
    late = Fake(lost | {(0.03, memory.TUNING_SEEDS[1]): 0.5})
    assert late.tune() == 0.03
    assert late.runs > 6
    # At a rate where no other seed runs, that goes unseen: the rule's price.
    unseen = Fake(lost | {(0.001, memory.TUNING_SEEDS[1]): 0.5})
    assert unseen.tune() == 0.03
    assert unseen.runs == 6


def test_tuning_goes_on_as_far_as_the_best_rate_does(small):
    solved = {
        key: 0.9 - 0.8 * key[0] for key in table_of(np.random.default_rng(0))
    }
    assert Fake(solved).tune() == 1


def test_without_a_goal_the_other_seeds_run_at_the_best_two_rates(monkeypatch):
    task = dataclasses.replace(SMALL, solved=None)
    monkeypatch.setattr(memory, "TASKS", {"small": task})
    table = {
        (rate, seed): 1 + abs(np.log10(rate / 0.005)) / 9
        for rate in memory.RATES
        for seed in memory.TUNING_SEEDS
    }
    assert min(table, key=table.get)[0] == 0.003
    # At the second best rate of the first seed, the others are better.
    for seed in memory.TUNING_SEEDS[1:]:
        table[0.01, seed] = 1.0
    fake = Fake(table)
    assert fake.tune() == 0.01
    # Four rates, the fourth beside the last choice, and two seeds at two.
    assert fake.runs == 4 + 2 * 2


@pytest.fixture
def doubled(small, monkeypatch):
    """Three lengths, each twice the one before."""
    tasks = {name: SMALL for name in ("short", "long", "longer")}
    monkeypatch.setattr(memory, "TASKS", tasks)
    twice = {"long": "short", "longer": "long"}
    monkeypatch.setattr(memory, "TWICE", twice)
    return tasks


def tune(task, name, solved_at, rate, done):
    """Make the tuning runs of a contender, solved at one rate only."""
    while job := memory.tuned(task, name, done)[1]:
        at = solved_at if job.rate == rate else None
        done[job.key] = {
            "ended": "solved" if at else "budget",
            "solved_at": at,
            "best": 0.1 if at else 2.0,
        }


def test_a_length_waits_for_its_half_and_who_failed_there_is_left_out(doubled):
    done = {}
    stands = [memory.standing(task, "GRU", done) for task in doubled]
    assert stands == ["runs", "waits", "waits"]
    tune("short", "GRU", 50, 0.01, done)
    tune("short", "tanh RNN", None, 0.01, done)
    assert memory.standing("long", "GRU", done) == "runs"
    assert memory.standing("longer", "GRU", done) == "waits"
    for task in ("long", "longer"):
        assert memory.standing(task, "tanh RNN", done) == "left out"
        assert memory.who(task, done, list(TWO), "left out") == ["tanh RNN"]
    jobs = set()
    while job := memory.next_job(done, ()):
        jobs.add((job.task, job.contender))
        done[job.key] = {"ended": "solved", "solved_at": 50, "best": 0.1}
    assert jobs == {("long", "GRU"), ("longer", "GRU")}


def test_on_the_telling_tasks_everybody_runs(doubled, monkeypatch):
    monkeypatch.setattr(memory, "TELLING", ("long",))
    done = {}
    tune("short", "tanh RNN", None, 0.01, done)
    assert memory.standing("long", "tanh RNN", done) == "runs"
    assert memory.standing("long", "GRU, update bias 3", done) == "runs"


def test_tuning_begins_with_the_best_rate_of_half_the_length(doubled):
    done = {}
    tune("short", "GRU", 50, 0.01, done)
    assert memory.tuned("long", "GRU", done)[1].rate == 0.01
    far = {}
    while job := memory.tuned("short", "GRU", far)[1]:
        steps = 100 * (2 - job.rate)
        far[job.key] = {"ended": "solved", "solved_at": steps, "best": 0.1}
    assert memory.tuned("short", "GRU", far)[0] == 1.0
    assert memory.tuned("long", "GRU", far)[1].rate == 1.0
    while job := memory.tuned("long", "GRU", far)[1]:
        steps = 150 * abs(job.rate - 0.3)
        far[job.key] = {"ended": "solved", "solved_at": steps, "best": 0.1}
    assert memory.tuned("long", "GRU", far)[0] == 0.3, "beside it, not tried"


def test_collecting_names_who_was_not_run(doubled, monkeypatch):
    saved, done = {}, {}
    tune("short", "tanh RNN", None, 0.01, done)
    monkeypatch.setattr(memory, "made", lambda path: done)
    monkeypatch.setattr(memory, "references", dict)
    monkeypatch.setattr(
        memory, "record", lambda name, results: saved.update(results)
    )
    memory.collect()
    assert saved["not run"] == {"long": ["tanh RNN"], "longer": ["tanh RNN"]}


def test_a_gradient_points_where_the_loss_falls():
    for task in (memory.adding(6), memory.copying(2, 2, 10)):
        for contender in memory.EVERY.values():
            model = memory.Model(task, contender, 0)
            x, y = task.draw(8, np.random.default_rng(0))
            loss, d_answers = memory.loss_and_gradient(model.forward(x), y)
            gradients = model.backward(d_answers)
            square = sum(
                float(np.sum(array**2))
                for part in gradients
                for array in part.values()
            )
            step = 1e-2 / np.sqrt(square)
            for params, part in zip(model.params, gradients, strict=True):
                for name, array in part.items():
                    params[name] -= step * array
            after, _ = memory.loss_and_gradient(model.forward(x), y)
            assert (loss - after) / (step * square) == pytest.approx(1, rel=0.1)


def test_starts_change_what_they_say():
    def params(name):
        return memory.Model(SMALL, memory.EVERY[name], 0).layer.params

    assert np.array_equal(params("ReLU RNN, identity")["W_h"], np.eye(57))
    assert np.array_equal(params("tanh RNN, identity")["W_h"], np.eye(57))
    orthogonal = params("tanh RNN, orthogonal")["W_h"]
    np.testing.assert_allclose(
        orthogonal @ orthogonal.T, np.eye(57), rtol=0, atol=1e-5
    )
    for bias in (0, 1, 3):
        b = params(f"LSTM, forget bias {bias}")["b"].reshape(4, -1)
        assert set(b[1]) == {bias}
        assert len(set(b[0])) > 1
    gru = params("GRU, update bias 3")
    update = (gru["b_x"] + gru["b_h"]).reshape(3, -1)[1]
    assert set(update) == {3}
    b = params("LSTM, chrono")["b"].reshape(4, -1)
    assert np.array_equal(b[0], -b[1])
    assert 0 <= b[1].min() < b[1].max() <= np.log(SMALL.length - 1)


def test_contenders_have_like_many_parameters():
    for task in memory.TASKS.values():
        counts = [
            sum(
                array.size
                for part in memory.Model(task, contender, 0).params
                for array in part.values()
            )
            for contender in memory.CONTENDERS.values()
        ]
        assert max(counts) < 1.05 * min(counts)


def test_the_accuracy_of_the_copy_task_is_that_of_its_letters():
    task = memory.copying(2, 3, 10)
    rows = task.draw(300, np.random.default_rng(0))

    class Silent:
        def forward(self, x):
            return np.broadcast_to(np.eye(9)[8], (*x.shape[:2], 9))

    assert memory.scores(Silent(), task, rows)["accuracy"] == 0


def test_memoryless_answers_score_the_baselines():
    rng = np.random.default_rng(0)
    for name in ("adding 50", "recall 10", "copy", "pixels"):
        task = memory.TASKS[name]
        x, y = task.draw(4000, rng)
        if name.startswith("adding"):
            answers = np.ones_like(y)
        else:
            answers = np.zeros((*y.shape, task.outputs))
        if name == "copy":
            answers[:, :-5, 8] = 100
            answers[:, -5:, 8] = -100
        loss, _ = memory.loss_and_gradient(answers, y)
        assert loss == pytest.approx(task.baseline, rel=0.05)
    last = [memory.TASKS["waves"].draw(2000, rng) for _ in range(2)]
    for x, y in last:
        error = np.mean((x - y)[:, 50:] ** 2)
        assert error == pytest.approx(memory.TASKS["waves"].baseline, rel=0.05)


def test_references_are_scored_on_the_rows_of_the_networks():
    x, y = memory.TASKS["waves"].valid_and_test()[1]
    _, test = memory.wave_rows()
    np.testing.assert_allclose(test[:, 1:, None], y, atol=1e-6)
    np.testing.assert_allclose(test[:, :-1, None], x, atol=1e-6)
    found = memory.references()
    # Below any forecast with one set of coefficients, above the noise.
    shared = memory.linear_forecasts((48,))["AR(48)"]
    assert memory.SINES["noise"] ** 2 < found["waves"] < 0.9 * shared
    assert 0.85 < found["pixels"] == found["pixels permuted"] < 0.95


def test_digits_are_permuted_alike_in_every_part():
    plain, permuted = (memory.digit_parts(each) for each in (False, True))
    for (x, y), (moved, same) in zip(plain, permuted, strict=True):
        assert np.array_equal(y, same)
        assert not np.array_equal(x, moved)
        assert np.array_equal(np.sort(x, axis=1), np.sort(moved, axis=1))


def test_collecting_keeps_every_run_and_names_the_best_rates(
    small, monkeypatch
):
    saved = {}
    monkeypatch.setattr(
        memory, "record", lambda name, results: saved.update(results)
    )
    memory.main()
    runs = memory.read_journal(small)
    memory.collect(small)
    assert json.loads(json.dumps(saved["runs"])) == runs
    for name, rate in saved["rates"]["small"].items():
        assert f"seeds / small / {name} / {rate:g} / 0" in runs
