"""The main paths of somebody's account: how pages look and when they say it is, a token, notices and what of them is
mailed, and the end of all sessions.
"""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests import live
from tests.browser import browsing
from tests.browser.browsing import sign_in, tab_to
from tests.browser.conftest import Asker, Visitor
from tests.contract.stack import unique


@pytest.mark.parametrize("script", [True, False])
def test_zone_and_theme_hold_for_every_page(visitor: Visitor, ready_project: str, script: bool) -> None:
    with visitor("alice", script=script) as seen:
        page = seen.page
        shown = []
        # Two zones without summer time, so that their offsets are the same all year.
        for zone in ("Asia/Tokyo", "America/Phoenix"):
            seen.go("/account/")
            page.get_by_label("Time zone").select_option(zone)
            page.get_by_label("Theme").last.select_option("dark")
            page.get_by_role("button", name="Save").click()
            seen.go(f"/projects/{ready_project}/activity/")
            expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
            shown.append(page.locator("main time").first.get_attribute("datetime") or "")
        tokyo, phoenix = (datetime.fromisoformat(one) for one in shown)
        assert (tokyo.strftime("%z"), phoenix.strftime("%z")) == ("+0900", "-0700")
        assert tokyo.astimezone(UTC) == phoenix.astimezone(UTC)


def test_a_token_is_made_by_keyboard_shown_once_and_removed(visitor: Visitor) -> None:
    name = unique("nightly")
    with visitor("bob") as seen:
        page = seen.page
        seen.go("/account/")
        tab_to(page, "token-name")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=f"Token {name} is made")).to_be_focused()
        token = page.locator("#token").inner_text().strip()
        client = live.api("bob")
        me = client.get("me/", headers={"Authorization": f"Bearer {token}"})
        assert (me.status_code, me.json()["username"]) == (200, "bob@corp.example")
        seen.go("/account/")
        assert token not in page.content()
        page.get_by_role("button", name=f"Remove {name}").click()
        expect(page.get_by_role("button", name=f"Remove {name}")).to_have_count(0)
        assert client.get("me/", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_notices_are_read(visitor: Visitor, asked: Asker) -> None:
    slug, number = asked()
    said = {"text": "Until when do you need it?"}
    live.api("paula").post(f"requests/{number}/comments/", json=said).raise_for_status()
    with visitor("alice") as seen:
        page = seen.page
        seen.go("/")
        page.locator(".sw-menu summary").click()
        page.get_by_role("link", name="Notices").click()
        page.get_by_role("link", name="Unread").click()
        told = page.get_by_role("listitem").filter(has_text=slug)
        expect(told).to_contain_text("Until when do you need it?")
        tab_to(page, "Mark all as read")
        page.keyboard.press("Enter")
        # Leaving while the form is on its way would end it.
        expect(page.get_by_role("button", name="Mark all as read")).to_have_count(0)
        seen.go("/account/notices/?show=unread")
        expect(page.locator("main")).to_contain_text("You have read everything.")
        page.get_by_role("link", name="Show all notices").click()
        told.get_by_role("link").click()
        expect(page).to_have_url(f"{seen.base}/requests/{number}/")


@pytest.mark.parametrize("script", [True, False])
def test_what_is_mailed_is_chosen(visitor: Visitor, script: bool) -> None:
    with visitor("bob", script=script) as seen:
        page = seen.page
        seen.go("/account/notices/")
        page.get_by_role("link", name="Choose what is mailed").click()
        choice = page.get_by_label("A request is decided")
        usual, other = choice.input_value(), choice.locator("option:not([selected])").first.get_attribute("value") or ""
        for wanted in (other, usual):
            choice.select_option(wanted)
            page.get_by_role("button", name="Save").click()
            expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
            expect(choice).to_have_value(wanted)


def test_sign_out_everywhere_ends_the_other_browser_too(browser: Browser, base: str, states: dict[str, Any]) -> None:
    states.pop("charlie", None)
    with browsing.visit(browser, base) as here, browsing.visit(browser, base, width=390) as there:
        for window in (here, there):
            sign_in(window, "charlie")
        here.go("/account/")
        here.page.get_by_role("button", name="Sign out everywhere").click()
        expect(here.page).to_have_url(re.compile("sign-in"))
        there.go("/account/")
        expect(there.page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert here.wrongs + there.wrongs == []
