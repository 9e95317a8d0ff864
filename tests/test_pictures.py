"""The README's pictures are there, in both colours, and say what they show."""

import struct

import bs4
import pytest

from tools import pictures
from tools.chapters import ROOT

README = bs4.BeautifulSoup(
    (ROOT / "README.md").read_text(encoding="utf-8"), "html.parser"
)


def width(png):
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">I", png[16:20])[0]


def test_the_readme_shows_every_picture_light_and_dark():
    shown = README.select("picture")
    assert len(shown) == len(pictures.SUBJECTS)
    named = set()
    for picture in shown:
        dark, light = picture.source, picture.img
        assert dark["media"] == "(prefers-color-scheme: dark)"
        assert light["src"].replace("-light", "-dark") == dark["srcset"]
        assert len(light["alt"].split()) > 15
        for address in (light["src"], dark["srcset"]):
            path = ROOT / address
            assert width(path.read_bytes()) == pictures.WIDTH * pictures.DENSITY
            assert path.stat().st_size < 200_000
            named.add(path)
    assert named == set(pictures.PICTURES.iterdir())


@pytest.mark.parametrize("name", pictures.SUBJECTS)
def test_a_picture_can_be_taken(name, browser):
    png = pictures.photograph(browser, pictures.SUBJECTS[name], "dark")
    assert width(png) == pictures.WIDTH * pictures.DENSITY
