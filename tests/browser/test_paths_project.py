"""The main paths of a project's pages: its people without script on a phone, one of them who leaves, its usage, its
credentials, its activity, and a training.
"""

import re

from playwright.sync_api import expect

from tests import live
from tests.browser.browsing import SECONDS, tab_to
from tests.browser.conftest import Visitor
from tests.browser.fleet import measure
from tests.contract.stack import eventually


def test_people_are_changed_on_a_phone_without_script(visitor: Visitor, ready_project: str) -> None:
    with visitor("alice", script=False, width=390) as seen:
        page = seen.page
        seen.go(f"/projects/{ready_project}/people/")
        page.get_by_role("link", name="Change people").click()
        page.get_by_label("Add a person or group").fill("vis")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("button", name="Add Vision, ml-vision", exact=True).click()
        page.get_by_label("Role of ml-vision", exact=True).select_option("viewer")
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("main")).to_contain_text("ml-vision becomes viewer")
        expect(page.locator("main")).to_contain_text("Nothing has changed yet")
        page.get_by_role("button", name=f"Change the people of {ready_project}").click()
        expect(page).to_have_url(f"{seen.base}/projects/{ready_project}/people/")
        expect(page.locator("main")).to_contain_text("ml-vision")
        # Somebody of a group in that group: the page says the way.
        page.get_by_label("Account").fill("erik.vastberg@corp.example")
        page.get_by_role("button", name="Explain").click()
        expect(page.locator("#answer")).to_contain_text("as viewer")


def test_somebody_leaves(visitor: Visitor, ready_project: str) -> None:
    people = [{"user": "alice@corp.example", "role": "owner"}, {"user": "bob@corp.example", "role": "editor"}]
    live.change(ready_project, contributors=people)
    with visitor("bob", script=False, width=390) as seen:
        page = seen.page
        seen.go(f"/projects/{ready_project}/people/")
        page.get_by_role("link", name="Leave").click()
        expect(page.locator("main")).to_contain_text("bob@corp.example loses the role editor")
        tab_to(page, "go")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("You left")
    members = live.api("alice").get(f"projects/{ready_project}/members/").json()["items"]
    assert [one["subject"] for one in members] == ["alice@corp.example"]


def test_activity_is_narrowed_by_keyboard(visitor: Visitor, ready_project: str) -> None:
    with visitor("alice") as seen:
        page = seen.page
        seen.go(f"/projects/{ready_project}/activity/")
        activity = page.get_by_role("region", name="Activity").get_by_role("list")
        expect(activity).to_contain_text("Repository:")
        page.get_by_label("Door").select_option(label="API")
        tab_to(page, "Search")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("door=api"))
        expect(activity).to_contain_text("alice@corp.example asked for the project")
        expect(activity).not_to_contain_text("Repository:")
        page.get_by_label("Person").fill("nobody")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("Nothing of that kind happened here.")
        page.get_by_role("link", name="Show all").click()
        expect(page).to_have_url(f"{seen.base}/projects/{ready_project}/activity/")


def test_a_training_is_asked_for(visitor: Visitor, ready_project: str) -> None:
    live.change(ready_project, options={"retrain": {"schedule": "0 3 * * 1"}})
    live.ring("projects.training_tasks.follow_schedules")
    with visitor("alice", script=False) as seen:
        page = seen.page
        train = page.get_by_role("button", name="Train again")
        eventually(lambda: seen.go(f"/projects/{ready_project}/models/") == 200 and train.count())
        train.click()
        expect(page).to_have_url(f"{seen.base}/projects/{ready_project}/models/#trainings")
        newest = page.get_by_role("region", name="Trainings without a push").get_by_role("listitem").first
        expect(newest).to_contain_text("Asked by alice@corp.example, by form")


def test_usage_is_read_by_keyboard(visitor: Visitor, ready_project: str) -> None:
    measure(ready_project, "cpu")
    with visitor("alice") as seen:
        page = seen.page
        seen.go(f"/projects/{ready_project}/")
        tab_to(page, "Usage")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Used of what is allowed")).to_be_visible()
        expect(page.locator("[data-measure=cpu]")).to_contain_text("of 4 cores")
        expect(page.get_by_role("progressbar").first).to_have_accessible_name(re.compile("CPU"))
        tab_to(page, "Choose another plan")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{seen.base}/projects/{ready_project}/edit/")


def test_a_key_is_rotated_and_shown_once(visitor: Visitor, ready_project: str) -> None:
    with visitor("alice") as seen:
        page = seen.page
        seen.go(f"/projects/{ready_project}/credentials/")
        page.locator("#rotate-bucket").focus()
        page.keyboard.press("Enter")
        expect(page.locator("[data-purpose=bucket] td").first).to_have_text("2")
        expect(page.locator("[data-purpose=bucket]")).to_contain_text("Ready", timeout=60 * SECONDS)
        expect(page.locator("[data-purpose=bucket]")).to_contain_text("The one before works until")
        page.locator("#show-bucket").focus()
        page.keyboard.press("Enter")
        secret = page.locator("#secret").inner_text()
        assert len(secret) > 20
        seen.go(f"/projects/{ready_project}/credentials/")
        assert secret not in page.content()
        expect(page.locator("#secret")).to_have_count(0)
        expect(page.locator("#show-bucket")).to_have_count(0)
        expect(page.locator("[data-purpose=bucket]")).to_contain_text("You were shown it")
