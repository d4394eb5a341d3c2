"""The bare script: makes one standard project with the same clients and the same calls, in parallel, and nothing else.

No database, no queue, no looking, no adopting, no history: the floor that the portal is measured against. The bodies
are made before the clock starts.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from provisioning.errors import TemporaryError
from provisioning.kind import Object, Wish, kinds_of
from provisioning.kinds.bucket import policy_document
from provisioning.project_templates import first_commit

JOBS = ThreadPoolExecutor(max_workers=48, thread_name_prefix="job")
CALLS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="call")


class Clients:
    """The three systems, opened once."""

    def __init__(self, *, cluster: Any, store: Any, forge: Any) -> None:
        self.cluster, self.store, self.forge = cluster, store, forge


def bodies(wish: Wish) -> dict[str, tuple[Object, ...]]:
    """The objects of each Kind that the project has, which will exist."""
    return {
        name: tuple(thing for thing in kind.desired(wish) if thing.body is not None)
        for name, kind in kinds_of(wish).items()
    }


def make_project(wish: Wish, clients: Clients, objects: dict[str, tuple[Object, ...]]) -> float:
    """Make everything of one project; seconds it took."""
    started = time.perf_counter()
    jobs = [
        JOBS.submit(_workspace, clients, objects),
        JOBS.submit(_storage, wish, clients, objects),
        JOBS.submit(_code, wish, clients, objects),
    ]
    for job in jobs:
        job.result()
    return time.perf_counter() - started


def objects_made(objects: dict[str, tuple[Object, ...]]) -> int:
    """How many things a standard project is made of: bucket counts with its four settings, members one by one."""
    total = 0
    for name, things in objects.items():
        for thing in things:
            body = dict(thing.body or {})
            if name == "bucket" and thing.key.startswith("bucket/"):
                total += 5  # bucket, tags, versioning, lifecycle, quota
            elif name == "bucket" and thing.key.startswith("user/"):
                total += 2  # user, its policy's attachment
            elif name == "repository_access" and thing.key == "members":
                total += len(body["people"])
            elif name == "repository" and thing.key.startswith("repository/"):
                total += 2  # repository, its mark
            else:
                total += 1
    return total


def _together(calls: Sequence[Callable[[], Any]]) -> None:
    running: list[Future[Any]] = [CALLS.submit(call) for call in calls]
    for one in running:
        one.result()


def _workspace(clients: Clients, objects: dict[str, tuple[Object, ...]]) -> None:
    namespace, *rest = objects["namespace"]
    clients.cluster.create(dict(namespace.body or {}))
    for thing in rest:
        clients.cluster.apply(dict(thing.body or {}), fresh_rights=True)
    later = [
        thing for name in ("limits", "network", "access", "credentials", "pipeline") for thing in objects.get(name, ())
    ]

    def apply(thing: Object) -> None:
        clients.cluster.apply(dict(thing.body or {}), fresh_rights=True)

    _together([partial(apply, thing) for thing in later])


def _storage(wish: Wish, clients: Clients, objects: dict[str, tuple[Object, ...]]) -> None:
    name, account, store = wish.names.bucket, wish.names.store_user, clients.store
    settings = dict(objects["bucket"][0].body or {})

    def bucket() -> None:
        store.put_policy(account, policy_document(name))
        store.make_bucket(name)
        store.set_bucket_tags(name, dict(settings["tags"]))
        store.set_versioning(name, settings["versioning"])
        store.set_lifecycle(name, noncurrent_days=settings["lifecycle"]["noncurrent_days"], abort_multipart_days=7)
        store.set_quota(name, settings["quota"])

    _together([lambda: store.put_user(account, wish.secret("bucket")), bucket])
    store.set_user_policy(account, account)


def _code(wish: Wish, clients: Clients, objects: dict[str, tuple[Object, ...]]) -> None:
    forge, name = clients.forge, wish.names.repository
    owner, _, short = name.partition("/")
    by_key = {thing.key: dict(thing.body or {}) for thing in objects["repository_access"]}
    template = wish.catalogue.templates[0]
    if template.repository is not None:
        found = forge.create_from_template(template.repository, owner, short, wish.spec.title, private=True)
    else:
        found = forge.create_repository(owner, short, wish.spec.title, private=True, auto_init=False)
    people = by_key["members"]["people"]
    logins = {person: forge.find_user(person) for person in people}
    forge.set_topics(name, [*found["topics"], "slipway", f"slipway-{wish.uid[:8]}"])

    def protect() -> None:
        pushers = [wish.forge.bot, *[login for login in logins.values() if login]]
        while True:
            try:
                forge.put_branch_protection(
                    name,
                    found["default_branch"],
                    approvals=1,
                    checks=(),
                    protected_files=(),
                    push_logins=pushers,
                    new=True,
                )
            except TemporaryError as error:
                if error.delay is None:
                    raise
                time.sleep(0.05)
            else:
                return

    forge.hooks(name)
    wanted = [dict(thing.body or {}) for thing in objects["webhook"]]
    hooks = [partial(forge.create_hook, name, one["url"], wish.secret("webhook"), one["events"]) for one in wanted]
    keys = [
        one.removesuffix(" (reads)").split(": ", 1) for thing in objects["clone"] for one in (thing.body or {})["keys"]
    ]
    _together([*hooks, *(partial(forge.create_deploy_key, name, title, public) for title, public in keys)])
    # As a push that CI runs, it has to come after the hooks.
    first_commit.ensure(wish, forge, found, template, logins=logins)
    # Owners before the rule that names them; the others after it, since nothing keeps an editor from filling an empty
    # repository.
    puts = {one: partial(forge.put_collaborator, name, logins[one], right) for one, right in people.items()}
    _together([puts[one] for one, right in people.items() if right == "admin" and logins[one]])
    protect()
    _together([puts[one] for one, right in people.items() if right != "admin" and logins[one]])
