"""A project's wish as the file `profile.yaml` that says it: for pages, and for the first commit of a new repository.

The way back, from a file to a wish, is `projects.profile` and `projects.spec`.
"""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from provisioning.spec import ProjectSpec

ORDER = (
    "version",
    "slug",
    "title",
    "description",
    "team",
    "plan",
    "environment",
    "expires",
    "contributors",
    "options",
)


def plain(spec: ProjectSpec) -> dict[str, Any]:
    """The spec as people write it: what was chosen, and each contributor's role also where it is the default."""
    data = spec.model_dump(mode="json", exclude_defaults=True)
    people = [one.model_dump(mode="json", exclude_none=True) for one in spec.contributors]
    return {"version": spec.version, **data, **({"contributors": people} if people else {})}


def profile_yaml(data: Mapping[str, Any]) -> str:
    """A profile.yaml with these fields, in the order in which people read them; empty ones are left out."""
    known = [name for name in ORDER if name in data]
    ordered = {name: data[name] for name in known if data[name] not in ("", [], {}, None)}
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    text = StringIO()
    yaml.dump({"version": 1, **ordered}, text)
    return text.getvalue()
