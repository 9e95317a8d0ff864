"""Train a classifier on labelled texts, and let it judge others."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from utils import commands
from utils.data.remedies import flag
from utils.data.reviews import ReviewError, read_columns
from utils.data.text import TOKEN, tokenize
from utils.sentiment.comparison import share_interval
from utils.sentiment.rows import Layout, Rows, is_missing, read_rows
from utils.sentiment.trained import (
    Score,
    Settings,
    Training,
    load_classifier,
    train_classifier,
)
from utils.training.checkpoints import CheckpointError
from utils.training.folder import ModelFolderError

# Of a text's words: a model that knows fewer was trained on something else.
LEAST_KNOWN, MOST_LOOKED_AT = 0.7, 5_000
DESCRIPTION = """\
A classifier of texts, from examples of yours: good or bad, complaint or praise,
any two classes."""
EPILOG = """\
examples:
  python -m utils.sentiment train reviews.csv --out model/ --minutes 10
  python -m utils.sentiment train stars.csv --text review --label stars \\
      --negative 1,2 --positive 4,5 --out model/
  python -m utils.sentiment predict model/ new.csv --out verdicts.csv

A file is .csv, .tsv, .jsonl or .parquet, with a column of texts and, for train,
one of labels. What is wrong in it is named by line, column and value, and
nothing is written then. A million sentences take about 1.5 GB of memory.
Chapter 11 says what such classifiers learn, and what they miss."""
TRAIN = """\
Train a recurrent network and, beside it on the same rows, NB-weighted logistic
regression, which often wins; keep the one with the lower log loss on the
validation rows, and score both on the test rows, which had no part in it. The
one kept is calibrated: its log odds are divided by the temperature that fits
the validation rows best.

Labels are 0 and 1, or two words; with more of them, as stars have, say which
are which by --negative and --positive, and rows between are left out. REVIEWS
is one file, split here by class into 80 % to train, 10 % for validation and
10 % to test, unless it has a column of splits; or a folder with train.csv,
validation.csv and test.csv. Texts that stand there twice count once.

