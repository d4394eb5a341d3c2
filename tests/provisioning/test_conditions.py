"""The one word that pages say, for each combination that matters."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioning.conditions import Condition, Status, Word, project_word, resource_word
from provisioning.errors import Reason

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def condition(status: Status, reason: Reason) -> Condition:
    return Condition(status=status, reason=reason, message="", since=NOON)


GOOD = condition(Status.TRUE, Reason.AVAILABLE)


@pytest.mark.parametrize(
    "synced, ready, word",
    [
        (GOOD, GOOD, Word.READY),
        (condition(Status.UNKNOWN, Reason.PROGRESSING), condition(Status.FALSE, Reason.PROGRESSING), Word.WORKING),
        (condition(Status.FALSE, Reason.REJECTED), GOOD, Word.ATTENTION),
        (condition(Status.FALSE, Reason.NAME_TAKEN), condition(Status.FALSE, Reason.NAME_TAKEN), Word.ATTENTION),
        (condition(Status.FALSE, Reason.TARGET_UNAVAILABLE), GOOD, Word.WAITING),
        (
            condition(Status.FALSE, Reason.DEPENDENCY_NOT_READY),
            condition(Status.FALSE, Reason.DEPENDENCY_NOT_READY),
            Word.WAITING,
        ),
        (condition(Status.FALSE, Reason.UNSUPPORTED), condition(Status.FALSE, Reason.UNSUPPORTED), Word.NOT_AVAILABLE),
        (condition(Status.FALSE, Reason.DELETING), GOOD, Word.REMOVING),
        (condition(Status.FALSE, Reason.PROGRESSING), condition(Status.FALSE, Reason.PROGRESSING), Word.WORKING),
    ],
)
def test_word_of_a_resource(synced: Condition, ready: Condition, word: Word) -> None:
    assert resource_word(synced=synced, ready=ready) is word


@pytest.mark.parametrize(
    "words, facts, word",
    [
        ([Word.READY, Word.READY], {}, Word.READY),
        ([Word.READY, Word.NOT_AVAILABLE], {}, Word.READY),
        ([Word.READY, Word.WAITING], {}, Word.WORKING),
        ([Word.WAITING, Word.ATTENTION], {}, Word.ATTENTION),
        ([], {}, Word.WORKING),
        ([Word.READY], {"settled": False}, Word.WORKING),
        ([Word.READY], {"suspended": True}, Word.SUSPENDED),
        ([Word.ATTENTION], {"removing": True}, Word.REMOVING),
    ],
)
def test_word_of_a_project(words: list[Word], facts: dict[str, bool], word: Word) -> None:
    given = {"settled": True, "removing": False, "suspended": False} | facts
    assert project_word(words, **given) is word


def test_since_moves_with_the_status_only() -> None:
    later = NOON + timedelta(minutes=5)
    same = GOOD.moved(status=Status.TRUE, reason=Reason.AVAILABLE, message="new words", now=later)
    assert (same.since, same.message) == (NOON, "new words")
    other = GOOD.moved(status=Status.FALSE, reason=Reason.REJECTED, message="no", now=later)
    assert other.since == later
