"""The actions Kind: the project's keys as secrets of its repository, where the forge runs CI, and nowhere else."""

import pytest

from provisioning.ci import variables
from provisioning.errors import TargetUnavailable, TemporaryError
from provisioning.kind import Object, Wish
from provisioning.kinds.actions import KIND
from provisioning.plan import compare, counts
from provisioning.repositories import description
from tests.fakes.forge import FakeForge
from tests.provisioning.wishes import catalogue, one_by_one, wish

NAME = "forecasting/demand"
FORGE = {"name": "git-1", "url": "http://127.0.0.1:3000", "token": {"env": "A"}, "bot": "slipway-bot", "actions": True}
ACTIONS = catalogue(forges=[FORGE])
ON_TEKTON = catalogue(cluster={"ci": "tekton"}, forges=[FORGE])
NAMES = [
    *("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "BUCKET"),
    *("SLIPWAY_PROJECT", "SLIPWAY_TOKEN", "SLIPWAY_URL"),
]


@pytest.fixture
def forge() -> FakeForge:
    """A forge that has the project's repository, with a secret of its people's own."""
    forge = FakeForge()
    forge.ensure_organisation("forecasting")
    forge.create_repository("forecasting", "demand", description(wish()))
    forge.put_ci_secrets(NAME, {"THEIRS": "theirs"})
    forge.calls.clear()
    return forge


def found(wanted: Wish, forge: FakeForge) -> dict[str, int]:
    objects = KIND.desired(wanted)
    changes = compare(kind=KIND.name, desired=objects, observed=KIND.observe(wanted, forge, objects, one_by_one))
    return {action: number for action, number in counts(changes).items() if number}


def apply(wanted: Wish, forge: FakeForge) -> None:
    KIND.apply(wanted, forge, KIND.desired(wanted), one_by_one)


def secrets(forge: FakeForge) -> dict[str, str]:
    kept = dict(forge.repositories[NAME].ci_secrets)
    assert kept.pop("THEIRS") == "theirs"
    return kept


def test_desires_a_secret_for_each_variable() -> None:
    assert KIND.desired(wish(catalogue=ACTIONS)) == tuple(Object(f"secret/{name}", {"present": True}) for name in NAMES)


def test_writes_what_the_workspace_has(forge: FakeForge) -> None:
    wanted = wish(catalogue=ACTIONS)
    assert found(wanted, forge) == {"create": 9}

    apply(wanted, forge)

    assert secrets(forge) == variables(wanted)
    assert found(wanted, forge) == {"keep": 9}


def test_a_rotated_key_is_written_anew(forge: FakeForge) -> None:
    apply(wish(catalogue=ACTIONS), forge)
    rotated = wish(catalogue=ACTIONS, versions={"bucket": 2})

    apply(rotated, forge)

    assert secrets(forge) == variables(rotated)


def test_applying_again_after_a_failure_ends_well(forge: FakeForge) -> None:
    forge.fail_with(TargetUnavailable("away"), on="put_ci_secrets")
    with pytest.raises(TargetUnavailable):
        apply(wish(catalogue=ACTIONS), forge)

    apply(wish(catalogue=ACTIONS), forge)

    assert secrets(forge) == variables(wish(catalogue=ACTIONS))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (wish(), "None: the catalogue says of no Actions on git-1"),
        (wish(catalogue=ON_TEKTON), "None: the catalogue has CI run on cluster-north, by Tekton"),
    ],
)
def test_elsewhere_nothing_is_touched_and_it_says_why(wanted: Wish, sentence: str, forge: FakeForge) -> None:
    assert found(wanted, forge) == {}
    apply(wanted, forge)
    assert KIND.delete(wanted, forge) is True

    assert forge.calls == []
    assert KIND.summary(wanted) == sentence


def test_the_summary_names_the_file() -> None:
    assert KIND.summary(wish(catalogue=ACTIONS)) == (
        "Secrets of forecasting/demand for .github/workflows/ci.yaml, which the Actions of git-1 run"
    )


def test_without_a_repository_it_waits(forge: FakeForge) -> None:
    with pytest.raises(TemporaryError):
        apply(wish(slug="winter", catalogue=ACTIONS), forge)
    assert KIND.delete(wish(slug="winter", catalogue=ACTIONS), forge) is True


def test_removal_takes_ours_from_our_own_repository_only(forge: FakeForge) -> None:
    wanted = wish(catalogue=ACTIONS)
    apply(wanted, forge)
    assert KIND.delete(wish(uid="another", catalogue=ACTIONS), forge) is True
    assert sorted(secrets(forge)) == NAMES

    assert KIND.delete(wanted, forge) is True
    assert secrets(forge) == {}
