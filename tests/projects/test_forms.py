"""The form carries what was typed, makes the same wish as the other doors, and puts faults beside their fields."""

import re
from typing import Any, Literal

import pytest
from django.http import QueryDict
from pydantic import Field

from portal.models import User
from projects.errors import Fault
from projects.forms import ContributorRow, Problem, ProjectForm, _option_field, _typed_option
from projects.installation import installation
from projects.models import Project
from provisioning.kind import Options
from tests.people import team
from tests.projects.readers import STORES, day
from tests.projects.tended import installed
from tests.provisioning.wishes import TRACKER

pytestmark = pytest.mark.django_db

TEAMS = [("forecasting", "forecasting (100 units free)"), ("vision", "vision (60 units free)")]
ALICE = ContributorRow(subject="alice@corp.example", is_group=False, role="owner")


def form(typed: str | None = None, **more: str | list[str]) -> ProjectForm:
    data: QueryDict | None = None
    if typed is not None or more:
        data = QueryDict(typed or "", mutable=True)
        for name, value in more.items():
            data.setlist(name, value if isinstance(value, list) else [value])
    who: Any = User(username="alice@corp.example")
    return ProjectForm(data, person=who, teams=TEAMS, catalogue=installation().catalogue)


def test_a_new_form_has_team_plan_and_owner_chosen_already() -> None:
    fresh = form()
    assert fresh.rows == [ALICE]
    assert fresh.wish() == {
        "slug": "",
        "team": "forecasting",
        "plan": "small",
        "contributors": [{"user": "alice@corp.example", "role": "owner"}],
    }


def test_a_form_that_is_sent_as_it_came_asks_for_nothing_more() -> None:
    """As a browser sends it: by what stands in the page, where a list is text."""
    fresh = form()
    sent = QueryDict("options_shown=1", mutable=True)
    for shown in fresh:
        ticked = re.search(r"\bchecked\b", str(shown))
        written = re.search(r'<textarea[^>]*>\s*(.*?)</textarea>|\bvalue="([^"]*)"', str(shown), re.DOTALL)
        chosen = re.search(r'<option value="([^"]*)" selected', str(shown))
        if 'type="checkbox"' in str(shown):
            sent.setlist(shown.name, ["on"] if ticked else [])
        elif found := chosen or written:
            sent[shown.name] = next((text for text in found.groups() if text), "")
    sent.setlist("subject", [ALICE.value])
    sent.setlist("role", ["owner"])
    who: Any = User(username="alice@corp.example")
    again = ProjectForm(sent, person=who, teams=TEAMS, catalogue=installation().catalogue)
    assert {**again.wish(), "slug": ""} == fresh.wish()


def test_the_name_comes_out_of_the_title_unless_it_is_typed() -> None:
    assert form(title="Größen & Demand").wish()["slug"] == "grossen-demand"
    assert form(title="Demand forecast", slug=" demand ").wish()["slug"] == "demand"


def test_everything_typed_becomes_a_wish_and_defaults_are_left_out() -> None:
    typed = form(
        "options_shown=1&options.repository.private=on&options.repository.protect=on",
        **{
            "title": "Demand",
            "team": "forecasting",
            "plan": "medium",
            "description": " Winter weeks ",
            "expires": "2027-06-30",
            "subject": ["user:alice@corp.example", "group:ml-vision"],
            "role": ["owner", "editor"],
            "until": ["", "2027-01-31"],
            "options.bucket.quota": "100Gi",
            "options.bucket.noncurrent_days": "30",
            "options.limits.pods": "12",
            "options.limits.cpu": "",
            "options.network.internet": "on",
        },
    )
    assert typed.wish() == {
        "slug": "demand",
        "team": "forecasting",
        "plan": "medium",
        "title": "Demand",
        "description": "Winter weeks",
        "expires": "2027-06-30",
        "contributors": [
            {"user": "alice@corp.example", "role": "owner"},
            {"group": "ml-vision", "role": "editor", "until": "2027-01-31"},
        ],
        "options": {
            "bucket": {"quota": "100Gi", "versioning": False},
            "limits": {"pods": 12},
            "network": {"internet": True},
        },
    }


def test_a_script_that_sends_no_options_gets_the_defaults() -> None:
    assert "options" not in form(title="Demand").wish()


