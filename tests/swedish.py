"""What somebody who reads Swedish gets of a sentence."""

from django.utils import translation

from projects.phrases import translated


def in_swedish(text: str) -> str:
    """The sentence as their pages say it; one that is no phrase stays as it is."""
    with translation.override("sv"):
        return str(translated(text))
