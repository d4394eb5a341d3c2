"""The actions Kind: the project's keys as secrets of its repository, where the forge runs CI, and nowhere else."""

from base64 import b64decode, b64encode

import pytest
from nacl.public import PrivateKey, SealedBox

from provisioning.ci import variables
from provisioning.clients.github import GitHub
from provisioning.errors import TargetUnavailable, TemporaryError
from provisioning.kind import Object, Wish
from provisioning.kinds.actions import KEY_LIST, KIND, LIST, MOST
from provisioning.plan import compare, counts
from provisioning.repositories import description
from tests.fakes.forge import FakeForge
from tests.provisioning.clients.recorded import Asked, played
from tests.provisioning.wishes import TRACKER, catalogue, one_by_one, wish

NAME = "forecasting/demand"
FORGE = {"name": "git-1", "url": "http://127.0.0.1:3000", "token": {"env": "A"}, "bot": "slipway-bot", "actions": True}
ACTIONS = catalogue(forges=[FORGE])
ON_TEKTON = catalogue(cluster={"ci": "tekton"}, forges=[FORGE])
NAMES = [
    *("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "BUCKET"),
    *("SLIPWAY_PROJECT", "SLIPWAY_TOKEN", "SLIPWAY_URL"),
]
TRACKED = catalogue(forges=[FORGE], trackers=[TRACKER])
TRACKING = [
    *("MLFLOW_EXPERIMENT_NAME", "MLFLOW_S3_ENDPOINT_URL", "MLFLOW_TRACKING_PASSWORD"),
    *("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME"),
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


def repair(wanted: Wish, forge: FakeForge) -> None:
    """What the engine does with a difference: apply those objects, and those only."""
    objects = KIND.desired(wanted)
    seen = KIND.observe(wanted, forge, objects, one_by_one)
    keys = {one.key for one in compare(kind=KIND.name, desired=objects, observed=seen) if one.action != "keep"}
    KIND.apply(wanted, forge, [thing for thing in objects if thing.key in keys], one_by_one)


def secrets(forge: FakeForge) -> dict[str, str]:
    kept = dict(forge.repositories[NAME].ci_secrets)
    assert kept.pop("THEIRS") == "theirs"
    return kept


def listed(forge: FakeForge) -> list[str] | None:
    text = forge.repositories[NAME].ci_variables.get(LIST)
    return text.split()[1:] if text is not None else None


def tracked(*, enabled: bool) -> Wish:
    return wish(catalogue=TRACKED, options={"tracking": {"enabled": enabled}})


def test_desires_a_secret_for_each_variable_and_their_list() -> None:
    assert KIND.desired(wish(catalogue=ACTIONS)) == (
        *(Object(f"secret/{name}", {"present": True}) for name in NAMES),
        Object(KEY_LIST, {"names": NAMES, "written": "ea7316dab17971a9"}),
    )


def test_writes_what_the_workspace_has(forge: FakeForge) -> None:
    wanted = wish(catalogue=ACTIONS)
    assert found(wanted, forge) == {"create": 10}

    apply(wanted, forge)

    assert (secrets(forge), listed(forge)) == (variables(wanted), NAMES)
    assert found(wanted, forge) == {"keep": 10}


def test_a_rotated_key_is_written_anew(forge: FakeForge) -> None:
    apply(wish(catalogue=ACTIONS), forge)
    rotated = wish(catalogue=ACTIONS, versions={"bucket": 2})

    apply(rotated, forge)

    assert secrets(forge) == variables(rotated)


def test_an_address_that_changed_is_written_anew(forge: FakeForge) -> None:
    apply(wish(catalogue=ACTIONS), forge)
    store = {**ACTIONS.object_store().model_dump(), "endpoint": "https://store.corp.example"}
    moved = wish(catalogue=catalogue(forges=[FORGE], object_stores=[store]))
    assert found(moved, forge) == {"keep": 9, "update": 1}

    repair(moved, forge)

    assert secrets(forge) == variables(moved)
    assert variables(moved)["AWS_ENDPOINT_URL"] == "https://store.corp.example"
    assert found(moved, forge) == {"keep": 10}


@pytest.mark.parametrize("text", ["", " ", "BUCKET", "0 THEIRS"])
def test_a_list_that_somebody_changed_is_put_back(text: str, forge: FakeForge) -> None:
    forge.put_ci_secrets(NAME, {"SPARE": "theirs"})
    apply(wish(catalogue=ACTIONS), forge)
    forge.update_ci_variable(NAME, LIST, text)

    repair(wish(catalogue=ACTIONS), forge)

    assert (listed(forge), found(wish(catalogue=ACTIONS), forge)) == (NAMES, {"keep": 10})
    kept = forge.repositories[NAME].ci_secrets
    assert kept.pop("SPARE") == "theirs"
    # Who writes a name into the list of what is Slipway's has it treated so.
    assert ("THEIRS" in kept) is (text != "0 THEIRS")


def test_applying_again_after_a_failure_ends_well(forge: FakeForge) -> None:
    forge.fail_with(TargetUnavailable("away"), on="put_ci_secrets")
    with pytest.raises(TargetUnavailable):
        apply(wish(catalogue=ACTIONS), forge)

    apply(wish(catalogue=ACTIONS), forge)

    assert secrets(forge) == variables(wish(catalogue=ACTIONS))


def test_without_actions_nothing_is_touched_and_it_says_why(forge: FakeForge) -> None:
    assert found(wish(), forge) == {}
    apply(wish(), forge)
    assert KIND.delete(wish(), forge) is True

    assert forge.calls == []
    assert KIND.summary(wish()) == "None: the catalogue says of no Actions on git-1"


def test_where_ci_went_to_tekton_ours_go_and_it_says_why(forge: FakeForge) -> None:
    elsewhere = wish(catalogue=ON_TEKTON)
    assert found(elsewhere, forge) == {}
    apply(wish(catalogue=ACTIONS), forge)
    assert found(elsewhere, forge) == {"delete": 1}

    repair(elsewhere, forge)

    assert (secrets(forge), listed(forge), found(elsewhere, forge)) == ({}, None, {})
    assert KIND.summary(elsewhere) == "None: the catalogue has CI run on cluster-north, by Tekton"


def test_what_was_switched_off_goes_and_the_team_s_own_stay(forge: FakeForge) -> None:
    apply(tracked(enabled=True), forge)
    assert sorted(secrets(forge)) == sorted(NAMES + TRACKING)

    repair(tracked(enabled=False), forge)

    assert (sorted(secrets(forge)), listed(forge)) == (NAMES, NAMES)
    assert found(tracked(enabled=False), forge) == {"keep": 10}


def test_one_that_the_team_made_by_a_name_of_ours_stays_until_it_is_wanted(forge: FakeForge) -> None:
    apply(tracked(enabled=False), forge)
    forge.put_ci_secrets(NAME, {"MLFLOW_TRACKING_URI": "https://their.own"})
    assert found(tracked(enabled=False), forge) == {"keep": 10}
    apply(tracked(enabled=False), forge)
    assert secrets(forge)["MLFLOW_TRACKING_URI"] == "https://their.own"

    repair(tracked(enabled=True), forge)

    assert secrets(forge) == variables(tracked(enabled=True))


def test_what_a_cut_off_attempt_wrote_is_written_again(forge: FakeForge) -> None:
    apply(tracked(enabled=False), forge)
    forge.put_ci_secrets(NAME, {"MLFLOW_TRACKING_URI": "https://their.own"})
    forge.fail_with(TargetUnavailable("away"), on="put_ci_secrets")
    with pytest.raises(TargetUnavailable):
        repair(tracked(enabled=True), forge)

    repair(tracked(enabled=True), forge)

    assert secrets(forge) == variables(tracked(enabled=True))
    assert listed(forge) == sorted(NAMES + TRACKING)


@pytest.mark.parametrize("on", ["put_ci_secrets", "update_ci_variable"])
def test_what_a_cut_off_attempt_wrote_and_nobody_wants_any_more_goes(on: str, forge: FakeForge) -> None:
    apply(tracked(enabled=False), forge)
    forge.put_ci_secrets(NAME, {"MLFLOW_TRACKING_URI": "https://their.own"})
    cut_off(forge, tracked(enabled=True), on=on)

    repair(tracked(enabled=False), forge)

    # What the team had was written over, or not: nobody knows, so it stays.
    assert sorted(set(secrets(forge)) - {"MLFLOW_TRACKING_URI"}) == NAMES
    assert "MLFLOW_TRACKING_URI" in secrets(forge)
    assert listed(forge) == NAMES
    assert found(tracked(enabled=False), forge) == {"keep": 10}


def cut_off(forge: FakeForge, wanted: Wish, *, on: str) -> None:
    """An attempt that finds the forge away at the call `on`: the last one of that name that it makes."""
    said_before = on == "update_ci_variable" and LIST in forge.repositories[NAME].ci_variables
    forge.fail_with(TargetUnavailable("away"), on=on, after=1 if said_before else 0)
    with pytest.raises(TargetUnavailable):
        repair(wanted, forge)


def test_a_removal_takes_what_a_first_attempt_wrote_that_was_cut_off(forge: FakeForge) -> None:
    cut_off(forge, tracked(enabled=True), on="update_ci_variable")
    assert sorted(secrets(forge)) == sorted(NAMES + TRACKING)

    assert KIND.delete(tracked(enabled=False), forge) is True

    assert (secrets(forge), listed(forge)) == ({}, None)


def test_without_its_list_nothing_is_taken_away_and_ours_are_written_anew(forge: FakeForge) -> None:
    apply(tracked(enabled=True), forge)
    forge.delete_ci_variable(NAME, LIST)

    repair(tracked(enabled=False), forge)

    assert (sorted(secrets(forge)), listed(forge)) == (sorted(NAMES + TRACKING), NAMES)


def test_a_list_that_somebody_made_long_costs_no_more(forge: FakeForge) -> None:
    wanted = wish(catalogue=ACTIONS)
    apply(wanted, forge)
    forge.update_ci_variable(NAME, LIST, " ".join(["0", *(f"A{number}" for number in range(10_000))]))
    forge.calls.clear()

    repair(wanted, forge)

    assert len([call for call in forge.calls if call[0] == "delete_ci_secret"]) == MOST
    assert (secrets(forge), listed(forge)) == (variables(wanted), NAMES)


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
    assert (secrets(forge), listed(forge)) == ({}, None)


def test_removal_takes_what_was_wanted_once_too(forge: FakeForge) -> None:
    apply(tracked(enabled=True), forge)

    assert KIND.delete(tracked(enabled=False), forge) is True

    assert secrets(forge) == {}


def test_removal_of_what_a_version_wrote_that_kept_no_list(forge: FakeForge) -> None:
    apply(tracked(enabled=False), forge)
    forge.delete_ci_variable(NAME, LIST)
    forge.put_ci_secrets(NAME, {"MLFLOW_TRACKING_URI": "https://their.own"})

    assert KIND.delete(tracked(enabled=False), forge) is True

    assert secrets(forge) == {"MLFLOW_TRACKING_URI": "https://their.own"}


def test_github_is_asked_for_its_key_once_and_gets_what_only_it_can_open() -> None:
    wanted, key, actions = wish(catalogue=ACTIONS), PrivateKey.generate(), f"/api/v3/repos/{NAME}/actions"
    with played() as server:
        server.answers |= {
            ("GET", f"{actions}/secrets/public-key"): {
                "key_id": "568250167242549743",
                "key": b64encode(bytes(key.public_key)).decode(),
            },
            **{("PUT", f"{actions}/secrets/{name}"): (201, {}) for name in NAMES},
            ("GET", f"{actions}/secrets?page=1&per_page=50"): {"total_count": 1, "secrets": [{"name": "THEIRS"}]},
            ("POST", f"{actions}/variables"): (201, {}),
            ("PATCH", f"{actions}/variables/{LIST}"): (204, None),
        }
        client = GitHub(name="git-1", url=server.url, token="t0ken", bot="slipway-bot")
        KIND.apply(wanted, client, KIND.desired(wanted), one_by_one)
        client.close()
        written = [one for one in server.asked if one.method == "PUT"]
        assert [(one.method, one.path) for one in server.asked] == [
            ("GET", f"{actions}/variables/{LIST}"),
            ("GET", f"{actions}/secrets?page=1&per_page=50"),
            ("POST", f"{actions}/variables"),
            ("GET", f"{actions}/secrets/public-key"),
            *(("PUT", f"{actions}/secrets/{name}") for name in NAMES),
            ("PATCH", f"{actions}/variables/{LIST}"),
        ]
        assert server.asked[2].body == {"name": LIST, "value": " ".join(["coming", *NAMES])}
        text = " ".join(["ea7316dab17971a9", *NAMES])
        assert server.asked[-1] == Asked("PATCH", f"{actions}/variables/{LIST}", {"value": text})
    opened = {
        one.path.rpartition("/")[2]: SealedBox(key).decrypt(b64decode(one.body["encrypted_value"])).decode()
        for one in written
    }
    assert opened == variables(wanted)
