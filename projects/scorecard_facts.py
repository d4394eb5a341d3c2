"""What the rules of the scorecard judge by: gathered from rows, for many projects at once. Nothing outside is asked."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Case, F, Max, Q, QuerySet, When
from django.utils import timezone

from projects.comparison import stopped, tests_failed
from projects.installation import installation
from projects.model_history import NEWEST_COMMIT, USUAL
from projects.models import DirectoryEntry, Membership, Project, Report, TrainingAsked, UsageDay
from projects.nesting import people_in
from projects.readable import fields_of
from projects.retraining import options_of
from projects.scorecard import Facts, Reported
from projects.today import today
from projects.training import REPORTS_WITHIN
from projects.usage import allowed_by, bounded, next_plan
from provisioning.catalogue import Catalogue, Plan
from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.forge import LIKE_GITHUB
from provisioning.models import Resource
from provisioning.spec import Role

_DAYS = 14
_SETS_RULES = "repository_access"
"""The Kind that sets the rules of the main branch."""


def facts_of(projects: Sequence[Project]) -> dict[int, Facts]:
    """The facts of each project by its id. Select `registered_repository` and `team`; at most nine queries for all."""
    ids, now = [one.pk for one in projects], timezone.now()
    rows = _of_main(Report.objects.filter(project__in=ids, pull_request=None))
    newest = {row.project_id: row for row in _newest(rows)}
    repeated = {row.project_id: row.reproduced for row in _newest(rows.exclude(reproduced=None))}
    trained = dict(
        TrainingAsked.objects.filter(project__in=ids, sent_at__isnull=False)
        .order_by()
        .values_list("project")
        .annotate(last=Max("sent_at"))
    )
    by_itself = _by_itself(ids)
    owners = _owners(ids)
    stand = _rules_stand(projects)
    most = _most(ids)
    lasting = frozenset(one.name for one in bounded() if one.lasting)
    catalogue = installation().catalogue
    gate_possible = catalogue.forge().kind in LIKE_GITHUB
    found = {}
    for project in projects:
        spec = fields_of(project)
        options = spec.options.get("repository", {})
        row = newest.get(project.pk)
        plan, peaks = catalogue.plans.get(spec.plan), most.get(project.pk, {})
        repository = getattr(project, "registered_repository", None)
        found[project.pk] = Facts(
            now=now,
            created_at=project.created_at,
            report=_reported(row) if row else None,
            repeated=repeated.get(project.pk),
            trained_at=trained.get(project.pk),
            retrains=not project.suspended and options_of(project) is not None,
            suspended=project.suspended,
            trains=by_itself.get(project.pk),
            environment=spec.environment.value,
            gate_required=options.get("model_gate") == "required",
            gate_possible=gate_possible,
            protected=options.get("protect", True) is not False,
            approvals=_approvals(options),
            rules_stand=stand.get(project.pk),
            owners=len(owners[project.pk].people),
            owners_known=owners[project.pk].known,
            documents=frozenset(repository.documents) if repository and repository.documents is not None else None,
            unwritten=frozenset(repository.unwritten) if repository else frozenset(),
            shares={name: share for name, (_, share) in peaks.items()},
            lasting=lasting,
            smaller=_smaller(plan, peaks, catalogue=catalogue),
            larger=frozenset(
                one.name for one in bounded() if plan is not None and next_plan(one, plan, catalogue=catalogue)
            ),
        )
    return found


def _smaller(plan: Plan | None, peaks: Mapping[str, tuple[float, float]], *, catalogue: Catalogue) -> bool:
    """Is there a plan of fewer units that allows all that was used?"""
    less = [one for one in catalogue.plans.values() if plan is not None and one.units < plan.units]
    used = [(one, peaks[one.name][0]) for one in bounded() if one.name in peaks]
    return any(all(allowed_by(other, measure) >= most for measure, most in used) for other in less)


def _approvals(options: Mapping[str, Any]) -> int | None:
    """How many a pull request needs by our word: none where nothing is protected; None where the rules are not ours."""
    if options.get("attach"):
        return None
    approvals = options.get("approvals", 0) if options.get("protect", True) else 0
    return approvals if isinstance(approvals, int) else None


def _of_main(rows: QuerySet[Report]) -> QuerySet[Report]:
    """Those of the main branch, where the forge has told which one that is; all where it has not."""
    told = F("project__registered_repository__default_branch")
    unknown = Q(project__registered_repository=None) | Q(project__registered_repository__default_branch="")
    return rows.filter(unknown | Q(branch=told))


def _newest(rows: QuerySet[Report]) -> QuerySet[Report]:
    """The newest of each project: of the branch that is usually the main one, or else of any."""
    other = Case(When(branch__in=USUAL, then=0), default=1)
    return rows.alias(other=other).order_by("project_id", "other", *NEWEST_COMMIT).distinct("project_id")


def _reported(row: Report) -> Reported:
    return Reported(
        at=row.received_at,
        data_hash=row.data_hash,
        environment_hash=row.environment_hash,
        tests_passed=int(row.tests.get("passed", 0)),
        tests_failed=len(tests_failed(row.tests)),
        stopped_at=stopped(row.tests),
        regression_examples=int(row.tests.get("regression_examples", 0)),
        thresholds=sum(one["threshold"] is not None for one in row.metrics),
    )


def _by_itself(ids: Sequence[int]) -> Mapping[int, bool]:
    """By project, whether the newest training that no person asked for has reported; nothing while none came to an end.

    One whose run may still report has come to none.
    """
    rows = TrainingAsked.objects.filter(project__in=ids).exclude(because=TrainingAsked.Because.PERSON)
    silent = Q(sent_at__lt=timezone.now() - REPORTS_WITHIN)
    ended = rows.filter(silent | Q(given_up_at__isnull=False) | Q(report__isnull=False))
    newest = ended.order_by("project_id", "-pk").distinct("project_id")
    return {row.project_id: row.report_id is not None for row in newest}


def _rules_stand(projects: Sequence[Project]) -> Mapping[int, bool]:
    """By project, whether the repository was found as the present spec wants it; nothing while nobody has looked."""
    rows = Resource.objects.filter(project__in=[one.pk for one in projects], kind=_SETS_RULES)
    found = {row.project_id: row for row in rows}
    return {
        one.pk: row.synced_status == Status.TRUE
        for one in projects
        if (row := found.get(one.pk)) is not None
        and row.observed_generation == one.generation
        and (row.synced_status == Status.TRUE or row.synced_reason == Reason.DRIFTED)
    }


@dataclass
class _Owners:
    """Who owns a project, by object id, or by name where the directory has told none. known: are these all of them?"""

    people: set[str] = field(default_factory=set)
    known: bool = True


def _owners(ids: Sequence[int]) -> Mapping[int, _Owners]:
    """Who owns each project now: who is named and still there, and who is in a group that is."""
    here = Q(until=None) | Q(until__gte=today())
    rows = list(Membership.objects.filter(here, project__in=ids, role=Role.OWNER))
    inside = people_in({row.object_id for row in rows if row.is_group and row.object_id})
    named = {row.object_id for row in rows if not row.is_group and row.object_id}
    away = DirectoryEntry.objects.filter(object_id__in=named).exclude(enabled=True, gone_at=None)
    left = set(away.values_list("object_id", flat=True))
    found: dict[int, _Owners] = defaultdict(_Owners)
    for row in rows:
        owners = found[row.project_id]
        if not row.is_group:
            owners.people |= {row.object_id or row.subject} - left
        elif row.object_id in inside:
            owners.people |= inside[row.object_id]
        else:
            owners.known = False
    return found


def _most(ids: Sequence[int]) -> Mapping[int, Mapping[str, tuple[float, float]]]:
    """By project and measure, the most that was used on a day of the last two weeks, and the largest share of the limit
    then.
    """
    most: dict[int, dict[str, tuple[float, float]]] = defaultdict(dict)
    rows = UsageDay.objects.filter(project__in=ids, day__gt=today() - timedelta(days=_DAYS))
    for project_id, figures in rows.values_list("project_id", "figures"):
        for name in (one.name for one in bounded()):
            used, limit = figures.get(name) or (None, None)
            if used is not None and limit:
                before, share = most[project_id].get(name, (0.0, 0.0))
                most[project_id][name] = max(before, used), max(share, used / limit)
    return most
