"""What the cluster's client makes of a server that has just started: it refuses what it will allow a moment later."""

from typing import Any

import pytest

from provisioning.clients.kubernetes import Cluster
from provisioning.errors import PermanentError, Reason, TargetUnavailable
from tests.provisioning.clients.recorded import Played

REFUSAL = {"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden"}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml-demand"}}


@pytest.fixture
def cluster(server: Played) -> Cluster:
    refused = {**REFUSAL, "message": 'User "portal" cannot create resource "namespaces" in API group ""'}
    server.answers["POST", "/api/v1/namespaces"] = (403, refused)
    return Cluster(name="cluster-north", api=server.url, token="t")


@pytest.mark.parametrize("readyz", [(500, {}), (403, REFUSAL)])
def test_a_refusal_of_a_server_that_is_not_ready_is_an_outage(server: Played, cluster: Cluster, readyz: Any) -> None:
    server.answers["GET", "/readyz"] = readyz
    with pytest.raises(TargetUnavailable, match="cluster-north has just started and does not know all rights yet"):
        cluster.create(NAMESPACE)


def test_a_refusal_of_a_ready_server_waits_for_a_person(server: Played, cluster: Cluster) -> None:
    server.answers["GET", "/readyz"] = (200, {})
    with pytest.raises(PermanentError, match="cluster-north refuses to create Namespace ml-demand") as caught:
        cluster.create(NAMESPACE)
    assert caught.value.reason is Reason.REJECTED


def test_only_a_refusal_asks_whether_it_is_ready(server: Played, cluster: Cluster) -> None:
    server.answers["POST", "/api/v1/namespaces"] = (201, NAMESPACE)
    cluster.create(NAMESPACE)
    assert [asked.path for asked in server.asked] == ["/api/v1/namespaces"]
