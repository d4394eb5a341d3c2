"""The frame around every page of a project: its head, its status word, its notices, and the tabs.

A page of a project renders a template that extends `projects/_project_frame.html`, with `frame(...)` in its context. A
new page is one more `Tab`. What of a page moves by itself stands in its tab's `live`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from projects import permissions
from projects.answers import person_of
from projects.dates import short_moment
from projects.deciders import waits_for
from projects.file_source import notice_of, refused_of
from projects.installation import installation
from projects.models import Action, Decision, Project, ProjectRequest
from projects.phrases import translated
from projects.presentation import kept_data, wish_of
from projects.readable import can_be_saved, shown_spec, unread
from projects.situation import Situation, situation
from projects.switches import switches
from projects.today import is_over

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True)
class Tab:
    """One page of a project: the name of its address, its title, and the parts of it that the poller keeps fresh."""

    name: str
    title: "StrPromise"
    live: tuple[str, ...] = ("word", "spoken")

    @property
    def address(self) -> str:
        """The full name of its address."""
        return f"projects:{self.name}"


TABS = (
    Tab("project", _("Overview"), live=("word", "strip", "board", "spoken")),
    Tab("resources", _("Resources"), live=("word", "board", "spoken")),
    Tab("people", _("People")),
    Tab("models", _("Models")),
    Tab("scorecard", _("Scorecard")),
    Tab("usage", _("Usage")),
    Tab("credentials", _("Credentials"), live=("word", "credentials", "spoken")),
    Tab("activity", _("Activity")),
    Tab("settings", _("Settings")),
)


@dataclass(frozen=True)
class Notice:
    """One sentence that stands above every page of the project, with where to read on ("" for nowhere)."""

    icon: str
    text: str
    link: str = ""
    link_text: str = ""


def tab_of(name: str) -> Tab:
    """The tab of this name, the first for one that there is not."""
    return next((tab for tab in TABS if tab.name == name), TABS[0])


def state_of(project: Project) -> tuple[Situation, ProjectRequest | None]:
    """The state of the project, and the request that its present generation came from."""
    granted = project.requests.filter(generation=project.generation).select_related("decided_by").first()
    return situation(project, installation=installation(), request=granted), granted


def frame(request: HttpRequest, project: Project, *, tab: str) -> dict[str, Any]:
    """What the template of a project's page needs for its frame, and what most pages want besides."""
    person, chosen = person_of(request), tab_of(tab)
    state, granted = state_of(project)
    present = project.deletion_requested_at is None
    pending = list(project.requests.filter(decision=Decision.PENDING))
    may_change = permissions.may_change(person, project) and present
    return {
        "project": project,
        "spec": shown_spec(project),
        "state": state,
        "granted": granted,
        "wish": wish_of(project, installation=installation()),
        "tab": chosen,
        "tabs": [(one, reverse(one.address, args=[project.slug])) for one in TABS],
        "pending": pending,
        "notices": [*_notices(project, state, pending=pending), *_of_the_file(project, tab=chosen)],
        "may_change": may_change,
        "may_edit": may_change and can_be_saved(project),
        "may_look": permissions.may_look_again(person, project) and present,
        "is_platform_admin": permissions.is_platform_admin(person),
        **polled(request, state, tab=chosen),
    }


def polled(request: HttpRequest, state: Situation, *, tab: Tab) -> dict[str, Any]:
    """What the poller of a page asks with: which page it is, what was shown, since when it asks, how often."""
    since = _since(request)
    return {"tab": tab, "seen": "-".join(state.marks(*tab.live).values()), "since": since, "pace": _pace(since)}


def _since(request: HttpRequest) -> int:
    """When the page began to ask, in seconds since 1970, as its poller tells."""
    given, now = request.GET.get("since", ""), int(timezone.now().timestamp())
    return min(int(given), now) if given.isascii() and given.isdigit() and len(given) < 12 else now


