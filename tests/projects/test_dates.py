"""Days and figures as each language writes them."""

from datetime import date

import pytest
from django.utils import translation

from projects.dates import short_day
from projects.model_words import number


@pytest.mark.parametrize(
    ("language", "day", "with_year", "figure"),
    [("en", "7 Nov", "7 Nov 2026", "26.4325"), ("sv", "7 nov", "7 nov 2026", "26,4325")],
)
def test_days_and_figures_are_written_as_the_language_does(
    language: str, day: str, with_year: str, figure: str
) -> None:
    with translation.override(language):
        assert short_day(date(2026, 11, 7)) == day
        assert short_day(date(2026, 11, 7), year=True) == with_year
        assert number(26.4325) == figure
