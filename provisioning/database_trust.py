"""How programs of a project make sure that they speak with the platform's Postgres: what libpq is told to trust.

By itself it looks for a file in the home folder, finds none in any image or runner, and refuses. Its own word for the
system's authorities is none that everybody knows: libpq before 16 takes `system` for a file, and what the wheels of
psycopg bring along trusts nobody by it. So the system's are named as the file that they are.
"""

from base64 import b64encode

from provisioning.catalogue import DatabaseTarget
from provisioning.kind import Wish

SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian, Ubuntu and Alpine keep them, and so the images of Python and the forges' own runners."""


def ssl_mode(database: DatabaseTarget) -> str:
    """libpq's word for how the server is checked."""
    return "verify-full" if database.tls else "disable"


def variables(wish: Wish) -> dict[str, str]:
    """Whom to trust, by the names of variables; {} where nothing is checked.

    Authorities of the catalogue come in one line (base64 of PEM), as a runner of Actions takes no other. libpq takes
    them from a file only, which slipway/ci.sh of the template writes.
    """
    if wish.database is None or not wish.database.tls:
        return {}
    if wish.database.ca is None:
        return {"PGSSLROOTCERT": SYSTEM_AUTHORITIES}
    return {"DATABASE_CA": b64encode(f"{wish.database_ca}\n".encode()).decode()} if wish.database_ca else {}
