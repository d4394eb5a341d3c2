"""Many requests at once: each is decided on its own, and no crowd goes beyond what a team has left."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from projects import actions, decide_many
from projects.installation import installation
from projects.models import Decision, Door, Project, Team
from tests.people import person, team
from tests.projects.asking import asked, reject

pytestmark = pytest.mark.django_db


def test_many_are_decided_each_on_its_own() -> None:
    paula = person("paula")
    Team.objects.filter(pk=team("forecasting").pk).update(budget=70)
    first, second, own, stale = asked("one"), asked("two"), asked("own", who="paula"), asked("stale")
    reject(stale, paula)
    results = decide_many.decide_many(
        [(first.pk, 1), (second.pk, 1), (own.pk, 1), (stale.pk, 1), (999_999, 1), (first.pk, 1)],
        verdict="approve",
        by=paula,
        door=Door.FORM,
        installation=installation(),
    )
    assert [(one.number, one.done) for one in results] == [
        (first.pk, True), (second.pk, False), (own.pk, False), (stale.pk, False), (999_999, False),
    ]  # fmt: skip
    assert "10 units free, and two takes 60" in results[1].said
    assert results[3].said == "This request is rejected already."


@pytest.mark.django_db(transaction=True)
def test_many_at_once_by_several_never_go_beyond_the_budget() -> None:
    Team.objects.filter(pk=team("forecasting").pk).update(budget=130)
    numbers = [(asked(f"lane-{index}").pk, 1) for index in range(6)]
    paula = person("paula")

    def decide(order: int) -> int:
        try:
            wanted = numbers if order % 2 else numbers[::-1]
            results = decide_many.decide_many(
                wanted, verdict="approve", by=paula, door=Door.API, installation=installation()
            )
            return sum(one.done for one in results)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(decide, range(4)))
    assert sum(done) == 2
    assert Project.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_fifty_at_the_last_free_units_get_them_once() -> None:
    Team.objects.filter(pk=team("forecasting").pk).update(budget=4)
    alice = person("alice")

    def ask(index: int) -> str:
        try:
            data = {"slug": f"lane-{index}", "team": "forecasting", "plan": "small"}
            made = actions.create(data, by=alice, door=Door.API, installation=installation())
            assert made.request is not None
            return str(made.request.decision)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(ask, range(50)))
    assert (said.count(Decision.APPROVED), said.count(Decision.PENDING)) == (1, 49)
