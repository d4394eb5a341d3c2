"""Why a server gave no answer, as the clients whose vendors speak through urllib3 say it."""

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
