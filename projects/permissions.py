"""Who may do what: predicates over a person, asked by pages, API and webhooks, and again by the worker.

A person's rights come from directory groups and from memberships. A grant that is bound to an object id counts for
who has that id, whatever the name; only one that isn't counts by name (`projects.identity`). Unknown means no.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value

from projects.identity import groups_meant
from projects.models import (
    ConsentState,
    DataConsent,
    Decision,
    Door,
    Membership,
    Notice,
    OfferedTo,
    Project,
    ProjectRequest,
    RequestRevision,
    StandIn,
    Succession,
    Team,
)
from projects.today import today
from provisioning.spec import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    class Person(AbstractUser):
        """What we need of a user: object id, groups of the directory by name and by object id, when they left, and the
        language of mails."""

        object_id: str
        directory_groups: tuple[str, ...]
        group_ids: list[str]
        left_at: datetime | None
        language: str


Right = Callable[["Person", Project], bool]
"""What a person may do with a project."""
MOST_ROLES = 200
"""So many of a person's roles are kept for a page that asks many times; of more the database is asked each time."""


def is_platform_admin(user: "Person") -> bool:
    """A member of the platform team (or a break-glass administrator)."""
    return bool(user.is_active and (user.is_staff or user.is_superuser))


def groups_of(user: "Person") -> set[str]:
    """The person's directory groups, as the catalogue may name them: by object id or by name."""
    return groups_meant(names=user.directory_groups, ids=user.group_ids)


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


def remember_sight(user: "Person") -> None:
    """Read the person's teams and roles once, for a page that asks many times what they see. A few ids are cheaper than
    a subquery in each question; for one question they would cost two queries more. Many roles are not kept.
    """
    teams = list(_teams_by_group(user).order_by("pk").values_list("pk", "slug"))
    user.__dict__["_team_slugs"] = {slug for _, slug in teams}
    if not is_platform_admin(user):
        user.__dict__["_team_ids"] = [pk for pk, _ in teams]
    roles = Membership.objects.filter(_mine(user, day=today())).values_list("project", "role")
    held = list(roles[: MOST_ROLES + 1])
    if len(held) <= MOST_ROLES:
        user.__dict__["_held"] = held


def _held(user: "Person", project: str, *, role: Role | None = None) -> Q:
    """Whether the person holds a role (this one, if given), by name or group, in the project of this field."""
    known: list[tuple[int, str]] | None = user.__dict__.get("_held")
    if known is not None:
        return Q(**{f"{project}__in": {pk for pk, one in known if role is None or one == role}})
    mine = Membership.objects.filter(_mine(user, day=today()), project=OuterRef(project))
    return Q(Exists(mine.filter(role=role) if role else mine))


def _teams(user: "Person") -> "list[int] | QuerySet[Team]":
    known: list[int] | None = user.__dict__.get("_team_ids")
    return teams_of(user) if known is None else known


def is_in_team(user: "Person", team: Team) -> bool:
    """In the team by a directory group, or of the platform team."""
    if is_platform_admin(user):
        return True
    return user.is_active and any(
        team.group_ids[name] in user.group_ids if name in team.group_ids else name in user.directory_groups
        for name in team.ad_groups
    )


def may_change_team(user: "Person") -> bool:
    """May the person make, change and remove teams? The platform team."""
    return is_platform_admin(user)


def may_end_access(user: "Person", account: "Person", *, door: Door) -> bool:
    """May the person end somebody's access, or give it back? The platform team, and nobody their own.

    That of a break-glass account only where the portal runs (Door.SYSTEM): it is the way in that a stolen session of
    the platform team must leave open.
    """
    return is_platform_admin(user) and user.pk != account.pk and (bool(account.object_id) or door == Door.SYSTEM)


def may_announce(user: "Person") -> bool:
    """May the person tell everybody something, at the top of every page? The platform team."""
    return is_platform_admin(user)


def visible_projects(user: "Person") -> QuerySet[Project]:
    """Projects the person may see: own role, own team, or all for the platform team; never removed ones."""
    projects = Project.objects.filter(deleted_at=None)
    if not user.is_active:
        return projects.none()
    if is_platform_admin(user):
        return projects
    return projects.filter(_held(user, "pk") | Q(team__in=_teams(user)))


