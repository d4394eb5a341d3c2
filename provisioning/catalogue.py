"""`platform.yaml`: what the platform team offers. Read and checked once, at start, with every fault named.

Targets, plans, templates, policy and reserved names stand in it; secrets only as references (`provisioning.secrets`).
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, IPvAnyNetwork, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from provisioning import catalogue_checks, run_pages
from provisioning.channels import Channel
from provisioning.data_stores import DataStore
from provisioning.entries import Entry, Name, Named
from provisioning.forge import LIKE_GITHUB, ForgeKind
from provisioning.policy_rules import Decisions, Rule, as_pattern
from provisioning.quantities import parse_quantity
from provisioning.secrets import SecretRef


class CatalogueError(Exception):
    """platform.yaml can't be used. The message lists every fault with its place."""


def _quantity(value: str) -> str:
    parse_quantity(value)
    return value


Quantity = Annotated[str, AfterValidator(_quantity)]


def _short_enough(pattern: str) -> str:
    if run_pages.longest(pattern) > run_pages.LENGTH:
        raise ValueError(f"with long names it has more than {run_pages.LENGTH} characters")
    return pattern


# No dollar sign: Tekton and Kubernetes would read more into it.
_PAGE = rf"[^{run_pages.NEVER}@${{}}]"
RunPage = Annotated[
    str,
    Field(pattern=rf"^(https?://{_PAGE}+(\{{(namespace|run)\}}{_PAGE}*)+)?$"),
    AfterValidator(_short_enough),
]


class ClusterLogin(Entry):
    """How people's own kubectl signs in to a cluster: by OpenID Connect, with the plugin oidc-login."""

    issuer: Annotated[str, Field(pattern=r"^https://\S+$")]
    client_id: Annotated[str, Field(pattern=r"^\S+$")]
    scopes: tuple[Annotated[str, Field(pattern=r"^[^\s,]+$")], ...] = ()
    ca: SecretRef | None = None
    grant: Literal["authcode", "device-code"] = "authcode"


class ClusterTarget(Named):
    """A Kubernetes cluster. `public_api` is its address for people, where that is another one than the portal's.

    ci: what runs CI, see `provisioning.ci`. package_index: where runs in it get Python's packages from; "" for PyPI.
    ci_image: what those on Tekton run in; it has git and the Python of the template. ci_dashboard_url: where people see
    such a run, with {namespace} and {run} for its own; "" for nowhere.
    """

    api: str
    public_api: str = ""
    login: ClusterLogin | None = None
    ca: SecretRef | None = None
    token: SecretRef
    user_prefix: str = ""
    group_prefix: str = ""
    ci_listener_url: str = ""
    event_listener: Literal["shared", "project"] = "shared"
    ci: Literal["auto", "tekton", "actions"] = "auto"
    # Without a user and password: they would be no secrets here.
    package_index: Annotated[str, Field(pattern=r"^(https?://[^\s@]+)?$")] = ""
    ci_image: Annotated[str, Field(pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]*$")] = "docker.io/library/python:3.11"
    ci_dashboard_url: RunPage = ""
    platform_namespaces: tuple[str, ...] = ()
    platform_cidrs: tuple[IPvAnyNetwork, ...] = ()
    pod_security_version: str = "latest"


class ObjectStoreTarget(Named):
    """An object store with MinIO's S3 and admin interfaces. `endpoint`: a URL, or host:port for https."""

    endpoint: str
    region: str = "us-east-1"
    access_key: SecretRef
    secret_key: SecretRef

    @property
    def url(self) -> str:
        """Its address, as the portal and the workspaces reach it."""
        return self.endpoint if "://" in self.endpoint else f"https://{self.endpoint}"


class ForgeSsh(Entry):
    """How CI clones: where every SSH address begins, and the host keys of the forge ("ssh-ed25519 AAAA…")."""

    url: Annotated[str, Field(pattern=r"^ssh://[A-Za-z0-9._-]+@[A-Za-z0-9.-]+(:\d{1,5})?/?$")]
    host_keys: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*$")], ...], Field(min_length=1)
    ]

    def known_hosts(self) -> str:
        """The lines of a known_hosts file that pins the forge's keys."""
        host, _, port = self.url.removeprefix("ssh://").rstrip("/").rpartition("@")[2].partition(":")
        place = f"[{host}]:{port}" if port not in ("", "22") else host
        return "".join(f"{place} {key}\n" for key in self.host_keys)


