"""The webhook Kind: two hooks, each there once, signed with the project's own secrets."""

from typing import Any

import pytest

from provisioning.errors import TargetUnavailable, TemporaryError
from provisioning.kind import Object, Wish
from provisioning.kinds.webhook import KIND, hook_path
from provisioning.plan import compare, counts
from provisioning.repositories import description
from tests.fakes.forge import FakeForge
from tests.provisioning.wishes import UID, catalogue, one_by_one, wish

NAME = "forecasting/demand"
BARE = "http://127.0.0.1:8081/"
LISTENER = f"{BARE}?slipway-project={UID}"
PROFILE = f"http://localhost:8000/hooks/git-1/{UID}/"
NO_LISTENER = catalogue(cluster={"ci_listener_url": ""})
BY_ACTIONS = catalogue(cluster={"ci": "actions"}, forge={"actions": True})


@pytest.fixture
def forge() -> FakeForge:
    """A forge that has the project's repository."""
    forge = FakeForge()
    forge.ensure_organisation("forecasting")
    forge.create_repository("forecasting", "demand", description(wish()))
    forge.calls.clear()
    return forge


def found(wanted: Wish, forge: FakeForge) -> dict[str, int]:
    objects = KIND.desired(wanted)
    changes = compare(kind="webhook", desired=objects, observed=KIND.observe(wanted, forge, objects, one_by_one))
    return {action: number for action, number in counts(changes).items() if number}


def apply(wanted: Wish, forge: FakeForge) -> None:
    KIND.apply(wanted, forge, KIND.desired(wanted), one_by_one)


def hooks(forge: FakeForge) -> list[tuple[str, list[str], bool, str]]:
    """URL, events, active, secret of each hook, by URL."""
    kept = forge.repositories[NAME]
    return sorted(
        (hook["url"], hook["events"], hook["active"], kept.secrets[number]) for number, hook in kept.hooks.items()
    )


def expected(**changes: Any) -> list[tuple[str, list[str], bool, str]]:
    wanted = wish(**changes)
    return [
        (LISTENER, ["pull_request", "push"], True, wanted.secret("webhook")),
        (PROFILE, ["issue_comment", "pull_request", "push"], True, wanted.secret("profile-hook")),
    ]


def body(url: str) -> dict[str, Any]:
    comments = [] if url == LISTENER else ["issue_comment"]
    return {"url": url, "events": [*comments, "pull_request", "push"], "active": True, "copies": 1}


def test_desires_one_hook_for_ci_and_one_for_the_portal():
    assert KIND.after == ("repository",)
    assert KIND.desired(wish()) == (
        Object(key="hook/ci", body=body(LISTENER)),
        Object(key="hook/profile", body=body(PROFILE)),
    )


def test_desires_the_portals_hook_alone_where_the_cluster_has_no_listener():
    wanted = wish(catalogue=NO_LISTENER)

    assert KIND.desired(wanted) == (
        Object(key="hook/ci", body=None),
        Object(key="hook/profile", body=body(PROFILE)),
    )


@pytest.mark.parametrize(
    ("portal_url", "url"),
    [
        ("https://slipway.corp.example", f"https://slipway.corp.example/hooks/git-1/{UID}/"),
        ("https://slipway.corp.example:8443/projects/demand/", f"https://slipway.corp.example:8443/hooks/git-1/{UID}/"),
    ],
)
def test_the_portals_hook_is_at_its_origin(portal_url: str, url: str):
    assert KIND.desired(wish(portal_url=portal_url))[1] == Object(key="hook/profile", body=body(url))
    assert url.endswith(hook_path(forge=wish().forge.name, uid=wish().uid))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (wish(), "Pushes and pull requests ring CI on cluster-north and the portal"),
        (wish(catalogue=NO_LISTENER), "Pushes and pull requests ring the portal; cluster-north has no CI listener"),
        (wish(catalogue=BY_ACTIONS), "Pushes and pull requests ring the portal; git-1 runs CI by itself"),
    ],
)
def test_summary(wanted: Wish, sentence: str):
    assert KIND.summary(wanted) == sentence


def test_makes_both_with_one_look(forge: FakeForge):
    apply(wish(), forge)

    assert forge.calls == [("hooks", NAME), ("create_hook", NAME, LISTENER), ("create_hook", NAME, PROFILE)]
    assert hooks(forge) == expected()
    forge.calls.clear()
    assert found(wish(), forge) == {"keep": 2}
    assert forge.calls == [("hooks", NAME)]


def test_an_unknown_outcome_leaves_no_second_hook(forge: FakeForge):
    forge.create_hook(NAME, LISTENER, "a-good-long-secret", ["push"])

    apply(wish(), forge)

    assert hooks(forge) == expected()


def test_applying_again_after_any_failure_ends_well(forge: FakeForge):
    for method in ("hooks", "create_hook"):
        forge.fail_with(TargetUnavailable("away"), on=method)
        with pytest.raises(TargetUnavailable):
            apply(wish(), forge)

    apply(wish(), forge)

    assert hooks(forge) == expected()


def test_extra_copies_go_and_other_peoples_hooks_stay(forge: FakeForge):
    theirs = "https://chat.corp.example/hooks/git-1/other/"
    for url in (LISTENER, LISTENER, LISTENER, PROFILE, theirs):
        forge.create_hook(NAME, url, "a-good-long-secret", ["push"])
    assert found(wish(), forge) == {"update": 2}

    apply(wish(), forge)

    assert found(wish(), forge) == {"keep": 2}
    assert hooks(forge) == sorted([*expected(), (theirs, ["push"], True, "a-good-long-secret")])


