"""A project of alice's that asks to read data of team vision, and bob, who decides about that data."""

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.models import Group

from portal.models import User
from projects import actions, consenting
from projects.consents import in_force
from projects.installation import installation
from projects.models import DataConsent, Door, Membership, Project
from projects.today import today
from tests.people import person, team
from tests.projects.tended import World

STORES: list[dict[str, Any]] = [
    {
        "name": name,
        "title": title,
        "owner": "vision",
        "object_store": "store-1",
        "bucket": "vision-shared",
        "prefix": prefix,
    }
    for name, title, prefix in (
        ("winter-roads", "Winter roads", "roads/winter"),
        ("summer-roads", "Summer roads", "roads/summer"),
    )
]


def day(days: int) -> date:
    return today() + timedelta(days=days)


def reading(*stores: str, days: int = 30) -> dict[str, Any]:
    return {"data": {"read": list(stores), "until": day(days).isoformat()}}


def keeper() -> User:
    """bob, of team vision instead of alice's, where he owns the project lanes."""
    bob = person("bob")
    bob.groups.set([Group.objects.get_or_create(name="ml-vision")[0]])
    if not Project.objects.filter(slug="lanes").exists():
        spec = {"version": 1, "slug": "lanes", "team": "vision", "plan": "small"}
        spec["contributors"] = [{"user": bob.username, "role": "owner"}]  # type: ignore[assignment]
        lanes = Project.objects.create(slug="lanes", team=team("vision"), spec=spec, next_look_at=None)
        Membership.objects.create(project=lanes, subject=bob.username, role="owner", source=Door.FORM)
    return User.objects.get(pk=bob.pk)


def project(*stores: str, days: int = 30, slug: str = "demand") -> Project:
    """alice's new project, made with the wish to read these."""
    keeper()
    team("forecasting")
    data: dict[str, Any] = {"slug": slug, "team": "forecasting", "plan": "small"}
    if stores:
        data["options"] = reading(*stores, days=days)
    made = actions.create(data, by=person("alice"), door=Door.API, installation=installation()).project
    assert made is not None
    return made


def change(row: Project, *stores: str, days: int = 30, **more: Any) -> Project:
    """The project changed by alice so that it wants to read these."""
    row = Project.objects.select_related("team").get(pk=row.pk)
    options = reading(*stores, days=days) if stores else {}
    data = {**row.spec, "options": options, **more}
    actions.change(row, data, by=person("alice"), door=Door.API, installation=installation())
    return Project.objects.select_related("team").get(pk=row.pk)


def consent(row: Project, store: str = "winter-roads") -> DataConsent:
    """The newest about this store."""
    return DataConsent.objects.filter(project=row, store=store).select_related("team", "project__team")[0]


def let(row: Project) -> dict[str, date]:
    """By store, until when its team lets the project read it."""
    return {name: one.until for name, one in in_force(row).items()}


def states(row: Project) -> list[tuple[str, int, str]]:
    """Of each consent, oldest first: store, days from today, state."""
    return [(one.store, (one.until - today()).days, one.state) for one in row.consents.order_by("pk")]


def give(row: DataConsent, by: User | None = None) -> DataConsent:
    """Say yes, as bob unless told otherwise."""
    return consenting.give(row, by=by or keeper(), door=Door.API, installation=installation())


def reject(row: DataConsent, by: User | None = None) -> DataConsent:
    """Say no."""
    return consenting.reject(row, by=by or keeper(), door=Door.API, why="Faces are in it.")


def withdraw(row: DataConsent, by: User | None = None) -> DataConsent:
    """Not any more."""
    return consenting.withdraw(row, by=by or keeper(), door=Door.API, why="It was found wrong.")


def ask_again(row: Project, store: str = "winter-roads", who: str = "alice") -> DataConsent:
    """Have somebody ask once more."""
    return consenting.ask_again(row, store=store, by=person(who), door=Door.API, installation=installation())


def opened(world: World) -> list[str]:
    """What the key of the project reads of other teams, as the store has it."""
    (found,) = (one for name, one in world.store.policies.items() if name.startswith("ml-demand"))
    arns = [one["Resource"][0] for one in found["Statement"] if one["Sid"].startswith("DataRead")]
    return [arn.removeprefix("arn:aws:s3:::vision-shared/") for arn in arns]