def own_projects(user: "Person", *, role: Role | None = None) -> QuerySet[Project]:
    """Projects in which the person holds a role (this one, if given), by name or group; whoever does sees them."""
    projects = Project.objects.filter(deleted_at=None) if user.is_active else Project.objects.none()
    return projects.filter(_held(user, "pk", role=role))


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
    """May the person ask the engine to look now? Owners, editors, the project's team and the platform team."""
    return user.is_active and (
        is_platform_admin(user) or role_in(user, project) in (Role.OWNER, Role.EDITOR) or is_in_team(user, project.team)
    )


def may_retrain(user: "Person", project: Project) -> bool:
    """May the person have CI train the model again? Owners, editors and the platform team."""
    return user.is_active and (is_platform_admin(user) or role_in(user, project) in (Role.OWNER, Role.EDITOR))


def offers_to(user: "Person") -> QuerySet[Succession]:
    """Open offers of projects without an owner that the person may accept: as editor, in the team, or platform team.

    Who was asked first may accept as long as the offer is open.
    """
    offers = Succession.objects.filter(ended_at=None, project__deleted_at=None, project__deletion_requested_at=None)
    if not user.is_active:
        return offers.none()
    asked = Q(offered_to__gte=OfferedTo.TEAM, project__team__in=_teams_by_group(user))
    asked |= _held(user, "project", role=Role.EDITOR)
    if is_platform_admin(user):
        asked |= Q(offered_to=OfferedTo.PLATFORM)
    return offers.filter(asked)


def may_take_over(user: "Person", offer: Succession) -> bool:
    """May the person become owner of the project that is offered? An account of the directory that is asked."""
    return bool(user.object_id) and offers_to(user).filter(pk=offer.pk).exists()


def visible_requests(user: "Person") -> QuerySet[ProjectRequest]:
    """Requests the person may see: own ones and those they joined, those of visible projects and own teams, those they
    are asked about, and those they decided. All for the platform team.
    """
    requests = ProjectRequest.objects.select_related("team", "project")
    if not user.is_active:
        return requests.none()
    if is_platform_admin(user):
        return requests
    seen = Q(requested_by=user.pk) | Q(pk__in=_joined(user).values("projectrequest"))
    seen |= Q(project__in=visible_projects(user)) | Q(team__in=_teams(user))
    # A stand-in of the platform team is asked only as long as it waits.
    decided = Q(decided_by=user.pk, decision__in=(Decision.APPROVED, Decision.REJECTED))
    return requests.filter(seen | decided | _asks(deciding_for(user)))


def own_requests(user: "Person") -> QuerySet[ProjectRequest]:
    """Requests the person made, or joined by asking for the same."""
    requests = ProjectRequest.objects.select_related("team", "project")
    if not user.is_active:
        return requests.none()
    # Read first: so an index finds both.
    joined = list(_joined(user).values_list("projectrequest", flat=True))
    return requests.filter(Q(requested_by=user.pk) | Q(pk__in=joined))


def visible_notices(user: "Person") -> QuerySet[Notice]:
    """What the person was told and may still know: of requests, projects and runs that they see now, or of nothing."""
    notices = Notice.objects.filter(person=user.pk).select_related("request", "project", "consent__project", "run")
    if not user.is_active:
        return notices.none()
    # Looked up for each notice: there are few of them, and many requests.
    requests, projects, consents = visible_requests(user), visible_projects(user), visible_consents(user)
    asked = Q(Exists(requests.filter(pk=OuterRef("request"))))
    other = Q(request=None) & (Q(project=None) | Q(Exists(projects.filter(pk=OuterRef("project")))))
    other &= Q(consent=None) | Q(Exists(consents.filter(pk=OuterRef("consent"))))
    seen = notices.filter(asked | other)
    return seen if is_platform_admin(user) else seen.filter(run=None)


