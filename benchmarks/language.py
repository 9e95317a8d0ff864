"""Who predicts the next character best? Counting, compressing, three cells.

    python -m benchmarks.language [--part small] [--minutes 10] [--tune]

Texts are Shakespeare's plays (`utils.data.text_files`), whole: validation is
Twelfth Night, test Macbeth and The Tempest. Counting models and compressors
take seconds. The parts:

small       eight plays; RNN, LSTM and GRU of about as many parameters
tiny        two plays; the small part's best cell
stopped     the same, for as long as is best on the validation play
scrap       20,000 characters; so too, and at the rate that is best there
large       35 plays; the small part's best cell
ablation    eight plays; that cell without dropout, with, with layer
            normalisation, and with both

A budget is CPU seconds of training, measuring excluded. Learning rates are
tuned in the small part, on the validation play, first in runs of 50 CPU
seconds: all rates on one seed, the two best on two more, and one rate further
out as long as the best lies at the edge. Short runs like high rates, so the
best is then run for the whole budget, and a third of it, as long as the lower
one is better. The other parts take the rate of their cell. Little text is soon
learned by heart: in "stopped" and "scrap" a tuning seed runs for several
lengths of time, each a run of its own, and in the latter at several rates; the
fresh seeds take what was best. Fresh seeds of a part run once its thresholds
stand in a commit, seed by seed over all its contenders, and are scored on the
test plays.

Rates failed twice. A first round took them from the short runs alone; the
record keeps those of its cells whose rate has changed as "RNN, short" and
"LSTM, short". And in an hour on 35 plays the GRU's rate made the first seed
fall apart after forty minutes; the record keeps it as "GRU, short". The other
seeds of the large part have a third of that rate, which was not tuned.

Every run is saved as it ends and not repeated, so that the benchmark can be
killed at any time and started again. The small part takes about three hours and
a half of one core, the large one three, the ablation two, and those of less
text half an hour each, or less.
Chapter 08 shows the results.
"""

import argparse
import datetime
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from benchmarks.record import record, recorded
from benchmarks.trial import key, rounded, thresholds_committed
from utils.data.text_files import Plays, load_plays
from utils.language import CharacterModel, NGrams, bits_per_character, sample
from utils.language.alphabet import Alphabet, Documents, Symbols
from utils.language.anatomy import (
    KINDS,
    closing_distances,
    kinds,
    known_words,
    line_places,
    longest_copy,
    words,
)
from utils.language.compressors import COMPRESSORS, compressed_bits
from utils.language.measure import LanguageModel, surprisals
from utils.language.ngrams import HIGHEST_ORDER
from utils.language.pytorch import Carried, TensorStreams, next_symbol_loss
from utils.language.streams import Streams
from utils.models.pytorch import equal_hidden_size, initialise_as_keras

NAME, CLAIMS = "language", "language_models"
CELLS = ("RNN", "LSTM", "GRU")
TUNING_SEEDS = range(100, 103)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
FIRST_RATES = RATES[2:5]
TUNING_SECONDS = 50.0

PARAMETERS = 265_000  # of the recurrent layer and the head
EMBEDDING_SIZE = 64
STREAMS, STEPS, CLIP = 32, 64, 1.0
CHECKS = 10
GLANCE = 20_000  # characters of the validation play
BLOCK = 2_000  # characters, for paired differences
WRITTEN, SHOWN = 3_000, 500
PROMPT, TEMPERATURES = "HAMLET:\n", (0.5, 0.8, 1.0)
TINY = ("hamlet", "much-ado-about-nothing")
SCRAP = 20_000  # characters of the first of these

Results = dict[str, Any]


# What stands trial


@dataclass(frozen=True)
class Contender:
    """A cell, and what stands against its overfitting."""

    cell: str
    dropout: float = 0.1
    layer_norm: bool = False

    def build(self, alphabet_size: int) -> CharacterModel:
        """Build the model whose layer and head have about `PARAMETERS`.

        It starts as the literature advises: orthogonal recurrent weights, and
        a forget bias of 1.
        """
        hidden = equal_hidden_size(
            self.cell, EMBEDDING_SIZE, alphabet_size, PARAMETERS
        )
        model = CharacterModel(
            alphabet_size,
            self.cell,
            hidden,
            EMBEDDING_SIZE,
            self.dropout,
            self.layer_norm,
        )
        initialise_as_keras(model)
        return model


