"""Log lines hold what went wrong and where, and no local variables: those hold credentials."""

import json
import logging
import sys
from logging.config import DictConfigurator  # type: ignore[attr-defined]

import pytest

from portal.logs import logging_settings


def line(log_format: str) -> str:
    """How an unexpected error of a library's logger is written."""
    settings = logging_settings(log_format=log_format)
    formatter = DictConfigurator(settings).configure_formatter(settings["formatters"]["structured"])
    try:
        password = "".join(("ca", "na", "ry"))
        raise KeyError(f"{len(password)} letters")
    except KeyError:
        record = logging.LogRecord("django.request", logging.ERROR, "", 0, "Internal Server Error", (), sys.exc_info())
    written: str = formatter.format(record)
    return written


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_an_error_is_told_with_its_place_and_without_local_variables(log_format: str) -> None:
    written = line(log_format)
    for said in ("Internal Server Error", "KeyError: '6 letters'", "test_logs.py", "raise KeyError"):
        assert said in written
    assert "canary" not in written


def test_json_stays_one_line() -> None:
    written = line("json")
    assert "\n" not in written
    assert json.loads(written)["logger"] == "django.request"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_token_in_a_message_is_hidden(log_format: str) -> None:
    settings = logging_settings(log_format=log_format)
    formatter = DictConfigurator(settings).configure_formatter(settings["formatters"]["structured"])
    said = f"the call said Authorization: Bearer {'x' * 40}"
    written = formatter.format(logging.LogRecord("some.library", logging.WARNING, "", 0, said, (), None))
    assert "Bearer [hidden]" in written
    assert "xxxx" not in written
