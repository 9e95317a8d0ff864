"""The page writes a typed date, and pronounces a typed word, as NumPy does and
as PyTorch did."""

from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
import pytest
import torch
from javascript import (
    ENGINES,
    chosen,
    evaluator,
    map_weights,
    on_disk,
    written,
)

from benchmarks import pronouncer, pronunciation, typed
from benchmarks.pronunciation import Words
from utils.attention.pytorch import Seq2Seq, beam_search, greedy_decode
from utils.data.pairs import PAD, Symbols
from utils.data.pronunciations import load_pronunciations
from utils.labs import Lab, dates_lab, load_weights, pronouncer_lab
from utils.labs.typed import (
    DATES,
    PADDING,
    TRANSCRIBE,
    WIDTH,
    WORDS,
    EncoderDecoder,
    Typed,
    mean_log,
)
from utils.labs.weights import Weights, write_weights
from utils.notebook import load_results

TEXTS = {
    "date_reader": (
        DATES.examples[0],
        DATES.examples[3],
        "1",
        "5 5 5 5 Octember 2222",
    ),
    "pronouncer": (*WORDS.examples[:2], "q", "floccinaucinihilipilification"),
}
STEPS = 11


class Case(NamedTuple):
    """A trained network, its symbols and its record."""

    name: str
    typed: Typed
    weights: Weights
    network: EncoderDecoder
    recorded: dict
    source: Symbols
    target: Symbols

    def lab(self) -> Lab:
        """Make the lab as its chapter does."""
        read = self.recorded
        symbols = read["source"], read["target"]
        if self.typed is DATES:
            return dates_lab(*symbols, self.weights)
        wrong = read["errors"]["int8"]["word errors"]
        return pronouncer_lab(*symbols, self.weights, read["listed"], wrong)


def load(name):
    weights = load_weights(name)
    recorded = load_results(name)["results"]
    return Case(
        name,
        {"date_reader": DATES, "pronouncer": WORDS}[name],
        weights,
        EncoderDecoder(weights),
        recorded,
        Symbols([recorded["source"]]),
        Symbols([recorded["target"]]),
    )


@pytest.fixture(scope="module", params=TEXTS)
def case(request):
    return load(request.param)


@pytest.fixture(scope="module", params=ENGINES)
def run(request, case):
    """Evaluate an expression of the page, the network in its reach."""
    code = f"{TRANSCRIBE}const network = {written(case.weights)};"
    return evaluator(code, chosen(request))


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("width", [1, WIDTH])
def test_the_page_writes_what_numpy_writes(which, mask, width, run, case):
    numbers = case.source.encode(TEXTS[case.name][which])
    network, steps = case.network, case.typed.steps
    memory = network.encode(numbers, mask)
    there = network.search(memory, steps, width)
    encoded = (
        f"transcribe.encode(network, {numbers}, {PADDING}, {str(mask).lower()})"
    )
    here = run(f"transcribe.search(network, {encoded}, {steps}, {width})")
    assert [each["symbols"] for each in here] == [
        each.symbols for each in there
    ]
    assert len(there) <= width
    np.testing.assert_allclose(
        [each["total"] for each in here],
        [each.total for each in there],
        rtol=1e-10,
        atol=1e-12,
    )
    symbols = there[0].symbols
    np.testing.assert_allclose(
        run(f"transcribe.weightsAlong(network, {encoded}, {symbols})"),
        network.weights_along(memory, symbols),
        rtol=1e-12,
        atol=1e-12,
    )


def test_numpy_writes_what_pytorch_wrote(case):
    """PyTorch's record is in float32, of the same rounded weights."""
    network, steps, target = case.network, case.typed.steps, case.target
    assert len(case.recorded["read"]) == 2 * len(case.typed.examples)
    for there in case.recorded["read"]:
        numbers = case.source.encode(there["text"])
        memory = network.encode(numbers, there["mask"])
        (best,) = network.search(memory, steps)
        assert target.decode(best.symbols) == there["written"]
        along = network.weights_along(memory, best.symbols)
        np.testing.assert_allclose(along, there["weights"], atol=2e-4)
        for found, (text, score) in zip(
            network.search(memory, steps, WIDTH), there["beam"], strict=True
        ):
            joint = case.typed.joint
            assert joint.join(target.decode(found.symbols)) == text
            assert mean_log(found) == pytest.approx(score, abs=1e-3)


def test_rounding_took_nothing_from_the_date_reader():
    exact = load_results("date_reader")["results"]["exact"]
    assert exact["float16"] >= exact["whole"] - 0.005 > 0.95


