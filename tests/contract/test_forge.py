"""One contract for `Forge` and its fake. What needs rules of the server alone is in `test_forge_alone`."""

import inspect
import itertools
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from provisioning.clients.gitea import FILE_LIMIT, Forge
from provisioning.errors import AlreadyExists, PermanentError, Reason, TemporaryError
from provisioning.ssh_keys import key_pair
from tests.contract.stack import change_repository, eventually, open_forge, secret, unique, url
from tests.fakes.forge import FakeForge

AnyForge = Forge | FakeForge
BOT = "slipway-bot"


@dataclass
class Subject:
    """A forge, and what tenants do to it behind the portal's back.

    `comment(full name, number, author, body)`; `put_link(full name, branch, path)` makes a symbolic link;
    `rename(full name, name)`; `change(full name, …)` says other things of it, as its settings do.
    """

    forge: AnyForge
    comment: Callable[[str, int, str, str], object]
    put_link: Callable[[str, str, str], object]
    rename: Callable[[str, str], object]
    change: Callable[..., object]


def _comment(full_name: str, number: int, author: str, body: str) -> None:
    """A comment by somebody else, with the password that people of the stack have."""
    path = f"{url('gitea')}/api/v1/repos/{full_name}/issues/{number}/comments"
    httpx.post(path, auth=(author, f"{author}-pw"), json={"body": body}).raise_for_status()


def _put_link(full_name: str, branch: str, path: str) -> None:
    """A pushed commit with a symbolic link: the forge's own API can't make one."""
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", folder, "-c", "user.name=alice", "-c", "user.email=alice@corp.example"]
        git += ["-c", f"http.extraHeader=Authorization: token {secret('git-1.token')}"]
        address = f"{url('gitea')}/{full_name}.git"
        for step in (
            ["clone", "-q", "-b", branch, address, "."],
            ["add", "."],
            ["commit", "-qm", "Link"],
            ["push", "-q"],
        ):
            subprocess.run([*git, *step], check=True, capture_output=True)
            if step[0] == "clone":
                Path(folder, path).symlink_to("/etc/passwd")


def _rename(full_name: str, name: str) -> None:
    change_repository(full_name, name=name)


@pytest.fixture
def real() -> Iterator[Forge]:
    forge = open_forge()
    yield forge
    forge.close()


