"""Training again as a Kind: who has it, what stands in the workspace, and what can't be chosen."""

from typing import Any

import pytest
from pydantic import ValidationError

from provisioning.kind import kinds_of
from provisioning.kinds.retrain import KIND, RetrainOptions
from tests.provisioning.wishes import catalogue, wish


def chosen(**options: Any) -> dict[str, Any]:
    return {"options": {"retrain": options}}


def test_who_chooses_nothing_has_none_of_it() -> None:
    assert "retrain" not in kinds_of(wish())
    assert "retrain" not in kinds_of(wish(**chosen(time_zone="Europe/Stockholm")))
    assert "retrain" in kinds_of(wish(), known=["retrain"])
    assert "retrain" in kinds_of(wish(**chosen(data="raw/")))


def test_what_was_chosen_stands_in_the_workspace() -> None:
    wanted = wish(**chosen(schedule="0 3 * * 1", time_zone="Europe/Stockholm", data="raw"))
    (thing,) = KIND.desired(wanted)
    assert thing.key == "ConfigMap/retrain"
    assert dict(thing.body or {})["data"] == {"schedule": "0 3 * * 1", "timeZone": "Europe/Stockholm", "data": "raw/"}
    assert KIND.summary(wanted) == (
        "CI trains the default branch again at 0 3 * * 1 (Europe/Stockholm) and when raw/ in ml-demand changes"
    )


@pytest.mark.parametrize(
    "data", ["/raw", "raw//x", "../x", "raw/../x", "dvc/files", "mlflow", "features/x", ".", "a" * 100]
)
def test_folders_that_can_not_be_watched(data: str) -> None:
    with pytest.raises(ValidationError):
        RetrainOptions(data=data)


def test_what_is_longer_than_its_column_is_refused() -> None:
    every_day = "0 3 " + ",".join(str(day) for day in range(1, 32))
    assert RetrainOptions(schedule=f"{every_day} * *", data="a" * 99).data == "a" * 99 + "/"
    with pytest.raises(ValidationError, match="at most 100 characters"):
        RetrainOptions(schedule=f"{every_day} 1,2,3,4,5,6,7,8,9,10,11,12 *")


def test_a_zone_that_there_is_not() -> None:
    with pytest.raises(ValidationError, match="Write a time zone"):
        RetrainOptions(time_zone="Mars/Olympus")


def test_checks_say_what_to_write_and_that_ci_is_missing() -> None:
    assert list((KIND.check or list)(wish(**chosen(schedule="* * * * *")))) == [
        ("schedule", "More often than once an hour is too often. Write one minute, such as 0 * * * *.")
    ]
    no_ci = catalogue(cluster={"ci_listener_url": ""})
    assert list((KIND.check or list)(wish(catalogue=no_ci, **chosen(data="raw/")))) == [
        ("data", "No CI can be started on Cluster North, so nothing can be trained again.")
    ]
    assert list((KIND.check or list)(wish(catalogue=no_ci))) == []
