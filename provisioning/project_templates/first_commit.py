"""The first commit of a new repository: a template's files with the project's own words."""

from collections.abc import Mapping
from typing import Any

from provisioning.catalogue import ProjectTemplate
from provisioning.forge import ForgeClient
from provisioning.kind import Wish
from provisioning.project_templates import answers
from provisioning.project_templates.rendering import files_for
from provisioning.repositories import Logins


def ensure(
    wish: Wish, client: ForgeClient, found: Mapping[str, Any], template: ProjectTemplate, *, logins: Logins
) -> bool:
    """Commit the template's files when nothing is in the repository yet, and only then; was it so?

    logins: those of the owners. A crash after the repository was made is settled by the next look. Raises what
    rendering and the client raise.
    """
    if template.copier is None or not found["empty"]:
        return False
    rendered = wish.render(template.copier)
    said = answers.of(wish, template=rendered.template, version=rendered.version, logins=logins)
    files = files_for(rendered, said)
    message = f"Start from template {rendered.template} {rendered.version}"
    client.put_files(found["full_name"], found["default_branch"], message, files)
    return True
