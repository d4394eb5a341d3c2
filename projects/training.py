"""Continuous training: CI runs on the default branch again, without a push.

What is asked is a row first; the worker has CI begin, at least once, and an outage loses nothing. A CI listener is rung
as the forge would ring it: a push of the commit that is there already, signed with the project's own secret, so
Tekton's listener needs nothing of its own for this. Where the forge runs the workflow itself, it is told to.

Whoever asked for a training looks at what became of it. Of those that no person asked for, owners are told what went
wrong: that one could not begin, that its report never came, or that it shut the gate.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from projects import audience, permissions
from projects.doorbell import ring
from projects.errors import Conflict, NotAllowed
from projects.granting import check_seen
from projects.installation import Installation
from projects.model_history import base_of, standing_of
from projects.models import Door, Project, Report, TrainingAsked, TrainingPlan
from projects.notices import announce
from projects.phrases import as_kept, kept
from projects.sending import LEASE, give_up, not_now, pause_after
from projects.wishes import NoWish, present_wish
from provisioning import ci
from provisioning.errors import PermanentError, TemporaryError
from provisioning.forge import ForgeClient
from provisioning.kind import Wish
from provisioning.phrases import Phrase, joined, phrase
from provisioning.repositories import full_name

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

SEND = "projects.training_tasks.send"
_LONGEST_PAUSE = timedelta(minutes=5)
KEPT = timedelta(days=90)
"""How long it is remembered what was trained."""
REPORTS_WITHIN = timedelta(hours=6)
"""A report about a training's commit that comes later than this after CI took it is of another run."""
_AT_ONCE = 100
Because = TrainingAsked.Because


def ask(project: Project, *, by: "Person", door: Door) -> TrainingAsked:
    """Ask for a run in the name of a person. Raises NotFound, NotAllowed, and Conflict while one waits already."""
    check_seen(by, project)
    if not permissions.may_retrain(by, project):
        raise NotAllowed(_("Owners, editors and the platform team have the model trained. Ask one of them."))
    if project.suspended or project.deletion_requested_at is not None:
        raise Conflict(_("The project is suspended or being removed, so nothing is trained."))
    made = note(project, because=Because.PERSON, by=by, door=door)
    if made is None:
        raise Conflict(_("A training waits to begin already."))
    return made


def note(
    project: Project, *, because: Because, by: "Person | None" = None, door: Door = Door.SYSTEM, cause: str = ""
) -> TrainingAsked | None:
    """Write down that the project is to be trained, and ring; None when a training waits already."""
    try:
        with transaction.atomic():
            row = TrainingAsked.objects.create(
                project=project,
                because=because,
                door=door,
                cause=cause,
                phrases=as_kept(cause=cause),
                asked_by_id=by.pk if by else None,
                asked_by_name=by.get_username() if by else "",
            )
            ring(SEND, row.pk)
    except IntegrityError:
        return None
    log.info("training_asked", project=project.slug, because=because.value)
    return row


def due(*, limit: int) -> list[int]:
    """Ids of what is to be sent, longest due first."""
    rows = TrainingAsked.objects.filter(sent_at=None, given_up_at=None, next_try_at__lte=timezone.now())
    return list(rows.order_by("next_try_at").values_list("pk", flat=True)[:limit])


def send(training_id: int, *, installation: Installation, open_client: Callable[[str], Any]) -> None:
    """Have CI begin one that is due. Raises nothing for a forge or a listener that is away: we try again."""
    row = _claim(training_id)
    if row is None:
        return
    project = row.project
    if project.suspended or project.deletion_requested_at is not None:
        give_up(row, phrase("The project is suspended or being removed."))
        if row.because == Because.DATA:
            # The change counts again once the project is resumed.
            TrainingPlan.objects.filter(project=project).update(data_seen="untrained")
        return
    try:
        branch, commit = _begin(row, installation=installation, open_client=open_client)
    except (PermanentError, NoWish) as error:
        with transaction.atomic():
            give_up(row, error.message)
            _tell_if_given_up(row)
    except TemporaryError as error:
        pause = pause_after(row.tries, told=error.delay, longest=_LONGEST_PAUSE)
        with transaction.atomic():
            not_now(row, error.message, pause=pause)
            _tell_if_given_up(row)
    else:
        TrainingAsked.objects.filter(pk=row.pk).update(sent_at=timezone.now(), branch=branch, commit=commit, why="")
        log.info("training_sent", project=project.slug, commit=commit[:10])


def came_to(report: Report) -> None:
    """Note the training that a new report is about, if any: the oldest of its commit and branch that has none yet.

    CI does not tell for what it ran, so a run for a push of the same commit that was still going is taken for it too.
    """
    if report.pull_request is not None:
        return
    taken = TrainingAsked.objects.filter(sent_at__gte=timezone.now() - REPORTS_WITHIN, report=None)
    alike = taken.filter(project=report.project_id, commit=report.commit, branch=report.branch)
    row = alike.select_for_update().order_by("pk").first()
    if row is None:
        return
    row.report = report
    row.save(update_fields=["report"])
    opened = standing_of(report, base=base_of(report, branches=())).gate
    if not opened.passed:
        values = {"commit": report.commit[:10], "why": opened.sentence}
        _tell(row, phrase("the gate is shut at %(commit)s: %(why)s", **values))


