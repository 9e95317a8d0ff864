"""A page that was opened from a folder reads the weights that Python reads."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from utils.labs.lab import buttons, make_lab
from utils.labs.weights import (
    LOADER,
    load_weights,
    weights_button,
    write_weights,
)
from utils.scratch import GRU, Dense

SCRIPT = """
weights.onClick(find("load"), layers => {
  write("answer", JSON.stringify(layers,
    (_, part) => part instanceof Float64Array ? Array.from(part) : part));
});
"""


def page(button):
    """Return a lab that writes down every number that it loads."""
    return make_lab(
        "A model",
        task="Load the model.",
        controls=buttons(button),
        picture="",
        sentence='<span data-part="answer"></span>',
        script=SCRIPT,
        twin=Figure(),
        modules=LOADER,
    ).html


@pytest.fixture
def layers():
    """A GRU and its head, with the numbers that are hardest to round."""
    rng = np.random.default_rng(6)
    params = {"gru": GRU(3, 5, rng=rng).params, "head": Dense(5, 2).params}
    params["head"]["b"] = np.array([0.0, -6.1e-5])
    params["edges"] = {"w": np.array([[65504.0, -1e-7, 5.9e-8, -0.0, 3.3e-6]])}
    return params


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_python_reads_what_it_rounded(dtype, layers, tmp_path):
    write_weights("model", layers, dtype, tmp_path)
    weights = load_weights("model", tmp_path)
    for layer, params in layers.items():
        for name, array in params.items():
            read = weights.layers[layer][name]
            largest = np.abs(array).max()
            bound = largest / 254 if dtype == "int8" else largest * 2**-11
            assert read.dtype == np.float64
            assert np.abs(read - array).max() <= bound * (1 + 1e-12)
            if dtype == "float16":
                assert np.array_equal(read, array.astype(np.float16))
    write_weights("again", weights.layers, dtype, tmp_path)
    again = load_weights("again", tmp_path)
    for layer, params in weights.layers.items():
        for name, array in params.items():
            assert np.array_equal(array, again.layers[layer][name])


@pytest.mark.parametrize("dtype", ["float16", "int8"])
@pytest.mark.parametrize("place", ["site", "notebook"])
def test_a_page_in_a_folder_loads_the_same_numbers_on_a_click(
    dtype, place, layers, tmp_path, browser
):
    assets = "_static" if place == "site" else "assets"
    write_weights("model", layers, dtype, tmp_path / assets / "weights")
    weights = load_weights("model", tmp_path / assets / "weights")
    button = weights_button("load", "Load the model", weights)
    path = tmp_path / "chapters" / "page.html"
    path.parent.mkdir()
    root = ' data-content_root="../"' if place == "site" else ""
    path.write_text(f"<!doctype html><html{root}>{page(button)}", "utf-8")

    tab = browser.new_page()
    requests, complaints = [], []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(path.as_uri())
    load, answer = (
        tab.locator(f'[data-part="{n}"]') for n in ("load", "answer")
    )
    size = (tmp_path / assets / "weights" / "model.js").stat().st_size
    assert load.inner_text() == f"Load the model ({size / 1000:.0f} KB)"
    assert len(requests) == 1
    load.press("Enter")
    tab.wait_for_function("document.querySelector('output').textContent")
    assert load.inner_text() == "Loaded"
    assert len(requests) == 2
    assert complaints == []

    read = json.loads(answer.text_content())
    assert read.keys() == weights.layers.keys()
    for layer, params in weights.layers.items():
        for name, array in params.items():
            shown = read[layer][name]
            assert shown["shape"] == list(array.shape)
            assert shown["data"] == array.ravel().tolist()
    tab.close()


def test_a_missing_file_is_said_on_the_button(layers, tmp_path, browser):
    write_weights("model", layers, folder=tmp_path)
    button = weights_button("load", "Load", load_weights("model", tmp_path))
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><html>{page(button)}", "utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    tab.locator("button").click()
    tab.wait_for_function(
        "document.querySelector('button').textContent.includes('not found')"
    )
    assert tab.locator("button").is_enabled()
    tab.close()


def test_what_cannot_be_written_or_read_is_named(layers, tmp_path):
    layers["gru"]["W_h"][0, 0] = np.inf
    with pytest.raises(ValueError, match=r"gru\.W_h reaches inf; float16"):
        write_weights("model", layers, folder=tmp_path)
    with pytest.raises(ValueError, match="dtype is 'float32'"):
        write_weights("model", layers, "float32", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.js is not in"):
        load_weights("none", tmp_path)
