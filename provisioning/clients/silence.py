"""What is said of a server that gave no answer, or none that helps, where several clients say the same.

Why there was none is told by what urllib3 raises, through which most vendors speak.
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


def silent(name: str, *, why: str) -> Phrase:
    """That it does not answer, and will be asked again. why: in a few words."""
    return phrase("%(name)s does not answer (%(why)s). We look again by ourselves.", name=name, why=why)


def unwell(name: str, *, status: int, doing: str) -> Phrase:
    """That it answers with this status to what it was asked to do, and will be asked again."""
    return phrase(
        "%(name)s answers %(status)s when asked to %(doing)s. We look again by ourselves.",
        name=name,
        status=status,
        doing=doing,
    )
