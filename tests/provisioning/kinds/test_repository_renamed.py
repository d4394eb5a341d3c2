"""The repository Kind when somebody renamed the repository, or moved it."""

from dataclasses import replace

import pytest

from provisioning.errors import PermanentError, TemporaryError
from provisioning.kind import KnownRepository, Wish
from provisioning.kinds.repository import KIND
from tests.fakes.forge import FakeForge
from tests.provisioning.kinds.repositories import NAME, TEMPLATES, TOPIC, apply, attaching, found, writes
from tests.provisioning.wishes import UID, wish


def known(wanted: Wish, forge: FakeForge, full_name: str) -> Wish:
    """The wish of a project whose repository was read when it was called so."""
    number = forge.repositories[full_name].repository["id"]
    return replace(wanted, repository=KnownRepository(wanted=NAME, full_name=full_name, number=number))


def test_a_renamed_repository_is_waited_for_and_never_made_again(forge: FakeForge):
    apply(wish(), forge)
    wanted = known(wish(), forge, NAME)
    forge.rename(NAME, "winter")
    forge.calls.clear()

    for ask in (found, apply, lambda wanted, forge: KIND.delete(wanted, forge)):
        with pytest.raises(TemporaryError) as caught:
            ask(wanted, forge)
        assert caught.value.message == (
            "forecasting/demand is called forecasting/winter now. We take that name over within ten minutes."
        )
    assert [call for call in writes(forge) if call[0] != "create_repository"] == []
    assert list(forge.repositories) == [one["repository"] for one in TEMPLATES] + ["forecasting/winter"]


def test_a_renamed_repository_is_as_wanted_under_its_new_name(forge: FakeForge):
    apply(wish(), forge)
    forge.rename(NAME, "winter")
    wanted = known(wish(), forge, "forecasting/winter")

    assert found(wanted, forge) == {"keep": 1}
    assert KIND.summary(wanted).startswith("forecasting/winter")
    assert KIND.delete(replace(wanted, remove_data=True), forge) is True
    assert "forecasting/winter" not in forge.repositories


def test_another_one_under_the_old_name_is_not_taken_for_ours(forge: FakeForge):
    apply(wish(), forge)
    wanted = known(wish(), forge, NAME)
    forge.rename(NAME, "winter")
    forge.create_repository("forecasting", "demand", f"Demand (Slipway project {UID})")

    with pytest.raises(TemporaryError, match="is called forecasting/winter now"):
        found(wanted, forge)


def test_one_that_was_removed_is_made_anew_under_its_last_name(forge: FakeForge):
    apply(wish(), forge)
    forge.rename(NAME, "winter")
    wanted = known(wish(), forge, "forecasting/winter")
    forge.delete_repository("forecasting/winter")

    apply(wanted, forge)

    assert found(wanted, forge) == {"keep": 1}
    assert "forecasting/winter" in forge.repositories


def test_a_name_that_only_leads_to_somebody_else_s_repository_is_free(forge: FakeForge):
    forge.create_repository("forecasting", "demand", "Theirs")
    forge.rename(NAME, "theirs")

    assert found(wish(), forge) == {"create": 1}
    apply(wish(), forge)
    assert found(wish(), forge) == {"keep": 1}
    assert forge.repositories["forecasting/theirs"].repository["topics"] == []


def test_what_is_known_of_one_repository_does_not_count_for_another(forge: FakeForge, lane: str):
    apply(wish(), forge)
    wanted = replace(attaching(), repository=known(wish(), forge, NAME).repository)

    apply(wanted, forge)

    assert forge.repositories["vision/lane"].repository["topics"] == sorted(["slipway", TOPIC, "vision"])


def test_a_former_name_can_not_be_attached(forge: FakeForge, lane: str):
    forge.rename(lane, "road")

    with pytest.raises(PermanentError) as caught:
        apply(attaching(), forge)
    assert caught.value.message == "vision/lane is called vision/road now. Attach it under that name."
    with pytest.raises(PermanentError, match=r"is not there, or .* do not both administer it"):
        apply(attaching(by="bob"), forge)