@pytest.fixture(params=["fake", "real"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "fake":
        fake = FakeForge()
        return Subject(fake, fake.comment, fake.put_link, fake.rename, fake.change)
    return Subject(request.getfixturevalue("real"), _comment, _put_link, _rename, change_repository)


@pytest.fixture
def forge(subject: Subject) -> AnyForge:
    return subject.forge


@pytest.fixture
def owner(forge: AnyForge) -> str:
    forge.ensure_organisation("contract")
    return "contract"


@pytest.fixture
def repository(forge: AnyForge, owner: str) -> Iterator[str]:
    made = forge.create_repository(owner, unique("repo"), "A repository of the contract suite")
    yield made["full_name"]
    forge.delete_repository(made["full_name"])


@pytest.fixture
def template(subject: Subject, forge: AnyForge, owner: str) -> Iterator[str]:
    made = forge.create_repository(owner, unique("template"), "A template", auto_init=False)["full_name"]
    forge.put_files(made, "main", "First", {"README.md": b"# Hello\n", "src/train.py": b"print(1)\n"})
    subject.change(made, template=True)
    yield made
    forge.delete_repository(made)


@pytest.fixture
def pull_request(forge: AnyForge, repository: str) -> int:
    forge.create_branch(repository, "change", "main")
    forge.put_files(repository, "change", "Change", {"README.md": b"other\n", "new.txt": b"new\n"})
    return forge.create_pull_request(repository, "change", "main", "A change", "Why")


def test_fake_has_the_same_methods():
    for name, method in inspect.getmembers(Forge, inspect.isfunction):
        if not name.startswith("_"):
            fake = inspect.signature(getattr(FakeForge, name)).parameters.values()
            real = inspect.signature(method).parameters.values()
            shape = [(one.name, one.kind, one.default) for one in real]
            assert shape == [(one.name, one.kind, one.default) for one in fake], name


def test_probe_answers(forge: AnyForge):
    assert forge.probe()


def test_organisation_is_made_once(forge: AnyForge, owner: str):
    assert forge.ensure_organisation(owner) is False


def test_repository_by_name_and_number(forge: AnyForge, repository: str):
    found = forge.repository(repository)
    assert found == {
        "id": found["id"],
        "full_name": repository,
        "owner": "contract",
        "description": "A repository of the contract suite",
        "default_branch": "main",
        "html_url": found["html_url"],
        "clone_url": f"{found['html_url']}.git",
        "topics": [],
        "private": True,
        "template": False,
        "empty": False,
    }
    assert forge.repository_by_id(found["id"]) == found
    assert forge.repository("contract/none") is None
    assert forge.repository_by_id(2**31 - 1) is None
    assert forge.delete_repository("contract/none") is False


def test_former_name_leads_to_the_same_number(subject: Subject, repository: str):
    forge, before = subject.forge, subject.forge.repository(repository)
    assert before is not None
    name = f"{repository.partition('/')[2]}-renamed"
    subject.rename(repository, name)
    after = forge.repository_by_id(before["id"])
    assert after is not None
    assert after["full_name"] == f"contract/{name}"
    assert forge.repository(repository) == after
    assert forge.delete_repository(f"contract/{name}") is True
    assert forge.repository_by_id(before["id"]) is None


def test_repository_is_made_once(forge: AnyForge, repository: str):
    owner, name = repository.split("/")
    with pytest.raises(AlreadyExists):
        forge.create_repository(owner, name, "another")
    with pytest.raises(TemporaryError) as caught:
        forge.create_repository("contract-no-such-owner", name, "another")
    assert caught.value.reason == Reason.DEPENDENCY_NOT_READY


def test_from_template_is_usable_at_once(forge: AnyForge, template: str):
    name = unique("made")
    made = forge.create_from_template(template, "contract", name, "Demand forecast (slipway 0b6d2c4e)")
    assert (made["full_name"], made["description"]) == (f"contract/{name}", "Demand forecast (slipway 0b6d2c4e)")
    assert (made["private"], made["template"], made["default_branch"]) == (True, False, "main")
    assert forge.file(made["full_name"], "src/train.py", "main")[0] == b"print(1)\n"
    sha = forge.put_files(made["full_name"], "main", "Profile", {"profile.yaml": b"a: 1\n", "README.md": b"# Mine\n"})
    assert forge.branch_head(made["full_name"], "main")["sha"] == sha
    with pytest.raises(AlreadyExists):
        forge.create_from_template(template, "contract", name, "again")
    forge.delete_repository(made["full_name"])


def test_from_template_says_what_is_missing(forge: AnyForge, template: str):
    with pytest.raises(PermanentError, match="has no template contract/none"):
        forge.create_from_template("contract/none", "contract", unique("made"), "")
    with pytest.raises(TemporaryError) as caught:
        forge.create_from_template(template, "contract-no-such-owner", "made", "")
    assert caught.value.reason == Reason.DEPENDENCY_NOT_READY


def test_mark_fits_into_topics(subject: Subject, forge: AnyForge, repository: str):
    forge.set_topics(repository, ["slipway", "u-0b6d2c4e5f6a4b7c8d9e0f1a2b3c4d5e"])
    assert forge.repository(repository)["topics"] == ["slipway", "u-0b6d2c4e5f6a4b7c8d9e0f1a2b3c4d5e"]
    with pytest.raises(PermanentError):
        forge.set_topics(repository, ["slipway-0b6d2c4e-5f6a-4b7c-8d9e-0f1a2b3c4d5e"])
    subject.change(repository, description="Other words")
    forge.set_private(repository, False)
    found = forge.repository(repository)
    assert (found["description"], found["private"]) == ("Other words", False)


def test_head_tells_who_wrote_it(forge: AnyForge, repository: str):
    sha = forge.put_files(repository, "main", "Say it", {"a.txt": b"a"})
    assert forge.branch_head(repository, "main") == {
        "sha": sha,
        "message": "Say it\n",
        "author_name": BOT,
        "author_email": f"{BOT}@corp.example",
        "author_login": BOT,
        "committer_name": BOT,
        "committer_email": f"{BOT}@corp.example",
        "committer_login": BOT,
    }
    assert forge.branch_head(repository, "none") is None
    assert forge.branch_head("contract/none", "main") is None


def test_branches_come_and_go(forge: AnyForge, repository: str):
    assert forge.create_branch(repository, "feature/one", "main") is True
    assert forge.create_branch(repository, "feature/one", "main") is False
    assert forge.branch_head(repository, "feature/one") == forge.branch_head(repository, "main")
    assert forge.delete_branch(repository, "feature/one") is True
    assert forge.delete_branch(repository, "feature/one") is False


def test_file_is_read_as_it_is(forge: AnyForge, repository: str):
    content = bytes(range(256)) * 4
    sha = forge.put_files(repository, "main", "Bytes", {"data/a b.bin": content, "empty.txt": b""})
    read, blob = forge.file(repository, "data/a b.bin", "main")
    assert (read, len(blob)) == (content, 40)
    assert forge.file(repository, "data/a b.bin", sha) == (content, blob)
    assert forge.file(repository, "empty.txt", "main")[0] == b""
    assert forge.file(repository, "none.txt", "main") is None
    assert forge.file(repository, "none.txt", sha) is None
    with pytest.raises(TemporaryError) as caught:
        forge.file(repository, "a.txt", "no-such-branch")
    assert caught.value.delay == 0.2


def test_file_must_be_plain_and_small(forge: AnyForge, repository: str):
    files = {"folder/a.txt": b"a", "fits.txt": b"x" * FILE_LIMIT, "large.txt": b"x" * (FILE_LIMIT + 1)}
    forge.put_files(repository, "main", "Sizes", files | {"huge.txt": b"x" * 300_000})
    assert forge.file(repository, "fits.txt", "main")[0] == b"x" * FILE_LIMIT
    with pytest.raises(PermanentError, match="is a folder"):
        forge.file(repository, "folder", "main")
    for path in ("large.txt", "huge.txt"):
        with pytest.raises(PermanentError, match="large"):
            forge.file(repository, path, "main")


def test_link_is_not_followed(subject: Subject, repository: str):
    subject.put_link(repository, "main", "profile.yaml")
    with pytest.raises(PermanentError, match="is a symlink"):
        subject.forge.file(repository, "profile.yaml", "main")


def test_write_to_absent_branch_can_work_later(forge: AnyForge, repository: str):
    with pytest.raises(TemporaryError) as caught:
        forge.put_files(repository, "no-such-branch", "Say it", {"a.txt": b"a"})
    assert caught.value.delay == 0.2


def test_protection_is_kept_whole(forge: AnyForge, repository: str):
    assert forge.branch_protection(repository, "main") is None
    forge.put_branch_protection(
        repository, "main", approvals=1, checks=["slipway/profile"], protected_files=["profile.yaml"], push_logins=[BOT]
    )
    assert forge.branch_protection(repository, "main") == {
        "approvals": 1,
        "checks": ["slipway/profile"],
        "protected_files": ["profile.yaml"],
        "push_logins": [BOT],
        "administrators_push": False,
    }
    forge.put_branch_protection(repository, "main")
    nothing = {"approvals": 0, "checks": [], "protected_files": [], "push_logins": [], "administrators_push": False}
    assert forge.branch_protection(repository, "main") == nothing


def test_people_are_found_by_exact_mail_or_login(forge: AnyForge):
    assert forge.find_user("alice@corp.example") == "alice"
    assert forge.find_user("Alice@Corp.example") == "alice"
    assert forge.find_user("alice") == "alice"
    assert forge.find_user("lice@corp.example") is None
    assert forge.find_user("corp.example") is None


def test_collaborators_and_their_permission(forge: AnyForge, repository: str):
    assert forge.collaborators(repository) == {}
    forge.put_collaborator(repository, "alice", "write")
    forge.put_collaborator(repository, "bob", "read")
    forge.put_collaborator(repository, "bob", "admin")
    assert forge.collaborators(repository) == {"alice": "write", "bob": "admin"}
    forge.delete_collaborator(repository, "alice")
    forge.delete_collaborator(repository, "alice")
    forge.delete_collaborator(repository, "contract-nobody")
    assert forge.collaborators(repository) == {"bob": "admin"}
    assert forge.permission(repository, "alice") == "none"
    assert forge.permission(repository, "bob") == "admin"
    assert forge.permission(repository, BOT) == "owner"
    assert forge.permission(repository, "contract-nobody") == "none"
    assert forge.permission("contract/none", "bob") == "none"
    with pytest.raises(TemporaryError) as caught:
        forge.put_collaborator(repository, "contract-nobody", "read")
    assert caught.value.reason == Reason.DEPENDENCY_NOT_READY


def test_hooks_without_their_secret(forge: AnyForge, repository: str):
    events = ["push", "pull_request", "issue_comment"]
    number = forge.create_hook(repository, "http://127.0.0.1:1/a", "first-secret", events)
    hook = {"id": number, "url": "http://127.0.0.1:1/a", "events": sorted(events), "active": True}
    assert forge.hooks(repository) == [hook]
    forge.update_hook(repository, number, "http://127.0.0.1:1/b", "second-secret", ["push"])
    assert forge.hooks(repository) == [hook | {"url": "http://127.0.0.1:1/b", "events": ["push"]}]
    assert forge.delete_hook(repository, number) is True
    assert forge.delete_hook(repository, number) is False
    assert forge.hooks(repository) == []
    assert forge.hooks("contract/none") == []
    with pytest.raises(TemporaryError):
        forge.update_hook(repository, number, "http://127.0.0.1:1/b", "second-secret", ["push"])


def test_deploy_keys_read_and_no_more(forge: AnyForge, repository: str):
    public = key_pair(secrets.token_urlsafe(32)).public
    number = forge.create_deploy_key(repository, "ci v1", public)
    assert forge.deploy_keys(repository) == [{"id": number, "title": "ci v1", "public": public, "read_only": True}]
    with pytest.raises(PermanentError):
        forge.create_deploy_key(repository, "ci v2", public)
    with pytest.raises(PermanentError):
        forge.create_deploy_key(repository, "ci v1", key_pair(secrets.token_urlsafe(32)).public)
    forge.delete_deploy_key(repository, number)
    forge.delete_deploy_key(repository, number)
    assert forge.deploy_keys(repository) == []
    assert forge.deploy_keys("contract/none") == []
    with pytest.raises(TemporaryError):
        forge.create_deploy_key("contract/none", "ci v1", public)


def test_ci_secrets_can_be_written_and_never_read(forge: AnyForge, repository: str):
    assert forge.ci_secrets(repository) == []
    for value in ("first", "second"):
        forge.put_ci_secrets(repository, {"BUCKET": value})
    forge.put_ci_secrets(repository, {"AWS_REGION": "us-east-1"})
    assert sorted(forge.ci_secrets(repository)) == ["AWS_REGION", "BUCKET"]
    for _ in range(2):
        forge.delete_ci_secret(repository, "BUCKET")
    assert forge.ci_secrets(repository) == ["AWS_REGION"]
    assert forge.ci_secrets("contract/none") == []
    with pytest.raises(TemporaryError):
        forge.put_ci_secrets("contract/none", {"BUCKET": "x"})


def test_ci_variables_are_made_changed_read_and_removed(forge: AnyForge, repository: str):
    assert forge.ci_variable(repository, "LISTED") is None
    with pytest.raises(TemporaryError):
        forge.update_ci_variable(repository, "LISTED", "A")
    forge.create_ci_variable(repository, "LISTED", "A")
    with pytest.raises(TemporaryError):
        forge.create_ci_variable(repository, "LISTED", "B")
    assert forge.ci_variable(repository, "LISTED") == "A"
    forge.update_ci_variable(repository, "LISTED", "A B")
    assert forge.ci_variable(repository, "LISTED") == "A B"
    for _ in range(2):
        forge.delete_ci_variable(repository, "LISTED")
    assert forge.ci_variable(repository, "LISTED") is None
    assert forge.ci_variable("contract/none", "LISTED") is None
    with pytest.raises(TemporaryError):
        forge.create_ci_variable("contract/none", "LISTED", "A")


def test_last_status_of_a_context_counts(forge: AnyForge, repository: str):
    sha = forge.branch_head(repository, "main")["sha"]
    assert forge.statuses(repository, sha) == {}
    forge.set_status(repository, sha, "slipway/profile", "pending", "Looking")
    forge.set_status(repository, sha, "slipway/profile", "success", "x" * 300, "http://localhost/x")
    forge.set_status(repository, sha, "slipway/gate", "failure", "Too low")
    assert forge.statuses(repository, sha) == {
        "slipway/profile": {"state": "success", "description": "x" * 255, "target_url": "http://localhost/x"},
        "slipway/gate": {"state": "failure", "description": "Too low", "target_url": ""},
    }
    with pytest.raises(PermanentError, match="has no commit 0000000000"):
        forge.set_status(repository, "0" * 40, "slipway/profile", "success", "Nothing")


def test_pull_request_and_its_files(forge: AnyForge, repository: str, pull_request: int):
    found = forge.pull_request(repository, pull_request)
    assert found == {
        "number": pull_request,
        "title": "A change",
        "state": "open",
        "merged": False,
        "author": BOT,
        "html_url": found["html_url"],
        "head_repository": repository,
        "head_branch": "change",
        "head_sha": forge.branch_head(repository, "change")["sha"],
        "base_branch": "main",
        "base_sha": forge.branch_head(repository, "main")["sha"],
        "merge_base": forge.branch_head(repository, "main")["sha"],
    }
    changed = [{"path": "README.md", "status": "changed"}, {"path": "new.txt", "status": "added"}]
    assert forge.pull_request_files(repository, pull_request) == changed
    assert forge.pull_requests_of(repository, "change") == [found]
    assert forge.pull_requests_of(repository, "main") == []
    assert forge.ever_proposed(repository, "change", "main")
    assert not forge.ever_proposed(repository, "main", "change")
    assert forge.pull_request(repository, 99) is None
    assert forge.pull_request_files(repository, 99) == []
    with pytest.raises(AlreadyExists):
        forge.create_pull_request(repository, "change", "main", "Again", "")


def test_one_comment_of_ours_is_kept_up_to_date(subject: Subject, repository: str, pull_request: int):
    forge = subject.forge
    forge.put_collaborator(repository, "alice", "write")
    subject.comment(repository, pull_request, "alice", "<!-- slipway:metrics -->\nfaked")
    number = forge.upsert_comment(repository, pull_request, "slipway:metrics", "0.91")
    assert forge.upsert_comment(repository, pull_request, "slipway:metrics", "0.93") == number
    assert forge.upsert_comment(repository, pull_request, "slipway:metrics", "0.93") == number
    assert forge.edit_comment(repository, pull_request, number, "slipway:metrics", "0.95") is True
    assert forge.edit_comment(repository, pull_request, 999_999_999, "slipway:metrics", "0.95") is False
    assert forge.upsert_comment(repository, pull_request, "slipway:metrics", "0.93") == number
    other = forge.upsert_comment(repository, pull_request, "slipway:plan", "one bucket")
    found = forge.comments(repository, pull_request)
    assert [(one["author"], one["body"]) for one in found] == [
        ("alice", "<!-- slipway:metrics -->\nfaked"),
        (BOT, "<!-- slipway:metrics -->\n0.93"),
        (BOT, "<!-- slipway:plan -->\none bucket"),
    ]
    assert [one["id"] for one in found][1:] == [number, other]
    with pytest.raises(PermanentError, match="has no pull request 99"):
        forge.comments(repository, 99)


def test_a_comment_that_was_edited_says_so(subject: Subject, repository: str, pull_request: int):
    forge, versions = subject.forge, itertools.count(1)
    first = forge.upsert_comment(repository, pull_request, "slipway:metrics", "0.91")
    forge.upsert_comment(repository, pull_request, "slipway:plan", "one bucket")

    def edited() -> list[bool]:
        forge.edit_comment(repository, pull_request, first, "slipway:metrics", f"0.91, version {next(versions)}")
        found = [one["edited"] for one in forge.comments(repository, pull_request)]
        return found if any(found) else []

    # The forge counts in seconds.
    assert eventually(edited, seconds=10) == [True, False]


def test_files_go_in_one_commit_with_others_that_come(forge: AnyForge, repository: str):
    forge.put_files(repository, "main", "Say it", {"src/train.py": b"print(1)\n"})
    before = forge.file(repository, "src/train.py", "main")
    assert before is not None

    forge.put_files(repository, "main", "Move", {"src/fit.py": before[0]}, removed={"src/train.py": before[1]})

    assert forge.file(repository, "src/train.py", "main") is None
    assert forge.file(repository, "src/fit.py", "main") == before


def test_a_larger_file_is_read_where_it_is_asked_for(forge: AnyForge, repository: str):
    forge.put_files(repository, "main", "Lock", {"requirements.lock": b"x" * 200_000})

    with pytest.raises(PermanentError, match=r"larger than 64 KiB|too large"):
        forge.file(repository, "requirements.lock", "main")
    found = forge.file(repository, "requirements.lock", "main", limit=1024 * 1024)
    assert found is not None
    assert found[0] == b"x" * 200_000
