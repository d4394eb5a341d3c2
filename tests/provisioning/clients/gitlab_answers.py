"""What GitLab answers in its documented shapes, and what it is asked, by the name of the call in `calls`."""

from typing import Any

from tests.provisioning.clients.calls import BEFORE, BOT, KEY, MARK, NAME, PARTED, SHA, URL
from tests.provisioning.clients.recorded import Asked

API = "/api/v4"
PROJECT = f"{API}/projects/forecasting%2Fdemand"
TEMPLATE = f"{API}/projects/catalogue%2Fpython"
GROUP = f"{API}/groups/forecasting?with_projects=false"
PAGE = "page=1&per_page=50"


def repository(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1296269,
        "path_with_namespace": NAME,
        "namespace": {"id": 2, "kind": "group", "full_path": "forecasting"},
        "description": "Demand (Slipway project 1)",
        "default_branch": "main",
        "web_url": f"https://gitlab.example/{NAME}",
        "http_url_to_repo": f"https://gitlab.example/{NAME}.git",
        "topics": ["slipway"],
        "visibility": "private",
        "empty_repo": False,
        **changes,
    }


BRANCH = {
    "name": "main",
    "commit": {
        "id": SHA,
        "message": "Train on winter weeks",
        "author_name": "Alice",
        "author_email": "alice@corp.example",
        "committer_name": "Alice",
        "committer_email": "alice@corp.example",
    },
}


def pushed(
    login: str, before: str | None, after: str | None, ref: str = "main", kind: str = "branch"
) -> dict[str, Any]:
    data = {"ref": ref, "ref_type": kind, "commit_from": before, "commit_to": after, "commit_count": 1}
    return {"action_name": "pushed to", "author_username": login, "push_data": data}


EVENTS = [
    pushed("alice", BEFORE, SHA),
    pushed("bob", BEFORE, SHA, ref="change"),
    pushed("bob", None, SHA, kind="tag"),
    pushed("bob", SHA, None),
    pushed(BOT, None, BEFORE),
    {"action_name": "joined", "author_username": "charlie"},
]
FILE = {"file_path": "conf/a.yaml", "size": 6, "encoding": "base64", "content": "aGVsbG8K", "blob_id": "b1b1"}
USER = {"id": 5, "username": "bob"}
HOOK = {
    "id": 3,
    "url": URL,
    "push_events": True,
    "merge_requests_events": True,
    "note_events": True,
    "tag_push_events": True,
    "alert_status": "executable",
}
HOOK_BODY = {
    "url": URL,
    "token": "s3cret",
    "enable_ssl_verification": True,
    "push_events": True,
    "merge_requests_events": True,
    "note_events": False,
}
STATUSES = [
    {
        "id": 9,
        "name": "slipway/profile",
        "status": "success",
        "description": "Ready.",
        "target_url": "https://portal.corp.example/p",
    },
    {"id": 8, "name": "slipway/profile", "status": "pending", "description": "Asked.", "target_url": None},
    {"id": 7, "name": "lint", "status": "failed", "description": None, "target_url": None},
]


def request(**changes: Any) -> dict[str, Any]:
    return {
        "iid": 7,
        "title": "A change",
        "state": "opened",
        "author": {"username": "alice"},
        "web_url": f"https://gitlab.example/{NAME}/-/merge_requests/7",
        "source_project_id": 1296269,
        "target_project_id": 1296269,
        "source_branch": "change",
        "target_branch": "main",
        "sha": SHA,
        "diff_refs": {"base_sha": PARTED, "head_sha": SHA, "start_sha": BEFORE},
        **changes,
    }


def note(number: int, login: str, body: str, system: bool = False, edited: str = "000") -> dict[str, Any]:
    return {
        "id": number,
        "author": {"username": login},
        "body": body,
        "system": system,
        "created_at": "2026-11-02T10:00:00.000Z",
        "updated_at": f"2026-11-02T10:00:00.{edited}Z",
    }


