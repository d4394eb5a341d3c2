"""What a template asks, as a project answers it; and the marks that stand in the place of the answers meanwhile.

The answers of one project differ from those of another only in their words, so a template version is rendered once with
marks, and each project's words are put in by plain replacement: a thousandth of a second in the place of half a second.
"""

import glob
import re
from collections.abc import Mapping

from provisioning.kind import Wish
from provisioning.profile_file import plain, profile_yaml
from provisioning.repositories import Logins, owners

ANSWERS_FILE = ".copier-answers.yml"
NAMES = (
    *("template", "version", "slug", "team", "owners", "codeowners", "strangers"),
    *("bucket", "endpoint", "region", "portal", "profile"),
)
_MARK = re.compile(rb"slipway-mark-([a-z]+)-kram")
_OTHER = re.compile(rb"Another_Mark\.([a-z]+)\.X")
_ONE_WORD = re.compile(r"[\w.+@'-]+")


def marks() -> dict[str, str]:
    """A mark for each answer."""
    return {name: f"slipway-mark-{name}-kram" for name in NAMES}


def other_marks() -> dict[str, str]:
    """Marks of quite another shape. A template that gives the same with both takes the answers as they are."""
    return {name: f"Another_Mark.{name}.X" for name in NAMES}


def put_in(content: bytes, answers: Mapping[str, str]) -> bytes:
    """The content with answers in the place of marks. Marks that stand in an answer stay: one pass."""
    return _MARK.sub(lambda found: answers[found[1].decode()].encode(), content)


def pattern(line: str) -> str:
    """A line of a template's file for `fnmatch`: whatever was answered may stand in the place of its marks."""
    return _MARK.sub(b"*", glob.escape(line).encode()).decode()


def put_in_others(content: bytes) -> bytes:
    """The content with our marks in the place of the other ones."""
    known = marks()
    return _OTHER.sub(lambda found: known[found[1].decode()].encode(), content)


def of(wish: Wish, *, template: str, version: str, logins: Logins) -> dict[str, str]:
    """The answers of one project. logins: those of its owners, as the forge knows them."""
    store, people = wish.object_store, owners(wish)
    return {
        "template": template,
        "version": version,
        "slug": wish.spec.slug,
        "team": wish.spec.team,
        # One name after the other, so what is no single word can't stand there.
        "owners": " ".join(name for name in people if _ONE_WORD.fullmatch(name)),
        # Forges take an owner by login only: who has none yet would be nobody there.
        "codeowners": " ".join(f"@{login}" for person in people if (login := logins.get(person))),
        "strangers": ", ".join(person for person in people if not logins.get(person)) or "none",
        "bucket": wish.names.bucket,
        "endpoint": store.url,
        "region": store.region,
        "portal": wish.portal_url,
        "profile": profile_yaml(plain(wish.spec)),
    }
