"""What the tests of pages share: reading a page as a person and as a browser without script, and sample projects."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.utils import timezone

from projects import actions
from projects.installation import installation
from projects.models import Door, Project
from provisioning.conditions import Condition, Status
from provisioning.errors import Reason
from provisioning.models import Resource
from tests.people import person
from tests.usual import usual_kinds


class _Fields(HTMLParser):
    """What a browser would send of each form: hidden fields, texts, what is chosen. Buttons are pressed apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[list[tuple[str, str]]] = []
        self._select: str | None = None
        self._textarea: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = {name: value or "" for name, value in attrs}
        name = one.get("name", "")
        if tag == "form":
            self.forms.append([])
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in one):
            self.forms[-1].append((self._select, one.get("value", "")))
        elif tag == "textarea":
            self.forms[-1].append((name, ""))
        elif tag == "input" and name and self.forms:
            if one.get("type") in ("checkbox", "radio") and "checked" not in one:
                return
            self.forms[-1].append((name, one.get("value", "on" if one.get("type") == "checkbox" else "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None


def fields(page: Any, *, holding: str) -> dict[str, list[str]]:
    """The fields of the form that has a field of this name, as they would be sent."""
    found = next(form for form in _Fields(page.content.decode()).forms if any(name == holding for name, _ in form))
    sent: dict[str, list[str]] = {}
    for name, value in found:
        sent.setdefault(name, []).append(value)
    return sent


def text(page: Any) -> str:
    """What one reads, without marks and double spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode())).replace("&#x27;", "'")


def ask(slug: str = "demand", who: str = "alice", **changes: Any) -> actions.Asked:
    data = {"slug": slug, "team": "forecasting", **changes}
    return actions.create(data, by=person(who), door=Door.API, installation=installation())


def project_of(asked: actions.Asked) -> Project:
    assert asked.project is not None
    return asked.project


def settle(project: Project, **held: tuple[Status, Reason, str]) -> None:
    """As the engine leaves a project: every Kind available, but for those in `held`."""
    now = timezone.now()
    for name, kind in usual_kinds().items():
        status, reason, message = held.get(name, (Status.TRUE, Reason.AVAILABLE, ""))
        ready = Condition(status, reason, message or f"{kind.title} is there", now)
        row = Resource(project=project, kind=name, target="cluster-north", applied=True, last_look=now)
        row.set_conditions(synced=Condition(status, reason, message, now), ready=ready)
        row.save()
    settled = {"observed_generation": project.generation, "next_look_at": now + timedelta(minutes=10)}
    Project.objects.filter(pk=project.pk).update(**settled, ready_at=None if held else now)


NEW = {"title": "Demand forecast", "team": "forecasting", "plan": "small"}


def press(browser: Client, do: str, **typed: Any) -> Any:
    return browser.post("/projects/new/", {**NEW, **typed, "do": do})
