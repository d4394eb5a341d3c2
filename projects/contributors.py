"""The contributors of a spec as rows, and who of them may hold rights outside right now.

The spec keeps what the team wrote. What the engine is given leaves out whose last day is over, who left the directory
or is switched off there, and whose access the platform team ended, and calls renamed people and groups by their present
name; so role bindings and rights on the forge follow without a new spec.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from projects.directory import ended_accounts
from projects.identity import Name, clear_and_shared, present_name, several, shared_names
from projects.models import DirectoryEntry, Door, Membership, Project
from provisioning.spec import Contributor, ProjectSpec, Role

Moved = Mapping[Name, str | None]
"""Who of a project's contributors is not what the spec says: the present name, or None for who is out or not clear."""


@dataclass(frozen=True)
class Meaning:
    """Whom the contributors mean before and after a change of the spec.

    before, after: who of them is not what the spec says. entries: whom the directory has for each name, after the
    change where it still stands there. passed_on: the names that come to mean somebody else by it.
    """

    before: Moved = field(default_factory=dict)
    after: Moved = field(default_factory=dict)
    entries: Mapping[Name, DirectoryEntry] = field(default_factory=dict)
    passed_on: frozenset[Name] = frozenset()


@dataclass(frozen=True)
class Meant:
    """Whom the contributors of a spec mean.

    ids: by object id, without those that stay names. unclear: groups named anew by what several are called, with those.
    """

    ids: dict[Name, str]
    unclear: Mapping[Name, list[DirectoryEntry]] = field(default_factory=dict)


def set_memberships(project: Project, *, spec: ProjectSpec, door: Door) -> None:
    """Rows as the spec has them. Those that stay the same keep where they came from."""
    wanted = {(one.is_group, one.subject): one for one in spec.contributors}
    ids = meant(spec, project=project).ids
    for row in project.memberships.all():
        one = wanted.get((row.is_group, row.subject))
        if one is None or _differs(one, row):
            row.delete()
        else:
            del wanted[(row.is_group, row.subject)]
    Membership.objects.bulk_create(
        Membership(
            project=project,
            subject=one.subject,
            is_group=one.is_group,
            object_id=ids.get(name, ""),
            role=one.role,
            source=door,
            until=one.until,
        )
        for name, one in wanted.items()
    )


def meant(spec: ProjectSpec, *, project: Project | None) -> Meant:
    """Whom the spec's contributors mean once it is the project's.

    project: None for a new one. Who was there before is still meant, with another role too and whatever they are called
    by now. Only where they left may a changed entry mean somebody else: who has the name now.
    """
    ids, named = _to_find(spec, project=project)
    if not named:
        return Meant(ids=ids)
    clear, shared = clear_and_shared(named)
    return Meant(
        ids=ids | {name: entry.object_id for name, entry in clear.items()},
        unclear={name: entries for name, entries in shared.items() if name[0]},
    )


def _to_find(spec: ProjectSpec, *, project: Project | None) -> tuple[dict[Name, str], list[Name]]:
    """Object ids that stay what they are, and the names that are to be found in the directory."""
    rows = {(row.is_group, row.subject): row for row in project.memberships.all()} if project is not None else {}
    wanted = {(one.is_group, one.subject): one for one in spec.contributors}
    ids = {name: rows[name].object_id for name in wanted if name in rows and rows[name].object_id}
    changed = {name for name, one in wanted.items() if name not in rows or _differs(one, rows[name])}
    held = DirectoryEntry.objects.filter(object_id__in={ids[name] for name in changed if name in ids})
    left = set(held.filter(gone_at__isnull=False).values_list("object_id", flat=True))
    return ids, [name for name in wanted if name in changed and (name not in ids or ids[name] in left)]


def bindings(project: Project) -> dict[Name, str]:
    """Object ids of whom its contributors mean now; without those that are only named."""
    rows = project.memberships.exclude(object_id="").values_list("is_group", "subject", "object_id")
    return {(is_group, subject): object_id for is_group, subject, object_id in rows}


def moved(projects: Iterable[int] | None = None) -> dict[int, Moved]:
    """Who is out or called otherwise, by project, of these projects or of all; only projects with somebody such."""
    other = DirectoryEntry.objects.filter(object_id=OuterRef("object_id")).filter(
        Q(enabled=False) | Q(gone_at__isnull=False) | ~Q(account=OuterRef("subject"))
    )
    rows = Membership.objects.filter(Exists(other)).exclude(object_id="")
    if projects is not None:
        rows = rows.filter(project__in=projects)
    found = list(rows.order_by().values_list("project", "is_group", "subject", "object_id"))
    entries = {one.object_id: one for one in DirectoryEntry.objects.filter(object_id__in={row[3] for row in found})}
    by_project: dict[int, dict[Name, str | None]] = {}
    for project, is_group, subject, object_id in found:
        by_project.setdefault(project, {})[is_group, subject] = _name_of(subject, entries[object_id])
    for project, subject in _ended(projects):
        by_project.setdefault(project, {})[False, subject] = None
    for project, subject in to_unclear(projects).order_by().values_list("project", "subject"):
        by_project.setdefault(project, {})[True, subject] = None
    return dict(by_project)


