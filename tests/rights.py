"""Who gets past the gate of which address: the table that the permission matrix is tested against.

An address that has no line here fails the test: unknown means deny. A gate says who passes; whoever doesn't is
answered as `denied` says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

IDENTITIES = (
    "anonymous",
    "stranger",
    "viewer",
    "editor",
    "member",
    "owner",
    "admin",
    "approver",
    "former owner",
    "stranger's token",
    "owner's reading token",
    "owner's token",
)
"""member: of the project's team, without a role in the project. owner: also who asked what is pending. approver: of a
group that the catalogue lets decide about what is pending, and nothing else of the project's. former owner: who asked
what is pending, and holds no role in the project any more."""

READS = ("GET",)
SEERS = ("viewer", "editor", "member", "owner", "admin", "owner's token")
KEYS = ("stranger's token", "owner's reading token", "owner's token")


@dataclass(frozen=True)
class Gate:
    """Who passes; of the others, who `sees` the thing gets 403, and nobody else learns that it is there (404)."""

    passes: tuple[str, ...]
    sees: tuple[str, ...] = SEERS
    open: bool = False
    machines: bool = False


MACHINES = Gate(passes=(), machines=True)
"""A machine's own credential opens it; of people nobody passes, and each is asked for that credential (401)."""
OPEN = Gate(passes=IDENTITIES, open=True)
SIGNED_IN = Gate(passes=IDENTITIES[1:], sees=IDENTITIES[1:])
IN_PERSON = Gate(passes=tuple(one for one in IDENTITIES[1:] if "token" not in one), sees=IDENTITIES[1:])
"""Signed in, or by a token of the directory: portal tokens can't."""
OWN_TOKEN = Gate(passes=("owner",), sees=KEYS)
"""One of alice's tokens: others don't learn of it, and a portal token may remove itself only."""
SEE = Gate(passes=SEERS)
TRAIN = Gate(passes=("editor", "owner", "admin", "owner's token"))
WORK = Gate(passes=("editor", "member", "owner", "admin", "owner's token"))
SHOWN = Gate(passes=("editor", "owner", "owner's token"))
CHANGE = Gate(passes=("owner", "admin", "owner's token"))
OPERATE = Gate(passes=("admin",))
ASKED = (*SEERS, "approver", "former owner")
"""Who sees a request that waits: those of the project, who is asked about it, and who asked."""
SEE_REQUEST = Gate(passes=ASKED)
DECIDE = Gate(passes=("admin", "approver"), sees=ASKED)
REVISE = Gate(passes=CHANGE.passes, sees=ASKED)
TAKE_BACK = Gate(passes=(*CHANGE.passes, "former owner"), sees=ASKED)
NAME_STAND_IN = Gate(passes=("admin", "approver"), sees=IDENTITIES[1:])
NOBODY_S = Gate(passes=(), sees=())
"""Something that belongs to none of these people."""
TEAM = Gate(passes=("member", "admin"), sees=("member", "admin"))
"""In the project's team: a role in one of its projects is not enough."""
OTHERS_ASK = Gate(passes=(), sees=("member", "admin"))
"""What another team asks of the project's: who is in the team sees it, and decides as an owner in it, which none is."""
END_CONSENT = Gate(passes=("admin",), sees=("member", "admin"))
TEAM_NEW = Gate(passes=("admin",), sees=IDENTITIES[1:])
TEAM_CHANGE = Gate(passes=("admin",), sees=("member", "admin"))
PLATFORM = Gate(passes=("admin",), sees=("admin",))


@dataclass(frozen=True)
class Line:
    """One address: gate by method, and what is sent."""

    gates: Mapping[str, Gate]
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def line(*, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, **gates: Gate) -> Line:
    """line(GET=SEE, POST=CHANGE)."""
    return Line(gates=gates, body=body or {}, headers=headers or {})


A_STAND_IN = {"account": "bob@corp.example", "begins": "2099-01-01", "ends": "2099-01-02"}
OTHER_WORDS = {"spec": {"slug": "lane", "team": "vision", "plan": "medium"}, "revision": 1}
AN_ACCOUNT = {"account": "nobody@corp.example", "because": "It was stolen."}
ANY_STATE = {"If-Match": "*"}
STORE = "winter-roads"
"""A data store that the project chose, and that nobody let it read."""

