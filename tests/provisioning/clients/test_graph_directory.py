"""Entra ID by Graph, on a small server that answers as Graph does: pages, busy answers, guests, other hosts."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from provisioning.clients.graph_directory import GraphDirectory
from provisioning.directory import Edge, Entry
from provisioning.errors import PermanentError, TargetUnavailable
from tests.swedish import in_swedish

ALICE, BOB, GUEST = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
VISION, CLOUD = (f"00000000-0000-4000-8000-0000000000{number}" for number in (10, 11))
USERS = [
    {
        "id": ALICE.upper(),
        "userPrincipalName": "Alice@Corp.Example",
        "displayName": "Alice Andersson",
        "mail": "alice@corp.example",
        "accountEnabled": True,
        "userType": "Member",
        "department": "Analytics",
        "officeLocation": "Gothenburg",
    },
    {
        "id": BOB,
        "userPrincipalName": "bob@corp.example",
        "displayName": "Bob Berg",
        "mail": None,
        "accountEnabled": False,
        "userType": None,
        "department": None,
        "officeLocation": None,
    },
    {
        "id": GUEST,
        "userPrincipalName": "eve_other.example#EXT#@corp.example",
        "displayName": "Eve",
        "accountEnabled": True,
        "userType": "Guest",
    },
]
GROUPS = [
    {"id": VISION, "displayName": "ML vision", "onPremisesSamAccountName": "ml-vision", "description": "Research"},
    {"id": CLOUD, "displayName": "ML vision", "onPremisesSamAccountName": None, "mail": "ml@corp.example"},
]
MEMBERS = {VISION: [ALICE, GUEST], CLOUD: [VISION, BOB]}

Answer = tuple[int, dict[str, str], Any]


class Graph:
    """The server. `twist` may answer a call in its own way; `calls` has method, path and query of each."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, list[str]]]] = []
        self.tokens: list[str] = []
        self.twist: Callable[[str, int], Answer | None] = lambda path, nth: None
        graph = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                at = urlsplit(self.path)
                graph.calls.append(("GET", at.path, parse_qs(at.query)))
                graph.tokens.append(self.headers.get("Authorization", ""))
                self._answer(at.path, lambda: graph.page(at.path, parse_qs(at.query)))

            def do_POST(self) -> None:
                body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                graph.calls.append(("POST", self.path, body))
                self._answer(self.path, lambda: (200, {}, {"access_token": "app-token", "expires_in": 3599}))

            def _answer(self, path: str, usual: Callable[[], Answer]) -> None:
                nth = sum(call[1] == path for call in graph.calls)
                status, headers, body = graph.twist(path, nth) or usual()
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, path: str, query: dict[str, list[str]]) -> Answer:
        """One row a page, so that every list is paged."""
        parts = path.removeprefix("/v1.0/").split("/")
        lists: dict[str, list[Any]] = {"users": USERS, "groups": GROUPS}
        rows = [{"id": one} for one in MEMBERS[parts[1]]] if len(parts) == 3 else lists[parts[0]]
        skip = int(query.get("$skiptoken", ["0"])[0])
        body: dict[str, Any] = {"value": rows[skip : skip + 1]}
        if skip + 1 < len(rows):
            body["@odata.nextLink"] = f"{self.url}{path}?$skiptoken={skip + 1}"
        return 200, {}, body

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


NOT_GRAPH = "entra ger ett svar som Graph inte ger. Vi tittar igen av oss själva."


@pytest.fixture
def graph() -> Iterator[Graph]:
    made = Graph()
    yield made
    made.close()


def directory(graph: Graph, **changes: str) -> GraphDirectory:
    return GraphDirectory(
        name="entra",
        tenant="corp",
        client_id="slipway",
        client_secret="canary-secret",
        login=changes.get("login", graph.url),
        graph=graph.url,
        ca=None,
        people_filter="",
        groups_filter="securityEnabled eq true",
    )


def test_everything_is_read_page_by_page(graph: Graph) -> None:
    assert list(directory(graph).read()) == [
        Entry(
            object_id=ALICE,
            is_group=False,
            account="alice@corp.example",
            name="Alice Andersson",
            mail="alice@corp.example",
            place="Analytics / Gothenburg",
        ),
        Entry(object_id=BOB, is_group=False, account="bob@corp.example", name="Bob Berg", enabled=False),
        Entry(object_id=VISION, is_group=True, account="ml-vision", name="ML vision", place="Research"),
        Entry(object_id=CLOUD, is_group=True, account=CLOUD, name="ML vision", mail="ml@corp.example"),
        Edge(member=ALICE, group=VISION),
        Edge(member=GUEST, group=VISION),
        Edge(member=VISION, group=CLOUD),
        Edge(member=BOB, group=CLOUD),
    ]


