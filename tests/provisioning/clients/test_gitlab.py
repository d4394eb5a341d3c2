"""GitLab's driver against answers of the documented shapes: what it asks, and what it makes of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from provisioning.clients.gitlab import GitLab
from provisioning.errors import PermanentError, Reason, TargetUnavailable, TemporaryError
from tests.provisioning.clients.calls import BOT, CALLS, NAME, SHA, check
from tests.provisioning.clients.gitlab_answers import (
    API,
    COPY,
    FIRST_COMMIT,
    GROUP,
    HOOK,
    HOOK_BODY,
    IN_USE,
    MAKE,
    MAKE_EMPTY,
    PAGE,
    PROJECT,
    SCRIPTS,
    TEMPLATE,
    TEMPLATE_ANSWERS,
    TREE,
    USER,
    get,
    repository,
)
from tests.provisioning.clients.recorded import Asked, InTurn, Played


@pytest.fixture
def forge(server: Played) -> Iterator[GitLab]:
    made = GitLab(name="git-2", url=server.url, token="t0ken", bot=BOT, vouches_for_mail=True)
    yield made
    made.close()


@pytest.mark.parametrize("name", CALLS)
def test_call(server: Played, forge: GitLab, name: str) -> None:
    answers, asked = SCRIPTS[name]
    server.answers.update(answers)
    check(name, forge, author_login="")
    assert asked is None or server.asked == asked


def test_the_token_goes_along(server: Played, forge: GitLab) -> None:
    server.answers["GET", PROJECT] = repository()
    forge.repository(NAME)
    assert server.sent_headers[0]["PRIVATE-TOKEN"] == "t0ken"


def test_waits_as_long_as_it_is_told(server: Played, forge: GitLab) -> None:
    server.answers |= SCRIPTS["too many calls"][0]
    with pytest.raises(TargetUnavailable) as caught:
        forge.repository(NAME)
    assert caught.value.delay == 42


def test_a_hook_that_was_switched_off_is_made_anew(server: Played, forge: GitLab) -> None:
    server.answers |= {
        ("PUT", f"{PROJECT}/hooks/3"): {**HOOK, "alert_status": "disabled"},
        ("DELETE", f"{PROJECT}/hooks/3"): (204, None),
        ("POST", f"{PROJECT}/hooks"): (201, {**HOOK, "id": 4}),
    }
    forge.update_hook(NAME, 3, HOOK["url"], "s3cret", ["pull_request", "push"])
    assert server.asked == [
        Asked("PUT", f"{PROJECT}/hooks/3", HOOK_BODY),
        Asked("DELETE", f"{PROJECT}/hooks/3"),
        Asked("POST", f"{PROJECT}/hooks", HOOK_BODY),
    ]


def test_a_group_is_made_once(server: Played, forge: GitLab) -> None:
    server.answers |= {("POST", f"{API}/groups"): (201, {"id": 2})}
    assert forge.ensure_organisation("forecasting") is True
    make = Asked("POST", f"{API}/groups", {"name": "forecasting", "path": "forecasting", "visibility": "private"})
    assert server.asked == [get(GROUP), make]
    server.answers |= {
        ("GET", GROUP): InTurn((404, {"message": "404 Group Not Found"}), {"id": 2}),
        ("POST", f"{API}/groups"): (400, {"message": 'Failed to save group {:path=>["has already been taken"]}'}),
    }
    assert forge.ensure_organisation("forecasting") is False


def test_a_project_that_was_left_empty_gets_its_files(server: Played, forge: GitLab) -> None:
    server.answers |= {
        **TEMPLATE_ANSWERS,
        ("POST", MAKE.path): (400, IN_USE),
        ("GET", PROJECT): repository(empty_repo=True),
    }
    made = forge.create_from_template("catalogue/python", "forecasting", "demand", "Demand (Slipway project 1)")
    assert (made["id"], made["empty"]) == (1296269, False)
    assert server.asked == [get(TEMPLATE), get(GROUP), MAKE_EMPTY, get(PROJECT), *COPY]


@pytest.mark.parametrize("there", [repository(), repository(empty_repo=True, description="Theirs")])
def test_somebody_s_project_gets_none(server: Played, forge: GitLab, there: dict[str, Any]) -> None:
    server.answers |= {**TEMPLATE_ANSWERS, ("POST", MAKE.path): (400, IN_USE), ("GET", PROJECT): there}
    with pytest.raises(Exception, match="already exists"):
        forge.create_from_template("catalogue/python", "forecasting", "demand", "Demand (Slipway project 1)")
    assert FIRST_COMMIT not in server.asked


def test_a_template_of_links_is_refused(server: Played, forge: GitLab) -> None:
    tree = ("GET", f"{TEMPLATE}/repository/tree?recursive=true&ref=main&{PAGE}")
    link = {"id": "b3", "path": "data", "type": "blob", "mode": "120000"}
    server.answers |= {**TEMPLATE_ANSWERS, ("POST", MAKE.path): (201, repository(empty_repo=True)), tree: [*TREE, link]}
    with pytest.raises(PermanentError, match="holds more than plain files: data"):
        forge.create_from_template("catalogue/python", "forecasting", "demand", "Demand")
    assert FIRST_COMMIT not in server.asked


RULE = f"{PROJECT}/protected_branches/main"
RULES = f"{PROJECT}/approval_rules"


def rule(push: int = 40, merge: int = 30, **changes: Any) -> dict[str, Any]:
    return {
        "name": "main",
        "push_access_levels": [{"access_level": push}],
        "merge_access_levels": [{"access_level": merge}],
        "allow_force_push": False,
        **changes,
    }


@pytest.mark.parametrize(
    ("found", "right"),
    [
        (rule(), True),
        (rule(push=0), False),
        (rule(push=30), False),
        (rule(merge=40), False),
        (rule(allow_force_push=True), False),
        (rule(push_access_levels=[{"access_level": 40}, {"access_level": 30}]), False),
    ],
)
def test_who_may_push_is_said_by_level(server: Played, forge: GitLab, found: dict[str, Any], right: bool) -> None:
    server.answers["GET", RULE] = found
    assert forge.branch_protection(NAME, "main") == {
        "approvals": 0,
        "checks": [],
        "protected_files": [],
        "push_logins": [],
        "administrators_push": right,
    }


@pytest.mark.parametrize(("logins", "level"), [([BOT, "alice"], 40), ([], 0)])
def test_a_rule_is_replaced(server: Played, forge: GitLab, logins: list[str], level: int) -> None:
    server.answers |= {("DELETE", RULE): (204, None), ("POST", f"{PROJECT}/protected_branches"): (201, rule())}
    forge.put_branch_protection(NAME, "main", push_logins=logins)
    body = {"name": "main", "push_access_level": level, "merge_access_level": 30, "allow_force_push": False}
    assert server.asked == [
        Asked("DELETE", RULE),
        Asked("POST", f"{PROJECT}/protected_branches", body),
        get(f"{RULES}?per_page=100"),
    ]


def test_approvals_are_a_rule_of_their_own(server: Played, forge: GitLab) -> None:
    present = [
        {"id": 1, "name": "All Members", "approvals_required": 0},
        {"id": 2, "name": "Slipway", "approvals_required": 1},
    ]
    server.answers |= {
        ("POST", f"{PROJECT}/protected_branches"): (201, rule()),
        ("GET", RULE): rule(),
        ("GET", f"{RULES}?per_page=100"): present,
        ("PUT", f"{RULES}/2"): {},
    }
    found = forge.branch_protection(NAME, "main")
    assert found is not None
    assert found["approvals"] == 1
    forge.put_branch_protection(NAME, "main", approvals=2, push_logins=[BOT])
    assert server.asked[-1] == Asked("PUT", f"{RULES}/2", {"name": "Slipway", "approvals_required": 2})


@pytest.mark.parametrize(
    ("asks", "message"),
    [
        ({"approvals": 1}, "git-2 can't ask for approvals. That needs GitLab Premium; ask for none in the project."),
        (
            {"checks": ["lint"]},
            "git-2 can't ask for checks by name. Ask for a pipeline that succeeds, in the settings there.",
        ),
    ],
)
def test_what_the_edition_can_not_do_is_said(server: Played, forge: GitLab, asks: dict[str, Any], message: str) -> None:
    server.answers["POST", f"{PROJECT}/protected_branches"] = (201, rule())
    with pytest.raises(PermanentError) as caught:
        forge.put_branch_protection(NAME, "main", push_logins=[BOT], **asks)
    assert (caught.value.reason, caught.value.message) == (Reason.UNSUPPORTED, message)
    made = [one for one in server.asked if one.method == "POST" and one.path.endswith("/protected_branches")]
    assert len(made) == 1, "what can be in the rule protects the branch all the same"


def test_what_somebody_has_through_the_group_is_not_ours(server: Played, forge: GitLab) -> None:
    own = [
        {"id": 4, "username": "alice", "access_level": 50},
        {"id": 5, "username": "bob", "access_level": 30},
        {"id": 7, "username": "charlie", "access_level": 10},
    ]
    group = [{"id": 8, "username": "paula", "access_level": 50}, {"id": 9, "username": "reader", "access_level": 20}]
    server.answers |= {
        ("GET", f"{PROJECT}/members?{PAGE}"): own,
        ("GET", f"{PROJECT}/members/all?{PAGE}"): [*own, *group],
    }
    assert forge.collaborators(NAME) == {"alice": "admin", "bob": "write", "charlie": "none", "paula": "owner"}


def test_what_a_person_may_do_by_whatever_way(server: Played, forge: GitLab) -> None:
    server.answers |= {
        ("GET", f"{API}/users?username=bob"): [USER],
        ("GET", f"{PROJECT}/members/all/5"): {"id": 5, "username": "bob", "access_level": 40},
    }
    assert (forge.permission(NAME, "bob"), forge.permission(NAME, "nobody")) == ("admin", "none")


def test_nobody_is_let_in_whom_the_forge_does_not_know(forge: GitLab) -> None:
    with pytest.raises(TemporaryError) as caught:
        forge.put_collaborator(NAME, "bob", "write")
    assert caught.value.reason is Reason.DEPENDENCY_NOT_READY


@pytest.mark.parametrize(("present", "raises"), [("pending", False), ("success", True)])
def test_pending_stays_pending(server: Played, forge: GitLab, present: str, raises: bool) -> None:
    refused = {"message": "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition)"}
    status = {"id": 1, "name": "slipway/profile", "status": present, "description": "Asked.", "target_url": None}
    server.answers |= {
        ("POST", f"{PROJECT}/statuses/{SHA}"): (400, refused),
        ("GET", f"{PROJECT}/repository/commits/{SHA}/statuses?{PAGE}"): [status],
    }
    if raises:
        with pytest.raises(PermanentError, match="Cannot transition status"):
            forge.set_status(NAME, SHA, "slipway/profile", "pending", "Waiting.")
    else:
        forge.set_status(NAME, SHA, "slipway/profile", "pending", "Waiting.")
