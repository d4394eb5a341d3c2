"""No credentials in logs."""

import logging

from portal.log_masks import NoCredentials, hide_credentials, without_credentials
from tests.portal.directory import token


def test_credentials_are_hidden_in_text() -> None:
    secret = token()
    assert without_credentials(f"GET /oauth2/callback?code=abc123&state=xyz answered {secret}") == (
        "GET /oauth2/callback?code=[hidden]&state=[hidden] answered [hidden]"
    )
    assert without_credentials("Authorization: Bearer slip_0123456789abcdef0123") == "Authorization: Bearer [hidden]"
    assert without_credentials("client_secret=s3cret&x=1") == "client_secret=[hidden]&x=1"
    harmless = "exit code=1, state=ready, Token refused"
    assert without_credentials(harmless) == harmless


def test_records_and_events_are_cleaned() -> None:
    keep = NoCredentials()
    debug = logging.LogRecord("django_auth_adfs", logging.DEBUG, "", 0, "Received access token: %s", ("opaque",), None)
    error = logging.LogRecord("django_auth_adfs", logging.ERROR, "", 0, "answer: %s", (token(),), None)
    assert (keep.filter(debug), keep.filter(error), error.getMessage()) == (False, True, "answer: [hidden]")
    assert hide_credentials(None, "info", {"request": "GET /oauth2/callback?code=a", "n": 1}) == {
        "request": "GET /oauth2/callback?code=[hidden]",
        "n": 1,
    }
