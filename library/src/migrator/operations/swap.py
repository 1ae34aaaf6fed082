"""A replacement that is built under a temporary name, and then takes the name of the old one.

The old one is dropped and the new one renamed in one short transaction. Until then the old one is
there, and works: whatever fails or is killed before has changed nothing for anybody.
"""

from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError

from migrator.errors import MigratorError
from migrator.operations import conditions, definitions, index_build, names, references
from migrator.operations.index_build import NotUnique, WantedIndex
from migrator.operations.references import Reference
from migrator.operations.session import Session, state_of
from migrator.postgres import index_state

ENDING = "_replacement"
NO_KEY = "42830"  # there is no unique constraint that a foreign key could refer to
PRIMARY_KEY = """
SELECT conname FROM pg_catalog.pg_constraint WHERE contype = 'p' AND conrelid = {table}
"""
NULLABLE = """
SELECT a.attname FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indexrelid = {index} AND NOT a.attnotnull
  AND array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts ORDER BY a.attnum
"""
COMMENT = "SELECT obj_description({oid}, '{catalog}')"


def temporary(name: str) -> str:
    """Return the name under which a replacement is built, the same at every attempt."""
    return names.cut(name + ENDING)


def build(session: Session, wanted: WantedIndex, definition: str, name: str) -> None:
    """Build the index `wanted`, under its temporary name, unless it is there.

    Args:
        definition: of the index, as `definitions.written` has it.
        name: the one that it gets in the end.

    Raises:
        MigratorError: the rows are not unique. Then there is no new index.
        LockTimeout: another session is still building it.
    """
    target = wanted.target
    if session.offline:
        session.run(wanted.drop_invalid)
        session.run(wanted.statement)
        return
    found = index_state.settled(session.ask, target, wanted.name, session.lock_deadline)
    if found and definitions.index(session, target, wanted.name) != definition:
        index_build.drop(session, wanted.full)
    try:
        index_build.build(session, wanted)
    except NotUnique as error:
        refused = MigratorError(
            f"{name} was not replaced: rows of {target} are not unique in {wanted.shown}."
            f" {definitions.old_one(session, target, name)} Merge or fix those rows, and run the"
            " migration again."
        )
        temporary_name, final_name = names.column(wanted.name), names.column(name)
        refused.adds = wanted.statement.replace(temporary_name, final_name, 1)
        raise refused from error


def drops(target: str, name: str, full: str = "") -> Sequence[tuple[str, str]]:
    """Return the statements that drop what has a name, each behind its condition.

    Args:
        target: the quoted name of the table.
        full: the quoted name of an index, where the replacement has one: then a constraint without
            an index does not count, and an index does.
    """
    there = conditions.has_constraint(target, name)
    drop = f"ALTER TABLE {target} DROP CONSTRAINT {names.column(name)}"
    if not full:
        return [(there, drop)]
    there = f"{there[:-1]} AND contype IN ('p', 'u', 'x'))"
    alone = f"(to_regclass({names.literal(full)}) IS NOT NULL AND NOT {there})"
    return [(there, drop), (alone, f"DROP INDEX {full}")]


def without_index(target: str, name: str) -> Sequence[tuple[str, str]]:
    """Return the statement that drops a CHECK constraint or a foreign key that has a name.

    A table has one constraint of a name; an index may have the same.
    """
    there = conditions.has_constraint(target, name)
    drop = f"ALTER TABLE {target} DROP CONSTRAINT {names.column(name)}"
    return [(f"{there[:-1]} AND contype IN ('c', 'f'))", drop)]


def comment(session: Session, oid: str, catalog: str, on: str) -> Sequence[tuple[str, str]]:
    """Return the statement that gives the new one the comment of the old one, if that has one.

    Args:
        oid: SQL for the number of the old one.
        catalog: the one that it is in.
        on: what the comment is on, as in `COMMENT ON INDEX i`.
    """
    text = "" if session.offline else session.scalar(COMMENT.format(oid=oid, catalog=catalog))
    return [("true", f"COMMENT ON {on} IS {names.literal(text)}")] if text else []


def comment_of_constraint(session: Session, target: str, name: str) -> Sequence[tuple[str, str]]:
    """Return the statement that keeps the comment of a constraint, if it has one."""
    oid = (
        "(SELECT oid FROM pg_catalog.pg_constraint"
        f" WHERE conrelid = {conditions.regclass(target)} AND conname = {names.literal(name)})"
    )
    return comment(session, oid, "pg_constraint", f"CONSTRAINT {names.column(name)} ON {target}")


def refuse_partitioned(session: Session, target: str, name: str, definition: str) -> None:
    """Refuse what cannot be swapped as a whole.

    Raises:
        MigratorError: the table is partitioned.
    """
    found = f"EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = {conditions.regclass(target)}"
    if not session.offline and session.holds(f"{found} AND relkind = 'p')"):
        own = names.column(name)
        again = f"ALTER TABLE {target} DROP CONSTRAINT {own}, ADD CONSTRAINT {own} {definition}"
        raise MigratorError(
            f"{name} was not replaced: {target} is partitioned, and each partition has its own."
            " This operation has changed nothing. Add the new one under another name, and drop the"
            f" old one; or, if writers can wait while all rows are read: op.execute({again!r})."
        )


def run(
    session: Session,
    target: str,
    name: str,
    statements: Sequence[tuple[str, str]],
    found: Sequence[Reference],
    undo: Callable[[], None],
    ready: str = "true",
) -> None:
    """Run the statements of a swap in one transaction, and let foreign keys refer to the new one.

    Args:
        found: the foreign keys to the old one.
        undo: removes what was built for the swap, if it cannot be.
        ready: see `run_together`.

    Raises:
        MigratorError: one of them finds no other key.
    """
    around = references.around(found, statements, validated=False)
    try:
        session.run_together(around, ready)
    except DBAPIError as error:
        if not found or state_of(error) != NO_KEY:
            raise
        undo()
        raise references.refusal(target, name, found) from error
    references.finish(session, target)


def primary_key(session: Session, target: str) -> str:
    """Return the name of the table's primary key; nothing if it has none."""
    if session.offline:
        return ""
    return str(session.scalar(PRIMARY_KEY.format(table=conditions.regclass(target))) or "")


def nullable(session: Session, full: str) -> list[str]:
    """Return the columns of an index, by its quoted name, that are not NOT NULL."""
    return [name for (name,) in session.rows(NULLABLE.format(index=conditions.regclass(full)))]
