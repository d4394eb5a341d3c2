"""Bad input by every door: a clear answer with its place, and nothing half-made: no row, no history, no doorbell."""

from dataclasses import replace
from typing import Any

import pytest

from projects.installation import installation
from projects.models import Membership
from projects.spec import name_answer
from provisioning.names import Names
from provisioning.spec import check_slug
from tests.projects.doors import DOORS, SMALL, ask, push
from tests.projects.file_door import PushedForge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

ALICE = {"user": "alice@corp.example", "role": "owner"}
BOB = {"user": "bob@corp.example"}
SHAPE = "Start with a letter, then lower case letters, digits and single hyphens; it can't end with a hyphen."
NOT_A_NAME = "A name of a person or group has no line breaks, commas, colons, double quotes, slashes or asterisks."
NOT_MUCH = "is not a quantity. Write a number with a unit, such as 4, 500m or 16Gi."
DAY = "Write a date, such as 2027-06-30."
WHOLE = "Write a whole number."
NO_FIELD = "There is no such field."
FIELDS = "Write fields and values."
BOTH = ("api", "file")


def people(*others: Any) -> dict[str, Any]:
    return {"contributors": [ALICE, *others]}


def system(name: str) -> str:
    return f"{name.strip()} is an identity of the cluster itself and can't be a contributor. Name a person or a group."


def limits(**chosen: Any) -> dict[str, Any]:
    return {"options": {"limits": chosen}}


def bucket(**chosen: Any) -> dict[str, Any]:
    return {"options": {"bucket": chosen}}


Case = tuple[dict[str, Any], str, str, str, tuple[str, ...]]


def case(changes: dict[str, Any], field: str, code: str, sentence: str, doors: tuple[str, ...] = DOORS) -> Case:
    return changes, field, code, sentence, doors


