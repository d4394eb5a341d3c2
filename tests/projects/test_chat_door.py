"""Questions from a chat: whose signature counts, what a channel is told, and who may have something done from there."""

import base64
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone

from projects.happenings import Wanted, records
from projects.installation import installation
from projects.models import Project, TrainingAsked
from provisioning.channels import Channel
from provisioning.errors import TargetUnavailable
from tests.ci import MAE, ci, send
from tests.people import person, teams
from tests.projects.tended import World, asked, look

pytestmark = pytest.mark.django_db(transaction=True)

_NUMBERS = count(1)
SECRET = base64.b64encode(b"a key of the chat").decode()
SLACK = {"shape": "slack", "asks": {"file": "asks"}, "slack_channel": "C0FORECAST"}
CHANNELS = (
    {**SLACK, "name": "forecasting-chat", "team": "forecasting"},
    {**SLACK, "name": "vision-chat", "team": "vision"},
    {"name": "forecasting-teams", "shape": "teams", "team": "forecasting", "asks": {"file": "asks"}},
    {**SLACK, "name": "platform-chat"},
    {**SLACK, "name": "one-workspace", "slack_workspace": "T0CORP"},
    {"name": "silent", "shape": "slack", "team": "forecasting"},
    {**SLACK, "name": "not-there-yet", "asks": {"file": "missing"}},
)


@pytest.fixture(autouse=True)
def channels(settings: Any, world: World) -> Any:
    cache.clear()
    before = installation()
    notify = tuple(Channel.model_validate({"url": {"file": "address"}, **one}) for one in CHANNELS)

    def resolve(ref: Any) -> str:
        if ref.file == "asks":
            return SECRET
        raise TargetUnavailable("The credential missing is not there yet.")

    settings.INSTALLATION = replace(
        before, catalogue=before.catalogue.model_copy(update={"notify": notify}), resolve=resolve
    )
    yield
    cache.clear()


@pytest.fixture
def project(world: World) -> Project:
    return asked(title="Demand forecast")


