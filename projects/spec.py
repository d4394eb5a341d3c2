"""The one place that turns input into a ProjectSpec, whichever door it came by, with all its faults at once.

Checks in this order, and none hides another where they can be told apart: the shape (pydantic), what may be otherwise
on the day of a yes (plan, name, people, days, options), the team and the person's right to ask for it. Nothing outside
is asked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.db.models.functions import Lower
from django.utils.translation import gettext_noop
from pydantic import BaseModel, ValidationError

from projects import permissions
from projects.contributors import Meant, meant
from projects.directory import anybody, synced
from projects.errors import Fault, InvalidSpec
from projects.identity import Name, which_one
from projects.installation import Installation
from projects.models import Action, Decision, Project, ProjectRequest, Team
from projects.phrases import say, translated
from projects.today import today
from provisioning.catalogue import Catalogue
from provisioning.data_access import without_ended
from provisioning.kind import Consent, Kind, KnownRepository, Wish, kinds
from provisioning.names import Names, reserved
from provisioning.phrases import word
from provisioning.secrets import Earlier
from provisioning.spec import SLUG_MAX, Contributor, ProjectSpec, Role, check_slug

if TYPE_CHECKING:
    from projects.permissions import Person

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The uid of a wish that no project has yet."""

_SENTENCES = {
    "missing": gettext_noop("This is needed."),
    "extra_forbidden": gettext_noop("There is no such field."),
    "string_type": gettext_noop("Write text here."),
    "int_parsing": gettext_noop("Write a whole number."),
    "int_type": gettext_noop("Write a whole number."),
    "int_from_float": gettext_noop("Write a whole number."),
    "int_parsing_size": gettext_noop("This number is too large."),
    "bool_parsing": gettext_noop("Write true or false."),
    "bool_type": gettext_noop("Write true or false."),
    "date_from_datetime_parsing": gettext_noop("There is no such day. Write a date, such as 2027-06-30."),
    "date_parsing": gettext_noop("There is no such day. Write a date, such as 2027-06-30."),
    "date_type": gettext_noop("Write a date, such as 2027-06-30."),
    "tuple_type": gettext_noop("Write a list."),
    "list_type": gettext_noop("Write a list."),
    "dict_type": gettext_noop("Write fields and values."),
    "model_type": gettext_noop("Write fields and values."),
    "model_attributes_type": gettext_noop("Write fields and values."),
}


def json_schema() -> dict[str, Any]:
    """JSON Schema of a ProjectSpec with every Kind's options, for editors and for the API's description."""
    schema = ProjectSpec.model_json_schema()
    options = {
        name: {**kind.options.model_json_schema(), "title": kind.title}
        for name, kind in kinds().items()
        if kind.options.model_fields
    }
    schema["properties"]["options"] = {
        "type": "object",
        "description": "Options per Kind.",
        "properties": options,
        "additionalProperties": False,
    }
    # The catalogue names the plan of those who name none.
    schema["required"] = [field for field in schema["required"] if field != "plan"]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Slipway profile"
    return schema


def faults_of(error: ValidationError, *, under: tuple[str | int, ...] = ()) -> list[Fault]:
    """Pydantic's errors in our words."""
    found = []
    for item in error.errors():
        known = _SENTENCES.get(item["type"])
        context = item.get("ctx", {})
        message = translated(word(known)) if known else _said(item["msg"], context.get("error"))
        if item["type"] == "enum" or item["type"] == "literal_error":
            message = say("Choose one of %(expected)s.", expected=context.get("expected", ""))
        elif item["type"] == "string_too_long":
            message = say("At most %(most)s characters.", most=context["max_length"])
        elif item["type"] in ("string_too_short", "too_short"):
            message = say("This is needed.")
        elif item["type"] == "too_long":
            message = say("At most %(most)s entries.", most=context["max_length"])
        elif item["type"] == "greater_than_equal":
            message = say("Write %(least)s or more.", least=context["ge"])
        elif item["type"] == "less_than_equal":
            message = say("Write %(most)s or less.", most=context["le"])
        found.append(Fault(path=(*under, *item["loc"]), code=item["type"], message=message))
    return found


def _said(message: str, error: object) -> str:
    """What a check of ours says: by a ValueError, which pydantic hands on, or by an error with a code of its own."""
    if isinstance(error, ValueError) and error.args:
        return translated(error.args[0])
    return translated(word(message))


