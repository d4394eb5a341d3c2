"""Why a server gave no answer, as the clients whose vendors speak through urllib3 say it."""

import urllib3


def silence(error: Exception) -> str:
    """The reason in a few words."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name can't be resolved"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "no connection"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "it took too long"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "its certificate is not trusted"
    return "the connection broke"
