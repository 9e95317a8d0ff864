"""Make the built site lighter and usable by everybody:
`python -m tools.finish_site _build/html`.

The theme serves every feature it knows to every page. Each function here mends
one thing and says why; `finish` applies them all, in place, to a site that
`jupyter-book build` has just written.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import tinycss2
from bs4 import BeautifulSoup, NavigableString
from fontTools import subset
from PIL import Image

WORD = re.compile(r"[A-Za-z_][\w-]*")
PUNCTUATION = re.compile(r"[,.;:?!)’”]+")
LONGEST_CELL_ON_ONE_LINE = 24
TOKEN_RULE = re.compile(
    r'html\[data-theme="(\w+)"\] \.highlight *(\.\w+)? *\{([^}]*)\}'
)
COLOUR = re.compile(r"(?<![\w-])color: *(#\w+)")
SOURCE_MAP = re.compile(r"//# sourceMappingURL=\S+")
STATED_SIZE = re.compile(r"width: (\d+)px; height: (\d+)px")
# What a phone can show whole, in pixels, and the share of its width below which
# the letters of a wider figure are too small: a plot's are large, a drawing's
# are those of the text.
SHOWN_WHOLE = {"img": 740, "svg": 500}
LEGIBLE = {"img": 0.65, "svg": 0.9}
IMPORT = re.compile(r"""@import\s+(?:url\()?["']([^"']+)""")
ICON_FONT_RANGE = re.compile(
    r"\\([ef][0-9a-f]{3})\b|([\ue000-\uf8ff])", re.IGNORECASE
)


def remove_unused_scripts(page: BeautifulSoup) -> None:
    """Drop what no page uses: icons drawn by script (530 KB), live kernels,
    preloads, the index.

    The search index and its code are needed on the search page alone.
    """
    unused = ["fontawesome.js", "thebe", "THEBE_JS_URL", "require.js"]
    if not page.select_one("#search-results"):
        unused += ["searchtools.js", "language_data.js", "searchindex.js"]
    for script in page.find_all("script"):
        if any(
            name in script.get("src", "") + (script.string or "")
            for name in unused
        ):
            script.decompose()
    for preload in page.select('link[rel="preload"]'):
        preload.decompose()


def move_scripts_to_end(page: BeautifulSoup) -> None:
    """Let the text appear before the scripts arrive; only the choice of
    theme has to come first."""
    seen = set()
    for script in page.head.find_all("script"):
        if "dataset.mode" in (script.string or ""):
            continue
        script.extract()
        if str(script) not in seen:
            page.body.append(script)
        seen.add(str(script))


def choose_theme_at_once(page: BeautifulSoup) -> None:
    """Settle light or dark before the first paint; the theme would flash
    light in between."""
    page.html["data-theme"] = "light"
    for script in page.head.find_all("script"):
        if "dataset.mode" in (script.string or ""):
            script.string = (
                "{const mode = localStorage.getItem('mode') || 'auto';"
                "const dark = matchMedia('(prefers-color-scheme: "
                "dark)').matches;"
                "document.documentElement.dataset.mode = mode;"
                "document.documentElement.dataset.theme ="
                " mode === 'auto' ? (dark ? 'dark' : 'light') : mode;}"
            )


def remove_leftovers(page: BeautifulSoup) -> None:
    """Drop the advertisement's place, empty boxes and repeated declarations
    of the viewport."""
    for selector in ("#ethical-ad-placement", ".pst-async-banner-revealer"):
        for leftover in page.select(selector):
            leftover.decompose()
    for repeated in page.select('meta[name="viewport"]')[1:]:
        repeated.decompose()


def describe(page: BeautifulSoup) -> None:
    """Give pages without a text of their own, the search and the page for
    lost readers, their title as the description that others show."""
    if page.title and not page.select_one('meta[name="description"]'):
        words = page.title.get_text(strip=True)
        page.head.append(
            page.new_tag(
                "meta", attrs={"name": "description", "content": words}
            )
        )


def name_landmarks(page: BeautifulSoup) -> None:
    """Tell screen readers what each region is, once, in the words that are
    on the screen."""
    sidebar = page.select_one("#pst-primary-sidebar")
    if sidebar:
        sidebar["role"], sidebar["aria-label"] = "navigation", "Book"
    for labelled in page.select("button[aria-label], a[aria-label]"):
        text = " ".join(labelled.get_text().split())
        if text and text.lower() not in labelled["aria-label"].lower():
            del labelled["aria-label"]
    for button in page.select(
        "button.sidebar-toggle, button.theme-switch-button, button[title]"
    ):
        if not button.get("aria-label") and not button.get_text(strip=True):
            button["aria-label"] = button.get("title") or button.get(
                "data-bs-title"
            )


def mend_tables(page: BeautifulSoup) -> None:
    """Let wide tables scroll and sentences in cells wrap; make empty headers
    plain cells."""
    for cell in page.select("table.dataframe td"):
        if len(cell.get_text(strip=True)) > LONGEST_CELL_ON_ONE_LINE:
            cell["class"] = ["sentence"]
    for header in page.find_all("th"):
        if not header.get_text(strip=True):
            header.name = "td"
    for table in page.select("table.dataframe[border]"):
        del table["border"]
    for table in page.select("article table"):
        if table.find_parent(class_="scroll"):
            continue
        table.wrap(page.new_tag("div", attrs={"class": "scroll"}))


def keep_punctuation(page: BeautifulSoup) -> None:
    """Keep a comma or a full stop on the line of the formula it follows."""
    for formula in page.select("article .katex"):
        after = formula.next_sibling
        if not isinstance(after, NavigableString) or formula.find_parent(
            class_="math"
        ):
            continue
        sign = PUNCTUATION.match(after)
        if sign:
            after.replace_with(NavigableString(after[sign.end() :]))
            together = formula.wrap(
                page.new_tag("span", attrs={"class": "together"})
            )
            together.append(sign[0])


def plain_tokens(css: str) -> set[str]:
    """Return the kinds of token that a style sheet shows, in every theme, as
    code without a kind: two of three elements of a chapter are tokens."""
    ground: dict[str, str] = {}
    kinds: dict[str, dict[str, str]] = {}
    for theme, kind, body in TOKEN_RULE.findall(css):
        if not kind:
            ground[theme] = "".join(COLOUR.findall(body)).lower()
        else:
            kinds.setdefault(kind[1:], {})[theme] = body.strip(" ;").lower()
    return {
        kind
        for kind, bodies in kinds.items()
        if ground
        and all(
            bodies.get(theme) == f"color: {colour}"
            for theme, colour in ground.items()
        )
    }


def join_plain_tokens(page: BeautifulSoup, plain: set[str]) -> None:
    """Take the tokens out of their elements whose kind cannot be seen, so
    that a browser has half as much to lay out."""
    for code in page.select("div.highlight pre"):
        for token in code.find_all("span"):
            kinds = token.get("class", [])
            if set(kinds) <= plain and not token.get("id"):
                token.unwrap()
        code.smooth()


def size_images(page: BeautifulSoup, folder: Path) -> None:
    """Reserve each figure's place, so that the text does not jump while it
    loads, which it does when the reader comes near.

    A figure of two pixels per CSS pixel says its size in a style, which would
    keep it from shrinking with the page; attributes leave that to the style
    sheet.
    """
    for image in page.select("article img[src]"):
        path = (folder / image["src"].partition("?")[0]).resolve()
        if path.suffix != ".png" or not path.is_file():
            continue
        with Image.open(path) as picture:
            size: tuple[int | str, ...] = picture.size
        if stated := STATED_SIZE.search(image.get("style", "")):
            size = stated.groups()
            del image["style"]
        image["width"], image["height"] = map(str, size)
        image["loading"] = "lazy"


def let_wide_figures_scroll(page: BeautifulSoup) -> None:
    """Put each wide figure into a box of its own, in which it scrolls sideways
    on a phone: shrunk to the screen, its letters could not be read.

    Comes after `size_images`. The width that keeps the letters legible goes
    along, for the style sheet.
    """
    for figure in page.select(
        ".cell_output img[width], .cell_output svg.unrolled-drawing[width]"
    ):
        width = round(float(figure["width"]))
        if width > SHOWN_WHOLE[figure.name] and not figure.find_parent(
            class_="scroll"
        ):
            box = {
                "class": "scroll wide-figure",
                "role": "group",
                "aria-label": "Wide figure",
                "style": f"--legible: {round(LEGIBLE[figure.name] * width)}px",
            }
            linked = figure.find_parent("a")
            (linked or figure).wrap(page.new_tag("div", attrs=box))


def shrink_figure(path: Path) -> None:
    """Store a figure with a palette of 256 colours, where that is smaller."""
    with Image.open(path) as picture:
        paletted = picture.convert("RGB").quantize(
            256, dither=Image.Dither.NONE
        )
    partial = path.with_suffix(".partial")
    paletted.save(partial, format="PNG", optimize=True)
    if partial.stat().st_size < path.stat().st_size:
        partial.replace(path)
    else:
        partial.unlink()


def vocabulary(pages: list[BeautifulSoup], scripts: list[str]) -> set[str]:
    """Collect every class and id that a page carries or a script could set."""
    words = set()
    for page in pages:
        for tag in page.find_all(True):
            words.update(tag.get("class", []), [tag.get("id", "")])
        scripts = scripts + [
            script.string or "" for script in page.find_all("script")
        ]
    for script in scripts:
        words.update(WORD.findall(script))
    return words


def selector_matches(selector: list, words: set[str]) -> bool:
    """Tell whether all classes and ids that a selector demands exist;
    `:not(…)` demands none."""
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "hash" and token.value not in words:
            return False
        is_class = (
            token.type == "ident" and before is not None and before == "."
        )
        if is_class and token.value not in words:
            return False
    return True


def split_selectors(prelude: list) -> list[list]:
    """Split a rule's prelude at its commas."""
    selectors: list[list] = [[]]
    for token in prelude:
        if token == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def purge_rules(rules: list, words: set[str]) -> Iterator[str]:
    """Yield a style sheet's rules without those for classes and ids that no
    page has."""
    for rule in rules:
        if rule.type == "qualified-rule":
            kept = [
                s
                for s in split_selectors(rule.prelude)
                if selector_matches(s, words)
            ]
            if kept:
                prelude = ",".join(
                    tinycss2.serialize(selector).strip() for selector in kept
                )
                yield f"{prelude}{{{tinycss2.serialize(rule.content).strip()}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in (
            "media",
            "supports",
            "layer",
        ):
            inner = tinycss2.parse_rule_list(rule.content or [], True, True)
            body = "".join(purge_rules(inner, words))
            if body:
                prelude = tinycss2.serialize(rule.prelude).strip()
                yield f"@{rule.lower_at_keyword} {prelude}{{{body}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword not in (
            "charset",
            "import",
        ):
            yield rule.serialize()


