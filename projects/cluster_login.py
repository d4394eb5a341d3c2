"""The lines that set a person's own kubectl up for a workspace, from what the catalogue says of the cluster.

No key stands in them: kubectl's plugin oidc-login signs the person in with the company account, and the API server
takes the person's token. Certificates of authorities do, since a fresh machine knows none of ours.
"""

import base64
import shlex

from django.utils.translation import gettext

from provisioning.catalogue import ClusterLogin, ClusterTarget
from provisioning.errors import TargetUnavailable
from provisioning.secrets import Resolve, SecretRef

# Every version of the plugin answers in this one; the older ones know no v1.
_EXEC_VERSION = "client.authentication.k8s.io/v1beta1"


def kubectl_lines(cluster: ClusterTarget, *, namespace: str, resolve: Resolve) -> str:
    """What to paste into a shell. Without a login in the catalogue: only how to turn to the workspace."""
    if cluster.login is None:
        return (
            f"kubectl config use-context {cluster.name}\n"
            f"kubectl config set-context --current --namespace {namespace}\n"
            "kubectl get pods"
        )
    user = f"{cluster.name}-login"
    server = shlex.quote(cluster.public_api or cluster.api)
    authority = _encoded(cluster.ca, resolve=resolve)
    lines = [
        f"kubectl config set-cluster {cluster.name} --server={server}",
        f"kubectl config set clusters.{cluster.name}.certificate-authority-data {authority}" if authority else "",
        f"kubectl config set-credentials {user} --exec-command=kubectl --exec-interactive-mode=Never \\",
        f"  --exec-api-version={_EXEC_VERSION} \\",
        " \\\n".join(f"  --exec-arg={shlex.quote(word)}" for word in _plugin(cluster.login, resolve=resolve)),
        f"kubectl config set-context {namespace} --cluster={cluster.name} --user={user} --namespace={namespace}",
        f"kubectl config use-context {namespace}",
        "kubectl get pods",
    ]
    return "\n".join(filter(None, lines))


def needs(cluster: ClusterTarget, *, resolve: Resolve) -> str:
    """What must be there before the lines work, for people; or that they can't work, and whom to ask."""
    if cluster.login is None:
        return ""
    certificates = filter(None, (cluster.ca, cluster.login.ca))
    if not all(_encoded(ref, resolve=resolve) for ref in certificates):
        return gettext(
            "These lines lack a certificate that this page could not read, so kubectl will not trust the cluster or "
            "the sign-in. Ask the platform team to give the portal's web role the certificates of the cluster."
        )
    return gettext(
        "Needs kubectl with its plugin oidc-login (kubelogin). The last line asks you to sign in with your company "
        "account."
    )


def _plugin(login: ClusterLogin, *, resolve: Resolve) -> list[str]:
    authority = _encoded(login.ca, resolve=resolve)
    return [
        "oidc-login",
        "get-token",
        f"--oidc-issuer-url={login.issuer}",
        f"--oidc-client-id={login.client_id}",
        *(f"--oidc-extra-scope={scope}" for scope in login.scopes),
        *([f"--certificate-authority-data={authority}"] if authority else []),
        *(["--grant-type=device-code"] if login.grant == "device-code" else []),
    ]


def _encoded(ref: SecretRef | None, *, resolve: Resolve) -> str:
    """A certificate as kubectl takes it in an argument; "" where there is none, or its file is not there."""
    if ref is None:
        return ""
    try:
        return base64.b64encode(f"{resolve(ref)}\n".encode()).decode()
    except TargetUnavailable:
        return ""
