"""The project's repository: made from a template or attached, with our mark, its people and a protected branch.

People get rights of their own (owner: admin, editor: write, viewer: read), found by their mail address, which the forge
must have from the company's sign-in. The forge has no directory groups, so a group gets nothing here. Whoever the forge
doesn't know yet is passed over, stands under "unknown" in what we observe, and gets in with the first look after
signing in there.

On a repository that we made, our list of people is the whole list. On an attached one we add and change, and take
nobody's rights away, nor do we touch its branch protection: both were there before us.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from provisioning.catalogue import ProjectTemplate
from provisioning.errors import AlreadyExists, NameTaken, PermanentError, Reason, TemporaryError
from provisioning.forge import ForgeClient, Grant
from provisioning.kind import Body, Each, Kind, Object, Options, Right, Wish
from provisioning.project_templates import first_commit
from provisioning.repositories import (
    MODEL_GATE,
    TOPIC,
    TOPIC_KEPT,
    attached,
    description,
    foreign_topics,
    full_name,
    is_marked,
    is_ours,
    look_up,
    own_repository,
    uid_topic,
)
from provisioning.spec import Role

EMPTY = "empty"
KEY_PROTECTION = "protection/default-branch"
KEY_MEMBERS = "members"

PERMISSIONS: Mapping[Role, Grant] = {Role.OWNER: "admin", Role.EDITOR: "write", Role.VIEWER: "read"}
_MAY: Mapping[Grant, str] = {"admin": "administer", "write": "read and push to", "read": "read"}
_ADMINISTERS = ("admin", "owner")

Found = Mapping[str, Any]
"""A repository as the client gives it."""
Logins = Mapping[str, str | None]
"""Login by account name; None for whom the forge doesn't know."""

_FULL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)


class RepositoryOptions(Options):
    """What a team may choose about its repository."""

    attach: str | None = Field(
        default=None, title="Attach a repository", description="owner/name of one that exists; none is made then."
    )
    template: str | None = Field(
        default=None, title="Start from", description=f"A template's name, or {EMPTY}; left out: the first offered."
    )
    private: bool = Field(default=True, title="Private", description="Only the project's people see it.")
    protect: bool = Field(
        default=True, title="Protect the main branch", description="Owners push to it; others make a pull request."
    )
    approvals: int = Field(default=0, ge=0, le=5, title="Approvals", description="How many a pull request needs.")
    model_gate: Literal["shown", "required"] = Field(
        default="shown",
        title="Model gate",
        description="required: a pull request is merged only when the model keeps its thresholds.",
    )

    @field_validator("attach")
    @classmethod
    def _owner_and_name(cls, value: str | None) -> str | None:
        if value is not None and not _FULL_NAME.fullmatch(value):
            raise ValueError(f"{value!r} is not a repository. Write owner/name, such as vision/lane-detection.")
        return value


def _options(wish: Wish) -> RepositoryOptions:
    return wish.options("repository", RepositoryOptions)


def _offered(wish: Wish) -> dict[str, ProjectTemplate]:
    """Templates for this forge by their name."""
    return {one.name: one for one in wish.catalogue.templates if one.forge == wish.forge.name}


def _source(wish: Wish) -> ProjectTemplate | None:
    """The template that a new repository starts from; None for an empty one, and when it isn't offered any more."""
    options = _options(wish)
    if options.attach is not None or options.template == EMPTY:
        return None
    offered = _offered(wish)
    return next(iter(offered.values()), None) if options.template is None else offered.get(options.template)


def _people(wish: Wish) -> dict[str, Grant]:
    """Grant by account name; of several roles the highest."""
    people: dict[str, Grant] = {}
    for role in (Role.VIEWER, Role.EDITOR, Role.OWNER):
        people |= {one.subject: PERMISSIONS[role] for one in wish.spec.subjects(role) if not one.is_group}
    return dict(sorted(people.items()))


def _owners(wish: Wish) -> list[str]:
    return [one.subject for one in wish.spec.subjects(Role.OWNER) if not one.is_group]


def _key(wish: Wish) -> str:
    return f"repository/{full_name(wish)}"


