"""Small cases of chapter 01's recordings, and what they recorded."""

import difflib

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import adder, digits, sunspots
from benchmarks.claims import Effect
from utils.data.digit_forms import load_digit_forms
from utils.data.samples import sunspot_windows
from utils.notebook import load_results


def test_every_form_asks_for_the_same_digits():
    images, form = load_digit_forms()
    assert len(images.y) == 1797
    assert np.array_equal(np.unique(form), range(14))
    whole = "".join(map(str, images.y[form == 0]))
    assert whole.startswith("0123456789" * 3)
    assert len(whole) == 130
    for number in range(1, 14):
        labels = "".join(map(str, images.y[form == number]))
        alike = difflib.SequenceMatcher(None, whole, labels, autojunk=False)
        assert alike.ratio() > 0.9
        assert labels[:8] in whole[:20]


@pytest.mark.parametrize("name", digits.NETWORKS)
def test_networks_trained_together_are_those_trained_alone(name):
    runs = [((0, 1), 3), ((4, 5), 4)]
    (together,) = digits.train_together(name, 3e-3, runs, epochs=1)
    for place, (tested, seed) in enumerate(runs):
        torch.manual_seed(seed)
        model = digits.NETWORKS[name]()
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        known = digits.tensors(digits.on_forms(digits.all_but(tested)))
        other = digits.tensors(
            digits.on_forms(digits.all_but(runs[1 - place][0]))
        )
        last = min(len(known[1]), len(other[1])) % digits.BATCH
        batches = list(digits.Shuffled(*known, seed))
        for step, (x, y) in enumerate(batches):
            size = last if step == len(batches) - 1 else len(y)
            loss = nn.functional.cross_entropy(model(x[:size]), y[:size])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        for key, value in model.state_dict().items():
            torch.testing.assert_close(
                together[key][place].detach(), value, rtol=1e-3, atol=1e-4
            )


def test_tested_forms_are_never_trained_or_tuned_on():
    for pair in digits.TESTED:
        assert not set(pair) & set(digits.TUNED)
        assert not set(pair) & set(digits.all_but(pair))
    tested = sorted(form for pair in digits.TESTED for form in pair)
    assert sorted([*tested, *digits.TUNED]) == list(range(14))


def test_the_recorded_regression_repeats():
    runs = load_results("digit_forms")["results"]["runs"]
    linear = runs["logistic regression"]
    again = digits.linear_by_form((4, 5), linear["penalty"])
    assert again["test"] == pytest.approx(
        linear["4 and 5"]["0"]["test"], abs=0.01
    )
    for name in digits.NETWORKS:
        pairs = [key for key in runs[name] if " and " in key]
        assert len(pairs) == len(digits.TESTED)
        assert all(len(runs[name][pair]) == 5 for pair in pairs)


def test_the_longer_runs_are_complete_and_as_tuned():
    longer = load_results("digit_forms")["results"]["longer"]
    for name in digits.NETWORKS:
        tuning = longer["tuning"][name]
        rate, epochs = digits.tune_longer(name, dict(tuning), lambda: None)
        assert longer["chosen"][name] == {"rate": rate, "epochs": epochs}
        for number in digits.LONGER:
            runs = longer["runs"][name][str(number)]
            assert len(runs) == len(digits.TESTED)
            for each in runs.values():
                assert list(map(int, each)) == list(digits.LONGER_SEEDS)


def test_rate_and_epochs_are_tuned_together(monkeypatch):
    least = {1e-3: 0.5, 3e-3: 0.2, 1e-2: 0.3, 3e-2: 0.4}

    def curve(contender, rate, seed):
        assert contender == digits.LONGER[-1]
        losses = np.full(contender, 1.0)
        losses[29] = least[rate]
        losses[44] = 0.01  # not one of the numbers of epochs on trial
        return {"curves": {"loss": list(losses)}}

    monkeypatch.setattr(digits, "network", lambda name, epochs: epochs)
    monkeypatch.setattr(digits, "train", curve)
    done = {}
    assert digits.tune_longer("RNN", done, lambda: None) == (3e-3, 30)
    assert {float(key.split(" / ")[0]) for key in done} == set(least)
    assert all(len(losses) == len(digits.LONGER) for losses in done.values())


def test_a_few_steps_of_the_adder():
    run = adder.add(0, steps=2)
    assert run["64 digits"]["digits"] == 32000
    assert run["64 digits"]["wrong"] > 5000
    relu = adder.add_with_relu(0, 0.15, 1.0, steps=3)
    assert len(relu["loss"]) == 3
    assert 0.3 < relu["right"] < 0.7


def test_the_recorded_adder_starts_again_as_recorded():
    recorded = load_results("adder")["results"]["runs"]["tanh"]
    seed, run = next(iter(recorded.items()))
    assert adder.add(int(seed), steps=10)["loss"] == pytest.approx(
        run["loss"][:10], rel=1e-3
    )


def test_a_short_stack_learns_and_the_linear_forecast_repeats():
    data = sunspot_windows()
    known = sunspots.until_1930(data)
    assert len(known[1]) == 208
    (curve,) = sunspots.train_stacks(
        [0], 3e-3, 2, known, (data.x_test, data.y_test)
    )[1]
    assert len(curve) == 2
    results = load_results("sunspot_years")["results"]
    order = results["chosen"]["order"]
    assert sunspots.tune_order(data) == order
    assert len(results["forecasts"]["RNN"]) == 5
    line = data.sunspots(sunspots.linear_forecast(order, known, data.x_test))
    np.testing.assert_allclose(
        line, results["forecasts"]["linear regression"]["0"], atol=0.01
    )
    np.testing.assert_allclose(
        results["sunspots"], data.sunspots(data.y_test), atol=0.006
    )


def test_a_paired_difference_is_tied_where_its_interval_holds_zero():
    tied = Effect.paired("points", [3, 1, 2, -2], "form")
    assert tied.tied
    assert tied.value == 1
    assert tied.low == pytest.approx(1 - 3.182 * 2.160 / 2, abs=1e-3)
    assert not Effect.paired("points", [3, 1, 2, 2], "form").tied
