"""Claims about speed, on one machine, in one run, by wall time."""

import itertools
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.rounds import ratio, ratios

from .claim import Effect, claim

# Those with a batch; at the fourth there is one row.
BATCHED = ("(32, 50, 32, 64)", "(64, 100, 64, 128)", "(32, 200, 128, 256)")
ONE_ROW = "(1, 1000, 8, 32)"
EVERY = (*BATCHED, ONE_ROW)

SLOWEST, BATCH = "one sample, one gate at a time", "a batch, one gate at a time"
LAID_OUT, KERNEL = "memory laid out for the step", "nn.LSTM"
LOOP, COMPILED = "loop over nn.LSTMCell", "torch.compile of the cell"
NUMPY_RUNGS = (
    SLOWEST,
    BATCH,
    "one product for all gates",
    "one product for all inputs",
    LAID_OUT,
)


THRESHOLDS = "[claims] State what speed is held to, before its recordings"
ANEW = "[claims] State what speed is held to, before it is recorded anew"
PASS = (
    "one forward and backward pass on random data, one thread of a CPU; sizes "
    "are batch, time, inputs, units"
)


def facts(record: str, data: str, thresholds: str | None = THRESHOLDS) -> dict:
    """Return what the claims about one recording share."""
    return {
        "record": record,
        "seeds": (),
        "data": data,
        "thresholds": thresholds,
    }


LADDER = facts("ladder", PASS)
OWN = facts("custom_cell", PASS)


def over_rounds(what: str, values: Sequence[float]) -> Effect:
    """Sum up one ratio a round by its median and range."""
    interval = f"median and range of {len(values)} rounds"
    return Effect(what, median(values), min(values), max(values), interval)


def times(results: Any, name: str) -> dict[str, list[float]]:
    """Return each way's milliseconds, round by round."""
    return results[name]["milliseconds"]


@claim(
    **LADDER,
    contenders=(SLOWEST, LAID_OUT),
    refuted_by="a size with a batch at which the ratio is 5 or less",
)
def a_tutorial_is_slow(results: Any) -> tuple[Effect, ...]:
    """One sample and one gate at a time, an LSTM takes more than five times as
    long as with its memory laid out for the step, at three sizes with a batch.
    """
    found = []
    for size in BATCHED:
        taken = times(results, f"ladder, {size}")
        found.append(
            over_rounds(
                f"times as long, {size}", ratios(taken, SLOWEST, LAID_OUT)
            )
        )
        assert found[-1].value > 5
    return tuple(found)


@claim(
    **LADDER,
    contenders=(SLOWEST, BATCH),
    refuted_by="a size with a batch at which another step of the four gains "
    "half as much",
)
def the_batch_gains_most(results: Any) -> tuple[Effect, ...]:
    """Of the rungs in NumPy the batch gains the most, at three sizes."""
    found = []
    for size in BATCHED:
        taken = times(results, f"ladder, {size}")
        gains = [
            ratio(taken, slow, fast)
            for slow, fast in itertools.pairwise(NUMPY_RUNGS)
        ]
        assert gains[0] > 2 * max(gains[1:])
        found.append(
            over_rounds(
                f"gain of the batch, {size}", ratios(taken, SLOWEST, BATCH)
            )
        )
    return tuple(found)


@claim(
    **LADDER,
    contenders=(KERNEL, LOOP),
    refuted_by="a ratio of 3 or less for one of the two",
)
def one_row_needs_a_kernel(results: Any) -> tuple[Effect, ...]:
    """For one row of 1,000 steps `nn.LSTM` is at least three times as fast as
    NumPy and as a Python loop over PyTorch's cell.
    """
    taken = times(results, f"ladder, {ONE_ROW}")
    found = tuple(
        over_rounds(
            f"times as long as nn.LSTM, {way}", ratios(taken, way, KERNEL)
        )
        for way in (LAID_OUT, LOOP)
    )
    assert min(each.value for each in found) > 3
    return found


