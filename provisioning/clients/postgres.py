"""A Postgres database for the projects' own data: a role and a schema of one name for each project.

What the server taught us, each held by tests/contract/test_features_kind.py:

- Schemas belong to our account and a project's role may create in its own. So it can neither drop its schema nor let
  others in, and we can drop it with all that is in it, whoever made that.
- Roles and schemas are made in one transaction with the comment that says whose they are, so that is never guessed.
- A password goes to the server as its SCRAM verifier: it is in no statement, and so in no log of the server.
- Whether a password is right can't be read, only found by signing in. A refusal has no code that a client gets to see.
- To end a role's sessions and drop what it owns, our account must be a member of it. It may make itself one.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict

import psycopg
from psycopg import errors, sql

from provisioning.database_trust import SYSTEM_AUTHORITIES
from provisioning.errors import PermanentError, TargetUnavailable
from provisioning.phrases import phrase

_LIMITS = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=15000"
_ROLE = """
SELECT shobj_description(oid, 'pg_authid') AS mark, rolcanlogin AS login, rolconnlimit AS connections
FROM pg_roles WHERE rolname = %s
"""
_READER = """
SELECT shobj_description(r.oid, 'pg_authid'), rolcanlogin, rolconnlimit,
       array(SELECT have.rolname::text FROM pg_auth_members m JOIN pg_roles have ON have.oid = m.roleid
             WHERE m.member = r.oid ORDER BY 1),
       to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
FROM pg_roles r WHERE rolname = %s
"""
_SCHEMA = """
SELECT obj_description(n.oid, 'pg_namespace') AS mark,
       has_schema_privilege(r.oid, n.oid, 'CREATE') AS creates, has_schema_privilege(r.oid, n.oid, 'USAGE') AS uses
