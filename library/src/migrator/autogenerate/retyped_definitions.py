"""What PostgreSQL makes of the definitions that name columns when those get other types.

It writes each definition anew, with casts of the types that the columns had: `n > 5` of an integer
is `n > 5::numeric` once it is numeric, and `n::numeric > 5::numeric` when it is an integer again.
So a downgrade needs the definitions as they were, and an upgrade those of the models, if they are
not the same. The change is made in a savepoint that is rolled back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation
from alembic.runtime.migration import MigrationContext

from migrator import catalog
from migrator.autogenerate import trial
from migrator.autogenerate.column_comparison import Name
from migrator.catalog import Key, Schema
from migrator.errors import RefusedError
from migrator.operations import dependents

RAW = {"no_parameters": True}
UNFIT = """What is made of {columns} cannot be made again for another type: {error}. Its \
definition is known only with the old type. No revision was written. Write it by hand: \
`make empty-revision m="..."`, and op.drop_dependents, op.alter_column and \
op.restore_dependents({{'DROP VIEW v': 'CREATE VIEW v AS ...'}})."""


@dataclass(frozen=True)
class Retyped:
    """The definitions after the change.

    Attributes:
        changed: how dependents were made before, by the statements that drop them; those alone
            that PostgreSQL writes in another way now.
        schema: the whole catalog.
    """

    changed: Mapping[str, str]
    schema: Schema

    def is_as(self, wanted: Schema, key: Key) -> bool:
        """Whether an index or a constraint is as another schema has it."""
        return self.schema.objects.get(key) == wanted.objects.get(key)


def of(
    context: MigrationContext,
    first: Name,
    columns: Sequence[str],
    operations: Sequence[MigrateOperation],
    last: Sequence[MigrateOperation] = (),
) -> Retyped | None:
    """Return what `operations` make of the definitions; None if they cannot be tried.

    Args:
        first: one of the columns.
        columns: all that get another type, as SQL writes them.
        last: make the dependents again.

    Raises:
        RefusedError: that fails, because a definition does not fit the new type.
    """
    schema, table, column = first
    with trial.of(context, table, schema, column) as tried:
        before = _definitions(tried.connection, columns)
        if tried.attempt(operations):
            return None
        if error := tried.attempt(last):
            raise RefusedError(
                UNFIT.format(
                    columns=", ".join(columns),
                    error=error.partition(" QUERY: ")[0].removesuffix("."),
                )
            )
        after = _definitions(tried.connection, columns)
        changed = {drop: make for drop, make in before.items() if after.get(drop, make) != make}
        return Retyped(changed, catalog.read(tried.connection, catalog.NOT_OURS))


def _definitions(connection: Any, columns: Sequence[str]) -> dict[str, str]:
    query = dependents.definitions(columns)
    rows = connection.exec_driver_sql(query, execution_options=RAW)
    return {str(drop): str(make) for drop, make in rows}
