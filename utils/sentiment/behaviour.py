"""What a classifier of reviews must be able to do, as generated sentences:
CheckList's idea.

Ribeiro, Wu, Guestrin and Singh (2020), Beyond Accuracy: Behavioral Testing of
NLP Models with CheckList, ACL. Its three kinds of test are here: a label that
must come out, a change that must not matter (invariance), and a change that
must move the answer one way (direction). Chapter 11.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from utils.data.twins import ENGLISH

Classify = Callable[[list[str]], Float[np.ndarray, " text"]]

CASES = 100
# A move in the wrong direction that is smaller than this is no failure;
# CheckList's own default.
TOLERANCE = 0.1
PLAIN = "{subject} {adjective} ."
NEUTRAL = "we saw it on a tuesday after work ."


@dataclass(frozen=True)
class BehaviourTest:
    """Sentences, the same sentences changed where the test changes them, and
    what must hold.

    `expected` is 1 for positive and 0 for negative, sentence by sentence: the
    label that must come out, or the direction in which the change must push. An
    invariance test has none.
    """

    name: str
    kind: Literal["label", "invariance", "direction"]
    texts: Sequence[str]
    changed: Sequence[str] = ()
    expected: Sequence[int] = ()

    def failures(self, classify: Classify) -> Bool[np.ndarray, " text"]:
        """Mark the sentences on which a classifier fails, given its
        probability of positive."""
        before = classify(list(self.texts))
        if self.kind == "label":
            return (before > 0.5) != np.asarray(self.expected, dtype=bool)
        after = classify(list(self.changed))
        if self.kind == "invariance":
            return (before > 0.5) != (after > 0.5)
        push = np.where(
            np.asarray(self.expected) == 1, after - before, before - after
        )
        return push < -TOLERANCE


def behaviour_tests(rng: np.random.Generator | int = 0) -> list[BehaviourTest]:
    """Generate every test, 100 sentences each, from the words of the English
    twins."""
    rng = np.random.default_rng(rng)
    return [
        _label_test("plain verdict", PLAIN, rng),
        _label_test("negation", "{subject} not {opposite} .", rng),
        _label_test(
            "contrast: but",
            "{subject} {opposite} , but {other} {adjective} .",
            rng,
        ),
        _label_test(
            "contrast: although",
            "although {subject} {opposite} , {other} {adjective} .",
            rng,
        ),
        _label_test(
            "expectation denied",
            "we expected something {opposite} , but it was {adjective} .",
            rng,
        ),
        _change_test(
            "another subject", "invariance", "{other} {adjective} .", rng
        ),
        _change_test(
            "neutral words behind", "invariance", f"{PLAIN} {NEUTRAL}", rng
        ),
        _change_test(
            "neutral words in front", "invariance", f"{NEUTRAL} {PLAIN}", rng
        ),
        _change_test(
            "one more word of praise or blame",
            "direction",
            PLAIN + " {more} !",
            rng,
        ),
    ]


def failure_rates(
    tests: Sequence[BehaviourTest], classify: Classify
) -> pd.Series:
    """Return the share of sentences on which a classifier fails each test."""
    return pd.Series(
        {test.name: float(test.failures(classify).mean()) for test in tests}
    )


def _label_test(
    name: str, pattern: str, rng: np.random.Generator
) -> BehaviourTest:
    drawn = [_draw(rng) for _ in range(CASES)]
    return BehaviourTest(
        name,
        "label",
        [pattern.format(**words) for words, _ in drawn],
        expected=[label for _, label in drawn],
    )


def _change_test(
    name: str,
    kind: Literal["invariance", "direction"],
    pattern: str,
    rng: np.random.Generator,
) -> BehaviourTest:
    drawn = [_draw(rng) for _ in range(CASES)]
    return BehaviourTest(
        name,
        kind,
        [PLAIN.format(**words) for words, _ in drawn],
        [pattern.format(**words) for words, _ in drawn],
        [label for _, label in drawn] if kind == "direction" else (),
    )


def _draw(rng: np.random.Generator) -> tuple[dict[str, str], int]:
    """Draw the words of one sentence and its label."""
    label = int(rng.integers(2))
    own, opposite = (ENGLISH.good, ENGLISH.bad)[:: 1 if label else -1]
    subject, other = rng.choice(ENGLISH.subjects, size=2, replace=False)
    adjective, more = rng.choice(own, size=2, replace=False)
    words = {
        "subject": str(subject),
        "other": str(other),
        "adjective": str(adjective),
        "more": str(more),
        "opposite": str(rng.choice(opposite)),
    }
    return words, label
