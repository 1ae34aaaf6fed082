"""The safe form of a statement in this project's operations, with its own names, to paste.

It is written from the statement. Rules say in words what is safe, and name the operations.
"""

from collections.abc import Collection, Iterator, Sequence

import postgast

from migrator.lint.statements.nodes import Node, texts, unwrap, word
from migrator.lint.statements.written import expression, type_name
from migrator.postgres import sql

CONTRACT = 'phase = "contract"'
OWN = "# in a revision of its own:"
LATER = f"# later, in a revision with {CONTRACT}:"
FILLED = "# in a revision of its own, with what existing rows get instead of None:"
WIDTH = 72  # of the code, which is indented below a finding
ON_DELETE = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", "r": "RESTRICT"}

Names = tuple[str, ...]
Lines = Iterator[str]


def write(advice: str, statement: str, tables: Collection[str] = ()) -> str:
    """Return Python to paste; nothing where the statement does not tell enough.

    Args:
        advice: the safe form in words; only what it names is written.
        statement: what is not safe.
        tables: those that the statement locked when it was tried.
    """
    try:
        code = "\n".join(_forms(statement, tables))
    except postgast.PgQueryError:  # a part that it reads and cannot write, as WHERE CURRENT OF
        code = ""
    if any(name in advice for name in _names(code)):
        return code
    return f"{CONTRACT}\n\n{_execute(statement)}" if CONTRACT in advice else ""


def _names(code: str) -> list[str]:
    return [line.partition("(")[0] + "(" for line in code.splitlines() if line.startswith("op.")]


def _forms(statement: str, tables: Collection[str]) -> Lines:
    try:
        found = postgast.parse(statement).stmts
    except postgast.PgQueryError:
        return
    if len(found) != 1:
        return
    kind, inner = unwrap(found[0].stmt)
    match kind:
        case "index_stmt":
            yield from _index(inner)
        case "drop_stmt" if word(inner, "remove_type") == "OBJECT_INDEX" and len(tables) == 1:
            yield from _dropped_index(inner, next(iter(tables)))
        case "alter_table_stmt":
            for each in inner.cmds:
                yield from _altered(_of(inner.relation), each.alter_table_cmd)
        case "rename_stmt" if word(inner, "rename_type") == "OBJECT_COLUMN":
            yield from _renamed(_of(inner.relation), inner.subname, inner.newname)
        case "update_stmt":
            yield from _update(inner)


def _of(relation: Node) -> Names:
    return tuple(filter(None, (relation.schemaname, relation.relname)))


def _call(name: str, *arguments: str, **named: str) -> str:
    """Return a call, on one line or with one for each argument; all values are Python."""
    words = [*arguments, *(f"{key}={value}" for key, value in named.items())]
    one = f"op.{name}({', '.join(words)})"
    if len(one) <= WIDTH:
        return one
    return "\n".join([f"op.{name}(", *(f"    {each}," for each in words), ")"])


def _index(node: Node) -> Lines:
    plain = all(
        not each.index_elem.opclass and word(each.index_elem, "ordering") == "SORTBY_DEFAULT"
        for each in node.index_params
    )
    if not node.idxname or not plain or node.index_including_params or node.options:
        return
    table = _of(node.relation)
    named = _schema(table)
    if node.unique:
        named["unique"] = "True"
    if node.access_method != "btree":
        named["postgresql_using"] = _text(node.access_method)
    if node.HasField("where_clause"):
        named["postgresql_where"] = _sql(expression(node.where_clause))
    columns = ", ".join(
        _text(each.index_elem.name)
        if each.index_elem.name
        else _sql(expression(each.index_elem.expr))
        for each in node.index_params
    )
    call = (_text(node.idxname), _text(table[-1]), f"[{columns}]")
    yield _call("create_index_concurrently", *call, **named)


def _dropped_index(node: Node, table: str) -> Lines:
    if len(node.objects) == 1:
        index, owner = texts(node.objects[0].list.items)[-1], tuple(table.split("."))
        call = (_text(index), _text(owner[-1]))
        yield _call("drop_index_concurrently", *call, **_schema(owner))


