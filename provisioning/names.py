"""Every external name of a project, decided before anything is asked.

Deterministic from slug, team and uid, so that an unknown outcome is settled by looking. The slug is at most 40
characters and the prefix at most 12, so no name is ever cut (a namespace and a bucket have 63) and two slugs never
meet in one name. Names that nobody types (user and policy of the store) carry a piece of the uid: a new project with
an old slug never meets the keys of the old one.
"""

import re
import unicodedata
from dataclasses import dataclass

from provisioning.spec import SLUG_MAX

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "slipway"
LABEL_UID = "slipway.dev/uid"
LABEL_PROJECT = "slipway.dev/project"
LABEL_TEAM = "slipway.dev/team"
ANNOTATION_PORTAL = "slipway.dev/portal"

SYSTEM_RESERVED = (
    "default",
    "kube-*",
    "openshift-*",
    "slipway",
    "slipway-*",
    "minio",
    "new",
    "plan",
    "names",
    "api",
    "admin",
)


@dataclass(frozen=True)
class Names:
    """The external names of one project."""

    slug: str
    team: str
    uid: str
    prefix: str

    @property
    def namespace(self) -> str:
        return f"{self.prefix}{self.slug}"

    @property
    def bucket(self) -> str:
        return f"{self.prefix}{self.slug}"

    @property
    def store_user(self) -> str:
        """Policy name in the object store, and access key id of the first key."""
        return f"{self.prefix}{self.slug}-{self.uid[:8]}"

    def store_user_at(self, version: int) -> str:
        """Access key id of a version of the key. Two names in turn: a new key and the last one have their own."""
        return self.store_user if version % 2 else f"{self.store_user}-b"

    @property
    def repository(self) -> str:
        return f"{self.team}/{self.slug}"

    def labels(self) -> dict[str, str]:
        """The mark that everything of ours carries, wherever labels or tags exist."""
        return {
            MANAGED_BY: MANAGER,
            LABEL_PROJECT: self.slug,
            LABEL_UID: self.uid,
            LABEL_TEAM: self.team,
        }


def reserved(slug: str, *, patterns: tuple[str, ...]) -> str | None:
    """The pattern that reserves this slug (`kube-*` stands for the word and all that begin with `kube-`), or None."""
    for pattern in (*SYSTEM_RESERVED, *patterns):
        stem = pattern.removesuffix("*")
        if slug == pattern or (stem != pattern and (slug.startswith(stem) or slug == stem.rstrip("-"))):
            return pattern
    return None


def suggest_slug(title: str) -> str:
    """A slug made of what somebody typed as a title: "Größen & Demand" is "grossen-demand". "" when nothing is left."""
    plain = unicodedata.normalize("NFKD", title.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return re.sub(r"^([0-9-]|xn-)+", "", words)[:SLUG_MAX].rstrip("-")