@dataclass(frozen=True)
class Part:
    """Which plays, whose seeds, for how many CPU seconds.

    With `stops` these are chosen among them, beside one of the `rates` if there
    are any; `seconds` is the most. Without, all train at `rate`, by default
    that of their cell.
    """

    plays: str
    seeds: Sequence[int]
    seconds: float
    stops: Sequence[float] = ()
    rates: Sequence[float] = ()
    rate: float | None = None


PARTS = {
    "small": Part("small", range(5), 450),
    "tiny": Part("tiny", range(3), 450),
    "stopped": Part("tiny", range(3), 450, stops=(50, 150, 450)),
    "scrap": Part("scrap", range(3), 50, stops=(5, 15, 50), rates=RATES[2:]),
    "large": Part("large", range(1, 4), 3600, rate=1e-3),
    "ablation": Part("small", range(3), 450),
}


def contenders(part: str, cell: str = "GRU") -> dict[str, Contender]:
    """Name who stands trial in a part; `cell` is the small part's best."""
    if part == "small":
        return {each: Contender(each) for each in CELLS}
    if part == "ablation":
        return {
            "neither": Contender(cell, dropout=0.0),
            "dropout": Contender(cell),
            "layer normalisation": Contender(cell, 0.0, layer_norm=True),
            "both": Contender(cell, layer_norm=True),
        }
    return {cell: Contender(cell)}


def load(plays: str) -> Plays:
    """Read the plays of a part."""
    if plays not in ("tiny", "scrap"):
        return load_plays(plays)
    small = load_plays("small")
    some = {name: small.train[name] for name in TINY}
    if plays == "scrap":
        some = {TINY[0]: some[TINY[0]][:SCRAP]}
    return Plays(some, small.valid, small.test)


class Texts:
    """A part's plays, encoded in the alphabet of those to train on."""

    def __init__(self, plays: Plays) -> None:
        self.train = list(plays.train.values())
        self.valid = list(plays.valid.values())
        self.test = list(plays.test.values())
        self.alphabet = Alphabet("".join(self.train))

    def encode(self, texts: list[str]) -> Documents:
        """Number the characters of texts."""
        return [self.alphabet.encode(text) for text in texts]


# Counting and compressing


def count(texts: Texts) -> tuple[Results, NGrams]:
    """Score n-grams of every order and the compressors; return the order that
    is best on the validation play."""
    train = texts.encode(texts.train)
    valid, test = texts.encode(texts.valid), texts.encode(texts.test)
    found: Results = {"n-grams": {}, "compressors": {}}
    best, lowest = None, math.inf
    for smoothing in ("kneser-ney", "witten-bell"):
        for order in range(HIGHEST_ORDER + 1):
            model = NGrams(len(texts.alphabet), order, smoothing).fit(train)
            bits = bits_per_character(model, valid)
            found["n-grams"][key(smoothing, order)] = {
                "valid": rounded(bits),
                "test": rounded(bits_per_character(model, test)),
            }
            if bits < lowest:
                best, lowest = model, bits
    assert best is not None
    before, after = "".join(texts.train), "".join(texts.test)
    for name in COMPRESSORS:
        bits = compressed_bits(name, before, after) / len(after)
        found["compressors"][name] = rounded(bits)
    found["chosen"] = key(best.smoothing, best.order)
    found["characters"] = {
        "train": len(before),
        "valid": sum(map(len, texts.valid)),
        "test": len(after),
        "different": len(texts.alphabet.characters),
    }
    return found, best


# Training


