"""Every chapter satisfies every guard, and no tracked file names a place on
a machine."""

import pytest

from tools import chapters, guards

SOURCES = chapters.sources()


@pytest.mark.parametrize(
    "guard", guards.GUARDS, ids=lambda guard: guard.__name__
)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_chapter(source, guard):
    faults = guard(guards.Chapter(source))
    assert not faults, "\n".join([f"{source.name}: {guard.__doc__}", *faults])


def test_there_are_chapters():
    assert SOURCES


def test_every_notebook_has_a_source():
    orphans = [
        path.name
        for path in (chapters.ROOT / "chapters").glob("*.ipynb")
        if not path.with_suffix(".py").exists()
    ]
    assert not orphans, (
        f"edited by hand? {orphans}: a chapter's source is its .py file"
    )


def test_no_tracked_file_names_a_place():
    named = {
        name: places
        for name in guards.tracked_files(chapters.ROOT)
        if not name.endswith(".ipynb") and (chapters.ROOT / name).is_file()
        if (places := guards.named_places(chapters.ROOT / name))
    }
    assert not named
