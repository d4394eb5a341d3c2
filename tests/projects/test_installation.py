"""What an installation tells of itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from projects.installation import installation
from projects.wishes import present_wish
from provisioning.secrets import resolver
from tests.projects.tended import asked
from tests.provisioning.wishes import DATABASE, catalogue

pytestmark = pytest.mark.django_db


def test_a_wish_knows_the_authorities_of_the_database_as_they_are_now(tmp_path: Path) -> None:
    named = catalogue(databases=[{**DATABASE, "ca": {"file": "features-1.ca"}}])
    here = replace(installation(), catalogue=named, resolve=resolver(folder=tmp_path))
    project = asked()
    assert present_wish(project, settings=here).database_ca == ""
    (tmp_path / "features-1.ca").write_text("-----BEGIN CERTIFICATE-----\n")
    assert present_wish(project, settings=here).database_ca == "-----BEGIN CERTIFICATE-----"
    system = replace(here, catalogue=catalogue(databases=[DATABASE]))
    assert present_wish(project, settings=system).database_ca == ""