def deciding_for(user: "Person") -> list["Person"]:
    """In whose place the person may decide today: their own, and of whom they stand in for. Read once per object."""
    known: list[Person] | None = user.__dict__.get("_deciding_for")
    if known is not None:
        return known
    day = today()
    rows = StandIn.objects.filter(stand_in=user.pk, begins__lte=day, ends__gte=day, approver__is_active=True)
    rows = rows.select_related("approver").prefetch_related("approver__groups")
    found = [user, *(cast("Person", row.approver) for row in rows)]
    # A page asks several times over.
    user.__dict__["_deciding_for"] = found
    return found


def _asks(people: list["Person"]) -> Q:
    """Requests about which one of these is asked."""
    groups = {group for one in people for group in groups_of(one)}
    asked = Q(approvers__overlap=sorted(groups))
    return asked | Q(decision=Decision.PENDING) if any(is_platform_admin(one) for one in people) else asked


def to_decide(user: "Person") -> QuerySet[ProjectRequest]:
    """Requests that wait for this person's yes or no: not those that they, or the only ones in whose place it would be,
    asked for, or that wait for the asker.
    """
    waiting = ProjectRequest.objects.select_related("team", "project")
    if not user.is_active:
        return waiting.none()
    waiting = waiting.filter(decision=Decision.PENDING, asked_back_at=None)
    asked = Q(pk__in=[])
    for one in deciding_for(user):
        asked |= _asks([one]) & ~_authored(one)
    return waiting.filter(asked, ~_authored(user))


def _authored(user: "Person") -> Q:
    """Requests that the person asked for: first, in other words, or by asking for the same."""
    return Q(requested_by=user.pk) & ~Q(requested_by=None) | _asked_too(user, "pk")


def _asked_too(user: "Person", request: str) -> Q:
    """Whether the person put the request of this field in other words, or asked for the same while it waited."""
    revised = RequestRevision.objects.filter(request=OuterRef(request), by=user.pk)
    return Q(Exists(revised)) | Q(Exists(_joined(user).filter(projectrequest=OuterRef(request))))


def _joined(user: "Person") -> QuerySet[Any]:
    return ProjectRequest.joined_by.through.objects.filter(user=user.pk)


def author_of(request: ProjectRequest) -> "Person | None":
    """Whose words the request has now: of the last to revise it, else of who asked. None when their account is gone."""
    last = request.revisions.order_by("-number").select_related("by").first() if request.revision > 1 else None
    return cast("Person | None", request.requested_by if last is None else last.by)


def author_name(request: ProjectRequest) -> str:
    """What `author_of` is called; who asked as it was kept when their account is gone."""
    author = author_of(request)
    return author.username if author is not None else request.requested_by_name


def authors_of(request: ProjectRequest) -> set[int]:
    """Ids of the accounts that asked: the first to ask, who changed what is asked for since, who asked for the same."""
    revised = request.revisions.values_list("by", flat=True) if request.revision > 1 else ()
    joined = request.joined_by.values_list("pk", flat=True)
    return {pk for pk in (request.requested_by_id, *revised, *joined) if pk is not None}


def may_decide(user: "Person", request: ProjectRequest) -> bool:
    """May the person approve or reject it? The platform team, the approvers it asks, and who stands in for one of them.

    Never about what oneself, or the one in whose place it would be, has asked for.
    """
    authors = authors_of(request)
    if not user.is_active or user.pk in authors:
        return False
    return any(_is_asked(one, request) and one.pk not in authors for one in deciding_for(user))


def _is_asked(user: "Person", request: ProjectRequest) -> bool:
    return is_platform_admin(user) or (user.is_active and not groups_of(user).isdisjoint(request.approvers))


def is_approver(user: "Person", *, approvers: Iterable[str]) -> bool:
    """Does the person decide about requests, of their own right? approvers: every group that the catalogue lets."""
    return is_platform_admin(user) or (user.is_active and not groups_of(user).isdisjoint(approvers))


def may_name_stand_in(user: "Person", *, approvers: Iterable[str], data_owners: Collection[str]) -> bool:
    """May the person name somebody to decide in their place? Who decides themselves: never a stand-in a further one.

    data_owners: the teams whose data there is to be asked for; `approvers` as in `is_approver`.
    """
    return is_approver(user, approvers=approvers) or data_teams_of(user).filter(slug__in=data_owners).exists()


