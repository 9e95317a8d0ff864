import pytest
import tinycss2
from bs4 import BeautifulSoup
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from PIL import Image

from tools import finish_site
from tools import site_checks as checks
from tools.chapters import ROOT


def soup(body="", head=""):
    return BeautifulSoup(
        f"<html><head>{head}</head><body>{body}</body></html>", "html.parser"
    )


def purge(css, *words):
    return "".join(
        finish_site.purge_rules(tinycss2.parse_stylesheet(css), set(words))
    )


def test_unused_scripts_go_and_used_ones_stay():
    page = soup(
        head='<script src="fontawesome.js?x"></script>'
        '<script src="thebe.js"></script>'
        '<script>const THEBE_JS_URL = "https://unpkg.com"</script>'
        '<link rel="preload" href="a.js"><script src="searchindex.js"></script>'
        '<script src="copybutton.js"></script>'
    )
    finish_site.remove_unused_scripts(page)
    assert [script["src"] for script in page.find_all("script")] == [
        "copybutton.js"
    ]
    assert not page.find("link")


def test_the_search_page_keeps_its_index():
    page = soup(
        '<div id="search-results"></div>',
        '<script src="searchindex.js"></script>',
    )
    finish_site.remove_unused_scripts(page)
    assert page.find("script")


def test_scripts_move_to_the_end_once_in_their_order():
    theme = "<script>document.documentElement.dataset.mode = 1</script>"
    page = soup(
        "<p></p>",
        f'{theme}<script src="a.js"></script>'
        "<script>b</script><script>b</script>",
    )
    finish_site.move_scripts_to_end(page)
    assert [str(script) for script in page.head.find_all("script")] == [theme]
    assert "".join(map(str, page.body.contents)) == (
        '<p></p><script src="a.js"></script><script>b</script>'
    )


@pytest.mark.parametrize(
    ("stored", "scheme", "theme"),
    [
        (None, "dark", "dark"),
        (None, "light", "light"),
        ("light", "dark", "light"),
    ],
)
def test_theme_is_chosen_before_the_first_paint(browser, stored, scheme, theme):
    page = soup(
        head="<script>document.documentElement.dataset.mode = 'auto'</script>"
    )
    finish_site.choose_theme_at_once(page)
    # What a reader without scripts gets
    assert page.html["data-theme"] == "light"
    context = browser.new_context(color_scheme=scheme)
    view = context.new_page()
    view.route(
        "**/*",
        lambda route: route.fulfill(body=str(page), content_type="text/html"),
    )
    if stored:
        view.goto("http://book.invalid/")
        view.evaluate("mode => localStorage.setItem('mode', mode)", stored)
    view.goto("http://book.invalid/")
    assert view.evaluate("document.documentElement.dataset.theme") == theme
    context.close()


def test_leftovers_go():
    page = soup(
        '<div id="ethical-ad-placement"></div>',
        '<meta name="viewport" content="a"><meta name="viewport" content="b">',
    )
    finish_site.remove_leftovers(page)
    assert not page.select("#ethical-ad-placement")
    assert [meta["content"] for meta in page.select("meta")] == ["a"]


def test_a_page_without_a_description_gets_its_title():
    titled = soup(head="<title>Search — Book</title>")
    told = soup(head='<title>A</title><meta name="description" content="B">')
    for page, words in ((titled, "Search — Book"), (told, "B")):
        finish_site.describe(page)
        described = page.select('meta[name="description"]')
        assert [meta["content"] for meta in described] == [words]


def test_landmarks_and_buttons_have_names():
    page = soup(
        '<div id="pst-primary-sidebar"></div>'
        '<button aria-label="Go">Start here</button>'
        '<button aria-label="Start here now">Start here</button>'
        '<button title="Close"></button>'
    )
    finish_site.name_landmarks(page)
    assert page.select_one("#pst-primary-sidebar")["role"] == "navigation"
    labels = [button.get("aria-label") for button in page.find_all("button")]
    assert labels == [None, "Start here now", "Close"]


def test_empty_header_cells_become_plain_and_tables_scroll():
    page = soup(
        '<article><table border="1" class="dataframe">'
        "<tr><th></th><th>a</th></tr></table></article>"
    )
    finish_site.mend_tables(page)
    assert str(page.article) == (
        '<article><div class="scroll"><table class="dataframe">'
        "<tr><td></td><th>a</th></tr></table></div></article>"
    )


def test_sentences_in_cells_may_wrap():
    text = "a sentence that is longer than a phone is wide"
    page = soup(
        f'<article><table class="dataframe"><td>{text}</td>'
        "<td>0.51</td></table></article>"
    )
    finish_site.mend_tables(page)
    assert [cell.get("class") for cell in page.select("td")] == [
        ["sentence"],
        None,
    ]


