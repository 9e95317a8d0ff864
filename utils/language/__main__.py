"""Train a character model on a text, let it write, and measure it in bits."""

import argparse
import sys
from pathlib import Path

from utils import commands
from utils.data.text_files import TextError, read_text
from utils.language.alphabet import UNKNOWN
from utils.language.compressors import COMPRESSORS, WINDOWS, compressed_bits
from utils.language.measure import bits_per_byte, surprisals
from utils.language.reader import CELLS
from utils.language.sampling import sample
from utils.language.trained import (
    LEAST_CHARACTERS,
    Settings,
    TrainedModel,
    best_ngrams,
    load_model,
    train_model,
)
from utils.training.checkpoints import CheckpointError
from utils.training.folder import ModelFolderError

DESCRIPTION = """\
A model of the next character, from a text of yours: a recurrent network that
learns from it, writes like it, and says how surprising another text is."""
EPILOG = """\
examples:
  python -m utils.language train mine.txt --minutes 10 --out model/
  python -m utils.language write model/ --prompt "Once " --temperature 0.8
  python -m utils.language bits model/ other.txt

An interrupted training goes on where it stopped when the same command is given
again. On a short text, or in few minutes, counting often beats the network:
bits shows both. Chapter 08 says why."""
TRAIN = """\
Learn to predict a text's next character for some minutes. The last tenth of the
text is held out, and the weights that predict it best are kept. The folder
receives the model and the text (safetensors and JSON), nothing half-written; an
interrupted training goes on by the same command."""
WRITE = """\
Continue a prompt, character by character: each is drawn from the model's
probabilities and read before the next. The text may end before --n characters,
where the model draws its end."""
BITS = """\
Measure how many bits a character of a text costs: by the network, by the best
n-gram model of the network's own training text, and by compressors that have
read that text before. Fewer is better. The unit is the whole text's cost over
its characters (and over its bytes, which compares across alphabets); a
character that the training text lacks costs its code point too."""


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.language",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="command", required=True)

    train = kinds.add_parser(
        "train", help="learn from a text", description=TRAIN
    )
    train.add_argument(
        "text", help=f"a text file, {LEAST_CHARACTERS:,} characters or more"
    )
    train.add_argument(
        "--minutes",
        type=commands.positive,
        default=10.0,
        help="about how long to train (default 10)",
    )
    train.add_argument("--out", required=True, help="the folder for the model")
    train.add_argument(
        "--cell", choices=CELLS, default="GRU", help="default GRU"
    )
    train.add_argument(
        "--hidden",
        type=commands.whole,
        default=256,
        help="units of the recurrent layer (default 256)",
    )
    train.add_argument(
        "--seed", type=int, default=0, help="another one, another run"
    )

    write = kinds.add_parser(
        "write", help="continue a prompt", description=WRITE
    )
    write.add_argument("model", help="the folder that train made")
    write.add_argument("--prompt", default="", help="text to begin with")
    write.add_argument(
        "--n", type=commands.whole, default=500, help="characters (default 500)"
    )
    write.add_argument(
        "--temperature",
        type=float,
        default=0.8,
        help="0 takes the likeliest, 1 the model's own odds (default 0.8)",
    )
    write.add_argument(
        "--top-k", type=commands.whole, help="draw among the k likeliest"
    )
    write.add_argument(
        "--top-p",
        type=float,
        help="draw among the fewest whose mass reaches p",
    )
    write.add_argument(
        "--seed", type=int, default=0, help="the same one, the same text"
    )

    bits = kinds.add_parser(
        "bits", help="measure a text in bits", description=BITS
    )
    bits.add_argument("model", help="the folder that train made")
    bits.add_argument("text", help="a text file the model has not seen")
    for command in (train, bits):
        command.add_argument(
            "--encoding",
            type=commands.encoding,
            default="utf-8",
            help="of the text (default utf-8)",
        )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, 2 for what cannot be used, 130 when
    interrupted."""
    options = parse_arguments(arguments)
    command = {"train": _train, "write": _write, "bits": _bits}
    return commands.run(
        lambda: command[options.command](options),
        (TextError, ModelFolderError, CheckpointError),
        "stopped; the same command goes on from here",
    )


def _train(options: argparse.Namespace) -> None:
    commands.check_folder(Path(options.out), "--out")
    text = read_text(
        options.text,
        encoding=options.encoding,
        min_characters=LEAST_CHARACTERS,
    )
    settings = Settings(
        cell=options.cell, hidden_size=options.hidden, seed=options.seed
    )
    trained = train_model(text, options.out, options.minutes, settings)
    print(f"\nOn the held-out end of {options.text}:")
    print(score_table(trained, trained.valid))
    print(f"The model is in {options.out}.")


def _write(options: argparse.Namespace) -> None:
    trained = load_model(options.model)
    prompt = trained.alphabet.encode(options.prompt)
    for place, symbol in enumerate(prompt):
        if symbol == UNKNOWN:
            raise commands.UnusableError(
                f"--prompt, character {place}: {options.prompt[place]!r} does "
                "not stand in the text that the model learned from; leave it "
                "out"
            )
    try:
        written = sample(
            trained.model,
            prompt,
            options.n,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            rng=options.seed,
        )
    except ValueError as error:
        raise commands.UnusableError(str(error)) from error
    print(options.prompt + trained.alphabet.decode(written))


def _bits(options: argparse.Namespace) -> None:
    trained = load_model(options.model)
    text = read_text(options.text, encoding=options.encoding)
    unknown = int((trained.alphabet.encode(text) == UNKNOWN).sum())
    print(
        f"{options.text}: {len(text):,} characters, {unknown:,} of them "
        "unknown to the model"
    )
    print(score_table(trained, text))


def score_table(trained: TrainedModel, text: str) -> str:
    """Say what a text costs by the network, n-grams and compressors."""
    document = trained.alphabet.encode(text)
    ngrams = best_ngrams(trained)
    network = type(trained.model.layer).__name__
    costs = {
        f"{network}, {trained.model.layer.hidden_size} units": surprisals(
            trained.model, document
        ).sum(),
        f"n-grams, context {ngrams.order}": surprisals(ngrams, document).sum(),
    }
    for name in COMPRESSORS:
        costs[f"{name}, remembers {WINDOWS[name]}"] = compressed_bits(
            name, trained.train, text
        )
    width = max(map(len, costs))
    lines = [f"{'bits per':{width}}{'character':>12}{'byte':>8}"]
    for name, cost in costs.items():
        per_byte = bits_per_byte(float(cost), text)
        lines.append(f"{name:{width}}{cost / len(text):12.3f}{per_byte:8.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
