"""The main paths of the platform team: a team's budget, one action on many projects, and seeing as somebody else."""

import re

from playwright.sync_api import Browser, expect

from tests import live
from tests.browser import browsing
from tests.browser.browsing import SECONDS, sign_in, tab_to
from tests.browser.conftest import Visitor


def test_a_teams_budget_is_changed_after_a_preview(visitor: Visitor, ready_project: str) -> None:
    before = live.api("paula").get("teams/vision/")
    budget = before.json()["budget"]
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/teams/vision/")
        tab_to(page, "Change team")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{seen.base}/teams/vision/edit/")
        tab_to(page, "team-budget")
        page.keyboard.press("Control+a")
        page.keyboard.type(str(budget + 5))
        tab_to(page, "team-because")
        page.keyboard.type("A second camera line.")
        page.keyboard.press("Enter")
        expect(page.locator("#does")).to_be_focused()
        expect(page.locator("main")).to_contain_text(f"{budget} → {budget + 5} units")
        tab_to(page, "Change vision")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{seen.base}/teams/vision/")
        expect(page.locator("main")).to_contain_text("A second camera line.")


def test_one_action_on_many_is_previewed_started_and_watched(visitor: Visitor, ready_project: str) -> None:
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/platform/")
        tab_to(page, "Act")
        page.keyboard.press("Enter")
        page.get_by_label("Search projects").fill(ready_project)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"q={ready_project}"))
        tab_to(page, f"Choose {ready_project}")
        page.keyboard.press("Space")
        page.get_by_label("Action").select_option(label="Look again")
        tab_to(page, "because")
        page.keyboard.type("The store was away.")
        tab_to(page, "preview")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Preview: nothing has happened yet")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text=ready_project)).to_be_visible()
        tab_to(page, "all")
        page.keyboard.press("Enter")
        # The page follows the run by itself.
        expect(page.locator("#progress header")).to_contain_text("Done", timeout=60 * SECONDS)
        expect(page.locator("#spoken")).to_contain_text("1")
        expect(page.locator("#poll[hx-get]")).to_have_count(0)
        seen.go("/platform/actions/")
        newest = page.get_by_role("region", name="Newest runs").get_by_role("listitem").first
        expect(newest).to_contain_text("The store was away.")


def test_the_platform_team_sees_as_somebody_and_changes_nothing(
    browser: Browser, base: str, visitor: Visitor, ready_project: str
) -> None:
    # A session of her own: it is that of alice meanwhile.
    with browsing.visit(browser, base, width=390) as seen:
        page = seen.page
        sign_in(seen, "paula", path="/platform/see-as/")
        page.get_by_label("Account").fill("alice@corp.example")
        page.get_by_label("Reason").fill("She can't find her project.")
        page.get_by_role("button", name="See as this person").click()
        bar = page.get_by_role("region", name="Seeing as somebody else")
        expect(bar).to_contain_text("You see this as alice@corp.example, read-only.")
        assert seen.go("/platform/") != 200
        expect(bar).to_be_visible()

        seen.go(f"/projects/{ready_project}/credentials/")
        page.locator("#rotate-bucket").click()
        expect(page.locator("main")).to_contain_text("read-only")
        tab_to(page, "see-as-end")
        page.keyboard.press("Enter")
        expect(bar).to_have_count(0)
        assert seen.go("/platform/") == 200
        assert seen.wrongs == []
    with visitor("alice") as seen:
        seen.go("/account/")
        expect(seen.page.get_by_role("region", name="Who saw the portal as you")).to_contain_text(
            "She can't find her project."
        )
        seen.go(f"/projects/{ready_project}/credentials/")
        expect(seen.page.locator("[data-purpose=bucket] td").first).to_have_text("1")
