"""The command learns from files as readers have them, keeps the better of two
classifiers, and judges texts it has not seen."""

import random
import shutil
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from utils.data.reviews import ReviewError, read_columns
from utils.sentiment import trained as room
from utils.sentiment.__main__ import main
from utils.sentiment.rows import Layout, label_name, read_rows
from utils.sentiment.trained import (
    NETWORK,
    REGRESSION,
    best_temperature,
    load_classifier,
    score,
)

GOOD, BAD = ("fine", "warm", "funny"), ("dull", "cold", "stale")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Leave the bar out, and plan for 12 steps in an hour."""
    monkeypatch.setenv("UNROLLED_PROGRESS", "0")
    monkeypatch.setenv("UNROLLED_DEVICE", "cpu")
    monkeypatch.setattr(room, "_seconds_per_step", lambda *_: 223.0)


def reviews(count=120, seed=0):
    """Return texts that differ, half of them good."""
    draw = random.Random(seed)
    rows = []
    for at in range(count):
        words = GOOD if at % 2 else BAD
        rows.append(
            {
                "text": f'Film {at}, "so {draw.choice(words)}",\n'
                f"is {draw.choice(words)}.",
                "label": at % 2,
            }
        )
    return pd.DataFrame(rows)


def write(path, table, **options):
    table.to_csv(path, **{"index": False} | options)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Train once; tests that change the folder copy it."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNROLLED_PROGRESS", "0")
        patch.setenv("UNROLLED_DEVICE", "cpu")
        patch.setattr(room, "_seconds_per_step", lambda *_: 2000.0)
        assert train(write(folder / "mine.csv", reviews()), folder / "m") == 0
    return folder / "m"


def train(path, folder, *more):
    sizes = ["--hidden", "4", "--minutes", "60"]
    return main(["train", str(path), "--out", str(folder), *sizes, *more])


def predict(folder, path, out, *more):
    return main(["predict", str(folder), str(path), "--out", str(out), *more])


def test_a_file_is_learned_and_other_texts_are_judged(tmp_path, capsys):
    folder, out = tmp_path / "model", tmp_path / "verdicts.csv"
    table = reviews()
    table["label"] = table["label"].map({0: "negative", 1: "positive"})
    assert train(write(tmp_path / "mine.csv", table), folder) == 0
    printed = capsys.readouterr().out
    assert "120 texts, 60 negative (label negative), 60 positive" in printed
    assert "split by seed 0: 96 to train, 12 for validation, 12 to" in printed
    assert "at most 12 rounds of 1 x 64 texts" in printed
    assert f"Kept: the {REGRESSION}" in printed
    assert "always " in printed
    shown = printed.replace(str(tmp_path), "").splitlines()
    assert max(map(len, shown)) <= 80
    names = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert names == {".json", ".safetensors"}

    new = pd.DataFrame(
        {"id": [7, 8, 9], "text": ["film, so funny", "", "a dull film, so"]}
    )
    new_path = write(tmp_path / "new.csv", new)
    assert predict(folder, new_path, out) == 0
    captured = capsys.readouterr()
    assert "1 negative, 1 positive, 1 empty" in captured.out
    assert captured.err == ""
    found = pd.read_csv(out, keep_default_na=False)
    assert list(found) == ["line", "text", "verdict", "probability"]
    assert list(found["line"]) == [2, 3, 4]
    assert list(found["verdict"]) == ["positive", "", "negative"]
    assert float(found["probability"][0]) > 0.5 > float(found["probability"][2])
    assert found["probability"][1] == ""

    assert predict(folder, new_path, out) == 2
    assert "exists already" in capsys.readouterr().err
    assert predict(folder, new_path, new_path, "--force") == 2
    assert "is the file that is read" in capsys.readouterr().err
    assert list(pd.read_csv(new_path)["id"]) == [7, 8, 9]
    strange = pd.DataFrame({"text": ["quite other words stand here"]})
    assert predict(folder, write(new_path, strange), out, "--force") == 0
    assert "the model knows 0 % of the words" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [NETWORK, REGRESSION])
def test_the_better_one_on_validation_is_kept_and_read_back(
    tmp_path, monkeypatch, capsys, kind
):
    """Let the loss of one be the lower."""
    real = room.score
    calls = iter([REGRESSION, NETWORK, REGRESSION, NETWORK])

    def biased(probabilities, labels):
        found = real(probabilities, labels)
        loss = 0.1 if next(calls) == kind else 0.2
        return room.Score(loss, found.accuracy, found.f1, 0.0)

    monkeypatch.setattr(room, "score", biased)
    rows = read_rows(write(tmp_path / "a.csv", reviews()), Layout())
    training = room.train_classifier(
        rows, tmp_path / "model", room.Settings(60.0, 4)
    )
    assert training.chosen.kind == kind
    assert training.chosen.temperature != 1.0
    texts = reviews(20, seed=9)["text"].tolist()
    found = load_classifier(tmp_path / "model").probabilities(texts)
    expected = training.chosen.probabilities(texts)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.ptp(found) > 0
    assert load_classifier(tmp_path / "model").names == ("0", "1")


def test_an_interrupted_training_ends_where_it_would_have(
    tmp_path, monkeypatch, capsys
):
    path = write(tmp_path / "mine.csv", reviews())
    assert train(path, tmp_path / "whole") == 0
    real, calls = room.nn.functional.cross_entropy, 0

    def interrupting(logits, targets):
        nonlocal calls
        calls += 1
        if calls == 8:
            raise KeyboardInterrupt
        return real(logits, targets)

    with monkeypatch.context() as patch:
        patch.setattr(room.nn.functional, "cross_entropy", interrupting)
        assert train(path, tmp_path / "cut") == 130
    assert "the same command goes on" in capsys.readouterr().err
    new = write(tmp_path / "new.csv", reviews(4))
    assert predict(tmp_path / "cut", new, tmp_path / "x.csv") == 2
    assert "its training is not finished" in capsys.readouterr().err
    assert train(path, tmp_path / "cut") == 0
    runs = [
        room.load_checkpoint(tmp_path / name / "run")["best_weights"]
        for name in ("whole", "cut")
    ]
    for name, value in runs[0].items():
        assert (value == runs[1][name]).all(), name

    assert train(path, tmp_path / "cut", "--seed", "3") == 2
    assert "holds a run on other rows" in capsys.readouterr().err
    assert train(path, tmp_path / "cut", "--minutes", "2") == 2
    assert "with minutes=60.0, and this one asks" in capsys.readouterr().err
    assert train(path, tmp_path / "cut", "--minutes", "2", "--force") == 0


def changed(row, column, value):
    table = reviews().astype(object)
    table.loc[row, column] = value
    return table


REFUSED = {
    "an empty text": (
        changed(3, "text", " "),
        {},
        ["mine.csv, line 8, column text: found ' ': the text is empty"],
    ),
    "no label": (
        changed(3, "label", ""),
        {},
        ["line 8, column label: found '': no label"],
    ),
    "one odd label": (
        changed(4, "label", "2"),
        {},
        [
            "mine.csv, line 10, column label: found '2'",
            "'1' (60 rows), '0' (59 rows), '2' (1 rows)",
            "--negative 0 --positive 1",
        ],
    ),
    "stars": (
        reviews().assign(label=[1 + at % 5 for at in range(120)]),
        {},
        ["two classes are told apart", "--negative 1,2 --positive 4,5"],
    ),
    "two unknown words": (
        reviews().assign(label=["yea", "nay"] * 60),
        {},
        ["which is positive? Pass --positive yea or --positive nay"],
    ),
    "one class": (reviews().assign(label=1), {}, ["every label is '1'"]),
    "a class of two rows": (
        reviews().assign(label=[0] * 118 + [1] * 2),
        {},
        ["0 texts of the class '1' for train, and at least 10"],
    ),
    "another encoding": (
        changed(3, "text", "überflüssig"),
        {"encoding": "latin-1"},
        ["line 8: byte 0xfc is not utf-8", "--encoding latin-1"],
    ),
    "UTF-16": (reviews(), {"encoding": "utf-16"}, ["--encoding utf-16"]),
    "UTF-16 without a mark": (
        reviews(),
        {"encoding": "utf-16-le"},
        ["line 1: every other character is NUL", "--encoding utf-16-le"],
    ),
    "curly quotes of Windows": (
        changed(3, "text", "so “fine”"),
        {"encoding": "cp1252"},
        ["line 8: byte 0x93 is not utf-8", "--encoding cp1252"],
    ),
    "three classes": (
        reviews().assign(label=["negative", "neutral", "positive"] * 40),
        {},
        ["two classes are told apart", "--negative negative --positive posi"],
    ),
    "99 to 1": (
        reviews(1000).assign(label=[int(at % 100 == 0) for at in range(1000)]),
        {},
        ["8 texts of the class '1' for train, and at least 10"],
    ),
    "two columns of one name": (
        pd.concat([reviews(), reviews()["text"]], axis=1),
        {},
        ["line 1: 2 columns are called 'text'; rename"],
    ),
    "no header": (
        reviews(),
        {"header": False},
        ["line 1: no column 'text'", "where line 1 is no header, write one"],
    ),
    "capital letters": (
        reviews().rename(columns=str.title),
        {},
        ["line 1: no column 'text'", "--text Text and --label Label"],
    ),
    "semicolons": (
        reviews(),
        {"sep": ";"},
        ["the header is one field, 'text;label': pass --sep ';'"],
    ),
    "other columns": (
        reviews().rename(columns={"text": "review"}),
        {},
        [
            "mine.csv, line 1: no column 'text'; there are 'review', 'label'",
            "--text ... and --label label",
        ],
    ),
    "an unknown split": (
        reviews().assign(split="half"),
        {},
        ["line 2, column split: found 'half'", "--split-column"],
    ),
    "header only": (reviews()[:0], {}, ["there are no rows"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learned_from_is_refused_by_its_place(
    name, tmp_path, capsys
):
    table, options, said = REFUSED[name]
    path = write(tmp_path / "mine.csv", table, **options)
    assert train(path, tmp_path / "model") == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    for part in said:
        assert part in message
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('text,label\n"good",1\n"bad,0\nx,1\n', "line 3: no CSV from here on"),
        ("text,label\ngood, or so,1\n", "line 2: 3 fields, but the header"),
        ('text,label\n"so" good,1\n', "has to be doubled"),
        ("text,label\n\n\ngood,1\n,1\n", "line 5, column text: found ''"),
        ("text,label\ngood,1\nbad\n", "line 3, column label: found None"),
        ("sep=;\ntext;label\ngood;1\n", "line 1: 'sep=;' is a spread"),
        ("", "mine.csv is empty"),
        ("\n\n", "mine.csv is empty"),
    ],
)
def test_a_broken_row_is_named(tmp_path, content, said, capsys):
    path = tmp_path / "mine.csv"
    path.write_text(content, encoding="utf-8")
    assert train(path, tmp_path / "model") == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "options", "flags", "counts"),
    [
        (reviews(), {"encoding": "utf-8-sig"}, {}, (60, 60)),
        (reviews(), {"sep": "\t"}, {"sep": "\t"}, (60, 60)),
        (
            reviews().assign(label=[1 + at % 5 for at in range(120)]),
            {},
            {"negative": ["1", "2"], "positive": ["4", "5"]},
            (48, 48),
        ),
        (reviews().assign(label=[1.0, 0.0] * 60), {}, {}, (60, 60)),
        (reviews().assign(label=[True, False] * 60), {}, {}, (60, 60)),
        (
            reviews().assign(label=["yea", "nay"] * 60),
            {},
            {"positive": ["yea"]},
            (60, 60),
        ),
        (changed(3, "text", ""), {}, {"drop_empty": True}, (60, 59)),
    ],
)
def test_labels_and_encodings_of_many_kinds_are_read(
    tmp_path, table, options, flags, counts
):
    path = write(tmp_path / "mine.csv", table, **options)
    said = []
    rows = read_rows(path, Layout(**flags), say=said.append)
    labels = pd.concat(rows.parts.values())["label"]
    assert tuple(np.bincount(labels)) == counts
    assert any("texts, " in line for line in said)


def test_an_encoding_that_the_file_has_not_is_named(tmp_path, capsys):
    path = write(tmp_path / "mine.csv", reviews())
    assert train(path, tmp_path / "m", "--encoding", "utf-16") == 2
    assert "pass --encoding utf-8, utf-16-le or" in capsys.readouterr().err
    for name in ("base64", "klingon"):
        with pytest.raises(SystemExit):
            train(path, tmp_path / "m", "--encoding", name)
        assert f"no encoding {name!r}" in capsys.readouterr().err
    assert train(path, tmp_path / "m", "--text", "label") == 2
    assert "cannot be both text and label" in capsys.readouterr().err
    for option in (["--seed", "-1"], ["--minutes", "0"], ["--hidden", "0"]):
        with pytest.raises(SystemExit):
            train(path, tmp_path / "m", *option)


@pytest.mark.parametrize(
    "name", ["A.CSV", "a.tsv", "a.Jsonl", "a.ndjson", "a.PARQUET"]
)
def test_a_file_s_ending_says_its_kind(tmp_path, name):
    table, path = reviews(), tmp_path / name
    if name.lower().endswith("parquet"):
        table.to_parquet(path)
    elif name.lower().endswith(("jsonl", "ndjson")):
        table.to_json(path, orient="records", lines=True)
    else:
        write(path, table, sep="\t" if name.endswith("tsv") else ",")
    columns = {"text": "text", "label": "label"}
    found = [values for _, values in read_columns(path, columns)]
    assert [text for text, _ in found] == list(table["text"])
    assert [label_name(label) for _, label in found] == ["0", "1"] * 60


def whole_parquet():
    return reviews().to_parquet()


BROKEN = {
    "text in it": ("a.parquet", b"text,label\n", "no parquet file, or a dam"),
    "cut": ("a.parquet", whole_parquet()[:-40], "no parquet file, or a dam"),
    "altered": (
        "a.parquet",
        whole_parquet()[:30] + bytes(900) + whole_parquet()[930:],
        "after row 0",
    ),
    "packed": ("a.csv", b"\x1f\x8b\x08\x00", "packed by gzip: unpack"),
    "a spreadsheet": ("a.csv", b"PK\x03\x04\x14", "save the sheet as CSV"),
    "misnamed": ("a.jsonl", whole_parquet(), "let its name end in .parquet"),
    "another ending": ("a.xlsx", b"PK\x03\x04", "save it as one of them"),
    "a list": ("a.jsonl", b'[{"text": "a"}]', "line 1: [{"),
    "cut JSON": ("a.jsonl", b'\n{"text": "a"', "line 2: not JSON"),
    "a long number": ("a.jsonl", b"1" * 5000, "line 1: not JSON"),
    "a number": (
        "a.jsonl",
        b'{"text": 5, "label": 1}',
        "line 1, column text: found 5, which is no text",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_file_is_named_by_both_commands(
    name, tmp_path, model, capsys
):
    file, content, said = BROKEN[name]
    path = tmp_path / file
    path.write_bytes(content)
    assert train(path, tmp_path / "m") == 2
    message = capsys.readouterr().err
    assert message.startswith(f"error: {file}")
    assert said in message
    assert predict(model, path, tmp_path / "out.csv") == 2
    assert said in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == [file]


def test_a_parquet_file_names_its_columns(tmp_path):
    reviews().to_parquet(path := tmp_path / "a.parquet")
    with pytest.raises(
        ReviewError, match="no column 'Text'; there are 'text', 'label'"
    ):
        list(read_columns(path, {"text": "Text"}))


def test_a_text_may_be_long_and_costs_the_others_nothing(tmp_path, capsys):
    table = changed(3, "text", "so fine " * 20_000)
    path = write(tmp_path / "mine.csv", pd.concat([table, reviews(1800, 1)]))
    tracemalloc.start()
    rows = read_rows(path, Layout())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    lengths = pd.concat(rows.parts.values())["text"].str.len()
    assert lengths.max() == 160_000
    # An array as wide as the longest text would have 160,000 x 4 bytes a row.
    assert most < 30e6


def test_half_a_character_is_replaced(tmp_path, model):
    """As texts have it that were cut in the middle of an emoji."""
    path, out = tmp_path / "a.jsonl", tmp_path / "out.csv"
    path.write_text('{"text": "so \\ud83d fine"}\n\n{"text": null}\n')
    assert predict(model, path, out) == 0
    found = pd.read_csv(out, keep_default_na=False)
    assert list(found["text"]) == ["so ? fine", ""]
    assert list(found["line"]) == [1, 3]


def test_a_rare_class_is_in_every_part(tmp_path):
    labels = [int(at % 100 == 0) for at in range(2000)]
    path = write(tmp_path / "mine.csv", reviews(2000).assign(label=labels))
    parts = read_rows(path, Layout()).parts
    rare = {name: part["label"].sum() for name, part in parts.items()}
    assert rare == {"train": 16, "validation": 2, "test": 2}


def test_a_label_is_what_one_would_type():
    values = [1, "1", 1.0, " 1.0 ", True, np.int64(1), np.True_]
    assert {label_name(value) for value in values} == {"1"}
    assert label_name(None) == label_name(float("nan")) == ""
    assert (label_name("good "), label_name(2.5)) == ("good", "2.5")


def test_a_text_stands_in_one_split_alone(tmp_path):
    table = pd.concat(
        [
            reviews(),
            reviews()[:40],
            reviews()[:2].assign(
                label=[1, 0], text=lambda rows: rows["text"].str.upper()
            ),
        ]
    )
    said = []
    path = write(tmp_path / "mine.csv", table)
    rows = read_rows(path, Layout(), say=said.append)
    texts = [set(part["text"]) for part in rows.parts.values()]
    assert sum(map(len, texts)) == len(set.union(*texts)) == 120
    assert any("42 train texts repeat another" in line for line in said)
    assert any("2 of them have another label" in line for line in said)
    again = read_rows(path, Layout(), say=said.append)
    other = read_rows(path, Layout(), seed=1, say=said.append)
    assert rows.parts["test"].equals(again.parts["test"])
    assert not rows.parts["test"].equals(other.parts["test"])
    for part in rows.parts.values():
        assert part["label"].mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("how", ["folder", "column"])
def test_a_given_split_is_kept_and_test_texts_are_not_trained_on(
    tmp_path, how, capsys
):
    table = reviews()
    table["split"] = ["train"] * 100 + ["test"] * 20
    leak = table[:3].assign(split="test")
    table = pd.concat([table, leak])
    if how == "column":
        path = write(tmp_path / "mine.csv", table)
    else:
        path = tmp_path / "mine"
        path.mkdir()
        for name, part in table.groupby("split"):
            write(path / f"{name}.csv", part.drop(columns="split"))
    said = []
    rows = read_rows(path, Layout(), say=said.append)
    assert {name: len(part) for name, part in rows.parts.items()} == {
        "train": 90,
        "validation": 10,
        "test": 20,
    }
    assert any("3 test texts stand in train too" in line for line in said)
    assert set(rows.parts["test"]["text"]) == set(table["text"][100:120])


def test_a_folder_s_files_may_be_called_otherwise(tmp_path):
    table = reviews()
    write(tmp_path / "Train.CSV", table[:80])
    write(tmp_path / "dev.tsv", table[80:100], sep="\t")
    table[100:].to_parquet(tmp_path / "test.parquet")
    parts = read_rows(tmp_path, Layout(), say=lambda _: None).parts
    assert [len(part) for part in parts.values()] == [80, 20, 20]


def test_scores_by_hand():
    found = np.array([0.9, 0.6, 0.2, 0.7])
    labels = np.array([1, 1, 0, 0])
    result = score(found, labels)
    assert result.accuracy == 0.75
    assert result.f1 == pytest.approx((2 / 3, 0.8))
    assert result.log_loss == pytest.approx(
        -np.log([0.9, 0.6, 0.8, 0.3]).mean()
    )
    # Bins of confidence: 0.6 right, 0.7 wrong, 0.8 right, 0.9 right.
    assert result.calibration_error == pytest.approx(
        (0.4 + 0.7 + 0.2 + 0.1) / 4
    )


def test_no_loss_at_all_is_not_below_zero():
    found = score(np.array([1.0, 0.0]), np.array([1, 0]))
    assert f"{found.log_loss:.3f}" == "0.000"


def test_the_interval_of_a_perfect_score_has_a_width(tmp_path, capsys):
    path = write(tmp_path / "mine.csv", reviews())
    assert train(path, tmp_path / "model") == 0
    printed = capsys.readouterr().out
    # Wilson (1927): 12 of 12 right leave 12 / (12 + 1.96^2).
    assert "right on 100.0 % of 12 test texts; 95 % interval" in printed
    assert "\n75.8 to 100.0 %.\n" in printed


def test_the_temperature_undoes_too_much_confidence():
    rng = np.random.default_rng(0)
    odds = rng.normal(size=20_000) * 2
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-odds))).astype(int)
    assert best_temperature(3 * odds, labels) == pytest.approx(3, rel=0.05)


def test_a_rare_class_is_said_with_its_f1(tmp_path, capsys):
    table = reviews(400)
    table = pd.concat([table[table["label"] == 0], table[1:60:2]])
    path = write(tmp_path / "mine.csv", table)
    assert train(path, tmp_path / "model") == 0
    printed = capsys.readouterr().out
    assert "13.0 % of the training texts are 1: look at its F1" in printed


def test_a_million_rows_are_counted_on_a_part_and_read_in_rounds(
    tmp_path, monkeypatch, capsys
):
    """With bounds for a thousand times fewer."""
    monkeypatch.setattr(room, "MOST_COUNTED", 120)
    monkeypatch.setattr(room, "MOST_CHARACTERS", 2600)
    monkeypatch.setattr(room, "MOST_VALIDATED", 50)
    monkeypatch.setattr(room, "BATCH", 8)
    path = write(tmp_path / "mine.csv", reviews(1000))
    assert train(path, tmp_path / "model") == 0
    printed = capsys.readouterr().out
    learned = int(printed.split(": learns from ")[1].split()[0])
    assert 80 < learned < 115
    assert "at most 12 rounds of 1 x 8 texts" in printed


def test_an_output_is_checked_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("utils.sentiment.__main__.read_rows", None)
    path = write(tmp_path / "mine.csv", reviews())
    assert train(path, path) == 2
    assert "is a file; give a folder's path" in capsys.readouterr().err
    assert predict(tmp_path, path, tmp_path) == 2
    assert "is a folder; give a file's path" in capsys.readouterr().err
    assert predict(tmp_path, path, tmp_path / "x.csv") == 2
    assert "python -m utils.sentiment train" in capsys.readouterr().err
    room.save_checkpoint(tmp_path / "other", {"something": "else"})
    assert predict(tmp_path / "other", path, tmp_path / "x.csv") == 2
    assert "a checkpoint of something else" in capsys.readouterr().err
    assert train(path, path / "model") == 2
    assert "is not a folder" in capsys.readouterr().err
    assert predict(tmp_path, path, tmp_path / "none" / "x.csv") == 2
    assert "there is no folder" in capsys.readouterr().err
    assert predict(tmp_path, path, tmp_path / "x.parquet") == 2
    assert "let its name end in .csv" in capsys.readouterr().err


def test_a_closed_folder_is_refused_before_the_work(
    tmp_path, monkeypatch, capsys
):
    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "mine.csv", reviews())
    monkeypatch.setattr("utils.commands.tempfile.TemporaryFile", closed)
    monkeypatch.setattr("utils.sentiment.__main__.read_rows", None)
    assert train(path, tmp_path / "model") == 2
    assert "nothing can be written to" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def changed_model(model, tmp_path, change):
    """Write the model again, whole, with another state."""
    state = room.load_checkpoint(model)
    change(state)
    room.save_checkpoint(tmp_path / "m", state)
    return tmp_path / "m"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.update(format=9), "of format 9, and this version"),
        (lambda state: state.pop("ratios"), "put together ('ratios')"),
        (lambda state: state.update(kind="oracle"), "put together ('tokens')"),
    ],
)
def test_a_model_that_this_code_cannot_read_is_refused(
    model, tmp_path, change, said, capsys
):
    folder = changed_model(model, tmp_path, change)
    new = write(tmp_path / "new.csv", reviews(4))
    assert predict(folder, new, tmp_path / "x.csv") == 2
    message = capsys.readouterr().err
    assert said in message
    assert f"python -m utils.sentiment train REVIEWS --out {folder}" in message
    assert not (tmp_path / "x.csv").exists()


def test_an_incomplete_folder_is_refused(model, tmp_path, capsys):
    new = write(tmp_path / "new.csv", reviews(4))
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    for each in folder.glob("*.safetensors"):
        each.unlink()
    assert predict(folder, new, tmp_path / "x.csv") == 2
    message = capsys.readouterr().err
    assert "is missing" in message
    assert f"anew: python -m utils.sentiment train REVIEWS --out {folder}" in (
        message
    )
    for each in folder.glob("*.json"):
        each.unlink()
    assert predict(folder, new, tmp_path / "x.csv") == 2
    assert "training is not finished" in capsys.readouterr().err
    assert predict(new, new, tmp_path / "x.csv") == 2
    assert "is a file; give the folder" in capsys.readouterr().err


def test_another_command_s_folder_is_left_alone(tmp_path, capsys):
    folder = tmp_path / "language"
    room.save_checkpoint(folder / "plan", {"text": "other"})
    path = write(tmp_path / "mine.csv", reviews())
    assert train(path, folder) == 2
    assert "holds a run on other rows" in capsys.readouterr().err


def test_an_interrupted_prediction_leaves_nothing(
    model, tmp_path, monkeypatch, capsys
):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    new, out = write(tmp_path / "new.csv", reviews(4)), tmp_path / "x.csv"
    for place in (
        "utils.sentiment.trained.Classifier.probabilities",
        "utils.sentiment.__main__.pd.DataFrame.to_csv",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, interrupt)
            assert predict(model, new, out) == 130
        assert "nothing was written" in capsys.readouterr().err
        assert [each.name for each in tmp_path.iterdir()] == ["new.csv"]


def test_what_takes_long_is_counted_on_the_screen(
    model, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("UNROLLED_PROGRESS")
    new = write(tmp_path / "new.csv", reviews(4))
    assert predict(model, new, tmp_path / "x.csv") == 0
    shown = capsys.readouterr().err
    assert " rows" in shown
    assert "/4 " in shown


@pytest.mark.parametrize("words", [[], ["train"], ["predict"]])
def test_the_help_fits_a_screen_and_has_examples(words, capsys):
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "python -m utils.sentiment" in text
    with pytest.raises(SystemExit):
        main(["train", "a.csv", "--out", "b", "--positive", " "])
