"""A Postgres in memory, as far as roles that read go. tests/contract/test_schema_stores.py holds the real one to it."""

from collections.abc import Sequence
from typing import Any


class FakeDatabase:
    """By name, the roles that read."""

    def __init__(self, name: str = "features-1") -> None:
        self.name = name
        self.readers: dict[str, dict[str, Any]] = {}
        self._passwords: dict[str, str] = {}
        self.calls: list[tuple[str, ...]] = []

    def close(self) -> None:
        """Nothing is open."""

    def reader(self, name: str) -> dict[str, Any] | None:
        self.calls.append(("reader", name))
        found = self.readers.get(name)
        return dict(found) if found else None

    def signs_in(self, role: str, password: str) -> bool:
        self.calls.append(("signs_in", role))
        return self._passwords.get(role) == password

    def put_reader(
        self, name: str, *, password: str, mark: str, connections: int, member_of: Sequence[str], until: str
    ) -> None:
        self.calls.append(("put_reader", name))
        self._passwords[name] = password
        self.readers[name] = {
            "mark": mark, "login": True, "connections": connections, "member_of": list(member_of), "until": until,
        }  # fmt: skip

    def close_role(self, name: str) -> None:
        self.calls.append(("close_role", name))
        self.readers[name]["login"] = False

    def drop_role(self, name: str) -> None:
        self.calls.append(("drop_role", name))
        assert not self.readers[name]["login"], "a role is closed before it is dropped"
        del self.readers[name], self._passwords[name]
