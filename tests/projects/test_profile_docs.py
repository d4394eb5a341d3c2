"""The examples of docs/profile-yaml.md are read by the portal as they stand."""

import re
from pathlib import Path
from typing import Any

import pytest

from projects.installation import installation
from projects.profile import parse
from projects.spec import read_spec
from provisioning.kind import kinds
from tests.people import person, teams

PAGE = (Path(__file__).parents[2] / "docs" / "profile-yaml.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
OPTIONS = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (\S+) \|", PAGE, flags=re.MULTILINE)


@pytest.mark.django_db
@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_are_valid(text: str) -> None:
    teams()
    spec, team = read_spec(parse(text.encode()).data, installation=installation(), by=person("paula"))
    assert (spec.slug, team.slug) == ("lane-detection", "vision")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 2


def test_every_option_stands_there_with_what_is_so_without_it() -> None:
    def left_out(default: Any) -> str:
        shown = str(default).lower() if isinstance(default, bool) else default
        return "nothing" if default is None or default == () else f"`{shown}`"

    found = {
        f"{kind.name}.{name}": left_out(field.default)
        for kind in kinds().values()
        if kind.options is not None
        for name, field in kind.options.model_fields.items()
    }
    assert dict(OPTIONS) == found
    assert len(OPTIONS) == len(found)
