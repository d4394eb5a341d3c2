"""The model's own code, on a few rows."""

import numpy as np
import pytest

from forecast.data import Week, sample
from forecast.evaluate import measured, skill, summary
from forecast.model import Forecast, features

ROWS = sample(seed=1, weeks=60)


def test_a_product_that_the_model_does_not_know_is_refused():
    with pytest.raises(ValueError, match="hats is not one of brakes, filters, tyres, wipers"):
        features([Week("hats", 0, 1.0, 0, 1.0)])


def test_training_twice_gives_the_same_forecasts_to_the_bit():
    first, second = (Forecast(alpha=0.01).fit(ROWS).predict(ROWS) for _ in range(2))

    assert np.array_equal(first, second)


def test_skill_is_none_when_forecasts_are_no_better_than_the_usual():
    class Usual:
        def predict(self, rows):
            return np.array([10.0 for _ in rows])

    rows = [Week("tyres", week, 1.0, 0, demand) for week, demand in enumerate((5.0, 15.0))]

    assert skill(Usual(), rows, rows) == 0


def test_metrics_have_a_direction_and_some_a_threshold():
    found = measured(Forecast(alpha=0.01).fit(ROWS), ROWS, ROWS)

    assert [(one["name"], one["split"], one["direction"], one["threshold"]) for one in found] == [
        ("mae", "test", "lower", None),
        ("share_off", "test", "lower", 0.08),
        ("share_off", "train", "lower", None),
        ("skill", "test", "higher", 0.5),
    ]


def test_the_numbers_for_dvc_are_by_split_and_name():
    found = [{"name": name, "split": split, "value": 1.5} for name, split in (("mae", "test"), ("skill", "test"))]

    assert summary(found) == {"test": {"mae": 1.5, "skill": 1.5}}
