"""What the clients make of answers that a healthy server doesn't give: overload, a broken line, a proxy's page."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from provisioning.catalogue import ClusterTarget
from provisioning.clients import connect_cluster
from provisioning.clients.gitea import Forge
from provisioning.clients.kubernetes import Cluster
from provisioning.clients.minio import ObjectStore
from provisioning.errors import PermanentError, TargetUnavailable, TemporaryError
from provisioning.secrets import SecretRef


class _Scripted(ThreadingHTTPServer):
    """A server that always gives one answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.headers, self.body = 200, {}, b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Scripted

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Scripted]:
    scripted = _Scripted()
    thread = threading.Thread(target=scripted.serve_forever, args=(0.01,))
    thread.start()
    yield scripted
    scripted.shutdown()
    thread.join()
    scripted.server_close()


def _cluster(url: str) -> Callable[[], object]:
    return Cluster(name="target", api=url, token="secret-token").probe


def _forge(url: str) -> Callable[[], object]:
    return Forge(name="target", url=url, token="secret-token", bot="slipway-bot").probe


def _store(url: str) -> Callable[[], object]:
    store = ObjectStore(name="target", endpoint=url, region="us-east-1", access_key="key", secret_key="secret-key")
    return store.list_buckets


ALL = pytest.mark.parametrize("ask", [_cluster, _forge, _store])


@ALL
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_overload_is_unavailable(server: _Scripted, ask: Callable[[str], Callable[[], object]], status: int):
    server.status, server.body = status, b"<html>secret-in-a-body</html>"
    server.headers = {"Content-Type": "text/html"}
    with pytest.raises(TargetUnavailable) as caught:
        ask(server.url)()
    assert f"target answers {status} when asked to" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("ask", [_cluster, _forge])
def test_told_delay_is_kept(server: _Scripted, ask: Callable[[str], Callable[[], object]]):
    server.status, server.headers = 429, {"Retry-After": "7"}
    with pytest.raises(TargetUnavailable) as caught:
        ask(server.url)()
    assert caught.value.delay == 7


@ALL
def test_broken_connection_is_unavailable(server: _Scripted, ask: Callable[[str], Callable[[], object]]):
    server.headers = {"Content-Length": "1000"}
    with pytest.raises(TargetUnavailable, match="target does not answer"):
        ask(server.url)()


@ALL
@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("page", [b"<html>Sign in</html>", b"<html><p>Sign in</html>"])
def test_page_of_a_proxy_is_not_believed(
    server: _Scripted, ask: Callable[[str], Callable[[], object]], status: int, page: bytes
):
    server.status, server.body, server.headers = status, page, {"Content-Type": "text/html"}
    with pytest.raises(TargetUnavailable, match="target gives an answer that no"):
        ask(server.url)()


def test_page_of_a_proxy_does_not_mean_that_things_are_gone(server: _Scripted):
    server.status, server.body, server.headers = 404, b"<html>No such site</html>", {"Content-Type": "text/html"}
    store = ObjectStore(name="t", endpoint=server.url, region="us-east-1", access_key="key", secret_key="secret-key")
    looks: list[Callable[[], object]] = [
        lambda: Cluster(name="t", api=server.url, token="x").get("v1", "Namespace", "ml-demand"),
        lambda: Forge(name="t", url=server.url, token="x", bot="slipway-bot").repository("forecasting/demand"),
        lambda: store.bucket_tags("ml-demand"),
        lambda: store.user("ml-demand"),
        lambda: store.policy("ml-demand"),
    ]
    for look in looks:
        with pytest.raises(TargetUnavailable):
            look()


@pytest.mark.parametrize(("status", "said"), [(401, "refuses our credential"), (503, "answers 503"), (404, "no forge")])
def test_file_that_can_not_be_read_now_is_not_absent(server: _Scripted, status: int, said: str):
    server.status, server.body, server.headers = status, b"<html>no</html>", {"Content-Type": "text/html"}
    forge = Forge(name="t", url=server.url, token="x", bot="slipway-bot")
    with pytest.raises(TargetUnavailable, match=said):
        forge.file("forecasting/demand", "profile.yaml", "main")


def test_outage_is_not_mistaken_for_an_unknown_commit_or_issue(server: _Scripted):
    server.status, server.body, server.headers = 500, b'{"message": ""}', {"Content-Type": "application/json"}
    forge = Forge(name="t", url=server.url, token="x", bot="slipway-bot")
    with pytest.raises(TargetUnavailable):
        forge.set_status("forecasting/demand", "0" * 40, "slipway/profile", "success", "Fine")
    with pytest.raises(TargetUnavailable):
        forge.comments("forecasting/demand", 1)


def test_missing_secret_is_unavailable_and_looked_for_again():
    found: dict[str, str] = {}

    def resolve(ref: SecretRef) -> str:
        if str(ref.file) not in found:
            raise TargetUnavailable(f"The credential {ref.file} is not there yet.")
        return found[str(ref.file)]

    target = ClusterTarget(name="cluster-north", api="https://127.0.0.1:1", token=SecretRef(file="cluster-north.token"))
    with pytest.raises(TargetUnavailable, match=r"cluster-north\.token is not there yet"):
        connect_cluster(target, resolve=resolve)
    found["cluster-north.token"] = "now-it-is"
    assert connect_cluster(target, resolve=resolve).name == "cluster-north"


def test_no_other_host_gets_our_token(server: _Scripted):
    server.status, server.headers = 301, {"Location": "http://127.0.0.1:1/repositories/7"}
    forge = Forge(name="t", url=server.url, token="x", bot="slipway-bot")
    with pytest.raises(PermanentError, match="sends us to another host"):
        forge.repository("forecasting/demand")


def test_endless_redirect_is_followed_once(server: _Scripted):
    server.status, server.headers = 301, {"Location": "/api/v1/repos/forecasting/other"}
    forge = Forge(name="t", url=server.url, token="x", bot="slipway-bot")
    with pytest.raises(TemporaryError, match="has another address now"):
        forge.repository("forecasting/demand")
