"""How the database of a dump was created, and what belongs to the database itself."""

from collections.abc import Iterator

from psycopg import sql

from migrator.backup.libpq_database import LibpqDatabase
from migrator.errors import RefusedError
from migrator.postgres.sql import begins, split
from migrator.postgres.sql import pg_dump_output as pg_dump

# What needs roles that another server may not have.
OF_ROLES = ("GRANT", "REVOKE", "ALTER ROLE")
# Newer programs name the provider of a database's locales, which older servers have only one of.
KNOWS_PROVIDERS = 15


def read(script: str, name: str, server: int, *, owners: bool) -> tuple[str, tuple[str, ...]]:
    """Return the statement that creates the database `name`, and those that configure it.

    All of it is as in the dumped database, not the defaults of this server: encoding and collation,
    and what belongs to the database itself, such as who may connect.

    Args:
        script: what pg_restore --create writes for the dump.
        server: the major version of the server that it is created on.
        owners: whether to include what names roles.
    """
    new = sql.Identifier(name).as_string(None)
    made = pg_dump.database(script)
    if not made:
        return f"CREATE DATABASE {new} TEMPLATE template0", ()
    old = made[0]
    statements = [
        each.replace(f" DATABASE {old} ", f" DATABASE {new} ", 1)
        for each in _of_database(script, old)
        if owners or (not begins(each, *OF_ROLES) and " OWNER TO " not in each)
    ]
    how = made[1] if server >= KNOWS_PROVIDERS else made[1].replace(" LOCALE_PROVIDER = libc", "")
    return f"CREATE DATABASE {new} WITH {how}", tuple(statements)


def _of_database(text: str, name: str) -> Iterator[str]:
    """Yield the statements of a dump about its database, whose name is written as `name`."""
    for entry in pg_dump.entries(text):
        if entry.kind == "DATABASE" and entry.owner:
            yield entry.owner[0]
        about = entry.kind in ("ACL", "COMMENT", "SECURITY LABEL") and (
            entry.name == f"DATABASE {name}"
        )
        if about or entry.kind == "DATABASE PROPERTIES":
            # Behind the properties, the script connects again.
            yield from split(
                entry.body.partition("\n\\unrestrict ")[0].partition("\n\\connect ")[0]
            )


def require_createdb(maintenance: LibpqDatabase, create: str, name: str) -> None:
    """Say what an administrator has to do, if this account may not create databases.

    Raises:
        RefusedError: it may not.
    """
    with maintenance.connect() as connection:
        row = connection.execute(
            "SELECT rolcreatedb OR rolsuper, quote_ident(rolname) FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
    allowed, account = row or (True, "")
    if not allowed:
        raise RefusedError(
            f"{name} does not exist, and the account {account} may not create databases."
            f" Nothing was changed. As an administrator: {create} OWNER = {account}; Then run this"
            " again: it restores into that database."
        )
