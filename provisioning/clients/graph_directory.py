"""Entra ID by Microsoft Graph, with a credential of the application's own (client credentials).

The application needs User.Read.All and GroupMember.Read.All, nothing else. Graph tells what it has in pages and names
the next page itself: we follow such an address only to the host that we meant, since our token goes along.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import orjson

from provisioning.clients.certificates import trusting
from provisioning.clients.silence import silent, unwell
from provisioning.directory import Edge, Entry
from provisioning.errors import PermanentError, ProvisioningError, TargetUnavailable
from provisioning.phrases import Phrase, phrase

_TIMEOUT = httpx.Timeout(30, connect=5)
_PAGE = 999
_AT_ONCE = 8
_WAIT_AT_MOST = 30.0
_TRIES = 5
_READ_SECONDS = 900.0
_OF_PEOPLE = "id,userPrincipalName,displayName,mail,accountEnabled,userType,department,officeLocation"
_OF_GROUPS = "id,displayName,mail,onPremisesSamAccountName,description"

Json = dict[str, Any]


class GraphDirectory:
    """One tenant. `login` and `graph` are the addresses of token endpoint and Graph, without a path."""

    def __init__(
        self,
        *,
        name: str,
        tenant: str,
        client_id: str,
        client_secret: str,
        login: str,
        graph: str,
        ca: str | None,
        people_filter: str,
        groups_filter: str,
    ) -> None:
        self.name = name
        self._token_url = f"{login.rstrip('/')}/{tenant}/oauth2/v2.0/token"
        self._graph = graph.rstrip("/")
        self._asking = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": f"{self._graph}/.default",
        }
        self._filters = {"users": people_filter, "groups": groups_filter}
        self._headers: dict[str, str] = {}
        self._until = 0.0
        self._http = httpx.Client(
            timeout=_TIMEOUT,
            verify=trusting(ca, name=name),
            headers={"Accept": "application/json", "User-Agent": "slipway"},
            limits=httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def read(self) -> Iterator[Entry | Edge]:
        """People without guests, then groups, then the members of each group, several groups at once."""
        self._until = time.monotonic() + _READ_SECONDS
        self._headers = {"Authorization": f"Bearer {self._token()}"}
        for one in self._list("users", select=_OF_PEOPLE):
            if one.get("userType") != "Guest":
                yield self._made(_person, one)
        groups = []
        for one in self._list("groups", select=_OF_GROUPS):
            group = self._made(_group, one)
            groups.append(group.object_id)
            yield group
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            for group_id, members in zip(groups, pool.map(self._members, groups), strict=True):
                yield from (Edge(member=member, group=group_id) for member in members)
        finally:
            # After a fault nobody needs the answers of the other groups.
            pool.shutdown(cancel_futures=True)

    def _members(self, group_id: str) -> list[str]:
        return [str(one.get("id", "")).lower() for one in self._list(f"groups/{group_id}/members", select="id")]

    def _list(self, path: str, *, select: str) -> Iterator[Json]:
        """Every row of a list, page by page. A group that was removed in between has no rows."""
        query = {"$select": select, "$top": str(_PAGE)}
        if self._filters.get(path):
            query["$filter"] = self._filters[path]
        address = f"{self._graph}/v1.0/{path}?{urlencode(query)}"
        while address:
            answer = self._send("GET", address, headers=self._headers)
            if answer.status_code == 404 and path.endswith("/members"):
                return
            page = self._document(answer, phrase("tell who is there"))
            rows = page.get("value")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise self._not_graph()
            yield from rows
            address = str(page.get("@odata.nextLink") or "")
            if address and urlsplit(address)[:2] != urlsplit(self._graph)[:2]:
                raise PermanentError(
                    phrase("%(name)s names a page on another host. Our token is not sent there.", name=self.name)
                )

    def _token(self) -> str:
        answer = self._send("POST", self._token_url, data=self._asking)
        if answer.status_code in (400, 401):
            raise TargetUnavailable(
                phrase("%(name)s refuses our credential. The platform team must renew it.", name=self.name)
            )
        token = self._document(answer, phrase("give us a token")).get("access_token")
        if not isinstance(token, str) or not token:
            raise self._not_graph()
        return token

    def _send(self, method: str, url: str, **parts: Any) -> httpx.Response:
        """The answer, after the waits that the other side asks for (Retry-After) while they are short."""
        for attempt in range(1, _TRIES + 1):
            if time.monotonic() > self._until:
                raise TargetUnavailable(
                    phrase("%(name)s takes too long to tell everything. We look again by ourselves.", name=self.name)
                )
            try:
                answer = self._http.request(method, url, **parts)
            except httpx.HTTPError as error:
                # The type only: texts of the library may quote the address.
                late = isinstance(error, httpx.TimeoutException)
                why = phrase("it took too long") if late else phrase("no connection")
                raise TargetUnavailable(silent(self.name, why=why)) from error
            if answer.status_code not in (429, 503):
                return answer
            told = answer.headers.get("Retry-After", "")
            wait = float(told) if told.isdecimal() else float(attempt)
            if wait > _WAIT_AT_MOST or attempt == _TRIES:
                break
            time.sleep(wait)
        sentence = phrase("%(name)s is busy and asks us to come later. We look again by ourselves.", name=self.name)
        raise TargetUnavailable(sentence, delay=wait)

    def _document(self, answer: httpx.Response, doing: Phrase) -> Json:
        if answer.status_code == 401:
            raise TargetUnavailable(phrase("%(name)s refuses our token. We look again by ourselves.", name=self.name))
        if answer.status_code == 403:
            raise TargetUnavailable(
                phrase(
                    "%(name)s refuses to %(doing)s. The application needs User.Read.All and GroupMember.Read.All, with "
                    "consent.",
                    name=self.name,
                    doing=doing,
                )
            )
        if not answer.is_success:
            raise TargetUnavailable(unwell(self.name, status=answer.status_code, doing=doing))
        try:
            document = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise self._not_graph() from None
        if not isinstance(document, dict):
            raise self._not_graph()
        return document

    def _made(self, make: Callable[[Json], Entry], row: Json) -> Entry:
        try:
            return make(row)
        except (KeyError, ValueError, TypeError, AttributeError):
            raise self._not_graph() from None

    def _not_graph(self) -> ProvisioningError:
        return TargetUnavailable(
            phrase("%(name)s gives an answer that Graph does not give. We look again by ourselves.", name=self.name)
        )


def _person(row: Json) -> Entry:
    account = str(row["userPrincipalName"]).lower()
    where = [str(row[name]) for name in ("department", "officeLocation") if row.get(name)]
    return Entry(
        object_id=str(uuid.UUID(row["id"])),
        is_group=False,
        account=account,
        name=row.get("displayName") or account,
        mail=row.get("mail") or "",
        place=" / ".join(where),
        # Without a word about it nobody is taken for switched on.
        enabled=row.get("accountEnabled") is True,
    )


def _group(row: Json) -> Entry:
    object_id = str(uuid.UUID(row["id"]))
    account = row.get("onPremisesSamAccountName") or object_id
    return Entry(
        object_id=object_id,
        is_group=True,
        account=account,
        name=row.get("displayName") or account,
        mail=row.get("mail") or "",
        place=row.get("description") or "",
    )
