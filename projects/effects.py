"""What a change of a spec does to whom, in words: per person or group, in the portal and by each Kind's rights outside.

Made of two specs, asking nothing, like the plan that it stands beside (`projects.preview`): what somebody gets is what
the Kinds say of the wish before and after (`Kind.rights`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.utils.translation import gettext

from projects import contributors
from projects.dates import short_day
from projects.identity import Name, called_now
from projects.installation import Installation
from projects.rights import PORTAL, SYSTEMS, rights_by
from projects.spec import NOBODY, wish_for, with_a_plan
from projects.today import today
from provisioning.spec import Contributor, ProjectSpec, Role

Place = Literal["portal", "cluster", "object_store", "forge", "tracker", "database"]
Held = Mapping[Place, str]
"""What somebody may do, by place."""


@dataclass(frozen=True)
class Effect:
    """What changes for somebody at one place; `before` and `after` are "" for nothing."""

    place: Place
    title: str
    action: Literal["create", "update", "delete"]
    before: str
    after: str


@dataclass(frozen=True)
class PersonEffect:
    """Somebody for whom something changes. `says`: in half a sentence, what.

    name, called: of whom the directory has for it, the name and, where it is another one by now, the account; "" for
    nobody. out: gone from the directory, switched off there, or their access ended, so that the role opens nothing.
    keeps: what they reach all the same, by which other paths; kept: the highest role among those (`projects.kept`).
    """

    subject: str
    is_group: bool
    says: str
    effects: tuple[Effect, ...]
    name: str = ""
    called: str = ""
    out: bool = False
    keeps: tuple[str, ...] = ()
    kept: Role | None = None

    @property
    def may_keep_keys(self) -> bool:
        """Could they read the bucket's keys before, and can't now? What was read before opens it until the rotation."""
        lost = any(one.place == "object_store" and one.action == "delete" for one in self.effects)
        return lost and self.kept not in (Role.OWNER, Role.EDITOR)


def effects_of(
    *,
    before: ProjectSpec | None,
    after: ProjectSpec | None,
    installation: Installation,
    meaning: contributors.Meaning,
    uid: str = NOBODY,
) -> tuple[PersonEffect, ...]:
    """For whom the change does something, in the order of the specs. Who is out of the directory gets nothing anyway.

    meaning: what `contributors.meaning` says of the project and this change.
    """
    old, new = _by_name(before), _by_name(after)
    held_before = _held(before, plan=after, installation=installation, moved=meaning.before, uid=uid)
    held_after = _held(after, plan=after, installation=installation, moved=meaning.after, uid=uid)
    found = []
    for name in dict.fromkeys([*old, *new]):
        effects = _changes(held_before.get(name, {}), held_after.get(name, {}))
        if effects or old.get(name) != new.get(name):
            entry = meaning.entries.get(name)
            found.append(
                PersonEffect(
                    subject=name[1],
                    is_group=name[0],
                    says=_says(old.get(name), new.get(name), passed_on=name in meaning.passed_on),
                    effects=effects,
                    name=entry.name if entry is not None else "",
                    called=called_now(name[1], entry) if entry is not None else "",
                    out=name in new and meaning.after.get(name, name[1]) is None,
                )
            )
    return tuple(found)


def _by_name(spec: ProjectSpec | None) -> Mapping[Name, Contributor]:
    return {(one.is_group, one.subject): one for one in spec.contributors} if spec is not None else {}


def _held(
    spec: ProjectSpec | None,
    *,
    plan: ProjectSpec | None,
    installation: Installation,
    moved: contributors.Moved,
    uid: str,
) -> Mapping[Name, Held]:
    """What each contributor holds by this spec today. `plan`: whose plan counts, as the old one may be gone."""
    if spec is None:
        return {}
    present = contributors.present(spec, moved=moved, today=today())
    if plan is not None:
        present = present.model_copy(update={"plan": plan.plan})
    present = with_a_plan(present, catalogue=installation.catalogue)
    outside = rights_by(wish_for(present, installation=installation, uid=uid))
    roles = {(one.is_group, one.subject): one.role for one in present.contributors}
    held: dict[Name, Held] = {}
    for name in _by_name(spec):
        called = (name[0], moved.get(name, name[1]) or "")
        if called in roles:
            mine: dict[Place, str] = {"portal": str(PORTAL[roles[called]])}
            mine.update((system, text) for system, text in outside.get(called, {}).items())
            held[name] = mine
    return held


def _changes(before: Held, after: Held) -> tuple[Effect, ...]:
    titles: dict[Place, str] = {"portal": gettext("Portal")}
    titles.update((system, str(title)) for system, title in SYSTEMS.items())
    found = []
    for place, title in titles.items():
        old, new = before.get(place, ""), after.get(place, "")
        if old != new:
            action: Literal["create", "update", "delete"] = "update" if old and new else "create" if new else "delete"
            found.append(Effect(place=place, title=title, action=action, before=old, after=new))
    return tuple(found)


def _says(before: Contributor | None, after: Contributor | None, *, passed_on: bool) -> str:
    if after is None:
        return gettext("loses the role %(role)s") % {"role": gettext(before.role.value)} if before else ""
    until = _until(after.until)
    if passed_on:
        said = gettext("becomes %(role)s%(until)s, in the place of whoever had the name before and left")
        return said % {"role": gettext(after.role.value), "until": until}
    if before is None:
        return gettext("becomes %(role)s%(until)s") % {"role": gettext(after.role.value), "until": until}
    if before.role is not after.role:
        roles = {"old": gettext(before.role.value), "new": gettext(after.role.value), "until": until}
        return gettext("is %(new)s instead of %(old)s%(until)s") % roles
    if before.until != after.until:
        return gettext("stays %(role)s%(until)s") % {
            "role": gettext(after.role.value),
            "until": until or gettext(", without an end"),
        }
    return gettext("stays %(role)s") % {"role": gettext(after.role.value)}


def _until(day: date | None) -> str:
    return gettext(", until %(day)s") % {"day": short_day(day, year=True)} if day else ""
