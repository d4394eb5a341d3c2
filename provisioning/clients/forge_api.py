"""A forge's REST API over one connection pool: sends, pages, bounds what it reads, says in our words what went wrong.

Shared by the drivers. Nothing here knows what a repository is, or one forge from another but by what it is given.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from provisioning.clients.rate_limits import told_to_wait
from provisioning.clients.silence import silent
from provisioning.errors import PermanentError, ProvisioningError, Reason, TargetUnavailable, TemporaryError
from provisioning.phrases import phrase

Json = dict[str, Any]

_TIMEOUT = httpx.Timeout(15, connect=3)
_CONNECTIONS = 16
_PAGE = 50
_REDIRECTS = (301, 302, 307, 308)


class ForgeApi:
    """One forge's API with our token. Threads may share it; processes may not (build it after the fork)."""

    def __init__(self, *, name: str, base: str, headers: Mapping[str, str], page_size: str) -> None:
        """base: address of the API. headers: credential and version. page_size: the name of that query parameter."""
        self.name = name
        self._page_size = page_size
        # Nothing is sent twice and no redirect is followed but by `find_moved`: an unknown outcome is looked up by the
        # Kind that asked, and our token goes to no other host.
        self._http = httpx.Client(
            base_url=base.rstrip("/"),
            headers={"Accept": "application/json", "User-Agent": "slipway", **headers},
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def send(self, method: str, path: str, *, body: Json | None = None) -> httpx.Response:
        """Send one request. Any answer is returned; none, or a 404 that is not the forge's, is TargetUnavailable."""
        try:
            response = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        self._check_absence(response)
        return response

    def ask(self, doing: str, method: str, path: str, *, body: Json | None = None) -> Any:
        """Send one request and return its JSON (None when the answer has no body). Refusals raise our errors."""
        response = self.send(method, path, body=body)
        if not response.is_success:
            raise self.error(response, doing)
        return self.document(response) if response.content else None

    def find(self, doing: str, path: str) -> Any | None:
        """GET; None when it isn't there."""
        return self._found(doing, self.send("GET", path))

    def find_moved(self, doing: str, path: str) -> Any | None:
        """GET; where the forge says that it has another address now, ask there, once, and on this host only."""
        response = self.send("GET", path)
        if response.status_code in _REDIRECTS:
            address = urljoin(str(response.request.url), response.headers.get("Location", ""))
            if _origin(address) != _origin(str(response.request.url)):
                raise PermanentError(
                    phrase(
                        "%(name)s can't %(doing)s: it sends us to another host, where we don't go.",
                        name=self.name,
                        doing=doing,
                    )
                )
            response = self.send("GET", address)
        return self._found(doing, response)

    def _found(self, doing: str, response: httpx.Response) -> Any | None:
        if response.status_code == 404:
            return None
        if not response.is_success:
            raise self.error(response, doing)
        return self.document(response)

    def pages(self, doing: str, path: str, *, within: str | None = None, size: int = _PAGE) -> Iterator[Json]:
        """GET all pages of a list, which may stand `within` a field. Nothing when what it belongs to isn't there.

        size: as many as are asked for at a time.
        """
        page = 1
        while True:
            response = self.send("GET", f"{path}{'&' if '?' in path else '?'}page={page}&{self._page_size}={size}")
            answer = self._found(doing, response) or {}
            found: list[Json] = (answer.get(within) or []) if within and answer else list(answer)
            yield from found
            # A server may be set to give fewer at a time than it was asked for, and then says that there are more.
            if not found or (len(found) < size and "next" not in response.links):
                return
            page += 1

    def find_bounded(self, doing: str, path: str, *, limit: int) -> Any | None:
        """GET an answer of at most `limit` bytes; a longer one raises PermanentError. None when it isn't there."""
        text = b""
        try:
            with self._http.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    self._check_absence(response)
                    if response.status_code == 404:
                        return None
                    raise self.error(response, doing)
                for piece in response.iter_bytes():
                    text += piece
                    if len(text) > limit:
                        raise PermanentError(
                            phrase("%(name)s can't %(doing)s: it is too large.", name=self.name, doing=doing)
                        )
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        return self._parsed(text)

    def drop(self, doing: str, path: str) -> bool:
        """DELETE. False when it wasn't there."""
        response = self.send("DELETE", path)
        if response.status_code == 404:
            return False
        if not response.is_success:
            raise self.error(response, doing)
        return True

    def document(self, response: httpx.Response) -> Any:
        """An answer's JSON. TargetUnavailable when it is something else."""
        return self._parsed(response.content)

    def _parsed(self, text: bytes) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            raise self._not_a_forge() from None

    def _check_absence(self, response: httpx.Response) -> None:
        # A proxy's 404 must not be believed: everything would look deleted.
        if response.status_code == 404 and "json" not in response.headers.get("Content-Type", ""):
            raise self._not_a_forge()

    def _not_a_forge(self) -> TargetUnavailable:
        return TargetUnavailable(
            phrase("%(name)s gives an answer that no forge gives. We look again by ourselves.", name=self.name)
        )

    def error(self, response: httpx.Response, doing: str) -> ProvisioningError:
        """A refusal as one of our errors."""
        status, message = response.status_code, said(response)
        if status == 401:
            return TargetUnavailable(
                phrase("%(name)s refuses our credential. The platform team must renew it.", name=self.name)
            )
        wait = told_to_wait(status=status, headers=response.headers, message=message)
        if status >= 500 or wait is not None:
            why = "" if status >= 500 else phrase(": it was asked too much in too short a time")
            return TargetUnavailable(
                phrase(
                    "%(name)s answers %(status)s when asked to %(doing)s%(why)s. We look again by ourselves.",
                    name=self.name,
                    status=status,
                    doing=doing,
                    why=why,
                ),
                delay=wait,
            )
        if status in _REDIRECTS:
            return TemporaryError(
                phrase("%(name)s can't %(doing)s: it has another address now.", name=self.name, doing=doing),
                reason=Reason.DEPENDENCY_NOT_READY,
            )
        if status == 404:
            return TemporaryError(
                phrase("%(name)s can't %(doing)s: %(message)s", name=self.name, doing=doing, message=message),
                reason=Reason.DEPENDENCY_NOT_READY,
            )
        if status == 409:
            return TemporaryError(
                phrase("%(name)s can't %(doing)s just now: %(message)s", name=self.name, doing=doing, message=message),
                delay=0.2,
            )
        return PermanentError(
            phrase("%(name)s refuses to %(doing)s: %(message)s", name=self.name, doing=doing, message=message)
        )

    def _silent(self, error: httpx.HTTPError) -> TargetUnavailable:
        if isinstance(error, httpx.TimeoutException):
            why = phrase("it took too long")
        elif isinstance(error, httpx.ConnectError):
            why = phrase("no connection")
        else:
            why = phrase("the connection broke")
        return TargetUnavailable(silent(self.name, why=why))


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def said(response: httpx.Response) -> str:
    """The forge's own sentence about a refusal, at most 300 characters; its status when it has none.

    It stands in `message` or `error`, as text, as a list, or by field; GitHub adds details in `errors`.
    """
    try:
        document = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        document = None
    status = phrase("it answers %(status)s", status=response.status_code)
    if not isinstance(document, dict):
        return status
    parts = [*_sentences(document.get("message") or document.get("error")), *_sentences(document.get("errors"))]
    return "; ".join(parts)[:300] or status


def _sentences(told: Any) -> list[str]:
    if isinstance(told, list):
        return [sentence for one in told for sentence in _sentences(one)]
    if isinstance(told, dict):
        if "message" in told:
            return _sentences(told["message"])
        return [f"{field} {sentence}" for field, below in told.items() for sentence in _sentences(below)]
    return [str(told)] if told else []