CASES: tuple[Case, ...] = (
    # The name
    case({"slug": "kube-system"}, "slug", "reserved", "kube-system is reserved for the platform (kube-*)."),
    case({"slug": "default"}, "slug", "reserved", "default is reserved for the platform (default)."),
    case({"slug": "minio"}, "slug", "reserved", "minio is reserved for the platform (minio). Try team-minio."),
    case({"slug": "a" * 41}, "slug", "string_too_long", "At most 40 characters."),
    case({"slug": "a" * 500}, "slug", "string_too_long", "At most 40 characters."),
    *(
        case({"slug": slug}, "slug", "value_error", SHAPE)
        for slug in (
            "Demand", "demand_forecast", "demand.example", "-rf", "demand-", "de--mand", "1demand", "xn--dmand-cva",
            "de mand", "../demand", "d\u0435mand", "\uff44emand", "demand\u200b", "d\u00e9mand", "\u202edemand",
        )
    ),
    case({"slug": "demand\n"}, "slug", "value_error", SHAPE, BOTH),
    case({"slug": None}, "slug", "string_type", "Write text here.", BOTH),
    case({"slug": 7}, "slug", "string_type", "Write text here.", BOTH),
    case({"slug": ""}, "slug", "string_too_short", "This is needed."),
    # Team, plan, fields
    case({"team": "vision"}, "team", "not_your_team", "You are in no team vision. Your teams: forecasting."),
    case({"team": "nobody"}, "team", "not_your_team", "You are in no team nobody. Your teams: forecasting."),
    case({"team": "forec\u0430sting"}, "team", "value_error", SHAPE),
    case({"team": "FORECASTING"}, "team", "value_error", SHAPE),
    case({"team": None}, "team", "string_type", "Write text here.", BOTH),
    case({"plan": "huge"}, "plan", "unknown_plan", "There is no plan huge. Choose one of small, medium, large, gpu."),
    case({"plan": "Small"}, "plan", "unknown_plan", "There is no plan Small. Choose one of small, medium, large, gpu."),
    case({"plan": None}, "plan", "string_type", "Write text here.", BOTH),
    case({"version": 2}, "version", "literal_error", "Choose one of 1.", BOTH),
    case({"colour": "red"}, "colour", "extra_forbidden", NO_FIELD, BOTH),
    *(
        case({name: value}, name, "extra_forbidden", NO_FIELD, BOTH)
        for name, value in {
            "generation": 9, "uid": "5f0c7a52-9a3e-4b1d-8c57-2f6d1e0b9a44", "units": 0, "lease_until": "2099-01-01",
            "lease_holder": "me", "fence": 9, "observed_generation": 9, "suspended": False, "is_staff": True,
            "decision": "approved", "remove_data": True, "versions": {"bucket": 9},
        }.items()
    ),
    case({"title": "x" * 81}, "title", "string_too_long", "At most 80 characters."),
    case({"title": "a\u202eb"}, "title", "value_error", "Control characters can't be part of a text."),
    case({"description": "x" * 501}, "description", "string_too_long", "At most 500 characters."),
    case({"expires": "2001-01-01"}, "expires", "past", "The end date has passed. Choose a later day."),
    case({"expires": "soon"}, "expires", "date_type", DAY),
    case({"expires": "20270630"}, "expires", "date_type", DAY),
    case({"expires": "2027-02-30"}, "expires", "date_from_datetime_parsing", f"There is no such day. {DAY}"),
    case({"expires": 1893456000}, "expires", "date_type", DAY),
    # People
    *(
        case(people({kind: name}), f"contributors.1.{kind}", "value_error", system(name))
        for name in ("system:masters", "System:Masters", "SYSTEM:serviceaccount:kube-system:default", "system:",
                     " system:masters", "system:masters ", "\uff53ystem:masters")
        for kind in ("user", "group")
    ),
    *(
        case(people({"user": name}), "contributors.1.user", "value_error", NOT_A_NAME)
        for name in ("*", "ad:bob@corp.example", "bob\u200b@corp.example", " bob@corp.example", "a,b", "../bob")
    ),
    case(people({"user": "x" * 201}), "contributors.1.user", "string_too_long", "At most 200 characters."),
    case(people({"user": "\u0130" * 150}), "contributors.1.user", "value_error", "At most 200 characters."),
    case(people({"user": ""}), "contributors.1.user", "string_too_short", "This is needed."),
    case(people({**BOB, "role": "king"}), "contributors.1.role", "enum",
         "Choose one of 'owner', 'editor' or 'viewer'."),
    case(people({**BOB, "until": "2001-01-01"}), "contributors.1.until", "past",
         "The last day has passed. Choose a later day, or leave the entry out."),
    case(people({**BOB, "until": "soon"}), "contributors.1.until", "date_type", DAY),
    case(people({"user": "ALICE@corp.example"}), "contributors.1", "twice",
         "alice@corp.example stands here twice. One entry each."),
    case({"contributors": [{**ALICE, "until": "2099-01-01"}]}, "contributors", "no_owner",
         "At least one person or group must stay owner, without an end date."),
    case({"contributors": [ALICE, *({"user": f"u{number}@corp.example"} for number in range(100))]},
         "contributors", "too_long", "At most 100 entries."),
    case(people({"role": "viewer"}), "contributors.1", "value_error", "Give either user or group.", BOTH),
    case({"contributors": [{}]}, "contributors.0", "value_error", "Give either user or group.", BOTH),
    case(people({**BOB, "group": "ml-vision"}), "contributors.1", "value_error", "Give either user or group.", BOTH),
    case(people({**BOB, "colour": "red"}), "contributors.1.colour", "extra_forbidden", NO_FIELD, BOTH),
    case({"contributors": {"user": "bob@corp.example"}}, "contributors", "tuple_type", "Write a list.", BOTH),
    case({"contributors": None}, "contributors", "tuple_type", "Write a list.", BOTH),
    case({"contributors": ["bob"]}, "contributors.0", "model_type", FIELDS, BOTH),
    case({"contributors": [{"group": ["ml-vision"]}]}, "contributors.0.group", "string_type", "Write text here.", BOTH),
    case({"contributors": [{"user": {"a": 1}}]}, "contributors.0.user", "string_type", "Write text here.", BOTH),
    # Options and quantities
    case({"options": {"moon": {}}}, "options.moon", "no_options", "There are no options for moon.", BOTH),
    case(limits(colour="red"), "options.limits.colour", "extra_forbidden", NO_FIELD, BOTH),
    case({"options": None}, "options", "dict_type", FIELDS, BOTH),
    case({"options": []}, "options", "dict_type", FIELDS, BOTH),
    case({"options": {"limits": None}}, "options.limits", "dict_type", FIELDS, BOTH),
    case({"options": {"repository": []}}, "options.repository", "dict_type", FIELDS, BOTH),
    case({"options": {"repository": {"attach": ["x"]}}}, "options.repository.attach", "string_type",
         "Write text here.", BOTH),
    *(
        case(limits(cpu=amount), "options.limits.cpu", "value_error", f"'{amount}' {NOT_MUCH}")
        for amount in ("-1", "+1", "1e3", "1E3", "NaN", "inf", "4 cores", "0x4", "1.2345", "9" * 13, "\u0664")
    ),
    case(limits(cpu="0"), "options.limits.cpu", "value_error", "Zero is not enough to work with."),
    case(limits(cpu="1m"), "options.limits.cpu", "beyond_plan", "1m is too little to work with. Enter 100m or more."),
    case(limits(cpu="5"), "options.limits.cpu", "beyond_plan",
         "5 is more than plan small allows (4). Enter 4 or less, or choose plan medium."),
    case(limits(memory="999999999999Pi"), "options.limits.memory", "beyond_plan",
         "999999999999 PiB is more than plan small allows (16 GiB). Enter 16 GiB or less."),
    case(limits(gpu=1), "options.limits.gpu", "beyond_plan",
         "1 is more than plan small allows (0). Enter 0 or less, or choose plan gpu."),
    case(limits(gpu=-1), "options.limits.gpu", "greater_than_equal", "Write 0 or more."),
    case(limits(pods=0), "options.limits.pods", "greater_than_equal", "Write 1 or more."),
    case(limits(pods=10**30), "options.limits.pods", "less_than_equal", "Write 100000 or less."),
    case(limits(pods="9" * 5000), "options.limits.pods", "int_parsing_size", "This number is too large."),
    case(limits(pods="many"), "options.limits.pods", "int_parsing", WHOLE),
    case(limits(pods=1.5), "options.limits.pods", "int_from_float", WHOLE),
    case(limits(pods=True), "options.limits.pods", "value_error", WHOLE),
    case(bucket(quota="-5Gi"), "options.bucket.quota", "value_error", f"'-5Gi' {NOT_MUCH}"),
    case(bucket(quota="1e3Gi"), "options.bucket.quota", "value_error", f"'1e3Gi' {NOT_MUCH}"),
    case(bucket(quota="600Gi"), "options.bucket.quota", "beyond_plan",
         "600 GiB is more than plan small allows (200)."),
    case(bucket(noncurrent_days=366), "options.bucket.noncurrent_days", "less_than_equal", "Write 365 or less."),
)  # fmt: skip


