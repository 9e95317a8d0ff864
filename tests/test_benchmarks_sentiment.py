"""The sentiment benchmarks: small cases run again, and the statistics held
against hand sums."""

import functools
import json

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import sentiment, sentiment_twins
from benchmarks.record import recorded
from utils.data.text import Vocabulary
from utils.data.twins import make_twins, split_pairs
from utils.sentiment.bag_of_words import tfidf_regression
from utils.sentiment.comparison import fold_difference
from utils.sentiment.pytorch import positive_probabilities
from utils.sentiment.recorded import RecordedRows

TWINS = recorded("sentiment_twins")
REAL = recorded("sentiment")["rotten_tomatoes"]


def test_a_recorded_bag_of_words_comes_out_again():
    found = sentiment_twins.measure_counts(1, False)
    assert (
        found["test twins"]
        == TWINS["TF-IDF, up to 1-grams"]["test twins"]
        == 0.5
    )
    for part, score in TWINS["TF-IDF, up to 1-grams"].items():
        assert found[part] == pytest.approx(score, abs=0.01)


def test_a_recorded_network_comes_out_again():
    found = sentiment_twins.measure({"pooling": "max"}, seed=0)
    for part, score in TWINS["BiLSTM, max, seed 0"].items():
        if part != "cpu_seconds":
            assert found[part] == pytest.approx(score, abs=0.01)


def test_the_recorded_verdicts_end_where_the_sentences_do():
    readings = TWINS["word by word"]["readings"]
    for reading, label in zip(readings, (1, 0, 0, 1), strict=True):
        for name, values in reading["verdicts"].items():
            assert len(values) == len(reading["tokens"])
            if name != "RNN, last":
                assert (values[-1] > 0.5) == label


def test_the_recorded_mistakes_are_mistakes_and_agree_with_the_accuracy():
    found = TWINS["mistakes of LSTM, last"]
    assert all(
        (row["probability"] > 0.5) != row["label"] for row in found["mistakes"]
    )
    lengths = pd.DataFrame(found["by length"]).T
    right = (lengths["texts"] * lengths["accuracy"]).sum()
    assert right / lengths["texts"].sum() == pytest.approx(
        found["slices"]["all"]["accuracy"]
    )


def part(labels):
    return pd.DataFrame(
        {"text": [f"text {i}" for i in range(len(labels))], "label": labels}
    )


def test_mcnemar_counts_the_rows_on_which_one_alone_is_right():
    labels = part([1] * 12)
    first = np.array([0.9] * 11 + [0.1])
    second = np.array([0.9, 0.9] + [0.1] * 8 + [0.1, 0.9])
    found = sentiment.paired_test(first, second, labels)
    assert (found["only_first_right"], found["only_second_right"]) == (9, 1)
    assert found["p"] == pytest.approx(22 / 1024)


def test_mixing_log_odds():
    first, second = np.array([0.9, 0.2]), np.array([0.5, 0.5])
    np.testing.assert_allclose(sentiment.combine(first, second, 1), first)
    np.testing.assert_allclose(sentiment.combine(first, second, 0), second)
    np.testing.assert_allclose(sentiment.combine(first, second, 0.5)[0], 3 / 4)


def test_the_better_classifier_gets_the_weight():
    labels = part([1, 0] * 20)
    good, coin = np.where(labels["label"] == 1, 0.9, 0.1), np.full(40, 0.5)
    assert sentiment.best_weight(good, coin, labels) == 1
    assert sentiment.best_weight(coin, good, labels) == 0


