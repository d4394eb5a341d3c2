"""The main paths of who decides beside the platform team: an approver, a stand-in, and whose data others ask for.

With script and without.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests import live
from tests.browser.browsing import tab_to, wrong_in_any_look
from tests.browser.conftest import Asker, Visitor
from tests.contract.stack import eventually, unique
from tests.directory import doors

APPROVER = "ulf.forsberg"
"""Of the group that the rule `prod-asks` of the stack's catalogue asks: in no team, and without a project."""
DATA_OWNER = "sofia.lindqvist"
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


@pytest.fixture(scope="module")
def lanes(base: str) -> Iterator[None]:
    """A project in team vision of sofia's, who by that decides about the team's data."""
    slug, sofia = unique("lanes"), doors.api(DATA_OWNER)
    sofia.post("projects/", json={"slug": slug, "team": "vision"}).raise_for_status()
    yield
    state = eventually(lambda: sofia.get(f"projects/{slug}/")).headers["ETag"]
    params = {"remove_data": "true", "confirm": slug}
    sofia.request("DELETE", f"projects/{slug}/", params=params, headers={"If-Match": state}).raise_for_status()


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


def test_a_stand_in_is_named_and_ended(visitor: Visitor) -> None:
    live.api("charlie").get("me/").raise_for_status()
    day = datetime.now(UTC).date()
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/requests/stand-ins/")
        page.get_by_label("Account name").press_sequentially("charl")
        expect(page.locator("#people option[value='charlie@corp.example']")).to_have_count(1)
        page.get_by_label("Account name").fill("charlie@corp.example")
        page.get_by_label("First day").fill((day + timedelta(days=30)).isoformat())
        page.get_by_label("Last day").fill((day + timedelta(days=29)).isoformat())
        page.get_by_role("button", name="Name the stand-in").click()
        expect(page.locator("#ends-error")).to_be_visible()
        page.get_by_label("Last day").fill((day + timedelta(days=31)).isoformat())
        page.get_by_role("button", name="Name the stand-in").click()
        named = page.get_by_role("listitem").filter(has_text="charlie@corp.example for paula@corp.example")
        expect(named).to_be_visible()
        named.get_by_role("button", name="End charlie@corp.example").click()
        expect(named).to_have_count(0)


@pytest.mark.usefixtures("lanes")
def test_a_team_lets_a_project_read_its_data_and_takes_it_back(visitor: Visitor, ready_project: str) -> None:
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    live.change(ready_project, options={"data": {"read": ["winter-roads"], "until": until}})
    with visitor(DATA_OWNER, script=False, width=390) as seen:
        page = seen.page
        seen.go("/")
        needs = page.get_by_role("region", name="Needs you").get_by_role("listitem").filter(has_text="winter-roads")
        needs.get_by_role("link").first.click()
        expect(page.get_by_role("region", name="What is asked")).to_contain_text(ready_project)
        tab_to(page, "reject")
        page.keyboard.press("Enter")
        expect(page.locator("#why-error")).to_be_visible()
        page.locator("#give").click()
        expect(page.locator("#word")).to_have_text("Approved")
        page.get_by_label("Reason").fill("Faces are in it.")
        page.locator("#withdraw").click()
        expect(page.locator("#word")).to_have_text("Withdrawn")
        expect(page.get_by_role("region", name="What happened")).to_contain_text("Faces are in it.")
    live.change(ready_project, options={"data": None})