def test_a_contributor_is_added_and_removed_by_buttons() -> None:
    rows = {"subject": ["user:alice@corp.example", "group:ml-vision"], "role": ["owner", "editor"], "until": ["", ""]}
    added = form(**rows, q="Bob@corp.example", add_role="viewer", do="add")
    assert [(row.value, row.role) for row in added.rows] == [
        ("user:alice@corp.example", "owner"),
        ("group:ml-vision", "editor"),
        ("user:bob@corp.example", "viewer"),
    ]
    removed = form(**rows, remove="1")
    assert [row.value for row in removed.rows] == ["user:alice@corp.example"]


def test_a_name_left_in_the_add_field_is_not_lost_on_submit() -> None:
    left = form(do="preview", q="ml-vision", add_role="editor")
    assert [row.value for row in left.rows] == ["user:alice@corp.example", "group:ml-vision"]


def test_without_any_owner_the_person_who_asks_is_shown_as_one() -> None:
    rows = {"subject": ["group:ml-vision", "user:alice@corp.example"], "role": ["editor", "viewer"], "until": ["", ""]}
    assert [(row.value, row.role) for row in form(**rows).rows] == [
        ("user:alice@corp.example", "owner"),
        ("group:ml-vision", "editor"),
    ]


def test_each_fault_stands_beside_its_field_and_all_stand_on_top_in_the_order_of_the_page() -> None:
    typed = form(title="Demand", slug="Demand!", **{"options.bucket.quota": "600Gi"})
    typed.take(
        [
            Fault(path=("options", "bucket", "quota"), code="beyond_plan", message="Too much."),
            Fault(path=("contributors", 0, "role"), code="enum", message="Choose one."),
            Fault(path=("contributors",), code="no_owner", message="One must stay owner."),
            Fault(path=("slug",), code="value_error", message="Not a name."),
            Fault(path=("plan",), code="unknown_plan", message="There is no such plan."),
            Fault(path=(), code="rule", message="Not offered."),
            Fault(path=("options", "nothing"), code="unknown_kind", message="No such Kind."),
        ]
    )
    assert typed.summary == [
        Problem(anchor="", label="", message="Not offered."),
        Problem(anchor="id-slug", label="Name", message="Not a name."),
        Problem(anchor="plans", label="Plan", message="There is no such plan."),
        Problem(anchor="role-0", label="Contributors", message="Choose one."),
        Problem(anchor="id-add_name", label="Contributors", message="One must stay owner."),
        Problem(anchor="id-options.bucket.quota", label="Size limit", message="Too much."),
        Problem(anchor="", label="options.nothing", message="No such Kind."),
    ]
    assert (list(typed["slug"].errors), list(typed["options.bucket.quota"].errors)) == (["Not a name."], ["Too much."])
    assert (typed.rows[0].errors, typed.people_errors) == (["Choose one."], ["One must stay owner."])
    assert 'aria-invalid="true"' in str(typed["slug"])
    assert 'aria-describedby="id-slug_helptext id-slug_error"' in str(typed["slug"])
    assert {section.kind.name: section.problems for section in typed.sections()}["bucket"] == 1


class Sample(Options):
    """Options such as a new Kind may have."""

    on: bool = False
    size: Literal["s", "m"] = "s"
    days: int | None = Field(default=None, ge=1)
    name: str = Field(default="", title="Its name", description="As people say it.")
    hosts: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("option", "widget", "typed", "value"),
    [
        ("on", "CheckboxInput", True, True),
        ("size", "Select", "m", "m"),
        ("days", "TextInput", " 7 ", 7),
        ("days", "TextInput", "soon", "soon"),
        ("days", "TextInput", "", None),
        ("name", "TextInput", "a", "a"),
        ("hosts", "Textarea", "a\n\n b ", ["a", "b"]),
    ],
)
def test_the_options_of_a_new_kind_appear_by_themselves(option: str, widget: str, typed: Any, value: Any) -> None:
    info = Sample.model_fields[option]
    assert type(_option_field(info).widget).__name__ == widget
    assert _typed_option(typed, info) == value


def test_what_the_platform_has_no_server_for_is_offered_to_nobody_but_who_chose_it() -> None:
    def shown(typed: str | None = None) -> bool:
        return "tracking" in [section.kind.name for section in form(typed).sections()]

    ticked = "options_shown=1&options.tracking.enabled=on"
    assert [shown(), shown(ticked)] == [False, True]
    with installed(trackers=[TRACKER]):
        assert [shown(), shown("options_shown=1")] == [True, True]


