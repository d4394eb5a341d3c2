"""The prepared data, before anything is learned from it."""

import pytest

from forecast.data import PRODUCTS, faults
from forecast.files import TEST, TRAIN, read_rows

pytestmark = pytest.mark.data


def test_the_data_has_no_faults():
    assert faults([*read_rows(TRAIN), *read_rows(TEST)]) == []


def test_every_product_has_a_year_to_learn_from():
    weeks = {product: sum(row.product == product for row in read_rows(TRAIN)) for product in PRODUCTS}

    assert {product: number for product, number in weeks.items() if number < 52} == {}


def test_nothing_of_the_test_was_learned_from():
    train, test = read_rows(TRAIN), read_rows(TEST)

    assert max(row.week for row in train) < min(row.week for row in test)


def test_prices_of_the_test_are_in_the_range_that_was_learned():
    train, test = ([row.price for row in read_rows(path)] for path in (TRAIN, TEST))

    assert min(train) - 0.05 <= min(test) and max(test) <= max(train) + 0.05
