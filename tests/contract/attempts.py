"""What is tried on the cluster by whom: tables of single requests, for tests/contract/test_cluster_rights.py."""

from dataclasses import dataclass
from typing import Any

from tests.contract.clusters import APPLY, JSON, MERGE, Answer, Caller, encoded
from tests.contract.stage import MARK, RBAC, Stage

PORTAL = {"kind": "ServiceAccount", "name": "portal", "namespace": "slipway-system"}
NET = "/apis/networking.k8s.io/v1"
TRIGGERS = "/apis/triggers.tekton.dev/v1beta1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"


@dataclass(frozen=True)
class Try:
    """One thing to try. OWN, OTHER and FOREIGN in path and body stand for the namespaces of the stage."""

    method: str
    path: str
    body: Any = None
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    def by(self, who: Caller, stage: Stage) -> Answer:
        """Do it."""
        return who(
            self.method,
            filled(self.path, stage),
            filled(self.body, stage),
            content_type=self.content_type,
            headers=dict(self.headers),
        )


def filled(value: Any, stage: Stage) -> Any:
    """The value with the stage's names in place."""
    if isinstance(value, dict):
        return {name: filled(inner, stage) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, stage) for inner in value]
    if isinstance(value, str):
        return value.replace("OWN", stage.own).replace("OTHER", stage.other).replace("FOREIGN", stage.foreign)
    return value


def get(path: str) -> Try:
    return Try("GET", path)


def post(path: str, body: Any) -> Try:
    return Try("POST", path, body)


def merge(path: str, body: Any) -> Try:
    return Try("PATCH", path, body, MERGE)


def ssa(path: str, body: Any) -> Try:
    return Try("PATCH", f"{path}?fieldManager=test&force=true", body, APPLY)


def delete(path: str) -> Try:
    return Try("DELETE", path)


def space(name: str, rest: str = "") -> str:
    return f"/api/v1/namespaces/{name}{rest}"


def namespace(name: str, *, uid: str | None = "some-uid", enforce: str | None = "baseline", mark: bool = True) -> Any:
    labels = {**(MARK if mark else {})}
    if uid:
        labels["slipway.dev/uid"] = uid
    if enforce:
        labels["pod-security.kubernetes.io/enforce"] = enforce
    return post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})


def bind(where: str, role: str, *subjects: Any, kind: str = "ClusterRole", labels: Any = MARK) -> Try:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    body = {"metadata": {"name": "tried", "labels": labels}, "roleRef": reference, "subjects": list(subjects)}
    return post(f"{RBAC}/namespaces/{where}/rolebindings", body)


def bind_everywhere(role: str) -> Try:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    body = {"metadata": {"name": "tried"}, "roleRef": reference, "subjects": [PORTAL]}
    return post(f"{RBAC}/clusterrolebindings", body)


def user(name: str) -> Any:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}


def group(name: str) -> Any:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": name}


def account(where: str, name: str) -> Any:
    return {"kind": "ServiceAccount", "name": name, "namespace": where}


def marked(name: str, **rest: Any) -> Any:
    return {"metadata": {"name": name, "labels": MARK}, **rest}


def applied(api_version: str, kind: str, where: str, name: str, **rest: Any) -> Any:
    metadata = {"name": name, "namespace": where, "labels": MARK}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def token_request(where: str, name: str) -> Try:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return post(space(where, f"/serviceaccounts/{name}/token"), body)


