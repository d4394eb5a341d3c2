"""The project's keys where the forge's own CI takes them: as secrets of the repository.

Only where the catalogue says that the forge runs Actions and that they are to run CI; elsewhere nothing is touched, as
a secret has no mark and one of the same name may be the team's own. A secret can be written, never read: whoever moves
a version in `wish.versions` has all of them written anew, and what somebody overwrote by hand stays so until then.
"""

from collections.abc import Sequence

from provisioning.ci import ACTIONS_FILE, by_actions, variables
from provisioning.forge import ForgeClient
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.repositories import full_name, own_repository


def desired(wish: Wish) -> tuple[Object, ...]:
    """One secret for each variable; that it is there is all that can be compared."""
    names = sorted(variables(wish)) if by_actions(wish) else []
    return tuple(Object(key=f"secret/{name}", body={"present": True}) for name in names)


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """Which of the secrets are there."""
    present = set(client.ci_secrets(full_name(wish))) if objects else set()
    return {thing.key: {"present": True} if _name(thing) in present else None for thing in objects}


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> None:
    """Write the secrets."""
    values, names = variables(wish), [_name(thing) for thing in objects]
    if names:
        client.put_ci_secrets(full_name(wish), {name: values[name] for name in names})


def _name(thing: Object) -> str:
    return thing.key.removeprefix("secret/")


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Remove our secrets from a repository that is ours."""
    if not by_actions(wish) or own_repository(wish, client) is None:
        return True
    repository = full_name(wish)
    for name in sorted(set(client.ci_secrets(repository)) & set(variables(wish))):
        client.delete_ci_secret(repository, name)
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
