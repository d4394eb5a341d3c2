"""The shapes of the API's answers and small bodies. What is not named here does not leave the portal.

They are pydantic models, like the ProjectSpec: one way to describe data, and OpenAPI gets its schemas from them. Each
`of` makes one from rows that were read already; none of them asks the database by itself.
"""

from collections.abc import Collection
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from pydantic import BaseModel, Field

from projects.file_source import refused_of
from projects.given import Given
from projects.models import Action, Decision, Door, Membership, Project, ProjectRequest
from projects.preview import Preview
from projects.readable import unread
from projects.request_list import change_of
from provisioning.conditions import Condition, Word
from provisioning.models import Event, Resource
from provisioning.spec import Role

PROBLEM = "application/problem+json"


class FaultOut(BaseModel):
    """One fault. `field` leads to it, such as contributors.0.role; empty means the whole."""

    field: str
    code: str
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457), why, and what to do."""

    type: str = Field(description="URN of the sort of problem, such as urn:slipway:problem:invalid-spec.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path that was called.")
    request_id: str = Field(description="Name it when you ask the platform team.")
    errors: list[FaultOut]


class ProjectLinks(BaseModel):
    """Addresses of a project's parts."""

    self: str
    resources: str
    members: str
    events: str
    requests: str


class ProjectSummary(BaseModel):
    """A project in a list. `word` is computed from the resources' conditions."""

    uid: UUID
    slug: str
    title: str
    team: str
    plan: str
    word: Word
    ready: bool = Field(description="The newest wish has been made so.")
    suspended: bool
    suspended_by: Literal["last_day", "platform_team"] | None = Field(
        description="last_day: it has passed, and a later one resumes it. platform_team: only they resume it."
    )
    generation: int = Field(description="Counter of wishes.")
    observed_generation: int = Field(description="The last wish that the engine finished looking at.")
    created_at: datetime
    accepted_at: datetime = Field(description="When the newest wish was accepted.")
    ready_at: datetime | None
    deletion_requested_at: datetime | None
    owner_left_at: datetime | None = Field(description="When we saw that no owner is left; null while it has one.")
    links: ProjectLinks

    @classmethod
    def fields_of(cls, project: Project) -> dict[str, Any]:
        """The values; team and resources must have been read with the project."""
        link = {"slug": project.slug}
        return {
            "uid": project.uid,
            "slug": project.slug,
            "title": project.title,
            "team": project.team.slug,
            "plan": str(project.spec.get("plan", "")),
            "word": project.word,
            "ready": is_ready(project),
            "suspended": project.suspended,
            "suspended_by": _suspended_by(project),
            "generation": project.generation,
            "observed_generation": project.observed_generation,
            "created_at": project.created_at,
            "accepted_at": project.accepted_at,
            "ready_at": project.ready_at,
            "deletion_requested_at": project.deletion_requested_at,
            "owner_left_at": project.owner_left_at,
            "links": ProjectLinks(
                self=reverse("api:project", kwargs=link),
                resources=reverse("api:resources", kwargs=link),
                members=reverse("api:members", kwargs=link),
                events=reverse("api:events", kwargs=link),
                requests=reverse("api:project-requests", kwargs=link),
            ),
        }

    @classmethod
    def of(cls, project: Project) -> "ProjectSummary":
        """The project as a list shows it."""
        return cls(**cls.fields_of(project))


def _suspended_by(project: Project) -> Literal["last_day", "platform_team"] | None:
    if not project.suspended:
        return None
    return "last_day" if project.ended else "platform_team"


class FileRefusedOut(BaseModel):
    """Why the profile.yaml in the project's repository asks for nothing as it is now."""

    repository: str
    commit: str
    why: str = Field(description="What the commit's status says, at more length.")


class ProjectOut(ProjectSummary):
    """A project with its whole spec, in the form that PUT takes."""

    spec: dict[str, Any] = Field(description="The ProjectSpec as it was asked for; defaults are left out.")
    unread: list[str] = Field(description="Of the spec, what this version of Slipway can't read. Usually empty.")
    remove_data: bool
    file_refused: FileRefusedOut | None = Field(description="What is wrong with its profile.yaml; null for nothing.")

    @classmethod
    def of(cls, project: Project) -> "ProjectOut":
        """The project as its own address shows it; team, resources and repository must have been read with it."""
        refused = refused_of(project)
        return cls(
            **cls.fields_of(project),
            spec=project.spec,
            unread=list(unread(project)),
            remove_data=project.remove_data,
            file_refused=FileRefusedOut(**asdict(refused)) if refused else None,
        )


