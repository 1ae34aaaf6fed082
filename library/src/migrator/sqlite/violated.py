"""What rows violate on SQLite: looked for while the transaction of the revision is open.

SQLite says one constraint and no number. The statement that fails copies rows into a new table, or
builds a unique index.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from sqlite3 import Connection, Error

from migrator.postgres.violation_query import AddedConstraint
from migrator.sqlite.sql import Token, inside, listed, quoted, tokens

OLD = "_migrator_old"  # what a table is called while another one with its name is filled
COLUMNS = 'SELECT name, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden = 0'
KEYS = "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND NOT partial AND origin <> 'c'"
REFERENCES = (
    'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) WHERE "from" IS NOT NULL'
    " ORDER BY id, seq"
)
PRIMARY_KEY = "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk"
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"

Violated = Sequence[tuple[AddedConstraint, int]]


def by(connection: Connection, statement: str) -> Violated:
    """Return what a statement that has just failed would have violated, with the number of rows."""
    found = tokens(statement)
    words = [token.text.upper() for token in found if token.kind == "word"]
    added: list[AddedConstraint] = []
    with suppress(Error, ValueError, IndexError):  # a statement of another form
        if words[:3] == ["CREATE", "UNIQUE", "INDEX"]:
            added = [_index(found)]
        elif words[:2] == ["INSERT", "INTO"] and "SELECT" in words:
            added = list(_copy(connection, found))
    # Later it has its name again.
    return [
        (replace(each, table=each.table.replace(quoted(OLD), quoted(found[2].text))), rows)
        for each, rows in _counted(connection, added)
    ]


def references(connection: Connection) -> Violated:
    """Return the foreign keys that rows violate now."""
    found: list[AddedConstraint] = []
    for (table,) in connection.execute(TABLES).fetchall():
        keys: dict[int, list[tuple[str, str, str | None]]] = {}
        for number, *pair in connection.execute(REFERENCES, (table,)):
            keys.setdefault(number, []).append((pair[0], pair[1], pair[2]))
        for columns in keys.values():
            parent = columns[0][0]
            named = [to for _, _, to in columns if to]
            to = named or [name for (name,) in connection.execute(PRIMARY_KEY, (parent,))]
            if len(to) == len(columns):
                found.append(
                    AddedConstraint(
                        "foreign key",
                        quoted(table),
                        keys=tuple(quoted(own) for _, own, _ in columns),
                        refers=quoted(parent),
                        referred=tuple(map(quoted, to)),
                    )
                )
    return _counted(connection, found)


def _index(found: Sequence[Token]) -> AddedConstraint:
    on = next(place for place, token in enumerate(found) if token.is_word("ON"))
    opening = found.index(Token("other", "("), on)
    columns, end = inside(found, opening)
    keys = [
        again([token for token in part if not token.is_word("ASC", "DESC")])
        for part in listed(columns)
    ]
    return AddedConstraint(
        "unique", again(found[on + 1 : opening]), found[on - 1].text, tuple(keys),
        condition=again(found[end + 1 :]),
    )  # fmt: skip


def _copy(connection: Connection, found: Sequence[Token]) -> Iterator[AddedConstraint]:
    """Yield all that rows have to hold which are copied into a new table."""
    new = found[2].text
    columns, place = inside(found, 3)
    names = [part[0].text for part in listed(columns)]
    start = next(p for p in range(place, len(found)) if found[p].is_word("SELECT"))
    end = next(p for p in range(start, len(found)) if found[p].is_word("FROM"))
    old = found[end + 1].text
    values = listed(found[start + 1 : end])
    table = quoted(old)
    if [value[-1].text for value in values] != names or any(len(value) > 3 for value in values):
        pairs = zip(values, names, strict=True)
        each = ", ".join(f"{again(value)} AS {quoted(name)}" for value, name in pairs)
        table = f"(SELECT {each} FROM {quoted(old)}) AS copied"
    facts = connection.execute(COLUMNS, (new,)).fetchall()
    for name, not_null, _ in facts:
        if not_null and name in names:
            yield AddedConstraint("not null", table, keys=(quoted(name),))
    keys = {tuple(name for name, _, is_key in facts if is_key)}
    for (index,) in connection.execute(KEYS, (new,)).fetchall():
        parts = connection.execute("SELECT name FROM pragma_index_info(?)", (index,))
        keys.add(tuple(name for (name,) in parts))
    for key in sorted(keys - {()}):
        yield AddedConstraint("unique", table, keys=tuple(map(quoted, key)))
    query = "SELECT sql FROM sqlite_master WHERE name = ?"
    yield from _checks(table, tokens(connection.execute(query, (new,)).fetchone()[0]))


def _checks(table: str, found: Sequence[Token]) -> Iterator[AddedConstraint]:
    for place, token in enumerate(found):
        if token.is_word("CHECK") and found[place + 1] == Token("other", "("):
            named = found[place - 2].is_word("CONSTRAINT")
            name = found[place - 1].text if named else ""
            condition = again(inside(found, place + 1)[0])
            yield AddedConstraint("check", table, name, condition=condition)


def again(found: Sequence[Token]) -> str:
    """Return tokens as SQL."""
    return " ".join(quoted(token.text) if token.kind == "quoted" else token.text for token in found)


def _counted(connection: Connection, added: Sequence[AddedConstraint]) -> Violated:
    found: list[tuple[AddedConstraint, int]] = []
    for each in added:
        query = each.query()
        with suppress(Error):  # what cannot be asked
            if each.kind == "unique":
                rows = sum(row[-1] for row in connection.execute(query))
            else:
                rows = connection.execute(f"SELECT count(*) FROM ({query})").fetchone()[0]
            if rows:
                found.append((each, rows))
    return found