def desired(wish: Wish) -> tuple[Object, ...]:
    """The repository with our mark, its people, and its protected branch unless it is attached or not wanted."""
    options = _options(wish)
    mark: dict[str, Any] = {"project": wish.uid, "kept": False}
    people: dict[str, Any] = {"people": _people(wish)}
    if options.attach is not None:
        return Object(key=_key(wish), body=mark), Object(key=KEY_MEMBERS, body=people)
    source = _source(wish)
    started = {"started": True} if source is not None and source.copier is not None else {}
    objects = [
        Object(key=_key(wish), body={**mark, "private": options.private, **started}),
        Object(key=KEY_MEMBERS, body={**people, "others": []}),
    ]
    if options.protect:
        rule = {
            "approvals": options.approvals,
            "push": [wish.forge.bot, *_owners(wish)],
            "model_gate": options.model_gate == "required",
        }
        objects.append(Object(key=KEY_PROTECTION, body=rule))
    return tuple(objects)


def rights(wish: Wish) -> Iterator[Right]:
    """What each person may do with the repository. Groups have nothing: the forge has none."""
    for subject, permission in _people(wish).items():
        yield Right(subject=subject, is_group=False, text=f"{_MAY[permission]} {full_name(wish)}")


def check(wish: Wish) -> Iterable[tuple[str, str]]:
    """A template that is not offered, or one for a repository that has its files already; a gate without protection."""
    options = _options(wish)
    if options.model_gate == "required" and options.attach is not None:
        yield (
            "model_gate",
            f"{options.attach} is attached, so its protection is the team's: require {MODEL_GATE} there.",
        )
    elif options.model_gate == "required" and not options.protect:
        yield "model_gate", "Only a protected branch can require the gate. Protect it, or have the gate shown only."
    if options.template is None:
        return
    if options.attach is not None:
        yield "template", f"{options.attach} has its files already. Leave the template out, or attach no repository."
    elif options.template not in (choices := [*_offered(wish), EMPTY]):
        yield "template", _not_offered(wish, choices)


def _not_offered(wish: Wish, choices: Sequence[str]) -> str:
    return f"{wish.forge.name} has no template {_options(wish).template}. Choose one of: {', '.join(choices)}."


def _claim(wish: Wish, found: Found) -> None:
    """Return when this project may use the existing repository, else raise NameTaken with what to do."""
    name, kept = full_name(wish), TOPIC_KEPT in found["topics"]
    if is_ours(wish, found):
        return
    if attached(wish) is not None and (kept or not is_marked(found)):
        return
    if not is_marked(found):
        raise NameTaken(f"{name} exists and is not Slipway's. Attach it, or pick another name.")
    if kept:
        raise NameTaken(f"{name} was kept from an earlier project. Attach it, or pick another name.")
    way_out = "Attach another one." if attached(wish) is not None else "Pick another name."
    raise NameTaken(f"{name} belongs to another project of Slipway. {way_out}")


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> dict[str, Body | None]:
    """The objects as the forge has them. Raises NameTaken for a repository that this project can't have."""
    asked = [thing.key for thing in objects]
    found = look_up(wish, client)
    if found is None:
        return dict.fromkeys(asked)
    _claim(wish, found)
    seen: dict[str, Body | None] = {}
    if _key(wish) in asked:
        project = wish.uid if _has_topics(wish, found) else None
        seen[_key(wish)] = {
            "project": project,
            "kept": TOPIC_KEPT in found["topics"],
            "private": found["private"],
            "started": not found["empty"],
        }
    if KEY_MEMBERS in asked or KEY_PROTECTION in asked:
        logins = _logins(client, _people(wish), each)
        looks: dict[str, Callable[[], Body | None]] = {
            KEY_MEMBERS: lambda: _members(wish, client, found, logins),
            KEY_PROTECTION: lambda: _protection(wish, client, found, logins),
        }
        rest = [key for key in asked if key in looks]
        seen |= dict(zip(rest, each(lambda key: looks[key](), rest), strict=True))
    return seen


def _has_topics(wish: Wish, found: Found) -> bool:
    return {TOPIC, uid_topic(wish.uid)} <= set(found["topics"])


def _logins(client: ForgeClient, people: Iterable[str], each: Each) -> Logins:
    """Login by account name; None for those whom the forge doesn't know."""
    names = list(people)
    return dict(zip(names, each(client.find_user, names), strict=True))


