"""Writes what a stack's programs read: env.json, platform.yaml, secrets, configuration of Redis and Gitea."""

import base64
import csv
import getpass
import io
import json
import os
import secrets
import shutil
import string
import subprocess
from pathlib import Path
from urllib.parse import quote

from devstack import builds, domain, tracker
from devstack.company import company, made_up_ids, people_json
from devstack.endpoints import Endpoints
from devstack.errors import StackError
from devstack.files import write_if_changed
from devstack.stack import ROOT, Stack

BOT = "slipway-bot"
CLIENT_ID = "slipway-portal"
CLUSTER_CLIENT_ID = "slipway-kubernetes"
RELYING_PARTY_ID = "https://slipway.corp.example"


def write(stack: Stack, endpoints: Endpoints) -> None:
    """Write everything, changing no secret that is there already. Raises StackError for an unusable kubeconfig."""
    (stack.folder / "home").mkdir(exist_ok=True)
    _write_secrets(stack, endpoints)
    _write_cluster_files(stack, endpoints)
    _write_redis(stack)
    _write_gitea(stack)
    tracker.write(stack)
    stack.write_secret("directory.ca", (stack.tls / "ca.pem").read_text(encoding="utf-8"))
    catalogue = string.Template((ROOT / "devstack" / "platform.template.yaml").read_text(encoding="utf-8"))
    write_if_changed(stack.folder / "platform.yaml", catalogue.substitute(catalogue_values(stack, endpoints)))
    write_if_changed(stack.folder / "env.json", json.dumps(environment(stack, endpoints), indent=2) + "\n", mode=0o600)
    if domain.wanted() and domain.people(stack).exists():
        # The address may have moved since the domain was made.
        write_if_changed(domain.configuration(stack), domain.smb_conf(stack, company()))
    if not domain.wanted():
        text = people_json(company(), object_ids=made_up_ids(company()))
        write_if_changed(stack.folder / "people.json", text + "\n", mode=0o600)


def environment(stack: Stack, endpoints: Endpoints) -> dict[str, str]:
    """The variables that the portal's processes and the tests of this stack need."""
    ports = stack.ports()
    database = f"postgresql://portal:{quote(stack.secret('postgres-portal'))}@127.0.0.1:{ports['postgres']}/slipway"
    redis = f"redis://:{quote(stack.secret('redis-password'))}@127.0.0.1:{ports['redis']}/0"
    return {
        "SLIPWAY_DATABASE_URL": endpoints.database_url or database,
        "SLIPWAY_REDIS_URL": endpoints.redis_url or redis,
        "SLIPWAY_CATALOGUE": str(stack.folder / "platform.yaml"),
        "SLIPWAY_SECRETS_DIR": str(stack.secrets),
        "SLIPWAY_PUBLIC_URL": f"http://localhost:{ports['web']}",
        "SLIPWAY_DEBUG": "0",
        "SLIPWAY_LOG_FORMAT": "console",
        "SLIPWAY_METRICS_PORT": str(ports["metrics"]),
        "SLIPWAY_ADFS_SERVER": f"localhost:{ports['idp']}",
        "SLIPWAY_ADFS_CLIENT_ID": CLIENT_ID,
        "SLIPWAY_ADFS_RELYING_PARTY_ID": RELYING_PARTY_ID,
        "SLIPWAY_ADFS_CA_BUNDLE": str(stack.tls / "ca.pem"),
        "SLIPWAY_ADFS_MODE": "adfs",
        "SLIPWAY_ADFS_TENANT_ID": company().tenant,
        "SLIPWAY_ADFS_PLATFORM_ADMIN_GROUP": "ml-platform",
        # Without a domain, the directory is read by Graph from where people sign in.
        "SLIPWAY_SAME_OBJECT_IDS": "1",
        "SLIPWAY_MAIL_HOST": "127.0.0.1",
        "SLIPWAY_MAIL_PORT": str(ports["mail"]),
        "SLIPWAY_MAIL_FROM": f"Slipway <slipway@{company().domain}>",
        "SLIPWAY_STACK_DIR": str(stack.folder),
    }


def catalogue_values(stack: Stack, endpoints: Endpoints) -> dict[str, str]:
    """What platform.template.yaml is filled in with."""
    ports = stack.ports()
    return {
        "kube_url": cluster_server(stack, endpoints),
        "cluster_login": json.dumps(cluster_login(stack, endpoints)),
        "ci_url": f"http://127.0.0.1:{ports['ci']}/",
        "store_url": endpoints.s3_endpoint or f"http://127.0.0.1:{ports['minio']}",
        "forge_url": (endpoints.gitea_url or f"http://127.0.0.1:{ports['gitea']}").rstrip("/"),
        "forge_ssh": json.dumps(forge_ssh(stack, endpoints)),
        "forge_bot": BOT,
        "trackers": tracker.catalogue_section(stack),
        "directory": _indented(directory_section(stack)),
        "databases": json.dumps(databases(stack, endpoints)),
        "schema_stores": "".join(f"  - {json.dumps(one)}\n" for one in schema_stores(stack, endpoints)),
    }


