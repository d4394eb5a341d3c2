"""Tokens on API calls, signed here with a key the portal is told to trust."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import RequestFactory
from django.utils import timezone
from django_auth_adfs.config import provider_config
from django_auth_adfs.config import settings as adfs
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from portal.accounts import SignInRefused
from portal.auth import AdfsBearer, BearerBackend, CodeBackend, IdentityProviderUnavailable
from portal.models import User
from projects.installation import installation
from projects.models import RegisteredRepository
from tests.entries import group_entry, person_entry
from tests.portal.directory import ALICE, claims, token
from tests.projects.catalogues import catalogue_with

PLATFORM, OTHER, CLOUD = (f"66000000-0000-4000-8000-0000000000{end}" for end in ("01", "02", "03"))


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_a_token_opens_the_account_and_later_calls_write_nothing(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    user = BearerBackend().authenticate(access_token=token())
    assert user is not None
    assert (user.username, user.get_full_name(), user.email, user.directory_groups, user.is_staff) == (
        "alice@corp.example",
        "Alice Andersson",
        "alice@corp.example",
        ("ml-forecasting", "ml-users"),
        False,
    )
    changed = token(given_name="Mallory", **{adfs.GROUPS_CLAIM: ["ml-platform"]})
    with django_assert_num_queries(1):
        again = BearerBackend().authenticate(access_token=changed)
    assert again is not None
    assert (again.first_name, again.directory_groups, again.is_staff) == (
        "Alice",
        ("ml-forecasting", "ml-users"),
        False,
    )


def tampered() -> str:
    head, _, mark = token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(upn="paula@corp.example")).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{mark}"


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_guests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adfs, "IDENTITY_TENANT", "corp-tenant")
    with pytest.raises(SignInRefused, match="guests"):
        BearerBackend().authenticate(access_token=token(tid="other-tenant"))
    assert User.objects.count() == 0


@pytest.mark.usefixtures("provider_away")
def test_other_backends_work_while_the_provider_is_away() -> None:
    assert BearerBackend().authenticate(access_token=None) is None
    assert CodeBackend().authenticate(RequestFactory().get("/")) is None
    with pytest.raises(IdentityProviderUnavailable):
        BearerBackend().authenticate(access_token="eyJ.e30.x")


class WhoAmI(APIView):
    authentication_classes = [AdfsBearer]
    permission_classes = [IsAuthenticated]

    def get(self, request):  # type: ignore[no-untyped-def]
        return Response(request.user.username)


def ask(header: str | None) -> Response:
    headers = {"Authorization": header} if header is not None else {}
    response: Response = WhoAmI.as_view()(APIRequestFactory().get("/", headers=headers))
    return response


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_the_api_takes_access_tokens() -> None:
    response = ask(f"Bearer {token()}")
    assert (response.status_code, response.data) == (200, "alice@corp.example")
    refused = ask(f"Bearer {tampered()}")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer realm="slipway"')
    User.objects.update(is_active=False)
    assert ask(f"Bearer {token()}").status_code == 401


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer slip_0123456789abcdef", "Token a.b.c", "Bearer a.b.c d"]
)
def test_what_is_no_directory_token_is_left_to_others(header: str | None) -> None:
    headers = {"Authorization": header} if header is not None else {}
    assert AdfsBearer().authenticate(WhoAmI().initialize_request(APIRequestFactory().get("/", headers=headers))) is None


@pytest.mark.usefixtures("provider_away")
def test_the_api_says_503_while_tokens_can_not_be_checked() -> None:
    response = ask("Bearer eyJhbGciOiJSUzI1NiJ9.e30.x")
    assert (response.status_code, response["Retry-After"]) == (503, "30")


@pytest.mark.django_db
@pytest.mark.usefixtures("entra")
def test_object_ids_in_a_token_count_while_the_directory_does_not_know_the_person_yet() -> None:
    vision = "66000000-0000-4000-8000-00000000000A"
    user = BearerBackend().authenticate(access_token=token(**{adfs.GROUPS_CLAIM: ["ml-users", vision]}))
    assert user is not None
    assert (user.directory_groups, user.group_ids) == ((vision, "ml-users"), [vision.lower()])


@pytest.fixture
def platform_by_id(settings: Any) -> None:
    """The platform team's group is named by object id."""
    settings.INSTALLATION = replace(installation(), platform_group=PLATFORM)


