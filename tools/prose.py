"""Numbers in prose and in outputs.

A guard holds the one against the other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from bs4 import BeautifulSoup
from nbformat import NotebookNode

from tools import tolerance

MEASURED = re.compile(
    r"(?<![\w.,/-])[-−–+]?\d[\d,]*"
    r"(?:\.\d+(?:[ \u00a0\u202f]?%)?|[ \u00a0\u202f]?%)"
)
VERDICT = re.compile(
    r"\b(?:True|False)\b|[✓✔✗✘]"
    r"|(?i:(?<![\w:'’-])(?:yes|no)(?![\w:'’-])(?! \w))"
)
CITED = re.compile(r"\]\(https?://|<https?://")
NOT_PROSE = (
    re.compile(r"(?s)\$\$.*?\$\$"),
    re.compile(r"(?<!\\)\$[^$\n]+(?:\n[^$\n]+)?\$"),
    re.compile(r"\{[\w:-]+\}`[^`]*`"),
    re.compile(r"`[^`]*`"),
    re.compile(r"(?m)^:label:.*$"),
    re.compile(r"<!--.*?-->", re.DOTALL),
)
FENCE = re.compile(r"\s*(`{3,}|~{3,}|:{3,})\s*(.*)")
VERBATIM = ("{code", "{math", "{literalinclude")
LINK = re.compile(r"!?\[[^\]]*\]\([^)]*\)|<https?://[^>]*>")
SENTENCE = re.compile(
    r"(?<=[.!?:;])\s+(?=[^a-z\s])|\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.)\s)"
)


@dataclass(frozen=True)
class QuotedNumber:
    """A decimal or percentage in prose, with its sentence."""

    text: str
    sentence: str

    @property
    def value(self) -> Decimal:
        """The number written, without its sign."""
        written = self.text.rstrip("%\u00a0\u202f ")
        return abs(tolerance.value(written.replace("–", "-")))

    @property
    def step(self) -> Decimal:
        """One unit of the last digit written."""
        exponent = self.value.as_tuple().exponent
        return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)

    def is_rounding_of(self, output: "OutputNumber") -> bool:
        """Say whether the output, rounded to the digits written, is this."""
        return self._scale(output) is not None

    def is_supported_by(self, output: "OutputNumber") -> bool:
        """Say whether the output's slack lets the digits written stand.

        The last digit may move, as the last digit of a measurement may; ten
        of its steps would move the digit before it as well.
        """
        scale = self._scale(output)
        return scale is not None and output.slack * scale < 10 * self.step

    def _scale(self, output: "OutputNumber") -> int | None:
        """Find whether this is the output itself, or it in per cent."""
        if abs(output.value) >= Decimal("1e15"):
            return None
        for scale in (1, 100) if self.text.endswith("%") else (1,):
            shown = abs(output.value) * scale
            for rounding in (ROUND_HALF_EVEN, ROUND_HALF_UP):
                if shown.quantize(self.step, rounding) == self.value:
                    return scale
        return None


@dataclass(frozen=True)
class OutputNumber:
    """A number in an output, and how far its cell lets another run be off."""

    value: Decimal
    slack: Decimal = Decimal(0)


def quoted_numbers(markdown: str) -> Iterator[QuotedNumber]:
    """Yield the prose's measured numbers.

    Numbers in mathematics, code, links and cited sentences are none.
    """
    markdown = without_code(markdown)
    for pattern in NOT_PROSE:
        markdown = pattern.sub(" ", markdown)
    for sentence in SENTENCE.split(markdown):
        if not CITED.search(sentence):
            plain = LINK.sub(" ", sentence)
            for found in MEASURED.finditer(plain):
                yield QuotedNumber(found[0].strip(), " ".join(plain.split()))


def words(markdown: str) -> int:
    """Count the words of prose: no code, no formula, no address."""
    markdown = without_code(markdown)
    for pattern in NOT_PROSE:
        markdown = pattern.sub(" ", markdown)
    markdown = re.sub(r"\]\([^)]*\)|<https?://[^>]*>", " ", markdown)
    return len(re.findall(r"\w[\w'’-]*", markdown))


def output_numbers(
    output: NotebookNode, allowed: dict[str, Decimal] | None = None
) -> Iterator[OutputNumber]:
    """Yield the numbers that a reader sees in an output.

    Args:
        output: a cell's output.
        allowed: the tolerances that the cell's tags give.
    """
    texts = tolerance.NUMBER.split(output_text(output))
    for number, rest in zip(texts[1::2], texts[2::2], strict=True):
        value = tolerance.value(number)
        if value.is_finite():
            slack = tolerance.slack(number, rest, allowed or {})
            yield OutputNumber(value, slack)


def output_text(output: NotebookNode) -> str:
    """Return an output's text in every form it has: no script, no drawing."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    page = _page_text(data.get("text/html", ""), "script", "style", "svg")
    markdown = data.get("text/markdown", "")
    return f"{data.get('text/plain', '')}\n{page}\n{markdown}"


def verdicts(output: NotebookNode) -> list[str]:
    """List the words and signs by which an output tells a reader yes or no.

    Displayed source code says nothing about a result, nor does a `no` before
    another word.
    """
    return VERDICT.findall(_seen_text(output))


def printed_width(output: NotebookNode) -> int:
    """Return the columns of the longest line that an output prints as text."""
    if "text/html" in output.get("data", {}):
        return 0
    return max(map(len, _seen_text(output).splitlines()), default=0)


def _seen_text(output: NotebookNode) -> str:
    """Return the text of the one form of an output that a page shows."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    if "text/html" in data:
        hidden = ("script", "style", "svg", ".highlight")
        return _page_text(data["text/html"], *hidden)
    return data.get("text/markdown", data.get("text/plain", ""))


def _page_text(page: str, *hidden: str) -> str:
    tree = BeautifulSoup(page, "html.parser")
    for element in tree.select(", ".join(hidden)):
        element.decompose()
    for cell in tree(["td", "th"]):
        cell.append("\n")
    return tree.get_text(" ")


def without_code(markdown: str) -> str:
    """Drop fences and fenced code, but keep the prose of directives."""
    kept = []
    fences: list[tuple[str, bool]] = []
    for line in markdown.splitlines():
        fence = FENCE.match(line)
        if (
            fence
            and fences
            and fence[1].startswith(fences[-1][0])
            and not fence[2]
        ):
            fences.pop()
        elif fence and not (fences and fences[-1][1]):
            is_code = not fence[2].startswith("{") or fence[2].startswith(
                VERBATIM
            )
            fences.append((fence[1], is_code))
        elif not any(is_code for _, is_code in fences):
            kept.append(line)
    return "\n".join(kept)
