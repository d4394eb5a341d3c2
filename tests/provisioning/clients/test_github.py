"""GitHub's driver against answers of the documented shapes: what it asks, and what it makes of them."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox

from provisioning.clients.github import GitHub, api_address
from provisioning.errors import PermanentError, Reason, TargetUnavailable, TemporaryError
from tests.provisioning.clients.calls import BEFORE, BOT, CALLS, NAME, SHA, check
from tests.provisioning.clients.github_answers import (
    BODY,
    COMMITS,
    FILE,
    MADE,
    MAKE,
    PAGE,
    REPO,
    SCRIPTS,
    get,
    pull,
    repository,
)
from tests.provisioning.clients.recorded import Asked, InTurn, Played


@pytest.fixture
def forge(server: Played) -> Iterator[GitHub]:
    made = GitHub(name="git-2", url=server.url, token="t0ken", bot=BOT, vouches_for_mail=True)
    yield made
    made.close()


@pytest.mark.parametrize("name", CALLS)
def test_call(server: Played, forge: GitHub, name: str) -> None:
    answers, asked = SCRIPTS[name]
    server.answers.update(answers)
    check(name, forge, author_login="alice")
    assert asked is None or server.asked == asked


def test_credential_and_version_go_along(server: Played, forge: GitHub) -> None:
    server.answers["GET", REPO] = repository()
    forge.repository(NAME)
    sent = server.sent_headers[0]
    assert (sent["Authorization"], sent["Accept"], sent["X-GitHub-Api-Version"]) == (
        "Bearer t0ken",
        "application/vnd.github+json",
        "2022-11-28",
    )


def test_waits_as_long_as_it_is_told(server: Played, forge: GitHub) -> None:
    server.answers["GET", REPO] = SCRIPTS["too many calls"][0]["GET", REPO]
    with pytest.raises(TargetUnavailable) as caught:
        forge.repository(NAME)
    assert caught.value.delay == 42


def test_organisation_can_not_be_made(forge: GitHub) -> None:
    with pytest.raises(PermanentError) as caught:
        forge.ensure_organisation("forecasting")
    assert (caught.value.reason, caught.value.message) == (
        Reason.UNSUPPORTED,
        "git-2 can't make the organisation forecasting. "
        "Somebody makes it there and invites slipway-bot as an owner; then have us look again.",
    )


def test_repository_for_the_company_is_never_public(server: Played, forge: GitHub) -> None:
    server.answers |= {("POST", MAKE.path): MADE, ("PATCH", REPO): repository(visibility="internal")}
    assert forge.create_repository("forecasting", "demand", BODY["description"], private=False)["private"] is False
    assert server.asked == [MAKE, Asked("PATCH", REPO, {"visibility": "internal"})]


def test_rule_of_a_branch_and_what_the_team_added_to_it(server: Played, forge: GitHub) -> None:
    present = {
        "required_status_checks": {"strict": True, "contexts": ["lint"]},
        "enforce_admins": {"enabled": False},
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": True,
            "require_code_owner_reviews": True,
            "required_approving_review_count": 1,
            "bypass_pull_request_allowances": {"users": [{"login": BOT}], "teams": [], "apps": []},
        },
    }
    server.answers |= {
        ("GET", f"{REPO}/branches/main/protection"): present,
        ("PUT", f"{REPO}/branches/main/protection"): {},
    }
    assert forge.branch_protection(NAME, "main") == {
        "approvals": 1,
        "checks": ["lint"],
        "protected_files": [],
        "push_logins": [BOT],
        "administrators_push": False,
    }
    forge.put_branch_protection(NAME, "main", approvals=2, checks=["lint"], push_logins=[BOT, "alice"])
    assert server.asked[-1] == Asked(
        "PUT",
        f"{REPO}/branches/main/protection",
        {
            "required_status_checks": {"strict": True, "contexts": ["lint"]},
            "enforce_admins": True,
            "required_pull_request_reviews": {
                "dismiss_stale_reviews": True,
                "require_code_owner_reviews": True,
                "required_approving_review_count": 2,
                "bypass_pull_request_allowances": {"users": [BOT, "alice"], "teams": [], "apps": []},
            },
            "restrictions": None,
            "allow_force_pushes": False,
            "allow_deletions": False,
        },
    )


def test_a_plan_without_rules_for_private_repositories_is_named(server: Played, forge: GitHub) -> None:
    path = f"{REPO}/branches/main/protection"
    refused = (403, {"message": "Upgrade to GitHub Pro or make this repository public to enable this feature."})
    server.answers |= {("GET", path): refused, ("PUT", path): refused}
    assert forge.branch_protection(NAME, "main") is None
    with pytest.raises(PermanentError) as caught:
        forge.put_branch_protection(NAME, "main", push_logins=[BOT])
    assert (caught.value.reason, caught.value.message) == (
        Reason.UNSUPPORTED,
        f"git-2 can't protect main of {NAME}. "
        "Private repositories need GitHub Team for that; let the project do without (`protect: false`).",
    )
    server.answers |= {("GET", path): (403, {"message": "Resource not accessible by personal access token"})}
    with pytest.raises(PermanentError, match="refuses to read the protection"):
        forge.branch_protection(NAME, "main")


def test_invited_people_count_as_let_in(server: Played, forge: GitHub) -> None:
    server.answers |= {
        ("GET", f"{REPO}/collaborators?affiliation=direct&{PAGE}"): [
            {"login": "alice", "role_name": "admin"},
            {"login": "bob", "role_name": "maintain"},
            {"login": "paula", "role_name": "auditor-of-our-own"},
        ],
        ("GET", f"{REPO}/invitations?{PAGE}"): [
            {"id": 5, "invitee": {"login": "charlie"}, "permissions": "read"},
            {"id": 6, "invitee": None, "permissions": "write"},
        ],
    }
    assert forge.collaborators(NAME) == {"charlie": "read", "alice": "admin", "bob": "write", "paula": "none"}
    assert forge.permission(NAME, "nobody") == "none"


def test_who_did_not_accept_in_time_is_invited_anew(server: Played, forge: GitHub) -> None:
    person = f"{REPO}/collaborators/charlie"
    invitation = {"id": 5, "invitee": {"login": "charlie"}, "permissions": "write"}
    server.answers |= {
        ("GET", f"{REPO}/collaborators?affiliation=direct&{PAGE}"): [],
        ("GET", f"{REPO}/invitations?{PAGE}"): [{**invitation, "expired": True}],
        ("PUT", person): InTurn((201, {**invitation, "expired": True}), (201, {**invitation, "id": 6})),
        ("DELETE", f"{REPO}/invitations/5"): (204, None),
    }
    assert forge.collaborators(NAME) == {}
    server.asked.clear()
    forge.put_collaborator(NAME, "charlie", "write")
    asked = Asked("PUT", person, {"permission": "push"})
    assert server.asked == [asked, Asked("DELETE", f"{REPO}/invitations/5"), asked]


def test_a_file_of_more_than_a_megabyte_is_read_whole(server: Played, forge: GitHub) -> None:
    content = b"0" * 1_500_000
    server.answers |= {
        ("GET", f"{REPO}/contents/dvc.lock?ref={SHA}"): {
            **FILE,
            "size": len(content),
            "encoding": "none",
            "content": "",
        },
        ("GET", f"{REPO}/git/blobs/{FILE['sha']}"): {
            "sha": FILE["sha"],
            "encoding": "base64",
            "content": b64encode(content).decode(),
        },
    }
    assert forge.file(NAME, "dvc.lock", SHA, limit=5 * 1024 * 1024) == (content, FILE["sha"])


def test_what_is_given_in_smaller_pages_is_read_to_the_end(server: Played, forge: GitHub) -> None:
    pages = [[{"filename": f"{page}.py", "status": "added"}] for page in (1, 2)]
    more = {"Link": f'<{server.url}{REPO}/pulls/7/files?page=2>; rel="next"'}
    server.answers |= {
        ("GET", f"{REPO}/pulls/7/files?page=1&per_page=50"): (200, pages[0], more),
        ("GET", f"{REPO}/pulls/7/files?page=2&per_page=50"): pages[1],
    }
    assert [one["path"] for one in forge.pull_request_files(NAME, 7)] == ["1.py", "2.py"]


def test_a_pull_request_is_found_however_the_name_is_written(server: Played, forge: GitHub) -> None:
    there = pull(head={"repo": {"full_name": "Forecasting/Demand"}, "ref": "change", "sha": SHA})
    path = f"{REPO}/pulls?state=open&head=forecasting%3Achange&{PAGE}"
    server.answers["GET", path] = [there]
    assert [one["number"] for one in forge.pull_requests_of(NAME, "change")] == [7]


def test_a_token_that_may_not_remove_is_told_what_it_lacks(server: Played, forge: GitHub) -> None:
    server.answers["DELETE", REPO] = (403, {"message": "Must have admin rights to Repository."})
    with pytest.raises(PermanentError, match="scope delete_repo"):
        forge.delete_repository(NAME)
    server.answers["DELETE", REPO] = (403, {"message": "API rate limit exceeded for user ID 1."})
    with pytest.raises(TargetUnavailable):
        forge.delete_repository(NAME)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://github.com/", "https://api.github.com"),
        ("https://github.corp.example/", "https://github.corp.example/api/v3"),
    ],
)
def test_where_the_api_is(url: str, address: str) -> None:
    assert api_address(url) == address


USER, META = "/api/v3/user", "/api/v3/meta"
EMPTY = (409, {"message": "Git Repository is empty."})
BEGUN = [{"commit": {"message": "Begin; the project's files follow"}}]
WORK = [{"commit": {"message": "Start"}}]


@pytest.mark.parametrize("size", [0, 8])
@pytest.mark.parametrize(
    ("commits", "empty"), [(EMPTY, True), (BEGUN, True), (WORK, False), ([*WORK, *BEGUN], False), ([], True)]
)
def test_a_small_one_is_empty_without_a_commit_but_the_one_it_begins_with(
    server: Played, forge: GitHub, commits: Any, empty: bool, size: int
) -> None:
    server.answers |= {("GET", REPO): repository(size=size), ("GET", COMMITS): commits}
    found = forge.repository(NAME)
    assert found is not None
    assert (found["empty"], server.asked) == (empty, [get(REPO), get(COMMITS)])


@pytest.mark.parametrize("scopes", ["repo, workflow, read:org", "", None])
def test_a_token_that_may_commit_the_files_of_ci(server: Played, forge: GitHub, scopes: str | None) -> None:
    told = {"X-OAuth-Scopes": scopes} if scopes is not None else {}
    server.answers |= {("GET", USER): (200, {"login": BOT}, told), ("GET", META): {"installed_version": "3.14.0"}}
    assert forge.probe() == "3.14.0"


def test_a_token_that_may_not_is_named_before_a_project_needs_it(server: Played, forge: GitHub) -> None:
    server.answers["GET", USER] = (200, {"login": BOT}, {"X-OAuth-Scopes": "repo, read:org"})
    with pytest.raises(PermanentError, match="lacks the scope workflow"):
        forge.probe()


FIRST_FILE = {
    "message": "Begin; the project's files follow",
    "content": b64encode(b"The project's files follow in a moment.\n").decode(),
    "branch": "main",
}
FIRST_COMMIT = [
    Asked(
        "POST",
        f"{REPO}/git/trees",
        {
            "tree": [
                {"path": "a.txt", "mode": "100644", "type": "blob", "sha": "b1"},
                {"path": "b/c.bin", "mode": "100644", "type": "blob", "sha": "b2"},
            ]
        },
    ),
    Asked("POST", f"{REPO}/git/commits", {"message": "Write", "tree": "t1", "parents": []}),
    Asked("PATCH", f"{REPO}/git/refs/heads/main", {"sha": SHA, "force": True}),
]


def test_the_first_files_become_one_commit_without_a_parent(server: Played, forge: GitHub) -> None:
    server.answers |= SCRIPTS["write files"][0] | {
        ("GET", COMMITS): EMPTY,
        ("PUT", f"{REPO}/contents/README.md"): (201, {"commit": {"sha": BEFORE}}),
        ("POST", f"{REPO}/git/blobs"): InTurn((201, {"sha": "b1"}), (201, {"sha": "b2"})),
    }
    assert forge.put_files(NAME, "main", "Write", {"a.txt": b"a\n", "b/c.bin": b"\xff\x00"}) == SHA
    assert [one for one in server.asked if one.method != "GET" and "blobs" not in one.path] == [
        Asked("PUT", f"{REPO}/contents/README.md", FIRST_FILE),
        *FIRST_COMMIT,
    ]


def test_first_files_that_were_cut_off_are_written_whole_by_the_next_try(server: Played, forge: GitHub) -> None:
    server.answers |= SCRIPTS["write files"][0] | {
        ("GET", COMMITS): BEGUN,
        ("POST", f"{REPO}/git/blobs"): InTurn((201, {"sha": "b1"}), (201, {"sha": "b2"})),
    }
    assert forge.put_files(NAME, "main", "Write", {"a.txt": b"a\n", "b/c.bin": b"\xff\x00"}) == SHA
    assert [one for one in server.asked if one.method != "GET" and "blobs" not in one.path] == FIRST_COMMIT


def test_a_workflow_is_started_on_a_branch(server: Played, forge: GitHub) -> None:
    start = f"{REPO}/actions/workflows/ci.yaml/dispatches"
    server.answers["POST", start] = (204, None)
    forge.start_workflow(NAME, "ci.yaml", "main")
    assert server.asked == [Asked("POST", start, {"ref": "main"})]
    server.answers["POST", start] = (422, {"message": "Workflow does not have 'workflow_dispatch' trigger"})
    with pytest.raises(PermanentError, match="lacks `on: workflow_dispatch`"):
        forge.start_workflow(NAME, "ci.yaml", "main")


SECRETS = f"{REPO}/actions/secrets"


def test_secrets_are_sealed_so_that_only_their_repository_opens_them(server: Played, forge: GitHub) -> None:
    key = PrivateKey.generate()
    server.answers |= {
        ("GET", f"{SECRETS}/public-key"): {
            "key_id": "568250167242549743",
            "key": b64encode(bytes(key.public_key)).decode(),
        },
        ("PUT", f"{SECRETS}/BUCKET"): (201, {}),
        ("PUT", f"{SECRETS}/SLIPWAY_TOKEN"): (204, None),
    }
    forge.put_ci_secrets(NAME, {"BUCKET": "ml-demand", "SLIPWAY_TOKEN": "nyckel för CI"})

    sealed = {one.path: one.body.pop("encrypted_value") for one in server.asked if one.body}
    assert server.asked == [
        get(f"{SECRETS}/public-key"),
        Asked("PUT", f"{SECRETS}/BUCKET", {"key_id": "568250167242549743"}),
        Asked("PUT", f"{SECRETS}/SLIPWAY_TOKEN", {"key_id": "568250167242549743"}),
    ]
    assert {path: SealedBox(key).decrypt(b64decode(value)).decode() for path, value in sealed.items()} == {
        f"{SECRETS}/BUCKET": "ml-demand",
        f"{SECRETS}/SLIPWAY_TOKEN": "nyckel för CI",
    }


def test_secrets_without_the_right_or_the_repository(server: Played, forge: GitHub) -> None:
    with pytest.raises(TemporaryError, match="git-2 can't give a key for the CI secrets of forecasting/demand"):
        forge.put_ci_secrets(NAME, {"BUCKET": "ml-demand"})
    key = b64encode(bytes(PrivateKey.generate().public_key)).decode()
    server.answers |= {
        ("GET", f"{SECRETS}/public-key"): {"key_id": "1", "key": key},
        ("PUT", f"{SECRETS}/BUCKET"): (403, {"message": "Resource not accessible by personal access token"}),
    }
    with pytest.raises(PermanentError) as caught:
        forge.put_ci_secrets(NAME, {"BUCKET": "ml-demand", "SLIPWAY_TOKEN": "t0ken"})
    assert caught.value.message == (
        "git-2 refuses to write the CI secret BUCKET of forecasting/demand: "
        "Resource not accessible by personal access token"
    )


def test_secrets_are_listed_by_name_and_removed(server: Played, forge: GitHub) -> None:
    times = {"created_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-02T10:00:00Z"}
    listed = {"total_count": 2, "secrets": [{"name": "BUCKET", **times}, {"name": "THEIRS", **times}]}
    server.answers |= {("GET", f"{SECRETS}?{PAGE}"): listed, ("DELETE", f"{SECRETS}/BUCKET"): (204, None)}
    assert forge.ci_secrets(NAME) == ["BUCKET", "THEIRS"]
    assert forge.ci_secrets("forecasting/none") == []
    for name in ("BUCKET", "GONE"):
        forge.delete_ci_secret(NAME, name)
    assert server.asked[-2:] == [Asked("DELETE", f"{SECRETS}/BUCKET"), Asked("DELETE", f"{SECRETS}/GONE")]


def test_variables_of_workflows(server: Played, forge: GitHub) -> None:
    variables = f"{REPO}/actions/variables"
    times = {"created_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-02T10:00:00Z"}
    assert forge.ci_variable(NAME, "LISTED") is None
    server.answers |= {
        ("GET", f"{variables}/LISTED"): {"name": "LISTED", "value": "A B", **times},
        ("POST", variables): InTurn((201, {}), (409, {"message": "Already exists - Variable already exists"})),
        ("PATCH", f"{variables}/LISTED"): (204, None),
        ("DELETE", f"{variables}/LISTED"): (204, None),
    }
    assert forge.ci_variable(NAME, "LISTED") == "A B"
    forge.create_ci_variable(NAME, "LISTED", "A")
    with pytest.raises(TemporaryError):
        forge.create_ci_variable(NAME, "LISTED", "A")
    forge.update_ci_variable(NAME, "LISTED", "A B")
    forge.delete_ci_variable(NAME, "LISTED")
    assert server.asked[2:] == [
        *[Asked("POST", variables, {"name": "LISTED", "value": "A"})] * 2,
        Asked("PATCH", f"{variables}/LISTED", {"value": "A B"}),
        Asked("DELETE", f"{variables}/LISTED"),
    ]
