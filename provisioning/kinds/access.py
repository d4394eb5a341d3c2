"""Who may work in the workspace: its service accounts, and one role binding for each role.

Subjects are people and directory groups, with the prefix under which the cluster knows them, so that no name of the
directory can be that of a system identity. When a contributor's last day is over, the portal makes a new wish without
them; nothing here looks at the calendar.
"""

from collections.abc import Iterator

from provisioning.kind import Kind, Object, Right, Wish
from provisioning.manifests import apply, goes_with_namespace, manifest, observe
from provisioning.phrases import Phrase, joined, numbered, phrase
from provisioning.spec import Role

SERVICE_ACCOUNTS = ("default", "pipeline", "workload")
_RBAC = "rbac.authorization.k8s.io"
_MAY = {
    Role.OWNER: phrase("run and clear everything, read Secrets"),
    Role.EDITOR: phrase("run everything, read Secrets"),
    Role.VIEWER: phrase("look, without Secrets"),
}
"""What the cluster roles of deploy/cluster/20-tenants.yaml open, in words."""


def desired(wish: Wish) -> tuple[Object, ...]:
    """Three service accounts whose token is mounted only on request, and a role binding for each role somebody has."""
    accounts = [manifest(wish, "ServiceAccount", name, automountServiceAccountToken=False) for name in SERVICE_ACCOUNTS]
    return (*accounts, *(_binding(wish, role) for role in Role))


def _binding(wish: Wish, role: Role) -> Object:
    subjects = _subjects(wish, role)
    return manifest(
        wish,
        "RoleBinding",
        _name(role),
        absent=not subjects,
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": f"slipway-{role}"},
        subjects=[{"apiGroup": _RBAC, "kind": kind, "name": name} for kind, name in subjects],
    )


def _name(role: Role) -> str:
    return f"slipway-{role}s"


def _subjects(wish: Wish, role: Role) -> list[tuple[str, str]]:
    """Who has the role: (User or Group, name with prefix), each once."""
    cluster = wish.cluster
    named = [
        ("Group", f"{cluster.group_prefix}{one.subject}")
        if one.is_group
        else ("User", f"{cluster.user_prefix}{one.subject}")
        for one in wish.spec.subjects(role)
    ]
    return list(dict.fromkeys(named))


def rights(wish: Wish) -> Iterator[Right]:
    """By which role binding each works in the namespace."""
    for one in wish.spec.contributors:
        text = phrase(
            "%(may)s in %(namespace)s (role binding %(binding)s)",
            may=_MAY[one.role],
            namespace=wish.names.namespace,
            binding=_name(one.role),
        )
        yield Right(subject=one.subject, is_group=one.is_group, text=text)


def summary(wish: Wish) -> Phrase:
    """How many people and groups have which role."""
    counts = [(len(_subjects(wish, role)), role) for role in Role]
    return joined(", ", [_in_number(role, count) for count, role in counts if count]) or phrase("nobody yet")


def _in_number(role: Role, number: int) -> Phrase:
    match role:
        case Role.OWNER:
            return numbered("%(number)s owner", "%(number)s owners", number)
        case Role.EDITOR:
            return numbered("%(number)s editor", "%(number)s editors", number)
        case Role.VIEWER:
            return numbered("%(number)s viewer", "%(number)s viewers", number)


KIND = Kind(
    name="access",
    title="Access",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    rights=rights,
)