@pytest.fixture
def small(monkeypatch):
    """Make the whole benchmark small: three variants, few seeds, 500
    sentences."""
    variants = {name: sentiment.VARIANTS[name] for name in sentiment.POOLINGS}
    for name in ("NB in embeddings", "character n-grams", "NB log odds inside"):
        variants[name] = sentiment.VARIANTS[name]
    for name, value in {
        "VARIANTS": variants,
        "BLIND": {"no recurrence, max": sentiment.BLIND["no recurrence, max"]},
        "POOLINGS": ("BiLSTM, max",),
        "CHOICE_SEEDS": 1,
        "FINAL_SEEDS": 2,
        "FOLDS": 2,
        "INNER_FOLDS": 2,
    }.items():
        monkeypatch.setattr(sentiment, name, value)
    rows = {
        name: options | {"epochs": 1, "embedding_size": 8}
        for name, options in sentiment.ROWS.items()
    }
    monkeypatch.setattr(sentiment, "ROWS", rows)
    monkeypatch.setattr(sentiment, "FRESH_SEEDS", range(2))
    train = functools.partial(
        sentiment.train_and_score, epochs=1, embedding_size=8
    )
    monkeypatch.setattr(sentiment, "train_and_score", train)
    rows = make_twins(500, 0)
    return variants, split_pairs(rows, (0.6, 0.2, 0.2), 0)


def test_the_whole_benchmark_on_a_small_case(small, tmp_path):
    variants, parts = small
    variants = variants | sentiment.BLIND
    results, saved = {}, []
    save = functools.partial(saved.append, None)
    sentiment.choose(results, parts, save, variants)
    assert list(results["validation"]) == list(variants)
    count = len(saved)
    sentiment.choose(results, parts, save, variants)
    assert len(saved) == count, "a recorded run is not made again"
    sentiment.score_test(results, parts, save)
    assert results["chosen"] != "NB log odds inside" == results["chosen_inside"]
    assert results["baselines"]["majority"]["test"] == pytest.approx(
        0.5, abs=0.1
    )
    assert set(results["models"]) >= {
        "BiLSTM, max",
        results["chosen"],
        "NB log odds inside",
    }
    assert all(len(model["test"]) == 2 for model in results["models"].values())
    sentiment.tune_penalties(results, parts, save)
    sentiment.compare_folds(results, pd.concat(parts, ignore_index=True), save)
    assert len(results["folds"]) == 2
    assert all(
        {"NB, ten fits", *sentiment.SINGLE} <= set(fold)
        for fold in results["folds"]
    )
    assert results["chosen_blind"] == "no recurrence, max"
    gains = [
        fold["combination"] - fold["combination without recurrence"]
        for fold in results["folds"]
    ]
    assert results["recurrence"]["combination"]["mean"] == pytest.approx(
        np.mean(gains)
    )
    count = len(saved)
    sentiment.compare_folds(results, pd.concat(parts, ignore_index=True), save)
    assert len(saved) == count + 1, "recorded folds are not made again"
    written = json.dumps(results)
    assert not any(text in written for text in parts[2]["text"])
    page = tmp_path / "mistakes.html"
    sentiment.write_mistakes(results, parts, page)
    shown = page.read_text(encoding="utf-8")
    assert any(text in shown for text in parts[1]["text"])
    assert not any(json.dumps(text) in shown for text in parts[2]["text"])


def test_rows_are_recorded_once_and_say_what_was_answered(small):
    _, parts = small
    results, saved = {}, []
    save = functools.partial(saved.append, None)
    sentiment.tune_penalties(results, parts, save)
    results["train"] = sentiment.describe(parts[0])
    sentiment.record_rows(results, parts, save)
    count = len(saved)
    sentiment.record_rows(results, parts, save)
    assert len(saved) == count, "a recorded run is not made again"
    rows = RecordedRows(results)
    assert rows.labels().tolist() == parts[2]["label"].tolist()
    train = (parts[0]["text"], parts[0]["label"])
    model = tfidf_regression(1, 1.0).fit(*train)
    (found,) = rows.accuracies("TF-IDF, 1-grams, C = 1")
    assert found == model.score(parts[2]["text"], parts[2]["label"])
    assert len(rows.log_odds("BiLSTM", "validation")) == 2
    mean = np.mean(
        [1 / (1 + np.exp(-each)) for each in rows.log_odds("BiLSTM")], axis=0
    )
    np.testing.assert_array_equal(rows.ensemble("BiLSTM") > 0, mean > 0.5)
    assert rows.slices()["all"].all()
    assert 0 <= rows.failures("NB-weighted", "negation")[0] <= 1
    written = json.dumps(results, ensure_ascii=False)
    assert not any(text in written for part in parts for text in part["text"])


