"""Where a project's experiments are tracked, and with which account: for the Kinds that make, deliver and use it."""

from pydantic import Field

from provisioning.kind import Options, Wish

PURPOSE = "tracking"
SECRET = "tracking-credentials"  # noqa: S105 (the name of a Secret)


class TrackingOptions(Options):
    """What a team may choose about tracking."""

    enabled: bool = Field(
        default=False,
        title="Track experiments with MLflow",
        description="Runs, parameters and metrics on the platform's MLflow; files in the project's bucket.",
    )


def wanted(wish: Wish) -> bool:
    """Does the project want its experiments tracked?"""
    return wish.options("tracking", TrackingOptions).enabled


def experiment(wish: Wish) -> str:
    """Name of the project's experiment."""
    return wish.names.namespace


def variables(wish: Wish) -> dict[str, str]:
    """All that a run needs to track itself: settings and account; {} where nothing is tracked."""
    where = settings(wish)
    return {**where, **account(wish)} if where else {}


def account(wish: Wish) -> dict[str, str]:
    """Name and password of the project's account, by the names that MLflow reads."""
    return {"MLFLOW_TRACKING_USERNAME": wish.names.store_user, "MLFLOW_TRACKING_PASSWORD": wish.secret(PURPOSE)}


def settings(wish: Wish) -> dict[str, str]:
    """Where experiments go, by the names that MLflow reads; {} where nothing is tracked."""
    if wish.tracker is None or not wanted(wish):
        return {}
    return {
        "MLFLOW_TRACKING_URI": wish.tracker.url.rstrip("/"),
        "MLFLOW_EXPERIMENT_NAME": experiment(wish),
        "MLFLOW_S3_ENDPOINT_URL": wish.object_store.url,
    }
