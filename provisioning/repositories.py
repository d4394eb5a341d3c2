"""Which repository is a project's, and how it says so: what several Kinds need to know of it.

Not a Kind itself and so not in their folder. A forge has no labels, so the mark is the uid: in the description, which
travels with the very call that makes the repository (a crash after it leaves one that says whose it is), and then in a
topic, which stays when people rewrite the description. A topic overrules the description.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from provisioning.errors import TemporaryError
from provisioning.forge import ForgeClient, Repository
from provisioning.kind import Each, KnownRepository, Wish
from provisioning.phrases import phrase
from provisioning.repository_options import attached_name
from provisioning.spec import Role

Logins = Mapping[str, str | None]
"""Login by account name; None for whom the forge doesn't know."""

TOPIC = "slipway"
TOPIC_KEPT = "slipway-kept"
_UID_TOPIC = re.compile(r"u-[0-9a-f]{32}")
_IN_DESCRIPTION = "(Slipway project "
MODEL_GATE = "slipway/model-gate"
"""The commit status that says whether the model may be merged."""
CLONE_PURPOSE = "clone"
"""What the key is derived for that CI reads the repository with."""


def attached(wish: Wish) -> str | None:
    """owner/name of the repository that the team has attached; None when it wants one made."""
    return attached_name(wish.spec.options)


def full_name(wish: Wish) -> str:
    """The repository's owner/name: the attached one, or what the project's names give; renamed: as it is called now."""
    return called_now(_wanted(wish), known=wish.repository)


def called_now(wanted: str, *, known: KnownRepository | None) -> str:
    """What the forge calls the repository that is wanted under this name; known: what was read of the project's."""
    return known.full_name if known is not None and _is_that(known, wanted) else wanted


def number_of(wish: Wish) -> int | None:
    """The forge's own number of the repository, which stays through renames; None before anybody read it."""
    known = wish.repository
    return known.number if known is not None and _is_that(known, _wanted(wish)) else None


def _wanted(wish: Wish) -> str:
    return attached(wish) or wish.names.repository


def _is_that(known: KnownRepository, wanted: str) -> bool:
    """Is it the very repository that is wanted? Not after another one was attached."""
    return known.wanted.lower() == wanted.lower()


def look_up(wish: Wish, client: ForgeClient) -> Repository | None:
    """The project's repository as the forge has it; None when it isn't there.

    TemporaryError when it was renamed or moved: whoever listens to it takes the new name down, and then it goes on. A
    repository of another number under the old name is never taken for it. Without a number, only our mark tells; an
    attached one whose name leads elsewhere is returned for the Kind to refuse.
    """
    name, number = full_name(wish), number_of(wish)
    found = client.repository(name)
    if number is not None and (found is None or found["id"] != number):
        found = client.repository_by_id(number) or found
    if found is None or found["full_name"].lower() == name.lower():
        return found
    if number is None and not is_ours(wish, found):
        return found if attached(wish) is not None else None
    raise TemporaryError(
        phrase(
            "%(name)s is called %(full_name)s now. We take that name over within ten minutes.",
            name=name,
            full_name=found["full_name"],
        )
    )


def uid_topic(uid: str) -> str:
    """The topic that says whose a repository is. Without dashes, as a topic has at most 35 characters."""
    return f"u-{uid.replace('-', '').lower()}"


def description(wish: Wish) -> str:
    """The description that a repository of ours is born with."""
    return f"{wish.spec.title or wish.spec.slug} {_IN_DESCRIPTION}{wish.uid})"


def foreign_topics(found: Mapping[str, Any]) -> list[str]:
    """The topics that are not our mark."""
    return [one for one in found["topics"] if one not in (TOPIC, TOPIC_KEPT) and not _UID_TOPIC.fullmatch(one)]


def is_ours(wish: Wish, found: Mapping[str, Any]) -> bool:
    """Does a repository carry the mark of this project, and of no other?"""
    marks = {topic for topic in found["topics"] if _UID_TOPIC.fullmatch(topic)}
    if marks:
        return marks == {uid_topic(wish.uid)}
    return f"{_IN_DESCRIPTION}{wish.uid})" in found["description"]


def is_marked(found: Mapping[str, Any]) -> bool:
    """Does a repository carry the mark of any project?"""
    return _IN_DESCRIPTION in found["description"] or any(_UID_TOPIC.fullmatch(topic) for topic in found["topics"])


def own_repository(wish: Wish, client: ForgeClient) -> Repository | None:
    """As `look_up`; None also when it isn't marked as this project's."""
    found = look_up(wish, client)
    return found if found is not None and is_ours(wish, found) else None


def owners(wish: Wish) -> list[str]:
    """Account names of the people who own the project. Groups are left out: a forge has none of the directory's."""
    return [one.subject for one in wish.spec.subjects(Role.OWNER) if not one.is_group]


def logins_of(client: ForgeClient, people: Iterable[str], each: Each) -> Logins:
    """Login by account name; None for those whom the forge doesn't know."""
    names = list(people)
    return dict(zip(names, each(client.find_user, names), strict=True))
