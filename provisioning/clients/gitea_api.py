"""Gitea's REST API over one connection pool: sends, pages, bounds what it reads, and says in our words what went wrong.

Forgejo answers alike. Nothing here knows what a repository is; that is `gitea.py`.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson

from provisioning.clients.gitea_documents import Json
from provisioning.errors import PermanentError, ProvisioningError, Reason, TargetUnavailable, TemporaryError

_TIMEOUT = httpx.Timeout(15, connect=3)
_CONNECTIONS = 16
_PAGE = 50


class GiteaApi:
    """One forge's API with our token. Threads may share it; processes may not (build it after the fork)."""

    def __init__(self, *, name: str, url: str, token: str) -> None:
        self.name = name
        # Redirects are not followed and nothing is sent twice: a renamed repository and an unknown outcome are looked
        # up by the Kind that asked.
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1",
            headers={"Authorization": f"token {token}", "Accept": "application/json", "User-Agent": "slipway"},
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
        response = self.send("GET", path)
        if response.status_code == 404:
            return None
        if not response.is_success:
            raise self.error(response, doing)
        return self.document(response)

    def pages(self, doing: str, path: str, *, within: str | None = None) -> Iterator[Json]:
        """GET all pages of a list, which may stand `within` a field. Nothing when what it belongs to isn't there."""
        page = 1
        while True:
            answer = self.find(doing, f"{path}{'&' if '?' in path else '?'}page={page}&limit={_PAGE}") or {}
            found: list[Json] = (answer.get(within) or []) if within and answer else list(answer)
            yield from found
            if len(found) < _PAGE:
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
                        raise PermanentError(f"{self.name} can't {doing}: it is too large.")
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
        return TargetUnavailable(f"{self.name} gives an answer that no forge gives. We look again by ourselves.")

    def error(self, response: httpx.Response, doing: str) -> ProvisioningError:
        """A refusal as one of our errors."""
        status, message = response.status_code, said(response)
        if status == 401:
            return TargetUnavailable(f"{self.name} refuses our credential. The platform team must renew it.")
        if status >= 500 or status == 429:
            told = response.headers.get("Retry-After", "")
            return TargetUnavailable(
                f"{self.name} answers {status} when asked to {doing}. We look again by ourselves.",
                delay=float(told) if told.isdecimal() else None,
            )
        if "branch does not exist" in message:
            return TemporaryError(f"{self.name} can't {doing}, since the branch isn't there yet.", delay=0.2)
        if status == 404 or "user does not exist" in message:
            return TemporaryError(f"{self.name} can't {doing}: {message}", reason=Reason.DEPENDENCY_NOT_READY)
        if status == 409:
            return TemporaryError(f"{self.name} can't {doing} just now: {message}", delay=0.2)
        return PermanentError(f"{self.name} refuses to {doing}: {message}")

    def _silent(self, error: httpx.HTTPError) -> TargetUnavailable:
        if isinstance(error, httpx.TimeoutException):
            why = "it took too long"
        elif isinstance(error, httpx.ConnectError):
            why = "no connection"
        else:
            why = "the connection broke"
        return TargetUnavailable(f"{self.name} does not answer ({why}). We look again by ourselves.")


def said(response: httpx.Response) -> str:
    """The forge's own sentence about a refusal; it answers with `message`, and now and then with `error`."""
    try:
        document = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return f"it answers {response.status_code}"
    if not isinstance(document, dict):
        return f"it answers {response.status_code}"
    return str(document.get("message") or document.get("error") or f"it answers {response.status_code}")[:300]
