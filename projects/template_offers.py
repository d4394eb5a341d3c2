"""A newer version of the template for one project: looked for, merged, and offered as a pull request of the bot.

What a project is at, its own repository says (`.copier-answers.yml`), so a merge, a revert or a rename is seen by
looking. Where the file is gone, the team has left the template and is left alone. A version is offered once: a pull
request that was closed does not come back, the next version does.
"""

import re
from collections.abc import Mapping

from django.utils import timezone

from projects import template_versions
from projects.models import TemplateUse
from projects.phrases import as_kept
from projects.profile import ProfileError, parse
from provisioning import pull_requests
from provisioning.errors import PermanentError
from provisioning.forge import ForgeClient
from provisioning.kind import Wish
from provisioning.phrases import phrase
from provisioning.project_templates import answers
from provisioning.project_templates.merging import Merged, merge
from provisioning.project_templates.rendering import MAX_BYTES, files_for
from provisioning.rendered import Rendered
from provisioning.repositories import own_repository, owners

_VERSION = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,5}")


def look(use: TemplateUse, wish: Wish, client: ForgeClient, newest: Mapping[str, Rendered]) -> None:
    """See which version a project is at, and offer it the newest one if it is behind. Saves the row.

    newest: the present version of each template. Raises what the client raises; a look that was cut short is made
    again and ends the same.
    """
    found = own_repository(wish, client)
    said = None if found is None or found["empty"] else _said(client, found["full_name"], found["default_branch"])
    template, version = said or ("", "")
    if (template, version) != (use.template, use.version):
        use.template, use.version, use.since = template, version, timezone.now()
    use.note, use.phrases = "", {}
    new = newest.get(template)
    if found is None or new is None or not template_versions.newer(new.version, version):
        use.pull_request_open = False
    elif use.offered == new.version and use.pull_request is not None:
        still = client.pull_request(found["full_name"], use.pull_request)
        use.pull_request_open = still is not None and still["state"] == "open"
    else:
        _offer(use, wish, client, found["full_name"], found["default_branch"], new)
    use.save()


def _said(client: ForgeClient, full_name: str, branch: str) -> tuple[str, str] | None:
    """Template and version that a repository says it is at; None when it says nothing that can be read."""
    try:
        found = client.file(full_name, answers.ANSWERS_FILE, branch)
        # Whoever may push writes this file too, so it is read with the same bounds.
        said = parse(found[0]).data if found is not None else {}
    except (PermanentError, ProfileError):
        return None
    template, version = said.get("_src_path"), said.get("_commit")
    if not isinstance(template, str) or not isinstance(version, str) or not _VERSION.fullmatch(version):
        return None
    return template[:63], version


def _offer(use: TemplateUse, wish: Wish, client: ForgeClient, name: str, branch: str, new: Rendered) -> None:
    old = template_versions.kept(use.template, use.version)
    if old is None:
        use.note = phrase(
            "What version %(version)s looked like is not known here, so %(new)s can't be merged.",
            version=use.version,
            new=new.version,
        )
        use.phrases = as_kept(note=use.note)
        return
    head = f"slipway/{new.template}-{new.version}"

    def bring(onto: str) -> pull_requests.Offer:
        merged = _merged(wish, client, name, onto, old, new)
        return pull_requests.Offer(files=merged.files, removed=merged.removed, text=text(merged, old, new))

    title = f"Template {new.template} {new.version}"
    number = pull_requests.offer(client, name, head, base=branch, title=title, bring=bring)
    use.offered, use.offered_at = new.version, timezone.now()
    use.pull_request, use.pull_request_open = number, True
    made = client.pull_request(name, number)
    use.pull_request_url = made["html_url"] if made is not None else ""


def _merged(wish: Wish, client: ForgeClient, name: str, branch: str, old: Rendered, new: Rendered) -> Merged:
    """The team's files brought to the new version. The project's words are the same in both, so they never differ."""
    logins = {person: client.find_user(person) for person in owners(wish)}
    before, after = (
        files_for(one, answers.of(wish, template=one.template, version=one.version, logins=logins))
        for one in (old, new)
    )
    return merge(
        before,
        after,
        lambda path: client.file(name, path, branch, limit=MAX_BYTES),
        labels=("yours", f"{old.template} {old.version}", f"{new.template} {new.version}"),
    )


def text(merged: Merged, old: Rendered, new: Rendered) -> str:
    """What the pull request says: what it brings, what needs a person, and what it left alone."""
    lines = [
        f"This brings {new.template} from {old.version} to {new.version}: {len(merged.files)} files changed, "
        f"{len(merged.removed)} removed. Your own changes stay.",
        "",
    ]
    if merged.conflicts:
        lines += [
            "**Conflicts.** You and the template changed the same lines of these files. Both stand in them, between "
            "the markers `<<<<<<<` and `>>>>>>>`. Decide for each, push to this branch, and only then merge:",
            "",
            *(f"- `{path}`" for path in merged.conflicts),
            "",
        ]
    if merged.kept:
        lines += ["**Left as they are.**", "", *(f"- `{path}`: {why}" for path, why in merged.kept.items()), ""]
    lines.append(
        f"Close this to stay at {old.version}: it is not offered again, the next version is. To leave the template for "
        f"good, remove `{answers.ANSWERS_FILE}`."
    )
    return "\n".join(lines)
