"""`python -m tests.browser.screenshots`: takes the README's picture of a status page from a running stack.

Needs SLIPWAY_STACK_DIR and SLIPWAY_PUBLIC_URL. Makes a sample project, takes docs/images/status.png, removes it again.
"""

import sys

import pytest
from playwright.sync_api import expect

from tests import live
from tests.browser.browsing import ROOT, SECONDS, address, chromium, sign_in, visit

SLUG = "demand-forecast"
PICTURE = ROOT / "docs" / "images" / "status.png"


def main() -> int:
    """Take the picture; 1 when there is no stack or no browser."""
    try:
        base = address()
        made = live.api("alice").get(f"projects/{SLUG}/").status_code == 404
        if made:
            spec = {"title": "Demand forecast", "description": "Next week's demand, retrained every night."}
            people = [{"group": "ml-vision", "role": "editor"}, {"user": "bob@corp.example", "role": "viewer"}]
            live.ask(SLUG, **spec, contributors=people).raise_for_status()
        live.ready(SLUG, seconds=120)
        with chromium() as browser, visit(browser, base) as seen:
            sign_in(seen, "alice", path=f"/projects/{SLUG}/")
            expect(seen.page.locator("#word")).to_have_text("Ready", timeout=60 * SECONDS)
            PICTURE.parent.mkdir(parents=True, exist_ok=True)
            seen.page.screenshot(path=PICTURE, full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": 1100})
        if made:
            live.retire(SLUG)
    except pytest.skip.Exception as reason:
        print(reason, file=sys.stderr)
        return 1
    print(f"{PICTURE.relative_to(ROOT)} taken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