def bundle_styles(
    site: Path, pages: dict[Path, BeautifulSoup], words: set[str]
) -> None:
    """Join the style sheets of all pages into one, without the rules that no
    page needs."""
    sheets: dict[str, None] = {}
    for path, page in pages.items():
        for link in page.select('link[rel="stylesheet"]'):
            sheets[site_path(site, path, link["href"])] = None
            link.decompose()
    css = "\n".join(purged_sheet(site, sheet, words) for sheet in sheets)
    name = f"_static/book.{hashlib.sha256(css.encode()).hexdigest()[:10]}.css"
    (site / name).write_text(css, encoding="utf-8")
    for path, page in pages.items():
        href = relative_to_page(site, path, name, page)
        page.head.append(
            page.new_tag("link", attrs={"rel": "stylesheet", "href": href})
        )


def purged_sheet(site: Path, sheet: str, words: set[str]) -> str:
    """Return one style sheet's needed rules, its addresses rewritten to
    start from `_static`."""
    text = (site / sheet).read_text(encoding="utf-8")
    imported = [urljoin(sheet, address) for address in IMPORT.findall(text)]
    css = "".join(purged_sheet(site, each, words) for each in imported)
    css += "".join(
        purge_rules(tinycss2.parse_stylesheet(text, True, True), words)
    )

    def rewrite(match: re.Match[str]) -> str:
        address = match[1].strip("\"'")
        if address.startswith(("data:", "#")):
            return match[0]
        return f"url({urljoin(sheet, address).removeprefix('_static/')})"

    return re.sub(r"url\(([^)]+)\)", rewrite, css)


