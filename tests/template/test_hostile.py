"""A template with a fault, or with bad intentions, is refused with a sentence, and nothing of it gets anywhere."""

import time
from pathlib import Path

import pytest

from provisioning.errors import PermanentError, TemporaryError
from provisioning.project_templates import answers
from provisioning.project_templates.rendering import Templates, files_for
from provisioning.rendered import Rendered
from tests.swedish import in_swedish

ANSWERS = "version: {{ version }}\n"


@pytest.fixture
def hostile(templates: Templates, tmp_path: Path) -> Templates:
    """A folder with one small good template, to be made bad."""
    folder = tmp_path / "templates" / "bad"
    folder.mkdir(parents=True)
    (folder / "VERSION").write_text("1.0.0\n")
    (folder / "copier.yml").write_text("_subdirectory: project\nslug: {type: str}\nversion: {type: str}\n")
    (folder / "project").mkdir()
    (folder / "project" / ".copier-answers.yml.jinja").write_text(ANSWERS)
    return Templates(folder=folder.parent, python=templates.python, seconds=5)


def refusal(hostile: Templates) -> str:
    with pytest.raises(PermanentError) as refused:
        hostile.render("bad")
    return refused.value.message


def write(hostile: Templates, path: str, content: str) -> None:
    target = hostile.folder / "bad" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)


def test_a_good_one_is_rendered_once_and_takes_words_as_they_are(hostile: Templates):
    write(hostile, "project/{{ slug }}.txt.jinja", "{{ slug }} {{ slug }}\n")

    rendered = hostile.render("bad")

    said = dict.fromkeys(answers.NAMES, "") | {"slug": "a-b", "version": "1.0.0"}
    assert files_for(rendered, said) == {"a-b.txt": b"a-b a-b\n", ".copier-answers.yml": b"version: 1.0.0\n"}
    assert hostile.render("bad") is rendered


def test_answers_are_put_in_once_and_are_no_template():
    said = dict.fromkeys(answers.NAMES, "") | {"slug": "{{ team }} slipway-mark-team-kram $(id)", "team": "x"}

    assert answers.put_in(b"<slipway-mark-slug-kram>", said) == b"<{{ team }} slipway-mark-team-kram $(id)>"


def test_a_link_is_refused_before_anything_is_read(hostile: Templates):
    (hostile.folder / "bad" / "project" / "passwords").symlink_to("/etc/passwd")

    said = refusal(hostile)
    assert said == "The template bad can't be used: project/passwords is a link. The platform team must mend it."
    swedish = "Mallen bad kan inte användas: project/passwords är en länk. Plattformsteamet måste laga den."
    assert in_swedish(said) == swedish


@pytest.mark.parametrize(
    ("said", "swedish"),
    [
        (None, "den har ingen fil VERSION"),
        ("one", "dess fil VERSION innehåller ingen version som 1.2.0"),
    ],
)
def test_one_that_says_no_version_is_refused_in_the_reader_s_language(
    hostile: Templates, said: str | None, swedish: str
):
    (hostile.folder / "bad" / "VERSION").unlink()
    if said is not None:
        write(hostile, "VERSION", said)

    whole = f"Mallen bad kan inte användas: {swedish}. Plattformsteamet måste laga den."
    assert in_swedish(refusal(hostile)) == whole


@pytest.mark.parametrize("setting", ["_tasks", "_jinja_extensions", "_migrations"])
def test_a_template_with_code_of_its_own_is_refused_and_the_code_does_not_run(hostile: Templates, setting: str):
    ran = hostile.folder / "ran"
    value = {
        "_tasks": f"['touch {ran}']",
        "_jinja_extensions": "[os.path]",
        "_migrations": f"[{{version: v0, command: 'touch {ran}'}}]",
    }[setting]
    write(hostile, "copier.yml", f"_subdirectory: project\n{setting}: {value}\nslug: {{type: str}}\n")

    if setting == "_migrations":  # Copier runs these with updates only, which are not asked of it
        hostile.render("bad")
    else:
        assert "Copier ended with" in refusal(hostile)
    assert not ran.exists()


