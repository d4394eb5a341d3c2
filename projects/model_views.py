"""The page about a project's model: is it good enough, how did it get there, on which data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from projects import model_history, model_words, permissions, short_lists, training
from projects.answers import answered, conflict_page, find, person_of
from projects.comparison import Gate
from projects.errors import Conflict
from projects.exports import file_of
from projects.frame import frame
from projects.models import Door, Feedback, Project, Report, TrainingAsked, TrainingPlan
from projects.phrases import translated
from projects.plots import picture, with_plots
from projects.reports import feedback_about
from projects.sorting import BY_ID, Sorted, sorted_page

_TRAININGS = 5
"""Trainings that the page shows; the API has them all."""


@dataclass(frozen=True)
class _Asked:
    """Of which runs the page is: those of a pull request, or else of a branch; "" while no branch has any."""

    branches: Sequence[str]
    branch: str
    number: int | None
    rows: QuerySet[Report]


@require_GET
def models_page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The newest report of a branch, or that of a pull request, beside what it is compared with, then the runs before.

    Narrowed by `branch` or `pull_request`; `of`: the metric that is drawn. `format=csv|json`: the runs as a file, or by
    `list=trainings` the trainings.
    """
    found = find(person_of(request), slug)
    asked = _asked(request, found)
    if file := _trainings_file(request, found) or _runs_file(request, found, asked.rows):
        return file
    newest = list(with_plots(asked.rows.select_related("project", "base"))[: model_history.DRAWN])
    context = {
        **frame(request, found, tab="models"),
        "branches": asked.branches,
        "branch": "" if asked.number is not None else asked.branch,
        "number": asked.number,
        "pull_requests": _pull_requests(found.pk),
        "any": bool(newest) or found.reports.exists(),
        "trainings": _trainings(found),
        "plan": TrainingPlan.objects.filter(project=found).first(),
        "may_train": not found.suspended
        and found.deletion_requested_at is None
        and permissions.may_retrain(person_of(request), found),
    }
    if newest:
        held = model_history.held_gates(found)
        context |= {
            **_compared(found, asked, held=held),
            **_drawn(newest, label=request.GET.get("of", "")),
            **_listed(request, asked, held=held),
        }
    return render(request, "projects/models.html", context)


def _asked(request: HttpRequest, project: Project) -> _Asked:
    branches = model_history.branches_of(project)
    number = _number(request.GET.get("pull_request", ""))
    wanted = request.GET.get("branch", "")[:200]
    branch = wanted if wanted in branches else (branches[0] if branches else "")
    if number is not None:
        rows = model_history.of_pull_request(project, number)
    elif branch:
        rows = model_history.of_branch(project, branch)
    else:
        rows = project.reports.all()
    return _Asked(branches=branches, branch=branch, number=number, rows=rows)


def _trainings_file(request: HttpRequest, project: Project) -> HttpResponseBase | None:
    """All trainings, of which the page shows the last few; None where they are not asked for."""
    if request.GET.get("list") != "trainings":
        return None
    trainings = short_lists.of_trainings(project.trainings.select_related("report"))
    return file_of(request, trainings, columns=short_lists.TRAININGS, name=f"trainings-{project.slug}")


def _runs_file(request: HttpRequest, project: Project, rows: QuerySet[Report]) -> HttpResponseBase | None:
    records = model_history.records(rows)
    return file_of(request, records, columns=model_history.COLUMNS, name=f"models-{project.slug}")


def _compared(project: Project, asked: _Asked, *, held: Mapping[int, str]) -> dict[str, Any]:
    """The report that the page is about, beside its base. held: as `held_gates` has it."""
    standing = _standing(project, asked.number, asked.rows, branches=asked.branches)
    return {
        "standing": standing,
        "other_data": translated(standing.other_data),
        "gate_says": translated(standing.gate.sentence),
        "held_by": "" if standing.awaited else translated(held.get(standing.report.pk, "")),
        "lines": [model_words.shown(line, compared=standing.base is not None) for line in standing.lines],
        "counts": model_words.counts(standing.lines) if standing.base else "",
        "told": feedback_about(standing.report),
    }


def _drawn(newest: Sequence[Report], *, label: str) -> dict[str, Any]:
    """The charts of these runs, newest first: of the metric of this label, or else of the first, and of the tests."""
    metrics = model_history.metrics_in(newest)
    label = label if label in metrics else next(iter(metrics), "")
    oldest_first = newest[::-1]
    return {
        "metrics": list(metrics),
        "label": label,
        "several": len(newest) > 1,
        "chart": label
        and model_words.metric_chart(oldest_first, label=label, lower_is_better=metrics[label]["direction"] == "lower"),
        "tests_chart": model_words.tests_chart(oldest_first),
    }


def _listed(request: HttpRequest, asked: _Asked, *, held: Mapping[int, str]) -> dict[str, Any]:
    """A page of the runs, each with whether its gate is open. held: as `held_gates` has it."""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    runs = asked.rows.select_related("project", "base")
    page: Sorted[Report] = sorted_page(runs, order=BY_ID, falling=True, after=after, before=before)
    gates = model_history.gates_of(page.rows, branches=asked.branches)
    opened = [(one, gate.passed and one.pk not in held) for one, gate in zip(page.rows, gates, strict=True)]
    return {"page": page, "runs": opened}


def _standing(
    project: Project, number: int | None, rows: QuerySet[Report], *, branches: Sequence[str]
) -> model_history.Standing:
    """What the page is about: how the pull request stands, as its comment says, or what a branch is at."""
    if number is not None and (found := model_history.standing_of_pull_request(project, number, branches=branches)):
        return found
    report = with_plots(rows.select_related("project", "base")).order_by(*model_history.NEWEST_COMMIT)[0]
    return model_history.standing_of(report, base=model_history.base_of(report, branches=branches))


def _trainings(project: Project) -> list[tuple[TrainingAsked, Gate | None]]:
    """The last trainings, each with what the gate says of its report."""
    rows = list(project.trainings.select_related("report")[:_TRAININGS])
    gates = model_history.gates_apart([row.report for row in rows if row.report is not None])
    return [(row, gates.get(row.report_id or 0)) for row in rows]


@require_POST
def train(request: HttpRequest, slug: str) -> HttpResponse:
    """Have CI train the model again, then back to the page, where it stands among the trainings."""
    person = person_of(request)
    with answered():
        try:
            training.ask(find(person, slug), by=person, door=Door.FORM)
        except Conflict as error:
            return conflict_page(request, error.message, back=reverse("projects:models", args=[slug]))
    return redirect(f"{reverse('projects:models', args=[slug])}#trainings")


@require_GET
def plot(request: HttpRequest, slug: str, report: int, plot: int) -> HttpResponse:
    """A picture of a report."""
    with answered():
        return picture(find(person_of(request), slug), report=report, plot=plot)


def _number(text: str) -> int | None:
    """The number of a pull request; None when none is asked for. Raises Http404 for what can't be one."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise Http404
    return int(text)


def _pull_requests(project_id: int) -> list[int]:
    """The pull requests that reported last."""
    rows = Feedback.objects.filter(project=project_id, pull_request__isnull=False).order_by("-report_id")
    return [int(number) for number in rows.values_list("pull_request", flat=True)[:12] if number is not None]
