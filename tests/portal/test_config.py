"""The configuration refuses at start what would only fail later."""

import pytest
from pydantic import ValidationError

from portal.config import Config


def test_who_mails_says_from_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_MAIL_HOST", "mail.corp.example")
    monkeypatch.setenv("SLIPWAY_DATABASE_URL", "postgresql://portal:secret-word@db/slipway")
    monkeypatch.delenv("SLIPWAY_MAIL_FROM", raising=False)
    with pytest.raises(ValidationError, match="say whom mails come from") as found:
        Config()
    assert "secret-word" not in str(found.value)
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", "Slipway <slipway@corp.example>")
    assert Config().mail_from == "Slipway <slipway@corp.example>"
    monkeypatch.setenv("SLIPWAY_MAIL_FROM", "slipway@corp.example\nBcc: eve@evil.example")
    with pytest.raises(ValidationError, match="should match pattern"):
        Config()


def test_who_mails_nothing_needs_no_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_MAIL_HOST", "")
    monkeypatch.delenv("SLIPWAY_MAIL_FROM", raising=False)
    assert Config().mail_from == ""
