"""The fleet's scorecards as they were judged last, for the platform team's page, files and API. Reads rows only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import F, QuerySet

from projects.list_address import Listed, matching
from projects.models import Scorecard
from projects.scorecard import PILLARS, RULES, Mark, Rule
from projects.sorting import BY_ID, Order

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

_COUNT = """
SELECT mark.key, mark.value, count(*) FROM projects_scorecard
JOIN projects_project ON projects_project.id = project_id AND deletion_requested_at IS NULL,
jsonb_each_text(marks) AS mark GROUP BY mark.key, mark.value
"""


@dataclass(frozen=True)
class Counted:
    """One rule, and how many projects it says what of."""

    rule: Rule
    yes: int
    no: int
    unknown: int


@dataclass(frozen=True)
class Held:
    """One pillar of a project: how many of its rules say yes, and how many there are."""

    title: "StrPromise"
    yes: int
    all: int


def counted() -> list[Counted]:
    """Every rule with its counts, in the order of pages. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT)
        found = {(name, mark): count for name, mark, count in cursor.fetchall()}
    return [Counted(rule, *(found.get((rule.name, mark.value), 0) for mark in Mark)) for rule in RULES]


def cards(*, team: str = "", rule: str = "", mark: str = "") -> QuerySet[Scorecard]:
    """The projects' scorecards with their team; of one team, or those of which a rule says this."""
    rows = Scorecard.objects.filter(project__deletion_requested_at=None).select_related("project__team")
    if rule and mark:
        rows = rows.filter(marks__contains={rule: mark})
    return matching(rows, project__team__slug=team)


ORDERS = (BY_ID, Order("name", F("project__slug")))
"""The ways to sort the projects, the usual one first."""
COLUMNS = ("project", "team", "judged_at", *(rule.name for rule in RULES))
"""Of a file over the fleet."""


def held(card: Scorecard) -> list[Held]:
    """Every pillar of a project, in the order of pages."""
    found = []
    for name, title in PILLARS.items():
        rules = [rule.name for rule in RULES if rule.pillar == name]
        found.append(Held(title=title, yes=sum(card.marks.get(rule) == Mark.YES for rule in rules), all=len(rules)))
    return found


def record(card: Scorecard) -> dict[str, Any]:
    """One project as API and files carry it: what each rule says, by its name."""
    known: Mapping[str, str] = card.marks
    said = {rule.name: known.get(rule.name, Mark.UNKNOWN.value) for rule in RULES}
    return {"project": card.project.slug, "team": card.project.team.slug, "judged_at": card.judged_at, **said}


LIST = Listed(ORDERS, COLUMNS, record)
