"""What a built site is held to; `tests/test_site.py` asks these questions of
every page.

Each function returns what it found wrong, one line per fault;
`tests/test_site_checks.py` plants each fault on a small page.
"""

import functools
import gzip
import http.server
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page, sync_playwright

# GitHub Pages serves a project's site below the project's name.
PREFIX = "/unrolled/"
REVEAL = """
    () => {
        const all = where => document.querySelectorAll(where);
        all('details').forEach(box => { box.open = true; });
        all('.toggle-hidden .toggle-button').forEach(b => b.click());
    }
"""

# The thousands of tokens and formulas of a chapter are nothing but text to
# those who hear the page, and their colours follow from their kind: one of each
# kind stays, as axe takes most of a minute for all. All are read before one
# goes, because a page that changes between two looks is laid out anew for each.
ONE_OF_EACH_KIND = """
    () => {
        const seen = new Set();
        const boxes = '.cell_input, .cell_output, .admonition, article';
        const coloured = 'article pre span[class], article math';
        [...document.querySelectorAll(coloured)].filter(part => {
            const place = part.closest(boxes).className;
            const { color } = getComputedStyle(part);
            const kind = [part.localName, part.className, color, place].join();
            return seen.has(kind) || !seen.add(kind);
        }).forEach(part => part.replaceWith(part.textContent));
    }
"""

# Text has the contrast of all text of its ink, size and ground: one of each is
# asked. What is laid over the page may cover anything and is asked each time.
ONE_OF_EACH_INK = """
    () => {
        const seen = new Set();
        const grounds = new Map();
        const ground = part => {
            if (!part) return '';
            if (!grounds.has(part)) {
                const { backgroundColor, backgroundImage, opacity, position }
                    = getComputedStyle(part);
                const own = [backgroundColor, backgroundImage, opacity].join();
                const clear = own === 'rgba(0, 0, 0, 0),none,1';
                const over = ['absolute', 'fixed'].includes(position)
                    ? `over ${grounds.size}` : '';
                grounds.set(part,
                    ground(part.parentElement) + (clear ? '' : own) + over);
            }
            return grounds.get(part);
        };
        const speaks = part => part.matches('input, select, textarea')
            || [...part.childNodes].some(
                node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        for (const part of document.body.querySelectorAll('*')) {
            delete part.dataset.ink;
            if (!speaks(part) || !part.getClientRects().length) continue;
            const { color, fontSize, fontWeight } = getComputedStyle(part);
            const kind = [color, fontSize, fontWeight, ground(part)].join();
            if (!seen.has(kind)) part.dataset.ink = '';
            seen.add(kind);
        }
    }
"""
# What axe can find in the dark alone, contrast aside.
DARK_RULES = ("link-in-text-block", "image-alt", "svg-img-alt", "role-img-alt")


def pages(site: Path) -> list[Path]:
    """Return the site's pages, the search and the page for lost readers among
    them.

    The front page only leads on to the introduction and is left out.
    """
    found = sorted(
        path for path in site.rglob("*.html") if "_static" not in path.parts
    )
    return [
        page
        for page in found
        if not parsed(page).find("meta", {"http-equiv": "Refresh"})
    ]


