"""The page reads a typed sentence as NumPy does, and as PyTorch did."""

import json

import numpy as np
import pytest
import torch
from javascript import ENGINES, chosen, evaluator, on_disk, written

from benchmarks.sentiment_reader import layers_of, round_weights
from benchmarks.sentiment_twins import ARCHITECTURES, READERS
from utils.data.text import Vocabulary, tokenize
from utils.labs import load_weights, sentence_lab
from utils.labs.sentence import (
    EXAMPLES,
    SENTENCE,
    networks,
    positive,
    read_along,
)
from utils.labs.weights import write_weights
from utils.notebook import load_results
from utils.sentiment.pytorch import SentimentClassifier, probabilities_along

TEXTS = (
    "It isn't DULL; it’s “moving”, 但是 the_end — naïve café №5 ½ x²!",
    "  \n\t",
    "ÅNGSTRÖM İstanbul ﬁne 3.14 don't' 'tis rock'n'roll 𝔘nicode 㐀鿿ꀀ",
    EXAMPLES["A concession"],
)


@pytest.fixture(scope="module")
def weights():
    return load_weights("sentiment_reader")


@pytest.fixture(scope="module")
def recorded():
    return load_results("sentiment_reader")["results"]


@pytest.fixture(scope="module", params=ENGINES)
def run(request, weights):
    """Evaluate an expression of the page, the networks in its reach."""
    code = f"{SENTENCE}const trained = sentence.networks({written(weights)});"
    return evaluator(code, chosen(request))


@pytest.mark.parametrize("text", TEXTS)
def test_the_page_splits_text_as_the_book_does(text, run):
    assert run(f"sentence.tokenize({json.dumps(text)})") == tokenize(text)


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_the_page_says_what_numpy_says(text, run, weights, recorded):
    numbers = Vocabulary(recorded["vocabulary"]).encode(text)
    for name, network in networks(weights).items():
        for end in (1, 2, len(numbers)):
            here = run(
                f"sentence.positive(trained[{json.dumps(name)}], "
                f"{numbers[:end].tolist()})"
            )
            np.testing.assert_allclose(
                here, positive(network, numbers[:end]), rtol=1e-12, atol=1e-12
            )


def test_numpy_says_what_pytorch_said(weights, recorded):
    """PyTorch's record is in float32, of the same rounded weights."""
    along = recorded["along"]
    reading = read_along(
        weights, Vocabulary(recorded["vocabulary"]), along["text"]
    )
    assert reading.verdicts.keys() == along["verdicts"].keys()
    for name, there in along["verdicts"].items():
        assert np.ptp(there) > 0.001
        np.testing.assert_allclose(reading.verdicts[name], there, atol=2e-5)


@pytest.mark.parametrize("name", READERS)
def test_numpy_computes_what_an_exported_network_computes(name, tmp_path):
    """A small case of the recorded run: untrained, rounded, written, read."""
    text = "one two three four three two one one"
    vocabulary = Vocabulary.from_texts([text])
    torch.manual_seed(5)
    model = SentimentClassifier(len(vocabulary), 6, 5, **ARCHITECTURES[name])
    round_weights(model)
    exported = {f"{name}: {k}": v for k, v in layers_of(model).items()}
    write_weights("small", exported, folder=tmp_path)
    weights = load_weights("small", tmp_path)
    there = probabilities_along(model, text, vocabulary)[1]
    here = read_along(weights, vocabulary, text).verdicts[name]
    assert np.ptp(there) > 1e-4
    np.testing.assert_allclose(here, there, atol=1e-6)


def test_rounding_took_nothing_from_the_networks(recorded):
    whole = load_results("sentiment_twins")["results"]
    for name, scores in recorded["accuracy"].items():
        for part, share in scores.items():
            assert abs(share - whole[f"{name}, seed 0"][part]) <= 0.02


@pytest.fixture
def page(recorded, weights, browser, tmp_path):
    """The lab in a folder on disk, beside its weights."""
    lab = sentence_lab(recorded["vocabulary"], weights)
    with on_disk(lab, "sentiment_reader", tmp_path, browser) as page:
        yield page


def test_a_typed_sentence_is_read(weights, recorded, page):
    """By keyboard, in a folder on disk, with a word that nobody knows."""

    def part(name):
        return page.locator(f'[data-part="{name}"]')

    first = read_along(
        weights, Vocabulary(recorded["vocabulary"]), EXAMPLES["A concession"]
    )
    shown = [part(f"now-{m}").text_content() for m in range(4)]
    assert shown == [f"{v[-1]:.2f}" for v in first.verdicts.values()]

    typed = "the main plot was dull , but the xylophone was witty in it ."
    part("text").fill(typed)
    page.wait_for_function(
        "document.querySelector('[data-part=hint]').textContent"
    )
    assert part("now-0").text_content() == "–"
    part("load").press("Enter")
    page.wait_for_function(
        "document.querySelector('[data-part=hint]').textContent === ''"
    )
    expected = read_along(weights, Vocabulary(recorded["vocabulary"]), typed)
    shown = [part(f"now-{m}").text_content() for m in range(4)]
    assert shown == [f"{v[-1]:.2f}" for v in expected.verdicts.values()]
    assert page.locator(".lab-unknown").all_text_contents() == ["xylophone"]
    assert "xylophone" in part("unknown").text_content()

    other = EXAMPLES["The same, the other way round"]
    page.get_by_role("button", name="The same, the other way round").press(
        "Enter"
    )
    assert part("text").input_value() == other
    part("text").fill("")
    page.wait_for_function(
        "document.querySelector('[data-part=hint]').textContent"
        " === 'Type a sentence.'"
    )
