"""What becomes of a request that waits: other words, a yes, a no, and what is said about it meanwhile."""

from datetime import timedelta
from typing import Any

import pytest

from projects import actions, decisions, permissions
from projects.errors import Conflict, InvalidSpec, NotAllowed, NotFound
from projects.installation import installation
from projects.models import Decision, Door, Notice, Project, ProjectRequest, RequestRevision
from projects.today import today
from tests.people import person
from tests.projects.asking import GPU, approve, asked, change_asked, demand, fresh, reject, revise, told
from tests.projects.catalogues import catalogue_with

pytestmark = pytest.mark.django_db
PAST = (today() - timedelta(days=1)).isoformat()
BOB = {"user": "bob@corp.example", "role": "viewer"}


def test_asked_for_changes_answered_in_other_words_and_approved() -> None:
    paula, alice = person("paula"), person("alice")
    request = asked()
    decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="Is large enough?")
    assert (fresh(request).asked_back_at is not None, permissions.to_decide(paula).count()) == (True, 0)
    revised = revise(request, {**GPU, "plan": "large"}, alice, note="It is.")
    assert (revised.revision, revised.rule, revised.decision, revised.asked_back_at) == (
        2, "large-asks", Decision.PENDING, None,
    )  # fmt: skip
    assert [(one.number, one.after["plan"], one.by_name) for one in RequestRevision.objects.all()] == [
        (1, "gpu", "alice@corp.example")
    ]
    assert approve(revised, paula, revision=2).decision == Decision.APPROVED
    assert Project.objects.get().wanted().plan == "large"
    assert (told("paula"), told("alice")) == (
        ["request-waits", "request-waits"], ["changes-asked", "request-decided"],
    )  # fmt: skip


@pytest.mark.parametrize("verdict", ["approved", "rejected", "changes"])
def test_whoever_put_it_in_other_words_hears_the_answer_too(verdict: str) -> None:
    project = demand(alice="owner", bob="owner")
    request = change_asked(project, person("alice"), plan="gpu")
    revise(request, {**project.spec, "plan": "large"}, person("bob"))
    Notice.objects.all().delete()
    paula = person("paula")
    if verdict == "approved":
        approve(request, paula)
    elif verdict == "rejected":
        reject(request, paula)
    else:
        decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="Why?")
    assert told("alice") == told("bob") == ["changes-asked" if verdict == "changes" else "request-decided"]


@pytest.mark.parametrize("plan", ["large", "medium"])
def test_who_asked_hears_that_somebody_else_put_it_in_other_words(plan: str) -> None:
    person("paula")
    project = demand(alice="owner", bob="owner")
    request = change_asked(project, person("alice"), plan="gpu")
    Notice.objects.all().delete()
    revised = revise(request, {**project.spec, "plan": plan}, person("bob"))
    waits = plan == "large"
    assert (revised.decision == Decision.PENDING) == waits
    assert (told("alice"), told("bob")) == (["revised" if waits else "request-decided"], [])
    assert told("paula") == (["request-waits"] if waits else [])
    said = "It waits for a decision." if waits else f"so it is approved. Rule {revised.rule}: {revised.because}"
    assert Notice.objects.get(person=person("alice")).text.endswith(said)


def test_other_words_that_fit_are_made_at_once() -> None:
    request = asked()
    revised = revise(request, {**GPU, "plan": "small"}, person("alice"))
    assert (revised.decision, revised.rule, revised.decided_by) == (Decision.APPROVED, "within-budget", None)
    assert Project.objects.get().slug == "demand"


def test_a_yes_names_the_revision_it_has_seen() -> None:
    request = asked()
    revise(request, {**GPU, "title": "Something else"}, person("alice"))
    with pytest.raises(Conflict, match="changed after you read it"):
        approve(request, person("paula"), revision=1)
    with pytest.raises(Conflict, match="changed after you read it"):
        reject(request, person("paula"), revision=1)
    assert fresh(request).decision == Decision.PENDING


