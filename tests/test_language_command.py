"""The command learns from a text that is not ours, resumes, writes and
measures."""

import random
import re

import pytest
import torch

from utils.language import trained as room
from utils.language.__main__ import main
from utils.language.trained import load_model, split_text


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("UNROLLED_PROGRESS", "0")
    monkeypatch.setenv("UNROLLED_DEVICE", "cpu")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Write a text of short sentences, in German, and return its path."""
    draw = random.Random(0)
    sentences = [
        f"{draw.choice(['Die Möwe', 'Der Bär', 'Das Kind'])} "
        f"{draw.choice(['sieht', 'hört', 'sucht'])} "
        f"{draw.choice(['das Meer', 'den Wald', 'die Tür'])}.\n"
        for _ in range(150)
    ]
    path = tmp_path_factory.mktemp("text") / "mine.txt"
    path.write_text("".join(sentences), encoding="utf-8")
    return path


def train(text, folder, *options):
    sizes = ["--hidden", "12", "--minutes", "0.5"]
    return main(["train", str(text), "--out", str(folder), *sizes, *options])


def plan_for(monkeypatch, steps):
    """Let half a minute, as planned, hold so many steps."""
    monkeypatch.setattr(
        room, "_seconds_per_step", lambda *_: 0.9 * 30 / (steps + 0.5)
    )


def test_a_text_is_learned_measured_and_continued(
    tmp_path, text, monkeypatch, capsys
):
    plan_for(monkeypatch, 60)
    folder = tmp_path / "model"
    assert train(text, folder) == 0
    printed = capsys.readouterr().out
    assert "10 rounds of 6 steps of" in printed
    names = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert names == {".json", ".safetensors"}

    other = tmp_path / "other.txt"
    other.write_text("Das Kind hört den Bär.\n日本\n", encoding="utf-8")
    assert main(["bits", str(folder), str(other)]) == 0
    printed = capsys.readouterr().out
    assert "26 characters, 2 of them unknown" in printed
    rows = dict(
        re.findall(r"^(\w+).* +([\d.]+) +[\d.]+$", printed, re.MULTILINE)
    )
    assert rows.keys() == {"GRU", "n", "gzip", "bzip2", "xz"}
    assert all(float(bits) > 2 for bits in rows.values())

    write = ["write", str(folder), "--prompt", "Der ", "--n", "40"]
    assert main([*write, "--temperature", "0.5", "--top-p", "0.9"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("Der ")
    assert len(first) == 45
    main([*write, "--temperature", "0.5", "--top-p", "0.9"])
    assert capsys.readouterr().out == first
    main([*write, "--temperature", "0.5", "--seed", "1"])
    assert capsys.readouterr().out != first


def test_an_interrupted_training_ends_where_it_would_have(
    tmp_path, text, monkeypatch, capsys
):
    plan_for(monkeypatch, 20)
    assert train(text, tmp_path / "whole") == 0

    real, calls = room.next_symbol_loss, 0

    def interrupting(logits, targets):
        nonlocal calls
        calls += 1
        if calls == 16:
            raise KeyboardInterrupt
        return real(logits, targets)

    monkeypatch.setattr(room, "next_symbol_loss", interrupting)
    assert train(text, tmp_path / "cut") == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert main(["write", str(tmp_path / "cut")]) == 2
    assert "its training is not finished" in capsys.readouterr().err
    assert train(text, tmp_path / "cut") == 0
    whole, cut = (
        load_model(tmp_path / name).model.state_dict()
        for name in ("whole", "cut")
    )
    for name, value in whole.items():
        assert torch.equal(value, cut[name]), name

    assert train(text, tmp_path / "cut", "--cell", "LSTM") == 2
    assert "with cell=GRU, and this one asks for cell=LSTM" in (
        capsys.readouterr().err
    )
    text_of_others = tmp_path / "others.txt"
    text_of_others.write_text("An other text. " * 100, encoding="utf-8")
    assert train(text_of_others, tmp_path / "cut") == 2
    assert "holds a run on another text" in capsys.readouterr().err

    assert main(["write", str(tmp_path / "cut"), "--prompt", "Der €"]) == 2
    assert "--prompt, character 4: '€'" in capsys.readouterr().err
    assert main(["write", str(tmp_path / "cut"), "--top-p", "7"]) == 2
    assert "top_p is 7.0" in capsys.readouterr().err


def test_the_minutes_are_measured(text):
    content = text.read_text(encoding="utf-8")
    alphabet = room.Alphabet(content)
    carried = room.Carried(room.CharacterModel(len(alphabet), "GRU", 8, 4), 2)
    before = [each.clone() for each in carried.parameters()]
    streams = room.Streams([alphabet.encode(content)], 2, 16)
    assert 1e-5 < room._seconds_per_step(carried, streams) < 1
    for old, new in zip(before, carried.parameters(), strict=True):
        assert torch.equal(old, new)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"short", r"mine.txt has 5 characters, and at least 1,000"),
        (b"one\n\xff", r"mine.txt, line 2, byte 4: 0xFF is not utf-8"),
        (b"a" * 2000, r"mine.txt repeats one character, 'a'"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused(
    tmp_path, content, message, capsys
):
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    assert train(path, tmp_path / "model") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_folder_without_a_model_says_how_to_make_one(tmp_path, capsys):
    assert main(["write", str(tmp_path)]) == 2
    assert "python -m utils.language train" in capsys.readouterr().err
    room.save_checkpoint(tmp_path, {"something": "else"})
    assert main(["write", str(tmp_path)]) == 2
    assert "a checkpoint of something else" in capsys.readouterr().err
    (newest,) = tmp_path.glob("*.json")
    newest.write_text("{", encoding="utf-8")
    assert main(["write", str(tmp_path)]) == 2
    assert newest.name in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["train", "a.txt", "--out", "b", "--minutes", "0"], ["write"], []],
)
def test_arguments_without_a_sense_are_refused(arguments):
    with pytest.raises(SystemExit):
        main(arguments)


def test_the_end_of_a_text_is_held_out_from_a_lines_beginning():
    text = "a line\n" * 101
    train_part, held_out = split_text(text)
    assert train_part + held_out == text
    assert train_part.endswith("\n")
    assert 0.08 < len(held_out) / len(text) < 0.12
    assert len(split_text("x" * 100)[0]) == 90
