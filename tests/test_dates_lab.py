"""The page writes a typed date as NumPy does, and as PyTorch did."""

import numpy as np
import pytest
import torch
from javascript import ENGINES, chosen, evaluator, on_disk, written

from benchmarks.date_reader import layers_of, round_weights
from utils.attention.pytorch import Seq2Seq, beam_search, greedy_decode
from utils.data.pairs import PAD, Symbols
from utils.labs import dates_lab, load_weights
from utils.labs.dates import (
    DATES,
    EXAMPLES,
    PADDING,
    STEPS,
    WIDTH,
    DateNetwork,
    mean_log,
)
from utils.labs.weights import write_weights
from utils.notebook import load_results

TEXTS = (EXAMPLES[0], EXAMPLES[3], "1", "5 5 5 5 Octember 2222")
CASES = [(text, mask) for text in TEXTS for mask in (True, False)]


@pytest.fixture(scope="module")
def weights():
    return load_weights("date_reader")


@pytest.fixture(scope="module")
def network(weights):
    return DateNetwork(weights)


@pytest.fixture(scope="module")
def recorded():
    return load_results("date_reader")["results"]


@pytest.fixture(scope="module")
def source(recorded):
    return Symbols([recorded["source"]])


@pytest.fixture(scope="module")
def target(recorded):
    return Symbols([recorded["target"]])


@pytest.fixture(scope="module", params=ENGINES)
def run(request, weights):
    """Evaluate an expression of the page, the network in its reach."""
    code = f"{DATES}const network = {written(weights)};"
    return evaluator(code, chosen(request))


@pytest.mark.parametrize(("text", "mask"), CASES)
@pytest.mark.parametrize("width", [1, WIDTH])
def test_the_page_writes_what_numpy_writes(
    text, mask, width, run, network, source
):
    numbers = source.encode(text)
    memory = network.encode(numbers, mask)
    there = network.search(memory, width)
    encoded = (
        f"dates.encode(network, {numbers}, {PADDING}, {str(mask).lower()})"
    )
    here = run(f"dates.search(network, {encoded}, {STEPS}, {width})")
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
        run(f"dates.weightsAlong(network, {encoded}, {symbols})"),
        network.weights_along(memory, symbols),
        rtol=1e-12,
        atol=1e-12,
    )


def test_numpy_writes_what_pytorch_wrote(network, recorded, source, target):
    """PyTorch's record is in float32, of the same rounded weights."""
    for there in recorded["read"]:
        memory = network.encode(source.encode(there["text"]), there["mask"])
        (best,) = network.search(memory)
        assert target.decode(best.symbols) == there["written"]
        along = network.weights_along(memory, best.symbols)
        np.testing.assert_allclose(along, there["weights"], atol=2e-4)
        for found, (text, score) in zip(
            network.search(memory, WIDTH), there["beam"], strict=True
        ):
            assert "".join(target.decode(found.symbols)) == text
            assert mean_log(found) == pytest.approx(score, abs=1e-3)


def test_rounding_took_nothing_from_the_network(recorded):
    exact = recorded["exact"]
    assert exact["float16"] >= exact["whole"] - 0.005 > 0.95


@pytest.mark.parametrize("mask", [True, False])
def test_numpy_writes_what_an_exported_network_writes(mask, tmp_path):
    """A small case of the recorded run: untrained, rounded, written, read."""
    torch.manual_seed(2)
    model = Seq2Seq(9, 7, embedding_size=5, hidden_size=6)
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 3
    round_weights(model)
    write_weights("small", layers_of(model), folder=tmp_path)
    network = DateNetwork(load_weights("small", tmp_path))
    numbers = [3, 8, 4, 4, 7]
    with torch.no_grad():
        memory = model.encode(
            torch.tensor([numbers + [PAD] * PADDING]), torch.tensor([5])
        )
    if not mask:
        memory = memory._replace(mask=torch.ones_like(memory.mask))
    here = network.encode(numbers, mask)
    symbols, weights = greedy_decode(model, memory, STEPS)
    (best,) = network.search(here)
    assert best.symbols == symbols[0].tolist()
    np.testing.assert_allclose(
        network.weights_along(here, best.symbols), weights[0], atol=1e-5
    )
    for width in (1, 2, 5):
        there = beam_search(model, memory, STEPS, width)
        found = network.search(here, width)
        assert [each.symbols for each in found] == [each[0] for each in there]
        np.testing.assert_allclose(
            [mean_log(each) for each in found],
            [each[1] for each in there],
            atol=1e-5,
        )


def test_a_network_without_attention_is_refused():
    with pytest.raises(ValueError, match="this model has none"):
        layers_of(Seq2Seq(9, 7, attention=False))


@pytest.fixture
def page(recorded, weights, browser, tmp_path):
    """The lab in a folder on disk, beside its weights."""
    lab = dates_lab(recorded["source"], recorded["target"], weights)
    with on_disk(lab, "date_reader", tmp_path, browser) as page:
        yield page


def part(page, name):
    return page.locator(f'[data-part="{name}"]')


def said(page, name, text):
    page.wait_for_function(
        "([name, text]) => document.querySelector(`[data-part=${name}]`)"
        ".textContent === text",
        arg=[name, text],
    )


def cells(page, shape):
    """Read the map's weights back from its rectangles."""
    weights = np.full(shape, np.nan)
    for cell in page.locator("rect.lab-weight").all():
        row, column = map(int, cell.get_attribute("data-cell").split(","))
        weights[row, column] = float(cell.get_attribute("fill-opacity"))
    return weights


def test_a_typed_date_is_written(page, network, source, target):
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
        (best,) = network.search(memory)
        along = network.weights_along(memory, best.symbols)[:-1]
        drawn = cells(page, (len(along), len(numbers) + 1))
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
    found = network.search(memory, WIDTH)
    assert rows.count() == len(found) > 1
    for row, output in zip(rows.all(), found, strict=True):
        text, probability = row.locator("td").all_text_contents()
        assert text == "".join(target.decode(output.symbols))
        value = float(probability.strip("<> %"))
        expected = np.clip(100 * np.exp(output.total), 0.1, 99.9)
        assert value == pytest.approx(expected, abs=0.0501)


def test_it_can_be_watched_as_it_writes(page):
    part(page, "load").click()
    part(page, "slowly").press("Enter")
    assert part(page, "written").text_content() == "2"
    assert page.locator("rect.lab-row").count() == 1
    said(page, "written", "2026-03-07")
    assert part(page, "position").input_value() == "10"
    part(page, "text").fill("")
    said(page, "hint", "Type a date.")
