"""Sealed bodies: that the server opens them is held by tests/contract/test_object_store.py; here what it can't tell."""

import pytest

from provisioning.clients.minio_sealing import MOST, seal


def test_the_same_body_is_never_sealed_the_same_way_and_shows_nothing_of_it():
    body = b'{"secretKey": "a-good-long-secret"}'
    once, again = (seal(body, secret="the store's own key") for _ in range(2))

    assert len(once) == 32 + 1 + 8 + len(body) + 16
    assert once[32] == again[32] == 2
    assert (once[:32] != again[:32], once[33:41] != again[33:41], once[41:] != again[41:]) == (True, True, True)
    assert b"secret" not in once


def test_more_than_one_packet_is_refused():
    assert len(seal(b"x" * MOST, secret="key")) == 57 + MOST
    with pytest.raises(ValueError, match="does not fit into one packet"):
        seal(b"x" * (MOST + 1), secret="key")
