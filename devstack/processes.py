"""The processes of a stack: what is started, with what, after what, and when it counts as ready."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack import builds, domain, postgres, python_env, toolchain, tracker
from devstack.company import company
from devstack.endpoints import Endpoints
from devstack.files import read_json
from devstack.readiness import Answers, Check, Listens, Says, Succeeds
from devstack.stack import ROOT, Stack

# How this machine reaches a package index and which authorities it trusts: what pip in a run of CI needs.
PASSED_ON = ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
PORTAL = "portal"  # the group that starts anew when the portal's code has changed


@dataclass(frozen=True)
class Process:
    """One thing that the supervisor runs. With `once` it runs to its end (again after a failure), else for ever."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    needs: tuple[Path, ...] = ()
    ready: Check | None = None
    once: bool = False
    group: str = ""
    stop_seconds: float = 5.0
    death_signal: signal.Signals = signal.SIGKILL
    nice: int = 0


def all_processes(stack: Stack, endpoints: Endpoints) -> list[Process]:
    """Every process of the stack, those first that the portal needs to answer."""
    found = [
        *_database(stack, endpoints),
        *_redis(stack, endpoints),
        *_directory(stack),
        _identity_provider(stack),
        *_portal(stack, endpoints),
        *_sinks(stack),
        *_object_store(stack, endpoints),
        *_cluster(stack, endpoints),
        *_forge(stack, endpoints),
        *_tracker(stack),
    ]
    names = {process.name for process in found}
    unknown = {name for process in found for name in process.requires} - names
    # A server that the environment names is not ours to wait for.
    return [_without(process, unknown) for process in found] if unknown else found


def servers_to_build(endpoints: Endpoints) -> tuple[str, ...]:
    """The names in `builds.SERVERS` that this stack needs; act and kubelogin are for people in any case."""
    wanted = []
    if endpoints.kubeconfig is None:
        wanted += ["etcd", "kubernetes"]
    if endpoints.s3_endpoint is None:
        wanted.append("minio")
    if endpoints.gitea_url is None:
        wanted.append("gitea")
    return (*wanted, "kubelogin", "act")


def base_environment(stack: Stack) -> dict[str, str]:
    """What every process gets; a home of the stack's own keeps the servers out of the user's."""
    passed_on = {name: value for name, value in os.environ.items() if name.startswith("SLIPWAY_DEV_")}
    return {
        **passed_on,
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(stack.folder / "home"),
        "XDG_CACHE_HOME": str(toolchain.cache().parent),
        "SLIPWAY_STATE_DIR": str(stack.folder.parent),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        # With many threads glibc would keep a heap for each of them and seldom give it back.
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_TRIM_THRESHOLD_": "131072",
        # Clients read 64 KiB at a time and keep a few bytes of it, each in the middle of a hole. Apart, such a block
        # is given back at once: 15 MB of the worker after a hundred new projects.
        "MALLOC_MMAP_THRESHOLD_": "65536",
    }


def portal_environment(stack: Stack) -> dict[str, str]:
    """The variables of env.json."""
    return {name: str(value) for name, value in read_json(stack.folder / "env.json").items()}


def _without(process: Process, names: set[str]) -> Process:
    kept = tuple(name for name in process.requires if name not in names)
    return Process(**{**process.__dict__, "requires": kept})


def _own(module: str, stack: Stack, *, python: str = sys.executable) -> tuple[str, ...]:
    return (python, "-m", f"devstack.{module}", stack.name)


def _behind_web(stack: Stack) -> int:
    """Priority of the worker. Who opens a page or delivers a push waits for web, nobody for it; only tests do."""
    return 0 if stack.name == "test" else 5


def _elsewhere(stack: Stack) -> int:
    """Priority of servers that an installation has on other machines: here they share their cores with web."""
    return 0 if stack.name == "test" else 10


