"""The page's JavaScript, evaluated by V8 alone and by Chromium."""

import json
from contextlib import contextmanager

import numpy as np
from py_mini_racer import MiniRacer

from utils.labs.weights import FOLDER

V8 = "mini-racer"
ENGINES = (V8, "Chromium")
# A typed array has no JSON of its own.
REPLY = """const reply = value => JSON.stringify(value, (_, part) =>
    part instanceof Float64Array ? Array.from(part) : part);"""


def chosen(request):
    """Return the browser where a fixture's request names Chromium, or None."""
    return request.getfixturevalue("browser") if request.param != V8 else None


def evaluator(code, browser=None):
    """Return a function that evaluates an expression after some code, in V8
    alone or in a browser; its value comes back through JSON."""
    if browser is None:
        evaluate = MiniRacer().eval
        evaluate(code + REPLY)
    else:
        page = browser.new_page()
        page.add_script_tag(content=code + REPLY)
        evaluate = page.evaluate
    return lambda expression: json.loads(evaluate(f"reply({expression})"))


def written(weights):
    """Write weights as the page has them once they are loaded."""
    return json.dumps(
        {
            name: {
                key: {"shape": w.shape, "data": w.ravel().tolist()}
                for key, w in params.items()
            }
            for name, params in weights.layers.items()
        }
    )


@contextmanager
def on_disk(lab, weights_name, folder, browser):
    """Open a lab in a folder on disk, beside its weights; nothing may be
    complained of."""
    (folder / "assets" / "weights").mkdir(parents=True)
    text = (FOLDER / f"{weights_name}.js").read_text("ascii")
    copy = folder / "assets" / "weights" / f"{weights_name}.js"
    copy.write_text(text, "ascii")
    path = folder / "chapters" / "page.html"
    path.parent.mkdir()
    path.write_text(f"<!doctype html><meta charset=utf-8>{lab.html}", "utf-8")
    page = browser.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.as_uri())
    page.wait_for_selector("[data-started]")
    yield page
    assert complaints == []
    page.close()


def map_weights(page, shape):
    """Read an alignment map's weights back from its rectangles."""
    weights = np.full(shape, np.nan)
    for cell in page.locator("rect.lab-weight").all():
        row, column = map(int, cell.get_attribute("data-cell").split(","))
        weights[row, column] = float(cell.get_attribute("fill-opacity"))
    return weights
