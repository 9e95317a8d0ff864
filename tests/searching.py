"""A built site's own search, asked without a browser."""

import json

from py_mini_racer import MiniRacer

# What Sphinx's scripts expect of a page.
PAGE = """
var window = globalThis, location = {search: ""};
var document = {documentElement: {dataset: {}}, getElementById: () => null};
var SPHINX_HIGHLIGHT_ENABLED = false, _ = text => text;
var DOCUMENTATION_OPTIONS = {}, _ready = () => {};
class URLSearchParams {
  constructor(text) { this.text = text; }
  get() { return this.text; }
}
"""
# Results are shown from the last to the first.
ASK = """
const ask = query => {
  location.search = query;
  const found = Search._performSearch(...Search._parseQuery(query));
  return JSON.stringify([...new Set(found.reverse().map(each => each[0]))]);
};
"""


def search(site):
    """Return a function that lists the pages found for a query, the first
    result first."""
    engine = MiniRacer()
    scripts = ["_static/language_data.js", "_static/searchtools.js"]
    for name in (*scripts, "searchindex.js"):
        text = (site / name).read_text(encoding="utf-8")
        engine.eval(PAGE + text if name == scripts[0] else text)
    engine.eval(ASK)
    return lambda query: json.loads(engine.eval(f"ask({json.dumps(query)})"))
