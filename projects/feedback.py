"""Telling the forge what CI reported: one comment for each pull request, edited in place, and the gate of each commit.

At least once, from rows: a claim takes a row that is due, calls the forge without an open transaction, and writes what
came of it only where the claim still holds. While the forge is away the row waits; a report that comes in meanwhile
takes the place of the one before, so that a flood of reports is one comment.

The forge has one gate for a commit, and several rows may speak of it. Of several pull requests that offer it the
strictest counts, and whoever sets the gate has the others told again where that may change what they say.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from projects.comparison import Gate
from projects.doorbell import ring
from projects.installation import Installation
from projects.listening import repository_of
from projects.model_history import (
    Standing,
    base_at,
    base_of,
    branches_of,
    is_main,
    of_pull_request,
    report_offered,
    standing_of,
)
from projects.models import Feedback, Project, Report
from projects.phrases import as_kept, kept_too
from projects.report_comment import MARKER, report_comment
from projects.reports import TELL
from projects.sending import pause_after
from projects.wishes import NoWish, present_wish
from provisioning import ci
from provisioning.conditions import Status
from provisioning.errors import PermanentError, TemporaryError
from provisioning.forge import ForgeClient, PullRequest, State
from provisioning.models import Resource
from provisioning.phrases import phrase
from provisioning.repositories import MODEL_GATE
from provisioning.repository_options import options_of

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=5)
_WAITS = "Waits for CI to report about this commit's model."
_WAITS_IN_VAIN = "CI can't report about a fork: an owner pushes this to a branch of the project."
_ASKED = 10
"""Other pull requests with the same commit that the forge is asked for; each is a call."""


@dataclass(frozen=True)
class Told:
    """What was said: about which report, in which comment, beside which base. `why`: what could not be said.

    head, base_branch, merge_base: what the pull request offered meanwhile, to which branch, and where it left that; ""
    when the forge was not asked. held_by: what shuts the gate of another pull request, "" for nothing.
    again: rows that are to be told again. closed: nobody is left to tell on the pull request.
    """

    report: Report
    comment_id: int | None
    base: Report | None = None
    head: str = ""
    base_branch: str = ""
    merge_base: str = ""
    why: str = ""
    held_by: str = ""
    again: tuple[int, ...] = ()
    closed: bool = False


def due(*, limit: int) -> list[int]:
    """Ids of rows whose time has come, or whose worker died, longest due first."""
    rows = Feedback.objects.filter(_is_due(timezone.now()))
    return list(rows.order_by("look_at").values_list("pk", flat=True)[:limit])


def _is_due(now: datetime) -> Q:
    return Q(look_at__lte=now) & (Q(lease_until=None) | Q(lease_until__lt=now)) | Q(lease_until__lt=now)


def claim(feedback_id: int) -> Feedback | None:
    """Take a row that is due; nobody else gets it within the lease. None when there is nothing to do."""
    now = timezone.now()
    with transaction.atomic():
        rows = Feedback.objects.select_for_update(skip_locked=True, of=("self",))
        row = rows.select_related("project", "report").filter(_is_due(now), pk=feedback_id).first()
        if row is None:
            return None
        row.look_at, row.lease_until, row.tries = None, now + LEASE, row.tries + 1
        row.save(update_fields=["look_at", "lease_until", "tries"])
    return row


def tell(feedback_id: int, *, installation: Installation, open_client: Callable[[str], Any]) -> None:
    """Say what is to be said about a pull request or a commit of a branch, if its time has come."""
    row = claim(feedback_id)
    if row is None:
        return
    try:
        told = _say(row, installation=installation, open_client=open_client)
    except PermanentError as error:
        told = Told(report=row.report, comment_id=row.comment_id, why=error.message)
    except TemporaryError as error:
        pause = pause_after(row.tries, told=error.delay, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        _not_now(row, why=error.message, pause=pause)
        return
    _done(row, told)


def _say(row: Feedback, *, installation: Installation, open_client: Callable[[str], Any]) -> Told:
    """Call the forge. Raises what its client raises."""
    project, report = row.project, row.report
    if project.deletion_requested_at is not None:
        return Told(report=report, comment_id=row.comment_id, why=phrase("The project is being removed."))
    if not _is_vetted(project):
        raise TemporaryError(phrase("The repository is not ready."), delay=30)
    client: ForgeClient = open_client(installation.catalogue.defaults.forge)
    full_name = repository_of(project, installation=installation)
    if row.pull_request is None:
        return _say_on_commit(row, client, full_name, installation=installation)
    return _say_on_pull_request(row, client, full_name, installation=installation)


def _is_vetted(project: Project) -> bool:
    """Has the Kind found the repository to be the project's? Nothing is written into one that is not, or not yet."""
    return Resource.objects.filter(project=project, kind="repository", ready_status=Status.TRUE).exists()


