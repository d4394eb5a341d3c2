"""Where models fail without the mean showing it: each slice of the test weeks must be about as good as the whole."""

import pytest

from forecast.data import PRODUCTS, WEEKS_A_YEAR
from forecast.evaluate import share_off
from forecast.files import TEST, read_rows

WORSE = 1.6
"""How much worse than the whole a slice may be."""

SLICES = {
    **{product: lambda row, product=product: row.product == product for product in PRODUCTS},
    "winter weeks": lambda row: min(row.week % WEEKS_A_YEAR, -row.week % WEEKS_A_YEAR) <= 8,
    "summer weeks": lambda row: abs(row.week % WEEKS_A_YEAR - 26) <= 8,
    "promotions": lambda row: row.promotion == 1,
    "low prices": lambda row: row.price <= 0.85,
    "high prices": lambda row: row.price >= 1.15,
}


@pytest.mark.slice
@pytest.mark.parametrize("name", SLICES)
def test_no_slice_is_forecast_much_worse_than_the_whole(model, name):
    rows = read_rows(TEST)
    part = [row for row in rows if SLICES[name](row)]
    assert part, f"no row in {name}"

    whole, found = share_off(model, rows), share_off(model, part)

    assert found <= WORSE * whole, f"{name}: off by {found:.1%} of the demand, the whole by {whole:.1%}"
