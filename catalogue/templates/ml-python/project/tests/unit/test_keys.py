"""Which of a repository's secrets the steps of the workflow get."""

import json

import pytest

from slipway.keys import lines, picked

GIVEN = {"github_token": "t", "AWS_ACCESS_KEY_ID": "ml-demand", "DATA_SALES_URL": "s3://sales/x=1", "OURS": "no"}


def test_only_what_slipway_lists_as_its_own_is_passed_on():
    environ = {"GIVEN": json.dumps(GIVEN), "SLIPWAY_SECRETS": "0a1b2c AWS_ACCESS_KEY_ID DATA_SALES_URL GONE"}

    assert list(lines(picked(environ))) == ["AWS_ACCESS_KEY_ID=ml-demand", "DATA_SALES_URL=s3://sales/x=1"]


@pytest.mark.parametrize("given", ["", "null", "{}", json.dumps({"github_token": "t"})])
@pytest.mark.parametrize("listed", ["", "0a1b2c AWS_ACCESS_KEY_ID"])
def test_a_fork_and_a_runner_that_gives_variables_get_nothing(given, listed):
    assert picked({"GIVEN": given, "SLIPWAY_SECRETS": listed}) == {}


def test_a_value_names_no_other_variable():
    with pytest.raises(ValueError, match="KEY has several lines"):
        list(lines({"KEY": "x\nPATH=/tmp"}))
