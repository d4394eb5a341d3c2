"""Template versions reach the projects: offered once, merged with what the team did, seen on the platform's page."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devstack import python_env
from projects import template_tasks
from projects.installation import installation
from projects.models import TemplateUse, TemplateVersion
from projects.template_tasks import follow_templates
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.phrases import phrase
from provisioning.project_templates.rendering import Templates
from tests.people import bearer, client
from tests.projects import tended
from tests.projects.pages import text
from tests.projects.tended import REPOSITORY, World, asked, look
from tests.projects.test_profile import merge_key_bomb
from tests.provisioning.wishes import TEMPLATES, catalogue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pages")]
ANSWERS = '_commit: "{{ version }}"\n_src_path: "{{ template }}"\n'
README = "# {{ slug }}\n\nBegin here.\n\nAsk {{ team }}.\n"


class Platform:
    """The platform's folder with one small template, which gets new versions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "small" / "project").mkdir(parents=True)
        asks = "".join(f"{name}: {{type: str}}\n" for name in ("template", "version", "slug", "team", "codeowners"))
        (folder / "small" / "copier.yml").write_text(f"_subdirectory: project\n{asks}")
        self.publish("1.0.0", README)

    def publish(self, version: str, readme: str, **files: str) -> None:
        project = self.folder / "small" / "project"
        (self.folder / "small" / "VERSION").write_text(version)
        (project / ".copier-answers.yml.jinja").write_text(ANSWERS)
        (project / "README.md.jinja").write_text(readme)
        for name, content in files.items():
            (project / f"{name}.txt").write_text(content)


@pytest.fixture
def platform(world: World, tmp_path: Path) -> Iterator[Platform]:
    python_env.ensure_templates()
    made = Platform(tmp_path / "templates")
    templates = Templates(folder=made.folder, python=TEMPLATES.python)
    entry = {"name": "start", "forge": "git-1", "copier": "small"}
    with override_settings(
        INSTALLATION=replace(installation(), catalogue=catalogue(templates=[entry]), templates=templates)
    ):
        look(asked())
        follow_templates()
        yield made


def due() -> None:
    TemplateUse.objects.update(look_at=timezone.now())
    follow_templates()


def use() -> TemplateUse:
    return TemplateUse.objects.get()


def content(world: World, path: str, ref: str = "main") -> str | None:
    found = world.forge.file(REPOSITORY, path, ref)
    return None if found is None else found[0].decode()


def test_a_project_is_at_the_version_that_it_started_from(world: World, platform: Platform):
    row = use()

    assert (row.template, row.version, row.pull_request, row.note) == ("small", "1.0.0", None, "")
    assert content(world, "README.md") == "# demand\n\nBegin here.\n\nAsk forecasting.\n"
    assert TemplateVersion.objects.count() == 1


def test_a_new_version_comes_as_one_pull_request_merged_with_what_the_team_did(world: World, platform: Platform):
    world.forge.put_files(REPOSITORY, "main", "Ours", {"README.md": b"# demand\n\nBegin here.\n\nAsk alice.\n"})
    platform.publish("1.1.0", README.replace("Begin here.", "Begin with dvc repro."), news="new\n")

    due()
    due()

    number = use().pull_request
    assert number is not None
    found = world.forge.pull_request(REPOSITORY, number)
    assert found is not None
    assert (found["title"], found["head_branch"], found["base_branch"]) == (
        "Template small 1.1.0", "slipway/small-1.1.0", "main",
    )  # fmt: skip
    assert len(world.forge.made("create_pull_request")) == 1
    assert content(world, "README.md", found["head_branch"]) == "# demand\n\nBegin with dvc repro.\n\nAsk alice.\n"
    assert content(world, "news.txt", found["head_branch"]) == "new\n"
    assert content(world, ".copier-answers.yml", found["head_branch"]) == '_commit: "1.1.0"\n_src_path: "small"\n'
    assert content(world, "news.txt") is None
    assert (use().offered, use().pull_request_open, use().pull_request_url) == ("1.1.0", True, found["html_url"])


def test_a_push_while_it_is_made_is_not_undone(world: World, platform: Platform, monkeypatch: pytest.MonkeyPatch):
    platform.publish("1.1.0", README.replace("Begin here.", "Begin with dvc repro."))
    read, branch_off = world.forge.file, world.forge.create_branch
    pushes = [{"README.md": b"# demand\n\nBegin here.\n\nAsk bob.\n"}]
    begun = []

    def pushed_after_the_first_read(full_name: str, path: str, ref: str, **bounds: Any) -> Any:
        found = read(full_name, path, ref, **bounds)
        if path == "README.md" and pushes:
            world.forge.put_files(REPOSITORY, "main", "Ask bob", pushes.pop())
        return found

    def create_branch(full_name: str, name: str, start: str) -> bool:
        made = branch_off(full_name, name, start)
        begun.append(read(full_name, "README.md", name))
        return made

    monkeypatch.setattr(world.forge, "file", pushed_after_the_first_read)
    monkeypatch.setattr(world.forge, "create_branch", create_branch)
    due()

    # It changes nothing of what it began with but the template's line, so merging it keeps the push.
    asked_whom = [found[0].splitlines()[-1] for found in begun if found is not None]
    assert (pushes, asked_whom) == ([], [b"Ask forecasting."])
    there = content(world, "README.md", "slipway/small-1.1.0")
    assert there == "# demand\n\nBegin with dvc repro.\n\nAsk forecasting.\n"


