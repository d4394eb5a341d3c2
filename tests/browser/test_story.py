"""Alice asks for a project in her browser, by keyboard only, and watches it become Ready. Charlie sees none of it."""

import re

import pytest
from playwright.sync_api import expect

from tests import live
from tests.browser import browsing
from tests.browser.browsing import SECONDS, sign_in, tab_to
from tests.browser.conftest import Visitor
from tests.contract.stack import unique

SETTLED = re.compile("^(Ready|Not available)$")


def test_alice_asks_by_keyboard_and_watches_it_become_ready_and_retires_it(browser: object, base: str) -> None:
    slug = unique("keys")
    with browsing.visit(browser, base) as seen:  # type: ignore[arg-type]
        page = seen.page
        sign_in(seen, "alice")
        tab_to(page, "New project")
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", name="New project")).to_be_visible()
        tab_to(page, "id-title")
        page.keyboard.type(slug.replace("-", " ").capitalize())
        expect(page.locator("#slug-answer")).to_contain_text(f"{slug} is free.")
        expect(page.locator("#slug-answer")).to_contain_text(f"forecasting/{slug}")
        expect(page.locator("#plan")).to_contain_text(f"ml-{slug}")
        tab_to(page, "id-add_name")
        page.keyboard.type("vis")
        expect(page.locator("#said")).to_contain_text("in the directory")
        tab_to(page, "Add Vision, ml-vision")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Role of ml-vision", exact=True)).to_have_value("editor")
        expect(page.locator("#id-add_name")).to_be_focused()
        tab_to(page, "Preview")
        page.keyboard.press("Enter")

        expect(page.locator("main")).to_contain_text("Nothing is made yet.")
        expect(page.locator("main")).to_contain_text("within-budget")
        expect(page.locator("#as-file")).to_contain_text("- group: ml-vision")
        tab_to(page, "Create project")
        page.keyboard.press("Enter")

        expect(page).to_have_url(f"{base}/projects/{slug}/")
        expect(page.locator("#word")).to_have_text("Ready", timeout=120 * SECONDS)
        words = page.locator("#board tr[data-kind] td:nth-child(2)").all_inner_texts()
        assert len(words) >= 6
        assert [word for word in words if not SETTLED.match(word.strip())] == []
        expect(page.locator("#spoken")).to_contain_text("ready")
        expect(page.locator("#poll[hx-get]")).to_have_count(0)
        expect(page.locator("#use-kubectl")).to_contain_text(f"--namespace=ml-{slug}")

        tab_to(page, "Settings")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{base}/projects/{slug}/settings/")
        tab_to(page, "Retire this project")
        page.keyboard.press("Enter")
        tab_to(page, "typed")
        page.keyboard.type(slug)
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("Nothing is removed yet.")
        tab_to(page, "data_typed")
        page.keyboard.type(slug)
        tab_to(page, f"Retire {slug}")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("The project is removed.", timeout=120 * SECONDS)
        assert seen.wrongs == []


def test_charlie_gets_the_same_404_as_for_nothing(visitor: Visitor, ready_project: str) -> None:
    with visitor("charlie") as seen:
        said = {}
        for slug in (ready_project, "nothing-of-that-name"):
            assert seen.go(f"/projects/{slug}/") == 404
            said[slug] = seen.page.locator("main h1, main .sw-lead").all_inner_texts()
    assert said[ready_project] == said["nothing-of-that-name"]
    assert said[ready_project][0] == "Nothing here that you can see"


@pytest.mark.parametrize("width", [1280, 390])
def test_everything_works_without_script(visitor: Visitor, width: int) -> None:
    slug = unique("plain")
    with visitor("alice", script=False, width=width) as seen:
        page = seen.page
        seen.go("/projects/new/")
        page.get_by_label("Title").fill(slug)
        page.get_by_label("Add a person or group").fill("bob@corp.example")
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_label("Role of bob@corp.example", exact=True)).to_have_value("editor")
        page.get_by_role("button", name="Remove bob@corp.example").click()
        expect(page.get_by_label("Role of bob@corp.example", exact=True)).to_have_count(0)
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Create project").click()
        expect(page).to_have_url(f"{seen.base}/projects/{slug}/")
        live.ready(slug, seconds=120)
        page.get_by_role("button", name="Look again", exact=True).click()
        expect(page.locator("#word")).to_have_text("Ready")
    live.retire(slug)


