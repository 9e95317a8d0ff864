"""The page's JavaScript, evaluated by V8 alone and by Chromium."""

import json

from py_mini_racer import MiniRacer

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
