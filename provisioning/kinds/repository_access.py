"""The repository is opened to its people: its first commit, who may push to its main branch, and who may do what in it.

In this order, and after hooks, clone key and CI's secrets. The commit is a push that CI is to run as any other, and a
forge that is quick would have told nobody of it. The protection comes after the commit, since some forges protect only
a branch that is there; owners get in before it, since Gitea lets the rule name only those who may write already. Other
people come last: an editor who was there before could fill the empty repository, or push to a main branch that nothing
protects yet. Where the forge has no way to keep the rule as it is wanted (GitLab, without Premium, asks for no
approvals), they come all the same: it never will, and nobody is to stay outside for it. What was refused is said. While
a rule is refused for anything else, such as a right that we lack, whoever would get to push waits; rights are still
lowered and taken away.

People get rights of their own (owner: admin, editor: write, viewer: read), found by their mail address, for which the
catalogue must say that the forge vouches: else it finds nobody (decision 0055). The forge has no directory groups, so a
group gets nothing here. Whoever the forge doesn't know yet is passed over, stands under "unknown" in what we observe,
and gets in with the first look after signing in there.

On a repository that we made, our list of people is the whole list; what other checks and protected files the branch's
rule has is the team's, and stays. On an attached one we add and change people, and touch neither commits nor
protection: all was there before us. Whom we let in there we remember, with the right that they had until then, and that
is what they are left with when they have no role any more. Nobody else's rights are taken.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from provisioning.errors import PermanentError, Reason, TemporaryError
from provisioning.forge import ForgeClient, Grant, Repository
from provisioning.kind import Body, Each, Kind, Object, Right, Wish
from provisioning.phrases import Phrase, joined, numbered, phrase
from provisioning.project_templates import first_commit
from provisioning.repositories import MODEL_GATE, Logins, attached, full_name, logins_of, own_repository, owners
from provisioning.repository_options import options_of, source
from provisioning.spec import Role

KEY_COMMIT = "commit/first"
KEY_PROTECTION = "protection/default-branch"
KEY_MEMBERS = "members"

GRANTS: Mapping[Role, Grant] = {Role.OWNER: "admin", Role.EDITOR: "write", Role.VIEWER: "read"}
_MAY: Mapping[Grant, Phrase] = {
    "admin": phrase("administer"),
    "write": phrase("read and push to"),
    "read": phrase("read"),
}


def _people(wish: Wish) -> dict[str, Grant]:
    """Grant by account name; of several roles the highest."""
    people: dict[str, Grant] = {}
    for role in (Role.VIEWER, Role.EDITOR, Role.OWNER):
        people |= {one.subject: GRANTS[role] for one in wish.spec.subjects(role) if not one.is_group}
    return dict(sorted(people.items()))


def rights(wish: Wish) -> Iterator[Right]:
    """What each person may do with the repository. Groups have nothing: the forge has none."""
    name = full_name(wish)
    for subject, grant in _people(wish).items():
        if not wish.forge.vouches_for_mail and "@" in subject:
            continue
        yield Right(
            subject=subject, is_group=False, text=phrase("%(may)s %(repository)s", may=_MAY[grant], repository=name)
        )


def desired(wish: Wish) -> tuple[Object, ...]:
    """A commit where the template is rendered by us; the rule of who may push, unless the team wants none; people.

    Of an attached repository only its people.
    """
    members = Object(key=KEY_MEMBERS, body={"people": _people(wish), "others": []})
    if attached(wish) is not None:
        return (members,)
    template, options = source(wish), options_of(wish)
    objects = []
    if template is not None and template.copier is not None:
        objects.append(Object(key=KEY_COMMIT, body={"made": True}))
    if options.protect:
        rule = {
            "approvals": options.approvals,
            "push": [wish.forge.bot, *owners(wish)],
            "model_gate": options.model_gate == "required",
        }
        objects.append(Object(key=KEY_PROTECTION, body=rule))
    return *objects, members


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> dict[str, Body | None]:
    """Whether anything was ever committed, and rule and rights as the forge has them; none of a foreign repository."""
    asked = [thing.key for thing in objects]
    found = own_repository(wish, client) if asked else None
    if found is None:
        return dict.fromkeys(asked)
    logins = logins_of(client, _names(wish, asked), each)
    seen: dict[str, Body | None] = {}
    if KEY_COMMIT in asked:
        seen[KEY_COMMIT] = None if found["empty"] else {"made": True}
    if KEY_PROTECTION in asked:
        seen[KEY_PROTECTION] = _protection(wish, client, found, _of_owners(wish, logins))
    if KEY_MEMBERS in asked:
        seen[KEY_MEMBERS] = _members(wish, client, found, logins)
    return seen


def _names(wish: Wish, keys: Collection[str]) -> list[str]:
    """Whose logins are needed."""
    if KEY_MEMBERS in keys:
        return list(_people(wish))
    return owners(wish) if KEY_PROTECTION in keys else []


def _of_owners(wish: Wish, logins: Logins) -> Logins:
    return {person: logins[person] for person in owners(wish)}


def _protection(wish: Wish, client: ForgeClient, found: Repository, logins: Logins) -> dict[str, Any] | None:
    """The rule as it is. An owner whom the forge doesn't know reads as one who may push, so that nobody tries again.

    Where the forge doesn't vouch for mail addresses, nobody can tell whose the logins are: none reads as a stranger's.
    """
    rule = client.branch_protection(found["full_name"], found["default_branch"])
    if rule is None:
        return None
    persons = {login: person for person, login in logins.items() if login is not None}
    unknown = {person for person, login in logins.items() if login is None}
    told = {
        login
        for login in rule["push_logins"]
        if wish.forge.vouches_for_mail or login in persons or login == wish.forge.bot
    }
    pushers = {persons.get(login, login) for login in told} | unknown
    wanted = [wish.forge.bot, *owners(wish)]
    gate = MODEL_GATE in rule["checks"]
    if rule["administrators_push"]:
        return {"approvals": rule["approvals"], "push": wanted, "model_gate": gate}
    ordered = [one for one in wanted if one in pushers] + sorted(pushers - set(wanted))
    return {"approvals": rule["approvals"], "push": ordered, "model_gate": gate}


def _members(wish: Wish, client: ForgeClient, found: Repository, logins: Logins) -> dict[str, Any]:
    """The rights as they are. A right that we can't or needn't give reads as given, so that nobody tries again.

    What is not declared beside them is for `remember`.
    """
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
        "others": sorted(_too_much(wish, found["id"], present, ours)),
        "unknown": [person for person, login in logins.items() if login is None],
        "repository": found["id"],
        "present": present,
        "logins": {person: login for person, login in logins.items() if login not in (None, found["owner"])},
    }


def _too_much(wish: Wish, number: int, present: Mapping[str, str], ours: Collection[str]) -> Mapping[str, str]:
    """Who else has rights that are ours to take, by login, and what they are to be left with; "none" for nothing.

    In a repository that we made that is everybody, but for what the organisation gives its owners; in an attached one,
    whom we let in. Nobody where the forge doesn't vouch for mail addresses: then we can't tell who has no role, either.
    """
    if not wish.forge.vouches_for_mail:
        return {}
    left = _before_us(wish, number) if attached(wish) is not None else dict.fromkeys(present, "none")
    return {
        login: right
        for login, right in left.items()
        if login not in ours and present.get(login, "none") not in (right, "none", "owner")
    }


def _before_us(wish: Wish, number: int) -> Mapping[str, str]:
    """What those had, by login, whom we let into this attached repository by whatever name; "none" for nothing."""
    known: Mapping[str, Any] = wish.remembered
    return known["people"] if known.get("repository") == number else {}


def remember(wish: Wish, seen: Callable[[], Mapping[str, Body | None]]) -> Body:
    """What people have in an attached repository whom we are about to let in, beside those whom we let in before.

    Who has gone, and has no more than before us by now, is forgotten: what they get later is not from us.
    """
    if attached(wish) is None:
        return {}
    members = seen()[KEY_MEMBERS]
    if members is None:
        return wish.remembered
    present, people, number = members["present"], _people(wish), members["repository"]
    wanted = {login: people[person] for person, login in members["logins"].items()}
    kept = {
        login: right
        for login, right in _before_us(wish, number).items()
        if login in wanted or present.get(login, "none") not in (right, "none")
    }
    new = {
        login: present.get(login, "none")
        for login, grant in wanted.items()
        if login not in kept and present.get(login) not in (grant, "owner")
    }
    return {"repository": number, "people": {**new, **kept}} if new or kept else {}


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> None:
    """Commit when nothing was committed yet, let owners in, write the rule, then let the others in.

    Raises the PermanentError of a refused rule when all else is done.
    """
    keys = {thing.key for thing in objects}
    if not keys:
        return
    # The first commit names the owners. Others are looked up while the forge takes it in, which is what takes the time.
    first = logins_of(client, owners(wish), each)
    others = [person for person in _names(wish, keys) if person not in first]

    def work(person: str | None) -> Any:
        return client.find_user(person) if person is not None else _with_commit(wish, client, first)

    (found, new), *known = each(work, [None, *others])
    rest: Logins = dict(zip(others, known, strict=True))
    logins = {**first, **rest}
    name = full_name(wish)
    present = client.collaborators(name) if KEY_MEMBERS in keys and not new else {}
    if KEY_MEMBERS in keys:
        _let_in(wish, client, found, first, present, each)
    refused: PermanentError | None = None
    if KEY_PROTECTION in keys:
        try:
            _put_protection(wish, client, found, first, new=new)
        except PermanentError as error:
            refused = error
    if KEY_MEMBERS in keys:
        if refused is not None and refused.reason is not Reason.UNSUPPORTED:
            rest = _without_new_writers(wish, rest, present)
        _let_in(wish, client, found, rest, present, each)
        ours = {wish.forge.bot, *(login for login in logins.values() if login is not None)}
        _take_back(client, name, _too_much(wish, found["id"], present, ours), each)
    if refused is not None:
        raise refused


def _with_commit(wish: Wish, client: ForgeClient, logins: Logins) -> tuple[Repository, bool]:
    """The repository, and whether its first commit was made now."""
    found = own_repository(wish, client)
    if found is None:
        raise TemporaryError(
            phrase(
                "%(full_name)s is not there any more, or has lost our mark. We look again.", full_name=full_name(wish)
            ),
            delay=1,
        )
    template = source(wish)
    return found, template is not None and first_commit.ensure(wish, client, found, template, logins=logins)


def _put_protection(wish: Wish, client: ForgeClient, found: Repository, logins: Logins, *, new: bool) -> None:
    """Write our part of the rule. Writing replaces all of it, so what is the team's goes along.

    So does who may push already, where the forge doesn't vouch for mail addresses: nobody can tell who they are.
    """
    name, branch, options = full_name(wish), found["default_branch"], options_of(wish)
    rule = None if new else client.branch_protection(name, branch)
    checks = [one for one in (rule["checks"] if rule else ()) if one != MODEL_GATE]
    if options.model_gate == "required":
        checks.append(MODEL_GATE)
    pushers = [wish.forge.bot, *(login for login in logins.values() if login is not None)]
    if rule is not None and not wish.forge.vouches_for_mail:
        pushers += [login for login in rule["push_logins"] if login not in pushers]
    client.put_branch_protection(
        name,
        branch,
        approvals=options.approvals,
        checks=checks,
        protected_files=rule["protected_files"] if rule else (),
        push_logins=pushers,
        new=rule is None,
    )


def _let_in(
    wish: Wish, client: ForgeClient, found: Repository, logins: Logins, present: Mapping[str, str], each: Each
) -> None:
    """Give these people their rights. The owner of a personal repository has them all, and more is left as it is."""
    name, wanted = full_name(wish), _people(wish)
    puts = [
        (login, wanted[person])
        for person, login in logins.items()
        if login not in (None, found["owner"]) and present.get(login) not in (wanted[person], "owner")
    ]
    each(lambda put: client.put_collaborator(name, put[0], put[1]), puts)


def _take_back(client: ForgeClient, name: str, left: Mapping[str, str], each: Each) -> None:
    """Leave these people with the rights given here."""

    def leave(one: tuple[str, Any]) -> None:
        login, right = one
        if right == "none":
            client.delete_collaborator(name, login)
        else:
            client.put_collaborator(name, login, right)

    each(leave, list(left.items()))


def _without_new_writers(wish: Wish, logins: Logins, present: Mapping[str, str]) -> Logins:
    """Those of them whose right as it is wanted lets nobody push who can't already."""
    wanted = _people(wish)
    return {
        person: login
        for person, login in logins.items()
        if wanted[person] == "read" or present.get(login or "") in ("write", "admin")
    }


