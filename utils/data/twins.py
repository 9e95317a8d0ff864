"""A generated corpus of reviews whose verdict hangs on the order of words
(chapter 11).

Three sentences in four come as twins: two clauses of opposite sentiment and a
word of contrast that says which of them counts; the twin has the clauses
exchanged. Twins hold the same words equally often and have opposite labels, so
a classifier that sees a bag of words gives both the same answer and is right on
exactly one of each pair: 50 %, provably. The remaining quarter are single
clauses, so such a classifier can reach 62.5 % at most.

Within a clause at least three neutral words stand between the adjective and any
word of contrast, so no sequence of three words holds both.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

TWIN_SHARE = 0.75


@dataclass(frozen=True)
class Grammar:
    """The words of one language and how they are joined.

    In `contrasts`, `{losing}` is the clause that is outweighed and `{winning}`
    the one that gives the verdict.
    """

    good: tuple[str, ...]
    bad: tuple[str, ...]
    subjects: tuple[str, ...]
    negators: tuple[str, ...]
    intensifiers: tuple[str, ...]
    settings: tuple[str, ...]
    contrasts: tuple[str, ...]
    neutral: tuple[str, ...]
    clause: str
    stop: str
    joint: str


ENGLISH = Grammar(
    good=tuple(
        "brilliant moving funny gripping elegant charming clever warm "
        "honest lively tender vivid witty graceful original memorable".split()
    ),
    bad=tuple(
        "dull clumsy tedious shallow bland hollow sloppy tired "
        "awkward dreary lifeless muddled pompous stale grating "
        "forgettable".split()
    ),
    subjects=(
        "the whole cast was",
        "the main plot was",
        "the new score was",
        "the camera work was",
        "the final act was",
        "the long dialogue was",
    ),
    negators=("not", "never", "hardly", "by no means"),
    intensifiers=("", "very", "really", "rather", "truly"),
    settings=(
        "in most of the scenes",
        "from the first minute on",
        "in the second half of it",
        "for nearly the whole evening",
        "in the version that we saw",
    ),
    contrasts=(
        "{losing} , but {winning}",
        "although {losing} , {winning}",
        "{winning} , although {losing}",
        "{losing} . however , {winning}",
    ),
    neutral=tuple(
        "we saw it on a tuesday after work with two friends and then took "
        "the late bus home "
        "past the river while it rained in our part of town".split()
    ),
    clause="{subject} {negator} {intensifier} {adjective} {setting}",
    stop=".",
    joint=" ",
)

CHINESE = Grammar(
    good=tuple(
        "精彩 动人 有趣 紧凑 优雅 迷人 聪明 温暖 "
        "真诚 活泼 细腻 生动 幽默 流畅 新颖 难忘".split()
    ),
    bad=tuple(
        "沉闷 笨拙 乏味 肤浅 平淡 空洞 "
        "马虎 陈旧 别扭 阴沉 呆板 混乱 做作 老套 刺耳 无聊".split()
    ),
    subjects=(
        "全体演员都",
        "故事主线都",
        "电影配乐都",
        "镜头画面都",
        "最后一幕都",
        "角色对白都",
    ),
    negators=("不", "并不", "从不", "毫不"),
    intensifiers=("", "太", "很", "特别", "那么"),
    settings=(
        "在大部分场景里",
        "从第一分钟开始",
        "在影片后半部分",
        "几乎整个晚上",
        "在我们看的版本里",
    ),
    contrasts=(
        "{losing}，但是{winning}",
        "虽然{losing}，{winning}",
        "{winning}，尽管{losing}",
        "{losing}。然而，{winning}",
    ),
    neutral=tuple(
        "我们 星期二 下班 后 跟 两个 朋友 一起 去 看 了 这 部 "
        "电影 再 坐 末班 车 沿 河 回家".split()
    ),
    clause="{subject}{negator}{intensifier}{adjective}，{setting}",
    stop="。",
    joint="",
)

GRAMMARS: dict[str, Grammar] = {"en": ENGLISH, "zh": CHINESE}


@dataclass(frozen=True)
class Clause:
    """A statement about a film, its sentiment, and whether its negation is
    held out."""

    text: str
    is_good: bool
    is_held_out: bool


def make_twins(
    n: int,
    rng: np.random.Generator | int,
    language: str = "en",
    tail: tuple[int, int] = (0, 12),
) -> pd.DataFrame:
    """Generate `n` labelled sentences, three in four of them as twins.

    Args:
        n: how many sentences.
        rng: a generator, or the seed of one.
        language: `"en"`, English words, or `"zh"`, Chinese characters.
        tail: the fewest and the most neutral words that follow the verdict.

    Returns:
        A table of `text`, `label` (1 where the verdict is good), `pair` (the
        same number for both twins, and one of its own for every other sentence)
        and `held_out`: the sentence negates an adjective by a negator that no
        sentence without this mark joins to it, though each of the two occurs in
        many. Split by `pair`, so that twins stay together.

    Raises:
        ValueError: an unknown language, `n` below 1, or a tail that is no
            range.
    """
    if language not in GRAMMARS:
        raise ValueError(f"language is {language!r}: 'en' or 'zh'")
    if n < 1:
        raise ValueError(f"n is {n}: at least 1")
    if not 0 <= tail[0] <= tail[1]:
        raise ValueError(
            f"tail is {tail}: the fewest and the most neutral words, 0 or more"
        )
    grammar, rng = GRAMMARS[language], np.random.default_rng(rng)
    pairs = int(n * TWIN_SHARE / 2)
    groups = [_make_pair(grammar, rng, tail) for _ in range(pairs)]
    groups += [_make_single(grammar, rng, tail) for _ in range(n - 2 * pairs)]
    order = rng.permutation(len(groups))
    rows = [
        (*row, pair)
        for pair, index in enumerate(order)
        for row in groups[index]
    ]
    frame = pd.DataFrame(rows, columns=["text", "label", "held_out", "pair"])
    return frame[["text", "label", "pair", "held_out"]]


def split_pairs(
    frame: pd.DataFrame,
    shares: tuple[float, ...],
    rng: np.random.Generator | int,
) -> list[pd.DataFrame]:
    """Split rows at random into parts of about the given shares, both twins
    always in one part.

    Raises:
        ValueError: the shares do not add up to 1.
    """
    if not np.isclose(sum(shares), 1):
        raise ValueError(
            f"the shares {shares} add up to {sum(shares):g}, not to 1"
        )
    pairs = np.random.default_rng(rng).permutation(frame["pair"].unique())
    ends = np.round(np.cumsum(shares)[:-1] * len(pairs)).astype(int)
    return [frame[frame["pair"].isin(part)] for part in np.split(pairs, ends)]


def _make_pair(
    grammar: Grammar, rng: np.random.Generator, tail: tuple[int, int]
) -> list[tuple]:
    good, bad = (
        _make_clause(grammar, rng, True),
        _make_clause(grammar, rng, False),
    )
    contrast, ending = (
        rng.choice(grammar.contrasts),
        _make_tail(grammar, rng, tail),
    )
    held_out = good.is_held_out or bad.is_held_out
    return [
        (
            contrast.format(losing=losing.text, winning=winning.text) + ending,
            label,
            held_out,
        )
        for losing, winning, label in ((bad, good, 1), (good, bad, 0))
    ]


def _make_single(
    grammar: Grammar, rng: np.random.Generator, tail: tuple[int, int]
) -> list[tuple]:
    clause = _make_clause(grammar, rng, bool(rng.integers(2)))
    return [
        (
            clause.text + _make_tail(grammar, rng, tail),
            int(clause.is_good),
            clause.is_held_out,
        )
    ]


def _make_clause(
    grammar: Grammar, rng: np.random.Generator, is_good: bool
) -> Clause:
    """Draw a clause of the sentiment asked for; half of them negate the
    opposite adjective."""
    is_negated = bool(rng.integers(2))
    adjectives = grammar.good if is_good != is_negated else grammar.bad
    adjective, negator = (
        rng.integers(len(adjectives)),
        rng.integers(len(grammar.negators)),
    )
    text = grammar.clause.format(
        subject=rng.choice(grammar.subjects),
        negator=grammar.negators[negator] if is_negated else "",
        intensifier=rng.choice(grammar.intensifiers),
        adjective=adjectives[adjective],
        setting=rng.choice(grammar.settings),
    )
    # Each adjective is kept from one negator, and each negator from a quarter
    # of the adjectives.
    is_held_out = is_negated and adjective % len(grammar.negators) == negator
    return Clause(" ".join(text.split()), is_good, bool(is_held_out))


def _make_tail(
    grammar: Grammar, rng: np.random.Generator, tail: tuple[int, int]
) -> str:
    words = rng.choice(
        grammar.neutral, size=rng.integers(tail[0], tail[1], endpoint=True)
    )
    return grammar.joint + grammar.joint.join([grammar.stop, *words])