def site_path(site: Path, page: Path, href: str) -> str:
    """Return an address as a path below the site's folder; an absolute one
    starts at its prefix."""
    href = href.partition("?")[0]
    if href.startswith("/"):
        return href[href.index("_static/") :]
    return (page.parent / href).resolve().relative_to(site.resolve()).as_posix()


def relative_to_page(
    site: Path, path: Path, name: str, page: BeautifulSoup
) -> str:
    """Address a file as the page's other links do: the page for lost readers
    from the root."""
    prefix = page.select_one('link[rel="icon"]')["href"].partition("_static/")[
        0
    ]
    return prefix + name


def subset_icons(site: Path) -> None:
    """Keep in the icon fonts the few symbols that the style sheet still
    mentions."""
    css = "".join(
        path.read_text(encoding="utf-8")
        for path in site.glob("_static/book.*.css")
    )
    symbols = {
        int(code, 16) if code else ord(char)
        for code, char in ICON_FONT_RANGE.findall(css)
    }
    options = subset.Options(flavor="woff2", ignore_missing_unicodes=True)
    for path in site.glob("_static/vendor/fontawesome/webfonts/*.woff2"):
        font = subset.load_font(str(path), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=symbols)
        subsetter.subset(font)
        subset.save_font(font, str(path), options)


