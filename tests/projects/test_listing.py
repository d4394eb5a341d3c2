"""The list's filter says in SQL what the one function says of the conditions: held together over every combination."""

from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from projects.directory import folded
from projects.folding import plain, words_of
from projects.listing import WORDS, counted, having, searched
from projects.models import DirectoryEntry, Membership, Project, Team
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


def found(words: str) -> list[str]:
    return sorted(searched(Project.objects.all(), words).values_list("slug", flat=True))


def test_a_search_finds_people_and_groups_by_the_name_that_the_directory_has() -> None:
    one, other = made("demand"), made("lanes")
    for object_id, name, account, project in (
        ("oid-alice", "Åsa O'Brien-Andersson", "alice@corp.example", one),
        ("oid-leads", "Fältledare Väst", "ml-leads", other),
    ):
        is_group = "@" not in account
        text = folded(name=name, account=account, mail="")
        DirectoryEntry.objects.create(object_id=object_id, name=name, account=account, is_group=is_group, folded=text)
        Membership.objects.create(
            project=project, subject=account, is_group=is_group, object_id=object_id, role="viewer", source="form"
        )
    Membership.objects.create(project=other, subject="ML-Signs", is_group=True, role="viewer", source="form")
    searches = {
        "andersson": "demand", "åsa andersson": "demand", "O’Brien": "demand", "ALICE@corp": "demand",
        "faltledare vast": "lanes", "ml-leads": "lanes", "ml-signs": "lanes", "andersson vast": None,
    }  # fmt: skip
    assert {words: found(words) for words in searches} == {
        words: [slug] if slug else [] for words, slug in searches.items()
    }
    # Who left is found too: the role stands there still.
    DirectoryEntry.objects.update(gone_at=timezone.now(), enabled=False)
    assert found("andersson") == ["demand"]


def test_a_search_finds_titles_and_team_names_with_and_without_their_accents() -> None:
    one = made("demand")
    made("lanes")
    Project.objects.filter(pk=one.pk).update(spec={**one.spec, "title": "Kör-fält för Ångström: Bob's æther, Straße"})
    for words in ("körfält", "nowhere", "100%", "_"):
        assert found(words) == []
    for words in ("kör fält", "KOR-FALT", "angstrom", "bobs", "Bob’s", "aether", "ÆTHER", "strasse", "fält kör"):
        assert found(words) == ["demand"], words
    Team.objects.update(name="Västra fältet")
    for words in ("vastra", "FÄLTET väst", "forecasting"):
        assert found(words) == ["demand", "lanes"], words


@pytest.mark.parametrize(
    "text",
    [
        "Åsa O'Brien-Groß",
        "Łukasz Søren",
        "ÞÓR œuvre",
        "İstanbul ılgaz",
        "e\u0301te\u0301",
        "ﬁne ①",
        "it`s it´s",
        "日本 Đà",
        "v2.1_b",
    ],
)
def test_the_database_reads_a_text_as_python_does(text: str) -> None:
    team("forecasting")
    Team.objects.filter(slug="forecasting").update(name=text)
    (read,) = Team.objects.filter(slug="forecasting").annotate(read=plain(F("name"))).values_list("read", flat=True)
    assert words_of(read) == words_of(text)
    assert all(word in read for word in words_of(text))


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
