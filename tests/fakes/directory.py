"""A company directory in memory, with people and groups that a test moves about."""

from collections.abc import Iterator
from dataclasses import replace

from provisioning.directory import Edge, Entry
from provisioning.errors import ProvisioningError


class FakeDirectory:
    """`entries` by object id and `edges`.

    `breaks`: raised after so many of them, None for never. `left_out`: who is missing in the read of this number.
    """

    def __init__(self, *, name: str = "corp") -> None:
        self.name = name
        self.entries: dict[str, Entry] = {}
        self.edges: set[Edge] = set()
        self.breaks: tuple[int, ProvisioningError] | None = None
        self.left_out: dict[int, str] = {}
        self.reads = 0
        self.closed = 0

    def person(self, account: str, *, name: str = "", enabled: bool = True) -> str:
        """Somebody new; the object id."""
        object_id = f"p-{account}"
        self.entries[object_id] = Entry(
            object_id=object_id,
            is_group=False,
            account=f"{account}@corp.example",
            name=name or account.title(),
            mail=f"{account}@corp.example",
            enabled=enabled,
        )
        return object_id

    def group(self, account: str, *members: str, name: str = "") -> str:
        """A new group with these members; the object id."""
        object_id = f"g-{account}"
        self.entries[object_id] = Entry(object_id=object_id, is_group=True, account=account, name=name or account)
        self.edges |= {Edge(member=member, group=object_id) for member in members}
        return object_id

    def change(self, object_id: str, **facts: object) -> None:
        """Some facts of an entry."""
        self.entries[object_id] = replace(self.entries[object_id], **facts)  # type: ignore[arg-type]

    def remove(self, *object_ids: str) -> None:
        """They are gone, with their memberships."""
        for object_id in object_ids:
            del self.entries[object_id]
        self.edges = {one for one in self.edges if one.member in self.entries and one.group in self.entries}

    def read(self) -> Iterator[Entry | Edge]:
        """Everything, entries and edges mixed, up to where it breaks."""
        self.reads += 1
        missing = self.left_out.get(self.reads)
        shown = [one for one in self.entries.values() if one.object_id != missing]
        for number, one in enumerate([*shown, *(one for one in self.edges if one.member != missing)]):
            if self.breaks is not None and number >= self.breaks[0]:
                raise self.breaks[1]
            yield one

    def close(self) -> None:
        """Counted."""
        self.closed += 1
