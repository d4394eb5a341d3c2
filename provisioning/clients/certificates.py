"""Whom a client trusts: the certificates of the catalogue's `ca`, or those of the system."""

import ssl

from provisioning.errors import TargetUnavailable
from provisioning.phrases import phrase


def trusting(ca: str | None, *, name: str) -> ssl.SSLContext:
    """TLS that checks the other side against `ca` (PEM; None: the system's). TargetUnavailable when that is no PEM."""
    try:
        return ssl.create_default_context(cadata=ca)
    except ssl.SSLError:
        raise TargetUnavailable(
            phrase("The certificates to trust of %(name)s (ca) can't be read. Correct the file.", name=name)
        ) from None