def _database(stack: Stack, endpoints: Endpoints) -> list[Process]:
    if endpoints.database_url is not None:
        return []
    port = stack.ports()["postgres"]
    how, programs = postgres.launcher(stack), postgres.bin_folder()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",  # a socket's path may have 107 bytes, fewer than a deep folder has
        "max_connections": "200",
        "timezone": "UTC",
    }
    if stack.name == "test":
        # What tests write need not survive the machine's fall, and many of them truncate every table.
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [
        Process(
            name="postgres",
            command=(*how.prefix, str(programs / "postgres"), "-D", str(how.data), *options),
            ready=Succeeds((str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port))),
            death_signal=signal.SIGQUIT,  # SIGKILL would leave its own children behind
        ),
        Process(name="prepare-database", command=_own("prepare_database", stack), requires=("postgres",), once=True),
    ]


def _redis(stack: Stack, endpoints: Endpoints) -> list[Process]:
    if endpoints.redis_url is not None:
        return []
    port = stack.ports()["redis"]
    return [Process(name="redis", command=("redis-server", str(stack.folder / "redis.conf")), ready=Listens(port))]


def _directory(stack: Stack) -> list[Process]:
    if not domain.wanted():
        return []
    debian_python = "/usr/bin/python3"  # the only one that has Samba's modules
    # Making a domain takes seconds of a core, and the portal doesn't wait for it.
    made = ("nice", "-n", "10", *_own("domain_setup", stack, python=debian_python))
    return [
        Process(name="domain-setup", command=made, once=True),
        Process(
            name="directory",
            # One process, so that nothing is left of it after a SIGKILL.
            command=("samba", "--foreground", "--model=single", "-s", str(domain.configuration(stack))),
            requires=("domain-setup",),
            ready=Listens(636, stack.address()),
        ),
    ]


def _directory_of_sign_in(stack: Stack) -> dict[str, str]:
    """Where the identity provider finds people and groups."""
    if not domain.wanted():
        return {"IDP_PEOPLE": str(stack.folder / "people.json")}
    return {
        "IDP_LDAP_URL": domain.url(stack),
        "IDP_LDAP_CA": str(stack.tls / "ca.pem"),
        "IDP_LDAP_ACCOUNT": f"{domain.SIGN_IN_ACCOUNT}@{company().domain}",
        "IDP_LDAP_PASSWORD": str(stack.secrets / domain.PASSWORDS[domain.SIGN_IN_ACCOUNT]),
        "IDP_LDAP_BASE": domain.branch(company()),
    }


def _sinks(stack: Stack) -> list[Process]:
    """What takes mails and chat messages, and keeps them as files."""
    ports = stack.ports()
    return [
        Process(name=name, command=_own(f"{name}_sink", stack), ready=Listens(ports[name])) for name in ("mail", "chat")
    ]


def _identity_provider(stack: Stack) -> Process:
    ports = stack.ports()
    program = ROOT / "devstack" / "idp" / "idp.mjs"
    return Process(
        name="idp",
        command=(toolchain.node(), str(program)),
        environment={
            "IDP_PORT": str(ports["idp"]),
            "IDP_TLS_KEY": str(stack.tls / "server.key"),
            "IDP_TLS_CERT": str(stack.tls / "server.pem"),
            "IDP_SIGN_KEY": str(stack.tls / "sign.key"),
            "IDP_SIGN_CERT": str(stack.tls / "sign.pem"),
            **_directory_of_sign_in(stack),
            "IDP_MOODS": str(stack.folder / "idp-moods.json"),
            "IDP_TENANT": company().tenant,
            "IDP_CLIENT_ID": portal_environment(stack)["SLIPWAY_ADFS_CLIENT_ID"],
            "IDP_CLIENT_SECRET": stack.secret("adfs-client-secret"),
            "IDP_RELYING_PARTY_ID": portal_environment(stack)["SLIPWAY_ADFS_RELYING_PARTY_ID"],
            "IDP_REDIRECT_URI": f"{portal_environment(stack)['SLIPWAY_PUBLIC_URL']}/oauth2/callback",
        },
        needs=(program,),
        ready=Answers(
            f"https://localhost:{ports['idp']}/adfs/.well-known/openid-configuration", ca=stack.tls / "ca.pem"
        ),
    )


