"""`./dev pictures`: takes the pictures of the main pages, of a sample fleet, into docs/images/.

Needs a running stack (SLIPWAY_STACK_DIR, SLIPWAY_PUBLIC_URL), which `./dev pictures` brings. A picture that is too
heavy for a page on the web is a fault.
"""

import sys
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import live
from tests.browser.browsing import ROOT, address, chromium, sign_in, visit
from tests.browser.fleet import MAIN, sample_fleet

FOLDER = ROOT / "docs" / "images"
HEAVIEST = 200_000
"""Bytes."""
WIDE, PHONE = 1280, 390


@dataclass(frozen=True)
class Picture:
    """One page as one person: `height` is the most that is shown of it."""

    name: str
    path: str
    height: int = 1000
    width: int = WIDE
    scheme: str = "light"


def main() -> int:
    """Take them all; 1 when there is no stack or no browser, or a picture is too heavy."""
    try:
        with live.without_ci(), sample_fleet() as number, chromium() as browser:
            take(browser, "alice", ALICE)
            request = Picture("request", f"/requests/{number}/", height=1450)
            take(browser, "paula", (request, *PAULA))
    except pytest.skip.Exception as reason:
        print(reason, file=sys.stderr)
        return 1
    heavy = 0
    for path in sorted(FOLDER.glob("*.png")):
        size = path.stat().st_size
        heavy += size > HEAVIEST
        print(f"{path.relative_to(ROOT)} {size / 1000:.0f} kB{', too heavy' if size > HEAVIEST else ''}")
    return 1 if heavy else 0


ALICE = (
    Picture("start", "/"),
    Picture("new", "/projects/new/", height=1040),
    Picture("project", f"/projects/{MAIN}/", height=960),
    Picture("people", f"/projects/{MAIN}/people/"),
    Picture("usage", f"/projects/{MAIN}/usage/", height=1200),
    Picture("project-dark-phone", f"/projects/{MAIN}/", height=1400, width=PHONE, scheme="dark"),
)
PAULA = (Picture("requests", "/requests/", height=900), Picture("platform", "/platform/", height=1500))


def take(browser: Browser, person: str, pictures: tuple[Picture, ...]) -> None:
    """Take these as this person, who signs in once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with visit(browser, address()) as first:
        sign_in(first, person)
        state = first.context.storage_state()
    for one in pictures:
        with visit(browser, address(), state=state, scheme=one.scheme, width=one.width) as seen:
            assert seen.go(one.path) == 200, one.path
            if one.name == "new":
                _fill(seen.page)
            height = min(one.height, seen.page.evaluate("document.documentElement.scrollHeight"))
            clip = {"x": 0, "y": 0, "width": one.width, "height": height}
            seen.page.screenshot(path=FOLDER / f"{one.name}.png", full_page=True, clip=clip)  # type: ignore[arg-type]


def _fill(page: Page) -> None:
    """The form with a title, when names and plan have followed."""
    page.get_by_label("Title").fill("Harbour queue")
    expect(page.locator("#slug-answer")).to_contain_text("harbour-queue is free.")
    expect(page.locator("#plan")).to_contain_text("ml-harbour-queue")


if __name__ == "__main__":
    sys.exit(main())
