"""A forge in which people push, and a repository of alice's that the portal listens to."""

import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from projects import intake, listening
from projects.installation import installation
from projects.listening import register_project_repository
from projects.models import Delivery, Project, RegisteredRepository
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.forge import Push
from provisioning.models import Resource
from tests.fakes.forge import FakeForge
from tests.usual import usual_kinds

NAME = "forecasting/demand"
CONTEXT = "slipway/profile"
PROFILE = b"slug: demand\nteam: forecasting\n"


class PushedForge(FakeForge):
    """A forge that remembers who pushed. `claiming` is what a commit says about its author, which may be a lie."""

    def __init__(self) -> None:
        super().__init__()
        self._pushed: dict[tuple[str, str], list[Push]] = {}
        self._ids = itertools.count(1)
        self.feed_is_behind = False

    def have_repository(self, full_name: str = NAME) -> None:
        """Make an empty repository."""
        owner, _, name = full_name.partition("/")
        self.organisations.add(owner)
        self.create_repository(owner, name, "")

    def push(
        self,
        login: str,
        files: Mapping[str, bytes | None],
        *,
        full_name: str = NAME,
        branch: str = "main",
        claiming: str | None = None,
    ) -> str:
        """Somebody pushes one commit with these files (None: removed); its id."""
        kept = self.repositories[full_name]
        before = kept.branches.get(branch) or kept.branches["main"]
        merged = {**before.files, **files}
        tree = {path: content for path, content in merged.items() if content is not None}
        sha = self._commit(kept, branch, f"change {next(self._ids)}\n", claiming or login, tree)
        push: Push = {"sha": sha, "before": before.head["sha"], "login": login}
        self._pushed.setdefault((full_name, branch), []).insert(0, push)
        return sha

    def copy(self, full_name: str, other: str, *, login: str) -> None:
        """Somebody pushes what is on one repository's main branch to another one, commit for commit."""
        head = self.repositories[full_name].branches["main"]
        before = self.repositories[other].branches.get("main")
        self.repositories[other].branches["main"] = head
        self.repositories[other].commits[head.head["sha"]] = head
        push: Push = {"sha": head.head["sha"], "before": before.head["sha"] if before else "", "login": login}
        self._pushed.setdefault((other, "main"), []).insert(0, push)

    def open_pull_request(self, login: str, files: Mapping[str, bytes | None], *, branch: str = "change") -> int:
        """Somebody pushes to a branch of their own and asks to have it merged; the number."""
        self.push(login, files, branch=branch)
        number = self.create_pull_request(NAME, branch, "main", "Change the profile", "")
        self.repositories[NAME].pull_requests[number]["author"] = login
        return number

    def pushes(self, full_name: str, branch: str) -> list[Push]:
        """As `Forge.pushes`."""
        self._enter("pushes", full_name, branch)
        return [] if self.feed_is_behind else list(self._pushed.get((full_name, branch), []))

    def said(self, sha: str, *, full_name: str = NAME) -> tuple[str, str] | None:
        """State and description of our status on a commit."""
        status = self.repositories[full_name].statuses.get(sha, {}).get(CONTEXT)
        return (status["state"], status["description"]) if status else None

    def comments_on(self, number: int) -> list[str]:
        """The comments under a pull request."""
        return [one["body"] for one in self.repositories[NAME].comments.get(number, [])]


def opener(forge: FakeForge) -> Callable[[str], Any]:
    """The one forge, by its name in the catalogue."""
    return {"git-1": forge}.__getitem__


def listen(forge: PushedForge, full_name: str = NAME) -> RegisteredRepository:
    """Have a repository that the portal listens to."""
    if full_name not in forge.repositories:
        forge.have_repository(full_name)
    return listening.register(
        forge="git-1", full_name=full_name, installation=installation(), open_client=opener(forge)
    )


def listened(project: Project) -> RegisteredRepository:
    """The repository of a project, to which the portal listens."""
    row = register_project_repository(project, installation=installation())
    assert row is not None
    return row


def look(forge: FakeForge, row: RegisteredRepository) -> RegisteredRepository:
    """Have the repository read now, and return the row as it is afterwards."""
    RegisteredRepository.objects.filter(pk=row.pk).update(look_at="2020-01-01T00:00:00Z")
    intake.read(row.pk, installation=installation(), open_client=opener(forge))
    row.refresh_from_db()
    return row


def settle(project: Project, *, attention: str | None = None) -> None:
    """What the engine does, in short: every Kind is made, or needs attention."""
    for name in usual_kinds():
        broken = name == attention
        Resource.objects.update_or_create(
            project=project,
            kind=name,
            defaults={
                "target": "cluster-north",
                "synced_status": Status.FALSE if broken else Status.TRUE,
                "synced_reason": Reason.NAME_TAKEN if broken else Reason.AVAILABLE,
                "synced_message": "ml-demand exists and is not Slipway's." if broken else "",
                "ready_status": Status.FALSE if broken else Status.TRUE,
                "ready_reason": Reason.PROGRESSING if broken else Reason.AVAILABLE,
            },
        )
    project.refresh_from_db()
    ready = None if attention else project.accepted_at + timedelta(seconds=0.9)
    Project.objects.filter(pk=project.pk).update(observed_generation=project.generation, ready_at=ready)


def answer(forge: PushedForge, project: Project) -> None:
    """Have the commit told what became of it."""
    intake.answer(project.pk, installation=installation(), open_client=opener(forge))


def made(forge: PushedForge, row: RegisteredRepository, text: bytes = PROFILE) -> Project:
    """A project that alice's file asked for, ready."""
    forge.push("alice", {"profile.yaml": text})
    project = look(forge, row).project
    assert project is not None
    settle(project)
    answer(forge, project)
    return project


def delivered(row: RegisteredRepository, number: str = "d-1", *, event: str = "push", **fields: Any) -> Delivery:
    """A delivery that came in and was not looked at yet."""
    return Delivery.objects.create(repository=row, delivery_id=number, event=event, **fields)
