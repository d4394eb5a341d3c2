"""What people are told: each kind with who hears of it, in one table; pages, mails and rights read it here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Kind = Literal[
    "request-waits",
    "request-decided",
    "changes-asked",
    "revised",
    "comment",
    "reminder",
    "escalation",
    "stand-in",
    "ends",
    "suspended",
    "attention",
    "ready",
    "offered",
    "keys-rotated",
    "key-shown",
    "people-back",
    "seen-as",
    "withdrawn",
    "data-asked",
    "data-reminder",
    "data-escalation",
    "data-decided",
    "data-withdrawn",
    "data-ends",
    "training-failed",
    "run-finished",
    "drift-repaired",
]
When = Literal["now", "digest", "never"]
"""How a kind is mailed: with what comes close to it, once a day, or not at all."""


@dataclass(frozen=True)
class News:
    """One kind. `asks`: it asks for a decision, so nobody can mute it, and it is over once that is decided.

    urgent: sent at once, together with what waits already. chat: a team's channel may hear of it, since all of the team
    see what it is about. usual: how it is mailed to who has not chosen; what is for the daily mail has no other way.
    platform: only the platform team hears of such things.
    """

    title: Promise
    told: Promise
    urgent: bool = False
    asks: bool = False
    chat: bool = False
    platform: bool = False
    usual: When = "now"

    @property
    def ways(self) -> tuple[When, ...]:
        """The ways in which its readers can have it mailed."""
        if self.asks:
            return ("now",)
        return ("digest", "never") if self.usual == "digest" else ("now", "digest", "never")


NEWS: Mapping[Kind, News] = {
    "request-waits": News(_("A request waits for a decision"), _("those who may decide"), asks=True, chat=True),
    "reminder": News(_("A request still waits"), _("those who may decide"), asks=True, chat=True),
    "escalation": News(
        _("A request has waited too long"),
        _("those who may decide, and who is asked then"),
        urgent=True,
        asks=True,
        chat=True,
    ),
    "request-decided": News(_("A request is decided"), _("who asked"), chat=True),
    "changes-asked": News(_("A request needs other words"), _("who asked"), chat=True),
    "revised": News(_("A request is put in other words by somebody else"), _("who asked")),
    "comment": News(_("Somebody wrote about a request"), _("who asked, decides, or wrote before"), chat=True),
    "stand-in": News(_("Somebody decides in another's place"), _("who is named")),
    "ends": News(_("A project ends soon"), _("owners"), chat=True),
    "suspended": News(_("A project is suspended, its end date has passed"), _("owners"), urgent=True, chat=True),
    "attention": News(_("A project has needed attention for 15 minutes"), _("owners"), chat=True),
    "ready": News(_("A new project is ready"), _("who asked for it"), chat=True),
    "withdrawn": News(_("A request is withdrawn"), _("who asked, and those who were asked to decide"), chat=True),
    "data-asked": News(
        _("A project asks to read your team's data"),
        _("owners in the team whose data it is, and who stands in for them; where there are none, the platform team"),
        asks=True,
        chat=True,
    ),
    "data-reminder": News(
        _("A project still waits to read your team's data"),
        _("owners in the team whose data it is, and who stands in for them; where there are none, the platform team"),
        asks=True,
        chat=True,
    ),
    "data-escalation": News(
        _("A project has waited too long to read a team's data"),
        _("owners in the team whose data it is, who stands in for them, and the platform team"),
        urgent=True,
        asks=True,
        chat=True,
    ),
    "data-decided": News(_("A team says whether a project may read its data"), _("owners, and who asked"), chat=True),
    "data-withdrawn": News(
        _("A team withdraws its consent that a project reads its data"),
        _("owners, and who asked"),
        urgent=True,
        chat=True,
    ),
    "data-ends": News(_("A project reads another team's data for a week more"), _("owners"), chat=True),
    "training-failed": News(
        _("A training by itself failed or shut the gate"),
        _("owners"),
        chat=True,
    ),
    "offered": News(_("A project without an owner is offered"), _("those who can take it over")),
    "keys-rotated": News(_("Keys of a project are rotated or ended"), _("owners"), chat=True),
    "key-shown": News(_("Somebody was shown a key of a project"), _("owners")),
    "people-back": News(_("A pushed profile.yaml put people back"), _("owners")),
    "seen-as": News(_("The platform team sees the portal as somebody"), _("that person")),
    "run-finished": News(_("An action on many projects has finished"), _("who started it"), platform=True),
    "drift-repaired": News(
        _("What was changed by hand is put back"), _("the platform team"), usual="digest", platform=True
    ),
}
KINDS: tuple[Kind, ...] = cast("tuple[Kind, ...]", get_args(Kind))


def is_over(kind: str, *, pending: bool) -> bool:
    """Whether it is no news any more, since what it asks for is decided."""
    return not pending and any(NEWS[one].asks for one in KINDS if one == kind)
