"""The table of the migration log: whether it is there, and what older versions of it lack."""

import sqlalchemy as sa
from sqlalchemy import Connection

from migrator.config.invocation import option
from migrator.errors import RefusedError

TABLE = sa.Table(
    "migration_log",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("revision", sa.Text(), nullable=False),
    sa.Column("down_revision", sa.Text(), nullable=False),
    sa.Column("direction", sa.Text(), nullable=False),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seconds", sa.Float(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("waited", sa.Float(), nullable=False),
    sa.Column("who", sa.Text(), nullable=False),
    sa.Column("host", sa.Text(), nullable=False),
    sa.Column("code_commit", sa.Text(), nullable=False),
    sa.Column("tool_version", sa.Text(), nullable=False),
    sa.Column("wal_position", sa.Text()),
    sa.Column("accepted_risk", sa.Text()),
    sa.Column("unfinished_before", sa.JSON(none_as_null=True)),
    sa.Column("verified", sa.Text()),
    sa.Column("failure", sa.JSON(none_as_null=True)),
)
ADDED = {"accepted_risk", "wal_position"}  # in the first version, and of no use to tell ours
LATER = ("unfinished_before", "verified", "failure")  # which tables of older versions do not have
HAS = {
    "postgresql": "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('migration_log')"
    " AND attname = :name AND NOT attisdropped",
    "sqlite": "SELECT 1 FROM pragma_table_info('migration_log') WHERE name = :name",
}


def exists(connection: Connection) -> bool:
    """Tell whether there is a migration log; what only has its name is none."""
    return _kind(connection) == "log"


def is_other(connection: Connection) -> str:
    """Return what kind of relation has the name of the log without being it; usually none.

    Ends the transaction that reads.
    """
    found = _kind(connection)
    connection.rollback()
    return "" if found == "log" else found


def refuse_other(connection: Connection) -> None:
    """Refuse a database in which something else has the name of the migration log.

    Raises:
        RefusedError: there is one.
    """
    if found := is_other(connection):
        raise RefusedError(
            f"There is a {found} {TABLE.name} in the database that is not the migration log of this"
            f" tool. Nothing was changed. Rename it, or deploy with"
            f" {option('--no-log')}, which keeps no log."
        )


def _kind(connection: Connection) -> str:
    """Return "log", another kind of relation that has its name, or nothing."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(TABLE.name):
        other = connection.dialect.name == "postgresql" and connection.scalar(
            sa.select(sa.func.to_regclass(TABLE.name))
        )
        return "relation" if other else ""
    if TABLE.name in inspector.get_view_names():
        return "view"
    if TABLE.name not in inspector.get_table_names():
        return "relation"
    there = {column["name"] for column in inspector.get_columns(TABLE.name)}
    first = {column.name for column in TABLE.c} - set(LATER) - ADDED
    return "log" if first <= there else "table"


def has(connection: Connection, column: str) -> bool:
    """Tell whether there is a table of that name with this column."""
    query = sa.text(HAS[connection.dialect.name])
    return connection.execute(query, {"name": column}).first() is not None


def is_complete(connection: Connection) -> bool:
    """Tell whether the table is there, with all its columns."""
    return has(connection, LATER[-1])


def complete(connection: Connection) -> None:
    """Make the table, or give that of an older version what it lacks."""
    if is_complete(connection):
        return
    if not sa.inspect(connection).has_table(TABLE.name):
        TABLE.create(connection)
        return
    missing = [name for name in LATER if not has(connection, name)]
    for name in missing:
        kind = TABLE.c[name].type.compile(connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {TABLE.name} ADD COLUMN {name} {kind}"))
    if "verified" in missing:
        connection.execute(TABLE.update().values(verified="by an older version"))
