"""Which pending changes of types do not keep all values, and in how many rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from migrator import database
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.postgres import converted_values, sql
from migrator.postgres.converted_values import Conversion

SECONDS = 5.0  # for one column: only the deploy waits meanwhile, but it reads the whole table
TYPE = text(
    "SELECT format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute"
    " WHERE attrelid = to_regclass(:target) AND attname = :name AND NOT attisdropped"
)


@dataclass(frozen=True)
class ValueLoss:
    """A column whose values would change.

    `rows` is in how many rows, None if they were not counted. Without a table, nothing was looked
    at. `message` says it.
    """

    table: str | None
    column: str | None
    rows: int | None
    message: str

    def __str__(self) -> str:
        return self.message


def find(
    context: Context, revisions: ScriptDirectory, pending: Sequence[Script]
) -> list[ValueLoss]:
    """Return what each column loses, by the SQL of the revisions and the rows that are there.

    Nothing is changed, and nothing is said of what a revision does besides its SQL.
    """
    if not pending or context.target.dialect != "postgresql":
        return []
    from migrator.lint import rendering  # half of the tool, and only where something is pending

    try:
        rendered = rendering.render(context, revisions, pending)
    except (CommandError, MigratorError) as error:
        return [ValueLoss(None, None, None, f"whether values are lost was not looked at: {error}")]
    statements = [each.sql for revision in rendered for each in revision.statements]
    changes = [change for each in statements for change in _retyped(each)]
    if not changes:
        return []
    with database.connect(context) as connection:
        found = [_said(connection, *change) for change in changes]
        connection.rollback()
    return [each for each in found if each]


def _retyped(statement: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield table, column, new type and USING, all as written."""
    about = sql.altered_table(statement)
    for action in sql.actions(statement) if about else ():
        if change := sql.retyped(action):
            yield (about, *change)


def _said(
    connection: Connection, table: str, column: str, kind: str, using: str
) -> ValueLoss | None:
    name = sql.plain(column)
    old = connection.scalar(TYPE, {"target": table, "name": name})
    if old is None:  # an earlier revision adds it
        return None
    conversion = Conversion(column, old, kind, using)
    if not converted_values.loses(connection, conversion):
        return None
    counted = converted_values.count(connection, table, conversion, SECONDS)
    if counted is None:
        why = "values may be lost; counting the rows took too long or failed"
        return ValueLoss(table, name, None, f"{table}.{column}: {why}")
    if not counted.changed:
        return None
    return ValueLoss(table, name, counted.changed, f"{table}.{column}: {counted}")