The folder receives vocabulary, model and calibration (safetensors and JSON, no
pickle), nothing half-written; an interrupted training goes on by the same
command."""
PREDICT = """\
Judge texts. The output has a row for each row of the input: its line, the text,
the verdict in the words of the training file's labels, and the probability of
the positive class. A row without a text gets no verdict."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.sentiment",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="command", required=True)
    train = kinds.add_parser(
        "train",
        help="learn from labelled texts",
        description=TRAIN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("reviews", help="a file, or a folder of splits")
    train.add_argument(
        "--out", type=Path, required=True, help="the folder for the model"
    )
    train.add_argument(
        "--minutes",
        type=commands.positive,
        default=10.0,
        help="about how long to train, at most (default 10)",
    )
    train.add_argument(
        "--label", default="label", help="the column of labels (default label)"
    )
    train.add_argument(
        "--positive",
        type=_names,
        default=(),
        help="the positive label, or several: 4,5",
    )
    train.add_argument(
        "--negative",
        type=_names,
        default=(),
        help="the negative label, or several: 1,2",
    )
    train.add_argument(
        "--split-column",
        default="split",
        help="the column of splits, where there is one (default split)",
    )
    train.add_argument(
        "--drop-empty",
        action="store_true",
        help="leave rows without a text out",
    )
    train.add_argument(
        "--hidden",
        type=commands.whole,
        default=64,
        help="units of the network in each direction (default 64)",
    )
    train.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="of the split and of the network (default 0)",
    )
    train.add_argument(
        "--force", action="store_true", help="begin a run in --out anew"
    )

    predict = kinds.add_parser(
        "predict",
        help="judge texts",
        description=PREDICT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    predict.add_argument(
        "model", type=Path, help="the folder that was train's --out"
    )
    predict.add_argument("texts", type=Path, help="a file of texts")
    predict.add_argument(
        "--out", type=Path, required=True, help="CSV file to write"
    )
    predict.add_argument(
        "--force", action="store_true", help="replace --out where it exists"
    )
    for command in (train, predict):
        command.add_argument(
            "--text", default="text", help="the column of texts (default text)"
        )
        command.add_argument(
            "--encoding",
            type=commands.encoding,
            default="utf-8",
            help="of the file (default utf-8)",
        )
        command.add_argument(
            "--sep",
            type=commands.character,
            help="separator of a CSV file's fields; \\t is a tab (default: a "
            "comma, or in .tsv a tab)",
        )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, 2 for what cannot be used, 130 when
    interrupted."""
    options = parse_arguments(arguments)
    command = {"train": _train, "predict": _predict}
    interrupted = {
        "train": "stopped; the same command goes on from here",
        "predict": "stopped; nothing was written",
    }
    return commands.run(
        lambda: command[options.command](options),
        (ReviewError, ModelFolderError, CheckpointError),
        interrupted[options.command],
    )


def _train(options: argparse.Namespace) -> None:
    commands.check_folder(options.out, "--out")
    layout = Layout(
        text=options.text,
        label=options.label,
        split=options.split_column,
        encoding=options.encoding,
        sep=options.sep,
        positive=options.positive,
        negative=options.negative,
        drop_empty=options.drop_empty,
    )
    rows = read_rows(options.reviews, layout, options.seed)
    training = train_classifier(
        rows,
        options.out,
        Settings(options.minutes, options.hidden, options.seed),
        force=options.force,
    )
    print(_report(training, rows))
    print(f"The model is in {options.out}.")


def _predict(options: argparse.Namespace) -> None:
    if options.out.suffix.lower() not in ("", ".csv", ".txt"):
        raise commands.UnusableError(
            f"--out {options.out}: what is written is CSV; let its name end in "
            ".csv"
        )
    commands.check_file(options.out, options.force, [options.texts])
    classifier = load_classifier(options.model)
    places, texts = [], []
    with commands.progress(None, "rows") as bar:
        for place, (text,) in read_columns(
            options.texts,
            {"text": options.text},
            encoding=options.encoding,
            sep=options.sep,
            spell=flag,
        ):
            if not (isinstance(text, str) or is_missing(text)):
                raise ReviewError(
                    f"{options.texts.name}, {place}, column {options.text}: "
                    f"found {text!r}, which is no text"
                )
            places.append(place.split()[1])
            texts.append("" if is_missing(text) else text)
            bar.update()
    if not texts:
        raise ReviewError(f"{options.texts.name}: there are no rows")
    filled = [at for at, text in enumerate(texts) if TOKEN.search(text)]
    found = np.full(len(texts), np.nan)
    found[filled] = classifier.probabilities(
        [texts[at] for at in filled], quiet=False
    )
    names = np.array([*classifier.names, ""])
    verdicts = np.where(np.isnan(found), 2, found > 0.5).astype(int)
    table = pd.DataFrame(
        {
            "line": places,
            "text": texts,
            "verdict": names[verdicts],
            "probability": found,
        }
    )
    commands.write_whole(
        options.out,
        lambda path: table.to_csv(
            path, index=False, float_format="%.4f", encoding="utf-8"
        ),
    )
    counts = np.bincount(verdicts, minlength=3)
    print(
        f"{len(texts):,} texts, judged by the {classifier.kind}: "
        f"{counts[0]:,} {names[0]}, {counts[1]:,} {names[1]}"
        + (f", {counts[2]:,} empty and without a verdict" if counts[2] else "")
    )
    # Some thousand texts, spread over the file, tell.
    some = filled[:: 1 + len(filled) // MOST_LOOKED_AT]
    words = [word for at in some for word in tokenize(texts[at])]
    known = np.mean([word in classifier.known for word in words] or [True])
    if known < LEAST_KNOWN:
        print(
            f"warning: the model knows {100 * known:.0f} % of the words; these "
            "texts are unlike those that it learned from, and the verdicts "
            "may be worth little",
            file=sys.stderr,
        )
    print(f"Wrote {len(texts):,} rows to {options.out}.")


def _report(training: Training, rows: Rows) -> str:
    """Say how both classifiers did, and what the one kept gets wrong."""
    labels = rows.parts["test"]["label"].to_numpy()
    negative, positive = (f"F1 {name[:8]}" for name in rows.names)
    head = (
        f"{'':23}{'validation':>18}{'test':>11}\n{'':23}{'log loss':>9}"
        f"{'accuracy':>9}{'accuracy':>11}{negative:>13}{positive:>13}"
    )
    often = int(labels.mean() > 0.5)
    valid = rows.parts["validation"]["label"].to_numpy()
    share = np.mean(labels == often)
    constant = [0.0, 0.0]
    constant[often] = 2 * share / (1 + share)
    lines = [
        "",
        head,
        f"{'always ' + rows.names[often][:14]:23}{'':9}"
        f"{100 * np.mean(valid == often):7.1f} %{100 * share:9.1f} %"
        f"{constant[0]:13.3f}{constant[1]:13.3f}",
    ]
    for kind, test in training.test.items():
        before = training.validation[kind]
        lines.append(
            f"{kind:23}{before.log_loss:9.3f}{100 * before.accuracy:7.1f} %"
            f"{100 * test.accuracy:9.1f} %{test.f1[0]:13.3f}{test.f1[1]:13.3f}"
        )
    lines += ["", *_about_chosen(training, rows, len(labels))]
    return "\n".join(lines)


def _about_chosen(training: Training, rows: Rows, count: int) -> list[str]:
    chosen = training.chosen
    test: Score = training.test[chosen.kind]
    table = training.confusion
    low, high = share_interval(int(np.trace(table)), count)
    lines = [
        f"Kept: the {chosen.kind}, which has the lower log loss on validation.",
        f"It is right on {100 * test.accuracy:.1f} % of {count:,} test texts; "
        f"95 % interval by Wilson:\n{100 * low:.1f} to {100 * high:.1f} %.",
    ]
    for label, name in enumerate(rows.names):
        lines.append(
            f"Of {table[label].sum():,} test texts labelled {name} it calls "
            f"{table[label, 0]:,} {rows.names[0]}, {table[label, 1]:,} "
            f"{rows.names[1]}."
        )
    lines.append(
        f"Temperature {chosen.temperature:.2f}: what it says and how often it "
        f"is right differ by {100 * test.calibration_error:.1f} points\n"
        f"on average over the test texts, {100 * training.uncalibrated:.1f} "
        "without it."
    )
    shares = np.bincount(rows.parts["train"]["label"]) / len(
        rows.parts["train"]
    )
    if shares.min() < 0.2:
        rare = rows.names[int(shares.argmin())]
        lines.append(
            f"Only {100 * shares.min():.1f} % of the training texts are "
            f"{rare}: look at its F1,\nfor the other answer alone has a high "
            "accuracy."
        )
    return lines


def _seed(text: str) -> int:
    if not 0 <= int(text) < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 2^32 - 1")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(each.strip() for each in text.split(",") if each.strip())
    if not names:
        raise argparse.ArgumentTypeError("give one label, or several: 4,5")
    return names


if __name__ == "__main__":
    sys.exit(main())
