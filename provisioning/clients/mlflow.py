"""A tracker of experiments: MLflow's REST interface with its basic-auth app, in the words the Kind uses.

What the server taught us, each held by tests/contract/test_tracking_kind.py:

- A deleted experiment keeps its name and still answers by it, marked as deleted; the name is free only once renamed.
- A password can't be read: whether one is right is found by signing in with it.
- What an account may do that was given nothing is not told: it is asked of one that was given nothing, about an
  experiment that there is.
- A permission that is there is not replaced by giving another: it is taken back first (3.17.2).
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
import orjson

from provisioning.clients.certificates import trusting
from provisioning.clients.silence import unwell
from provisioning.errors import AlreadyExists, PermanentError, ProvisioningError, TargetUnavailable
from provisioning.phrases import phrase

Json = dict[str, Any]

_TIMEOUT = httpx.Timeout(15, connect=3)
_CONNECTIONS = 16
_API = "/api/2.0/mlflow"
_GRANTS = "/api/3.0/mlflow/users/permissions"
_NOBODY = "slipway-given-nothing"
_FIRST_EXPERIMENT = "0"  # MLflow's own, "Default"
_MISSING, _EXISTS = "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"


class Tracker:
    """One MLflow server with an administrator's account. Threads may share it; processes may not.

    ca: PEM certificates that its own is checked with; None: those that the machine trusts.

    Every method raises TargetUnavailable when the server doesn't answer or refuses our account, and PermanentError
    when it says no.
    """

    def __init__(self, *, name: str, url: str, username: str, password: str, ca: str | None = None) -> None:
        self.name = name
        self._login = (username, password)
        # No credential of the machine's own (netrc) may take the place of ours, and no redirect gets it.
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Accept": "application/json", "User-Agent": "slipway"},
            verify=trusting(ca, name=name),
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def probe(self) -> str:
        """The server's version, after our account was tried."""
        self._ask(phrase("list experiments"), "GET", f"{_API}/experiments/search?max_results=1")
        return self._send("GET", "/version", login=self._login).text.strip()[:40]

    def experiment(self, name: str) -> Json | None:
        """Id, artifact location, tags and whether it is deleted; None when no experiment has the name."""
        found = self._find(
            phrase("find the experiment %(name)s", name=name),
            f"{_API}/experiments/get-by-name",
            {"experiment_name": name},
        )
        if found is None:
            return None
        one = found["experiment"]
        return {
            "id": str(one["experiment_id"]),
            "artifacts": one["artifact_location"],
            "tags": {tag["key"]: tag["value"] for tag in one.get("tags", ())},
            "deleted": one["lifecycle_stage"] == "deleted",
        }

    def make_experiment(self, name: str, *, artifacts: str, tags: Mapping[str, str]) -> None:
        """Make an experiment with its tags in one call. Raises AlreadyExists when the name is in use."""
        body = {
            "name": name,
            "artifact_location": artifacts,
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        self._ask(phrase("make the experiment %(name)s", name=name), "POST", f"{_API}/experiments/create", body)

    def tag_experiment(self, identifier: str, key: str, value: str) -> None:
        """Set one tag of an experiment."""
        body = {"experiment_id": identifier, "key": key, "value": value}
        self._ask(phrase("tag an experiment"), "POST", f"{_API}/experiments/set-experiment-tag", body)

    def restore_experiment(self, identifier: str) -> None:
        """Bring a deleted experiment back, with its runs."""
        self._ask(phrase("restore an experiment"), "POST", f"{_API}/experiments/restore", {"experiment_id": identifier})

    def remove_experiment(self, identifier: str, *, rename: str) -> None:
        """Delete an experiment under another name, so that its own is free. `mlflow gc` removes it for good."""
        body = {"experiment_id": identifier, "new_name": rename}
        self._ask(phrase("rename an experiment"), "POST", f"{_API}/experiments/update", body)
        self._ask(phrase("delete an experiment"), "POST", f"{_API}/experiments/delete", {"experiment_id": identifier})

    def has_user(self, username: str) -> bool:
        """Is there an account of this name?"""
        return (
            self._find(
                phrase("find the account %(username)s", username=username), f"{_API}/users/get", {"username": username}
            )
            is not None
        )

    def signs_in(self, username: str, password: str) -> bool:
        """Does this password open the account?"""
        path = f"{_API}/users/get?{httpx.QueryParams(username=username)}"
        response = self._send("GET", path, login=(username, password))
        if response.status_code >= 500:
            raise self._error(response, phrase("sign %(username)s in", username=username))
        return response.is_success

    def put_user(self, username: str, password: str) -> None:
        """Make an account, or give it this password."""
        body = {"username": username, "password": password}
        if self.has_user(username):
            self._ask(
                phrase("change the account %(username)s", username=username),
                "PATCH",
                f"{_API}/users/update-password",
                body,
            )
        else:
            self._ask(phrase("make the account %(username)s", username=username), "POST", f"{_API}/users/create", body)

    def delete_user(self, username: str) -> bool:
        """Remove an account. False when there was none."""
        if not self.has_user(username):
            return False
        self._ask(
            phrase("remove the account %(username)s", username=username),
            "DELETE",
            f"{_API}/users/delete",
            {"username": username},
        )
        return True

    def permission(self, identifier: str, username: str) -> str:
        """What an account may do on an experiment, such as EDIT; NO_PERMISSIONS when nothing."""
        query = httpx.QueryParams(username=username, resource_type="experiment", resource_id=identifier)
        found = self._ask(phrase("read a permission"), "GET", f"{_GRANTS}/get?{query}")
        return str(found["permission"])

    def default_permission(self, identifier: str = _FIRST_EXPERIMENT) -> str:
        """What an account may do on an experiment that it was given nothing on.

        Found with an account of its own, which is made where there is none, and whose password nobody knows.
        """
        query = {"username": _NOBODY, "resource_type": "experiment", "resource_id": identifier}
        found = self._find(phrase("read a permission"), f"{_GRANTS}/get", query)
        if found is not None:
            return str(found["permission"])
        body = {"username": _NOBODY, "password": secrets.token_urlsafe(32)}
        with suppress(AlreadyExists):  # another worker was faster
            self._ask(phrase("make the account %(nobody)s", nobody=_NOBODY), "POST", f"{_API}/users/create", body)
        return self.permission(identifier, _NOBODY)

    def put_permission(self, identifier: str, username: str, permission: str) -> None:
        """Give an account a permission on an experiment, in place of what it had."""
        where = {"username": username, "resource_type": "experiment", "resource_id": identifier}
        wanted = {**where, "permission": permission}
        try:
            self._ask(phrase("give a permission"), "POST", f"{_GRANTS}/grant", wanted)
        except AlreadyExists:
            if self.permission(identifier, username) == permission:
                return
            self._ask(phrase("take a permission back"), "POST", f"{_GRANTS}/revoke", where)
            self._ask(phrase("give a permission"), "POST", f"{_GRANTS}/grant", wanted)

    def _find(self, doing: str, path: str, query: Mapping[str, str]) -> Json | None:
        response = self._send("GET", f"{path}?{httpx.QueryParams(query)}", login=self._login)
        # Only the server's own word for it: a proxy's 404 must not make everything look deleted.
        if _told(response).get("error_code") == _MISSING:
            return None
        return self._answer(response, doing)

    def _ask(self, doing: str, method: str, path: str, body: Json | None = None) -> Json:
        return self._answer(self._send(method, path, login=self._login, body=body), doing)

    def _answer(self, response: httpx.Response, doing: str) -> Json:
        if not response.is_success:
            raise self._error(response, doing)
        return _told(response)

    def _send(self, method: str, path: str, *, login: tuple[str, str], body: Json | None = None) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body, auth=login)
        except httpx.HTTPError as error:
            raise TargetUnavailable(
                phrase("%(name)s does not answer. We look again by ourselves.", name=self.name)
            ) from error

    def _error(self, response: httpx.Response, doing: str) -> ProvisioningError | AlreadyExists:
        status, told = response.status_code, _told(response)
        if told.get("error_code") == _EXISTS:
            return AlreadyExists()
        if status == 401:
            return TargetUnavailable(
                phrase("%(name)s refuses our account. The platform team must renew it.", name=self.name)
            )
        if status >= 500 or status == 429 or not told:
            return TargetUnavailable(unwell(self.name, status=status, doing=doing))
        return PermanentError(
            phrase(
                "%(name)s refuses to %(doing)s: %(message)s",
                name=self.name,
                doing=doing,
                message=str(told.get("message", status))[:300],
            )
        )


def _told(response: httpx.Response) -> Json:
    """An answer's JSON; {} when it is something else, as it is of a proxy."""
    try:
        document = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