def train(
    model: CharacterModel,
    texts: Texts,
    rate: float,
    seconds: float,
    checks: int = 0,
) -> Results:
    """Train a model for so many CPU seconds and say what it went through.

    Adam; the rate is constant and falls to 0 over the last quarter. The curve
    holds, at each check, the CPU seconds, the characters read, and the bits on
    the training text since the check before and on a piece of the validation
    play. What the checks take counts for nothing.
    """
    carried = Carried(model, STREAMS)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    glance = [texts.encode(texts.valid)[0][:GLANCE]]
    curve: list[list[float]] = []
    losses: list[float] = []
    characters, start, ended = 0, time.process_time(), "budget"
    for symbols, fresh, targets in _endless(texts):
        elapsed = time.process_time() - start
        if len(curve) < checks and (
            elapsed >= seconds * (len(curve) + 1) / checks
        ):
            before = time.process_time()
            curve.append(_check(model, glance, elapsed, characters, losses))
            losses.clear()
            start += time.process_time() - before
        if elapsed >= seconds:
            break
        optimizer.param_groups[0]["lr"] = rate * min(
            1.0, 4 - 4 * elapsed / seconds
        )
        model.train()
        loss = next_symbol_loss(carried(symbols, fresh), targets)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        if not torch.isfinite(norm):
            ended = "not finite"
            break
        optimizer.step()
        losses.append(loss.item())
        characters += symbols.numel()
    return {"ended": ended, "characters": characters, "curve": curve}


def _endless(texts: Texts) -> Iterator[tuple[torch.Tensor, ...]]:
    batches = TensorStreams(Streams(texts.encode(texts.train), STREAMS, STEPS))
    while True:
        yield from batches


def _check(
    model: CharacterModel,
    glance: Documents,
    elapsed: float,
    characters: int,
    losses: list[float],
) -> list[float]:
    return [
        round(elapsed, 1),
        characters,
        rounded(mean(losses) / math.log(2)),
        rounded(bits_per_character(model, glance)),
    ]


def tune_once(
    contender: Contender,
    rate: float,
    seed: int,
    seconds: float,
    plays: str = "small",
) -> Results:
    """Train for so many seconds and score a piece of the validation play."""
    texts = Texts(load(plays))
    torch.manual_seed(seed)
    model = contender.build(len(texts.alphabet))
    result = train(model, texts, rate, seconds)
    del result["curve"]
    glance = [texts.encode(texts.valid)[0][:GLANCE]]
    bits = bits_per_character(model, glance)
    return result | {"bits": rounded(bits) if math.isfinite(bits) else None}


def next_tuning(
    cell: str, done: Results
) -> tuple[float | None, tuple[float, int] | None]:
    """Return (the best rate, None), or (None, the rate and seed to run next).

    All rates run on the first tuning seed, the two best of them on the others;
    one rate further out as long as the best of all lies at the edge.
    """
    tried = list(FIRST_RATES)
    first, *others = TUNING_SEEDS
    while True:
        for rate in tried:
            if key(cell, rate, first) not in done:
                return None, (rate, first)
        ranked = sorted(
            tried, key=lambda rate: _bits(done[key(cell, rate, first)])
        )
        for rate in ranked[:2]:
            for seed in others:
                if key(cell, rate, seed) not in done:
                    return None, (rate, seed)
        best = min(
            ranked[:2],
            key=lambda rate: mean(
                _bits(done[key(cell, rate, seed)]) for seed in TUNING_SEEDS
            ),
        )
        beyond = {min(tried): -1, max(tried): 1}.get(best, 0)
        place = RATES.index(best) + beyond
        if not beyond or not 0 <= place < len(RATES):
            return best, None
        tried.append(RATES[place])


def next_whole_tuning(
    cell: str, done: Results
) -> tuple[float | None, tuple[float, int, float] | None]:
    """Return (the rate, None), or (None, rate, seed and seconds to run next).

    The best rate of the short runs is run for the whole budget, on the first
    tuning seed, and then a third of it, as long as the lower one is better.
    """
    best, following = next_tuning(cell, done)
    if best is None:
        assert following is not None
        return None, (*following, TUNING_SECONDS)
    seed, seconds = TUNING_SEEDS[0], PARTS["small"].seconds
    for rate in reversed(RATES[: RATES.index(best) + 1]):
        name = tuning_key(cell, rate, seed, seconds)
        if name not in done:
            return None, (rate, seed, seconds)
        if _bits(done[name]) > _bits(
            done[tuning_key(cell, best, seed, seconds)]
        ):
            break
        best = rate
    return best, None


def tuning_key(cell: str, rate: float, seed: int, seconds: float) -> str:
    """Name a run of the tuning."""
    whole = () if seconds == TUNING_SECONDS else ("whole",)
    return key(cell, rate, seed, *whole)


