"""What the stack's identity provider takes from the domain controller, and how it says it in each of its shapes."""

import base64
import json
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from provisioning.catalogue import GraphDirectory, load
from provisioning.clients import connect_directory
from provisioning.directory import Edge, Entry
from provisioning.secrets import resolver
from tests import live
from tests.contract.stack import eventually, folder, secret
from tests.directory import controller
from tests.own_tokens import SignInRefusedByProvider, by_device, claims, environment, issuer, trust

RESEARCH = {"ml-users", "ml-all", "ml-vision", "ml-vision-leads"}


@pytest.fixture(autouse=True)
def _needs_the_controller() -> None:
    controller.address()


@pytest.fixture
def moods() -> Iterator[Path]:
    """The file that tells the provider how to behave."""
    path = folder() / "idp-moods.json"
    yield path
    path.unlink(missing_ok=True)


def access(account: str, *, shape: str) -> dict[str, object]:
    """What the person's access token says."""
    return claims(by_device(account, shape=shape)["access_token"])


def test_ad_fs_says_nested_groups_by_name_and_the_object_id_in_base64() -> None:
    said = access("erik.vastberg", shape="adfs")

    assert said["upn"] == "erik.vastberg@corp.example"
    assert said["family_name"] == "Västberg"
    assert sorted(said["group"]) == sorted(RESEARCH)
    assert str(uuid.UUID(bytes_le=base64.b64decode(said["oid"]))) == controller.object_id("erik.vastberg")


def test_entra_says_object_ids() -> None:
    said = access("erik.vastberg", shape="entra")

    assert said["oid"] == controller.object_id("erik.vastberg")
    assert set(said["groups"]) == {controller.object_id(group) for group in RESEARCH}


@pytest.mark.parametrize("typed", ["alice", "ALICE@Corp.Example", "CORP\\alice"])
def test_people_type_their_name_in_any_form(typed: str) -> None:
    said = claims(by_device(typed, password="alice-pw")["access_token"])

    assert (said["upn"], sorted(said["group"])) == ("alice@corp.example", ["ml-forecasting", "ml-users"])


@pytest.mark.parametrize(
    "account, password",
    [("alice", "bob-pw"), ("alice*", "alice-pw"), ("nobody", "nobody-pw"), ("tova.lefvert", "tova.lefvert-pw")],
)
def test_others_are_refused(account: str, password: str) -> None:
    with pytest.raises(SignInRefusedByProvider, match=r"(?s)^401.*The user name or the password is wrong"):
        by_device(account, password=password)


def test_whoever_was_switched_off_gets_no_new_token() -> None:
    with controller.person("dora.demo") as dora, httpx.Client(verify=trust(), trust_env=False) as http:
        kept = by_device(dora.account)
        controller.switch(dora.account, on=False)
        form = {"grant_type": "refresh_token", "refresh_token": kept["refresh_token"], "client_id": "slipway-cli"}
        token_endpoint = http.get(issuer("adfs") + "/.well-known/openid-configuration").json()["token_endpoint"]
        answer = http.post(token_endpoint, data=form)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_overage_is_told_and_graph_has_every_group_in_pages(moods: Path) -> None:
    moods.write_text(json.dumps({"overage": ["erik.vastberg"]}))
    tokens = by_device("erik.vastberg", shape="entra")
    said = claims(tokens["access_token"])
    assert "groups" not in said
    assert said["_claim_names"] == {"groups": "src1"}
    with httpx.Client(verify=trust(), trust_env=False) as http:
        swap = {
            "client_id": "slipway-portal",
            "client_secret": secret("adfs-client-secret"),
            "assertion": tokens["access_token"],
            "requested_token_use": "on_behalf_of",
        }
        graph = http.request("GET", issuer("entra") + "/token", data=swap).json()["access_token"]
        url = f"https://{environment()['SLIPWAY_ADFS_SERVER']}/v1.0/me/transitiveMemberOf/microsoft.graph.group"
        names, pages = set(), 0
        while url:
            page = http.get(url, headers={"Authorization": f"Bearer {graph}"}).json()
            names |= {group["onPremisesSamAccountName"] for group in page["value"]}
            url, pages = page.get("@odata.nextLink"), pages + 1

    assert (names, pages) == (RESEARCH, 4)