def test_rounding_took_little_from_the_pronouncer():
    errors = load_results("pronouncer")["results"]["errors"]
    whole, rounded = errors["whole"], errors["int8"]
    assert rounded["word errors"] <= whole["word errors"] + 0.005 < 0.4


def test_every_phone_has_a_word_that_holds_it():
    listed = load_pronunciations()
    phones = {each for found in listed.values() for each in sum(found, ())}
    assert set(WORDS.sounds) == phones
    for phone, word in WORDS.sounds.items():
        assert all(phone in phones for phones in listed[word]), word


def test_the_examples_were_kept_for_the_test():
    words, listed = Words(), load_results("pronouncer")["results"]["listed"]
    *kept, unheard = WORDS.examples
    assert set(kept) <= set(words.test)
    assert unheard not in words.listed
    assert listed == {
        word: [list(phones) for phones in words.listed[word]] for word in kept
    }


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_numpy_writes_what_an_exported_network_writes(mask, dtype, tmp_path):
    """A small case of the recorded run: untrained, rounded, written, read."""
    torch.manual_seed(2)
    model = Seq2Seq(9, 7, embedding_size=5, hidden_size=6)
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 3
    typed.round_weights(model, dtype)
    write_weights("small", typed.layers_of(model), dtype, tmp_path)
    network = EncoderDecoder(load_weights("small", tmp_path))
    numbers = [3, 8, 4, 4, 7]
    with torch.no_grad():
        memory = model.encode(
            torch.tensor([numbers + [PAD] * PADDING]), torch.tensor([5])
        )
    if not mask:
        memory = memory._replace(mask=torch.ones_like(memory.mask))
    here = network.encode(numbers, mask)
    symbols, weights = greedy_decode(model, memory, STEPS)
    (best,) = network.search(here, STEPS)
    assert best.symbols == symbols[0].tolist()
    np.testing.assert_allclose(
        network.weights_along(here, best.symbols), weights[0], atol=1e-5
    )
    for width in (1, 2, 5):
        there = beam_search(model, memory, STEPS, width)
        found = network.search(here, STEPS, width)
        assert [each.symbols for each in found] == [each[0] for each in there]
        np.testing.assert_allclose(
            [mean_log(each) for each in found],
            [each[1] for each in there],
            atol=1e-5,
        )


def test_a_network_without_attention_is_refused():
    with pytest.raises(ValueError, match="this model has none"):
        typed.layers_of(Seq2Seq(9, 7, attention=False))


def test_a_small_pronouncer_is_trained_and_goes_on(tmp_path, monkeypatch):
    """An interrupted run ends where the whole one would have."""
    monkeypatch.setattr(pronouncer, "FOLDER", tmp_path)
    monkeypatch.setattr(pronouncer, "CHECKPOINTS", tmp_path / "whole")
    words = Words(limit=300)
    result = pronouncer.measure(words, passes=2)
    monkeypatch.setattr(pronouncer, "CHECKPOINTS", tmp_path / "cut")
    monkeypatch.setattr(pronunciation, "fit", cut_short(pronunciation.fit))
    with pytest.raises(KeyboardInterrupt):
        pronouncer.measure(words, passes=2)
    again = pronouncer.measure(words, passes=2)
    assert again["errors"] == result["errors"]
    assert again["read"] == result["read"]
    assert result["test words"] == 40
    assert 0 <= result["errors"]["int8"]["word errors"] <= 1
    network = EncoderDecoder(load_weights("pronouncer", tmp_path))
    there = result["read"][0]
    numbers = words.letters.encode(there["text"])
    (best,) = network.search(network.encode(numbers), WORDS.steps)
    assert words.phones.decode(best.symbols) == there["written"]


def cut_short(fit):
    """Return a `fit` that is interrupted in its second pass, once."""
    waiting = [True]

    def interrupted(*arguments, epochs, **named):
        if epochs == 2 and waiting:
            waiting.clear()
            raise KeyboardInterrupt
        return fit(*arguments, epochs=epochs, **named)

    return interrupted


@pytest.fixture
def opened(browser, tmp_path):
    """A lab in a folder on disk, beside its weights."""
    with ExitStack() as stack:
        yield lambda case: stack.enter_context(
            on_disk(case.lab(), case.name, tmp_path, browser)
        )


def part(page, name):
    return page.locator(f'[data-part="{name}"]')


def said(page, name, text):
    page.wait_for_function(
        "([name, text]) => document.querySelector(`[data-part=${name}]`)"
        ".textContent === text",
        arg=[name, text],
    )


