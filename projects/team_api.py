"""Teams over REST: who is in one, what it has, and, for the platform team, making, changing and removing one."""

from collections.abc import Callable
from typing import Any, Literal

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from projects import permissions
from projects.api_base import Api, person, plain
from projects.api_errors import Refused
from projects.closed import Closed
from projects.exports import stream
from projects.idempotency import idempotent
from projects.models import Door
from projects.openapi import IDEMPOTENCY_KEY, IF_MATCH, answers, parameters_of
from projects.payload import read_query
from projects.reference_serializers import DryRun, TeamList, TeamOut
from projects.team_actions import (
    NewTeam,
    TeamChange,
    TeamPreview,
    TeamRemoval,
    change_team,
    make_team,
    remove_team,
    state_of,
)
from projects.teams import counted_groups, find_team, with_budget


class TeamGroupOut(BaseModel):
    """A directory group of a team."""

    name: str
    known: bool = Field(description="The directory has it.")
    counts: bool = Field(
        description="Who is in it is in the team. False for one that left the directory, and for a name of several."
    )
    people: int | None = Field(description="How many are in it, nested groups included; null when it is not known.")


class TeamDetailOut(TeamOut):
    """A team with its groups."""

    groups: list[TeamGroupOut]
    projects: int


class TeamGroupLine(BaseModel):
    """A group that comes or goes."""

    name: str
    added: bool
    anew: bool = Field(description="It stood there; the one it meant left the directory, and another has its name now.")
    people: int | None


class TeamChangeOut(BaseModel):
    """What a change does, or with `dry_run` would do, to a team."""

    team: str
    changed: bool = Field(description="False for a dry run, and when nothing differs.")
    name: str | None = Field(description="The new one; null when it stays.")
    budget: int | None = Field(description="The new one; null when it stays.")
    groups: list[TeamGroupLine]
    taken: int
    free: int = Field(description="Below zero when the projects take more than the budget. They stay as they are.")

    @classmethod
    def of(cls, preview: TeamPreview, *, changed: bool) -> "TeamChangeOut":
        """The preview as an answer."""
        return cls(
            team=preview.team,
            changed=changed,
            name=preview.name[1] if preview.name else None,
            budget=preview.budget[1] if preview.budget else None,
            groups=[
                TeamGroupLine(name=one.name, added=one.added, anew=one.anew, people=one.people)
                for one in preview.groups
            ],
            taken=preview.taken,
            free=preview.free,
        )


class TeamsQuery(Closed):
    """In which form the teams are wanted."""

    format: Literal["json", "csv"] = Field(default="json", description="`csv`: a table, opened by spreadsheets.")


class Teams(Api):
    """Teams with their budgets."""

    @extend_schema(
        operation_id="list_teams",
        summary="List your teams with their free units",
        tags=["reference"],
        parameters=parameters_of(TeamsQuery),
        responses=answers({(200, "application/json"): TeamList, (200, "text/csv"): str}),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The caller's teams, as JSON or as a table for a spreadsheet."""
        asked = read_query(TeamsQuery, request)
        rows = with_budget(permissions.teams_of(person(request))).order_by("slug")
        items = [
            TeamOut(slug=row.slug, name=row.name, budget=row.budget, taken=row.taken, free=row.free) for row in rows
        ]
        if asked.format == "csv":
            return stream(map(plain, items), columns=list(TeamOut.model_fields), name="teams", form="csv")
        return Response(plain(TeamList(items=items)))

    @extend_schema(
        operation_id="make_team",
        summary="Make a team; for the platform team",
        tags=["teams"],
        parameters=[*parameters_of(DryRun), IDEMPOTENCY_KEY],
        request=NewTeam,
        responses=answers({200: TeamChangeOut, 201: TeamChangeOut}, 403, body=True),
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make it; `because` is kept with it. 200 for a dry run."""
        asked = read_query(DryRun, request)
        data: Any = request.data
        preview = make_team(data, by=person(request), door=Door.API, dry_run=asked.dry_run)
        shown = plain(TeamChangeOut.of(preview, changed=not asked.dry_run))
        if asked.dry_run:
            return Response(shown)
        return Response(shown, status=201, headers={"Location": f"/api/v1/teams/{preview.team}/"})


class TeamDetail(Api):
    """One team."""

    @extend_schema(
        operation_id="read_team",
        summary="Read a team of yours",
        tags=["teams"],
        responses=answers({200: TeamDetailOut}, 404),
    )
    def get(self, request: Request, team: str) -> Response:
        """The team with its groups. ETag: the state that If-Match of a change names."""
        read_query(Closed, request)
        row = find_team(person(request), team)
        groups = [
            TeamGroupOut(name=one.name, known=one.known, counts=one.counts, people=one.count)
            for one in counted_groups(row.ad_groups, bound=row.group_ids)
        ]
        shown = TeamDetailOut(
            slug=row.slug, name=row.name, budget=row.budget, taken=row.taken, free=row.free, groups=groups,
            projects=row.project_count,
        )  # fmt: skip
        return Response(plain(shown), headers={"ETag": f'"{state_of(row)}"'})

    @extend_schema(
        operation_id="change_team",
        summary="Change name, groups or budget of a team; for the platform team",
        tags=["teams"],
        parameters=[*parameters_of(DryRun), IDEMPOTENCY_KEY, IF_MATCH],
        request=TeamChange,
        responses=answers({200: TeamChangeOut}, 403, 404, 409, 412, 428, body=True),
    )
    @idempotent
    def patch(self, request: Request, team: str) -> Response:
        """Change what is given; `because` is kept with it."""
        preview, tried = _acted(change_team, request, team)
        return Response(plain(TeamChangeOut.of(preview, changed=bool(preview) and not tried)))

    @extend_schema(
        operation_id="remove_team",
        summary="Remove a team that has had nothing; for the platform team",
        tags=["teams"],
        parameters=[*parameters_of(DryRun), IDEMPOTENCY_KEY, IF_MATCH],
        request=TeamRemoval,
        responses=answers({200: TeamChangeOut}, 403, 404, 409, 412, 428, body=True),
    )
    @idempotent
    def delete(self, request: Request, team: str) -> Response:
        """Remove it. 409 once it had a project, request or consent, and as long as platform.yaml names it."""
        preview, tried = _acted(remove_team, request, team)
        return Response(plain(TeamChangeOut.of(preview, changed=not tried)))


def _acted(act: Callable[..., TeamPreview], request: Request, team: str) -> tuple[TeamPreview, bool]:
    """Do this to the team: what it does, and whether it was only tried. Raises what `act` does, and Refused."""
    asked = read_query(DryRun, request)
    if "If-Match" not in request.headers:
        # A team that isn't there is said before that.
        find_team(person(request), team)
    data: Any = request.data
    preview = act(team, data, by=person(request), door=Door.API, expected=_expected(request), dry_run=asked.dry_run)
    return preview, asked.dry_run


def _expected(request: Request) -> str | None:
    """The state that If-Match names; None for `*`. Raises Refused (428) without it."""
    given = request.headers.get("If-Match")
    if given is None:
        detail = "Send If-Match with the ETag that you read, so that nobody's change is lost unseen."
        raise Refused(428, code="if_match_missing", detail=detail)
    return None if given.strip() == "*" else given.strip().strip('"')