def wish_for(
    spec: ProjectSpec,
    *,
    installation: Installation,
    uid: str,
    generation: int = 1,
    versions: Mapping[str, int] | None = None,
    earlier: Mapping[str, Earlier] | None = None,
    key_id: str | None = None,
    remove_data: bool = False,
    repository: KnownRepository | None = None,
    attached_by: str = "",
    consents: Mapping[str, Consent] | None = None,
    accepted: date | None = None,
) -> Wish:
    """What the Kinds get to see of a spec; access to data that has ended is not in it any more.

    accepted: the day since which it is the project's wish; None for what is only asked for.

    Raises KeyError when its plan left the catalogue.
    """
    catalogue = installation.catalogue
    return Wish(
        uid=uid,
        generation=generation,
        spec=without_ended(spec, today=today()),
        plan=catalogue.plans[spec.plan],
        names=Names(slug=spec.slug, team=spec.team, uid=uid, prefix=catalogue.naming.prefix),
        catalogue=catalogue,
        portal_url=installation.project_url(spec.slug),
        derive=installation.key_ring.derive,
        render=installation.templates.render,
        versions=versions or {},
        earlier=earlier or {},
        key_id=key_id or None,
        remove_data=remove_data,
        repository=repository,
        attached_by=attached_by,
        consents=consents or {},
        today=today(),
        accepted=accepted,
        database_ca=installation.database_ca(),
    )


def with_a_plan(spec: ProjectSpec, *, catalogue: Catalogue) -> ProjectSpec:
    """The spec for what plans have no part in: whose plan left the catalogue has another one here."""
    return spec if spec.plan in catalogue.plans else spec.model_copy(update={"plan": catalogue.defaults.plan})


def read_spec(
    data: Any,
    *,
    installation: Installation,
    by: "Person",
    project: Project | None = None,
    request: ProjectRequest | None = None,
) -> tuple[ProjectSpec, Team]:
    """Check what somebody asks for and return it as a spec with its team. Raises InvalidSpec with every fault.

    data: the wish as plain data. project: the one it changes, None for a new one. request: the open one for a new
    project that it puts in other words; its name is not taken by itself. A wish that names no owner keeps the owners
    that there are; for a new project the person who asks becomes one. A plan that left the catalogue stays with who has
    it, as long as the options stay, of which it was the measure.
    """
    if not isinstance(data, Mapping):
        raise InvalidSpec(
            [
                Fault(
                    path=(),
                    code="not_a_mapping",
                    message=say("Write fields and values, such as slug: lane-detection."),
                )
            ]
        )
    filled = {"plan": installation.catalogue.defaults.plan, **data}
    filled = _with_owners(filled, by=by, project=project)
    spec: ProjectSpec | None = None
    faults: list[Fault] = []
    try:
        spec = ProjectSpec.model_validate(filled)
    except ValidationError as error:
        faults += faults_of(error)
    broken = {fault.path[0] for fault in faults if fault.path}
    faults += _faults(filled, spec=spec, broken=broken, installation=installation, project=project, request=request)
    team, team_faults = _team(filled, broken=broken, by=by, project=project)
    faults += team_faults
    if faults or spec is None or team is None:
        raise InvalidSpec(faults)
    return spec, team


def faults_now(
    spec: ProjectSpec, *, installation: Installation, project: Project | None, request: ProjectRequest
) -> list[Fault]:
    """What speaks today against a spec that was asked for on another day, whoever asked: days, plan, options, name."""
    data, new = spec.model_dump(), None if project else request
    return _faults(data, spec=spec, broken=set(), installation=installation, project=project, request=new)


def _faults(
    filled: Mapping[str, Any],
    *,
    spec: ProjectSpec | None,
    broken: set[str | int],
    installation: Installation,
    project: Project | None,
    request: ProjectRequest | None,
) -> list[Fault]:
    """Every fault but those of the shape, of which the fields in `broken` have some, and of the team."""
    catalogue, faults = installation.catalogue, []
    plan_known = "plan" not in broken
    if plan_known and filled["plan"] not in catalogue.plans:
        plan_known = False
        if not _keeps_plan(filled["plan"], spec=spec, project=project):
            plans = ", ".join(catalogue.plans)
            faults.append(
                Fault(
                    path=("plan",),
                    code="unknown_plan",
                    message=say(
                        "There is no plan %(plan)s. Choose one of %(plans)s.", plan=filled["plan"], plans=plans
                    ),
                )
            )
    faults += _slug_faults(filled, broken=broken, catalogue=catalogue, project=project, request=request)
    if spec is not None:
        faults += _contributor_faults(spec, project=project)
        if (
            spec.expires is not None
            and spec.expires <= today()
            and (project is None or str(spec.expires) != project.spec.get("expires"))
        ):
            faults.append(
                Fault(path=("expires",), code="past", message=say("The end date has passed. Choose a later day."))
            )
    option_faults = _option_faults(filled)
    faults += option_faults
    if spec is not None and plan_known and not option_faults:
        faults += _plan_faults(spec, installation=installation, project=project) + _past_faults(spec, project=project)
    return faults


