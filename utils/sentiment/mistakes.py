"""Where a classifier of reviews goes wrong: slices of the texts, and its most
confident mistakes.

Chapter 11.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from utils.data.text import tokenize

NEGATIONS = frozenset(
    "not no never nor neither none nothing nobody "
    "hardly barely scarcely without cannot".split()
)
CONTRASTS = frozenset(
    "but although though however yet despite "
    "nevertheless nonetheless whereas still".split()
)
SHORT, LONG = 12, 25


def slice_texts(texts: Collection[str]) -> pd.DataFrame:
    """Mark (text, slice) which texts negate, which contrast, and which are
    short or long.

    Short is up to 12 tokens, long more than 25. The words that decide stand in
    `NEGATIONS`, with every word in -n't, and in `CONTRASTS`: English, and a
    heuristic ("not only" is no negation).
    """
    tokens = [tokenize(text) for text in texts]
    lengths = np.array([len(each) for each in tokens])
    negated = [
        any(t in NEGATIONS or t.endswith(("n't", "n’t")) for t in each)
        for each in tokens
    ]
    contrasted = [bool(CONTRASTS.intersection(each)) for each in tokens]
    return pd.DataFrame(
        {
            "all": True,
            "negation": negated,
            "contrast": contrasted,
            "neither": ~(
                np.array(negated, dtype=bool) | np.array(contrasted, dtype=bool)
            ),
            "short": lengths <= SHORT,
            "medium": (lengths > SHORT) & (lengths <= LONG),
            "long": lengths > LONG,
        }
    )


def accuracy_by_slice(
    texts: Collection[str],
    labels: Int[np.ndarray, " text"],
    probabilities: Float[np.ndarray, " text"],
) -> pd.DataFrame:
    r"""Return each slice's number of texts and accuracy with its standard
    error.

    The standard error is binomial, $\sqrt{a (1 - a) / n}$; an empty slice has
    no accuracy.
    """
    right = (probabilities > 0.5) == (labels == 1)
    rows = {}
    for name, inside in slice_texts(texts).items():
        count = int(inside.sum())
        accuracy = float(right[inside].mean()) if count else np.nan
        error = np.sqrt(accuracy * (1 - accuracy) / max(count, 1))
        rows[name] = {
            "texts": count,
            "accuracy": accuracy,
            "standard_error": float(error),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def confident_mistakes(
    texts: Collection[str],
    labels: Int[np.ndarray, " text"],
    probabilities: Float[np.ndarray, " text"],
) -> pd.DataFrame:
    """Return the wrongly answered texts, the most confident first, with the
    slices they are in.

    The table has `text`, `label`, `probability` (of positive) and a column for
    each slice.
    """
    table = pd.DataFrame(
        {"text": list(texts), "label": labels, "probability": probabilities}
    )
    table = pd.concat([table, slice_texts(texts)], axis=1)
    wrong = table[(table["probability"] > 0.5) != (table["label"] == 1)]
    confidence = (wrong["probability"] - 0.5).abs()
    order = confidence.sort_values(ascending=False, kind="stable").index
    return wrong.loc[order].reset_index(drop=True)
