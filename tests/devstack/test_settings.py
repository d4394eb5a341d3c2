import json
from pathlib import Path

import pytest

from devstack import certificates, domain, settings, stack
from devstack.company import company
from devstack.endpoints import Endpoints
from devstack.stack import Stack
from provisioning.catalogue import load

PORTS = {name: 20000 + number for number, name in enumerate(stack.PORT_NAMES)}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    one = Stack(name="try", folder=tmp_path_factory.mktemp("stack"))
    stack.make_folders(one)
    (one.folder / "ports.json").write_text(json.dumps(PORTS))
    stack.settle_address(one)
    certificates.ensure(one)
    settings.write(one, Endpoints())
    return one


def test_the_portals_environment(written: Stack) -> None:
    environment = settings.environment(written, Endpoints())

    folder = str(written.folder)
    assert environment == json.loads((written.folder / "env.json").read_text())
    assert environment == {
        "SLIPWAY_DATABASE_URL": (
            f"postgresql://portal:{written.secret('postgres-portal')}@127.0.0.1:{PORTS['postgres']}/slipway"
        ),
        "SLIPWAY_REDIS_URL": f"redis://:{written.secret('redis-password')}@127.0.0.1:{PORTS['redis']}/0",
        "SLIPWAY_CATALOGUE": f"{folder}/platform.yaml",
        "SLIPWAY_SECRETS_DIR": f"{folder}/secrets",
        "SLIPWAY_PUBLIC_URL": f"http://localhost:{PORTS['web']}",
        "SLIPWAY_DEBUG": "0",
        "SLIPWAY_LOG_FORMAT": "console",
        "SLIPWAY_METRICS_PORT": str(PORTS["metrics"]),
        "SLIPWAY_ADFS_SERVER": f"localhost:{PORTS['idp']}",
        "SLIPWAY_ADFS_CLIENT_ID": "slipway-portal",
        "SLIPWAY_ADFS_RELYING_PARTY_ID": "https://slipway.corp.example",
        "SLIPWAY_ADFS_CA_BUNDLE": f"{folder}/tls/ca.pem",
        "SLIPWAY_ADFS_MODE": "adfs",
        "SLIPWAY_ADFS_TENANT_ID": company().tenant,
        "SLIPWAY_ADFS_PLATFORM_ADMIN_GROUP": "ml-platform",
        "SLIPWAY_SAME_OBJECT_IDS": "1",
        "SLIPWAY_MAIL_HOST": "127.0.0.1",
        "SLIPWAY_MAIL_PORT": str(PORTS["mail"]),
        "SLIPWAY_MAIL_FROM": "Slipway <slipway@corp.example>",
        "SLIPWAY_STACK_DIR": folder,
    }


def test_the_catalogue_is_one_that_the_portal_accepts(written: Stack) -> None:
    catalogue = load(written.folder / "platform.yaml")

    assert catalogue.cluster().api == f"https://127.0.0.1:{PORTS['kube-apiserver']}"
    assert catalogue.cluster().ci_listener_url == f"http://127.0.0.1:{PORTS['ci']}/"
    assert catalogue.object_store().endpoint == f"http://127.0.0.1:{PORTS['minio']}"
    assert [(one.name, one.team) for one in catalogue.notify] == [
        ("platform-chat", ""),
        ("forecasting-chat", "forecasting"),
    ]
    assert written.secret("forecasting-chat.url") == f"http://127.0.0.1:{PORTS['chat']}/forecasting"
    assert catalogue.forge().url == f"http://127.0.0.1:{PORTS['gitea']}"


