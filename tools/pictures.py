"""The README's pictures: two labs at work, photographed light and dark.

    python -m tools.pictures

Take them anew when a lab that they show has changed. It needs a Chromium.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page

from tools import site_checks
from tools.chapters import ROOT
from utils.labs import Lab, dates_lab, load_weights, training_lab
from utils.labs.weights import FOLDER
from utils.notebook import load_results

PICTURES = ROOT / ".github" / "pictures"
SCHEMES = ("light", "dark")
WIDTH, DENSITY = 704, 1.5  # the widest that a lab gets
STEPS = 400
DATE = "Friday, 27 March 1908"


class Subject(NamedTuple):
    """A lab, and what is done with it before the picture is taken."""

    make: Callable[[], Lab]
    use: Callable[[Page], None]


def make_dates_lab() -> Lab:
    """Make the date translator with its recorded network."""
    read = load_results("date_reader")["results"]
    weights = load_weights("date_reader")
    return dates_lab(read["source"], read["target"], weights, DATE)


def learn(page: Page) -> None:
    """Step until the rule is learnt."""
    page.evaluate(
        """steps => {
          const part = name => document.querySelector(`[data-part=${name}]`);
          for (let i = 0; i < steps; i++) {
            part("step").click();
            if (part("verdict").textContent === "the rule is learnt") break;
          }
        }""",
        STEPS,
    )


def choose_the_month(page: Page) -> None:
    """Look at the second digit of the month."""
    page.locator("[data-part=position]").fill("7")
    page.locator("[data-part=position]").blur()


SUBJECTS = {
    "training": Subject(lambda: training_lab(learning_rate=0.03), learn),
    "dates": Subject(make_dates_lab, choose_the_month),
}


def photograph(browser: Browser, subject: Subject, scheme: str) -> bytes:
    """Return a PNG of a lab in use, in the book's colours."""
    style = (ROOT / "assets" / "unrolled.css").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder, "chapters", "lab.html")
        page_file.parent.mkdir()
        shutil.copytree(FOLDER, Path(folder, "assets", "weights"))
        page_file.write_text(
            f'<!doctype html><html lang="en" data-theme="{scheme}">'
            f"<meta charset=utf-8><style>{style}"
            "body { margin: 0; font-family: sans-serif; }"
            ".unrolled-lab { margin: 0 !important; }"
            # One of the examples is Chinese, for which fonts may be lacking.
            ".lab-buttons:has([data-part=example])"
            " { display: none !important; }</style>"
            f"{subject.make().html}",
            encoding="utf-8",
        )
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 900},
            device_scale_factor=DENSITY,
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page.goto(page_file.as_uri())
        page.wait_for_selector("[data-started]")
        subject.use(page)
        picture = page.locator(".unrolled-lab").screenshot()
        page.close()
    return picture


def main() -> int:
    """Take every picture."""
    program = site_checks.find_chromium()
    if program is None:
        print("no Chromium found; see the README", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with site_checks.launched(program) as browser:
        for name, subject in SUBJECTS.items():
            for scheme in SCHEMES:
                path = PICTURES / f"{name}-{scheme}.png"
                path.write_bytes(photograph(browser, subject, scheme))
                print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
