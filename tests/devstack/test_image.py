"""What `./dev image` asks for before it begins, and how it starts a role. Building and trying is its own proof."""

from pathlib import Path

import pytest

from devstack import image
from devstack.errors import StackError
from devstack.image_trial import Trial


def test_without_root_the_other_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(StackError) as caught:
        image.main([])

    assert caught.value.do == "run it as root, or build with an engine of yours: docker build -t slipway ."


def test_nothing_is_built_where_it_could_not_be_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("SLIPWAY_STATE_DIR", str(tmp_path))

    with pytest.raises(StackError) as caught:
        image.main([])

    assert caught.value.text() == (
        "The image cannot be tried\n"
        "  why:     no stack runs, and the portal needs its servers\n"
        "  to do:   ./dev up first, or ./dev image --build-only"
    )


def test_a_role_runs_read_only_in_namespaces_that_end_with_it() -> None:
    trial = Trial(
        container="slipway-1",
        root=Path("/images/a root"),
        command=lambda *words: ["buildah", "run", *words],
        environment={},
        scratch=Path("/scratch"),
        mark="m",
    )

    assert trial.argv("web", "python", "-c", "print('hello')") == [
        *("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL", "sh", "-c"),
        "mount --bind '/images/a root' '/images/a root' && mount -o remount,bind,ro '/images/a root'"
        " && exec buildah run --volume /scratch/secrets-of-web:/run/secrets:ro"
        " --volume /scratch/platform.yaml:/etc/slipway/platform.yaml:ro --volume /scratch/tmp:/tmp"
        """ slipway-1 -- python -c 'print('"'"'hello'"'"')'""",
    ]
