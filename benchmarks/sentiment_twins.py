"""What order asks of a model: architectures on the twins corpus, five seeds each.

Every network has embeddings and states of 32, and trains 10 epochs of Adam at 0.005 on the same
sentences without held-out combinations; the epoch with the lowest validation loss counts.
"""

import functools
import os
import time

import pandas as pd
import torch
from torch import nn

from benchmarks.record import run_missing
from utils.bag_of_words import naive_bayes_regression, tfidf_regression
from utils.data.text import Vocabulary
from utils.data.twins import make_twins, split_pairs
from utils.torch_sentiment import ReviewBatches, SentimentClassifier, positive_probabilities
from utils.training import fit

ARCHITECTURES = {
    "BiLSTM, max": {"pooling": "max"},
    "BiLSTM, attention": {"pooling": "attention"},
    "BiLSTM, last": {"pooling": "last"},
    "LSTM, last": {"pooling": "last", "two_way": False},
    "GRU, last": {"pooling": "last", "two_way": False, "cell": "GRU"},
    "RNN, last": {"pooling": "last", "two_way": False, "cell": "RNN"},
}
SEEDS, EPOCHS, SENTENCES = 5, 10, 9500


@functools.cache
def corpus(sentences: int = SENTENCES, language: str = "en") -> dict[str, pd.DataFrame]:
    """Generate the parts: train, validation, test, held-out combinations, and long tails."""
    frame = make_twins(sentences, rng=0, language=language)
    seen = frame[~frame["held_out"]]
    parts = dict(
        zip(("train", "validation", "test"), split_pairs(seen, (0.8, 0.1, 0.1), 0), strict=True)
    )
    parts["held out"] = frame[frame["held_out"]]
    for length in (50, 100, 400):
        parts[f"tail {length}"] = make_twins(400, length, language, tail=(length, length))
    return parts


def train_classifier(
    options: dict, seed: int, parts: dict[str, pd.DataFrame], epochs: int = EPOCHS
) -> tuple[SentimentClassifier, Vocabulary]:
    """Train one network on the corpus and return it with its vocabulary."""
    train, valid = parts["train"], parts["validation"]
    vocabulary = Vocabulary.from_texts(train["text"])
    torch.manual_seed(seed)
    model = SentimentClassifier(
        len(vocabulary), 32, 32, dropout=(0.1, 0.1), word_dropout=0.0, **options
    )
    fit(
        model,
        ReviewBatches(train["text"], train["label"], vocabulary, rng=seed),
        ReviewBatches(valid["text"], valid["label"], vocabulary, 256),
        loss=nn.functional.cross_entropy,
        optimizer=torch.optim.Adam(model.parameters(), 5e-3),
        epochs=epochs,
        clip=1.0,
    )
    return model, vocabulary


def measure(options: dict, seed: int) -> dict[str, float]:
    """Train one network and return its accuracy on every part, and its CPU seconds."""
    started = time.process_time()
    parts = corpus()
    model, vocabulary = train_classifier(options, seed, parts)
    scores = {"cpu_seconds": time.process_time() - started}
    for name, part in parts.items():
        if name not in ("train", "validation"):
            right = positive_probabilities(model, part["text"], vocabulary) > 0.5
            scores[name] = float((right == part["label"]).mean())
    return scores


def measure_counts(longest: int, weighted: bool) -> dict[str, float]:
    """Train a bag of n-grams and return its accuracy on every part, and on twins alone."""
    parts = corpus()
    model = naive_bayes_regression(longest) if weighted else tfidf_regression(longest)
    model.fit(parts["train"]["text"], parts["train"]["label"])
    scores = {
        name: float(model.score(part["text"], part["label"]))
        for name, part in parts.items()
        if name not in ("train", "validation")
    }
    twins = parts["test"][parts["test"].duplicated("pair", keep=False)]
    return {**scores, "test twins": float(model.score(twins["text"], twins["label"]))}


def main() -> None:
    """Measure what is not recorded yet."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    runs = {
        f"TF-IDF, up to {longest}-grams": functools.partial(measure_counts, longest, False)
        for longest in (1, 2, 3)
    }
    runs["NB-weighted, up to 2-grams"] = functools.partial(measure_counts, 2, True)
    for name, options in ARCHITECTURES.items():
        for seed in range(SEEDS):
            runs[f"{name}, seed {seed}"] = functools.partial(measure, options, seed)
    run_missing("sentiment_twins", runs)


if __name__ == "__main__":
    main()
