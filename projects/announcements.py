"""Telling everybody: what the platform team writes stands at the top of every page, from one moment to another.

Each change is a new revision with a reason; who put an announcement away sees a new revision again. It is plain text,
so that nothing in it can be anything else.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from projects import permissions
from projects.audit import audited
from projects.closed import Closed
from projects.errors import Conflict, Fault, InvalidSpec, NotFound, StaleGeneration
from projects.exports import Record
from projects.list_address import Listed
from projects.models import Announcement, AnnouncementState, Door
from projects.sorting import BY_ID, Order
from projects.spec import faults_of
from provisioning.spec import check_text

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)

MOST_SHOWN = 5
"""At the same time; warnings first, then the newest. More than that would push the page itself out of sight."""
FARTHEST = timedelta(days=366)
ORDERS = (BY_ID, Order("begins", F("begins"), falling=True, read=datetime.fromisoformat), Order("level", F("level")))
"""The ways to sort announcements, the usual one first."""
COLUMNS = (
    "number", "state", "level", "text", "begins", "ends", "dismissible", "public", "revision", "by", "because",
    "created_at", "changed_at", "ended_at",
)  # fmt: skip
"""What a list of announcements has as a file."""


def _moment(value: object) -> object:
    # Pydantic would read a number as seconds since 1970, and a time without a zone can be meant in two ways.
    try:
        read = value if isinstance(value, datetime) else parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise PydanticCustomError("datetime_type", "Write a day and a time, such as 2027-06-30T08:00+02:00.")
    if not -FARTHEST < read - timezone.now() < FARTHEST:
        raise PydanticCustomError("too_far", "This is more than a year away. Check the year.")
    return read


M = TypeVar("M", bound=Closed)
Moment = Annotated[datetime, BeforeValidator(_moment)]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(check_text)
]


class Wording(Closed):
    """What an announcement shall say, to whom, and from when to when. `because` is kept with it."""

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(check_text)
    ] = Field(description="Plain text.")
    level: Literal["information", "warning"] = "information"
    begins: Moment | None = Field(default=None, description="Left out: at once; in a change, as it is.")
    ends: Moment | None = Field(default=None, description="Left out: when somebody ends it.")
    dismissible: bool = Field(default=True, description="Readers can put it away until they sign in again.")
    public: bool = Field(default=False, description="Shown to those who are not signed in, too.")
    because: Reason


class Revising(Wording):
    """The whole of what it shall be from now on, and the revision that was read."""

    revision: int | None = Field(default=None, ge=1, description="Left out: whatever it is now.")


class Ending(Closed):
    """Why it is ended before its time."""

    because: Reason


def shown_now(*, signed_in: bool, put_away: Mapping[str, Any]) -> list[Announcement]:
    """What stands on the reader's page now. put_away: revisions by number, as the reader's session has them."""
    left = [one for one in _current(signed_in=signed_in) if not _is_put_away(one, put_away)]
    return left[:MOST_SHOWN]


def put_away(number: int, *, before: Mapping[str, Any]) -> dict[str, int]:
    """What the reader has put away, this one included; what is not shown any more is forgotten."""
    shown = [one for one in _current(signed_in=True) if one.dismissible]
    return {str(one.pk): one.revision for one in shown if one.pk == number or _is_put_away(one, before)}


def _current(*, signed_in: bool) -> QuerySet[Announcement]:
    now = timezone.now()
    rows = Announcement.objects.filter(Q(ends=None) | Q(ends__gt=now), ended_at=None, begins__lte=now)
    if not signed_in:
        rows = rows.filter(public=True)
    # "warning" is the last of the words. More than are shown, since some may be put away.
    return rows.order_by("-level", "-pk")[: 4 * MOST_SHOWN]


def _is_put_away(one: Announcement, put_away: Mapping[str, Any]) -> bool:
    return one.dismissible and put_away.get(str(one.pk)) == one.revision


def find(number: int, *, by: "Person") -> Announcement:
    """The announcement, for the platform team. Raises NotFound."""
    return _found(Announcement.objects.all(), number, by=by)


def _found(rows: QuerySet[Announcement], number: int, *, by: "Person") -> Announcement:
    if not permissions.may_announce(by):
        raise NotFound
    found = rows.filter(pk=number).first() if number < 2**63 else None
    if found is None:
        raise NotFound
    return found


def announce(data: Any, *, by: "Person", door: Door) -> Announcement:
    """Write a new one. Raises NotFound for others than the platform team, InvalidSpec with every fault."""
    if not permissions.may_announce(by):
        raise NotFound
    wanted, now = _read(Wording, data), timezone.now()
    begins = wanted.begins or now
    _check_order(begins, wanted.ends)
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        made = Announcement.objects.create(
            **_fields(wanted), begins=begins, by_id=by.pk, by_name=by.username, created_at=now, changed_at=now
        )
    log.info("announcement_written", announcement=made.pk)
    return made


def change(number: int, data: Any, *, by: "Person", door: Door) -> Announcement:
    """Say it in other words, or at another time.

    Raises NotFound, InvalidSpec, StaleGeneration when it is another revision by now, Conflict when it is over.
    """
    find(number, by=by)
    wanted = _read(Revising, data)
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        found = _found(Announcement.objects.select_for_update(), number, by=by)
        if found.state is AnnouncementState.OVER:
            raise Conflict(gettext("This announcement is over and stays as it was. Write a new one."))
        if wanted.revision not in (None, found.revision):
            raise StaleGeneration(
                gettext("%(who)s changed this announcement in between. Read it again.") % {"who": found.by_name}
            )
        begins = wanted.begins or found.begins
        _check_order(begins, wanted.ends)
        for name, value in {**_fields(wanted), "begins": begins}.items():
            setattr(found, name, value)
        _revised(found, by=by)
    log.info("announcement_changed", announcement=number)
    return found


def end(number: int, data: Any, *, by: "Person", door: Door) -> Announcement:
    """Show it no more. Raises NotFound, InvalidSpec, Conflict when it is over already."""
    find(number, by=by)
    wanted = _read(Ending, data)
    with audited(actor=by.username, door=door, because=wanted.because), transaction.atomic():
        found = _found(Announcement.objects.select_for_update(), number, by=by)
        if found.state is AnnouncementState.OVER:
            raise Conflict(gettext("This announcement is over already."))
        found.because, found.ended_at = wanted.because, timezone.now()
        _revised(found, by=by)
    log.info("announcement_ended", announcement=number)
    return found


def _read(model: type[M], data: Any) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidSpec(faults_of(error)) from error


def _fields(wanted: Wording) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in ("text", "level", "ends", "dismissible", "public", "because")}


def _check_order(begins: datetime, ends: datetime | None) -> None:
    if ends is None:
        return
    if ends <= timezone.now():
        raise InvalidSpec(
            [Fault(path=("ends",), code="past", message=gettext("This has passed. Choose a later time."))]
        )
    if ends <= begins:
        raise InvalidSpec([Fault(path=("ends",), code="before_begin", message=gettext("This is not after it begins."))])


def _revised(found: Announcement, *, by: "Person") -> None:
    found.revision += 1
    found.by_id, found.by_name, found.changed_at = by.pk, by.username, timezone.now()
    found.save()


def record(one: Announcement) -> Record:
    """An announcement as a row of a file."""
    same = {name: getattr(one, name) for name in COLUMNS if name not in ("number", "state", "by")}
    return {"number": one.pk, "state": one.state.value, "by": one.by_name, **same}


LIST = Listed(ORDERS, COLUMNS, record)
