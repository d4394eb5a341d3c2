"""The main paths of requests: asked in other words and approved, and many decided at once. With script and without."""

import pytest
from playwright.sync_api import expect

from tests import live
from tests.browser.browsing import tab_to
from tests.browser.conftest import Asker, Visitor


@pytest.mark.parametrize(("script", "width"), [(True, 1280), (False, 390)])
def test_other_words_are_asked_for_given_and_approved(visitor: Visitor, asked: Asker, script: bool, width: int) -> None:
    slug, number = asked()
    address = f"/requests/{number}/"
    with visitor("paula", script=script, width=width) as seen:
        page = seen.page
        seen.go(address)
        tab_to(page, "ask-changes")
        page.keyboard.press("Enter")
        expect(page.locator("#comment-error")).to_be_visible()
        expect(page.locator("#comment")).to_be_focused()
        page.keyboard.type("Until when do you need it?")
        tab_to(page, "ask-changes")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("It waits for alice@corp.example")

    with visitor("alice", script=script, width=width) as seen:
        page = seen.page
        seen.go(address)
        expect(page.get_by_role("listitem").filter(has_text="asks for changes")).to_contain_text("Until when")
        page.get_by_role("link", name="Change the request").click()
        page.locator("#id-description").fill("Needed for the winter season.")
        page.get_by_label("Why do you need it?").fill("Until the end of March.")
        page.locator("#revise").click()
        expect(page).to_have_url(seen.base + address)
        expect(page.locator("#word")).to_have_text("Waits for a decision")

    with visitor("paula", script=script, width=width) as seen:
        page = seen.page
        seen.go(address)
        expect(page.locator("main")).to_contain_text("Revision 1, until alice@corp.example changed it")
        tab_to(page, "approve")
        page.keyboard.press("Enter")
        expect(page.locator("#word")).to_have_text("Approved")
    live.ready(slug, seconds=120)


@pytest.mark.parametrize(("script", "width"), [(True, 1280), (False, 390)])
def test_many_are_decided_at_once_and_each_says_what_came_of_it(
    visitor: Visitor, asked: Asker, script: bool, width: int
) -> None:
    first, second, taken_back = (asked() for _ in range(3))
    with visitor("paula", script=script, width=width) as seen:
        page = seen.page
        seen.go("/requests/")
        for slug, _ in (first, second, taken_back):
            page.get_by_label(f"Choose New project {slug.capitalize()}").check()
        live.api("alice").post(f"requests/{taken_back[1]}/withdraw/", json={}).raise_for_status()
        page.get_by_label("Reason").fill("Agreed at the planning meeting.")
        page.get_by_role("button", name="Reject the chosen").click()
        said = page.get_by_role("status").filter(has_text="What came of your decision").get_by_role("listitem")
        expect(said.filter(has_text=first[0])).to_contain_text("decided")
        expect(said.filter(has_text=second[0])).to_contain_text("decided")
        expect(said.filter(has_text=taken_back[0])).not_to_contain_text("decided")
        expect(page.get_by_label(f"Choose New project {first[0].capitalize()}")).to_have_count(0)
    answer = live.api("alice").get(f"requests/{first[1]}/").json()
    assert answer["comment"] == "Agreed at the planning meeting."
