"""What a child that is started with a priority has of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.process_control import die_with_parent

SAY = "import os; print(os.nice(0))"
GROUP = Path("/proc/self/autogroup")


@pytest.mark.parametrize("leads", [True, False])
def test_the_priority_is_the_child_s_own(leads: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAY],
        start_new_session=leads,
        preexec_fn=die_with_parent(nice=3),
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == os.nice(0) + 3


@pytest.mark.skipif(
    not (GROUP.exists() and GROUP.read_text().strip()), reason="this kernel shares the cores among processes alone"
)
@pytest.mark.parametrize(("leads", "given"), [(True, "3"), (False, None)])
def test_the_session_has_it_only_where_the_child_leads_one(leads: bool, given: str | None) -> None:
    before = GROUP.read_text().split()[-1]
    done = subprocess.run(
        ["cat", str(GROUP)],
        start_new_session=leads,
        preexec_fn=die_with_parent(nice=3),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == (given or before)