def test_what_is_asked_for(graph: Graph) -> None:
    list(directory(graph).read())
    token, users = graph.calls[0], graph.calls[1]
    assert token == (
        "POST",
        "/corp/oauth2/v2.0/token",
        {
            "grant_type": ["client_credentials"],
            "client_id": ["slipway"],
            "client_secret": ["canary-secret"],
            "scope": [f"{graph.url}/.default"],
        },
    )
    assert users[2] == {
        "$select": ["id,userPrincipalName,displayName,mail,accountEnabled,userType,department,officeLocation"],
        "$top": ["999"],
    }
    groups = next(call for call in graph.calls if call[1] == "/v1.0/groups")
    assert groups[2]["$filter"] == ["securityEnabled eq true"]
    assert set(graph.tokens) == {"Bearer app-token"}


def test_a_busy_graph_is_waited_for_as_long_as_it_says(graph: Graph) -> None:
    def busy(path: str, nth: int) -> Answer | None:
        return (429, {"Retry-After": "0"}, {}) if path == "/v1.0/users" and nth == 1 else None

    graph.twist = busy
    assert len(list(directory(graph).read())) == 8


def test_a_graph_that_is_busy_for_long_is_asked_later(graph: Graph) -> None:
    graph.twist = lambda path, nth: (503, {"Retry-After": "120"}, {}) if "members" in path else None
    with pytest.raises(TargetUnavailable) as told:
        list(directory(graph).read())
    assert (told.value.message, told.value.delay) == (
        "entra is busy and asks us to come later. We look again by ourselves.",
        120.0,
    )
    swedish = "entra är upptagen och ber oss komma senare. Vi tittar igen av oss själva."
    assert in_swedish(told.value.message) == swedish


def test_the_token_goes_to_no_other_host(graph: Graph) -> None:
    other = Graph()
    elsewhere = {"value": [], "@odata.nextLink": f"{other.url}/v1.0/users?$skiptoken=1"}
    graph.twist = lambda path, nth: (200, {}, elsewhere) if path == "/v1.0/users" else None
    with pytest.raises(PermanentError, match="another host"):
        list(directory(graph).read())
    moved = {"Location": f"{other.url}/v1.0/users"}
    graph.twist = lambda path, nth: (302, moved, {}) if path == "/v1.0/users" else None
    with pytest.raises(TargetUnavailable, match="answers 302"):
        list(directory(graph).read())
    assert other.calls == []
    other.close()


def test_a_group_that_went_in_between_has_no_members(graph: Graph) -> None:
    graph.twist = lambda path, nth: (404, {}, {"error": {}}) if path == f"/v1.0/groups/{CLOUD}/members" else None
    found = [one for one in directory(graph).read() if isinstance(one, Edge)]
    assert found == [Edge(member=ALICE, group=VISION), Edge(member=GUEST, group=VISION)]


@pytest.mark.parametrize(
    "path, answer, said, swedish",
    [
        (
            "/corp/oauth2/v2.0/token",
            (401, {}, {"error": "invalid_client"}),
            "refuses our credential",
            "entra godtar inte vår nyckel. Plattformsteamet måste förnya den.",
        ),
        ("/corp/oauth2/v2.0/token", (200, {}, {}), "an answer that Graph does not give", NOT_GRAPH),
        (
            "/corp/oauth2/v2.0/token",
            (500, {}, {}),
            "answers 500 when asked to give us a token",
            "entra svarar 500 när den ska ge oss en token. Vi tittar igen av oss själva.",
        ),
        (
            "/v1.0/users",
            (403, {}, {}),
            "needs User.Read.All and GroupMember.Read.All",
            "entra vägrar berätta vilka som finns. Applikationen behöver User.Read.All och GroupMember.Read.All, med "
            "samtycke.",
        ),
        (
            "/v1.0/users",
            (401, {}, {}),
            "refuses our token",
            "entra godtar inte vår token. Vi tittar igen av oss själva.",
        ),
        (
            "/v1.0/users",
            (500, {}, {"error": "canary"}),
            "answers 500",
            "entra svarar 500 när den ska berätta vilka som finns. Vi tittar igen av oss själva.",
        ),
        ("/v1.0/users", (200, {}, b"<html>"), "an answer that Graph does not give", NOT_GRAPH),
        ("/v1.0/users", (200, {}, [1]), "an answer that Graph does not give", NOT_GRAPH),
        ("/v1.0/users", (200, {}, {"value": [{"id": "no guid"}]}), "an answer that Graph does not give", NOT_GRAPH),
        ("/v1.0/users", (200, {}, {"value": ["no object"]}), "an answer that Graph does not give", NOT_GRAPH),
        (
            "/v1.0/groups",
            (404, {}, {}),
            "answers 404",
            "entra svarar 404 när den ska berätta vilka som finns. Vi tittar igen av oss själva.",
        ),
    ],
)
def test_what_went_wrong_is_said_without_secrets(
    graph: Graph, path: str, answer: Answer, said: str, swedish: str
) -> None:
    graph.twist = lambda asked, nth: answer if asked == path else None
    with pytest.raises(TargetUnavailable) as told:
        list(directory(graph).read())
    assert said in told.value.message
    assert in_swedish(told.value.message) == swedish
    assert "canary" not in told.value.message


def test_a_silent_graph_is_said_to_be_silent(graph: Graph) -> None:
    with pytest.raises(TargetUnavailable, match=r"entra does not answer \(no connection\)"):
        list(directory(graph, login="http://127.0.0.1:1").read())