def test_a_new_version_names_the_owners_by_login(world: World, platform: Platform):
    platform.publish("1.1.0", README.replace("{{ team }}", "{{ codeowners }}"))

    due()

    assert (content(world, "README.md", "slipway/small-1.1.0") or "").endswith("\nAsk @alice.\n")


def test_conflicts_are_named_in_the_pull_request(world: World, platform: Platform):
    world.forge.put_files(REPOSITORY, "main", "Ours", {"README.md": b"# demand\n\nBegin there.\n\nAsk forecasting.\n"})
    platform.publish("1.1.0", README.replace("Begin here.", "Begin with dvc repro."))

    due()

    body = world.forge.repositories[REPOSITORY].pull_request_texts[use().pull_request or 0]
    assert "**Conflicts.**" in body
    assert "- `README.md`" in body
    there = content(world, "README.md", "slipway/small-1.1.0") or ""
    assert "<<<<<<< yours\nBegin there.\n=======\nBegin with dvc repro.\n>>>>>>> small 1.1.0\n" in there


def test_a_merged_version_is_the_projects_version(world: World, platform: Platform):
    platform.publish("1.1.0", README, news="new\n")
    due()
    merged = {path: (content(world, path, "slipway/small-1.1.0") or "").encode() for path in (".copier-answers.yml",)}
    world.forge.put_files(REPOSITORY, "main", "Merge", merged)

    due()

    assert (use().version, use().pull_request_open, use().offered) == ("1.1.0", False, "1.1.0")
    assert use().since > timezone.now() - timedelta(minutes=1)


def test_one_that_was_closed_does_not_come_back_but_the_next_version_does(world: World, platform: Platform):
    platform.publish("1.1.0", README, news="new\n")
    due()
    world.forge.repositories[REPOSITORY].pull_requests[use().pull_request or 0]["state"] = "closed"

    due()
    assert (use().pull_request_open, len(world.forge.made("create_pull_request"))) == (False, 1)
    platform.publish("1.2.0", README, news="newer\n")
    due()

    assert (use().offered, use().pull_request_open) == ("1.2.0", True)
    assert content(world, "news.txt", "slipway/small-1.2.0") == "newer\n"


@pytest.mark.parametrize("broken", ["create_branch", "put_files", "create_pull_request", "pull_request"])
def test_a_look_that_was_cut_short_ends_the_same(world: World, platform: Platform, broken: str):
    platform.publish("1.1.0", README, news="new\n")
    world.forge.fail_with(TargetUnavailable("git-1 does not answer."), on=broken)

    due()
    assert use().pull_request is None
    assert use().look_at < timezone.now() + template_tasks.EVERY / 2
    world.connect()
    due()

    assert len(world.forge.pull_requests_of(REPOSITORY, "slipway/small-1.1.0")) == 1
    assert content(world, "news.txt", "slipway/small-1.1.0") == "new\n"


def test_a_project_without_the_file_has_left_the_template(world: World, platform: Platform):
    kept = world.forge.file(REPOSITORY, ".copier-answers.yml", "main")
    assert kept is not None
    world.forge.put_files(REPOSITORY, "main", "Leave", {}, removed={".copier-answers.yml": kept[1]})
    platform.publish("1.1.0", README, news="new\n")

    due()

    assert (use().template, use().pull_request) == ("", None)
    assert "No project follows a template yet." in text(client("paula").get("/platform/templates/"))


@pytest.mark.parametrize(
    "said",
    [
        *("", "[]", "_commit: 1.0", "_commit: '1.0.0'", "a: &x [*x", "_commit: {}", "\x00", "[" * 3000),
        '_commit: "1.0.0"\n_src_path: "small\\0"\n',
        "d: 2024-13-45\n",
        f"{merge_key_bomb()}\n",
    ],
    ids=[
        *("empty", "list", "number", "no template", "alias", "mapping", "NUL", "brackets"),
        "NUL in the template",
        "no such day",
        "merge keys",
    ],
)
def test_a_file_that_says_nothing_usable_counts_as_none(world: World, platform: Platform, said: str):
    world.forge.put_files(REPOSITORY, "main", "Break", {".copier-answers.yml": said.encode()})

    due()

    assert (use().template, use().note) == ("", "")


