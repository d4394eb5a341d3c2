"""The main branch of a repository that we made: its first commit, and who may push to it.

The commit is a push, and CI is to run it as any other. So it comes when hooks, clone key and CI's secrets are there,
and not with the repository: a forge that is quick would have told nobody. The protection comes after the commit, since
some forges protect only a branch that is there.

What other checks and protected files the rule has is the team's, and stays. On an attached repository all was there
before us, and nothing is touched.
"""

from collections.abc import Sequence
from typing import Any

from provisioning.errors import TemporaryError
from provisioning.forge import ForgeClient, Repository
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.project_templates import first_commit
from provisioning.repositories import MODEL_GATE, Logins, attached, full_name, logins_of, own_repository, owners
from provisioning.repository_options import options_of, source

KEY_COMMIT = "commit/first"
KEY_PROTECTION = "protection/default-branch"


def desired(wish: Wish) -> tuple[Object, ...]:
    """A commit where the template is rendered by us, and the rule of who may push, unless the team wants none.

    Nothing on an attached repository.
    """
    if attached(wish) is not None:
        return ()
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
    return tuple(objects)


def observe(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> dict[str, Body | None]:
    """Whether anything was ever committed, and the rule as the forge has it."""
    asked = [thing.key for thing in objects]
    found = own_repository(wish, client) if asked else None
    if found is None:
        return dict.fromkeys(asked)
    seen: dict[str, Body | None] = {}
    if KEY_COMMIT in asked:
        seen[KEY_COMMIT] = None if found["empty"] else {"made": True}
    if KEY_PROTECTION in asked:
        seen[KEY_PROTECTION] = _protection(wish, client, found, logins_of(client, owners(wish), each))
    return seen


def _protection(wish: Wish, client: ForgeClient, found: Repository, logins: Logins) -> dict[str, Any] | None:
    """The rule as it is. An owner whom the forge doesn't know reads as one who may push, so that nobody tries again."""
    rule = client.branch_protection(found["full_name"], found["default_branch"])
    if rule is None:
        return None
    persons = {login: person for person, login in logins.items() if login is not None}
    unknown = {person for person, login in logins.items() if login is None}
    pushers = {persons.get(login, login) for login in rule["push_logins"]} | unknown
    wanted = [wish.forge.bot, *owners(wish)]
    gate = MODEL_GATE in rule["checks"]
    if rule["administrators_push"]:
        return {"approvals": rule["approvals"], "push": wanted, "model_gate": gate}
    ordered = [one for one in wanted if one in pushers] + sorted(pushers - set(wanted))
    return {"approvals": rule["approvals"], "push": ordered, "model_gate": gate}


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], each: Each) -> None:
    """Commit when nothing was committed yet, then write the rule."""
    keys = {thing.key for thing in objects}
    if not keys:
        return

    def work(person: str | None) -> Any:
        return client.find_user(person) if person is not None else _with_commit(wish, client)

    # Owners are looked up while the forge takes the commit in, which is what takes the time.
    people = owners(wish) if KEY_PROTECTION in keys else []
    (found, new), *known = each(work, [None, *people])
    if KEY_PROTECTION in keys:
        _put_protection(wish, client, found, dict(zip(people, known, strict=True)), new=new)


def _with_commit(wish: Wish, client: ForgeClient) -> tuple[Repository, bool]:
    """The repository, and whether its first commit was made now."""
    found = own_repository(wish, client)
    if found is None:
        raise TemporaryError(f"{full_name(wish)} is not there any more. We look again.", delay=1)
    template = source(wish)
    return found, template is not None and first_commit.ensure(wish, client, found, template)


def _put_protection(wish: Wish, client: ForgeClient, found: Repository, logins: Logins, *, new: bool) -> None:
    """Write our part of the rule. Writing replaces all of it, so what is the team's goes along."""
    name, branch, options = full_name(wish), found["default_branch"], options_of(wish)
    rule = None if new else client.branch_protection(name, branch)
    checks = [one for one in (rule["checks"] if rule else ()) if one != MODEL_GATE]
    if options.model_gate == "required":
        checks.append(MODEL_GATE)
    client.put_branch_protection(
        name,
        branch,
        approvals=options.approvals,
        checks=checks,
        protected_files=rule["protected_files"] if rule else (),
        push_logins=[wish.forge.bot, *(login for login in logins.values() if login is not None)],
        new=rule is None,
    )


def delete(_wish: Wish, _client: ForgeClient) -> bool:
    """Nothing to take away: commits and the rule are part of the repository, and go or stay with it."""
    return True


def summary(wish: Wish) -> str:
    """Who may push to it."""
    options = options_of(wish)
    if options.attach is not None:
        return f"{options.attach} is attached, so its main branch is the team's own"
    if not options.protect:
        return "Whoever may write pushes to it"
    asks = f"{options.approvals} approvals" if options.approvals != 1 else "1 approval"
    return f"Owners push to it; others make a pull request, which needs {asks if options.approvals else 'no approval'}"


KIND = Kind(
    name="main_branch",
    title="Main branch",
    system="forge",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    after=("repository", "webhook", "clone", "actions"),
)