class ProjectPage(BaseModel):
    """A page of projects, newest first."""

    items: list[ProjectSummary]
    next: str | None = Field(description="Address of the next page; null on the last.")


class ConditionOut(BaseModel):
    """One condition. Synced: my last attempt worked. Ready: it can be used."""

    type: Literal["Synced", "Ready"]
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    observed_generation: int
    last_transition_time: datetime


class ResourceOut(BaseModel):
    """One thing of a Kind made for a project."""

    kind: str
    title: str
    target: str
    word: Word
    conditions: list[ConditionOut]
    last_look: datetime | None

    @classmethod
    def of(cls, resource: Resource, *, title: str) -> "ResourceOut":
        """The resource; `title` is its Kind's."""

        def condition(kind: Literal["Synced", "Ready"], found: Condition) -> ConditionOut:
            return ConditionOut(
                type=kind,
                status=found.status.value,
                reason=found.reason.value,
                message=found.message,
                observed_generation=resource.observed_generation,
                last_transition_time=found.since,
            )

        return cls(
            kind=resource.kind,
            title=title,
            target=resource.target,
            word=resource.word,
            conditions=[condition("Synced", resource.synced), condition("Ready", resource.ready)],
            last_look=resource.last_look,
        )


class ResourceList(BaseModel):
    """Every resource of a project, in the order in which they are made."""

    items: list[ResourceOut]


class MemberOut(BaseModel):
    """A person or a directory group with a role in a project."""

    subject: str
    is_group: bool
    role: Role
    source: Door = Field(description="The door by which it came.")
    until: date | None
    given_by: str | None = Field(description="Who gave the role; null where the history doesn't say.")
    given_at: datetime | None

    @classmethod
    def of(cls, row: Membership, *, given: Given | None) -> "MemberOut":
        """One membership, and what the history knows of it."""
        return cls(
            subject=row.subject,
            is_group=row.is_group,
            role=Role(row.role),
            source=Door(row.source),
            until=row.until,
            given_by=(given.by or None) if given else None,
            given_at=given.at if given else None,
        )


class MemberList(BaseModel):
    """Every member of a project."""

    items: list[MemberOut]


class EventOut(BaseModel):
    """Something that happened to a resource."""

    id: int
    at: datetime
    kind: str
    reason: str
    message: str
    generation: int
    changes: list[dict[str, Any]]

    @classmethod
    def of(cls, row: Event) -> "EventOut":
        """One event."""
        return cls.model_validate(row, from_attributes=True)


