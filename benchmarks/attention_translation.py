"""Translate the book's small corpus, English to French, with and without
attention.

    python -m benchmarks.attention_translation [--runs N]

Three seeds, with attention four passes, without four and sixteen. Each model's
learning rate is chosen first, over its most passes and with a seed of its own:
the lowest loss on validation sentences. Every run is saved as it ends and not
repeated. All take about half an hour of one core. BLEU is sacreBLEU's, with its
default tokeniser. Chapter 09 shows the results.
"""

import time
from typing import Any

import numpy as np
import sacrebleu
import torch
from torch.optim.lr_scheduler import OneCycleLR

from benchmarks.trial import record_runs, rounded, tuned_budgets
from utils.attention.pytorch import (
    PairBatches,
    Seq2Seq,
    beam_search,
    greedy_decode,
    sequence_loss,
)
from utils.data.pairs import Pairs, Symbols, encode_pairs
from utils.data.translation import SentencePair, join_words, make_sentences
from utils.training import evaluate, fit

TRAIN_ROWS, TEST_ROWS, VALID_ROWS = 8_000, 600, 600
BATCH_SIZE = 64
PASSES = {"attention": (4,), "no attention": (4, 16)}
SEEDS = range(3)
WIDTHS, SEARCHED = (1, 2, 4, 10), 100
LONGEST = 80
BINS = ((5, 10), (11, 20), (21, 30), (31, 40), (41, 60))


class Corpus:
    """Sentences, numbered and split; as no sentence comes twice, validation and
    test hold none seen."""

    def __init__(self, train_rows: int, test_rows: int):
        sentences = make_sentences(train_rows + test_rows + VALID_ROWS, rng=0)
        self.english = Symbols(each.english for each in sentences)
        self.french = Symbols(each.french for each in sentences)
        self.train = self._encode(sentences[:train_rows])
        self.test_sentences = sentences[train_rows:][:test_rows]
        self.test = self._encode(self.test_sentences)
        self.valid = self._encode(sentences[-VALID_ROWS:])

    def _encode(self, sentences: list[SentencePair]) -> Pairs:
        return encode_pairs(
            [each.english for each in sentences],
            [each.french for each in sentences],
            self.english,
            self.french,
        )


def train(
    corpus: Corpus, contender: str, epochs: int, rate: float, seed: int
) -> Seq2Seq:
    """Train one model under one learning-rate cycle."""
    torch.manual_seed(seed)
    attention = contender == "attention"
    model = Seq2Seq(len(corpus.english), len(corpus.french), attention)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    batches = PairBatches(corpus.train, BATCH_SIZE, seed)
    schedule = OneCycleLR(
        optimizer, rate, total_steps=epochs * len(batches) + 1
    )
    fit(
        model,
        batches,
        loss=sequence_loss,
        optimizer=optimizer,
        epochs=epochs,
        clip=1.0,
        schedule=schedule,
    )
    return model


def scores(written: list[str], references: list[str]) -> dict[str, float]:
    """Return sacreBLEU's corpus score and the share of sentences that match
    exactly."""
    exact = np.mean(
        [
            ours == theirs
            for ours, theirs in zip(written, references, strict=True)
        ]
    )
    bleu = sacrebleu.corpus_bleu(written, [references])
    return {
        "BLEU": round(bleu.score, 2),
        "exact": float(exact),
        "sentences": len(written),
    }


def translate(model: Seq2Seq, corpus: Corpus) -> list[str]:
    """Translate the test sentences greedily."""
    written = []
    for first in range(0, len(corpus.test.source), 200):
        source, lengths, _, _ = map(
            torch.from_numpy, corpus.test.rows(slice(first, first + 200))
        )
        with torch.no_grad():
            symbols = greedy_decode(
                model, model.encode(source, lengths), LONGEST
            ).symbols
        written += [
            join_words(corpus.french.decode(row)) for row in symbols.tolist()
        ]
    return written


