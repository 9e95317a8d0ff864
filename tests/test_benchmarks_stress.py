"""A small case of `benchmarks/stress.py`, and what its parts mean."""

import numpy as np
import pytest
import torch

from benchmarks import stress
from benchmarks.stress import IGNORE
from utils.data.pronunciations import load_pronunciations


@pytest.fixture(scope="module")
def words():
    return stress.Words(600)


@pytest.fixture
def two_words():
    """Return "banana" and "again" with numbers for phones."""
    return [
        (np.array([1, 2, 3, 4, 3, 2]), np.array([-100, 0, -100, 1, -100, 0])),
        (np.array([2, 5, 6, 3]), np.array([0, IGNORE, 1, IGNORE])),
    ]


def test_words_come_from_the_dictionary_without_stress(words):
    listed = load_pronunciations(stress=True)
    for place in (0, 100):
        found = listed[words.words["train"][place]][0]
        phones, answers = words.tagged["train"][place]
        marks = ["" if tag == IGNORE else str(tag) for tag in answers]
        joined = [
            words.phones[i] + mark
            for i, mark in zip(phones, marks, strict=True)
        ]
        assert tuple(joined) == found


def test_no_word_tested_sounds_like_one_trained_on(words):
    trained = {tuple(phones) for phones, _ in words.tagged["train"]}
    for part in ("valid", "test"):
        assert words.words[part]
        assert not trained & {tuple(p) for p, _ in words.tagged[part]}


def test_a_score_counts_vowels_words_and_places(two_words):
    all_right = stress.score(two_words, [np.array([0, 1, 0]), np.array([0, 1])])
    assert all_right["vowels"] == all_right["words"] == 1
    scores = stress.score(two_words, [np.array([0, 1, 0]), np.array([1, 0])])
    assert scores["vowels"] == 0.6
    assert scores["words"] == 0.5
    assert scores["by place"] == {
        "last": 0.5,
        "second to last": 0.5,
        "third to last": 1.0,
    }


def test_late_answers_stand_late(two_words):
    batches = stress.Batches(two_words, delay=2)
    phones, lengths, answers = batches.batch(np.array([0, 1]))
    assert lengths.tolist() == [8, 6]
    assert phones[0, 6:].tolist() == [stress.PAD] * 2
    for row, (_, tags) in enumerate(two_words):
        late = answers[row, 2 : 2 + len(tags)]
        assert late.tolist() == tags.tolist()
    assert (answers[:, :2] == IGNORE).all()
    assert stress.delay_of("delay 2") == 2
    assert stress.delay_of("6 passes / delay 4") == 4
    assert stress.delay_of(stress.BOTH) == 0


def test_a_longer_budget_is_tuned_at_its_own_length():
    longer = "6 passes / delay 4"
    for part in ("valid", "test"):
        assert stress.passes_of(longer, part) == 6
    assert stress.passes_of("delay 4", "valid") == 1
    assert stress.passes_of("delay 4", "test") == 2


def test_a_network_cannot_see_past_its_delay(words):
    """What comes later than the delay moves no tag; what comes within it
    may."""
    torch.manual_seed(0)
    model = stress.network(len(words.phones), "delay 2").double()
    rows = torch.tensor([[1, 2, 3, 4, 5, 6, 0, 0]])
    embedded = model.embedding(rows).detach().requires_grad_()
    outputs, _ = model.ahead(embedded)
    (reached,) = torch.autograd.grad(outputs[0, 1 + 2].sum(), embedded)
    assert (reached[0, :4] != 0).all()
    assert (reached[0, 4:] == 0).all()


def test_contenders_have_like_many_parameters(words):
    counts = {
        sum(p.numel() for p in stress.network(40, contender).parameters())
        for contender in stress.CONTENDERS
    }
    assert max(counts) < 1.03 * min(counts)


@pytest.mark.parametrize(
    ("contender", "passes"),
    [(stress.BOTH, 2), ("delay 3", 2), ("6 passes / delay 4", 6)],
)
def test_a_contender_trains_is_scored_and_repeats_itself(
    words, contender, passes
):
    first, again = (
        stress.measure(words, contender, 0.01, 3, "test") for _ in range(2)
    )
    del first["seconds"], again["seconds"]
    assert first == again
    batches = len(stress.Batches(words.tagged["train"], 0))
    assert first["steps"] == passes * batches
    assert len(first["train loss"]) == len(first["valid loss"]) == passes
    assert first["train loss"][-1] < first["train loss"][0]
    assert first["error"] == pytest.approx(1 - first["vowels"], abs=1e-3)


def test_counts_are_mixed_from_wide_to_narrow(words):
    vowels = stress.Vowels(words)
    trained = vowels.part == "train"
    alone = vowels.chances(["vowel"], weight=2.0)
    which = vowels.rows["vowel"][0]
    same = trained & (vowels.rows["vowel"] == which)
    share = np.bincount(vowels.answers[same], minlength=3)
    assert np.allclose(alone[0], (share + 2 / 3) / (same.sum() + 2))
    narrower = vowels.chances(["vowel", "before"], weight=2.0)
    same &= vowels.rows["before"] == vowels.rows["before"][0]
    share = np.bincount(vowels.answers[same], minlength=3)
    assert np.allclose(narrower[0], (share + 2 * alone[0]) / (same.sum() + 2))
    assert np.allclose(narrower.sum(1), 1)


def test_a_rule_looks_no_further_than_it_may():
    for order in ("outwards", "ahead first"):
        steps = stress.looking_steps(2, order)
        assert {step for step in steps if step[0] == "+"} == {"+1", "+2"}
        assert "after" not in steps
        whole = stress.looking_steps(None, order)
        assert set(steps) < set(whole)
        assert "after" in whole


def test_what_stands_ahead_of_a_vowel_is_ahead(words):
    vowels = stress.Vowels(words)
    phones, answers = words.tagged["train"][0]
    first = int(np.flatnonzero(answers != IGNORE)[0])
    assert vowels.rows["+1"][0] == phones[first + 1]
    assert vowels.rows["-1"][0] == (phones[first - 1] if first else stress.PAD)


def test_rules_are_better_than_the_vowel_alone(words):
    found = stress.rules(words)
    assert found["words"]["test"] == len(words.words["test"])
    vowels = sum(found["test vowels by place"].values())
    assert vowels == sum(
        (tags != IGNORE).sum() for _, tags in words.tagged["test"]
    )
    scores = found["scores"]
    alone = scores["the vowel alone"]["vowels"]
    assert scores["counts, the whole word"]["vowels"] > alone
    assert set(scores) == {
        "the vowel alone",
        "pattern of the ending",
        "counts, the whole word",
        *(f"counts, {ahead} ahead" for ahead in range(5)),
    }


def test_the_rules_are_run_first_then_the_tuning():
    empty = {"tuning": {}, "runs": {}}
    wanted = stress.next_run(empty, True)
    assert next(wanted)[:2] == ("runs", "rules")
    part, name, _ = next(wanted)
    assert (part, name) == ("tuning", f"{stress.AT_ONCE} / 0.01 / 100")
