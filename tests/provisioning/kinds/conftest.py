"""A forge in memory, and a repository on it that was there before us."""

import pytest

from tests.fakes.forge import FakeForge
from tests.provisioning.kinds.repositories import BOT, TEMPLATES


@pytest.fixture
def forge() -> FakeForge:
    """A forge with the team's organisation and two templates."""
    forge = FakeForge()
    for organisation in ("forecasting", "slipway", "vision"):
        forge.ensure_organisation(organisation)
    for one in TEMPLATES:
        owner, _, name = one["repository"].partition("/")
        forge.create_repository(owner, name, "A template")
        forge.change(one["repository"], template=True)
    forge.calls.clear()
    return forge


@pytest.fixture
def lane(forge: FakeForge) -> str:
    """A repository that was there before us, administered by Alice and our bot; Charlie works on it."""
    name = str(forge.create_repository("vision", "lane", "Lane detection")["full_name"])
    for login, right in ((BOT, "admin"), ("alice", "admin"), ("charlie", "write")):
        forge.put_collaborator(name, login, right)
    forge.set_topics(name, ["vision"])
    forge.put_branch_protection(name, "main", approvals=2)
    forge.calls.clear()
    return name
