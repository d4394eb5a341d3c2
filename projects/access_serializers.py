"""What the API answers about who can reach a project, and by which path."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from projects.models import Door
from projects.nesting import Inside
from projects.reach import Grant, Reach, Standing, TeamGroup
from projects.why import Answer, Path
from provisioning.kind import System
from provisioning.spec import Role


class InsideOut(BaseModel):
    """Somebody in a group."""

    account: str
    name: str
    chain: list[str] = Field(description="Groups through which they are in it, the one they are directly in first.")

    @classmethod
    def of(cls, one: Inside) -> "InsideOut":
        """One person."""
        return cls(account=one.entry.account, name=one.entry.name, chain=list(one.chain))


class GrantOut(BaseModel):
    """A person or group with a role."""

    subject: str
    is_group: bool
    name: str = Field(description="As the directory has it; empty where it has nobody.")
    role: Role
    source: Door = Field(description="The door by which it came.")
    until: date | None
    standing: Standing = Field(
        description="What the directory says, `unchecked` without one; `closed`: the platform team ended their access."
    )
    counts: bool = Field(description="Whether it opens anything today.")
    rights: dict[System, str] = Field(description="What it opens outside, by system, in words.")
    people: list[InsideOut] = Field(description="Who is in the group, also through other groups.")
    people_whole: bool = Field(description="False when the group has more people than are listed.")

    @classmethod
    def of(cls, one: Grant) -> "GrantOut":
        """One role."""
        return cls(
            subject=one.subject,
            is_group=one.is_group,
            name=one.name,
            role=one.role,
            source=Door(one.source),
            until=one.until,
            standing=one.standing,
            counts=one.counts,
            rights=dict(one.rights),
            people=[InsideOut.of(person) for person in one.people],
            people_whole=one.whole,
        )


class ReachGroupOut(BaseModel):
    """A directory group of the team: who is in it sees the project."""

    name: str
    people: list[InsideOut]
    people_whole: bool

    @classmethod
    def of(cls, one: TeamGroup) -> "ReachGroupOut":
        """One group."""
        return cls(name=one.name, people=[InsideOut.of(person) for person in one.people], people_whole=one.whole)


class AccessOut(BaseModel):
    """Every path to a project."""

    grants: list[GrantOut]
    team: list[ReachGroupOut]
    platform: list[str] = Field(description="Accounts of the platform team that have signed in.")

    @classmethod
    def of(cls, reach: Reach) -> "AccessOut":
        """All of it."""
        return cls(
            grants=[GrantOut.of(one) for one in reach.grants],
            team=[ReachGroupOut.of(one) for one in reach.team],
            platform=list(reach.platform),
        )


class PathOut(BaseModel):
    """One path, open or closed."""

    kind: Literal["account", "person", "group", "team", "platform"]
    open: bool
    role: Role | None
    says: str
    do: str = Field(description="What would open it; empty when it is open.")
    chain: list[str] = Field(description="Groups from the one the person is directly in to the one that has the role.")

    @classmethod
    def of(cls, one: Path) -> "PathOut":
        """One path."""
        return cls(kind=one.kind, open=one.open, role=one.role, says=one.says, do=one.do, chain=list(one.chain))


class WhyOut(BaseModel):
    """What one person can do in a project, and why."""

    subject: str
    name: str
    standing: Standing
    signed_in: bool = Field(description="Whether they have an account here already.")
    sees: bool
    role: Role | None
    paths: list[PathOut]
    rights: dict[System, str]

    @classmethod
    def of(cls, answer: Answer) -> "WhyOut":
        """The answer."""
        return cls(
            subject=answer.subject,
            name=answer.name,
            standing=answer.standing,
            signed_in=answer.signed_in,
            sees=answer.sees,
            role=answer.role,
            paths=[PathOut.of(one) for one in answer.paths],
            rights=dict(answer.rights),
        )
