"""What only a real forge does: rules of the server that the fake doesn't have."""

import httpx
import pytest

from provisioning.clients.gitea import Forge
from provisioning.errors import PermanentError, TargetUnavailable
from tests.contract.made import BOT
from tests.contract.stack import change_repository, secret, unique, url


def test_branch_that_generate_left_behind_is_noticed(forge: Forge):
    """A crash between `/generate` and the list of branches: later looks must still find the branch."""
    forge.ensure_organisation("contract")
    template = forge.create_repository("contract", unique("template"), "A template")["full_name"]
    change_repository(template, template=True)
    name = unique("made")
    body = {"owner": "contract", "name": name, "git_content": True, "private": True}
    headers = {"Authorization": f"token {secret('git-1.token')}"}
    for method in ("branch_head", "file"):
        path = f"{url('gitea')}/api/v1/repos/{template}/generate"
        httpx.post(path, headers=headers, json=body, timeout=15).raise_for_status()
        if method == "branch_head":
            assert forge.branch_head(f"contract/{name}", "main") is not None
        else:
            assert forge.file(f"contract/{name}", "README.md", "main") is not None
        forge.delete_repository(f"contract/{name}")
    forge.delete_repository(template)


def test_foreign_token_and_silence_are_told_apart(forge: Forge):
    with pytest.raises(TargetUnavailable, match="refuses our credential"):
        Forge(name="git-1", url=url("gitea"), token="wrong", bot=BOT).probe()
    with pytest.raises(TargetUnavailable, match="no connection"):
        Forge(name="git-1", url="http://127.0.0.1:1", token="wrong", bot=BOT).probe()
    with pytest.raises(PermanentError, match="belongs to slipway-bot"):
        Forge(name="git-1", url=url("gitea"), token=secret("git-1.token"), bot="another-bot").probe()


def test_a_workflow_is_started_where_the_forge_runs_it(forge: Forge):
    forge.ensure_organisation("contract")
    name = forge.create_repository("contract", unique("workflow"), "Trained again")["full_name"]
    with pytest.raises(PermanentError):
        forge.start_workflow(name, "ci.yaml", "main")
    forge._api.ask("switch Actions on", "PATCH", f"/repos/{name}", body={"has_actions": True})
    workflow = b"on: {workflow_dispatch: {}}\njobs: {train: {runs-on: none, steps: [{run: 'true'}]}}\n"
    forge.put_files(name, "main", "Add CI", {".github/workflows/ci.yaml": workflow})

    forge.start_workflow(name, "ci.yaml", "main")

    found = forge._api.ask("read runs", "GET", f"/repos/{name}/actions/runs")
    assert [(run["event"], run["path"].partition("@")[0]) for run in found["workflow_runs"]] == [
        ("workflow_dispatch", "ci.yaml")
    ]
    forge.delete_repository(name)
