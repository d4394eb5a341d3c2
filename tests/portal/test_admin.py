"""Django's admin: every model an operator would look for, to search and to read, with as many queries for many rows."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.models import ApiToken
from projects.models import FleetSummary
from provisioning.admin import ReadOnly
from tests.people import client, person
from tests.rows import row_of

pytestmark = pytest.mark.django_db
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = ("portal", "projects", "provisioning")
HISTORIES = [model for model in REGISTERED if hasattr(model, "pgh_label")]
MADE = [model for model in REGISTERED if model not in HISTORIES]
FEW, MANY = 2, 30


def address(model: type[Model], page: str, *parts: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=parts)


def made(model: type[Model], count: int) -> Model:
    """So many more rows; there is one fleet."""
    rows = [row_of(model) for _ in range(1 if model is FleetSummary else count)]
    return rows[-1]


def asked(browser: Client, url: str) -> int:
    # What is read once for each process, such as content types, has been read then.
    browser.get(url)
    with CaptureQueriesContext(connection) as seen:
        answer = browser.get(url)
    assert answer.status_code == 200, url
    page = answer.content.decode()
    assert re.findall(r"<script(?![^>]* src=)[^>]*>|<style|\son[a-z]+=|\sstyle=", page) == [], url
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    return len(seen)


def test_every_model_of_ours_is_there() -> None:
    models = {model._meta.label for name in OURS for model in apps.get_app_config(name).get_models()}
    assert models == {model._meta.label for model in REGISTERED if model._meta.app_label in OURS}


def test_nothing_can_be_written() -> None:
    browser = client("paula")
    for model, page in admin.site._registry.items():
        assert isinstance(page, ReadOnly), model
        assert page.get_search_fields(browser.request().wsgi_request), model
    for model in MADE:
        row = made(model, 1)
        changed = browser.post(address(model, "change", row.pk), {"name": "x"})
        deleted = browser.post(address(model, "delete", row.pk), {"post": "yes"})
        added = browser.get(address(model, "add"))
        assert [changed.status_code, deleted.status_code, added.status_code] == [403, 403, 403], model


@pytest.mark.parametrize("model", MADE, ids=lambda model: model._meta.label)
def test_lists_searches_and_rows_ask_as_often_for_many_as_for_few(model: type[Model]) -> None:
    browser, row = client("paula"), made(model, FEW)
    urls = [address(model, "changelist"), f"{address(model, 'changelist')}?q=row", address(model, "change", row.pk)]
    few = [asked(browser, url) for url in urls]
    if model is not FleetSummary:
        made(model, MANY - FEW)
    assert [asked(browser, url) for url in urls] == few


@pytest.mark.parametrize("model", HISTORIES, ids=lambda model: model._meta.label)
def test_histories_too(model: Any) -> None:
    tracked = model._meta.get_field("pgh_obj").related_model
    browser = client("paula")
    made(tracked, FEW)
    entry = model.objects.order_by("-pgh_id").first()
    list_page = address(model, "changelist")
    urls = [list_page, f"{list_page}?q=paula", f"{list_page}?q={entry.pgh_obj_id}", address(model, "change", entry.pk)]
    few = [asked(browser, url) for url in urls]
    made(tracked, MANY - FEW)
    assert [asked(browser, url) for url in urls] == few


def test_the_first_page_names_them_all_and_what_is_secret_is_on_none() -> None:
    browser = client("paula")
    index = browser.get("/admin/").content.decode()
    assert [model._meta.label for model in REGISTERED if address(model, "changelist") not in index] == []
    user = person("alice")
    user.set_password("a-long-password-of-alice")
    user.save()
    token, _ = ApiToken.objects.create(user, name="ci", scopes=["read"])
    shown = browser.get(address(ApiToken, "change", token.pk)).content.decode()
    shown += browser.get(reverse("admin:portal_user_change", args=[user.pk])).content.decode()
    assert "alice@corp.example" in shown
    assert [secret for secret in (user.password, token.token_key) if secret in shown] == []
    assert f'<div class="readonly">{token.digest}' not in shown
