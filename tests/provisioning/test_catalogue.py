"""platform.yaml: read whole or refused with every fault named."""

from pathlib import Path

import pytest

from provisioning.catalogue import CatalogueError, ForgeTarget, ObjectStoreTarget, load

EXAMPLE = Path("platform.example.yaml").read_text()


def refused(text: str, tmp_path: Path) -> str:
    path = tmp_path / "platform.yaml"
    path.write_text(text)
    with pytest.raises(CatalogueError) as error:
        load(path)
    return str(error.value)


def test_the_example_is_valid() -> None:
    catalogue = load(Path("platform.example.yaml"))
    assert list(catalogue.plans) == ["small", "medium", "large", "gpu"]
    assert catalogue.plans["gpu"].name == "gpu"
    assert catalogue.cluster().name == catalogue.defaults.cluster
    with pytest.raises(KeyError):
        catalogue.forge("no-such-forge")


def test_a_secret_is_never_a_value(tmp_path: Path) -> None:
    message = refused(EXAMPLE.replace("token: {file: cluster-north.token}", "token: abc123"), tmp_path)
    assert "clusters.0.token" in message
    assert "abc123" not in message


def test_all_faults_at_once(tmp_path: Path) -> None:
    text = (
        EXAMPLE.replace('cpu: "4"', 'cpu: "-4"')
        .replace("plan: small", "plan: tiny")
        .replace("version: 1", "version: 2")
    )
    message = refused(text, tmp_path)
    assert "version" in message
    assert "plans.small.cpu" in message
    assert "platform.yaml has 2 fault(s)" in message


def test_a_reference_to_nothing_is_named(tmp_path: Path) -> None:
    assert "defaults.plan: tiny is not one of" in refused(EXAMPLE.replace("plan: small", "plan: tiny", 1), tmp_path)


def test_channels_have_names_of_their_own_and_kinds_that_there_are(tmp_path: Path) -> None:
    twice = EXAMPLE.replace("  - name: vision-chat", "  - name: platform-chat")
    assert "the channel name platform-chat is used twice" in refused(twice, tmp_path)
    assert "notify.0.kinds.0" in refused(EXAMPLE.replace("kinds: [request-waits", "kinds: [seen-as"), tmp_path)


def test_a_channel_of_slack_that_may_ask_is_named_by_its_id(tmp_path: Path) -> None:
    message = refused(EXAMPLE.replace("    slack_channel: C024BE91L\n", ""), tmp_path)
    assert "has 1 fault(s)" in message
    assert "notify.1: Value error, vision-chat may be asked, so give slack_channel, the channel's id" in message
    assert "notify.1.slack_channel" in refused(EXAMPLE.replace("C024BE91L", '"#vision"'), tmp_path)
    assert "notify.1.slack_workspace" in refused(EXAMPLE.replace("T024BE7LD", "vision"), tmp_path)
    message = refused(EXAMPLE.replace("shape: slack", "shape: teams"), tmp_path)
    assert "vision-chat is of Teams; leave slack_channel and slack_workspace out" in message


def test_no_forge_has_the_address_of_the_chats(tmp_path: Path) -> None:
    message = refused(EXAMPLE.replace("name: git-1", "name: chat").replace("forge: git-1", "forge: chat"), tmp_path)
    assert "has 1 fault(s)" in message
    assert "forges.chat: no forge can be called so, since chats ask at /hooks/chat/; give it another name" in message


def test_a_directory_is_of_a_known_kind_and_its_address_encrypted(tmp_path: Path) -> None:
    message = refused(EXAMPLE.replace("url: ldaps://dc1", "url: ldap://dc1"), tmp_path)
    assert "directory.ldap.url" in message
    message = refused(EXAMPLE.replace("  kind: ldap", "  kind: nis"), tmp_path)
    assert "'ldap', 'graph'" in message
    twice = EXAMPLE.replace("name: corp-directory", "name: git-1")
    assert "the target name git-1 is used twice" in refused(twice, tmp_path)


def test_the_other_kind_of_directory_in_the_example_is_valid(tmp_path: Path) -> None:
    before, ours, after = EXAMPLE.partition("directory:\n  kind: ldap")
    _, _, rest = after.partition("# Entra ID instead")
    other = "".join(line.removeprefix("# ") + "\n" for line in rest.splitlines()[1:10])
    path = tmp_path / "platform.yaml"
    path.write_text(before + other + "plans:" + rest.partition("\nplans:")[2])
    directory = load(path).directory
    assert ours
    assert directory is not None
    assert (directory.kind, directory.name, directory.brake_percent) == ("graph", "entra", 10)


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "version: 1"])
def test_what_is_no_catalogue(text: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path).startswith("platform.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nowhere\.yaml: can't be read"):
        load(tmp_path / "nowhere.yaml")


def test_gitlab_runs_no_workflow_files():
    forge = {"name": "git-1", "kind": "gitlab", "url": "https://git.example", "token": {"file": "t"}, "bot": "bot"}
    assert ForgeTarget.model_validate(forge).kind == "gitlab"
    with pytest.raises(ValueError, match="GitLab runs no workflow files; leave actions out"):
        ForgeTarget.model_validate({**forge, "actions": True})


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "https://s3.corp.example", "s3.corp.example:9000"])
def test_an_object_store_without_a_scheme_is_reached_by_https(endpoint: str) -> None:
    store = ObjectStoreTarget.model_validate(
        {"name": "store-1", "endpoint": endpoint, "access_key": {"env": "A"}, "secret_key": {"env": "B"}}
    )
    assert store.url == (endpoint if "//" in endpoint else f"https://{endpoint}")
