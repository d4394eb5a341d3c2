"""What pages and API say of teams: budget and what is taken of it, groups with their people, who decides, what changed.

Everything here is read from rows; nothing is asked outside.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Count, F, IntegerField, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from projects import nesting, permissions
from projects.errors import NotFound
from projects.exports import Record
from projects.identity import Meant, meant
from projects.list_address import Listed
from projects.models import DirectoryEntry, Team
from projects.phrases import translated
from projects.policy import approvers_of
from projects.sorting import Order
from projects.usage import bounded, granted_to
from provisioning.catalogue import Catalogue
from provisioning.policy_rules import FIGURES

if TYPE_CHECKING:
    from projects.permissions import Person

ORDERS = (
    Order("name", F("slug")),
    Order("projects", F("project_count"), falling=True, read=int),
    Order("taken", F("taken"), falling=True, read=int),
    Order("free", F("free"), read=int),
)


@dataclass(frozen=True)
class Group:
    """A directory group of a team. `count`: of its people, None while the directory doesn't have it."""

    name: str
    meant: Meant
    count: int | None
    people: tuple[DirectoryEntry, ...] = ()

    @property
    def known(self) -> bool:
        """Does the directory have it?"""
        return self.meant.entry is not None and not self.meant.left

    @property
    def counts(self) -> bool:
        """Is who is in it in the team? One that is only named is whoever signs in with it."""
        return not (self.meant.left or self.meant.shared)

    @property
    def more(self) -> int:
        """How many people are not among `people`."""
        return (self.count or 0) - len(self.people)


@dataclass(frozen=True)
class Change:
    """One change of a team: when, by whom, why, and what differs, a sentence each."""

    at: datetime
    who: str
    because: str
    differs: tuple[str, ...]


def with_budget(teams: QuerySet[Team]) -> QuerySet[Any]:
    """Teams with `taken`, `free` (below zero when more was granted) and `project_count`; none of what goes."""
    present = Q(projects__deletion_requested_at=None)
    taken = Coalesce(Sum("projects__units", filter=present), 0, output_field=IntegerField())
    return teams.annotate(taken=taken, free=F("budget") - taken, project_count=Count("projects", filter=present))


def find_team(person: "Person", slug: str) -> Any:
    """The team with its budget. Raises NotFound, also for whoever is not in it."""
    found = with_budget(permissions.teams_of(person)).filter(slug=slug).first()
    if found is None:
        raise NotFound
    return found


def groups_of(team: Team) -> list[Group]:
    """The team's groups, each with how many are in it, nested groups included, and the first that a page shows."""
    found = _meant(team.ad_groups, bound=team.group_ids)
    firsts = nesting.first_in(_ids(found.values()), most=nesting.PEOPLE_SHOWN)
    shown = {person for first in firsts.values() for person in first.people}
    entries = DirectoryEntry.objects.in_bulk(shown, field_name="object_id")
    groups = []
    for name, one in found.items():
        first = firsts.get(one.entry.object_id) if one.entry else None
        people = tuple(entries[person] for person in first.people if person in entries) if first else ()
        groups.append(Group(name=name, meant=one, count=first.count if first else None, people=people))
    return groups


def counted_groups(names: Iterable[str], *, bound: Mapping[str, str]) -> list[Group]:
    """Groups of these names, each with how many are in it. bound: object ids of those that a team is bound to."""
    found = _meant(names, bound=bound)
    counts = nesting.counts_in(_ids(found.values()))
    return [
        Group(name=name, meant=one, count=counts.get(one.entry.object_id) if one.entry else None)
        for name, one in found.items()
    ]


def _meant(names: Iterable[str], *, bound: Mapping[str, str]) -> dict[str, Meant]:
    found = meant(((True, name) for name in names), bound={(True, name): one for name, one in bound.items()})
    return {name: one for (_, name), one in found.items()}


def _ids(groups: Iterable[Meant]) -> list[str]:
    return [one.entry.object_id for one in groups if one.entry]


@dataclass(frozen=True)
class Asking:
    """A rule by which a person is asked: name, sentence, and the groups that decide beside the platform team."""

    name: str
    sentence: str
    approvers: tuple[str, ...]


