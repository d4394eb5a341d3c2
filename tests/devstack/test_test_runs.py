"""What `./dev test` has pytest do, and beside what."""

from collections import Counter
from pathlib import Path

from devstack.stack import ROOT
from devstack.test_runs import Run, rounds


def files_of(run: Run) -> set[Path]:
    """The files with tests that a run takes, by its paths: those that it names, or all without those that it leaves."""
    paths = {
        word.removeprefix("--ignore=") for word in run.arguments if word.removeprefix("--ignore=").startswith("tests/")
    }
    there = {path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    named = {path for path in there if any(path.is_relative_to(one) for one in paths)}
    return there - named if any(word.startswith("--ignore=") for word in run.arguments) else named


def test_each_file_is_in_one_run() -> None:
    runs = [run for one in rounds([], cores=2) for run in one]
    taken = Counter(path for run in runs for path in files_of(run))
    there = {path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    assert taken == Counter(there)


def test_who_kills_servers_is_beside_those_that_use_none() -> None:
    (killers,) = (
        beside
        for beside in rounds([], cores=2)
        if any(Path("tests/faults/test_recovery.py") in files_of(run) for run in beside)
    )
    assert [run.name for run in killers] == ["whole stack", "apart"]
    assert [run.background for run in killers] == [False, True]


def test_only_what_needs_nothing_of_the_stack_outlasts_its_round() -> None:
    outlasting = {path for one in rounds([], cores=2) for run in one if run.background for path in files_of(run)}
    assert outlasting
    needs_servers = {"faults", "contract", "browser", "devstack", "template"}
    assert {path for path in outlasting if path.parts[1] in needs_servers} == set()


def test_what_was_named_is_one_run_as_it_was_named() -> None:
    assert rounds(["-q", "tests/projects"], cores=4) == [[Run(name="tests", arguments=("-q", "tests/projects"))]]
