"""Every page, light and dark, wide and narrow: nothing for axe-core to say, no CSP violation, nobody else asked."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import live
from tests.browser.browsing import Visit, axe, sideways
from tests.browser.conftest import Visitor
from tests.contract.stack import unique


@pytest.fixture(scope="module")
def waiting_request(base: str) -> Iterator[str]:
    """Number of a request of alice's that waits for the platform team; withdrawn at the end."""
    answer = live.ask(unique("asked"), plan="gpu", title="Sign reader")
    assert answer.status_code == 202, answer.text
    number = str(answer.json()["request"]["id"])
    yield number
    live.api("alice").post(f"requests/{number}/withdraw/")


def look(seen: Visit, name: str, found: dict[str, list[str]]) -> None:
    """Note what is wrong with the page that is open, folded and with every fold open."""
    faults = axe(seen.page)
    seen.page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    faults += axe(seen.page)
    faults += ["scrolls sideways"] if sideways(seen.page) else []
    if faults:
        found[name] = faults


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(
    visitor: Visitor, ready_project: str, waiting_request: str, scheme: str, width: int
) -> None:
    found: dict[str, list[str]] = {}
    with visitor(None, scheme=scheme, width=width) as seen:
        for path in ("/sign-in/", "/break-glass/"):
            assert seen.go(path) == 200
            look(seen, path, found)
    with visitor("charlie", scheme=scheme, width=width) as seen:
        for path, status in (("/", 200), (f"/projects/{ready_project}/", 404)):
            assert seen.go(path) == status
            look(seen, f"charlie {path}", found)
    with visitor("paula", scheme=scheme, width=width) as seen:
        for path in ("/requests/", f"/requests/{waiting_request}/"):
            assert seen.go(path) == 200
            look(seen, f"paula {path}", found)
    with visitor("alice", scheme=scheme, width=width) as seen:
        page = seen.page
        inner = [f"/projects/{ready_project}/{tab}/" for tab in ("resources", "people", "activity", "settings")]
        for path in ("/", "/projects/new/", f"/projects/{ready_project}/", *inner, "/requests/?show=all", "/help/"):
            assert seen.go(path) == 200
            look(seen, path, found)
        page.locator(".sw-menu summary").click()
        look(seen, "menu", found)

        seen.go("/projects/new/")
        free = unique("lanes")
        page.get_by_label("Title").fill(free)
        expect(page.locator("#plan")).to_contain_text(f"ml-{free}")
        look(seen, "new, filled", found)
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#go")).to_be_visible()
        look(seen, "review", found)
        seen.go("/projects/new/")
        page.get_by_label("Title").fill("Kube system")
        page.get_by_label("Add a person or group").fill("system:masters")
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#summary")).to_be_visible()
        look(seen, "new, with faults", found)

        seen.go(f"/projects/{ready_project}/edit/")
        page.get_by_label("medium").check()
        look(seen, "edit", found)
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#go")).to_be_visible()
        look(seen, "review of a change", found)
        seen.go(f"/projects/{ready_project}/people/change/")
        page.get_by_label("Add a person or group").fill("charlie@corp.example")
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#go")).to_be_visible()
        look(seen, "review of people", found)
        seen.go(f"/projects/{ready_project}/people/?who=charlie@corp.example")
        look(seen, "why not", found)
        seen.go(f"/projects/{ready_project}/settings/")
        page.get_by_text("Retire this project").click()
        page.locator("#typed").fill(ready_project)
        page.get_by_role("button", name="Preview the removal").click()
        expect(page.locator("#data_typed")).to_be_visible()
        look(seen, "retire", found)
    assert found == {}


def test_the_narrowest_phone_needs_no_sideways_scrolling(visitor: Visitor, ready_project: str) -> None:
    with visitor("alice", width=320) as seen:
        wide = []
        inner = [f"/projects/{ready_project}/{tab}/" for tab in ("resources", "people", "activity", "settings")]
        for path in ("/", "/projects/new/", f"/projects/{ready_project}/", *inner, "/requests/?show=all", "/help/"):
            seen.go(path)
            seen.page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
            wide += [path] if sideways(seen.page) else []
    assert wide == []


def test_the_checks_notice_a_page_that_breaks_the_rules(visitor: Visitor) -> None:
    with visitor("alice") as seen:
        seen.go("/help/")
        seen.page.evaluate(
            """() => {
                const image = document.createElement("img");
                image.src = "https://elsewhere.example/pixel.png";
                document.querySelector("main").append(image);
                document.querySelector("main").setAttribute("style", "width: 3000px");
            }"""
        )
        assert [fault.split(" ")[0] for fault in axe(seen.page)] == ["image-alt"]
        noticed = " ".join(seen.wrongs)
        assert "CSP img-src https://elsewhere.example/pixel.png" in noticed
        seen.wrongs.clear()