def test_punctuation_stays_with_its_formula():
    page = soup(
        '<article><p><span class="katex">x</span>)'
        ', y <span class="katex">z</span> w</p>'
    )
    finish_site.keep_punctuation(page)
    assert str(page.p) == (
        '<p><span class="together"><span class="katex">x</span>),</span> y '
        '<span class="katex">z</span> w</p>'
    )


def test_figures_reserve_their_place(tmp_path):
    Image.new("RGB", (200, 100)).save(tmp_path / "a.png")
    page = soup(
        '<article><img src="a.png">'
        '<img src="a.png" style="width: 100px; height: 50px;"></article>'
    )
    finish_site.size_images(page, tmp_path)
    plain, dense = page.find_all("img")
    assert plain["loading"] == dense["loading"] == "lazy"
    assert (plain["width"], plain["height"]) == ("200", "100")
    assert (dense["width"], dense["height"], dense.get("style")) == (
        "100",
        "50",
        None,
    )


FIGURES = (
    '<div class="cell_output"><a href="a.png"><img src="a.png" '
    'width="{image}" height="200" alt="a"></a><svg class="unrolled-drawing" '
    'width="{drawing}" height="90" viewBox="0 0 {drawing} 90" role="img" '
    'aria-label="b"></svg></div>'
)


def test_a_wide_figure_gets_a_box_and_no_other():
    page = soup(
        f'<article class="bd-article">{FIGURES.format(image=892, drawing=612)}'
        f"{FIGURES.format(image=694, drawing=470)}</article>"
    )
    for _ in range(2):
        finish_site.let_wide_figures_scroll(page)
    boxes = page.select(".scroll.wide-figure")
    assert [box.find(["img", "svg"])["width"] for box in boxes] == [
        "892",
        "612",
    ]
    assert [box.find(True).name for box in boxes] == ["a", "svg"]
    assert [box["style"] for box in boxes] == [
        "--legible: 580px",
        "--legible: 551px",
    ]


def test_a_wide_figure_scrolls_on_a_phone(tmp_path, browser):
    """It says so, and the keys reach it; at a desk it is shown whole."""
    Image.new("RGB", (892, 200)).save(tmp_path / "a.png")
    body = soup(
        f'<article class="bd-article">{FIGURES.format(image=892, drawing=612)}'
        "</article>",
        '<meta name="viewport" content="width=device-width"><style>'
        + (ROOT / "assets/unrolled.css").read_text(encoding="utf-8")
        + "svg { display: block; max-width: 100%; }</style>",
    )
    finish_site.let_wide_figures_scroll(body)
    script = (ROOT / "assets/unrolled.js").read_text(encoding="utf-8")
    path = tmp_path / "a.html"
    path.write_text(f"<!doctype html>{body}<script>{script}</script>", "utf-8")
    seen = {}
    for width in (checks.PHONE, checks.DESKTOP):
        with checks.opened(browser, checks.View("light", width)) as page:
            page.goto(path.as_uri())
            page.wait_for_timeout(200)
            seen[width] = page.evaluate(
                """() => [...document.querySelectorAll('.wide-figure')].map(
                    box => [box.querySelector('img, svg').clientWidth,
                        box.scrollWidth > box.clientWidth, box.tabIndex,
                        getComputedStyle(box, '::before').content != 'none'])"""
            )
            assert checks.overflow(page) == []
    assert seen[checks.PHONE] == [[580, True, 0, True], [551, True, 0, True]]
    assert seen[checks.DESKTOP] == [
        [892, False, -1, False],
        [612, False, -1, False],
    ]


def test_a_figure_shrinks_and_keeps_its_size_and_colours(tmp_path):
    path = tmp_path / "a.png"
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste((0, 114, 178), (0, 0, 32, 64))
    picture.save(path, compress_level=0)
    before = path.stat().st_size
    finish_site.shrink_figure(path)
    with Image.open(path) as after:
        assert after.size == (64, 64)
        assert after.convert("RGB").getpixel((10, 10)) == (0, 114, 178)
    assert path.stat().st_size < before
    assert list(tmp_path.iterdir()) == [path]


TOKENS = "".join(
    f'html[data-theme="{theme}"] .highlight {rule}\n'
    for theme, ground, other in (
        ("light", "111", "222"),
        ("dark", "EEE", "DDD"),
    )
    for rule in (
        f"{{ background: #fefefe; color: #{ground} }}",
        f".n {{ color: #{ground} }} /* Name */",
        f".p {{ color: #{ground} }}",
        f".k {{ color: #{other} }}",
        f".s {{ color: #{ground}; font-weight: bold }}",
        f".o {{ color: #{ground if theme == 'light' else other} }}",
    )
)


def test_tokens_are_plain_that_look_like_code_without_a_kind_in_each_theme():
    assert finish_site.plain_tokens(TOKENS) == {"n", "p"}
    assert finish_site.plain_tokens("") == set()


