"""The Secret with all that Feast's file takes, where programs of the workspace and runs of CI find it.

Only a project that wants a feature store has it, so no other one's look asks for it. The values are derived, so nothing
here waits for the database.
"""

from provisioning import features
from provisioning.kind import Kind, Object, Wish
from provisioning.manifests import apply, goes_with_namespace, observe, secret
from provisioning.phrases import Phrase, phrase


def desired(wish: Wish) -> tuple[Object, ...]:
    """The Secret, by the names that the project's `feature_store.yaml` takes."""
    return (secret(wish, features.SECRET, features.variables(wish)),)


def summary(wish: Wish) -> Phrase:
    """Where to find it."""
    return phrase("Secret %(secret)s in %(namespace)s", secret=features.SECRET, namespace=wish.names.namespace)


KIND = Kind(
    name="features_account",
    title="Feature store account",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    wanted=features.wanted,
)
