"""CI reads the repository with a key of its own that can't write: its public half on the forge, from here.

The private half is the Secret `slipway-ci-clone` (Kind `credentials`); both are derived, so neither waits for it.
A key is known by its title, which holds the version: a new one comes beside the old one, which goes when its time is
over. People's own deploy keys have other titles and are left alone. A forge whose catalogue entry names no SSH address
gets no key, and loses the one that it had.
"""

from collections.abc import Sequence

from provisioning.forge import ForgeClient
from provisioning.kind import Body, Credential, Each, Kind, Object, Wish
from provisioning.phrases import Phrase, phrase
from provisioning.repositories import CLONE_PURPOSE, full_name, own_repository
from provisioning.ssh_keys import key_pair

_KEY = "deploy-keys"
_TITLE = "slipway-ci v"


def _wanted(wish: Wish) -> dict[str, str]:
    """The keys that are to be there, public half by title."""
    if wish.forge.ssh is None:
        return {}
    version = wish.version(CLONE_PURPOSE)
    secrets = {version: wish.secret(CLONE_PURPOSE), version - 1: wish.earlier_secret(CLONE_PURPOSE)}
    return {f"{_TITLE}{number}": key_pair(secret).public for number, secret in secrets.items() if secret}


def desired(wish: Wish) -> tuple[Object, ...]:
    """One thing: all our keys on the repository, none of which may write. Absent where the forge has no SSH."""
    keys = [f"{title}: {public} (reads)" for title, public in sorted(_wanted(wish).items())]
    return (Object(key=_KEY, body={"keys": keys} if keys else None),)


def observe(wish: Wish, client: ForgeClient, _objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """Our keys as the forge has them; None when there are none."""
    ours = [one for one in client.deploy_keys(full_name(wish)) if one["title"].startswith(_TITLE)]
    told = [f"{one['title']}: {one['public']} ({'reads' if one['read_only'] else 'writes'})" for one in ours]
    return {_KEY: {"keys": sorted(told)} if told else None}


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> None:
    """Remove ours that are not wanted so (older ones, one that may write), then add those that are missing."""
    if not objects:
        return
    name, wanted = full_name(wish), _wanted(wish)
    right = set()
    for one in client.deploy_keys(name):
        if one["title"].startswith(_TITLE):
            if wanted.get(one["title"]) == one["public"] and one["read_only"] and one["title"] not in right:
                right.add(one["title"])
            else:
                client.delete_deploy_key(name, one["id"])
    for title in wanted.keys() - right:
        client.create_deploy_key(name, title, wanted[title])


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Remove our keys from a repository that is ours."""
    if own_repository(wish, client) is None:
        return True
    name = full_name(wish)
    for one in client.deploy_keys(name):
        if one["title"].startswith(_TITLE):
            client.delete_deploy_key(name, one["id"])
    return True


def summary(wish: Wish) -> Phrase:
    """Who reads with it, or why there is none."""
    if wish.forge.ssh is None:
        return phrase("No key: the catalogue names no SSH address of %(forge)s", forge=wish.forge.name)
    return phrase(
        "CI clones %(repository)s with a key that reads only, Secret slipway-ci-clone in %(namespace)s",
        repository=full_name(wish),
        namespace=wish.names.namespace,
    )


KIND = Kind(
    name="clone",
    title="Clone key",
    system="forge",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    after=("repository",),
    credentials=(
        Credential(
            purpose=CLONE_PURPOSE,
            title="CI clone key",
            kinds=("clone", "credentials"),
            place="Secret slipway-ci-clone in %(namespace)s, and the deploy keys of %(repository)s",
            overlaps=True,
        ),
    ),
)
