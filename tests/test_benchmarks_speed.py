"""The recordings of chapter 13 can be made, and hold what the chapter shows."""

import json
import sys

import matplotlib.pyplot as plt
import pytest
from elsewhere import AWAY, Elsewhere

from benchmarks import (
    cells,
    custom_cell,
    gpu,
    ladder,
    latency,
    rounds,
    scaling,
    streaming,
)
from benchmarks.record import recorded
from utils.speed import crossing_figure as crossing_figures
from utils.speed.crossing_figure import gpu_table
from utils.speed.ladder import RUNGS, operations

TINY = (2, 3, 4, 5)


def test_ways_are_timed_in_turn():
    calls = []
    ways = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = rounds.in_turn(ways, rounds=2, repeats=3)
    assert calls == ["a"] * 3 + ["b"] * 3 + calls[6:]
    assert len(calls) == 3 * 2 * (2 + 2)
    assert all(len(each) == 2 for each in times.values())


def test_a_ratio_is_taken_within_a_round():
    times = {"slow": [2.0, 30.0, 8.0], "fast": [1.0, 10.0, 2.0]}
    assert rounds.ratios(times, "slow", "fast") == [2, 3, 4]
    assert rounds.ratio(times, "slow", "fast") == 3


def test_a_small_ladder_holds_every_rung():
    run = ladder.climb(TINY, rounds=2, compilers=False)
    assert set(RUNGS) < set(run["milliseconds"])
    assert all(len(t) == 2 for t in run["milliseconds"].values())
    assert run["operations"] == operations(*TINY)


def test_small_cases_of_the_ladder_run():
    batch = ladder.against_batch_size((1, 2), rounds=1)["batches"]
    assert batch["2"]["operations"] == 2 * batch["1"]["operations"]
    assert batch["2"]["intensity"] > batch["1"]["intensity"]
    assert len(ladder.against_threads(TINY, 1)["milliseconds"]) == 4
    assert len(ladder.against_types(TINY, 1)["milliseconds"]) == 3


def test_small_cases_of_a_cell_of_ones_own_run():
    found = custom_cell.peepholes(TINY, rounds=1, compiler=False)
    assert set(found["milliseconds"]) == {"loop", "fused by hand", "nn.LSTM"}
    found = custom_cell.minimal(8, rounds=2, batch=2)
    taken = found["milliseconds"]
    here = found["times as fast as a GRU"]["here"]
    assert here[1] == taken["GRU, loop"][1] / taken["minGRU, scan"][1]
    found = custom_cell.gru_against_lstm(TINY, "float64", rounds=1)
    ways = {"nn.GRU", "nn.LSTM", custom_cell.WITHOUT}
    assert set(found["milliseconds"]) == ways
    assert custom_cell.torch.backends.mkldnn.enabled


def test_all_forms_of_a_step_answer_alike():
    found = latency.measure(4, 8, rounds=3)
    assert found["largest difference"] < 1e-5
    assert len(found["microseconds"]) == 5


def test_the_gpu_ladder_runs_where_there_is_none():
    run = gpu.compare(TINY, device="cpu", rounds=1)
    table = gpu_table({"runs": {"a": run}})
    assert table.loc["a", "nn.LSTM, TF32"] > 0
    assert table.shape == (1, 8)


def test_the_gpu_ladder_leaves_nothing_on_the_cpu():
    with Elsewhere():
        run = gpu.compare(TINY, device=AWAY, rounds=1)
    assert len(run["milliseconds"]) == 8


def test_each_way_runs_under_its_own_settings():
    seen = []

    def look():
        tf32 = gpu.torch.backends.cudnn.allow_tf32
        seen.append((tf32, gpu.torch.get_num_threads()))

    ways = {"a": gpu.Way(look, tf32=True, threads=2), "b": gpu.Way(look)}
    before = gpu.torch.get_num_threads()
    times = gpu.timed(ways, rounds=1, wait=lambda: None)
    assert seen == [(True, 2), (False, 1)] * 3
    assert all(len(each) == 1 for each in times.values())
    assert gpu.torch.get_num_threads() == before


def test_a_readers_gpu_fills_the_table_and_the_figure(capsys):
    sizes = {name: TINY for name in gpu.runs()}
    results = json.loads(json.dumps(gpu.measure(sizes, "cpu", rounds=1)))
    crossing_figures.show_gpu(results)
    shown = capsys.readouterr().out
    assert shown.startswith("cpu\n")
    assert "rows of the batch" in shown
    assert "hidden units" in shown
    batch, units = plt.gcf().axes
    assert len(batch.lines) >= 3
    assert batch.lines[0].get_xdata().tolist() == list(gpu.BATCHES)
    assert units.lines[0].get_xdata().tolist() == list(gpu.WIDTHS)


def test_without_a_gpu_nothing_is_recorded(monkeypatch, capsys):
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gpu, "record", lambda *_: pytest.fail("recorded"))
    gpu.main()
    assert "nothing recorded" in capsys.readouterr().out


def test_one_process_and_two_are_measured_alike():
    found = scaling.measure(rounds=1, steps=1)
    (one,), (two,) = found["1"], found["2"]
    assert one["bytes"] == two["bytes"]
    assert {name for name in one["step"] if "same batch" in name} == {
        name for name in two["step"] if "same batch" in name
    }
    assert set(two["all_reduce"]) == set(map(str, scaling.BYTES))


@pytest.mark.skipif(sys.platform == "win32", reason="counts memory by POSIX")
def test_a_streamed_epoch_reports_its_memory(monkeypatch):
    monkeypatch.setattr(streaming, "SHARD", 700)
    found = streaming.measure("streamed", 2000)
    assert set(found) == {"megabytes", "seconds"}
    assert sum(len(b) for b in streaming.draw_blocks(2000)) == 2000


@pytest.mark.parametrize(
    "module", [cells, ladder, custom_cell, streaming], ids=lambda m: m.__name__
)
def test_every_run_is_recorded(module):
    name = module.__name__.removeprefix("benchmarks.")
    assert set(recorded(name)) == set(module.runs())


@pytest.mark.parametrize("name", ["cells", "ladder", "custom_cell"])
def test_every_round_is_recorded(name):
    for run in recorded(name).values():
        parts = run["batches"].values() if "batches" in run else [run]
        for part in parts:
            for taken in part["milliseconds"].values():
                assert len(taken) == rounds.ROUNDS
                assert min(taken) > 0


def test_recorded_bytes_are_those_of_the_models():
    # Of the float32 weights, whatever the machine.
    found = recorded("scaling")["1"][0]["bytes"]
    for name, (_, _, inputs, hidden) in scaling.MODELS.items():
        lstm = 4 * hidden * (inputs + hidden + 2)
        assert found[name] == 4 * (lstm + hidden + 1)


def test_results_are_json_all_through():
    json.dumps(ladder.ceilings(rounds=1))
