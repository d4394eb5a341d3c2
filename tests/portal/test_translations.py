"""The texts of other languages: found in code and templates, with the same placeholders as the English ones."""

import re

import pytest

from portal import translations

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%[sd]")


def test_texts_of_templates_and_of_code_are_found() -> None:
    assert ("Show as table", None, "templates/_partials/chart.html") in set(translations.found())


@pytest.mark.parametrize("language", translations.languages())
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    wrong = []
    for message in translations.read(language):
        ids = message.id if isinstance(message.id, list | tuple) else [message.id]
        said = message.string if isinstance(message.string, list | tuple) else [message.string]
        wanted = {part for one in ids for part in PLACEHOLDER.findall(one)}
        wrong += [one for one in said if message.id and set(PLACEHOLDER.findall(one)) - wanted]
        wrong += [str(ids)] if message.id and said[-1] and set(PLACEHOLDER.findall(said[-1])) != wanted else []
    assert wrong == []