NOTES = [
    note(17, BOT, f"{MARK}changed the title", system=True),
    note(19, "alice", f"{MARK}Mine."),
    note(20, BOT, f"{MARK}Worse.", edited="001"),
]
NOTES_AT = f"{PROJECT}/merge_requests/7/notes?sort=asc&order_by=created_at&{PAGE}"
MAKE = Asked(
    "POST",
    f"{API}/projects",
    {
        "name": "demand",
        "path": "demand",
        "namespace_id": 2,
        "description": "Demand (Slipway project 1)",
        "visibility": "private",
        "initialize_with_readme": True,
    },
)
MAKE_EMPTY = Asked("POST", f"{API}/projects", {**MAKE.body, "initialize_with_readme": False})
IN_USE = {"message": {"path": ["has already been taken"], "name": ["has already been taken"]}}
TREE = [
    {"id": "t1", "path": "src", "type": "tree", "mode": "040000"},
    {"id": "b1", "path": "README.md", "type": "blob", "mode": "100644"},
    {"id": "b2", "path": "src/run.sh", "type": "blob", "mode": "100755"},
]
FIRST_COMMIT = Asked(
    "POST",
    f"{PROJECT}/repository/commits",
    {
        "branch": "main",
        "commit_message": "Initial commit",
        "actions": [
            {
                "action": "create",
                "file_path": "README.md",
                "content": "IyBB",
                "encoding": "base64",
                "execute_filemode": False,
            },
            {
                "action": "create",
                "file_path": "src/run.sh",
                "content": "/wA=",
                "encoding": "base64",
                "execute_filemode": True,
            },
        ],
    },
)
TEMPLATE_ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", TEMPLATE): repository(path_with_namespace="catalogue/python"),
    ("GET", GROUP): {"id": 2},
    ("GET", f"{TEMPLATE}/repository/tree?recursive=true&ref=main&{PAGE}"): TREE,
    ("GET", f"{TEMPLATE}/repository/blobs/b1"): {"size": 3, "encoding": "base64", "content": "IyBB", "sha": "b1"},
    ("GET", f"{TEMPLATE}/repository/blobs/b2"): {"size": 2, "encoding": "base64", "content": "/wA=", "sha": "b2"},
    ("POST", FIRST_COMMIT.path): (201, {"id": SHA}),
}


def get(path: str) -> Asked:
    return Asked("GET", path)


