"""The page reads and writes as NumPy does, and as PyTorch read."""

import numpy as np
import pytest
import torch
from javascript import ENGINES, chosen, evaluator, on_disk, written

from benchmarks.writer import layers_of, round_weights
from utils.labs import load_weights, writer_lab
from utils.labs.training import SEEDED
from utils.labs.weights import write_weights
from utils.labs.writer import (
    EXAMPLES,
    LENGTH,
    WRITER,
    character_model,
    continued,
)
from utils.language import CharacterModel
from utils.language.alphabet import SPECIAL, Alphabet
from utils.language.measure import surprisals
from utils.language.sampling import reshaped
from utils.notebook import load_results

TEXTS = (*EXAMPLES.values(), "", "Łódź, 1.5 ½ €\n\n", "𝔘nicode")
SETTINGS = [(0.0, 1.0), (0.7, 0.95), (1.0, 1.0), (1.4, 0.5), (2.0, 0.1)]


@pytest.fixture(scope="module")
def weights():
    return load_weights("writer")


@pytest.fixture(scope="module")
def recorded():
    return load_results("writer")["results"]


@pytest.fixture(scope="module")
def alphabet(recorded):
    return Alphabet(recorded["characters"])


@pytest.fixture(scope="module", params=ENGINES)
def run(request, weights):
    """Evaluate an expression of the page, the network in its reach."""
    read = """function texted(symbols) {
      const text = new writer.Text(network);
      for (const symbol of symbols) text.add(symbol);
      return text;
    }
    function written(symbols, n, temperature, topP, seed) {
      const text = texted(symbols), random = seeded.generator(seed);
      while (text.symbols.length < symbols.length + n) {
        const p = writer.reshaped(text.logs, temperature, topP);
        const symbol = writer.drawn(p, random());
        if (symbol === writer.BOUNDARY) break;
        text.add(symbol);
      }
      return text.symbols.slice(symbols.length);
    }"""
    code = SEEDED + WRITER + f"const network = {written(weights)};{read}"
    return evaluator(code, chosen(request))


@pytest.mark.parametrize("text", TEXTS)
def test_a_letter_costs_in_the_page_what_it_costs_in_numpy(
    text, run, weights, alphabet
):
    model, symbols = character_model(weights), alphabet.encode(text)
    found = run(
        f"(({{bits, logs}}) => ({{bits, logs}}))(texted({symbols.tolist()}))"
    )
    for here, there in (
        (found["bits"], surprisals(model, symbols)[:-1]),
        (found["logs"], model.following(symbols)[0]),
    ):
        np.testing.assert_allclose(here, there, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("temperature", "top_p"), SETTINGS)
def test_the_page_draws_from_the_book_s_probabilities(temperature, top_p, run):
    rng = np.random.default_rng(3)
    for logs in (rng.normal(size=30) * 3, np.log(rng.dirichlet(np.ones(9)))):
        here = run(f"writer.reshaped({logs.tolist()}, {temperature}, {top_p})")
        there = reshaped(logs, temperature=temperature, top_p=top_p)
        assert np.array_equal(np.array(here) > 0, there > 0)
        np.testing.assert_allclose(here, there, rtol=1e-12, atol=1e-12)
    p = there.tolist()
    for u in (0.001, 0.3, 0.999999999):
        first = int(np.searchsorted(np.cumsum(p), u, side="right"))
        assert run(f"writer.drawn({p}, {u})") == first
    assert run(f"writer.drawn({p}, 1)") == np.flatnonzero(p)[-1]


@pytest.mark.parametrize(("temperature", "top_p"), SETTINGS[:4])
def test_the_page_writes_what_numpy_writes(
    temperature, top_p, run, weights, alphabet
):
    prompt = alphabet.encode(EXAMPLES["A speaker"])
    for seed in (0, 7):
        there = continued(
            character_model(weights), prompt, 60, temperature, top_p, seed
        ).tolist()
        here = run(
            f"written({prompt.tolist()}, 60, {temperature}, {top_p}, {seed})"
        )
        assert here == there
        assert len(there) > 10


def test_numpy_reads_what_pytorch_read(weights, recorded, alphabet):
    """PyTorch's record is in float32, of the same rounded weights."""
    along = recorded["along"]
    symbols = alphabet.encode(along["text"])
    assert np.ptp(along["bits"]) > 1
    np.testing.assert_allclose(
        surprisals(character_model(weights), symbols), along["bits"], atol=1e-3
    )