def _say_on_commit(row: Feedback, client: ForgeClient, full_name: str, *, installation: Installation) -> Told:
    report, base = row.report, None
    held_elsewhere = Report.objects.none()
    if not is_main(row.project, report.branch):
        # A pull request is held by the thresholds of where it goes to: a run of its branch alone, which knows nothing
        # of that, must open nothing.
        held_elsewhere = Report.objects.filter(project=row.project, commit=report.commit, pull_request__isnull=False)
        if held_elsewhere.exists():
            # The try before may have set the gate, and ended before it looked.
            again = _others(row.project, but=row, commit=report.commit) if row.tries > 1 else ()
            return Told(report=report, comment_id=None, again=again)
        first = branches_of(row.project)[0]
        if first != report.branch:
            base = base_at(row.project, branch=first, merge_base="", data_hash=report.data_hash)
    opened = standing_of(report, base=base or base_of(report, branches=())).gate
    _set_gate(client, full_name, report, opened, installation=installation)
    again = _others(row.project, but=row, commit=report.commit) if held_elsewhere.all().exists() else ()
    return Told(report=report, comment_id=None, base=base, again=again)


def _say_on_pull_request(row: Feedback, client: ForgeClient, full_name: str, *, installation: Installation) -> Told:
    number = int(row.pull_request or 0)
    found = client.pull_request(full_name, number)
    if found is None or found["state"] != "open":
        return _closed(row, found)
    head, base_branch = found["head_sha"], found["base_branch"]
    # A slow run of an older commit may report last; what the pull request offers is its head.
    report = report_offered(of_pull_request(row.project, number), head=head) or row.report
    stands = _standing(report, found)
    others = _others(row.project, but=row, commit=report.commit, branches=False)
    shut = _shut_elsewhere(client, full_name, others, report=report) if stands.gate.passed else None
    url = _page(row.project, number, installation)
    text = report_comment(stands, base_branch=base_branch, url=url, shut=shut)
    comment_id = row.comment_id
    if comment_id is None or not client.edit_comment(full_name, number, comment_id, MARKER, text):
        # Never made, made by a worker that died before it noted the number, or deleted by hand.
        comment_id = client.upsert_comment(full_name, number, MARKER, text)
    told = Told(
        report=report,
        comment_id=comment_id,
        base=stands.base,
        head=head,
        base_branch=base_branch,
        merge_base=_merge_base(found),
        held_by=shut.sentence if shut is not None else "",
    )
    again, why = (others if row.tries > 1 or _is_news(row, told) else ()), ""
    if row.head not in ("", head):
        # It offers another commit now, and holds the gate of the one before no more.
        again += _others(row.project, but=row, commit=row.head, branches=False)
    try:
        if stands.awaited:
            again += _hold_gate(row, client, full_name, commit=stands.awaited, installation=installation)
        if not stands.awaited or row.told != report:
            _set_gate(client, full_name, report, shut or stands.gate, installation=installation)
    except PermanentError as error:
        why = error.message
    return replace(told, why=why, again=again)


