"""Labelled texts: the built-in twins, a file of the reader's, or a data set
of a hub."""

import csv
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from utils.data.remedies import Spell, keyword
from utils.data.twins import make_twins, split_pairs

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".jsonl", ".ndjson", ".parquet")
SPLITS = ("train", "validation", "test")
OTHER_NAMES = {name: "validation" for name in ("valid", "val", "dev")} | {
    "training": "train"
}
# The most that Windows' C long holds.
MOST_CHARACTERS = 2**31 - 1
BATCH = 4096
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
    sep: str | None = None,
) -> pd.DataFrame:
    """Load one split of a set of texts with labels 0 (negative) and 1
    (positive).

    Args:
        source: `"twins"` for the generated corpus of `make_twins`; the path of
            a CSV, TSV, JSONL or parquet file, or of a folder that holds
            `train.csv`, `test.csv` and so on (also .tsv, .jsonl or .parquet);
            or else a data set's name on the Hugging Face hub.
        split: which split; a single file has no splits and is returned whole.
        text: the column of texts.
        label: the column of labels.
        encoding: of a CSV or JSONL file.
        sep: what separates the fields of a CSV file, by default a comma.

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
    if not path.exists() and _suffix(path) not in SUFFIXES:
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
    """Find the file of a split in a folder: `train.csv`, or `dev.TSV` for
    validation.

    Raises:
        FileNotFoundError: the folder has none.
    """
    found = sorted(
        (path for path in folder.iterdir() if _suffix(path) in SUFFIXES),
        key=lambda path: (SUFFIXES.index(_suffix(path)), path.name),
    )
    for path in found:
        if split_name(path.stem) == split:
            return path
    there = ", ".join(sorted(path.name for path in found))
    raise FileNotFoundError(
        f"{folder.name} has no {split}.csv, {split}.jsonl or {split}.parquet; "
        f"it has {there or 'none of these kinds'}"
    )


def split_name(name: str) -> str:
    """Write a split's name as the book does: "Dev" is "validation"."""
    plain = name.strip().lower()
    return OTHER_NAMES.get(plain, plain)


