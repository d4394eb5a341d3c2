"""What stands on a commit: state, sentence, address. Worked out from our rows, so it can be said again at any time."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from projects import addresses
from projects.installation import Installation
from projects.models import Action, Decision, Door, Project, ProjectRequest, RegisteredRepository
from provisioning.conditions import Word
from provisioning.kind import kinds
from provisioning.phrases import joined, phrase

LIMIT = 255


class Said(NamedTuple):
    """One commit status."""

    state: Literal["pending", "success", "failure"]
    description: str
    url: str = ""


def shortened(sentences: Sequence[str], *, limit: int = LIMIT) -> str:
    """Sentences in one line of at most `limit` characters; what doesn't fit is counted.

    A phrase of those that are in one line already, except where not even one fits.
    """
    folded = [" ".join(one.split()) for one in sentences]
    lines = [one if one == line else line for one, line in zip(sentences, folded, strict=True)]
    for shown in range(len(lines), 0, -1):
        left = len(lines) - shown
        more = [phrase("… and %(number)s more.", number=left)] if left else []
        text = joined(" ", [*lines[:shown], *more])
        if len(text) <= limit:
            return text
    tail = f" … and {len(lines) - 1} more." if len(lines) > 1 else "…"
    return "".join(lines[:1])[: limit - len(tail)] + tail


def request_of(row: RegisteredRepository) -> ProjectRequest | None:
    """The newest request that came by the repository's file and was not taken back; None when there is none."""
    requests = ProjectRequest.objects.filter(door=Door.FILE).exclude(decision=Decision.WITHDRAWN)
    if row.project_id is not None:
        return requests.filter(project_id=row.project_id).first()
    return requests.filter(repository=row, action=Action.CREATE, project=None).first()


def _taken_back(row: RegisteredRepository) -> ProjectRequest | None:
    """The request of the file as it is, where somebody took it back and no other took its place."""
    if not row.seen_commit:
        return None
    requests = row.requests.filter(door=Door.FILE, commit=row.seen_commit).select_related("decided_by")
    return requests.filter(decision=Decision.WITHDRAWN, replaced_by=None).first()


def granted_project(row: RegisteredRepository) -> Project | None:
    """The project that this repository's file asked for and that was approved later; None when there is none."""
    requests = row.requests.filter(door=Door.FILE, action=Action.CREATE, decision=Decision.APPROVED)
    return Project.objects.filter(
        requests__in=requests, deleted_at=None, deletion_requested_at=None, registered_repository=None
    ).first()


def standing(row: RegisteredRepository, *, installation: Installation) -> Said | None:
    """How it is with what the file asked for last; None when it has asked for nothing."""
    request = request_of(row)
    if request is not None and request.decision == Decision.PENDING:
        # Still open, so it is pending as long as it waits for who asked, too.
        asks = request.comments.filter(asks=True).last() if request.asked_back_at is not None else None
        waits = f"Waiting for a decision ({request.rule}): {request.because}"
        sentence = f"Changes are asked for: {asks.text}" if asks is not None else waits
        return Said("pending", shortened([sentence]), installation.public_url + addresses.of_request(request.pk))
    if request is not None and request.decision == Decision.REJECTED:
        sentence = f"Rejected: {request.comment}"
        return Said("failure", shortened([sentence]), installation.public_url + addresses.of_request(request.pk))
    back = _taken_back(row)
    if back is not None and (request is None or request.pk < back.pk):
        who = back.decided_by.username if back.decided_by is not None else "Somebody"
        sentence = f"{who} took this back. A push that changes the file asks anew."
        return Said("failure", shortened([sentence]), installation.public_url + addresses.of_request(back.pk))
    if row.project_id is None:
        return None
    project = Project.objects.prefetch_related("resources").get(pk=row.project_id)
    return _of_project(project, url=installation.project_url(project.slug))


def _of_project(project: Project, *, url: str) -> Said:
    slug, gone = project.slug, project.deleted_at
    if gone is not None:
        return Said("failure", f"{slug} was retired on {gone:%Y-%m-%d}. A file does not bring it back.")
    order = list(kinds())
    resources = sorted(project.resources.all(), key=lambda one: (*order, one.kind).index(one.kind))
    counted = f"{sum(one.word is Word.READY for one in resources)} of {len(resources)} resources"
    word = project.word
    if word is Word.REMOVING:
        return Said("failure", f"{slug} is being removed. Nothing can be changed any more.", url)
    if word is Word.SUSPENDED and project.ended:
        return Said("pending", "Its last day has passed, so it is suspended. A later end date resumes it.", url)
    if word is Word.SUSPENDED:
        return Said("pending", "The platform team has suspended this project; it is looked at again afterwards.", url)
    if word is Word.ATTENTION and project.settled:
        first = next(one for one in resources if one.word is Word.ATTENTION)
        title = kinds()[first.kind].title if first.kind in kinds() else first.kind
        return Said("failure", shortened([f"Needs attention: {title}: {first.synced_message}"]), url)
    if word is Word.READY and project.ready_at is None:
        return Said("success", f"Ready: {counted}.", url)
    if word is Word.READY and project.ready_at is not None:
        seconds = max((project.ready_at - project.accepted_at).total_seconds(), 0)
        return Said("success", f"Ready: {counted}, {seconds:.1f} s after it was accepted.", url)
    return Said("pending", f"Working on it: {counted} are ready." if resources else "Accepted; working on it.", url)
