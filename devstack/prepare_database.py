"""Makes the databases of the stack's Postgres: `python -m devstack.prepare_database STACK`.

One is the portal's, one is for data of projects; in that is a sample of a schema that others may read.
"""

import os
import subprocess
import sys

from devstack.postgres import bin_folder
from devstack.stack import ROOT, Stack, open_stack


def sql(stack: Stack, statement: str, *, database: str = "postgres") -> str:
    """Run statements as the superuser and return what they printed. Raises CalledProcessError."""
    command = [
        *(str(bin_folder() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
        *("-h", "127.0.0.1", "-p", str(stack.ports()["postgres"]), "-U", "postgres", "-d", database),
    ]
    environment = {**os.environ, "PGPASSWORD": stack.secret("postgres-superuser")}
    # By standard input: a password has no place in a command line.
    done = subprocess.run(command, input=statement, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def main(name: str) -> int:
    stack = open_stack(name)
    password = stack.secret("postgres-portal")
    if not sql(stack, "SELECT 1 FROM pg_roles WHERE rolname = 'portal';"):
        sql(stack, "CREATE ROLE portal LOGIN CREATEDB;")
        print("role portal made")
    sql(stack, f"ALTER ROLE portal PASSWORD '{password}';")
    if not sql(stack, "SELECT 1 FROM pg_database WHERE datname = 'slipway';"):
        sql(stack, "CREATE DATABASE slipway OWNER portal;")
        print("database slipway made")
    prepare_features(stack)
    share(stack)
    return 0


def prepare_features(stack: Stack) -> None:
    """The database in which projects have their feature stores, and the account by which Slipway makes them."""
    if not sql(stack, "SELECT 1 FROM pg_roles WHERE rolname = 'features';"):
        sql(stack, "CREATE ROLE features LOGIN CREATEROLE;")
        print("role features made")
    sql(stack, f"ALTER ROLE features PASSWORD '{stack.secret('features-1.password')}';")
    if not sql(stack, "SELECT 1 FROM pg_database WHERE datname = 'features';"):
        sql(stack, "CREATE DATABASE features OWNER features;")
        print("database features made")
    # Else every project's role could open every database of the server.
    for database in ("features", "slipway", "postgres"):
        sql(stack, f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;")
    # From there the tests make their databases.
    sql(stack, "GRANT CONNECT ON DATABASE postgres TO portal;")


def share(stack: Stack) -> None:
    """A schema of another team's with a few rows, unless it is there."""
    if sql(stack, "SELECT 1 FROM pg_namespace WHERE nspname = 'road_tests';", database="features"):
        return
    sql(stack, (ROOT / "devstack" / "road_tests.sql").read_text(encoding="utf-8"), database="features")
    print("schema road_tests made")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
