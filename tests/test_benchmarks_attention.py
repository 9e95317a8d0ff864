"""A small case of each attention benchmark, and what its measures mean."""

import numpy as np
import pytest
import torch

from benchmarks import (
    attention_dates,
    attention_reversal,
    attention_translation,
)
from utils.attention.pytorch import Seq2Seq
from utils.data.pairs import END, PAD, START


@pytest.fixture(scope="module")
def dates():
    return attention_dates.Dates(train_rows=300, test_rows=40)


def test_dates_are_split_by_day(dates):
    days = {tuple(row) for row in dates.train.after.tolist()}
    assert len(days) == 300
    assert not days & {tuple(row) for row in dates.test.after.tolist()}


def test_one_model_with_attention(dates):
    result = attention_dates.plain(dates, attention=True, epochs=1, seed=0)
    assert len(result["exact match by epoch"]) == 1
    padded = result["exact match by extra padding"]
    assert set(padded) == set(attention_dates.EXTRA_PADDING)
    assert len(set(padded.values())) == 1, (
        "with the mask, padding changes nothing"
    )
    assert 0 <= result["explanation"]["same top position"] <= 1


def test_scheduled_sampling_and_no_mask_run(dates):
    result = attention_dates.plain(
        dates, attention=False, epochs=1, seed=0, teacher=0.5
    )
    assert result["after the first mistake"]["rows with a mistake"] == 1
    assert "exact match by extra padding" in attention_dates.unmasked(dates)


def test_the_model_without_a_mask_sees_padding(dates):
    torch.manual_seed(0)
    model = dates.model(True, attention_dates.Unmasked)
    source, lengths, before, _ = map(torch.from_numpy, dates.test)
    wide = torch.nn.functional.pad(source, (0, 9))
    with torch.no_grad():
        difference = model(wide, lengths, before) - model(
            source, lengths, before
        )
    assert difference.abs().max() > 1e-3


def test_keras_trains(dates):
    result = attention_dates.keras_twin(dates, epochs=1)
    assert 0 <= result["exact match"] <= 1
    assert (
        result["training loss by epoch"][0]
        < np.log(len(dates.target_symbols)) + 0.1
    )


class Scripted(Seq2Seq):
    """A model that writes the symbol before it plus one, and so counts from
    any start."""

    def __init__(self):
        super().__init__(8, 8, attention=False, embedding_size=2, hidden_size=2)
        with torch.no_grad():
            self.target_embedding = torch.nn.Embedding.from_pretrained(
                torch.eye(8)
            )

    def step(self, symbol, state, memory):
        return (
            torch.nn.functional.one_hot((symbol + 1) % 8, 8).float(),
            state,
            None,
        )

    @property
    def readout(self):
        return lambda features: features


def test_after_the_first_mistake_truth_and_own_symbols_part(dates):
    # The truth jumps once, from 3 to 6, and then counts on: teacher forcing
    # recovers at once.
    symbols = [END, 3, 6, 7]
    after = np.array([symbols])
    before = np.array([[START, *symbols[:-1]]])
    pairs = dates.test.rows(slice(0, 1))._replace(before=before, after=after)
    pairs = pairs._replace(source=pairs.source % 8)
    model = Scripted()
    result = attention_dates.after_first_error(model, pairs)
    assert result["rows with a mistake"] == 1
    assert result["symbols after it"] == 1
    assert result["right, true symbols fed"] == 1
    assert result["right, own symbols fed"] == 0


def test_reversals_are_reversed_and_scored(capsys):
    rng = np.random.default_rng(0)
    pairs = attention_reversal.make_reversals(np.array([3, 5]), rng)
    assert pairs.lengths.tolist() == [3, 5]
    for source, after, length in zip(
        pairs.source, pairs.after, pairs.lengths, strict=True
    ):
        assert after[:length].tolist() == source[:length][::-1].tolist()
        assert after[length] == END
        assert not (after[length + 1 :] != PAD).any()
    result = attention_reversal.measure(
        True, 0, stages=((4, 64, 1),), test_lengths=(2,)
    )
    assert set(result["accuracy by length"]) == {2}


def test_translation_is_trained_and_scored():
    result = attention_translation.measure(False, 128, test_rows=30, epochs=1)
    assert result["greedy"]["sentences"] == 30
    assert (
        sum(score["sentences"] for score in result["by source words"].values())
        == 30
    )
    assert "tok:13a" in result["sacreBLEU"]


def test_scores_of_a_perfect_and_of_a_wrong_translation():
    references = ["le chat voit un chien noir.", "la reine aime ma tante."]
    assert attention_translation.scores(references, references)[
        "BLEU"
    ] == pytest.approx(100)
    swapped = attention_translation.scores(references[::-1], references)
    assert swapped["exact"] == 0
    assert swapped["BLEU"] < 20