def test_other_fields_of_the_file_are_left_alone(world: World, platform: Platform):
    said = b"_commit: 1.0.0\n_src_path: small\nd: 2024-13-45\nreviewers: [alice, bob]\n"
    world.forge.put_files(REPOSITORY, "main", "More answers", {".copier-answers.yml": said})

    due()

    assert (use().template, use().version) == ("small", "1.0.0")


def test_a_project_whose_look_ends_the_round_is_not_the_first_of_the_next_one(
    world: World, platform: Platform, monkeypatch: pytest.MonkeyPatch
):
    def ends(*args: Any, **kwargs: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(world.forge, "file", ends)
    with pytest.raises(MemoryError):
        due()

    assert use().look_at > timezone.now() + template_tasks.EVERY / 2


def test_a_version_that_nobody_here_knows_is_said(world: World, platform: Platform):
    world.forge.put_files(
        REPOSITORY, "main", "Older", {".copier-answers.yml": b'_commit: "0.9.0"\n_src_path: "small"\n'}
    )

    due()

    assert use().note == "What version 0.9.0 looked like is not known here, so 1.0.0 can't be merged."
    assert use().note in text(client("paula").get("/platform/templates/"))
    swedish = "Hur version 0.9.0 såg ut är inte känt här, så 1.0.0 kan inte slås ihop med den."
    assert swedish in text(client("paula", language="sv").get("/platform/templates/"))


def test_what_the_forge_refused_is_said_in_the_reader_s_language(world: World, platform: Platform):
    says = phrase("%(name)s refuses our credential. The platform team must renew it.", name="git-1")
    world.forge.fail_with(PermanentError(says), on="repository")

    due()

    assert use().note == "git-1 refuses our credential. The platform team must renew it."
    page = text(client("paula", language="sv").get("/platform/templates/"))
    assert "git-1 godtar inte vår nyckel. Plattformsteamet måste förnya den." in page


def test_a_change_without_a_new_number_is_not_taken(world: World, platform: Platform, caplog: pytest.LogCaptureFixture):
    platform.publish("1.0.0", "# changed\n")
    templates = Templates(folder=platform.folder, python=TEMPLATES.python)
    with override_settings(INSTALLATION=replace(installation(), templates=templates)):
        assert template_tasks.newest_versions(installation()) == {}

    kept = TemplateVersion.objects.get()
    assert kept.version == "1.0.0"


def test_the_page_and_the_api_say_who_is_where(world: World, platform: Platform):
    platform.publish("1.1.0", README, news="new\n")
    due()

    page = text(client("paula").get("/platform/templates/"))
    assert "small 1.0.0 1 1" in page
    assert f"1.1.0 in #{use().pull_request} open" in page
    answer = bearer("paula").get("/api/v1/platform/templates/").json()
    assert answer["versions"] == [{"template": "small", "version": "1.0.0", "projects": 1, "open": 1}]
    file = client("paula").get("/platform/templates/?list=versions&format=json")
    assert json.loads(file.getvalue())["items"] == answer["versions"]
    assert answer["next"] is None
    (item,) = answer["items"]
    assert (item["project"], item["team"], item["version"], item["offered"], item["pull_request_open"]) == (
        "demand", "forecasting", "1.0.0", "1.1.0", True,
    )  # fmt: skip


def test_the_projects_that_follow_a_template_are_narrowed_sorted_and_a_file(world: World, platform: Platform):
    browser, script = client("paula"), bearer("paula")
    for query, found in (
        ("template=small", ["demand"]),
        ("version=1.0.0&team=forecasting&sort=name", ["demand"]),
        ("template=large", []),
        ("version=9.0.0", []),
        ("team=vision", []),
    ):
        page = browser.get(f"/platform/templates/?{query}")
        assert [one.project.slug for one in page.context["page"].rows] == found, query
        sheet = json.loads(browser.get(f"/platform/templates/?{query}&format=json").getvalue())
        assert [one["project"] for one in sheet["items"]] == found, query
        asked = query.removesuffix("&sort=name")
        items = script.get(f"/api/v1/platform/templates/?{asked}").json()["items"]
        assert [one["project"] for one in items] == found, query
    assert "No project is like this." in text(browser.get("/platform/templates/?team=vision"))


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_to_others_there_is_no_such_page(who: str):
    assert client(who).get("/platform/templates/").status_code == 404
    assert bearer(who).get("/api/v1/platform/templates/").status_code == 404


def test_queries_do_not_grow_with_the_projects():
    def queries() -> int:
        browser = client("paula")
        with CaptureQueriesContext(connection) as seen:
            assert browser.get("/platform/templates/").status_code == 200
        return len(seen)

    TemplateUse.objects.create(project=tended.asked(), template="small", version="1.0.0")
    few = queries()
    for number in range(5):
        project = tended.Project.objects.create(slug=f"p{number}", team=tended.teams()["vision"], spec={})
        TemplateUse.objects.create(project=project, template="small", version="1.0.0")
    assert queries() == few