def _keeps_plan(plan: Any, *, spec: ProjectSpec | None, project: Project | None) -> bool:
    """Is it the plan that the project has, with the options that it had? spec: None where its shape is faulty."""
    if project is None:
        return False
    before = project.wanted()
    return bool(before.plan == plan) and (spec is None or spec.options == before.options)


def _with_owners(data: Mapping[str, Any], *, by: "Person", project: Project | None) -> dict[str, Any]:
    contributors = data.get("contributors", [])
    if not isinstance(contributors, list | tuple):
        return dict(data)
    named = [one for one in contributors if isinstance(one, Mapping)]
    if any(one.get("role") == Role.OWNER for one in named):
        return dict(data)
    owners = (
        [one.model_dump(mode="json", exclude_none=True) for one in project.wanted().subjects(Role.OWNER)]
        if project
        else []
    )
    owners = owners or [{"user": by.username, "role": Role.OWNER.value}]
    merged = list(contributors)
    for owner in owners:
        same = (at for at, one in enumerate(merged) if isinstance(one, Mapping) and _who(one) == _who(owner))
        at = next(same, None)
        # In its place or at the end: faults must name the entries as they were sent.
        if at is None:
            merged.append(owner)
        else:
            merged[at] = owner
    return {**data, "contributors": merged}


