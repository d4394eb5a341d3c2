"""The list's filter says in SQL what the one function says of the conditions: held together over every combination."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from projects.listing import WORDS, counted, having, page_of, searched
from projects.models import Membership, Project
from projects.project_list import ORDERS
from projects.short_states import ShortState, states_of
from projects.sorting import in_order, order_asked
from provisioning.conditions import Status, Word
from provisioning.errors import Reason
from provisioning.models import Resource
from tests.people import team, teams

NOW = timezone.now()

pytestmark = pytest.mark.django_db


def made(slug: str, **fields: object) -> Project:
    spec = {"slug": slug, "team": "forecasting", "plan": "small", "title": slug.replace("-", " ").capitalize()}
    return Project.objects.create(slug=slug, team=team("forecasting"), spec=spec, **fields)


def test_each_filter_finds_exactly_the_projects_that_say_its_word() -> None:
    now = timezone.now()
    projects, rows = [], []
    for number, (synced, synced_reason, ready, ready_reason) in enumerate(product(Status, Reason, Status, Reason)):
        projects.append(Project(slug=f"p{number}", team=team("forecasting"), spec={}, observed_generation=1))
        rows.append(
            {
                "synced_status": synced, "synced_reason": synced_reason,
                "ready_status": ready, "ready_reason": ready_reason,
            }
        )  # fmt: skip
    Project.objects.bulk_create(projects)
    Resource.objects.bulk_create(
        Resource(project=project, kind="namespace", target="cluster-north", **row)
        for project, row in zip(projects, rows, strict=True)
    )
    made("bare")
    made("not-yet-looked-at", generation=2, observed_generation=1)
    made("stopped", suspended=True)
    made("going", deletion_requested_at=now, suspended=True)
    read = list(Project.objects.prefetch_related("resources"))
    said = {project.pk: project.word for project in read}
    assert {pk: state.word for pk, state in states_of(read).items()} == said
    found = {word: set(having(Project.objects.all(), word).values_list("pk", flat=True)) for word in WORDS}
    assert found == {word: {pk for pk, one in said.items() if one is word} for word in WORDS}
    assert all(found.values())
    assert counted(Project.objects.all()) == {word: len(pks) for word, pks in found.items()}


def test_a_search_finds_name_title_team_and_people() -> None:
    teams()
    one = made("demand-forecast")
    made("lane-detection")
    Membership.objects.create(project=one, subject="bob@corp.example", role="viewer", source="form")
    everything = Project.objects.all()
    found = {
        words: sorted(searched(everything, words).values_list("slug", flat=True))
        for words in ("DEMAND-f", "demand forecast", "bob", "Forecasting", "nothing", " ")
    }
    both = ["demand-forecast", "lane-detection"]
    assert found == {
        "DEMAND-f": ["demand-forecast"],
        "demand forecast": ["demand-forecast"],
        "bob": ["demand-forecast"],
        "Forecasting": both,
        "nothing": [],
        " ": both,
    }


def test_pages_follow_the_key_and_a_key_that_is_none_is_ignored() -> None:
    keys = [made(f"p{number}", created_at=timezone.now() - timedelta(days=number)).pk for number in range(5)]
    newest = page_of(Project.objects.all(), before="", size=2)
    older = page_of(Project.objects.all(), before=str(newest.older), size=2)
    last = page_of(Project.objects.all(), before=str(older.older), size=2)
    assert [[row.pk for row in page.rows] for page in (newest, older, last)] == [
        [keys[4], keys[3]], [keys[2], keys[1]], [keys[0]],
    ]  # fmt: skip
    assert last.older is None
    for nonsense in ("x", "-1", "1" * 30, "٣"):
        assert page_of(Project.objects.all(), before=nonsense, size=2) == newest


def test_a_list_says_what_holds_a_project_up_or_how_far_it_has_come(django_assert_num_queries: Any) -> None:
    teams()
    well, stuck = made("well", ready_at=NOW), made("stuck", ready_at=NOW)
    begun, bare = made("begun", generation=2), made("bare")
    Project.objects.exclude(pk=begun.pk).update(observed_generation=1)
    right = {"synced_status": Status.TRUE, "synced_reason": Reason.AVAILABLE,
             "ready_status": Status.TRUE, "ready_reason": Reason.AVAILABLE}  # fmt: skip
    waits = {"synced_status": Status.FALSE, "synced_reason": Reason.DEPENDENCY_NOT_READY, "synced_message": "Later."}
    taken = {"synced_status": Status.FALSE, "synced_reason": Reason.NAME_TAKEN, "synced_message": "It is taken."}
    rows = [(well, right), (well, right), (stuck, right), (stuck, waits), (stuck, taken), (begun, right), (begun, {})]
    Resource.objects.bulk_create(
        Resource(project=project, kind=f"kind-{number}", target="cluster-north", **row)
        for number, (project, row) in enumerate(rows)
    )
    projects = [Project.objects.get(pk=one.pk) for one in (well, stuck, begun, bare)]
    with django_assert_num_queries(2):
        states = states_of(projects)
    assert states == {
        well.pk: ShortState(Word.READY),
        stuck.pk: ShortState(Word.ATTENTION, "It is taken."),
        begun.pk: ShortState(Word.WORKING, "1 ready so far"),
        bare.pk: ShortState(Word.WORKING, "0 ready so far"),
    }
    with django_assert_num_queries(1):
        assert states_of(projects[:1]) == {well.pk: ShortState(Word.READY)}


def test_a_list_by_name_is_read_from_an_index_and_not_sorted() -> None:
    order, falling = order_asked(ORDERS, "name")
    first = in_order(Project.objects.filter(deleted_at=None), order=order, falling=falling)[:26]
    with connection.cursor() as cursor:
        # So few rows would be sorted sooner.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
    assert "Index Scan using project_by_title" in first.explain()