def meaning(project: Project | None, *, becomes: ProjectSpec | None) -> Meaning:
    """Whom the contributors of a project mean now, and once this is its spec. A few queries, however many there are.

    project: None for a new one. becomes: None where nobody is to be bound anew: who they mean now counts for both.
    """
    held = bindings(project) if project is not None else {}
    before = moved([project.pk]).get(project.pk, {}) if project is not None else {}
    ids = meant(becomes, project=project).ids if becomes is not None else held
    known = {*held.values(), *ids.values()}
    by_id = {one.object_id: one for one in DirectoryEntry.objects.filter(object_id__in=known)} if known else {}
    if becomes is None:
        after = before
    else:
        called = {name: _name_of(name[1], by_id[one]) for name, one in ids.items() if one in by_id}
        names = [(one.is_group, one.subject) for one in becomes.contributors]
        after = {name: now for name, now in called.items() if now != name[1]} | _ended_among(names, ids=ids)
        after |= dict.fromkeys(several(name for name in names if name[0] and name not in ids))
    return Meaning(
        before=before,
        after=after,
        entries={name: by_id[one] for name, one in (held | ids).items() if one in by_id},
        passed_on=frozenset(name for name, one in ids.items() if held.get(name, one) != one),
    )


def _name_of(subject: str, entry: DirectoryEntry) -> str | None:
    """What the bound subject is called now; None for who is out."""
    return present_name(subject, entry) if entry.present else None


def roles_of(*, object_id: str, username: str) -> QuerySet[Membership]:
    """The roles that this account has in its own name, also those whose last day is over."""
    return Membership.objects.filter(_named([(object_id, username)]))


def to_ended() -> QuerySet[Membership]:
    """Grants in person to accounts whose access the platform team ended."""
    accounts = _ended_accounts()
    return Membership.objects.filter(_named(accounts)) if accounts else Membership.objects.none()


def to_unclear(projects: Iterable[int] | None = None) -> QuerySet[Membership]:
    """Grants to a group's name that several have, of these projects or of all: each counts for nobody. Cluster and
    forge, which know names only, would give it to every one of them.
    """
    rows = Membership.objects.filter(is_group=True, object_id="")
    rows = rows if projects is None else rows.filter(project__in=projects)
    names = set(rows.order_by().values_list("subject", flat=True).distinct())
    return rows.filter(subject__in=shared_names(names)) if names else rows.none()


def _differs(one: Contributor, row: Membership) -> bool:
    return (one.role, one.until) != (row.role, row.until)


def _ended_accounts() -> list[tuple[str, str]]:
    return list(ended_accounts().values_list("object_id", "username"))


def _ended_among(names: Iterable[Name], *, ids: Mapping[Name, str]) -> dict[Name, str | None]:
    """Who of these has no access any more; ids: by object id those of whom it is known."""
    accounts = _ended_accounts()
    ended, called = {one for one, _ in accounts if one}, {name for _, name in accounts}
    people = (name for name in names if not name[0])
    return {name: None for name in people if (ids[name] in ended if name in ids else name[1] in called)}


def _ended(projects: Iterable[int] | None) -> Iterable[tuple[int, str]]:
    rows = to_ended() if projects is None else to_ended().filter(project__in=projects)
    return rows.order_by().values_list("project", "subject")


def _named(accounts: list[tuple[str, str]]) -> Q:
    """What names one of these accounts (object id, user name) in person: by id, or, where it has none, by name."""
    ids, names = [one for one, _ in accounts if one], [name for _, name in accounts]
    return Q(is_group=False) & (Q(object_id__in=ids) | Q(object_id="", subject__in=names))


def present(spec: ProjectSpec, *, moved: Moved, today: date) -> ProjectSpec:
    """The spec with the contributors who count today, under their present names.

    When no owner's role reaches today, owners keep it past their last day: somebody must be able to give a new one. Who
    is out is out all the same; a workspace may be left without an owner, and `succession` looks for one.
    """
    current = [one for one in spec.contributors if one.until is None or one.until >= today]
    if not any(one.role is Role.OWNER for one in current):
        current = [one for one in spec.contributors if one in current or one.role is Role.OWNER]
    called = [(one, moved.get((one.is_group, one.subject), one.subject)) for one in current]
    return spec.model_copy(
        update={"contributors": tuple(_called(one, name) for one, name in called if name is not None)}
    )


def _called(one: Contributor, name: str) -> Contributor:
    return one.model_copy(update={"group" if one.is_group else "user": name}) if name != one.subject else one
