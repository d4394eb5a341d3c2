"""What is said of a server that gave no answer, or none that helps, where several clients say the same.

Why there was none is told by what urllib3 raises, through which their vendors speak.
"""

import urllib3

from provisioning.phrases import Phrase, phrase


def silence(error: Exception) -> Phrase:
    """The reason in a few words."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return phrase("its name can't be resolved")
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return phrase("no connection")
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return phrase("it took too long")
    if isinstance(error, urllib3.exceptions.SSLError):
        return phrase("its certificate is not trusted")
    return phrase("the connection broke")


def unwell(name: str, *, status: int, doing: str) -> Phrase:
    """That it answers with this status to what it was asked to do, and will be asked again."""
    return phrase(
        "%(name)s answers %(status)s when asked to %(doing)s. We look again by ourselves.",
        name=name,
        status=status,
        doing=doing,
    )
