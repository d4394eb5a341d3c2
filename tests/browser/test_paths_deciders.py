"""The main paths of who decides beside the platform team: an approver, and a stand-in. With script and without."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests import live
from tests.browser.browsing import tab_to, wrong_in_any_look
from tests.browser.conftest import Asker, Visitor

APPROVER = "ulf.forsberg"
"""Of the group that the rule `prod-asks` of the stack's catalogue asks: in no team, and without a project."""
SCRIPT_AND_WIDTH = [(True, 1280), (False, 390)]


def wanted(asked: Asker) -> tuple[str, int]:
    """A request of alice's about which the approver's group is asked."""
    return asked(plan="small", environment="prod")


@pytest.fixture
def stand_in(base: str) -> Iterator[None]:
    """Charlie, who sees nothing by himself, decides in paula's place today and tomorrow."""
    # Only who has signed in can be named.
    live.api("charlie").get("me/").raise_for_status()
    day = datetime.now(UTC).date()
    days = {"begins": day.isoformat(), "ends": (day + timedelta(days=1)).isoformat()}
    answer = live.api("paula").post("requests/stand-ins/", json={"account": "charlie@corp.example", **days})
    assert answer.status_code == 201, answer.text
    yield
    live.api("paula").delete(f"requests/stand-ins/{answer.json()['id']}/").raise_for_status()


def opened_from_the_inbox(page: Page, slug: str) -> None:
    """From the list of what is to decide to the one request, and what is asked for is there to read."""
    page.get_by_role("link", name=f"New project {slug.capitalize()}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"New project {slug.capitalize()}")
    expect(page.get_by_role("region", name="What was asked for").locator(".sw-plan li").first).to_be_visible()
    expect(page.get_by_role("group", name="Difference in profile.yaml")).to_contain_text(slug)


def answered(page: Page, button: str, words: str) -> None:
    """By keyboard, and without words at first: the page says that they are missing. Then with them."""
    tab_to(page, button)
    page.keyboard.press("Enter")
    expect(page.locator("#comment-error")).to_be_visible()
    page.locator("#comment").fill(words)
    page.locator(f"#{button}").click()


@pytest.mark.parametrize(("script", "width"), SCRIPT_AND_WIDTH)
def test_an_approver_without_a_project_asks_for_changes_and_approves(
    visitor: Visitor, asked: Asker, script: bool, width: int
) -> None:
    slug, number = wanted(asked)
    address = f"/requests/{number}/"
    with visitor(APPROVER, script=script, width=width) as seen:
        page = seen.page
        seen.go("/")
        needs = page.get_by_role("region", name="Needs you")
        expect(needs).to_contain_text(f"{slug.capitalize()}: alice@corp.example asks for it")
        needs.get_by_role("link", name=slug.capitalize(), exact=True).click()
        expect(page).to_have_url(seen.base + address)
        expect(page.get_by_role("region", name="Decide")).to_contain_text("prod-asks")
        answered(page, "ask-changes", "Who may read its data?")
        expect(page.locator("main")).to_contain_text("It waits for alice@corp.example")
        seen.go("/requests/")
        expect(page.get_by_role("link", name=f"New project {slug.capitalize()}")).to_have_count(0)

    live.api("alice").post(f"requests/{number}/comments/", json={"text": "The team alone."}).raise_for_status()

    with visitor(APPROVER, script=script, width=width) as seen:
        page = seen.page
        seen.go("/requests/")
        opened_from_the_inbox(page, slug)
        expect(page.get_by_role("region", name="Conversation")).to_contain_text("The team alone.")
        page.get_by_label("Reason or question").fill("Fine for a year.")
        tab_to(page, "approve")
        page.keyboard.press("Enter")
        expect(page.locator("#word")).to_have_text("Approved")
        assert seen.go(f"/projects/{slug}/") == 404
    live.ready(slug, seconds=120)


@pytest.mark.parametrize(("script", "width"), SCRIPT_AND_WIDTH)
def test_an_approver_rejects_with_a_reason(visitor: Visitor, asked: Asker, script: bool, width: int) -> None:
    slug, number = wanted(asked)
    with visitor(APPROVER, script=script, width=width) as seen:
        page = seen.page
        seen.go("/requests/")
        opened_from_the_inbox(page, slug)
        answered(page, "reject", "Try it in test first.")
        expect(page.locator("#word")).to_have_text("Rejected")
        # About others the approver learns nothing.
        assert seen.go("/platform/") == 404
    answer = live.api("alice").get(f"requests/{number}/").json()
    assert (answer["decision"], answer["comment"]) == ("rejected", "Try it in test first.")


@pytest.mark.parametrize(("script", "width"), SCRIPT_AND_WIDTH)
@pytest.mark.usefixtures("stand_in")
def test_a_stand_in_reads_for_whom_and_decides(visitor: Visitor, asked: Asker, script: bool, width: int) -> None:
    slug, _ = asked()
    with visitor("charlie", script=script, width=width) as seen:
        page = seen.page
        seen.go("/")
        expect(page.get_by_role("region", name="Needs you")).to_contain_text(slug.capitalize())
        seen.go("/requests/")
        expect(page.get_by_role("region", name="List of requests")).to_contain_text(
            "You decide for paula@corp.example too, until"
        )
        opened_from_the_inbox(page, slug)
        tab_to(page, "approve")
        page.keyboard.press("Enter")
        expect(page.locator("#word")).to_have_text("Approved")
        expect(page.get_by_role("region", name="Decision")).to_contain_text("by charlie@corp.example")
        seen.go("/requests/stand-ins/")
        expect(page.locator("main")).to_contain_text("charlie@corp.example for paula@corp.example")
        assert seen.go("/platform/") == 404
    live.ready(slug, seconds=120)


@pytest.mark.parametrize("person", [APPROVER, "charlie"])
@pytest.mark.usefixtures("stand_in")
def test_what_they_decide_on_is_for_everybody_who_may_see_it(visitor: Visitor, asked: Asker, person: str) -> None:
    slug, number = wanted(asked)
    found: dict[str, list[str]] = {}
    with visitor(person) as seen:
        page = seen.page
        for path in ("/", "/requests/", "/requests/stand-ins/", f"/requests/{number}/"):
            assert seen.go(path) == 200, path
            found[path] = wrong_in_any_look(page)
        page.locator("#reject").click()
        expect(page.locator("#comment-error")).to_be_visible()
        found["a no without a reason"] = wrong_in_any_look(page)
        page.locator("#comment").fill("Until when?")
        page.locator("#ask-changes").click()
        expect(page.locator("main")).to_contain_text("It waits for alice@corp.example")
        found["changes asked for"] = wrong_in_any_look(page)
        seen.go("/requests/")
        expect(page.get_by_role("link", name=f"New project {slug.capitalize()}")).to_have_count(0)
        found["nothing to decide"] = wrong_in_any_look(page)
    assert {state: faults for state, faults in found.items() if faults} == {}
