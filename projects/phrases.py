"""What the engine and the domain say, in the language of who reads the page.

What is stored is English. A row that keeps sentences has a column `phrases`: by column, how its sentence was put
together (decision 0051). That counts as long as it makes what stands in the column; what was written without is shown
as it stands.
"""

from typing import Any, Protocol

from django.utils.translation import get_language, gettext, ngettext

from projects.installation import installation
from provisioning import phrases
from provisioning.phrases import Phrase


class Told(str):
    """A phrase in the language that was active when it was told. To whoever keeps it, it is the phrase (`meant`)."""

    __slots__ = ("phrase",)
    phrase: Phrase


class Keeps(Protocol):
    """A row that keeps sentences."""

    phrases: dict[str, Any]


def translated(text: str) -> str:
    """A phrase in the language that is active; a text that is none, as it is."""
    if not isinstance(text, Phrase):
        return text
    told = Told(text.told(one=_one, many=ngettext))
    told.phrase = text
    return told


def _one(pattern: str) -> str:
    """The pattern in the language that is active; what the catalogue's rules say, as the catalogue has it there."""
    told = gettext(pattern)
    return told if told != pattern else installation().catalogue.sentences(get_language() or "").get(pattern, pattern)


def say(pattern: str, /, **values: object) -> str:
    """A phrase of this pattern, in the language that is active: for errors, which pages show and rows may keep."""
    given = {name: meant(value) if isinstance(value, str) else value for name, value in values.items()}
    return translated(Phrase(pattern, given))


def meant(text: str) -> str:
    """What can be told in any language: the phrase of what was told in one; a text that is none, as it is."""
    return text.phrase if isinstance(text, Told) else text


def as_kept(**sentences: str) -> dict[str, Any]:
    """What the column `phrases` of a row holds that has these sentences, by column."""
    return phrases.as_kept(**{column: meant(text) for column, text in sentences.items()})


def kept_too(row: Keeps, **sentences: str) -> dict[str, Any]:
    """The same beside what the row holds of its other sentences."""
    return {**row.phrases, **as_kept(**sentences)}


def kept(row: Keeps, column: str) -> str:
    """The sentence in this column of a row; a phrase where it was kept how it was put together."""
    return phrases.kept(getattr(row, column), row.phrases.get(column))


def said(row: Keeps, column: str) -> str:
    """The same in the language that is active."""
    return translated(kept(row, column))
