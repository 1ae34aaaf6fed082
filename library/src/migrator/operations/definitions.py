"""The definitions of indexes and constraints in the catalog."""

from migrator.operations import conditions, names
from migrator.operations.session import Session
from migrator.postgres import sql

# With every name qualified, as the catalogs that autogenerate compares have it.
# (What is resolved in the query, 't'::regclass, is resolved before.)
QUALIFIED = """SELECT {what}
FROM (SELECT set_config('search_path', 'pg_catalog', true) AS value OFFSET 0) path, {where}
WHERE path.value IS NOT NULL AND {condition}
"""
INDEX = "pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"


def constraint(session: Session, target: str, name: str) -> str:
    """Return the definition of a constraint, as the catalog has it; nothing if it is not there.

    Args:
        target: the quoted name of the table.
    """
    condition = f"k.conrelid = {conditions.regclass(target)} AND k.conname = {names.literal(name)}"
    query = QUALIFIED.format(
        what="pg_get_constraintdef(k.oid)", where="pg_catalog.pg_constraint k", condition=condition
    )
    return sql.repeatable(session.scalar(query) or "")


def index(session: Session, target: str, name: str) -> str:
    """Return the definition of a valid index, as `written` has it; nothing if it is not there.

    That of a constraint is not meant.

    Args:
        target: the quoted name of the table.
    """
    condition = (
        f"i.indrelid = {conditions.regclass(target)} AND c.relname = {names.literal(name)}"
        " AND i.indisvalid AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k"
        " WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"
    )
    return _index(session, target, name, condition)


def any_index(session: Session, target: str, name: str) -> str:
    """Return the definition of an index, valid or not, and also that of a constraint.

    Args:
        target: the quoted name of the table.
    """
    condition = f"i.indrelid = {conditions.regclass(target)} AND c.relname = {names.literal(name)}"
    return _index(session, target, name, condition)


def _index(session: Session, target: str, name: str, condition: str) -> str:
    what = "pg_get_indexdef(i.indexrelid), i.indisunique"
    rows = session.rows(QUALIFIED.format(what=what, where=INDEX, condition=condition))
    if not rows:
        return ""
    statement, unique = rows[0]
    table = sql.plain(sql.qualified(target)[1])
    return written(sql.index_definition(statement, name, table), unique=unique)


def written(definition: str, *, unique: bool) -> str:
    """Return an index's definition in one text."""
    return sql.repeatable(f"UNIQUE {definition}" if unique else definition)


def old_one(session: Session, target: str, name: str) -> str:
    """Return a sentence that says what is there after a failure, from the catalog."""
    old = constraint(session, target, name) or index(session, target, name)
    return f"The old one is still there: {old}." if old else "There was none before."
