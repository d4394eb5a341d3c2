"""A small sample fleet for pictures: two teams at work, made through the API and removed again.

Only what people could have asked for themselves; nothing is written behind the doors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests import live
from tests.contract.stack import eventually

MAIN = "demand-forecast"
"""The project whose pages are shown."""
SUSPENDED = "churn-study"
FLEET: dict[str, dict[str, Any]] = {
    "energy-price": {"title": "Energy price", "plan": "medium"},
    "parts-returns": {"title": "Returns of parts"},
    "delivery-times": {"title": "Delivery times", "expires": "2027-06-30"},
    "winter-load": {"title": "Winter load", "environment": "test"},
    "stock-levels": {"title": "Stock levels"},
    SUSPENDED: {"title": "Churn study"},
    "weld-inspection": {"title": "Weld inspection", "team": "vision", "plan": "medium"},
    "paint-defects": {"title": "Paint defects", "team": "vision"},
    "bin-picking": {"title": "Bin picking", "team": "vision"},
    "crack-finder": {"title": "Crack finder", "team": "vision"},
    MAIN: {
        "title": "Demand forecast",
        "description": "Next week's demand, retrained every night.",
        "contributors": [
            {"user": "alice@corp.example", "role": "owner"},
            {"group": "ml-vision", "role": "editor"},
            {"user": "bob@corp.example", "role": "viewer"},
        ],
    },
}


@contextmanager
def sample_fleet() -> Iterator[int]:
    """The fleet, settled: gives the number of a request of alice's that waits, with a question. Removed again after."""
    live.directory_is_read()
    asked: list[int] = []
    try:
        # One after the other, as teams ask: pages and charts say how long each took.
        for slug, wish in FLEET.items():
            live.ask(slug, person=_owner(slug), **wish).raise_for_status()
            live.ready(slug, person=_owner(slug), seconds=120)
        live.api("paula").post(
            f"projects/{SUSPENDED}/suspend/", json={"because": "Its data is checked first."}
        ).raise_for_status()
        for slug, plan in (("sign-reader", "gpu"), ("season-planner", "large")):
            answer = live.api("alice").post(
                "projects/",
                params={"note": "For the winter season."},
                json={"slug": slug, "team": "forecasting", "title": slug.replace("-", " ").capitalize(), "plan": plan},
            )
            answer.raise_for_status()
            asked.append(int(answer.json()["request"]["id"]))
        question = {"text": "Would two GPUs do for the first weeks?"}
        live.api("paula").post(f"requests/{asked[0]}/comments/", json=question).raise_for_status()
        measure(MAIN, "cpu", "bucket")
        eventually(_is_counted, seconds=60)
        yield asked[0]
    finally:
        for number in asked:
            live.api("alice").post(f"requests/{number}/withdraw/", json={})
        for slug in FLEET:
            live.retire(slug, person=_owner(slug))


def _owner(slug: str) -> str:
    return "paula" if FLEET[slug].get("team") == "vision" else "alice"


def measure(slug: str, *names: str) -> None:
    """Wait until the targets have told these figures of what the project uses.

    The worker asks every few minutes by itself, and is told to ask now; a store counts when its own turn comes.
    """

    def known() -> bool:
        live.ring("projects.usage_tasks.measure_usage")
        lines = live.api("alice").get(f"projects/{slug}/usage/").json()["items"]
        return {one["measure"] for one in lines if one["used"] is not None}.issuperset(names)

    eventually(known, seconds=300)


def _is_counted() -> bool:
    """Does the platform's page know the whole fleet, and what its targets have room for?"""
    figures = live.api("paula").get("platform/fleet/").json()["figures"]
    return figures["words"].get("Suspended") == 1 and bool(figures["capacity"])