def slack(
    text: str,
    *,
    channel: str = "forecasting-chat",
    at: datetime | None = None,
    key: str = SECRET,
    trigger: str = "",
    **changes: str,
) -> Any:
    asked = {"command": "/slipway", "text": text, "user_id": "U1", "user_name": "paula"}
    place = {"channel_id": "C0FORECAST", "channel_name": "forecasting", "team_id": "T0CORP", **changes}
    body = urlencode({**asked, **place, "trigger_id": trigger or str(next(_NUMBERS))})
    moment = str(int((at or timezone.now()).timestamp()))
    signed = hmac.new(key.encode(), f"v0:{moment}:{body}".encode(), sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={signed}"}
    return Client().post(
        f"/hooks/chat/{channel}/", body, content_type="application/x-www-form-urlencoded", headers=headers
    )


def teams_message(said: str, /, *, who: str | None = None, at: datetime | None = None, **changes: Any) -> Any:
    payload = {
        "type": "message",
        "id": str(next(_NUMBERS)),
        "timestamp": (at or timezone.now()).isoformat().replace("+00:00", "Z"),
        "text": f"<at>Slipway</at> {said}",
        "from": {"id": "29:1", "name": "Paula", **({"aadObjectId": who} if who else {})},
        "conversation": {"id": "19:1@thread.tacv2", "tenantId": "corp"},
        "channelData": {"tenant": {"id": "CORP"}},
        **changes,
    }
    body = json.dumps(payload).encode()
    signed = base64.b64encode(hmac.new(base64.b64decode(SECRET), body, sha256).digest()).decode()
    return Client().post(
        "/hooks/chat/forecasting-teams/",
        body,
        content_type="application/json",
        headers={"Authorization": f"HMAC {signed}"},
    )


def words(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return json.dumps(answer.json(), ensure_ascii=False)


def test_a_channel_is_told_of_its_team_s_projects_and_of_no_other(project: Project) -> None:
    send(ci(project), branch="main", pull_request=None, metrics=[{**MAE, "value": 0.31}])
    told = slack("status demand").json()
    assert told["response_type"] == "ephemeral"
    assert "Demand forecast: Working on it." in told["text"]
    assert "0.31; 0.2 or less is needed." in told["text"]
    assert "The gate is shut" in words(slack("why Demand"))
    assert "Demand forecast" in words(slack("status demand", channel="platform-chat"))
    for other in ("status demand", "status nothing"):
        assert words(slack(other, channel="vision-chat")).count("has no project") == 2
    assert "Which project?" in words(slack("status"))
    helped = words(slack("help"))
    assert "/slipway help: what can be asked" in helped
    assert "/slipway status demand: how the project is" in helped
    assert "/slipway compare demand main: this model's metrics" in helped
    assert "/slipway status demand-forecast: " in words(slack("help", channel="vision-chat"))
    told = words(slack("statsu demand"))
    assert "Did you mean /slipway status?" in told
    assert "/slipway status demand: how" in told
    assert "Write its name: why demand." in words(slack("why"))


def test_a_model_that_is_bad_in_everything_fits_into_a_message_of_slack(project: Project) -> None:
    look(project)
    project.resources.update(ready_status="False", synced_status="False")
    metrics = [{**MAE, "name": f"mae-{number}", "value": 0.9} for number in range(60)]
    failed = [{"name": f"test_{number}", "kind": "slice", "example": ""} for number in range(60)]
    tests = {"passed": 0, "failed": failed, "regression_examples": 0}
    sent = send(ci(project), branch="main", pull_request=None, metrics=metrics, tests=tests)
    assert sent.status_code == 201
    told = slack("why demand").json()
    assert len(told["blocks"]) <= 50, "Slack documents no more"
    assert "and 50 more missed thresholds" in told["text"]
    assert "and 50 more failed tests" in told["text"]


@pytest.mark.parametrize(
    "place",
    [{"channel_id": "C0OTHER"}, {"channel_id": "D0PAULA", "channel_name": "directmessage"}, {"channel_id": ""}],
)
def test_slack_is_answered_in_the_channel_of_the_catalogue_only(place: dict[str, str], project: Project) -> None:
    for text in ("status demand", "help", "status", "statsu demand", "retry demand", "plan nothing"):
        told = slack(text, **place).json()
        assert (told["response_type"], told["text"]) == (
            "ephemeral",
            "I answer in your team's channel only. Ask there.",
        )
        assert "demand" not in json.dumps(told)
    assert "Demand forecast" in words(slack("status demand"))


def test_slack_is_answered_in_the_workspace_of_the_catalogue_only(project: Project) -> None:
    assert "Demand forecast" in words(slack("status demand", channel="one-workspace"))
    other = slack("status demand", channel="one-workspace", team_id="T0OTHER")
    assert "I answer in your team's channel only." in words(other)
    assert "Demand forecast" not in words(other)


def test_slack_can_ask_and_do_nothing(project: Project) -> None:
    Project.objects.update(next_look_at=None)
    told = words(slack("retrain demand"))
    assert "I don't know who you are here, so I can't retrain." in told
    assert "/projects/demand/models/" in told
    slack("retry demand")
    assert Project.objects.get().next_look_at is None
    assert not TrainingAsked.objects.exists()


def test_teams_names_the_person_who_may_act(project: Project) -> None:
    alice, charlie = person("alice"), person("charlie")
    teams()
    assert alice.object_id
    told = words(teams_message("status&nbsp;demand", who=charlie.object_id))
    assert "You have no role in this project" in told
    assert "Demand forecast: Working on it." in words(teams_message("status demand", who=alice.object_id))
    Project.objects.update(next_look_at=None)
    assert "I look at every resource again now." in words(teams_message("retry demand", who=alice.object_id))
    project.refresh_from_db()
    assert project.next_look_at is not None
    assert [(row["who"], row["door"]) for row in records(project, wanted=Wanted(who="alice"))] == [
        ("alice@corp.example", "chat")
    ]


@pytest.mark.parametrize("who", [None, "5f0c7a52-9a3e-4b1d-8c57-2f6d1e0b9a44", "left"])
def test_teams_tells_nothing_to_who_is_unknown_or_has_left(who: str | None, project: Project) -> None:
    if who == "left":
        alice = person("alice")
        alice.is_active, who = False, alice.object_id
        alice.save()
    Project.objects.update(next_look_at=None)
    for text in ("status demand", "plan nothing", "why", "help", "statsu demand", "retry demand"):
        told = words(teams_message(text, who=who))
        assert "I don't know you, so I can't answer. Sign in to Slipway once" in told
        assert installation().public_url in told
        assert "/slipway status demand-forecast: how the project is" in told
        assert "Demand forecast" not in told
        assert "status demand:" not in told
    assert Project.objects.get().next_look_at is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"channelData": {"tenant": {"id": "other"}}},
        {"channelData": {"tenant": {"id": ""}}, "conversation": {}},
        {"channelData": {}, "conversation": {"tenantId": "other"}},
        {"channelData": None, "conversation": None},
    ],
)
def test_an_id_of_another_directory_is_nobody_s(elsewhere: dict[str, Any], project: Project) -> None:
    alice = person("alice")
    Project.objects.update(next_look_at=None)
    assert "I don't know you" in words(teams_message("retry demand", who=alice.object_id, **elsewhere))
    assert Project.objects.get().next_look_at is None
    teams_message("retry demand", who=alice.object_id, channelData={}, conversation={"tenantId": "corp"})
    assert Project.objects.get().next_look_at is not None


