"""The two steps to a constraint on a table in use, and the one step where that is not needed."""

from alembic.operations import Operations
from sqlalchemy import Constraint
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint

from migrator.errors import MigratorError
from migrator.operations import catalog
from migrator.operations.running import Session, state_of

VIOLATIONS = ("23503", "23514")  # foreign key, check
LEAVES = """
SELECT n.nspname, c.relname FROM pg_partition_tree({}) t
JOIN pg_catalog.pg_class c ON c.oid = t.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.isleaf AND c.relkind = 'r' ORDER BY 1, 2
"""


def add_not_valid(session: Session, constraint: Constraint) -> None:
    """Add a check or a foreign key for rows to come, unless it is there."""
    constraint.dialect_options["postgresql"]["not_valid"] = True
    there = catalog.has_constraint(catalog.target_of(constraint), catalog.final_name(constraint))
    session.run_unless(there, catalog.compiled(AddConstraint(constraint)))


def validate(session: Session, target: str, name: str) -> None:
    """Check a constraint for the rows that were there before it, unless that is done.

    Raises:
        MigratorError: a row breaks it. It is dropped then, so that nobody is surprised by a rule
            that came with a migration that failed.
    """
    statement = f"ALTER TABLE {target} VALIDATE CONSTRAINT {catalog.column(name)}"
    if session.offline:
        session.run(statement)  # which does nothing if it is done
        session.expect(catalog.is_validated(target, name), f"{name} was not validated")
        return
    with session.without_limit("statement_timeout"):
        try:
            session.run_unless(catalog.is_validated(target, name), statement)
        except DBAPIError as error:
            if state_of(error) not in VIOLATIONS:
                raise
            session.run(f"ALTER TABLE {target} DROP CONSTRAINT IF EXISTS {catalog.column(name)}")
            raise MigratorError(
                f"{name} was not added: rows of {target} break it. Mend those rows, and run the"
                " migration again."
            ) from error


def add_to_parts(session: Session, constraint: Constraint) -> None:
    """Add a foreign key of a partitioned table part by part, then to the whole, which adopts them.

    PostgreSQL before 18 has none that is NOT VALID on a partitioned table.

    Raises:
        MigratorError: a row refers to nothing.
    """
    target, name = catalog.target_of(constraint), catalog.final_name(constraint)
    constraint.dialect_options["postgresql"]["not_valid"] = False
    whole = catalog.compiled(AddConstraint(constraint))
    _, definition = whole.split(f"ALTER TABLE {target} ", 1)
    for schema, table in session.rows(LEAVES.format(catalog.regclass(target))):
        part = catalog.quoted(table, schema)
        there = catalog.has_constraint(part, name)
        session.run_unless(there, f"ALTER TABLE {part} {definition} NOT VALID")
        validate(session, part, name)
    session.run_unless(catalog.has_constraint(target, name), whole)


def add_plain(operations: Operations, constraint: Constraint) -> None:
    """Add a constraint in one statement, in the transaction."""
    if operations.impl.dialect.name != "sqlite":
        operations.impl.add_constraint(constraint)
        return
    owner = constraint.table
    with operations.batch_alter_table(owner.name, schema=owner.schema) as batch:
        batch.impl.add_constraint(constraint)