FROM pg_namespace n LEFT JOIN pg_roles r ON r.rolname = %(role)s WHERE nspname = %(schema)s
"""


class Role(TypedDict):
    """A role of the server. `mark`: whose it is, "" when nothing says so. `connections`: at most so many at once."""

    mark: str
    login: bool
    connections: int


class Schema(TypedDict):
    """A schema of the database. `rights`: what a role may do in it, of CREATE and USAGE."""

    mark: str
    rights: list[str]


class Reader(Role):
    """A role that reads what others let it. `member_of`: roles that it has. `until`: when its password ends, as
    2027-07-01T12:00:00+00:00; None for never."""

    member_of: list[str]
    until: str | None


class Database:
    """One database, by an ordinary account that owns it and may make roles. Threads may share this.

    Every method opens a connection of its own, and raises TargetUnavailable when the server doesn't answer, refuses
    our account or is busy for long, and PermanentError when it says no.
    """

    def __init__(
        self, *, name: str, host: str, port: int, database: str, username: str, password: str, tls: bool, ca: str | None
    ) -> None:
        """`ca`: PEM text of the authorities to trust, None for the system's."""
        self.name = name
        self._username, self._password = username, password
        self._where: dict[str, Any] = {
            "host": host,
            "port": port,
            "dbname": database,
            "connect_timeout": 3,
            "sslmode": "verify-full" if tls else "disable",
            "application_name": "slipway",
            "options": _LIMITS,
        }
        self._ca = None
        if tls and ca is None:
            self._where["sslrootcert"] = os.environ.get("SSL_CERT_FILE", SYSTEM_AUTHORITIES)
        elif tls:
            # libpq takes authorities from a file only.
            self._ca = tempfile.NamedTemporaryFile("w", suffix=".pem")  # noqa: SIM115 (it lives as long as the client)
            self._ca.write(str(ca))
            self._ca.flush()
            self._where["sslrootcert"] = self._ca.name

    def close(self) -> None:
        """Let the file of authorities go."""
        if self._ca is not None:
            self._ca.close()

    def probe(self) -> str:
        """The server's version, after our account was tried. Raises PermanentError when it may not do its work."""
        with self._connection(phrase("look at itself")) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), rolcreaterole OR rolsuper,"
                " has_database_privilege(current_database(), 'CREATE') FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
        version, makes_roles, makes_schemas = row or ("", False, False)
        if not (makes_roles and makes_schemas):
            raise PermanentError(
                phrase(
                    "Our account at %(name)s may not make roles and schemas. The platform team gives it CREATEROLE "
                    "and makes it the owner of the database.",
                    name=self.name,
                )
            )
        return str(version).split()[0]

    def role(self, name: str) -> Role | None:
        """A role; None when there is none of the name."""
        with self._connection(phrase("find the role %(name)s", name=name)) as connection:
            found = connection.execute(_ROLE, [name]).fetchone()
        return Role(mark=found[0] or "", login=found[1], connections=found[2]) if found else None

    def reader(self, name: str) -> Reader | None:
        """A role with what it may read and until when; None when there is none of the name."""
        with self._connection(phrase("find the role %(name)s", name=name)) as connection:
            found = connection.execute(_READER, [name]).fetchone()
        if found is None:
            return None
        mark, login, connections, member_of, until = found
        return Reader(mark=mark or "", login=login, connections=connections, member_of=member_of, until=until)

    def schema(self, name: str, *, role: str) -> Schema | None:
        """A schema and what a role may do in it; None when there is none of the name."""
        with self._connection(phrase("find the schema %(name)s", name=name)) as connection:
            found = connection.execute(_SCHEMA, {"schema": name, "role": role}).fetchone()
        if found is None:
            return None
        rights = [word for word, held in (("CREATE", found[1]), ("USAGE", found[2])) if held]
        return Schema(mark=found[0] or "", rights=rights)

    def signs_in(self, role: str, password: str) -> bool:
        """Does this password open the role? True also while all of its connections are in use."""
        try:
            psycopg.connect(**self._where, user=role, password=password).close()
        except psycopg.OperationalError:
            # The server tells a client in words of its own language why it refuses. That it answers us tells the rest.
            with self._connection(phrase("sign %(username)s in", username=role)) as connection:
                full = connection.execute(
                    "SELECT rolconnlimit >= 0 AND rolcanlogin"
                    " AND (SELECT count(*) FROM pg_stat_activity WHERE usename = rolname) >= rolconnlimit"
                    " FROM pg_roles WHERE rolname = %s",
                    [role],
                ).fetchone()
            return bool(full and full[0])
        return True

    def put_role(self, name: str, *, password: str, mark: str, connections: int) -> None:
        """Make a role that may sign in, or have it so again."""
        with self._connection(phrase("make the role %(name)s", name=name)) as connection:
            self._make_role(connection, name, password=password, mark=mark, connections=connections)

    def put_reader(
        self, name: str, *, password: str, mark: str, connections: int, member_of: Sequence[str], until: str
    ) -> None:
        """Make a role that may sign in until then and has exactly these others, or have it so again."""
        with self._connection(phrase("let %(name)s read", name=name)) as connection:
            self._make_role(connection, name, password=password, mark=mark, connections=connections)
            connection.execute(sql.SQL("ALTER ROLE {} VALID UNTIL {}").format(sql.Identifier(name), until))
            row = connection.execute(_READER, [name]).fetchone()
            present = set(row[3] if row else ())
            for role in sorted(present - set(member_of)):
                connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(role), sql.Identifier(name)))
            for role in sorted(set(member_of) - present):
                self._give(connection, role, to=name)

    def _give(self, connection: psycopg.Connection[Any], role: str, *, to: str) -> None:
        try:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(to)))
        except (errors.InsufficientPrivilege, errors.UndefinedObject) as error:
            raise PermanentError(
                phrase(
                    "%(name)s has no role %(role)s that we may give to readers. Whoever manages the server makes it "
                    "and says: GRANT %(role)s TO %(username)s WITH ADMIN OPTION",
                    name=self.name,
                    role=role,
                    username=self._username,
                )
            ) from error

    def _make_role(
        self, connection: psycopg.Connection[Any], name: str, *, password: str, mark: str, connections: int
    ) -> None:
        verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        there = connection.execute(_ROLE, [name]).fetchone() is not None
        words = "ALTER ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}" if there else _NEW_ROLE
        connection.execute(sql.SQL(words).format(sql.Identifier(name), connections, verifier))
        connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(name), mark))
        connection.execute(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                sql.Identifier(connection.info.dbname), sql.Identifier(name)
            )
        )

    def put_schema(self, name: str, *, role: str, mark: str) -> None:
        """Make a schema in which a role may create, or have it so again."""
        with self._connection(phrase("make the schema %(name)s", name=name)) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(name), mark))
            connection.execute(
                sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}").format(sql.Identifier(name), sql.Identifier(role))
            )

    def close_role(self, name: str) -> None:
        """Have a role sign in no more, now and later; what it owns stays."""
        with self._connection(phrase("close the role %(name)s", name=name)) as connection:
            self._join(connection, name)
            connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(sql.Identifier(name)))
        # Only after that is committed can nobody sign in between.
        with self._connection(phrase("end the sessions of %(name)s", name=name)) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name])

    def drop_schema(self, name: str) -> None:
        """Remove a schema with all that is in it. Nothing happens when there is none."""
        with self._connection(phrase("remove the schema %(name)s", name=name)) as connection:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))

    def drop_role(self, name: str) -> None:
        """Remove a closed role, and whatever it still owns in this database. Nothing happens when there is none."""
        with self._connection(phrase("remove the role %(name)s", name=name)) as connection:
            if connection.execute(_ROLE, [name]).fetchone() is None:
                return
            self._join(connection, name)
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    def _join(self, connection: psycopg.Connection[Any], role: str) -> None:
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))

    @contextmanager
    def _connection(self, doing: str) -> Iterator[psycopg.Connection[Any]]:
        """A connection in one transaction, committed at the end."""
        try:
            with psycopg.connect(**self._where, user=self._username, password=self._password) as connection:
                yield connection
        except (errors.QueryCanceled, errors.LockNotAvailable) as error:
            raise TargetUnavailable(
                phrase("%(name)s took too long to %(doing)s. We look again by ourselves.", name=self.name, doing=doing)
            ) from error
        except (errors.UniqueViolation, errors.DuplicateObject, errors.DuplicateSchema) as error:
            # Somebody made it in the same moment: the next look sees whose it is.
            raise TargetUnavailable(
                phrase(
                    "%(name)s was asked twice to %(doing)s. We look again by ourselves.", name=self.name, doing=doing
                )
            ) from error
        except psycopg.OperationalError as error:
            raise TargetUnavailable(
                phrase("%(name)s does not answer, or refuses our account. We look again by ourselves.", name=self.name)
            ) from error
        except psycopg.Error as error:
            said = (error.diag.message_primary or type(error).__name__)[:300]
            raise PermanentError(
                phrase("%(name)s refuses to %(doing)s: %(message)s", name=self.name, doing=doing, message=said)
            ) from error


_NEW_ROLE = "CREATE ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
