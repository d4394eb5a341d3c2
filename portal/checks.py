"""What an operator is told by `manage.py check`, and at each migration: faults that keep nothing from working."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from provisioning.catalogue import Catalogue


def unshown_sentences(catalogue: Catalogue) -> list[str]:
    """Sentences of rules in languages that no page is in, each with its rule; [] where all are shown."""
    languages = dict(settings.LANGUAGES)
    return [
        f"policy.{rule.name}: Slipway has no pages in `{language}`; its sentence is not shown to anyone."
        for rule in catalogue.policy
        for language in rule.because_in
        if language not in languages
    ]


@register
def catalogue(**_: Any) -> list[CheckMessage]:
    """A warning and no fault at start: a catalogue may be shared with an installation that has the language."""
    return [Warning(said, id="slipway.W001") for said in unshown_sentences(settings.INSTALLATION.catalogue)]
