"""The contributors of the form: its rows, whom one adds and how, and what the directory knows of them.

One input searches the directory while one types; what is found are buttons of the form. Without script the same input
has a Search button. A name that the directory does not have can be added as it was typed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext

from projects import directory
from projects.errors import Fault
from projects.identity import Meant, Name, called_now, meant, several
from projects.models import DirectoryEntry, Project
from projects.readable import fields_of
from provisioning.spec import Role


@dataclass
class ContributorRow:
    """One contributor as the form shows it. `meant`: who that is in the directory.

    `unknown`: there is a directory, and it does not have this name, or several of it.
    """

    subject: str
    is_group: bool
    role: str = Role.VIEWER.value
    until: str = ""
    errors: list[str] = field(default_factory=list)
    meant: Meant = field(default_factory=Meant)
    unknown: bool = False

    @property
    def entry(self) -> DirectoryEntry | None:
        """Who that is; None when the directory has nobody, or several."""
        return self.meant.entry

    @property
    def called(self) -> str:
        """The name that the directory has for it by now; "" where it is still this one."""
        return called_now(self.subject, self.entry) if self.entry is not None else ""

    @property
    def value(self) -> str:
        """As the form carries it: user:alice@corp.example or group:ml-vision."""
        return f"{'group' if self.is_group else 'user'}:{self.subject}"

    def as_data(self) -> dict[str, str]:
        """As the spec wants it."""
        data = {"group" if self.is_group else "user": self.subject, "role": self.role}
        return {**data, "until": self.until} if self.until else data


@dataclass
class Search:
    """What stands in the search field when the page comes back, and what was found for it.

    `undecided`: somebody pressed another button than Search while it stood there, and it names nobody by itself.
    `groups_only`: the field takes no people.
    """

    words: str = ""
    found: list[DirectoryEntry] = field(default_factory=list)
    undecided: bool = False
    groups_only: bool = False

    @property
    def fault(self) -> Fault:
        """Said when it is undecided."""
        if self.groups_only:
            said = gettext("“%(words)s” is no group's whole name. Add one of those found, or empty the field.")
            return Fault(path=("groups",), code="undecided", message=said % {"words": self.words})
        said = gettext("“%(words)s” is nobody's whole name. Add one of those found, or empty the field.")
        return Fault(path=("contributors",), code="undecided", message=said % {"words": self.words})

    @property
    def as_typed(self) -> str:
        """The value by which the words are added as they are."""
        return named(self.words, groups_only=self.groups_only).value


def typed_rows(typed: QueryDict) -> list[ContributorRow]:
    """The rows as they were sent, without the one whose Remove was pressed."""
    rows = []
    columns = (typed.getlist("subject"), typed.getlist("role"), typed.getlist("until"))
    for value, role, until in zip(*columns, strict=False):
        # A row without a name stays: the domain says what is wrong with it.
        if row := _row(value):
            row.role, row.until = role, until
            rows.append(row)
    removed = typed.get("remove", "")
    if removed.isascii() and removed.isdigit() and len(removed) < 5 and int(removed) < len(rows):
        del rows[int(removed)]
    return rows


def present_rows(project: Project | None) -> list[ContributorRow]:
    """The contributors of the project as it is; none for a new one."""
    if project is None:
        return []
    return [
        ContributorRow(
            subject=one.subject,
            is_group=one.is_group,
            role=one.role.value,
            until=one.until.isoformat() if one.until else "",
        )
        for one in fields_of(project).contributors
    ]


def named(words: str, *, groups_only: bool = False) -> ContributorRow:
    """Whom the words name: a person by an account, which has an @, else a group."""
    is_group = groups_only or "@" not in words
    return ContributorRow(subject=words if is_group else words.lower(), is_group=is_group)


def take_added(rows: list[ContributorRow], typed: QueryDict) -> Search:
    """Add to the rows whom the form adds, with the role chosen beside the field; what the field shows then."""
    chosen, search = whom_added(typed)
    if chosen is not None and not any(one.value == chosen.value for one in rows):
        chosen.role = typed.get("add_role", Role.VIEWER.value)
        rows.append(chosen)
    return search


def whom_added(typed: QueryDict, *, groups_only: bool = False) -> tuple[ContributorRow | None, Search]:
    """Whom the form adds: a found one whose button was pressed, or a name that stands in the field. None: nobody.

    Such a name counts whichever button was pressed, since it would be lost silently; but only if it is somebody's, or
    if nobody has one like it. Otherwise what was found is for the person to choose from.
    """
    words = typed.get("q", "").strip()[: directory.LONGEST]
    nothing = Search(groups_only=groups_only)
    pressed_one = _row(typed.get("add_found", ""))
    if pressed_one and pressed_one.subject and (pressed_one.is_group or not groups_only):
        return pressed_one, nothing
    if not words:
        return None, nothing
    pressed, only = typed.get("do", ""), True if groups_only else None
    if pressed == "search":
        return None, Search(words=words, found=directory.search(words, is_group=only), groups_only=groups_only)
    meant = named(words, groups_only=groups_only)
    entry = directory.entry_of(subject=meant.subject, is_group=meant.is_group)
    if entry is not None:
        shared = several([(entry.is_group, entry.account)])
        return ContributorRow(subject=entry.object_id if shared else entry.account, is_group=entry.is_group), nothing
    if found := directory.search(words, is_group=only):
        undecided = pressed not in ("", "add")
        return None, Search(words=words, found=found, undecided=undecided, groups_only=groups_only)
    return meant, nothing


def look_up(rows: Iterable[ContributorRow], *, bound: Mapping[Name, str]) -> None:
    """Put beside each row who that is in the directory. At most three queries.

    bound: by object id those of whom it is known. Their names may be others, or somebody else's, by now.
    """
    rows = list(rows)
    found = meant(((row.is_group, row.subject) for row in rows), bound=bound)
    is_there = any(one.entry or one.shared for one in found.values()) or DirectoryEntry.objects.exists()
    for row in rows:
        row.meant = found[row.is_group, row.subject]
        row.unknown = is_there and row.entry is None and not row.meant.left


def _row(value: str) -> ContributorRow | None:
    kind, _, subject = value.partition(":")
    return ContributorRow(subject=subject, is_group=kind == "group") if kind in ("user", "group") else None
