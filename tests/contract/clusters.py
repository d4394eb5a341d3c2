"""The stack's real cluster as its different people see it: the portal, the administrator, a tenant."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from provisioning.catalogue import Catalogue, load
from provisioning.clients import connect_cluster
from provisioning.secrets import Resolve, resolver
from tests import own_tokens
from tests.contract.stack import folder, secret

JSON = "application/json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


def stack() -> tuple[Catalogue, Resolve]:
    """Catalogue and secrets of the running stack; skips the test when there is none."""
    return load(folder() / "platform.yaml"), resolver(folder=folder() / "secrets")


def portal_cluster() -> Any:
    """A client with the portal's own token."""
    catalogue, resolve = stack()
    return connect_cluster(catalogue.cluster(), resolve=resolve)


@dataclass(frozen=True)
class Answer:
    """Status and body of an answer; {} when the body is no JSON."""

    status: int
    body: Mapping[str, Any]

    @property
    def refused(self) -> bool:
        """Was it refused for want of a right, or by an admission policy? Not for a wrong path or a malformed body."""
        rights = (" cannot ", "is attempting to grant RBAC permissions not currently held", "may not be deleted")
        by_rights = self.status == 403 and any(words in self.said for words in rights)
        by_policy = self.status == 422 and "denied request" in self.said
        return by_rights or by_policy

    @property
    def said(self) -> str:
        return str(self.body.get("message", ""))


@dataclass(frozen=True)
class Caller:
    """Somebody with a token, asking the API server without any library in between."""

    api: str
    ca: str
    token: str

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        request = urllib.request.Request(
            self.api + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type, **(headers or {})},
        )
        context = ssl.create_default_context(cadata=self.ca)
        try:
            with urllib.request.urlopen(request, context=context, timeout=15) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return Answer(status, json.loads(text))
        except ValueError:
            return Answer(status, {})


def caller(token: str) -> Caller:
    """Somebody with this token."""
    catalogue, resolve = stack()
    target = catalogue.cluster()
    assert target.ca is not None
    return Caller(api=target.api.rstrip("/"), ca=resolve(target.ca), token=token)


def portal() -> Caller:
    """The portal's service account."""
    catalogue, resolve = stack()
    return caller(resolve(catalogue.cluster().token))


def administrator() -> Caller:
    """Who administers the cluster, to set the stage."""
    return caller(secret("cluster-admin.token"))


def person(name: str) -> Caller:
    """A person of the dev stack, such as alice."""
    return caller(own_tokens.for_cluster(name))


def service_account(admin: Caller, namespace: str, name: str) -> Caller:
    """A service account, with a fresh token."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    answer = admin("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
    return caller(answer.body["status"]["token"])


def in_parallel(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """`each` of the Kind contract, as the engine does it."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, items))


def encoded(value: str) -> str:
    """A value of a Secret as the API wants it."""
    return base64.b64encode(value.encode()).decode()
