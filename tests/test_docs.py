"""The documents say what is there: links lead somewhere; no variable, figure, field or command is left out."""

import re
from itertools import chain
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from devstack.cli import HELP
from portal.config import Config
from projects.news import NEWS
from provisioning import catalogue, channels, policy_rules
from provisioning.kind import kinds

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(chain(ROOT.glob("*.md"), (ROOT / "docs").rglob("*.md")))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_dev_exist(page: Path) -> None:
    known = set(re.findall(r"^\./dev ([a-z]+)", HELP, re.MULTILINE)) | {"help"}
    told = set(re.findall(r"\./dev ([a-z]+)", page.read_text(encoding="utf-8")))
    # Prose may go on after "./dev", as in "./dev itself".
    assert told - known - {"itself"} == set()


def test_every_variable_of_the_portal_is_explained() -> None:
    explained = set(re.findall(r"^\| `(SLIPWAY_[A-Z_]+)` \|", OPERATIONS, re.MULTILINE))
    assert explained == {f"SLIPWAY_{name.upper()}" for name in Config.model_fields}


def test_every_figure_is_explained() -> None:
    source = (ROOT / "portal" / "metrics.py").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `(slipway_[a-z_]+)` \|", OPERATIONS, re.MULTILINE))
    assert explained == set(re.findall(r'MetricFamily\(\s*"(slipway_[a-z_]+)"', source))


def test_every_field_of_the_catalogue_is_named() -> None:
    models = (
        catalogue.Catalogue,
        catalogue.ClusterTarget,
        catalogue.ClusterLogin,
        catalogue.ObjectStoreTarget,
        catalogue.ForgeTarget,
        catalogue.ForgeSsh,
        catalogue.LdapDirectory,
        catalogue.GraphDirectory,
        catalogue.Plan,
        channels.Channel,
        catalogue.ProjectTemplate,
        policy_rules.Rule,
        policy_rules.Decisions,
        policy_rules.WorkingHours,
        catalogue.Naming,
        catalogue.CredentialPolicy,
        catalogue.Defaults,
    )
    section = OPERATIONS.split("\n## Catalogue\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+)(?:\[\])?`", section))
    assert {field for model in models for field in model.model_fields} - named == set()


def test_the_table_of_what_is_told_is_that_of_the_code() -> None:
    section = OPERATIONS.split("\n## Mails\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|", section, re.MULTILINE)
    assert dict(rows) == {kind: str(news.told) for kind, news in NEWS.items()}
    assert len(rows) == len(NEWS)


def test_every_kind_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| ([a-z_]+) \| (?:cluster|object store|forge|tracker|database) \|", text, re.MULTILINE))
    assert rows == set(kinds())


def test_what_waits_for_what_is_told_as_the_kinds_say() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = text.split("What waits for what:")[1].split("```")[1]
    told: dict[str, set[str]] = {}
    for line in drawing.strip().splitlines():
        before: set[str] = set()
        for column in line.split("─►"):
            names = set(re.findall(r"[a-z_]+", column))
            told |= dict.fromkeys(names, before)
            before = before | names

    def awaited(name: str) -> set[str]:
        return set(chain(kinds()[name].after, *(awaited(one) for one in kinds()[name].after)))

    assert {name: found for name in kinds() if (found := awaited(name))} == {
        name: before for name, before in told.items() if before
    }


def test_the_secrets_that_the_portal_may_read_are_those_of_its_role() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    told = text.split("inside, only those that it makes, by name:")[1].split(".")[0]
    documents = YAML(typ="safe", pure=True).load_all((ROOT / "deploy" / "cluster" / "10-portal.yaml").read_text())
    given = [
        name
        for document in documents
        for rule in document.get("rules", [])
        if "secrets" in rule["resources"]
        for name in rule["resourceNames"]
    ]
    assert sorted(re.findall(r"`([a-z-]+)`", told)) == sorted(given)


def test_every_header_that_proves_a_delivery_is_named() -> None:
    source = (ROOT / "projects" / "deliveries.py").read_text(encoding="utf-8")
    headers = set(re.findall(r'"(X-[A-Za-z0-9-]*(?:Signature|Token)[A-Za-z0-9-]*)"', source))
    assert len(headers) == 4
    text = (ROOT / "docs" / "profile-yaml.md").read_text(encoding="utf-8")
    assert {header for header in headers if f"`{header}`" not in text} == set()


def test_decisions_are_numbered_once() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_has_its_three_parts(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]
