"""The project's keys where the forge's own CI takes them: as secrets of the repository.

Only where the catalogue says that the forge runs Actions; elsewhere nothing is touched. A secret has no mark, and the
team may have some of its own, so a variable of the repository lists those that are ours. What stands there and is not
wanted any more is taken away; what doesn't is never touched, but for one of a name that is wanted now.

A secret can be written, never read. The list says by a digest what was written, so that all are written anew when a key
was rotated or an address changed; what somebody overwrote by hand stays so until then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from provisioning.ci import ACTIONS_FILE, by_actions, variables
from provisioning.forge import ForgeClient
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.phrases import Phrase, phrase
from provisioning.repositories import full_name, own_repository

LIST = "SLIPWAY_SECRETS"
KEY_LIST = f"variable/{LIST}"
MOST = 100
"""As many secrets a repository can have on GitHub. The team can write to the list: a longer one must cost no more."""
_COMING = "coming"
"""Stands for the digest in a list that was made before the secrets were written."""


def desired(wish: Wish) -> tuple[Object, ...]:
    """A secret for each variable (that it is there is all that can be compared) and their list; no list: none."""
    if not wish.forge.actions:
        return ()
    wanted = _Listed.of(_values(wish))
    secrets = (Object(key=f"secret/{name}", body={"present": True}) for name in wanted.names)
    return (*secrets, Object(key=KEY_LIST, body=wanted.body() if wanted.names else None))


def _values(wish: Wish) -> Mapping[str, str]:
    return variables(wish) if by_actions(wish) else {}


@dataclass(frozen=True)
class _Listed:
    """What the list says: the names, sorted, and a digest of the values.

    The digest gives nothing away: derived keys of 256 bits are among what it is made of.
    """

    names: tuple[str, ...] = ()
    digest: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "_Listed":
        digest = sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()[:16]
        return cls(names=tuple(sorted(values)), digest=digest)

    @classmethod
    def read(cls, text: str) -> "_Listed":
        digest, *names = text.split() or [""]
        return cls(names=tuple(sorted(names[:MOST])), digest=digest)

    def body(self) -> Body:
        return {"names": list(self.names), "written": self.digest}

    def text(self) -> str:
        return " ".join([self.digest, *self.names])


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """Which of the secrets are there, and what the list says."""
    repository, seen = full_name(wish), dict[str, Body | None]()
    secrets = [thing for thing in objects if thing.key != KEY_LIST]
    present = set(client.ci_secrets(repository)) if secrets else set()
    for thing in objects:
        if thing.key == KEY_LIST:
            listed = client.ci_variable(repository, LIST)
            seen[thing.key] = None if listed is None else _Listed.read(listed).body()
        else:
            seen[thing.key] = {"present": True} if _name(thing) in present else None
    return seen


def _name(thing: Object) -> str:
    return thing.key.removeprefix("secret/")


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> None:
    """Write the secrets, all of them when the list says otherwise; take away what it has and is not wanted any more.

    The list says first which names are to come, so that what an attempt that was cut off wrote is known to the next
    one, whatever that one wants. A name that stands there already is the team's own until it is written over, and is
    listed with the end.
    """
    if not objects:
        return
    repository, values = full_name(wish), _values(wish)
    text, wanted = client.ci_variable(repository, LIST), _Listed.of(values)
    listed = _Listed.read(text or "")
    asked = {_name(thing) for thing in objects if thing.key != KEY_LIST} if listed == wanted else values
    if (new := set(values) - set(listed.names)) and (coming := new - set(client.ci_secrets(repository))):
        names = tuple(sorted({*listed.names, *coming}))
        text = _write_list(client, repository, text, _Listed(names=names, digest=_COMING))
    if asked:
        client.put_ci_secrets(repository, {name: values[name] for name in sorted(asked)})
    for name in listed.names:
        if name not in values:
            client.delete_ci_secret(repository, name)
    if values:
        _write_list(client, repository, text, wanted)
    else:
        client.delete_ci_variable(repository, LIST)


def _write_list(client: ForgeClient, repository: str, before: str | None, wanted: _Listed) -> str:
    """Have the list be so; its text. before: as it is, None while there is none."""
    text = wanted.text()
    if before is None:
        client.create_ci_variable(repository, LIST, text)
    elif before != text:
        client.update_ci_variable(repository, LIST, text)
    return text


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Remove our secrets and their list from a repository that is ours."""
    if not wish.forge.actions or own_repository(wish, client) is None:
        return True
    repository = full_name(wish)
    text = client.ci_variable(repository, LIST)
    # Without a list they were written by a version that kept none, if at all.
    ours = _Listed.read(text).names if text is not None else set(client.ci_secrets(repository)) & _values(wish).keys()
    for name in sorted(ours):
        client.delete_ci_secret(repository, name)
    if text is not None:
        client.delete_ci_variable(repository, LIST)
    return True


def summary(wish: Wish) -> Phrase:
    """Which file they are for, or why there are none."""
    if by_actions(wish):
        return phrase(
            "Secrets of %(repository)s for %(file)s, which the Actions of %(forge)s run",
            repository=full_name(wish),
            file=ACTIONS_FILE,
            forge=wish.forge.name,
        )
    if not wish.forge.actions:
        return phrase("None: the catalogue says of no Actions on %(forge)s", forge=wish.forge.name)
    return phrase("None: the catalogue has CI run on %(cluster)s, by Tekton", cluster=wish.cluster.name)


KIND = Kind(
    name="actions",
    title="CI secrets",
    system="forge",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    after=("repository",),
)
