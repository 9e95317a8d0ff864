import json
from pathlib import Path

import datasets
import pandas as pd
import pytest

from utils.data.reviews import _from_hub, load_reviews, warn_of_repeats

ROWS = [("good film", 1), ("dull\nfilm", 0), ("“fine”, really", 1)]


def write_csv(
    path: Path, rows=ROWS, columns=("text", "label"), **options
) -> Path:
    pd.DataFrame(rows, columns=list(columns)).to_csv(
        path, index=False, **options
    )
    return path


def test_the_three_kinds_of_file_give_the_same_table(tmp_path):
    frame = pd.read_csv(write_csv(tmp_path / "a.csv"))
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "a.parquet")
    for suffix in ("csv", "jsonl", "parquet"):
        loaded = load_reviews(tmp_path / f"a.{suffix}")
        assert list(loaded.itertuples(index=False, name=None)) == ROWS


def test_a_folder_gives_the_split_asked_for(tmp_path):
    write_csv(tmp_path / "train.csv")
    write_csv(tmp_path / "test.csv", ROWS[:2])
    assert len(load_reviews(tmp_path)) == 3
    assert len(load_reviews(tmp_path, "test")) == 2
    with pytest.raises(
        FileNotFoundError,
        match=r"no validation\.csv.*it has test\.csv, train\.csv",
    ):
        load_reviews(tmp_path, "validation")


def test_columns_can_be_named(tmp_path):
    path = write_csv(tmp_path / "a.csv", columns=("review", "stars"))
    assert len(load_reviews(path, text="review", label="stars")) == 3
    with pytest.raises(
        ValueError,
        match=r"a\.csv, line 1: no column 'text'; .*'review', 'stars'",
    ):
        load_reviews(path)


def test_other_columns_are_left_out(tmp_path):
    path = write_csv(
        tmp_path / "a.csv",
        [(1, "good", 1), (2, "bad", 0)],
        ("id", "text", "label"),
    )
    assert list(load_reviews(path)) == ["text", "label"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, (" ", 1)], r"a\.csv, line 6: the text is empty"),
        ([*ROWS, ("bad", 2)], r"a\.csv, line 6: the label is '2'"),
        ([*ROWS, ("bad", "neg")], r"a\.csv, line 6: the label is 'neg'"),
        ([("good", 1), ("fine", 1)], r"a\.csv: every label is 1"),
        ([], r"a\.csv: there are no rows"),
    ],
)
def test_bad_rows_are_named_by_line(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        load_reviews(write_csv(tmp_path / "a.csv", rows))


def test_a_wrong_encoding_is_named_with_its_line(tmp_path):
    path = write_csv(
        tmp_path / "a.csv", [("good", 1), ("überzogen", 0)], encoding="latin-1"
    )
    with pytest.raises(
        ValueError, match=r"a\.csv, line 3: byte 0xfc is not utf-8"
    ):
        load_reviews(path)
    assert load_reviews(path, encoding="latin-1")["text"][1] == "überzogen"


@pytest.mark.parametrize("line", ["{", "[1, 2]"])
def test_a_line_that_is_no_json_object_is_named(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text(
        json.dumps({"text": "good", "label": 1}) + "\n" + line + "\n"
    )
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2: "):
        load_reviews(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.csv does not exist"):
        load_reviews(tmp_path / "nowhere.csv")


def test_the_twins_are_split_by_pair():
    parts = [
        load_reviews("twins", split)
        for split in ("train", "validation", "test")
    ]
    pairs = [set(part["pair"]) for part in parts]
    assert not pairs[0] & pairs[1]
    assert not pairs[0] & pairs[2]
    assert sum(map(len, parts)) == 8000
    with pytest.raises(ValueError, match="split is 'dev'"):
        load_reviews("twins", "dev")


def test_a_data_set_through_the_hub_s_library(tmp_path, monkeypatch):
    monkeypatch.setattr(
        datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache"
    )
    (tmp_path / "reviews").mkdir()
    write_csv(tmp_path / "reviews/train.csv")
    loaded = _from_hub(str(tmp_path / "reviews"), "train", "text", "label")
    assert list(loaded.itertuples(index=False, name=None)) == ROWS
    with pytest.raises(
        ValueError, match="no column 'stars'; there are 'text', 'label'"
    ):
        _from_hub(str(tmp_path / "reviews"), "train", "text", "stars")


def test_without_a_network_the_message_says_what_to_do(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(
        ConnectionError, match=r"'someone/reviews' is neither .* pass its path"
    ):
        load_reviews("someone/reviews")


def test_texts_of_the_test_set_that_were_trained_on_are_counted():
    train = pd.DataFrame({"text": ["a", "b", "c"]})
    test = pd.DataFrame({"text": ["d", "b", "a"]})
    with pytest.warns(
        UserWarning, match="2 of 3 test texts .* first in test row 2"
    ):
        assert warn_of_repeats(train, test) == 2
    assert warn_of_repeats(train, pd.DataFrame({"text": ["d"]})) == 0