def test_a_question_that_is_sent_again_does_nothing(project: Project) -> None:
    paula, at = person("paula"), timezone.now()
    again = {"who": paula.object_id, "at": at, "id": "7"}
    assert "CI runs on the default branch again" in words(teams_message("retrain demand", **again))
    TrainingAsked.objects.all().delete()
    answer = teams_message("retrain demand", **again)
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "This very question came before, and was answered. Ask anew."},
    )
    assert not TrainingAsked.objects.exists()
    assert slack("status demand", at=at, trigger="t").status_code == 200
    assert slack("status demand", at=at, trigger="t").status_code == 409
    assert slack("status demand", at=at, trigger="u").status_code == 200


def test_while_nobody_remembers_questions_nothing_is_done(project: Project) -> None:
    paula = person("paula")
    away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    with override_settings(CACHES={"default": away}):
        told = words(teams_message("retrain demand", who=paula.object_id))
        assert "Demand forecast" in words(teams_message("status demand", who=paula.object_id))
    assert "I can't tell just now whether you asked this before, so I can't retrain. You can on the project's" in told
    assert not TrainingAsked.objects.exists()


def test_what_is_not_signed_is_not_read(project: Project) -> None:
    for answer in (
        slack("status demand", key="another"),
        slack("status demand", at=timezone.now() - timedelta(minutes=6)),
        slack("status demand", at=timezone.now() + timedelta(minutes=6)),
        Client().post("/hooks/chat/forecasting-chat/", "text=status", content_type="application/x-www-form-urlencoded"),
        Client().post("/hooks/chat/forecasting-teams/", "{}", content_type="application/json"),
        teams_message("status demand", at=timezone.now() - timedelta(minutes=6)),
    ):
        assert answer.status_code == 401
        assert "demand" not in answer.content.decode().lower()


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": None},
        {"timestamp": "2026-01-01T00:00:00"},
        {"text": ["x"]},
        {"from": "paula"},
        {"from": {"aadObjectId": 5}},
        {"channelData": {"tenant": {"id": 5}}},
        {"channelData": {"tenant": "corp"}},
        {"conversation": [], "channelData": ["x"]},
    ],
)
def test_a_signed_body_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    assert teams_message("status demand", **changes).status_code == 400


def test_doors_that_are_not_open() -> None:
    wrong = slack("help", key="another")
    for name in ("silent", "nowhere", "not-there-yet"):
        answer = slack("help", channel=name)
        assert (answer.status_code, answer.content) == (401, wrong.content)
    assert Client().get("/hooks/chat/forecasting-chat/").status_code == 405
    assert slack("x" * 70_000).status_code == 413


def test_the_word_of_the_command_and_marks_of_html_are_taken_off(project: Project) -> None:
    alice = person("alice").object_id
    assert "Demand forecast" in words(teams_message("/slipway status demand", who=alice))
    send(ci(project), branch="main", pull_request=None)
    assert "no model report of “a&b”" in words(teams_message("compare demand a&amp;b", who=alice))
    assert slack("status a\0b").status_code == 400
    assert teams_message("status demand", who="a\0b").status_code == 400
    assert teams_message("status demand", who="a\ud800b").status_code == 400
    assert teams_message("status dem\ud800and").status_code == 400


def test_text_of_people_stays_text(project: Project) -> None:
    Project.objects.update(spec={**project.spec, "title": "<!channel> @here <http://evil.example|x>"})
    told = slack("status demand").json()
    assert "<!channel>" not in told["text"]
    assert "<http://evil" not in told["text"]
    assert "<!channel>" not in slack("status <!channel>").json()["text"]


def test_a_flood_is_slowed_and_one_person_s_silences_nobody_else() -> None:
    answers = [slack("help").status_code for _ in range(70)]
    assert answers == [200] * 20 + [429] * 50
    assert [slack("help", user_id=f"U{2 + number // 20}").status_code for number in range(41)] == [200] * 40 + [429]
    assert slack("help", user_id="U1", channel="platform-chat").status_code == 200
    paula = [teams_message("help", **{"from": {"id": "29:1"}}).status_code for _ in range(21)]
    assert (paula[19], paula[20]) == (200, 429)
    assert teams_message("help", **{"from": {"id": "29:2"}}).status_code == 200
