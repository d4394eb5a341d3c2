"""A person's notices as pages and files have them, and marking them as read."""

from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils import timezone

from projects import permissions
from projects.exports import Record
from projects.granting import audited_by
from projects.list_address import Listed
from projects.models import Door, Notice
from projects.sorting import BY_ID

if TYPE_CHECKING:
    from projects.permissions import Person

COLUMNS = ("number", "kind", "text", "project", "request", "at", "read_at", "mailed_at")
"""What the list has as a file."""


def notices_of(person: "Person", *, unread: bool) -> QuerySet[Notice]:
    """What the person was told and may still know; `unread`: only what they have not marked as read."""
    notices = permissions.visible_notices(person)
    return notices.filter(read_at=None) if unread else notices


def mark_read(*, by: "Person", until: int, door: Door) -> int:
    """Mark as read what the person was told up to this number. Returns how many were not before."""
    rows = Notice.objects.filter(person=by.pk, read_at=None, pk__lte=until)
    with audited_by(by=by, door=door):
        return rows.update(read_at=timezone.now())


def record(one: Notice) -> Record:
    """A notice as a row of a file."""
    return {
        "number": one.pk,
        "kind": one.kind,
        "text": one.text,
        "project": project_of(one),
        "request": one.request_id,
        "at": one.created_at,
        "read_at": one.read_at,
        "mailed_at": one.sent_at,
    }


def project_of(notice: Notice) -> str:
    """Name of the project that it is about; "" when there is none."""
    about = notice.request or notice.project or (notice.consent.project if notice.consent else None)
    return about.slug if about else ""


LIST = Listed((BY_ID,), COLUMNS, record)
