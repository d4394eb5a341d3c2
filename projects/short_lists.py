"""Lists that pages show whole or in part, as files too: resources, credentials, scorecard, trainings, stand-ins."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from projects.credentials import credentials_of
from projects.exports import Record
from projects.installation import Installation
from projects.models import Project, StandIn, TrainingAsked
from projects.scorecard import judge
from projects.scorecard_facts import facts_of
from provisioning.models import Resource

if TYPE_CHECKING:
    from projects.permissions import Person

RESOURCES = ("kind", "target", "status", "reason", "message", "since", "last_look")
CREDENTIALS = ("purpose", "title", "version", "since", "rotated_by", "earlier_until", "in_force", "old", "place")
STAND_INS = ("approver", "stand_in", "begins", "ends")
SCORECARD = ("pillar", "rule", "title", "mark", "says", "do")
TRAININGS = (
    "number", "because", "cause", "asked_by", "door", "asked_at", "begun_at", "commit", "given_up_at", "why", "run",
)  # fmt: skip


def of_resources(rows: Iterable[Resource]) -> Iterator[Record]:
    """What we last saw of each."""
    for row in rows:
        shows = row.telling
        yield {
            "kind": row.kind,
            "target": row.target,
            "status": row.word.value,
            "reason": shows.reason.value,
            "message": shows.message,
            "since": shows.since,
            "last_look": row.last_look,
        }


def of_credentials(project: Project, *, by: "Person", installation: Installation) -> Iterator[Record]:
    """Everything about them but what they are."""
    for one in credentials_of(project, by=by, installation=installation):
        yield {
            "purpose": one.credential.purpose,
            "title": one.credential.title,
            "version": one.version,
            "since": one.since,
            "rotated_by": one.rotated_by,
            "earlier_until": one.earlier_until,
            "in_force": one.in_force,
            "old": one.old,
            "place": one.place,
        }


def of_stand_ins(rows: Iterable[StandIn]) -> Iterator[Record]:
    """Who decides in whose place, and when."""
    for row in rows:
        yield {
            "approver": row.approver.username,
            "stand_in": row.stand_in.username,
            "begins": row.begins,
            "ends": row.ends,
        }


def of_scorecard(project: Project) -> Iterator[Record]:
    """Every rule with what it says and what to do."""
    for pillar in judge(facts_of([project])[project.pk]):
        for line in pillar.lines:
            yield {
                "pillar": pillar.name,
                "rule": line.rule.name,
                "title": str(line.rule.title),
                "mark": line.judged.mark.value,
                "says": str(line.judged.says),
                "do": str(line.judged.do),
            }


def of_trainings(rows: Iterable[TrainingAsked]) -> Iterator[Record]:
    """Who or what asked for each, whether CI took it, and the run that reported."""
    for row in rows:
        yield {
            "number": row.pk,
            "because": row.because,
            "cause": row.cause,
            "asked_by": row.asked_by_name,
            "door": row.door,
            "asked_at": row.made_at,
            "begun_at": row.sent_at,
            "commit": row.commit,
            "given_up_at": row.given_up_at,
            "why": row.why,
            "run": row.report.run if row.report else "",
        }