def rules_of(team: Any, *, catalogue: Catalogue) -> list[Asking]:
    """The rules that ask a person about this team's requests. What only a request can tell is left open in them."""
    known = {"team": team.slug, "budget": team.budget, "taken": team.taken, "free": team.free}
    figures: dict[str, object] = {**dict.fromkeys(FIGURES, "…"), **known}
    return [
        Asking(
            name=rule.name,
            sentence=translated(rule.said(figures)),
            approvers=approvers_of(rule, catalogue=catalogue),
        )
        for rule in catalogue.policy
        if rule.decision == "ask" and (not rule.teams or team.slug in rule.teams)
    ]


def platform_team() -> list[str]:
    """Account names of those who decide about requests and change teams."""
    users = get_user_model().objects.filter(Q(is_staff=True) | Q(is_superuser=True), is_active=True)
    return list(users.order_by("username").values_list("username", flat=True)[:50])


def listed(teams: QuerySet[Team], *, catalogue: Catalogue) -> Listed[Team]:
    """The list of these teams from `with_budget`. What their projects' plans allow is asked for a file only, once."""
    measures = [one.name for one in bounded()]
    granted = cache(partial(granted_to, teams, catalogue=catalogue))

    def record(team: Any) -> Record:
        of_team = granted().get(team.slug, {})
        return {
            "name": team.slug,
            "title": team.name,
            "groups": team.ad_groups,
            "projects": team.project_count,
            "budget": team.budget,
            "taken": team.taken,
            "free": team.free,
            **{name: of_team.get(name, 0.0) for name in measures},
        }

    columns = ("name", "title", "groups", "projects", "budget", "taken", "free", *measures)
    return Listed(ORDERS, columns, record)


def changes_of(team: Team, *, size: int | None = 10) -> list[Change]:
    """The newest changes of name, groups and budget, with who made them and why. size: None for all."""
    # pghistory makes this model; it is not in any module.
    history: Any = apps.get_model("projects", "TeamHistory").objects
    rows = list(
        history.filter(pgh_obj_id=team.pk).select_related("pgh_context").order_by("-pgh_id")[: size and 3 * size]
    )
    found = []
    for after, before in zip(rows, [*rows[1:], None], strict=True):
        if differs := _differs(before, after):
            known: Mapping[str, Any] = after.pgh_context.metadata if after.pgh_context else {}
            at = cast(datetime, after.pgh_created_at)
            found.append(Change(at, str(known.get("actor", "")), str(known.get("because", "")), differs))
    return found[:size]


def _differs(before: Any, after: Any) -> tuple[str, ...]:
    if before is None:
        return (gettext("made the team"),) if after.pgh_label == "insert" else ()
    said = []
    if before.name != after.name:
        said.append(gettext("name %(name)s → %(after)s") % {"name": before.name, "after": after.name})
    if before.budget != after.budget:
        said.append(gettext("budget %(budget)s → %(after)s units") % {"budget": before.budget, "after": after.budget})
    said += [
        gettext("group %(name)s added") % {"name": name} for name in after.ad_groups if name not in before.ad_groups
    ]
    said += [
        gettext("group %(name)s removed") % {"name": name} for name in before.ad_groups if name not in after.ad_groups
    ]
    said += [
        gettext("group %(name)s is the one that has the name now") % {"name": name}
        for name, one in before.group_ids.items()
        if after.group_ids.get(name, one) != one
    ]
    return tuple(said)


def _people_records(team: Team) -> Iterator[Record]:
    found = _meant(team.ad_groups, bound=team.group_ids)
    inside = nesting.people_in(_ids(found.values()))
    people = list(DirectoryEntry.objects.filter(object_id__in=set[str]().union(*inside.values())))
    for name, one in found.items():
        here = inside.get(one.entry.object_id, ()) if one.entry else ()
        for person in people:
            if person.object_id in here:
                yield {"group": name, "account": person.account, "name": person.name}


def _change_records(team: Team) -> Iterator[Record]:
    for one in changes_of(team, size=None):
        yield {"at": one.at, "who": one.who, "because": one.because, "differs": list(one.differs)}


FILES: Mapping[str, tuple[tuple[str, ...], Callable[[Team], Iterator[Record]]]] = {
    "people": (("group", "account", "name"), _people_records),
    "changes": (("at", "who", "because", "differs"), _change_records),
}
"""The lists that a team's page shows in part, as files: columns and rows. A person stands there once per group."""
