from inspect import getdoc, isfunction
from typing import get_args

import pytest

from provisioning.clients.gitea import Forge
from provisioning.clients.github import GitHub
from provisioning.clients.gitlab import GitLab
from provisioning.clients.gitlab_actions import WithoutActions
from provisioning.forge import LIKE_GITHUB, ForgeClient, ForgeKind


def test_the_interface_says_of_each_call_what_comes_of_it() -> None:
    calls = {name: one for name, one in vars(ForgeClient).items() if isfunction(one) and not name.startswith("_")}
    assert len(calls) > 40
    assert [name for name, one in calls.items() if not getdoc(one)] == []


@pytest.mark.parametrize("kind", get_args(ForgeKind))
def test_what_runs_no_workflows_is_what_a_driver_refuses(kind: ForgeKind) -> None:
    driver = {"github": GitHub, "gitlab": GitLab}.get(kind, Forge)
    assert issubclass(driver, WithoutActions) == (kind not in LIKE_GITHUB)