def _portal(stack: Stack, endpoints: Endpoints) -> list[Process]:
    ports = stack.ports()
    needs = (ROOT / "manage.py",)
    environment = portal_environment(stack)
    without_metrics = {**environment, "SLIPWAY_METRICS_PORT": "0"}  # the port is the worker's: it has the figures
    after_setup = ("portal-setup",)
    return [
        Process(
            name="portal-setup",
            command=(*_own("portal_setup", stack, python=str(python_env.PYTHON)), *_copied(stack, endpoints)),
            environment=without_metrics,
            requires=("prepare-database", "redis"),
            needs=needs,
            once=True,
            group=PORTAL,
        ),
        Process(
            name="web",
            command=(str(python_env.VENV / "bin" / "gunicorn"), "portal.wsgi", "-c", "portal/gunicorn.py"),
            environment={**without_metrics, "BIND": f"127.0.0.1:{ports['web']}"},
            requires=after_setup,
            needs=needs,
            ready=Answers(f"http://localhost:{ports['web']}/healthz"),
            group=PORTAL,
            death_signal=signal.SIGQUIT,  # its workers are children of its own: it must end them
        ),
        Process(
            name="worker",
            command=(str(python_env.PYTHON), "-m", "portal.worker"),
            environment=environment,
            requires=after_setup,
            needs=needs,
            ready=Says("ready."),
            group=PORTAL,
            nice=_behind_web(stack),
        ),
        Process(
            name="beat",
            command=(str(python_env.PYTHON), "-m", "portal.beat", str(stack.folder / "beat-schedule")),
            environment=without_metrics,
            requires=after_setup,
            needs=needs,
            ready=Says("is starting."),
            group=PORTAL,
        ),
    ]


def _copied(stack: Stack, endpoints: Endpoints) -> tuple[str, ...]:
    """A copy of the migrated database, which nobody removes: for tests, on a server that is the stack's own."""
    return ("copy",) if stack.name == "test" and endpoints.database_url is None else ()


def _object_store(stack: Stack, endpoints: Endpoints) -> list[Process]:
    if endpoints.s3_endpoint is not None:
        return []
    port, program = stack.ports()["minio"], builds.program("minio")
    folder = stack.folder / "minio"
    return [
        Process(
            name="minio",
            command=(
                *(str(program), "server", str(folder), "--address", f"127.0.0.1:{port}"),
                *("--certs-dir", str(stack.folder / "minio-certs"), "--quiet"),
            ),
            environment={
                "MINIO_ROOT_USER": stack.secret("store-1.root-access-key"),
                "MINIO_ROOT_PASSWORD": stack.secret("store-1.root-secret-key"),
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
                **_scanner(stack),
            },
            needs=(program,),
            ready=Answers(f"http://127.0.0.1:{port}/minio/health/live"),
            nice=_elsewhere(stack),
        ),
        Process(
            name="prepare-store",
            command=_own("prepare_store", stack, python=str(python_env.PYTHON)),
            requires=("minio",),
            once=True,
        ),
    ]


def _scanner(stack: Stack) -> dict[str, str]:
    """So that what a bucket holds is counted soon; by itself MinIO looks only now and then.

    Measurements go without: a thousand buckets looked through every ten seconds are nothing that an object store does.
    """
    return {} if stack.name == "bench" else {"MINIO_SCANNER_CYCLE": "10s", "MINIO_SCANNER_SPEED": "fastest"}