@pytest.mark.parametrize(
    ("since", "changes", "sentence"),
    [
        ({"expires": PAST}, {}, "The end date has passed."),
        ({"contributors": [{"user": "alice@corp.example", "role": "owner"}, {**BOB, "until": PAST}]}, {}, "last day"),
        ({}, {"reserved_names": ("dem*",)}, "demand is reserved for the platform"),
        ({"options": {"bucket": {"quota": "900Ti"}}}, {}, "is more than plan gpu allows"),
        ({"options": {"mailbox": {"size": 7}}}, {}, "There are no options for mailbox."),
        ({"plan": "huge"}, {}, "There is no plan huge."),
    ],
    ids=["end", "contributor", "name", "size", "option", "plan"],
)
def test_a_yes_asks_what_was_asked_for_as_it_is_now(
    since: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    request = asked()
    ProjectRequest.objects.filter(pk=request.pk).update(after={**(request.after or {}), **since})
    with catalogue_with(**changes), pytest.raises(Conflict) as error:
        approve(request, person("paula"))
    assert error.value.message.startswith("What was asked for does not fit any more. ")
    assert sentence in error.value.message
    assert (fresh(request).decision, Project.objects.exists()) == (Decision.PENDING, False)


def test_what_was_so_before_does_not_hold_up_a_yes() -> None:
    project = demand(alice="owner", expires=(today() + timedelta(days=9)).isoformat())
    Project.objects.update(spec={**project.spec, "expires": PAST})
    project.refresh_from_db()
    request = change_asked(project, person("alice"), plan="gpu")
    assert approve(request, person("paula")).decision == Decision.APPROVED


def test_a_revision_keeps_to_its_name_and_is_checked_as_every_wish() -> None:
    request = asked()
    for data, code in (({**GPU, "slug": "other"}, "fixed"), ({**GPU, "plan": "none"}, "unknown_plan")):
        with pytest.raises(InvalidSpec) as error:
            revise(request, data, person("alice"))
        assert [fault.code for fault in error.value.faults] == [code]
    with pytest.raises(NotFound):
        revise(request, GPU, person("charlie"))
    with pytest.raises(NotAllowed):
        revise(request, GPU, person("bob"))
    assert (fresh(request).revision, RequestRevision.objects.count()) == (1, 0)


def test_a_decided_request_is_not_changed() -> None:
    request = asked()
    reject(request, person("paula"))
    with pytest.raises(Conflict, match="rejected already"):
        revise(request, GPU, person("alice"))
    with pytest.raises(Conflict):
        decisions.ask_for_changes(request, by=person("paula"), door=Door.FORM, text="Why?")


def test_the_same_once_more_is_the_same_request() -> None:
    first = asked()
    again = actions.create(GPU, by=person("alice"), door=Door.API, installation=installation())
    assert (again.request, ProjectRequest.objects.count()) == (first, 1)
    with pytest.raises(InvalidSpec, match="asked for demand already"):
        asked(title="Other")
    with pytest.raises(InvalidSpec, match="demand is taken"):
        asked(who="bob")


def test_the_same_change_once_more_is_the_same_request() -> None:
    alice = person("alice")
    project = demand(alice="owner")
    made = [
        actions.change(project, GPU, by=alice, door=door, installation=installation()).request
        for door in (Door.FORM, Door.API)
    ]
    assert made[0] == made[1]
    assert ProjectRequest.objects.filter(decision=Decision.PENDING).count() == 1


def test_who_sees_it_may_speak_and_the_others_hear() -> None:
    paula = person("paula")
    request = asked()
    decisions.ask_for_changes(request, by=paula, door=Door.FORM, text="What for?")
    decisions.comment(request, by=person("alice"), door=Door.FORM, text=" For winter. ")
    assert [(one.by_name, one.text, one.asks) for one in request.comments.all()] == [
        ("paula@corp.example", "What for?", True), ("alice@corp.example", "For winter.", False),
    ]  # fmt: skip
    assert fresh(request).asked_back_at is None
    assert told("paula") == ["request-waits", "request-waits"]
    decisions.comment(request, by=person("alice"), door=Door.FORM, text="And for spring.")
    assert told("paula") == ["request-waits", "request-waits", "comment"]
    with pytest.raises(NotFound):
        decisions.comment(request, by=person("charlie"), door=Door.FORM, text="Hm.")
    with pytest.raises(InvalidSpec):
        decisions.comment(request, by=person("bob"), door=Door.FORM, text=" ")
