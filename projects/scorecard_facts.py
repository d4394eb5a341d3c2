"""What the rules of the scorecard judge by: gathered from rows, for many projects at once. Nothing outside is asked."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Case, Max, Q, QuerySet, When
from django.utils import timezone

from projects.model_history import USUAL
from projects.models import Membership, Project, Report, TrainingAsked, UsageDay
from projects.readable import shown_spec
from projects.retraining import options_of
from projects.scorecard import Facts, Reported
from projects.today import today
from projects.usage import measures
from provisioning.measures import Measure
from provisioning.spec import Role

_DAYS = 14


def facts_of(projects: Sequence[Project]) -> dict[int, Facts]:
    """The facts of each project by its id. Select `registered_repository` with them; five queries for any number."""
    ids, now = [one.pk for one in projects], timezone.now()
    rows = Report.objects.filter(project__in=ids, pull_request=None)
    newest = {row.project_id: row for row in _newest(rows)}
    repeated = {row.project_id: row.reproduced for row in _newest(rows.exclude(reproduced=None))}
    trained = dict(
        TrainingAsked.objects.filter(project__in=ids, sent_at__isnull=False)
        .order_by()
        .values_list("project")
        .annotate(last=Max("sent_at"))
    )
    owners = _owners(ids)
    shares = _shares(ids)
    lasting = frozenset(one.name for one in _bounded() if one.lasting)
    found = {}
    for project in projects:
        spec = shown_spec(project)
        options = spec.options.get("repository", {})
        row = newest.get(project.pk)
        repository = getattr(project, "registered_repository", None)
        found[project.pk] = Facts(
            now=now,
            created_at=project.created_at,
            report=_reported(row) if row else None,
            repeated=repeated.get(project.pk),
            trained_at=trained.get(project.pk),
            retrains=not project.suspended and options_of(project) is not None,
            environment=spec.environment.value,
            gate_required=options.get("model_gate") == "required",
            approvals=_approvals(options),
            owners=owners[project.pk, False],
            owner_groups=owners[project.pk, True],
            documents=frozenset(repository.documents) if repository and repository.documents is not None else None,
            shares=shares.get(project.pk, {}),
            lasting=lasting,
        )
    return found


def _approvals(options: Mapping[str, Any]) -> int | None:
    """How many a pull request needs by our word: none where nothing is protected; None where the rules are not ours."""
    if options.get("attach"):
        return None
    return int(options.get("approvals", 0)) if options.get("protect", True) else 0


def _newest(rows: QuerySet[Report]) -> QuerySet[Report]:
    """The newest report of each project: of the branch that is usually the main one, or else of any."""
    other = Case(When(branch__in=USUAL, then=0), default=1)
    return rows.alias(other=other).order_by("project_id", "other", "-pk").distinct("project_id")


def _reported(row: Report) -> Reported:
    return Reported(
        at=row.received_at,
        data_hash=row.data_hash,
        environment_hash=row.environment_hash,
        tests_passed=int(row.tests.get("passed", 0)),
        tests_failed=len(row.tests.get("failed", ())),
        regression_examples=int(row.tests.get("regression_examples", 0)),
        thresholds=sum(one["threshold"] is not None for one in row.metrics),
    )


def _owners(ids: Sequence[int]) -> Counter[tuple[int, bool]]:
    """How many own each project now, by (project, is it a group)."""
    here = Q(until=None) | Q(until__gte=today())
    rows = Membership.objects.filter(here, project__in=ids, role=Role.OWNER)
    return Counter(rows.values_list("project_id", "is_group"))


def _bounded() -> list[Measure]:
    """What is measured and bounded by the plan."""
    return [one for one in measures() if one.plan]


def _shares(ids: Sequence[int]) -> Mapping[int, Mapping[str, float]]:
    """By project and measure, the most that was used of the limit on a day of the last two weeks."""
    most: dict[int, dict[str, float]] = defaultdict(dict)
    rows = UsageDay.objects.filter(project__in=ids, day__gt=today() - timedelta(days=_DAYS))
    for project_id, figures in rows.values_list("project_id", "figures"):
        for name in (one.name for one in _bounded()):
            used, limit = figures.get(name) or (None, None)
            if used is not None and limit:
                most[project_id][name] = max(most[project_id].get(name, 0.0), used / limit)
    return most
