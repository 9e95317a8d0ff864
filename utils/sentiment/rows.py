"""A reader's own labelled texts: which label is which class, which rows repeat
another, and a split where the file has none."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils.commands import progress
from utils.data.remedies import flag
from utils.data.reviews import (
    SPLITS,
    ReviewError,
    file_of_split,
    read_columns,
    split_name,
)
from utils.data.text import TOKEN

POSITIVE = ("1", "+1", "positive", "pos", "good", "yes", "true", "fresh")
NEGATIVE = ("0", "-1", "negative", "neg", "bad", "no", "false", "rotten")
HELD_OUT = 0.1
LEAST_ROWS = 10
MOST_LABELS_NAMED = 8


@dataclass(frozen=True)
class Layout:
    """How a file holds texts and labels, in the words of the command."""

    text: str = "text"
    label: str = "label"
    split: str = "split"
    encoding: str = "utf-8"
    sep: str | None = None
    positive: Sequence[str] = ()
    negative: Sequence[str] = ()
    drop_empty: bool = False


@dataclass(frozen=True)
class Rows:
    """Labelled texts in three parts that share no text.

    Attributes:
        parts: tables of `text` and `label` (1 positive, 0 negative), by split.
        names: what the file calls the negative and the positive class.
    """

    parts: dict[str, pd.DataFrame]
    names: tuple[str, str]


def read_rows(
    source: str | Path,
    layout: Layout,
    seed: int = 0,
    say: Callable[[str], None] = print,
) -> Rows:
    """Read a file, or a folder of train, validation and test files.

    A file may have a column `split`; what is missing, validation or test, is
    taken from the training rows, a tenth each, class by class. A text that
    stands in an earlier row, or an earlier split, is left out, so that no test
    text is known from training.

    Raises:
        FileNotFoundError: there is no such file.
        ReviewError: the file cannot be used; the message says where and why.
    """
    if layout.text == layout.label:
        raise ReviewError(
            f"the column {layout.text!r} cannot be both text and label; pass "
            f"{flag('text', '...')} or {flag('label', '...')}"
        )
    with progress(None, "rows") as bar:
        table = _read(Path(source), layout, say, bar.update)
    names = _name_classes(table, layout)
    of_class = {
        **dict.fromkeys(names[0], 0),
        **dict.fromkeys(names[1], 1),
    }
    table["label"] = table["label"].map(of_class)
    neither = int(table["label"].isna().sum())
    table = table.dropna(subset="label").astype({"label": int})
    shown = (", ".join(names[0]), ", ".join(names[1]))
    counts = np.bincount(table["label"], minlength=2)
    say(
        f"{Path(source).name}: {counts.sum():,} texts, {counts[0]:,} negative "
        f"(label {shown[0]}), {counts[1]:,} positive (label {shown[1]})"
        + (f"; {neither:,} with other labels left out" if neither else "")
    )
    table = _without_repeats(table, say)
    parts = {
        split: table[table["split"] == split].reset_index(drop=True)
        for split in SPLITS
    }
    parts = _split(parts, seed, say)
    for split, part in parts.items():
        _check_classes(Path(source), split, part, shown)
    return Rows(
        {name: part[["text", "label"]] for name, part in parts.items()}, shown
    )


def is_missing(value: Any) -> bool:
    """Say whether a file has nothing there: None, or not a number."""
    return value is None or (isinstance(value, float) and value != value)


def label_name(value: Any) -> str:
    """Write a label as one would type it: 1, "1", 1.0 and True are all "1"."""
    if is_missing(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    name = str(value).strip()
    try:
        number = float(name)
    except ValueError:
        return name
    return str(int(number)) if number.is_integer() else name


def _read(
    source: Path,
    layout: Layout,
    say: Callable[[str], None],
    count: Callable[[], object],
) -> pd.DataFrame:
    """Return text, label, split, file and place of every row."""
    files = {"": source}
    if source.is_dir():
        files = {"train": file_of_split(source, "train")}
        for split in SPLITS[1:]:
            try:
                files[split] = file_of_split(source, split)
            except FileNotFoundError:
                continue
    found: dict[str, list[Any]] = {
        name: [] for name in ("text", "label", "split", "file", "place")
    }
    empty: list[str] = []
    for split, path in files.items():
        columns = {"text": layout.text, "label": layout.label}
        if not split and _has_column(path, layout):
            columns["split"] = layout.split
        for place, values in read_columns(
            path,
            columns,
            encoding=layout.encoding,
            sep=layout.sep,
            spell=flag,
        ):
            count()
            text, label, *own = values
            where = f"{path.name}, {place}, column"
            if not (isinstance(text, str) or is_missing(text)):
                raise ReviewError(
                    f"{where} {layout.text}: found {text!r}, which is no text"
                )
            if not isinstance(text, str) or not TOKEN.search(text):
                if not layout.drop_empty:
                    raise ReviewError(
                        f"{where} {layout.text}: found {text!r}: the text is "
                        "empty; remove the row, or pass --drop-empty to leave "
                        "such rows out"
                    )
                empty.append(place)
                continue
            name = label_name(label)
            if not name:
                raise ReviewError(
                    f"{where} {layout.label}: found {label!r}: no label; fill "
                    "it in, or remove the row"
                )
            part = split or (split_name(str(own[0])) if own else "train")
            if part not in SPLITS:
                raise ReviewError(
                    f"{where} {layout.split}: found {own[0]!r}: a split is "
                    f"{', '.join(SPLITS)}; or pass --split-column with "
                    "another name"
                )
            row = (text, name, part, path.name, place)
            for column, value in zip(found.values(), row, strict=True):
                column.append(value)
    if empty:
        say(
            f"{len(empty):,} rows with an empty text left out, the first on "
            f"{empty[0]}"
        )
    if not found["text"]:
        raise ReviewError(f"{source.name}: there are no rows")
    return pd.DataFrame(found)


def _has_column(path: Path, layout: Layout) -> bool:
    """Say whether a file has a column of splits."""
    try:
        next(
            read_columns(
                path,
                {"split": layout.split},
                encoding=layout.encoding,
                sep=layout.sep,
            )
        )
    except (ReviewError, FileNotFoundError, StopIteration):
        return False
    return True


def _name_classes(
    table: pd.DataFrame, layout: Layout
) -> tuple[list[str], list[str]]:
    """Decide which labels are negative, and which positive."""
    counts = Counter(table["label"])
    asked = [label_name(each) for each in (*layout.negative, *layout.positive)]
    for name in asked:
        if name not in counts:
            raise ReviewError(
                f"no row has the label {name!r}; there are {_named(counts)}"
            )
    negative = [label_name(each) for each in layout.negative]
    positive = [label_name(each) for each in layout.positive]
    if both := sorted(set(negative) & set(positive)):
        raise ReviewError(f"the label {both[0]!r} cannot be both classes")
    if len(counts) == 1:
        raise ReviewError(
            f"{table['file'][0]}: every label is {next(iter(counts))!r}; a "
            "classifier needs rows of both classes"
        )
    if len(counts) == 2 and not (negative and positive):
        if not negative and not positive:
            positive = [name for name in counts if name.lower() in POSITIVE]
            negative = [name for name in counts if name.lower() in NEGATIVE]
            if len(positive) != 1 or len(negative) != 1:
                either = " or ".join(flag("positive", each) for each in counts)
                raise ReviewError(
                    f"{table['file'][0]}, column {layout.label}: the labels "
                    f"are {_named(counts)}: which is positive? Pass {either}"
                )
        positive = positive or [each for each in counts if each not in negative]
        negative = negative or [each for each in counts if each not in positive]
    if not (negative and positive):
        raise ReviewError(_too_many(table, counts, layout))
    return negative, positive


def _too_many(table: pd.DataFrame, counts: Counter[str], layout: Layout) -> str:
    """Say where the rarest of more than two labels stands, and what to type."""
    rarest = min(counts, key=lambda name: (counts[name], name))
    row = table[table["label"] == rarest].iloc[0]
    low, high = _suggest(counts)
    return (
        f"{row['file']}, {row['place']}, column {layout.label}: found "
        f"{rarest!r}: the labels are {_named(counts)}, and two classes are "
        "told apart. Correct the row, or say which labels are which, for "
        f"instance {flag('negative', ','.join(low))} "
        f"{flag('positive', ','.join(high))}: rows with other labels are left "
        "out"
    )


def _suggest(counts: Counter[str]) -> tuple[list[str], list[str]]:
    """Guess which labels of several are bad and good, for a message."""
    low = [name for name in counts if name.lower() in NEGATIVE]
    high = [name for name in counts if name.lower() in POSITIVE]
    if low and high and len(counts) < 4:
        return low, high
    try:
        ordered = sorted(counts, key=float)
    except ValueError:
        ordered = [name for name, _ in counts.most_common()]
        return ordered[:1], ordered[1:2]
    half = len(ordered) // 2
    return ordered[:half], ordered[-half:]


def _named(counts: Counter[str]) -> str:
    shown = [
        f"{name!r} ({count:,} rows)"
        for name, count in counts.most_common(MOST_LABELS_NAMED)
    ]
    more = ", ..." if len(counts) > MOST_LABELS_NAMED else ""
    return ", ".join(shown) + more


def _without_repeats(
    table: pd.DataFrame, say: Callable[[str], None]
) -> pd.DataFrame:
    """Keep a text's first row, training rows before the others, and report
    what is left out."""
    order = table["split"].map({name: at for at, name in enumerate(SPLITS)})
    table = table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
    plain = (" ".join(text.lower().split()) for text in table["text"])
    # Objects: an array of strings is as wide, in every row, as its longest.
    keys, _ = pd.factorize(np.array(list(plain), dtype=object))
    rows = pd.Series(np.arange(len(table)))
    first = rows.groupby(keys).transform("min")
    again = first != rows
    if not again.any():
        return table
    before = table.loc[first[again]].reset_index(drop=True)
    repeats = table[again].reset_index(drop=True)
    for split in SPLITS:
        inside = repeats["split"] == split
        for earlier in SPLITS:
            both = inside & (before["split"] == earlier)
            if both.any():
                at = int(both.to_numpy().argmax())
                what = (
                    "repeat another"
                    if split == earlier
                    else (f"stand in {earlier} too")
                )
                say(
                    f"{both.sum():,} {split} texts {what} and are left out; "
                    f"the first: {repeats['file'][at]}, {repeats['place'][at]} "
                    f"repeats {before['file'][at]}, {before['place'][at]}"
                )
    contrary = (repeats["label"] != before["label"]).to_numpy()
    if contrary.any():
        at = int(contrary.argmax())
        say(
            f"{contrary.sum():,} of them have another label than the text they "
            f"repeat, which counts; the first: {repeats['file'][at]}, "
            f"{repeats['place'][at]} against {before['place'][at]}"
        )
    return table[~again].reset_index(drop=True)


def _split(
    parts: dict[str, pd.DataFrame], seed: int, say: Callable[[str], None]
) -> dict[str, pd.DataFrame]:
    """Take what is missing, a tenth each, from the training rows of each
    class."""
    missing = [name for name in SPLITS[1:] if not len(parts[name])]
    train = parts["train"]
    rng = np.random.default_rng(seed)
    part_of = np.full(len(train), "train", dtype=object)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(train["label"] == label))
        tenth = max(1, round(HELD_OUT * len(rows)))
        for at, name in enumerate(missing):
            part_of[rows[at * tenth : (at + 1) * tenth]] = name
    parts = parts | {
        name: train[part_of == name].reset_index(drop=True)
        for name in ("train", *missing)
    }
    how = f"split by seed {seed}" if missing else "split as given"
    say(
        f"{how}: {len(parts['train']):,} to train, "
        f"{len(parts['validation']):,} for validation, "
        f"{len(parts['test']):,} to test"
    )
    return parts


def _check_classes(
    source: Path, split: str, part: pd.DataFrame, names: tuple[str, str]
) -> None:
    least = LEAST_ROWS if split == "train" else 1
    for label, name in enumerate(names):
        count = int((part["label"] == label).sum())
        if count < least:
            raise ReviewError(
                f"{source.name}: {count} texts of the class {name!r} for "
                f"{split}, and at least {least} are needed; give more of them"
            )
