"""Labelled texts: the built-in twins, a file of the reader's, or a data set
of a hub."""

import csv
import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from utils.data.twins import make_twins, split_pairs

SUFFIXES = (".csv", ".jsonl", ".parquet")
SPLITS = ("train", "validation", "test")
TWINS = 8000
TWIN_SHARES = (0.75, 0.125, 0.125)


def load_reviews(
    source: str | Path,
    split: str = "train",
    *,
    text: str = "text",
    label: str = "label",
    encoding: str = "utf-8",
) -> pd.DataFrame:
    """Load one split of a set of texts with labels 0 (negative) and 1
    (positive).

    Args:
        source: `"twins"` for the generated corpus of `make_twins`; the path of
            a CSV, JSONL or parquet file, or of a folder that holds `train.csv`,
            `test.csv` and so on (also .jsonl or .parquet); or else a data set's
            name on the Hugging Face hub.
        split: which split; a single file has no splits and is returned whole.
        text: the column of texts.
        label: the column of labels.
        encoding: of a CSV or JSONL file.

    Returns:
        A table of `text` and `label`, and of `pair` and `held_out` for the
        twins.

    Raises:
        FileNotFoundError: the folder has no file for this split.
        ValueError: a column is missing, a text is empty, a label is neither 0
            nor 1, there is one class only, or the file is not in this encoding;
            the message names file, line and value.
        ConnectionError: the hub could not be reached.
    """
    if source == "twins":
        return _twins(split)
    path = Path(source)
    if path.is_dir():
        path = _file_of_split(path, split)
    if not path.exists() and path.suffix not in SUFFIXES:
        return _from_hub(str(source), split, text, label)
    return _checked(_rows(path, text, label, encoding), path.name)


def warn_of_repeats(train: pd.DataFrame, test: pd.DataFrame) -> int:
    """Warn of texts of the test set that also stand in the training set, and
    return their number.

    A repeated text is answered from memory, and the test score says less than
    it seems to.
    """
    repeated = test["text"].isin(set(train["text"]))
    count = int(repeated.sum())
    if count:
        warnings.warn(
            f"{count} of {len(test)} test texts also stand in the training "
            "set, the first in test "
            f"row {int(repeated.to_numpy().argmax()) + 1}: drop them from "
            "one of the two",
            stacklevel=2,
        )
    return count


def _twins(split: str) -> pd.DataFrame:
    if split not in SPLITS:
        raise ValueError(
            f"split is {split!r}; the twins have {', '.join(SPLITS)}"
        )
    parts = split_pairs(make_twins(TWINS, rng=0), TWIN_SHARES, rng=0)
    return parts[SPLITS.index(split)].reset_index(drop=True)


def _file_of_split(folder: Path, split: str) -> Path:
    for suffix in SUFFIXES:
        if (folder / (split + suffix)).exists():
            return folder / (split + suffix)
    found = sorted(
        path.name for path in folder.iterdir() if path.suffix in SUFFIXES
    )
    raise FileNotFoundError(
        f"{folder.name} has no {split}.csv, {split}.jsonl or {split}.parquet; "
        f"it has {', '.join(found) or 'none of these kinds'}"
    )


def _rows(
    path: Path, text: str, label: str, encoding: str
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the place, text and label of each row, whatever the file's kind."""
    read = {
        ".csv": _csv_rows,
        ".jsonl": _jsonl_rows,
        ".parquet": _parquet_rows,
    }.get(path.suffix)
    if read is None:
        raise ValueError(f"{path.name} is not one of {', '.join(SUFFIXES)}")
    if not path.exists():
        raise FileNotFoundError(f"{path.name} does not exist")
    for place, row in read(path, encoding):
        for column in (text, label):
            if column not in row:
                raise ValueError(
                    f"{path.name}, {place}: no column {column!r}; there are "
                    f"{', '.join(map(repr, row))}. Name yours with text=... "
                    "and label=..."
                )
        yield place, row[text], row[label]


def _decoded(path: Path, encoding: str) -> str:
    content = path.read_bytes()
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path.name}, line {line}: byte {content[error.start]:#x} is "
            f"not {encoding}; "
            "pass the right encoding, e.g. encoding='latin-1' or 'gb18030'"
        ) from error


def _csv_rows(
    path: Path, encoding: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_decoded(path, encoding), newline=""))
    line = 2
    for row in reader:
        yield f"line {line}", row
        line = reader.line_num + 1


def _jsonl_rows(
    path: Path, encoding: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for line, content in enumerate(
        _decoded(path, encoding).splitlines(), start=1
    ):
        try:
            row = json.loads(content)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{path.name}, line {line}: not JSON ({error.msg})"
            ) from error
        if not isinstance(row, dict):
            raise ValueError(
                f"{path.name}, line {line}: {content.strip()[:40]} is no object"
            )
        yield f"line {line}", row


def _parquet_rows(
    path: Path, encoding: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in enumerate(
        pd.read_parquet(path).to_dict("records"), start=1
    ):
        yield (
            f"row {number}",
            {str(column): value for column, value in row.items()},
        )


def _from_hub(name: str, split: str, text: str, label: str) -> pd.DataFrame:
    import datasets

    try:
        loaded = datasets.load_dataset(name, split=split)
    except (
        ConnectionError,
        FileNotFoundError,
        datasets.exceptions.DatasetNotFoundError,
    ) as error:
        raise ConnectionError(
            f"{name!r} is neither a file here nor a data set that the hub "
            "gave. Check the name and "
            "the network, or save the data as CSV with columns text and "
            "label and pass its path"
        ) from error
    rows = (
        (f"row {number}", row.get(text), row.get(label))
        for number, row in enumerate(loaded, start=1)
    )
    missing = {text, label} - set(loaded.column_names)
    if missing:
        raise ValueError(
            f"{name} has no column {sorted(missing)[0]!r}; there are "
            f"{', '.join(map(repr, loaded.column_names))}. Name yours with "
            "text=... and label=..."
        )
    return _checked(rows, name)


def _checked(rows: Iterator[tuple[str, Any, Any]], name: str) -> pd.DataFrame:
    texts, labels = [], []
    for place, text, label in rows:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(
                f"{name}, {place}: the text is empty ({text!r}); drop this row"
            )
        if str(label).strip() not in ("0", "1"):
            raise ValueError(
                f"{name}, {place}: the label is {label!r}; it must be 0 "
                "(negative) or 1 (positive)"
            )
        texts.append(text)
        labels.append(int(label))
    if len(set(labels)) < 2:
        found = f"every label is {labels[0]}" if labels else "there are no rows"
        raise ValueError(
            f"{name}: {found}; a classifier needs rows of both classes"
        )
    return pd.DataFrame({"text": texts, "label": labels})
