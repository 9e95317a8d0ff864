"""Marks lead to the ledger, to an assert, or to a definition."""

import pytest
from sphinx.errors import SphinxError
from test_sphinx_unrolled import build, code, printed, text

from benchmarks.claims import Claim, Effect, every
from tools.sphinx_unrolled import claims

MARKED = """
# Marks

## What a mean is

A mean is a sum over a count.[ᵈ](#what-a-mean-is) One and one are
two.[ⁱ](#two) An LSTM helps.[ᶜ](claims.md#networks_correct_har) Twice as much as
[elsewhere](claims.md). A gate erases.[ᵈ](glossary.md#forget-gate)
"""
GLOSSARY = "# Glossary\n\n```{glossary}\nForget gate\n  It erases.\n```\n"
PAGES = {"claims": "# Claims\n\nAll of them.\n", "glossary": GLOSSARY}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A chapter with a mark of each kind, and the ledger."""
    cells = [
        text(MARKED),
        code("# Identity: two\nassert 1 + 1 == 2", printed("2")),
    ]
    return build(
        tmp_path_factory.mktemp("book"),
        {"10_stock_forecaster": cells, **PAGES},
    )


def test_a_mark_is_a_raised_letter_spoken_as_a_word(book):
    marks = book["10_stock_forecaster"].select("sup.evidence")
    assert [mark.get_text() for mark in marks] == [
        "definition",
        "identity",
        "claim",
        "definition",
    ]
    seen = [mark.find(string=True, recursive=False) for mark in marks]
    assert seen == ["d", "i", "c", "d"]
    assert all(mark.select_one(".visually-hidden") for mark in marks)


def test_marks_lead_where_they_should(book):
    page = book["10_stock_forecaster"]
    links = [mark.find_parent("a")["href"] for mark in page.select("sup")]
    assert links == [
        "#what-a-mean-is",
        "#two",
        "claims.html#networks-correct-har",
        "glossary.html#term-Forget-gate",
    ]
    assert book["glossary"].find(id="term-Forget-gate")
    assert "1 + 1 == 2" in page.find(id="two").get_text()
    assert page.find(id="what-a-mean-is")
    assert book["claims"].find(id="networks-correct-har")


def test_other_links_stay_as_they_are(book):
    link = book["10_stock_forecaster"].find("a", string="elsewhere")
    assert link["href"] == "claims.html"


def test_the_ledger_holds_what_a_reader_needs(book):
    page = book["claims"]
    entry = page.find(id="networks-correct-har").find_parent("section")
    said = entry.get_text().replace("’", "'")
    claim = every()["networks_correct_har"]
    assert claim.sentence.rstrip(".") in said
    for fact in (
        *map(str, claim.effects()),
        claim.data,
        claim.refuted_by,
        ", ".join(map(str, claim.seeds)),
        claim.provenance()["date"],
        claim.provenance()["processor"],
        claims.THRESHOLDS[True].format(claim.thresholds),
    ):
        assert fact in said
    assert "assert effect.low > 0.01" in entry.select_one("details").get_text()
    lines = [a["href"] for a in entry.select("a[href*=blob]")]
    path = "https://github.com/owner/book/blob/main/benchmarks/claims"
    assert lines[0].startswith(f"{path}/stock_forecaster.py#L")


def test_every_claim_has_its_entry(book):
    headings = {heading.get_text() for heading in book["claims"].select("h3")}
    assert len(headings) == len(every())


@pytest.mark.parametrize(
    "mark",
    [
        "[ᶜ](claims.md#no_claim)",
        "[ⁱ](#no-identity)",
        "[ᵈ](#no-heading)",
        "[ᵈ](glossary.md#no-term)",
    ],
)
def test_a_mark_that_leads_nowhere_stops_the_build(tmp_path, mark):
    chapter = [text(f"# First\n\nA sentence.{mark}")]
    with pytest.raises(SphinxError, match="not found"):
        build(tmp_path, {"01_first": chapter, **PAGES})


class Options:
    html_theme_options = {  # noqa: RUF012
        "repository_url": "https://github.com/owner/book",
        "repository_branch": "main",
    }


def test_an_entry_names_the_lines_and_the_chapters(tmp_path):
    chapter = tmp_path / "10_stock_forecaster.py"
    chapter.write_text("# # Stocks\n#\n# Yes.[ᶜ](claims.md#features_save_most)")
    page = "\n".join(claims.ledger(tmp_path, Options))
    assert "## [Stocks](10_stock_forecaster.ipynb)" in page
    entry = claims.entry(every()["features_save_most"], Options, [chapter])
    assert "[chapter 10](10_stock_forecaster.ipynb)" in entry
    number = int(entry.partition("[line ")[2].partition("]")[0])
    source = claims.chapters.ROOT / "benchmarks/claims/stock_forecaster.py"
    line = source.read_text(encoding="utf-8").splitlines()[number - 1]
    assert line.strip() == "assert whole > 0.5"


def test_a_refuted_claim_stops_the_build():
    def nothing_is_right(results):
        """Nothing is right."""
        assert not results
        return Effect("none", 0, 0, 0, "none")

    claim = Claim(
        nothing_is_right,
        record="volatility",
        contenders=("HAR", "LHAR"),
        seeds=(),
        data="none",
        refuted_by="anything",
    )
    with pytest.raises(claims.RefutedError, match="nothing_is_right"):
        claims.entry(claim, Options, [])
