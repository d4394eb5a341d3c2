"""The Secret that says where data of others is and what opens schemas, for programs of the workspace and runs of CI.

The keys for prefixes are those of the bucket. Only a project that reads some has this Secret, so no other one's look
asks for it. The values are derived, so nothing here waits for the database.
"""

from provisioning import data_access
from provisioning.kind import Kind, Object, Wish
from provisioning.manifests import apply, goes_with_namespace, names_of, observe, secret
from provisioning.phrases import Phrase, phrase


def wanted(wish: Wish) -> bool:
    """Is there something that the project reads now?"""
    return bool(data_access.readable(wish))


def desired(wish: Wish) -> tuple[Object, ...]:
    """The Secret: addresses, and the account by the names that Postgres' own tools read."""
    values = data_access.variables(wish)
    return (secret(wish, data_access.SECRET, values, annotations=names_of(values)),)


def summary(wish: Wish) -> Phrase:
    """Where to find it."""
    return phrase("Secret %(secret)s in %(namespace)s", secret=data_access.SECRET, namespace=wish.names.namespace)


KIND = Kind(
    name="data_account",
    title="Account for data of others",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    wanted=wanted,
)