def _pace(since: int) -> int:
    """Seconds between two questions of a page: often at first, seldom after a minute."""
    age = timezone.now().timestamp() - since
    return 1 if age < 15 else 2 if age < 60 else 10


def _data_of(project: Project, state: Situation) -> str:
    """What becomes of the data of a project that goes."""
    if project.remove_data:
        return gettext("Its data goes too.")
    stays = kept_data(state.kinds)
    return gettext("This stays with all that it holds: %(stays)s.") % {"stays": stays} if stays else ""


def _notices(project: Project, state: Situation, *, pending: Sequence[ProjectRequest]) -> list[Notice]:
    said = []
    if project.deletion_requested_at is not None:
        said.append(
            Notice("removing", gettext("This project is being removed. %(kept)s") % {"kept": _data_of(project, state)})
        )
    elif project.suspended:
        said.append(Notice("suspended", _why_suspended(project)))
    if left_out := unread(project):
        text = gettext(
            "This version of Slipway can't read all that is stored of this project, and shows it without: %(what)s. "
            "Nothing of it was changed."
        )
        todo = (
            gettext("Choose these options anew in the settings.")
            if can_be_saved(project)
            else gettext("It can't be changed before the platform team has put that right. Tell them.")
        )
        said.append(Notice("attention", f"{text % {'what': ', '.join(left_out)}} {todo}"))
    if project.owner_left_at is not None:
        said.append(
            Notice(
                "attention",
                gettext("It has no owner any more. It runs on as it is, and is offered to others to take over."),
                link=reverse("projects:take-over", args=[project.slug]),
                link_text=gettext("Who takes it over"),
            )
        )
    return [*said, *map(_waiting, pending)]


def _waiting(request: ProjectRequest) -> Notice:
    asked = {
        Action.CREATE: gettext("%(who)s asked for this project."),
        Action.CHANGE: gettext("%(who)s asked for a change."),
        Action.RETIRE: gettext("%(who)s asked to retire it."),
    }[Action(request.action)] % {"who": request.requested_by_name}
    text = gettext("%(asked)s It waits for %(who)s; until then everything stays as it is.")
    if request.asked_back_at is not None:
        text = gettext("%(asked)s Changes were asked for. It waits for %(who)s; until then everything stays as it is.")
    return Notice(
        "waiting",
        text % {"asked": asked, "who": waits_for(request)},
        link=reverse("projects:request", args=[request.pk]),
        link_text=gettext("Look at the request"),
    )


def _of_the_file(project: Project, *, tab: Tab) -> list[Notice]:
    """That its present profile.yaml was refused; where people come to change something, that it has its say too."""
    said = []
    if refused := refused_of(project):
        text = gettext(
            "profile.yaml of commit %(commit)s in %(repository)s was refused, so the project stays as it was: %(why)s"
        )
        where = {"commit": refused.commit[:7], "repository": refused.repository, "why": translated(refused.why)}
        said.append(Notice("attention", text % where))
    if tab.name in ("people", "settings") and project.deletion_requested_at is None and (file := notice_of(project)):
        said.append(Notice("file", file))
    return said


def _why_suspended(project: Project) -> str:
    expires = shown_spec(project).expires
    day = {"day": expires.isoformat() if expires else ""}
    if project.ended:
        text = gettext(
            "Its last day was %(day)s, so we stopped looking after it. Nothing was removed. "
            "An owner can set a later end date; then we look after it again."
        )
        return text % day
    said = gettext(
        "The platform team suspended it: we don't look after it and repair nothing, and nothing was removed. "
        "Ask the platform team to resume it."
    )
    if is_over(expires):
        said += " " + gettext("Its last day was %(day)s: before it can be resumed it needs a later end date.") % day
    last = next((one for one in switches(project) if one.suspended), None)
    if last is None:
        return said
    by = {"who": last.who, "day": short_moment(last.at), "because": last.because}
    since = gettext("By %(who)s since %(day)s: “%(because)s”") if last.because else gettext("By %(who)s since %(day)s.")
    return f"{said} {since % by}"