@pytest.mark.django_db
@pytest.mark.usefixtures("provider", "platform_by_id")
@pytest.mark.parametrize("name", [PLATFORM, PLATFORM.upper(), f" {PLATFORM} "])
def test_a_group_of_ad_fs_that_is_called_like_an_object_id_is_none(name: str) -> None:
    user = BearerBackend().authenticate(access_token=token(**{adfs.GROUPS_CLAIM: ["ml-users", name]}))
    assert user is not None
    assert (user.directory_groups, user.group_ids, user.is_staff) == (("ml-users",), [], False)


@pytest.mark.django_db
@pytest.mark.usefixtures("entra", "platform_by_id")
def test_the_platform_team_by_object_id_in_a_token_of_entra() -> None:
    user = BearerBackend().authenticate(access_token=token(**{adfs.GROUPS_CLAIM: [PLATFORM.upper()]}))
    assert user is not None
    assert (user.group_ids, user.is_staff) == ([PLATFORM], True)


@pytest.mark.django_db
@pytest.mark.usefixtures("entra", "platform_by_id")
def test_a_name_that_graph_tells_is_never_an_object_id(monkeypatch: pytest.MonkeyPatch) -> None:
    vision = "66000000-0000-4000-8000-00000000000a"

    def get(url: str, **_: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code = 200
        groups = [
            {"id": vision, "onPremisesSamAccountName": "ml-vision"},
            {"id": OTHER, "onPremisesSamAccountName": PLATFORM},
            {"id": CLOUD, "onPremisesSamAccountName": None},
        ]
        answer._content = json.dumps({"access_token": "t"} if "oauth2" in url else {"value": groups}).encode()
        return answer

    monkeypatch.setattr(provider_config.session, "get", get)
    monkeypatch.setattr(provider_config, "msgraph_endpoint", "graph.corp.example")
    more = {adfs.GROUPS_CLAIM: "src1"}
    user = BearerBackend().authenticate(access_token=token(_claim_names=more, **{adfs.GROUPS_CLAIM: None}))
    assert user is not None
    assert (user.directory_groups, user.group_ids, user.is_staff) == (
        tuple(sorted((vision, "ml-vision", OTHER, CLOUD))),
        sorted((vision, OTHER, CLOUD)),
        False,
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_groups_come_from_the_directory_where_it_knows_the_person() -> None:
    alice = person_entry("alice", object_id=ALICE)
    group_entry("ml-all", group_entry("ml-vision", alice))
    user = BearerBackend().authenticate(access_token=token(**{adfs.GROUPS_CLAIM: ["ml-platform", "ml-forecasting"]}))
    assert user is not None
    assert (user.directory_groups, user.group_ids, user.is_staff) == (
        ("ml-all", "ml-vision"),
        ["oid-ml-all", "oid-ml-vision"],
        False,
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_groups_come_from_the_token_again_where_the_directory_left_the_catalogue() -> None:
    alice = person_entry("alice", object_id=ALICE)
    group_entry("ml-platform", alice)
    group_entry("ml-vision", alice)
    group_entry("ml-forecasting")
    user = BearerBackend().authenticate(access_token=token())
    assert user is not None
    assert (user.directory_groups, user.is_staff) == (("ml-platform", "ml-vision"), True)

    said = claims(**{adfs.GROUPS_CLAIM: ["ml-vision", "ml-users"]})
    with catalogue_with(directory=None):
        BearerBackend().take_over(user, said, "")
    again = User.objects.get(pk=user.pk)
    assert (again.directory_groups, again.group_ids, again.is_staff) == (
        ("ml-users", "ml-vision"),
        ["oid-ml-vision"],
        False,
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_a_file_that_waits_for_a_person_is_read_when_one_comes_for_the_first_time() -> None:
    rows = RegisteredRepository.objects
    for name, waits in (("forecasting/demand", True), ("forecasting/other", False)):
        rows.create(forge="git-1", full_name=name, waits_for_person=waits)
    due = rows.filter(look_at__lte=timezone.now() + timedelta(seconds=1)).values_list("full_name", flat=True)
    opened = token()

    BearerBackend().authenticate(access_token=opened)
    assert list(due.all()) == ["forecasting/demand"]

    rows.update(look_at=None)
    BearerBackend().authenticate(access_token=opened)
    assert list(due.all()) == []
