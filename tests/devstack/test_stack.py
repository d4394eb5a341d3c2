from pathlib import Path

import pytest

from devstack.errors import StackError
from devstack.stack import Stack, choose_ports, forget_address, settle_address


def test_ports_are_kept_moved_and_preferred() -> None:
    taken = {20001, 20005}

    ports, moved = choose_ports(
        kept={"redis": 20001, "etcd": 20002},
        names=("web", "redis", "etcd", "idp"),
        is_free=lambda port: port not in taken,
        candidates=iter((20002, 20005, 20006, 20007)),
        preferred={"web": 8000, "idp": 20005},
    )

    assert ports == {"web": 8000, "redis": 20006, "etcd": 20002, "idp": 20007}
    assert moved == ["redis"]


def test_no_port_is_given_twice() -> None:
    ports, moved = choose_ports(
        kept={"idp": 8000},
        names=("web", "idp"),
        is_free=lambda _: True,
        candidates=iter((8000, 20001)),
        preferred={"web": 8000},
    )

    assert ports == {"web": 20001, "idp": 8000}
    assert moved == []


def test_a_directorys_address_is_kept_while_it_is_free(tmp_path: Path) -> None:
    stack = Stack(name="try", folder=tmp_path)

    settle_address(stack, is_free=lambda address: address == "127.0.0.9")
    first = stack.address()
    settle_address(stack, is_free=lambda _: True)
    kept = stack.address()
    settle_address(stack, is_free=lambda address: address == "127.0.0.77")

    assert (first, kept, stack.address()) == ("127.0.0.9", "127.0.0.9", "127.0.0.77")
    forget_address(stack)
    assert stack.address() == ""


def test_no_free_address_is_said(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="The directory has no address"):
        settle_address(Stack(name="try", folder=tmp_path), is_free=lambda _: False)
