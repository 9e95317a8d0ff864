"""What a built site is held to; `tests/test_site.py` asks these questions of
every page.

Each function returns what it found wrong, one line per fault;
`tests/test_site_checks.py` plants each fault on a small page.
"""

import functools
import gzip
import http.server
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Error, Page, sync_playwright

# GitHub Pages serves a project's site below the project's name.
PREFIX = "/unrolled/"
REVEAL = """
    async () => {
        const all = where => document.querySelectorAll(where);
        const images = [...all('img')];
        images.forEach(image => { image.loading = 'eager'; });
        await Promise.allSettled(images.map(image => image.decode()));
        all('details').forEach(box => { box.open = true; });
        all('.toggle-hidden .toggle-button').forEach(b => b.click());
    }
"""

# The thousands of tokens and formulas of a chapter are nothing but text to
# those who hear the page, and their colours follow from their kind: one of each
# kind stays, as axe takes most of a minute for all. All are read before one
# goes, because a page that changes between two looks is laid out anew for each.
# To axe a piece of text is as dear as an element: neighbours are joined.
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
        document.body.normalize();
    }
"""

# What axe has judged once it need not see again: only what is kept stays an
# element, with what holds it; all else becomes text.
KEEP_ALONE = """
    kept => {
        const within = part => part.closest(kept)?.parentElement
            ?.closest('article');
        const rest = [...document.querySelectorAll('article *')].filter(
            part => part.firstElementChild && !within(part)
                && !part.querySelector(kept));
        const whole = 'ul, ol, dl, table';
        for (const part of rest)
            if (part.matches(whole)) part.replaceWith(part.textContent);
            else part.textContent = part.textContent;
        document.body.normalize();
    }
"""
# At another width the words of an article are the same, but what is pressed,
# shown or scrolled can come to lie elsewhere.
MOVED_BY_WIDTH = (
    "h1, h2, h3, h4, h5, h6, a, button, input, select, textarea, summary, img, "
    "svg, pre, [tabindex], [role]"
)
# In the dark only colours and pictures change.
CHANGED_BY_THEME = "[data-ink], img, svg, [role=img]"

# Text has the contrast of all text of its ink, size and ground, and a link
# stands out from the text around it as all links of its ink do from text of
# that: one of each is asked. What is laid over the page may cover anything and
# is asked each time.
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
        const ink = part => {
            const { color, fontSize, fontWeight } = getComputedStyle(part);
            return [color, fontSize, fontWeight, ground(part)].join();
        };
        const speaks = part => part.matches('input, select, textarea')
            || [...part.childNodes].some(
                node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        for (const part of document.body.querySelectorAll('*')) {
            delete part.dataset.ink;
            const link = part.matches('a[href]');
            if (!(speaks(part) || link) || !part.getClientRects().length)
                continue;
            const kind = ink(part) + (link ? ink(part.parentElement) : '');
            if (!seen.has(kind)) part.dataset.ink = '';
            seen.add(kind);
        }
    }
"""
DARK_RULES = (
    "color-contrast",
    "link-in-text-block",
    "image-alt",
    "svg-img-alt",
    "role-img-alt",
)
AXE = f"""{AXE_SCRIPT}
axe.configure({{rules: [
    {{id: 'color-contrast', selector: '[data-ink]'}},
    {{id: 'link-in-text-block', selector: 'a[href][data-ink]'}},
]}});"""
# A colour on its way from light to dark is nobody's contrast, and what is far
# from the window has no place yet.
AT_ONCE = """addEventListener('DOMContentLoaded', () => {
    const style = document.createElement('style');
    style.textContent = '* { transition: none !important;'
        + ' content-visibility: visible !important; }';
    document.head.append(style);
});"""


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


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    """Return the places of a page that a link can lead to."""
    return frozenset(tag["id"] for tag in parsed(page).find_all(id=True))


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
            if fragment not in anchors(target.resolve()):
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
    """Add up the bytes of a page with all it loads at once, text compressed,
    and of the figures that load when they are needed."""
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
            later = tag.get("loading") == "lazy"
            (figures if later else files).add(target.resolve())
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
DESKTOP, PHONE, HEIGHT = 1350, 390, 844
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
    shrunken: list[str]
    violations: list[str]
    cut: list[str]


