"""What a role opens, in words: in the portal, and outside as the Kinds say it (`Kind.rights`).

Who may do what is decided in `projects.permissions` and by the systems themselves; here is only how it is told.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from projects.identity import Name
from projects.phrases import translated
from provisioning.kind import System, Wish, kinds_of
from provisioning.spec import Role

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Rights = Mapping[System, str]
"""By system (cluster, object_store, forge, tracker, database) what somebody may do there, in half a sentence."""

SYSTEMS: "Mapping[System, StrPromise]" = {
    "cluster": _("Workspace"),
    "object_store": _("Storage"),
    "forge": _("Code"),
    "tracker": _("Experiments"),
    "database": _("Database"),
}
"""What Kinds act on, in the order of pages, and what pages call it."""
PORTAL: "Mapping[str, StrPromise]" = {
    Role.OWNER: _(
        "see it, change and retire it, rotate its keys and be shown them, train its model again, ask for a look; in "
        "the team: decide who reads the team's data"
    ),
    Role.EDITOR: _(
        "see it, be shown its keys, train its model again, ask for a look; take it over when its owners left"
    ),
    Role.VIEWER: _("see it"),
    "team": _(
        "see every project of the team, ask for a look, ask for new projects; take over one whose owners left, where "
        "no editor does"
    ),
    "platform": _(
        "see, change and retire every project, rotate keys, train models again, ask for a look, ask for new projects, "
        "take over what nobody else does, decide about requests, suspend"
    ),
}
"""What each path opens in the portal: the predicates of `projects.permissions` in words."""


def rights_by(wish: Wish) -> Mapping[Name, Rights]:
    """What each contributor of a wish gets, system by system, as the Kinds say it."""
    found: dict[Name, dict[System, str]] = {}
    for kind in kinds_of(wish).values():
        for one in kind.rights(wish) if kind.rights else ():
            held = found.setdefault((one.is_group, one.subject), {})
            text = translated(one.text)
            held[kind.system] = f"{held[kind.system]}; {text}" if kind.system in held else text
    return found
