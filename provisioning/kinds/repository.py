"""The project's repository: made or attached, with our mark. Files and people are the Kind `repository_access`'s.

What is attached is opened to the project's people by our bot, so one repository is attached only by who could open it
themself: who asked for it (`Wish.attached_by`) administers it on the forge (decision 0056). Once it has our mark it is
the project's, whoever asked and whoever owns the project by then. The mark is written by its administrators only, on
GitHub by who maintains it too, so they can also agree by writing it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provisioning.errors import AlreadyExists, NameTaken, PermanentError, Reason, TemporaryError
from provisioning.forge import LIKE_GITHUB, ForgeClient
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.phrases import Phrase, joined, phrase
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
from provisioning.repository_options import EMPTY, RepositoryOptions, offered, options_of, source

_ADMINISTERS = ("admin", "owner")

Found = Mapping[str, Any]
"""A repository as the client gives it."""


def _key(wish: Wish) -> str:
    return f"repository/{full_name(wish)}"


def desired(wish: Wish) -> tuple[Object, ...]:
    """The repository with our mark; how private an attached one is stays the team's."""
    options = options_of(wish)
    mark: dict[str, Any] = {"project": wish.uid, "kept": False}
    return (Object(key=_key(wish), body=mark if options.attach is not None else {**mark, "private": options.private}),)


def check(wish: Wish) -> Iterator[tuple[str, Phrase]]:
    """A template that is not offered, or one for a repository that has its files already; a gate or approvals without
    protection by us, or a gate on a forge that can't require one."""
    options = options_of(wish)
    if options.approvals and options.attach is not None:
        yield (
            "approvals",
            phrase(
                "%(repository)s is attached, so its protection is the team's: ask for approvals there.",
                repository=options.attach,
            ),
        )
    elif options.approvals and not options.protect:
        yield (
            "approvals",
            phrase("Only a protected branch can ask for approvals. Protect it, or ask for none."),
        )
    if options.model_gate == "required" and options.attach is not None:
        yield (
            "model_gate",
            phrase(
                "%(repository)s is attached, so its protection is the team's: require %(check)s there.",
                repository=options.attach,
                check=MODEL_GATE,
            ),
        )
    elif options.model_gate == "required" and not options.protect:
        yield (
            "model_gate",
            phrase("Only a protected branch can require the gate. Protect it, or have the gate shown only."),
        )
    elif options.model_gate == "required" and wish.forge.kind not in LIKE_GITHUB:
        yield (
            "model_gate",
            phrase("%(forge)s is a GitLab, which can't require the gate. Have it shown only.", forge=wish.forge.name),
        )
    if options.template is None:
        return
    if options.attach is not None:
        has_files = phrase(
            "%(repository)s has its files already. Leave the template out, or attach no repository.",
            repository=options.attach,
        )
        yield "template", has_files
    elif options.template not in (choices := [*offered(wish), EMPTY]):
        yield "template", _not_offered(wish, choices)


def _not_offered(wish: Wish, choices: Sequence[str]) -> Phrase:
    return phrase(
        "%(forge)s has no template %(template)s. Choose one of: %(choices)s.",
        forge=wish.forge.name,
        template=options_of(wish).template,
        choices=", ".join(choices),
    )


def _claim(wish: Wish, client: ForgeClient, found: Found) -> None:
    """Return when this project may use the existing repository, else raise NameTaken with what to do."""
    if is_ours(wish, found):
        return
    if attached(wish) is not None:
        _check_attachable(wish, client, found)
        return
    name = full_name(wish)
    if not is_marked(found):
        raise NameTaken(phrase("%(name)s exists and is not Slipway's. Attach it, or pick another name.", name=name))
    if TOPIC_KEPT in found["topics"]:
        raise NameTaken(
            phrase("%(name)s was kept from an earlier project. Attach it, or pick another name.", name=name)
        )
    raise NameTaken(phrase("%(name)s belongs to another project of Slipway. Pick another name.", name=name))


