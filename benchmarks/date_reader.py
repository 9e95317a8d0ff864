"""The network that writes a visitor's date in ISO 8601 in the page.

    python -m benchmarks.date_reader

The first seed of `benchmarks.attention_dates` with attention after four passes,
trained again as there (about 40 CPU seconds). Its weights are rounded to
float16 and written for the page. What is recorded is PyTorch's word on the
rounded ones: the share of the test dates that are right, and for a few texts
what it writes, where it looks and what a beam finds.
"""

import torch

from benchmarks.attention_dates import SEEDS, Dates, exact, trained
from benchmarks.record import record, recorded
from benchmarks.trial import chosen_rate
from benchmarks.typed import layers_of, read, round_weights
from utils.data.pairs import SPECIAL
from utils.labs.typed import DATES
from utils.labs.weights import FOLDER, write_weights

NAME = "date_reader"
PASSES = 4


def main() -> None:
    """Train, round, write and measure."""
    torch.set_num_threads(1)
    dates = Dates()
    tuning = recorded("attention_dates")["tuning"]
    rate, _ = chosen_rate(tuning, "attention")
    if rate is None:
        raise RuntimeError("benchmarks.attention_dates has not tuned its rate")
    model, result = trained(dates, "attention", PASSES, rate, SEEDS[0])
    round_weights(model)
    write_weights(NAME, layers_of(model))
    symbols = dates.source_symbols, dates.target_symbols
    record(
        NAME,
        {
            "source": symbols[0].symbols[len(SPECIAL) :],
            "target": symbols[1].symbols[len(SPECIAL) :],
            "exact": {
                "whole": result["exact"],
                "float16": exact(model, dates.test),
            },
            "seconds": result["seconds"],
            "read": [
                read(model, symbols, DATES, text, mask)
                for text in DATES.examples
                for mask in (True, False)
            ],
        },
    )
    print(f"{NAME}.js in {FOLDER.name}")


if __name__ == "__main__":
    main()