def test_faults_take_the_focus_and_lead_to_their_fields(visitor: Visitor) -> None:
    with visitor("alice") as seen:
        page = seen.page
        seen.go("/projects/new/")
        page.get_by_label("Title").fill("Kube system")
        page.locator("summary", has_text="Bucket").click()
        page.get_by_label("Size limit").fill("600Gi")
        expect(page.locator("#plan")).to_contain_text("Fix this first: Size limit.")
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("#summary")).to_be_focused()
        expect(page.locator("#summary")).to_contain_text("2 things to fix")
        page.locator("#summary a").last.click()
        expect(page.get_by_label("Size limit")).to_be_focused()
        expect(page.get_by_label("Size limit")).to_have_value("600Gi")


def test_copy_search_and_theme_are_additions(visitor: Visitor, ready_project: str) -> None:
    with visitor("alice") as seen:
        page = seen.page
        seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
        seen.go(f"/projects/{ready_project}/")
        page.get_by_role("button", name="Copy: Workspace with kubectl").click()
        expect(page.locator("#said")).to_have_text("Copied")
        assert f"ml-{ready_project}" in page.evaluate("navigator.clipboard.readText()")

        seen.go("/")
        page.get_by_label("Search projects").type(ready_project)
        expect(page).to_have_url(re.compile(f"q={ready_project}"))
        expect(page.locator("#rows tbody tr")).to_have_count(1)
        expect(page.locator("#said")).to_have_text("1 project found")
        page.reload()
        expect(page.get_by_label("Search projects")).to_have_value(ready_project)

        page.locator(".sw-menu summary").click()
        page.get_by_label("Dark").check()
        seen.go("/requests/")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_people_are_changed_by_keyboard_after_a_review(visitor: Visitor, ready_project: str) -> None:
    with visitor("alice") as seen:
        page = seen.page
        seen.go(f"/projects/{ready_project}/people/")
        tab_to(page, "Change people")
        page.keyboard.press("Enter")
        expect(page.locator("#id-add_name")).to_be_visible()
        tab_to(page, "id-add_name")
        page.keyboard.type("charlie@corp.example")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("charlie@corp.example becomes editor")
        expect(page.locator("main")).to_contain_text("role binding slipway-editors")
        tab_to(page, "go")
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{seen.base}/projects/{ready_project}/people/")
        page.get_by_label("Account").fill("charlie@corp.example")
        page.get_by_role("button", name="Explain").click()
        expect(page.locator("#answer")).to_contain_text("can reach this, as editor")

        seen.go(f"/projects/{ready_project}/people/change/")
        page.get_by_role("button", name=re.compile("Remove charlie@corp.example")).click()
        page.get_by_role("button", name="Preview").last.click()
        expect(page.locator("main")).to_contain_text("loses the role editor")
        expect(page.locator("main")).to_contain_text("Keys of the bucket that somebody read before")
        page.locator("#go").click()
        expect(page).to_have_url(f"{seen.base}/projects/{ready_project}/people/")


def test_what_has_the_focus_keeps_it_while_the_board_moves(visitor: Visitor) -> None:
    slug = unique("focus")
    with visitor("alice") as seen:
        assert live.ask(slug).status_code == 202
        seen.go(f"/projects/{slug}/resources/")
        seen.page.locator("#look-bucket").focus()
        expect(seen.page.locator("#word")).to_have_text("Ready", timeout=120 * SECONDS)
        expect(seen.page.locator("#look-bucket")).to_be_focused()
    live.retire(slug)