@pytest.mark.parametrize("name", ["{{ '..' }}/out.txt", "{{ '.git' }}/hooks/pre-push", "{{ '.GIT' }}/config"])
def test_a_file_outside_the_repository_or_in_its_git_folder_is_refused(hostile: Templates, name: str):
    write(hostile, f"project/{name}.jinja", "x")

    assert "can't be used" in refusal(hostile)
    assert not (hostile.folder / "out.txt").exists()


@pytest.mark.parametrize("answer", ["../out", "/etc/x", ".git", "a\nb", ""])
def test_an_answer_leads_no_path_out_of_the_repository(answer: str):
    rendered = Rendered("bad", "1.0.0", {"slipway-mark-slug-kram": b""})

    with pytest.raises(PermanentError, match="it makes a file named"):
        files_for(rendered, dict.fromkeys(answers.NAMES, answer))


def test_one_that_is_too_large_is_refused(hostile: Templates):
    write(hostile, "project/large.txt", "x" * 10 * 1024 * 1024)

    said = refusal(hostile)
    assert said == "The template bad can't be used: it makes more than 5 MiB. The platform team must mend it."
    swedish = "Mallen bad kan inte användas: den skapar mer än 5 MiB. Plattformsteamet måste laga den."
    assert in_swedish(said) == swedish


def test_one_that_grows_by_itself_is_refused(hostile: Templates):
    loop = "{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}"
    write(hostile, "project/large.txt.jinja", loop)

    assert "can't be used" in refusal(hostile)


def test_one_with_too_many_files_is_refused(hostile: Templates):
    for number in range(501):
        write(hostile, f"project/{number}.txt", "")

    assert "it makes more than 500 files" in refusal(hostile)


def test_one_that_never_ends_is_ended_with_everything_it_started(hostile: Templates):
    loop = "{% for a in range(99999) %}" * 4 + "{% endfor %}" * 4
    write(hostile, "project/endless.txt.jinja", loop)
    quick, began = Templates(folder=hostile.folder, python=hostile.python, seconds=2), time.monotonic()

    said = refusal(quick)

    assert "rendering it takes more than 2 s" in said or "Copier ended with -" in said
    assert time.monotonic() - began < 10


def test_one_that_puts_an_answer_through_a_filter_is_refused(hostile: Templates):
    write(hostile, "project/loud.txt.jinja", "{{ slug | upper }}")

    assert "it puts an answer through a filter or a condition" in refusal(hostile)


def test_credentials_of_the_worker_are_not_in_the_environment(hostile: Templates, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLIPWAY_DATABASE_URL", "postgresql://secret")
    spy = hostile.folder / "spy"
    spy.write_text(f"#!/bin/sh\nenv > {hostile.folder}/seen\nexit 1\n")
    spy.chmod(0o755)

    with pytest.raises(PermanentError):
        Templates(folder=hostile.folder, python=spy).render("bad")

    seen = (hostile.folder / "seen").read_text().splitlines()
    assert {line.partition("=")[0] for line in seen} - {"PWD", "OLDPWD"} == {"PATH", "HOME", "TMPDIR", "LANG"}


@pytest.mark.parametrize("version", [None, "", "new", "1.0", "1.0.0; id"])
def test_one_without_a_version_is_refused(hostile: Templates, version: str | None):
    path = hostile.folder / "bad" / "VERSION"
    path.unlink() if version is None else path.write_text(version)

    assert "VERSION" in refusal(hostile)


def test_without_copier_the_work_waits(hostile: Templates):
    with pytest.raises(TemporaryError, match="Copier is not installed"):
        Templates(folder=hostile.folder, python=Path("/nowhere/python")).render("bad")
