"""The form that asks for a project: fields of the spec and of every Kind's options, and faults beside their fields.

The form only carries what was typed. It checks nothing itself: `projects.spec` does, the same for every door, and its
faults are put beside the fields they name.
"""

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from django import forms
from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy, ngettext
from pydantic.fields import FieldInfo

from projects.dates import short_day
from projects.errors import Fault
from projects.form_people import ContributorRow, Search, present_rows, take_added, typed_rows
from projects.models import Project, ProjectRequest
from projects.presentation import icon_of
from projects.readable import fields_of
from projects.spec import option_models
from projects.today import today
from provisioning.catalogue import Catalogue
from provisioning.kind import Kind
from provisioning.names import suggest_slug
from provisioning.spec import SLUG_MAX, Environment, ProjectSpec, Role

if TYPE_CHECKING:
    from projects.permissions import Person


class _Choice(forms.ChoiceField):
    """A choice that takes what was sent: the domain says what is wrong with it, in its own words."""

    def valid_value(self, value: Any) -> bool:  # noqa: ARG002
        """Always."""
        return True


class _Boxes(forms.CheckboxSelectMultiple):
    """Boxes to tick. Several values may come in one, each on a line, as a list of free values comes."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """What is ticked."""
        return [line for value in super().value_from_datadict(data, files, name) for line in value.splitlines()]


@dataclass(frozen=True)
class Problem:
    """One entry of the summary on top: the id of the place to go to, its label, and the sentence."""

    anchor: str
    label: str
    message: str


@dataclass(frozen=True)
class Section:
    """The options of one Kind."""

    kind: Kind
    icon: str
    fields: tuple[forms.BoundField, ...]
    chosen: str
    problems: int


class ProjectForm(forms.Form):
    """What is asked for, as typed. `data()` is the wish for `projects.actions`; `take()` brings its faults back."""

    title = forms.CharField(label=gettext_lazy("Title"), required=False, help_text=gettext_lazy("What people call it."))
    slug = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        help_text=format_lazy(
            gettext_lazy(
                "Leave it empty to take it from the title. Lower case letters, digits and hyphens, at most {most}. "
                "It can't be changed later."
            ),
            most=SLUG_MAX,
        ),
    )
    team = _Choice(label=gettext_lazy("Team"), required=False)
    description = forms.CharField(
        label=gettext_lazy("What is it for?"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    plan = forms.CharField(label=gettext_lazy("Plan"), required=False, widget=forms.HiddenInput)
    environment = _Choice(
        label=gettext_lazy("Environment"),
        required=False,
        choices=[(one.value, one.value) for one in Environment],
        help_text=gettext_lazy("What it is for. The platform team's rules may differ."),
    )
    expires = forms.CharField(
        label=gettext_lazy("Ends"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy(
            "After this day we stop looking after the project. Nothing is removed; a later date resumes it."
        ),
    )

    def __init__(
        self,
        typed: QueryDict | None = None,
        *,
        person: "Person",
        teams: Sequence[tuple[str, str]],
        catalogue: Catalogue,
        project: Project | None = None,
        request: ProjectRequest | None = None,
    ) -> None:
        self.project = project
        self.request = request
        self.teams = teams
        self.catalogue = catalogue
        self.faults: tuple[Fault, ...] = ()
        self.people_errors: list[str] = []
        super().__init__(typed, initial=_initial(teams=teams, catalogue=catalogue, project=project), auto_id="id-%s")
        self.use_required_attribute = False
        self._add_options(project)
        team = self.fields["team"]
        if isinstance(team, forms.ChoiceField):
            team.choices = list(teams)
        if project is not None:
            del self.fields["slug"], self.fields["team"]
        elif request is not None:
            self.fields["slug"].widget.attrs["readonly"] = True
        for name, shown in self.fields.items():
            _dress(shown, name=name)
        self.rows = typed_rows(typed) if typed is not None else present_rows(project)
        self.search = take_added(self.rows, typed) if typed is not None else Search()
        # As the domain would: a wish without an owner keeps those that there are. Here, so that the rows are seen, and
        # so that faults keep pointing at the right ones.
        if not any(row.role == Role.OWNER for row in self.rows):
            owners = [row for row in present_rows(project) if row.role == Role.OWNER]
            owners = owners or [ContributorRow(subject=person.username.lower(), is_group=False, role=Role.OWNER.value)]
            known = {row.value for row in owners}
            self.rows = [*owners, *(row for row in self.rows if row.value not in known)]

    def _add_options(self, project: Project | None) -> None:
        chosen = fields_of(project).options if project else {}
        for kind, model in option_models().values():
            choices, days = kind.choices_in(self.catalogue), kind.days_in(self.catalogue)
            for name, info in model.model_fields.items():
                key = f"options.{kind.name}.{name}"
                now = chosen.get(kind.name, {}).get(name, info.get_default(call_default_factory=True))
                if name in choices:
                    self.fields[key] = self._boxes(key, info, now=now, choices=_with_days(choices[name], days))
                else:
                    self.fields[key] = _option_field(info)
                    self.fields[key].initial = _shown(now)
            self._bound_days(kind, choices=choices, days=days)

    def _bound_days(
        self, kind: Kind, *, choices: Mapping[str, Sequence[tuple[str, str]]], days: Mapping[str, int]
    ) -> None:
        """No day beyond what is ticked allows; where nothing is, beyond what could be ticked.

        For the browser's calendar only: other ticks may allow more, and the domain says what is too late.
        """
        ticked = [one for name in choices for one in self[f"options.{kind.name}.{name}"].value() or ()]
        offered = [one for row in choices.values() for one, _ in row]
        bounds = [days[one] for one in ticked or offered if one in days]
        if not bounds or (not ticked and len(bounds) < len(offered)):
            return
        latest = today() + timedelta(days=min(bounds) if ticked else max(bounds))
        for name, info in kind.options.model_fields.items():
            if _plain_type(info) is date:
                self.fields[f"options.{kind.name}.{name}"].widget.attrs["max"] = latest.isoformat()

    def _boxes(self, key: str, info: FieldInfo, *, now: Any, choices: Sequence[tuple[str, str]]) -> forms.Field:
        """A box for each choice, and for what was chosen before it left the catalogue."""
        boxes = _Boxes()
        ticked = [str(one) for one in now] if isinstance(now, list | tuple) else []
        taken = [*ticked, *boxes.value_from_datadict(self.data, self.files, self.add_prefix(key))]
        gone = dict.fromkeys(one for one in taken if one not in dict(choices))
        boxes.choices = [*choices, *((one, one) for one in gone)]
        return forms.Field(widget=boxes, initial=ticked, **_shared(info))

    def text(self, name: str) -> str:
        """What stands in a field."""
        value = self[name].value()
        return str(value).strip() if value is not None else ""

    def slug_asked(self) -> str:
        """The name that is asked for: as typed, else out of the title."""
        if self.project is not None:
            return self.project.slug
        return self.text("slug") or suggest_slug(self.text("title"))

    def team_asked(self) -> str:
        """The team that is asked for."""
        return self.project.team.slug if self.project is not None else self.text("team")

    def wish(self) -> dict[str, Any]:
        """The wish as plain data for `projects.actions`. What equals a default is left out."""
        wish: dict[str, Any] = {"slug": self.slug_asked(), "team": self.team_asked(), "plan": self.text("plan")}
        wish |= {
            name: self.text(name) for name in ("title", "description", "environment", "expires") if self.text(name)
        }
        if not wish["plan"]:
            del wish["plan"]
        if wish.get("environment") == Environment.DEV:
            del wish["environment"]
        wish["contributors"] = [row.as_data() for row in self.rows]
        options: dict[str, dict[str, Any]] = {}
        for kind, model in option_models().values():
            for name, info in model.model_fields.items():
                key = f"options.{kind.name}.{name}"
                if self._left_out(key):
                    continue
                value = self._as_it_stood(key, _typed_option(self[key].value(), info))
                if value is not None and value != info.get_default(call_default_factory=True):
                    options.setdefault(kind.name, {})[name] = value
        return {**wish, "options": options} if options else wish

    def _as_it_stood(self, key: str, value: Any) -> Any:
        """What is ticked, in the order in which it stood where it is the same: then nobody changed anything."""
        shown = self.fields[key]
        same = value and isinstance(shown.widget, _Boxes) and sorted(value) == sorted(shown.initial)
        return list(shown.initial) if same else value

    def _left_out(self, key: str) -> bool:
        """An option that was not on the page that was sent. A box without its tick looks the same otherwise."""
        return self.is_bound and key not in self.data and "options_shown" not in self.data

    def take(self, faults: Iterable[Fault]) -> None:
        """Put each fault beside the field that it names; what names none stands in the summary only."""
        self.faults = tuple(faults)
        for fault in self.faults:
            if fault.path[:1] == ("contributors",):
                index = fault.path[1] if len(fault.path) > 1 else None
                known = isinstance(index, int) and index < len(self.rows)
                (self.rows[int(index)].errors if known and index is not None else self.people_errors).append(
                    fault.message
                )
            elif fault.field in self.fields:
                self.add_error(fault.field, fault.message)
                widget = self.fields[fault.field].widget
                widget.attrs["class"] = f"{widget.attrs.get('class', '')} is-invalid"

    @property
    def summary(self) -> list[Problem]:
        """Every fault as an entry of the summary, in the order of the page."""
        order = ["title", "slug", "team", "description", "plan", "contributors", "environment", "expires"]
        places = {name: index for index, name in enumerate(order)}
        ranked = sorted(self.faults, key=lambda fault: places.get(str(fault.path[0]), len(order)) if fault.path else -1)
        return [self._problem(fault) for fault in ranked]

    def _problem(self, fault: Fault) -> Problem:
        if fault.path[:1] == ("contributors",):
            index = fault.path[1] if len(fault.path) > 1 else None
            if isinstance(index, int) and index < len(self.rows):
                return Problem(anchor=f"role-{index}", label=gettext("Contributors"), message=fault.message)
            return Problem(anchor="id-add_name", label=gettext("Contributors"), message=fault.message)
        if fault.path == ("plan",):
            return Problem(anchor="plans", label=gettext("Plan"), message=fault.message)
        if fault.field in self.fields:
            shown = self[fault.field]
            anchor = str(shown.id_for_label or shown.auto_id)
            return Problem(anchor=anchor, label=str(shown.label), message=fault.message)
        return Problem(anchor="", label=fault.field, message=fault.message)

    def sections(self) -> list[Section]:
        """The options, one part per Kind, those that every project has first.

        One that the platform doesn't offer is there only where it was chosen.
        """
        made = []
        for kind, model in sorted(option_models().values(), key=lambda pair: pair[0].wanted is not None):
            names = [f"options.{kind.name}.{name}" for name in model.model_fields]
            fields = tuple(self[name] for name in names)
            chosen = []
            for shown, info in zip(fields, model.model_fields.values(), strict=True):
                value = _typed_option(shown.value(), info)
                if value is not None and value != info.get_default(call_default_factory=True):
                    chosen.append(f"{shown.label}: {_said(value, info)}")
            problems = sum(bool(shown.errors) for shown in fields)
            if not kind.is_offered(self.catalogue) and not chosen and not problems:
                continue
            made.append(
                Section(
                    kind=kind,
                    icon=icon_of(kind.name),
                    fields=fields,
                    chosen=", ".join(chosen) or (gettext("as usual") if kind.wanted is None else gettext("not chosen")),
                    problems=problems,
                )
            )
        return made


def _day(text: str) -> str:
    """A day as pages say it; what is none, as it was typed."""
    try:
        return short_day(date.fromisoformat(text), year=True)
    except ValueError:
        return text


def _initial(*, teams: Sequence[tuple[str, str]], catalogue: Catalogue, project: Project | None) -> dict[str, Any]:
    if project is None:
        return {"plan": catalogue.defaults.plan, "team": teams[0][0] if teams else ""}
    spec = fields_of(project)
    return {
        "title": spec.title,
        "description": spec.description,
        "plan": spec.plan,
        "environment": spec.environment.value,
        "expires": spec.expires.isoformat() if spec.expires else "",
    }


def typed_of(spec: ProjectSpec) -> QueryDict:
    """What a browser would send for this spec: the form as if somebody had filled it in so."""
    typed = QueryDict(mutable=True)
    said = {"title": spec.title, "slug": spec.slug, "team": spec.team, "description": spec.description}
    said |= {"plan": spec.plan, "environment": spec.environment.value, "options_shown": "1"}
    said["expires"] = spec.expires.isoformat() if spec.expires else ""
    for name, text in said.items():
        typed[name] = text
    people = [
        ContributorRow(one.subject, one.is_group, one.role.value, one.until.isoformat() if one.until else "")
        for one in spec.contributors
    ]
    typed.setlist("subject", [row.value for row in people])
    typed.setlist("role", [row.role for row in people])
    typed.setlist("until", [row.until for row in people])
    for kind, model in option_models().values():
        given = spec.options.get(kind.name, {})
        for name, info in model.model_fields.items():
            value = given.get(name, info.get_default(call_default_factory=True))
            if value is not None and value is not False:
                typed[f"options.{kind.name}.{name}"] = "on" if value is True else str(_shown(value))
    return typed


def _dress(shown: forms.Field, *, name: str) -> None:
    """Classes of the style sheet, and no spelling marks under names."""
    attrs = shown.widget.attrs
    if isinstance(shown.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
        attrs["class"] = "form-check-input flex-shrink-0"
    elif isinstance(shown.widget, forms.Select):
        attrs["class"] = "form-select"
    else:
        attrs["class"] = "form-control"
    if name in ("slug",) or name.startswith("options."):
        attrs |= {"autocomplete": "off", "spellcheck": "false"}
    if name == "title":
        attrs["autocomplete"] = "off"


def _plain_type(info: FieldInfo) -> Any:
    """The type of an option without "or None" and without its checks."""
    kind: Any = info.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next((one for one in get_args(kind) if one is not type(None)), str)
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def _option_field(info: FieldInfo) -> forms.Field:
    """The form field of an option: tick box, choice, lines, day, or one line of text."""
    kind, shared = _plain_type(info), _shared(info)
    if kind is bool:
        return forms.BooleanField(**shared)
    choices = _choices(kind)
    if choices:
        return _Choice(choices=[(value, value) for value in choices], **shared)
    if get_origin(kind) in (list, tuple):
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **shared)
    if kind is date:
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **shared)
    number = {"inputmode": "numeric"} if kind is int else {}
    return forms.CharField(widget=forms.TextInput(attrs=number), **shared)


def _with_days(choices: Sequence[tuple[str, str]], days: Mapping[str, int]) -> list[tuple[str, str]]:
    """The choices with the longest time for which each is to be had, where there is one."""
    said = {
        one: ngettext("at most %(days)s day at a time", "at most %(days)s days at a time", most) % {"days": most}
        for one, most in days.items()
    }
    return [(one, f"{words}, {said[one]}" if one in said else words) for one, words in choices]


def _shared(info: FieldInfo) -> dict[str, Any]:
    """What fields of all options have."""
    return {
        "label": gettext(info.title) if info.title else "",
        "help_text": gettext(info.description) if info.description else "",
        "required": False,
    }


def _shown(value: Any) -> Any:
    """An option's value as its field shows it: a list as lines."""
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(str(value) for value in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(str(member.value) for member in kind)
    return ()


def _typed_option(value: Any, info: FieldInfo) -> Any:
    """What stands in an option's field as data; None when it is empty. Text that is no number stays text."""
    kind = _plain_type(info)
    if kind is bool:
        return bool(value)
    if get_origin(kind) in (list, tuple):
        lines = value if isinstance(value, list | tuple) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()] or None
    text = str(value).strip() if value is not None else ""
    if kind is int and text.removeprefix("-").isdecimal() and len(text) < 19:
        return int(text)
    return text or None


def _said(value: Any, info: FieldInfo) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if _plain_type(info) is date:
        return _day(str(value))
    return ", ".join(value) if isinstance(value, list) else str(value)
