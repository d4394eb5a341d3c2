"""A server that answers as a forge does."""

from collections.abc import Iterator

import pytest

from tests.provisioning.clients.recorded import Played, played


@pytest.fixture
def server() -> Iterator[Played]:
    with played() as one:
        yield one