def test_plain_tokens_lose_their_elements_and_no_letter():
    page = soup(
        '<div class="highlight"><pre><span></span><span class="k">if</span> '
        '<span class="n">a</span><span class="p">:</span>'
        '<span class="n" id="line">b</span></pre></div>'
        '<span class="n">c</span>'
    )
    finish_site.join_plain_tokens(page, {"n", "p"})
    assert str(page.body) == (
        '<body><div class="highlight"><pre><span class="k">if</span> a:'
        '<span class="n" id="line">b</span></pre></div>'
        '<span class="n">c</span></body>'
    )


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".used{a:b}", ".used{a:b}"),
        (".unused{a:b}", ""),
        ("p.used, .unused{a:b}", "p.used{a:b}"),
        (".used .unused{a:b}", ""),
        ("#used{a:b}#unused{a:b}", "#used{a:b}"),
        ("p:not(.unused){a:b}", "p:not(.unused){a:b}"),
        ("@media (max-width:1px){.unused{a:b}}", ""),
        (
            "@media (max-width:1px){.used{a:b}}",
            "@media (max-width:1px){.used{a:b}}",
        ),
        ("@font-face{src:url(a)}", "@font-face{src:url(a)}"),
        (".used{color:#abc}", ".used{color:#abc}"),
    ],
)
def test_rules_for_nobody_go(css, kept):
    assert purge(css, "used") == kept


def test_words_come_from_pages_and_scripts():
    page = soup(
        '<p class="a b" id="c"></p><script>box.classList.add("d-e")</script>'
    )
    assert {"a", "b", "c", "d-e", "added"} <= finish_site.vocabulary(
        [page], ["toggle('added')"]
    )


def built_site(folder):
    """Write a site as the builder leaves it: two style sheets, one import,
    an icon font."""
    static = folder / "_static"
    fonts = static / "vendor/fontawesome/webfonts"
    fonts.mkdir(parents=True)
    (static / "sub").mkdir()
    (static / "basic.css").write_text(".used{color:red}.unused{color:blue}")
    (static / "sub/theme.css").write_text(
        '@import "../basic.css";'
        '@font-face{src:url("../vendor/fontawesome/webfonts/fa.woff2")}'
        r'.used::before{content:"\f00c"}'
    )
    (static / "icon.svg").write_text("<svg/>")
    (static / "orphan.js").write_text("//# sourceMappingURL=orphan.js.map")
    (static / "orphan.js.map").write_text('{"file": "orphan.js"}')
    (static / "weights").mkdir()
    (static / "weights/asked.js").write_text("1")
    (static / "weights/unasked.js").write_text("1")
    two_icons().save(fonts / "fa.woff2")
    (folder / "chapters").mkdir()
    for page, root in (
        (folder / "chapters/a.html", "../"),
        (folder / "404.html", "/book/"),
    ):
        page.write_text(
            f'<html><head><link rel="icon" href="{root}_static/icon.svg"/>'
            '<link rel="stylesheet" '
            f'href="{root}_static/sub/theme.css?v=1"/></head>'
            '<body><p class="used">x</p>'
            '<button data-weights="asked">y</button></body></html>'
        )
    return folder


def two_icons():
    """Make a font of two icons."""
    builder = FontBuilder(1000)
    builder.font.flavor = "woff2"
    glyphs = [".notdef", "check", "cross"]
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap({0xF00C: "check", 0xF00D: "cross"})
    builder.setupGlyf({name: TTGlyphPen(None).glyph() for name in glyphs})
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (500, 0)))
    builder.setupHorizontalHeader()
    builder.setupNameTable({"familyName": "Icons", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    return builder.font


def test_a_finished_site_has_one_style_sheet_few_icons_and_no_orphans(tmp_path):
    site = built_site(tmp_path)
    finish_site.finish(site)
    (sheet,) = site.glob("_static/book.*.css")
    css = sheet.read_text()
    assert css.index(".used{color:red}") < css.index("@font-face")
    assert "unused" not in css
    assert "url(vendor/fontawesome/webfonts/fa.woff2)" in css
    page = BeautifulSoup((site / "chapters/a.html").read_text(), "html.parser")
    assert [link["href"] for link in page.select("link[rel=stylesheet]")] == [
        f"../_static/{sheet.name}"
    ]
    lost = BeautifulSoup((site / "404.html").read_text(), "html.parser")
    assert (
        lost.select_one("link[rel=stylesheet]")["href"]
        == f"/book/_static/{sheet.name}"
    )
    font = TTFont(site / "_static/vendor/fontawesome/webfonts/fa.woff2")
    assert set(font.getBestCmap()) == {0xF00C}
    assert (site / "_static/icon.svg").exists()
    assert not list(site.glob("_static/orphan.js*"))
    assert (site / "_static/weights/asked.js").exists()
    assert not (site / "_static/weights/unasked.js").exists()
    assert not (site / "_static/basic.css").exists()


def test_a_folder_without_a_site_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="tools book` builds it"):
        finish_site.finish(tmp_path)