def delete_unreferenced(site: Path) -> None:
    """Delete the files in `_static` whose name no page, style sheet or
    script mentions; a lab's button names its weights without their suffix."""
    texts = [p for p in site.rglob("*") if p.suffix in (".html", ".css", ".js")]
    orphans = [p for p in site.joinpath("_static").rglob("*") if p.is_file()]
    # A script names its map, and the map's name holds the script's own.
    for path in [p for p in orphans if p.suffix == ".map"]:
        path.unlink()
        orphans.remove(path)
    while orphans:
        mentioned = "\n".join(
            SOURCE_MAP.sub("", p.read_text(encoding="utf-8"))
            for p in texts
            if p.exists()
        )
        unused = [
            p
            for p in orphans
            if p.name not in mentioned
            and f'data-weights="{p.stem}"' not in mentioned
        ]
        if not unused:
            return
        for path in unused:
            path.unlink()
            orphans.remove(path)


def finish(site: Path) -> None:
    """Apply every fix to every page of a site.

    Raises:
        FileNotFoundError: the folder holds no built site.
    """
    if not (site / "_static").is_dir():
        raise FileNotFoundError(
            f"{site}/_static does not exist; `python -m tools book` builds it"
        )
    pages = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
        and "http-equiv" not in path.read_text(encoding="utf-8")
    }
    fixes: list[Callable[[BeautifulSoup], None]] = [
        remove_unused_scripts,
        choose_theme_at_once,
        move_scripts_to_end,
        remove_leftovers,
        describe,
        name_landmarks,
        mend_tables,
        keep_punctuation,
    ]
    for figure in site.glob("_images/*.png"):
        shrink_figure(figure)
    tokens = site / "_static" / "pygments.css"
    plain = plain_tokens(tokens.read_text("utf-8") if tokens.exists() else "")
    for path, page in pages.items():
        for fix in fixes:
            fix(page)
        join_plain_tokens(page, plain)
        size_images(page, path.parent)
        let_wide_figures_scroll(page)
    used_scripts = {
        site_path(site, path, script["src"])
        for path, page in pages.items()
        for script in page.select("script[src]")
    }
    scripts = [
        (site / script).read_text(encoding="utf-8")
        for script in sorted(used_scripts)
    ]
    bundle_styles(site, pages, vocabulary(list(pages.values()), scripts))
    for path, page in pages.items():
        path.write_text(str(page), encoding="utf-8")
    subset_icons(site)
    delete_unreferenced(site)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(
            "usage: python -m tools.finish_site FOLDER (the built site, "
            "_build/html)"
        )
    finish(Path(sys.argv[1]))
