"""The texts of pages in other languages: found in code and templates, kept in locale/, compiled where they run.

The engine knows of no language: titles and hints of its Kinds are asked of the Kinds themselves, its phrases are found
where they are made, and pages translate both where they show them.

By Babel instead of GNU gettext, so that nothing has to be installed beside the lock. Compiled files are build results
and stay out of git.
"""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from provisioning.kind import Kind, kinds
from provisioning.spec import Role

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
_PYTHON = ("portal", "projects", "provisioning")
_KEYWORDS: Mapping[str, Any] = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
    "PydanticCustomError": (2,),
    "phrase": None,
    "say": None,
    "numbered": (1, 2),
}
Found = tuple[str | tuple[str, ...], str | None, str]
"""A text (singular and plural as a tuple), its context, and the file it stands in."""


def found() -> Iterator[Found]:
    """Every text that pages may show in another language."""
    for folder in _PYTHON:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from _texts(path.read_text(encoding="utf-8"), path)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        source = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        # What is no text has become words without meaning; only their indentation could trouble the reader of Python.
        yield from _texts("\n".join(line.lstrip() for line in source.splitlines()), path)
    for kind in kinds().values():
        for text in (*Role, *_declared(kind)):
            yield str(text), None, f"provisioning/kinds/{kind.name}.py"


def _declared(kind: Kind) -> Iterator[str]:
    """What a Kind calls itself, its options, its measures and its credentials."""
    yield kind.title
    for option in kind.options.model_fields.values():
        yield from (text for text in (option.title, option.description) if text)
    for credential in kind.credentials:
        yield from (credential.title, credential.place)
    yield from (measure.title for measure in (kind.usage.measures if kind.usage else ()))


def _texts(source: str, path: Path) -> Iterator[Found]:
    texts = extract("python", io.BytesIO(source.encode()), keywords=_KEYWORDS, options={"encoding": "utf-8"})
    for _, message, _, context in texts:
        if message and (message[0] if isinstance(message, tuple) else message):
            yield message, context, path.relative_to(ROOT).as_posix()


def languages() -> list[str]:
    """The languages that have a file of their own."""
    return sorted(path.name for path in LOCALE.iterdir() if (path / "LC_MESSAGES" / "django.po").exists())


def file_of(language: str) -> Path:
    """The file a language's texts are kept in."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """A language's texts."""
    with file_of(language).open("rb") as file:
        return read_po(file, locale=language)


def brought_up_to_date(language: str) -> Catalog:
    """A language's texts with what code and templates hold: new ones are added empty, those not found left out."""
    wanted = Catalog(charset="utf-8")
    for message, context, _ in found():
        wanted.add(message, context=context)
    catalog = read(language)
    catalog.update(wanted, no_fuzzy_matching=True, update_creation_date=False, keep_user_comments=True)
    catalog.obsolete.clear()
    return catalog


def as_file(catalog: Catalog) -> bytes:
    """The texts as they stand in the file."""
    file = io.BytesIO()
    write_po(file, catalog, width=120, no_location=True, omit_header=True, sort_output=True)
    return file.getvalue()


def update(language: str) -> list[Message]:
    """Bring a language's file up to date. Returns the messages that still have no translation."""
    catalog = brought_up_to_date(language)
    file_of(language).write_bytes(as_file(catalog))
    return missing(catalog)


def missing(catalog: Catalog) -> list[Message]:
    """Messages that have no translation, or only a guess."""
    return [one for one in catalog if one.id and (one.fuzzy or not _complete(one))]


def _complete(message: Message) -> bool:
    said = message.string if isinstance(message.string, list | tuple) else [message.string]
    return bool(said) and all(said)


def compile_all() -> list[str]:
    """Write what Django reads, for every language whose texts have changed since. Returns the languages written."""
    written = []
    for language in languages():
        source, target = file_of(language), file_of(language).with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with target.open("wb") as file:
            write_mo(file, read(language))
        written.append(language)
    return written
