"""Sentences about a project that pages say in their reader's language.

The engine speaks English: what it finds is stored, logged, and written into commits. What a Kind says of a wish is read
on pages too, so it keeps how it was put together (decision 0049). It knows of no translator: a page hands it one.

A row that keeps such a sentence can keep beside it how it was put together, as JSON (decision 0051).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

Translate = Callable[[str], str]
TranslateMany = Callable[[str, str, int], str]
"""Singular, plural and number to the form for the number, as gettext's `ngettext`."""


class Phrase(str):
    """An English text that knows its pattern and what stands in the gaps; to everybody else it is a text."""

    __slots__ = ("_many", "_most", "_number", "_pattern", "_values")
    _pattern: str
    _many: str | None
    _number: int
    _most: int | None
    _values: Mapping[str, object]

    def __new__(
        cls,
        pattern: str,
        values: Mapping[str, object],
        *,
        many: str | None = None,
        number: int = 1,
        most: int | None = None,
    ) -> Self:
        """`many`: the pattern for every number but 1; None for a text without a number. most: as for `cut`."""
        made = super().__new__(cls, _fitting((pattern if many is None or number == 1 else many) % values, most))
        made._pattern, made._many, made._number, made._most, made._values = pattern, many, number, most, values
        return made

    def told(self, *, one: Translate, many: TranslateMany) -> str:
        """The same in the language of these translators, phrases in the gaps too."""
        pattern = one(self._pattern) if self._many is None else many(self._pattern, self._many, self._number)
        values = {
            name: value.told(one=one, many=many) if isinstance(value, Phrase) else value
            for name, value in self._values.items()
        }
        return _fitting(pattern % values, self._most)

    def __reduce__(self) -> tuple[Any, ...]:
        # As a text it would be copied by its characters alone.
        return phrase_of, (self.as_json(),)

    def as_json(self) -> dict[str, Any]:
        """What `phrase_of` makes the same phrase of; values are numbers, texts, or phrases as JSON."""
        values = {name: _plain(value) for name, value in self._values.items()}
        number = {} if self._many is None else {"many": self._many, "number": self._number}
        most = {} if self._most is None else {"most": self._most}
        return {"one": self._pattern, **number, **most, "values": values}


def _fitting(text: str, most: int | None) -> str:
    return text if most is None or len(text) <= most else f"{text[:most]}…"


def _plain(value: object) -> object:
    if isinstance(value, Phrase):
        return value.as_json()
    return value if isinstance(value, int | float) else str(value)


def phrase_of(kept: Mapping[str, Any]) -> Phrase:
    """The phrase that `as_json` kept."""
    values = {name: phrase_of(value) if isinstance(value, dict) else value for name, value in kept["values"].items()}
    return Phrase(kept["one"], values, many=kept.get("many"), number=kept.get("number", 1), most=kept.get("most"))


def as_kept(**sentences: str) -> dict[str, Any]:
    """How these sentences of a row, by column, were put together: what its column `phrases` holds."""
    return {column: text.as_json() for column, text in sentences.items() if isinstance(text, Phrase)}


def kept(text: str, how: Mapping[str, Any] | None) -> str:
    """The sentence of a row as a phrase, where `how` makes this very text; else the text."""
    return made if how and (made := phrase_of(how)) == text else text


def phrase(pattern: str, /, **values: object) -> Phrase:
    """A pattern such as "Reads %(store)s." with its gaps filled.

    The pattern stands in the call, where `portal.translations` finds it.
    """
    return Phrase(pattern, values)


def numbered(one: str, many: str, number: int, /, **values: object) -> Phrase:
    """A number of things; both patterns say it as %(number)s, and have the same other gaps."""
    return Phrase(one, {"number": number, **values}, many=many, number=number)


def word(text: str) -> Phrase:
    """A word that translators find elsewhere: a Kind's title, a role."""
    return Phrase(text.replace("%", "%%"), {})


def cut(text: str, *, most: int) -> Phrase:
    """A text that is longer than `most` characters ends there with "…", in each language by its own length."""
    return Phrase("%(text)s", {"text": text}, most=most)


def joined(separator: str, parts: Sequence[str]) -> Phrase:
    """Texts in a row, each in the reader's language where it is a phrase; "" for none."""
    gaps = {f"part{place}": part for place, part in enumerate(parts)}
    return Phrase(separator.replace("%", "%%").join(f"%({name})s" for name in gaps), gaps)
