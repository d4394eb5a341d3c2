"""What a repository's profile.yaml asks for, in the domain's terms: a new project, or a change of the one it has.

The file is the whole wish, with one thing filled in that it need not say: the repository it stands in is the project's.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from projects import actions, decisions
from projects.desk import Refused
from projects.errors import Fault, InvalidSpec, ProjectError
from projects.installation import Installation
from projects.models import Decision, Door, ProjectRequest, RegisteredRepository
from projects.phrases import meant, say
from projects.profile import Profile, ProfileError, describe, parse
from projects.verdicts import request_of
from provisioning.repository_options import attached_name

if TYPE_CHECKING:
    from projects.permissions import Person


def parsed(content: bytes) -> Profile:
    """The file as data. Raises Refused with every fault."""
    try:
        return parse(content)
    except ProfileError as error:
        raise Refused(error.sentences(), line=error.line) from error


def ask(
    row: RegisteredRepository,
    profile: Profile,
    *,
    by: "Person",
    installation: Installation,
    commit: str = "",
    dry_run: bool = False,
) -> actions.Asked:
    """Ask for what the file says. Raises Refused in words of the file, with every fault and its line."""
    try:
        return _asked(row, profile.data, by=by, installation=installation, commit=commit, dry_run=dry_run)
    except InvalidSpec as error:
        faults = [_in_file_words(fault, row) for fault in error.faults]
        line = min(profile.locate(fault.path)[0] for fault in faults)
        raise Refused(describe(faults, profile), line=line) from error
    except ProjectError as error:
        raise Refused([meant(error.message)]) from error


def _asked(
    row: RegisteredRepository,
    said: Mapping[str, Any],
    *,
    by: "Person",
    installation: Installation,
    commit: str,
    dry_run: bool,
) -> actions.Asked:
    data = _completed(row, said, installation=installation)
    asked: dict[str, Any] = {"by": by, "door": Door.FILE, "installation": installation, "dry_run": dry_run}
    if row.project is not None and row.project.deleted_at is None:
        return actions.change(row.project, data, **asked, commit=commit, repository=row)
    if row.project is not None and data.get("slug") == row.project.slug:
        slug = row.project.slug
        sentence = say("%(slug)s was retired. A file does not bring it back; choose another slug.", slug=slug)
        raise InvalidSpec([Fault(path=("slug",), code="retired", message=sentence)])
    waits = None if row.project is not None else request_of(row)
    if waits is not None and waits.decision == Decision.PENDING:
        _replace(waits, by=by)
    return actions.create(data, **asked, commit=commit, repository=row)


def _replace(waits: ProjectRequest, *, by: "Person") -> None:
    try:
        decisions.withdraw(waits, by=by, door=Door.FILE)
    except ProjectError as error:
        sentence = say(
            "The request of %(who)s for %(slug)s waits for a decision. Ask them to withdraw it.",
            who=waits.requested_by_name,
            slug=waits.slug,
        )
        raise InvalidSpec([Fault(path=("slug",), code="waits", message=sentence)]) from error


def _completed(row: RegisteredRepository, data: Mapping[str, Any], *, installation: Installation) -> dict[str, Any]:
    """The file with what it leaves out: this repository is the project's."""
    whole = dict(data)
    present = row.project.wanted() if row.project is not None and row.project.deleted_at is None else None
    options = whole.get("options", {})
    chosen = options.get("repository", {}) if isinstance(options, Mapping) else None
    if isinstance(chosen, Mapping):
        attach = chosen.get("attach")
        if isinstance(attach, str) and attach.lower() != row.full_name.lower():
            sentence = say(
                "A file can attach no other repository than its own, %(repository)s. Leave this out.",
                repository=row.full_name,
            )
            raise InvalidSpec([Fault(("options", "repository", "attach"), code="not_here", message=sentence)])
        before = attached_name(present.options) if present is not None else row.full_name
        if attach is not None:
            before = row.full_name
        readable = attach is None or isinstance(attach, str)
        if before and readable and "template" not in chosen and row.forge == installation.catalogue.defaults.forge:
            whole["options"] = {**options, "repository": {**chosen, "attach": before}}
    return whole


def _in_file_words(fault: Fault, row: RegisteredRepository) -> Fault:
    project = row.project
    if fault.path == ("slug",) and fault.code == "fixed" and project is not None:
        sentence = say(
            "This repository belongs to the project %(slug)s. Keep that slug, or use another repository.",
            slug=project.slug,
        )
        return Fault(path=fault.path, code="other_project", message=sentence)
    return fault
