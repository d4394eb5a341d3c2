"""Why can somebody reach a project, or why not: every path that there is, and those that there could be.

The verdict (does the person see it, and with which role) is that of `projects.permissions` for whoever has an account
here; for others it is what their first sign-in would bring, by the directory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from django.contrib.auth import get_user_model
from django.utils.translation import gettext

from projects import directory, nesting, permissions
from projects.dates import short_day
from projects.ending import is_ended
from projects.models import DirectoryEntry, Door, Project
from projects.reach import Grant, Reach, Standing
from projects.rights import Rights
from provisioning.kind import System
from provisioning.spec import Role

if TYPE_CHECKING:
    from projects.permissions import Person

PathKind = Literal["account", "person", "group", "team", "platform"]


@dataclass(frozen=True)
class Path:
    """One way to the project. `open`: it is there now; `says` what it is, `do` what would open it ("" when open)."""

    open: bool
    kind: PathKind
    says: str
    do: str = ""
    chain: tuple[str, ...] = ()
    role: Role | None = None


@dataclass(frozen=True)
class Answer:
    """What somebody can do in the project, and why. `name`: as the directory has it, "" when it has nobody."""

    subject: str
    name: str
    standing: Standing
    signed_in: bool
    sees: bool
    role: Role | None
    paths: tuple[Path, ...]
    rights: Rights


def why(subject: str, *, project: Project, reach: Reach) -> Answer:
    """The answer for a person by account name. One that nobody has gets an answer too, with every path closed.

    reach: what `reach_of` says of the project.
    """
    subject = subject.strip().lower()
    entry = directory.entry_of(subject=subject, is_group=False)
    account = _account(subject, entry)
    chains = nesting.chains_from(entry.object_id) if entry and entry.present else {}
    inside = _Inside(subject=subject, entry=entry, account=account, chains=chains)
    grants = [(_of_grant(one, inside=inside), one) for one in reach.grants if one.is_group or inside.holds(one)]
    paths = sorted((path for path, _ in grants), key=lambda path: path.kind != "person")
    if not any(path.kind == "person" for path in paths):
        paths.insert(0, _no_role(subject))
    paths += [_of_team(reach, project=project, inside=inside), _of_platform(inside)]
    if (switched := _switched_off(inside)) is not None:
        paths = [switched, *(replace(path, open=False) for path in paths)]
    open_grants = [one for path, one in grants if path.open and switched is None]
    return Answer(
        subject=subject,
        name=entry.name if entry else "",
        standing=inside.standing(checked=reach.checked),
        signed_in=account is not None,
        sees=permissions.may_see(account, project) if account else any(path.open for path in paths),
        role=permissions.role_in(account, project) if account and account.is_active else _highest(open_grants),
        paths=tuple(paths),
        rights=_together(open_grants),
    )


def _account(subject: str, entry: DirectoryEntry | None) -> "Person | None":
    known = get_user_model().objects.all()
    found = known.filter(object_id=entry.object_id).first() if entry else None
    return cast("Person | None", found or known.filter(username=subject).first())


@dataclass(frozen=True)
class _Inside:
    """Somebody as directory and portal know them. `chains`: by object id of a group, how they come to be in it."""

    subject: str
    entry: DirectoryEntry | None
    account: "Person | None"
    chains: Mapping[str, nesting.Chain]

    def holds(self, grant: Grant) -> bool:
        """Is this the person of the grant?"""
        if grant.object_id and self.entry is not None:
            return grant.object_id == self.entry.object_id
        return not grant.is_group and grant.subject == self.subject

    def is_in(self, name: str, object_id: str) -> bool:
        """In this group, as the portal counts it: who has signed in by their account, others by the directory."""
        if self.account is None:
            return object_id in self.chains
        return object_id in self.account.group_ids if object_id else name in self.account.directory_groups

    def standing(self, *, checked: bool) -> Standing:
        """What the directory says of them, and the platform team, which may have ended their access."""
        if self.account is not None and is_ended(self.account):
            return Standing.CLOSED
        if self.entry is None:
            return Standing.UNKNOWN if checked else Standing.UNCHECKED
        return Standing.PRESENT if self.entry.present else Standing.LEFT


def _of_grant(grant: Grant, *, inside: _Inside) -> Path:
    role = gettext(grant.role.value)
    said = {
        "role": role,
        "group": grant.subject,
        "door": Door(grant.source).label,
        "day": short_day(grant.until, year=True) if grant.until else "",
    }
    kind: PathKind = "group" if grant.is_group else "person"
    opened = partial(Path, open=True, kind=kind, role=grant.role)
    closed = partial(Path, open=False, kind=kind, role=grant.role)
    chain = inside.chains.get(grant.object_id, ())
    if grant.standing is Standing.UNCLEAR:
        return closed(
            says=gettext("Several groups are called %(group)s, so its role %(role)s opens nothing.") % said,
            do=gettext("An owner can take it out and add the one that is meant."),
        )
    if grant.is_group and not inside.is_in(grant.subject, grant.object_id):
        if chain:
            return replace(_not_yet(grant.subject, chain=chain, kind=kind), role=grant.role)
        return closed(
            says=gettext("Not in the group %(group)s, which is %(role)s.") % said,
            do=gettext("Ask who keeps the group %(group)s to add them. It counts here some minutes later.") % said,
        )
    if grant.standing is Standing.ENDED:
        return closed(
            says=gettext("The role %(role)s ended on %(day)s.") % said,
            do=gettext("An owner can give it again with a later last day."),
        )
    if grant.standing is Standing.LEFT:
        return closed(
            says=gettext("The role %(role)s rests: the directory has switched this off, or has it no more.") % said,
            do=gettext("It counts again as soon as the directory has it again."),
        )
    if grant.standing is Standing.CLOSED:
        return closed(
            says=gettext("The role %(role)s rests: the platform team ended their access.") % said,
            do=gettext("It counts again as soon as the platform team gives the access back."),
        )
    if not grant.is_group:
        return opened(says=gettext("Is %(role)s in person, by %(door)s.") % said)
    return opened(says=gettext("In the group %(group)s, which is %(role)s by %(door)s.") % said, chain=chain)


def _not_yet(group: str, *, chain: nesting.Chain, kind: PathKind) -> Path:
    says = gettext("The directory has them in the group %(group)s, but their account here does not know it yet.")
    return Path(
        open=False,
        kind=kind,
        says=says % {"group": group},
        do=gettext("It counts after the next sync with the directory, or when they sign in again."),
        chain=chain,
    )


def _no_role(subject: str) -> Path:
    return Path(
        open=False,
        kind="person",
        says=gettext("No role in their own name."),
        do=gettext("An owner can add %(who)s on this page.") % {"who": subject},
    )


def _of_team(reach: Reach, *, project: Project, inside: _Inside) -> Path:
    said = {"team": project.team.slug, "groups": ", ".join(one.name for one in reach.team)}
    held = next((one for one in reach.team if inside.is_in(one.name, one.object_id)), None)
    if held is not None:
        said["group"] = held.name
        return Path(
            open=True,
            kind="team",
            says=gettext("In the team %(team)s by the group %(group)s: sees every project of the team.") % said,
            chain=inside.chains.get(held.object_id, ()),
        )
    known = next((one for one in reach.team if one.object_id in inside.chains), None)
    if known is not None:
        return _not_yet(known.name, chain=inside.chains[known.object_id], kind="team")
    if not reach.team:
        return Path(open=False, kind="team", says=gettext("The team %(team)s has no group, so nobody is in it.") % said)
    return Path(
        open=False,
        kind="team",
        says=gettext("Not in the team %(team)s (%(groups)s).") % said,
        do=gettext("Who keeps one of these groups can add them; then they see every project of the team."),
    )


def _of_platform(inside: _Inside) -> Path:
    if inside.account is not None and (inside.account.is_staff or inside.account.is_superuser):
        return Path(open=True, kind="platform", says=gettext("In the platform team: sees and changes every project."))
    return Path(open=False, kind="platform", says=gettext("Not in the platform team."))


def _switched_off(inside: _Inside) -> Path | None:
    off = inside.account is not None and not inside.account.is_active
    if inside.account is not None and is_ended(inside.account):
        return Path(
            open=False,
            kind="account",
            says=gettext("The platform team ended their access. Nothing below counts for them."),
            do=gettext("Only the platform team gives it back."),
        )
    if not off and (inside.entry is None or inside.entry.present):
        return None
    return Path(
        open=False,
        kind="account",
        says=gettext("Their account is switched off, or the directory has it no more. Nothing below counts for them."),
        do=gettext("If that is wrong, ask whoever keeps the directory."),
    )


def _highest(grants: list[Grant]) -> Role | None:
    return next((role for role in Role if any(one.role is role for one in grants)), None)


def _together(grants: list[Grant]) -> Rights:
    """What several grants open together, system by system. One of a group opens nothing that asks for the person."""
    found: dict[System, list[str]] = {}
    for grant in grants:
        for system, text in grant.rights.items():
            if text not in found.setdefault(system, []):
                found[system].append(text)
    return {system: "; ".join(texts) for system, texts in found.items()}
