import json
from pathlib import Path

import pytest

from devstack.company import SAMPLE_PEOPLE, company, made_up_ids, people_json, read
from devstack.errors import StackError


def test_the_sample_people_have_their_groups() -> None:
    groups = {name: {group.account for group in company().groups if name in group.people} for name in SAMPLE_PEOPLE}

    assert groups == {
        "alice": {"ml-users", "ml-forecasting"},
        "bob": {"ml-users", "ml-forecasting"},
        "charlie": {"ml-users"},
        "paula": {"ml-users", "ml-platform"},
    }


def test_it_is_a_company_with_what_makes_directories_hard() -> None:
    people, groups = company().people, company().groups
    names = [group.name for group in groups]

    assert len(people) == 40
    assert [one.account for one in people if one.disabled] == ["tova.lefvert"]
    assert {letter for one in people for letter in one.name} >= set("åÅöÖäüßéëá'")
    assert {name for name in names if names.count(name) > 1} == {"Data Science"}
    assert {one.account: one.groups for one in groups if one.groups} == {
        "ml-users": ("ml-all",),
        "ml-all": ("ml-vision", "ml-speech"),
        "ml-vision": ("ml-vision-leads",),
        "guild-data": ("guild-mlops",),
        "guild-mlops": ("guild-data",),
    }
    # A directory takes no longer account names.
    assert max(len(one.account) for one in (*people, *groups)) <= 20


def test_the_file_that_stands_in_for_a_directory() -> None:
    file = json.loads(people_json(company(), object_ids=made_up_ids(company())))

    assert file["tenant"] == company().tenant
    assert file["people"][0] == {
        "name": "alice",
        "password": "alice-pw",
        "upn": "alice@corp.example",
        "given_name": "Alice",
        "family_name": "Andersson",
        "display_name": "Alice Andersson",
        "email": "alice@corp.example",
        "oid": made_up_ids(company())["alice"],
        "disabled": False,
        "place": "Analytics / Forecasting",
        "groups": ["ml-users", "ml-forecasting"],
    }
    assert next(group for group in file["groups"] if group["name"] == "ml-vision") == {
        "name": "ml-vision",
        "display_name": "Vision",
        "oid": made_up_ids(company())["ml-vision"],
        "place": "Analytics / Vision",
        "groups": ["ml-all"],
    }


def test_every_unknown_name_is_told(tmp_path: Path) -> None:
    path = tmp_path / "company.toml"
    path.write_text(
        'domain = "corp.example"\ntenant = "t"\ndisabled = ["carl"]\n'
        '[people]\nalice = ["Alice", "Andersson", "Sales"]\n'
        '[groups.all]\nname = "All"\nunit = "Sales"\npeople = ["alice", "anna"]\ngroups = ["some"]\n'
    )

    with pytest.raises(StackError, match="anna, carl, some"):
        read(path)