class ForgeTarget(Named):
    """A git forge. `url` is the address of its pages; `bot` is the account that our token belongs to.

    Without `ssh`, CI gets no key to clone with. `actions`: the forge has runners that run workflow files.
    `vouches_for_mail`: nobody there can have a mail address that isn't theirs, so that one says who somebody is. The
    platform team says so; without it nobody of the forge is known by one.
    """

    kind: ForgeKind = "gitea"
    url: str
    token: SecretRef
    bot: str
    vouches_for_mail: bool = False
    ssh: ForgeSsh | None = None
    actions: bool = False

    @model_validator(mode="after")
    def _runs_workflows(self) -> "ForgeTarget":
        if self.actions and self.kind not in LIKE_GITHUB:
            raise ValueError("GitLab runs no workflow files; leave actions out")
        return self


class TrackerTarget(Named):
    """An MLflow server with its basic-auth app. `url`: as the portal *and* the workspaces reach it.

    username, password: an administrator's account of it. ca: what its certificate is checked with, by the portal.
    """

    url: Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")]
    ca: SecretRef | None = None
    username: str = Field(min_length=1)
    password: SecretRef


ROLE_CONNECTIONS = 20
"""How many a role of a project has at once, so that one project can't take all that the server of a database has."""


class DatabaseTarget(Named):
    """A Postgres database for data of projects, never the portal's own. `host`, `port`: as the portal *and* the
    workspaces reach it.

    username, password: an account that owns the database and may make roles (CREATEROLE).
    """

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]
    port: int = Field(default=5432, ge=1, le=65535)
    database: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")]
    username: str = Field(min_length=1)
    password: SecretRef
    tls: bool = True
    ca: SecretRef | None = None


class _Directory(Named):
    """What the kinds of directory have in common: how much of it may vanish at once before a person is asked."""

    brake_percent: int = Field(default=10, ge=1, le=100)
    brake_at_least: int = Field(default=20, ge=0)


class LdapDirectory(_Directory):
    """An Active Directory domain, by LDAPS. `people_base`, `groups_base`: where to look, when not in all of `base`."""

    kind: Literal["ldap"]
    url: Annotated[str, Field(pattern=r"^ldaps://[A-Za-z0-9.-]+(:\d{1,5})?/?$")]
    ca: SecretRef | None = None
    bind_account: str = Field(min_length=1)
    bind_password: SecretRef
    base: str = Field(min_length=1)
    people_base: str = ""
    groups_base: str = ""
    people_filter: str = "(&(objectCategory=person)(objectClass=user)(!(isCriticalSystemObject=TRUE)))"
    groups_filter: str = (
        "(&(objectClass=group)(groupType:1.2.840.113556.1.4.803:=2147483648)(!(isCriticalSystemObject=TRUE)))"
    )


class GraphDirectory(_Directory):
    """An Entra ID tenant, by Microsoft Graph."""

    kind: Literal["graph"]
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")]
    client_id: str = Field(min_length=1)
    client_secret: SecretRef
    login: Annotated[str, Field(pattern=r"^https://[^/@?#]+/?$")] = "https://login.microsoftonline.com"
    graph: Annotated[str, Field(pattern=r"^https://[^/@?#]+/?$")] = "https://graph.microsoft.com"
    ca: SecretRef | None = None
    people_filter: str = ""
    groups_filter: str = "securityEnabled eq true"


class Plan(Entry):
    """A named size. `units` is what it takes from a team's budget."""

    name: str = ""
    title: str = ""
    cpu: Quantity
    memory: Quantity
    gpu: int = Field(default=0, ge=0)
    pods: int = Field(gt=0)
    storage: Quantity
    bucket: Quantity
    units: int = Field(gt=0)


class ProjectTemplate(Named):
    """What a project may start from: a folder of the platform's templates, or a template repository of the forge."""

    forge: str
    copier: Name | None = None
    repository: Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "ProjectTemplate":
        if (self.copier is None) == (self.repository is None):
            raise ValueError("give either copier, a folder of the platform's templates, or repository, owner/name")
        return self


class Succession(Entry):
    """For how many days each is asked to take over a project whose last owner left, before the next are."""

    editors_days: int = Field(default=7, ge=0)
    team_days: int = Field(default=7, ge=0)


