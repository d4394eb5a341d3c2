"""What on the start page waits for the reader: each entry says what is so, and leads to where something can be done."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from projects import permissions
from projects.consent_list import asked_in
from projects.dates import short_day
from projects.installation import installation
from projects.listing import having
from projects.models import Decision, Membership, Project, ProjectRequest
from projects.phrases import said
from projects.short_states import states_of
from projects.today import today
from provisioning.conditions import Word
from provisioning.spec import Role

if TYPE_CHECKING:
    from projects.permissions import Person

AT_MOST = 5
"""Of each sort. Whoever has more sees them in the list below."""
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Need:
    """`about` is the link's text, `says` the rest of the sentence, `detail` why; `button` and its object say what next.

    `at`: when it was asked; None for what nobody asked.
    """

    icon: str
    about: str
    link: str
    says: str
    detail: str
    button: str
    at: datetime | None = None


def needs_of(person: "Person") -> list[Need]:
    """What waits for the person, most urgent first."""
    asked = [*_undecided(person), *_data_asked(person), *_asked_back(person)]
    return [*_broken(person), *asked, *_offered(person), *_ending(person), *_leaving(person)]


def _broken(person: "Person") -> Iterator[Need]:
    found = list(having(permissions.visible_projects(person), Word.ATTENTION).order_by("-pk")[:AT_MOST])
    states = states_of(found)
    for one in found:
        yield Need(
            icon="attention",
            about=one.title,
            link=reverse("projects:project", args=[one.slug]),
            says=gettext("needs attention"),
            detail=states[one.pk].says,
            button=gettext("Look"),
        )


def _undecided(person: "Person") -> Iterator[Need]:
    for one in permissions.to_decide(person).select_related(None).order_by("-pk")[:AT_MOST]:
        says = {
            "create": gettext("%(who)s asks for it"),
            "change": gettext("%(who)s asks to change it"),
            "retire": gettext("%(who)s asks to retire it"),
        }[one.action]
        yield Need(
            icon="waiting",
            about=title_of(one),
            link=reverse("projects:request", args=[one.pk]),
            says=says % {"who": one.requested_by_name},
            detail=said(one, "because"),
            button=gettext("Decide"),
            at=one.created_at,
        )


def _data_asked(person: "Person") -> Iterator[Need]:
    if not permissions.may_be_asked_for_data(
        person, owners={one.owner for one in installation().catalogue.data_stores}
    ):
        return
    for one in permissions.consents_to_decide(person).prefetch_related("steps").order_by("-pk")[:AT_MOST]:
        asked = asked_in(one)
        says = gettext("asks to read %(store)s, data of team %(team)s, until %(day)s")
        yield Need(
            icon="waiting",
            about=one.project.title,
            link=reverse("projects:consent", args=[one.pk]),
            says=says % {"store": one.store, "team": one.team.slug, "day": short_day(one.until, year=True)},
            detail=gettext("Nothing is read before somebody of your team says yes."),
            button=gettext("Decide"),
            at=asked.at if asked else None,
        )


def _asked_back(person: "Person") -> Iterator[Need]:
    mine = permissions.own_requests(person).select_related(None).filter(decision=Decision.PENDING)
    for one in mine.exclude(asked_back_at=None).order_by("-pk")[:AT_MOST]:
        question = one.comments.filter(asks=True).last()
        yield Need(
            icon="attention",
            about=title_of(one),
            link=reverse("projects:request", args=[one.pk]),
            says=gettext("changes are asked for"),
            detail=question.text if question else said(one, "because"),
            button=gettext("Answer"),
            at=one.asked_back_at,
        )


def _offered(person: "Person") -> Iterator[Need]:
    offers = permissions.offers_to(person).select_related("project")
    for one in offers.order_by("offered_at", "pk")[:AT_MOST]:
        yield Need(
            icon="person",
            about=one.project.title,
            link=reverse("projects:take-over", args=[one.project.slug]),
            says=gettext("has no owner any more"),
            detail=gettext("It runs on as it is. You may take it over."),
            button=gettext("Take over"),
            at=one.offered_at,
        )


def _ending(person: "Person") -> Iterator[Need]:
    until = (today() + SOON).isoformat()
    mine = _owned(person).filter(spec__expires__lte=until, spec__expires__gte=today().isoformat())
    for one in mine.order_by("spec__expires", "pk")[:AT_MOST]:
        yield Need(
            icon="waiting",
            about=one.title,
            link=reverse("projects:edit", args=[one.slug]),
            says=gettext("ends on %(day)s") % {"day": _day(date.fromisoformat(one.spec["expires"]))},
            detail=gettext("After that day we stop looking after it. Nothing is removed; a later day keeps it going."),
            button=gettext("Extend"),
        )


def _leaving(person: "Person") -> Iterator[Need]:
    rows = Membership.objects.filter(project__in=_owned(person), until__range=(today(), today() + SOON))
    for one in rows.select_related("project").order_by("until", "pk")[:AT_MOST]:
        left = ((one.until or today()) - today()).days
        yield Need(
            icon="access",
            about=one.project.title,
            link=reverse("projects:edit", args=[one.project.slug]),
            says=gettext("access of %(who)s ends on %(day)s") % {"who": one.subject, "day": _day(one.until or today())},
            detail=(
                ngettext("That is in %(days)d day.", "That is in %(days)d days.", left) % {"days": left}
                if left
                else gettext("That is today.")
            ),
            button=gettext("Extend"),
        )


def _owned(person: "Person") -> QuerySet[Project]:
    return permissions.own_projects(person, role=Role.OWNER).filter(deletion_requested_at=None, suspended=False)


def _day(day: date) -> str:
    return date_format(day, "j F")


def title_of(request: ProjectRequest) -> str:
    """What the project of a request is called."""
    return str((request.after or request.before or {}).get("title") or request.slug)
