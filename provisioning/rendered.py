"""A project template's files, ready to be put into a repository."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rendered:
    """One version of a template. A mark stands for each answer, which `project_templates` puts in."""

    template: str
    version: str
    files: Mapping[str, bytes]


Render = Callable[[str], Rendered]
"""From a template's name to its newest version. Raises PermanentError for one that can't be used, TemporaryError."""
