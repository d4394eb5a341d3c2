"""The directory changes, and rights follow in portal, cluster and forge. On the stack's own domain controller."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests import live
from tests.contract.stack import eventually, folder, unique
from tests.directory import controller
from tests.directory.doors import api, cluster, collaborators, enters, forge_account, project, sees, subjects, sync


@pytest.fixture(scope="module", autouse=True)
def _stack(without_ci: None) -> Iterator[None]:
    folder()
    controller.address()
    eventually(live.portal_alive, seconds=120)
    assert not sync().startswith("error")
    yield
    assert not sync().startswith("error")


@contextmanager
def known(account: str) -> Iterator[controller.Person]:
    """Somebody new whom the portal's sync has seen, so that a grant means this person and no later one of the name."""
    with controller.person(account) as person:
        sync()
        yield person


def test_who_is_in_a_groups_group_sees_and_enters() -> None:
    with project({"group": "ml-all", "role": "editor"}) as slug:
        # Only in ml-vision-leads, which is in ml-vision, which is in ml-all.
        erik, at_work = api("erik.vastberg"), cluster("erik.vastberg")
        assert sees(erik, slug)
        assert enters(at_work, slug)
        made = at_work.post(f"/api/v1/namespaces/ml-{slug}/configmaps", json={"metadata": {"name": "erik"}})
        assert made.status_code == 201, made.text
        assert not sees(api("charlie"), slug)
        assert not enters(cluster("charlie"), slug)


def test_who_leaves_a_groups_group_loses_the_portal_without_a_new_sign_in() -> None:
    with controller.person("gina.demo", groups=("ml-speech",)) as gina, project({"group": "ml-all"}) as slug:
        sync()
        kept = api(gina.account)
        assert sees(kept, slug)
        controller.leave(gina.account, "ml-speech")
        sync()
        assert not sees(kept, slug)
        # The cluster reads the groups from the token, so the next one tells.
        assert not enters(cluster(gina.account), slug)
        controller.join(gina.account, "ml-vision-leads")
        sync()
        assert sees(kept, slug)


def test_who_is_switched_off_loses_everything() -> None:
    with (
        known("dora.demo") as dora,
        forge_account(dora.account),
        project({"user": dora.upn, "role": "editor"}) as slug,
        live.signed_in(dora.account) as browser,
    ):
        own, at_work = api(dora.account), cluster(dora.account)
        made = own.post("tokens/", json={"name": "script", "scopes": ["read"]}, headers={"Idempotency-Key": slug})
        assert made.status_code == 201, made.text
        script = httpx.Client(base_url=own.base_url, headers={"Authorization": f"Bearer {made.json()['token']}"})
        assert (sees(own, slug), sees(script, slug), enters(at_work, slug)) == (True, True, True)
        assert browser.get(f"/projects/{slug}/").status_code == 200
        assert dora.account in collaborators(slug)

        controller.switch(dora.account, on=False)
        sync()

        assert browser.get(f"/projects/{slug}/").status_code in (302, 404)
        assert "/sign-in/" in browser.get("/").headers["Location"]
        assert [client.get("me/").status_code for client in (own, script)] == [401, 401]
        eventually(lambda: not enters(at_work, slug), seconds=60)
        eventually(lambda: dora.account not in collaborators(slug), seconds=60)
        assert subjects(slug, "editor") == []
        assert live.project(slug)["title"] is not None

        controller.switch(dora.account, on=True)
        sync()

        # What was hers is hers again; what was handed out before stays ended.
        eventually(lambda: subjects(slug, "editor") == [f"ad:{dora.upn}"], seconds=60)
        assert sees(api(dora.account), slug)
        assert script.get("me/").status_code == 401
        assert browser.get("/").status_code == 302


def test_who_is_given_the_name_of_somebody_who_left_inherits_nothing() -> None:
    with known("rex.demo") as rex, project({"user": rex.upn, "role": "editor"}) as slug:
        assert sees(api(rex.account), slug)
        controller.dismiss(rex.account)
        newcomer = controller.hire(rex.account)
        assert newcomer.object_id != rex.object_id

        fresh = api(newcomer.account)
        assert not sees(fresh, slug)
        sync()

        assert not sees(fresh, slug)
        eventually(lambda: subjects(slug, "editor") == [], seconds=60)
        assert not enters(cluster(newcomer.account), slug)


def test_who_is_renamed_keeps_everything() -> None:
    # An account that a broken run has left behind may have the new name.
    new_name = unique("nora")
    with known("nora.demo") as nora, project({"user": nora.upn, "role": "editor"}) as slug:
        assert sees(api(nora.account), slug)
        controller.rename(nora.account, new_name)
        try:
            renamed = api(new_name, password=nora.password)
            assert sees(renamed, slug)
            sync()
            assert renamed.get("me/").json()["username"] == f"{new_name}@corp.example"
            assert sees(renamed, slug)
            eventually(lambda: subjects(slug, "editor") == [f"ad:{new_name}@corp.example"], seconds=60)
            assert enters(cluster(new_name, password=nora.password), slug)
        finally:
            controller.rename(new_name, nora.account)
            sync()


def test_groups_of_one_name_stay_two() -> None:
    with project({"group": "ds-analytics"}) as slug:
        assert sees(api("anna.lind"), slug)
        yara = api("yara.haddad")
        assert not sees(yara, slug)
        assert not enters(cluster("yara.haddad"), slug)
        found = yara.get("directory/", params={"q": "data science", "kind": "group"}).json()["items"]
        assert sorted((one["account"], one["name"]) for one in found) == [
            ("ds-analytics", "Data Science"),
            ("ds-vehicles", "Data Science"),
        ]
        assert len({one["place"] for one in found}) == 2


def test_while_the_directory_is_away_nobody_loses_anything() -> None:
    with project({"user": "erik.vastberg@corp.example"}) as slug:
        erik = api("erik.vastberg")
        with live.held("directory"):
            said = sync()
            assert "does not answer" in said, said
            assert sees(erik, slug)
            assert subjects(slug, "viewer") == ["ad:erik.vastberg@corp.example"]
            (state,) = live.api("paula").get("directory/state/").json()["items"]
            assert (state["failing_since"] is None, "does not answer" in state["message"]) == (False, True)
        eventually(lambda: not sync().startswith("error"), seconds=30)
        (state,) = live.api("paula").get("directory/state/").json()["items"]
        assert state["failing_since"] is None