POD: dict[str, Any] = {"metadata": {"name": "tried"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
RULES = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]

PORTAL_FORBIDDEN = {
    # Reading what is not its business.
    "list all secrets": get("/api/v1/secrets"),
    "list secrets of kube-system": get(space("kube-system", "/secrets")),
    "read a foreign secret": get(space("FOREIGN", "/secrets/theirs")),
    "read our secret's name in a foreign namespace": get(space("FOREIGN", "/secrets/bucket-credentials")),
    "list secrets of a workspace": get(space("OWN", "/secrets")),
    "read a team's own secret": get(space("OWN", "/secrets/theirs")),
    "list all configmaps": get("/api/v1/configmaps"),
    "read a configmap of kube-system": get(space("kube-system", "/configmaps/kube-root-ca.crt")),
    "read a team's own configmap": get(space("OWN", "/configmaps/theirs")),
    "list all pods": get("/api/v1/pods"),
    "read a log": get(space("OWN", "/pods/some/log")),
    "list all runs": get("/apis/tekton.dev/v1/pipelineruns"),
    "list nodes": get("/api/v1/nodes"),
    "list volumes": get("/api/v1/persistentvolumes"),
    "list cluster roles": get(f"{RBAC}/clusterroles"),
    "list roles": get(f"{RBAC}/roles"),
    "list cluster role bindings": get(f"{RBAC}/clusterrolebindings"),
    "read the server's metrics": get("/metrics"),
    "read the server's profile": get("/debug/pprof/"),
    # Namespaces.
    "make a namespace without mark": namespace("tried-unmarked", mark=False),
    "make a namespace of no project": namespace("tried-no-uid", uid=None),
    "make a namespace without pod security": namespace("tried-no-security", enforce=None),
    "make a namespace for privileged pods": namespace("tried-privileged", enforce="privileged"),
    "make a namespace of the system's name": namespace("kube-tried"),
    "mark kube-system": merge("/api/v1/namespaces/kube-system", {"metadata": {"labels": MARK}}),
    "mark a foreign namespace": merge("/api/v1/namespaces/FOREIGN", {"metadata": {"labels": MARK}}),
    "apply over a foreign namespace": ssa(
        "/api/v1/namespaces/FOREIGN",
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": "FOREIGN",
                "labels": {**MARK, "slipway.dev/uid": "u", "pod-security.kubernetes.io/enforce": "baseline"},
            },
        },
    ),
    "delete default": delete("/api/v1/namespaces/default"),
    "delete kube-system": delete("/api/v1/namespaces/kube-system"),
    "delete slipway-system": delete("/api/v1/namespaces/slipway-system"),
    "delete a foreign namespace": delete("/api/v1/namespaces/FOREIGN"),
    "replace a namespace": Try("PUT", "/api/v1/namespaces/OWN", {"metadata": {"name": "OWN"}}),
    "finalize a namespace": Try(
        "PUT",
        "/api/v1/namespaces/OWN/finalize",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "OWN"}, "spec": {}},
    ),
    "change a namespace's status": merge("/api/v1/namespaces/OWN/status", {"status": {"phase": "Active"}}),
    "take the mark off": merge(
        "/api/v1/namespaces/OWN", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    ),
    "allow privileged pods": merge(
        "/api/v1/namespaces/OWN", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    ),
    "give a namespace to another project": merge(
        "/api/v1/namespaces/OWN", {"metadata": {"labels": {"slipway.dev/uid": "another"}}}
    ),
    # Giving rights.
    "manage a foreign namespace": bind("FOREIGN", "slipway-workspace-manager", PORTAL),
    "manage kube-system": bind("kube-system", "slipway-workspace-manager", PORTAL),
    "manage default": bind("default", "slipway-workspace-manager", PORTAL),
    "manage slipway-system": bind("slipway-system", "slipway-workspace-manager", PORTAL),
    "take cluster-admin in a workspace": bind("OWN", "cluster-admin", PORTAL),
    "give the stock role admin": bind("OWN", "admin", user("ad:alice@corp.example")),
    "give the stock role view": bind("OWN", "view", user("ad:alice@corp.example")),
    "bind the portal's own role": bind("OWN", "slipway-portal", PORTAL),
    "bind a role of the namespace": bind("OWN", "theirs", PORTAL, kind="Role"),
    "become owner of a workspace": bind("OWN", "slipway-owner", PORTAL),
    "let a system account edit": bind("OWN", "slipway-editor", account("kube-system", "default")),
    "let everybody look": bind("OWN", "slipway-viewer", group("system:authenticated")),
    "let anonymous look": bind("OWN", "slipway-viewer", user("system:anonymous")),
    "let a person manage": bind("OWN", "slipway-workspace-manager", user("ad:alice@corp.example")),
    "let another account manage": bind("OWN", "slipway-workspace-manager", account("OWN", "workload")),
    "start runs as another": bind("OWN", "slipway-listener-impersonate", PORTAL),
    "let another workspace's account start runs": bind("OWN", "slipway-pipeline", account("OTHER", "pipeline")),
    "let a person be the pipeline": bind("OWN", "slipway-pipeline", user("ad:alice@corp.example")),
    "give rights without mark": bind("OWN", "slipway-viewer", user("ad:alice@corp.example"), labels={}),
    "take a foreign binding away": delete(f"{RBAC}/namespaces/FOREIGN/rolebindings/theirs"),
    "take cluster-admin": bind_everywhere("cluster-admin"),
    "own all workspaces": bind_everywhere("slipway-owner"),
    "make a role": post(f"{RBAC}/namespaces/OWN/roles", marked("tried", rules=RULES)),
    "make a cluster role": post(f"{RBAC}/clusterroles", marked("tried", rules=RULES)),
    "widen its own role": merge(f"{RBAC}/clusterroles/slipway-portal", {"rules": RULES}),
    "widen the owners' role": merge(f"{RBAC}/clusterroles/slipway-owner", {"rules": RULES}),
    # Writing outside of workspaces.
    "quota in a foreign namespace": post(space("FOREIGN", "/resourcequotas"), marked("tried", spec={})),
    "limits in kube-system": post(space("kube-system", "/limitranges"), marked("tried", spec={"limits": []})),
    "service account in kube-system": post(space("kube-system", "/serviceaccounts"), marked("tried")),
    "network policy in a foreign namespace": post(
        f"{NET}/namespaces/FOREIGN/networkpolicies", marked("tried", spec={"podSelector": {}})
    ),
    "delete a foreign network policy": delete(f"{NET}/namespaces/FOREIGN/networkpolicies/theirs"),
    "our secret in kube-system": ssa(
        space("kube-system", "/secrets/bucket-credentials"),
        applied("v1", "Secret", "kube-system", "bucket-credentials"),
    ),
    "our configmap in kube-system": ssa(
        space("kube-system", "/configmaps/project-info"), applied("v1", "ConfigMap", "kube-system", "project-info")
    ),
    "trigger in a foreign namespace": post(f"{TRIGGERS}/namespaces/FOREIGN/triggers", marked("tried", spec={})),
    # Inside a workspace, beyond what it makes.
    "start a pod": post(space("OWN", "/pods"), POD),
    "start a deployment": post("/apis/apps/v1/namespaces/OWN/deployments", marked("tried")),
    "start a run": post("/apis/tekton.dev/v1/namespaces/OWN/pipelineruns", marked("tried")),
    "open a service": post(space("OWN", "/services"), marked("tried", spec={"ports": [{"port": 80}]})),
    "open a shell": post(space("OWN", "/pods/some/exec?command=sh"), None),
    "make another secret": ssa(space("OWN", "/secrets/tried"), applied("v1", "Secret", "OWN", "tried")),
    "change a team's own secret": merge(space("OWN", "/secrets/theirs"), {"metadata": {"labels": MARK}}),
    "delete a team's own secret": delete(space("OWN", "/secrets/theirs")),
    "delete a team's own configmap": delete(space("OWN", "/configmaps/theirs")),
    "a network policy without mark": ssa(
        f"{NET}/namespaces/OWN/networkpolicies/tried",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "tried", "namespace": "OWN"},
            "spec": {"podSelector": {}},
        },
    ),
    "clear all service accounts": delete(space("OWN", "/serviceaccounts")),
    "clear all runs": delete("/apis/tekton.dev/v1/namespaces/OWN/pipelineruns"),
    "delete a foreign run": delete("/apis/tekton.dev/v1/namespaces/FOREIGN/pipelineruns/theirs"),
    "token of the pipeline": token_request("OWN", "pipeline"),
    "token of a workload": token_request("OWN", "workload"),
    # Becoming somebody else, or changing the rules.
    "token of its own account": token_request("slipway-system", "portal"),
    "token of a controller": token_request("kube-system", "namespace-controller"),
    "act as an administrator": Try(
        "GET", "/api/v1/secrets", headers=(("Impersonate-User", "admin"), ("Impersonate-Group", "system:masters"))
    ),
    "act as alice": Try("GET", "/api/v1/namespaces", headers=(("Impersonate-User", "ad:alice@corp.example"),)),
    "ask for a certificate": post(
        "/apis/certificates.k8s.io/v1/certificatesigningrequests", {"metadata": {"name": "tried"}, "spec": {}}
    ),
    "delete an admission policy": delete(f"{ADMISSION}/validatingadmissionpolicies/slipway-portal-inside"),
    "unbind an admission policy": delete(f"{ADMISSION}/validatingadmissionpolicybindings/slipway-tenants"),
    "install a webhook": post(f"{ADMISSION}/mutatingwebhookconfigurations", {"metadata": {"name": "tried"}}),
    "install a kind": post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"metadata": {"name": "a.b"}}),
    "reach through a node": get("/api/v1/nodes/some/proxy/"),
}

