"""The configuration refuses at start what would only fail later."""

from contextlib import nullcontext
from typing import Any

import pytest
from pydantic import ValidationError

from portal import config as config_module
from portal.config import Config
from tests.projects.tended import LDAP, catalogue

GRAPH = {
    "kind": "graph",
    "name": "corp",
    "tenant": "corp",
    "client_id": "slipway",
    "client_secret": {"file": "graph.secret"},
}


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


@pytest.mark.parametrize(
    "mode, directory, same, starts",
    [
        ("adfs", LDAP, "0", True),
        ("entra", GRAPH, "0", True),
        ("entra", None, "0", True),
        ("entra", LDAP, "0", False),
        ("adfs", GRAPH, "0", False),
        ("entra", LDAP, "1", True),
    ],
)
def test_sign_in_and_directory_know_people_by_the_same_ids(
    monkeypatch: pytest.MonkeyPatch, mode: str, directory: dict[str, Any] | None, same: str, starts: bool
) -> None:
    made = catalogue(**({"directory": directory} if directory else {}))
    monkeypatch.setattr(config_module, "load", lambda _: made)
    monkeypatch.setenv("SLIPWAY_ADFS_MODE", mode)
    monkeypatch.setenv("SLIPWAY_SAME_OBJECT_IDS", same)
    with nullcontext() if starts else pytest.raises(ValueError, match="SLIPWAY_SAME_OBJECT_IDS=1"):
        assert Config().installation().catalogue is made
