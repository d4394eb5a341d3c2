"""The webhooks of the project's repository: one rings the cluster's CI listener, one rings the portal for profile.yaml.

A hook is known by the project's uid in its URL, at the end of the portal's one and as a question in the listener's, so
that a portal or a listener that moved finds its old hook and corrects it, and one that is no more leaves none. A forge
can't be told to make a hook only once, so a crash may leave two: the extra ones are counted in what we observe, and
removed.

Secrets are derived and can't be read back: whoever moves `wish.versions` of "webhook" or "profile-hook" has the hooks
applied again. Where the catalogue names no CI listener, or the forge itself runs CI in its place, the portal's hook is
all there is: a listener that is told all the same would run everything a second time, or is not there.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from provisioning import ci
from provisioning.forge import ForgeClient
from provisioning.kind import Body, Credential, Each, Kind, Object, Wish
from provisioning.phrases import Phrase, phrase
from provisioning.repositories import full_name, own_repository

KEY_CI = "hook/ci"
KEY_PROFILE = "hook/profile"
_MARK = "slipway-project"
PURPOSE_PROFILE = "profile-hook"
"""Of the secret with which the forge signs what it tells the portal."""
SECRET_PURPOSES: Mapping[str, str] = {KEY_CI: "webhook", KEY_PROFILE: PURPOSE_PROFILE}
EVENTS: Mapping[str, tuple[str, ...]] = {
    KEY_CI: ("pull_request", "push"),
    KEY_PROFILE: ("issue_comment", "pull_request", "push"),
}


def hook_path(*, forge: str, uid: str | UUID) -> str:
    """Path of the portal's address that the forge rings for a project, or for what else has a uid."""
    return f"/hooks/{forge}/{uid}/"


def _profile_path(wish: Wish) -> str:
    return hook_path(forge=wish.forge.name, uid=wish.uid)


def _profile_url(wish: Wish) -> str:
    portal = urlsplit(wish.portal_url)
    return f"{portal.scheme}://{portal.netloc}{_profile_path(wish)}"


def _listener_url(wish: Wish) -> str:
    """The listener's address with the project's mark; "" where none is to be rung. Listeners read no question."""
    listener = ci.listener(wish)
    if not listener or ci.driver(wish) != "listener":
        return ""
    parts = urlsplit(listener)
    return parts._replace(query="&".join(filter(None, [parts.query, f"{_MARK}={wish.uid}"]))).geturl()


def desired(wish: Wish) -> tuple[Object, ...]:
    """The portal's hook, and the listener's where the catalogue has one: none where something else runs CI."""
    urls = {KEY_CI: _listener_url(wish), KEY_PROFILE: _profile_url(wish)}
    return tuple(Object(key=key, body=_body(key, url) if url else None) for key, url in urls.items())


def _body(key: str, url: str) -> Body:
    return {"url": url, "events": list(EVENTS[key]), "active": True, "copies": 1}


def _matching(wish: Wish, key: str, present: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The hooks on the repository that are this one, oldest first."""
    if key == KEY_PROFILE:
        found = [hook for hook in present if urlsplit(hook["url"]).path == _profile_path(wish)]
    else:
        # Those that were made before there was a mark have the bare address.
        found = [
            hook for hook in present if _is_marked(wish, hook["url"]) or hook["url"] == (ci.listener(wish) or None)
        ]
    return sorted(found, key=lambda hook: int(hook["id"]))


def _is_marked(wish: Wish, url: str) -> bool:
    return wish.uid in parse_qs(urlsplit(url).query).get(_MARK, [])


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """The hooks as the forge has them, the oldest where there are several, with their number."""
    present = client.hooks(full_name(wish))
    seen: dict[str, Body | None] = {}
    for thing in objects:
        found = _matching(wish, thing.key, present)
        seen[thing.key] = (
            {
                "url": found[0]["url"],
                "events": list(found[0]["events"]),
                "active": found[0]["active"],
                "copies": len(found),
            }
            if found
            else None
        )
    return seen


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> None:
    """Make the hooks, or write them anew with their secrets; remove extra copies, and what is not to be there."""
    name = full_name(wish)
    present = client.hooks(name)

    def make(thing: Object) -> None:
        found, extra = _matching(wish, thing.key, present), 0
        if thing.body is not None:
            url, secret, extra = str(thing.body["url"]), wish.secret(SECRET_PURPOSES[thing.key]), 1
            if found:
                client.update_hook(name, found[0]["id"], url, secret, EVENTS[thing.key])
            else:
                client.create_hook(name, url, secret, EVENTS[thing.key])
        for hook in found[extra:]:
            client.delete_hook(name, hook["id"])

    each(make, objects)


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Remove our hooks from a repository that is ours; the listener's bare URL is no proof, all projects share it."""
    if own_repository(wish, client) is None:
        return True
    name = full_name(wish)
    present = client.hooks(name)
    for key in SECRET_PURPOSES:
        for hook in _matching(wish, key, present):
            client.delete_hook(name, hook["id"])
    return True


def summary(wish: Wish) -> Phrase:
    """One line: what a push and a pull request ring."""
    who = ci.driver(wish)
    if who == "listener":
        return phrase("Pushes and pull requests ring CI on %(cluster)s and the portal", cluster=wish.cluster.name)
    if who == "actions":
        return phrase("Pushes and pull requests ring the portal; %(forge)s runs CI by itself", forge=wish.forge.name)
    return phrase("Pushes and pull requests ring the portal; %(cluster)s has no CI listener", cluster=wish.cluster.name)


KIND = Kind(
    name="webhook",
    title="Webhook",
    system="forge",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    after=("repository",),
    credentials=(
        Credential(
            purpose=PURPOSE_PROFILE,
            title="Portal webhook secret",
            kinds=("webhook",),
            place="Webhook of %(repository)s that rings the portal",
            overlaps=True,
        ),
    ),
)