def _who(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    user = entry.get("user")
    return user.lower() if isinstance(user, str) else user, entry.get("group")


def _slug_faults(
    data: Mapping[str, Any],
    *,
    broken: set[str | int],
    catalogue: Catalogue,
    project: Project | None,
    request: ProjectRequest | None,
) -> list[Fault]:
    slug = data.get("slug")
    if "slug" in broken or not isinstance(slug, str):
        return []
    if project is not None:
        if slug == project.slug:
            return []
        return [
            Fault(
                path=("slug",),
                code="fixed",
                message=say("The name stays %(slug)s; it can't be changed later.", slug=project.slug),
            )
        ]
    if request is not None and slug != request.slug:
        return [
            Fault(
                path=("slug",),
                code="fixed",
                message=say("This request is for %(slug)s. Ask anew for %(asked)s.", slug=request.slug, asked=slug),
            )
        ]
    answer = name_answer(slug, catalogue=catalogue, request=request)
    return [] if answer is None else [Fault(path=("slug",), code=answer[0], message=answer[1])]


def name_answer(slug: str, *, catalogue: Catalogue, request: ProjectRequest | None = None) -> tuple[str, str] | None:
    """Why a name can't be had: (invalid | reserved | taken, sentence). None when it is free.

    request: the open request that holds it for whom this is said.
    """
    try:
        check_slug(slug)
    except ValueError as error:
        return "invalid", _said(str(error), error)
    if pattern := reserved(slug, patterns=catalogue.reserved_names):
        another = f"team-{slug}"[:SLUG_MAX].rstrip("-")
        return "reserved", say(
            "%(slug)s is reserved for the platform (%(pattern)s). Try %(another)s.",
            slug=slug,
            pattern=pattern,
            another=another,
        )
    # Written as the unique indexes are, so that they serve.
    folded = Lower("slug")
    taken = Project.objects.alias(folded=folded).filter(folded=slug.lower(), deleted_at=None).exists()
    waiting = ProjectRequest.objects.filter(action=Action.CREATE, decision=Decision.PENDING)
    waiting = waiting.exclude(pk=request.pk) if request is not None else waiting
    asked = waiting.alias(folded=folded).filter(folded=slug.lower()).exists()
    if taken or asked:
        return "taken", taken_sentence(slug)
    return None


def taken_sentence(slug: str) -> str:
    """That a name is taken, with another one to try."""
    another = slug[: SLUG_MAX - 4].rstrip("-")
    return say("%(slug)s is taken. Try %(another)s-2.", slug=slug, another=another)


def _team(
    data: Mapping[str, Any], *, broken: set[str | int], by: "Person", project: Project | None
) -> tuple[Team | None, list[Fault]]:
    slug = data.get("team")
    if "team" in broken or not isinstance(slug, str):
        return None, []
    if project is not None:
        if slug == project.team.slug:
            return project.team, []
        sentence = say(
            "The project belongs to team %(slug)s; moving it is for the platform team.", slug=project.team.slug
        )
        return None, [Fault(path=("team",), code="fixed", message=sentence)]
    team = Team.objects.filter(slug=slug).first()
    if team is not None and permissions.may_create_in(by, team):
        return team, []
    # A sync may have told the account of its groups and bound the team since. It is read again before a no.
    again = cast("Person", get_user_model().objects.get(pk=by.pk))
    if team is not None and permissions.may_create_in(again, team):
        return team, []
    # One answer for a missing team and for somebody else's: team names are not for strangers.
    mine = ", ".join(permissions.teams_of(again).values_list("slug", flat=True)) or say(
        "none yet; ask the platform team"
    )
    sentence = say("You are in no team %(slug)s. Your teams: %(mine)s.", slug=slug, mine=mine)
    return None, [Fault(path=("team",), code="not_your_team", message=sentence)]


def _contributor_faults(spec: ProjectSpec, *, project: Project | None) -> list[Fault]:
    faults = []
    found = meant(spec, project=project)
    seen: dict[tuple[bool, str], int] = {}
    for index, one in enumerate(spec.contributors):
        key = (one.is_group, one.subject)
        if key in seen:
            message = say("%(subject)s stands here twice. One entry each.", subject=one.subject)
            faults.append(Fault(path=("contributors", index), code="twice", message=message))
        seen[key] = index
        if key in found.unclear:
            message = which_one(one.subject, found.unclear[key])
            faults.append(Fault(path=("contributors", index), code="ambiguous", message=message))
        if one.until is not None and one.until < today() and not _was_there(one, project):
            message = say("The last day has passed. Choose a later day, or leave the entry out.")
            faults.append(Fault(path=("contributors", index, "until"), code="past", message=message))
    if not any(one.role is Role.OWNER and one.until is None for one in spec.contributors):
        message = say("At least one person or group must stay owner, without an end date.")
        faults.append(Fault(path=("contributors",), code="no_owner", message=message))
    elif _nobody_owns(spec, found, project=project):
        message = say(
            "None of these owners is known: %(names)s. Make a person of the directory owner, or a group with people "
            "in it.",
            names=", ".join(name for _, name in sorted(_owners(spec.contributors))),
        )
        faults.append(Fault(path=("contributors",), code="unknown_owner", message=message))
    return faults


def _owners(contributors: Iterable[Contributor]) -> set[Name]:
    """Those who own without an end."""
    return {(one.is_group, one.subject) for one in contributors if one.role is Role.OWNER and one.until is None}


def _nobody_owns(spec: ProjectSpec, found: Meant, *, project: Project | None) -> bool:
    """Would nobody whom the directory knows own it? Not asked where the owners stay who they were."""
    owners = _owners(spec.contributors)
    if project is not None and owners == _owners(project.wanted().contributors):
        return False
    return synced() and not anybody(owners, bound=found.ids)


def _was_there(one: Contributor, project: Project | None) -> bool:
    return project is not None and one in project.wanted().contributors


def _option_faults(data: Mapping[str, Any]) -> list[Fault]:
    options = data.get("options", {})
    if not isinstance(options, Mapping):
        return []
    faults = []
    for name, given in options.items():
        kind = kinds().get(name)
        if kind is None or not kind.options.model_fields:
            known = ", ".join(name for name, kind in kinds().items() if kind.options.model_fields)
            message = say("There are no options for %(name)s. Kinds with options: %(known)s.", name=name, known=known)
            faults.append(Fault(path=("options", name), code="no_options", message=message))
            continue
        if not isinstance(given, Mapping):
            # The check of the shape has said so.
            continue
        try:
            kind.options.model_validate(given)
        except ValidationError as error:
            faults += faults_of(error, under=("options", name))
    return faults


def _plan_faults(spec: ProjectSpec, *, installation: Installation, project: Project | None) -> list[Fault]:
    before = project.wanted().options if project else {}
    stand = {name for name, kind in kinds().items() if kind.lasting and before.get(name) == spec.options.get(name)}
    # As it was asked for: that a day has passed must not hide what else is wrong.
    wish = replace(wish_for(spec, installation=installation, uid=NOBODY), spec=spec)
    return [
        Fault(path=("options", kind.name, field), code="beyond_plan", message=translated(sentence))
        for kind in kinds().values()
        if kind.check is not None and kind.name not in stand
        for field, sentence in kind.check(wish)
    ]


def _past_faults(spec: ProjectSpec, *, project: Project | None) -> list[Fault]:
    """Last days among the options that have passed; one that was there before doesn't hold up other changes."""
    message = say("The last day has passed. Choose a later day, or leave the entry out.")
    before = project.wanted().options if project else {}
    return [
        Fault(path=("options", name, field), code="past", message=message)
        for name, given in spec.options.items()
        if before.get(name) != given
        for field, value in kinds()[name].options.model_validate(given)
        if isinstance(value, date) and value < today()
    ]


def option_models() -> dict[str, tuple[Kind, type[BaseModel]]]:
    """Kinds that have options, by name: for the form."""
    return {name: (kind, kind.options) for name, kind in kinds().items() if kind.options.model_fields}