def _check_attachable(wish: Wish, client: ForgeClient, found: Found) -> None:
    """Return when who asked for the repository administers it, and we do, and it is free. Raises NameTaken otherwise.

    The right is checked first: attaching must not tell which private repositories there are, or whose they are.
    """
    name, bot = full_name(wish), wish.forge.bot
    # Only who administers a repository is told what others may do in it.
    asks = wish.attached_by if client.permission(found["full_name"], bot) in _ADMINISTERS else ""
    login = client.find_user(asks) if asks else None
    if login is None or client.permission(found["full_name"], login) not in _ADMINISTERS:
        raise _not_attachable(wish)
    if is_marked(found) and TOPIC_KEPT not in found["topics"]:
        raise NameTaken(phrase("%(name)s belongs to another project of Slipway. Attach another one.", name=name))
    if found["full_name"].lower() != name.lower():
        raise NameTaken(
            phrase(
                "%(name)s is called %(full_name)s now. Attach it under that name.",
                name=name,
                full_name=found["full_name"],
            )
        )


def _not_attachable(wish: Wish) -> NameTaken:
    """One sentence for "not there", "not yours" and "not ours"."""
    return NameTaken(
        phrase(
            "%(name)s is not there, or %(bot)s and who asked to attach it (%(who)s) do not both administer it. Give "
            "both that right, have one of its administrators give it the topic %(topic)s, or attach another one.",
            name=full_name(wish),
            bot=wish.forge.bot,
            who=wish.attached_by or phrase("nobody who is here now"),
            topic=uid_topic(wish.uid),
        )
    )


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """The repository as the forge has it. Raises NameTaken for one that this project can't have."""
    asked = [thing.key for thing in objects]
    found = look_up(wish, client)
    if found is None:
        return dict.fromkeys(asked)
    _claim(wish, client, found)
    project = wish.uid if _has_topics(wish, found) else None
    body = {"project": project, "kept": TOPIC_KEPT in found["topics"], "private": found["private"]}
    return dict.fromkeys(asked, body)


def _has_topics(wish: Wish, found: Found) -> bool:
    return {TOPIC, uid_topic(wish.uid)} <= set(found["topics"])


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> None:
    """Have the repository, made now or found to be ours or attachable, with our mark on it."""
    for thing in objects:
        body = dict(thing.body or {})
        made: Found | None = None
        # One that was read before may have another name by now; the old name must not get a second one.
        if attached(wish) is None and (wish.repository is None or look_up(wish, client) is None):
            made = _make(wish, client)
        found = made or _existing(wish, client)
        name = full_name(wish)
        if not _has_topics(wish, found) or TOPIC_KEPT in found["topics"]:
            client.set_topics(name, [*foreign_topics(found), TOPIC, uid_topic(wish.uid)])
        if "private" in body and found["private"] != body["private"]:
            client.set_private(name, body["private"])


def _existing(wish: Wish, client: ForgeClient) -> Found:
    """A repository that is ours already, or that this project may attach."""
    found = look_up(wish, client)
    if found is not None:
        _claim(wish, client, found)
        return found
    if attached(wish) is not None:
        raise _not_attachable(wish)
    raise TemporaryError(
        phrase("%(full_name)s is not there any more. We look again.", full_name=full_name(wish)), delay=1
    )


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


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Remove a repository that we made, and only with `wish.remove_data`; otherwise say on it that it was kept.

    An attached repository loses our mark and nothing else. One that isn't ours is left alone.
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


def summary(wish: Wish) -> Phrase:
    """One line: name, and where its files came from."""
    origin = source(wish)
    if attached(wish) is not None:
        return phrase("%(repository)s, attached", repository=full_name(wish))
    if origin is not None:
        start = origin.repository or origin.name
        return phrase("%(repository)s, started from %(template)s", repository=full_name(wish), template=start)
    return joined("", [full_name(wish)])


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
)
