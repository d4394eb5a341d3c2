"""What GitHub answers in its documented shapes, and what it is asked, by the name of the call in `calls`."""

import base64
from typing import Any

from tests.provisioning.clients.calls import BEFORE, BOT, KEY, MARK, NAME, PARTED, SHA, URL
from tests.provisioning.clients.recorded import Asked, InTurn

API = "/api/v3"
REPO = f"{API}/repos/{NAME}"
COMMITS = f"{REPO}/commits?per_page=2"
PAGE = "page=1&per_page=50"
PARTING = f"{REPO}/compare/{BEFORE}...{SHA}?per_page=1&page=2"


def repository(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1296269,
        "name": "demand",
        "full_name": NAME,
        "owner": {"login": "forecasting", "type": "Organization"},
        "description": "Demand (Slipway project 1)",
        "default_branch": "main",
        "html_url": f"https://github.example/{NAME}",
        "clone_url": f"https://github.example/{NAME}.git",
        "topics": ["slipway"],
        "private": True,
        "visibility": "private",
        "is_template": False,
        "size": 108,
        **changes,
    }


TEMPLATE = repository(full_name="catalogue/python", is_template=True)
PERSON = {"name": "Alice", "email": "alice@corp.example", "date": "2026-11-01T10:00:00Z"}
BRANCH = {
    "name": "main",
    "commit": {
        "sha": SHA,
        "commit": {"message": "Train on winter weeks", "author": PERSON, "committer": PERSON},
        "author": {"login": "alice"},
        "committer": None,
    },
    "protected": True,
}
ACTIVITY = [
    {
        "id": 3,
        "before": BEFORE,
        "after": SHA,
        "ref": "refs/heads/main",
        "activity_type": "push",
        "actor": {"login": "alice"},
    },
    {
        "id": 2,
        "before": SHA,
        "after": "0" * 40,
        "ref": "refs/heads/main",
        "activity_type": "branch_deletion",
        "actor": {"login": "bob"},
    },
    {
        "id": 1,
        "before": "0" * 40,
        "after": BEFORE,
        "ref": "refs/heads/main",
        "activity_type": "branch_creation",
        "actor": {"login": BOT},
    },
]
FILE = {
    "type": "file",
    "size": 6,
    "encoding": "base64",
    "content": base64.encodebytes(b"hello\n").decode(),
    "sha": "b1b1",
}
HOOK = {
    "id": 3,
    "name": "web",
    "active": True,
    "events": ["push", "pull_request", "issue_comment"],
    "config": {"url": URL},
}
HOOK_BODY = {
    "active": True,
    "events": ["pull_request", "push"],
    "config": {"url": URL, "content_type": "json", "secret": "s3cret", "insecure_ssl": "0"},
}
STATUSES = {
    "state": "failure",
    "statuses": [
        {
            "context": "slipway/profile",
            "state": "success",
            "description": "Ready.",
            "target_url": "https://portal.corp.example/p",
        },
        {"context": "lint", "state": "failure", "description": None, "target_url": None},
    ],
}


def pull(**changes: Any) -> dict[str, Any]:
    return {
        "number": 7,
        "title": "A change",
        "state": "open",
        "merged_at": None,
        "user": {"login": "alice"},
        "html_url": f"https://github.example/{NAME}/pull/7",
        "head": {"repo": {"full_name": NAME}, "ref": "change", "sha": SHA},
        "base": {"ref": "main", "sha": BEFORE},
        **changes,
    }


def comment(number: int, login: str | None, body: str, edited: str = "2026-11-02T10:00:00Z") -> dict[str, Any]:
    return {
        "id": number,
        "user": login and {"login": login},
        "body": body,
        "created_at": "2026-11-02T10:00:00Z",
        "updated_at": edited,
    }


