"""The trials of recurrences: what is recorded is what the code computes, each
contender was tuned as the rules say, and the tasks are what they claim."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import recall_pairs, recurrence_cost, state_tracking
from benchmarks.record import recorded
from utils.recurrences.pytorch import CausalAttention, MinGRU

TRIALS = {
    **{
        f"state_tracking_{name}": state_tracking.TASKS[name].contenders
        for name in ("S2", "S3", "S5")
    },
    "recall_pairs": recall_pairs.CONTENDERS,
}


@pytest.fixture(scope="module", autouse=True)
def flushed():
    # As the benchmarks do: denormal numbers would take minutes.
    torch.set_flush_denormal(True)
    yield
    torch.set_flush_denormal(False)


@pytest.mark.parametrize(
    ("task", "contender"),
    [
        ("S2", "GRU"),
        ("S2", "minGRU, 2 layers"),
        ("S2", "negative delta rule"),
        ("S3", "LRU, 2 layers"),
        ("S5", "negative delta rule"),
    ],
)
def test_the_first_steps_of_a_product_run_come_out_as_recorded(task, contender):
    run = recorded(f"state_tracking_{task}")["runs"][f"{contender} / 0"]
    means = state_tracking.TASKS[task]
    model = state_tracking.build(means, contender, 0)
    steps = state_tracking.learn(model, means, run["rate"], 0)
    losses = list(itertools.islice(steps, state_tracking.CURVE_EVERY))
    # Other processors add in another order, and training amplifies it.
    assert np.mean(losses) == pytest.approx(run["loss"][0], rel=0.02)
    assert sum(p.numel() for p in model.parameters()) == run["parameters"]


@pytest.mark.parametrize("contender", ["delta rule, 1 head", "GRU"])
def test_the_first_steps_of_a_recall_run_come_out_as_recorded(contender):
    run = recorded("recall_pairs")["runs"][f"{contender} / 0"]
    model = recall_pairs.build(contender, 0)
    steps = recall_pairs.learn(model, run["rate"], 0)
    losses = list(itertools.islice(steps, state_tracking.CURVE_EVERY))
    assert np.mean(losses) == pytest.approx(run["loss"][0], rel=0.02)


@pytest.mark.parametrize("trial", TRIALS)
def test_every_contender_was_tuned_then_ran_five_fresh_seeds(trial):
    results = recorded(trial)
    task = state_tracking.TASKS.get(trial.rpartition("_")[2])
    given = task.rate if task else None
    assert not list(state_tracking.missing(TRIALS[trial], results, given))
    fresh = {
        f"{contender} / {seed}"
        for contender in TRIALS[trial]
        for seed in state_tracking.SEEDS
    }
    assert set(results["runs"]) == fresh
    for name, run in results["runs"].items():
        contender = name.rpartition(" / ")[0]
        best = (
            given or state_tracking.chosen_rate(results["tuning"], contender)[0]
        )
        assert run["rate"] == best, name


@pytest.mark.parametrize(
    ("trial", "parameters"),
    [
        *(
            (f"state_tracking_{name}", state_tracking.TASKS[name].parameters)
            for name in ("S2", "S3", "S5")
        ),
        ("recall_pairs", recall_pairs.PARAMETERS),
    ],
)
def test_parameter_counts_are_as_equal_as_widths_allow(trial, parameters):
    for name, run in recorded(trial)["runs"].items():
        assert run["parameters"] == pytest.approx(parameters, rel=0.2), name


def test_parity_is_the_product_of_swaps():
    task = state_tracking.TASKS["S2"]
    rng = torch.Generator().manual_seed(0)
    x, y = state_tracking.draw(task, 50, 30, rng)
    assert torch.equal(x[..., 1].cumsum(1) % 2, y.double().float())


def test_products_in_s3_follow_the_permutations():
    task = state_tracking.TASKS["S3"]
    elements = list(itertools.permutations(range(3)))
    rng = torch.Generator().manual_seed(0)
    x, y = state_tracking.draw(task, 20, 10, rng)
    for row, products in zip(x.argmax(-1).tolist(), y.tolist(), strict=True):
        product = (0, 1, 2)
        for element, named in zip(row, products, strict=True):
            product = tuple(product[j] for j in elements[element])
            assert elements[named] == product
    table = state_tracking.product_table(3)
    assert not torch.equal(table, table.T)


def test_each_step_of_s5_exchanges_two_of_five_things():
    task = state_tracking.TASKS["S5"]
    elements = list(itertools.permutations(range(5)))
    moves = [elements[move] for move in task.moves]
    assert len(moves) == 10
    rng = torch.Generator().manual_seed(0)
    x, y = state_tracking.draw(task, 20, 10, rng)
    places = task.answers[y].tolist()
    for row, orders in zip(x.argmax(-1).tolist(), places, strict=True):
        things = list(range(5))
        for move, order in zip(row, orders, strict=True):
            i, j = (k for k in range(5) if moves[move][k] != k)
            things[i], things[j] = things[j], things[i]
            assert things == order


def test_a_step_of_s5_is_right_only_where_all_five_places_are():
    task = state_tracking.TASKS["S5"]

    def all_but_one(x):
        # Knows every answer, except the last place of every other row.
        y = state_tracking.draw(
            task, state_tracking.ROWS, 8, torch.Generator().manual_seed(3)
        )[1]
        logits = torch.nn.functional.one_hot(task.answers[y], 5).float()
        logits[1::2, :, 4] = logits[1::2, :, 4].roll(1, -1)
        all_but_one.calls += 1
        part = slice(20 * all_but_one.calls - 20, 20 * all_but_one.calls)
        return logits[part].flatten(2)

    all_but_one.calls = 0
    right = state_tracking.hits(all_but_one, task, 8, 3)
    torch.testing.assert_close(right, torch.full((8,), 0.5))


@pytest.mark.parametrize("pairs", [1, 5, recall_pairs.PAIRS])
def test_every_key_is_shown_once_and_asked_once(pairs):
    rng = torch.Generator().manual_seed(0)
    x, y = recall_pairs.draw(40, pairs, rng)
    keys, values = x.split([recall_pairs.KEYS, recall_pairs.VALUES], dim=2)
    keys = keys.argmax(-1)
    shown, asked = keys[:, :pairs], keys[:, pairs:]
    assert torch.equal(shown.sort(1).values, asked.sort(1).values)
    assert all(len(set(row)) == pairs for row in shown.tolist())
    assert (values[:, pairs:] == 0).all()
    written = dict(
        ((row, key), value)
        for row in range(40)
        for key, value in zip(
            shown[row].tolist(),
            values[row, :pairs].argmax(-1).tolist(),
            strict=True,
        )
    )
    for row in range(40):
        for key, answer in zip(
            asked[row].tolist(), y[row].tolist(), strict=True
        ):
            assert written[row, key] == answer


def test_heads_divide_the_state_at_equal_width():
    one = recall_pairs.state_size("delta rule, 1 head", 32, 24)
    assert one == 32 * 32
    assert recall_pairs.state_size("delta rule, 4 heads", 32, 24) == one // 4
    assert recall_pairs.state_size("GRU", 32, 24) == 32


def scores(*by_rate):
    """Make a tuning record: each rate's score, the same for all seeds."""
    return {
        state_tracking.key("GRU", rate, seed): {"score": score, "loss": [loss]}
        for rate, score, loss in by_rate
        for seed in state_tracking.TUNING_SEEDS
    }


