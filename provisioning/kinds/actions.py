"""The project's keys where the forge's own CI takes them: as secrets of the repository.

Only where the catalogue says that the forge runs Actions; elsewhere nothing is touched. A secret has no mark, and the
team may have some of its own, so a variable of the repository lists those that are ours. What stands there and is not
wanted any more is taken away; what doesn't is never touched, but for one of a name that is wanted now.

A secret can be written, never read: whoever moves a version in `wish.versions` has all of them written anew, and what
somebody overwrote by hand stays so until then.
"""

from collections.abc import Iterable, Sequence

from provisioning.ci import ACTIONS_FILE, by_actions, variables
from provisioning.forge import ForgeClient
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.repositories import full_name, own_repository

LIST = "SLIPWAY_SECRETS"
KEY_LIST = f"variable/{LIST}"
MOST = 100
"""As many secrets a repository can have on GitHub. The team can write to the list: a longer one must cost no more."""


def desired(wish: Wish) -> tuple[Object, ...]:
    """A secret for each variable (that it is there is all that can be compared) and their list; no list: none."""
    if not wish.forge.actions:
        return ()
    names = sorted(_values(wish))
    secrets = (Object(key=f"secret/{name}", body={"present": True}) for name in names)
    return (*secrets, Object(key=KEY_LIST, body={"names": names} if names else None))


def _values(wish: Wish) -> dict[str, str]:
    return dict(variables(wish)) if by_actions(wish) else {}


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """Which of the secrets are there, and what the list says."""
    repository, seen = full_name(wish), dict[str, Body | None]()
    secrets = [thing for thing in objects if thing.key != KEY_LIST]
    present = set(client.ci_secrets(repository)) if secrets else set()
    for thing in objects:
        if thing.key == KEY_LIST:
            listed = client.ci_variable(repository, LIST)
            seen[thing.key] = None if listed is None else {"names": sorted(_names(listed))}
        else:
            seen[thing.key] = {"present": True} if _name(thing) in present else None
    return seen


def _name(thing: Object) -> str:
    return thing.key.removeprefix("secret/")


def _names(listed: str | None) -> set[str]:
    return set((listed or "").split()[:MOST])


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> None:
    """Write the secrets, and those that are not in the list yet; take away those in it that are not wanted any more.

    The list comes last: what an attempt that was cut off wrote is written again, and never taken for another's.
    """
    if not objects:
        return
    repository, values = full_name(wish), _values(wish)
    listed = client.ci_variable(repository, LIST)
    asked = {_name(thing) for thing in objects if thing.key != KEY_LIST}
    unwritten = sorted(asked | (values.keys() - _names(listed)))
    if unwritten:
        client.put_ci_secrets(repository, {name: values[name] for name in unwritten})
    for name in sorted(_names(listed) - values.keys()):
        client.delete_ci_secret(repository, name)
    _write_list(client, repository, sorted(values), listed=listed)


def _write_list(client: ForgeClient, repository: str, names: Iterable[str], *, listed: str | None) -> None:
    text = " ".join(names)
    if text == (listed or ""):
        return
    if not text:
        client.delete_ci_variable(repository, LIST)
    elif listed is None:
        client.create_ci_variable(repository, LIST, text)
    else:
        client.update_ci_variable(repository, LIST, text)


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Remove our secrets and their list from a repository that is ours."""
    if not wish.forge.actions or own_repository(wish, client) is None:
        return True
    repository = full_name(wish)
    listed = client.ci_variable(repository, LIST)
    # Without a list they were written by a version that kept none, if at all.
    ours = _names(listed) if listed is not None else set(client.ci_secrets(repository)) & _values(wish).keys()
    for name in sorted(ours):
        client.delete_ci_secret(repository, name)
    if listed is not None:
        client.delete_ci_variable(repository, LIST)
    return True


def summary(wish: Wish) -> str:
    """Which file they are for, or why there are none."""
    if by_actions(wish):
        return f"Secrets of {full_name(wish)} for {ACTIONS_FILE}, which the Actions of {wish.forge.name} run"
    if not wish.forge.actions:
        return f"None: the catalogue says of no Actions on {wish.forge.name}"
    return f"None: the catalogue has CI run on {wish.cluster.name}, by Tekton"


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
