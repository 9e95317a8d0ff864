"""The reference has an entry for every public name, linked both ways."""

from pathlib import Path

import pytest
from test_sphinx_unrolled import build, code, text

from tools.chapters import ROOT
from tools.sphinx_unrolled import reference

PAGES = sorted((ROOT / "chapters").glob("*.md"))
CHAPTER = "# GRU\n\n## Further reading\n\nA paper."


def rooms_of_pages() -> list[str]:
    return [
        room
        for page in PAGES
        for rooms in reference.ROOMS.findall(page.read_text(encoding="utf-8"))
        for room in rooms.split()
    ]


def test_every_room_has_its_place():
    folders = [
        f"utils.{path.parent.name}"
        for path in (ROOT / "utils").glob("*/__init__.py")
    ]
    found = rooms_of_pages()
    assert len(found) == len(set(found))
    assert set(folders) <= set(found)


def test_every_exported_name_has_an_entry():
    for room in rooms_of_pages():
        package = reference._module(room)
        exported = reference._exported(reference._tree(package))
        names = {entry.name for entry in reference.entries(room)}
        constants = {name for name in exported if name.isupper()}
        assert set(exported) - constants <= names, room
        assert names, room


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    source = "from utils.scratch import GRU"
    (folder / "book").mkdir()
    (folder / "book/03_gru.py").write_text(source, encoding="utf-8")
    page = "# Reference\n\n% rooms: utils.scratch\n"
    cells = [text(CHAPTER), code(source)]
    return build(folder, {"03_gru": cells, "reference": page})


def test_an_entry_shows_arguments_shapes_errors_and_source(book):
    section = book["reference"].find("section", id="gru")
    words = section.get_text()
    assert "bias: bool = True," in words
    assert "x: Float[batch, time, input]," in words
    assert "ValueError: a size below 1" in " ".join(words.split())
    links = {a.get_text(): a["href"] for a in section.find_all("a")}
    assert links["chapter 3"] == "03_gru.html"
    line = links["utils/scratch/gru.py"].rpartition("#L")[2]
    lines = Path(ROOT / "utils/scratch/gru.py").read_text().splitlines()
    assert lines[int(line) - 1].startswith("class GRU")


def test_a_chapter_ends_with_what_it_imports(book):
    paragraph = book["03_gru"].find("article").find_all("p")[-1]
    assert paragraph.get_text() == "Code of this chapter: GRU."
    target = paragraph.find("a")["href"]
    page, _, anchor = target.partition("#")
    assert page == "reference.html"
    assert book["reference"].find(id=anchor)
