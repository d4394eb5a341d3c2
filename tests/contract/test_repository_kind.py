"""Repositories on a real Gitea: as asked for, attached or kept, with the rights that were asked for and no others."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from provisioning.clients.gitea import Forge
from provisioning.errors import NameTaken, TemporaryError
from provisioning.kind import KnownRepository, Wish
from provisioning.kinds import repository, repository_access, webhook
from provisioning.reconcile import each
from tests.contract.made import BOT, PEOPLE, apply, as_person, found, look, project, repair
from tests.contract.stack import change_repository, secret, unique, url
from tests.provisioning.wishes import catalogue


@pytest.fixture(scope="module")
def template(forge: Forge) -> Iterator[str]:
    forge.ensure_organisation("contract")
    made = forge.create_repository("contract", unique("template"), "A template", auto_init=False)["full_name"]
    forge.put_files(made, "main", "First", {"README.md": b"# A model\n", "dvc.yaml": b"stages: {}\n"})
    change_repository(made, template=True)
    yield made
    forge.delete_repository(made)


def from_template(wanted: Wish, template: str) -> Wish:
    entry = {"name": "sample", "forge": "git-1", "repository": template}
    return replace(wanted, catalogue=catalogue(templates=[entry]))


def push(person: str, name: str, branch: str, path: str, **more: Any) -> int:
    """The status of the answer when a person commits a file to a branch."""
    body = {"branch": branch, "message": "Change", "content": "eA==", **more}
    return as_person(person, "POST", f"/repos/{name}/contents/{path}", body).status_code


def test_a_repository_is_as_it_was_asked_for(forge: Forge, demand: Wish, template: str):
    wanted = from_template(demand, template)
    name = wanted.names.repository

    apply(repository.KIND, wanted, forge)

    assert [(one.key, one.action, one.differences) for one in look(repository.KIND, wanted, forge)] == [
        (f"repository/{name}", "keep", ())
    ]
    made = forge.repository(name)
    assert made is not None
    assert (made["private"], sorted(made["topics"]), made["description"]) == (
        True,
        ["slipway", f"u-{wanted.uid.replace('-', '')}"],
        f"Demand forecast (Slipway project {wanted.uid})",
    )
    content = forge.file(name, "dvc.yaml", "main")
    assert content is not None
    assert content[0] == b"stages: {}\n"
    apply(repository.KIND, wanted, forge)
    assert found(repository.KIND, wanted, forge) == {"keep": 1}


def test_nobody_gets_in_before_the_main_branch_is_protected(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    assert forge.collaborators(name) == {}
    assert push("bob", name, "main", "change.txt") == 404

    apply(repository_access.KIND, demand, forge)

    assert forge.collaborators(name) == {"alice": "admin", "bob": "write"}
    assert push("bob", name, "main", "change.txt") == 403
    apply(repository_access.KIND, demand, forge)
    assert found(repository_access.KIND, demand, forge) == {"keep": 2}


def test_owners_push_to_the_main_branch_and_editors_ask(forge: Forge, demand: Wish):
    for kind in (repository.KIND, repository_access.KIND):
        apply(kind, demand, forge)
    name = demand.names.repository
    assert found(repository_access.KIND, demand, forge) == {"keep": 2}

    assert push("alice", name, "main", "profile.yaml") == 201
    assert push("bob", name, "main", "change.txt") == 403
    assert push("bob", name, "main", "change.txt", new_branch="change") == 201
    assert push("charlie", name, "main", "x.txt") == 404
    assert as_person("alice", "DELETE", f"/repos/{name}/branches/main").status_code in (403, 409)
    forge.put_files(name, "main", "By the portal", {"portal.txt": b"x"})
    forge.put_branch_protection(name, "main", push_logins=["bob"])
    assert found(repository_access.KIND, demand, forge) == {"update": 1, "keep": 1}
    repair(repository_access.KIND, demand, forge)
    assert found(repository_access.KIND, demand, forge) == {"keep": 2}
    assert push("bob", name, "main", "change.txt") == 403


def test_a_missing_organisation_is_made(forge: Forge):
    wanted = project(team=unique("team"))

    apply(repository.KIND, wanted, forge)

    assert found(repository.KIND, wanted, forge) == {"keep": 1}
    repository.KIND.delete(replace(wanted, remove_data=True), forge)
    httpx.delete(
        f"{url('gitea')}/api/v1/orgs/{wanted.names.team}", headers={"Authorization": f"token {secret('git-1.token')}"}
    )


def test_a_repository_that_we_made_and_could_not_mark_any_more_is_ours(forge: Forge, demand: Wish, template: str):
    wanted = from_template(demand, template)
    description = f"Demand forecast (Slipway project {wanted.uid})"
    forge.create_from_template(template, wanted.names.team, wanted.names.slug, description)  # here the worker dies

    assert found(repository.KIND, wanted, forge) == {"update": 1}
    apply(repository.KIND, wanted, forge)

    assert found(repository.KIND, wanted, forge) == {"keep": 1}


def test_a_mark_outlives_a_rewritten_description_and_a_removed_topic(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    forge.set_topics(name, ["forecasting"])
    assert found(repository.KIND, demand, forge) == {"update": 1}
    repair(repository.KIND, demand, forge)
    change_repository(name, description="Ours")

    assert found(repository.KIND, demand, forge) == {"keep": 1}
    made = forge.repository(name)
    assert made is not None
    assert sorted(made["topics"]) == ["forecasting", "slipway", f"u-{demand.uid.replace('-', '')}"]


@pytest.mark.parametrize("mark", ["A repository of somebody", "Theirs (Slipway project another)"])
def test_a_foreign_repository_is_refused_and_stays_as_it_is(forge: Forge, mark: str):
    wanted = project()
    name = wanted.names.repository
    forge.create_repository(wanted.names.team, wanted.names.slug, mark)
    before = (forge.repository(name), forge.collaborators(name), forge.branch_protection(name, "main"))

    for ask in (apply, look):
        with pytest.raises(NameTaken, match=f"^{name} "):
            ask(repository.KIND, wanted, forge)

    assert webhook.KIND.delete(wanted, forge) is True
    assert repository.KIND.delete(replace(wanted, remove_data=True), forge) is True
    after = (forge.repository(name), forge.collaborators(name), forge.branch_protection(name, "main"))
    assert after == before
    forge.delete_repository(name)


def test_rights_that_nobody_asked_for_are_taken_back(forge: Forge, demand: Wish):
    more = (*PEOPLE, {"user": "nobody@corp.example", "role": "viewer"})
    wanted = replace(demand, spec=project(demand.names.slug, contributors=more).spec)
    for kind in (repository.KIND, repository_access.KIND):
        apply(kind, wanted, forge)
    name = demand.names.repository
    assert found(repository_access.KIND, wanted, forge) == {"keep": 2}
    observed = repository_access.KIND.observe(wanted, forge, repository_access.KIND.desired(wanted), each)["members"]
    assert {name: (observed or {})[name] for name in ("people", "others", "unknown")} == {
        "people": {
            "alice@corp.example": "admin",
            "bob@corp.example": "write",
            "nobody@corp.example": "read",
        },
        "others": [],
        "unknown": ["nobody@corp.example"],
    }

    forge.put_collaborator(name, "charlie", "admin")
    forge.put_collaborator(name, "bob", "admin")
    forge.delete_collaborator(name, "alice")
    forge.set_private(name, False)
    assert found(repository.KIND, wanted, forge) == {"update": 1}
    # Who lost the right to write has left the rule too.
    assert found(repository_access.KIND, wanted, forge) == {"update": 2}
    for kind in (repository.KIND, repository_access.KIND):
        repair(kind, wanted, forge)

    assert found(repository.KIND, wanted, forge) == {"keep": 1}
    assert found(repository_access.KIND, wanted, forge) == {"keep": 2}
    assert forge.collaborators(name) == {"alice": "admin", "bob": "write"}


def attaching(name: str, *, by: str = "alice", **changes: Any) -> Wish:
    return project(options={"repository": {"attach": name}}, attached_by=f"{by}@corp.example", **changes)


@pytest.fixture
def of_alice(forge: Forge) -> Iterator[str]:
    """A repository that Alice made, where the bot is an administrator and Charlie works."""
    name = f"alice/{unique('lane')}"
    body = {"name": name.split("/")[1], "private": True, "auto_init": True, "description": "Hers"}
    assert as_person("alice", "POST", "/user/repos", body).status_code == 201
    for login, right in ((BOT, "admin"), ("charlie", "write")):
        path = f"/repos/{name}/collaborators/{login}"
        assert as_person("alice", "PUT", path, {"permission": right}).status_code == 204
    yield name
    as_person("alice", "DELETE", f"/repos/{name}")


def test_an_attached_repository_gets_mark_people_and_hooks_and_loses_nothing(forge: Forge, of_alice: str):
    wanted = attaching(of_alice)

    for kind, number in ((repository.KIND, 1), (webhook.KIND, 2), (repository_access.KIND, 1)):
        apply(kind, wanted, forge)
        assert found(kind, wanted, forge) == {"keep": number}
    assert forge.collaborators(of_alice) == {BOT: "admin", "bob": "write", "charlie": "write"}
    assert forge.branch_protection(of_alice, "main") is None
    with pytest.raises(NameTaken, match=r"belongs to another project of Slipway\. Attach another one\."):
        apply(repository.KIND, attaching(of_alice), forge)

    everything = replace(wanted, remove_data=True)
    assert webhook.KIND.delete(everything, forge) is True
    assert repository.KIND.delete(everything, forge) is True

    left = forge.repository(of_alice)
    assert left is not None
    assert (left["topics"], left["description"], forge.hooks(of_alice)) == ([], "Hers", [])
    assert forge.collaborators(of_alice) == {BOT: "admin", "bob": "write", "charlie": "write"}


@pytest.mark.parametrize("by", ["bob", "charlie"])
def test_only_who_administers_a_repository_may_attach_it(forge: Forge, of_alice: str, by: str):
    # Alice owns these projects, and did not ask for her repository.
    wanted = attaching(of_alice, by=by)
    absent = attaching("alice/no-such-repository", by=by)

    for one in (wanted, absent):
        with pytest.raises(NameTaken, match=r"is not there, or slipway-bot and who asked to attach it .* do not both"):
            apply(repository.KIND, one, forge)

    left = forge.repository(of_alice)
    assert left is not None
    assert left["topics"] == []


def test_a_retired_project_leaves_its_repository_to_the_next_one(forge: Forge, demand: Wish):
    for kind in (repository.KIND, repository_access.KIND):
        apply(kind, demand, forge)
    name = demand.names.repository

    for kind in (repository_access.KIND, repository.KIND):
        assert kind.delete(demand, forge) is True

    kept = forge.repository(name)
    assert kept is not None
    assert sorted(kept["topics"]) == ["slipway", "slipway-kept", f"u-{demand.uid.replace('-', '')}"]
    assert forge.collaborators(name) == {"alice": "admin", "bob": "write"}
    with pytest.raises(NameTaken, match=r"was kept from an earlier project\. Attach it, or pick another name\."):
        apply(repository.KIND, project(demand.names.slug), forge)
    successor = attaching(name)
    apply(repository.KIND, successor, forge)
    assert found(repository.KIND, successor, forge) == {"keep": 1}
    with pytest.raises(NameTaken, match="belongs to another project of Slipway"):
        apply(repository.KIND, demand, forge)

    repository.KIND.delete(successor, forge)
    apply(repository.KIND, demand, forge)
    assert found(repository.KIND, demand, forge) == {"keep": 1}
    assert repository.KIND.delete(replace(demand, remove_data=True), forge) is True
    assert forge.repository(name) is None


def test_a_renamed_repository_is_found_by_its_number(forge: Forge, demand: Wish):
    apply(repository.KIND, demand, forge)
    name = demand.names.repository
    made = forge.repository(name)
    assert made is not None
    token = {"Authorization": f"token {secret('git-1.token')}"}
    new = f"{demand.names.slug}-winter"
    httpx.patch(f"{url('gitea')}/api/v1/repos/{name}", headers=token, json={"name": new}).raise_for_status()
    before = replace(demand, repository=KnownRepository(wanted=name, full_name=name, number=made["id"]))
    after = replace(before, repository=KnownRepository(wanted=name, full_name=f"forecasting/{new}", number=made["id"]))

    for kind in (repository.KIND, webhook.KIND):
        with pytest.raises(TemporaryError):
            look(kind, before, forge)
    assert found(repository.KIND, after, forge) == {"keep": 1}
    apply(webhook.KIND, after, forge)
    assert found(webhook.KIND, after, forge) == {"keep": 2}
    assert repository.KIND.delete(replace(after, remove_data=True), forge) is True