@claim(
    **LADDER | {"thresholds": ANEW},
    contenders=(LAID_OUT, SLOWEST),
    refuted_by="one of the two sizes at which it takes 1.25 times as long or "
    "more",
)
def numpy_keeps_up_with_the_kernel(results: Any) -> tuple[Effect, ...]:
    """With a batch of rows and 128 or 256 units the book's LSTM in NumPy takes
    less than 1.25 times as long as `nn.LSTM` in float32.
    """
    found = tuple(
        over_rounds(
            f"time of NumPy over nn.LSTM, {size}",
            ratios(times(results, f"ladder, {size}"), LAID_OUT, KERNEL),
        )
        for size in BATCHED[1:]
    )
    assert max(each.value for each in found) < 1.25
    return found


@claim(
    **facts("cells", PASS, ANEW),
    contenders=("PyTorch", "NumPy"),
    refuted_by="a layer and a size of the four at which PyTorch takes 1.3 "
    "times as long or less",
)
def numpy_leads_small_rnns_and_grus(results: Any) -> tuple[Effect, ...]:
    """In float32 `nn.RNN` and `nn.GRU` take at least 1.3 times as long as the
    book's layers in NumPy, at the smallest size with a batch and with a single
    row.
    """
    found = tuple(
        over_rounds(
            f"time of nn.{kind} over NumPy, {size}",
            ratios(
                times(results, f"{kind}, float32, {size}"), "PyTorch", "NumPy"
            ),
        )
        for kind in ("RNN", "GRU")
        for size in (BATCHED[0], ONE_ROW)
    )
    assert min(each.value for each in found) > 1.3
    return found


@claim(
    **LADDER,
    contenders=("1", "64"),
    refuted_by="a row alone that costs three rows of 64 or less",
)
def a_row_alone_costs_more(results: Any) -> Effect:
    """In `nn.LSTM` a row alone costs more than three times as much as one of
    64.
    """
    batches = results["batch size"]["batches"]
    alone, together = (
        [
            each / batches[rows]["operations"]
            for each in times(batches, rows)[KERNEL]
        ]
        for rows in ("1", "64")
    )
    found = [a / b for a, b in zip(alone, together, strict=True)]
    effect = over_rounds("cost of a row alone, in rows of 64", found)
    assert effect.value > 3
    return effect


@claim(
    **LADDER,
    contenders=(COMPILED, KERNEL),
    refuted_by="a size at which the loop takes 1.1 times as long or less",
)
def a_compiled_cell_is_no_kernel(results: Any) -> tuple[Effect, ...]:
    """`torch.compile` of the cell leaves a Python loop slower than `nn.LSTM`,
    at four sizes.
    """
    found = []
    for size in EVERY:
        taken = times(results, f"ladder, {size}")
        found.append(
            over_rounds(
                f"times as long as nn.LSTM, {size}",
                ratios(taken, COMPILED, KERNEL),
            )
        )
        assert found[-1].value > 1.1
    return tuple(found)


@claim(
    **OWN | {"thresholds": ANEW},
    contenders=("nn.GRU", "nn.LSTM"),
    refuted_by="one of the two sizes at which it takes 1.5 times as long or "
    "less",
)
def a_gru_is_slower_in_float32(results: Any) -> tuple[Effect, ...]:
    """In float32 on a CPU `nn.GRU` takes longer than `nn.LSTM` at the smallest
    size with a batch, and with a single row.

    The check before the first recording asked the same of four sizes; at the
    two larger ones the times were about equal. This one stood before the
    second recording.
    """
    found = gru_over_lstm(results, "float32", (BATCHED[0], ONE_ROW))
    assert min(each.value for each in found) > 1.5
    return found


@claim(
    **OWN,
    contenders=("nn.GRU", "nn.LSTM"),
    refuted_by="a size with a batch at which it takes 0.95 of the time or more",
)
def a_gru_is_faster_in_float64(results: Any) -> tuple[Effect, ...]:
    """In float64 on a CPU `nn.GRU` takes less time than `nn.LSTM`, at three
    sizes with a batch.
    """
    found = gru_over_lstm(results, "float64", BATCHED)
    assert max(each.value for each in found) < 0.95
    return found


def gru_over_lstm(
    results: Any, dtype: str, sizes: Sequence[str]
) -> tuple[Effect, ...]:
    """Return the GRU's time over the LSTM's, at each size."""
    return tuple(
        over_rounds(
            f"time of nn.GRU over nn.LSTM, {dtype}, {size}",
            ratios(
                times(results, f"GRU and LSTM, {dtype}, {size}"),
                "nn.GRU",
                "nn.LSTM",
            ),
        )
        for size in sizes
    )


