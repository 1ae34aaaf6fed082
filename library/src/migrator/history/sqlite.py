"""Read the schema of an SQLite database from sqlite_master."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import Engine, text

from migrator.history.schema_objects import Object, Schema
from migrator.sqlite import sql

CONSTRAINT = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}
ORDER = ("table", "index", "view", "trigger")
OBJECTS = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master"
    " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
)


def read(engine: Engine, ignored: str) -> Schema:
    """Return the schema of a database, without the table `ignored`."""
    with engine.connect() as connection:
        found = connection.execute(text(OBJECTS)).all()
    kept = [row for row in found if row.tbl_name != ignored]
    kept.sort(key=lambda row: ORDER.index(row.type))
    objects = tuple(
        Object(
            row.type.upper(),
            "",
            row.name,
            (row.sql,),
            _compared(row.sql) if row.type == "table" else " ".join(_tokens(row.sql)),
            quoted(row.name) if row.type == "table" else "",
            quoted(row.tbl_name),
        )
        for row in kept
    )
    drops = tuple(f"DROP {row.type.upper()} {quoted(row.name)}" for row in reversed(kept))
    return Schema(objects, drops)


def rows(engine: Engine, tables: Sequence[str]) -> tuple[str, ...]:
    """Return INSERT statements for the rows in `tables`."""
    inserts = tuple(f"INSERT INTO {table} " for table in tables)
    with closing(sqlite3.connect(str(engine.url.database))) as connection:
        lines = [line.removesuffix(";") for line in connection.iterdump()]
    return tuple(line for line in lines if line.startswith(inserts))


def _compared(statement: str) -> str:
    """Return a CREATE TABLE statement with its columns in order and its constraints sorted.

    SQLite stores the statement as it was written. The position of a constraint has no meaning, and
    ALTER TABLE adds a column after the constraints.
    """
    tokens = _tokens(statement)
    if "(" not in tokens:
        return " ".join(tokens)
    depth = 0
    items: list[list[str]] = [[]]
    start = tokens.index("(")
    end = len(tokens)
    for place, token in enumerate(tokens[start:], start):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            end = place
            break
        if token == "," and depth == 1:
            items.append([])
        elif place > start:
            items[-1].append(token)
    lines = [sql.plain_defaults(" ".join(item)) for item in items]
    constraints = sorted(line for line in lines if line.split(" ")[0] in CONSTRAINT)
    columns = [line for line in lines if line.split(" ")[0] not in CONSTRAINT]
    return "\n".join([*columns, *constraints, " ".join(tokens[end + 1 :])])


def _tokens(statement: str) -> list[str]:
    found = []
    for token in sql.pieces(statement):
        if token[0] in '"`[':
            found.append(token[1:-1].replace('""', '"'))
        else:
            found.append(token.upper() if token.upper() in CONSTRAINT else token)
    return found


def quoted(name: str) -> str:
    """Return an identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
