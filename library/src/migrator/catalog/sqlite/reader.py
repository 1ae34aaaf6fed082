"""Reads an SQLite database: pragmas for all tables at once, and the text of each statement."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection

from migrator.catalog.schema import Key, Schema, clean
from migrator.catalog.sqlite import create_table
from migrator.sqlite.sql import Token, tokens, written

# Shadow tables are what a virtual table keeps its rows in.
MASTER = """
SELECT type, name, tbl_name, sql FROM sqlite_master
WHERE substr(name, 1, 7) <> 'sqlite_'
  AND tbl_name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
"""
TABLES = "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main'"
COLUMNS = """
SELECT m.name AS "table", x.cid, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
FROM sqlite_master m, pragma_table_xinfo(m.name) x WHERE m.type = 'table' ORDER BY m.name, x.cid
"""
NAMED = 2  # REFERENCES and the table
GENERATED = {2: "virtual", 3: "stored"}


def read(connection: Connection, without: Collection[str]) -> Schema:
    """Return the schema; see `catalog.read`. Names have no schema, since there is one."""
    objects: dict[Key, dict[str, Any]] = {}
    columns: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in connection.exec_driver_sql(COLUMNS).mappings():
        columns[row["table"]].append(dict(row))
    options = {row[0]: row[1:] for row in connection.exec_driver_sql(TABLES)}
    for kind, name, table, sql in connection.exec_driver_sql(MASTER).all():
        if table in without:
            continue
        if kind == "table":
            without_rowid, strict = options.get(name, (False, False))
            _table(objects, name, sql, columns, bool(without_rowid), bool(strict))
        elif sql:  # the indexes of constraints have none
            own = (name,) if kind == "view" else (table, name)
            objects[Key(kind, own)] = {"definition": written(tokens(sql))}
    return Schema(objects)


def _table(
    objects: dict[Key, dict[str, Any]],
    name: str,
    sql: str,
    every: Mapping[str, list[Mapping[str, Any]]],
    without_rowid: bool,
    strict: bool,
) -> None:
    said, columns = create_table.parse(sql), every[name]
    objects[Key("table", (name,))] = clean(
        {
            "autoincrement": said.autoincrement,
            "without_rowid": without_rowid,
            "strict": strict,
            "module": written(tokens(sql)) if sql.upper().startswith("CREATE VIRTUAL") else None,
        }
    )
    for number, row in enumerate(columns, start=1):
        own = said.columns.get(row["name"], create_table.Column())
        default = row["dflt_value"]
        objects[Key("column", (name, row["name"]))] = clean(
            {
                "position": number,
                "type": written(tokens(row["type"])),
                "not_null": bool(row["notnull"]),
                "not_null_on_conflict": own.not_null_conflict,
                "default": None if default is None else written(tokens(str(default))),
                "collation": own.collation,
                "generated": own.generated,
                "generated_kind": GENERATED.get(row["hidden"]),
            }
        )
    _constraints(objects, name, said, every)


def _primary_key(columns: list[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(
        name for _, name in sorted((row["pk"], row["name"]) for row in columns if row["pk"])
    )


def _referenced(said: str, every: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """Return REFERENCES with the columns: those of the primary key, where none are named."""
    found = tokens(said)
    if len(found) < NAMED or Token("other", "(") in found:  # a name may be several words here
        return said
    names = _primary_key(every.get(found[1].text, []))
    return " ".join(
        filter(None, [written(found[:2]), f"( {' , '.join(names)} )", written(found[2:])])
    )


def _constraints(
    objects: dict[Key, dict[str, Any]],
    table: str,
    said: create_table.CreateTable,
    every: Mapping[str, list[Mapping[str, Any]]],
) -> None:
    key = _primary_key(every[table])
    for constraint in said.constraints:
        names = tuple(constraint.columns)
        if constraint.kind == "primary key":
            names = key if set(key).issuperset(names) else names
        references = _referenced(constraint.references, every)
        what = constraint.condition or " ".join(filter(None, [*names, references]))
        # One without a name is known by what it says.
        own = constraint.name or f"{constraint.kind} ({what})"
        objects[Key("constraint", (table, own))] = clean(
            {
                "type": constraint.kind,
                "columns": names,
                "condition": constraint.condition,
                "references": references,
                "on_conflict": constraint.on_conflict,
            }
        )