def _members(wish: Wish, client: ForgeClient, found: Found, logins: Logins) -> dict[str, Any]:
    """The rights as they are. A right that we can't or needn't give reads as given, so that nobody tries again."""
    present = client.collaborators(found["full_name"])
    people: dict[str, str] = {}
    for person, wanted in _people(wish).items():
        login = logins[person]
        if login is None or login == found["owner"]:
            people[person] = wanted
        elif login in present:
            # "owner" comes from the organisation; we give at most "admin".
            people[person] = wanted if present[login] == "owner" else present[login]
    ours = {wish.forge.bot, *(login for login in logins.values() if login is not None)}
    return {
        "people": people,
        "others": sorted(_others(present, ours)),
        "unknown": [person for person, login in logins.items() if login is None],
    }


def _others(present: Mapping[str, str], ours: Collection[str]) -> list[str]:
    """Who else has rights of their own. What the organisation gives its owners is not ours to take."""
    return [login for login, right in present.items() if login not in ours and right != "owner"]


def _protection(wish: Wish, client: ForgeClient, found: Found, logins: Logins) -> dict[str, Any] | None:
    rule = client.branch_protection(found["full_name"], found["default_branch"])
    if rule is None:
        return None
    persons = {login: person for person, login in logins.items() if login is not None}
    unknown = {person for person in _owners(wish) if logins[person] is None}
    pushers = {persons.get(login, login) for login in rule["push_logins"]} | unknown
    wanted = [wish.forge.bot, *_owners(wish)]
    gate = MODEL_GATE in rule["checks"]
    if rule["administrators_push"]:
        return {"approvals": rule["approvals"], "push": wanted, "model_gate": gate}
    ordered = [one for one in wanted if one in pushers] + sorted(pushers - set(wanted))
    return {"approvals": rule["approvals"], "push": ordered, "model_gate": gate}


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> None:
    """Make the objects so: repository and mark, then people, then the branch (only people with rights may push)."""
    bodies = {thing.key: dict(thing.body or {}) for thing in objects}
    with_people = KEY_MEMBERS in bodies or KEY_PROTECTION in bodies
    names = list(_people(wish)) if with_people else []

    def work(person: str | None) -> Any:
        if person is not None:
            return client.find_user(person)
        return _have_repository(wish, client, bodies.get(_key(wish)), each)

    # People are looked up while the forge makes the repository, which is what takes the time.
    (found, new), *known = each(work, [None, *names])
    logins: Logins = dict(zip(names, known, strict=True))
    if KEY_MEMBERS in bodies:
        _put_members(wish, client, found, logins, each, new=new)
    if KEY_PROTECTION in bodies:
        _put_protection(wish, client, found, logins, new=new)


def _have_repository(wish: Wish, client: ForgeClient, body: Mapping[str, Any] | None, each: Each) -> tuple[Found, bool]:
    """The repository, made now (True) or found to be ours or attachable (False), with our mark on it.

    Without a `body` nothing about it is to be changed, so it must be there.
    """
    name = full_name(wish)
    made: Found | None = None
    # One that was read before may have another name by now; the old name must not get a second one.
    if body is not None and attached(wish) is None and (wish.repository is None or look_up(wish, client) is None):
        made = _make(wish, client)
    found = made or _existing(wish, client, each)
    if body is None:
        return found, False
    if not _has_topics(wish, found) or TOPIC_KEPT in found["topics"]:
        client.set_topics(name, [*foreign_topics(found), TOPIC, uid_topic(wish.uid)])
    if "private" in body and found["private"] != body["private"]:
        client.set_private(name, body["private"])
    source = _source(wish)
    if source is not None:
        first_commit.ensure(wish, client, found, source)
    return found, made is not None


def _existing(wish: Wish, client: ForgeClient, each: Each) -> Found:
    """A repository that is ours already, or that this project may attach."""
    found = look_up(wish, client)
    if found is not None:
        _claim(wish, found)
        if is_ours(wish, found):
            return found
    if attached(wish) is None:
        raise TemporaryError(f"{full_name(wish)} is not there any more. We look again.", delay=1)
    return _attachable(wish, client, found, each)


def _make(wish: Wish, client: ForgeClient) -> Found | None:
    """Make the repository, and its organisation when that is missing. None when the name is in use."""
    owner, _, name = full_name(wish).partition("/")
    source, private = _source(wish), _options(wish).private
    if source is None and _options(wish).template not in (None, EMPTY):
        raise PermanentError(_not_offered(wish, [*_offered(wish), EMPTY]))

    def make() -> Found:
        if source is not None and source.repository is not None:
            return client.create_from_template(source.repository, owner, name, description(wish), private=private)
        return client.create_repository(owner, name, description(wish), private=private, auto_init=source is None)

    try:
        return make()
    except AlreadyExists:
        return None
    except TemporaryError as error:
        if error.reason is not Reason.DEPENDENCY_NOT_READY or not client.ensure_organisation(owner):
            raise
    try:
        return make()
    except AlreadyExists:
        return None