def _named(changes: dict[str, Any]) -> str:
    return ascii(changes)[:60]


@pytest.mark.parametrize(
    ("door", "changes", "field", "code", "sentence"),
    [
        pytest.param(door, changes, field, code, sentence, id=f"{door} {_named(changes)}")
        for changes, field, code, sentence, doors in CASES
        for door in doors
    ],
)
def test_a_wish_with_a_fault(
    door: str, changes: dict[str, Any], field: str, code: str, sentence: str, untouched: Any
) -> None:
    with untouched():
        answer = ask(door, {**SMALL, **changes})
    assert not answer.accepted
    assert sentence in answer.said
    if door == "api":
        assert answer.faults == {(field, code)}
    if door == "file":
        assert f"{field}: " in answer.said
        assert answer.said.startswith("line ")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("waits", [False, True], ids=["a project", "a request that waits"])
def test_a_taken_name(door: str, waits: bool, untouched: Any) -> None:
    ask("api", {**SMALL, "plan": "gpu" if waits else "small"}, who="paula")
    with untouched():
        answer = ask(door, SMALL)
    assert "demand is taken. Try demand-2." in answer.said


def test_names_that_would_meet_after_a_cut_are_refused_instead(untouched: Any) -> None:
    assert ask("api", {**SMALL, "slug": "a" * 40}).accepted
    for end in ("b", "c", "-2"):
        with untouched():
            assert ask("api", {**SMALL, "slug": "a" * 40 + end}).faults == {("slug", "string_too_long")}
    names = {
        Names(slug="a" * 39 + end, team="forecasting", uid=str(number), prefix="abcdefghijk-").namespace
        for number, end in enumerate("abc")
    }
    assert len(names) == 3
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize("slug", ["a" * 40, "a" * 35 + "-bcd", "kube-" + "a" * 35, "test-x"])
def test_the_name_that_is_offered_instead_can_be_had(slug: str) -> None:
    ask("api", {**SMALL, "slug": slug})
    answer = name_answer(slug, catalogue=installation().catalogue)
    assert answer is not None
    offered = answer[1].rpartition("Try ")[2].removesuffix(".")
    assert check_slug(offered) == offered
    assert name_answer(offered, catalogue=installation().catalogue) is None