@pytest.mark.parametrize("change", ["signature", "client"])
def test_graph_swaps_no_token_that_is_not_ours(change: str) -> None:
    token = by_device("alice", shape="entra")["access_token"]
    head, body, mark = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    paula = base64.urlsafe_b64encode(json.dumps(said | {"oid": controller.object_id("paula")}).encode()).decode()
    wrong = {
        "signature": {"assertion": f"{head}.{paula.rstrip('=')}.{mark}", "client_secret": secret("adfs-client-secret")},
        "client": {"assertion": token, "client_secret": "guessed"},
    }[change]
    with httpx.Client(verify=trust(), trust_env=False) as http:
        answer = http.request("GET", issuer("entra") + "/token", data={"client_id": "slipway-portal", **wrong})

    assert answer.status_code in (400, 401), answer.text


def both_ways() -> tuple[set[Entry | Edge], set[Entry | Edge]]:
    """The whole directory, by LDAP from the controller and by Graph from the provider, but for the places."""
    catalogue, resolve = load(folder() / "platform.yaml"), resolver(folder=folder() / "secrets")
    provider = f"https://{environment()['SLIPWAY_ADFS_SERVER']}"
    assert catalogue.directory is not None
    graph = GraphDirectory(
        kind="graph",
        name="graph",
        tenant=environment()["SLIPWAY_ADFS_TENANT_ID"],
        client_id="slipway-portal",
        client_secret={"file": "adfs-client-secret"},
        login=provider,
        graph=provider,
        ca={"file": "directory.ca"},
    )
    read = []
    for target in (catalogue.directory, graph):
        directory = connect_directory(target, resolve=resolve)
        read.append({replace(one, place="") if isinstance(one, Entry) else one for one in directory.read()})
        directory.close()
    return read[0], read[1]


@pytest.mark.parametrize("mood", [{}, {"graph": {"page": 7, "busy_every": 9, "retry_after": 0}}])
def test_by_ldap_and_by_graph_the_company_is_the_same(moods: Path, mood: dict[str, object]) -> None:
    moods.write_text(json.dumps(mood))

    by_ldap, by_graph = both_ways()

    assert by_ldap == by_graph
    people = {one.account: one for one in by_ldap if isinstance(one, Entry) and not one.is_group}
    assert len(people) == 40
    assert [one.account for one in people.values() if not one.enabled] == ["tova.lefvert@corp.example"]
    data_science = [one for one in by_ldap if isinstance(one, Entry) and one.name == "Data Science"]
    assert sorted(one.account for one in data_science) == ["ds-analytics", "ds-vehicles"]


def test_graph_needs_a_token() -> None:
    with httpx.Client(verify=trust(), trust_env=False) as http:
        answer = http.get(f"https://{environment()['SLIPWAY_ADFS_SERVER']}/v1.0/users")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_without_the_controller_sign_in_says_so_and_works_again_by_itself() -> None:
    with live.held("directory"), pytest.raises(SignInRefusedByProvider, match=r"(?s)^503.*directory does not answer"):
        by_device("alice")

    def signed_in() -> bool:
        try:
            return bool(by_device("alice"))
        except SignInRefusedByProvider:
            return False

    assert eventually(signed_in, seconds=30)


def test_nobody_reads_the_directory_without_an_account() -> None:
    from ldap3 import Connection, Server, Tls
    from ldap3.core.exceptions import LDAPOperationsErrorResult

    tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(folder() / "tls" / "ca.pem"))
    server = Server(controller.address(), port=636, use_ssl=True, tls=tls, get_info="NO_INFO")
    anonymous = Connection(server, raise_exceptions=True, auto_bind=True)
    with pytest.raises(LDAPOperationsErrorResult):
        anonymous.search(controller.COMPANY, "(objectClass=user)")
