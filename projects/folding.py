"""Texts as a search takes them: without case, accents and apostrophes. In Python, and the same in the database."""

import re
import unicodedata
from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import Case, Expression, F, Func, Q, TextField, Value, When
from django.db.models.functions import Length, Lower, Replace, StrIndex
from django.db.models.lookups import Exact

_APOSTROPHES = "'’‘ʼ`´"
_SEPARATORS = re.compile(r"[\W_]+")
# Letters that Unicode does not take apart into a plain letter and a mark.
_SINGLE = {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i"}
_DOUBLE = {"æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"}
_LETTERS = str.maketrans({**_SINGLE, **_DOUBLE, **dict.fromkeys(_APOSTROPHES, "")})


def words_of(text: str) -> list[str]:
    """The words of a text without case, accents and apostrophes: "Åsa O'Brien-Groß" is asa, obrien, gross."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS).casefold().translate(_LETTERS))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", bare.translate(_LETTERS)).split()


def sought(words: str) -> list[str]:
    """What a search for this text looks for: its words, or, where signs are all it has, the text as it is."""
    return words_of(words) or [words.lower()]


def holds(field: str, parts: Sequence[str]) -> Q:
    """The condition that the field holds each of these words."""
    return reduce(and_, (Q(**{f"{field}__contains": part}) for part in parts))


class _Octets(Length):
    function = "octet_length"


class _Translated(Func):
    function = "translate"
    output_field = TextField()


class _WithoutMarks(Func):
    """Letters and marks apart, and the marks left out."""

    template = r"regexp_replace(normalize(%(expressions)s, NFKD), '[\u0300-\u036f]', '', 'g')"
    output_field = TextField()


def plain(text: Expression | F) -> Case:
    """A text of the database as `words_of` reads it: each of its words stands inside."""
    bare: Any = _Translated(Lower(text), Value("".join(_SINGLE) + _APOSTROPHES), Value("".join(_SINGLE.values())))
    for letter, letters in _DOUBLE.items():
        bare = Replace(bare, Value(letter), Value(letters))
    # Most texts have nothing to take apart, and to see that takes a tenth of the time.
    apostrophes = [Exact(StrIndex(text, Value(mark)), 0) for mark in _APOSTROPHES if mark.isascii()]
    simple = reduce(and_, (Q(one) for one in apostrophes), Q(Exact(_Octets(text), Length(text))))
    return Case(When(simple, then=Lower(text)), default=_WithoutMarks(bare), output_field=TextField())
