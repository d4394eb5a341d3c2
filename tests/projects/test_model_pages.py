"""The page about a project's model: what it says, to whom, and that nothing that was sent is more than text."""

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from projects import model_history, model_words
from projects.models import Feedback, Membership, Project, Report
from tests.ci import MAE, PASSED, ci, send
from tests.people import client
from tests.projects.tended import World, asked
from tests.projects.test_reports import plot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pages")]

PAGE = "/projects/demand/models/"


@pytest.fixture
def project(world: World, nothing_remembered: None) -> Project:
    return asked()


def reported(project: Project, number: int, **changes: Any) -> Report:
    said = {"branch": "main", "pull_request": None, "tests": PASSED, "commit": f"{number:040x}", **changes}
    answer = send(ci(project), run=f"run-{number}", **said)
    assert answer.status_code == 201, answer.content
    return Report.objects.get(pk=answer.json()["id"])


def text(query: str = "", *, who: str = "alice") -> str:
    answer = client(who).get(f"{PAGE}{query}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_before_the_first_report_the_page_says_how_to_get_there(project: Project) -> None:
    page = text()
    assert "No run has reported yet" in page
    assert "$SLIPWAY_URL/api/v1/projects/demand/reports/" in page
    assert client("alice").get(f"{PAGE}?format=json").getvalue() == b'{"items": []}'


def test_the_newest_run_of_main_stands_beside_the_one_before(project: Project) -> None:
    reported(project, 1, metrics=[{**MAE, "value": 0.1}])
    reported(project, 2, metrics=[{**MAE, "value": 0.31}])
    reported(project, 3, branch="other", metrics=[{**MAE, "value": 0.9}])
    page = text()
    assert "Newest run on main" in page
    assert "<strong>The gate is shut.</strong> mae (test) is 0.31; 0.2 or less is needed." in page
    row = page[page.index("mae (test)</th>") :]
    cells = [part.split(">", 1)[1].split("</td")[0] for part in row.split("<td")[1:5]]
    assert cells == [
        "0.31", "0.1", '<span aria-hidden="true">▼</span> worse', "0.2 or less, <strong>missed</strong>",
    ]  # fmt: skip
    assert "mae (test) by run: now 0.31, between 0.1 and 0.31. Lower is better." in page
    assert "Model tests by run: now 13 passed and 0 failed." in page
    assert "Newest run on other" in text("?branch=other")
    assert "Newest run on main" in text("?branch=nothing")


def test_a_step_of_ci_that_failed_stands_apart_from_model_tests(project: Project) -> None:
    lint = {"name": "CI failed at lint", "kind": "other", "example": "Found 1 error."}
    for number in (1, 2):
        reported(project, number, tests={"passed": 12, "failed": [lint], "regression_examples": 0})
    page = text()
    assert "<strong>The gate is shut.</strong> CI failed at lint." in page
    assert "Behaviours that fail" not in page
    assert "Steps of CI that fail</h3>" in page
    assert "<strong>CI failed at lint</strong><br>Found 1 error.</li>" in page
    assert page.count("12 passed, 0 failed") == 3
    assert "Model tests by run: now 12 passed and 0 failed." in page
    stopped = {"name": "CI stopped at pipeline", "kind": "other", "example": "no data"}
    reported(project, 3, metrics=[], tests={"passed": 0, "failed": [lint, stopped], "regression_examples": 0})
    page = text()
    assert "0 passed" not in page
    assert "CI failed at lint. CI stopped at pipeline, before it measured the model." in page


def test_the_gate_says_the_same_on_the_page_in_the_reader_s_language(project: Project) -> None:
    reported(project, 1)
    swedish = client("alice", language="sv")

    def said() -> str:
        return " ".join(swedish.get(PAGE).content.decode().split())

    assert "<strong>Spärren är öppen.</strong> 1 av 1 trösklar hålls, 13 modelltester gick igenom." in said()
    reported(project, 2, metrics=[{**MAE, "value": 0.31}])
    page = said()
    assert "<strong>Spärren är stängd.</strong> mae (test) är 0.31; 0.2 eller mindre krävs. 1 sämre." in page
    assert ">0,2 eller mindre, <strong>missad</strong></td>" in page


def test_a_pull_request_is_compared_with_the_default_branch(project: Project) -> None:
    reported(project, 1, metrics=[{**MAE, "value": 0.1}])
    reported(project, 2, metrics=[{**MAE, "value": 0.15}])
    reported(project, 3, branch="mine", pull_request=3, metrics=[{**MAE, "value": 0.12}])
    Feedback.objects.filter(pull_request=3).update(why="git-1 does not answer.")
    page = text("?pull_request=3")
    assert "Newest run of pull request 3" in page
    assert ">0.15</td>" in page
    assert "The forge is not told yet: git-1 does not answer. We try again by ourselves." in page
    Feedback.objects.update(look_at=None, why="git-1 refuses.")
    refused = (
        "The forge was not told everything. "
        "It is told again with the next report, or when somebody has the project looked at. Why: git-1 refuses."
    )
    assert refused in text("?pull_request=3")
    assert refused in text("?branch=main")
    Feedback.objects.filter(pull_request=3).update(why="The pull request is closed.")
    over = text("?pull_request=3")
    assert "Nothing was said on the pull request: it was closed when the report came." in over
    assert "The forge was not told everything" not in over
    assert "Pull request 4 has no report." in text("?pull_request=4")
    assert client("alice").get(f"{PAGE}?pull_request=x").status_code == 404


def test_the_pull_requests_that_reported_last_are_offered(project: Project) -> None:
    for number in range(1, 15):
        reported(project, number, branch="mine", pull_request=number)
    page = text()
    offered = [int(part.partition('"')[0]) for part in page.split('<option value="')[1:] if part[0].isdigit()]
    assert offered == list(range(14, 2, -1))


def test_data_versions_are_marked_where_they_change(project: Project) -> None:
    reports = [reported(project, n, data_hash=letter * 32) for n, letter in enumerate("aabb")]
    chart = model_words.metric_chart(reports, label="mae (test)", lower_is_better=True)
    assert chart is not None
    assert [row.more for row in chart.rows] == ["data aaaaaaaa", "", "data bbbbbbbb", ""]
    assert chart.heads == ("mae (test)", "threshold")
    assert chart.paths[-1] == ("turn", "M66.67 0V100")
    assert (chart.keys[-1].style, chart.keys[-1].title) == ("turn", "the data changed")
    page = text()
    assert '<path class="turn" d="M66.67 0V100"/>' in page
    assert '<span class="sw-key turn"><span class="sw-meta">the data changed</span></span>' in page


def test_a_metric_fills_its_chart_with_its_threshold_and_below_zero(project: Project) -> None:
    below = [reported(project, n, metrics=[{**MAE, "value": -1.5 - n / 10, "threshold": -1.2}]) for n in range(2)]
    chart = model_words.metric_chart(below, label="mae (test)", lower_is_better=True)
    assert chart is not None
    assert chart.ticks == ("-1.2", "-1.3", "-1.4", "-1.5", "-1.6")
    assert chart.paths == (("a", "M0 75L100 100"), ("b", "M0 0L100 0"))
    assert "<svg" in text()
    small = reported(project, 3, metrics=[{**MAE, "value": 0.00123, "threshold": None}])
    chart = model_words.metric_chart([small], label="mae (test)", lower_is_better=True)
    assert chart is not None
    assert (chart.keys[0].newest, chart.ticks[0], chart.ticks[-1]) == ("0.00123", "0.00135", "0.00115")
    reported(project, 4, metrics=[{**MAE, "value": 1e16}])
    assert "These figures are too large to be drawn." in text()


def test_nothing_that_was_sent_becomes_markup(project: Project) -> None:
    evil = "<script>alert(1)</script>"
    failed = [{"name": evil, "kind": "other", "example": evil}]
    reported(project, 1, branch=f"x/{evil}", run_url=None, tests={**PASSED, "failed": failed})
    page = text()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_plots_are_on_the_page_and_for_nobody_else(project: Project) -> None:
    report = reported(project, 1, plots=[plot()])
    address = f"{PAGE}{report.pk}/plots/{report.plots.get().pk}/"
    assert f'src="{address}" alt="Plot residuals"' in text()
    answer = client("alice").get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert client("charlie").get(address).status_code == 404
    assert client("charlie").get(PAGE).status_code == 404
    assert Client().get(address).status_code == 302


def test_the_list_as_a_file(project: Project) -> None:
    reported(project, 1, metrics=[MAE, {**MAE, "name": "=r2"[1:], "direction": "higher"}])
    reported(project, 2, metrics=[])
    items = json.loads(client("alice").get(f"{PAGE}?format=json").getvalue())["items"]
    assert [(one["commit"][-1], one["metric"], one["value"]) for one in items] == [
        ("2", None, None), ("1", "mae", 0.12), ("1", "r2", 0.12),
    ]  # fmt: skip
    assert tuple(items[0]) == model_history.COLUMNS
    lines = list(csv.reader(StringIO(client("alice").get(f"{PAGE}?format=csv").getvalue().decode("utf-8-sig"))))
    assert (lines[0], len(lines)) == (list(model_history.COLUMNS), 4)


def test_the_page_costs_the_same_with_many_runs(project: Project) -> None:
    Membership.objects.create(project=project, subject="alice@corp.example", role="owner", source="form")
    reported(project, 1)
    browser = client("alice")

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked_:
            assert browser.get(PAGE).status_code == 200
        return len(asked_)

    reported(project, 2)
    few = cost()
    for number in range(3, 40):
        reported(project, number, plots=[plot()])
    assert cost() <= few + 1


def test_each_run_of_the_list_is_judged_beside_what_it_replaced(project: Project) -> None:
    reported(project, 1, metrics=[{**MAE, "value": 0.1}])
    reported(project, 2, metrics=[{**MAE, "value": 0.31, "threshold": None}])
    reported(project, 3, metrics=[{**MAE, "value": 0.12, "threshold": None}])
    reported(project, 4, branch="mine", pull_request=3, metrics=[{**MAE, "value": 0.9, "threshold": None}])

    def judged(query: str = "") -> list[str]:
        runs = text(query).split('id="runs"')[1].split("</table>")[0]
        return [row.split("</span>")[0].rpartition("<span>")[2] for row in runs.split('class="sw-line ')[1:]]

    # The second left out a threshold that the first has, and misses it; the third replaces one that demands nothing.
    assert judged() == ["open", "shut", "open"]
    assert judged("?pull_request=3") == ["open"]
    Report.objects.filter(pull_request=3).update(base=Report.objects.get(commit=f"{1:040x}"))
    assert judged("?pull_request=3") == ["shut"]


def test_a_run_of_a_pull_request_is_open_or_shut_in_the_list_as_beside_its_own_data(project: Project) -> None:
    """Main's newest commit was trained on two sorts of data: the harder one has a model that is worse."""
    pinned, newer, main = "a" * 32 + ".dir", "b" * 32 + ".dir", f"{7:040x}"
    gone = {**MAE, "name": "bias", "threshold": 0.1, "value": 0.01}
    reported(project, 1, commit=main, data_hash=pinned, metrics=[{**MAE, "value": 0.1}])
    reported(project, 2, commit=main, data_hash=newer, metrics=[{**MAE, "value": 0.1}, gone])
    mine = reported(project, 3, branch="mine", pull_request=4, data_hash=pinned, metrics=[{**MAE, "value": 0.1}])

    base = model_history.base_of(mine, branches=["main"])
    beside = model_history.standing_of(mine, base=base).gate
    assert model_history.gates_of([mine], branches=["main"]) == [beside]
    assert beside.passed
