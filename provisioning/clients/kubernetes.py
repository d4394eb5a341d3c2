"""A Kubernetes cluster, in the words the Kinds use: plain dicts in, plain dicts out.

Transport: `ApiClient.call_api` of the `kubernetes` library (its connection pool, TLS and CA handling) with our own
paths, read by orjson. Measured on one project of 15 objects, server-side apply, one thread, interleaved, client CPU:
bare urllib3 8.5 ms, this 9.7 ms, `param_serialize` + `call_api` 9.9 ms, `DynamicClient` 11.8 ms; when nothing changes
7.7, 8.4, 9.1 and 10.6 ms. DynamicClient also keeps a discovery cache in a file, shared and racy, that we don't need.

What the server taught us, each held by tests/contract/test_cluster.py:

- A field that the schema doesn't know makes server-side apply answer 500. That's our mistake, not an outage.
- Rights are cached: right after a role binding was made, its rights may be missing for some 5 ms (`fresh_rights`).
- Items of a LIST carry neither apiVersion nor kind. We put them back.
- An absent API group answers 404 in plain text, not as a Status object.
- A server that has just started refuses what it allows a moment later: it answers before it knows who may do what.
"""

import builtins
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
import urllib3
from kubernetes.client import ApiClient, ApiException, Configuration

from provisioning.clients.silence import silence, silent, unwell
from provisioning.errors import (
    AlreadyExists,
    PermanentError,
    ProvisioningError,
    Reason,
    TargetUnavailable,
    TemporaryError,
)
from provisioning.phrases import phrase

_TIMEOUT = (3, 15)
_CONNECTIONS = 32
_FIELD_MANAGER = "slipway"
_DISCOVERY_SECONDS = 60
_ABSENCE_SECONDS = 5
# Ten tries within one second, the first of them soon: the cache of rights is usually 5 ms behind.
_FRESH_RIGHTS_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.075, 0.1, 0.15, 0.2, 0.2, 0.2)

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_NO_SUCH_PATH = b"404 page not found"

Manifest = dict[str, Any]


class _Route(NamedTuple):
    """Where a kind lives in the API."""

    plural: str
    namespaced: bool


class _Answer(NamedTuple):
    """An HTTP answer: its status, its JSON (empty when it wasn't JSON) and its headers."""

    status: int
    document: Manifest
    headers: Mapping[str, str]


# Kinds of every cluster, so that the first project doesn't wait for discovery. All others are looked up.
_BUILT_IN = {
    ("v1", "Namespace"): _Route("namespaces", False),
    ("v1", "Node"): _Route("nodes", False),
    ("v1", "ConfigMap"): _Route("configmaps", True),
    ("v1", "LimitRange"): _Route("limitranges", True),
    ("v1", "ResourceQuota"): _Route("resourcequotas", True),
    ("v1", "Secret"): _Route("secrets", True),
    ("v1", "ServiceAccount"): _Route("serviceaccounts", True),
    ("networking.k8s.io/v1", "NetworkPolicy"): _Route("networkpolicies", True),
    ("rbac.authorization.k8s.io/v1", "Role"): _Route("roles", True),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): _Route("rolebindings", True),
}


