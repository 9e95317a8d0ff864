"""Small cases of the benchmarks that chapters 05 and 06 show."""

import numpy as np
import pytest
import torch

from benchmarks import balls, packing
from utils.length.ball_rnn import BallRNN, train_sgd
from utils.notebook import load_results


@pytest.fixture
def few_batches(monkeypatch):
    """Cut the small size down to two batches."""
    monkeypatch.setitem(packing.SIZES, "small", (32, 64, 32, 2, 1))


@pytest.mark.parametrize("cell", packing.CELLS)
@pytest.mark.parametrize("mode", packing.MODES)
def test_packing_compares_ways_that_agree(cell, mode, few_batches):
    result = packing.compare(cell, mode, "uniform 1 to 100", "small", 0)
    runs = load_results("packing")["results"]["runs"]["0"]
    recorded = runs[f"small / {cell} / {mode} / uniform 1 to 100"]
    assert set(result["milliseconds"]) == set(recorded["milliseconds"])
    # float32's rounding of 64 rows of 64 units, summed in other orders
    assert result["loss spread"] < 1e-3
    shares = result["padding share"]
    assert 0 <= shares["bucket"] <= shares["random"] < 1


def test_packing_reads_each_row_at_its_end():
    torch.manual_seed(0)
    layer = torch.nn.LSTM(3, 4, batch_first=True)
    x, lengths = torch.randn(2, 5, 3), torch.tensor([2, 5])
    for packed in (False, True):
        last = packing.last_outputs(layer, x, lengths, packed)
        alone = layer(x[:1, :2])[0][0, -1]
        assert torch.allclose(last[0], alone, atol=1e-6)


def test_packing_measures_the_padding_that_the_record_holds():
    runs = load_results("packing")["results"]["runs"]
    for seed, run in runs.items():
        recorded = run["small / GRU / forward / lognormal"]["padding share"]
        drawn = packing.draw_batches("lognormal", "small", int(seed))
        for kind, batches in drawn.items():
            share = packing.padding_share(batches)
            assert share == pytest.approx(recorded[kind], abs=1e-4)


def test_a_budget_holds_every_batch():
    batches = packing.draw_batches("lognormal", "small", 0)["budget"]
    assert all(x.shape[0] * x.shape[1] <= 3200 for x, _ in batches)


def test_pytorch_takes_the_same_steps_in_the_benchmark():
    rows = balls.scaled(balls.distinct_parts(0)[0])
    model = BallRNN.initialised(0)
    ours = train_sgd(model, rows, 0.3, 2, 0)
    theirs = balls.train_packed(model, rows, 0.3, 2, 0)
    assert np.abs(ours.theta - theirs.theta).max() < 1e-12
    assert np.abs(ours.theta - model.theta).max() > 1e-2


def test_the_ball_benchmark_repeats_its_record():
    curve = load_results("balls")["results"]["reference"]["0"]["curve"]
    again = balls.reference(0, balls.ROWS, max_epochs=curve["epoch"][2])
    assert again["curve"]["valid"][-1] == pytest.approx(
        curve["valid"][2], abs=0.02
    )


@pytest.mark.parametrize("contender", ["Adam", "L-BFGS", "Levenberg–Marquardt"])
def test_optimisers_repeat_the_beginning_of_their_curves(contender):
    run = load_results("balls")["results"]["runs"][f"{contender} / 0"]
    passes = {}
    model = BallRNN.initialised(0)
    train, _, test = map(balls.scaled, balls.distinct_parts(0))

    def watch(done, model):
        passes[done] = balls.mean_error(model, test)
        if done == 3:
            raise StopIteration

    optimise, _ = balls.OPTIMISERS[contender]
    with pytest.raises(StopIteration):
        optimise(model, train, run["rate"], 0, watch)
    recorded = [error for _, error in run["curve"][:3]]
    assert list(passes.values()) == pytest.approx(recorded, rel=1e-3)


def test_recorded_places_are_those_of_the_recorded_weights():
    results = load_results("balls")["results"]["runs"]
    for name, cut in (
        ("Levenberg–Marquardt", balls.scaled),
        (balls.ON_DIFFERENCES, balls.as_differences_scaled),
    ):
        run = results[f"{name} / 0"]
        model = BallRNN(np.array(run["theta"]))
        again = balls.places(model, cut)
        assert again == pytest.approx(run["places"], rel=1e-2, abs=1e-5)


def test_rates_are_tuned_until_the_best_has_neighbours():
    tuned = {}
    first = balls.FIRST_RATES["Adam"]
    while (rate := balls.chosen_rate(tuned, "Adam", first)[1]) is not None:
        assert tuned or rate == first[0]
        for seed in balls.TUNING_SEEDS:
            error = abs(np.log(rate / 0.1)) + seed / 1e6
            tuned[balls.key("Adam", rate, seed)] = {"error": error}
    assert balls.best_rate(tuned, "Adam") == 0.1
    assert balls.key("Adam", 0.3, 100) in tuned
    assert balls.key("Adam", 1.0, 100) not in tuned


def test_the_record_holds_the_rates_that_its_tuning_chooses():
    results = load_results("balls")["results"]
    for contender in balls.CONTENDERS:
        best = balls.best_rate(results["tuning"], contender)
        for seed in balls.SEEDS:
            run = results["runs"][balls.key(contender, seed)]
            assert run["rate"] == best
