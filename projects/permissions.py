"""Who may do what: predicates over a person, asked by pages, API and webhooks, and again by the worker.

A person's rights come from the directory groups of the last sign-in and from memberships. Unknown means no.
"""

from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from projects.models import Membership, Project, ProjectRequest, Team
from projects.today import today
from provisioning.spec import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    class Person(AbstractUser):
        """What we need of a user: account name and the directory groups of the last sign-in."""

        directory_groups: tuple[str, ...]


def is_platform_admin(user: "Person") -> bool:
    """A member of the platform team (or a break-glass administrator)."""
    return bool(user.is_active and (user.is_staff or user.is_superuser))


def _mine(user: "Person", *, day: date) -> Q:
    subject = Q(is_group=False, subject=user.username.lower()) | Q(is_group=True, subject__in=user.directory_groups)
    return subject & (Q(until=None) | Q(until__gte=day))


def teams_of(user: "Person") -> QuerySet[Team]:
    """Teams the person is in, by directory group. The platform team is in all."""
    if is_platform_admin(user):
        return Team.objects.all()
    return Team.objects.filter(ad_groups__overlap=list(user.directory_groups))


def is_in_team(user: "Person", team: Team) -> bool:
    """In the team by a directory group, or of the platform team."""
    return user.is_active and (is_platform_admin(user) or bool(set(team.ad_groups) & set(user.directory_groups)))


def visible_projects(user: "Person") -> QuerySet[Project]:
    """Projects the person may see: own role, own team, or all for the platform team; never removed ones."""
    projects = Project.objects.filter(deleted_at=None)
    if not user.is_active:
        return projects.none()
    if is_platform_admin(user):
        return projects
    mine = Membership.objects.filter(_mine(user, day=today()), project=OuterRef("pk"))
    return projects.filter(Exists(mine) | Q(team__ad_groups__overlap=list(user.directory_groups)))


def role_in(user: "Person", project: Project) -> Role | None:
    """The highest role the person holds in the project by name or group, or None."""
    held = set(project.memberships.filter(_mine(user, day=today())).values_list("role", flat=True))
    for role in Role:
        if role.value in held:
            return role
    return None


def may_see(user: "Person", project: Project) -> bool:
    """May the person know that the project exists?"""
    return visible_projects(user).filter(pk=project.pk).exists()


def may_create_in(user: "Person", team: Team) -> bool:
    """May the person ask for a project in this team?"""
    return is_in_team(user, team)


def may_change(user: "Person", project: Project) -> bool:
    """May the person change what the project should be? Owners and the platform team."""
    return user.is_active and (is_platform_admin(user) or role_in(user, project) is Role.OWNER)


def may_retire(user: "Person", project: Project) -> bool:
    """May the person retire the project? As for changing it."""
    return may_change(user, project)


def may_look_again(user: "Person", project: Project) -> bool:
    """May the person ask the engine to look now? Owners, editors and the platform team."""
    return user.is_active and (
        is_platform_admin(user) or role_in(user, project) in (Role.OWNER, Role.EDITOR) or is_in_team(user, project.team)
    )


def visible_requests(user: "Person") -> QuerySet[ProjectRequest]:
    """Requests the person may see: own ones, those of visible projects and of own teams; all for the platform team."""
    requests = ProjectRequest.objects.select_related("team", "project")
    if not user.is_active:
        return requests.none()
    if is_platform_admin(user):
        return requests
    return requests.filter(
        Q(requested_by=user.pk)
        | Q(project__in=visible_projects(user))
        | Q(team__ad_groups__overlap=list(user.directory_groups))
    )


def may_decide(user: "Person", request: ProjectRequest) -> bool:
    """May the person approve or reject it? The platform team, and never one's own."""
    return is_platform_admin(user) and request.requested_by_id != user.pk


def may_withdraw(user: "Person", request: ProjectRequest) -> bool:
    """May the person take it back? Who asked, and owners of the project."""
    if request.requested_by_id == user.pk:
        return user.is_active
    return request.project is not None and may_change(user, request.project)
