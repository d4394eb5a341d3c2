"""Who may do what: predicates over a person, asked by pages, API and webhooks, and again by the worker.

A person's rights come from directory groups and from memberships. A grant that is bound to an object id counts for
who has that id, whatever the name; only one that isn't counts by name (`projects.identity`). Unknown means no.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value

from projects.models import Membership, OfferedTo, Project, ProjectRequest, Succession, Team
from projects.today import today
from provisioning.spec import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    class Person(AbstractUser):
        """What we need of a user: object id, the directory groups by name and by object id, and when they left."""

        object_id: str
        directory_groups: tuple[str, ...]
        group_ids: list[str]
        left_at: datetime | None


def is_platform_admin(user: "Person") -> bool:
    """A member of the platform team (or a break-glass administrator)."""
    return bool(user.is_active and (user.is_staff or user.is_superuser))


def _mine(user: "Person", *, day: date) -> Q:
    named = Q(is_group=False, subject=user.username.lower()) | Q(is_group=True, subject__in=user.directory_groups)
    # A local account has no object id, and "" would be that of everything unbound.
    bound = Q(object_id__in=[user.object_id, *user.group_ids]) if user.object_id else Q(pk__in=[])
    return (Q(object_id="") & named | bound) & (Q(until=None) | Q(until__gte=day))


class _HasGroupOf(Func):
    """Whether somebody is in one of a team's groups: by object id where it is bound to one, else by name.

    Arguments: the team's groups and its bindings, then object ids and names of the person's groups.
    """

    template = (
        "EXISTS (SELECT 1 FROM (VALUES (%(expressions)s)) AS given(groups, bound, ids, names), unnest(groups) AS one "
        "WHERE CASE WHEN bound ->> one IS NULL THEN one = ANY(names) ELSE bound ->> one = ANY(ids) END)"
    )
    output_field = BooleanField()


def teams_of(user: "Person") -> QuerySet[Team]:
    """Teams the person is in, by directory group. The platform team is in all."""
    return Team.objects.all() if is_platform_admin(user) else _teams_by_group(user)


def _teams_by_group(user: "Person") -> QuerySet[Team]:
    texts = ArrayField(CharField())
    ids, names = Value(list(user.group_ids), texts), Value(list(user.directory_groups), texts)
    return Team.objects.filter(_HasGroupOf(F("ad_groups"), F("group_ids"), ids, names))


def is_in_team(user: "Person", team: Team) -> bool:
    """In the team by a directory group, or of the platform team."""
    if is_platform_admin(user):
        return True
    return user.is_active and any(
        team.group_ids[name] in user.group_ids if name in team.group_ids else name in user.directory_groups
        for name in team.ad_groups
    )


def may_change_team(user: "Person") -> bool:
    """May the person change groups and budget of a team? The platform team."""
    return is_platform_admin(user)


def visible_projects(user: "Person") -> QuerySet[Project]:
    """Projects the person may see: own role, own team, or all for the platform team; never removed ones."""
    projects = Project.objects.filter(deleted_at=None)
    if not user.is_active:
        return projects.none()
    if is_platform_admin(user):
        return projects
    mine = Membership.objects.filter(_mine(user, day=today()), project=OuterRef("pk"))
    return projects.filter(Exists(mine) | Q(team__in=teams_of(user)))


def own_projects(user: "Person", *, role: Role | None = None) -> QuerySet[Project]:
    """Of the visible projects, those in which the person holds a role (this one, if given), by name or group."""
    mine = Membership.objects.filter(_mine(user, day=today()), project=OuterRef("pk"))
    return visible_projects(user).filter(Exists(mine.filter(role=role) if role else mine))


def role_in(user: "Person", project: Project) -> Role | None:
    """The highest role the person holds in the project by name or group, or None."""
    held = set(project.memberships.filter(_mine(user, day=today())).values_list("role", flat=True))
    for role in Role:
        if role.value in held:
            return role
    return None


def own_memberships(user: "Person", project: Project) -> QuerySet[Membership]:
    """The roles that the person holds in their own name, not by a group: those they may give up."""
    return project.memberships.filter(_mine(user, day=today()), is_group=False)


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


def may_rotate(user: "Person", project: Project) -> bool:
    """May the person give the project new keys, and end old ones? As for changing it."""
    return may_change(user, project)


def may_reveal(user: "Person", project: Project) -> bool:
    """May the person be shown a key? Owners and editors by name or group; the platform team has no use for it."""
    return user.is_active and role_in(user, project) in (Role.OWNER, Role.EDITOR)


def may_look_again(user: "Person", project: Project) -> bool:
    """May the person ask the engine to look now? Owners, editors and the platform team."""
    return user.is_active and (
        is_platform_admin(user) or role_in(user, project) in (Role.OWNER, Role.EDITOR) or is_in_team(user, project.team)
    )


def offers_to(user: "Person") -> QuerySet[Succession]:
    """Open offers of projects without an owner that the person may accept: as editor, in the team, or platform team.

    Who was asked first may accept as long as the offer is open.
    """
    offers = Succession.objects.filter(ended_at=None, project__deleted_at=None, project__deletion_requested_at=None)
    if not user.is_active:
        return offers.none()
    edits = Membership.objects.filter(_mine(user, day=today()), project=OuterRef("project"), role=Role.EDITOR)
    asked = Q(Exists(edits)) | Q(offered_to__gte=OfferedTo.TEAM, project__team__in=_teams_by_group(user))
    if is_platform_admin(user):
        asked |= Q(offered_to=OfferedTo.PLATFORM)
    return offers.filter(asked)


def may_take_over(user: "Person", offer: Succession) -> bool:
    """May the person become owner of the project that is offered? An account of the directory that is asked."""
    return bool(user.object_id) and offers_to(user).filter(pk=offer.pk).exists()


def visible_requests(user: "Person") -> QuerySet[ProjectRequest]:
    """Requests the person may see: own ones, those of visible projects and of own teams; all for the platform team."""
    requests = ProjectRequest.objects.select_related("team", "project")
    if not user.is_active:
        return requests.none()
    if is_platform_admin(user):
        return requests
    return requests.filter(Q(requested_by=user.pk) | Q(project__in=visible_projects(user)) | Q(team__in=teams_of(user)))


def may_decide(user: "Person", request: ProjectRequest) -> bool:
    """May the person approve or reject it? The platform team, and never one's own."""
    return is_platform_admin(user) and request.requested_by_id != user.pk


def may_withdraw(user: "Person", request: ProjectRequest) -> bool:
    """May the person take it back? Who asked, and owners of the project."""
    if request.requested_by_id == user.pk:
        return user.is_active
    return request.project is not None and may_change(user, request.project)
