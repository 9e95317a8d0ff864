r"""Formulas become MathML while the book is built.

KaTeX runs inside V8 (`mini-racer`), so the build needs no Node and the reader
no script, style sheet, font or second host: browsers draw MathML themselves and
screen readers speak it. KaTeX stops at a formula it cannot read; so does the
build.
"""

import atexit
import contextlib
import functools
import html
import json
import re
import unicodedata
from pathlib import Path

import sphinxcontrib
from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from .places import place_of

VARIANT = re.compile(
    r'<(mi|mn|mo|mtext) mathvariant="(double-struck|script)">(.)</\1>'
)

# A function's name keeps a distance from a factor before it, and (after its
# power, if it has one) from an argument without brackets: 2 tanh² c.
BEFORE_FUNCTION = re.compile(
    "</(?:mn|mi|msub|msup|msubsup|mfrac)>(?=(?:<msup><mrow>)?<mi>[a-z]{2,}</mi><mo>\u2061)"
)
AFTER_FUNCTION = re.compile(
    "<mo>\u2061</mo>(?:</mrow><mn>\\d+</mn></msup>)?"
    "(?=<(?:mi|mn|msub|msup|msubsup|mfrac|mover|msqrt)[ >])"
)


class InvalidFormulaError(SphinxError):
    """A formula that KaTeX cannot read."""

    category = "Invalid formula"


@functools.cache
def _katex() -> MiniRacer:
    """Start V8 once with the KaTeX that sphinxcontrib-katex ships."""
    script = Path(next(iter(sphinxcontrib.__path__))) / "katex.min.js"
    engine = MiniRacer()
    # Left to the interpreter's end, V8 waits for a thread that has already been
    # stopped.
    atexit.register(engine.close)
    engine.eval(script.read_text(encoding="utf-8"))
    return engine


def _styled_letter(match: re.Match[str]) -> str:
    """Write a double-struck or script letter as its own character.

    Of `mathvariant` browsers know only `normal`; bold is left to the style
    sheet.
    """
    tag, variant, letter = match.groups()
    case = "CAPITAL" if letter.isupper() else "SMALL"
    name = f"{variant.upper()} {case} {letter.upper()}"
    for candidate in (name, f"MATHEMATICAL {name}"):
        with contextlib.suppress(KeyError):
            return f"<{tag}>{unicodedata.lookup(candidate)}</{tag}>"
    raise ValueError(f"{letter!r} has no {variant} form")


def _drawn_alike(mathml: str) -> str:
    """Say in MathML's core, which browsers draw, what KaTeX says in
    MathML 3."""
    for place in (BEFORE_FUNCTION, AFTER_FUNCTION):
        mathml = place.sub(r'\g<0><mspace width="0.1667em"/>', mathml)
    return VARIANT.sub(_styled_letter, mathml)


@functools.cache
def to_mathml(formula: str, display: bool) -> str:
    """Translate a LaTeX formula into MathML.

    Raises:
        ValueError: KaTeX cannot read the formula; the message is KaTeX's own.
    """
    options = {
        "output": "mathml",
        "displayMode": display,
        "throwOnError": True,
        "strict": "ignore",
    }
    try:
        call = (
            f"katex.renderToString({json.dumps(formula)}, "
            f"{json.dumps(options)})"
        )
        return _drawn_alike(_katex().eval(call))
    except JSEvalException as error:
        reason = (
            str(error).partition("KaTeX parse error: ")[2].partition("\n")[0]
        )
        raise ValueError(reason or str(error)) from error


def _render(
    translator: HTML5Translator,
    node: nodes.math | nodes.math_block,
    display: bool,
) -> str:
    formula = node.astext().strip()
    try:
        return to_mathml(formula, display)
    except ValueError as error:
        builder = translator.builder
        place = place_of(builder.env, builder.current_docname, node)
        raise InvalidFormulaError(f"{place}: {error}: {formula}") from error


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula that stands within a sentence."""
    translator.body.append(_render(translator, node, display=False))
    raise nodes.SkipNode


def visit_display(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula that stands alone, with its number and the anchor its
    references need."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append('<div class="formula">')
    translator.body.append(_render(translator, node, display=True))
    translator.body.append("</div>")
    if node["number"]:
        number = get_node_equation_number(translator, node)
        target = html.escape(node["ids"][0], quote=True)
        translator.body.append(
            f'<a class="eqno" href="#{target}" '
            f'title="Link to this equation">({number})</a>'
        )
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Offer the renderer under the name that `html_math_renderer` selects."""
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(visit_inline, None),
        block_renderers=(visit_display, None),
    )
