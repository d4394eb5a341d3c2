from dataclasses import replace
from pathlib import Path

from devstack import builds


def test_the_useful_ones_are_built_first() -> None:
    assert [server.name for server in builds.SERVERS] == ["etcd", "minio", "kubernetes", "gitea", "kubelogin", "act"]


def test_the_cache_depends_on_the_flags() -> None:
    etcd = builds.BY_NAME["etcd"]

    keys = {builds.key(etcd), builds.key(replace(etcd, tags="other")), builds.key(replace(etcd, linker_flags=""))}

    assert len(keys) == 3
    assert builds.key(etcd) == builds.key(replace(etcd, estimate=1.0))


def test_programs_lie_in_the_folder_of_their_server() -> None:
    assert builds.program("kubectl") == builds.folder(builds.BY_NAME["kubernetes"]) / "kubectl"


def test_the_cluster_reports_a_version_that_kubectl_reads(tmp_path: Path) -> None:
    command = builds.BY_NAME["kubernetes"].command(
        go="go", package="k8s.io/kubernetes/cmd/kubectl", output=tmp_path / "k"
    )

    assert command == [
        "go",
        "build",
        "-trimpath",
        "-ldflags",
        "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 -X k8s.io/component-base/version.gitMajor=1"
        " -X k8s.io/component-base/version.gitMinor=37",
        "-o",
        str(tmp_path / "k"),
        "k8s.io/kubernetes/cmd/kubectl",
    ]
