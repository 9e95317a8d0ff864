"""A small case of the pronunciation benchmark, and its order of runs."""

import pytest

from benchmarks import pronunciation


@pytest.fixture(autouse=True)
def short_budget(monkeypatch):
    for budgets in pronunciation.BUDGETS.values():
        monkeypatch.setitem(budgets, 0, (1, 1))


@pytest.fixture(scope="module")
def words():
    return pronunciation.Words("word", limit=300)


def test_a_network_goes_on_from_its_checkpoint(words, tmp_path, monkeypatch):
    monkeypatch.setattr(pronunciation, "CHECKPOINTS", tmp_path)
    means = words, "word", "attention"
    small = pronunciation.measure(*means, 0, 3e-3, 0.1, 0)
    again = pronunciation.measure(*means, 0, 3e-3, 0.1, 0)
    assert small["valid loss"] == again["valid loss"]
    assert small["passes"] == 2
    assert again["seconds"] > 0
    assert 0 <= small["test"]["word errors"] <= 1
    for drawn in small["maps"]:
        assert len(drawn["weights"]) == len(drawn["written"])


def test_networks_are_mixed_with_the_counts(words, tmp_path, monkeypatch):
    monkeypatch.setattr(pronunciation, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(pronunciation, "SEEDS", range(2))
    with pytest.raises(FileNotFoundError):
        pronunciation.mixed(words, "word", budget=0)
    for seed in range(2):
        pronunciation.measure(words, "word", "attention", 0, 3e-3, 0.1, seed)
    result = pronunciation.mixed(words, "word", budget=0)
    assert 0 <= result["networks' share"] <= 1
    for score in (result["ensemble"], result["mixture"]):
        assert 0 <= score["word errors"] <= 1
        assert sum(
            part["words"] for part in score["by letters"].values()
        ) == len(words.test)


@pytest.mark.parametrize("contender", pronunciation.BUDGETS)
def test_a_beam_of_one_writes_greedily(words, tmp_path, monkeypatch, contender):
    monkeypatch.setattr(pronunciation, "CHECKPOINTS", tmp_path)
    means = "word", contender, 0
    with pytest.raises(FileNotFoundError):
        pronunciation.searched(words, *means, 0)
    greedy = pronunciation.measure(words, *means, 3e-3, 0.0, 0)
    monkeypatch.setattr(pronunciation, "WIDTH", 1)
    one = pronunciation.searched(words, *means, 0)
    assert one["test"] == greedy["test"]
    monkeypatch.setattr(pronunciation, "WIDTH", 5)
    assert pronunciation.searched(words, *means, 0)["width"] == 5


def test_a_tuning_run_does_not_look_at_the_test(words, tmp_path, monkeypatch):
    monkeypatch.setattr(pronunciation, "CHECKPOINTS", tmp_path)
    result = pronunciation.measure(
        words, "word", "no attention", 0, 3e-3, 0.0, 0, tuning=True
    )
    assert "test" not in result


def test_every_word_of_a_bin_is_counted(words):
    guesses = [words.listed[word][0] for word in words.test]
    guesses[0] = ("ZH",)
    score = words.score(words.test, guesses)
    bins = score["by letters"].values()
    assert sum(part["words"] for part in bins) == len(words.test)
    assert score["word errors"] == pytest.approx(1 / len(words.test))
    assert int(score["wrong"], 16).bit_count() == 1


def test_counts_come_first_then_tuning_then_small_budgets():
    results = {"tuning": {}, "runs": {}}
    seen = []
    for part, name, _ in pronunciation.next_run(results, fresh=True):
        seen.append(name)
        results[part][name] = {
            "valid loss": len(seen),
            "rate": 1e-3,
            "dropout": 0.0,
        }
        if part == "runs" and "7-gram" not in name:
            break
    assert seen[:2] == ["joint 7-gram / word", "joint 7-gram / stem"]
    # Three rates, and one beyond the lowest, which is the best so far, as the
    # losses grow; then three dropouts over the longer budget, and a third of
    # the rate with the best of them; then the best dropout over the furthest
    # budget, and the next larger.
    for contender in ("attention", "no attention"):
        start = f"{contender} / "
        tried = [
            name.removeprefix(start) for name in seen if name.startswith(start)
        ]
        assert tried[:10] == [
            "1 / 0.001 / 0.0",
            "1 / 0.003 / 0.0",
            "1 / 0.01 / 0.0",
            "1 / 0.0003 / 0.0",
            "2 / 0.001 / 0.0",
            "2 / 0.001 / 0.15",
            "2 / 0.001 / 0.3",
            "2 / 0.0003 / 0.0",
            "3 / 0.001 / 0.0",
            "3 / 0.001 / 0.15",
        ]
    assert seen[-1] == "attention / word / 1 / 0"
    last = [name for _, name, _ in pronunciation.next_run(results, fresh=True)]
    assert last[-8:] == [
        *(
            f"{network}, beam / stem / 2 / {seed}"
            for seed in range(3)
            for network in ("attention", "no attention")
        ),
        "mixed / word",
        "mixed / stem",
    ]
    assert [name for name in last if "word / 3" in name] == [
        f"{network}{writes} / word / 3 / {seed}"
        for writes in ("", ", beam")
        for seed in range(3)
        for network in ("attention", "no attention")
    ]
    alone = {name for name in [*results["runs"], *last] if "attention" in name}
    greedy = {name for name in alone if "beam" not in name}
    assert alone - greedy == {
        name.replace("attention", "attention, beam") for name in greedy
    }
    assert not [
        name for _, name, _ in pronunciation.next_run(results, fresh=False)
    ]