def test_the_grid_grows_while_the_best_rate_lies_at_its_edge():
    low, middle, high = state_tracking.FIRST_RATES
    tuned = scores((low, 0.5, 1), (middle, 0.6, 1))
    assert state_tracking.chosen_rate(tuned, "GRU") == (None, high)
    tuned |= scores((high, 0.5, 1))
    assert state_tracking.chosen_rate(tuned, "GRU") == (middle, None)
    tuned |= scores((high, 0.7, 1))
    assert state_tracking.chosen_rate(tuned, "GRU") == (None, 0.1)
    tuned |= scores((0.1, 0.7, 2))
    assert state_tracking.chosen_rate(tuned, "GRU") == (high, None)


def test_a_scan_equals_its_loop_and_attention_its_matrix():
    torch.manual_seed(0)
    x = torch.randn(2, 50, recurrence_cost.WIDTH)
    for plain, looped in (
        (MinGRU, recurrence_cost.LoopedMinGRU),
        (CausalAttention, recurrence_cost.WrittenAttention),
    ):
        layer, other = (kind(recurrence_cost.WIDTH) for kind in (plain, looped))
        other.load_state_dict(layer.state_dict())
        torch.testing.assert_close(layer(x), other(x))


class WithUnusedBranch(nn.Linear):
    def forward(self, x):
        unused = super().forward(x).sin() * x
        del unused
        return super().forward(x).cos()


def test_bytes_that_no_output_needs_do_not_count():
    x = torch.randn(4, recurrence_cost.WIDTH, requires_grad=True)
    layer = WithUnusedBranch(recurrence_cost.WIDTH, recurrence_cost.WIDTH)
    input_and_product = 2 * x.untyped_storage().nbytes()
    assert recurrence_cost.kept_bytes(layer, x) == input_and_product


def test_the_bytes_kept_for_training_come_out_as_recorded():
    results = recorded("recurrence_cost")["cpu"]["training"]
    again = recurrence_cost.training(lengths=(128, 256), repeats=1)
    for name, costs in again.items():
        assert costs["bytes"] == {
            length: results[name]["bytes"][length] for length in ("128", "256")
        }, name
        assert all(taken > 0 for taken in costs["seconds"].values())


def test_the_state_of_a_token_comes_out_as_recorded():
    results = recorded("recurrence_cost")["cpu"]["generation"]
    again = recurrence_cost.generation(pasts=(256, 1024), repeats=1)
    for name, costs in again.items():
        for past in ("256", "1024"):
            assert costs["bytes"][past] == results[name]["bytes"][past], name


def test_a_table_has_a_row_for_each_device_and_contender(monkeypatch, capsys):
    monkeypatch.setenv("UNROLLED_DEVICE", "cpu")
    written = {}
    before = {"cuda": recorded("recurrence_cost")["cpu"]}
    monkeypatch.setattr(recurrence_cost, "recorded", lambda name: before)
    monkeypatch.setattr(recurrence_cost, "record", written.__setitem__)
    monkeypatch.setattr(
        recurrence_cost,
        "measure",
        lambda device: {
            part: {"GRU": {"seconds": {"128": 0.25, "256": 0.5}}}
            for part in ("training", "generation")
        },
    )
    monkeypatch.setattr("sys.argv", ["recurrence_cost"])
    recurrence_cost.main()
    results = written["recurrence_cost"]
    assert list(results) == ["cuda", "cpu"]
    printed = capsys.readouterr().out
    assert "250.0" in printed
    assert "cuda" not in printed
    rows = recurrence_cost.table(results)
    assert rows.loc[("cpu", "GRU"), "256"] == 0.5
    assert len(rows) == 1 + len(recurrence_cost.LAYERS)
