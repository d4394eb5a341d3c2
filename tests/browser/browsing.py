"""Debian's chromium with a person of the stack in front of it, and a witness of what pages must not do.

The browser is for one test module at a time: while playwright runs, Django refuses to touch a database in the thread.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SECONDS = 1000
"""Playwright counts in milliseconds."""
ENDED_BY_LEAVING = ("sendError", "sendAbort", "afterRequest")
"""What htmx says when a page is left while it asks for something. A server's error has other names."""
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


def address() -> str:
    """Where the portal of the running stack is; skips the test when there is none."""
    url = os.environ.get("SLIPWAY_PUBLIC_URL", "")
    if not url or not os.environ.get("SLIPWAY_STACK_DIR"):
        pytest.skip(
            "needs a running stack: SLIPWAY_STACK_DIR and SLIPWAY_PUBLIC_URL are not set (./dev test sets them)"
        )
    return url


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; skips the test when it is not installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Debian's package chromium: it is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One browser window, and what its pages did that they must not do."""

    page: Page
    context: BrowserContext
    base: str
    wrongs: list[str] = field(default_factory=list)

    def go(self, path: str) -> int:
        """Open a page of the portal; its status."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        return answer.status

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what the console says about the content security policy or a fault of a script."""
        said = message.text
        if any(f"htmx:{event}" in said for event in ENDED_BY_LEAVING):
            return
        if "CSP " in said or "Content Security Policy" in said or "htmx" in said or "Uncaught" in said:
            self.wrongs.append(f"{self.page.url}: {said}")

    def see(self, request: Request) -> None:
        """Keep every request of a portal page that goes elsewhere. Sign-in goes elsewhere on purpose."""
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob", "about") or parts.netloc == urlsplit(self.base).netloc:
            return
        if not request.is_navigation_request() and request.frame.url.startswith(self.base):
            self.wrongs.append(f"{request.frame.url} asked for {request.url}")


@contextmanager
def visit(
    browser: Browser, base: str, *, state: Any = None, scheme: str = "light", width: int = 1280, script: bool = True
) -> Iterator[Visit]:
    """A window of this width and colour scheme. `state`: the cookies of somebody who is signed in."""
    context = browser.new_context(
        ignore_https_errors=True,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=script,
        storage_state=state,
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(30 * SECONDS)
    context.add_init_script(TELL_VIOLATIONS)
    seen = Visit(page=context.new_page(), context=context, base=base)
    seen.page.on("console", seen.hear)
    seen.page.on("pageerror", lambda error: seen.wrongs.append(f"{seen.page.url}: {error}"))
    seen.page.on("request", seen.see)
    try:
        yield seen
    finally:
        context.close()


def sign_in(seen: Visit, person: str, *, path: str = "/") -> None:
    """Sign in by company account, through the identity provider's own page, with the keyboard."""
    page = seen.page
    seen.go(path)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    tab_to(page, "Sign in with company account")
    page.keyboard.press("Enter")
    page.get_by_label("User name").focus()
    page.keyboard.type(f"{person}@corp.example")
    page.keyboard.press("Tab")
    page.keyboard.type(f"{person}-pw")
    page.keyboard.press("Enter")
    expect(page.locator(".sw-menu")).to_be_visible()


def tab_to(page: Page, target: str) -> None:
    """Press Tab until the element of that id or that text has the focus, as somebody without a mouse does."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(
            """(target) => {
                const one = document.activeElement;
                const text = one.innerText || one.getAttribute("aria-label") || "";
                return one.id === target || text.replace(/\\s+/g, " ").trim() === target;
            }""",
            target,
        ):
            return
    raise AssertionError(f"Tab never reaches {target!r} on {page.url}")


RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOUR_RULES = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""Those that can find something else when only the colour scheme changes."""
Look = tuple[str, int, dict[str, Any]]
"""Colour scheme, width, and what axe-core looks for in it."""
TWO_LOOKS: tuple[Look, ...] = (("light", 1280, RULES), ("dark", 390, RULES))
LOOKS: tuple[Look, ...] = (TWO_LOOKS[0], ("dark", 1280, COLOUR_RULES), TWO_LOOKS[1], ("light", 390, COLOUR_RULES))
NARROWEST = 320


def axe(page: Page, rules: dict[str, Any] = RULES) -> list[str]:
    """What axe-core finds against WCAG 2.0 to 2.2, A and AA: rule, place, and why."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(
        "(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules
    )
    return [
        f"{rule['id']} at {' '.join(str(part) for part in node['target'])}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def sideways(page: Page) -> bool:
    """Does the page scroll sideways?"""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def wrong_in_any_look(page: Page, looks: Sequence[Look] = LOOKS) -> list[str]:
    """What is wrong with the page that is open: wide as it comes, narrow with every fold open, light and dark."""
    faults = list[str]()
    for scheme, width, rules in looks:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        if width < LOOKS[0][1]:
            page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
        faults += [f"{scheme} {width}: {fault}" for fault in axe(page, rules)]
        faults += [f"{width}: scrolls sideways"] if sideways(page) else []
    page.set_viewport_size({"width": NARROWEST, "height": 900})
    faults += [f"{NARROWEST}: scrolls sideways"] if sideways(page) else []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": LOOKS[0][1], "height": 900})
    return faults
