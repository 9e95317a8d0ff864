"""A character model in a folder: trained for some minutes, resumed, read back.

The folder holds the finished model, `run/` what `fit` needs to continue, and
`plan/` what was decided when the run began. All three are checkpoints of
`utils.training`: tensors in safetensors and the rest in JSON, each whole or not
there.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from utils.language.alphabet import Alphabet
from utils.language.measure import bits_per_character
from utils.language.ngrams import NGrams, longest_order
from utils.language.pytorch import (
    Carried,
    CharacterModel,
    TensorStreams,
    next_symbol_loss,
)
from utils.language.streams import Streams
from utils.training import fit
from utils.training.checkpoints import load_checkpoint, save_checkpoint
from utils.training.folder import ModelFolderError, load_finished
from utils.training.pace import seconds_per_step

LEAST_CHARACTERS = 1000
HELD_OUT = 0.1
STREAMS, STEPS = 32, 64
LEARNING_RATE, CLIP = 3e-3, 1.0
ROUNDS = 10
# Of the minutes asked for: the rest goes to validation and checkpoints.
TRAINING_SHARE = 0.9


@dataclass(frozen=True)
class Settings:
    """What a run is asked for, and what makes it another run where it
    differs."""

    cell: str = "GRU"
    hidden_size: int = 256
    embedding_size: int = 64
    dropout: float = 0.1
    layer_norm: bool = False
    seed: int = 0


@dataclass(frozen=True)
class TrainedModel:
    """A model, its alphabet, and the two parts of the text it learned from."""

    model: CharacterModel
    alphabet: Alphabet
    train: str
    valid: str


def split_text(text: str) -> tuple[str, str]:
    """Hold out the last tenth, from the beginning of a line where there is
    one nearby."""
    cut = int(len(text) * (1 - HELD_OUT))
    line = text.rfind("\n", int(cut * 0.9), cut)
    cut = cut if line < 0 else line + 1
    return text[:cut], text[cut:]


def train_model(
    text: str,
    folder: str | Path,
    minutes: float,
    settings: Settings | None = None,
    say: Callable[[str], None] = print,
) -> TrainedModel:
    """Train a model on a text for about so many minutes, or finish its run.

    The last tenth of the text is held out; the weights of the round that
    predicts it best are kept. How many steps the minutes allow is measured once
    and kept, so that an interrupted run, started again by the same call, ends
    where it would have ended. Adam at 0.003, falling to 0 over the last
    quarter, gradients clipped to norm 1.

    Raises:
        ModelFolderError: the folder holds a run on another text or with other
            settings.
        CheckpointError: a file in the folder is damaged.
    """
    folder, settings = Path(folder), settings or Settings()
    train, valid = split_text(text)
    alphabet = Alphabet(train)
    torch.manual_seed(settings.seed)
    options = asdict(settings)
    model = CharacterModel(
        len(alphabet),
        **{name: value for name, value in options.items() if name != "seed"},
    )
    streams = max(1, min(STREAMS, len(train) // (4 * STEPS)))
    carried = Carried(model, streams)
    documents = [alphabet.encode(train)]
    asked: dict[str, Any] = {
        "text": text,
        "minutes": minutes,
        "settings": options,
    }
    plan = load_checkpoint(folder / "plan")
    if plan is None:
        steps = int(
            TRAINING_SHARE
            * 60
            * minutes
            / _seconds_per_step(carried, Streams(documents, streams, STEPS))
        )
        plan = asked | {"batches": max(1, steps // ROUNDS)}
        save_checkpoint(folder / "plan", plan)
    _check_same_run(plan, asked, folder)
    batches = plan["batches"]
    weights = sum(each.numel() for each in model.parameters())
    say(
        f"{len(train):,} characters to learn from, {len(valid):,} held out, "
        f"{len(alphabet.characters)} different; {settings.cell} with "
        f"{weights:,} weights; {ROUNDS} rounds of {batches:,} steps of "
        f"{streams} x {STEPS} characters"
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    torch.manual_seed(settings.seed)
    fit(
        carried,
        TensorStreams(
            Streams(documents, streams, STEPS, batches, settings.seed)
        ),
        TensorStreams(Streams([alphabet.encode(valid)], streams, STEPS)),
        loss=next_symbol_loss,
        optimizer=optimizer,
        epochs=ROUNDS,
        clip=CLIP,
        schedule=torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, 4 - 4 * step / (ROUNDS * batches))
        ),
        checkpoint=folder / "run",
        checkpoint_every=max(1, batches // 4),
    )
    save_checkpoint(
        folder,
        {
            "settings": options,
            "characters": "".join(alphabet.characters),
            "train": train,
            "valid": valid,
            "weights": model.state_dict(),
        },
    )
    return TrainedModel(model, alphabet, train, valid)


def load_model(folder: str | Path) -> TrainedModel:
    """Read back what `train_model` wrote.

    Raises:
        ModelFolderError: the folder holds no finished model.
        CheckpointError: a file in it is damaged.
    """
    state = load_finished(
        folder,
        "python -m utils.language train TEXT",
        {"settings", "characters", "weights"},
    )
    alphabet = Alphabet(state["characters"])
    options = {k: v for k, v in state["settings"].items() if k != "seed"}
    model = CharacterModel(len(alphabet), **options)
    model.load_state_dict(state["weights"])
    model.eval()
    return TrainedModel(model, alphabet, state["train"], state["valid"])


def best_ngrams(trained: TrainedModel) -> NGrams:
    """Count the model's training text in every order, and return the order
    that predicts the held-out part best."""
    alphabet = trained.alphabet
    train = [alphabet.encode(trained.train)]
    valid = [alphabet.encode(trained.valid)]
    orders = range(longest_order(len(alphabet)) + 1)
    models = (NGrams(len(alphabet), order).fit(train) for order in orders)
    return min(models, key=lambda model: bits_per_character(model, valid))


def _seconds_per_step(carried: Carried, streams: Streams) -> float:
    return seconds_per_step(carried, TensorStreams(streams), next_symbol_loss)


def _check_same_run(
    plan: dict[str, Any], asked: dict[str, Any], folder: Path
) -> None:
    """Refuse to continue a run by a call that asks for another one."""
    remedy = "give what it began with, or another folder for --out"
    if plan["text"] != asked["text"]:
        raise ModelFolderError(
            f"{folder} holds a run on another text ({len(plan['text']):,} "
            f"characters, this one has {len(asked['text']):,}); {remedy}"
        )
    before = plan["settings"] | {"minutes": plan["minutes"]}
    now = asked["settings"] | {"minutes": asked["minutes"]}
    for name, value in now.items():
        if before[name] != value:
            raise ModelFolderError(
                f"{folder} holds a run with {name}={before[name]}, and this "
                f"one asks for {name}={value}; {remedy}"
            )