def test_what_is_chosen_from_the_catalogue_has_a_box_for_each() -> None:
    def section(typed: str | None = None) -> str | None:
        found = [one for one in form(typed).sections() if one.kind.name == "data"]
        return "".join(str(box) for box in found[0].fields[0]) if found else None

    with installed(data_stores=[]):
        assert section() is None
        gone = section("options_shown=1&options.data.read=old-roads")
        assert gone is not None
        assert 'value="old-roads"' in gone
    with installed(data_stores=STORES):
        page = section("options_shown=1&options.data.read=summer-roads")
        assert page is not None
        assert [word in page for word in ("Winter roads (vision)", "Summer roads (vision)", "old-roads")] == [
            True,
            True,
            False,
        ]
        assert page.count("checked") == 1
        several = form("options_shown=1&options.data.read=summer-roads&options.data.read=winter-roads")
        assert several.wish()["options"]["data"] == {"read": ["summer-roads", "winter-roads"]}
        assert "data" not in form("options_shown=1").wish()["options"]


def test_ticks_that_nobody_touched_are_sent_as_they_stand() -> None:
    chosen = {"read": ["summer-roads", "winter-roads"], "until": day(9).isoformat()}
    spec = {"slug": "demand", "team": "forecasting", "plan": "small", "options": {"data": chosen}}
    row = Project(slug="demand", team=team("forecasting"), spec=spec)
    who: Any = User(username="alice@corp.example")
    ticked = "options_shown=1&options.data.read=winter-roads"
    untouched = QueryDict(f"{ticked}&options.data.read=summer-roads&options.data.until={chosen['until']}")
    with installed(data_stores=STORES):
        settings = installation().catalogue
        sent = ProjectForm(untouched, person=who, teams=TEAMS, catalogue=settings, project=row).wish()
        fewer = ProjectForm(QueryDict(ticked), person=who, teams=TEAMS, catalogue=settings, project=row).wish()
    assert sent["options"]["data"] == chosen
    assert fewer["options"]["data"] == {"read": ["winter-roads"]}


def test_a_box_says_for_how_long_at_a_time_it_is_read_and_the_calendar_ends_there() -> None:
    def shown(*days: int | None, ticked: str = "") -> tuple[str, str | None]:
        """The boxes, and the latest day of the calendar, with stores that are read for so long at a time."""
        stores = [{**one, "max_days": most} if most else one for one, most in zip(STORES, days, strict=True)]
        with installed(data_stores=stores):
            found = form(f"options_shown=1&{ticked}" if ticked else None)
            (section,) = (one for one in found.sections() if one.kind.name == "data")
            read, until = section.fields
            return "".join(str(box) for box in read), until.field.widget.attrs.get("max")

    boxes, latest = shown(1, 30)
    assert "Winter roads (vision), at most 1 day at a time" in boxes
    assert "Summer roads (vision), at most 30 days at a time" in boxes
    assert latest == day(30).isoformat()
    winter, summer = "options.data.read=winter-roads", "options.data.read=summer-roads"
    assert shown(1, 30, ticked=f"{winter}&{summer}")[1] == day(1).isoformat()
    assert shown(9, None)[1] is None
    assert shown(9, None, ticked=summer)[1] is None
    assert shown(9, None, ticked=winter)[1] == day(9).isoformat()
    boxes, latest = shown(None, None)
    assert ("at a time" in boxes, latest) == (False, None)


def test_a_choice_that_can_not_be_read_leaves_the_form_standing() -> None:
    spec = {"slug": "demand", "team": "forecasting", "plan": "small", "options": {"data": {"read": 7}}}
    row = Project(slug="demand", team=team("forecasting"), spec=spec)
    who: Any = User(username="alice@corp.example")
    with installed(data_stores=STORES):
        stands = ProjectForm(person=who, teams=TEAMS, catalogue=installation().catalogue, project=row)
    assert stands["options.data.read"].value() == []


def test_every_option_of_every_kind_is_a_field_with_a_label() -> None:
    shown = {name: str(field.label) for name, field in form().fields.items() if name.startswith("options.")}
    assert shown["options.bucket.quota"] == "Size limit"
    assert shown["options.network.internet"] == "Internet access"
    assert all(label and label != "None" for label in shown.values())
