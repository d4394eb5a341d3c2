"""The table of what people are told."""

from typing import get_args

from projects.news import KINDS, NEWS, is_over
from provisioning.channels import ChatKind


def test_every_kind_has_its_line_and_channels_may_ask_for_those_that_are_for_chat() -> None:
    assert set(NEWS) == set(KINDS)
    assert set(get_args(ChatKind)) == {kind for kind, news in NEWS.items() if news.chat}


def test_what_asks_for_a_decision_is_over_with_it() -> None:
    asking = ["request-waits", "reminder", "escalation", "data-asked", "data-reminder", "data-escalation"]
    assert [kind for kind in KINDS if is_over(kind, pending=False)] == asking
    assert not any(is_over(kind, pending=True) for kind in KINDS)
