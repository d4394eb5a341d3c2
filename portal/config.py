"""The portal's configuration: one typed object, read from the environment and from one folder of secret files.

It fails at start with every fault named. Secrets are files, so that they can be mounted and rotated. The addresses of
database and Redis may carry a password; better is a file, `database-password`, or libpq's own PGPASSFILE.
"""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from projects.installation import Installation
from provisioning.catalogue import Catalogue, load
from provisioning.directory import is_object_id
from provisioning.project_templates.rendering import Templates
from provisioning.secrets import KeyRing, resolver

_ROOT = Path(__file__).resolve().parent.parent


class Config(BaseSettings):
    """Everything that differs between two installations. Variables carry the prefix SLIPWAY_."""

    model_config = SettingsConfigDict(env_prefix="SLIPWAY_", extra="ignore", frozen=True)

    database_url: str = "postgresql://portal@127.0.0.1:5432/slipway"
    redis_url: str = "redis://127.0.0.1:6379/0"
    catalogue: Path = Path("platform.example.yaml")
    secrets_dir: Path = Path("secrets")
    templates_dir: Path = _ROOT / "catalogue" / "templates"
    templates_python: Path = _ROOT / ".venv-templates" / "bin" / "python"
    public_url: str = "http://localhost:8000"
    trusted_proxies: int = Field(default=0, ge=0)
    debug: bool = False
    log_format: Literal["console", "json"] = "json"
    metrics_port: int = 0
    metrics_address: str = "127.0.0.1"
    build_only: bool = Field(default=False, description="For commands that need no secrets, such as collectstatic.")

    adfs_server: str = "localhost:8443"
    adfs_client_id: str = "slipway"
    adfs_relying_party_id: str = "urn:slipway"
    adfs_ca_bundle: str = ""
    adfs_mode: Literal["adfs", "entra"] = "adfs"
    adfs_tenant_id: str = ""
    adfs_platform_admin_group: str = "ml-platform"
    same_object_ids: bool = Field(
        default=False,
        description="The identity provider sends the directory's object ids, though they are of two kinds.",
    )

    mail_host: str = ""
    mail_port: int = Field(default=25, gt=0, lt=65536)
    mail_security: Literal["none", "starttls", "tls"] = "none"
    mail_user: str = ""
    mail_from: str = Field(
        default="", validate_default=True, pattern=r"^$|^[^\x00-\x1f\x7f<>@]*<?[^\s<>@]+@[^\s<>@]+>?$"
    )
    mail_window_seconds: float = Field(default=120.0, ge=0)

    lease_seconds: float = Field(default=8.0, gt=1)
    sweep_seconds: float = Field(default=2.0, gt=0)
    scan_seconds: float = Field(default=10.0, gt=0)
    resync_seconds: float = Field(default=600.0, gt=0)
    usage_seconds: float = Field(default=180.0, gt=0)
    directory_seconds: float = Field(default=300.0, gt=0)

    @field_validator("mail_from")
    @classmethod
    def _mails_say_from_whom(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("mail_host") and not value:
            # A sender that we make up would be refused by others, or be somebody else's.
            raise ValueError(
                "where SLIPWAY_MAIL_HOST is given, say whom mails come from: Slipway <slipway@corp.example>"
            )
        return value

    @field_validator("adfs_platform_admin_group")
    @classmethod
    def _as_directories_write_ids(cls, value: str) -> str:
        return value.lower() if is_object_id(value) else value

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("give scheme and host only, such as https://slipway.corp.example")
        return value.rstrip("/")

    @property
    def identity_tenant(self) -> str:
        """The tenant that an account is known by, beside its object id."""
        return self.adfs_tenant_id or "adfs"

    def installation(self) -> Installation:
        """What domain and engine need of all this. Raises CatalogueError, FileNotFoundError or ValueError at start."""
        ring = KeyRing(keys=()) if self.build_only else KeyRing.parse((self.secrets_dir / "key-ring").read_text())
        catalogue = load(self.catalogue)
        self._check_object_ids(catalogue)
        return Installation(
            catalogue=catalogue,
            key_ring=ring,
            resolve=resolver(folder=self.secrets_dir),
            templates=Templates(folder=self.templates_dir, python=self.templates_python),
            public_url=self.public_url,
            lease=timedelta(seconds=self.lease_seconds),
            resync=timedelta(seconds=self.resync_seconds),
            directory_every=timedelta(seconds=self.directory_seconds),
            platform_group=self.adfs_platform_admin_group,
            tenant=self.identity_tenant,
            mail_from=self.mail_from if self.mail_host else "",
            mail_window=timedelta(seconds=self.mail_window_seconds),
        )

    def _check_object_ids(self, catalogue: Catalogue) -> None:
        """Raises ValueError where sign-in and sync would know people by different ids: nobody signed in would be found
        in the directory, and an id that is nowhere is nobody's.
        """
        fits = {"adfs": "ldap", "entra": "graph"}[self.adfs_mode]
        if catalogue.directory is not None and catalogue.directory.kind != fits and not self.same_object_ids:
            raise ValueError(
                f"SLIPWAY_ADFS_MODE={self.adfs_mode} needs a directory of kind {fits}, and the catalogue's is of kind "
                f"{catalogue.directory.kind}: Entra ID and Active Directory give one person different object ids, so "
                "the first sync would take everybody's rights. Sign in by the provider that the directory belongs to, "
                f"or take the directory of kind {fits}. Where the provider sends the directory's object ids as oid, "
                "set SLIPWAY_SAME_OBJECT_IDS=1."
            )

    def secret(self, name: str) -> str:
        """The text of a secret file, "" when it is not there."""
        path = self.secrets_dir / name
        return path.read_text().strip() if path.is_file() else ""

    def django_secret_key(self) -> str:
        """Django's signing key. Only commands that serve nobody may do without the file."""
        key = self.secret("django-secret-key")
        if key:
            return key
        if self.build_only:
            return secrets.token_urlsafe(50)
        raise FileNotFoundError(f"The file django-secret-key is missing in {self.secrets_dir}.")

    def database(self) -> dict[str, object]:
        """Django's DATABASES entry for `database_url`."""
        parts = urlsplit(self.database_url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or "") or self.secret("database-password"),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
        }


config = Config()