def tune(
    contender: str, rate: float, seed: int, train_rows: int = TRAIN_ROWS
) -> dict[str, Any]:
    """Train one model for its most passes; return its loss on the validation
    sentences."""
    started = time.process_time()
    corpus = Corpus(train_rows, TEST_ROWS)
    model = train(corpus, contender, PASSES[contender][-1], rate, seed)
    valid = PairBatches(corpus.valid, 200)
    loss = evaluate(model, valid, loss=sequence_loss)["loss"]
    seconds = round(time.process_time() - started, 1)
    return {"error": rounded(loss), "seconds": seconds}


def measure(
    contender: str,
    epochs: int,
    rate: float,
    seed: int,
    train_rows: int = TRAIN_ROWS,
    test_rows: int = TEST_ROWS,
    searched: int = SEARCHED,
) -> dict[str, Any]:
    """Train one model; score it as a whole, by the source's length, and with
    beams."""
    corpus = Corpus(train_rows, test_rows)
    started = time.process_time()
    model = train(corpus, contender, epochs, rate, seed)
    seconds = round(time.process_time() - started, 1)
    references = [join_words(each.french) for each in corpus.test_sentences]
    written = translate(model, corpus)
    by_length = {}
    for low, high in BINS:
        rows = np.flatnonzero(
            (corpus.test.lengths >= low) & (corpus.test.lengths <= high)
        )
        if rows.size:
            by_length[f"{low}–{high}"] = scores(
                [written[row] for row in rows],
                [references[row] for row in rows],
            )
    return {
        "rate": rate,
        "greedy": scores(written, references),
        "by source words": by_length,
        "examples": [
            {
                "source": " ".join(corpus.test_sentences[row].english),
                "reference": references[row],
                "written": written[row],
            }
            for row in range(5)
        ],
        "beams": beams(model, corpus, searched),
        "map": alignment(model, corpus) if contender == "attention" else None,
        "seconds": seconds,
        "sacreBLEU": str(_signature()),
    }


def beams(
    model: Seq2Seq, corpus: Corpus, sentences: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Score beams of several widths, full outputs ranked by the sum of the log
    probabilities and by their mean."""
    references = [join_words(each.french) for each in corpus.test_sentences]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for width in WIDTHS:
        ranked = []
        for row in range(sentences):
            source, lengths, _, _ = map(
                torch.from_numpy, corpus.test.rows(slice(row, row + 1))
            )
            memory = model.encode(source, lengths)
            ranked.append(beam_search(model, memory, LONGEST, width))
        best = {
            "sum": [
                max(each, key=lambda o: o[1] * len(o[0])) for each in ranked
            ],
            "mean": [each[0] for each in ranked],
        }
        found[str(width)] = {
            how: scores(
                [join_words(corpus.french.decode(o[0])) for o in outputs],
                references[:sentences],
            )
            for how, outputs in best.items()
        }
    return found


SHOWN = "the girl loves the white cat"


def alignment(model: Seq2Seq, corpus: Corpus) -> dict[str, Any]:
    """Return the weights over one sentence whose adjective moves."""
    words = SHOWN.split()
    source = torch.tensor([corpus.english.encode(words)])
    memory = model.encode(source, torch.tensor([len(words)]))
    symbols, weights = greedy_decode(model, memory, LONGEST)
    written = corpus.french.decode(symbols[0].tolist())
    assert weights is not None
    return {
        "source": words,
        "written": written,
        "weights": weights[0, : len(written)].numpy().round(3).tolist(),
    }


def _signature() -> sacrebleu.metrics.base.Signature:
    """Return what sacreBLEU asks to be quoted with a score."""
    metric = sacrebleu.BLEU()
    metric.corpus_score(["a"], [["a"]])
    return metric.get_signature()


def main() -> None:
    """Make every run that is not recorded yet."""
    torch.set_flush_denormal(True)
    record_runs(
        "attention_translation",
        lambda results, fresh: tuned_budgets(
            results, fresh, PASSES, SEEDS, tune, measure
        ),
    )


if __name__ == "__main__":
    main()
