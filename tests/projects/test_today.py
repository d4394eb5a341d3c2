"""The day that rights depend on."""

from datetime import UTC, datetime
from unittest.mock import patch
from zoneinfo import ZoneInfo

from django.utils import timezone

from projects.today import today


def test_the_reader_s_zone_does_not_move_the_day() -> None:
    late = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    with patch("django.utils.timezone.now", return_value=late), timezone.override(ZoneInfo("Pacific/Auckland")):
        assert timezone.localdate().isoformat() == "2026-11-27"
        assert today().isoformat() == "2026-11-26"
