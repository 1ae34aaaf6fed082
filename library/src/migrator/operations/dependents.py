"""What depends on columns and has to be away while they get other types: as SQL.

The statements that make it again are kept in a setting of the transaction, so that it needs neither
a table nor a privilege, and also works under `--sql`. They name things as the search path of the
transaction does, so that a revision which holds some of them fits every schema of a fleet.
"""

import json
from collections.abc import Iterable, Mapping

from migrator.operations import dependents_query, names
from migrator.operations.session import block
from migrator.postgres import sql

KEPT = "migrator.dependents"
DROP = """FOR part IN SELECT parts.away, parts.again FROM ({query}) parts
      ORDER BY rank DESC, depth DESC, name DESC LOOP
    statements := array_prepend(json_build_array(part.away, part.again), statements);
    IF part.away IS NOT NULL THEN
      EXECUTE part.away;
    END IF;
  END LOOP;
  PERFORM set_config('{kept}', to_json(statements)::text, true);"""
VARIABLES = """part record; statements json[] := '{{}}'; tables oid[] := ARRAY[{tables}];"""
RESTORE = """FOR each IN SELECT value FROM json_array_elements(
      current_setting('{kept}')::json) LOOP
    EXECUTE coalesce({instead}::json ->> (each ->> 0), each ->> 1);
  END LOOP;"""


def drop(columns: Iterable[str], *, lost: bool = False) -> str:
    """Return what drops what depends on columns, and keeps what makes it again.

    Args:
        columns: with their tables, as SQL writes them.
        lost: they are dropped themselves, and with them indexes and constraints.
    """
    tables, named = [], []
    for number, (table, name) in enumerate(map(_parts, columns), start=1):
        tables.append(f"to_regclass({table})")
        named.append(f"(tables[{number}], {name})")
    query = _query(named, lost=lost)
    body = DROP.replace("{query}", query).replace("{kept}", KEPT)
    return block(body, VARIABLES.format(tables=", ".join(tables)))


def restore(instead: Mapping[str, str] | None = None) -> str:
    """Return what makes again what was dropped last in this transaction.

    Args:
        instead: definitions to take in place of those that were kept, by the statements that drop
            what they make.
    """
    given = names.literal(json.dumps(dict(instead or {}), ensure_ascii=False))
    return block(RESTORE.replace("{kept}", KEPT).replace("{instead}", given), "each json;")


def definitions(columns: Iterable[str]) -> str:
    """Return a query for what makes the dependents again, with the statements that drop them."""
    return f"SELECT parts.away, parts.again FROM ({_query(_named(columns))}) parts WHERE away <> ''"


def count(columns: Iterable[str]) -> str:
    """Return a query for how much `drop` would drop."""
    return f"SELECT count(parts.away) FROM ({_query(_named(columns))}) parts"


def generated(columns: Iterable[str]) -> str:
    """Return a query for the generated columns that `drop` would drop: schema, table and name."""
    columns = dependents_query.COLUMNS.replace("{columns}", ", ".join(_named(columns)))
    return f"""WITH {columns.replace("{lost}", "generated")}
SELECT n.nspname, c.relname, a.attname FROM generated g
JOIN pg_attribute a ON a.attrelid = g.rel AND a.attnum = g.num
JOIN pg_class c ON c.oid = g.rel JOIN pg_namespace n ON n.oid = c.relnamespace"""


def _named(columns: Iterable[str]) -> list[str]:
    return [f"(to_regclass({table})::oid, {name})" for table, name in map(_parts, columns)]


def _query(named: Iterable[str], *, lost: bool = False) -> str:
    query = dependents_query.QUERY.replace("{columns}", ", ".join(named))
    return query.replace("{lost}", "own" if lost else "generated")


def _parts(column: str) -> tuple[str, str]:
    """Return the table and the name of a column as literals."""
    *table, name = sql.identifiers(column)
    return names.literal(".".join(map(names.column, table))), names.literal(name)