def read_columns(
    path: Path,
    columns: Mapping[str, str],
    *,
    encoding: str = "utf-8",
    sep: str | None = None,
    spell: Spell = keyword,
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the place of each row, "line 2", and what stands in some columns,
    whatever the file's kind.

    The file is read as far as rows are asked for, and never held as a whole.

    Args:
        path: a file whose ending, in small or capital letters, is one of
            `SUFFIXES`.
        columns: their names, by the argument that gives them.
        encoding: of a file that is no parquet.
        sep: what separates the fields of a CSV file; by default a comma, or a
            tab where the file ends in .tsv.
        spell: how messages name the arguments.

    Raises:
        FileNotFoundError: there is no such file.
        ReviewError: the file is of another kind, in another encoding, or
            lacks a column; a row of it cannot be read.
    """
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder; give a file")
    kind = _suffix(path)
    if kind not in SUFFIXES:
        raise ReviewError(
            f"{path.name} is not one of {', '.join(SUFFIXES)}; save it as one "
            "of them"
        )
    if not path.exists():
        raise FileNotFoundError(f"{path.name} does not exist")
    _refuse_packed(path, kind)
    if kind == ".parquet":
        rows = _parquet_rows(path, columns, spell)
    elif kind in SEPARATORS:
        given = SEPARATORS[kind] if sep is None else sep
        rows = _csv_rows(path, encoding, given, columns, spell)
    else:
        rows = _jsonl_rows(path, encoding, spell)
    for place, row in rows:
        for column in columns.values():
            if column not in row:
                raise _no_column(
                    f"{path.name}, {place}", column, row, columns, spell
                )
        yield place, [row[column] for column in columns.values()]


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _refuse_packed(path: Path, kind: str) -> None:
    """Refuse a file whose ending is not its kind, as its first bytes tell."""
    with path.open("rb") as file:
        start = file.read(4)
    kinds = {
        b"\x1f\x8b": "packed by gzip: unpack it first",
        b"PK\x03\x04": "a zip archive or a spreadsheet (.xlsx): unpack it, or "
        "save the sheet as CSV",
        b"PAR1": "a parquet file: let its name end in .parquet",
    }
    for first, what in kinds.items():
        if start.startswith(first) and kind != ".parquet":
            raise ReviewError(f"{path.name} is {what}")


def _no_column(
    where: str,
    column: str,
    names: Iterable[str | None],
    columns: Mapping[str, str],
    spell: Spell,
) -> ReviewError:
    """Say which columns there are, and how to name the one that is meant."""
    near = {
        wanted: name
        for wanted in columns.values()
        for name in names
        if name and name.strip().lower() == wanted.lower()
    }
    there = ", ".join(repr(name) for name in names if name)
    yours = " and ".join(
        spell(argument, near.get(wanted, "..."))
        for argument, wanted in columns.items()
    )
    return ReviewError(
        f"{where}: no column {column!r}; there are {there}. Name yours with "
        f"{yours}"
    )


def _lines(path: Path, encoding: str, spell: Spell) -> Iterator[str]:
    """Read a text file line by line, each with its own ending."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            # Before the header, a byte order mark would be part of its first
            # name.
            if file.read(1) != "\ufeff":
                file.seek(0)
            for number, line in enumerate(file):
                if number == 0 and "\0" in line:
                    likely = "be" if line.startswith("\0") else "le"
                    raise ReviewError(
                        f"{path.name}, line 1: every other character is NUL; "
                        f"pass {spell('encoding', 'utf-16-' + likely)}"
                    )
                yield line
    except UnicodeError as error:
        raise _not_encoded(path, encoding, spell, error) from error


def _not_encoded(
    path: Path, encoding: str, spell: Spell, error: UnicodeError
) -> ReviewError:
    """Name the first byte that is not in this encoding."""
    content = path.read_bytes()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as first:
        start = first.start
    else:
        return ReviewError(
            f"{path.name} is not {encoding}: {error}; pass "
            f"{spell('encoding', 'utf-8')}, utf-16-le or utf-16-be"
        )
    line = 1 + content[:start].decode(encoding, "replace").count("\n")
    # Windows writes curly quotes and the euro sign where Latin-1 has none.
    likely = "cp1252" if 0x80 <= content[start] < 0xA0 else "latin-1"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        likely = "utf-16"
    return ReviewError(
        f"{path.name}, line {line}: byte {content[start]:#x} is not "
        f"{encoding}; pass the right encoding, e.g. "
        f"{spell('encoding', likely)} or 'gb18030'"
    )


def _csv_rows(
    path: Path,
    encoding: str,
    sep: str,
    columns: Mapping[str, str],
    spell: Spell,
) -> Iterator[tuple[str, dict[str, Any]]]:
    # A long text is no error; and no file is read past its end for this.
    csv.field_size_limit(MOST_CHARACTERS)
    # Strict: a quotation mark that is never closed would swallow what follows.
    reader = csv.reader(
        _lines(path, encoding, spell), delimiter=sep, strict=True
    )
    names: list[str] = []
    line = 1
    try:
        for fields in reader:
            first, line = line, reader.line_num + 1
            if not fields:
                continue
            if not names:
                names = fields
                _check_header(
                    f"{path.name}, line {first}", names, columns, spell
                )
                continue
            if len(fields) > len(names):
                raise ReviewError(
                    f"{path.name}, line {first}: {len(fields)} fields, but the "
                    f"header has {len(names)}; a text that holds {sep!r} must "
                    "stand in quotation marks"
                )
            lacking = [None] * (len(names) - len(fields))
            yield (
                f"line {first}",
                dict(zip(names, [*fields, *lacking], strict=True)),
            )
    except csv.Error as error:
        raise ReviewError(
            f"{path.name}, line {line}: no CSV from here on ({error}): a "
            "quotation mark that is never closed, or one inside a text, "
            'which has to be doubled ("")?'
        ) from error
    if not names:
        raise ReviewError(f"{path.name} is empty")


def _check_header(
    where: str, names: list[str], columns: Mapping[str, str], spell: Spell
) -> None:
    if names[0].lower().startswith("sep="):
        raise ReviewError(
            f"{where}: {names[0]!r} is a spreadsheet's note and no header; "
            "remove the line"
        )
    if len(names) == 1:
        for other in (",", ";", "\t", "|"):
            if other in names[0]:
                raise ReviewError(
                    f"{where}: the header is one field, {names[0]!r}: pass "
                    f"{spell('sep', other)}"
                )
    for column in columns.values():
        if column not in names:
            error = _no_column(where, column, names, columns, spell)
            raise ReviewError(
                f"{error}; where line 1 is no header, write one above it"
            )
        if names.count(column) > 1:
            raise ReviewError(
                f"{where}: {names.count(column)} columns are called "
                f"{column!r}; rename all but one"
            )


def _jsonl_rows(
    path: Path, encoding: str, spell: Spell
) -> Iterator[tuple[str, dict[str, Any]]]:
    # A file's lines do not end at U+2028, which JSON leaves inside a text.
    for line, content in enumerate(_lines(path, encoding, spell), start=1):
        if not content.strip():
            continue
        where = f"{path.name}, line {line}"
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ReviewError(
                f"{where}: not JSON ({getattr(error, 'msg', error)}); each "
                "line holds one object"
            ) from error
        if not isinstance(row, dict):
            raise ReviewError(
                f"{where}: {content.strip()[:40]} is no object; each line "
                'holds one, such as {"text": "...", "label": 1}'
            )
        # Half of a surrogate pair, as cut texts have it, is no character and
        # could not be written again.
        yield (
            f"line {line}",
            {
                name: value.encode(errors="replace").decode()
                if isinstance(value, str)
                else value
                for name, value in row.items()
            },
        )


def _parquet_rows(
    path: Path, columns: Mapping[str, str], spell: Spell
) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow
    from pyarrow import parquet

    wanted = list(dict.fromkeys(columns.values()))
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for column in wanted:
                if column not in names:
                    raise _no_column(path.name, column, names, columns, spell)
            for batch in file.iter_batches(BATCH, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except (pyarrow.ArrowException, OSError) as error:
        raise ReviewError(
            f"{path.name}: no parquet file, or a damaged one, after row "
            f"{number} ({str(error).splitlines()[0]}); write or fetch it anew"
        ) from error


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
