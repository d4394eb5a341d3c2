"""The outside systems. Nothing else in Slipway talks to them, and no vendor package is imported anywhere else.

A client is opened from its target in the catalogue; secrets are read at that moment, so a new token is picked up by
opening again. The vendor packages cost a web process up to 40 MB, so each is imported only when its first client opens.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from provisioning import catalogue
from provisioning.catalogue import ClusterTarget, DatabaseTarget, ForgeTarget, ObjectStoreTarget, TrackerTarget
from provisioning.directory import Directory
from provisioning.forge import ForgeClient
from provisioning.secrets import Resolve

if TYPE_CHECKING:
    from provisioning.clients.kubernetes import Cluster
    from provisioning.clients.minio import ObjectStore
    from provisioning.clients.mlflow import Tracker
    from provisioning.clients.postgres import Database


def connect_cluster(target: ClusterTarget, *, resolve: Resolve) -> "Cluster":
    """Open a cluster. Sends nothing yet. Raises TargetUnavailable while a secret is missing."""
    from provisioning.clients.kubernetes import Cluster

    return Cluster(
        name=target.name,
        api=target.api,
        token=resolve(target.token),
        ca=resolve(target.ca) if target.ca else None,
    )


def connect_object_store(target: ObjectStoreTarget, *, resolve: Resolve) -> "ObjectStore":
    """Open an object store. Sends nothing yet. Raises TargetUnavailable while a secret is missing."""
    from provisioning.clients.minio import ObjectStore

    return ObjectStore(
        name=target.name,
        endpoint=target.url,
        region=target.region,
        access_key=resolve(target.access_key),
        secret_key=resolve(target.secret_key),
    )


def connect_forge(target: ForgeTarget, *, resolve: Resolve) -> ForgeClient:
    """Open a forge by the driver of its kind. Sends nothing yet. Raises TargetUnavailable while a secret is missing."""
    driver: Callable[..., ForgeClient]
    if target.kind == "github":
        from provisioning.clients.github import GitHub as driver
    elif target.kind == "gitlab":
        from provisioning.clients.gitlab import GitLab as driver
    else:
        from provisioning.clients.gitea import Forge as driver
    return driver(
        name=target.name,
        url=target.url,
        token=resolve(target.token),
        bot=target.bot,
        vouches_for_mail=target.vouches_for_mail,
    )


def connect_tracker(target: TrackerTarget, *, resolve: Resolve) -> "Tracker":
    """Open a tracker of experiments. Sends nothing yet. Raises TargetUnavailable while a secret is missing."""
    from provisioning.clients.mlflow import Tracker

    return Tracker(
        name=target.name,
        url=target.url,
        ca=resolve(target.ca) if target.ca else None,
        username=target.username,
        password=resolve(target.password),
    )


def connect_database(target: DatabaseTarget, *, resolve: Resolve) -> "Database":
    """Open a database of the projects. Sends nothing yet. Raises TargetUnavailable while a secret is missing."""
    from provisioning.clients.postgres import Database

    return Database(
        name=target.name,
        host=target.host,
        port=target.port,
        database=target.database,
        username=target.username,
        password=resolve(target.password),
        tls=target.tls,
        ca=resolve(target.ca) if target.ca else None,
    )


def connect_directory(target: catalogue.LdapDirectory | catalogue.GraphDirectory, *, resolve: Resolve) -> Directory:
    """Open a directory. Sends nothing yet. Raises TargetUnavailable while a secret is missing."""
    ca = resolve(target.ca) if target.ca else None
    if isinstance(target, catalogue.LdapDirectory):
        from provisioning.clients.ldap_directory import LdapDirectory

        return LdapDirectory(
            name=target.name,
            url=target.url,
            ca=ca,
            account=target.bind_account,
            password=resolve(target.bind_password),
            people=(target.people_base or target.base, target.people_filter),
            groups=(target.groups_base or target.base, target.groups_filter),
        )
    from provisioning.clients.graph_directory import GraphDirectory

    return GraphDirectory(
        name=target.name,
        tenant=target.tenant,
        client_id=target.client_id,
        client_secret=resolve(target.client_secret),
        login=target.login,
        graph=target.graph,
        ca=ca,
        people_filter=target.people_filter,
        groups_filter=target.groups_filter,
    )
