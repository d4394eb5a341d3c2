"""Pull requests that touch profile.yaml: the plan, or what is wrong with the file, under the request and on its commit.

Nothing is asked for here; what counts is who merges. So a person who may see the project but not change it still gets
the plan, worked out in the name of one of its owners, with a note that an owner has to merge.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from projects import actions, permissions
from projects.askers import person_of, stranger, way_in
from projects.deciders import deciders
from projects.desk import Desk, Refused
from projects.feedback import hold_first, let_go
from projects.file_wish import ask, parsed
from projects.models import Project
from projects.profile import FILE
from projects.profile_comments import FOLLOWS, MARKER, fault_comment, plan_comment, removal_comment
from projects.reports import head_seen
from projects.verdicts import Said
from provisioning.errors import PermanentError
from provisioning.forge import PullRequest
from provisioning.spec import Role

if TYPE_CHECKING:
    from projects.permissions import Person


@dataclass(frozen=True)
class Merging:
    """What merging a pull request would do: a sentence, and in full ("" where it does not touch the file).

    commit: the tip that this is about, "" of one that is closed; base_branch: where it goes; fork: does it come from
    another repository? said: what is told there; `refused`: why the file asks for nothing. offered: the tip of one that
    is closed, where the forge still knows it.
    """

    sentence: str
    full: str = ""
    commit: str = ""
    base_branch: str = ""
    fork: bool = False
    said: Said | None = None
    refused: Refused | None = None
    offered: str = ""


def look_at_pull_request(desk: Desk, number: int) -> str:
    """Say on a pull request what merging it would do; the outcome as a sentence. Raises what the forge raises.

    What is said there of the model follows a new tip, or another branch to go to, too; where nothing was said yet, its
    gate waits. One that is closed holds no gate any more.
    """
    merging = merging_of(desk, number)
    project = desk.row().project
    if project is not None and merging.offered:
        let_go(project, number, head=merging.offered)
    silent = (
        project is not None
        and bool(merging.commit)
        and not head_seen(project, number, head=merging.commit, base_branch=merging.base_branch)
    )
    if merging.full:
        desk.client.upsert_comment(desk.full_name, number, MARKER, f"{merging.full} {FOLLOWS}")
    if merging.refused is not None:
        desk.say_refused(merging.commit, merging.refused)
    elif merging.said is not None:
        desk.say(merging.commit, merging.said)
    if silent and project is not None:
        try:
            hold_first(
                project,
                number,
                head=merging.commit,
                base_branch=merging.base_branch,
                fork=merging.fork,
                client=desk.client,
                full_name=desk.full_name,
                installation=desk.installation,
            )
        except PermanentError as error:
            return f"{merging.sentence} {error.message}"
    return merging.sentence


def merging_of(desk: Desk, number: int) -> Merging:
    """What merging would do; nothing is written. Raises what the forge's client raises."""
    found = desk.client.pull_request(desk.full_name, number)
    if found is None or found["state"] != "open":
        return Merging("The pull request is closed.", offered=str(found["head_sha"]) if found is not None else "")
    fork = found["head_repository"].lower() != desk.full_name.lower()
    merging = _merging(desk, number, found)
    return replace(merging, commit=str(found["head_sha"]), base_branch=str(found["base_branch"]), fork=fork)


def _merging(desk: Desk, number: int, found: PullRequest) -> Merging:
    if found["base_branch"] != desk.branch:
        return Merging(f"The pull request is not for {desk.branch}; its file is not asked for.")
    touched = [one for one in desk.client.pull_request_files(desk.full_name, number) if one["path"] == FILE]
    if not touched:
        return Merging(f"The pull request does not touch {FILE}.")
    try:
        full, said = _preview(desk, author=str(found["author"]), sha=str(found["head_sha"]))
    except Refused as refused:
        return Merging(" ".join(refused.sentences), fault_comment(refused.sentences), refused=refused)
    return Merging(said.description, full, said=said)


def _preview(desk: Desk, *, author: str, sha: str) -> tuple[str, Said]:
    row = desk.row()
    project = row.project if row.project is not None and row.project.deleted_at is None else None
    try:
        found = desk.client.file(desk.full_name, FILE, sha)
    except PermanentError as error:
        raise Refused([error.message]) from error
    if found is None:
        return removal_comment(project.slug if project else row.full_name), Said("success", "Removes the file only.")
    profile = parsed(found[0])
    by, notes = _whose_plan(desk, project, author=author)
    with transaction.atomic():
        asked = ask(row, profile, by=by, installation=desk.installation, dry_run=True)
        # A pending request that the merge would replace was withdrawn for this preview only.
        transaction.set_rollback(True)
    return plan_comment(asked.preview, notes=notes), _summed_up(asked, notes=notes)


def _whose_plan(desk: Desk, project: Project | None, *, author: str) -> tuple["Person", list[str]]:
    """In whose name the plan is worked out, and what to add to it."""
    person = person_of(desk.client, author, project=project)
    if person is None:
        raise Refused(
            [f"{stranger(desk.client, author)}: no plan. {way_in(desk.client, portal=desk.installation.public_url)}."]
        )
    if not person.is_active:
        raise Refused([f"The account of {author} is closed: no plan."])
    if project is None or permissions.may_change(person, project):
        return person, []
    owner = _an_owner(project) if permissions.may_see(person, project) else None
    if owner is None:
        raise Refused(
            [f"{author} may not change the project of this repository. An owner has to open this pull request."]
        )
    return owner, [f"{author} may not change {project.slug}: an owner of it has to merge this."]


def _an_owner(project: Project) -> "Person | None":
    people = project.memberships.filter(role=Role.OWNER, is_group=False)
    named = Q(username__in=people.filter(object_id="").values("subject"))
    bound = Q(object_id__in=people.exclude(object_id="").values("object_id"))
    users = get_user_model().objects.filter(named | bound, is_active=True).order_by("pk")
    owners = (cast("Person", user) for user in users)
    return next((owner for owner in owners if permissions.may_change(owner, project)), None)


def _summed_up(asked: actions.Asked, *, notes: list[str]) -> Said:
    preview = asked.preview
    if preview.verdict is not None and preview.verdict.decision == "refuse":
        return Said("failure", f"Would be refused ({preview.verdict.rule}): {preview.verdict.because}"[:255])
    counts = ", ".join(f"{count} to {action}" for action, count in preview.counts.items() if count and action != "keep")
    ends = ""
    if preview.verdict is not None and preview.verdict.decision == "ask":
        ends = f" Somebody of {deciders(preview.verdict.approvers)} decides."
    owner = " An owner has to merge it." if notes else ""
    return Said("success", f"Plan: {counts or 'no object changes'}.{ends}{owner}")
