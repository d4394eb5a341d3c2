"""Every page of the URL map, as each person who may see it: light and dark, wide and narrow, folded and unfolded.

Nothing for axe-core to say (WCAG 2.2 AA), nothing that scrolls sideways, no CSP violation, nobody else asked. The list
is that of the permission matrix, so a page that is added is looked at here without another line.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from playwright.sync_api import Route, expect

from tests import live
from tests.browser.browsing import LOOKS, NARROWEST, TWO_LOOKS, sideways, wrong_in_any_look
from tests.browser.conftest import Visitor
from tests.ci import MAE, REPORT
from tests.rights import READS, TABLE, addresses

STANDS_FOR = {
    "alice": {"owner", "member"},
    "bob": {"member"},
    "charlie": {"stranger"},
    "paula": {"admin"},
}
SEE_MOST = ("alice", "paula")
"""What the others see is made of the same parts, so two looks at it are enough."""
NO_PAGE = {
    "healthz",
    "readyz",
    "profile-schema",
    "django_auth_adfs:login",
    "django_auth_adfs:callback",
    "projects:live",
    "projects:names",
    "projects:directory",
    "platform:live",
    "platform:table",
    "platform:run-live",
    "projects:plot",
}
"""Answers for programs, pictures, parts of a page, and the way to the identity provider."""
NOT_NOW = {("bob", "projects:leave"), ("paula", "projects:leave")}
"""Who may open what but has nothing to do there: they hold no role that they could give up."""
REFUSED = (
    ("alice", "/nowhere/", 404),
    ("alice", "/announcements/1/put-away/", 405),
    (None, "/oauth2/callback?state=x", 400),
)
"""Addresses that lead to no page of their own."""
FAILED = (("500.html", {"status": 500}), ("500.html", {"status": 503}), ("auth/unavailable.html", {}))
"""Pages of a portal that is not well. What this one is too well to show is drawn here, and put in its place."""
A4 = 718
"""Pixels of the sheet's width between usual margins."""
Where = Callable[[str], str]
"""From an address's name to the path of the page about the things that the tests have made."""
PAGES = [
    name
    for name, line in TABLE.items()
    if set(READS) & set(line.gates) and name not in NO_PAGE and not name.startswith(("api:", "portal-api:"))
]


@pytest.fixture(scope="module")
def two_owners(ready_project: str) -> None:
    """Alice may leave that project: it has another owner, whom no other test looks at it as."""
    owners = [{"user": f"{one}@corp.example", "role": "owner"} for one in ("alice", "erik.vastberg")]
    live.change(ready_project, contributors=owners)


@pytest.fixture(scope="module")
def consent(ready_project: str) -> Iterator[int]:
    """Number of the question whether that project may read data of team vision; not wanted any more at the end."""
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    live.change(ready_project, options={"data": {"read": ["winter-roads"], "until": until}})
    (asked,) = live.api("alice").get(f"consents/?project={ready_project}").json()["items"]
    live.ready(ready_project)
    yield int(asked["id"])
    live.change(ready_project, options={"data": None})


@pytest.fixture(scope="module")
def waiting_request(ready_project: str, consent: int) -> Iterator[int]:
    """Number of a change that alice asks for and that waits for the platform team; withdrawn at the end."""
    number = live.change(ready_project, plan="gpu")
    live.api("alice").post(f"requests/{number}/comments/", json={"text": "For the winter run."}).raise_for_status()
    yield number
    live.api("alice").post(f"requests/{number}/withdraw/", json={})


@pytest.fixture(scope="module")
def previewed_run(ready_project: str) -> int:
    """Number of a run over that one project, which nobody starts."""
    wanted = {"action": "look", "because": "To see how it looks.", "projects": [ready_project]}
    answer = live.api("paula").post("platform/runs/", json=wanted)
    assert answer.status_code in (200, 201, 202), answer.text
    return int(answer.json()["id"])


@pytest.fixture(scope="module")
def announcement() -> Iterator[int]:
    """Number of a warning that everybody reads meanwhile."""
    wanted = {"text": "The object store is moved tonight.", "level": "warning", "because": "To see how it looks."}
    answer = live.api("paula").post("platform/announcements/", json={**wanted, "public": True})
    assert answer.status_code == 201, answer.text
    number = int(answer.json()["id"])
    yield number
    live.api("paula").post(f"platform/announcements/{number}/end/", json={"because": "Seen."})