@functools.cache
def parsed(page: Path) -> BeautifulSoup:
    """Parse a page once."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def addresses(page: Path) -> Iterator[str]:
    """Yield the address of everything a page links to, shows or loads."""
    for tag in parsed(page).find_all(href=True):
        yield tag["href"]
    for tag in parsed(page).find_all(src=True):
        yield tag["src"]


def broken_links(site: Path, page: Path) -> list[str]:
    """Find links within the site whose file or anchor does not exist."""
    faults = []
    for address in addresses(page):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        path = unquote(parts.path)
        if path.startswith("/"):
            target = site / path.removeprefix(PREFIX)
        else:
            target = page.parent / path if path else page
        if not target.is_file():
            faults.append(f"{page.name}: {address} leads to no file")
        elif parts.fragment and target.suffix == ".html":
            fragment = unquote(parts.fragment)
            if not parsed(target.resolve()).find(id=fragment):
                faults.append(f"{page.name}: {address} leads to no anchor")
    return faults


def untracked_targets(
    page: Path, repository: str, tracked: set[str]
) -> list[str]:
    """Find links into the repository, Colab's included, whose file is not in
    it."""
    owner_and_name = urlsplit(repository).path.strip("/")
    faults = []
    for address in addresses(page):
        path = urlsplit(address).path
        if f"{owner_and_name}/" not in path:
            continue
        kind, _, rest = path.partition(f"{owner_and_name}/")[2].partition("/")
        if (
            kind in ("blob", "edit", "raw", "tree")
            and rest.partition("/")[2] not in tracked
        ):
            faults.append(f"{page.name}: {address} leads to no tracked file")
    return faults


def raw_formulas(page: Path) -> list[str]:
    r"""Find formulas that are not MathML: an empty box, or TeX between `\(`
    or `\[`."""
    faults = [
        f"{page.name}: a formula without MathML: {box.get_text()[:60]!r}"
        for box in parsed(page).select(".math, .katex")
        if not box.find("math")
    ]
    prose = parsed(page).find("article") or BeautifulSoup("", "html.parser")
    for string in prose.find_all(
        string=lambda text: "\\(" in text or "\\[" in text
    ):
        if not string.find_parent(["pre", "code", "annotation", "script"]):
            faults.append(f"{page.name}: TeX in the text: {string[:60]!r}")
    return faults


def weight(site: Path, page: Path) -> tuple[int, int]:
    """Add up the bytes of a page with all it loads, text compressed, and of
    its figures."""
    files, figures = {page}, set()
    for tag in parsed(page).select(
        "link[rel~=stylesheet], link[rel~=icon], [src]"
    ):
        path = urlsplit(tag.get("src") or tag.get("href")).path
        target = (
            site / path.removeprefix(PREFIX)
            if path[:1] == "/"
            else page.parent / path
        )
        if target.is_file():
            (figures if "_images" in target.parts else files).add(
                target.resolve()
            )
    fonts = site.glob("_static/vendor/fontawesome/webfonts/*.woff2")
    return sum(map(compressed_size, (*files, *fonts))), sum(
        map(compressed_size, figures)
    )


def compressed_size(path: Path) -> int:
    """Return a file's size as a server would send it."""
    if path.suffix in (".png", ".woff2"):
        return path.stat().st_size
    return len(gzip.compress(path.read_bytes()))


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serve a site below `PREFIX`, and its page for lost readers for all it
    does not have."""

    def translate_path(self, path: str) -> str:
        return super().translate_path("/" + path.removeprefix(PREFIX))

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        lost = Path(self.directory, "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(lost)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output free of requests."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a site on this machine as GitHub Pages does; the value is the
    site's address."""
    handler = functools.partial(_Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class View:
    """How a reader looks at a page."""

    scheme: str
    width: int

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"


SCHEMES = ("light", "dark")
DESKTOP, PHONE = 1350, 390
# What a laptop shows beside both sidebars: nothing may be cut off from here up.
WIDE = (1200, 1350)
VIEWS = [
    View(scheme, width) for scheme in SCHEMES for width in (DESKTOP, PHONE)
]


@dataclass
class Visit:
    """What one look at a page brought to light, one line per fault."""

    requests: list[str]
    errors: list[str]
    overflow: list[str]
    distorted: list[str]
    violations: list[str]
    cut: list[str]


@contextmanager
def launched(program: str) -> Iterator[Browser]:
    """Start a Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, view: View = VIEWS[0]) -> Iterator[Page]:
    """Open an empty page in its own profile, so that no choice of a former
    visit is left."""
    context = browser.new_context(
        viewport={"width": view.width, "height": 844}, color_scheme=view.scheme
    )
    # milliseconds; a busy machine is not a fault
    context.set_default_timeout(120_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def visit(browser: Browser, address: str, width: int) -> dict[View, Visit]:
    """Look at a page, with every box open, as one reader would who switches
    from light to dark.

    A page is loaded once for both, because loading takes longer than looking.
    """
    host = urlsplit(address).netloc
    requests: list[str] = []
    errors: list[str] = []
    visits = {}
    with opened(browser, View(SCHEMES[0], width)) as page:
        page.on("request", lambda request: requests.append(request.url))
        page.on(
            "console",
            lambda m: errors.append(m.text) if m.type == "error" else None,
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address, wait_until="load")
        page.evaluate(REVEAL)
        # A colour on its way from light to dark is nobody's contrast.
        page.add_style_tag(content="* { transition: none !important; }")
        hidden = cut_off(page) if width >= min(WIDE) else []
        shape = {}
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            shape[scheme] = (overflow(page), distorted(page))
        # Last, because axe looks at one formula of each kind, the others gone.
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            view = View(scheme, width)
            visits[view] = Visit(
                requests,
                errors,
                *shape[scheme],
                violations(page, view),
                hidden,
            )
        foreign = [
            url for url in requests if urlsplit(url).netloc not in (host, "")
        ]
    for each in visits.values():
        each.requests = foreign
    return visits


Look = tuple[str, int]


def visit_all(
    program: str, looks: Sequence[Look], browsers: int
) -> dict[Look, Future[dict[View, Visit]]]:
    """Start to visit pages, several at once; look is `visit`'s arguments.

    Args:
        program: the path of a Chromium.
        looks: an address and a width each.
        browsers: how many are started; each takes the next look.
    """
    visits: dict[Look, Future] = {look: Future() for look in looks}
    waiting = iter(looks)
    lock = threading.Lock()

    def work() -> None:
        try:
            with launched(program) as browser:
                while True:
                    with lock:
                        look = next(waiting, None)
                    if look is None:
                        break
                    visits[look].set_result(visit(browser, *look))
        except BaseException as error:
            # Nobody may wait for what will never come.
            for each in visits.values():
                if not each.done():
                    each.set_exception(error)

    for _ in range(browsers):
        threading.Thread(target=work, daemon=True).start()
    return visits


def violations(page: Page, view: View) -> list[str]:
    """Let axe look for what keeps disabled readers out.

    Contrast takes axe most of its time and is the same at every width: the
    widest view asks. Between light and dark only colours and pictures change.
    """
    page.evaluate(ONE_OF_EACH_KIND)
    if view.scheme == SCHEMES[0]:
        rules: dict = {"rules": {"color-contrast": {"enabled": False}}}
    else:
        rules = {"runOnly": DARK_RULES}
    looks = [(None, rules)]
    if view.width == max(each.width for each in VIEWS):
        page.evaluate(ONE_OF_EACH_INK)
        looks.append(("[data-ink]", {"runOnly": ["color-contrast"]}))
    return [
        f"{found['id']}: {node['html'][:120]}"
        for where, options in looks
        for found in Axe()
        .run(page, where, {"resultTypes": ["violations"], **options})
        .response["violations"]
        for node in found["nodes"]
    ]


def overflow(page: Page) -> list[str]:
    """Find what sticks out at the right, outside of boxes that scroll within
    themselves."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            const style = element => getComputedStyle(element);
            const scrolling = ['auto', 'scroll', 'hidden'];
            const scrolls = box => box && box !== document.body && (
                scrolling.includes(style(box).overflowX)
                || scrolls(box.parentElement));
            return [...document.querySelectorAll('article *')]
                .filter(each => each.getBoundingClientRect().right > width + 1)
                .filter(each => style(each).visibility !== 'hidden')
                .filter(each => !scrolls(each.parentElement))
                .map(each => each.outerHTML.slice(0, 120));
        }"""
    )


def cut_off(page: Page) -> list[str]:
    """Find code, outputs and tables that a reader at a desk must scroll
    sideways to read."""
    found = []
    size = page.viewport_size or {"width": DESKTOP, "height": 844}
    for width in WIDE:
        page.set_viewport_size({**size, "width": width})
        found += page.evaluate(
            """width => [...document.querySelectorAll(
                'article pre, article .cell_output .output, article table')]
                .map(each => each.matches('table') ? each.parentElement : each)
                .filter(each => each.clientWidth
                    && each.scrollWidth > each.clientWidth + 1)
                .map(each => `${width} px: ${each.scrollWidth} in `
                    + `${each.clientWidth}: ${each.innerText.slice(0, 60)}`)""",
            width,
        )
    page.set_viewport_size(size)
    return found


def distorted(page: Page) -> list[str]:
    """Find figures that are not as wide to their height as they were drawn."""
    return page.evaluate(
        """() => [...document.querySelectorAll('article img')]
            .filter(image => image.clientHeight && image.naturalHeight)
            .filter(image => Math.abs(
                (image.clientWidth / image.clientHeight)
                / (image.naturalWidth / image.naturalHeight) - 1) > 0.02)
            .map(image => image.outerHTML.slice(0, 120))"""
    )
