"""An experiment of the project's own on the platform's MLflow, its files in the project's bucket, and an account.

The experiment carries the project's uid as a tag, given with its birth, so whose it is is never guessed. The account's
name has a piece of the uid. MLflow keeps one password an account, so a rotated one has no overlap. Where the server
lets every account into every experiment, nothing is made: nobody's runs would be their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from provisioning.errors import AlreadyExists, NameTaken, TargetUnavailable, TemporaryError
from provisioning.kind import Body, Credential, Each, Kind, Object, Right, Wish
from provisioning.names import LABEL_UID
from provisioning.phrases import Phrase, phrase
from provisioning.tracking import PURPOSE, SECRET, TrackingOptions, account, experiment, wanted

_PERMISSION, _NONE = "EDIT", "NO_PERMISSIONS"


class TrackerClient(Protocol):
    """What this Kind uses of `provisioning.clients.mlflow.Tracker`."""

    def experiment(self, name: str) -> dict[str, Any] | None: ...
    def make_experiment(self, name: str, *, artifacts: str, tags: Mapping[str, str]) -> None: ...
    def tag_experiment(self, identifier: str, key: str, value: str) -> None: ...
    def restore_experiment(self, identifier: str) -> None: ...
    def remove_experiment(self, identifier: str, *, rename: str) -> None: ...
    def signs_in(self, username: str, password: str) -> bool: ...
    def put_user(self, username: str, password: str) -> None: ...
    def delete_user(self, username: str) -> bool: ...
    def default_permission(self, identifier: str = ...) -> str: ...
    def permission(self, identifier: str, username: str) -> str: ...
    def put_permission(self, identifier: str, username: str, permission: str) -> None: ...


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """Tracking where the platform has no tracker."""
    if wanted(wish) and wish.tracker is None:
        yield (
            "enabled",
            phrase("The platform offers no MLflow server. Leave this off, or ask the platform team for one."),
        )


def desired(wish: Wish) -> tuple[Object, ...]:
    """Experiment, account and what the account may do there."""
    name, user = experiment(wish), wish.names.store_user
    body = {"artifacts": f"s3://{wish.names.bucket}/mlflow", "tags": wish.names.labels(), "deleted": False}
    return (
        Object(key=f"experiment/{name}", body=body),
        Object(key=f"account/{user}", body={"password_version": wish.version(PURPOSE)}),
        Object(key=f"permission/{user}", body={"permission": _PERMISSION}),
    )


def rights(wish: Wish) -> Iterator[Right]:
    """Who can use the account: whoever may read the Secret with its password."""
    for one in wish.spec.readers_of_secrets():
        text = phrase(
            "log runs to %(experiment)s (account in the Secret %(secret)s)",
            experiment=experiment(wish),
            secret=SECRET,
        )
        yield Right(subject=one.subject, is_group=one.is_group, text=text)


def observe(wish: Wish, client: TrackerClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """The objects as MLflow has them. Raises NameTaken for an experiment that isn't this project's."""
    user, found = wish.names.store_user, _own(wish, client)
    if found is not None:
        _refuse_open(wish, client.default_permission(found["id"]))
    right = client.signs_in(user, account(wish)["MLFLOW_TRACKING_PASSWORD"])
    granted = client.permission(found["id"], user) if found and right else None
    seen: dict[str, Body | None] = {
        "experiment": {key: found[key] for key in ("artifacts", "tags", "deleted")} if found else None,
        "account": {"password_version": wish.version(PURPOSE)} if right else None,
        "permission": {"permission": granted} if granted else None,
    }
    return {thing.key: seen[thing.key.partition("/")[0]] for thing in objects}


def apply(wish: Wish, client: TrackerClient, objects: Sequence[Object], _each: Each) -> None:
    """Make the objects so; the permission needs the other two."""
    user, asked = wish.names.store_user, {thing.key.partition("/")[0] for thing in objects}
    _refuse_open(wish, client.default_permission())
    if "experiment" in asked:
        _have_experiment(wish, client)
    if "account" in asked:
        client.put_user(user, account(wish)["MLFLOW_TRACKING_PASSWORD"])
    if asked & {"account", "permission"}:
        found = _own(wish, client)
        if found is None:
            raise TemporaryError(
                phrase(
                    "The experiment %(experiment)s went while we looked. We look again.", experiment=experiment(wish)
                ),
                delay=1,
            )
        client.put_permission(found["id"], user, _PERMISSION)


def _refuse_open(wish: Wish, default: str) -> None:
    """Raises TargetUnavailable where an account that was given nothing may do something all the same."""
    if default != _NONE:
        raise TargetUnavailable(
            phrase(
                "%(target)s gives every account %(default)s on every experiment, so nothing is made there. The "
                "platform team sets default_permission = %(none)s in its auth settings; we look again by "
                "ourselves.",
                target=wish.target("tracker"),
                default=default,
                none=_NONE,
            )
        )


def _have_experiment(wish: Wish, client: TrackerClient) -> None:
    """Make the experiment, or put back what was changed on it. Raises NameTaken when it is somebody else's."""
    name, place = experiment(wish), f"s3://{wish.names.bucket}/mlflow"
    found = _own(wish, client)
    if found is None:
        try:
            client.make_experiment(name, artifacts=place, tags=wish.names.labels())
        except AlreadyExists:
            _own(wish, client)
        return
    if found["deleted"]:
        client.restore_experiment(found["id"])
    for key, value in wish.names.labels().items():
        if found["tags"].get(key) != value:
            client.tag_experiment(found["id"], key, value)


def _own(wish: Wish, client: TrackerClient) -> dict[str, Any] | None:
    """The project's experiment; None when there is none. Raises NameTaken for one without our uid."""
    name = experiment(wish)
    found = client.experiment(name)
    if found is not None and found["tags"].get(LABEL_UID) != wish.uid:
        raise NameTaken(
            phrase(
                "The experiment %(name)s exists and is not this project's. Pick another name, or rename it.", name=name
            )
        )
    return found


def delete(wish: Wish, client: TrackerClient) -> bool:
    """The account dies first. The experiment goes only with `wish.remove_data`; another's of the name is left alone."""
    client.delete_user(wish.names.store_user)
    gone = f"{experiment(wish)} ({wish.uid[:8]}, removed)"
    if wish.remove_data:
        # One that was renamed and not deleted, as the worker died in between, is looked for by its new name too.
        for name in (experiment(wish), gone):
            found = client.experiment(name)
            if found is not None and not (found["deleted"] and name == gone) and _is_ours(wish, found):
                if found["deleted"]:
                    client.restore_experiment(found["id"])
                client.remove_experiment(found["id"], rename=gone)
    return True


def _is_ours(wish: Wish, found: Mapping[str, Any]) -> bool:
    return bool(found["tags"].get(LABEL_UID) == wish.uid)


def summary(wish: Wish) -> Phrase:
    """Where runs are logged, and where their files are."""
    return phrase(
        "Experiment %(experiment)s, files of runs in %(bucket)s/mlflow",
        experiment=experiment(wish),
        bucket=wish.names.bucket,
    )


KIND = Kind(
    name="tracking",
    title="Experiment tracking",
    system="tracker",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    holds_data=True,
    options=TrackingOptions,
    check=check,
    wanted=wanted,
    rights=rights,
    credentials=(
        Credential(
            purpose=PURPOSE,
            title="MLflow password",
            kinds=("actions", "tracking", "tracking_account"),
            place=f"Secret {SECRET} in %(namespace)s",
            overlaps=False,
            shown=account,
        ),
    ),
)