def databases(stack: Stack, endpoints: Endpoints) -> list[dict[str, object]]:
    """The catalogue's databases: one in the stack's own Postgres, none where another Postgres is used."""
    if endpoints.database_url:
        return []
    return [
        {
            "name": "features-1",
            "title": "Feature database",
            "host": "127.0.0.1",
            "port": stack.ports()["postgres"],
            "database": "features",
            "username": "features",
            "password": {"file": "features-1.password"},
            "tls": False,
        }
    ]


def schema_stores(stack: Stack, endpoints: Endpoints) -> list[dict[str, object]]:
    """The catalogue's data stores in a database: a sample one in the stack's own, none where there is no such."""
    return [
        {
            "name": "road-tests",
            "title": "Road tests",
            "description": "Every drive on the proving ground: day, distance, wet or dry.",
            "classification": "internal",
            "owner": "vision",
            "max_days": 365,
            "database": database["name"],
            "database_schema": "road_tests",
            "role": "road_tests_readers",
        }
        for database in databases(stack, endpoints)
    ]


def directory_section(stack: Stack) -> dict[str, object]:
    """The catalogue's directory: the stack's domain, or Graph as the identity provider offers it over people.json."""
    whole = company()
    shared: dict[str, object] = {"title": "Company directory", "name": "corp-directory", "ca": {"file": "directory.ca"}}
    if domain.wanted():
        return shared | {
            "kind": "ldap",
            "url": domain.url(stack),
            "bind_account": f"{domain.PORTAL_ACCOUNT}@{whole.domain}",
            "bind_password": {"file": domain.PASSWORDS[domain.PORTAL_ACCOUNT]},
            "base": domain.branch(whole),
        }
    provider = f"https://localhost:{stack.ports()['idp']}"
    return shared | {
        "kind": "graph",
        "tenant": whole.tenant,
        "client_id": CLIENT_ID,
        "client_secret": {"file": "adfs-client-secret"},
        "login": provider,
        "graph": provider,
    }


def _indented(section: dict[str, object]) -> str:
    """The lines of a section of the catalogue. JSON is YAML too."""
    return "\n".join(f"  {name}: {json.dumps(value)}" for name, value in section.items())


def cluster_server(stack: Stack, endpoints: Endpoints) -> str:
    """The API server's address: ours, or the one that the configured kubeconfig names. Raises StackError."""
    if endpoints.kubeconfig is None:
        return f"https://127.0.0.1:{stack.ports()['kube-apiserver']}"
    return str(_configured_cluster(endpoints.kubeconfig)["server"])


def tokens_csv(tokens: list[tuple[str, str, str, list[str]]]) -> str:
    """The API server's token file: one line per (token, user, uid, groups)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for token, user, uid, groups in tokens:
        writer.writerow([token, user, uid, *([",".join(groups)] if groups else [])])
    return text.getvalue()


def kubeconfig(*, server: str, ca: Path, user: str, token: str) -> str:
    """A kubeconfig for one user, as JSON (which is YAML too)."""
    authority = base64.b64encode(ca.read_bytes()).decode()
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "dev", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": user}}],
        "current-context": "dev",
    }
    return json.dumps(value, indent=2) + "\n"


def _write_secrets(stack: Stack, endpoints: Endpoints) -> None:
    made_here = (
        *("django-secret-key", "adfs-client-secret", "postgres-superuser", "postgres-portal", "redis-password"),
        "features-1.password",
        *("cluster-admin.token", "kube-controller-manager.token"),
        *("store-1.root-secret-key", "git-1.admin-password", "git-1.bot-password"),
        *("gitea-secret-key", "gitea-internal-token", tracker.PASSWORD, tracker.SESSIONS),
        *domain.PASSWORDS.values(),
    )
    for name in made_here:
        stack.ensure_secret(name, lambda: secrets.token_urlsafe(36))
    stack.ensure_secret("gitea-jwt", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="))
    stack.ensure_secret("key-ring", lambda: f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    for channel in ("platform", "forecasting"):
        stack.write_secret(f"{channel}-chat.url", f"http://127.0.0.1:{stack.ports()['chat']}/{channel}")
    stack.ensure_secret("store-1.root-access-key", lambda: "slipway-root")
    if endpoints.s3_endpoint is not None:
        stack.write_secret("store-1.access-key", endpoints.s3_access_key)
        stack.write_secret("store-1.secret-key", endpoints.s3_secret_key)
    else:
        stack.ensure_secret("store-1.access-key", lambda: "slipway-portal")
        stack.ensure_secret("store-1.secret-key", lambda: secrets.token_urlsafe(30))
    if endpoints.gitea_url is not None:
        stack.write_secret("git-1.token", endpoints.gitea_token)


def _write_cluster_files(stack: Stack, endpoints: Endpoints) -> None:
    if endpoints.kubeconfig is not None:
        cluster = _configured_cluster(endpoints.kubeconfig)
        authority = base64.b64decode(str(cluster.get("certificate-authority-data", ""))).decode()
        stack.write_secret("cluster-north.ca", authority)
        return
    admin, manager = stack.secret("cluster-admin.token"), stack.secret("kube-controller-manager.token")
    tokens = [
        (admin, "cluster-admin", "u-admin", ["system:masters"]),
        (manager, "system:kube-controller-manager", "u-manager", []),
    ]
    write_if_changed(stack.folder / "authentication.json", json.dumps(authentication(stack), indent=2) + "\n")
    stack.write_secret("tokens.csv", tokens_csv(tokens))
    stack.write_secret("cluster-north.ca", (stack.tls / "ca.pem").read_text(encoding="utf-8"))
    server, ca = cluster_server(stack, endpoints), stack.tls / "ca.pem"
    write_if_changed(stack.kubeconfig, kubeconfig(server=server, ca=ca, user="cluster-admin", token=admin), mode=0o600)
    write_if_changed(
        stack.folder / "kube-controller-manager.kubeconfig",
        kubeconfig(server=server, ca=ca, user="kube-controller-manager", token=manager),
        mode=0o600,
    )


def cluster_login(stack: Stack, endpoints: Endpoints) -> dict[str, object] | None:
    """The catalogue's `login` of the cluster: our identity provider, which a configured cluster does not know."""
    if endpoints.kubeconfig is not None:
        return None
    issuer = f"https://localhost:{stack.ports()['idp']}/adfs"
    return {"issuer": issuer, "client_id": CLUSTER_CLIENT_ID, "ca": {"file": "directory.ca"}}