def test_rounding_took_nothing_from_the_network(recorded):
    bits = recorded["bits"]
    assert recorded["training"]["ended"] == "budget"
    assert abs(bits["float16"] - bits["whole"]) < 0.005
    assert bits["float16"] < 2.6


def test_numpy_reads_what_an_exported_model_reads(tmp_path):
    """A small case of the recorded run: untrained, rounded, written, read."""
    torch.manual_seed(4)
    model = CharacterModel(9, "GRU", 6, 5)
    round_weights(model)
    write_weights("small", layers_of(model), folder=tmp_path)
    symbols = np.array([2, 8, 1, 5, 5, 3])
    there = surprisals(model, symbols)
    here = surprisals(character_model(load_weights("small", tmp_path)), symbols)
    assert np.ptp(there) > 0.1
    np.testing.assert_allclose(here, there, atol=1e-5)


@pytest.fixture
def page(recorded, weights, browser, tmp_path):
    """The lab in a folder on disk, beside its weights."""
    lab = writer_lab(recorded["characters"], weights)
    with on_disk(lab, "writer", tmp_path, browser) as page:
        yield page


def part(page, name):
    return page.locator(f'[data-part="{name}"]')


def label(page):
    return part(page, "letters").get_attribute("aria-label")


def shown_bits(page):
    return [
        float(each.split(": ")[-1].split()[0])
        for each in page.locator(".lab-letters [title]").evaluate_all(
            "all => all.map(letter => letter.title)"
        )
    ]


def test_the_first_view_is_what_numpy_wrote(page, weights, alphabet):
    text, model = EXAMPLES["A speaker"], character_model(weights)
    prompt = alphabet.encode(text)
    added = continued(model, prompt, LENGTH, 0.7, 0.95, 0)
    assert label(page) == text + alphabet.decode(added)
    bits = surprisals(model, np.concatenate([prompt, added]))[:-1]
    np.testing.assert_allclose(shown_bits(page), bits, atol=0.051)
    assert (
        part(page, "mine").text_content() == f"{bits[: len(text)].mean():.2f}"
    )
    assert part(page, "its").text_content() == f"{bits[len(text) :].mean():.2f}"
    assert part(page, "write").is_disabled()


def test_a_typed_text_is_continued_by_keyboard(page, weights, alphabet):
    model = character_model(weights)
    typed = "My lord, the № "
    part(page, "text").fill(typed)
    page.wait_for_function(
        "document.querySelector('[data-part=hint]').textContent"
    )
    assert part(page, "mine").text_content() == "–"
    part(page, "load").press("Enter")
    page.wait_for_function(
        "!document.querySelector('[data-part=write]').disabled"
    )
    prompt = alphabet.encode(typed)
    bits = surprisals(model, prompt)[:-1]
    np.testing.assert_allclose(shown_bits(page), bits, atol=0.051)
    assert (
        part(page, "surprise").text_content().startswith("“№” after “rd, the ")
    )
    assert page.locator(".lab-unknown").all_text_contents() == ["№"]

    part(page, "temperature").fill("1")
    part(page, "top-p").fill("1")
    part(page, "write").press("Enter")
    assert part(page, "write").text_content() == "Pause"
    page.wait_for_function(
        "document.querySelector('[data-part=write]').textContent === 'Write on'"
    )
    added = continued(model, prompt, LENGTH, 1.0, 1.0, 0)
    assert label(page) == typed + alphabet.decode(added)
    logs = model.following(np.concatenate([prompt, added]))[0]
    drawn = reshaped(logs, top_p=1.0)
    assert part(page, "kept").text_content() == str((drawn > 0).sum())
    shares = page.locator("[data-drawn]").evaluate_all(
        "all => all.map(bar => Number(bar.dataset.drawn))"
    )
    expected = sorted(np.delete(drawn, SPECIAL - 1), reverse=True)[:8]
    np.testing.assert_allclose(shares, expected, atol=6e-5)

    part(page, "again").press("Enter")
    page.wait_for_function(
        "document.querySelector('[data-part=write]').textContent === 'Write on'"
    )
    other = continued(model, prompt, LENGTH, 1.0, 1.0, 1)
    assert label(page) == typed + alphabet.decode(other)
    part(page, "text").press("End")
    part(page, "text").press_sequentially("king")
    page.wait_for_function(
        "document.querySelector('[data-part=letters]')"
        ".getAttribute('aria-label').endsWith('king')"
    )
    assert label(page) == typed + "king"
