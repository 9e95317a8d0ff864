"""Claims about padding, packing and buckets."""

from typing import Any

import numpy as np

from .claim import Effect, claim

FACTS: dict[str, Any] = {
    "record": "packing",
    "seeds": range(5),
    "data": "rows of random numbers; each seed draws lengths up to 100 and "
    "weights anew; layers of 64 and 128 units, one CPU core",
    "thresholds": "[claims] Packing's and the moving ball's thresholds, before "
    "their fresh seeds",
}

RAGGED = ("uniform 50 to 100", "uniform 1 to 100", "lognormal")


def ratios(
    results: dict[str, Any],
    way: str,
    size: str,
    cell: str,
    mode: str,
    distribution: str,
) -> list[float]:
    """Return a way's CPU time over padding's, one for each seed."""
    name = f"{size} / {cell} / {mode} / {distribution}"
    times = (run[name]["milliseconds"] for run in results["runs"].values())
    return [time[way] / time["pad"] for time in times]


@claim(
    **FACTS,
    contenders=("pack", "pad"),
    refuted_by="a ragged distribution on which the LSTM's median is two or "
    "less, or not 1.5 times that of RNN and GRU",
)
def packing_slows_the_fused_lstm(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Training an LSTM of 64 units on packed ragged batches takes more than
    twice the time of padding on this processor; for an RNN and a GRU of that
    size the factor is smaller.
    """
    for distribution in RAGGED:
        lstm, gru, rnn = (
            np.median(
                ratios(results, "pack", "small", cell, "trained", distribution)
            )
            for cell in ("LSTM", "GRU", "RNN")
        )
        assert lstm > 2
        assert lstm > 1.5 * max(gru, rnn)
    return tuple(
        Effect.over_seeds(
            f"packed over padded, trained, {cell}, lengths uniform 50 to 100",
            ratios(results, "pack", "small", cell, "trained", RAGGED[0]),
        )
        for cell in ("LSTM", "GRU", "RNN")
    )


@claim(
    **FACTS,
    contenders=("pack", "pad"),
    refuted_by="a median of RNN or GRU above 0.9 of the padded batch's time",
)
def packing_saves_where_nothing_is_trained(
    results: dict[str, Any],
) -> tuple[Effect, ...]:
    """Where a batch is only run forward and most of it is padding, packing
    saves an RNN and a GRU at least a tenth of the time.
    """
    effects = []
    for size in ("small", "large"):
        for cell in ("RNN", "GRU"):
            saved = ratios(results, "pack", size, cell, "forward", "lognormal")
            assert np.median(saved) < 0.9
            effects.append(
                Effect.over_seeds(
                    f"packed over padded, forward, {size} {cell}, lognormal",
                    saved,
                )
            )
    return tuple(effects)


@claim(
    **FACTS,
    contenders=("bucket + pad", "pad"),
    refuted_by="a median above 0.97 of a random batch's time in any case, or "
    "above 0.65 on lognormal lengths",
)
def buckets_save_everywhere(results: dict[str, Any]) -> tuple[Effect, ...]:
    """Buckets of like lengths, padded, take less time than random batches for
    every cell, size and ragged distribution, trained or not, in the median of
    five seeds, and at least a third less where most of a random batch is
    padding.
    """
    for size in ("small", "large"):
        for cell in ("RNN", "GRU", "LSTM"):
            for mode in ("forward", "trained"):
                for distribution in RAGGED:
                    taken = np.median(
                        ratios(
                            results,
                            "bucket + pad",
                            size,
                            cell,
                            mode,
                            distribution,
                        )
                    )
                    assert taken < 0.97
                    assert distribution != "lognormal" or taken < 0.65
    return tuple(
        Effect.over_seeds(
            f"buckets over random batches, trained, small {cell}, lognormal",
            ratios(
                results, "bucket + pad", "small", cell, "trained", "lognormal"
            ),
        )
        for cell in ("RNN", "GRU", "LSTM")
    )
