"""What the catalog would say of an index or a constraint that is wanted, and whether it is there.

The server says it: the index is made on an empty, temporary copy of the table, read, and rolled
back. Only where something of that name is there already.
"""

from sqlalchemy import Constraint, ForeignKeyConstraint
from sqlalchemy.schema import AddConstraint

from migrator.errors import MigratorError
from migrator.operations import conditions, definitions, names
from migrator.operations.session import Session, block
from migrator.postgres import sql

NAME = "migrator_wanted"
FOUND = "migrator.wanted"  # the setting that brings the answer out of the block
# The exception rolls back what was made; names are resolved before the copies hide the originals.
BODY = """BEGIN
    {statements}
    PERFORM set_config('search_path', 'pg_catalog', true);
    RAISE EXCEPTION USING ERRCODE = 'MI001', MESSAGE = ({answer});
  EXCEPTION WHEN SQLSTATE 'MI001' THEN
    PERFORM set_config('{found}', SQLERRM, false);
  END;"""
INDEX = f"pg_get_indexdef('pg_temp.{NAME}'::regclass)"
CONSTRAINT = (
    "SELECT replace(pg_get_constraintdef(oid), ' REFERENCES ' || confrelid::regclass || '(',"
    " ' REFERENCES ' || referred::regclass || '(') FROM pg_catalog.pg_constraint"
    f" WHERE conrelid = {{copy}}::regclass AND conname = '{NAME}'"
)


def index(session: Session, target: str, definition: str, *, unique: bool) -> str:
    """Return what `definitions.written` would give of an index.

    Args:
        target: the quoted name of its table.
        definition: what stands behind the table in CREATE INDEX.
    """
    copy = _copy(target)
    word = "UNIQUE INDEX" if unique else "INDEX"
    made = [_like(copy, target), f"CREATE {word} {NAME} ON {copy} {definition}"]
    found = _answer(session, made, f"SELECT {INDEX}", target)
    table = sql.plain(sql.qualified(copy)[1])
    return definitions.written(sql.index_definition(found, NAME, table), unique=unique)


def constraint(session: Session, wanted: Constraint, target: str = "") -> str:
    """Return what `definitions.constraint` would give of a constraint, when it is validated.

    Args:
        target: the quoted name of its table, if that is a partition of the one it belongs to.
    """
    owner = names.target_of(wanted)
    target = target or owner
    copy = referred = _copy(target)
    definition = str(names.compiled(AddConstraint(wanted)))
    definition = definition.split(" ADD ", 1)[1].removesuffix(" NOT VALID")
    if wanted.name is not None:
        definition = definition.split(f"CONSTRAINT {names.column(names.uncut_name(wanted))} ", 1)[1]
    made, other = [_like(copy, target)], target
    if isinstance(wanted, ForeignKeyConstraint):
        table = wanted.referred_table
        other = names.quoted(table.name, table.schema)
        if other != target:
            referred = "pg_temp.migrator_referred"
            made.append(_like(referred, other))
        keys = ", ".join(names.column(each.column.name) for each in wanted.elements)
        made.append(f"ALTER TABLE {referred} ADD UNIQUE ({keys})")
        definition = definition.replace(f" REFERENCES {other} ", f" REFERENCES {referred} ", 1)
    made.append(f"ALTER TABLE {copy} ADD CONSTRAINT {NAME} {definition}")
    return sql.repeatable(
        _answer(session, made, CONSTRAINT.format(copy=names.literal(copy)), other)
    )


def has_constraint(session: Session, wanted: Constraint, target: str = "") -> bool:
    """Tell whether a constraint is there, validated or not.

    Raises:
        MigratorError: another one has its name.
    """
    target, name = target or names.target_of(wanted), names.final_name(wanted)
    there = definitions.constraint(session, target, name)
    if there:
        refuse_other(
            "constraint",
            name,
            target,
            there.removesuffix(" NOT VALID"),
            constraint(session, wanted, target),
        )
    return bool(there)


def refuse_other(kind: str, name: str, target: str, there: str, wanted: str) -> None:
    """Refuse to take what has a name for what is wanted, if it is something else.

    Raises:
        MigratorError: it is; with both definitions.
    """
    if there != wanted:
        raise MigratorError(
            f"There is another {kind} {name} on {target} already: {there}; the revision wants"
            f" {wanted}. This operation has changed nothing. Give one of them another name, drop"
            " that one in a revision before, or replace it with op.replace_index or"
            " op.replace_constraint."
        )


def _copy(target: str) -> str:
    # Under the same name, because an expression may have it.
    return f"pg_temp.{sql.qualified(target)[1]}"


def _like(copy: str, target: str) -> str:
    return f"CREATE TEMPORARY TABLE {copy.removeprefix('pg_temp.')} (LIKE {target})"


def _answer(session: Session, made: list[str], query: str, referred: str) -> str:
    statements = ";\n    ".join(made) + ";"
    body = BODY.format(statements=statements, answer=query, found=FOUND)
    asking = block(body, f"referred oid := {conditions.regclass(referred)};")
    session.rows(asking, looks=True)  # what it makes, it rolls back
    return str(session.scalar(f"SELECT current_setting('{FOUND}')"))
