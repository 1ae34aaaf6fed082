"""The safe form of a statement in this project's operations, with its own names, to paste.

It is written from the statement. Rules say in words what is safe, and name the operations.
"""

from collections.abc import Callable, Collection, Iterator

from migrator.postgres import sql
from migrator.postgres.sql import parts

CONTRACT = 'phase = "contract"'
OWN = "# in a revision of its own:"
LATER = f"# later, in a revision with {CONTRACT}:"
WIDTH = 72  # of the code, which is indented below a finding

Names = tuple[str, ...]
Lines = Iterator[str]


def write(advice: str, statement: str, tables: Collection[str] = ()) -> str:
    """Return Python to paste; nothing where the statement does not tell enough.

    Args:
        advice: the safe form in words; only what it names is written.
        statement: what is not safe.
        tables: those that the statement locked when it was tried.
    """
    for writer in WRITERS:
        code = "\n".join(writer(statement, tables))
        if any(name in advice for name in _names(code)):
            return code
    return f"{CONTRACT}\n\n{_execute(statement)}" if CONTRACT in advice else ""


def _names(code: str) -> list[str]:
    return [line.partition("(")[0] + "(" for line in code.splitlines() if line.startswith("op.")]


def _call(name: str, *arguments: str, **named: str) -> str:
    """Return a call, on one line or with one for each argument; all values are Python."""
    words = [*arguments, *(f"{key}={value}" for key, value in named.items())]
    one = f"op.{name}({', '.join(words)})"
    if len(one) <= WIDTH:
        return one
    return "\n".join([f"op.{name}(", *(f"    {each}," for each in words), ")"])


def _index(statement: str, _: Collection[str]) -> Lines:
    if found := parts.index(statement):
        named = _schema(found.table)
        if found.unique:
            named["unique"] = "True"
        if found.method not in ("", "btree"):
            named["postgresql_using"] = _text(found.method)
        if found.where:
            named["postgresql_where"] = _sql(found.where)
        columns = ", ".join(map(_column, found.columns))
        name, table = _text(found.name), _text(found.table[-1])
        yield _call("create_index_concurrently", name, table, f"[{columns}]", **named)


def _dropped_index(statement: str, tables: Collection[str]) -> Lines:
    if (index := parts.dropped_index(statement)) and len(tables) == 1:
        name = _text(index[-1])
        table = tuple(next(iter(tables)).split("."))
        yield _call("drop_index_concurrently", name, _text(table[-1]), **_schema(table))


def _constraint(table: Names, action: str) -> Lines:
    own = _text(table[-1])
    if key := parts.foreign_key(action):
        named = _schema(table, "source_schema") | _schema(key.target, "referent_schema")
        if key.on_delete:
            named["ondelete"] = _text(key.on_delete)
        to = (_text(key.target[-1]), _list(key.columns), _list(key.target_columns))
        yield _call("add_foreign_key_validated", _text(key.name), own, *to, **named)
    elif check := parts.check(action):
        condition = _text(check.condition)
        yield _call("add_check_validated", _text(check.name), own, condition, **_schema(table))
    elif unique := parts.unique(action):
        columns = _list(unique.columns)
        yield _call("add_unique_concurrently", _text(unique.name), own, columns, **_schema(table))


def _column_of(table: Names, action: str) -> Lines:
    own, named = _text(table[-1]), _schema(table)
    fill = {"key": '"id"', **named}
    if column := parts.required_column(action):
        yield _call("set_not_null", own, _text(column), **named)
    elif renamed := parts.renamed_column(action):
        old, new = renamed
        yield f"# with the type of {old}:"
        yield _call("add_column", own, f"sa.Column({_text(new)}, sa.Text())", **named)
        yield OWN
        yield _call("backfill", own, f"{{{_text(new)}: {_sql(_quoted(old))}}}", **fill)
        yield LATER
        yield _call("drop_column", own, _text(old), **named)
    elif retyped := sql.retyped(action):
        old, kind = sql.plain(retyped[0]), " ".join(retyped[1].split())
        new, value = f"new_{old}", retyped[2] or f"{retyped[0]}::{kind}"
        yield _add_column(table, new, kind)
        yield OWN
        yield _call("backfill", own, f"{{{_text(new)}: {_sql(value)}}}", **fill)
        yield LATER
        yield _call("drop_column", own, _text(old), **named)
    elif added := parts.added_column(action):
        yield _add_column(table, *added)
        yield "# in a revision of its own, with what existing rows get instead of None:"
        yield _call("backfill", own, f"{{{_text(added[0])}: None}}", **fill)
        yield _call("set_not_null", own, _text(added[0]), **named)


def _altered(form: Callable[[Names, str], Lines]) -> Callable[[str, Collection[str]], Lines]:
    def write_all(statement: str, _: Collection[str]) -> Lines:
        if table := sql.identifiers(sql.altered_table(statement)):
            for action in sql.actions(statement):
                yield from form(table, action)

    return write_all


def _update(statement: str, _: Collection[str]) -> Lines:
    if found := parts.update(statement):
        values = ", ".join(f"{_text(column)}: {_sql(value)}" for column, value in found.values)
        named = {"key": '"id"'} | ({"where": _text(found.where)} if found.where else {})
        named |= _schema(found.table)
        yield _call("backfill", _text(found.table[-1]), f"{{{values}}}", **named)


WRITERS = (_index, _dropped_index, _altered(_constraint), _altered(_column_of), _update)


def _text(text: str) -> str:
    """Return a Python string, in double quotes where it can be, as the project is formatted."""
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in text else shown


def _sql(text: str) -> str:
    return f"sa.text({_text(sql.for_text(text))})"


def _execute(statement: str) -> str:
    return _call("execute", _text(sql.for_text(" ".join(statement.split()))))


def _add_column(table: Names, column: str, kind: str) -> str:
    target = ".".join(map(_quoted, table))
    return _execute(f"ALTER TABLE {target} ADD COLUMN {_quoted(column)} {kind}")


def _list(names: Names) -> str:
    return f"[{', '.join(map(_text, names))}]"


def _column(text: str) -> str:
    """Return a column of an index by its name, anything else as SQL."""
    return _text(sql.plain(text)) if len(sql.words(text)) == 1 else _sql(text)


def _schema(table: Names, argument: str = "schema") -> dict[str, str]:
    return {argument: _text(table[-2])} if len(table) > 1 else {}


def _quoted(name: str) -> str:
    plain = name.isidentifier() and name.isascii() and name == name.lower()
    return name if plain else '"' + name.replace('"', '""') + '"'