def authentication(stack: Stack) -> dict[str, object]:
    """How the API server takes people's own ID tokens. It looks for the issuer until it is there."""
    issuer = {
        "url": f"https://localhost:{stack.ports()['idp']}/adfs",
        "audiences": [CLUSTER_CLIENT_ID],
        "certificateAuthority": (stack.tls / "ca.pem").read_text(encoding="utf-8"),
    }
    # A directory keeps a UPN as it was typed; specs and role bindings have it in lower case.
    username = {"expression": "'ad:' + claims.upn.lowerAscii()"}
    mappings = {"username": username, "groups": {"claim": "group", "prefix": "ad:"}}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{"issuer": issuer, "claimMappings": mappings}],
    }


def _write_redis(stack: Stack) -> None:
    folder = stack.folder / "redis"
    folder.mkdir(exist_ok=True)
    lines = {
        "bind": "127.0.0.1",
        "port": str(stack.ports()["redis"]),
        "dir": f'"{folder}"',
        "requirepass": stack.secret("redis-password"),
        "appendonly": "yes",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    text = "".join(f"{name} {value}\n" for name, value in lines.items())
    write_if_changed(stack.folder / "redis.conf", text, mode=0o600)


def _write_gitea(stack: Stack) -> None:
    folder = stack.folder / "gitea"
    folder.mkdir(exist_ok=True)
    values = {
        "user": getpass.getuser(),
        "as_root": f"I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = {str(os.geteuid() == 0).lower()}",
        "port": str(stack.ports()["gitea"]),
        "ssh_port": str(stack.ports()["gitea-ssh"]),
        "host_key": str(_ensure_host_key(stack)),
        "folder": str(folder),
        "static": str(builds.folder(builds.BY_NAME["gitea"])),
        "secret_key": stack.secret("gitea-secret-key"),
        "internal_token": stack.secret("gitea-internal-token"),
        "jwt_secret": stack.secret("gitea-jwt"),
    }
    template = string.Template((ROOT / "devstack" / "gitea.template.ini").read_text(encoding="utf-8"))
    text = template.substitute(values)
    write_if_changed(folder / "app.ini", text, mode=0o600)


def _host_key(stack: Stack) -> Path:
    return stack.folder / "gitea" / "host-key"


def _ensure_host_key(stack: Stack) -> Path:
    """What Gitea's SSH server shows that it is itself; its public half is pinned in the catalogue."""
    path = _host_key(stack)
    if not path.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    return path


def forge_ssh(stack: Stack, endpoints: Endpoints) -> dict[str, object] | None:
    """The catalogue's `ssh` of the forge; None for a configured Gitea, whose host key nobody told us."""
    if endpoints.gitea_url is not None:
        return None
    public = " ".join(_host_key(stack).with_suffix(".pub").read_text(encoding="utf-8").split()[:2])
    return {"url": f"ssh://git@127.0.0.1:{stack.ports()['gitea-ssh']}", "host_keys": [public]}


def _configured_cluster(path: Path) -> dict[str, object]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise StackError(
            what="The configured kubeconfig cannot be read",
            why="SLIPWAY_DEV_KUBECONFIG is set and there is no kubectl on PATH",
            do="install kubectl, or unset the variable to have a cluster built and started here",
        )
    command = [kubectl, "config", "view", "--kubeconfig", str(path), "--minify", "--flatten", "--raw", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(
            what="The configured kubeconfig cannot be read",
            why=done.stderr.strip()[-400:],
            do="correct the file that SLIPWAY_DEV_KUBECONFIG names, then run ./dev again",
        )
    cluster: dict[str, object] = json.loads(done.stdout)["clusters"][0]["cluster"]
    return cluster
