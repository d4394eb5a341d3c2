"""What `./dev test` has pytest do."""

from devstack.commands import APART, pytest_runs


def test_all_tests_are_two_runs_that_leave_none_out() -> None:
    first, second = pytest_runs([], cores=4)
    assert first == ["-n", "4", "--dist", "loadfile", "-p", "tests.own_redis", *APART]
    assert second == [f"--ignore={folder}" for folder in APART]


def test_what_was_named_is_one_run_as_it_was_named() -> None:
    assert pytest_runs(["-q", "tests/projects"], cores=4) == [["-q", "tests/projects"]]
