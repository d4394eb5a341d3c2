"""The scorecard over REST: of one project for who sees it, of the fleet for the platform team."""

from datetime import datetime
from typing import Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import scorecard_board
from projects.api_base import Api, plain, visible_project
from projects.closed import Closed
from projects.models import Scorecard as Card
from projects.openapi import answers, parameters_of
from projects.pagination import PageQuery, page_of
from projects.payload import read_query
from projects.platform_api import platform_admin
from projects.scorecard import RULES, Line, Mark, Pillar, judge
from projects.scorecard_board import Counted
from projects.scorecard_facts import facts_of


class RuleOut(BaseModel):
    """One rule."""

    name: str
    title: str
    mark: Mark
    says: str
    do: str = Field(description="What to do; empty when there is nothing to do.")

    @classmethod
    def of(cls, line: Line) -> "RuleOut":
        """One line of the scorecard."""
        said = line.judged
        return cls(name=line.rule.name, title=str(line.rule.title), mark=said.mark, says=said.says, do=said.do)


class PillarOut(BaseModel):
    """One pillar."""

    name: str
    title: str
    held: int = Field(description="How many of its rules say yes.")
    rules: list[RuleOut]

    @classmethod
    def of(cls, pillar: Pillar) -> "PillarOut":
        """One pillar with its rules."""
        rules = [RuleOut.of(line) for line in pillar.lines]
        return cls(name=pillar.name, title=str(pillar.title), held=pillar.held, rules=rules)


class ScorecardOut(BaseModel):
    """The five pillars."""

    pillars: list[PillarOut]


class FleetRuleOut(BaseModel):
    """A rule, and how many projects it says what of."""

    name: str
    pillar: str
    title: str
    yes: int
    no: int
    unknown: int

    @classmethod
    def of(cls, one: Counted) -> "FleetRuleOut":
        """One rule with its counts."""
        rule = one.rule
        counts = {"yes": one.yes, "no": one.no, "unknown": one.unknown}
        return cls(name=rule.name, pillar=rule.pillar, title=str(rule.title), **counts)


class CardOut(BaseModel):
    """A project as it was judged last."""

    project: str
    team: str
    judged_at: datetime
    marks: dict[str, Mark] = Field(description="By the name of the rule.")

    @classmethod
    def of(cls, card: Card) -> "CardOut":
        """One project."""
        told = scorecard_board.record(card)
        marks = {rule.name: told[rule.name] for rule in RULES}
        return cls(project=told["project"], team=told["team"], judged_at=told["judged_at"], marks=marks)


class FleetScorecardPage(BaseModel):
    """Rules with their counts over the whole fleet, and a page of the projects, newest first."""

    rules: list[FleetRuleOut]
    items: list[CardOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class FleetQuery(PageQuery):
    """Which projects."""

    team: str = Field(default="", max_length=40, description="Of this team.")
    rule: str = Field(default="", max_length=40, description="Those of which this rule says `mark`.")
    mark: Literal["yes", "no", "unknown"] | None = Field(default=None, description="What the rule says.")


class Scorecard(Api):
    """How a project stands on the five pillars."""

    @extend_schema(
        operation_id="read_scorecard",
        summary="How a project stands on the five pillars, and what to do",
        tags=["reports"],
        responses=answers({200: ScorecardOut}, 404),
    )
    def get(self, request: Request, slug: str) -> Response:
        """Judged as it is now."""
        read_query(Closed, request)
        project = visible_project(request, slug)
        pillars = judge(facts_of([project])[project.pk])
        return Response(plain(ScorecardOut(pillars=[PillarOut.of(one) for one in pillars])))


class FleetScorecard(Api):
    """The fleet's scorecard."""

    @extend_schema(
        operation_id="list_scorecards",
        summary="How all projects stand on the five pillars, as of the last round (platform team)",
        tags=["platform"],
        parameters=parameters_of(FleetQuery),
        responses=answers({200: FleetScorecardPage}, 404),
    )
    def get(self, request: Request) -> Response:
        """Counts of the fleet, and a page of projects."""
        platform_admin(request)
        asked = read_query(FleetQuery, request)
        rows = scorecard_board.cards(team=asked.team, rule=asked.rule, mark=asked.mark or "")
        cards, after = page_of(rows, asked=asked, request=request)
        found = FleetScorecardPage(
            rules=[FleetRuleOut.of(one) for one in scorecard_board.counted()],
            items=[CardOut.of(card) for card in cards],
            next=after,
        )
        return Response(plain(found))
