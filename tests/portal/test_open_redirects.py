"""No address that somebody else wrote decides where the browser goes after a sign-in."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from portal.accounts import account_of
from portal.auth_views import PENDING_KEY, safe_next
from portal.models import User
from tests.portal.directory import alice

EVIL = (
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "//\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://evil.example/",
    "HTTPS://EVIL.EXAMPLE/",
    "http://testserver@evil.example/",
    "http://testserver:80@evil.example/",
    "http://testserver.evil.example/",
    "http://testserver%2eevil.example/",
    "http://evil.example#testserver",
    "http://evil.example?testserver",
    "http://evil.example\\@testserver/",
    "http://[::ffff:203.0.113.7]/",
    "http://testserver:8443.evil.example/",
    "ftp://testserver/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox",
    "\thttps://evil.example",
    " https://evil.example",
    "\x00https://evil.example",
    "\x1bhttps://evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "http:///evil.example",
    "http://evil。example/",
    "//evil%E3%80%82example",
    "https://evil.example/%2f..",
)
OURS = ("/projects/?q=a&b", "http://testserver/projects/", "/%2f%2fevil.example", "/projects/new/#plan")


@pytest.mark.parametrize("wanted", [None, "", *EVIL])
def test_other_sites_are_never_the_next_page(wanted: str | None) -> None:
    assert safe_next(RequestFactory().get("/"), wanted) == "/"


@pytest.mark.parametrize("wanted", OURS)
def test_pages_of_this_site_may_be_next(wanted: str) -> None:
    assert safe_next(RequestFactory().get("/"), wanted) == wanted


def test_on_https_nothing_unencrypted_is_next() -> None:
    request = RequestFactory().get("/", secure=True)
    assert [safe_next(request, f"{scheme}://testserver/help/") for scheme in ("http", "https")] == [
        "/",
        "https://testserver/help/",
    ]


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("wanted", EVIL)
def test_no_door_leads_out(client: Client, wanted: str) -> None:
    login = reverse("django_auth_adfs:login")
    for begin in (client.get, client.post):
        answer = begin(login, {"next": wanted})
        if "\x00" in wanted:
            assert answer.status_code == 400
            continue
        assert urlsplit(answer["Location"]).netloc == "login.corp.example"
        sent = parse_qs(urlsplit(answer["Location"]).query)
        assert sent["redirect_uri"] == ["http://testserver/oauth2/callback"]
        assert client.session[PENDING_KEY][sent["state"][0]]["next"] == "/"
    page = client.get(reverse("sign-in"), {"next": wanted})
    assert page.status_code in (200, 400)
    assert 'name="next" value="/"' in page.content.decode() or page.status_code == 400
    user, _ = account_of(alice())
    client.force_login(user, backend="portal.auth.CodeBackend")
    answer = client.get(reverse("sign-in"), {"next": wanted})
    assert answer.status_code == 400 if "\x00" in wanted else answer["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", EVIL)
def test_break_glass_leads_nowhere_else(client: Client, wanted: str) -> None:
    cache.delete_many(["break-glass-from:127.0.0.1:break-glass", "break-glass-of:break-glass"])
    User.objects.create_superuser("break-glass", password="a-long-local-password")
    form = {"username": "break-glass", "password": "a-long-local-password", "next": wanted}
    answer = client.post(reverse("break-glass"), form)
    assert answer.status_code == 400 if "\x00" in wanted else answer["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.usefixtures("provider")
def test_a_host_that_is_not_ours_gets_no_address_of_ours(client: Client) -> None:
    for header in ({"host": "evil.example"}, {"host": "testserver@evil.example"}):
        assert client.get(reverse("django_auth_adfs:login"), headers=header).status_code == 400
    answer = client.get(reverse("django_auth_adfs:login"), headers={"x-forwarded-host": "evil.example"})
    assert parse_qs(urlsplit(answer["Location"]).query)["redirect_uri"] == ["http://testserver/oauth2/callback"]