def test_who_is_in_no_team_is_told_the_same_by_each_door(untouched: Any) -> None:
    for door in DOORS:
        with untouched():
            answer = ask(door, SMALL, who="charlie")
        assert "You are in no team forecasting. Your teams: none yet; ask the platform team." in answer.said


@pytest.mark.parametrize("door", BOTH)
def test_all_faults_come_at_once(door: str, untouched: Any) -> None:
    wish = {"slug": "kube-x", "team": "vision", "plan": "huge", "colour": 1, "contributors": [{"user": "system:x"}]}
    with untouched():
        answer = ask(door, {**wish, "options": {"bucket": {"quota": "-1"}, "moon": {}}})
    for field in ("slug", "team", "plan", "colour", "contributors.0.user", "options.bucket.quota", "options.moon"):
        assert f"{field}: " in answer.said


@pytest.mark.parametrize("door", BOTH)
def test_who_is_named_in_capitals_without_a_role_and_asks_becomes_the_owner(door: str) -> None:
    assert ask(door, {**SMALL, "contributors": [{"user": "ALICE@corp.example"}, {"group": "ml-vision"}]}).accepted
    rows = set(Membership.objects.values_list("subject", "is_group", "role"))
    assert rows == {("alice@corp.example", False, "owner"), ("ml-vision", True, "viewer")}


@pytest.mark.parametrize("door", DOORS)
def test_a_name_with_an_apostrophe_is_a_name(door: str) -> None:
    maria = "maria.o'connor@corp.example"
    assert ask(door, {**SMALL, "contributors": [ALICE, {"user": maria, "role": "editor"}]}).accepted
    assert Membership.objects.filter(subject=maria, role="editor").count() == 1


def test_a_hundred_people_are_not_too_many() -> None:
    others = [{"user": f"u{number}@corp.example"} for number in range(99)]
    assert ask("api", {**SMALL, "contributors": [ALICE, *others]}).accepted
    assert Membership.objects.count() == 100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"slug: [demand\n", "line 2, column 1: From here on this is not YAML"),
        (b"slug: &a demand\nteam: *a\n", "line 1, column 7: The anchor &a is not read."),
        (b"slug: !!python/name:os.system demand\n", "line 1, column 7: Tags"),
        (b"slug: demand\nslug: other\nteam: forecasting\n", "line 2, column 1: The field slug stands here a second"),
        (b"slug: demand\nteam: forecasting\n---\nslug: other\n", "line 3, column 1: A second document begins here."),
        (b"#" * 10_000_000, "profile.yaml of forecasting/demand is larger than 64 KiB."),
        (b"\xff\xfe", "line 1, column 1: The file is not plain UTF-8 text"),
        (b"[" * 30_000, "line 1, column 1: This is nested more than 20 levels deep."),
        (b"", "line 1, column 1: The file is empty."),
        (b"demand\n", "line 1, column 1: The file is not made of fields."),
    ],
    ids=["no YAML", "anchor", "tag", "twice", "two documents", "10 MB", "UTF-16", "deep", "empty", "a word"],
)
def test_a_file_that_can_not_be_read(content: bytes, said: str, untouched: Any) -> None:
    with untouched():
        answer = push(content)
    assert not answer.accepted
    assert answer.said.startswith(said)


def test_a_broken_file_does_not_take_back_a_request_that_waits(untouched: Any) -> None:
    forge = PushedForge()
    assert push(b"slug: demand\nteam: forecasting\nplan: gpu\n", forge=forge).accepted
    with untouched():
        answer = push(b"slug: demand\nteam: forecasting\nplan: huge\n", forge=forge)
    assert "plan: There is no plan huge." in answer.said


def test_a_plan_that_is_no_longer_offered_is_a_fault_like_any_other(settings: Any, untouched: Any) -> None:
    before = installation()
    plans = {name: plan for name, plan in before.catalogue.plans.items() if name != "medium"}
    settings.INSTALLATION = replace(before, catalogue=before.catalogue.model_copy(update={"plans": plans}))
    for door in DOORS:
        with untouched():
            answer = ask(door, {**SMALL, "plan": "medium"})
        assert "There is no plan medium. Choose one of small, large, gpu." in answer.said
