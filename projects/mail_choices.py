"""Choosing what is mailed: for each kind, for a while, or for one project. The page keeps every notice anyway."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from projects import permissions
from projects.errors import Fault, InvalidSpec
from projects.granting import audited_by
from projects.installation import Installation
from projects.mail_times import choices_of, local_day, mail_time
from projects.models import Door, MailChoice, MutedProject, Notice
from projects.news import KINDS, NEWS, Kind, When
from projects.spec import faults_of
from projects.zone_names import zone_named

if TYPE_CHECKING:
    from projects.permissions import Person

MOST_MUTED = 100
_ASKS = gettext_noop(
    "What asks you for a decision is always mailed. Name a stand-in for the days on which you are away."
)
Slug = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=100)]


class Mute(BaseModel):
    """One project that is not mailed about, up to this day and including it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Slug
    until: date


class MailWish(BaseModel):
    """What somebody wants mailed. A kind that is left out is mailed as usual."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: str = Field(max_length=64, description="Time zone of the daily mail at 08:00, such as Europe/Stockholm.")
    kinds: dict[Kind, When] = Field(
        default={}, description="now, digest (the daily mail) or never. What asks for a decision can't be chosen."
    )
    muted_until: date | None = Field(default=None, description="Nothing is mailed up to this day, decisions apart.")
    muted_projects: list[Mute] = Field(default=[], max_length=MOST_MUTED)


def chosen_by(person: "Person") -> MailWish:
    """What the person chose, mutes that are over left out; as usual when nothing was chosen."""
    row = MailChoice.objects.filter(person=person.pk).first()
    zone = zone_named(row.zone) if row else None
    day = local_day(zone or timezone.get_default_timezone(), now=timezone.now())
    kinds = row.kinds if row else {}
    until = row.muted_until if row else None
    return MailWish(
        zone=row.zone if row and zone else timezone.get_default_timezone_name(),
        kinds={kind: kinds.get(kind, news.usual) for kind, news in NEWS.items() if not news.asks},
        muted_until=until if until and until >= day else None,
        muted_projects=[
            Mute(project=one.project.slug, until=one.until) for one in _muted_by(person).filter(until__gte=day)
        ],
    )


def _muted_by(person: "Person") -> QuerySet[MutedProject]:
    visible = permissions.visible_projects(person)
    return MutedProject.objects.filter(person=person.pk, project__in=visible).select_related("project")


def wish_of(data: Mapping[str, object]) -> MailWish:
    """The wish that plain data holds. Raises InvalidSpec with every fault."""
    try:
        return MailWish.model_validate(data)
    except ValidationError as error:
        raise InvalidSpec(faults_of(error)) from error


def choose(wish: MailWish, *, by: "Person", door: Door, installation: Installation) -> None:
    """Keep the choice of this person; it holds at once, also for what waits to be mailed. Raises InvalidSpec."""
    zone = zone_named(wish.zone)
    day = local_day(zone or timezone.get_default_timezone(), now=timezone.now())
    faults = [
        Fault(path=("kinds", kind), code="asks", message=gettext(_ASKS)) for kind in wish.kinds if NEWS[kind].asks
    ]
    faults += [
        Fault(
            path=("kinds", kind),
            code="digest_only",
            message=gettext("This comes in the daily mail only. Choose that, or none."),
        )
        for kind, how in wish.kinds.items()
        if not NEWS[kind].asks and how not in NEWS[kind].ways
    ]
    if zone is None:
        message = gettext("There is no such time zone. Write one such as Europe/Stockholm.")
        faults.append(Fault(path=("zone",), code="unknown", message=message))
    if wish.muted_until is not None and wish.muted_until < day:
        faults.append(_past("muted_until"))
    slugs = [one.project for one in wish.muted_projects]
    known = dict(permissions.visible_projects(by).filter(slug__in=slugs).values_list("slug", "pk"))
    for index, one in enumerate(wish.muted_projects):
        if one.project not in known:
            message = gettext("Nothing here that you can see is called %(project)s. Write the name of a project.") % {
                "project": one.project
            }
            faults.append(Fault(path=("muted_projects", index, "project"), code="unknown", message=message))
        elif one.project in slugs[:index]:
            message = gettext("%(project)s stands here twice. One entry each.") % {"project": one.project}
            faults.append(Fault(path=("muted_projects", index, "project"), code="twice", message=message))
        if one.until < day:
            faults.append(_past("muted_projects", index, "until"))
    if faults:
        raise InvalidSpec(faults)
    with audited_by(by=by, door=door), transaction.atomic():
        row, _ = MailChoice.objects.select_for_update().get_or_create(person_id=by.pk)
        row.zone, row.kinds, row.muted_until = wish.zone, dict(wish.kinds), wish.muted_until
        row.save()
        MutedProject.objects.filter(person=by.pk).delete()
        MutedProject.objects.bulk_create(
            MutedProject(person_id=by.pk, project_id=known[one.project], until=one.until) for one in wish.muted_projects
        )
        _put_off(by, installation=installation)


def _past(*path: str | int) -> Fault:
    return Fault(
        path=path, code="past", message=gettext("The last day has passed. Choose a later day, or leave it out.")
    )


def _put_off(person: "Person", *, installation: Installation) -> None:
    """What waits to be mailed follows the new choice: sooner or not at all, never later than was said."""
    now, choice = timezone.now(), choices_of([person.pk])[person.pk]
    waiting = Notice.objects.filter(person=person.pk, mailing=None, sent_at=None, mail_at__isnull=False)
    rows = list(waiting.select_related("request").select_for_update(of=("self",)))
    for row in rows:
        kind = next((one for one in KINDS if one == row.kind), None)
        if kind is None or NEWS[kind].asks:
            continue
        about = row.project_id or (row.request.project_id if row.request else None)
        at = mail_time(kind, choice=choice, project=about, now=now, window=installation.mail_window)
        row.mail_at = min(at, row.mail_at) if at and row.mail_at else None
    Notice.objects.bulk_update(rows, ["mail_at"])