def test_a_typed_date_is_written(opened):
    dates = load("date_reader")
    page, network, source = opened(dates), dates.network, dates.source
    assert part(page, "written").text_content() == "2026-03-07"
    part(page, "text").fill("27. Mai 2001 №")
    said(page, "hint", "Load the network to see what it writes.")
    assert part(page, "written").text_content() == "–"
    part(page, "load").press("Enter")
    said(page, "written", "2001-05-27")
    assert "“№”" in part(page, "unknown").text_content()

    numbers = source.encode("27. Mai 2001 ")
    for mask in (True, False):
        part(page, "mask").set_checked(mask)
        memory = network.encode(numbers, mask)
        (best,) = network.search(memory, DATES.steps)
        along = network.weights_along(memory, best.symbols)[:-1]
        drawn = map_weights(page, (len(along), len(numbers) + 1))
        inside = along[:, : len(numbers)]
        np.testing.assert_allclose(drawn[:, :-1], inside, atol=1e-9)
        padding = along[:, len(numbers) :].sum(axis=1)
        np.testing.assert_allclose(drawn[:, -1], padding, atol=1e-9)
        part(page, "position").fill("6")
        shown = part(page, "padding").text_content()
        assert float(shown) == pytest.approx(padding[5], abs=0.0051)
        assert (padding[5] > 0) != mask

    part(page, "beam").press("Space")
    rows = page.locator("[data-part=outputs] tr")
    found = network.search(memory, DATES.steps, WIDTH)
    assert rows.count() == len(found) > 1
    for row, output in zip(rows.all(), found, strict=True):
        text, probability = row.locator("td").all_text_contents()
        assert text == "".join(dates.target.decode(output.symbols))
        value = float(probability.strip("<> %"))
        expected = np.clip(100 * np.exp(output.total), 0.1, 99.9)
        assert value == pytest.approx(expected, abs=0.0501)


# What is written and how many rows of the map are drawn, at every change.
WATCH = """() => {
  window.seen = [];
  const written = document.querySelector("[data-part=written]");
  new MutationObserver(() => seen.push([written.textContent,
    document.querySelectorAll("rect.lab-row").length])).observe(
      written, {childList: true});
}"""


def test_it_can_be_watched_as_it_writes(opened):
    page = opened(load("date_reader"))
    part(page, "load").click()
    said(page, "load", "Loaded")
    page.evaluate(WATCH)
    part(page, "slowly").press("Enter")
    said(page, "written", "2026-03-07")
    assert page.evaluate("seen") == [
        ["2026-03-07"[:length], length] for length in range(1, 11)
    ]
    assert part(page, "position").input_value() == "10"
    part(page, "text").fill("")
    said(page, "hint", "Type a date.")


def test_a_typed_word_is_pronounced(opened):
    words = load("pronouncer")
    page, network = opened(words), words.network
    first = WORDS.examples[0]
    (written,) = (
        each["written"]
        for each in words.recorded["read"]
        if each["text"] == first and each["mask"]
    )
    assert part(page, "written").text_content() == " ".join(written)
    known = " ".join(words.recorded["listed"][first][0])
    assert known in part(page, "listed").text_content()
    part(page, "load").press("Enter")
    part(page, "text").fill("Zoo7")
    said(page, "written", "Z UW")
    assert part(page, "listed").text_content() == ""
    assert "“7”" in part(page, "unknown").text_content()
    part(page, "text").fill("constructor")
    page.wait_for_function(
        "document.querySelectorAll('rect.lab-row').length > 5"
    )
    assert part(page, "listed").text_content() == ""
    part(page, "text").fill("Zoo")
    said(page, "written", "Z UW")
    part(page, "position").fill("2")
    assert part(page, "symbol").text_content() == "UW, as in “two”,"

    numbers = words.source.encode("zoo")
    memory = network.encode(numbers)
    (best,) = network.search(memory, WORDS.steps)
    along = network.weights_along(memory, best.symbols)[:-1, : len(numbers)]
    drawn = map_weights(page, (len(along), len(numbers) + 1))
    np.testing.assert_allclose(drawn[:, :-1], along, atol=1e-9)
    part(page, "beam").press("Space")
    rows = page.locator("[data-part=outputs] tr")
    found = network.search(memory, WORDS.steps, WIDTH)
    assert [row.locator("td").first.text_content() for row in rows.all()] == [
        " ".join(words.target.decode(output.symbols)) for output in found
    ]
