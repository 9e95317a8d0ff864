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
    result = attention_dates.measure(dates, "attention", 2, 1e-3, 0)
    assert 0 <= result["exact"] <= 1
    assert 0 <= result["explanation"]["same top position"] <= 1
    assert result["parameters"] > 0


def test_an_unsure_model_is_searched(dates, monkeypatch):
    monkeypatch.setattr(attention_dates, "SEARCHED", 3)
    result = attention_dates.measure(dates, *attention_dates.UNSURE, 1e-3, 0)
    beams = result["exact by beam width"]
    assert set(beams) == {"1", "2", "4", "10"}
    assert beams["10"]["log probability"] >= beams["1"]["log probability"]


@pytest.mark.parametrize("mask", attention_dates.MASKED)
def test_padding_changes_nothing_with_a_mask(dates, mask):
    result = attention_dates.mask_run(dates, mask, "random batches", 1e-3, 0)
    padded = result["exact by extra padding"]
    assert set(padded) == {str(n) for n in attention_dates.EXTRA_PADDING}
    assert mask != "mask" or len(set(padded.values())) == 1


def test_mistakes_are_compared_on_the_same_symbols(dates):
    result = attention_dates.exposure(dates, 1e-3, 0)
    true, own = result.values()
    assert true["symbols compared"] == own["symbols compared"] > 0


def test_runs_come_tuned_first_and_are_not_repeated(dates):
    tuning = {}
    results = {"tuning": tuning, "runs": {}}
    for part, name, _ in attention_dates.next_run(results, dates, True):
        if part == "runs":
            assert name == "attention / 1 / 0"
            break
        rate = float(name.split(" / ")[1])
        tuning[name] = {"error": abs(rate - 3e-3)}
    assert len(tuning) == 18
    results["runs"]["attention / 1 / 0"] = {}
    _, name, _ = next(attention_dates.next_run(results, dates, True))
    assert name == "attention / 2 / 0"
    assert not list(attention_dates.next_run(results, dates, False))


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
    result = attention_dates.keras_twin(dates, 5e-3, epochs=1)
    assert 0 <= result["exact"] <= 1
    assert result["training loss"][0] < np.log(len(dates.target_symbols)) + 0.1


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
    result = attention_dates.price_of_a_mistake({"it": model}, pairs)["it"]
    assert result["rows with a mistake"] == 1
    assert result["symbols compared"] == 1
    assert result["right, truth fed"] == 1
    assert result["right, own fed"] == 0


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
        "attention", 2, 1e-3, 0, rows=64, longest=4, test_lengths=(2,)
    )
    assert set(result["accuracy by length"]) == {"2"}
    assert len(result["training loss"]) == 2
    assert result["rate"] == 1e-3


def test_the_wider_model_has_twice_the_units():
    sizes = {}
    for name in attention_reversal.PASSES:
        model, _ = attention_reversal.train(name, 1, 1e-3, 0, 64, longest=4)
        sizes[name] = model.readout.in_features
    assert sizes[attention_reversal.WIDER] == 2 * sizes["no attention"]


@pytest.mark.parametrize("module", [attention_reversal, attention_translation])
def test_a_rate_is_tuned_for_the_most_passes(module, monkeypatch):
    asked, trained = [], module.train

    def brief(*means):
        asked.extend(mean for mean in means if mean in (4, 16))
        return trained(*(1 if mean in (4, 16) else mean for mean in means))

    monkeypatch.setattr(module, "train", brief)
    run = module.tune("no attention", 1e-3, 100, 64)
    assert asked == [16]
    assert run["error"] > 0


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (attention_reversal, "attention_reversal"),
        (attention_translation, "attention_translation"),
    ],
)
def test_rates_come_first_then_each_seed_after_the_one_before(
    module, name, monkeypatch
):
    asked = {}
    monkeypatch.setattr(
        module, "record_runs", lambda *means: asked.update([means])
    )
    monkeypatch.setattr(module, "measure", lambda *means: means)
    module.main()
    results = {"tuning": {}, "runs": {"attention / 4 / 0": {}}}
    tuned, runs = [], []
    for part, run_name, run in asked[name](results, True):
        if part == "runs":
            runs.append((run_name, run))
        else:
            tuned.append(run_name)
            contender, rate, _ = run_name.split(" / ")
            # What attention learns best at is the lowest of the first three.
            best = 1e-3 if contender == "attention" else 1e-2
            results["tuning"][run_name] = {"error": abs(float(rate) - best)}
    assert tuned[:4] == [
        f"attention / {rate} / 100" for rate in (0.001, 0.003, 0.01, 0.0003)
    ]
    assert "no attention / 0.03 / 100" in tuned
    budgets = sum(map(len, module.PASSES.values()))
    assert len(runs) == 3 * budgets - 1
    assert runs[-1][0] == "no attention / 16 / 2"
    assert runs[-1][1]() == ("no attention", 16, 1e-2, 2)
    assert not list(asked[name](results, False))


def test_translation_is_trained_and_scored():
    result = attention_translation.measure(
        "attention", 1, 1e-3, 0, train_rows=128, test_rows=30, searched=2
    )
    assert set(result["beams"]["10"]) == {"sum", "mean"}
    assert len(result["map"]["weights"]) == len(result["map"]["written"])
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
