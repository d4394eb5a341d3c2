"""How rows are held until the end of a transaction, and the one order in which everybody takes them, so that nobody
waits for somebody who waits for them.

First an account, then projects, several by number, then teams, several by number. What hangs on a project (requests,
offers, consents, memberships, resources, its repository) is held only while the project is, or by who takes nothing
more after it; while there is no project yet, its request stands in its place. Whoever works a run off holds the run
before all that.

Rows are held against changes, not against being referred to (`no_key`): so whoever tells an account of something, or
writes what happened to a project, waits for nobody. To Postgres a new user name is a new key. It is written last.
"""

from django.db.models import QuerySet

from projects.models import Project, Team


def hold_project(pk: int, *, lock: bool = True) -> Project:
    """The project as it is now, with its team, under lock; without, for who only looks ahead, so that nobody waits."""
    rows = Project.objects.select_related("team")
    return (rows.select_for_update(of=("self",), no_key=True) if lock else rows).get(pk=pk)


def hold_projects(projects: QuerySet[Project]) -> list[int]:
    """Keys of these projects, under lock."""
    rows = projects.order_by("pk").select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True))


def held_teams() -> QuerySet[Team]:
    """All teams; those that are read of them are under lock from then on."""
    return Team.objects.order_by("pk").select_for_update(no_key=True)
