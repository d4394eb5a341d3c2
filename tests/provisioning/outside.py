"""All three targets in memory behind lines that can be cut: what the engine meets outside, and a portal that may die.

An `Outside` outlives the portal. `look` is one life of a worker: what it recorded before it was stopped is known to the
next one, what it did without recording it is not. Calls are counted over one life, in the order in which they come.
"""

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from provisioning.conditions import Status
from provisioning.errors import Reason
from provisioning.kind import Wish, kinds_of
from provisioning.names import LABEL_UID
from provisioning.outcomes import Known, Outcome
from provisioning.plan import Action, compare
from provisioning.reconcile import Result, reconcile, remove
from provisioning.ssh_keys import key_pair
from tests.fakes.cluster import FakeCluster
from tests.fakes.forge import FakeForge
from tests.fakes.object_store import FakeObjectStore
from tests.provisioning.wishes import UID, one_by_one

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMESPACE, BUCKET, REPOSITORY, ACCOUNT = "ml-demand", "ml-demand", "forecasting/demand", f"ml-demand-{UID[:8]}"
USERS = (ACCOUNT, f"{ACCOUNT}-b")
LISTENER = f"http://127.0.0.1:8081/?slipway-project={UID}"
TEKTON = ("Trigger", "TriggerBinding", "TriggerTemplate", "EventListener")
_WRITES = ("create", "apply", "delete", "make_", "set_", "put_", "remove_", "update_", "ensure_", "enable_", "disable_")


class Stopped(BaseException):
    """The worker is killed."""


@dataclass(frozen=True)
class Cut:
    """What happens at the nth call of a life: an error, before the call or after it was carried out."""

    at: int
    when: Literal["before", "after"]
    error: Callable[[], BaseException]