def miss_reports() -> None:
    """Note the trainings whose report will not come any more, and tell whom it concerns. Each once."""
    late = TrainingAsked.objects.filter(
        sent_at__lt=timezone.now() - REPORTS_WITHIN, report=None, missed_at=None, given_up_at=None
    )
    for pk in late.order_by("sent_at").values_list("pk", flat=True)[:_AT_ONCE]:
        with transaction.atomic():
            rows = late.select_for_update(skip_locked=True, of=("self",)).select_related("project__team")
            row = rows.filter(pk=pk).first()
            if row is None:
                continue
            row.missed_at = timezone.now()
            row.save(update_fields=["missed_at"])
            hours = REPORTS_WITHIN // timedelta(hours=1)
            _tell(row, phrase("CI began, but sent no report within %(hours)s hours. Look at its log.", hours=hours))


def _tell_if_given_up(row: TrainingAsked) -> None:
    row.refresh_from_db(fields=["given_up_at", "why", "phrases"])
    if row.given_up_at is not None:
        _tell(row, phrase("it could not begin: %(why)s", why=kept(row, "why")))


def _tell(row: TrainingAsked, what: Phrase) -> None:
    """Have owners hear what became of a training that nobody stands beside. In the transaction of what is told."""
    project = row.project
    if row.because == Because.PERSON or project.deletion_requested_at is not None:
        return
    cause = joined("", [" (", kept(row, "cause"), ")"]) if row.cause else ""
    values = {"slug": project.slug, "cause": cause, "what": what}
    text = (
        phrase("%(slug)s was to be trained by its schedule%(cause)s: %(what)s", **values)
        if row.because == Because.SCHEDULE
        else phrase("%(slug)s was to be trained as its data changed%(cause)s: %(what)s", **values)
    )
    announce("training-failed", to=audience.owners_of(project), text=text, project=project)


def forget_old() -> None:
    """Let go of trainings that came to an end long ago."""
    TrainingAsked.objects.filter(made_at__lt=timezone.now() - KEPT).exclude(sent_at=None, given_up_at=None).delete()


def _claim(training_id: int) -> TrainingAsked | None:
    now = timezone.now()
    with transaction.atomic():
        rows = TrainingAsked.objects.select_for_update(skip_locked=True, of=("self",)).select_related("project__team")
        row = rows.filter(pk=training_id, sent_at=None, given_up_at=None, next_try_at__lte=now).first()
        if row is not None:
            row.tries, row.next_try_at = row.tries + 1, now + LEASE
            row.save(update_fields=["tries", "next_try_at"])
    return row


def _begin(row: TrainingAsked, *, installation: Installation, open_client: Callable[[str], Any]) -> tuple[str, str]:
    """Have CI begin; which branch and commit. Raises what the forge and the listener raise, and NoWish."""
    wish = present_wish(row.project, settings=installation)
    client: ForgeClient = open_client(wish.forge.name)
    name = full_name(wish)
    found = client.repository(name)
    if found is None:
        raise PermanentError(phrase("The forge shows us no repository %(name)s.", name=name))
    branch = found["default_branch"]
    head = client.branch_head(name, branch)
    if head is None:
        raise PermanentError(phrase("%(name)s has no commit yet, so there is nothing to train.", name=name))
    driver = ci.driver(wish)
    if driver == "listener":
        _ring_listener(row, wish, found, sha=head["sha"])
    elif driver == "actions":
        client.start_workflow(name, ci.ACTIONS_FILE.rpartition("/")[2], branch)
    else:
        nothing = phrase("%(cluster)s has no CI, so nothing can be started.", cluster=wish.cluster.name)
        raise PermanentError(ci.deaf_to_forge(wish) or nothing)
    return branch, head["sha"]


def _ring_listener(row: TrainingAsked, wish: Wish, repository: Any, *, sha: str) -> None:
    # Only a worker comes here, and a web process need not load the vendor client.
    from provisioning.clients import ci_listener

    ci_listener.deliver(
        ci.listener(wish),
        push_body(repository, sha=sha, bot=wish.forge.bot, training=row.pk),
        secret=wish.secret("webhook"),
        event="push",
        delivery=f"slipway-training-{wish.uid}-{row.pk}",
    )


def push_body(repository: Any, *, sha: str, bot: str, training: int) -> bytes:
    """A forge's push of a commit to the branch where it is already. `slipway` says which training asks for it."""
    payload = {
        "ref": f"refs/heads/{repository['default_branch']}",
        "before": sha,
        "after": sha,
        "repository": {
            "id": repository["id"],
            "full_name": repository["full_name"],
            "default_branch": repository["default_branch"],
        },
        "sender": {"login": bot},
        "slipway": {"training": str(training)},
    }
    return json.dumps(payload).encode()
