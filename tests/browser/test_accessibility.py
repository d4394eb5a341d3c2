"""What only comes behind a button or without a session: reviews, faults, answers that are shown once.

Looked at as in `test_every_page.py`, which opens every address; here somebody presses something first.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests import live
from tests.browser import browsing
from tests.browser.browsing import axe, sign_in, wrong_in_any_look
from tests.browser.conftest import Visitor
from tests.contract.stack import unique

Found = dict[str, list[str]]


@pytest.fixture(scope="module")
def waiting_request(base: str) -> Iterator[int]:
    """Number of a request of alice's that waits for the platform team; withdrawn at the end."""
    answer = live.ask(unique("asked"), plan="gpu", title="Sign reader")
    assert answer.status_code == 202, answer.text
    number = int(answer.json()["request"]["id"])
    yield number
    live.api("alice").post(f"requests/{number}/withdraw/", json={})


def test_before_sign_in(visitor: Visitor) -> None:
    found: Found = {}
    with visitor(None) as seen:
        for path in ("/sign-in/", "/break-glass/"):
            assert seen.go(path) == 200
            found[path] = wrong_in_any_look(seen.page)
    assert wrong_of(found) == {}


def test_a_new_project_filled_reviewed_and_refused(visitor: Visitor) -> None:
    found: Found = {}
    with visitor("alice") as seen:
        page = seen.page
        seen.go("/")
        page.locator(".sw-menu summary").click()
        found["menu"] = wrong_in_any_look(page)

        seen.go("/projects/new/")
        free = unique("lanes")
        page.get_by_label("Title").fill(free)
        expect(page.locator("#plan")).to_contain_text(f"ml-{free}")
        page.get_by_label("Add a person or group").fill("vis")
        expect(page.locator("#found")).to_contain_text("ml-vision")
        found["filled, with what the directory found"] = wrong_in_any_look(page)
        page.get_by_label("Add a person or group").fill("")
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#go")).to_be_visible()
        found["review"] = wrong_in_any_look(page)

        seen.go("/projects/new/")
        page.get_by_label("Title").fill("Kube system")
        page.get_by_label("Add a person or group").fill("system:masters")
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#summary")).to_be_visible()
        found["faults"] = wrong_in_any_look(page)
    assert wrong_of(found) == {}


def test_a_project_changed_shown_and_retired(visitor: Visitor, ready_project: str) -> None:
    found: Found = {}
    inside = f"/projects/{ready_project}/"
    with visitor("alice") as seen:
        page = seen.page
        seen.go(inside + "edit/")
        page.get_by_label("medium").check()
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#go")).to_be_visible()
        found["review of a change"] = wrong_in_any_look(page)

        seen.go(inside + "people/change/")
        page.get_by_label("Add a person or group").fill("charlie@corp.example")
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#go")).to_be_visible()
        found["review of people"] = wrong_in_any_look(page)
        seen.go(inside + "people/?who=charlie@corp.example")
        found["why not"] = wrong_in_any_look(page)

        seen.go(inside + "credentials/")
        page.locator("#show-bucket").click()
        expect(page.locator("#secret")).to_be_visible()
        found["secret"] = wrong_in_any_look(page)

        seen.go(inside + "settings/")
        page.get_by_text("Retire this project").click()
        page.locator("#typed").fill(ready_project)
        page.get_by_role("button", name="Preview the removal").click()
        expect(page.locator("#data_typed")).to_be_visible()
        found["retire"] = wrong_in_any_look(page)

        seen.go("/account/")
        page.get_by_role("button", name="Make a token").click()
        expect(page.locator("#summary")).to_be_visible()
        found["token without a name"] = wrong_in_any_look(page)
        page.locator("#token-name").fill(unique("looked-at"))
        page.get_by_role("button", name="Make a token").click()
        expect(page.locator("#token")).to_be_visible()
        found["token"] = wrong_in_any_look(page)
    assert wrong_of(found) == {}


def test_what_the_platform_team_decides_and_starts(visitor: Visitor, ready_project: str, waiting_request: int) -> None:
    found: Found = {}
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/requests/")
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Reject the chosen").click()
        expect(page.locator("#summary")).to_be_visible()
        expect(page.get_by_role("checkbox").first).to_be_checked()
        found["decided together, without a reason"] = wrong_in_any_look(page)
        seen.go(f"/requests/{waiting_request}/")
        page.locator("#ask-changes").click()
        expect(page.locator("#comment-error")).to_be_visible()
        found["question without words"] = wrong_in_any_look(page)
        page.locator("#comment").fill("Until when?")
        page.locator("#ask-changes").click()
        expect(page.locator("main")).to_contain_text("Changes were asked for")
        found["changes asked for"] = wrong_in_any_look(page)

        seen.go("/teams/vision/edit/")
        page.locator("#team-budget").fill("many")
        page.locator("#team-because").fill("To see how it looks.")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#summary")).to_be_visible()
        found["team, with faults"] = wrong_in_any_look(page)
        page.locator("#team-budget").fill("1")
        page.locator("#id-add_group").fill("vis")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#found")).to_contain_text("ml-vision")
        found["team, a group searched"] = wrong_in_any_look(page)
        for group in ("ml-speech", "nobody-knows-it"):
            page.locator("#id-add_group").fill(group)
            page.get_by_role("button", name="Add", exact=True).click()
            expect(page.locator(f"input[name=group][value={group}]")).to_have_count(1)
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#does")).to_be_visible()
        found["team, previewed"] = wrong_in_any_look(page)

        live.api("charlie").get("me/").raise_for_status()
        seen.go("/platform/access/?q=charlie@corp.example")
        expect(page.locator("#what")).to_have_text("charlie@corp.example")
        found["access, what would end"] = wrong_in_any_look(page)
        page.locator("#end").click()
        expect(page.locator("#summary")).to_be_visible()
        found["access, without a reason"] = wrong_in_any_look(page)

        seen.go("/platform/actions/")
        page.locator("#preview").click()
        expect(page.locator("#summary")).to_be_visible()
        found["run, with faults"] = wrong_in_any_look(page)
        page.get_by_label(f"Choose {ready_project}").check()
        page.get_by_label("Action").select_option(label="Look again")
        page.locator("#because").fill("To see how it looks.")
        page.locator("#preview").click()
        page.locator("#all").click()
        expect(page.locator("#poll[hx-get]")).to_have_count(0)
        found["run, done"] = wrong_in_any_look(page)
    assert wrong_of(found) == {}


def test_seeing_as_somebody_else(browser: Browser, base: str, ready_project: str) -> None:
    found: Found = {}
    with browsing.visit(browser, base) as seen:
        page = seen.page
        sign_in(seen, "paula", path="/platform/see-as/")
        page.get_by_role("button", name="See as this person").click()
        expect(page.locator("#summary")).to_be_visible()
        found["see as nobody"] = wrong_in_any_look(page)
        page.get_by_label("Account").fill("alice@corp.example")
        page.get_by_label("Reason").fill("To see how it looks.")
        page.get_by_role("button", name="See as this person").click()
        expect(page.locator("#see-as-end")).to_be_visible()
        found["seen as alice"] = wrong_in_any_look(page)
        seen.go(f"/projects/{ready_project}/")
        page.get_by_role("button", name="Look again", exact=True).click()
        expect(page.locator("main")).to_contain_text("read-only")
        found["refused"] = wrong_in_any_look(page)
        assert seen.wrongs == []
    assert wrong_of(found) == {}


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


def wrong_of(found: Found) -> Found:
    """Only what was found wrong, by the state that it was found in."""
    return {state: faults for state, faults in found.items() if faults}
