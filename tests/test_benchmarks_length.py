"""Small cases of the benchmarks that chapter 05 shows."""

import pytest
import torch

from benchmarks import balls, packing
from utils.notebook import load_results


@pytest.mark.parametrize("distribution", packing.DISTRIBUTIONS)
def test_packing_compares_ways_that_agree(distribution):
    result = packing.compare(distribution, "small", batches=2, repeats=1)
    assert set(result["milliseconds"]) == set(
        load_results("packing")["results"]["small"][distribution][
            "milliseconds"
        ]
    )
    # seven ways, the losses of the right ones equal to float32's rounding of 64
    # rows of 64 units
    assert result["loss_spread"] < 1e-3
    shares = result["padding_share"]
    assert 0 <= shares["bucket + pad"] <= shares["pad"] < 1


def test_packing_measures_the_padding_that_the_record_holds():
    recorded = load_results("packing")["results"]["small"]["uniform 1 to 100"]
    for batches, name in zip(
        packing.draw_batches("uniform 1 to 100", "small"),
        ("pad", "bucket + pad"),
        strict=True,
    ):
        share = packing.padding_share(batches)
        assert share == pytest.approx(recorded["padding_share"][name])


def test_ball_benchmark_repeats_its_record():
    recorded = load_results("balls")["results"]
    curve = recorded["reference"]["0"]["curve"]
    again = balls.reference(0, balls.ROWS, max_epochs=curve["epoch"][2])
    assert again["curve"]["valid"][-1] == pytest.approx(
        curve["valid"][2], abs=0.02
    )


def test_ball_benchmark_by_least_squares_reaches_what_it_records():
    recorded = load_results("balls")["results"]["least_squares"]
    assert min(run["test"]["accuracy"] for run in recorded.values()) >= 0.999
    assert max(run["test"]["mae"] for run in recorded.values()) <= 0.001
    again = balls.least_squares(0, balls.ROWS, evaluations=100)
    assert again["distinct_rows"] == recorded["0"]["distinct_rows"]
    assert again["cpu_seconds_to_published"] is not None


def test_pytorch_takes_the_same_steps_in_the_benchmark():
    torch.set_num_threads(1)
    assert (
        balls.reference_in_torch(0, 1000, 2)["largest_accuracy_difference"]
        < 1e-4
    )