def test_the_directory_is_the_domain_or_graph_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Stack(name="try", folder=tmp_path / "domain")
    stack.make_folders(one)
    (one.folder / "ports.json").write_text(json.dumps(PORTS))
    stack.settle_address(one, is_free=lambda address: address == "127.0.0.7")
    monkeypatch.setattr(domain, "wanted", lambda: True)
    assert settings.directory_section(one) == {
        "kind": "ldap",
        "name": "corp-directory",
        "title": "Company directory",
        "ca": {"file": "directory.ca"},
        "url": "ldaps://127.0.0.7",
        "bind_account": "svc-slipway@corp.example",
        "bind_password": {"file": "directory.password"},
        "base": "OU=Company,DC=corp,DC=example",
    }
    monkeypatch.setattr(domain, "wanted", lambda: False)
    assert settings.directory_section(one) == {
        "kind": "graph",
        "name": "corp-directory",
        "title": "Company directory",
        "ca": {"file": "directory.ca"},
        "tenant": company().tenant,
        "client_id": "slipway-portal",
        "client_secret": {"file": "adfs-client-secret"},
        "login": f"https://localhost:{PORTS['idp']}",
        "graph": f"https://localhost:{PORTS['idp']}",
    }


def test_configured_servers_stand_in_environment_and_catalogue(written: Stack) -> None:
    endpoints = Endpoints(
        database_url="postgresql://portal@db.corp.example/slipway",
        redis_url="redis://redis.corp.example/0",
        s3_endpoint="https://s3.corp.example",
        gitea_url="https://git.corp.example/",
    )

    environment = settings.environment(written, endpoints)

    assert environment["SLIPWAY_DATABASE_URL"] == "postgresql://portal@db.corp.example/slipway"
    assert environment["SLIPWAY_REDIS_URL"] == "redis://redis.corp.example/0"
    assert settings.catalogue_values(written, endpoints) == {
        "kube_url": f"https://127.0.0.1:{PORTS['kube-apiserver']}",
        "ci_url": f"http://127.0.0.1:{PORTS['ci']}/",
        "store_url": "https://s3.corp.example",
        "forge_url": "https://git.corp.example",
        "forge_ssh": "null",
        "forge_bot": "slipway-bot",
        "trackers": "[]",
        "databases": "[]",
        "schema_stores": "",
        "directory": settings.catalogue_values(written, Endpoints())["directory"],
        "cluster_login": json.dumps(settings.cluster_login(written, Endpoints())),
    }


def test_the_cluster_takes_tokens_that_people_get_for_it(written: Stack) -> None:
    issuer = f"https://localhost:{PORTS['idp']}/adfs"
    login = {"issuer": issuer, "client_id": "slipway-kubernetes", "ca": {"file": "directory.ca"}}
    assert settings.cluster_login(written, Endpoints()) == login
    assert settings.cluster_login(written, Endpoints(kubeconfig=Path("kubeconfig"))) is None
    assert json.loads((written.folder / "authentication.json").read_text()) == {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [
            {
                "issuer": {
                    "url": issuer,
                    "audiences": ["slipway-kubernetes"],
                    "certificateAuthority": (written.tls / "ca.pem").read_text(),
                },
                "claimMappings": {
                    "username": {"expression": "'ad:' + claims.upn.lowerAscii()"},
                    "groups": {"claim": "group", "prefix": "ad:"},
                },
            }
        ],
    }


def test_secrets_are_kept_and_closed(written: Stack) -> None:
    before = {path.name: path.read_text() for path in written.secrets.iterdir()}

    settings.write(written, Endpoints())

    assert {path.name: path.read_text() for path in written.secrets.iterdir()} == before
    assert {oct(path.stat().st_mode & 0o777) for path in written.secrets.iterdir()} == {"0o600"}


def test_the_token_file_quotes_groups() -> None:
    tokens: list[tuple[str, str, str, list[str]]] = [
        ("t1", "ad:alice@corp.example", "u-alice", ["ad:ml-users", "ad:ml-forecasting"]),
        ("t2", "bob", "u-2", []),
    ]

    assert settings.tokens_csv(tokens) == (
        't1,ad:alice@corp.example,u-alice,"ad:ml-users,ad:ml-forecasting"\nt2,bob,u-2\n'
    )


def test_a_kubeconfig_names_one_user(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("certificate")

    assert json.loads(settings.kubeconfig(server="https://127.0.0.1:6443", ca=ca, user="paula", token="t")) == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "dev",
                "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "Y2VydGlmaWNhdGU="},
            }
        ],
        "users": [{"name": "paula", "user": {"token": "t"}}],
        "contexts": [{"name": "dev", "context": {"cluster": "dev", "user": "paula"}}],
        "current-context": "dev",
    }
