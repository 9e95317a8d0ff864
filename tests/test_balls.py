import numpy as np
import pytest

from utils.data import make_balls, read_balls
from utils.data.balls import (
    PLACES,
    as_differences,
    extrapolate_line,
    inputs_and_targets,
    moved_balls,
    ratio_accuracy,
    split_by_group,
    start_and_velocity,
)


def test_balls_follow_the_sources_distribution():
    rows = make_balls(20_000, 0)
    assert all((np.diff(row) == row[1] - row[0]).all() for row in rows)
    keys = start_and_velocity(rows)
    assert set(np.unique(keys[:, 0])) == set(range(-10, 11))
    assert set(np.unique(keys[:, 1])) == {-5, -4, -3, -2, -1, 1, 2, 3, 4, 5}
    counts, frequency = np.unique(
        [len(row) for row in rows], return_counts=True
    )
    assert list(counts) == [5, 6, 7, 8, 9, 10]
    # each length has probability 1/6; five standard deviations of a binomial
    # are 0.0132
    assert np.abs(frequency / 20_000 - 1 / 6).max() < 0.0132
    assert len({tuple(row) for row in rows}) == 1260


def test_balls_repeat_with_the_seed_and_need_a_positive_number():
    assert all(
        (a == b).all()
        for a, b in zip(make_balls(50, 3), make_balls(50, 3), strict=True)
    )
    with pytest.raises(ValueError, match="n is 0"):
        make_balls(0, 0)


def test_read_balls_returns_what_was_written(tmp_path):
    rows = make_balls(100, 1)
    path = tmp_path / "balls.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n\n")
    back = read_balls(path)
    assert len(back) == 100
    assert all((a == b).all() for a, b in zip(rows, back, strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1,3,5\n1,x,5\n",
            r"balls.csv, line 2, column 2: 'x' is not a whole number",
        ),
        ("1,3,5\n\n1,2.5,4\n", r"balls.csv, line 3, column 2: '2.5'"),
        ("1,3,5,\n", r"line 1, column 4: ''"),
        ("1,3\n", r"line 1: 2 position\(s\)"),
        ("\n\n", "holds no row"),
    ],
)
def test_read_balls_names_the_bad_line(tmp_path, text, message):
    path = tmp_path / "balls.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_balls(path)


def test_the_line_is_exact_and_targets_are_the_last_positions():
    rows = make_balls(500, 2)
    inputs, lengths, targets = inputs_and_targets(rows)
    assert (lengths == [len(row) - 1 for row in rows]).all()
    assert (targets == [row[-1] for row in rows]).all()
    assert (extrapolate_line(inputs, lengths) == targets).all()


def test_ratio_accuracy_is_the_sources_on_positions_over_50():
    actual, predicted = (
        np.array([10.0, -20.0, 0.0]),
        np.array([11.0, -18.0, 0.5]),
    )
    a, p = actual / 50, predicted / 50
    assert ratio_accuracy(actual, predicted) == pytest.approx(
        1 - np.mean(np.abs(a - p) / (np.abs(a) + 0.0001)), abs=1e-12
    )
    assert ratio_accuracy(actual, actual) == 1
    assert ratio_accuracy(np.zeros(1), np.ones(1)) == pytest.approx(-199)


def test_groups_stay_together_and_every_row_is_used_once():
    rows = make_balls(3000, 4)
    keys = start_and_velocity(rows)
    parts = split_by_group(keys, 0)
    assert sorted(np.concatenate(parts)) == list(range(3000))
    found = [{tuple(key) for key in keys[part]} for part in parts]
    assert len(set.union(*found)) == sum(
        len(keys_of_part) for keys_of_part in found
    )
    assert [len(keys_of_part) for keys_of_part in found] == [126, 42, 42]
    ordinary = split_by_group(np.arange(1000), 0)
    assert [len(part) for part in ordinary] == [600, 200, 200]
    with pytest.raises(ValueError, match="fractions"):
        split_by_group(keys, 0, (0.8, 0.2))


def test_differences_know_no_origin():
    rows = make_balls(200, 3)
    here, there = (
        as_differences([row + shift for row in rows]) for shift in (0, 1000)
    )
    for mine, theirs in zip(here, there, strict=True):
        assert np.array_equal(mine, theirs)
    steps, lengths, change = here
    assert (lengths == [len(row) - 2 for row in rows]).all()
    for row, step, n, last in zip(rows, steps, lengths, change, strict=True):
        assert (step[:n] == row[1] - row[0]).all()
        assert (step[n:] == 0).all()
        assert last == row[1] - row[0]


@pytest.mark.parametrize("name", PLACES)
def test_moved_balls_are_where_they_should_be(name):
    place = PLACES[name]
    rows = moved_balls(500, 0, **place)
    assert {len(row) for row in rows} == set(place["counts"])
    assert {abs(row[1] - row[0]) for row in rows} == set(place["speeds"])
    assert {row[0] for row in rows} == set(place["starts"])
    assert all((np.diff(row) == row[1] - row[0]).all() for row in rows)
