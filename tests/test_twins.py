from collections import Counter

import pytest

from utils.data.text import tokenize
from utils.data.twins import GRAMMARS, make_twins, split_pairs

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def ngrams(text, n):
    tokens = tokenize(text)
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


@LANGUAGES
def test_twins_have_equal_bags_and_opposite_labels(language):
    frame = make_twins(2000, 0, language)
    sizes = frame.groupby("pair").size()
    assert sizes.max() == 2
    assert (sizes == 2).sum() * 2 / len(frame) == pytest.approx(0.75, abs=0.001)
    for _, twins in frame[frame["pair"].map(sizes) == 2].groupby("pair"):
        assert sorted(twins["label"]) == [0, 1]
        first, second = map(tokenize, twins["text"])
        assert first != second
        assert Counter(first) == Counter(second)


@LANGUAGES
def test_any_rule_on_bags_is_right_on_one_twin_of_each_pair(language):
    """The bound: a rule that reads counts alone, here an arbitrary hash,
    scores 50 % on twins."""
    frame = make_twins(1000, 1, language)
    twins = frame[frame.duplicated("pair", keep=False)]
    verdicts = [
        hash(frozenset(ngrams(text, 1).items())) % 2 for text in twins["text"]
    ]
    assert (twins["label"] == verdicts).mean() == 0.5


@LANGUAGES
def test_no_three_tokens_join_an_adjective_to_a_word_of_contrast(language):
    grammar = GRAMMARS[language]
    frame = make_twins(1000, 2, language, tail=(0, 0))
    marks = {
        "en": {"but", "although", "however"},
        "zh": {"但", "虽", "尽", "然"},
    }[language]
    adjectives = {
        token for word in grammar.good + grammar.bad for token in tokenize(word)
    }
    for text in frame["text"]:
        for gram in ngrams(text, 3):
            assert not (marks & set(gram) and adjectives & set(gram)), (
                gram,
                text,
            )


@LANGUAGES
def test_held_out_combinations_are_new_but_their_parts_are_not(language):
    grammar = GRAMMARS[language]
    frame = make_twins(4000, 3, language)
    seen = " ".join(frame.loc[~frame["held_out"], "text"])
    for word in (*grammar.good, *grammar.bad, *grammar.negators):
        assert word in seen
    assert 0.1 < frame["held_out"].mean() < 0.4
    assert frame.groupby("pair")["held_out"].nunique().max() == 1
    if language == "en":
        for index, adjective in enumerate(grammar.good):
            negator = grammar.negators[index % len(grammar.negators)]
            for intensifier in grammar.intensifiers:
                phrase = (
                    " ".join(f"{negator} {intensifier} {adjective} ".split())
                    + " "
                )
                assert phrase not in seen


@LANGUAGES
def test_the_same_seed_gives_the_same_corpus_and_another_seed_another(language):
    assert make_twins(50, 4, language).equals(make_twins(50, 4, language))
    assert not make_twins(50, 4, language).equals(make_twins(50, 5, language))


def test_the_verdict_is_that_of_the_winning_clause():
    frame = make_twins(400, 6, tail=(0, 0))
    for text, label in zip(frame["text"], frame["label"], strict=True):
        if ", but " in text:
            verdict = text.split(", but ")[1]
        elif text.startswith("although"):
            verdict = text.split(" , ", 1)[1]
        else:
            continue
        words = set(tokenize(verdict))
        good = bool(words & set(GRAMMARS["en"].good))
        negated = bool(words & {"not", "never", "hardly", "no"})
        assert label == int(good != negated)


def test_tails_have_the_lengths_asked_for():
    for text in make_twins(50, 7, tail=(400, 400))["text"]:
        assert len(tokenize(text.rsplit(" . ", 1)[1])) == 400


def test_labels_are_balanced():
    assert make_twins(4000, 8)["label"].mean() == pytest.approx(0.5, abs=0.02)


def test_splitting_keeps_twins_together():
    frame = make_twins(1000, 9)
    parts = split_pairs(frame, (0.6, 0.2, 0.2), 0)
    assert sum(map(len, parts)) == len(frame)
    assert (
        len(set().union(*(set(part["pair"]) for part in parts)))
        == frame["pair"].nunique()
    )
    assert (
        sum(part["pair"].nunique() for part in parts) == frame["pair"].nunique()
    )
    assert len(parts[0]) == pytest.approx(600, abs=40)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"language": "fr"}, "language is 'fr'"),
        ({"tail": (5, 2)}, r"tail is \(5, 2\)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_twins(**{"n": 10, "rng": 0, **arguments})
    with pytest.raises(ValueError, match=r"add up to 0\.9"):
        split_pairs(make_twins(10, 0), (0.5, 0.4), 0)
