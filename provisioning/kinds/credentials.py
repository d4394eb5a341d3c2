"""What programs in the workspace need to find and open the project's things.

The Secret `bucket-credentials` has the names that AWS's tools read, the ConfigMap `project-info` says where things are.
The Secret `slipway-ci-webhook` stands here too, not with the Kind `pipeline`: whoever receives the forge's deliveries
needs it also on a cluster without Tekton. `slipway-ci-clone` is what CI reads the repository with, in the form that
Tekton and git know; its public half is the Kind `clone`'s. `slipway-ci` is what CI sends its reports with. All values
are derived, so nothing here waits for bucket or forge.
"""

from provisioning import ci, ci_token, features, tracking
from provisioning.data_access import addresses
from provisioning.kind import Credential, Kind, Object, Wish
from provisioning.manifests import apply, goes_with_namespace, manifest, names_of, observe, secret
from provisioning.phrases import Phrase, phrase
from provisioning.repositories import CLONE_PURPOSE, full_name
from provisioning.ssh_keys import key_pair


def desired(wish: Wish) -> tuple[Object, ...]:
    """Four Secrets and a ConfigMap."""
    names, bucket = wish.names, ci.bucket(wish)
    info = {
        "slug": names.slug,
        "uid": wish.uid,
        "team": names.team,
        "bucket": names.bucket,
        "endpoint": bucket["AWS_ENDPOINT_URL"],
        "region": bucket["AWS_REGION"],
        "repository": full_name(wish),
        "repository_url": f"{wish.forge.url.rstrip('/')}/{full_name(wish)}",
        "portal": wish.portal_url,
        **addresses(wish),
        **tracking.settings(wish),
        **features.settings(wish),
    }
    return (
        secret(wish, "bucket-credentials", bucket),
        secret(wish, "slipway-ci-webhook", {"secret": wish.secret("webhook")}),
        _clone_key(wish),
        secret(wish, "slipway-ci", {**ci.report_token(wish), **ci.package_index(wish)}),
        manifest(wish, "ConfigMap", "project-info", annotations=names_of(info), data=info),
    )


def _clone_key(wish: Wish) -> Object:
    """The private key, the address that it opens and the forge's pinned host keys. Absent where there is no SSH."""
    name, ssh = "slipway-ci-clone", wish.forge.ssh
    if ssh is None:
        return manifest(wish, "Secret", name, absent=True)
    values = {
        "ssh-privatekey": key_pair(wish.secret(CLONE_PURPOSE)).private,
        "known_hosts": ssh.known_hosts(),
        "url": f"{ssh.url.rstrip('/')}/{full_name(wish)}.git",
    }
    return secret(wish, name, values, type="kubernetes.io/ssh-auth")


def summary(wish: Wish) -> Phrase:
    """Where to find them."""
    return phrase(
        "Secret bucket-credentials and ConfigMap project-info in %(namespace)s", namespace=wish.names.namespace
    )


CREDENTIALS = (
    Credential(
        purpose="bucket",
        title="Bucket key",
        kinds=("actions", "bucket", "credentials"),
        place="Secret bucket-credentials in %(namespace)s",
        overlaps=True,
        shown=ci.bucket_key,
    ),
    # The listener of the cluster knows one secret at a time: what the forge sends in the moment between is refused.
    Credential(
        purpose="webhook",
        title="CI webhook secret",
        kinds=("credentials", "webhook"),
        place="Secret slipway-ci-webhook in %(namespace)s, and the webhook of %(repository)s",
        overlaps=False,
    ),
    Credential(
        purpose=ci_token.PURPOSE,
        title="CI report token",
        kinds=("actions", "credentials"),
        place="Secret slipway-ci in %(namespace)s",
        overlaps=True,
        shown=ci.report_token,
    ),
)

KIND = Kind(
    name="credentials",
    title="Credentials",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    credentials=CREDENTIALS,
)
