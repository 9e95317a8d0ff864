"""A classifier of a reader's texts: trained for some minutes, calibrated,
written to a folder and read back.

A recurrent network and NB-weighted logistic regression learn from the same
rows; the one with the lower log loss on validation is kept. The folder holds
it, `run/` what `fit` needs to continue, and `plan/` what was decided when the
run began. All are checkpoints of `utils.training`: tensors in safetensors and
the rest in JSON, no pickle.
"""

import hashlib
import itertools
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar
from sklearn.metrics import f1_score
from sklearn.pipeline import Pipeline
from torch import Tensor, nn

from utils.commands import progress
from utils.data.text import Vocabulary, tokenize
from utils.sentiment.bag_of_words import naive_bayes_regression
from utils.sentiment.pytorch import (
    ReviewBatches,
    SentimentClassifier,
    positive_probabilities,
)
from utils.sentiment.rows import Rows
from utils.training import fit
from utils.training.checkpoints import (
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from utils.training.folder import ModelFolderError, load_finished
from utils.training.pace import seconds_per_step

NETWORK, REGRESSION = "recurrent network", "NB-weighted regression"
BATCH, RATE, CLIP, PATIENCE = 64, 2e-3, 1.0, 3
# A pass over many rows is cut into rounds, so that the minutes hold several;
# a few rows are not passed over for ever.
ROUNDS, MOST_PASSES = 8, 30
# Of the minutes asked for: the rest goes to validation and checkpoints.
TRAINING_SHARE = 0.8
# Rows, and characters in them, beyond which counting n-grams takes gigabytes,
# and rows beyond which validation would take longer than training.
MOST_COUNTED, MOST_CHARACTERS = 100_000, 60_000_000
MOST_VALIDATED = 5_000
CHUNK = 4096
# Of what a folder holds: raised where older code could not read it.
FORMAT = 1
LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Settings:
    """What a run is asked for besides its data."""

    minutes: float = 10.0
    hidden_size: int = 64
    seed: int = 0


@dataclass(frozen=True)
class Score:
    """What a classifier reaches on some rows."""

    log_loss: float
    accuracy: float
    f1: tuple[float, float]
    calibration_error: float


@dataclass(frozen=True)
class Classifier:
    """A trained classifier with its temperature.

    Attributes:
        kind: `NETWORK` or `REGRESSION`.
        names: what the reader calls the negative and the positive class.
        temperature: the log odds are divided by it.
        odds: gives the log odds that each text is positive.
        known: the words that it has learned from.
        state: what a checkpoint holds of it.
    """

    kind: str
    names: tuple[str, str]
    temperature: float
    odds: Callable[[Sequence[str]], Float[np.ndarray, " text"]]
    known: frozenset[str]
    state: dict[str, Any]

    def probabilities(
        self, texts: Sequence[str], quiet: bool = True
    ) -> Float[np.ndarray, " text"]:
        """Return the calibrated probability that each text is positive."""
        found = np.empty(len(texts))
        with progress(len(texts), "texts", quiet) as bar:
            for start in range(0, len(texts), CHUNK):
                part = texts[start : start + CHUNK]
                found[start : start + len(part)] = self.odds(part)
                bar.update(len(part))
        return 1 / (1 + np.exp(-found / self.temperature))


@dataclass(frozen=True)
class Training:
    """What came of a training: the classifier kept, and both one's scores.

    Attributes:
        chosen: the classifier with the lower log loss on validation.
        validation: each one's score, calibrated, by kind.
        test: the same on the test rows.
        uncalibrated: the chosen one's calibration error on the test rows
            before its odds are divided by the temperature.
        confusion: the chosen one's answers to the test rows: rows are the
            labels, columns the answers.
    """

    chosen: Classifier
    validation: dict[str, Score]
    test: dict[str, Score]
    uncalibrated: float
    confusion: Int[np.ndarray, "2 2"]


class Rounds(ReviewBatches):
    """The first so many batches of a new pass, each time it is iterated."""

    count: int | None = None

    def __len__(self) -> int:
        """Count a round's batches."""
        whole = super().__len__()
        return whole if self.count is None else min(whole, self.count)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Draw a round."""
        return itertools.islice(super().__iter__(), len(self))


def train_classifier(
    rows: Rows,
    folder: str | Path,
    settings: Settings | None = None,
    force: bool = False,
    say: Callable[[str], None] = print,
) -> Training:
    """Train both classifiers on the same rows for about so many minutes, or
    finish the run that the folder holds, and keep the better one.

    The network is a two-way LSTM with max pooling; its weights are those of the
    round with the least validation loss. Each classifier's log odds are divided
    by the temperature with the least log loss on validation (Guo et al., 2017,
    On Calibration of Modern Neural Networks).

    Raises:
        ModelFolderError: the folder holds a run on other rows or with other
            settings, and `force` does not say to begin anew.
        CheckpointError: a file in the folder is damaged.
    """
    folder, settings = Path(folder), settings or Settings()
    if force:
        for name in ("plan", "run"):
            shutil.rmtree(folder / name, ignore_errors=True)
    # Before the work: a run on other rows is refused at once.
    plan = _load_plan(folder, rows, settings)
    deadline = time.perf_counter() + 60 * settings.minutes
    contenders = [
        _train_regression(rows, settings.seed, say),
        _train_network(rows, folder, settings, plan, deadline, say),
    ]
    training = _compare(contenders, rows, say)
    save_checkpoint(folder, training.chosen.state | {"format": FORMAT})
    return training


def load_classifier(folder: str | Path) -> Classifier:
    """Read back what `train_classifier` wrote.

    Raises:
        ModelFolderError: the folder holds no finished model, or one that newer
            code has written.
        CheckpointError: a file in it is damaged.
    """
    anew = "python -m utils.sentiment train REVIEWS"
    if Path(folder).is_file():
        raise ModelFolderError(
            f"{folder} is a file; give the folder that was train's --out"
        )
    try:
        state = load_finished(folder, anew, {"kind", "temperature"})
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}; where there is none, train anew: {anew} --out {folder} "
            "--force"
        ) from error
    if state.get("format", 1) > FORMAT:
        raise ModelFolderError(
            f"{folder} holds a model of format {state['format']}, and this "
            f"version of the book reads up to {FORMAT}: fetch the book anew, "
            f"or train here: {anew} --out {folder} --force"
        )
    try:
        return _classifier_from(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelFolderError(
            f"{folder} holds a model that cannot be put together ({error}); "
            f"train anew: {anew} --out {folder} --force"
        ) from error


def _classifier_from(state: dict[str, Any]) -> Classifier:
    if state["kind"] == REGRESSION:
        return _regression_from(state)
    vocabulary = Vocabulary(state["tokens"])
    model = SentimentClassifier(
        len(vocabulary), hidden_size=state["hidden_size"]
    )
    model.load_state_dict(state["weights"])
    model.eval()
    return _network_from(state, model, vocabulary)


def score(
    probabilities: Float[np.ndarray, " text"], labels: Int[np.ndarray, " text"]
) -> Score:
    """Return log loss, accuracy, each class's F1 and the calibration error."""
    said = (probabilities > 0.5).astype(int)
    of_label = np.where(labels == 1, probabilities, 1 - probabilities)
    f1 = [
        float(f1_score(labels, said, pos_label=each, zero_division=0.0))
        for each in (0, 1)
    ]
    return Score(
        # From zero, so that no loss at all is not minus zero.
        float(0 - np.log(np.maximum(of_label, LEAST_PROBABILITY)).mean()),
        float((said == labels).mean()),
        (f1[0], f1[1]),
        calibration_error(probabilities, labels),
    )


def calibration_error(
    probabilities: Float[np.ndarray, " text"], labels: Int[np.ndarray, " text"]
) -> float:
    """Return the gap between confidence and accuracy, averaged over the rows
    of ten bins of confidence (Guo et al., 2017)."""
    confidence = np.maximum(probabilities, 1 - probabilities)
    right = (probabilities > 0.5) == (labels == 1)
    bins = np.minimum(((confidence - 0.5) * 20).astype(int), 9)
    gaps = np.bincount(bins, confidence - right, minlength=10)
    return float(np.abs(gaps).sum() / len(labels))


def best_temperature(
    odds: Float[np.ndarray, " text"], labels: Int[np.ndarray, " text"]
) -> float:
    """Return the temperature, from 0.05 to 20, whose quotient with the log
    odds has the least log loss."""
    signed = np.where(labels == 1, odds, -odds)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    found = minimize_scalar(
        loss, bounds=(np.log(0.05), np.log(20)), method="bounded"
    )
    return float(np.exp(found.x))


def _compare(
    contenders: list[Classifier], rows: Rows, say: Callable[[str], None]
) -> Training:
    """Calibrate both and choose by the log loss on validation; look at the
    test rows once."""
    texts, labels = _columns(rows.parts["validation"])
    say(
        f"asking both about {len(texts):,} validation and "
        f"{len(rows.parts['test']):,} test texts"
    )
    validation, calibrated = {}, []
    for each in contenders:
        odds = _log_odds(each.probabilities(texts, quiet=False))
        each = _calibrated(each, best_temperature(odds, labels))
        found = 1 / (1 + np.exp(-odds / each.temperature))
        validation[each.kind] = score(found, labels)
        calibrated.append(each)
    texts, labels = _columns(rows.parts["test"])
    answers = {
        each.kind: each.probabilities(texts, quiet=False) for each in calibrated
    }
    chosen = min(calibrated, key=lambda each: validation[each.kind].log_loss)
    found = answers[chosen.kind]
    plain = 1 / (1 + np.exp(-_log_odds(found) * chosen.temperature))
    said = (found > 0.5).astype(int)
    confusion = np.bincount(2 * labels + said, minlength=4).reshape(2, 2)
    return Training(
        chosen,
        validation,
        {kind: score(found, labels) for kind, found in answers.items()},
        calibration_error(plain, labels),
        confusion,
    )


def _calibrated(classifier: Classifier, temperature: float) -> Classifier:
    return replace(
        classifier,
        temperature=temperature,
        state=classifier.state | {"temperature": temperature},
    )


def _train_regression(
    rows: Rows, seed: int, say: Callable[[str], None]
) -> Classifier:
    train = rows.parts["train"]
    drawn = train.sample(min(len(train), MOST_COUNTED), random_state=seed)
    drawn = drawn[drawn["text"].str.len().cumsum() <= MOST_CHARACTERS]
    if len(drawn) < len(train):
        say(
            f"{REGRESSION}: learns from {len(drawn):,} of the training texts, "
            "drawn at random"
        )
        train = drawn
    else:
        say(f"{REGRESSION}: learns from {len(train):,} texts")
    model = naive_bayes_regression()
    texts, labels = _columns(train)
    model.fit(texts, labels)
    counts, weights, regression = (step for _, step in model.steps)
    ngrams = sorted(counts.vocabulary_, key=counts.vocabulary_.get)
    return _regression_from(
        {
            "kind": REGRESSION,
            "names": rows.names,
            "temperature": 1.0,
            "ngrams": ngrams,
            "ratios": torch.from_numpy(weights.ratios_),
            "coefficients": torch.from_numpy(regression.coef_),
            "intercept": torch.from_numpy(regression.intercept_),
        }
    )


def _regression_from(state: dict[str, Any]) -> Classifier:
    model: Pipeline = naive_bayes_regression()
    counts, weights, regression = (step for _, step in model.steps)
    counts.set_params(
        vocabulary={each: at for at, each in enumerate(state["ngrams"])}
    )
    weights.ratios_ = state["ratios"].numpy()
    regression.coef_ = state["coefficients"].numpy()
    regression.intercept_ = state["intercept"].numpy()
    regression.classes_ = np.array([0, 1])
    return Classifier(
        REGRESSION,
        state["names"],
        state["temperature"],
        model.decision_function,
        frozenset(each for each in state["ngrams"] if " " not in each),
        state,
    )


def _train_network(
    rows: Rows,
    folder: Path,
    settings: Settings,
    plan: dict[str, Any] | None,
    deadline: float,
    say: Callable[[str], None],
) -> Classifier:
    train, valid = rows.parts["train"], rows.parts["validation"]
    say(f"{NETWORK}: counts and numbers the words of {len(train):,} texts")
    vocabulary = Vocabulary.from_texts(train["text"], minimum_frequency=2)
    torch.manual_seed(settings.seed)
    model = SentimentClassifier(
        len(vocabulary), hidden_size=settings.hidden_size
    )
    rounds = Rounds(*_columns(train), vocabulary, BATCH, rng=settings.seed)
    longest = int(rounds.lengths.max())
    # Only a text of the greatest length can have been cut.
    cut = sum(
        len(tokenize(text)) > longest
        for text in train["text"][rounds.lengths == longest]
    )
    if plan is None:
        pace = _seconds_per_step(model, rounds)
        # What the trial drew is drawn again.
        rounds.rng = np.random.default_rng(settings.seed)
        seconds = max(0.0, deadline - time.perf_counter())
        steps = max(1, int(TRAINING_SHARE * seconds / pace))
        count = min(len(rounds), max(1, steps // ROUNDS))
        most = max(1, MOST_PASSES * len(rounds) // count)
        plan = _asked(rows, settings) | {
            "count": count,
            "rounds": max(1, min(most, steps // count)),
        }
        save_checkpoint(folder / "plan", plan)
    rounds.count = plan["count"]
    say(
        f"{NETWORK}: two-way LSTM, {settings.hidden_size} units each way, "
        f"{len(vocabulary):,} words;\nat most {plan['rounds']} rounds of "
        f"{plan['count']:,} x {BATCH} texts"
        + (
            f"; of {cut:,} texts it reads the first {longest} words"
            if cut
            else ""
        )
    )
    few = valid.sample(min(len(valid), MOST_VALIDATED), random_state=0)
    history = fit(
        model,
        rounds,
        ReviewBatches(*_columns(few), vocabulary, 256),
        loss=nn.functional.cross_entropy,
        optimizer=torch.optim.AdamW(model.parameters(), RATE),
        epochs=plan["rounds"],
        patience=PATIENCE,
        clip=CLIP,
        checkpoint=folder / "run",
    )
    if history.best_epoch == plan["rounds"]:
        say("the network was still improving: more --minutes may help it")
    state = {
        "kind": NETWORK,
        "names": rows.names,
        "temperature": 1.0,
        "tokens": list(vocabulary.tokens[len(Vocabulary.SPECIAL) :]),
        "hidden_size": settings.hidden_size,
        "weights": model.state_dict(),
    }
    return _network_from(state, model, vocabulary)


def _network_from(
    state: dict[str, Any], model: SentimentClassifier, vocabulary: Vocabulary
) -> Classifier:
    return Classifier(
        NETWORK,
        state["names"],
        state["temperature"],
        lambda texts: _log_odds(
            positive_probabilities(model, texts, vocabulary)
        ),
        frozenset(state["tokens"]),
        state,
    )


def _seconds_per_step(model: nn.Module, batches: ReviewBatches) -> float:
    return seconds_per_step(model, batches, nn.functional.cross_entropy)


def _log_odds(
    probabilities: Float[np.ndarray, " text"],
) -> Float[np.ndarray, " text"]:
    inside = np.clip(
        probabilities.astype(float), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY
    )
    return np.log(inside) - np.log1p(-inside)


def _columns(part: pd.DataFrame) -> tuple[list[str], Int[np.ndarray, " text"]]:
    return part["text"].tolist(), part["label"].to_numpy()


def _asked(rows: Rows, settings: Settings) -> dict[str, Any]:
    """Return what makes a run another run where it differs."""
    digest = hashlib.sha256()
    for split, part in rows.parts.items():
        for text, label in zip(*_columns(part), strict=True):
            digest.update(f"{split}\0{label}\0{text}\0".encode())
    return {"rows": digest.hexdigest()} | vars(settings)


def _load_plan(
    folder: Path, rows: Rows, settings: Settings
) -> dict[str, Any] | None:
    """Read the plan of the folder's run; refuse that of another run."""
    plan = load_checkpoint(folder / "plan")
    if plan is None:
        return None
    for name, value in _asked(rows, settings).items():
        if plan.get(name) != value:
            what = (
                "on other rows"
                if name == "rows"
                else f"with {name}={plan.get(name)}, and this one asks for "
                f"{name}={value}"
            )
            raise ModelFolderError(
                f"{folder} holds a run {what}; give what it began with, "
                "another folder for --out, or --force to begin anew"
            )
    return plan