class Cluster:
    """One cluster. Threads may share it; processes may not (build it after the fork).

    `ca` is PEM text, None for the system's authorities. Every method raises TargetUnavailable when the API server
    doesn't answer or refuses our token, TemporaryError when it will work later, PermanentError when it says no.
    """

    def __init__(self, *, name: str, api: str, token: str, ca: str | None = None) -> None:
        self.name = name
        self._api = api.rstrip("/")
        # `retries=False`: a write whose outcome we don't know is looked up by its Kind, not sent again from here.
        configuration = Configuration(
            host=self._api, ca_cert_data=ca, retries=False, connection_pool_maxsize=_CONNECTIONS
        )
        self._client = ApiClient(configuration)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": _JSON, "User-Agent": "slipway"}
        self._discovered: dict[str, tuple[float, dict[str, _Route]]] = {}

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def probe(self) -> str:
        """The API server's version, asked with our token."""
        answer = self._call("GET", "/version")
        if answer.status != 200:
            raise self._error(answer, phrase("tell its version"))
        return str(answer.document["gitVersion"])

    def serves(self, api_version: str, kind: str) -> bool:
        """Does the cluster know this kind? A yes is believed for a minute, a no for five seconds."""
        return kind in self._discover(api_version)

    def create(self, manifest: Manifest) -> Manifest:
        """Make an object that isn't there yet; the object as the server keeps it. Raises AlreadyExists."""
        doing = phrase("create %(title)s", title=_title(manifest))
        route = self._route_or_raise(manifest, doing)
        answer = self._call("POST", _path(manifest, route), body=manifest, content_type=_JSON)
        if answer.status == 201:
            return _plain(answer.document)
        if answer.status == 409 and answer.document.get("reason") == "AlreadyExists":
            raise AlreadyExists(f"{_title(manifest)} already exists on {self.name}.")
        raise self._error(answer, doing, secret=manifest["kind"] == "Secret")

    def apply(self, manifest: Manifest, *, fresh_rights: bool = False) -> Manifest:
        """Make or change an object by server-side apply, taking over every field we name; the object as kept.

        With `fresh_rights` a missing right is asked for again, ten times within a second: the role binding that gives
        it was made just now. After that it is a TemporaryError, else a PermanentError.
        """
        doing = phrase("apply %(title)s", title=_title(manifest))
        route = self._route_or_raise(manifest, doing)
        query = urlencode({"fieldManager": _FIELD_MANAGER, "force": "true"})
        path = f"{_path(manifest, route, name=manifest['metadata']['name'])}?{query}"
        body = orjson.dumps(manifest)

        def send() -> _Answer:
            return self._call("PATCH", path, body=body, content_type=_APPLY)

        answer = self._with_fresh_rights(send, doing) if fresh_rights else send()
        if answer.status in (200, 201):
            return _plain(answer.document)
        raise self._error(answer, doing, secret=manifest["kind"] == "Secret")

    def _with_fresh_rights(self, send: Callable[[], _Answer], doing: str) -> _Answer:
        """The answer, once our rights count. Raises TemporaryError when they don't within a second."""
        answer = send()
        for pause in _FRESH_RIGHTS_SECONDS:
            if not _lacks_rights(answer):
                return answer
            time.sleep(pause)
            answer = send()
        if _lacks_rights(answer):
            raise TemporaryError(
                phrase(
                    "%(name)s doesn't let us %(doing)s yet: %(message)s",
                    name=self.name,
                    doing=doing,
                    message=_message(answer),
                ),
                delay=1,
            )
        return answer

    def get(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, *, fresh_rights: bool = False
    ) -> Manifest | None:
        """An object, or None when it isn't there, nor its namespace, nor its kind. fresh_rights: as for `apply`."""
        route = self._route(api_version, kind)
        if route is None:
            return None
        doing, path = phrase("show %(kind)s %(name)s", kind=kind, name=name), _url(api_version, route, namespace, name)

        def send() -> _Answer:
            return self._call("GET", path)

        answer = self._with_fresh_rights(send, doing) if fresh_rights else send()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._error(answer, doing)
        return _plain(answer.document)

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, uid: str | None = None
    ) -> bool:
        """Ask for an object's removal; what depends on it goes in the background. True also while it is going.

        False when it wasn't there. With `uid` only the very object of that uid is removed: another one of the same
        name counts as not there.
        """
        route = self._route(api_version, kind)
        if route is None:
            return False
        options: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        answer = self._call("DELETE", _url(api_version, route, namespace, name), body=options, content_type=_JSON)
        if answer.status in (200, 202):
            return True
        # The server words it in two ways; both name the uid that we sent.
        if answer.status == 404 or (answer.status == 409 and uid is not None and uid in _message(answer)):
            return False
        raise self._error(answer, phrase("remove %(kind)s %(name)s", kind=kind, name=name))

    def list(
        self,
        api_version: str,
        kind: str,
        label_selector: str | None = None,
        namespace: str | None = None,
        limit: int = 500,
    ) -> Iterator[Manifest]:
        """All objects of a kind, in pages of `limit`; of all namespaces when none is named.

        Nothing when the cluster doesn't know the kind. TemporaryError when the server forgot the page (start again).
        """
        route = self._route(api_version, kind)
        if route is None:
            return
        query = {"limit": str(limit)}
        if label_selector:
            query["labelSelector"] = label_selector
        path = _url(api_version, route, namespace, None)
        while True:
            answer = self._call("GET", f"{path}?{urlencode(query)}")
            if answer.status != 200:
                raise self._error(answer, phrase("list %(plural)s", plural=route.plural))
            for item in answer.document["items"]:
                yield _plain({"apiVersion": api_version, "kind": kind, **item})
            position = answer.document["metadata"].get("continue")
            if not position:
                return
            query["continue"] = position

    def namespace_blockers(self, name: str) -> builtins.list[str]:
        """Why a namespace that is being removed is still there, as the controllers tell it; [] when nothing blocks."""
        namespace = self.get("v1", "Namespace", name)
        if namespace is None or namespace.get("status", {}).get("phase") != "Terminating":
            return []
        conditions = namespace["status"].get("conditions", [])
        return [condition["message"] for condition in conditions if condition["status"] == "True"]

    # Where things are

    def _discover(self, api_version: str) -> dict[str, _Route]:
        expires, routes = self._discovered.get(api_version, (0.0, {}))
        if time.monotonic() < expires:
            return routes
        answer = self._call("GET", f"{_root(api_version)}")
        if answer.status not in (200, 404):
            raise self._error(answer, phrase("tell what it knows of %(api_version)s", api_version=api_version))
        routes = {
            one["kind"]: _Route(one["name"], one["namespaced"])
            for one in answer.document.get("resources", [])
            if "/" not in one["name"]
        }
        # What is missing may be just being installed, or the server just started: asked again soon.
        keep = _DISCOVERY_SECONDS if routes else _ABSENCE_SECONDS
        self._discovered[api_version] = (time.monotonic() + keep, routes)
        return routes

    def _route(self, api_version: str, kind: str) -> _Route | None:
        return _BUILT_IN.get((api_version, kind)) or self._discover(api_version).get(kind)

    def _route_or_raise(self, manifest: Manifest, doing: str) -> _Route:
        route = self._route(manifest["apiVersion"], manifest["kind"])
        if route is None:
            raise self._unknown_kind(doing)
        return route

    def _unknown_kind(self, doing: str) -> TemporaryError:
        message = phrase(
            "%(name)s can't %(doing)s, since it doesn't know that kind. The platform team must install it.",
            name=self.name,
            doing=doing,
        )
        return TemporaryError(message, delay=_DISCOVERY_SECONDS, reason=Reason.UNSUPPORTED)

    # What the server says, in our words

    def _call(self, method: str, path: str, *, body: Any = None, content_type: str | None = None) -> _Answer:
        """Send one request. Any answer is returned; no answer raises TargetUnavailable."""
        headers = {**self._headers, "Content-Type": content_type} if content_type else dict(self._headers)
        try:
            response = self._client.call_api(
                method, self._api + path, header_params=headers, body=body, _request_timeout=_TIMEOUT
            )
            text = response.read()
        except (urllib3.exceptions.HTTPError, ApiException) as error:
            # The library's own, when there was no answer, is about the certificate.
            why = phrase("its certificate is not trusted") if isinstance(error, ApiException) else silence(error)
            raise TargetUnavailable(silent(self.name, why=why)) from error
        if response.headers.get("Content-Type", "").startswith(_JSON):
            return _Answer(response.status, orjson.loads(text), response.headers)
        if response.status < 400 or (response.status == 404 and not text.startswith(_NO_SUCH_PATH)):
            # A proxy's page, most likely. Were its 404 believed, everything would look deleted.
            raise TargetUnavailable(
                phrase("%(name)s gives an answer that no API server gives. We look again by ourselves.", name=self.name)
            )
        return _Answer(response.status, {}, response.headers)

    def _is_ready(self) -> bool:
        """Has the API server read all that it needs to answer rightly? Asked only where it refuses something."""
        try:
            response = self._client.call_api(
                "GET", f"{self._api}/readyz", header_params=dict(self._headers), _request_timeout=_TIMEOUT
            )
            response.read()
        except (urllib3.exceptions.HTTPError, ApiException):
            return False
        return bool(response.status == 200)

    def _error(self, answer: _Answer, doing: str, *, secret: bool = False) -> ProvisioningError:
        """A refusal as one of our errors. With `secret` no word of the server that may repeat our body is kept."""
        status, message = answer.status, _message(answer)
        if status == 401:
            return TargetUnavailable(
                phrase("%(name)s refuses our credential. The platform team must renew it.", name=self.name)
            )
        if status >= 500 and message.startswith("failed to create typed patch object"):
            return PermanentError(
                phrase(
                    "%(name)s refuses to %(doing)s: %(message)s",
                    name=self.name,
                    doing=doing,
                    message=phrase("it has a field of a wrong type") if secret else message,
                )
            )
        if status >= 500 or status == 429:
            told = answer.headers.get("Retry-After", "")
            return TargetUnavailable(
                unwell(self.name, status=status, doing=doing),
                delay=float(told) if told.isdecimal() else None,
            )
        if status == 403 and not self._is_ready():
            return TargetUnavailable(
                phrase("%(name)s has just started and does not know all rights yet. We look again.", name=self.name)
            )
        causes = {cause.get("reason") for cause in answer.document.get("details", {}).get("causes", [])}
        if "NamespaceTerminating" in causes:
            return TemporaryError(
                phrase("%(name)s can't %(doing)s while its namespace is being removed.", name=self.name, doing=doing),
                reason=Reason.DELETING,
            )
        if status == 404 and answer.document.get("details", {}).get("kind") == "namespaces":
            return TemporaryError(
                phrase("%(name)s can't %(doing)s, since its namespace isn't there.", name=self.name, doing=doing),
                reason=Reason.DEPENDENCY_NOT_READY,
            )
        if status == 404 and not answer.document:
            self._discovered.clear()
            return self._unknown_kind(doing)
        if status in (404, 409, 410) or "status unknown for quota" in message:
            return TemporaryError(
                phrase("%(name)s can't %(doing)s just now: %(message)s", name=self.name, doing=doing, message=message),
                delay=0.2,
            )
        if secret and status != 403:
            message = phrase("its fields are not valid")
        return PermanentError(
            phrase("%(name)s refuses to %(doing)s: %(message)s", name=self.name, doing=doing, message=message)
        )


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _url(api_version: str, route: _Route, namespace: str | None, name: str | None) -> str:
    parts = [_root(api_version)]
    if route.namespaced and namespace:
        parts += ["namespaces", namespace]
    parts.append(route.plural)
    if name:
        parts.append(name)
    return "/".join(parts)


def _path(manifest: Manifest, route: _Route, name: str | None = None) -> str:
    return _url(manifest["apiVersion"], route, manifest["metadata"].get("namespace"), name)


def _title(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    where = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{manifest['kind']} {where}{metadata['name']}"


def _plain(document: Manifest) -> Manifest:
    """The object without the server's book-keeping of field owners, which is half of its size."""
    document["metadata"].pop("managedFields", None)
    return document


def _message(answer: _Answer) -> str:
    if "message" not in answer.document:
        return phrase("it answers %(status)s", status=answer.status)
    return str(answer.document["message"])[:500]


def _lacks_rights(answer: _Answer) -> bool:
    """Is this RBAC's 403, not one of quota, pod security or an admission policy?"""
    message = _message(answer)
    return answer.status == 403 and " cannot " in message and "in API group" in message
