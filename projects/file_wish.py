"""What a repository's profile.yaml asks for, in the domain's terms: a new project, or a change of the one it has.

The file is the whole wish, with two things filled in that it need not say: the repository it stands in is the
project's, and owners stay owners unless it names some (for a new project: whoever asks).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from projects import actions
from projects.desk import Refused
from projects.errors import Fault, InvalidSpec, ProjectError
from projects.installation import Installation
from projects.models import Decision, Door, ProjectRequest, RegisteredRepository
from projects.profile import Profile, ProfileError, describe, parse
from projects.verdicts import request_of

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
        raise Refused([error.message]) from error


def _asked(
    row: RegisteredRepository,
    said: Mapping[str, Any],
    *,
    by: "Person",
    installation: Installation,
    commit: str,
    dry_run: bool,
) -> actions.Asked:
    data = _completed(row, said, by=by, installation=installation)
    if row.project is not None and row.project.deleted_at is None:
        return actions.change(
            row.project, data, by=by, door=Door.FILE, installation=installation, commit=commit, dry_run=dry_run
        )
    if row.project is not None and data.get("slug") == row.project.slug:
        sentence = f"{row.project.slug} was retired. A file does not bring it back; choose another slug."
        raise InvalidSpec([Fault(path=("slug",), code="retired", message=sentence)])
    waits = None if row.project is not None else request_of(row)
    if waits is not None and waits.decision == Decision.PENDING:
        _replace(waits, by=by)
    return actions.create(data, by=by, door=Door.FILE, installation=installation, commit=commit, dry_run=dry_run)


def _replace(waits: ProjectRequest, *, by: "Person") -> None:
    try:
        actions.withdraw(waits, by=by, door=Door.FILE)
    except ProjectError as error:
        who = waits.requested_by_name
        sentence = f"The request of {who} for {waits.slug} waits for a decision. Ask them to withdraw it."
        raise InvalidSpec([Fault(path=("slug",), code="waits", message=sentence)]) from error


def _completed(
    row: RegisteredRepository, data: Mapping[str, Any], *, by: "Person", installation: Installation
) -> dict[str, Any]:
    """What the file leaves out: this repository is the project's, and owners stay owners (first, whoever asks)."""
    whole = dict(data)
    present = row.project.wanted() if row.project is not None and row.project.deleted_at is None else None
    options = whole.get("options", {})
    chosen = options.get("repository", {}) if isinstance(options, Mapping) else None
    if isinstance(chosen, Mapping):
        attach = chosen.get("attach")
        if isinstance(attach, str) and attach.lower() != row.full_name.lower():
            sentence = f"A file can attach no other repository than its own, {row.full_name}. Leave this out."
            raise InvalidSpec([Fault(("options", "repository", "attach"), code="not_here", message=sentence)])
        before = present.options.get("repository", {}).get("attach") if present is not None else row.full_name
        if attach is not None:
            before = row.full_name
        if before and "template" not in chosen and row.forge == installation.catalogue.defaults.forge:
            whole["options"] = {**options, "repository": {**chosen, "attach": before}}
    contributors = whole.get("contributors", [])
    if isinstance(contributors, list) and not any(
        isinstance(one, Mapping) and one.get("role") == "owner" for one in contributors
    ):
        owners = [{"user": by.username, "role": "owner"}]
        if present is not None:
            owners = [
                one.model_dump(mode="json", exclude_none=True) for one in present.contributors if one.role == "owner"
            ]
        whole["contributors"] = _with_owners(contributors, owners)
    return whole


def _with_owners(contributors: Sequence[Any], owners: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The file's entries in their places, so that faults find their lines, and the owners."""

    def subject(one: Any) -> Any:
        return (str(one.get("user")).lower(), one.get("group")) if isinstance(one, Mapping) else None

    by_subject = {subject(one): one for one in owners}
    placed = [by_subject.get(subject(one), one) for one in contributors]
    named = {subject(one) for one in contributors}
    return [*placed, *(one for one in owners if subject(one) not in named)]


def _in_file_words(fault: Fault, row: RegisteredRepository) -> Fault:
    project = row.project
    if fault.path == ("slug",) and fault.code == "fixed" and project is not None:
        sentence = f"This repository belongs to the project {project.slug}. Keep that slug, or use another repository."
        return Fault(path=fault.path, code="other_project", message=sentence)
    return fault