class Naming(Entry):
    """How external names are made from a slug."""

    prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,10}-$")] = "ml-"


class CredentialPolicy(Entry):
    """How long an old key works beside a new one, and after how many days pages remind of rotating (None: never)."""

    overlap_hours: int = Field(default=24, ge=0, le=24 * 30)
    rotate_after_days: int | None = Field(default=None, ge=1, le=3650)


class Defaults(Entry):
    """What a spec means when it doesn't say."""

    cluster: str
    object_store: str
    forge: str
    plan: str


class Catalogue(Entry):
    """The whole of platform.yaml."""

    version: Literal[1]
    naming: Naming = Naming()
    defaults: Defaults
    clusters: tuple[ClusterTarget, ...]
    object_stores: tuple[ObjectStoreTarget, ...]
    forges: tuple[ForgeTarget, ...]
    trackers: Annotated[tuple[TrackerTarget, ...], Field(max_length=1)] = ()
    databases: Annotated[tuple[DatabaseTarget, ...], Field(max_length=1)] = ()
    directory: Annotated[LdapDirectory | GraphDirectory, Field(discriminator="kind")] | None = None
    plans: dict[str, Plan]
    templates: tuple[ProjectTemplate, ...] = ()
    data_stores: tuple[DataStore, ...] = ()
    policy: tuple[Rule, ...] = ()
    succession: Succession = Succession()
    decisions: Decisions = Decisions()
    notify: tuple[Channel, ...] = ()
    reserved_names: tuple[str, ...] = ()
    credentials: CredentialPolicy = CredentialPolicy()
    drift: dict[str, Literal["heal", "warn", "ignore"]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_plans(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("plans"), dict):
            plans = {
                name: {**plan, "name": name} if isinstance(plan, dict) else plan for name, plan in data["plans"].items()
            }
            return {**data, "plans": plans}
        return data

    @model_validator(mode="after")
    def _holds_together(self) -> "Catalogue":
        if faults := catalogue_checks.faults(self):
            raise ValueError("; ".join(faults))
        return self

    def cluster(self, name: str | None = None) -> ClusterTarget:
        """The cluster of that name, or the default one. Raises KeyError when it is not in the catalogue."""
        return _named(self.clusters, name or self.defaults.cluster)

    def object_store(self, name: str | None = None) -> ObjectStoreTarget:
        """The object store of that name, or the default one. Raises KeyError when it is not in the catalogue."""
        return _named(self.object_stores, name or self.defaults.object_store)

    def forge(self, name: str | None = None) -> ForgeTarget:
        """The forge of that name, or the default one. Raises KeyError when it is not in the catalogue."""
        return _named(self.forges, name or self.defaults.forge)

    def tracker(self) -> TrackerTarget | None:
        """The tracker of experiments; None when the platform offers none."""
        return self.trackers[0] if self.trackers else None

    def database(self) -> DatabaseTarget | None:
        """The database for data of projects; None when the platform offers none."""
        return self.databases[0] if self.databases else None

    def template(self, name: str) -> ProjectTemplate:
        """The project template of that name. Raises KeyError when it is not in the catalogue."""
        return _named(self.templates, name)

    def sentences(self, language: str) -> dict[str, str]:
        """What the rules say in a language: by the pattern of the English sentence, the pattern of theirs."""
        return {
            as_pattern(rule.because): as_pattern(rule.because_in[language])
            for rule in self.policy
            if language in rule.because_in
        }


Listed = TypeVar("Listed", bound=Named)


def _named(entries: tuple[Listed, ...], name: str) -> Listed:
    for entry in entries:
        if entry.name == name:
            return entry
    raise KeyError(name)


def load(path: Path) -> Catalogue:
    """Read platform.yaml. Raises CatalogueError with the file's name and all faults, each with its place."""
    try:
        data = YAML(typ="safe", pure=True).load(path.read_text())
    except OSError as error:
        raise CatalogueError(f"{path.name}: can't be read: {error.strerror}") from error
    except YAMLError as error:
        raise CatalogueError(f"{path.name}: not YAML: {error}") from error
    try:
        return Catalogue.model_validate(data)
    except ValidationError as error:
        faults = [f"  {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise CatalogueError(f"{path.name} has {len(faults)} fault(s):\n" + "\n".join(faults)) from error
