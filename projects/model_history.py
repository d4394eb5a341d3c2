"""What a project's reports say together: which branch counts, how a metric went by run, what to compare with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, OuterRef, QuerySet, Subquery

from projects.comparison import Gate, Line, compare, gate
from projects.exports import BATCH
from projects.models import Feedback, Project, Report
from projects.plots import with_plots

DRAWN = 30
"""Runs that a chart has room for."""
_BRANCHES = 12
USUAL = ("main", "master")
"""What the default branch is usually called; a guess, for as long as the forge was not asked."""

COLUMNS = (
    "received_at",
    "commit",
    "branch",
    "pull_request",
    "run",
    "run_url",
    "metric",
    "split",
    "value",
    "direction",
    "threshold",
    "data_hash",
    "environment_hash",
    "reproduced",
    "tests_passed",
    "tests_failed",
    "regression_examples",
)


@dataclass(frozen=True)
class Standing:
    """One report beside what it is compared with (None: nothing), and what the gate says.

    head: the commit that the report's pull request offers; "" when it is of none, or the forge was not asked yet.
    """

    report: Report
    base: Report | None
    lines: tuple[Line, ...]
    gate: Gate
    head: str = ""

    @property
    def awaited(self) -> str:
        """The commit that is offered and has not reported, so that the gate waits; "" when the report is its own."""
        return "" if self.head == self.report.commit else self.head


def branches_of(project: Project) -> list[str]:
    """Branches with reports, the default one first, then by the newest report; at most a dozen."""
    rows = project.reports.filter(pull_request=None).order_by().values("branch").annotate(last=Max("pk"))
    found = [str(row["branch"]) for row in rows.order_by("-last")[:_BRANCHES]]
    main = [name for name in _main(project) if name in found][:1]
    return main + [name for name in found if name not in main]


def is_main(project: Project, branch: str) -> bool:
    """Is it the default branch: what the forge said, or before it did what is usually called so?"""
    return branch in _main(project)


def _main(project: Project) -> tuple[str, ...]:
    row = getattr(project, "registered_repository", None)
    return (row.default_branch,) if row is not None and row.default_branch else USUAL


def of_main(project: Project) -> QuerySet[Report]:
    """Reports of the default branch, newest first."""
    return project.reports.filter(branch__in=_main(project), pull_request=None)


def of_branch(project: Project, branch: str) -> QuerySet[Report]:
    """Reports of a branch, newest first, those of pull requests from it left out."""
    return project.reports.filter(branch=branch, pull_request=None)


def of_pull_request(project: Project, number: int) -> QuerySet[Report]:
    """Reports of a pull request, newest first."""
    return project.reports.filter(pull_request=number)


def report_offered(rows: QuerySet[Report], *, head: str) -> Report | None:
    """Of a pull request's reports the one that speaks for it: that of the commit which it offers, whichever came last,
    or while that has none the newest. head: "" where nobody knows. None without any.
    """
    of_head = rows.filter(commit=head).first() if head else None
    return of_head or rows.first()


def standing_of_pull_request(project: Project, number: int, *, branches: Sequence[str]) -> Standing | None:
    """How a pull request stands, as its comment says it; None while it has no report. branches: as for `base_of`."""
    told = Feedback.objects.filter(project=project, pull_request=number).values_list("head", flat=True)
    head = told.first() or ""
    rows = with_plots(of_pull_request(project, number).select_related("project", "base"))
    report = report_offered(rows, head=head)
    if report is None:
        return None
    return standing_of(report, base=base_of(report, branches=branches), head=head)


def standing_of(report: Report, *, base: Report | None, head: str = "") -> Standing:
    """A report beside its base. head: as of `Standing`."""
    lines = compare(report.metrics, base.metrics if base else None)
    opened = gate(lines, report.tests, before=base.tests if base else None)
    return Standing(report=report, base=base, lines=lines, gate=opened, head=head)


def base_of(report: Report, *, branches: Sequence[str]) -> Report | None:
    """What a report is compared with: what the forge was told it beside, be it nothing, or else on a branch the one
    before of another commit, on a pull request the newest of the default branch, the first of `branches`.
    """
    if report.base is not None or report.told_alone:
        return report.base
    if report.pull_request is None:
        older = of_branch(report.project, report.branch).filter(pk__lt=report.pk)
        return older.exclude(commit=report.commit).first()
    if not branches:
        return None
    return of_branch(report.project, branches[0]).first()


def base_at(project: Project, *, branch: str, merge_base: str) -> Report | None:
    """What a pull request into `branch` is compared with: the commit it left from ("" when nobody says), else the
    branch's newest.
    """
    rows = project.reports.filter(pull_request=None)
    there = rows.filter(commit=merge_base).first() if merge_base else None
    return there or of_branch(project, branch).first()


def gates_of(reports: Sequence[Report], *, branches: Sequence[str]) -> list[Gate]:
    """What the gate says of each beside its base: some of one branch or of pull requests, newest first, base selected.

    One query for any number. branches: as for `base_of`.
    """
    if not reports:
        return []
    last = reports[-1]
    main = of_branch(last.project, branches[0]).first() if branches and last.pull_request is not None else None
    beyond = base_of(last, branches=branches) if last.pull_request is None else main
    found = []
    for place, one in enumerate(reports):
        older = (other for other in reports[place + 1 :] if other.commit != one.commit)
        alone = one.base is not None or one.told_alone
        base = one.base if alone else main if one.pull_request is not None else next(older, beyond)
        found.append(standing_of(one, base=base).gate)
    return found


def gates_apart(reports: Sequence[Report]) -> dict[int, Gate]:
    """What the gate says of each beside its base, by the report's number: those of branches, in any order.

    Two queries for any number.
    """
    older = Report.objects.filter(
        project=OuterRef("project"), branch=OuterRef("branch"), pull_request=None, pk__lt=OuterRef("pk")
    ).exclude(commit=OuterRef("commit"))
    rows = Report.objects.filter(pk__in=[one.pk for one in reports])
    beside = dict(rows.values_list("pk", Subquery(older.order_by("-pk").values("pk")[:1])))
    bases = Report.objects.in_bulk([pk for pk in beside.values() if pk is not None])
    return {one.pk: standing_of(one, base=bases.get(beside.get(one.pk))).gate for one in reports}


def metrics_in(reports: Sequence[Report]) -> dict[str, Mapping[str, Any]]:
    """Every metric of the reports (newest first) by label, each as the newest has it."""
    found: dict[str, Mapping[str, Any]] = {}
    for report in reports:
        for one in report.metrics:
            found.setdefault(f"{one['name']} ({one['split']})", one)
    return found


def records(rows: QuerySet[Report]) -> Iterator[dict[str, Any]]:
    """The reports as rows of a file: one for each metric, and one for a report without any."""
    for report in rows.order_by("-pk").iterator(chunk_size=BATCH):
        shared = {
            **{name: getattr(report, name) for name in COLUMNS if hasattr(report, name)},
            "tests_passed": report.tests.get("passed"),
            "tests_failed": [one["name"] for one in report.tests.get("failed", ())],
            "regression_examples": report.tests.get("regression_examples"),
        }
        for one in report.metrics or [{}]:
            figures = {name: one.get(name) for name in ("split", "value", "direction", "threshold")}
            yield {**shared, "metric": one.get("name"), **figures}