class Life:
    """One life of a worker: counts its calls and cuts them. Once it was stopped, no thread of it does anything more."""

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self._cuts = {cut.at: cut for cut in cuts}
        self._lock = threading.Lock()
        self.calls = 0
        self.stopped = False

    def call(self, method: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self._lock:
            if self.stopped:
                raise Stopped
            cut = self._cuts.get(self.calls)
            self.calls += 1
            if cut is not None and cut.when == "before":
                raise self._error(cut)
        answer = method(*args, **named)
        if cut is not None:
            with self._lock:
                raise self._error(cut)
        return answer

    def _error(self, cut: Cut) -> BaseException:
        error = cut.error()
        self.stopped = self.stopped or isinstance(error, Stopped)
        return error


class Line:
    """A client whose every call goes through a Life."""

    def __init__(self, client: Any, life: Life) -> None:
        self._client = client
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return (lambda *args, **named: self._life.call(method, *args, **named)) if callable(method) else method


class Outside:
    """The targets, with things of other people in them, and what the portal knows of its project."""

    def __init__(self, *, tekton: bool = True) -> None:
        self.cluster, self.store, self.forge = FakeCluster(), FakeObjectStore(), FakeForge()
        for kind in TEKTON if tekton else ():
            self.cluster.add_kind("triggers.tekton.dev/v1beta1", kind)
        self._have_others()
        self.others = self._not_ours()
        self.known: dict[str, Known] = {}
        self.said: list[Outcome] = []
        self.lives = 0
        for client in self.clients:
            client.calls.clear()

    @property
    def clients(self) -> tuple[Any, Any, Any]:
        return self.cluster, self.store, self.forge

    def _have_others(self) -> None:
        for name in ("kube-system", "ml-demand-2"):
            labels = {LABEL_UID: "another"} if name != "kube-system" else {}
            self.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
            settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": name}}
            self.cluster.create({**settings, "data": {"a": "b"}})
        self.store.make_bucket("ml-demand-2")
        self.store.put_policy("theirs", {"Version": "2012-10-17", "Statement": []})
        self.store.put_user("theirs", "theirs-theirs")
        self.forge.ensure_organisation("others")
        self.forge.create_repository("others", "demand", "")
        self.forge.create_hook("others/demand", LISTENER, "theirs", ["push"])
        self.forge.create_deploy_key("others/demand", "slipway-ci v1", "ssh-ed25519 theirs")

    def _not_ours(self) -> Any:
        """All that doesn't stand under the project's own names."""
        objects = {
            key: one
            for key, one in self.cluster.objects.items()
            if NAMESPACE not in (key[2], key[3] if not key[2] else "")
        }
        return copy.deepcopy(
            (
                objects,
                {name: one for name, one in self.store.buckets.items() if name != BUCKET},
                {name: one for name, one in self.store.policies.items() if name != ACCOUNT},
                {name: one for name, one in self.store.users.items() if name not in USERS},
                {name: one for name, one in self.forge.repositories.items() if name != REPOSITORY},
                self.forge.organisations - {"forecasting"},
            )
        )

    def look(self, wish: Wish, *cuts: Cut, removing: bool = False) -> Result | None:
        """One life of a worker; None when it was stopped."""
        life = Life(cuts)
        lines = dict(zip(("cluster", "object_store", "forge"), (Line(one, life) for one in self.clients), strict=True))
        self.lives += 1
        self.last_life = life

        def record(outcomes: Sequence[Outcome]) -> None:
            self.said += outcomes
            self.known |= {one.kind: one.known for one in outcomes}
            for one in outcomes:
                if one.dropped:
                    del self.known[one.kind]

        here = kinds_of(wish, known=self.known)
        # As the portal does: what not every project has is known of before anything of it is made.
        self.known |= {name: Known.nothing(now=NOON) for name in here.keys() - self.known.keys() if here[name].wanted}
        common: Any = {
            "wish": wish, "kinds": here, "known": dict(self.known), "record": record, "now": lambda: NOON,
            "open_client": lines.__getitem__,
        }  # fmt: skip
        try:
            return remove(**common) if removing else reconcile(**common, first=self.lives == 1)
        except Stopped:
            return None

    def settle(self, wish: Wish, *, looks: int = 8) -> None:
        """Look, with nothing cut, until all is as wished."""
        for _ in range(looks):
            result = self.look(wish)
            if result is not None and result.ready and self.synced():
                return
        told = {name: (known.synced.reason.value, known.synced.message) for name, known in self.known.items()}
        raise AssertionError(f"not ready after {looks} looks: {told}")

    def synced(self) -> bool:
        return all(
            one.synced.status is Status.TRUE or one.synced.reason is Reason.UNSUPPORTED for one in self.known.values()
        )

    def retire(self, wish: Wish, *, looks: int = 8) -> None:
        """Look, with nothing cut, until the project is gone."""
        for _ in range(looks):
            result = self.look(wish, removing=True)
            if result is not None and result.gone:
                return
        raise AssertionError(f"still there after {looks} looks: {self.known}")

    def writes(self) -> list[tuple[str, ...]]:
        """The calls that write, since the fakes' `calls` were last emptied."""
        return [call for client in self.clients for call in client.calls if call[0].startswith(_WRITES)]

    def check_as_wished(self, wish: Wish) -> None:
        """Everything wished is there as wished, once, with the right secrets, and no more; a look changes nothing."""
        expected: set[str] = set()
        for kind in kinds_of(wish).values():
            client = dict(zip(("cluster", "object_store", "forge"), self.clients, strict=True))[kind.system]
            if kind.unsupported is not None and kind.unsupported(wish, client):
                continue
            desired = kind.desired(wish)
            seen = kind.observe(wish, client, desired, one_by_one)
            assert [
                one for one in compare(kind=kind.name, desired=desired, observed=seen) if one.action is not Action.KEEP
            ] == []
            if kind.system == "cluster":
                expected |= {thing.key for thing in desired if thing.body is not None}
        ours = [key for key in self.cluster.objects if NAMESPACE in (key[2], key[3] if not key[2] else "")]
        assert sorted(f"{kind}/{name}" for _, kind, _, name in ours) == sorted(expected)
        hooks = self.forge.repositories[REPOSITORY].hooks
        secrets = self.forge.repositories[REPOSITORY].secrets
        profile = f"http://localhost:8000/hooks/git-1/{UID}/"
        assert {hooks[number]["url"]: secrets[number] for number in hooks} == {
            LISTENER: wish.secret("webhook"),
            profile: wish.secret("profile-hook"),
        }
        assert len(hooks) == 2
        current = wish.version("bucket")
        assert {name: one.secret for name, one in self.store.users.items() if name in USERS} == {
            name: secret
            for name, secret in (
                (wish.names.store_user_at(current), wish.secret("bucket")),
                (wish.names.store_user_at(current - 1), wish.earlier_secret("bucket")),
            )
            if secret is not None
        }
        assert {(one["title"], one["public"], one["read_only"]) for one in self._deploy_keys(REPOSITORY)} == {
            (title, key_pair(secret).public, True)
            for title, secret in (
                (f"slipway-ci v{wish.version('clone')}", wish.secret("clone")),
                (f"slipway-ci v{wish.version('clone') - 1}", wish.earlier_secret("clone")),
            )
            if secret is not None
        }
        self.check_others_untouched()
        for client in self.clients:
            client.calls.clear()
        result = self.look(wish)
        assert result is not None
        assert (result.ready, result.delay, self.writes()) == (True, None, [])

    def _deploy_keys(self, full_name: str) -> list[Any]:
        return list(self.forge.repositories[full_name].deploy_keys.values())

    def check_gone(self, wish: Wish) -> None:
        """Nothing of the project is left but what is kept on purpose, with a mark that says so."""
        assert [key for key in self.cluster.objects if NAMESPACE in key] == []
        assert [name for name in USERS if name in self.store.users] == []
        assert ACCOUNT not in self.store.policies
        kept = self.forge.repositories.get(REPOSITORY)
        if wish.remove_data:
            assert (BUCKET in self.store.buckets, kept) == (False, None)
        if BUCKET in self.store.buckets:
            assert self.store.buckets[BUCKET].tags["slipway.dev/kept"] == "true"
        if kept is not None:
            assert "slipway-kept" in kept.repository["topics"]
            assert (kept.hooks, kept.deploy_keys) == ({}, {})
        self.check_others_untouched()

    def check_others_untouched(self) -> None:
        assert self._not_ours() == self.others

    def check_no_secret_said(self, wish: Wish) -> None:
        """No derived secret, plain or as a Secret holds it, is in what would be stored or shown."""
        import base64

        told = repr(self.said)
        for purpose in ("bucket", "webhook", "profile-hook", "clone", "ci-report"):
            plain = wish.secret(purpose)
            assert plain not in told
            assert base64.b64encode(plain.encode()).decode() not in told
        assert "PRIVATE KEY" not in told
        assert base64.b64encode(key_pair(wish.secret("clone")).private.encode()).decode() not in told


def tampering() -> Mapping[str, Callable[[Outside], None]]:
    """What people do to a project by hand, each only where it can be done and leaves it recognisable as ours."""

    def objects(outside: Outside, kind: str) -> list[dict[str, Any]]:
        return [one for key, one in outside.cluster.objects.items() if key[1] == kind and key[2] == NAMESPACE]

    def touched(one: dict[str, Any]) -> None:
        one["metadata"]["resourceVersion"] += "0"

    def remove_all(kind: str) -> Callable[[Outside], None]:
        def act(outside: Outside) -> None:
            for one in objects(outside, kind):
                outside.cluster.delete(one["apiVersion"], kind, one["metadata"]["name"], NAMESPACE)

        return act

    def change(kind: str, spoil: Callable[[dict[str, Any]], None]) -> Callable[[Outside], None]:
        def act(outside: Outside) -> None:
            for one in objects(outside, kind)[:1]:
                spoil(one)
                touched(one)

        return act

    def remove_namespace(outside: Outside) -> None:
        outside.cluster.delete("v1", "Namespace", NAMESPACE)

    def give_rights(outside: Outside) -> None:
        found = outside.cluster.objects.get(("v1", "Namespace", "", NAMESPACE))
        if found is None or "deletionTimestamp" in found["metadata"]:
            return
        name = {"name": "slipway-viewers", "namespace": NAMESPACE}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": name}
        outside.cluster.apply({**binding, "roleRef": role, "subjects": [{"kind": "User", "name": "mallory"}]})

    def strip_tags(outside: Outside) -> None:
        user = outside.store.users.get(ACCOUNT)
        if BUCKET in outside.store.buckets and user is not None and user.policies == [ACCOUNT]:
            outside.store.buckets[BUCKET].tags = {}

    def remove_user(outside: Outside) -> None:
        if BUCKET in outside.store.buckets and outside.store.buckets[BUCKET].tags:
            outside.store.users.pop(ACCOUNT, None)

    def remove_policy(outside: Outside) -> None:
        if BUCKET in outside.store.buckets and outside.store.buckets[BUCKET].tags:
            outside.store.policies.pop(ACCOUNT, None)

    def disable_user(outside: Outside) -> None:
        if ACCOUNT in outside.store.users:
            outside.store.users[ACCOUNT].enabled = False

    def spoil_bucket(outside: Outside) -> None:
        if BUCKET in outside.store.buckets:
            bucket = outside.store.buckets[BUCKET]
            bucket.versioning, bucket.quota, bucket.lifecycle = False, 0, None

    def use_bucket(outside: Outside) -> None:
        if BUCKET in outside.store.buckets and outside.store.buckets[BUCKET].tags:
            outside.store.put_object(BUCKET, "model.bin", b"weights")

    def lose_bucket(outside: Outside) -> None:
        outside.store.buckets.pop(BUCKET, None)

    def on_repository(act: Callable[[Any], None]) -> Callable[[Outside], None]:
        def done(outside: Outside) -> None:
            if REPOSITORY in outside.forge.repositories:
                act(outside.forge.repositories[REPOSITORY])

        return done

    def one_hook_less(kept: Any) -> None:
        for number in list(kept.hooks)[:1]:
            del kept.hooks[number], kept.secrets[number]

    def one_hook_twice(kept: Any) -> None:
        for number in list(kept.hooks)[:1]:
            kept.hooks[number + 1000] = {**kept.hooks[number], "id": number + 1000}
            kept.secrets[number + 1000] = kept.secrets[number]

    def hooks_off(kept: Any) -> None:
        for hook in kept.hooks.values():
            hook["active"] = False

    def keys_write(kept: Any) -> None:
        for one in kept.deploy_keys.values():
            one["read_only"] = False

    def lose_repository(outside: Outside) -> None:
        outside.forge.repositories.pop(REPOSITORY, None)

    return {
        "quota gone": remove_all("ResourceQuota"),
        "policies gone": remove_all("NetworkPolicy"),
        "bindings gone": remove_all("RoleBinding"),
        "secrets gone": remove_all("Secret"),
        "triggers gone": remove_all("Trigger"),
        "quota raised": change("ResourceQuota", lambda one: one["spec"].update(hard={"pods": "1000"})),
        "policy opened": change("NetworkPolicy", lambda one: one["spec"].update(ingress=[{}])),
        "subject added": change("RoleBinding", lambda one: one["subjects"].append({"kind": "User", "name": "mallory"})),
        "role exchanged": change("RoleBinding", lambda one: one["roleRef"].update(name="cluster-admin")),
        "secret changed": change("Secret", lambda one: one.update(data={})),
        "token mounted": change("ServiceAccount", lambda one: one.update(automountServiceAccountToken=True)),
        "rights given": give_rights,
        "namespace gone": remove_namespace,
        "tags gone": strip_tags,
        "user gone": remove_user,
        "store policy gone": remove_policy,
        "user disabled": disable_user,
        "bucket spoilt": spoil_bucket,
        "bucket used": use_bucket,
        "bucket gone": lose_bucket,
        "hook gone": on_repository(one_hook_less),
        "hook twice": on_repository(one_hook_twice),
        "hooks off": on_repository(hooks_off),
        "deploy keys gone": on_repository(lambda kept: kept.deploy_keys.clear()),
        "deploy keys write": on_repository(keys_write),
        "topics gone": on_repository(lambda kept: kept.repository.update(topics=["theirs"])),
        "made public": on_repository(lambda kept: kept.repository.update(private=False)),
        "unprotected": on_repository(lambda kept: kept.protections.clear()),
        "stranger let in": on_repository(lambda kept: kept.collaborators.update(charlie="admin")),
        "people out": on_repository(lambda kept: kept.collaborators.clear()),
        "repository gone": lose_repository,
    }
