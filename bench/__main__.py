"""`./dev bench [PART ...] [--pairs N] [--bulk N] [--bulk-pairs N]`: measure, print a table, keep the JSON."""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

from bench.pages import FEW

RESULTS = Path(__file__).parent / "results"
PARTS = ("calls", "breakdown", "one", "submits", "many", "memory", "pages", "directory", "feedback", "deliveries")


def main() -> int:
    """Run the chosen parts; exit code 1 when a number misses what it must reach."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--pairs", type=int, default=9, help="pairs of one project (R1), at least 7 to be quoted")
    parser.add_argument("--bulk", type=int, default=200, help="projects at once (R2)")
    parser.add_argument("--bulk-pairs", type=int, default=3)
    parser.add_argument("--submits", type=int, default=40, help="submits on an idle portal (R8)")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all unless given")
    parser.add_argument("--keep", action="store_true", help="write the result into bench/results/")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    wanted = chosen.parts or PARTS
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()

    from bench import deliveries, directory, feedback, measure, pages, stack

    _make_room()
    tag = f"z{int(time.time()) % 1_000_000}"
    address = os.environ["SLIPWAY_PUBLIC_URL"]
    portal, clients = stack.Portal(), stack.clients(stack.catalogue())
    result: dict[str, Any] = {"machine": _machine(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "tag": tag}
    if {"calls", "breakdown"} & set(wanted):
        with stack.held("worker"):
            if "calls" in wanted:
                result["calls"] = _step("calls", lambda: measure.calls(tag=tag))
            if "breakdown" in wanted:
                result["breakdown"] = _step("breakdown", lambda: measure.breakdown(tag=tag, runs=7))
    if "one" in wanted:
        result["one"] = _step(
            "one", lambda: measure.one_project(portal=portal, clients=clients, pairs=chosen.pairs, tag=tag)
        )
    if "submits" in wanted:
        result["submits"] = _step("submits", lambda: measure.submits(portal=portal, count=chosen.submits, tag=tag))
    # Before the many, whose removal keeps the forge busy for a while.
    if "feedback" in wanted:
        result["feedback"] = _step(
            "feedback", lambda: feedback.run(portal=portal, clients=clients, address=address, tag=tag)
        )
    if "many" in wanted:
        result["many"] = _step(
            "many",
            lambda: measure.many_projects(
                portal=portal, clients=clients, count=chosen.bulk, pairs=chosen.bulk_pairs, tag=tag
            ),
        )
    if "memory" in wanted:
        result["memory"] = _step("memory", measure.memory)
    if "pages" in wanted:
        result["pages"] = _step("pages", pages.run)
    if "directory" in wanted:
        result["directory"] = _step("directory", directory.run)
    if "deliveries" in wanted:
        result["deliveries"] = _step(
            "deliveries",
            lambda: deliveries.run(portal=portal, clients=clients, address=address, tag=tag, bulk=chosen.bulk),
        )
    result["machine"]["loop_ms"].append(_loop_ms())
    rows = _table(result)
    _print(rows, result)
    if chosen.keep:
        RESULTS.mkdir(exist_ok=True)
        name = f"{result['at'][:10]}-{result['machine']['cores']}cores-{result['machine']['memory_gib']}gib.json"
        (RESULTS / name).write_text(json.dumps(result, indent=1, default=str) + "\n")
        print(f"kept as bench/results/{name}")
    return 0 if all(ok for *_, ok in rows) else 1


def _make_room() -> None:
    """The sample team's budget is small; the measurements need room for some hundred projects."""
    from projects.models import Team

    Team.objects.filter(slug="forecasting").update(budget=1_000_000)


def _step(name: str, work: Any) -> Any:
    print(f"measuring {name} …", flush=True)
    started = time.monotonic()
    found = work()
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)
    return found


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "python": platform.python_version(),
        "loop_ms": [_loop_ms()],
    }


def _loop_ms() -> list[float]:
    """Milliseconds for the same bit of Python: the fastest, the median and the slowest of nine.

    Machines of one size differ, and one machine from hour to hour; times of two results compare only beside this.
    """
    took = []
    for _ in range(9):
        began = time.perf_counter()
        sum(number * number for number in range(1_000_000))
        took.append(1000 * (time.perf_counter() - began))
    return [round(one, 1) for one in (min(took), statistics.median(took), max(took))]