@claim(
    **OWN,
    contenders=("published", "here"),
    refuted_by="one round in which it is ten times as fast",
)
def min_gru_is_not_175_times_faster(results: Any) -> Effect:
    """On one thread of a CPU minGRU by a scan trains less than ten times as
    fast as a GRU in a Python loop, at 512 steps and a batch of 64.
    """
    found = results["minimal, 512"]["times as fast as a GRU"]["here"]
    effect = over_rounds("times as fast as a GRU in a loop", found)
    assert effect.high < 10
    return effect


@claim(
    **OWN | {"thresholds": ANEW},
    contenders=("loop", "fused by hand"),
    refuted_by="a gain of 1.1 or less at the smaller size, or of more than "
    "that at the larger one",
)
def a_hand_written_backward_pass_pays(results: Any) -> tuple[Effect, ...]:
    """An LSTM with peepholes and 64 units trains faster with a backward pass by
    hand than in a plain loop, and one with 128 units does not.

    The check before the first recording asked for a gain at both sizes; this
    one stood before the second recording.
    """
    found = tuple(
        over_rounds(
            f"plain loop over fused by hand, {size}",
            ratios(
                times(results, f"peepholes, {size}"), "loop", "fused by hand"
            ),
        )
        for size in BATCHED[:2]
    )
    assert found[0].value > 1.1
    assert found[1].value < 1.1
    return found


@claim(
    **facts(
        "scaling",
        "an LSTM and a head, 32 rows of 20 steps with 16 units, and 64 rows of "
        "50 steps with 256; two processors",
    ),
    contenders=("1", "2"),
    refuted_by="a speed-up of 1.3 or less for the large model, or of 1 or more "
    "for the small one",
)
def two_processes_want_a_large_model(results: Any) -> tuple[Effect, ...]:
    """At the same batch two processes train a model of 330,000 parameters at
    least 1.3 times as fast as one, and a small one more slowly.
    """
    found = tuple(
        over_rounds(
            f"speed-up by a second process, {name}",
            [
                one["step"][f"{name}, same batch"]
                / two["step"][f"{name}, same batch"]
                for one, two in zip(results["1"], results["2"], strict=True)
            ],
        )
        for name in ("large", "small")
    )
    assert found[0].value > 1.3
    assert found[1].value < 1
    return found


@claim(
    **facts(
        "streaming",
        "random bits, 50 a sequence; one epoch of `fit`, a GRU with 8 units",
    ),
    contenders=("streamed", "in memory"),
    refuted_by="60 megabytes more for a million sequences than for 50,000 "
    "streamed, or less than 150 more in memory",
)
def a_stream_needs_constant_memory(results: Any) -> tuple[Effect, ...]:
    """Streamed from disk, a million sequences need at most 60 megabytes more
    than 50,000 do; in memory, more than 150 megabytes more.
    """
    grown = {
        way: results[f"{way} / 1000000"]["megabytes"]
        - results[f"{way} / 50000"]["megabytes"]
        for way in ("streamed", "in memory")
    }
    assert grown["streamed"] < 60
    assert grown["in memory"] > 150
    return tuple(
        Effect(f"megabytes more, {way}", each, each, each, "one run of each")
        for way, each in grown.items()
    )


@claim(
    **facts("latency", "one row, one step, its state carried; one thread"),
    contenders=("nn.LSTM", "ONNX Runtime"),
    refuted_by="a ratio of 2 or less",
)
def a_runtime_shortens_a_step(results: Any) -> Effect:
    """With 64 inputs and 128 units ONNX Runtime takes a step in less than half
    the time of `nn.LSTM`.
    """
    taken = results["(64, 128)"]["microseconds"]
    slow, fast = taken["nn.LSTM"], taken["ONNX Runtime"]
    value = slow["50"] / fast["50"]
    assert value > 2
    return Effect(
        "time of nn.LSTM over ONNX Runtime",
        value,
        slow["25"] / fast["75"],
        slow["75"] / fast["25"],
        "ratio of medians, and of opposite quartiles, of the rounds",
    )
