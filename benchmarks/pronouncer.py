"""The network that pronounces a visitor's word in the page.

    python -m benchmarks.pronouncer

A smaller network than that of `benchmarks.pronunciation`, on the same training
words, in one run of six passes (about ten CPU minutes), for the page has to
load it. Nothing was tuned. The rate falls slowly for three passes and then to
zero. The run is saved after every pass in `checkpoints/`, so that it can be
interrupted.

The weights are rounded to int8 and written for the page. What is recorded is
the share of the test words that they get wrong, before and after the rounding,
and PyTorch's word on the rounded ones: for a few texts what the network writes,
where it looks and what a beam finds.
"""

from pathlib import Path
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.pronunciation import Words, spell_out, timed_passes
from benchmarks.record import record
from benchmarks.trial import rounded
from benchmarks.typed import layers_of, read, round_weights
from utils.attention.pytorch import PairBatches, Seq2Seq, sequence_loss
from utils.data.pairs import SPECIAL
from utils.labs.typed import WORDS
from utils.labs.weights import FOLDER, write_weights
from utils.training import evaluate

NAME, DTYPE, SEED = "pronouncer", "int8", 0
EMBEDDING, HIDDEN, DROPOUT = 48, 112, 0.1
PASSES, BATCH_SIZE, RATE, WARM_UP = 6, 128, 3e-3, 200
CHECKPOINTS = Path("checkpoints/pronouncer")


def trained(words: Words, passes: int = PASSES) -> tuple[Seq2Seq, float]:
    """Train the network, or go on from its last checkpoint; return it with the
    CPU seconds that it took."""
    torch.manual_seed(SEED)
    model = Seq2Seq(
        len(words.letters),
        len(words.phones),
        embedding_size=EMBEDDING,
        hidden_size=HIDDEN,
        dropout=DROPOUT,
    )
    batches = PairBatches(words.rows(words.train), BATCH_SIZE, SEED)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    count = len(batches)

    def share(step: int) -> float:
        slowly = 1 - step / (10 * count)
        to_zero = 1.4 * (1 - step / (passes * count))
        return max(0.0, min((step + 1) / WARM_UP, slowly, to_zero))

    schedule = LambdaLR(optimizer, share)
    seconds = timed_passes(
        model, batches, optimizer, schedule, passes, CHECKPOINTS
    )
    return model, seconds


def errors(model: Seq2Seq, words: Words) -> dict[str, float]:
    """Return the error rates on the test words and the validation loss."""
    written = spell_out(model, words, words.test)
    score = words.score(words.test, written)
    valid = PairBatches(words.rows(words.valid), 500)
    loss = evaluate(model, valid, loss=sequence_loss)["loss"]
    return {
        "word errors": score["word errors"],
        "phone errors": score["phone errors"],
        "valid loss": rounded(loss),
    }


def measure(words: Words, passes: int = PASSES) -> dict[str, Any]:
    """Train, round, write and measure."""
    model, seconds = trained(words, passes)
    whole = errors(model, words)
    round_weights(model, DTYPE)
    write_weights(NAME, layers_of(model), DTYPE, FOLDER)
    symbols = words.letters, words.phones
    unheard = set(words.test)
    return {
        "source": words.letters.symbols[len(SPECIAL) :],
        "target": words.phones.symbols[len(SPECIAL) :],
        "passes": passes,
        "seconds": round(seconds, 1),
        "parameters": sum(p.numel() for p in model.parameters()),
        "test words": len(words.test),
        "errors": {"whole": whole, DTYPE: errors(model, words)},
        "listed": {
            text: [list(phones) for phones in words.listed[text]]
            for text in WORDS.examples
            if text in unheard
        },
        "read": [
            read(model, symbols, WORDS, text, mask)
            for text in WORDS.examples
            for mask in (True, False)
        ],
    }


def main() -> None:
    """Make the one run."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    record(NAME, measure(Words()))
    print(f"{NAME}.js in {FOLDER.name}")


if __name__ == "__main__":
    main()