def delete(_wish: Wish, _client: ForgeClient) -> bool:
    """Nothing to take away: commits, rule and rights are part of the repository, and go or stay with it.

    People keep their rights on one that is kept: it is their work, and whoever leaves the company loses the account.
    """
    return True


def summary(wish: Wish) -> Phrase:
    """Who may push to its main branch, and who gets no rights here: groups, when there are any, or nobody at all."""
    pushes = _who_pushes(wish)
    if not wish.forge.vouches_for_mail:
        nobody = phrase("nobody is let in by a mail address, as %(forge)s vouches for none", forge=wish.forge.name)
        return joined("; ", [pushes, nobody])
    if not any(one.is_group for one in wish.spec.contributors):
        return pushes
    by_name = phrase("people by name only, %(forge)s has no directory groups", forge=wish.forge.name)
    return joined("; ", [pushes, by_name])


def _who_pushes(wish: Wish) -> Phrase:
    options = options_of(wish)
    if options.attach is not None:
        return phrase("%(repository)s is attached, so its main branch is the team's own", repository=options.attach)
    if not options.protect:
        return phrase("Whoever may write pushes to the main branch")
    needs = phrase("no approval")
    if options.approvals:
        needs = numbered("%(number)s approval", "%(number)s approvals", options.approvals)
    return phrase(
        "Owners push to the main branch; others make a pull request, which needs %(approvals)s", approvals=needs
    )


KIND = Kind(
    name="repository_access",
    title="Repository access",
    system="forge",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    after=("repository", "webhook", "clone", "actions"),
    rights=rights,
    remember=remember,
)
