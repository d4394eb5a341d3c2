"""The same wish by each of the three doors, and what each of them answered, for tests that compare doors."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projects.models import Delivery, RegisteredRepository
from tests.people import bearer, client, person
from tests.projects.file_door import NAME, PushedForge, look

DOORS = ("api", "form", "file")
API = "/api/v1"
ANY = {"If-Match": "*"}
"""Whatever the generation is."""
SMALL: Mapping[str, Any] = {"slug": "demand", "team": "forecasting"}


@dataclass(frozen=True)
class Answer:
    """What a door said. `faults` has (field, code) where the door tells them."""

    accepted: bool
    said: str
    faults: frozenset[tuple[str, str]] = frozenset()


def ask(door: str, wish: Mapping[str, Any], *, who: str = "alice") -> Answer:
    """Ask for a new project with exactly this wish."""
    return {"api": _by_api, "form": _by_form, "file": _by_file}[door](wish, who)


def call(method: str, path: str, body: Any = None, *, who: str = "alice", headers: Any = None, **extra: Any) -> Any:
    """Call the REST API, by a path below its version; the answer, whatever it is."""
    data = body if isinstance(body, str | bytes) else json.dumps({} if body is None else body)
    extra.setdefault("content_type", "application/json")
    return getattr(bearer(who), method)(f"{API}{path}", data=data, headers=headers or {}, **extra)


def text(page: Any) -> str:
    """What one reads of a page, without marks and double spaces."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())))


def _by_api(wish: Mapping[str, Any], who: str) -> Answer:
    answer = bearer(who).post("/api/v1/projects/", data=json.dumps(wish), content_type="application/json")
    errors = answer.json().get("errors", [])
    assert answer.status_code in (202, 400, 422), answer.content
    return Answer(
        accepted=answer.status_code == 202,
        said=" ".join(f"{one['field']}: {one['message']}" for one in errors),
        faults=frozenset((one["field"], one["code"]) for one in errors),
    )


def _by_form(wish: Mapping[str, Any], who: str) -> Answer:
    page = client(who).post("/projects/new/", {**form_fields(wish), "do": "create"})
    assert page.status_code in (302, 422), page.status_code
    return Answer(accepted=page.status_code == 302, said=text(page))


def form_fields(wish: Mapping[str, Any]) -> dict[str, Any]:
    """What a browser would send for this wish."""
    sent = {name: value for name, value in wish.items() if name not in ("contributors", "options")}
    people = wish.get("contributors", [])
    sent["subject"] = [f"group:{one['group']}" if "group" in one else f"user:{one['user']}" for one in people]
    sent["role"] = [one.get("role", "viewer") for one in people]
    sent["until"] = [one.get("until", "") for one in people]
    for kind, options in wish.get("options", {}).items():
        sent |= {f"options.{kind}.{name}": value for name, value in options.items()}
    return sent


def _by_file(wish: Mapping[str, Any], who: str) -> Answer:
    # What is JSON is YAML as well.
    return push(json.dumps(wish, indent=1).encode(), who=who)


def push(content: bytes, *, who: str = "alice", forge: PushedForge | None = None) -> Answer:
    """Push these bytes as profile.yaml, to this forge or a fresh one, and have the worker look."""
    for name in ("alice", "bob", "charlie", "paula"):
        person(name)
    forge = forge or PushedForge()
    if NAME not in forge.repositories:
        forge.have_repository()
    row, _ = RegisteredRepository.objects.get_or_create(forge="git-1", full_name=NAME)
    delivery = Delivery.objects.create(repository=row, delivery_id=f"d-{row.deliveries.count()}", event="push")
    sha = forge.push(who, {"profile.yaml": content})
    look(forge, row)
    delivery.refresh_from_db()
    said = forge.said(sha)
    assert said is not None
    return Answer(accepted=said[0] == "pending", said=delivery.outcome)
