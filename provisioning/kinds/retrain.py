"""Training again without a push: by a schedule, and when raw data in the project's bucket changes.

The portal keeps time and has CI begin, so that it works alike for each CI driver and survives a cluster's outage
(`projects.retraining`). What stands in the workspace says so, for people and for pipelines that want to know.
"""

from collections.abc import Iterator
from zoneinfo import available_timezones

from pydantic import Field, field_validator

from provisioning import ci, schedule
from provisioning.kind import Kind, Object, Options, Wish
from provisioning.manifests import apply, goes_with_namespace, manifest, observe
from provisioning.phrases import Phrase, phrase

_NAME = "retrain"
LONGEST = 100
"""Characters of a schedule and of a folder: what the columns of `projects.models.TrainingPlan` have room for."""
_OURS = ("dvc", "features", "mlflow")
"""Folders of the bucket that runs write into themselves: each training would start the next one."""


class RetrainOptions(Options):
    """What a team may choose about training again. Without a schedule and data, nothing is trained again."""

    schedule: str | None = Field(
        default=None,
        max_length=LONGEST,
        title="Train again at",
        description="Minute, hour, day, month, weekday as cron has them, such as 0 3 * * 1; at most once an hour.",
    )
    time_zone: str = Field(default="UTC", title="Time zone", description="Of the schedule, such as Europe/Stockholm.")
    data: str | None = Field(
        default=None,
        title="Train again when data changes in",
        description="A folder of the bucket, such as raw/, that trainings read anew (README: dvc import-url). "
        "Trained when its changes come to rest, hourly at most.",
    )

    @property
    def anything(self) -> bool:
        """Is there anything that trains again?"""
        return bool(self.schedule or self.data)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(phrase("Write a time zone, such as Europe/Stockholm."))
        return value

    @field_validator("data")
    @classmethod
    def _folder(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = value.strip("/").split("/")
        folder = f"{'/'.join(parts)}/"
        if value.startswith("/") or any(part in ("", ".", "..") for part in parts) or len(folder) > LONGEST:
            raise ValueError(phrase("Write a folder of the bucket, such as raw/."))
        if parts[0] in _OURS:
            raise ValueError(
                phrase("Runs write there themselves, so each would start the next one. Name a folder of raw data.")
            )
        return folder


def options_of(wish: Wish) -> RetrainOptions:
    """The team's choice."""
    return wish.options("retrain", RetrainOptions)


def wanted(wish: Wish) -> bool:
    """Does the project want it?"""
    return options_of(wish).anything


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """What can't be: a schedule that is none or comes too often, and CI that nobody can start."""
    chosen = options_of(wish)
    if chosen.schedule and (fault := schedule.check(chosen.schedule, zone=chosen.time_zone)):
        yield "schedule", fault
    if wanted(wish) and ci.driver(wish) is None:
        nobody = phrase(
            "No CI can be started on %(cluster)s, so nothing can be trained again.",
            cluster=wish.cluster.title or wish.cluster.name,
        )
        yield "schedule" if chosen.schedule else "data", nobody


def desired(wish: Wish) -> tuple[Object, ...]:
    """What was chosen, as a ConfigMap."""
    chosen = options_of(wish)
    data = {"schedule": chosen.schedule or "", "timeZone": chosen.time_zone, "data": chosen.data or ""}
    return (manifest(wish, "ConfigMap", _NAME, data=data),)


def summary(wish: Wish) -> Phrase:
    """When it is trained."""
    chosen = options_of(wish)
    at = phrase("at %(schedule)s (%(zone)s)", schedule=chosen.schedule, zone=chosen.time_zone)
    changed = phrase("when %(folder)s in %(bucket)s changes", folder=chosen.data, bucket=wish.names.bucket)
    if not chosen.anything:
        return phrase("Nothing trains it again but a push")
    when = changed if not chosen.schedule else at
    if chosen.schedule and chosen.data:
        when = phrase("%(at)s and %(changed)s", at=at, changed=changed)
    return phrase("CI trains the default branch again %(when)s", when=when)


KIND = Kind(
    name="retrain",
    title="Training again",
    system="cluster",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=goes_with_namespace,
    summary=summary,
    after=("namespace",),
    within="namespace",
    options=RetrainOptions,
    check=check,
    wanted=wanted,
)
