"""The texts of other languages: all found, each with a translation that has the placeholders of the English one."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from portal import translations

PLACEHOLDER = re.compile(r"%\(\w+\)\.?\d*[sdfr]|\{\w*\}|%[sd%]")
NAMES = re.compile(r"\b(Slipway|profile\.yaml|API|CSV|JSON)\b")
"""What is called the same in every language."""
SPOKEN = {"alt", "aria-label", "data-label", "placeholder", "title"}
every_language = pytest.mark.parametrize("language", translations.languages())


def test_texts_of_templates_of_code_and_of_kinds_are_found() -> None:
    found = set(translations.found())
    assert {
        ("Show as table", None, "templates/_partials/chart.html"),
        ("Days to keep old versions", None, "provisioning/kinds/bucket.py"),
        ("Zero is not enough to work with.", None, "provisioning/quantities.py"),
        (("%(number)s approval", "%(number)s approvals"), None, "provisioning/kinds/repository_access.py"),
    } <= found


@pytest.mark.parametrize(
    "path",
    sorted(path for folder in ("projects", "provisioning") for path in (translations.ROOT / folder).rglob("*.py")),
    ids=lambda path: path.relative_to(translations.ROOT).as_posix(),
)
def test_a_pattern_stands_where_its_phrase_is_made(path: Path) -> None:
    patterns = {"phrase": 1, "say": 1, "numbered": 2}
    made = [
        node.args[: patterns[node.func.id]]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in patterns
    ]
    hidden = [ast.unparse(one) for args in made for one in args if not isinstance(one, ast.Constant)]
    assert hidden == [], "translators would not find these"


NOT_ON_PAGES = ("chat.py",)
"""Clients whose errors no page shows."""


@pytest.mark.parametrize(
    "path",
    sorted(path for path in (translations.ROOT / "provisioning").rglob("*.py") if path.name not in NOT_ON_PAGES),
    ids=lambda path: path.relative_to(translations.ROOT).as_posix(),
)
def test_what_the_engine_says_of_a_failure_is_a_phrase(path: Path) -> None:
    errors = {"PermanentError", "TemporaryError", "TargetUnavailable", "NameTaken"}
    said = [
        node.args[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors and node.args
    ]
    assert [ast.unparse(one) for one in said if isinstance(one, ast.Constant | ast.JoinedStr)] == []


@every_language
def test_every_text_has_a_translation(language: str) -> None:
    catalog = translations.brought_up_to_date(language)
    assert [message.id for message in translations.missing(catalog)] == []
    assert translations.as_file(catalog) == translations.file_of(language).read_bytes(), (
        "bring it up to date: manage.py translations --update"
    )


@every_language
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    wrong = []
    for message in translations.read(language):
        ids = message.id if isinstance(message.id, list | tuple) else [message.id]
        said = message.string if isinstance(message.string, list | tuple) else [message.string]
        wanted = {part for one in ids for part in PLACEHOLDER.findall(one)}
        wrong += [one for one in said if message.id and set(PLACEHOLDER.findall(one)) - wanted]
        wrong += [str(ids)] if message.id and said[-1] and set(PLACEHOLDER.findall(said[-1])) != wanted else []
    assert wrong == []


@every_language
def test_a_translation_keeps_markup_and_ends_as_its_text_does(language: str) -> None:
    wrong = []
    for message in filter(lambda one: one.id, translations.read(language)):
        ids = message.id if isinstance(message.id, list | tuple) else [message.id]
        said = message.string if isinstance(message.string, list | tuple) else [message.string]
        for one, other in zip(ids, said, strict=True):
            markup = re.findall(r"</?\w+", one) == re.findall(r"</?\w+", other)
            end = one[-1:] == other[-1:] or not {one[-1:], other[-1:]} & set(".:?,")
            wrong += [] if markup and end else [one]
    assert wrong == []


class Bare(HTMLParser):
    """Words of a template that no tag translates."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._quiet = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quiet += tag in ("code", "script", "style")
        for name, value in attrs:
            if name in SPOKEN:
                self._take(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag in ("code", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self._take(data)

    def _take(self, text: str) -> None:
        if re.search(r"[A-Za-z]{2}", NAMES.sub("", text)):
            self.words.append(" ".join(text.split()))


@pytest.mark.parametrize(
    "path",
    sorted((translations.ROOT / "templates").rglob("*.html")),
    ids=lambda path: path.relative_to(translations.ROOT).as_posix(),
)
def test_no_text_of_a_template_stands_bare(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for tag in ("comment", "blocktranslate"):
        source = re.sub(rf"{{% {tag}.*?end{tag} %}}", "", source, flags=re.DOTALL)
    # A class may stand in a block of its own, outside any element.
    source = re.sub(r'class="[^"]*"', "", source)
    reader = Bare()
    reader.feed(re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", source, flags=re.DOTALL))
    reader.close()
    assert reader.words == []
