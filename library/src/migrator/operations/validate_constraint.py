"""`op.validate_constraint`: a NOT VALID constraint that is validated without blocking writers."""

from alembic.autogenerate.api import AutogenContext
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from migrator.errors import MigratorError
from migrator.operations import names, validation
from migrator.operations.operation import Operation
from migrator.operations.session import Session, state_of


class ValidateConstraintOp(Operation):
    """Validate a CHECK constraint or a foreign key that is NOT VALID, outside the transaction.

    It blocks neither readers nor writers while it reads the table. What is valid already is left as
    it is. There is nothing to revert. On SQLite, which has no NOT VALID, nothing is done.

    Raises:
        MigratorError: a row violates it. Then it stays NOT VALID, and new rows keep to it.
        DBAPIError: also that there is no such constraint.
    """

    renders_as = "validate_constraint"
    transactional = False

    def __init__(self, constraint_name: str, table_name: str, *, schema: str | None = None) -> None:
        self.constraint_name = constraint_name
        self.table_name = table_name
        self.schema = schema

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what `alembic check` shows."""
        return (self.renders_as, self.constraint_name)

    def adds(self, _context: MigrationContext) -> str:
        """Return the statement that validates it."""
        target = names.quoted(self.table_name, self.schema)
        return f"ALTER TABLE {target} VALIDATE CONSTRAINT {names.shortened(self.constraint_name)}"

    def run_in_steps(self, session: Session) -> None:
        """Validate it, unless that is done."""
        target = names.quoted(self.table_name, self.schema)
        name = names.unquoted(names.shortened(self.constraint_name))
        try:
            validation.validate(session, target, name)
        except DBAPIError as error:
            if state_of(error) not in validation.VIOLATIONS:
                raise
            raise MigratorError(
                f"{name} stays NOT VALID: rows of {target} violate it. Fix those rows, and run the"
                " migration again."
            ) from error

    def run_plain(self, operations: Operations) -> None:
        """Do nothing: what is not PostgreSQL has validated it when it was added."""

    def render(self, context: AutogenContext) -> str:
        """Return the call."""
        return self.call(
            context, repr(self.constraint_name), repr(self.table_name), schema=self.schema
        )
