"""News in chat channels: who hears what, batches, outages, and rights at the time of posting."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from devstack.chat_sink import ChatSink, Mood
from projects import chatting, decisions, sending
from projects.installation import installation
from projects.models import ChatPost, Decision, Door, ProjectRequest
from projects.notices import announce
from provisioning.channels import Channel
from provisioning.secrets import SecretRef, resolver
from tests.people import person, team
from tests.projects.asking import asked
from tests.projects.catalogues import catalogue_with
from tests.projects.pages import ask, project_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink(tmp_path: Path, settings: Any) -> Iterator[ChatSink]:
    (tmp_path / "chat").mkdir()
    with ChatSink(folder=tmp_path / "chat") as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        for name in ("forecasting", "vision", "platform"):
            (tmp_path / f"{name}.url").write_text(f"http://127.0.0.1:{server.server_port}/{name}")
        channels = (
            _channel("forecasting", team="forecasting", shape="slack"),
            _channel("vision", team="vision", shape="teams"),
            _channel("platform", kinds=("request-waits", "suspended"), shape="teams"),
        )
        catalogue = installation().catalogue.model_copy(update={"notify": channels})
        settings.INSTALLATION = replace(installation(), catalogue=catalogue, resolve=resolver(folder=tmp_path))
        yield server
        server.shutdown()


def _channel(name: str, **more: Any) -> Channel:
    return Channel(name=name, url=SecretRef(file=f"{name}.url"), **more)


def posted(sink: ChatSink, channel: str) -> list[Any]:
    return [json.loads(one.read_text()) for one in sorted(sink.folder.glob(f"{channel}-*.json"))]


def pass_window() -> None:
    ChatPost.objects.filter(sent_at=None).update(next_try_at=timezone.now())


def post() -> int:
    return chatting.post_due(installation=installation())


def test_what_comes_close_together_is_one_message_for_each_channel_that_hears_of_it(sink: ChatSink) -> None:
    request = asked("demand")
    announce("comment", to=[], text="paula about demand: why?", request=request)
    assert post() == 0
    pass_window()
    assert post() == 2
    assert post() == 0
    (message,) = posted(sink, "forecasting")
    link = f"<{installation().public_url}/requests/{request.pk}/|Open>"
    assert message["text"].splitlines()[1] == f"paula about demand: why? {link}"
    assert len(posted(sink, "platform")) == 1
    assert posted(sink, "vision") == []


def test_an_answer_that_gives_a_request_back_is_one_post_for_each_channel() -> None:
    kinds = {"all": (), "talk": ("comment",), "waits": ("request-waits",)}
    channels = tuple(_channel(name, kinds=heard, shape="slack") for name, heard in kinds.items())
    with catalogue_with(notify=channels):
        request = asked("demand")
        decisions.ask_for_changes(request, by=person("paula"), door=Door.FORM, text="What for?")
        ChatPost.objects.all().delete()
        decisions.comment(request, by=person("alice"), door=Door.FORM, text="For winter.")
        said = [("all", "request-waits"), ("talk", "comment"), ("waits", "request-waits")]
        assert list(ChatPost.objects.order_by("channel").values_list("channel", "kind")) == said
        decisions.comment(request, by=person("alice"), door=Door.FORM, text="Any news?")
        assert list(ChatPost.objects.order_by("pk").values_list("channel", "kind")[3:]) == [
            ("all", "comment"),
            ("talk", "comment"),
        ]


def test_what_is_for_one_person_is_no_news_for_a_channel(sink: ChatSink) -> None:
    announce("stand-in", to=[person("bob")], text="paula named you.")
    announce("suspended", to=[person("bob")], text="About nothing.")
    assert ChatPost.objects.count() == 0


def test_a_channel_that_does_not_answer_holds_up_no_other_and_hears_it_when_it_is_back(sink: ChatSink) -> None:
    team("forecasting")
    project = project_of(ask("demand"))
    sink.moods["forecasting"] = Mood(500)
    announce("suspended", to=[], text="demand is suspended.", project=project)
    assert post() == 1
    row = ChatPost.objects.get(channel="forecasting")
    assert (row.tries, row.why, row.given_up_at) == (1, "The chat does not take it now (500).", None)
    assert row.next_try_at > timezone.now() + timedelta(seconds=14)
    # What comes meanwhile waits too, and is told with it.
    announce("suspended", to=[], text="demand is suspended again.", project=project)
    sink.moods.clear()
    pass_window()
    assert post() == 2
    assert "demand is suspended again." in posted(sink, "forecasting")[0]["text"]
    assert len(posted(sink, "platform")) == 2


def test_it_waits_as_long_as_it_is_asked_to(sink: ChatSink) -> None:
    team("forecasting")
    sink.moods["forecasting"] = Mood(429, {"Retry-After": "600"})
    announce("suspended", to=[], text="demand is suspended.", project=project_of(ask("demand")))
    post()
    assert ChatPost.objects.get(channel="forecasting").next_try_at > timezone.now() + timedelta(seconds=590)


def test_it_is_given_up_after_a_day_or_when_refused_for_good(sink: ChatSink) -> None:
    team("forecasting")
    project = project_of(ask("demand"))
    sink.moods |= {"forecasting": Mood(500), "platform": Mood(410)}
    announce("suspended", to=[], text="demand is suspended.", project=project)
    ChatPost.objects.update(made_at=timezone.now() - sending.GIVEN_UP_AFTER)
    assert post() == 0
    assert dict(ChatPost.objects.values_list("channel", "why")) == {
        "forecasting": "The chat does not take it now (500). It was tried for a day.",
        "platform": "The chat refuses the message (410). Check whether the channel's address is still right.",
    }
    assert ChatPost.objects.filter(given_up_at=None).count() == 0


def test_after_a_death_between_posting_and_noting_it_is_posted_again(sink: ChatSink) -> None:
    team("forecasting")
    announce("suspended", to=[], text="demand is suspended.", project=project_of(ask("demand")))
    rows = chatting.claim("forecasting", now=timezone.now(), window=timedelta(0))
    assert len(rows) == 1
    # The worker died here; the lease holds others back for a while.
    assert chatting.claim("forecasting", now=timezone.now(), window=timedelta(0)) == []
    later = timezone.now() + sending.LEASE
    assert [row.pk for row in chatting.claim("forecasting", now=later, window=timedelta(0))] == [rows[0].pk]


def test_what_the_team_may_not_see_any_more_or_is_over_is_not_posted(sink: ChatSink) -> None:
    request = asked("demand")
    project = project_of(ask("supply"))
    announce("ends", to=[], text="supply ends tomorrow.", project=project)
    type(project).objects.filter(pk=project.pk).update(team=team("vision"))
    ProjectRequest.objects.filter(pk=request.pk).update(decision=Decision.REJECTED, decided_at=timezone.now())
    pass_window()
    assert post() == 0
    assert set(ChatPost.objects.values_list("why", flat=True)) == {"It is not for this channel any more."}


@pytest.mark.usefixtures("sink")
def test_a_channel_that_left_the_catalogue_and_one_without_its_secret(settings: Any, tmp_path: Path) -> None:
    team("forecasting")
    announce("suspended", to=[], text="demand is suspended.", project=project_of(ask("demand")))
    (tmp_path / "platform.url").unlink()
    catalogue = installation().catalogue.model_copy(update={"notify": installation().catalogue.notify[2:]})
    settings.INSTALLATION = replace(installation(), catalogue=catalogue)
    assert post() == 0
    assert dict(ChatPost.objects.values_list("channel", "why")) == {
        "forecasting": "The channel is not in the catalogue any more.",
        "platform": "The credential platform.url is not there yet. We look again by ourselves.",
    }
