"""Fixtures: store and forge as the portal opens them, and a project on both."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from provisioning.clients.gitea import Forge
from provisioning.clients.minio import ObjectStore
from provisioning.kind import Wish
from provisioning.kinds import bucket, repository
from tests.contract.made import project
from tests.contract.stack import eventually, open_forge, open_store


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    """The store with the portal's own key."""
    store = open_store()
    yield store
    store.close()


@pytest.fixture(scope="module")
def forge() -> Iterator[Forge]:
    """The forge with the bot's token."""
    forge = open_forge()
    yield forge
    forge.close()


@pytest.fixture
def demand(store: ObjectStore, forge: Forge) -> Iterator[Wish]:
    """A project of this test; all that it made goes at the end."""
    sample = project()
    yield sample
    everything = replace(sample, remove_data=True)
    eventually(lambda: bucket.KIND.delete(everything, store))
    repository.KIND.delete(everything, forge)
