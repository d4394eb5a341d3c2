"""Fixtures: the browser, people who are signed in, and a project that is Ready."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests import live
from tests.browser import browsing
from tests.browser.browsing import Visit
from tests.contract.stack import unique

Visitor = Callable[..., AbstractContextManager[Visit]]
Asker = Callable[..., tuple[str, int]]
"""From what is asked for to the name of the project and the number of the request."""


@pytest.fixture(scope="module")
def base() -> str:
    """The portal's address; its form finds people and groups."""
    address = browsing.address()
    live.directory_is_read()
    return address


@pytest.fixture(scope="module")
def browser(base: str) -> Iterator[Browser]:
    """Debian's chromium."""
    with browsing.chromium() as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def no_ci(without_ci: None) -> None:
    """No page here shows what CI does with a new project."""


@pytest.fixture(scope="session")
def states() -> dict[str, Any]:
    """Cookies of people who signed in during this run, so that each signs in once."""
    return {}


@pytest.fixture(scope="module")
def visitor(browser: Browser, base: str, states: dict[str, Any]) -> Visitor:
    """visitor("alice", scheme="dark", width=390): a window in which alice is signed in; None: nobody is."""

    @contextmanager
    def opened(person: str | None, **looks: Any) -> Iterator[Visit]:
        if person is not None and person not in states:
            with browsing.visit(browser, base) as first:
                browsing.sign_in(first, person)
                states[person] = first.context.storage_state()
        with browsing.visit(browser, base, state=states.get(person) if person else None, **looks) as seen:
            yield seen
            assert seen.wrongs == []

    return opened


@pytest.fixture(scope="module")
def ready_project(base: str) -> Iterator[str]:
    """The name of a project of alice's that is Ready; removed at the end, data and all."""
    slug = unique("pages")
    answer = live.ask(slug, title="Demand forecast", description="Finds next week's demand. Retrained weekly.")
    assert answer.status_code == 202, answer.text
    live.ready(slug, seconds=120)
    yield slug
    live.retire(slug)


@pytest.fixture
def asked(base: str) -> Iterator[Asker]:
    """asked(plan="large"): a request of alice's that waits. What became of them is removed at the end."""
    made: list[tuple[str, int]] = []

    def ask(**spec: Any) -> tuple[str, int]:
        slug = unique("asked")
        answer = live.ask(slug, title=slug.capitalize(), **(spec or {"plan": "large"}))
        assert answer.status_code == 202, answer.text
        made.append((slug, int(answer.json()["request"]["id"])))
        return made[-1]

    yield ask
    for slug, number in made:
        live.api("alice").post(f"requests/{number}/withdraw/", json={})
        live.retire(slug)
