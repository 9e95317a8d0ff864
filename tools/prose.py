"""Numbers in prose and in outputs, so that a guard can hold the one against the other."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from bs4 import BeautifulSoup
from nbformat import NotebookNode

MEASURED = re.compile(
    r"(?<![\w.,/-])[-−–+]?\d[\d,]*(?:\.\d+(?:[ \u00a0\u202f]?%)?|[ \u00a0\u202f]?%)"
)
NUMBER = re.compile(r"(?<![\w.])[-−+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
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
SENTENCE = re.compile(r"(?<=[.!?:;])\s+(?=[^a-z\s])|\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.)\s)")


@dataclass(frozen=True)
class QuotedNumber:
    """A decimal or percentage in prose, with the sentence in which it stands."""

    text: str
    sentence: str

    @property
    def value(self) -> Decimal:
        """The number written, without its sign."""
        return abs(_decimal(self.text.rstrip("%\u00a0\u202f ")))

    @property
    def is_percentage(self) -> bool:
        """Whether a per cent sign follows."""
        return self.text.endswith("%")

    def is_rounding_of_any(self, outputs: list[Decimal]) -> bool:
        """Say whether one of the outputs, rounded to the digits written, is this number."""
        exponent = self.value.as_tuple().exponent
        step = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
        scales = (1, 100) if self.is_percentage else (1,)
        return any(
            (abs(output) * scale).quantize(step, rounding) == self.value
            for output in outputs
            for scale in scales
            for rounding in (ROUND_HALF_EVEN, ROUND_HALF_UP)
            if abs(output) < Decimal("1e15")
        )


def quoted_numbers(markdown: str) -> Iterator[QuotedNumber]:
    """Yield the prose's measured numbers: not those in maths, code, links or cited sentences."""
    markdown = _without_code_blocks(markdown)
    for pattern in NOT_PROSE:
        markdown = pattern.sub(" ", markdown)
    for sentence in SENTENCE.split(markdown):
        if not CITED.search(sentence):
            plain = LINK.sub(" ", sentence)
            for found in MEASURED.finditer(plain):
                yield QuotedNumber(found[0].strip(), " ".join(plain.split()))


def output_numbers(output: NotebookNode) -> Iterator[Decimal]:
    """Yield the numbers that a reader sees in an output."""
    for found in NUMBER.finditer(output_text(output)):
        yield _decimal(found[0])


def output_text(output: NotebookNode) -> str:
    """Return what a reader sees of an output as text: no script, style or drawing."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    text = data.get("text/plain", "")
    if "text/html" in data:
        page = BeautifulSoup(data["text/html"], "html.parser")
        for hidden in page(["script", "style", "svg"]):
            hidden.decompose()
        text += "\n" + page.get_text(" ")
    return text + "\n" + data.get("text/markdown", "")


def _without_code_blocks(markdown: str) -> str:
    """Drop fences and what stands in fenced code, but keep the prose of directives."""
    kept = []
    fences: list[tuple[str, bool]] = []
    for line in markdown.splitlines():
        fence = FENCE.match(line)
        if fence and fences and fence[1].startswith(fences[-1][0]) and not fence[2]:
            fences.pop()
        elif fence and not (fences and fences[-1][1]):
            is_code = not fence[2].startswith("{") or fence[2].startswith(VERBATIM)
            fences.append((fence[1], is_code))
        elif not any(is_code for _, is_code in fences):
            kept.append(line)
    return "\n".join(kept)


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-").replace("–", "-"))
