"""Names: always valid outside, never meeting each other."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.names import Names, reserved, suggest_slug
from provisioning.spec import check_slug

UID = "5f0c7a52-9a3e-4b1d-8c57-2f6d1e0b9a44"
DNS_LABEL = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
BUCKET = re.compile(r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")


def valid(slug: str) -> bool:
    try:
        check_slug(slug)
    except ValueError:
        return False
    return True


slugs = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True).filter(valid)


@given(slug=slugs, prefix=st.from_regex(r"[a-z][a-z0-9-]{0,10}-", fullmatch=True))
def test_every_slug_gives_valid_names(slug: str, prefix: str) -> None:
    names = Names(slug=slug, team="forecasting", uid=UID, prefix=prefix)
    assert DNS_LABEL.match(names.namespace)
    assert BUCKET.match(names.bucket)
    assert len(names.labels()["slipway.dev/project"]) <= 63


@given(one=slugs, other=slugs)
def test_two_slugs_never_meet_in_a_name(one: str, other: str) -> None:
    a, b = (Names(slug=slug, team="t", uid=UID, prefix="ml-") for slug in (one, other))
    assert (a.namespace == b.namespace) == (one == other)
    assert (a.store_user == b.store_user) == (one == other)


def test_a_new_project_with_an_old_slug_has_other_keys() -> None:
    old, new = (Names(slug="demand", team="t", uid=uid, prefix="ml-") for uid in ("aaaaaaaa-1", "bbbbbbbb-1"))
    assert (old.bucket, old.store_user, new.store_user) == ("ml-demand", "ml-demand-aaaaaaaa", "ml-demand-bbbbbbbb")


@given(title=st.text(max_size=200))
def test_a_suggested_slug_is_a_slug_or_nothing(title: str) -> None:
    slug = suggest_slug(title)
    assert slug == "" or valid(slug)


@pytest.mark.parametrize(
    "title, slug",
    [
        ("Demand forecast", "demand-forecast"),
        ("Größen & Demand", "grossen-demand"),
        ("  3D scans  ", "d-scans"),
        ("Återförsäljare", "aterforsaljare"),
        ("???", ""),
        ("x" * 60, "x" * 40),
    ],
)
def test_suggest_slug(title: str, slug: str) -> None:
    assert suggest_slug(title) == slug


@pytest.mark.parametrize(
    "slug, pattern",
    [
        ("default", "default"),
        ("kube-system", "kube-*"),
        ("kube", "kube-*"),
        ("kubernetes-demo", None),
        ("slipway-x", "slipway-*"),
        ("press-demo", "press-*"),
        ("demand", None),
    ],
)
def test_reserved(slug: str, pattern: str | None) -> None:
    assert reserved(slug, patterns=("press-*",)) == pattern


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "A",
        "-a",
        "a-",
        "a--b",
        "1a",
        "a_b",
        "a.b",
        "å",
        "x" * 41,
        "-rf",
        "../a",
        "xn-a",
        "a\n",
        "a b",
        "kube-\u0430",
    ],
)
def test_no_slug(slug: str) -> None:
    assert not valid(slug)
