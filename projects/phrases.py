"""What the engine says of a wish, in the language of who reads the page."""

from django.utils.translation import gettext, ngettext

from provisioning.phrases import Phrase


def translated(text: str) -> str:
    """A phrase in the language that is active; a text that is none, as it is."""
    return text.told(one=gettext, many=ngettext) if isinstance(text, Phrase) else text