def data_teams_of(user: "Person") -> QuerySet[Team]:
    """Teams about whose data the person decides: those that they are in, and of which they own a project.

    Not the platform team as such: it lets teams read by the catalogue, and speaks for nobody else.
    """
    teams = _teams_by_group(user) if user.is_active else Team.objects.none()
    return teams.filter(pk__in=own_projects(user, role=Role.OWNER).values("team"))


def may_be_asked_for_data(user: "Person", *, owners: Collection[str]) -> bool:
    """Is the person, or one in whose place they decide, in a team of these? Whoever is not is asked for no consent."""
    return any(not _slugs(one).isdisjoint(owners) for one in deciding_for(user))


def _slugs(user: "Person") -> set[str]:
    known: set[str] | None = user.__dict__.get("_team_slugs")
    return set(_teams_by_group(user).values_list("slug", flat=True)) if known is None else known


def visible_consents(user: "Person") -> QuerySet[DataConsent]:
    """Consents that the person may see: those of visible projects, those about data of own teams, and those they are
    asked about. All for the platform team.
    """
    consents = DataConsent.objects.select_related("project__team", "team")
    if not user.is_active:
        return consents.none()
    if is_platform_admin(user):
        return consents
    seen = Q(project__in=visible_projects(user)) | Q(team__in=_teams(user))
    return consents.filter(seen | _asks_about_data(deciding_for(user)))


def consents_to_decide(user: "Person") -> QuerySet[DataConsent]:
    """Questions for consent that wait for this person's yes or no, without those that they asked."""
    waiting = DataConsent.objects.select_related("project__team", "team")
    if not user.is_active:
        return waiting.none()
    asked = Q(pk__in=[])
    for one in deciding_for(user):
        asked |= _asks_about_data([one]) & ~_asked_for_data(one)
    return waiting.filter(asked, ~_asked_for_data(user), state=ConsentState.ASKED)


def _asked_for_data(user: "Person") -> Q:
    """Consents that the person asked for: first, in other words, or by asking for the same."""
    return Q(asked_by=user.pk) & ~Q(asked_by=None) | _asked_too(user, "request")


def _asks_about_data(people: list["Person"]) -> Q:
    """Consents about which one of these is asked."""
    asked = Q(pk__in=[])
    for one in people:
        asked |= Q(team__in=data_teams_of(one))
    return asked


def _decides_about_data(people: Iterable["Person"], team_id: int) -> bool:
    return any(data_teams_of(one).filter(pk=team_id).exists() for one in people)


def asked_by(consent: DataConsent) -> set[int]:
    """Ids of the accounts that asked for the consent, by whichever door and in whichever words."""
    asked = authors_of(consent.request) if consent.request is not None else set()
    return asked if consent.asked_by_id is None else asked | {consent.asked_by_id}


def may_decide_consent(user: "Person", consent: DataConsent) -> bool:
    """May the person give or refuse this consent? Who decides about the team's data, and who stands in for one of them.

    Never about what oneself, or the one in whose place it would be, has asked for.
    """
    authors = asked_by(consent)
    if not user.is_active or user.pk in authors:
        return False
    return _decides_about_data((one for one in deciding_for(user) if one.pk not in authors), consent.team_id)


def may_withdraw_consent(user: "Person", consent: DataConsent) -> bool:
    """May the person end it? Who decides about the team's data, or in the place of one who does; the platform team."""
    return user.is_active and (is_platform_admin(user) or _decides_about_data(deciding_for(user), consent.team_id))


def may_withdraw(user: "Person", request: ProjectRequest) -> bool:
    """May the person take it back? Who asked, and owners of the project."""
    if request.requested_by_id == user.pk:
        return user.is_active
    return request.project is not None and may_change(user, request.project)


def may_revise(user: "Person", request: ProjectRequest) -> bool:
    """May the person put it in other words? As for asking anew: to have asked once is no right to change a project.

    For a new project only who asked; that they are still in its team is asked where the words are read.
    """
    if request.project is not None:
        return may_change(user, request.project)
    return user.is_active and request.requested_by_id == user.pk


def may_ask_for(user: "Person", request: ProjectRequest) -> bool:
    """Could the person ask today for what the request asks for?"""
    if request.project is not None:
        return may_change(user, request.project)
    return may_create_in(user, request.team)
