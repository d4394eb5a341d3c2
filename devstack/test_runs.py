"""Which tests of `./dev test` run beside which: most of them wait for servers, and others need no more than a database.

Two rounds, one after the other; the runs of a round go at the same time, and what runs in the background goes on into
the next. What can disturb others shares a round only with what it can't reach: tests that kill servers or change
people's groups with those that have servers of their own, or ask none; the browser, whose pages are about the same few
people, with those that ask a single server.
"""

from collections.abc import Sequence
from dataclasses import dataclass

APART = (
    "tests/projects",
    "tests/portal",
    "tests/provisioning",
    "tests/test_docs.py",
    "tests/test_mass_assignment.py",
    "tests/test_nested_routes.py",
    "tests/test_packaging.py",
    "tests/test_permission_matrix.py",
)
"""Tests that need a database, and nothing of the stack that another test could be using."""
BROWSER = ("tests/browser",)
SERVERS = ("tests/contract", "tests/devstack", "tests/template")
"""Tests of one server, or of what the stack itself is made of; none of them needs the portal."""


@dataclass(frozen=True)
class Run:
    """One pytest.

    background: it gives way to the others, which wait for answers with a deadline, and the next round doesn't wait for
    it; so it must be apart from whatever that has.
    """

    name: str
    arguments: tuple[str, ...]
    background: bool = False


def rounds(arguments: Sequence[str], *, cores: int) -> list[list[Run]]:
    """The runs of each round for `./dev test ARGUMENTS`. With arguments it is one run, as they say."""
    if arguments:
        return [[Run(name="tests", arguments=tuple(arguments))]]
    # A process per core, each with a database and a Redis of its own.
    at_once = ("-n", str(cores), "--dist", "loadfile", "-p", "tests.own_redis")
    named = (*APART, *BROWSER, *SERVERS)
    return [
        [
            Run(name="whole stack", arguments=tuple(f"--ignore={path}" for path in named)),
            Run(name="apart", arguments=(*at_once, *APART), background=True),
        ],
        [Run(name="browser", arguments=BROWSER), Run(name="single servers", arguments=SERVERS)],
    ]