TABLE: Mapping[str, Line] = {
    # Nobody needs to be signed in.
    "healthz": line(GET=OPEN),
    "readyz": line(GET=OPEN),
    "sign-in": line(GET=OPEN),
    "break-glass": line(GET=OPEN, POST=OPEN),
    "django_auth_adfs:login": line(GET=OPEN, POST=OPEN),
    "django_auth_adfs:callback": line(GET=OPEN),
    "django_auth_adfs:logout": line(POST=OPEN),
    "profile-schema": line(GET=OPEN),
    # One's own account.
    "account": line(GET=SIGNED_IN),
    "account-display": line(POST=SIGNED_IN),
    "account-tokens": line(POST=SIGNED_IN),
    "account-token": line(POST=OWN_TOKEN),
    "account-end-sessions": line(POST=SIGNED_IN),
    "put-away": line(POST=SIGNED_IN),
    "projects:notices": line(GET=SIGNED_IN),
    "projects:read-notices": line(POST=SIGNED_IN),
    "projects:notifications": line(GET=SIGNED_IN, POST=SIGNED_IN),
    # Pages.
    "projects:start": line(GET=SIGNED_IN),
    "projects:help": line(GET=SIGNED_IN),
    "projects:new": line(GET=SIGNED_IN, POST=SIGNED_IN),
    "projects:plan": line(POST=SIGNED_IN),
    "projects:names": line(GET=SIGNED_IN),
    "projects:directory": line(GET=SIGNED_IN),
    "projects:teams": line(GET=SIGNED_IN),
    "projects:team": line(GET=TEAM),
    "projects:team-data": line(GET=TEAM, POST=TEAM),
    "projects:consent": line(GET=TEAM),
    "projects:give-consent": line(POST=OTHERS_ASK),
    "projects:reject-consent": line(POST=OTHERS_ASK, body={"why": "Faces are in it."}),
    "projects:withdraw-consent": line(POST=END_CONSENT, body={"why": "It was found wrong."}),
    "projects:ask-for-data": line(POST=CHANGE, body={"store": STORE}),
    "projects:team-new": line(GET=TEAM_NEW, POST=TEAM_NEW),
    "projects:team-edit": line(GET=TEAM_CHANGE, POST=TEAM_CHANGE),
    "projects:team-remove": line(GET=TEAM_CHANGE, POST=TEAM_CHANGE),
    "projects:project": line(GET=SEE),
    "projects:live": line(GET=SEE),
    "projects:resources": line(GET=SEE),
    "projects:people": line(GET=SEE),
    "projects:change-people": line(GET=CHANGE, POST=CHANGE),
    "projects:leave": line(GET=SEE, POST=SEE),
    "projects:activity": line(GET=SEE),
    "projects:settings": line(GET=SEE),
    "projects:usage": line(GET=SEE),
    "projects:models": line(GET=SEE),
    "projects:train": line(POST=TRAIN),
    "projects:scorecard": line(GET=SEE),
    "projects:plot": line(GET=SEE),
    "projects:credentials": line(GET=SEE),
    "projects:rotate-credential": line(POST=CHANGE),
    "projects:end-old-credential": line(POST=CHANGE),
    "projects:reveal-credential": line(POST=SHOWN),
    "projects:edit": line(GET=CHANGE, POST=CHANGE),
    "projects:look": line(POST=WORK),
    "projects:retire": line(POST=CHANGE, body={"typed": "lane", "do": "preview"}),
    # It has an owner: whoever sees it may read that.
    "projects:take-over": line(GET=SEE, POST=SEE),
    "projects:requests": line(GET=SIGNED_IN, POST=SIGNED_IN),
    "projects:request": line(GET=SEE_REQUEST),
    "projects:stand-ins": line(GET=SIGNED_IN, POST=NAME_STAND_IN),
    "projects:end-stand-in": line(POST=NOBODY_S),
    "projects:revise": line(GET=REVISE, POST=REVISE),
    "projects:say": line(POST=SEE_REQUEST, body={"text": "Why?"}),
    "projects:ask-for-changes": line(POST=DECIDE, body={"comment": "Smaller?", "revision": "1"}),
    "projects:approve": line(POST=DECIDE, body={"revision": "1"}),
    "projects:reject": line(POST=DECIDE, body={"comment": "Too large.", "revision": "1"}),
    "projects:withdraw": line(POST=TAKE_BACK),
    # The platform team's pages.
    "platform:fleet": line(GET=PLATFORM),
    "platform:live": line(GET=PLATFORM),
    "platform:stuck": line(GET=PLATFORM, POST=PLATFORM),
    "platform:drift": line(GET=PLATFORM),
    "platform:templates": line(GET=PLATFORM),
    "platform:scorecard": line(GET=PLATFORM),
    "platform:table": line(GET=PLATFORM),
    "platform:actions": line(GET=PLATFORM, POST=PLATFORM),
    "platform:runs": line(GET=PLATFORM),
    "platform:run": line(GET=PLATFORM),
    "platform:run-live": line(GET=PLATFORM),
    "platform:see-as": line(GET=PLATFORM, POST=PLATFORM),
    "platform:see-as-end": line(POST=PLATFORM),
    "platform:access": line(GET=PLATFORM, POST=PLATFORM),
    "platform:run-turn": line(POST=PLATFORM, body={"do": "stop"}),
    "platform:announcements": line(GET=PLATFORM),
    "platform:new-announcement": line(GET=PLATFORM, POST=PLATFORM),
    "platform:announcement": line(GET=PLATFORM, POST=PLATFORM),
    "platform:end-announcement": line(POST=PLATFORM),
    # API.
    "api:projects": line(GET=SIGNED_IN, POST=SIGNED_IN),
    "api:project": line(GET=SEE, PUT=CHANGE, PATCH=CHANGE, DELETE=CHANGE, headers=ANY_STATE),
    "api:project-data": line(GET=SEE),
    "api:ask-for-data": line(POST=CHANGE),
    "api:consents": line(GET=SIGNED_IN),
    "api:answer-together": line(POST=SIGNED_IN),
    "api:consent": line(GET=TEAM),
    "api:give-consent": line(POST=OTHERS_ASK),
    "api:reject-consent": line(POST=OTHERS_ASK, body={"why": "Faces are in it."}),
    "api:withdraw-consent": line(POST=END_CONSENT, body={"why": "It was found wrong."}),
    "api:data-stores": line(GET=SIGNED_IN),
    "api:take-over": line(GET=SEE, POST=SEE),
    "api:offers": line(GET=SIGNED_IN),
    "api:resources": line(GET=SEE),
    "api:look": line(POST=WORK),
    "api:suspend": line(POST=OPERATE, body={"because": "Night work."}),
    "api:resume": line(POST=OPERATE, body={"because": "Night work."}),
    "api:members": line(GET=SEE),
    "api:leave": line(POST=SEE),
    "api:activity": line(GET=SEE),
    "api:access": line(GET=SEE),
    "api:access-of": line(GET=SEE),
    "api:events": line(GET=SEE),
    "api:project-requests": line(GET=SEE),
    "api:usage": line(GET=SEE),
    "api:reports": line(GET=SEE, POST=MACHINES),
    "api:report": line(GET=SEE),
    "api:trainings": line(GET=SEE, POST=TRAIN),
    "api:scorecard": line(GET=SEE),
    "api:plot": line(GET=SEE),
    "api:credentials": line(GET=SEE),
    "api:rotate-credential": line(POST=CHANGE),
    "api:end-old-credential": line(POST=CHANGE),
    "api:reveal-credential": line(POST=SHOWN),
    "api:requests": line(GET=SIGNED_IN),
    "api:request": line(GET=SEE_REQUEST),
    "api:approve": line(POST=DECIDE, body={"revision": 1}),
    "api:reject": line(POST=DECIDE, body={"comment": "Too large.", "revision": 1}),
    "api:ask-for-changes": line(POST=DECIDE, body={"text": "Smaller?", "revision": 1}),
    "api:comments": line(GET=SEE_REQUEST, POST=SEE_REQUEST, body={"text": "Why?"}),
    "api:revise": line(POST=REVISE, body=OTHER_WORDS),
    "api:decide-together": line(POST=SIGNED_IN),
    "api:stand-ins": line(GET=SIGNED_IN, POST=NAME_STAND_IN, body=A_STAND_IN),
    "api:stand-in": line(DELETE=NOBODY_S),
    "api:withdraw": line(POST=TAKE_BACK),
    "api:plans": line(GET=SIGNED_IN),
    "api:teams": line(GET=SIGNED_IN, POST=TEAM_NEW, body={"slug": "radar", "name": "Radar", "because": "It is new."}),
    "api:team": line(
        GET=TEAM,
        PATCH=TEAM_CHANGE,
        DELETE=TEAM_CHANGE,
        body={"because": "Less is used.", "budget": 5},
        headers=ANY_STATE,
    ),
    "api:targets": line(GET=SIGNED_IN),
    "api:platform-fleet": line(GET=PLATFORM),
    "api:platform-stuck": line(GET=PLATFORM),
    "api:platform-drift": line(GET=PLATFORM),
    "api:platform-templates": line(GET=PLATFORM),
    "api:platform-scorecard": line(GET=PLATFORM),
    "api:platform-runs": line(GET=PLATFORM, POST=PLATFORM),
    "api:platform-run": line(GET=PLATFORM),
    "api:platform-run-items": line(GET=PLATFORM),
    "api:platform-run-start": line(POST=PLATFORM),
    "api:platform-run-pause": line(POST=PLATFORM),
    "api:platform-run-stop": line(POST=PLATFORM),
    "api:announcements": line(GET=SIGNED_IN),
    "api:platform-see-as": line(GET=PLATFORM),
    "api:platform-access": line(GET=PLATFORM),
    "api:platform-end-access": line(POST=PLATFORM, body=AN_ACCOUNT),
    "api:platform-give-back-access": line(POST=PLATFORM, body=AN_ACCOUNT),
    "api:platform-announcements": line(GET=PLATFORM, POST=PLATFORM),
    "api:platform-announcement": line(GET=PLATFORM, PUT=PLATFORM),
    "api:platform-end-announcement": line(POST=PLATFORM),
    "api:directory": line(GET=SIGNED_IN),
    "api:directory-state": line(GET=SIGNED_IN),
    "api:me": line(GET=SIGNED_IN),
    "api:notices": line(GET=SIGNED_IN),
    "api:read-notices": line(POST=SIGNED_IN, body={"until": 1}),
    "api:notifications": line(GET=SIGNED_IN, PUT=SIGNED_IN, body={"zone": "Europe/Stockholm"}),
    "portal-api:tokens": line(GET=SIGNED_IN, POST=IN_PERSON),
    "portal-api:token": line(DELETE=OWN_TOKEN),
    "portal-api:schema": line(GET=OPEN),
}


def addresses() -> dict[str, URLPattern]:
    """Every address of the site by its full name, those of `admin_addresses` apart: one gate is before them all."""
    return dict(_walk(get_resolver(), ""))


def admin_addresses() -> list[str]:
    """Every address of Django's admin below /admin/, with a 1 for each part that is chosen, also what leads nowhere."""
    (site,) = (one for one in get_resolver().url_patterns if getattr(one, "app_name", "") == "admin")
    return sorted({"/admin/" + re.sub(r"<[^>]+>", "1", path) for path in _paths(site)})


def _paths(resolver: URLResolver) -> Iterator[str]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from (f"{one.pattern}{rest}" for rest in _paths(one))
        else:
            yield re.sub(r"\(\?P(<\w+>)[^)]*\)|[\^$]|\\Z", r"\1", str(one.pattern))


def _walk(resolver: URLResolver, space: str) -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            if one.app_name != "admin":
                yield from _walk(one, f"{one.namespace}:" if one.namespace else space)
        else:
            yield f"{space}{one.name or one.pattern}", one