def _cluster(stack: Stack, endpoints: Endpoints) -> list[Process]:
    ports, tls = stack.ports(), stack.tls
    prepare = Process(
        name="prepare-cluster", command=_own("prepare_cluster", stack), requires=("kube-apiserver",), once=True
    )
    listener = Process(name="ci", command=_own("receiver", stack), ready=Listens(ports["ci"]))
    if endpoints.kubeconfig is not None:
        return [prepare, listener, *_runner(stack, endpoints)]
    client, peer = f"http://127.0.0.1:{ports['etcd']}", f"http://127.0.0.1:{ports['etcd-peer']}"
    etcd, api, manager = (builds.program(name) for name in ("etcd", "kube-apiserver", "kube-controller-manager"))
    return [
        Process(
            name="etcd",
            command=(
                *(str(etcd), "--data-dir", str(stack.folder / "etcd"), "--log-level", "warn"),
                *("--listen-client-urls", client, "--advertise-client-urls", client),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", f"default={peer}"),
            ),
            needs=(etcd,),
            ready=Answers(f"{client}/health"),
            nice=_elsewhere(stack),
        ),
        Process(
            name="kube-apiserver",
            command=(
                *(str(api), "--etcd-servers", client, "--bind-address", "127.0.0.1"),
                *("--secure-port", str(ports["kube-apiserver"]), "--cert-dir", str(stack.folder / "kube-apiserver")),
                *("--tls-cert-file", str(tls / "server.pem"), "--tls-private-key-file", str(tls / "server.key")),
                *("--token-auth-file", str(stack.secrets / "tokens.csv"), "--authorization-mode", "RBAC"),
                *("--authentication-config", str(stack.folder / "authentication.json")),
                *("--service-account-key-file", str(tls / "service-accounts.pub")),
                *("--service-account-signing-key-file", str(tls / "service-accounts.key")),
                *("--service-account-issuer", "https://kubernetes.default.svc"),
                *("--service-cluster-ip-range", "10.0.0.0/24"),
            ),
            requires=("etcd",),
            needs=(api,),
            ready=Answers(f"https://127.0.0.1:{ports['kube-apiserver']}/readyz", ca=tls / "ca.pem"),
            stop_seconds=3.0,  # it would wait a minute for open watches
            nice=_elsewhere(stack),
        ),
        Process(
            name="kube-controller-manager",
            command=(
                *(str(manager), "--kubeconfig", str(stack.folder / "kube-controller-manager.kubeconfig")),
                *("--bind-address", "127.0.0.1", "--secure-port", str(ports["kube-controller-manager"])),
                *("--tls-cert-file", str(tls / "server.pem"), "--tls-private-key-file", str(tls / "server.key")),
                *("--service-account-private-key-file", str(tls / "service-accounts.key")),
                *("--root-ca-file", str(tls / "ca.pem")),
                *("--use-service-account-credentials=true", "--leader-elect=false"),
            ),
            requires=("kube-apiserver",),
            needs=(manager,),
            ready=Answers(f"https://127.0.0.1:{ports['kube-controller-manager']}/healthz", ca=tls / "ca.pem"),
            stop_seconds=3.0,
            nice=_elsewhere(stack),
        ),
        prepare,
        listener,
        *_runner(stack, endpoints),
    ]


def _runner(stack: Stack, endpoints: Endpoints) -> list[Process]:
    """Runs what the listener takes. A configured Gitea has no SSH address here, so nothing could be cloned from it.

    Measurements go without: a run for each of a thousand projects would take the cores from what is measured.
    """
    if endpoints.gitea_url is not None or stack.name == "bench":
        return []
    program = builds.program("act")
    passed_on = {name: value for name, value in os.environ.items() if name.upper().startswith(PASSED_ON)}
    return [
        Process(
            name="ci-runner",
            command=_own("runner", stack),
            environment=passed_on,
            requires=("prepare-forge",),
            needs=(program,),
            ready=Says("takes runs"),
        )
    ]


def _forge(stack: Stack, endpoints: Endpoints) -> list[Process]:
    if endpoints.gitea_url is not None:
        return []
    port, program = stack.ports()["gitea"], builds.program("gitea")
    folder = stack.folder / "gitea"
    return [
        Process(
            name="gitea",
            command=(str(program), "web", "--config", str(folder / "app.ini")),
            environment={"GITEA_WORK_DIR": str(folder)},
            needs=(program,),
            ready=Answers(f"http://127.0.0.1:{port}/api/healthz"),
            nice=_elsewhere(stack),
        ),
        Process(name="prepare-forge", command=_own("prepare_forge", stack), requires=("gitea",), once=True),
    ]


def _tracker(stack: Stack) -> list[Process]:
    if not tracker.wanted():
        return []
    folder = tracker.folder(stack)
    return [
        Process(
            name="mlflow",
            command=tracker.command(folder, port=stack.ports()["mlflow"]),
            environment=tracker.environment(folder, sessions=stack.secret(tracker.SESSIONS)),
            needs=(tracker.program(),),
            ready=Answers(f"{tracker.url(stack)}/health"),
            death_signal=signal.SIGTERM,  # it passes that on to the process that serves
            nice=_elsewhere(stack),
        )
    ]