def next_stop(
    part: str, rate: float | None, done: Results
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Return (the best rate and CPU seconds, None), or (None, those to run
    next); `rate` is that of a part without rates of its own."""
    means = list(
        itertools.product(PARTS[part].rates or (rate,), PARTS[part].stops)
    )
    for each in means:
        if key(part, *each) not in done:
            return None, each
    return min(means, key=lambda each: _bits(done[key(part, *each)])), None


def _bits(run: Results) -> float:
    return math.inf if run["bits"] is None else run["bits"]


# A fresh seed, and what is looked at in it


def run_once(
    part: str, contender: Contender, rate: float, seed: int, seconds: float
) -> Results:
    """Train one model on a fresh seed and look at it from every side."""
    texts = Texts(load(PARTS[part].plays))
    _, ngrams = count_once(part, texts)
    torch.manual_seed(seed)
    model = contender.build(len(texts.alphabet))
    untrained = counting_units(model, texts)
    result = train(model, texts, rate, seconds, CHECKS)
    return result | {
        "rate": rate,
        "hidden": model.layer.hidden_size,
        "parameters": sum(p.numel() for p in model.parameters()),
        **compare(model, ngrams, texts),
        "written": write(model, texts, seed),
        "units": {
            "trained": counting_units(model, texts),
            "untrained": untrained,
        },
        "date": datetime.date.today().isoformat(),
    }


_counted: dict[str, tuple[Results, NGrams]] = {}


def count_once(part: str, texts: Texts) -> tuple[Results, NGrams]:
    """Count a part's plays, once a process."""
    plays = PARTS[part].plays
    if plays not in _counted:
        _counted[plays] = count(texts)
    return _counted[plays]


def costs(model: LanguageModel, documents: Documents) -> list[np.ndarray]:
    """Return the surprise of every symbol, document by document."""
    return [surprisals(model, document) for document in documents]


def mixed(
    network: np.ndarray, ngrams: np.ndarray, weight: float
) -> Float[np.ndarray, " symbols"]:
    """Return the surprise of probabilities that are averaged with a weight."""
    return -np.log2(weight * 2.0**-network + (1 - weight) * 2.0**-ngrams)


def compare(
    model: CharacterModel, ngrams: NGrams, texts: Texts
) -> dict[str, Any]:
    """Score network, n-grams and their mixture on the test plays.

    The mixture's weight is the best on the validation play. `gain by block`
    says by how many bits a character the network is better in each 2,000
    characters, `by kind` what each kind of character costs; the plays' ends
    count in `bits` alone.
    """
    valid = [
        np.concatenate(costs(each, texts.encode(texts.valid)))
        for each in (model, ngrams)
    ]
    weight = min(
        np.linspace(0.1, 0.9, 17), key=lambda w: mixed(*valid, w).mean()
    )
    test = texts.encode(texts.test)
    of_network, of_ngrams = costs(model, test), costs(ngrams, test)
    surprises = {
        "network": of_network,
        "n-grams": of_ngrams,
        "mixture": [
            mixed(a, b, weight)
            for a, b in zip(of_network, of_ngrams, strict=True)
        ],
    }
    sorts = np.concatenate([kinds(text) for text in texts.test])
    inside = {
        name: np.concatenate([each[:-1] for each in parts])
        for name, parts in surprises.items()
    }
    whole = len(sorts) // BLOCK * BLOCK
    return {
        "bits": {
            name: rounded(sum(each.sum() for each in parts) / len(sorts))
            for name, parts in surprises.items()
        },
        "valid": rounded(valid[0].sum() / (len(valid[0]) - len(texts.valid))),
        "weight": round(float(weight), 2),
        "gain by block": [
            rounded(each)
            for each in (inside["n-grams"] - inside["network"])[:whole]
            .reshape(-1, BLOCK)
            .mean(1)
        ],
        "by kind": {
            kind: {
                "characters": int((sorts == number).sum()),
                **{
                    name: rounded(bits[sorts == number].mean())
                    for name, bits in inside.items()
                },
            }
            for number, kind in enumerate(KINDS)
        },
    }


def write(model: CharacterModel, texts: Texts, seed: int) -> Results:
    """Let a model write at several temperatures and say what came out; the
    beginning is kept."""
    before = "\n".join(texts.train)
    vocabulary = set(words(before))
    found = {}
    for temperature in TEMPERATURES:
        written = texts.alphabet.decode(
            sample(
                model,
                texts.alphabet.encode(PROMPT),
                WRITTEN,
                temperature=temperature,
                rng=seed,
            )
        )
        found[f"{temperature:g}"] = {
            "text": written[:SHOWN],
            # A model may draw the end before its first word.
            "known words": rounded(known_words(written, vocabulary))
            if words(written)
            else None,
            "longest copy": longest_copy(written, before),
            "closed after": closing_distances(written),
        }
    return found


@torch.no_grad()
def states(
    model: CharacterModel, document: Symbols
) -> Float[np.ndarray, "time hidden"]:
    """Return a recurrent layer's outputs over a text."""
    model.eval()
    symbols = torch.from_numpy(document)[None]
    return model.layer(model.embedding(symbols))[0][0].numpy()


def counting_units(model: CharacterModel, texts: Texts) -> Results:
    """Find the unit that follows the place in the line best, on a piece of the
    validation play, and say how well it does on one of the test plays."""

    def correlations(text: str) -> Float[np.ndarray, " hidden"]:
        outputs = states(model, texts.alphabet.encode(text))
        places = line_places(text)
        outputs = outputs - outputs.mean(0)
        places = places - places.mean()
        scale = np.sqrt((outputs**2).sum(0) * (places**2).sum())
        return places @ outputs / np.maximum(scale, 1e-12)

    unit = int(np.abs(correlations(texts.valid[0][:GLANCE])).argmax())
    on_test = correlations(texts.test[0][:GLANCE])[unit]
    return {"unit": unit, "correlation": rounded(abs(float(on_test)))}


# All of it


def best_cell(runs: Results) -> str:
    """Return the cell with the lowest median on the validation play."""
    return min(
        CELLS,
        key=lambda cell: median(
            runs[key("small", cell, seed)]["valid"]
            for seed in PARTS["small"].seeds
        ),
    )


def jobs(
    part: str, results: Results, fresh: bool
) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Yield what is still to be run: where it is recorded, under which name,
    and with what it is run."""
    for cell in CELLS if part == "small" else ():
        while True:
            _, following = next_whole_tuning(cell, results["tuning"])
            if following is None:
                break
            name = tuning_key(cell, *following)
            yield "tuning", name, (Contender(cell), *following)
    cell = "GRU" if part == "small" else best_cell(results["runs"])
    chosen = None
    while PARTS[part].stops:
        rate, _ = next_whole_tuning(cell, results["tuning"])
        chosen, following = next_stop(part, rate, results["stops"])
        if following is None:
            break
        rate, seconds = following
        means = Contender(cell), rate, TUNING_SEEDS[0], seconds
        yield "stops", key(part, *following), (*means, PARTS[part].plays)
    if not fresh:
        return
    if part not in thresholds_committed(CLAIMS):
        print(f"no thresholds for {part} are committed: no fresh seeds")
        return
    for seed in PARTS[part].seeds:
        for name, contender in contenders(part, cell).items():
            run = key(part, name, seed)
            if run not in results["runs"]:
                rate, _ = next_whole_tuning(contender.cell, results["tuning"])
                rate, seconds = chosen or (
                    PARTS[part].rate or rate,
                    PARTS[part].seconds,
                )
                yield "runs", run, (part, contender, rate, seed, seconds)


def main() -> None:
    """Run what is missing of a part, saving after each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, default="small")
    parser.add_argument("--tune", action="store_true", help="no fresh seeds")
    parser.add_argument("--minutes", type=float, default=math.inf)
    arguments = parser.parse_args()
    # Vanishing gradients are denormal numbers, with which processors are slow.
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    end = time.monotonic() + 60 * arguments.minutes
    results: Results = {"counting": {}, "tuning": {}, "stops": {}, "runs": {}}
    results |= recorded(NAME) or {}
    part = arguments.part
    plays = PARTS[part].plays
    if plays not in results["counting"]:
        results["counting"][plays], _ = count_once(part, Texts(load(plays)))
        record(NAME, results)
    for where, name, means in jobs(part, results, not arguments.tune):
        if time.monotonic() > end:
            break
        before = time.process_time()
        made = (run_once if where == "runs" else tune_once)(*means)
        made["seconds"] = round(time.process_time() - before, 1)
        results[where][name] = made
        record(NAME, results)
        print(f"{name}: {made['bits']}, {made['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