def _closed(row: Feedback, found: PullRequest | None) -> Told:
    """Nothing is said on a pull request that is closed, or gone (None); it holds the gate of no other one any more."""
    again: tuple[int, ...] = ()
    if not row.closed:
        # What it was told about, and what it offered in the end, which may be newer.
        for commit in {row.head, found["head_sha"] if found is not None else ""} - {""}:
            again += _others(row.project, but=row, commit=commit, branches=False)
    why = "" if row.told == row.report else Feedback.CLOSED
    return Told(report=row.report, comment_id=row.comment_id, why=why, again=again, closed=True)


def _is_news(row: Feedback, told: Told) -> bool:
    """May what is told change what others say of the commit: another report, base, tip or branch to go to than before,
    or a pull request that is open again?
    """
    before = (row.told_id, told.report.base_id, row.head, row.base_branch)
    now = (told.report.pk, told.base.pk if told.base else None, told.head, told.base_branch)
    return row.closed or before != now


def _merge_base(found: PullRequest) -> str:
    return found.get("merge_base", "")


def _standing(report: Report, found: PullRequest) -> Standing:
    """How a report stands where a pull request goes to, as the forge has that."""
    base = base_at(
        report.project, branch=found["base_branch"], merge_base=_merge_base(found), data_hash=report.data_hash
    )
    return standing_of(report, base=base, head=found["head_sha"])


def _shut_elsewhere(client: ForgeClient, full_name: str, others: tuple[int, ...], *, report: Report) -> Gate | None:
    """What shuts the gate of the report's commit for another open pull request that offers it; None: nothing does.

    Where that one has no report of its own about the commit, this one tells how the same code would stand there.
    """
    rows = Feedback.objects.filter(pk__in=others).order_by("-report_id").values_list("pull_request", flat=True)
    for number in rows[:_ASKED]:
        found = client.pull_request(full_name, int(number or 0))
        if found is None or found["state"] != "open" or found["head_sha"] != report.commit:
            continue
        own = of_pull_request(report.project, int(number or 0)).filter(commit=report.commit).first()
        opened = _standing(own or report, found).gate
        if not opened.passed:
            said = phrase("Pull request %(number)s: %(said)s", number=number, said=opened.sentence)
            return Gate(passed=False, sentence=said)
    return None


def _hold_gate(
    row: Feedback, client: ForgeClient, full_name: str, *, commit: str, installation: Installation
) -> tuple[int, ...]:
    """The gate of what the pull request offers now waits for a report, unless there is one about that commit already.

    The rows that have something to say of it are returned, where they may not know of this pull request.
    """
    reported = Report.objects.filter(project=row.project, commit=commit)
    untold = not reported.exists()
    if untold:
        url = _page(row.project, row.pull_request, installation)
        client.set_status(full_name, commit, MODEL_GATE, "pending", _WAITS, url)
    news = untold or row.tries > 1 or row.head != commit or row.closed
    return _others(row.project, but=row, commit=commit) if news and reported.all().exists() else ()


def hold_first(
    project: Project,
    number: int,
    *,
    head: str,
    base_branch: str,
    fork: bool,
    client: ForgeClient,
    full_name: str,
    installation: Installation,
) -> None:
    """The gate of what a pull request without any report offers waits for the first one, where one is to come.

    Nothing where the commit has a gate already, unless that was opened for another branch to go to. Raises what the
    client raises.
    """
    if not _is_vetted(project) or not _is_to_report(project, installation=installation):
        return
    reported = Report.objects.filter(project=project, commit=head)
    elsewhere = Feedback.objects.filter(project=project, head=head).exclude(base_branch__in=("", base_branch)).exists()
    present = client.statuses(full_name, head).get(MODEL_GATE)
    state = present["state"] if present is not None else None
    if (state is None and not reported.exists()) or (state == "success" and elsewhere):
        said, url = _WAITS_IN_VAIN if fork else _WAITS, _page(project, number, installation)
        client.set_status(full_name, head, MODEL_GATE, "pending", said, url)
        state = "pending"
    if state == "pending" and not elsewhere and reported.all().exists():
        _have_told_again(_others(project, commit=head))