# By name where the PATH leads to them, by place on macOS and Windows. The first
# draws pages alone: the others draw their own window too, in a process for each
# page that works as long as the page's.
CHROMIUMS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)
PLAYWRIGHTS_OWN = ""


def find_chromium() -> str | None:
    """Find a Chromium of this machine, the quickest first.

    Playwright's own is there after `python -m playwright install chromium`.
    """
    shell, *others = map(shutil.which, CHROMIUMS)
    if shell is None:
        try:
            with launched(PLAYWRIGHTS_OWN):
                return PLAYWRIGHTS_OWN
        except Error:
            pass
    return next(filter(None, (shell, *others)), None)


@contextmanager
def launched(program: str) -> Iterator[Browser]:
    """Start a Chromium, given its path or `PLAYWRIGHTS_OWN`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program or None,
            args=["--no-sandbox", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, view: View = VIEWS[0]) -> Iterator[Page]:
    """Open an empty page in its own profile, so that no choice of a former
    visit is left."""
    context = browser.new_context(
        viewport={"width": view.width, "height": HEIGHT},
        color_scheme=view.scheme,
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
    # Each change of width or theme lays out the page anew, so there are few.
    first = min(WIDE) if width >= min(WIDE) else width
    with opened(browser, View(SCHEMES[-1], first)) as page:
        page.on("request", lambda request: requests.append(request.url))
        page.on(
            "console",
            lambda m: errors.append(m.text) if m.type == "error" else None,
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(AT_ONCE)
        page.goto(address, wait_until="load")
        page.evaluate(REVEAL)
        cut = cut_off(page) if width >= min(WIDE) else []
        shape = {}
        for scheme in reversed(SCHEMES):
            page.emulate_media(color_scheme=scheme)
            shape[scheme] = (overflow(page), distorted(page), shrunken(page))
        # Last, because axe looks at one formula of each kind, the others gone.
        page.evaluate(ONE_OF_EACH_KIND)
        if width < max(each.width for each in VIEWS):
            page.evaluate(KEEP_ALONE, MOVED_BY_WIDTH)
        page.evaluate(AXE)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            visits[View(scheme, width)] = Visit(
                requests, errors, *shape[scheme], violations(page, scheme), cut
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
        program: which Chromium, as `launched` takes it.
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


def violations(page: Page, scheme: str) -> list[str]:
    """Let axe look for what keeps disabled readers out.

    The rules are all asked in the first scheme, and again in the others where
    colours or pictures could break them.
    """
    page.evaluate(ONE_OF_EACH_INK)
    options: dict = {"resultTypes": ["violations"]}
    if scheme != SCHEMES[0]:
        page.evaluate(KEEP_ALONE, CHANGED_BY_THEME)
        options["runOnly"] = DARK_RULES
    return page.evaluate(
        """async options => (await axe.run(document, options)).violations
            .flatMap(({ id, nodes }) => nodes.map(
                ({ html }) => `${id}: ${html.slice(0, 120)}`))""",
        options,
    )


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
    """Find code, outputs, tables and formulas that a reader at a desk must
    scroll sideways to read; the page is left at the widest."""
    found = []
    for width in WIDE:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += page.evaluate(
            """width => [...document.querySelectorAll(
                'article pre, article .cell_output .output, article table, '
                + 'article .formula')]
                .map(each => each.matches('table') ? each.parentElement : each)
                .filter(each => each.clientWidth
                    && each.scrollWidth > each.clientWidth + 1)
                .map(each => `${width} px: ${each.scrollWidth} in `
                    + `${each.clientWidth}: ${each.innerText.slice(0, 60)}`)""",
            width,
        )
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


def shrunken(page: Page) -> list[str]:
    """Find figures shown so much smaller than they were drawn that their
    letters, large in plots and as the text's in drawings, cannot be read."""
    return page.evaluate(
        """() => [...document.querySelectorAll(
            'article .cell_output img[width], '
            + 'article svg.unrolled-drawing[width]')]
            .map(figure => [figure, figure.getBoundingClientRect().width
                / figure.getAttribute('width')])
            .filter(([figure, share]) => share
                && share < (figure.matches('img') ? 0.45 : 0.65))
            .map(([figure, share]) => `${Math.round(100 * share)} %: `
                + (figure.alt ?? figure.getAttribute('aria-label') ?? '')
                    .slice(0, 80))"""
    )