def test_a_single_file_is_split_and_repeats_are_named(tmp_path):
    rows = make_twins(200, 0)
    file = tmp_path / "mine.csv"
    rows[["text", "label"]].to_csv(file, index=False)
    parts = sentiment.load_parts(str(file))
    assert [len(part) for part in parts] == [160, 20, 20]
    assert len(set().union(*(part.index for part in parts))) == 200
    assert all(0.4 < part["label"].mean() < 0.6 for part in parts)
    pd.concat([rows, rows]).to_csv(file, index=False)
    with pytest.warns(UserWarning, match="also stand in the training set"):
        sentiment.load_parts(str(file))


def test_a_missing_file_is_named_without_a_traceback(monkeypatch, capsys):
    command = ["sentiment", "--data", "nowhere.csv"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        sentiment.main()
    assert "nowhere.csv does not exist" in capsys.readouterr().err


def test_choosing_never_sees_the_test_split(small):
    variants, (train, valid, _) = small
    sentiment.choose(
        {},
        [train, valid, None],
        lambda: None,
        {"BiLSTM, max": variants["BiLSTM, max"]},
    )


def test_the_recording_names_its_data_by_name_and_hash_alone():
    assert len(REAL["sha256"]) == 64
    assert sum(REAL["rows"]) == 10662
    counts = [
        REAL["models"][REAL["chosen"]]["ensemble"],
        REAL["combination"]["test"],
    ]
    for accuracy in counts:
        assert accuracy * REAL["rows"][2] == pytest.approx(
            round(accuracy * REAL["rows"][2])
        )
    differences = np.array(
        [fold["combination"] - fold[sentiment.NB] for fold in REAL["folds"]]
    )
    found = fold_difference(differences)
    for name, value in REAL["fold_differences"]["combination"].items():
        assert value == pytest.approx(found[name])


def test_other_data_have_another_hash():
    parts = [part([0, 1]), part([1, 0])]
    assert sentiment.data_hash(parts) == sentiment.data_hash(
        [part([0, 1]), part([1, 0])]
    )
    assert sentiment.data_hash(parts) != sentiment.data_hash(
        [part([0, 1]), part([1, 1])]
    )


def test_without_recurrence_the_order_of_the_words_does_not_count():
    torch.manual_seed(0)
    vocabulary = Vocabulary.from_texts(
        ["the plot was dull , but the cast was good"]
    )
    blind = sentiment.AveragingClassifier(
        len(vocabulary), 8, pooling="mean"
    ).eval()
    texts = ["dull , but good", "good , but dull"]
    first, second = positive_probabilities(blind, texts, vocabulary)
    assert first == pytest.approx(second)
    assert blind.head.in_features == 8


def test_the_plain_rnn_is_tuned_before_it_is_judged(monkeypatch, tmp_path):
    small = make_twins(200, 0)
    monkeypatch.setattr(
        sentiment_twins, "lessons", lambda name: (small[:150], small[150:])
    )
    done, saved = {}, []
    monkeypatch.setattr(sentiment_twins, "EPOCHS", 1)
    monkeypatch.setattr(sentiment_twins, "TUNING_SEEDS", [100])
    rate = sentiment_twins.tune("RNN, last", done, lambda: saved.append(None))
    assert len(done) >= 3
    assert rate == min(
        sentiment_twins.RATES, key=lambda r: done.get(f"{r:g} / 100", np.inf)
    )
    assert len(saved) == len(done)
    curves = sentiment_twins.learn("GRU, last", rate, 0, 2)["curves"]
    assert len(curves["loss"]) == len(curves["accuracy"]) == 2