def _table(result: dict[str, Any]) -> list[tuple[str, str, str, str, bool]]:
    rows = []

    def row(number: str, what: str, value: float, must: float, goal: float, unit: str = "") -> None:
        rows.append((number, what, f"{value:.3g}{unit}", f"{must:g}{unit} ({goal:g}{unit})", value <= must))

    if one := result.get("one"):
        row("R1", "one project, median ÷ bare script", one["median_of_ratios"], 1.5, 1.2)
    if many := result.get("many"):
        row("R2", f"{many['projects']} projects at once ÷ bare script", many["median_of_ratios"], 1.4, 1.15)
    if counted := result.get("calls"):
        row("R3", "outside calls ÷ objects made", counted["ratio"], 1.15, 1.05)
        row("R4", "writes of a look that finds nothing to do", counted["second_look_writes"], 0, 0)
    if idle := result.get("submits"):
        row("R8", "submit p95, idle", idle["p95"] * 1000, 100, 50, " ms")
    if many := result.get("many"):
        row("R8", "submit p95, during the bulk run", many["submit_meanwhile_p95"] * 1000, 250, 120, " ms")
    if taken := result.get("memory"):
        row("R12", "memory of a web worker", taken["largest_web_worker"], 130, 100, " MB")
        row("R12", "memory of the worker", taken["largest_worker"], 160, 120, " MB")
        row("R12", "memory of all of the portal", taken["all"], 750, 550, " MB")
    for name, page in (result.get("pages") or {"pages": {}})["pages"].items():
        row("P1", f"server time p95: {name}", page["p95"], 100, 50, " ms")
        row("P2", f"  queries more than with {FEW} projects", max(page["queries"] - page["queries_few"], 0), 0, 0)
        row("P3", "  weight, compressed", page["kilobytes"], 150, 80, " kB")
    if found := result.get("directory"):
        row("D1", "directory: search p95", found["search"]["p95"], 100, 50, " ms")
        row("D1", "directory: search p95, from key to answer", found["page"]["p95"], 150, 80, " ms")
        row("D2", "directory: all groups of a person, p95", found["groups_of"]["p95"], 100, 20, " ms")
        row("D3", "directory: first sync", found["first_sync_seconds"], 60, 30, " s")
        row("D3", "directory: sync that finds nothing new", found["second_sync_seconds"], 20, 5, " s")
        row("D4", "directory: memory that syncs take", found["sync_megabytes"], 120, 80, " MB")
    if found := result.get("feedback"):
        row("F1", "report → comment on the pull request, p95", found["told"]["p95"] * 1000, 1000, 500, " ms")
        row("F1", "report → answer, p95", found["answered"]["p95"] * 1000, 100, 50, " ms")
        row("F2", "calls about the comment, once there is one", found["comment_calls"], 1, 1)
    if found := result.get("deliveries"):
        row("F3", "delivery → answer, p95, during a bulk run", found["answered"]["p95"] * 1000, 50, 25, " ms")
        row("F3", "  deliveries lost or refused", found["lost"], 0, 0)
    return rows


def _print(rows: list[tuple[str, str, str, str, bool]], result: dict[str, Any]) -> None:
    print(f"\n{'':4} {'what':44} {'measured':>12} {'must (goal)':>20}")
    for number, what, value, must, ok in rows:
        print(f"{number:4} {what:44} {value:>12} {must:>20}  {'' if ok else 'MISSED'}")
    loops = [" to ".join(f"{one:.0f}" for one in (first, last)) for first, _, last in result["machine"]["loop_ms"]]
    print(f"\na fixed loop of Python took {loops[0]} ms before, {loops[1]} ms after")
    if found := result.get("deliveries"):
        ms = {
            name: [round(value * 1000) for value in found[name].values()] for name in ("answered", "healthz_meanwhile")
        }
        print(f"\ndeliveries: {found['per_second']:.1f} per second; ms p50, p95, max: {ms['answered']},")
        print(
            f"/healthz beside them {ms['healthz_meanwhile']}; dealt with after {found['dealt_with']['p95']:.1f} s (p95)"
        )
    if one := result.get("one"):
        print(f"\none project: {one['median_portal']:.3f} s, bare script {one['median_bare']:.3f} s (medians)")
    if many := result.get("many"):
        print(f"{many['projects']} projects: {many['projects_per_minute']:.0f} per minute")
    if steps := result.get("breakdown"):
        print("\nwhere the time of one project goes (ms since the ask, median):")
        for step, at in sorted(steps["milliseconds"].items(), key=lambda item: item[1]):
            print(f"  {at:7.0f}  {step}")


if __name__ == "__main__":
    sys.exit(main())
