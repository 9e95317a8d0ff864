"""The Sphinx extension, on small books that hold one thing each."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from tools.sphinx_unrolled.address import site_address
from tools.sphinx_unrolled.chapters import chapter_number
from tools.sphinx_unrolled.mathematics import to_mathml

CONF = """
extensions = [
    "myst_nb", "sphinx_design", "sphinx_book_theme", "tools.sphinx_unrolled"
]
html_theme = "sphinx_book_theme"
html_theme_options = {
    "repository_url": "https://github.com/owner/book",
    "use_source_button": True,
    "use_edit_page_button": True, "repository_branch": "main",
    "launch_buttons": {"colab_url": "https://colab.research.google.com"}}
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
nb_execution_mode = "off"
numfig = True
numfig_format = {"figure": "Figure %s", "table": "Table %s"}
numfig_secnum_depth = 1
"""
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def code(source, output=None, tags=(), alt=None, caption=None):
    cell = nbformat.v4.new_code_cell(
        source, metadata={"tags": list(tags)}, execution_count=1
    )
    if alt is not None:
        cell.metadata["mystnb"] = {"image": {"alt": alt}}
    if caption:
        name, words = caption
        cell.metadata.setdefault("mystnb", {})["figure"] = {
            "name": name,
            "caption": words,
        }
    if output:
        cell.outputs = [output]
    return cell


def printed(text):
    return nbformat.v4.new_output("stream", text=text)


def figure(**others):
    return nbformat.v4.new_output(
        "display_data", data={"image/png": PIXEL, **others}
    )


def text(source):
    return nbformat.v4.new_markdown_cell(source)


def build(folder, chapters, run=None):
    """Build a book and return its pages, parsed, by chapter.

    A chapter is a list of cells, which become a notebook, or a page's Markdown;
    `run` is what `tools.execute` notes of its last run.
    """
    source, out = folder / "book", folder / "html"
    source.mkdir(exist_ok=True)
    (source / "conf.py").write_text(CONF, encoding="utf-8")
    listing = "\n".join(chapters)
    (source / "index.md").write_text(
        f"# Book\n\n```{{toctree}}\n:numbered: 1\n{listing}\n```\n",
        encoding="utf-8",
    )
    for name, cells in chapters.items():
        if isinstance(cells, str):
            (source / f"{name}.md").write_text(cells, encoding="utf-8")
            continue
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata.language_info = {
            "name": "python",
            "pygments_lexer": "ipython3",
        }
        if run:
            notebook.metadata.unrolled = {"run": run}
        nbformat.write(notebook, source / f"{name}.ipynb")
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source,
            source,
            out,
            folder / "trees",
            "html",
            None,
            warningiserror=True,
        )
        app.build()
    return {
        name: BeautifulSoup(
            (out / f"{name}.html").read_text(encoding="utf-8"), "html.parser"
        )
        for name in chapters
    }


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """One book for every question that a sound book can answer."""
    return build(
        tmp_path_factory.mktemp("book"),
        {
            "01_first": [
                text(
                    "# First\n\n## A section\n\nInline $x^2$.\n\n$$\na = "
                    "1\n$$ (eq-one)"
                )
            ],
            "08_eighth": [
                text(
                    "# Eighth\n\n## A section\n\n"
                    "$$\n\\begin{aligned} a &= 1 \\\\ b &= 2 "
                    "\\end{aligned}\n$$ (eq-two)\n\n"
                    "See {eq}`eq-two` and {eq}`eq-one`.\n\n$$\nunnumbered\n$$"
                ),
                code("# PyTorch\n1", printed("from torch"), ["tab-pytorch"]),
                code("# Keras\n2", printed("from keras"), ["tab-keras"]),
                code("# PyTorch\n3", None, ["tab-pytorch"]),
                code("# PyTorch\n4", None, ["tab-pytorch"]),
                code("# Keras\n5", None, ["tab-keras"]),
                code(
                    "plot()",
                    figure(),
                    alt="A dot.",
                    caption=("fig-dot", "A dot, *drawn*."),
                ),
                code(
                    "table",
                    figure(**{"text/html": "<table><td>1</td></table>"}),
                    caption=("tab-one", "One."),
                ),
                code("plot()", figure(), alt="D.", caption=("fig-b", "Two.")),
                text("See {numref}`fig-b` and {numref}`tab-one`."),
            ],
        },
    )


def test_formulas_are_mathml_without_script_or_sheet(book):
    assert book["01_first"].article.find("p").find_next("math").msup
    assert "mathjax" not in str(book["01_first"]).lower()
    assert "katex.min" not in str(book["01_first"])


def test_numbered_equations_carry_the_chapters_number_and_are_referred_to(book):
    page = book["08_eighth"]
    formula = page.find(id="equation-eq-two")
    assert formula.select_one("a.eqno").get_text() == "(8.1)"
    assert len(formula.find_all("mtr")) == 2
    references = page.select("p a.reference.internal[href*=equation]")
    assert [(link["href"], link.get_text()) for link in references] == [
        ("#equation-eq-two", "(8.1)"),
        ("01_first.html#equation-eq-one", "(1.1)"),
    ]


def test_figures_and_tables_are_counted_by_chapter_and_referred_to(book):
    article = book["08_eighth"].article
    captions = [each.get_text() for each in article.select("figcaption")]
    assert [each.strip(" \n#").rstrip("#") for each in captions] == [
        "Figure 8.1 A dot, drawn.",
        "Table 8.1 One.",
        "Figure 8.2 Two.",
    ]
    named = article.select("p a.reference.internal .std-numref")
    assert [each.get_text() for each in named] == ["Figure 8.2", "Table 8.1"]


def test_a_table_is_marked_for_the_style_sheet(book):
    page = book["08_eighth"]
    table, drawing = page.find(id="tab-one"), page.find(id="fig-dot")
    assert "captioned-table" in table["class"]
    assert "captioned-table" not in drawing["class"]
    assert table.find("table") is not None
    assert table.find("figcaption") is not None


def test_unlabelled_equations_have_no_number(book):
    formulas = book["08_eighth"].select("div.math")
    assert [bool(formula.select_one(".eqno")) for formula in formulas] == [
        True,
        False,
    ]


def test_chapters_have_their_files_numbers_and_sections_none(book):
    page = book["08_eighth"]
    assert page.h1.find_next("h1").get_text().startswith("8. Eighth")
    assert page.article.h2.get_text().startswith("A section")
    entries = [
        entry.get_text() for entry in page.select("nav.bd-links li.toctree-l1")
    ]
    assert [entry.strip() for entry in entries] == ["1. First", "8. Eighth"]


@pytest.mark.parametrize(
    ("docname", "number"),
    [
        ("chapters/10_stock_forecaster", 10),
        ("chapters/13_speed_and_scale", 13),
        ("chapters/intro", None),
    ],
)
def test_chapter_number(docname, number):
    assert chapter_number(docname) == number


def test_neighbouring_cells_become_synchronised_sets_of_tabs_one_for_each_step(
    book,
):
    sets = book["08_eighth"].select(".sd-tab-set")
    labels = [
        [label.get_text(strip=True) for label in tabs.select("label")]
        for tabs in sets
    ]
    assert labels == [["PyTorch", "Keras"], ["PyTorch", "Keras"]]
    keys = {
        (label["data-sync-group"], label["data-sync-id"])
        for label in sets[0].select("label")
    }
    assert keys == {("framework", "pytorch"), ("framework", "keras")}


def test_tabs_hold_code_and_output_and_a_run_of_cells(book):
    first, second = book["08_eighth"].select(".sd-tab-set")
    contents = [
        content.get_text() for content in first.select(".sd-tab-content")
    ]
    assert "from torch" in contents[0]
    assert "from keras" in contents[1]
    assert [
        len(c.select(".cell")) for c in second.select(".sd-tab-content")
    ] == [2, 1]


def test_buttons_open_the_source_and_colab_at_once(book):
    page = str(book["08_eighth"])
    assert "https://github.com/owner/book/edit/main/08_eighth.py" in page
    assert (
        "https://github.com/owner/book/blob/main/08_eighth.py?plain=1" in page
    )
    assert re.search(r"colab.*owner/book/blob/main/08_eighth.ipynb", page)
    assert not book["08_eighth"].select(".dropdown-launch-buttons")


def test_an_invalid_formula_fails_the_build_and_is_named(tmp_path):
    with pytest.raises(
        SphinxError,
        match=r"01_bad\.ipynb, cell 1, line 3: .*expected '}'.*frac",
    ):
        build(tmp_path, {"01_bad": [text("# Bad\n\nInline $\\frac{1$.")]})


def test_a_lone_tab_fails_the_build(tmp_path):
    cell = code("# Keras", None, ["tab-keras"])
    with pytest.raises(
        SphinxError, match=r"01_bad\.ipynb, cell 2, .*Keras stands alone"
    ):
        build(tmp_path, {"01_bad": [text("# Bad"), cell]})


@pytest.mark.parametrize("alt", [None, "", "  "])
def test_a_figure_without_words_fails_the_build(tmp_path, alt):
    with pytest.raises(
        SphinxError, match=r"01_bad\.ipynb, cell 2, .*describe the figure"
    ):
        build(
            tmp_path,
            {"01_bad": [text("# Bad"), code("plot()", figure(), alt=alt)]},
        )


def test_a_twin_of_an_interactive_figure_needs_no_words(tmp_path):
    interactive = figure(**{"text/html": "<button>step</button>"})
    pages = build(
        tmp_path, {"01_lab": [text("# Lab"), code("lab()", interactive)]}
    )
    article = pages["01_lab"].article
    assert article.select_one(".cell_output button")
    assert not article.select(".cell_output img")


def test_letters_that_browsers_do_not_style_are_characters_of_their_own():
    assert "ℝ" in to_mathml(r"\mathbb{R}", display=False)
    assert "ℒ" in to_mathml(r"\mathcal{L}", display=False)
    assert "𝒩" in to_mathml(r"\mathcal{N}", display=False)


@pytest.mark.parametrize(
    ("formula", "spaces"),
    [
        (r"\ln 2", 1),
        (r"\tanh c_t", 1),
        (r"\tanh^2 c", 1),
        (r"\tanh(c)", 0),
        (r"2 \cos x", 2),
        (r"K \ln(2)", 1),
        (r"x = \ln(2)", 0),
    ],
)
def test_functions_keep_their_distance(formula, spaces):
    assert to_mathml(formula, display=False).count("<mspace") == spaces


def test_the_site_lies_where_pages_puts_it():
    assert (
        site_address("https://github.com/owner/book/")
        == "https://owner.github.io/book/"
    )


@pytest.mark.parametrize(
    "url", ["https://github.com/owner", "git@github.com:a/b", "github.com/a/b"]
)
def test_an_address_that_is_no_repository_is_refused(url):
    with pytest.raises(
        ValueError, match=r"must read https://github\.com/OWNER/NAME"
    ):
        site_address(url)
