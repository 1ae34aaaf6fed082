"""Constraints on tables in use: added NOT VALID, then validated; or in one statement."""

from alembic.operations import Operations
from sqlalchemy import Constraint
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import AddConstraint

from migrator.errors import MigratorError
from migrator.operations import conditions, names, wanted
from migrator.operations.session import Session, state_of

VIOLATIONS = ("23503", "23514")  # foreign key, check
LEAVES = """
SELECT n.nspname, c.relname FROM pg_partition_tree({}) t
JOIN pg_catalog.pg_class c ON c.oid = t.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.isleaf AND c.relkind = 'r' ORDER BY 1, 2
"""


def add_not_valid(session: Session, constraint: Constraint) -> None:
    """Add a CHECK constraint or a foreign key for new rows, unless it is there.

    Raises:
        MigratorError: another constraint has the name.
    """
    constraint.dialect_options["postgresql"]["not_valid"] = True
    target, name = names.target_of(constraint), names.final_name(constraint)
    there = conditions.has_constraint(target, name)
    if session.offline or not wanted.has_constraint(session, constraint):
        session.run_unless(there, names.compiled(AddConstraint(constraint)))


def validate(session: Session, target: str, name: str) -> None:
    """Validate a constraint for the rows that were there before it, unless that is done.

    Raises:
        DBAPIError: also that a row violates it.
    """
    statement = f"ALTER TABLE {target} VALIDATE CONSTRAINT {names.column(name)}"
    if session.offline:
        session.run(statement)  # which does nothing if it is done
        session.expect(conditions.is_validated(target, name), f"{name} was not validated")
        return
    with session.reading():
        session.run_unless(conditions.is_validated(target, name), statement)


def validate_added(session: Session, constraint: Constraint, part: str = "") -> None:
    """Validate a constraint that this operation has added.

    Args:
        part: the quoted name of a partition, if it was added to that one.

    Raises:
        MigratorError: a row violates it. It is dropped then: nobody expects a constraint of a
            migration that failed.
    """
    owner, name = names.target_of(constraint), names.final_name(constraint)
    target = part or owner
    try:
        validate(session, target, name)
    except DBAPIError as error:
        if state_of(error) not in VIOLATIONS:
            raise
        session.run(f"ALTER TABLE {target} DROP CONSTRAINT IF EXISTS {names.column(name)}")
        found = MigratorError(
            f"{name} was not added: rows of {target} violate it. Fix those rows, and run the"
            " migration again."
        )
        constraint.dialect_options["postgresql"]["not_valid"] = False
        definition = names.compiled(AddConstraint(constraint))
        found.adds = definition.replace(f"ALTER TABLE {owner} ", f"ALTER TABLE {target} ", 1)
        raise found from error


def add_to_parts(session: Session, constraint: Constraint) -> None:
    """Add a foreign key of a partitioned table part by part, then to the whole, which adopts them.

    PostgreSQL before 18 has none that is NOT VALID on a partitioned table.

    Raises:
        MigratorError: a row refers to nothing.
    """
    target = names.target_of(constraint)
    constraint.dialect_options["postgresql"]["not_valid"] = False
    whole = names.compiled(AddConstraint(constraint))
    _, definition = whole.split(f"ALTER TABLE {target} ", 1)
    for schema, table in session.rows(LEAVES.format(conditions.regclass(target))):
        part = names.quoted(table, schema)
        if not wanted.has_constraint(session, constraint, part):
            session.run(f"ALTER TABLE {part} {definition} NOT VALID")
        validate_added(session, constraint, part)
    if not wanted.has_constraint(session, constraint):
        session.run(whole)


def add_plain(operations: Operations, constraint: Constraint) -> None:
    """Add a constraint in one statement, in the transaction."""
    if operations.impl.dialect.name != "sqlite":
        operations.impl.add_constraint(constraint)
        return
    owner = constraint.table
    with operations.batch_alter_table(owner.name, schema=owner.schema) as batch:
        batch.impl.add_constraint(constraint)
