"""A project's feature store: what it is called and what opens it, for the Kinds that make, deliver and offer it."""

from pydantic import Field

from provisioning import database_trust
from provisioning.kind import Options, Wish

OPTIONS = "features"
PURPOSE = "features"
SECRET = "feature-store-credentials"  # noqa: S105 (the name of a Secret)


class FeaturesOptions(Options):
    """What a team may choose about its feature store."""

    enabled: bool = Field(
        default=False,
        title="Feature store with Feast",
        description="Registry and online store in a Postgres schema of your own, offline data in your bucket.",
    )


def wanted(wish: Wish) -> bool:
    """Does the project want a feature store?"""
    return wish.options(OPTIONS, FeaturesOptions).enabled


def schema(wish: Wish) -> str:
    """Name of the project's role and schema. A slug has no underscore, so two projects never meet in one."""
    return wish.names.namespace.replace("-", "_")


def variables(wish: Wish) -> dict[str, str]:
    """All that Feast takes: settings, login and whom to trust; {} where there is no feature store."""
    where = settings(wish)
    return {**where, **login(wish), **database_trust.variables(wish)} if where else {}


def login(wish: Wish) -> dict[str, str]:
    """Name and password of the project's role, by the names of its variables."""
    return {"FEATURES_DB_USER": schema(wish), "FEATURES_DB_PASSWORD": wish.secret(PURPOSE)}


def settings(wish: Wish) -> dict[str, str]:
    """Where the parts of the feature store are, by the names of their variables; {} where there is none."""
    if wish.database is None or not wanted(wish):
        return {}
    return {
        "FEATURES_DB_HOST": wish.database.host,
        "FEATURES_DB_PORT": str(wish.database.port),
        "FEATURES_DB_NAME": wish.database.database,
        "FEATURES_DB_SSLMODE": database_trust.ssl_mode(wish.database),
        "FEATURES_URL": f"s3://{wish.names.bucket}/features",
    }
