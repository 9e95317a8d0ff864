"""Each claim holds on its record, and fails where its contenders exchange."""

import ast
import inspect
import subprocess

import pytest

from benchmarks.claims import Claim, Effect, claim, every, exchanged
from tools import chapters, marks

CLAIMS = every()
RECORD = {
    "tag / two ways / 0": {"accuracy": [0.90, 0.92]},
    "tag / one way / 0": {"accuracy": [0.80, 0.83]},
    "best": "two ways",
    "steps": 100,
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_holds_on_its_record(name: str):
    assert all(
        effect.low <= effect.value <= effect.high
        for effect in CLAIMS[name].effects()
    )


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_fails_when_its_contenders_exchange(name: str):
    check = CLAIMS[name]
    copy = exchanged(check.results(), check.contenders)
    with pytest.raises(AssertionError):
        check.effects(copy)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_says_what_it_is_about(name: str):
    check = CLAIMS[name]
    assert check.sentence.endswith(".")
    assert check.data
    assert check.refuted_by


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_said_in_a_chapter(name: str):
    mark = f"({marks.LEDGER}{name})"
    assert any(
        mark in source.read_text(encoding="utf-8")
        for source in chapters.sources()
    )


def test_thresholds_stood_in_the_history_before_the_results():
    if git("rev-parse", "--is-shallow-repository") == "true":
        pytest.skip("this clone has no history; `git fetch --unshallow`")
    for name, check in CLAIMS.items():
        if check.thresholds is None:
            continue
        commit = commit_named(check.thresholds)
        module = f"benchmarks/claims/{check.topic}.py"
        now = (chapters.ROOT / module).read_text(encoding="utf-8")
        before = git("show", f"{commit}:{module}")
        assert asserts(before, name) == asserts(now, name)
        record = f"benchmarks/results/{check.record}.json"
        results = (chapters.ROOT / record).read_text(encoding="utf-8")
        assert git("show", f"{commit}:{record}") != results.strip()


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],
        cwd=chapters.ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stdout.strip()


def commit_named(subject: str) -> str:
    log = git("log", "--format=%H %s").splitlines()
    found = [line.split()[0] for line in log if line.endswith(f" {subject}")]
    assert len(found) == 1, f"{len(found)} commits are named {subject!r}"
    return found[0]


def asserts(source: str, name: str) -> list[str]:
    """Return what a function asserts, thresholds and all."""
    return [
        ast.dump(node)
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef) and function.name == name
        for node in ast.walk(function)
        if isinstance(node, ast.Assert)
    ]


def two_ways_win(results: dict) -> Effect:
    """Two ways
    win.

    By accuracy.
    """
    two, one = (
        results[f"tag / {ways} / 0"]["accuracy"]
        for ways in ("two ways", "one way")
    )
    gain = [a - b for a, b in zip(two, one, strict=True)]
    effect = Effect.over_seeds("accuracy gained by two ways", gain)
    assert effect.low > 0.05
    return effect


FACTS = {
    "record": "none",
    "contenders": ("two ways", "one way"),
    "seeds": range(2),
    "data": "digits",
    "refuted_by": "a gain below 0.05",
}


def test_a_claim_knows_its_sentence_and_its_effects():
    made = Claim(two_ways_win, **FACTS)
    assert (made.name, made.sentence) == ("two_ways_win", "Two ways win.")
    assert made.topic == "test_claims"
    assert str(made.effects(RECORD)[0]) == (
        "accuracy gained by two ways: 0.095 "
        "(0.09 to 0.1, median and range of 2 seeds)"
    )


def test_exchanging_changes_names_in_keys_and_texts_and_nothing_else():
    copy = exchanged(RECORD, ("two ways", "one way"))
    assert copy == {
        "tag / one way / 0": {"accuracy": [0.90, 0.92]},
        "tag / two ways / 0": {"accuracy": [0.80, 0.83]},
        "best": "one way",
        "steps": 100,
    }
    with pytest.raises(AssertionError):
        Claim(two_ways_win, **FACTS).effects(copy)


def test_exchanging_a_name_that_is_not_there_says_so():
    with pytest.raises(ValueError, match="the results name no three ways"):
        exchanged(RECORD, ("two ways", "three ways"))


def test_one_seed_backs_no_claim():
    with pytest.raises(ValueError, match="two_ways_win: one seed"):
        Claim(two_ways_win, **{**FACTS, "seeds": [3]})


def test_a_name_is_taken_once():
    def networks_correct_har(results):
        """Another."""

    with pytest.raises(
        ValueError, match="two claims named networks_correct_har"
    ):
        claim(**FACTS)(networks_correct_har)


def test_asserts_that_moved_are_found_out():
    source = inspect.getsource(two_ways_win)
    before = asserts(source, "two_ways_win")
    assert before == asserts(f"x = 1\n{source}", "two_ways_win")
    assert before != asserts(source.replace("0.05", "0.04"), "two_ways_win")
    assert before != asserts(source, "another_name")
