"""The checks of the site, each proved by a planted fault."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tools import site_checks as checks

REPOSITORY = "https://github.com/owner/book"
LIGHT = checks.VIEWS[0]
PHONE = checks.View("light", 390)


@pytest.fixture
def site(tmp_path):
    write(tmp_path / "404.html", "<article><h1>Page not found</h1></article>")
    return tmp_path


def write(path, body, head=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<!doctype html><html lang="en"><head><title>A page</title>'
        f'<link rel="icon" href="data:,">{head}</head>'
        f"<body><main>{body}</main></body></html>",
        encoding="utf-8",
    )
    return path


def look(site, browser, body, view=LIGHT):
    write(site / "page.html", body)
    with checks.served(site) as address:
        visits = checks.visit(browser, f"{address}page.html", view.width)
        return visits[view]


def test_pages_leave_out_redirects_and_static_files(site):
    write(
        site / "index.html",
        "",
        '<meta http-equiv="Refresh" content="0; url=a.html"/>',
    )
    write(site / "_static" / "b.html", "")
    assert [page.name for page in checks.pages(site)] == ["404.html"]


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("other.html", []),
        ("other.html#there", []),
        ("#here", []),
        ("/unrolled/other.html", []),
        ("https://example.org/x", []),
        ("missing.html", ["page.html: missing.html leads to no file"]),
        (
            "/unrolled/missing.html",
            ["page.html: /unrolled/missing.html leads to no file"],
        ),
        ("other.html#gone", ["page.html: other.html#gone leads to no anchor"]),
        ("#gone", ["page.html: #gone leads to no anchor"]),
    ],
)
def test_links(site, link, fault):
    write(site / "other.html", '<p id="there"></p>')
    page = write(site / "page.html", f'<p id="here"><a href="{link}">a</a></p>')
    assert checks.broken_links(site, page) == fault


def test_missing_image_is_a_broken_link(site):
    page = write(site / "page.html", '<img src="gone.png" alt="a">')
    assert checks.broken_links(site, page) == [
        "page.html: gone.png leads to no file"
    ]


@pytest.mark.parametrize(
    "link",
    [
        "https://github.com/owner/book/edit/main/chapters/{}.py",
        "https://github.com/owner/book/blob/main/chapters/{}.py?plain=1",
        "https://colab.research.google.com/github/owner/book/blob/main/chapters/{}.py",
    ],
)
def test_links_into_the_repository(site, link):
    here, gone = link.format("here"), link.format("gone")
    page = write(
        site / "page.html", f'<a href="{here}">a</a> <a href="{gone}">b</a>'
    )
    faults = checks.untracked_targets(page, REPOSITORY, {"chapters/here.py"})
    assert faults == [f"page.html: {gone} leads to no tracked file"]


def test_formulas(site):
    good = (
        '<div class="math"><math><mi>x</mi></math></div>'
        "<pre>\\(not a formula\\)</pre>"
    )
    assert (
        checks.raw_formulas(
            write(site / "a.html", f"<article>{good}</article>")
        )
        == []
    )
    bad = '<div class="math">x</div><p>and \\(x\\)</p>'
    assert checks.raw_formulas(
        write(site / "b.html", f"<article>{bad}</article>")
    ) == [
        "b.html: a formula without MathML: 'x'",
        "b.html: TeX in the text: 'and \\\\(x\\\\)'",
    ]


def test_weight_counts_what_loads_at_once_and_what_loads_later_apart(site):
    page = write(site / "page.html", "<p>text</p>")
    alone, _ = checks.weight(site, page)
    for image in ("icon.png", "figure.png"):
        (site / image).write_bytes(bytes(1000))
    checks.parsed.cache_clear()
    write(
        page,
        '<p>text</p><img src="icon.png"><img src="figure.png" loading="lazy">',
    )
    at_once, later = checks.weight(site, page)
    assert 1000 < at_once - alone < 1100
    assert later == 1000


def test_a_sound_page_has_no_fault(site, browser):
    found = look(site, browser, "<h1>A page</h1><article><p>text</p></article>")
    assert found == checks.Visit([], [], [], [], [], [], [])


def test_a_request_to_another_host_is_found(site, browser):
    body = '<h1>A page</h1><img alt="" src="http://127.0.0.2:9/x.png">'
    assert look(site, browser, body).requests == ["http://127.0.0.2:9/x.png"]


def test_errors_are_found(site, browser):
    body = (
        "<h1>A page</h1><script>console.error('planted'); missing();</script>"
    )
    errors = look(site, browser, body).errors
    assert errors[0] == "planted"
    assert "missing is not defined" in errors[1]


def test_a_missing_file_is_an_error(site, browser):
    errors = look(
        site, browser, '<h1>A page</h1><img alt="" src="gone.png">'
    ).errors
    assert "404" in errors[0]


def test_violations_are_found(site, browser):
    pale = '<h1>A page</h1><p style="color: #bbb">too pale to read</p>'
    assert [
        v.partition(":")[0] for v in look(site, browser, pale).violations
    ] == ["color-contrast"]


def test_a_pale_token_is_found_once(site, browser):
    token = '<span class="k" style="color: #bbb">pale</span>'
    body = f"<h1>A page</h1><article><pre>{token} {token}</pre></article>"
    assert len(look(site, browser, body).violations) == 1


def test_violations_within_closed_boxes_are_found(site, browser):
    body = (
        "<h1>A page</h1><details><summary>a</summary><img "
        "src='data:,'></details>"
    )
    assert "image-alt" in [
        v.partition(":")[0] for v in look(site, browser, body).violations
    ]


def test_what_sticks_out_is_found(site, browser):
    wide = '<div style="width: 600px">wide</div>'
    assert (
        look(
            site, browser, f"<h1>A</h1><article>{wide}</article>", LIGHT
        ).overflow
        == []
    )
    found = look(
        site, browser, f"<h1>A</h1><article>{wide}</article>", PHONE
    ).overflow
    assert found == [wide.replace("'", '"')]
    boxed = f'<div style="overflow-x: auto" tabindex="0">{wide}</div>'
    assert (
        look(
            site, browser, f"<h1>A</h1><article>{boxed}</article>", PHONE
        ).overflow
        == []
    )


def test_a_distorted_figure_is_found(site, browser):
    Image.new("RGB", (40, 20)).save(site / "a.png")
    good = '<img src="a.png" alt="a" width="80" height="40">'
    bad = '<img src="a.png" alt="b" width="80" height="80">'
    found = look(
        site, browser, f"<h1>A</h1><article>{good}{bad}</article>"
    ).distorted
    assert ['alt="b"' in fault for fault in found] == [True]


def test_a_figure_with_tiny_letters_is_found(site, browser):
    Image.new("RGB", (900, 20)).save(site / "a.png")
    image = '<img src="a.png" alt="a wide plot" width="900" style="{}">'
    body = "<h1>A</h1><article><div class='cell_output'>{}</div></article>"
    shrunk = body.format(image.format("max-width: 100%"))
    assert look(site, browser, shrunk, PHONE).shrunken == ["42 %: a wide plot"]
    assert look(site, browser, shrunk, LIGHT).shrunken == []
    kept = body.format(image.format("width: 600px"))
    assert look(site, browser, kept, PHONE).shrunken == []


def test_what_loads_or_is_laid_out_far_below_is_looked_at_too(site, browser):
    Image.new("RGB", (40, 20)).save(site / "a.png")
    far = (
        '<div style="height: 9000px"></div><p style="content-visibility: auto">'
        '<img src="a.png" alt="b" width="80" height="80" loading="lazy">'
        '<i style="display: block; width: 3000px">x</i>'
    )
    seen = look(site, browser, f"<h1>A</h1><article>{far}</article>", PHONE)
    assert len(seen.distorted) == 1
    assert any(fault.startswith("<i") for fault in seen.overflow)


@pytest.mark.skipif(sys.platform != "linux", reason="hides the PATH's browsers")
@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", "1 error"), ("", "1 skipped")]
)
def test_without_a_browser_ci_fails_and_others_skip(tmp_path, ci, outcome):
    test = tmp_path / "test_needs_a_browser.py"
    test.write_text(
        "def test_opens(browser):\n    browser.new_page()\n", encoding="utf-8"
    )
    tests = Path(__file__).resolve().parent
    (tmp_path / "conftest.py").write_text(
        (tests / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rs",
            "-p",
            "no:cacheprovider",
            str(test),
        ],
        env={
            "PATH": str(tmp_path),
            "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path),
            "CI": ci,
            "PYTHONPATH": str(tests.parent),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert outcome in run.stdout
    assert "no browser: none of chromium-headless-shell" in run.stdout


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("<pre style='overflow: auto'>" + "x" * 400 + "</pre>", 2),
        ("<pre style='overflow: auto'>short</pre>", 0),
        (
            "<div style='overflow: auto; width: 1180px'><table><tr>"
            "<td style='min-width: 1190px'>x</td></tr></table></div>",
            2,
        ),
        (
            "<div style='overflow: auto'><table><tr>"
            "<td style='min-width: 1190px'>x</td></tr></table></div>",
            1,
        ),
        (
            "<div class='formula' style='overflow: auto'><math><mtext>"
            + "x" * 400
            + "</mtext></math></div>",
            2,
        ),
    ],
)
def test_what_is_cut_off_at_a_desk_is_found(site, browser, body, faults):
    found = look(site, browser, f"<h1>A</h1><article>{body}</article>")
    assert len(found.cut) == faults, found.cut
    assert all(fault.startswith(("1200", "1350")) for fault in found.cut)


def test_on_a_phone_code_may_scroll(site, browser):
    wide = "<pre style='overflow: auto'>" + "x" * 400 + "</pre>"
    page = f"<h1>A</h1><article>{wide}</article>"
    assert look(site, browser, page, PHONE).cut == []


def test_dark_is_looked_at_in_the_dark(site, browser):
    pale = (
        "<style>@media (prefers-color-scheme: dark) {p {color: #eee;}}</style>"
        "<h1>A</h1><article><p>words</p></article>"
    )
    dark = checks.View("dark", checks.DESKTOP)
    assert look(site, browser, pale).violations == []
    assert "color-contrast" in look(site, browser, pale, dark).violations[0]


def test_what_only_a_phone_shows_is_asked_there(site, browser):
    """What axe has judged at a desk is left out, and nothing else."""
    body = """<style>.phone {display: none}
        @media (max-width: 500px) {.phone {display: block}
        pre {overflow: auto; width: 100px}}</style><h1>A</h1>
        <p class="phone" style="color: #bbb">pale</p>
        <article><ul><li><b>one</b></li><li><a href="#x">two</a></li></ul>
        <pre><b>%s</b></pre><p class="phone"><button></button> <b>x</b></p>
        </article>"""
    body %= "x" * 400
    assert look(site, browser, body).violations == []
    found = look(site, browser, body, PHONE).violations
    assert {each.partition(":")[0] for each in found} == {
        "button-name",
        "color-contrast",
        "scrollable-region-focusable",
    }


def test_links_of_one_ink_are_told_from_every_text(site, browser):
    """The second link has the ink of the first, and so has the text around."""
    link = '<a href="#x" style="text-decoration: none; color: #00c">a</a>'
    found = look(
        site,
        browser,
        f"<h1>A</h1><article><p>black {link} text</p>"
        f'<p style="color: #00c">blue {link} text</p></article>',
    ).violations
    assert [each.partition(":")[0] for each in found] == ["link-in-text-block"]


def test_a_picture_of_the_dark_alone_is_asked_there(site, browser):
    body = """<style>.dark {display: none}
        @media (prefers-color-scheme: dark) {.dark {display: inline}}</style>
        <h1>A</h1><article><p><b>x</b> <img class="dark" src="data:,"></p>
        </article>"""
    dark = checks.View("dark", checks.DESKTOP)
    assert look(site, browser, body).violations == []
    found = look(site, browser, body, dark).violations
    assert [each.partition(":")[0] for each in found] == ["image-alt"]
