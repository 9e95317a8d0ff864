"""What the chapters cite is listed, with the way back."""

from test_sphinx_unrolled import build, text

from tools.sphinx_unrolled.works import citations, works

CHAPTER = """# First

Said [Someone and Other (2001)](https://doi.org/10.1000/1), and so has
[documentation](https://docs.example.org/x).

## The `cell` of $x$

[Someone and Other, 2001](https://doi.org/10.1000/1) again;
[Murphy's (1988)](https://doi.org/10.1175/1520(1988)116) score; a
[nickname](https://arxiv.org/abs/1).

```
[Not cited (1999)](https://doi.org/10.1000/2)
```
"""
KNOWN = """
"https://arxiv.org/abs/1" = ["Peng et al.", 2023, "A title", "2026-11"]
"""


def write(folder):
    (folder / "01_first.py").write_text(
        "# %% [markdown]\n"
        + "".join(f"# {line}".rstrip() + "\n" for line in CHAPTER.split("\n")),
        encoding="utf-8",
    )
    (folder / "references.toml").write_text(KNOWN, encoding="utf-8")


def test_a_link_stands_under_its_heading():
    found = list(citations(CHAPTER))
    assert [heading for _, _, heading in found] == [
        "",
        "",
        *["The cell of"] * 3,
    ]
    assert "https://doi.org/10.1000/2" not in [link for link, _, _ in found]


def test_works_are_named_once_with_every_place(tmp_path):
    write(tmp_path)
    found = works(tmp_path)
    assert [(w.authors, w.year, w.title) for w in found.values()] == [
        ("Someone and Other", 2001, ""),
        ("Murphy", 1988, ""),
        ("Peng et al.", 2023, "A title"),
    ]
    first = found["https://doi.org/10.1000/1"]
    assert [place[2] for place in first.places] == ["", "the-cell-of"]


def test_the_page_leads_there_and_back(tmp_path):
    (tmp_path / "book").mkdir()
    write(tmp_path / "book")
    cells = [text(CHAPTER.replace("The `cell` of $x$", "The `cell` of"))]
    page = build(tmp_path, {"works_cited": "# Works cited", "01_first": cells})[
        "works_cited"
    ]
    items = [" ".join(item.get_text().split()) for item in page.select("li p")]
    assert items == [
        "Murphy (1988). https://doi.org/10.1175/1520(1988)116. Cited in "
        "1, The cell of. Not compared with other catalogues.",
        "Peng et al. (2023). A title. Cited in 1, The cell of.",
        "Someone and Other (2001). https://doi.org/10.1000/1. Cited in 1, "
        "1, The cell of. Not compared with other catalogues.",
    ]
    backs = {link["href"] for link in page.select("article a.internal")}
    assert {"01_first.html", "01_first.html#the-cell-of"} <= backs