def _attachable(wish: Wish, client: ForgeClient, found: Found | None, each: Each) -> Found:
    """The repository, if we and an owner of this project administer it. Raises PermanentError otherwise.

    One sentence for "not there" and "not yours": attaching must not tell which private repositories there are.
    """
    name, bot = full_name(wish), wish.forge.bot
    refused = PermanentError(
        f"{name} is not there, or no owner of this project administers it. "
        "Make one of its administrators an owner of the project, by name, or attach another one."
    )
    if found is None:
        raise refused
    if client.permission(found["full_name"], bot) not in _ADMINISTERS:
        raise PermanentError(f"{bot} does not administer {name}. Give it that right there, then have us look again.")
    for login in _logins(client, _owners(wish), each).values():
        if login is not None and client.permission(found["full_name"], login) in _ADMINISTERS:
            if found["full_name"].lower() != name.lower():
                raise PermanentError(f"{name} is called {found['full_name']} now. Attach it under that name.")
            return found
    raise refused


def _put_members(
    wish: Wish,
    client: ForgeClient,
    found: Found,
    logins: Logins,
    each: Each,
    *,
    new: bool,
) -> None:
    name = full_name(wish)
    present = {} if new else client.collaborators(name)
    wanted = {login: right for person, right in _people(wish).items() if (login := logins[person]) is not None}
    puts = [
        (login, right)
        for login, right in wanted.items()
        if login != found["owner"] and present.get(login) not in (right, "owner")
    ]
    each(lambda put: client.put_collaborator(name, put[0], put[1]), puts)
    if attached(wish) is None:
        others = _others(present, {*wanted, wish.forge.bot})
        each(lambda login: client.delete_collaborator(name, login), others)


def _put_protection(wish: Wish, client: ForgeClient, found: Found, logins: Logins, *, new: bool) -> None:
    """Write our part of the rule. Other checks and protected files are the team's; writing replaces all, so they go
    along.
    """
    name, branch = full_name(wish), found["default_branch"]
    rule = None if new else client.branch_protection(name, branch)
    checks = [one for one in (rule["checks"] if rule else ()) if one != MODEL_GATE]
    if _options(wish).model_gate == "required":
        checks.append(MODEL_GATE)
    owners = [login for login in (logins[person] for person in _owners(wish)) if login is not None]
    client.put_branch_protection(
        name,
        branch,
        approvals=_options(wish).approvals,
        checks=checks,
        protected_files=rule["protected_files"] if rule else (),
        push_logins=[wish.forge.bot, *owners],
        new=rule is None,
    )


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Remove a repository that we made, and only with `wish.remove_data`; otherwise say on it that it was kept.

    People keep the rights they have: it is their work, and whoever leaves the company loses the account anyway. An
    attached repository loses our mark and nothing else. One that isn't ours is left alone.
    """
    found = own_repository(wish, client)
    if found is None:
        return True
    name = full_name(wish)
    if attached(wish) is not None:
        client.set_topics(name, foreign_topics(found))
    elif wish.remove_data:
        client.delete_repository(name)
    elif TOPIC_KEPT not in found["topics"]:
        client.set_topics(name, [*foreign_topics(found), TOPIC, TOPIC_KEPT, uid_topic(wish.uid)])
    return True


def summary(wish: Wish) -> str:
    """One line: name, where its files came from, and that groups get no rights here, when there are any."""
    origin = _source(wish)
    if attached(wish) is not None:
        what = f"{full_name(wish)}, attached"
    elif origin is not None:
        what = f"{full_name(wish)}, started from {origin.repository or origin.name}"
    else:
        what = full_name(wish)
    groups = any(one.is_group for one in wish.spec.contributors)
    return f"{what}; people by name only, {wish.forge.name} has no directory groups" if groups else what


KIND = Kind(
    name="repository",
    title="Repository",
    system="forge",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    holds_data=True,
    options=RepositoryOptions,
    check=check,
    rights=rights,
)
