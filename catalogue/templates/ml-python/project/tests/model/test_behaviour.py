"""How the model must behave, whatever its error: what must not matter, what must, and what any useful model can do."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.data import PRODUCTS, Week
from forecast.evaluate import errors
from forecast.files import TEST, TRAIN, read_rows

CASES = [Week(product, week, 1.0, 0, 0.0) for product in PRODUCTS for week in (160, 173, 186, 199)]


@pytest.mark.invariance
def test_the_order_of_the_rows_does_not_matter(model):
    forwards, backwards = model.predict(CASES), model.predict(CASES[::-1])[::-1]

    assert np.allclose(forwards, backwards, rtol=1e-12)


@pytest.mark.invariance
def test_the_demand_that_is_to_be_forecast_does_not_matter(model):
    assert np.array_equal(model.predict(CASES), model.predict([replace(one, demand=9999.0) for one in CASES]))


@pytest.mark.directional
@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.product}-{one.week}")
def test_a_lower_price_sells_more(model, case):
    usual, lower = model.predict([case, replace(case, price=0.9)])

    assert lower > usual * 1.05, f"{case.product} in week {case.week}: {usual:.0f} as usual, {lower:.0f} below"


@pytest.mark.directional
@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.product}-{one.week}")
def test_a_promotion_sells_more(model, case):
    without, promoted = model.predict([case, replace(case, promotion=1)])

    assert promoted > without * 1.1, f"{case.product} in week {case.week}: {without:.0f} without, {promoted:.0f} with"


@pytest.mark.minimum
def test_winter_sells_more_tyres_than_summer(model):
    winter, summer = model.predict([Week("tyres", 156, 1.0, 0, 0.0), Week("tyres", 182, 1.0, 0, 0.0)])

    assert winter > summer * 1.3, f"winter {winter:.0f}, summer {summer:.0f}"


@pytest.mark.minimum
def test_forecasts_are_finite_and_never_negative(model):
    found = model.predict([replace(one, price=price) for one in CASES for price in (0.5, 2.0)])

    assert np.all(np.isfinite(found)) and np.all(found >= 0)


@pytest.mark.minimum
def test_the_model_beats_saying_that_this_year_is_like_the_last(model):
    test = read_rows(TEST)
    past = {(row.product, row.week): row.demand for row in [*read_rows(TRAIN), *test]}
    last_year = np.mean([abs(past[row.product, row.week - 52] - row.demand) for row in test])
    ours = np.mean(errors(model, test))

    assert ours < last_year, f"off by {ours:.1f}, last year by {last_year:.1f}"


@pytest.mark.regression
def test_examples_that_were_right_stay_right(model, examples):
    rows = [Week(one["product"], int(one["week"]), float(one["price"]), int(one["promotion"]), 0.0) for one in examples]
    wrong = [
        f"{one['product']}, week {one['week']}: {found:.0f}, not {one['low']} to {one['high']} ({one['why']})"
        for one, found in zip(examples, model.predict(rows), strict=True)
        if not float(one["low"]) <= found <= float(one["high"])
    ]

    assert not wrong, "; ".join(wrong)