COMMENTS = [
    comment(18, None, "gone"),
    comment(19, "alice", f"{MARK}Mine."),
    comment(20, "Slipway-Bot", f"{MARK}Worse.", "2026-11-02T10:00:01Z"),
]
MADE = (201, repository())
BODY = {"name": "demand", "description": "Demand (Slipway project 1)", "private": True, "auto_init": True}
MAKE = Asked("POST", f"{API}/orgs/forecasting/repos", BODY)
ISSUE = {"number": 7}
IN_USE = {
    "message": "Repository creation failed.",
    "errors": [{"resource": "Repository", "code": "custom", "message": "name already exists on this account"}],
}
GENERATE = {"owner": "forecasting", "name": "demand", "description": "Demand (Slipway project 1)", "private": True}


def get(path: str) -> Asked:
    return Asked("GET", path)


Script = tuple[dict[tuple[str, str], Any], list[Asked] | None]
SCRIPTS: dict[str, Script] = {
    "repository": ({("GET", REPO): repository()}, [get(REPO)]),
    "repository that is not there": ({}, [get(f"{API}/repos/forecasting/none")]),
    "repository by a former name": (
        {
            ("GET", f"{API}/repos/forecasting/before"): (
                301,
                {"message": "Moved Permanently"},
                {"Location": f"{API}/repositories/1296269"},
            ),
            ("GET", f"{API}/repositories/1296269"): repository(),
        },
        [get(f"{API}/repos/forecasting/before"), get(f"{API}/repositories/1296269")],
    ),
    "repository by number": (
        {("GET", f"{API}/repositories/1296269"): repository()},
        [get(f"{API}/repositories/1296269")],
    ),
    "organisation that is there": (
        {("GET", f"{API}/orgs/forecasting"): {"login": "forecasting"}},
        [get(f"{API}/orgs/forecasting")],
    ),
    "make a repository": ({("POST", MAKE.path): MADE}, [MAKE]),
    "make a repository whose name is in use": ({("POST", MAKE.path): (422, IN_USE)}, [MAKE]),
    "make a repository where nothing is": ({}, [MAKE]),
    "make from a template": (
        {("GET", f"{API}/repos/catalogue/python"): TEMPLATE, ("POST", f"{API}/repos/catalogue/python/generate"): MADE},
        [get(f"{API}/repos/catalogue/python"), Asked("POST", f"{API}/repos/catalogue/python/generate", GENERATE)],
    ),
    "make from a template that is not there": (
        {("GET", f"{API}/repos/catalogue/none"): repository()},
        [get(f"{API}/repos/catalogue/none")],
    ),
    "remove a repository": ({("DELETE", REPO): (204, None)}, [Asked("DELETE", REPO)]),
    "topics": (
        {("PUT", f"{REPO}/topics"): {"names": []}},
        [Asked("PUT", f"{REPO}/topics", {"names": ["slipway", "u-1"]})],
    ),
    "show to the company": ({("PATCH", REPO): repository()}, [Asked("PATCH", REPO, {"visibility": "internal"})]),
    "branch": ({("GET", f"{REPO}/branches/main"): BRANCH}, [get(f"{REPO}/branches/main")]),
    "who pushed": (
        {("GET", f"{REPO}/activity?ref=refs%2Fheads%2Fmain&per_page=50"): ACTIVITY},
        [get(f"{REPO}/activity?ref=refs%2Fheads%2Fmain&per_page=50")],
    ),
    "make a branch": (
        {("GET", f"{REPO}/git/ref/heads/main"): {"object": {"sha": SHA}}, ("POST", f"{REPO}/git/refs"): (201, {})},
        [
            get(f"{REPO}/git/ref/heads/main"),
            Asked("POST", f"{REPO}/git/refs", {"ref": "refs/heads/change", "sha": SHA}),
        ],
    ),
    "make a branch that is there": (
        {
            ("GET", f"{REPO}/git/ref/heads/main"): {"object": {"sha": SHA}},
            ("POST", f"{REPO}/git/refs"): (422, {"message": "Reference already exists"}),
        },
        None,
    ),
    "remove a branch": (
        {("DELETE", f"{REPO}/git/refs/heads/change"): (204, None)},
        [Asked("DELETE", f"{REPO}/git/refs/heads/change")],
    ),
    "file": (
        {("GET", f"{REPO}/contents/conf/a.yaml?ref={SHA}"): FILE},
        [get(f"{REPO}/contents/conf/a.yaml?ref={SHA}")],
    ),
    "file that is not there": (
        {("GET", f"{REPO}/commits/{SHA}"): {"sha": SHA}},
        [get(f"{REPO}/contents/none.yaml?ref={SHA}"), get(f"{REPO}/commits/{SHA}")],
    ),
    "file at a commit that is not there": (
        {("GET", f"{REPO}/commits/change"): (422, {"message": "No commit found for SHA: change"})},
        [get(f"{REPO}/contents/none.yaml?ref=change"), get(f"{REPO}/commits/change")],
    ),
    "file that is too large": (
        {
            ("GET", f"{REPO}/contents/conf/a.yaml?ref={SHA}"): {
                **FILE,
                "size": 2_000_000,
                "encoding": "none",
                "content": "",
            }
        },
        None,
    ),
    "write files": (
        {
            ("GET", COMMITS): [{"commit": {"message": "Try more trees"}}, {"commit": {"message": "Start"}}],
            ("GET", f"{REPO}/git/ref/heads/main"): {"object": {"sha": BEFORE}},
            ("POST", f"{REPO}/git/blobs"): InTurn((201, {"sha": "b1"}), (201, {"sha": "b2"})),
            ("GET", f"{REPO}/git/commits/{BEFORE}"): {"tree": {"sha": "t0"}},
            ("POST", f"{REPO}/git/trees"): (201, {"sha": "t1"}),
            ("POST", f"{REPO}/git/commits"): (201, {"sha": SHA}),
            ("PATCH", f"{REPO}/git/refs/heads/main"): {"object": {"sha": SHA}},
        },
        [
            get(COMMITS),
            get(f"{REPO}/git/ref/heads/main"),
            Asked("POST", f"{REPO}/git/blobs", {"content": "YQo=", "encoding": "base64"}),
            Asked("POST", f"{REPO}/git/blobs", {"content": "/wA=", "encoding": "base64"}),
            get(f"{REPO}/git/commits/{BEFORE}"),
            Asked(
                "POST",
                f"{REPO}/git/trees",
                {
                    "base_tree": "t0",
                    "tree": [
                        {"path": "a.txt", "mode": "100644", "type": "blob", "sha": "b1"},
                        {"path": "b/c.bin", "mode": "100644", "type": "blob", "sha": "b2"},
                    ],
                },
            ),
            Asked("POST", f"{REPO}/git/commits", {"message": "Write", "tree": "t1", "parents": [BEFORE]}),
            Asked("PATCH", f"{REPO}/git/refs/heads/main", {"sha": SHA, "force": False}),
        ],
    ),
    "branch without a rule": (
        {("GET", f"{REPO}/branches/main/protection"): (404, {"message": "Branch not protected"})},
        [get(f"{REPO}/branches/main/protection")],
    ),
    "protect a branch by files": ({}, []),
    "person by login": (
        {("GET", f"{API}/users/alice"): {"login": "alice", "email": None}},
        [get(f"{API}/users/alice")],
    ),
    "person by mail": (
        {
            ("GET", f"{API}/search/users?q=alice%40corp.example%20in%3Aemail&{PAGE}"): {
                "total_count": 2,
                "items": [{"login": "malice"}, {"login": "alice"}],
            },
            ("GET", f"{API}/users/malice"): {"login": "malice", "email": "malice@corp.example"},
            ("GET", f"{API}/users/alice"): {"login": "alice", "email": "Alice@corp.example"},
        },
        [
            get(f"{API}/search/users?q=alice%40corp.example%20in%3Aemail&{PAGE}"),
            get(f"{API}/users/malice"),
            get(f"{API}/users/alice"),
        ],
    ),
    "person whom the forge doesn't know": (
        {("GET", f"{API}/search/users?q=charlie%40corp.example%20in%3Aemail&{PAGE}"): {"total_count": 0, "items": []}},
        [get(f"{API}/search/users?q=charlie%40corp.example%20in%3Aemail&{PAGE}")],
    ),
    "let a person in": (
        {("PUT", f"{REPO}/collaborators/bob"): (201, {"id": 5})},
        [Asked("PUT", f"{REPO}/collaborators/bob", {"permission": "push"})],
    ),
    "take a person off": (
        {
            ("DELETE", f"{REPO}/collaborators/bob"): (204, None),
            ("GET", f"{REPO}/invitations?{PAGE}"): [{"id": 5, "invitee": {"login": "bob"}, "permissions": "write"}],
            ("DELETE", f"{REPO}/invitations/5"): (204, None),
        },
        [
            Asked("DELETE", f"{REPO}/collaborators/bob"),
            get(f"{REPO}/invitations?{PAGE}"),
            Asked("DELETE", f"{REPO}/invitations/5"),
        ],
    ),
    "hooks": ({("GET", f"{REPO}/hooks?{PAGE}"): [HOOK]}, [get(f"{REPO}/hooks?{PAGE}")]),
    "make a hook": (
        {("POST", f"{REPO}/hooks"): (201, HOOK)},
        [Asked("POST", f"{REPO}/hooks", {"name": "web", **HOOK_BODY})],
    ),
    "change a hook": ({("PATCH", f"{REPO}/hooks/3"): HOOK}, [Asked("PATCH", f"{REPO}/hooks/3", HOOK_BODY)]),
    "remove a hook": ({("DELETE", f"{REPO}/hooks/3"): (204, None)}, [Asked("DELETE", f"{REPO}/hooks/3")]),
    "deploy keys": (
        {("GET", f"{REPO}/keys?{PAGE}"): [{"id": 4, "title": "slipway-ci v1", "key": KEY, "read_only": True}]},
        [get(f"{REPO}/keys?{PAGE}")],
    ),
    "make a deploy key": (
        {("POST", f"{REPO}/keys"): (201, {"id": 4})},
        [Asked("POST", f"{REPO}/keys", {"title": "slipway-ci v1", "key": KEY, "read_only": True})],
    ),
    "remove a deploy key": ({("DELETE", f"{REPO}/keys/4"): (204, None)}, [Asked("DELETE", f"{REPO}/keys/4")]),
    "status": (
        {("POST", f"{REPO}/statuses/{SHA}"): (201, {})},
        [
            Asked(
                "POST",
                f"{REPO}/statuses/{SHA}",
                {
                    "context": "slipway/profile",
                    "state": "failure",
                    "description": "x" * 140,
                    "target_url": "https://portal.corp.example/p",
                },
            )
        ],
    ),
    "statuses": (
        {("GET", f"{REPO}/commits/{SHA}/status?per_page=100"): STATUSES},
        [get(f"{REPO}/commits/{SHA}/status?per_page=100")],
    ),
    "statuses of no commit": (
        {("GET", f"{REPO}/commits/{BEFORE}/status?per_page=100"): (422, {"message": "No commit found for SHA"})},
        None,
    ),
    "pull request": (
        {("GET", f"{REPO}/pulls/7"): pull(), ("GET", PARTING): {"merge_base_commit": {"sha": PARTED}, "commits": []}},
        [get(f"{REPO}/pulls/7"), get(PARTING)],
    ),
    "pull request of a fork that is gone": (
        {
            ("GET", f"{REPO}/pulls/7"): pull(
                state="closed", merged_at="2026-11-02T10:00:00Z", head={"repo": None, "ref": "change", "sha": SHA}
            )
        },
        None,
    ),
    "pull request that is not there": ({}, [get(f"{REPO}/pulls/8")]),
    "pull requests of a branch": (
        {("GET", f"{REPO}/pulls?state=open&head=forecasting%3Achange&{PAGE}"): [pull()]},
        [get(f"{REPO}/pulls?state=open&head=forecasting%3Achange&{PAGE}")],
    ),
    "ever proposed": (
        {("GET", f"{REPO}/pulls?state=all&head=forecasting%3Achange&base=main&{PAGE}"): [pull(state="closed")]},
        [get(f"{REPO}/pulls?state=all&head=forecasting%3Achange&base=main&{PAGE}")],
    ),
    "never proposed": (
        {("GET", f"{REPO}/pulls?state=all&head=forecasting%3Achange&base=main&{PAGE}"): []},
        [get(f"{REPO}/pulls?state=all&head=forecasting%3Achange&base=main&{PAGE}")],
    ),
    "make a pull request": (
        {("POST", f"{REPO}/pulls"): (201, pull())},
        [Asked("POST", f"{REPO}/pulls", {"head": "change", "base": "main", "title": "A change", "body": "Why"})],
    ),
    "make a pull request again": (
        {
            ("POST", f"{REPO}/pulls"): (
                422,
                {
                    "message": "Validation Failed",
                    "errors": [{"message": "A pull request already exists for forecasting:change."}],
                },
            )
        },
        None,
    ),
    "files of a pull request": (
        {
            ("GET", f"{REPO}/pulls/7/files?{PAGE}"): [
                {"filename": "a.txt", "status": "added"},
                {"filename": "b.txt", "status": "modified"},
                {"filename": "c.txt", "status": "removed"},
                {"filename": "d.txt", "status": "renamed", "previous_filename": "e.txt"},
            ]
        },
        [get(f"{REPO}/pulls/7/files?{PAGE}")],
    ),
    "comments": (
        {("GET", f"{REPO}/issues/7"): ISSUE, ("GET", f"{REPO}/issues/7/comments?{PAGE}"): COMMENTS[1:]},
        [get(f"{REPO}/issues/7"), get(f"{REPO}/issues/7/comments?{PAGE}")],
    ),
    "first comment": (
        {
            ("GET", f"{REPO}/issues/7"): ISSUE,
            ("GET", f"{REPO}/issues/7/comments?{PAGE}"): COMMENTS[:2],
            ("POST", f"{REPO}/issues/7/comments"): (201, comment(21, BOT, "")),
        },
        [
            get(f"{REPO}/issues/7"),
            get(f"{REPO}/issues/7/comments?{PAGE}"),
            Asked("POST", f"{REPO}/issues/7/comments", {"body": f"{MARK}Better."}),
        ],
    ),
    "changed comment": (
        {
            ("GET", f"{REPO}/issues/7"): ISSUE,
            ("GET", f"{REPO}/issues/7/comments?{PAGE}"): COMMENTS,
            ("PATCH", f"{REPO}/issues/comments/20"): comment(20, BOT, ""),
        },
        [
            get(f"{REPO}/issues/7"),
            get(f"{REPO}/issues/7/comments?{PAGE}"),
            Asked("PATCH", f"{REPO}/issues/comments/20", {"body": f"{MARK}Better."}),
        ],
    ),
    "known comment": (
        {("PATCH", f"{REPO}/issues/comments/20"): comment(20, BOT, "")},
        [Asked("PATCH", f"{REPO}/issues/comments/20", {"body": f"{MARK}Better."})],
    ),
    "known comment that is gone": (
        {},
        [Asked("PATCH", f"{REPO}/issues/comments/20", {"body": f"{MARK}Better."})],
    ),
    "unchanged comment": (
        {
            ("GET", f"{REPO}/issues/7"): ISSUE,
            ("GET", f"{REPO}/issues/7/comments?{PAGE}"): [comment(20, BOT, f"{MARK}Better.")],
        },
        [get(f"{REPO}/issues/7"), get(f"{REPO}/issues/7/comments?{PAGE}")],
    ),
    "comment on nothing": ({}, [get(f"{REPO}/issues/8")]),
    "token that is refused": ({("GET", REPO): (401, {"message": "Bad credentials"})}, [get(REPO)]),
    "too many calls": (
        {("GET", REPO): (403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "42"})},
        [get(REPO)],
    ),
    "token of somebody else": ({("GET", f"{API}/user"): {"login": "alice"}}, [get(f"{API}/user")]),
    "page of a line": ({}, []),
}
