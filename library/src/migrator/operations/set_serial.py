"""`op.set_serial`: a column that is numbered by a sequence of its own, as SERIAL makes one."""

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations

from migrator.errors import UsageError
from migrator.operations import names, numbering
from migrator.operations.operation import Operation
from migrator.operations.session import Session


class SetSerialOp(Operation):
    """Give a column a sequence of its own, and its next value as the default.

    What has numbered the rows before goes: a default, an identity, another sequence that the column
    owns. The new sequence goes on after that one and after the highest value.

    Args:
        sequence: its name, in the schema of the table.
        kind: the sequence's type: smallint, integer or bigint.
    """

    renders_as = "set_serial"
    transactional = True

    def __init__(
        self,
        table_name: str,
        column_name: str,
        *,
        sequence: str,
        kind: str = "bigint",
        schema: str | None = None,
    ) -> None:
        self.table_name = table_name
        self.column_name = column_name
        self.sequence = sequence
        self.kind = kind
        self.schema = schema

    def to_diff_tuple(self) -> tuple[str, str | None, str, str]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.schema, self.table_name, self.column_name)

    def run_in_steps(self, session: Session) -> None:
        """Replace what is there."""
        target, column = names.quoted(self.table_name, self.schema), names.column(self.column_name)
        sequence = names.quoted(self.sequence, self.schema)
        made = (
            f"CREATE SEQUENCE {sequence} AS {self.kind} OWNED BY {target}.{column};\n"
            f"  ALTER TABLE {target} ALTER COLUMN {column}"
            f" SET DEFAULT nextval({names.literal(sequence)}::regclass);"
        )
        numbering.replace(session, target, self.column_name, numbering.Options(), made)

    def run_plain(self, operations: Operations) -> None:
        """Refuse: other databases have no sequences.

        Raises:
            UsageError: always.
        """
        dialect = operations.impl.dialect.name
        raise UsageError(f"op.set_serial is for PostgreSQL; this database is {dialect}.")

    def render(self, context: AutogenContext) -> str:
        """Return the call."""
        options = {"sequence": self.sequence, "kind": self.kind, "schema": self.schema}
        return self.call(context, repr(self.table_name), repr(self.column_name), **options)