def test_a_switched_off_hook_is_switched_on(forge: FakeForge):
    apply(wish(), forge)
    for hook in forge.repositories[NAME].hooks.values():
        hook["active"] = False
    assert found(wish(), forge) == {"update": 2}

    apply(wish(), forge)

    assert hooks(forge) == expected()


def test_a_portal_that_moved_corrects_its_hook(forge: FakeForge):
    apply(wish(portal_url="http://old.corp.example/"), forge)
    assert found(wish(), forge) == {"update": 1, "keep": 1}

    apply(wish(), forge)

    assert hooks(forge) == expected()


def test_a_new_version_gives_a_hook_another_secret(forge: FakeForge):
    apply(wish(), forge)

    apply(wish(versions={"webhook": 2}), forge)

    assert hooks(forge) == expected(versions={"webhook": 2})


def test_without_a_repository_it_waits(forge: FakeForge):
    wanted = wish(slug="winter")

    assert found(wanted, forge) == {"create": 2}
    with pytest.raises(TemporaryError):
        apply(wanted, forge)
    assert KIND.delete(wanted, forge) is True


def test_removal_takes_our_hooks_and_no_others(forge: FakeForge):
    apply(wish(), forge)
    forge.create_hook(NAME, "https://chat.corp.example/", "a-good-long-secret", ["push"])

    assert KIND.delete(wish(), forge) is True
    assert KIND.delete(wish(), forge) is True

    assert [hook[0] for hook in hooks(forge)] == ["https://chat.corp.example/"]


def test_removal_leaves_the_hooks_of_a_repository_that_is_another_projects(forge: FakeForge):
    apply(wish(), forge)

    assert KIND.delete(wish(uid="another"), forge) is True

    assert hooks(forge) == expected()


def test_a_listener_that_does_not_understand_the_forge_is_not_rung():
    wanted = wish(catalogue=catalogue(forge={"kind": "gitlab"}))
    assert [thing.key for thing in KIND.desired(wanted) if thing.body] == ["hook/profile"]


@pytest.mark.parametrize(
    ("ci", "actions", "rung"),
    [
        *(("auto", False, True), ("auto", True, True), ("tekton", False, True), ("tekton", True, True)),
        *(("actions", False, True), ("actions", True, False)),
    ],
)
def test_the_listener_is_rung_unless_the_forge_runs_ci_in_its_place(ci: str, actions: bool, rung: bool):
    wanted = wish(catalogue=catalogue(cluster={"ci": ci}, forge={"actions": actions}))
    assert KIND.desired(wanted)[0] == Object(key="hook/ci", body=body(LISTENER) if rung else None)


def test_a_listener_that_nobody_needs_any_more_is_not_rung_and_is_again_when_it_is_needed(forge: FakeForge):
    theirs = "https://chat.corp.example/"
    forge.create_hook(NAME, theirs, "a-good-long-secret", ["push"])
    apply(wish(), forge)
    forge.create_hook(NAME, LISTENER, "a-good-long-secret", ["push"])
    elsewhere = wish(catalogue=BY_ACTIONS)
    assert found(elsewhere, forge) == {"keep": 1, "delete": 1}

    apply(elsewhere, forge)

    assert [hook[0] for hook in hooks(forge)] == sorted([PROFILE, theirs])
    assert found(elsewhere, forge) == {"keep": 1}
    assert found(wish(), forge) == {"keep": 1, "create": 1}

    apply(wish(), forge)

    assert [one for one in hooks(forge) if one[0] != theirs] == expected()


MOVED = catalogue(cluster={"ci_listener_url": "https://ci.corp.example/hooks?cluster=north"})


def test_a_listener_that_moved_takes_its_hook_along(forge: FakeForge):
    theirs = "https://ci.corp.example/hooks?slipway-project=another"
    forge.create_hook(NAME, theirs, "a-good-long-secret", ["push"])
    apply(wish(), forge)
    moved = wish(catalogue=MOVED)
    assert found(moved, forge) == {"update": 1, "keep": 1}

    apply(moved, forge)

    there = f"https://ci.corp.example/hooks?cluster=north&slipway-project={UID}"
    assert [hook[0] for hook in hooks(forge)] == sorted([there, PROFILE, theirs])
    assert found(moved, forge) == {"keep": 2}


def test_a_listener_that_is_no_more_gets_no_deliveries(forge: FakeForge):
    apply(wish(), forge)
    gone = wish(catalogue=NO_LISTENER)
    assert found(gone, forge) == {"delete": 1, "keep": 1}

    apply(gone, forge)

    assert [hook[0] for hook in hooks(forge)] == [PROFILE]
    assert found(gone, forge) == {"keep": 1}


def test_removal_takes_the_hook_of_a_listener_that_moved_or_went(forge: FakeForge):
    for now in (MOVED, NO_LISTENER):
        apply(wish(), forge)

        assert KIND.delete(wish(catalogue=now), forge) is True

        assert hooks(forge) == []


def test_a_hook_from_before_there_was_a_mark_gets_one(forge: FakeForge):
    for url in (BARE, BARE, PROFILE):
        forge.create_hook(NAME, url, "a-good-long-secret", ["push"])
    assert found(wish(), forge) == {"update": 2}

    apply(wish(), forge)

    assert hooks(forge) == expected()