@pytest.fixture(scope="module")
def reported(ready_project: str) -> None:
    """CI has reported twice, the second time with a model that is worse and a behaviour that fails."""
    revealed = live.api("alice").post(f"projects/{ready_project}/credentials/ci-report/reveal/")
    token = revealed.json()["values"]["SLIPWAY_TOKEN"]
    for value, failed in ((0.12, []), (0.31, REPORT["tests"]["failed"])):
        said = {**REPORT, "branch": "main", "pull_request": None, "metrics": [{**MAE, "value": value}]}
        said |= {"commit": f"{int(value * 100):040}", "run": f"every-page-{value}"}
        said |= {"tests": {**REPORT["tests"], "failed": failed}}
        path = f"projects/{ready_project}/reports/"
        answer = live.api("alice").post(path, json=said, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 201), answer.text


@pytest.fixture
def where(ready_project: str, consent: int, waiting_request: int, previewed_run: int, announcement: int) -> Where:
    """The address of each page, about these."""
    parts = {"slug": ready_project, "number": waiting_request, "team": "forecasting", "run": previewed_run}
    parts |= {"announcement": announcement}

    def path(name: str) -> str:
        here = {**parts, "number": consent} if "consent" in name else parts
        return reverse(name, kwargs={part: here[part] for part in addresses()[name].pattern.converters})

    return path


@pytest.mark.parametrize("person", STANDS_FOR)
@pytest.mark.usefixtures("reported", "two_owners")
def test_every_page_is_for_everybody_who_may_see_it(visitor: Visitor, where: Where, person: str) -> None:
    found: dict[str, list[str]] = {}
    denied = 0
    with visitor(person) as seen:
        for name in PAGES:
            gate = TABLE[name].gates["GET"]
            status = seen.go(where(name))
            if gate.open or STANDS_FOR[person] & set(gate.passes):
                # Past the gate a page may say that the state does not allow it.
                assert status == (409 if (person, name) in NOT_NOW else 200), name
            else:
                assert status == (403 if STANDS_FOR[person] & set(gate.sees) else 404), name
                denied += 1
                if denied > 1:
                    continue
            if faults := wrong_in_any_look(seen.page, LOOKS if person in SEE_MOST else TWO_LOOKS):
                found[name] = faults
    assert found == {}


@pytest.mark.usefixtures("reported")
def test_every_page_fits_in_swedish_and_on_paper(visitor: Visitor, where: Where) -> None:
    """Its words are longer than the English ones. What is printed has no bars, tabs and buttons, and fits on A4."""
    found: dict[str, list[str]] = {}
    with visitor("paula", width=NARROWEST) as seen:
        seen.context.add_cookies([{"name": "language", "value": "sv", "url": seen.base}])
        for name in (name for name in PAGES if "admin" in TABLE[name].gates["GET"].passes):
            seen.go(where(name))
            faults = [] if seen.page.locator("html").get_attribute("lang") == "sv" else ["is not Swedish"]
            faults += [f"scrolls sideways at {NARROWEST}"] if sideways(seen.page) else []
            seen.page.emulate_media(media="print")
            seen.page.set_viewport_size({"width": A4, "height": 1123})
            faults += ["does not fit on A4"] if sideways(seen.page) else []
            shown = seen.page.locator(".sw-bar:visible, .sw-tabs:visible, .btn:visible, footer:visible")
            faults += [f"prints {shown.first.inner_text()}"] if shown.count() else []
            seen.page.emulate_media(media="screen")
            seen.page.set_viewport_size({"width": NARROWEST, "height": 900})
            if faults:
                found[name] = faults
    assert found == {}


def test_what_is_shown_instead_of_a_page_is_for_everybody_too(visitor: Visitor) -> None:
    found: dict[str, list[str]] = {}
    for person, path, status in REFUSED:
        with visitor(person) as seen:
            assert seen.go(path) == status, path
            found[path] = wrong_in_any_look(seen.page, TWO_LOOKS)
    with visitor(None) as seen:
        for template, said in FAILED:
            body = render_to_string(template, {**said, "request_id": "2f1c"})
            seen.page.route("**/nowhere/", partial(Route.fulfill, body=body, content_type="text/html"))
            assert seen.go("/nowhere/") == 200
            expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
            found[f"{template} {said}"] = wrong_in_any_look(seen.page, TWO_LOOKS)
    assert {path: faults for path, faults in found.items() if faults} == {}
