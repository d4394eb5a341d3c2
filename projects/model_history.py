"""What a project's reports say together: which branch counts, how a metric went by run, what to compare with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery

from projects.comparison import Gate, Line, compare, gate, labelled, stopped
from projects.exports import BATCH
from projects.models import Feedback, Project, Report
from projects.phrases import kept
from projects.plots import with_plots
from provisioning.phrases import phrase

DRAWN = 30
"""Runs that a chart has room for."""
_BRANCHES = 12
USUAL = ("main", "master")
"""What the default branch is usually called; a guess, for as long as the forge was not asked."""
NEWEST_COMMIT = ("-commit_at", "-pk")
"""The order of a branch's reports by what they are about: a run of an old commit that ends last is not the newest."""
_MEASURED = ~Q(metrics=[]) | Q(tests__passed__gt=0)
"""What others are compared with. A run that stopped before it measured anything would hold nobody to any threshold."""

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

    @property
    def other_data(self) -> str:
        """That the base was measured on other data, and what to do, a phrase; "" where it was not, or nobody says."""
        report, base = self.report, self.base
        if base is None or not (self.lines and report.data_hash and base.data_hash):
            return ""
        if report.data_hash == base.data_hash:
            return ""
        than = f"{base.branch} {base.commit[:10]}"
        if report.pull_request is None:
            return phrase("Measured on other data than %(base)s.", base=than)
        return phrase(
            "Measured on other data than %(base)s. Rebase it or have it trained again, to compare on the same data.",
            base=than,
        )


def branches_of(project: Project) -> list[str]:
    """Branches with reports, the default one first, however long ago it reported, then by the newest report; at most a
    dozen.
    """
    rows = project.reports.filter(pull_request=None).order_by().values("branch").annotate(last=Max("pk"))
    found = [str(row["branch"]) for row in rows.order_by("-last")[:_BRANCHES]]
    reported = set(of_main(project).order_by().values_list("branch", flat=True).distinct())
    main = [name for name in _main(project) if name in reported][:1]
    return [*main, *(name for name in found if name not in main)][:_BRANCHES]


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


def newest_of(project: Project, branch: str) -> Report | None:
    """What a branch is at: the last run of its newest commit, whichever run ended last; None without a report."""
    return of_branch(project, branch).order_by(*NEWEST_COMMIT).first()


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


def held_gates(project: Project) -> dict[int, str]:
    """By the number of each report that would open its gate: what holds it shut, as the forge was told, a phrase.

    The gate is the commit's, and another open pull request that offers it is held by it too.
    """
    rows = Feedback.objects.filter(project=project, told__isnull=False).exclude(held_by="")
    return {row.told_id: kept(row, "held_by") for row in rows.only("told", "held_by", "phrases") if row.told_id}


def standing_of(report: Report, *, base: Report | None, head: str = "") -> Standing:
    """A report beside its base. head: as of `Standing`."""
    # What a run did not get to is not gone.
    halted = not report.metrics and stopped(report.tests)
    lines = () if halted else compare(report.metrics, base.metrics if base else None)
    opened = gate(lines, report.tests, before=base.tests if base else None)
    return Standing(report=report, base=base, lines=lines, gate=opened, head=head)


def base_of(report: Report, *, branches: Sequence[str]) -> Report | None:
    """What a report is compared with: what the forge was told it beside, be it nothing, or else on a branch the one
    before of another commit, on a pull request the newest of the default branch, the first of `branches`.
    """
    if report.base is not None or report.told_alone:
        return report.base
    if report.pull_request is None:
        return _before([report]).get(report.pk)
    if not branches:
        return None
    return base_at(report.project, branch=branches[0], merge_base="", data_hash=report.data_hash)


def base_at(project: Project, *, branch: str, merge_base: str, data_hash: str = "") -> Report | None:
    """What a pull request into `branch` is compared with: the commit it left from ("" when nobody says), else the
    newest one of the branch that measured anything. Of that commit's reports the newest on this data, or else of all.
    """
    rows = project.reports.filter(_MEASURED, pull_request=None)
    of_commit = rows.filter(commit=merge_base) if merge_base else rows.none()
    if (there := _on_data(of_commit, data_hash)) is not None:
        return there
    return _on_data(_of_newest_commit(rows, branch=branch), data_hash)


def _of_newest_commit(rows: QuerySet[Report], *, branch: str) -> Iterable[Report]:
    """The reports of the branch's newest commit that has any, newest first; () when there is none."""
    of_branch = rows.filter(branch=branch)
    newest = of_branch.order_by(*NEWEST_COMMIT).first()
    return of_branch.filter(commit=newest.commit) if newest is not None else ()


def _on_data(reports: Iterable[Report], data_hash: str) -> Report | None:
    """The first report on this data ("": on any); where none is, the first of all. None when there are none."""
    found = list(reports)
    return next((one for one in found if one.data_hash == data_hash != ""), next(iter(found), None))


def gates_of(reports: Sequence[Report], *, branches: Sequence[str]) -> list[Gate]:
    """What the gate says of each beside its base: some of one branch or of pull requests, base selected.

    Five queries for any number. branches: as for `base_of`.
    """
    before = _before(reports)
    of_pulls = branches and any(one.pull_request is not None for one in reports)
    measured = reports[0].project.reports.filter(_MEASURED, pull_request=None) if of_pulls else Report.objects.none()
    main = list(_of_newest_commit(measured, branch=branches[0])) if of_pulls else []
    found = []
    for one in reports:
        told = one.base is not None or one.told_alone
        untold = _on_data(main, one.data_hash) if one.pull_request is not None else before.get(one.pk)
        base = one.base if told else untold
        found.append(standing_of(one, base=base).gate)
    return found


def gates_apart(reports: Sequence[Report]) -> dict[int, Gate]:
    """What the gate says of each beside its base, by the report's number: those of branches, in any order.

    Two queries for any number.
    """
    before = _before(reports)
    return {one.pk: standing_of(one, base=before.get(one.pk)).gate for one in reports}


def _before(reports: Sequence[Report]) -> Mapping[int, Report]:
    """By the number of each report of a branch, the one of the commit before that was there when it came, if any.

    A later commit may have reported by then: it is not what this one was made from.
    """
    older = Report.objects.filter(
        _MEASURED,
        project=OuterRef("project"),
        branch=OuterRef("branch"),
        pull_request=None,
        pk__lt=OuterRef("pk"),
        commit_at__lt=OuterRef("commit_at"),
    ).exclude(commit=OuterRef("commit"))
    rows = Report.objects.filter(pk__in=[one.pk for one in reports], pull_request=None)
    beside = dict(rows.values_list("pk", Subquery(older.order_by(*NEWEST_COMMIT).values("pk")[:1])))
    bases = Report.objects.in_bulk([pk for pk in beside.values() if pk is not None])
    return {pk: bases[base] for pk, base in beside.items() if base in bases}


def metrics_in(reports: Sequence[Report]) -> dict[str, Mapping[str, Any]]:
    """Every metric of the reports (newest first) by label, each as the newest has it."""
    found: dict[str, Mapping[str, Any]] = {}
    for report in reports:
        for one in report.metrics:
            found.setdefault(labelled(one["name"], one["split"]), one)
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