class EventPage(BaseModel):
    """A page of events, newest first."""

    items: list[EventOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class RequestOut(BaseModel):
    """Somebody asked for something, and what was decided."""

    id: int
    action: Action
    door: Door
    slug: str
    team: str
    requested_by: str
    created_at: datetime
    decision: Decision
    revision: int = Field(description="How often it was asked, in other words each time.")
    waits_for_asker: bool = Field(description="Changes were asked for; it waits for who asked.")
    approvers: list[str] = Field(description="Directory groups that decide beside the platform team.")
    unheard: list[str] = Field(
        description="Those of `approvers` of which nobody has signed in yet, so that nobody is told; while it waits."
    )
    rule: str = Field(description="The rule of the policy that fired.")
    because: str
    decided_by: str | None = Field(description="Null when the policy decided, or nobody yet.")
    decided_at: datetime | None
    replaced_by: int | None = Field(description="The newer request because of which this one was withdrawn.")
    comment: str
    note: str
    commit: str
    remove_data: bool
    base_generation: int
    generation: int | None = Field(description="The generation that it became.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    change: str = Field(description="What would change, in a line; empty for a removal that keeps the data.")
    url: str

    @classmethod
    def of(cls, row: ProjectRequest, *, unheard: Collection[str] = ()) -> "RequestOut":
        """One request; team and decided_by must have been read with it. unheard: groups of which nobody signed in."""
        return cls(
            id=row.pk,
            action=Action(row.action),
            door=Door(row.door),
            slug=row.slug,
            team=row.team.slug,
            requested_by=row.requested_by_name,
            created_at=row.created_at,
            decision=Decision(row.decision),
            revision=row.revision,
            waits_for_asker=row.asked_back_at is not None and row.decision == Decision.PENDING,
            approvers=row.approvers,
            unheard=[group for group in row.approvers if group in unheard],
            rule=row.rule,
            because=row.because,
            decided_by=row.decided_by.username if row.decided_by else None,
            decided_at=row.decided_at,
            replaced_by=row.replaced_by_id,
            comment=row.comment,
            note=row.note,
            commit=row.commit,
            remove_data=row.remove_data,
            base_generation=row.base_generation,
            generation=row.generation,
            before=row.before,
            after=row.after,
            change=change_of(row),
            url=request_url(row),
        )


class RequestPage(BaseModel):
    """A page of requests, newest first."""

    items: list[RequestOut]
    next: str | None = Field(description="Address of the next page; null on the last.")


class AskedOut(BaseModel):
    """What came of asking. `project` is null while a new one waits for a decision; `request` when nothing differs."""

    request: RequestOut | None
    project: ProjectOut | None
    warning: str = Field(default="", description="What the next push of profile.yaml would undo; empty for nothing.")


class VerdictOut(BaseModel):
    """Who decides, by which rule, and the rule's sentence."""

    decision: Literal["approve", "ask", "refuse"]
    rule: str
    because: str


class KindPlanOut(BaseModel):
    """The plan for one Kind."""

    kind: str
    title: str
    target: str
    action: Literal["create", "update", "delete", "keep"]
    summary: str
    changes: list[dict[str, Any]]


class EffectOut(BaseModel):
    """What changes for somebody at one place; empty text is nothing."""

    place: Literal["portal", "cluster", "object_store", "forge", "tracker", "database"]
    action: Literal["create", "update", "delete"]
    before: str
    after: str


class PersonEffectOut(BaseModel):
    """A person or group for whom something changes."""

    subject: str
    is_group: bool
    name: str = Field(description="Who that is in the directory; empty where it has nobody, or several.")
    called: str = Field(description="The account there, where it is another one by now; else empty.")
    out: bool = Field(description="Gone from the directory, switched off, or access ended: the role opens nothing.")
    says: str
    may_keep_keys: bool = Field(description="They could read the bucket's keys and can't any more: rotate them.")
    effects: list[EffectOut]
    keeps: list[str] = Field(description="What they reach all the same, each by another path; for who loses a role.")


class PlanOut(BaseModel):
    """What a call would do. Nothing has been written."""

    verdict: VerdictOut | None
    units: int = Field(description="Plan units of the spec.")
    free_units: int = Field(description="What the team's budget has left without this project.")
    names: dict[str, str]
    counts: dict[str, int]
    kinds: list[KindPlanOut]
    people: list[PersonEffectOut] = Field(description="For whom something changes, and what they get or lose.")
    warning: str = Field(default="", description="What the next push of profile.yaml would undo; empty for nothing.")

    @classmethod
    def of(cls, preview: Preview) -> "PlanOut":
        """The preview as the API shows it."""
        return cls(
            verdict=VerdictOut.model_validate(preview.verdict, from_attributes=True) if preview.verdict else None,
            units=preview.units,
            free_units=preview.free_units,
            names=preview.names,
            counts=preview.counts,
            kinds=[
                KindPlanOut(
                    kind=one.kind.name,
                    title=one.kind.title,
                    target=one.target,
                    action=one.action.value,
                    summary=one.summary,
                    changes=[change.as_dict() for change in one.changes],
                )
                for one in preview.kinds
            ],
            people=[PersonEffectOut.model_validate(one, from_attributes=True) for one in preview.people],
            warning=preview.warning,
        )


def is_ready(project: Project) -> bool:
    """The newest wish is made so and nobody is taking it away. `?ready=true` asks the database the same."""
    return project.ready_at is not None and project.deletion_requested_at is None and not project.suspended


def request_url(request: ProjectRequest) -> str:
    """Where a request is followed."""
    return reverse("api:request", kwargs={"pk": request.pk})
