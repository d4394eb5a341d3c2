"""The examples of docs/profile-yaml.md are read by the portal as they stand."""

import re
from pathlib import Path

import pytest

from projects.installation import installation
from projects.profile import parse
from projects.spec import read_spec
from tests.people import person, teams

EXAMPLES = re.findall(
    r"```yaml\n(.*?)```", (Path(__file__).parents[2] / "docs" / "profile-yaml.md").read_text(), flags=re.DOTALL
)


@pytest.mark.django_db
@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_are_valid(text: str) -> None:
    teams()
    spec, team = read_spec(parse(text.encode()).data, installation=installation(), by=person("paula"))
    assert (spec.slug, team.slug) == ("lane-detection", "vision")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 2
