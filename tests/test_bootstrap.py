"""Every chapter's first cell finds the book, or clones it as Colab must, or
says what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap, chapters, guards

ADDRESS = "https://github.com/someone/unrolled"
SOURCES = chapters.sources()


def git(*arguments: str, folder: Path) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Publish the tracked files in a bare repository that git takes for the
    shipped address."""
    copy = tmp_path_factory.mktemp("copy")
    for name in guards.tracked_files(chapters.ROOT):
        if (chapters.ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(chapters.ROOT / name, copy / name)
    git("init", "--quiet", "--initial-branch=main", folder=copy)
    git("add", "--all", "--force", folder=copy)
    git("commit", "--quiet", "--message=Publish", folder=copy)
    bare = tmp_path_factory.mktemp("hub") / "unrolled.git"
    git("clone", "--quiet", "--bare", str(copy), str(bare), folder=copy)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{bare.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }


def cell_of(source: Path, url: str, ref: str = "main") -> str:
    """Return a chapter's own bootstrap cell as the tool would leave
    it."""
    text = bootstrap.set_cell(
        source.read_text(encoding="utf-8"), url, ref, source.name
    )
    return text.split(bootstrap.HEADER, 1)[1].split("\n# %%", 1)[0]


def run(
    code: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def chapters_by_cell() -> dict[str, list[Path]]:
    """Group the chapters by the text of their first cells: chapters of one
    group differ in nothing that a fresh process could tell."""
    found: dict[str, list[Path]] = {}
    for source in SOURCES:
        found.setdefault(cell_of(source, ADDRESS), []).append(source)
    return found


@pytest.mark.parametrize(
    ("cell", "sources"),
    chapters_by_cell().items(),
    ids=[
        f"{len(sources)} chapters from {sources[0].stem}"
        for sources in chapters_by_cell().values()
    ],
)
def test_a_chapter_opened_in_an_empty_folder_fetches_the_book(
    cell, sources, published, tmp_path
):
    modules = sorted(
        path.relative_to(chapters.ROOT)
        .with_suffix("")
        .as_posix()
        .replace("/", ".")
        for path in set().union(*map(chapters.imported_modules, sources))
    )
    check = f"""
import importlib.util
clone = Path("unrolled").resolve()
for module in {modules!r}:
    found = importlib.util.find_spec(module)
    assert found and Path(found.origin).is_relative_to(clone), (module, found)
"""
    done = run(cell + check, tmp_path, **published)
    assert done.returncode == 0, done.stderr
    for path in set().union(*map(chapters.loaded_results, sources)):
        assert (
            tmp_path / "unrolled" / path.relative_to(chapters.ROOT)
        ).exists()


def test_a_chapter_opened_in_the_book_uses_it(tmp_path):
    cell = bootstrap.bootstrap_cell(bootstrap.PLACEHOLDER, "main")
    done = run(cell + "\nprint(book)", chapters.ROOT / "chapters")
    assert Path(done.stdout.strip()) == chapters.ROOT, done.stderr


def test_a_release_that_does_not_exist_is_refused(published, tmp_path):
    cell = bootstrap.bootstrap_cell(ADDRESS, "v9")
    done = run(cell, tmp_path, **published)
    assert done.returncode != 0
    assert not (tmp_path / "unrolled").exists()
    done = run(cell, tmp_path, UNROLLED_REF="main", **published)
    assert done.returncode == 0, done.stderr


def test_the_unset_address_is_never_cloned(tmp_path):
    done = run(
        bootstrap.bootstrap_cell(bootstrap.PLACEHOLDER, "main"), tmp_path
    )
    assert "`python -m tools repository --url https://" in done.stderr
    assert not (tmp_path / "unrolled").exists()


def test_only_what_is_lacking_is_installed(tmp_path):
    pretend = """
import importlib.util, subprocess
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "arch" else find(name)
subprocess.run = lambda command, check: print(*command[1:])
"""
    cell = bootstrap.bootstrap_cell(bootstrap.PLACEHOLDER, "main")
    done = run(pretend + cell, chapters.ROOT / "chapters")
    assert done.stdout.strip() == "-m pip install --quiet arch", done.stderr


def test_heavy_packages_are_never_installed_over_colab_s_own():
    assert not {"torch", "tensorflow", "keras", "numpy"} & set(
        bootstrap.LACKING_IN_COLAB
    )


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one chapter with an unset address."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "_config.yml").write_text(
        "title: Sample\nrepository:\n"
        f"  url: {bootstrap.PLACEHOLDER}\n  path_to_book: ''\n  branch: main\n"
    )
    (tmp_path / "chapters/01_sample.py").write_text(
        f"# %% [markdown]\n# # Sample\n\n{bootstrap.HEADER}old = 1\n\n# "
        "%%\nprint(1)\n"
    )
    return tmp_path


def test_make_repository_writes_address_and_release_everywhere(book: Path):
    bootstrap.configure(ADDRESS, "v1.0", book)
    assert bootstrap.configured(book) == (ADDRESS, "v1.0")
    text = (book / "chapters/01_sample.py").read_text()
    assert bootstrap.bootstrap_cell(ADDRESS, "v1.0") in text
    assert "old = 1" not in text
    assert text.endswith("# %%\nprint(1)\n")


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "https://example.org/a/b", ADDRESS + "/x y"]
)
def test_an_address_that_colab_cannot_open_is_refused(book: Path, url: str):
    before = (book / "_config.yml").read_text()
    with pytest.raises(ValueError, match="it must read https"):
        bootstrap.configure(url, "main", book)
    assert (book / "_config.yml").read_text() == before


def test_a_chapter_without_its_first_cell_is_named(book: Path):
    (book / "chapters/02_bare.py").write_text("# %%\nprint(1)\n")
    with pytest.raises(ValueError, match=r"02_bare\.py has no cell"):
        bootstrap.configure(ADDRESS, "main", book)