def let_go(project: Project, number: int, *, head: str) -> None:
    """A pull request was seen closed, which offered this commit: have the gate say what it is without it."""
    own = Feedback.objects.filter(project=project, pull_request=number).first()
    if own is not None and not own.closed:
        # Told that it is closed, its row has the others told.
        _have_told_again([own.pk])
    elif own is None or own.look_at is not None or own.lease_until is not None:
        # One that was open for a moment may have held the others meanwhile, and never was told of it.
        _have_told_again(_others(project, commit=head, but=own))


def _is_to_report(project: Project, *, installation: Installation) -> bool:
    """Does its CI report: did a report ever come, or is the gate required and CI set up?"""
    if project.deletion_requested_at is not None:
        return False
    if project.reports.exists():
        return True
    try:
        wish = present_wish(project, settings=installation)
    except NoWish:
        return False
    return options_of(wish).model_gate == "required" and ci.driver(wish) is not None


def _set_gate(client: ForgeClient, full_name: str, report: Report, opened: Gate, *, installation: Installation) -> None:
    url = f"{installation.project_url(report.project.slug)}models/"
    state: State = "success" if opened.passed else "failure"
    client.set_status(full_name, report.commit, MODEL_GATE, state, opened.sentence, url)


def _others(project: Project, *, commit: str, but: Feedback | None = None, branches: bool = True) -> tuple[int, ...]:
    """Every other row that has a report about the commit, or whose pull request offers it; branches: theirs too."""
    numbers = Report.objects.filter(project=project, commit=commit, pull_request__isnull=False)
    about = Q(head=commit) | Q(pull_request__in=numbers.values("pull_request"))
    if branches:
        about |= Q(commit=commit)
    found = Feedback.objects.filter(about, project=project).values_list("pk", flat=True)
    return tuple(one for one in found if but is None or one != but.pk)


def _have_told_again(rows: Collection[int]) -> None:
    with transaction.atomic():
        # All at once and in one order: two that have each other told again would wait for each other.
        list(Feedback.objects.select_for_update().filter(pk__in=rows).order_by("pk"))
        Feedback.objects.filter(pk__in=rows).update(look_at=timezone.now())
        for one in sorted(set(rows)):
            ring(TELL, one)


def _page(project: Project, number: int | None, installation: Installation) -> str:
    return f"{installation.project_url(project.slug)}models/?pull_request={number}"


def _done(row: Feedback, told: Told) -> None:
    """Note what was said. Rings again when a newer report came in meanwhile."""
    with transaction.atomic():
        # All at once and in one order: two that have each other told again would wait for each other.
        list(Feedback.objects.select_for_update().filter(pk__in=[row.pk, *told.again]).order_by("pk"))
        held = _held(row)
        if held is None:
            return
        held.lease_until, held.tries = None, 0
        held.why, held.held_by = told.why[:1000], told.held_by
        held.phrases = as_kept(why=told.why, held_by=told.held_by)
        held.comment_id, held.closed = told.comment_id, told.closed
        if not told.closed:
            held.told = told.report
        if not told.closed or told.why:
            held.told_at = timezone.now()
        if told.base_branch:
            held.head, held.base_branch, held.merge_base = told.head, told.base_branch, told.merge_base
        held.save()
        if told.base is not None or told.base_branch:
            Report.objects.filter(pk=told.report.pk).update(base=told.base, told_alone=told.base is None)
        _have_told_again([*told.again, *([held.pk] if held.look_at is not None else [])])
    log.info("feedback_told", project=row.project.slug, pull_request=row.pull_request, why=told.why)


def _not_now(row: Feedback, *, why: str, pause: timedelta) -> None:
    with transaction.atomic():
        held = _held(row)
        if held is None:
            return
        held.lease_until, held.look_at = None, timezone.now() + pause
        held.why, held.phrases = why[:1000], kept_too(held, why=why)
        held.save(update_fields=["lease_until", "look_at", "why", "phrases"])
    log.warning("feedback_waits", project=row.project.slug, pull_request=row.pull_request, why=why)


def _held(row: Feedback) -> Feedback | None:
    """The row, locked, if the claim still holds."""
    return Feedback.objects.select_for_update().filter(pk=row.pk, lease_until=row.lease_until).first()
