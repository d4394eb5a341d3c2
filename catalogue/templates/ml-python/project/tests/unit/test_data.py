"""The rows: made the same each time, split by time, and refused when they are wrong."""

from dataclasses import replace

from forecast.data import PRODUCTS, Week, faults, sample, split
from forecast.files import read_rows, write_rows

GOOD = Week("tyres", 3, 1.0, 0, 240.0)


def test_the_same_seed_gives_the_same_rows():
    assert sample(seed=1, weeks=10) == sample(seed=1, weeks=10)
    assert sample(seed=1, weeks=10) != sample(seed=2, weeks=10)


def test_the_last_weeks_are_kept_for_the_test():
    train, test = split(sample(seed=1, weeks=10), test_weeks=3)

    assert {row.week for row in train} == set(range(7))
    assert {row.week for row in test} == {7, 8, 9}
    assert len(test) == 3 * len(PRODUCTS)


def test_every_fault_is_named():
    rows = [GOOD, GOOD, replace(GOOD, week=4, product="hats"), replace(GOOD, week=5, demand=float("nan"))]

    assert faults(rows) == [
        "tyres, week 3: stands there twice",
        "hats, week 4: an unknown product",
        "tyres, week 5: demand is nan",
    ]
    assert faults([replace(GOOD, price=9.0, promotion=2)]) == [
        "tyres, week 3: price is 9.0 of the usual one",
        "tyres, week 3: promotion is 2, neither 0 nor 1",
    ]


def test_rows_come_back_from_a_file_as_they_were(tmp_path):
    rows = sample(seed=1, weeks=3)

    write_rows(tmp_path / "rows.csv", rows)

    assert read_rows(tmp_path / "rows.csv") == rows
