"""A small case of `benchmarks/bidirectional.py`, and what its parts mean."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks import bidirectional
from utils.data.digit_strings import PAD


def small(name):
    """Shorten a contender's training to one stretch."""
    return dataclasses.replace(bidirectional.contenders()[name], stretches=1)


@pytest.mark.parametrize("name", bidirectional.contenders())
def test_every_contender_trains_and_is_judged(name):
    result = bidirectional.measure(small(name), 0.01, seed=0)
    assert len(result["curves"]["loss"]) == 1
    assert np.isfinite(result["curves"]["loss"][0])
    assert result["parameters"] > 0


def test_a_run_repeats_itself():
    first, again = (
        bidirectional.measure(small("tags / both directions"), 0.01, seed=3)
        for _ in range(2)
    )
    assert first["curves"] == again["curves"]
    other = bidirectional.measure(small("tags / both directions"), 0.01, seed=4)
    assert first["curves"] != other["curves"]


def test_tuning_and_fresh_seeds_are_disjoint():
    apart = {bidirectional.VALIDATION_SEED, bidirectional.TEST_SEED}
    seeds = set(bidirectional.SEEDS), set(bidirectional.TUNING_SEEDS), apart
    assert len(set.union(*seeds)) == sum(map(len, seeds))


def test_contenders_have_like_many_parameters():
    made = bidirectional.contenders()
    for one, two in (
        ("tags / one direction", "tags / both directions"),
        ("tags, longer / delay 4", "tags, longer / both directions"),
        ("digits / one direction", "digits / both directions"),
    ):
        counts = [
            sum(p.numel() for p in made[name].build().parameters())
            for name in (one, two)
        ]
        assert max(counts) < 1.03 * min(counts)


def test_a_longer_budget_is_the_same_reader_trained_longer():
    made = bidirectional.contenders()
    for name in ("one direction", "delay 2", "delay 4", "both directions"):
        short, longer = made[f"tags / {name}"], made[f"tags, longer / {name}"]
        assert longer.stretches == 6 * short.stretches
        assert longer.rate is None, "it is tuned for itself"
        shapes = [
            [p.shape for p in each.build().parameters()]
            for each in (short, longer)
        ]
        assert shapes[0] == shapes[1]


def test_tuning_goes_on_beyond_the_edge(monkeypatch):
    losses = {0.003: 0.3, 0.001: 0.2, 0.0003: 0.4}
    monkeypatch.setattr(
        bidirectional,
        "train",
        lambda contender, rate, seed: {
            "curves": {"loss": [losses.get(rate, 1.0)]}
        },
    )
    done, saves = {}, []
    best = bidirectional.tune(None, done, lambda: saves.append(1))
    assert best == 0.001
    assert len(done) == len(saves) == 5 * len(bidirectional.TUNING_SEEDS)
    assert bidirectional.tune(None, done, lambda: saves.append(1)) == best
    assert len(saves) == len(done), "nothing is run twice"


def test_half_a_mask():
    """A half that is masked does not see padding; one that is not does."""
    torch.manual_seed(0)
    reader = bidirectional.SymbolReader(11, 4, pooling="mean")
    rows, lengths, _ = bidirectional.ends_batch(6, (2, 9), 0)
    with torch.no_grad():
        plain = reader(rows, lengths)
        full = torch.full_like(lengths, rows.shape[1])
        for masked, expected in (
            ((True, True), plain),
            ((False, False), reader(rows, full)),
        ):
            halves = bidirectional.HalfMasked(reader, masked)
            assert torch.allclose(halves(rows, lengths), expected)
        reader.head.weight[:, :16] = 0  # listen to the backward half alone
        deaf_ahead = bidirectional.HalfMasked(reader, (False, True))
        assert torch.allclose(deaf_ahead(rows, lengths), reader(rows, lengths))
        deaf_back = bidirectional.HalfMasked(reader, (True, False))
        assert not torch.allclose(
            deaf_back(rows, lengths), reader(rows, lengths)
        )


def test_late_answers_stand_late():
    inputs, lengths, answers = bidirectional.tag_batch(4, 2, 0)
    now = bidirectional.tag_batch(4, 0, 0)
    assert torch.equal(lengths, now[1] + 2)
    assert (answers[:, :2] == bidirectional.IGNORE).all()
    for row, n in enumerate(now[1]):
        assert torch.equal(answers[row, 2 : n + 2], now[2][row, :n])
        assert (inputs[row, n:] == PAD).all()


class Peeker(torch.nn.Module):
    """Answers each step with what follows it, 0 where nothing does."""

    def forward(self, x):
        return torch.nn.functional.pad(x[:, 1:], (0, 0, 0, 1))


def test_a_leak_ends_with_the_data():
    rows = bidirectional.noise_rows(50, 0)
    assert bidirectional.back_test(Peeker(), *rows) == 0
    assert bidirectional.live(Peeker(), *rows) > 0.8


def test_the_window_sees_no_future():
    torch.manual_seed(0)
    model = bidirectional.WindowForecaster(1, 4)
    x = torch.randn(1, 9, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x)[0, 6].sum(), x)
    reached = gradient[0, :, 0] != 0
    assert reached.tolist() == [False] * 2 + [True] * 5 + [False] * 2


def test_bounds_on_the_test_rows_are_near_the_exact_ones():
    bounds = bidirectional.tag_bounds()["by look-ahead"]
    for bound in bounds.values():
        assert abs(bound["expected"] - bound["test"]) < 0.01
