"""The lines that set kubectl up. `tests/test_cluster_login.py` pastes them into a real shell."""

import base64
import shlex
from collections.abc import Mapping
from typing import Any

import pytest

from projects import cluster_login
from provisioning.catalogue import ClusterTarget
from provisioning.errors import TargetUnavailable
from provisioning.secrets import Resolve, SecretRef
from tests.provisioning import wishes

LOGIN = {"issuer": "https://adfs.corp.example/adfs", "client_id": "slipway-kubernetes"}
FILES = {"cluster-north.ca": "cluster's certificate", "adfs.ca": "issuer's certificate"}


def cluster(**changes: Any) -> ClusterTarget:
    return wishes.catalogue(cluster=changes).cluster()


def reading(files: Mapping[str, str]) -> Resolve:
    """Only these files are there."""

    def resolve(ref: SecretRef) -> str:
        if ref.file not in files:
            raise TargetUnavailable(f"no {ref.file}")
        return files[str(ref.file)]

    return resolve


def lines(target: ClusterTarget, *, files: Mapping[str, str] = FILES) -> list[list[str]]:
    """The words of each command."""
    text = cluster_login.kubectl_lines(target, namespace="ml-demand", resolve=reading(files))
    return [shlex.split(line) for line in text.replace("\\\n", " ").splitlines()]


def encoded(text: str) -> str:
    return base64.b64encode(f"{text}\n".encode()).decode()


def test_a_fresh_kubectl_learns_cluster_person_and_workspace() -> None:
    assert lines(cluster(login=LOGIN)) == [
        ["kubectl", "config", "set-cluster", "cluster-north", "--server=https://127.0.0.1:6443"],
        [
            *("kubectl", "config", "set", "clusters.cluster-north.certificate-authority-data"),
            encoded("cluster's certificate"),
        ],
        [
            *("kubectl", "config", "set-credentials", "cluster-north-login", "--exec-command=kubectl"),
            *("--exec-interactive-mode=Never", "--exec-api-version=client.authentication.k8s.io/v1beta1"),
            *("--exec-arg=oidc-login", "--exec-arg=get-token"),
            "--exec-arg=--oidc-issuer-url=https://adfs.corp.example/adfs",
            "--exec-arg=--oidc-client-id=slipway-kubernetes",
        ],
        [
            *("kubectl", "config", "set-context", "ml-demand", "--cluster=cluster-north"),
            *("--user=cluster-north-login", "--namespace=ml-demand"),
        ],
        ["kubectl", "config", "use-context", "ml-demand"],
        ["kubectl", "get", "pods"],
    ]


def test_what_the_catalogue_says_more_is_in_the_lines() -> None:
    login = {**LOGIN, "ca": {"file": "adfs.ca"}, "scopes": ["offline_access", "allatclaims"], "grant": "device-code"}
    found = lines(cluster(login=login, public_api="https://k8s.corp.example", ca=None))

    assert found[0][-1] == "--server=https://k8s.corp.example"
    assert found[1][-5:] == [
        "--exec-arg=--oidc-client-id=slipway-kubernetes",
        "--exec-arg=--oidc-extra-scope=offline_access",
        "--exec-arg=--oidc-extra-scope=allatclaims",
        f"--exec-arg=--certificate-authority-data={encoded(FILES['adfs.ca'])}",
        "--exec-arg=--grant-type=device-code",
    ]


def test_a_certificate_that_is_not_there_is_left_out_and_the_page_says_so() -> None:
    assert "oidc-login" in cluster_login.needs(cluster(login=LOGIN), resolve=reading(FILES))
    assert "lack a certificate" in cluster_login.needs(cluster(login=LOGIN), resolve=reading({}))
    assert [words[2] for words in lines(cluster(login=LOGIN), files={})] == [
        "set-cluster",
        "set-credentials",
        "set-context",
        "use-context",
        "pods",
    ]


def test_without_a_login_the_context_is_the_persons_own() -> None:
    assert lines(cluster()) == [
        ["kubectl", "config", "use-context", "cluster-north"],
        ["kubectl", "config", "set-context", "--current", "--namespace", "ml-demand"],
        ["kubectl", "get", "pods"],
    ]
    assert cluster_login.needs(cluster(), resolve=reading({})) == ""


@pytest.mark.parametrize(
    "wrong",
    [{"issuer": "http://adfs.corp.example"}, {"client_id": "two words"}, {"scopes": ["a,b"]}, {"grant": "password"}],
)
def test_the_catalogue_refuses_what_would_not_work(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="login"):
        cluster(login={**LOGIN, **wrong})
