from devstack.stack import choose_ports


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
