"""The credentials page: what each person finds there, the secret in one answer only, and every button's refusal."""

from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse

from projects.models import Membership, Project, Reveal, Rotation
from tests.people import client
from tests.projects.tended import World, fresh, look
from tests.projects.test_credentials import OLD, keys, ring, shared

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/projects/demand/credentials/"


@pytest.fixture
def project(world: World) -> Any:
    with ring(OLD):
        yield look(shared())


def text(answer: HttpResponse) -> str:
    return " ".join(answer.content.decode().split())


def buttons(who: str) -> set[str]:
    page = text(client(who).get(PAGE))
    words = ("show", "rotate", "end", "replace")
    purposes = ("bucket", "webhook", "ci-report", "profile-hook")
    return {f"{word}-{purpose}" for word in words for purpose in purposes if f'id="{word}-{purpose}"' in page}


def test_each_person_has_the_buttons_that_work_for_them(world: World, project: Project) -> None:
    rotating = {
        "rotate-bucket", "rotate-webhook", "rotate-ci-report", "rotate-profile-hook", "replace-bucket",
        "replace-ci-report", "replace-profile-hook",
    }  # fmt: skip
    shown = {"show-bucket", "show-ci-report"}
    assert buttons("alice") == shown | rotating
    assert buttons("bob") == shown
    assert buttons("paula") == rotating
    Membership.objects.filter(subject="bob@corp.example").update(role="viewer")
    assert buttons("bob") == set()
    assert client("charlie").get(PAGE).status_code == 404


def test_where_they_are_is_said_in_the_reader_s_language(world: World, project: Project) -> None:
    assert "Webhook of forecasting/demand that rings the portal" in text(client("alice").get(PAGE))
    alice = client("alice")
    alice.cookies[settings.LANGUAGE_COOKIE_NAME] = "sv"
    page = text(alice.get(PAGE))
    places = [part.partition("</p>")[0] for part in page.split('<p class="sw-meta m-0">')[1:]]
    assert sorted(one for one in places if "Secret" in one or "Webhook" in one) == [
        "Secret bucket-credentials i ml-demand",
        "Secret slipway-ci i ml-demand",
        "Secret slipway-ci-clone i ml-demand, och deploy-nycklarna i forecasting/demand",
        "Secret slipway-ci-webhook i ml-demand, och webhooken i forecasting/demand",
        "Webhook i forecasting/demand som ringer portalen",
    ]


def test_rotating_on_the_page_and_ending_the_old_one(world: World, project: Project) -> None:
    alice = client("alice")
    answer = alice.post(f"{PAGE}bucket/rotate/")
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert "On its way." in text(alice.get(PAGE))
    look(project)
    page = text(alice.get(PAGE))
    assert "The one before works until" in page
    assert "by alice@corp.example" in page
    assert {"end-bucket"} == buttons("alice") & {"rotate-bucket", "replace-bucket", "end-bucket"}
    again = alice.post(f"{PAGE}bucket/rotate/")
    assert (again.status_code, "still works" in text(again)) == (409, True)
    assert alice.post(f"{PAGE}bucket/end-old/").status_code == 302
    look(project)
    assert len(keys(world)) == 1
    assert alice.post(f"{PAGE}bucket/end-old/").status_code == 409
    assert alice.post(f"{PAGE}bucket/rotate/", {"end_old_now": "yes"}).status_code == 302
    look(project)
    assert (len(keys(world)), fresh(project).versions) == (1, {"bucket": 3})


def test_the_secret_is_in_one_answer_only(world: World, project: Project) -> None:
    bob = client("bob")
    (secret,) = keys(world).values()
    assert secret not in text(bob.get(PAGE))
    answer = bob.post(f"{PAGE}bucket/reveal/")
    assert answer.status_code == 200
    assert f"export AWS_SECRET_ACCESS_KEY={secret}" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    page = text(bob.get(PAGE))
    assert secret not in page
    assert "You were shown it:" in page
    assert "show-bucket" not in buttons("bob")
    again = bob.post(f"{PAGE}bucket/reveal/")
    assert (again.status_code, "once to each person" in text(again), secret in text(again)) == (409, True, False)
    assert Reveal.objects.count() == 1


def test_the_page_says_of_each_secret_what_it_opens(world: World, project: Project) -> None:
    bob = client("bob")
    assert "It opens the whole bucket" in text(bob.post(f"{PAGE}bucket/reveal/"))
    page = text(bob.post(f"{PAGE}ci-report/reveal/"))
    assert "Keep it where only you can read." in page
    assert "opens the whole bucket" not in page


@pytest.mark.parametrize("button", ["bucket/rotate/", "bucket/end-old/", "bucket/reveal/"])
def test_buttons_refuse_strangers_and_do_nothing_by_a_link(world: World, project: Project, button: str) -> None:
    assert client("charlie").post(f"{PAGE}{button}").status_code == 404
    assert client("alice").get(f"{PAGE}{button}").status_code == 405
    assert client("alice", enforce_csrf_checks=True).post(f"{PAGE}{button}").status_code == 403
    assert (Rotation.objects.count(), Reveal.objects.count()) == (0, 0)


def test_a_suspended_project_has_no_buttons_and_says_why(world: World, project: Project) -> None:
    Project.objects.update(suspended=True)
    assert buttons("alice") == set()
    answer = client("alice").post(f"{PAGE}bucket/rotate/")
    assert (answer.status_code, "suspended" in text(answer)) == (409, True)


def test_the_table_is_fresh_once_the_new_key_has_arrived(world: World, project: Project) -> None:
    alice = client("alice")
    alice.post(f"{PAGE}bucket/rotate/")
    seen = alice.get(PAGE).context["seen"]
    look(project)
    answer = alice.get(f"/projects/demand/live/?tab=credentials&seen={seen}")
    assert answer.status_code in (200, 286)
    assert 'id="credentials"' in text(answer)
    assert "The one before works until" in text(answer)
    assert not any(secret in text(answer) for secret in keys(world).values())
