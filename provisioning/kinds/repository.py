"""The project's repository: made or attached, with our mark and its people. Its files are the Kind `main_branch`'s.

People get rights of their own (owner: admin, editor: write, viewer: read), found by their mail address, which the forge
must have from the company's sign-in. The forge has no directory groups, so a group gets nothing here. Whoever the forge
doesn't know yet is passed over, stands under "unknown" in what we observe, and gets in with the first look after
signing in there.

On a repository that we made, our list of people is the whole list. On an attached one we add and change, and take
nobody's rights away, nor do we touch its branch protection: both were there before us.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from provisioning.errors import AlreadyExists, NameTaken, PermanentError, Reason, TemporaryError
from provisioning.forge import ForgeClient, Grant
from provisioning.kind import Body, Each, Kind, Object, Right, Wish
from provisioning.repositories import (
    MODEL_GATE,
    TOPIC,
    TOPIC_KEPT,
    Logins,
    attached,
    description,
    foreign_topics,
    full_name,
    is_marked,
    is_ours,
    logins_of,
    look_up,
    own_repository,
    owners,
    uid_topic,
)
from provisioning.repository_options import EMPTY, RepositoryOptions, offered, options_of, source
from provisioning.spec import Role

KEY_MEMBERS = "members"

PERMISSIONS: Mapping[Role, Grant] = {Role.OWNER: "admin", Role.EDITOR: "write", Role.VIEWER: "read"}
_MAY: Mapping[Grant, str] = {"admin": "administer", "write": "read and push to", "read": "read"}
_ADMINISTERS = ("admin", "owner")

Found = Mapping[str, Any]
"""A repository as the client gives it."""


def _people(wish: Wish) -> dict[str, Grant]:
    """Grant by account name; of several roles the highest."""
    people: dict[str, Grant] = {}
    for role in (Role.VIEWER, Role.EDITOR, Role.OWNER):
        people |= {one.subject: PERMISSIONS[role] for one in wish.spec.subjects(role) if not one.is_group}
    return dict(sorted(people.items()))


def _key(wish: Wish) -> str:
    return f"repository/{full_name(wish)}"


def desired(wish: Wish) -> tuple[Object, ...]:
    """The repository with our mark, and its people."""
    options = options_of(wish)
    mark: dict[str, Any] = {"project": wish.uid, "kept": False}
    people: dict[str, Any] = {"people": _people(wish)}
    if options.attach is not None:
        return Object(key=_key(wish), body=mark), Object(key=KEY_MEMBERS, body=people)
    return (
        Object(key=_key(wish), body={**mark, "private": options.private}),
        Object(key=KEY_MEMBERS, body={**people, "others": []}),
    )


def rights(wish: Wish) -> Iterator[Right]:
    """What each person may do with the repository. Groups have nothing: the forge has none."""
    for subject, permission in _people(wish).items():
        yield Right(subject=subject, is_group=False, text=f"{_MAY[permission]} {full_name(wish)}")


def check(wish: Wish) -> Iterable[tuple[str, str]]:
    """A template that is not offered, or one for a repository that has its files already; a gate without protection."""
    options = options_of(wish)
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
    elif options.template not in (choices := [*offered(wish), EMPTY]):
        yield "template", _not_offered(wish, choices)


def _not_offered(wish: Wish, choices: Sequence[str]) -> str:
    return f"{wish.forge.name} has no template {options_of(wish).template}. Choose one of: {', '.join(choices)}."


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
        }
    if KEY_MEMBERS in asked:
        seen[KEY_MEMBERS] = _members(wish, client, found, logins_of(client, _people(wish), each))
    return seen


def _has_topics(wish: Wish, found: Found) -> bool:
    return {TOPIC, uid_topic(wish.uid)} <= set(found["topics"])


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


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> None:
    """Make the objects so: repository and mark, then people."""
    bodies = {thing.key: dict(thing.body or {}) for thing in objects}
    names = list(_people(wish)) if KEY_MEMBERS in bodies else []

    def work(person: str | None) -> Any:
        if person is not None:
            return client.find_user(person)
        return _have_repository(wish, client, bodies.get(_key(wish)), each)

    # People are looked up while the forge makes the repository, which is what takes the time.
    (found, new), *known = each(work, [None, *names])
    logins: Logins = dict(zip(names, known, strict=True))
    if KEY_MEMBERS in bodies:
        _put_members(wish, client, found, logins, each, new=new)


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
    template, private = source(wish), options_of(wish).private
    if template is None and options_of(wish).template not in (None, EMPTY):
        raise PermanentError(_not_offered(wish, [*offered(wish), EMPTY]))

    def make() -> Found:
        if template is not None and template.repository is not None:
            return client.create_from_template(template.repository, owner, name, description(wish), private=private)
        return client.create_repository(owner, name, description(wish), private=private, auto_init=template is None)

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
    for login in logins_of(client, owners(wish), each).values():
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
    origin = source(wish)
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
