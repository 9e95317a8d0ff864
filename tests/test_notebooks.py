"""Every chapter satisfies every guard; no tracked file names a machine's place.

What a chapter still has to mend is counted in `tools/exemptions.toml`.
"""

import pytest

from tools import chapters, exemptions, guards

SOURCES = chapters.sources()
EXEMPT = exemptions.read()


@pytest.mark.parametrize(
    "guard", guards.GUARDS, ids=lambda guard: guard.__name__
)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_chapter(source, guard):
    chapter = guards.Chapter(source)
    faults = guard(chapter)
    exempt = EXEMPT.get(guard.__name__, {}).get(chapter.topic, 0)
    assert len(faults) == exempt, "\n".join(
        [
            f"{source.name}: {guard.__doc__}",
            f"{len(faults)} faults, {exemptions.NAME} has {exempt}",
            *faults,
        ]
    )


def test_exemptions_are_of_guards_and_chapters():
    topics = {guards.Chapter(source).topic for source in SOURCES}
    known = {guard.__name__ for guard in guards.GUARDS} | {"cut"}
    assert EXEMPT.keys() <= known
    assert set().union(*EXEMPT.values()) <= topics


def test_exemptions_have_never_grown():
    assert not [
        fault
        for before in exemptions.earlier()
        for fault in exemptions.growth(EXEMPT, before)
    ]


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
