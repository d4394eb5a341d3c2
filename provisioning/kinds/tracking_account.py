"""The Secret with all that MLflow's client needs, where programs of the workspace and runs of CI find it.

Not with the Kind `credentials`, which every project has: only a project that wants tracking has this one, so no other
one's look asks for the Secret, and once tracking is switched off the Secret goes. The values are derived, so nothing
here waits for MLflow.
"""

from provisioning import tracking
from provisioning.kind import Kind, Object, Wish
from provisioning.manifests import apply, goes_with_namespace, observe, secret
from provisioning.phrases import Phrase, phrase


def desired(wish: Wish) -> tuple[Object, ...]:
    """The Secret, by the names that MLflow's client reads."""
    return (secret(wish, tracking.SECRET, tracking.variables(wish)),)


def summary(wish: Wish) -> Phrase:
    """Where to find it."""
    return phrase("Secret %(secret)s in %(namespace)s", secret=tracking.SECRET, namespace=wish.names.namespace)


KIND = Kind(
    name="tracking_account",
    title="MLflow account",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    wanted=tracking.wanted,
)