PORTAL_LISTS = {
    "namespaces": get("/api/v1/namespaces"),
    "quotas": get("/api/v1/resourcequotas"),
    "limits": get("/api/v1/limitranges"),
    "service accounts": get("/api/v1/serviceaccounts"),
    "network policies": get(f"{NET}/networkpolicies"),
    "role bindings": get(f"{RBAC}/rolebindings"),
    "project-info of every project": get("/api/v1/configmaps?fieldSelector=metadata.name%3Dproject-info"),
}

# Nobody who works in a workspace may do these, whatever the role.
TENANTS_FORBIDDEN = {
    "raise the quota": merge(space("OWN", "/resourcequotas/slipway-compute"), {"spec": {"hard": {"pods": "999"}}}),
    "delete the quota": delete(space("OWN", "/resourcequotas/slipway-compute")),
    "write the quota's status": merge(space("OWN", "/resourcequotas/slipway-compute/status"), {"status": {}}),
    "make a quota": post(space("OWN", "/resourcequotas"), {"metadata": {"name": "tried"}}),
    "change the limits": merge(space("OWN", "/limitranges/slipway-defaults"), {"spec": {"limits": []}}),
    "delete the limits": delete(space("OWN", "/limitranges/slipway-defaults")),
    "open the network": post(
        f"{NET}/namespaces/OWN/networkpolicies",
        {"metadata": {"name": "tried"}, "spec": {"podSelector": {}, "ingress": [{}]}},
    ),
    "delete default-deny": delete(f"{NET}/namespaces/OWN/networkpolicies/slipway-default-deny"),
    "clear the network policies": delete(f"{NET}/namespaces/OWN/networkpolicies"),
    "let somebody in": bind("OWN", "slipway-viewer", user("ad:paula@corp.example"), labels={}),
    "raise oneself": merge(
        f"{RBAC}/namespaces/OWN/rolebindings/slipway-owners", {"subjects": [user("ad:charlie@corp.example")]}
    ),
    "shut the others out": delete(f"{RBAC}/namespaces/OWN/rolebindings/slipway-editors"),
    "shut the portal out": delete(f"{RBAC}/namespaces/OWN/rolebindings/slipway-workspace-manager"),
    "make a role": post(f"{RBAC}/namespaces/OWN/roles", {"metadata": {"name": "tried"}, "rules": RULES}),
    "make a service account": post(space("OWN", "/serviceaccounts"), {"metadata": {"name": "tried"}}),
    "change a service account": merge(
        space("OWN", "/serviceaccounts/pipeline"), {"automountServiceAccountToken": True}
    ),
    "token of the pipeline": token_request("OWN", "pipeline"),
    "token of a workload": token_request("OWN", "workload"),
    "act as the pipeline": Try(
        "GET", space("OWN", "/pods"), headers=(("Impersonate-User", "system:serviceaccount:OWN:pipeline"),)
    ),
    "change the namespace": merge("/api/v1/namespaces/OWN", {"metadata": {"labels": {"a": "b"}}}),
    "delete the namespace": delete("/api/v1/namespaces/OWN"),
    "list all namespaces": get("/api/v1/namespaces"),
    "delete the bucket's credentials": delete(space("OWN", "/secrets/bucket-credentials")),
    "change the bucket's credentials": merge(
        space("OWN", "/secrets/bucket-credentials"), {"data": {"AWS_ACCESS_KEY_ID": encoded("x")}}
    ),
    "take the mark off the credentials": merge(
        space("OWN", "/secrets/bucket-credentials"), {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    ),
    "change the webhook's secret": merge(space("OWN", "/secrets/slipway-ci-webhook"), {"data": {}}),
    "change project-info": merge(space("OWN", "/configmaps/project-info"), {"data": {"bucket": "other"}}),
    "delete project-info": delete(space("OWN", "/configmaps/project-info")),
    "make a thing with the mark": post(space("OWN", "/configmaps"), marked("tried")),
    "put the mark on one's own": merge(space("OWN", "/configmaps/theirs"), {"metadata": {"labels": MARK}}),
    "lasting token by a secret": post(
        space("OWN", "/secrets"),
        {
            "metadata": {"name": "tried", "annotations": {"kubernetes.io/service-account.name": "pipeline"}},
            "type": "kubernetes.io/service-account-token",
        },
    ),
    "take what others send to an address": post(
        space("OWN", "/services"),
        {"metadata": {"name": "tried"}, "spec": {"ports": [{"port": 443}], "externalIPs": ["203.0.113.7"]}},
    ),
    "push others' pods from a node": post(
        space("OWN", "/pods"),
        {"metadata": {"name": "tried"}, "spec": {**POD["spec"], "priorityClassName": "system-node-critical"}},
    ),
    "change the trigger": merge(f"{TRIGGERS}/namespaces/OWN/triggers/slipway-ci", {"spec": {}}),
    "make a trigger": post(
        f"{TRIGGERS}/namespaces/OWN/triggers",
        {"apiVersion": "triggers.tekton.dev/v1beta1", "kind": "Trigger", "metadata": {"name": "tried"}},
    ),
    "look into another workspace": get(space("OTHER", "/pods")),
    "read another workspace's secret": get(space("OTHER", "/secrets/bucket-credentials")),
    "read a foreign secret": get(space("FOREIGN", "/secrets/theirs")),
    "list all secrets": get("/api/v1/secrets"),
    "open the network for cluster addresses": post(f"{NET}/namespaces/OWN/ingresses", {"metadata": {"name": "tried"}}),
}
VIEWERS_FORBIDDEN = {
    "list secrets": get(space("OWN", "/secrets")),
    "read the bucket's credentials": get(space("OWN", "/secrets/bucket-credentials")),
    "make a configmap": post(space("OWN", "/configmaps"), {"metadata": {"name": "tried"}}),
    "start a pod": post(space("OWN", "/pods"), POD),
    "open a shell": post(space("OWN", "/pods/some/exec?command=sh"), None),
    "reach a port": post(space("OWN", "/pods/some/portforward"), None),
    "start a run": post("/apis/tekton.dev/v1/namespaces/OWN/pipelineruns", {"metadata": {"name": "tried"}}),
    "delete a team's configmap": delete(space("OWN", "/configmaps/theirs")),
}

LOOKS = {
    "pods": get(space("OWN", "/pods")),
    "project-info": get(space("OWN", "/configmaps/project-info")),
    "services": get(space("OWN", "/services")),
    "volumes": get(space("OWN", "/persistentvolumeclaims")),
    "events": get(space("OWN", "/events")),
    "quotas": get(space("OWN", "/resourcequotas")),
    "limits": get(space("OWN", "/limitranges")),
    "network": get(f"{NET}/namespaces/OWN/networkpolicies"),
    "who has access": get(f"{RBAC}/namespaces/OWN/rolebindings"),
    "deployments": get("/apis/apps/v1/namespaces/OWN/deployments"),
    "jobs": get("/apis/batch/v1/namespaces/OWN/jobs"),
}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
WORK = {
    "pod": post(space("OWN", "/pods"), {**POD, "metadata": {"generateName": "work-"}}),
    "configmap": post(space("OWN", "/configmaps"), {"metadata": {"generateName": "work-"}}),
    "secret": post(space("OWN", "/secrets"), {"metadata": {"generateName": "work-"}, "stringData": {"a": "b"}}),
    "secret changed": merge(space("OWN", "/secrets/spare"), {"stringData": {"a": "c"}}),
    "service": post(
        space("OWN", "/services"), {"metadata": {"generateName": "work-"}, "spec": {"ports": [{"port": 80}]}}
    ),
    "volume": post(
        space("OWN", "/persistentvolumeclaims"),
        {
            "metadata": {"generateName": "work-"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        },
    ),
    "deployment": post(
        "/apis/apps/v1/namespaces/OWN/deployments",
        {
            "metadata": {"generateName": "work-"},
            "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE},
        },
    ),
    "job": post(
        "/apis/batch/v1/namespaces/OWN/jobs",
        {
            "metadata": {"generateName": "work-"},
            "spec": {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}},
        },
    ),
    "bucket's credentials read": get(space("OWN", "/secrets/bucket-credentials")),
}
