"""What pages show of every Kind."""

from projects.presentation import icon_of
from provisioning.kind import kinds


def test_every_kind_has_an_icon_and_none_is_the_mark_of_a_plan() -> None:
    assert [name for name in kinds() if icon_of(name) in ("keep", "create", "update", "delete")] == []
