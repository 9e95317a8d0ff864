"""Labelled texts: the built-in twins, a file of the reader's, or a data set
of a hub."""

import csv
import io
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from utils.data.remedies import Spell, keyword
from utils.data.twins import make_twins, split_pairs

SUFFIXES = (".csv", ".jsonl", ".parquet")
SPLITS = ("train", "validation", "test")
TWINS = 8000
TWIN_SHARES = (0.75, 0.125, 0.125)


class ReviewError(ValueError):
    """A file of texts cannot be used; the message names file, line, column
    and value as far as the fault has them."""


def load_reviews(
    source: str | Path,
    split: str = "train",
    *,
    text: str = "text",
    label: str = "label",
    encoding: str = "utf-8",
    sep: str = ",",
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
        sep: what separates the fields of a CSV file.

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
        path = file_of_split(path, split)
    if not path.exists() and path.suffix not in SUFFIXES:
        return _from_hub(str(source), split, text, label)
    columns = {"text": text, "label": label}
    rows = (
        (place, values[0], values[1])
        for place, values in read_columns(
            path, columns, encoding=encoding, sep=sep
        )
    )
    return _checked(rows, path.name)


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


def file_of_split(folder: Path, split: str) -> Path:
    """Find the file of a split in a folder.

    Raises:
        FileNotFoundError: the folder has none.
    """
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


def read_columns(
    path: Path,
    columns: Mapping[str, str],
    *,
    encoding: str = "utf-8",
    sep: str = ",",
    spell: Spell = keyword,
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the place of each row, "line 2", and what stands in some columns,
    whatever the file's kind.

    Args:
        path: a CSV, JSONL or parquet file.
        columns: their names, by the argument that gives them.
        encoding: of a CSV or JSONL file.
        sep: what separates the fields of a CSV file.
        spell: how messages name the arguments.

    Raises:
        FileNotFoundError: there is no such file.
        ReviewError: the file is of another kind, in another encoding, or
            lacks a column; a row of it cannot be read.
    """
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder; give a file")
    if path.suffix not in SUFFIXES:
        raise ReviewError(f"{path.name} is not one of {', '.join(SUFFIXES)}")
    if not path.exists():
        raise FileNotFoundError(f"{path.name} does not exist")
    if path.suffix == ".parquet":
        rows = _parquet_rows(path)
    else:
        text = _decoded(path, encoding, spell)
        rows = (
            _csv_rows(path, text, sep, spell)
            if path.suffix == ".csv"
            else _jsonl_rows(path, text)
        )
    for place, row in rows:
        for column in columns.values():
            if column not in row:
                there = ", ".join(repr(name) for name in row if name)
                yours = " and ".join(spell(name, "...") for name in columns)
                raise ReviewError(
                    f"{path.name}, {place}: no column {column!r}; there are "
                    f"{there}. Name yours with {yours}"
                )
        yield place, [row[column] for column in columns.values()]


def _decoded(path: Path, encoding: str, spell: Spell) -> str:
    content = path.read_bytes()
    try:
        # Before the header, a byte order mark would be part of its first name.
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        likely = "latin-1"
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            likely = "utf-16"
        raise ReviewError(
            f"{path.name}, line {line}: byte {content[error.start]:#x} is "
            f"not {encoding}; "
            f"pass the right encoding, e.g. {spell('encoding', likely)} or "
            "'gb18030'"
        ) from error
    except UnicodeError as error:
        raise ReviewError(f"{path.name} is not {encoding}: {error}") from error


def _csv_rows(
    path: Path, text: str, sep: str, spell: Spell
) -> Iterator[tuple[str, dict[str, Any]]]:
    # Strict: a quotation mark that is never closed would swallow what follows.
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=sep, strict=True
    )
    line = 2
    try:
        names = reader.fieldnames or []
        if len(names) == 1:
            for other in (",", ";", "\t", "|"):
                if other in names[0]:
                    raise ReviewError(
                        f"{path.name}, line 1: the header is one field, "
                        f"{names[0]!r}: pass {spell('sep', other)}"
                    )
        for row in reader:
            if None in row:
                raise ReviewError(
                    f"{path.name}, line {line}: {len(names) + len(row[None])} "
                    f"fields, but the header has {len(names)}; a text that "
                    f"holds {sep!r} must stand in quotation marks"
                )
            yield f"line {line}", row
            line = reader.line_num + 1
    except csv.Error as error:
        raise ReviewError(
            f"{path.name}, line {line}: no CSV from here on ({error}): a "
            "quotation mark that is never closed, or one inside a text, "
            'which has to be doubled ("")?'
        ) from error


def _jsonl_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    # Not at U+2028, which JSON leaves unescaped inside a text.
    for line, content in enumerate(io.StringIO(text), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except json.JSONDecodeError as error:
            raise ReviewError(
                f"{path.name}, line {line}: not JSON ({error.msg})"
            ) from error
        if not isinstance(row, dict):
            raise ReviewError(
                f"{path.name}, line {line}: {content.strip()[:40]} is no object"
            )
        yield f"line {line}", row


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
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