COPY = [
    get(f"{TEMPLATE}/repository/tree?recursive=true&ref=main&{PAGE}"),
    get(f"{TEMPLATE}/repository/blobs/b1"),
    get(f"{TEMPLATE}/repository/blobs/b2"),
    FIRST_COMMIT,
]
Script = tuple[dict[tuple[str, str], Any], list[Asked] | None]
SCRIPTS: dict[str, Script] = {
    "repository": ({("GET", PROJECT): repository()}, [get(PROJECT)]),
    "repository that is not there": ({}, [get(f"{API}/projects/forecasting%2Fnone")]),
    "repository by a former name": (
        {
            ("GET", f"{API}/projects/forecasting%2Fbefore"): (
                301,
                {"message": "Moved"},
                {"Location": f"{API}/projects/1296269"},
            ),
            ("GET", f"{API}/projects/1296269"): repository(),
        },
        [get(f"{API}/projects/forecasting%2Fbefore"), get(f"{API}/projects/1296269")],
    ),
    "repository by number": ({("GET", f"{API}/projects/1296269"): repository()}, [get(f"{API}/projects/1296269")]),
    "organisation that is there": ({("GET", GROUP): {"id": 2}}, [get(GROUP)]),
    "make a repository": ({("GET", GROUP): {"id": 2}, ("POST", MAKE.path): (201, repository())}, [get(GROUP), MAKE]),
    "make a repository whose name is in use": (
        {("GET", GROUP): {"id": 2}, ("POST", MAKE.path): (400, IN_USE)},
        [get(GROUP), MAKE],
    ),
    "make a repository where nothing is": ({}, [get(GROUP)]),
    "make from a template": (
        {**TEMPLATE_ANSWERS, ("POST", MAKE.path): (201, repository(empty_repo=True, default_branch=None))},
        [get(TEMPLATE), get(GROUP), MAKE_EMPTY, *COPY],
    ),
    "make from a template that is not there": ({}, [get(f"{API}/projects/catalogue%2Fnone")]),
    "remove a repository": ({("DELETE", PROJECT): (202, {"message": "202 Accepted"})}, [Asked("DELETE", PROJECT)]),
    "topics": ({("PUT", PROJECT): repository()}, [Asked("PUT", PROJECT, {"topics": ["slipway", "u-1"]})]),
    "show to the company": ({("PUT", PROJECT): repository()}, [Asked("PUT", PROJECT, {"visibility": "internal"})]),
    "branch": (
        {("GET", f"{PROJECT}/repository/branches/main"): BRANCH},
        [get(f"{PROJECT}/repository/branches/main")],
    ),
    "who pushed": (
        {("GET", f"{PROJECT}/events?action=pushed&per_page=50"): EVENTS},
        [get(f"{PROJECT}/events?action=pushed&per_page=50")],
    ),
    "make a branch": (
        {("POST", f"{PROJECT}/repository/branches"): (201, BRANCH)},
        [Asked("POST", f"{PROJECT}/repository/branches", {"branch": "change", "ref": "main"})],
    ),
    "make a branch that is there": (
        {("POST", f"{PROJECT}/repository/branches"): (400, {"message": "Branch already exists"})},
        None,
    ),
    "remove a branch": (
        {("DELETE", f"{PROJECT}/repository/branches/change"): (204, None)},
        [Asked("DELETE", f"{PROJECT}/repository/branches/change")],
    ),
    "file": (
        {("GET", f"{PROJECT}/repository/files/conf%2Fa.yaml?ref={SHA}"): FILE},
        [get(f"{PROJECT}/repository/files/conf%2Fa.yaml?ref={SHA}")],
    ),
    "file that is not there": (
        {("GET", f"{PROJECT}/repository/commits/{SHA}?stats=false"): {"id": SHA}},
        [
            get(f"{PROJECT}/repository/files/none.yaml?ref={SHA}"),
            get(f"{PROJECT}/repository/commits/{SHA}?stats=false"),
        ],
    ),
    "file at a commit that is not there": (
        {},
        [
            get(f"{PROJECT}/repository/files/none.yaml?ref=change"),
            get(f"{PROJECT}/repository/commits/change?stats=false"),
        ],
    ),
    "file that is too large": (
        {("GET", f"{PROJECT}/repository/files/conf%2Fa.yaml?ref={SHA}"): {**FILE, "size": 70_000}},
        None,
    ),
    "write files": (
        {
            ("GET", f"{PROJECT}/repository/files/a.txt?ref=main"): FILE,
            ("POST", f"{PROJECT}/repository/commits"): (201, {"id": SHA}),
        },
        [
            get(f"{PROJECT}/repository/files/a.txt?ref=main"),
            get(f"{PROJECT}/repository/files/b%2Fc.bin?ref=main"),
            Asked(
                "POST",
                f"{PROJECT}/repository/commits",
                {
                    "branch": "main",
                    "commit_message": "Write",
                    "actions": [
                        {"action": "update", "file_path": "a.txt", "content": "YQo=", "encoding": "base64"},
                        {"action": "create", "file_path": "b/c.bin", "content": "/wA=", "encoding": "base64"},
                    ],
                },
            ),
        ],
    ),
    "branch without a rule": ({}, [get(f"{PROJECT}/protected_branches/main")]),
    "protect a branch by files": ({}, []),
    "person by login": (
        {("GET", f"{API}/users?username=alice"): [{"id": 4, "username": "alice"}]},
        [get(f"{API}/users?username=alice")],
    ),
    "person by mail": (
        {
            ("GET", f"{API}/users?search=alice%40corp.example&{PAGE}"): [
                {"id": 6, "username": "malice", "email": "malice@corp.example"},
                {"id": 4, "username": "alice", "email": None, "public_email": "Alice@corp.example"},
            ]
        },
        [get(f"{API}/users?search=alice%40corp.example&{PAGE}")],
    ),
    "person whom the forge doesn't know": (
        {("GET", f"{API}/users?search=charlie%40corp.example&{PAGE}"): []},
        [get(f"{API}/users?search=charlie%40corp.example&{PAGE}")],
    ),
    "let a person in": (
        {
            ("GET", f"{API}/users?username=bob"): [USER],
            ("POST", f"{PROJECT}/members"): (409, {"message": "Member already exists"}),
            ("PUT", f"{PROJECT}/members/5"): {"id": 5, "access_level": 30},
        },
        [
            get(f"{API}/users?username=bob"),
            Asked("POST", f"{PROJECT}/members", {"user_id": 5, "access_level": 30}),
            Asked("PUT", f"{PROJECT}/members/5", {"access_level": 30}),
        ],
    ),
    "take a person off": (
        {("GET", f"{API}/users?username=bob"): [USER], ("DELETE", f"{PROJECT}/members/5"): (204, None)},
        [get(f"{API}/users?username=bob"), Asked("DELETE", f"{PROJECT}/members/5")],
    ),
    "hooks": ({("GET", f"{PROJECT}/hooks?{PAGE}"): [HOOK]}, [get(f"{PROJECT}/hooks?{PAGE}")]),
    "make a hook": (
        {("POST", f"{PROJECT}/hooks"): (201, HOOK)},
        [Asked("POST", f"{PROJECT}/hooks", HOOK_BODY)],
    ),
    "change a hook": ({("PUT", f"{PROJECT}/hooks/3"): HOOK}, [Asked("PUT", f"{PROJECT}/hooks/3", HOOK_BODY)]),
    "remove a hook": ({("DELETE", f"{PROJECT}/hooks/3"): (204, None)}, [Asked("DELETE", f"{PROJECT}/hooks/3")]),
    "deploy keys": (
        {
            ("GET", f"{PROJECT}/deploy_keys?{PAGE}"): [
                {"id": 4, "title": "slipway-ci v1", "key": KEY, "can_push": False}
            ]
        },
        [get(f"{PROJECT}/deploy_keys?{PAGE}")],
    ),
    "make a deploy key": (
        {("POST", f"{PROJECT}/deploy_keys"): (201, {"id": 4})},
        [Asked("POST", f"{PROJECT}/deploy_keys", {"title": "slipway-ci v1", "key": KEY, "can_push": False})],
    ),
    "remove a deploy key": (
        {("DELETE", f"{PROJECT}/deploy_keys/4"): (204, None)},
        [Asked("DELETE", f"{PROJECT}/deploy_keys/4")],
    ),
    "status": (
        {("POST", f"{PROJECT}/statuses/{SHA}"): (201, {})},
        [
            Asked(
                "POST",
                f"{PROJECT}/statuses/{SHA}",
                {
                    "name": "slipway/profile",
                    "state": "failed",
                    "description": "x" * 255,
                    "target_url": "https://portal.corp.example/p",
                },
            )
        ],
    ),
    "statuses": (
        {("GET", f"{PROJECT}/repository/commits/{SHA}/statuses?{PAGE}"): STATUSES},
        [get(f"{PROJECT}/repository/commits/{SHA}/statuses?{PAGE}")],
    ),
    "statuses of no commit": ({}, [get(f"{PROJECT}/repository/commits/{BEFORE}/statuses?{PAGE}")]),
    "pull request": ({("GET", f"{PROJECT}/merge_requests/7"): request()}, [get(f"{PROJECT}/merge_requests/7")]),
    "pull request of a fork that is gone": (
        {("GET", f"{PROJECT}/merge_requests/7"): request(state="merged", source_project_id=77)},
        [get(f"{PROJECT}/merge_requests/7"), get(f"{API}/projects/77")],
    ),
    "pull request that is not there": ({}, [get(f"{PROJECT}/merge_requests/8")]),
    "pull requests of a branch": (
        {
            ("GET", f"{PROJECT}/merge_requests?state=opened&source_branch=change&{PAGE}"): [
                request(iid=9, source_project_id=77),
                request(),
            ]
        },
        [get(f"{PROJECT}/merge_requests?state=opened&source_branch=change&{PAGE}")],
    ),
    "ever proposed": (
        {
            ("GET", f"{PROJECT}/merge_requests?source_branch=change&target_branch=main&{PAGE}"): [
                request(state="closed")
            ]
        },
        [get(f"{PROJECT}/merge_requests?source_branch=change&target_branch=main&{PAGE}")],
    ),
    "never proposed": (
        {
            ("GET", f"{PROJECT}/merge_requests?source_branch=change&target_branch=main&{PAGE}"): [
                request(source_project_id=77)
            ]
        },
        [get(f"{PROJECT}/merge_requests?source_branch=change&target_branch=main&{PAGE}")],
    ),
    "make a pull request": (
        {("POST", f"{PROJECT}/merge_requests"): (201, request())},
        [
            Asked(
                "POST",
                f"{PROJECT}/merge_requests",
                {"source_branch": "change", "target_branch": "main", "title": "A change", "description": "Why"},
            )
        ],
    ),
    "make a pull request again": (
        {
            ("POST", f"{PROJECT}/merge_requests"): (
                409,
                {"message": ["Another open merge request already exists for this source branch: !7"]},
            )
        },
        None,
    ),
    "files of a pull request": (
        {
            ("GET", f"{PROJECT}/merge_requests/7/diffs?page=1&per_page=30"): [
                {"new_path": "a.txt", "new_file": True, "renamed_file": False, "deleted_file": False},
                {"new_path": "b.txt", "new_file": False, "renamed_file": False, "deleted_file": False},
                {"new_path": "c.txt", "new_file": False, "renamed_file": False, "deleted_file": True},
                {"new_path": "d.txt", "new_file": False, "renamed_file": True, "deleted_file": False},
            ]
        },
        [get(f"{PROJECT}/merge_requests/7/diffs?page=1&per_page=30")],
    ),
    "comments": (
        {("GET", f"{PROJECT}/merge_requests/7"): request(), ("GET", NOTES_AT): NOTES},
        [get(f"{PROJECT}/merge_requests/7"), get(NOTES_AT)],
    ),
    "first comment": (
        {
            ("GET", f"{PROJECT}/merge_requests/7"): request(),
            ("GET", NOTES_AT): NOTES[:2],
            ("POST", f"{PROJECT}/merge_requests/7/notes"): (201, note(21, BOT, "")),
        },
        [
            get(f"{PROJECT}/merge_requests/7"),
            get(NOTES_AT),
            Asked("POST", f"{PROJECT}/merge_requests/7/notes", {"body": f"{MARK}Better."}),
        ],
    ),
    "changed comment": (
        {
            ("GET", f"{PROJECT}/merge_requests/7"): request(),
            ("GET", NOTES_AT): NOTES,
            ("PUT", f"{PROJECT}/merge_requests/7/notes/20"): note(20, BOT, ""),
        },
        [
            get(f"{PROJECT}/merge_requests/7"),
            get(NOTES_AT),
            Asked("PUT", f"{PROJECT}/merge_requests/7/notes/20", {"body": f"{MARK}Better."}),
        ],
    ),
    "known comment": (
        {("PUT", f"{PROJECT}/merge_requests/7/notes/20"): note(20, BOT, "")},
        [Asked("PUT", f"{PROJECT}/merge_requests/7/notes/20", {"body": f"{MARK}Better."})],
    ),
    "known comment that is gone": (
        {},
        [Asked("PUT", f"{PROJECT}/merge_requests/7/notes/20", {"body": f"{MARK}Better."})],
    ),
    "unchanged comment": (
        {("GET", f"{PROJECT}/merge_requests/7"): request(), ("GET", NOTES_AT): [note(20, BOT, f"{MARK}Better.")]},
        [get(f"{PROJECT}/merge_requests/7"), get(NOTES_AT)],
    ),
    "comment on nothing": ({}, [get(f"{PROJECT}/merge_requests/8")]),
    "token that is refused": ({("GET", PROJECT): (401, {"message": "401 Unauthorized"})}, [get(PROJECT)]),
    "too many calls": (
        {("GET", PROJECT): (429, {"message": "Too many requests"}, {"Retry-After": "42"})},
        [get(PROJECT)],
    ),
    "token of somebody else": ({("GET", f"{API}/user"): {"username": "alice"}}, [get(f"{API}/user")]),
    "page of a line": ({}, []),
}
