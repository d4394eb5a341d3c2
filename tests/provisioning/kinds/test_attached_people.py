"""People of an attached repository: what we gave them is taken back with their role, and nothing else of anybody's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from provisioning.errors import TargetUnavailable
from provisioning.kinds.repository import KIND as REPOSITORY
from provisioning.kinds.repository_access import KIND
from provisioning.outcomes import Known, Outcome
from provisioning.reconcile import reconcile
from tests.fakes.forge import FakeForge
from tests.provisioning.kinds.repositories import BOT, attaching, writes
from tests.provisioning.wishes import catalogue, one_by_one

KINDS = {REPOSITORY.name: REPOSITORY, KIND.name: replace(KIND, after=(REPOSITORY.name,))}
BEFORE = {BOT: "admin", "alice": "admin", "charlie": "write"}
AWAY = TargetUnavailable("away")


class Rows:
    """What the portal has of the project's resources: what was recorded last, of whichever worker."""

    def __init__(self, forge: FakeForge) -> None:
        self.forge, self.known, self.noted_at = forge, dict[str, Known](), list[int]()

    def look(self, generation: int = 1, *, at: str = "vision/lane", killed_by: str = "", **roles: str) -> None:
        """One look at the project in which these people have these roles. at: the repository that is attached.
        killed_by: the call that ends the worker."""
        contributors = [{"user": f"{name}@corp.example", "role": role} for name, role in roles.items()]
        if killed_by:
            self.forge.fail_with(AWAY, on=killed_by)
        reconcile(
            wish=attaching(at, contributors=contributors, generation=generation),
            kinds=KINDS,
            known=self.known,
            open_client=lambda _: self.forge,
            record=self.record,
            now=lambda: datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        )

    def record(self, outcomes: Sequence[Outcome]) -> None:
        self.known |= {one.kind: one.known for one in outcomes}
        self.noted_at += [len(writes(self.forge)) for one in outcomes if one.noted]

    @property
    def remembered(self) -> Mapping[str, Any]:
        return self.known[KIND.name].remembered


@pytest.fixture
def rows(forge: FakeForge, lane: str) -> Rows:
    assert lane == "vision/lane"
    return Rows(forge)


def people(rows: Rows) -> Mapping[str, str]:
    return rows.forge.repositories["vision/lane"].collaborators


def number(rows: Rows, name: str) -> int:
    return rows.forge.repositories[name].repository["id"]


def test_who_has_no_role_any_more_is_left_with_what_they_had_before_us(rows: Rows) -> None:
    rows.look(alice="owner", bob="editor", charlie="viewer", paula="owner")
    assert people(rows) == {**BEFORE, "bob": "write", "charlie": "read", "paula": "admin"}
    assert rows.remembered == {
        "repository": number(rows, "vision/lane"),
        "people": {"bob": "none", "charlie": "write", "paula": "none"},
    }

    rows.look(2, alice="owner", paula="viewer")
    assert people(rows) == {**BEFORE, "paula": "read"}
    assert rows.remembered == {"repository": number(rows, "vision/lane"), "people": {"paula": "none"}}

    rows.look(3, bob="owner")
    assert people(rows) == {**BEFORE, "bob": "admin"}


def test_who_has_their_rights_from_others_keeps_them(rows: Rows) -> None:
    rows.look(alice="owner", bob="editor", charlie="editor")
    assert rows.remembered["people"] == {"bob": "none"}
    rows.look(2, paula="owner")
    rows.forge.put_collaborator("vision/lane", "bob", "write")
    rows.forge.calls.clear()

    rows.look(2, paula="owner")

    assert writes(rows.forge) == []
    assert people(rows) == {**BEFORE, "bob": "write", "paula": "admin"}


def test_whom_we_let_in_is_written_down_before_it_is_done(rows: Rows) -> None:
    rows.look(alice="owner", bob="editor", killed_by="put_collaborator")
    mark = [call[0] for call in writes(rows.forge)].index("set_topics")
    assert rows.noted_at == [mark + 1]
    assert people(rows) == BEFORE
    assert rows.remembered["people"] == {"bob": "none"}

    # A worker that died after the call and before it wrote what came of it: the next one knows all the same.
    rows.forge.put_collaborator("vision/lane", "bob", "write")
    rows.look(2, alice="owner")
    assert people(rows) == BEFORE
    assert rows.remembered == {}


def test_who_was_taken_off_by_hand_and_let_in_by_others_is_theirs(rows: Rows) -> None:
    rows.look(alice="owner", bob="editor")
    rows.forge.delete_collaborator("vision/lane", "bob")

    rows.look(2, alice="owner")
    assert rows.remembered == {}

    rows.forge.put_collaborator("vision/lane", "bob", "write")
    rows.look(2, alice="owner")
    assert people(rows) == {**BEFORE, "bob": "write"}


@pytest.mark.parametrize("roles", [{"alice": "owner"}, {"alice": "owner", "bob": "editor"}])
def test_a_look_at_what_is_right_remembers_nothing_new_and_asks_once(rows: Rows, roles: Mapping[str, str]) -> None:
    rows.look(**roles)
    noted, memory = list(rows.noted_at), rows.remembered
    rows.forge.calls.clear()

    rows.look(**roles)

    assert (rows.noted_at, rows.remembered) == (noted, memory)
    assert [call[0] for call in rows.forge.calls].count("collaborators") == 1


def test_another_attached_repository_has_people_of_its_own(rows: Rows, forge: FakeForge) -> None:
    rows.look(alice="owner", bob="editor")
    known = rows.known[KIND.name]
    road = str(forge.create_repository("vision", "road", "Road signs")["full_name"])
    forge.put_collaborator(road, "bob", "admin")
    wanted = replace(attaching(road), remembered=known.remembered)
    forge.set_topics(road, ["u-5f0c7a529a3e4b1d8c572f6d1e0b9a44"])

    assert KIND.remember is not None
    objects = KIND.desired(wanted)
    memory = KIND.remember(wanted, lambda: KIND.observe(wanted, forge, objects, one_by_one))

    assert memory == {"repository": number(rows, road), "people": {"alice": "none", "bob": "admin"}}


def test_the_same_repository_by_another_name_has_the_same_people(rows: Rows) -> None:
    rows.look(alice="owner", bob="editor")
    rows.forge.rename("vision/lane", "road")
    rows.look(2, at="vision/road", alice="owner", bob="editor")

    rows.look(3, at="vision/road", alice="owner")

    assert rows.forge.repositories["vision/road"].collaborators == BEFORE
    assert rows.remembered == {}


def test_where_the_forge_vouches_for_no_mail_nobody_is_taken_for_gone(rows: Rows) -> None:
    rows.look(alice="owner", bob="editor")
    rows.forge.vouches_for_mail = False
    wanted = replace(
        attaching(catalogue=catalogue(forge={"vouches_for_mail": False})),
        remembered=rows.remembered,
    )
    objects = KIND.desired(wanted)

    seen = KIND.observe(wanted, rows.forge, objects, one_by_one)

    assert (seen["members"] or {})["others"] == []
