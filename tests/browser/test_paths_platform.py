"""The main paths of the platform team: a team's budget, one action on many projects, what is stuck, announcements,
whose access ends and who takes over what they owned, and seeing as somebody else.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests import live
from tests.browser import browsing
from tests.browser.browsing import SECONDS, sign_in, tab_to, wrong_in_any_look
from tests.browser.conftest import Visitor
from tests.contract.stack import eventually, unique

LEAVER = "anna.lind@corp.example"
"""Somebody whom no other test is about."""


@pytest.fixture
def stuck_project(base: str) -> Iterator[str]:
    """A project of alice's that needs attention, since somebody else's bucket has the name of its own."""
    slug, store = unique("stuck"), live.store_admin()
    store.make_bucket(f"ml-{slug}")
    live.ask(slug).raise_for_status()
    eventually(lambda: live.project(slug)["word"] == "Needs attention")
    # From now on nothing is in its way, but nobody has looked again.
    store.remove_bucket(f"ml-{slug}")
    yield slug
    live.retire(slug)


@pytest.fixture
def left_project(base: str) -> Iterator[str]:
    """A project that only the leaver owns, and in which alice is editor; its owner has access again at the end."""
    slug = unique("left")
    people = [{"user": LEAVER, "role": "owner"}, {"user": "alice@corp.example", "role": "editor"}]
    live.ask(slug, title=slug.capitalize(), contributors=people).raise_for_status()
    live.ready(slug)
    yield slug
    live.api("paula").post("platform/access/give-back/", json={"account": LEAVER, "because": "The test is over."})
    live.retire(slug, person="paula")


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


def test_what_is_stuck_is_ticked_and_looked_at_again(visitor: Visitor, stuck_project: str) -> None:
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/platform/stuck/")
        row = page.get_by_role("row").filter(has_text=stuck_project)
        expect(row).to_contain_text("NameTaken")
        row.get_by_role("checkbox").check()
        tab_to(page, "act-on-stuck")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"/platform/actions/.*project={stuck_project}"))
        expect(page.get_by_label(f"Choose {stuck_project}")).to_be_checked()
        page.get_by_label("Action").select_option(label="Look again")
        page.locator("#because").fill("The other bucket is gone.")
        page.locator("#preview").click()
        page.locator("#all").click()
        expect(page.locator("#progress header")).to_contain_text("Done", timeout=60 * SECONDS)
        live.ready(stuck_project)
        seen.go("/platform/stuck/")
        expect(page.get_by_role("row").filter(has_text=stuck_project)).to_have_count(0)


def test_an_announcement_is_written_put_away_and_ended(visitor: Visitor) -> None:
    text = f"{unique('store')} is moved tonight."
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/platform/announcements/")
        page.get_by_role("link", name="New announcement").click()
        page.get_by_label("Text").fill(text)
        page.get_by_label("Readers can put it away").check()
        page.get_by_label("Reason").fill("A new rack comes.")
        page.get_by_role("button", name="Tell everybody").click()
        expect(page.get_by_role("region", name="Announcements", exact=True)).to_contain_text(text)
    with visitor("bob", script=False, width=390) as reader:
        reader.go("/help/")
        told = reader.page.get_by_role("region", name="Announcements", exact=True)
        told.get_by_role("button", name=text).click()
        expect(reader.page).to_have_url(f"{reader.base}/help/")
        expect(reader.page.get_by_text(text)).to_have_count(0)
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/platform/announcements/")
        page.get_by_role("link", name=text).click()
        end = page.get_by_role("region", name="End it")
        end.get_by_role("button", name="End the announcement").click()
        expect(page.locator("#end-because-error")).to_be_visible()
        end.get_by_label("Reason").fill("It is moved.")
        end.get_by_role("button", name="End the announcement").click()
        expect(page.get_by_role("region", name="Announcements", exact=True)).to_have_count(0)
        expect(page.get_by_role("row").filter(has_text=text)).to_contain_text("It is moved.")


def test_access_is_ended_a_project_is_taken_over_and_access_given_back(visitor: Visitor, left_project: str) -> None:
    offered = f"/projects/{left_project}/take-over/"
    with visitor("paula") as seen:
        page = seen.page
        seen.go("/platform/access/")
        page.get_by_label("Account").fill(LEAVER)
        page.get_by_role("button", name="Show what would end").click()
        expect(page.locator("main")).to_contain_text("Then without an owner")
        page.get_by_label("Reason").fill("Their laptop was stolen.")
        tab_to(page, "end")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text(f"{LEAVER} is out.")
        live.ring("projects.directory_tasks.follow_directory")
        eventually(lambda: live.project(left_project)["owner_left_at"] is not None)
        seen.go(offered)
        expect(page.locator("main")).to_contain_text("and not to you")
        faults = wrong_in_any_look(page)

    with visitor("alice") as heir:
        heir.go("/")
        needs = heir.page.get_by_role("region", name="Needs you").get_by_role("listitem").filter(has_text="no owner")
        needs.filter(has_text=left_project.capitalize()).get_by_role("link").first.click()
        expect(heir.page).to_have_url(heir.base + offered)
        faults += wrong_in_any_look(heir.page)
        heir.page.get_by_role("button", name=f"Take over {left_project.capitalize()}").click()
        expect(heir.page).to_have_url(f"{heir.base}/projects/{left_project}/")
        expect(heir.page.locator("main")).to_contain_text(f"You own {left_project.capitalize()} now.")

    with visitor("paula", width=390) as seen:
        page = seen.page
        seen.go(f"/platform/access/?q={LEAVER}")
        page.get_by_label("Reason").fill("It was found.")
        page.locator("#give-back").click()
        expect(page.get_by_role("row").filter(has_text=LEAVER).first).to_contain_text("given back")
    assert faults == []


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
