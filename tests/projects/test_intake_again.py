"""A pushed file is read once, twice, late, or by a worker that dies, and the end is the same; registering too."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from projects import actions, intake, listening
from projects.installation import installation
from projects.listening import give_back, take_turn
from projects.models import Delivery, Door, Project, ProjectRequest, RegisteredRepository
from provisioning.errors import TargetUnavailable
from tests.people import person
from tests.projects.file_door import (
    NAME,
    PROFILE,
    PushedForge,
    answer,
    delivered,
    listen,
    look,
    made,
    opener,
    settle,
)

pytestmark = pytest.mark.django_db


# Once, twice, never, half


def test_looking_again_writes_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    made(forge, row)
    writes = len(forge.made("set_status"))
    forge.calls.clear()
    for _ in range(3):
        look(forge, row)
    assert forge.made("set_status", "upsert_comment", "file") == []
    assert (writes, ProjectRequest.objects.count()) == (2, 1)


def test_a_lost_delivery_costs_time_only(forge: PushedForge, row: RegisteredRepository) -> None:
    row = look(forge, row)
    assert row.look_at is not None
    forge.push("alice", {"profile.yaml": PROFILE})
    assert listening.due_repositories(limit=5) == []
    RegisteredRepository.objects.update(look_at=timezone.now() - timedelta(seconds=1))
    assert listening.due_repositories(limit=5) == [row.pk]
    intake.read(row.pk, installation=installation(), open_client=opener(forge))
    assert Project.objects.count() == 1


def test_a_forge_that_is_away_loses_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    young, old = delivered(row, "d-1"), delivered(row, "d-2")
    Delivery.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(seconds=120))
    forge.fail_with(TargetUnavailable("git-1 does not answer."), on="*")
    row = look(forge, row)
    assert row.look_at is not None
    wait = (row.look_at - timezone.now()).total_seconds()
    assert 50 < wait < 65
    young.refresh_from_db()
    assert (young.answered_at, row.lease_until, row.seen_commit) == (None, None, "")
    forge.fail_with(TargetUnavailable("git-1 is busy.", delay=7), on="file")
    row = look(forge, row)
    look(forge, row)
    assert (forge.said(sha) or ("",))[0] == "pending"
    assert not Delivery.objects.filter(answered_at=None).exists()


def test_a_forge_that_says_how_long_is_left_alone_so_long(forge: PushedForge, row: RegisteredRepository) -> None:
    delivered(row)
    forge.fail_with(TargetUnavailable("git-1 was asked too much.", delay=3000), on="*")
    row = look(forge, row)
    assert row.look_at is not None
    assert 2990 < (row.look_at - timezone.now()).total_seconds() <= 3000


@pytest.mark.parametrize("method", ["repository", "branch_head", "file", "pushes", "statuses", "set_status"])
def test_a_death_at_any_call_ends_the_same(forge: PushedForge, row: RegisteredRepository, method: str) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    forge.fail_with(KeyboardInterrupt(), on=method)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        look(forge, row)
    RegisteredRepository.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert listening.due_repositories(limit=5) == [row.pk]
    RegisteredRepository.objects.update(lease_until="2020-01-01T00:00:00Z")
    intake.read(row.pk, installation=installation(), open_client=opener(forge))
    row.refresh_from_db()
    assert (Project.objects.count(), ProjectRequest.objects.count(), row.seen_commit) == (1, 1, sha)
    assert forge.said(sha) == ("pending", "Accepted; working on it.")


def test_the_answer_comes_later_when_the_forge_is_away(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    row = look(forge, row)
    assert row.project is not None
    settle(row.project)
    forge.fail_with(TargetUnavailable("git-1 does not answer."), on="*")
    answer(forge, row.project)
    row.refresh_from_db()
    assert row.look_at is not None
    assert row.look_at <= timezone.now() + timedelta(seconds=30)
    look(forge, row)
    assert (forge.said(sha) or ("",))[0] == "success"


def test_a_force_push_back_to_an_old_file_is_asked_for_by_who_did_it(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    project = made(forge, row)
    forge.push("alice", {"profile.yaml": PROFILE + b"plan: medium\n"})
    look(forge, row)
    sha = forge.push("bob", {"profile.yaml": PROFILE + b"plan: large\n"})
    look(forge, row)
    project.refresh_from_db()
    assert ((forge.said(sha) or ("",))[0], project.spec["plan"]) == ("failure", "medium")


def test_a_repository_that_is_gone_is_said_so(forge: PushedForge, row: RegisteredRepository) -> None:
    delivery = delivered(row)
    forge.delete_repository(NAME)
    look(forge, row)
    delivery.refresh_from_db()
    assert delivery.outcome == "The forge shows us no such repository any more."


def test_an_empty_repository_asks_for_nothing(forge: PushedForge) -> None:
    forge.organisations.add("forecasting")
    forge.create_repository("forecasting", "empty", "", auto_init=False)
    row = look(forge, listen(forge, "forecasting/empty"))
    assert (row.seen_commit, ProjectRequest.objects.count()) == ("", 0)


def test_one_reads_at_a_time(row: RegisteredRepository) -> None:
    RegisteredRepository.objects.update(look_at="2020-01-01T00:00:00Z")
    mine = take_turn(row.pk)
    assert mine is not None
    RegisteredRepository.objects.update(look_at="2020-01-01T00:00:00Z")
    assert take_turn(row.pk) is None
    give_back(mine)
    row.refresh_from_db()
    assert (row.lease_until, row.look_at and row.look_at.year) == (None, 2020)
    assert take_turn(row.pk) is not None


def test_who_lost_the_turn_writes_nothing(forge: PushedForge, row: RegisteredRepository) -> None:
    sha = forge.push("alice", {"profile.yaml": PROFILE})
    original = forge.pushes

    def slow(full_name: str, branch: str) -> Any:
        RegisteredRepository.objects.update(lease_until=timezone.now() + timedelta(minutes=5))
        return original(full_name, branch)

    forge.pushes = slow  # type: ignore[method-assign]
    look(forge, row)
    assert (Project.objects.count(), ProjectRequest.objects.count(), forge.said(sha)) == (0, 0, None)


# Registering


def test_registering_makes_one_hook_with_our_secret(forge: PushedForge) -> None:
    first, again = listen(forge), listen(forge)
    assert first == again
    hooks = forge.repositories[NAME].hooks
    url = f"{installation().public_url}/hooks/git-1/{first.uid}/"
    assert [(one["url"], one["events"]) for one in hooks.values()] == [(url, ["issue_comment", "pull_request", "push"])]
    secret = installation().key_ring.derive(uid=str(first.uid), purpose="profile-hook")
    assert list(forge.repositories[NAME].secrets.values()) == [secret]


def test_a_project_s_repository_is_registered_under_the_project_s_uid(forge: PushedForge) -> None:
    asked = actions.create(
        {"slug": "demand", "team": "forecasting"}, by=person("alice"), door=Door.FORM, installation=installation()
    )
    project = asked.project
    assert project is not None
    settle(project)
    assert listening.poll_due(timezone.now(), installation=installation()) == 1
    row = RegisteredRepository.objects.get()
    assert (row.uid, row.full_name, row.project) == (project.uid, NAME, project)
    assert listening.register_project_repository(project, installation=installation()) == row
    assert listening.poll_due(timezone.now(), installation=installation()) == 0


def test_a_registered_repository_becomes_the_project_s_that_attached_it(
    forge: PushedForge, row: RegisteredRepository
) -> None:
    data = {"slug": "other", "team": "forecasting", "options": {"repository": {"attach": NAME}}}
    project = actions.create(data, by=person("alice"), door=Door.FORM, installation=installation()).project
    assert project is not None
    assert listening.register_project_repository(project, installation=installation()) == row
    row.refresh_from_db()
    assert row.project == project
    data = {"slug": "third", "team": "forecasting", "options": {"repository": {"attach": NAME}}}
    third = actions.create(data, by=person("alice"), door=Door.FORM, installation=installation()).project
    assert third is not None
    assert listening.register_project_repository(third, installation=installation()) is None