def _altered(table: Names, command: Node) -> Lines:
    own, named = _text(table[-1]), _schema(table)
    match word(command, "subtype"):
        case "AT_AddConstraint":
            yield from _constraint(table, getattr(command, "def").constraint)
        case "AT_SetNotNull":
            yield _call("set_not_null", own, _text(command.name), **named)
        case "AT_AlterColumnType":
            column = getattr(command, "def").column_def
            old, kind = command.name, type_name(column.type_name)
            used = column.HasField("raw_default")
            value = expression(column.raw_default) if used else f"{_quoted(old)}::{kind}"
            yield _add_column(table, f"new_{old}", kind)
            yield OWN
            yield _backfill(table, f"new_{old}", _sql(value))
            yield LATER
            yield _call("drop_column", own, _text(old), **named)
        case "AT_AddColumn":
            column = getattr(command, "def").column_def
            kinds = {word(each.constraint, "contype") for each in column.constraints}
            if kinds == {"CONSTR_NOTNULL"}:
                yield _add_column(table, column.colname, type_name(column.type_name))
                yield FILLED
                yield _backfill(table, column.colname, "None")
                yield _call("set_not_null", own, _text(column.colname), **named)


def _constraint(table: Names, node: Node) -> Lines:
    own, name, named = _text(table[-1]), _text(node.conname), _schema(table)
    kind = word(node, "contype")
    if not node.conname or node.deferrable or node.indexname or node.including:
        return
    if kind == "CONSTR_CHECK":
        condition = _text(expression(node.raw_expr))
        yield _call("add_check_validated", name, own, condition, **named)
    elif kind == "CONSTR_UNIQUE":
        yield _call("add_unique_concurrently", name, own, _list(texts(node.keys)), **named)
    elif kind == "CONSTR_FOREIGN" and node.pk_attrs and node.fk_upd_action == "a":
        target = _of(node.pktable)
        named = _schema(table, "source_schema") | _schema(target, "referent_schema")
        if on_delete := ON_DELETE.get(node.fk_del_action):
            named["ondelete"] = _text(on_delete)
        to = (_text(target[-1]), _list(texts(node.fk_attrs)), _list(texts(node.pk_attrs)))
        yield _call("add_foreign_key_validated", name, own, *to, **named)


def _renamed(table: Names, old: str, new: str) -> Lines:
    named = _schema(table)
    yield f"# with the type of {old}:"
    yield _call("add_column", _text(table[-1]), f"sa.Column({_text(new)}, sa.Text())", **named)
    yield OWN
    yield _backfill(table, new, _sql(_quoted(old)))
    yield LATER
    yield _call("drop_column", _text(table[-1]), _text(old), **named)


def _update(node: Node) -> Lines:
    if node.from_clause or node.HasField("returning_clause") or node.HasField("with_clause"):
        return
    targets = [each.res_target for each in node.target_list]
    if any(each.val.HasField("multi_assign_ref") or each.indirection for each in targets):
        return
    table = _of(node.relation)
    values = ", ".join(f"{_text(each.name)}: {_sql(expression(each.val))}" for each in targets)
    named = {"key": '"id"'}
    if node.HasField("where_clause"):
        named["where"] = _text(expression(node.where_clause))
    yield _call("backfill", _text(table[-1]), f"{{{values}}}", **named, **_schema(table))


def _backfill(table: Names, column: str, value: str) -> str:
    values = f"{{{_text(column)}: {value}}}"
    return _call("backfill", _text(table[-1]), values, key='"id"', **_schema(table))


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


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, names))}]"


def _schema(table: Names, argument: str = "schema") -> dict[str, str]:
    return {argument: _text(table[-2])} if len(table) > 1 else {}


def _quoted(name: str) -> str:
    plain = name.isidentifier() and name.isascii() and name == name.lower()
    return name if plain else '"' + name.replace('"', '""') + '"'
