"""The identity provider where there is no domain controller: the file with the company stands in for it."""

import json
import os
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from devstack import certificates, processes, settings, stack
from devstack.company import company, made_up_ids
from devstack.domain import SWITCH
from devstack.endpoints import Endpoints
from devstack.readiness import is_ready
from devstack.stack import ROOT, Stack
from tests.contract.stack import eventually
from tests.own_tokens import SignInRefusedByProvider, by_device, claims, trust

RESEARCH = ["ml-all", "ml-users", "ml-vision", "ml-vision-leads"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of which only the identity provider runs."""
    if not (ROOT / "node_modules" / "oidc-provider").exists():
        pytest.skip("needs npm's packages: ./dev test installs them")
    with pytest.MonkeyPatch.context() as patch:
        one = Stack(name="try", folder=tmp_path_factory.mktemp("stack"))
        patch.setenv(SWITCH, "file")
        patch.setenv("SLIPWAY_STACK_DIR", str(one.folder))
        stack.make_folders(one)
        stack.settle_ports(one)
        certificates.ensure(one)
        settings.write(one, Endpoints())
        (process,) = [each for each in processes.all_processes(one, Endpoints()) if each.name == "idp"]
        assert process.ready is not None
        log = one.log("idp")
        with log.open("wb") as output:
            running = subprocess.Popen(
                process.command, cwd=ROOT, env={**os.environ, **process.environment}, stdout=output, stderr=output
            )
        try:
            eventually(lambda: is_ready(process.ready, log=log, since=0), seconds=20)
            yield one
        finally:
            running.kill()
            running.wait()


def test_people_have_their_groups_groups_too(alone: Stack) -> None:
    said = claims(by_device("erik.vastberg")["access_token"])

    assert (said["upn"], sorted(said["group"])) == ("erik.vastberg@corp.example", RESEARCH)
    entra = claims(by_device("erik.vastberg", shape="entra")["access_token"])
    assert entra["oid"] == made_up_ids(company())["erik.vastberg"]
    assert sorted(entra["groups"]) == sorted(made_up_ids(company())[name] for name in RESEARCH)


def test_groups_that_are_in_each_other_come_to_an_end(alone: Stack) -> None:
    assert sorted(claims(by_device("mats.ohman")["access_token"])["group"]) == [
        "guild-data",
        "guild-mlops",
        "ml-platform",
    ]


def test_who_is_switched_off_does_not_come_in(alone: Stack) -> None:
    with pytest.raises(SignInRefusedByProvider, match=r"^401"):
        by_device("tova.lefvert")


def test_an_app_reads_the_file_by_graph(alone: Stack) -> None:
    base = f"https://localhost:{alone.ports()['idp']}"
    ask = {
        "grant_type": "client_credentials",
        "client_id": "slipway-portal",
        "client_secret": alone.secret("adfs-client-secret"),
        "scope": f"{base}/.default",
    }
    with httpx.Client(base_url=base, verify=trust(), trust_env=False) as http:
        token = http.post(f"/{company().tenant}/oauth2/v2.0/token", data=ask).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        tova = "tova.lefvert@corp.example"
        wanted = {"$select": "userPrincipalName,accountEnabled,userType", "$top": "999"}
        users = http.get("/v1.0/users", params=wanted).json()
        first = http.get("/v1.0/groups", params={"$top": "5", "$filter": "securityEnabled eq true"}).json()
        group = made_up_ids(company())["ml-vision"]
        members = http.get(f"/v1.0/groups/{group}/members", params={"$select": "displayName"}).json()["value"]
        faults = {
            path: http.get(path).status_code
            for path in ("/v1.0/groups/00000000-0000-4000-8000-000000000000/members", "/v1.0/users?$top=1000")
        }

    assert len(users["value"]) == 40
    assert {"userPrincipalName": tova, "accountEnabled": False, "userType": "Member"} in users["value"]
    assert "@odata.nextLink" not in users
    assert (len(first["value"]), first["@odata.nextLink"].startswith(f"{base}/v1.0/groups?")) == (5, True)
    assert {(one["@odata.type"], one["displayName"]) for one in members} >= {
        ("#microsoft.graph.user", "Jürgen Weiß"),
        ("#microsoft.graph.group", "Vision, leads"),
    }
    assert list(faults.values()) == [404, 400]


def test_a_mood_makes_graph_busy(alone: Stack) -> None:
    mood = alone.folder / "idp-moods.json"
    mood.write_text(json.dumps({"graph": {"busy_every": 1, "retry_after": 7}}))
    try:
        with httpx.Client(verify=trust(), trust_env=False) as http:
            answer = http.get(f"https://localhost:{alone.ports()['idp']}/v1.0/users")
    finally:
        mood.unlink()

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_guest_is_of_another_tenant(alone: Stack, request: pytest.FixtureRequest) -> None:
    mood = alone.folder / "idp-moods.json"
    request.addfinalizer(lambda: mood.unlink())
    assert claims(by_device("bob", shape="entra")["access_token"])["tid"] == company().tenant
    mood.write_text(json.dumps({"guests": ["bob"]}))

    assert claims(by_device("bob", shape="entra")["access_token"])["tid"] != company().tenant
