"""The clone key Kind: ours are there, read only, each version once; everybody else's stay."""

import pytest

from provisioning.errors import TargetUnavailable, TemporaryError
from provisioning.kind import Object, Wish
from provisioning.kinds.clone import KIND
from provisioning.plan import compare, counts
from provisioning.repositories import description
from provisioning.secrets import Earlier
from provisioning.ssh_keys import key_pair
from tests.fakes.forge import FakeForge
from tests.provisioning.wishes import catalogue, one_by_one, wish

NAME = "forecasting/demand"
FORGE = {"name": "git-1", "url": "http://127.0.0.1:3000", "token": {"env": "A"}, "bot": "slipway-bot"}
NO_SSH = catalogue(forges=[FORGE])
ROTATED = {"versions": {"clone": 2}, "earlier": {"clone": Earlier(version=1, key_id=None)}}


@pytest.fixture
def forge() -> FakeForge:
    """A forge that has the project's repository, with a deploy key of its people's own."""
    forge = FakeForge()
    forge.ensure_organisation("forecasting")
    forge.create_repository("forecasting", "demand", description(wish()))
    forge.create_deploy_key(NAME, "laptop", "ssh-ed25519 theirs")
    forge.calls.clear()
    return forge


def public(version: int = 1) -> str:
    return key_pair(wish(versions={"clone": version}).secret("clone")).public


def found(wanted: Wish, forge: FakeForge) -> dict[str, int]:
    objects = KIND.desired(wanted)
    changes = compare(kind=KIND.name, desired=objects, observed=KIND.observe(wanted, forge, objects, one_by_one))
    return {action: number for action, number in counts(changes).items() if number}


def apply(wanted: Wish, forge: FakeForge) -> None:
    KIND.apply(wanted, forge, KIND.desired(wanted), one_by_one)


def keys(forge: FakeForge) -> dict[str, tuple[str, bool]]:
    """Ours, by title."""
    kept = forge.repositories[NAME].deploy_keys.values()
    assert [one["public"] for one in kept if one["title"] == "laptop"] == ["ssh-ed25519 theirs"]
    return {one["title"]: (one["public"], one["read_only"]) for one in kept if one["title"] != "laptop"}


def test_desires_one_key_that_reads() -> None:
    assert KIND.desired(wish()) == (Object(key="deploy-keys", body={"keys": [f"slipway-ci v1: {public()} (reads)"]}),)


def test_makes_it_once(forge: FakeForge) -> None:
    assert found(wish(), forge) == {"create": 1}

    apply(wish(), forge)
    apply(wish(), forge)

    assert keys(forge) == {"slipway-ci v1": (public(), True)}
    assert found(wish(), forge) == {"keep": 1}


def test_rotation_puts_the_new_one_beside_the_old_one_until_its_time_is_over(forge: FakeForge) -> None:
    apply(wish(), forge)
    assert found(wish(**ROTATED), forge) == {"update": 1}

    apply(wish(**ROTATED), forge)
    assert keys(forge) == {"slipway-ci v1": (public(), True), "slipway-ci v2": (public(2), True)}

    apply(wish(versions={"clone": 2}), forge)
    assert keys(forge) == {"slipway-ci v2": (public(2), True)}


def test_what_was_removed_or_changed_by_hand_is_put_right(forge: FakeForge) -> None:
    apply(wish(), forge)
    for one in forge.repositories[NAME].deploy_keys.values():
        if one["title"] != "laptop":
            one["read_only"] = False
    assert found(wish(), forge) == {"update": 1}

    apply(wish(), forge)
    assert keys(forge) == {"slipway-ci v1": (public(), True)}


def test_applying_again_after_any_failure_ends_well(forge: FakeForge) -> None:
    for method in ("deploy_keys", "create_deploy_key"):
        forge.fail_with(TargetUnavailable("away"), on=method)
        with pytest.raises(TargetUnavailable):
            apply(wish(), forge)

    apply(wish(), forge)

    assert keys(forge) == {"slipway-ci v1": (public(), True)}


def test_without_an_ssh_address_there_is_none_and_it_says_why(forge: FakeForge) -> None:
    apply(wish(), forge)
    assert found(wish(catalogue=NO_SSH), forge) == {"delete": 1}

    apply(wish(catalogue=NO_SSH), forge)

    assert keys(forge) == {}
    assert KIND.summary(wish(catalogue=NO_SSH)) == "No key: the catalogue names no SSH address of git-1"
    assert KIND.summary(wish()) == f"CI clones {NAME} with a key that reads only, Secret slipway-ci-clone in ml-demand"


def test_without_a_repository_it_waits(forge: FakeForge) -> None:
    with pytest.raises(TemporaryError):
        apply(wish(slug="winter"), forge)
    assert KIND.delete(wish(slug="winter"), forge) is True


def test_removal_takes_ours_from_our_own_repository_only(forge: FakeForge) -> None:
    apply(wish(), forge)
    assert KIND.delete(wish(uid="another"), forge) is True
    assert keys(forge) == {"slipway-ci v1": (public(), True)}

    assert KIND.delete(wish(), forge) is True
    assert KIND.delete(wish(), forge) is True
    assert keys(forge) == {}
