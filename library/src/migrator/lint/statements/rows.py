"""What statements do that read and write rows."""

from collections.abc import Iterable, Iterator

from migrator.lint.statements.action import Action
from migrator.lint.statements.expressions import Condition, is_batch, is_wide_series
from migrator.lint.statements.nodes import (
    Node,
    constant,
    dotted,
    find,
    relation,
    sources,
    texts,
    unwrap,
)

# They are kept until the session ends, unless pg_advisory_unlock gives them back.
SESSION_LOCKS = (
    *("pg_advisory_lock", "pg_advisory_lock_shared"),
    *("pg_try_advisory_lock", "pg_try_advisory_lock_shared"),
)


def select(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what a SELECT does: to rows, and to the session by the functions that it calls."""
    yield from _parts(node, variables)
    yield from called(node)
    tables = sources(node)
    condition = Condition(node.where_clause, variables=variables)
    limited = condition.limited or is_batch(node)
    for inner in (each for each in find(node, "SelectStmt") if each.locking_clause):
        if inner is not node and sources(inner):
            yield _locking(inner, variables)
    if node.locking_clause and tables:
        yield _locking(node, variables)
    if node.into_clause.rel.relname:
        yield Action("create table", relation(node.into_clause.rel))
    elif tables:
        whole = not limited and not condition.columns
        facts = frozenset({"limited"} if limited else ())
        kind = "read" if whole else "partly read"
        yield Action(kind, tables[0], columns=condition.columns, refers=tables, facts=facts)


def _locking(node: Node, variables: bool) -> Action:
    """Return which rows a SELECT ... FOR UPDATE locks."""
    condition = Condition(node.where_clause, variables=variables)
    facts = frozenset({"limited"} if condition.limited or is_batch(node) else ())
    return Action("lock rows", sources(node)[0], columns=condition.columns, facts=facts)


def called(node: Node) -> Iterator[Action]:
    """Yield what functions in an expression do to the session."""
    for call in find(node, "FuncCall"):
        name = dotted(texts(call.funcname))
        words = [constant(each) for each in call.args]
        if name == "set_config" and len(words) == 3:
            local = frozenset({"local"} if (words[2] or "").lower() in ("true", "t", "on") else ())
            yield Action("set", name=(words[0] or "").lower(), value=words[1] or "", facts=local)
        elif name in SESSION_LOCKS:
            yield Action("set", name="advisory lock", value="held")
        elif name in ("pg_advisory_unlock", "pg_advisory_unlock_all", "pg_advisory_unlock_shared"):
            yield Action("set", name="advisory lock")
        elif name == "setval" and words[1:2] in (["0"], ["1"]):
            sequence = words[0] or ""
            yield Action("alter sequence", name=sequence, facts=frozenset({"from the start"}))
        else:
            yield Action("call", name=name)


def insert(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what an INSERT does."""
    yield from _parts(node, variables)
    source = node.select_stmt.select_stmt
    yield from called(source)
    condition = Condition(source.where_clause, variables=variables)
    facts = {"limited"} if condition.limited or is_batch(source) else set()
    facts |= {"wide"} if any(map(is_wide_series, find(source, "FuncCall"))) else set()
    named = {name: inner for part in (node, source) for name, inner in _queries(part)}
    read = dict.fromkeys(name for name in _resolved(source, named) if name not in named)
    table, refers = relation(node.relation), tuple(read)
    yield Action(
        "insert",
        table,
        columns=condition.columns,
        refers=refers,
        facts=frozenset(facts),
        rows=len(source.values_lists),
    )
    if refers and not condition.columns and "limited" not in facts:
        yield Action("read", refers[0], refers=refers)


def write(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what an UPDATE or a DELETE does."""
    yield from _parts(node, variables)
    update = node.DESCRIPTOR.name == "UpdateStmt"
    others = node.from_clause if update else node.using_clause
    joined = dict(_joined(node, others))
    condition = Condition(
        node.where_clause,
        variables=variables and not others,
        batches=[name for name, query in joined.items() if is_batch(query)],
        constants=[name for name, query in joined.items() if query.values_lists],
    )
    kind = "update" if update else "delete"
    yield from called(node)
    if relation(node.relation) == "pg_settings":  # another way to write SET
        names = [text for each in find(node.where_clause, "A_Const") if (text := each.sval.sval)]
        yield Action("set", name=next(iter(names), ""), value="0")
        return
    table, columns = relation(node.relation), condition.columns
    yield Action(kind, table, columns=columns, facts=condition.facts)


def merge(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what a MERGE does."""
    yield from _parts(node, variables)
    condition = Condition(node.join_condition, variables=variables)
    yield Action("merge", relation(node.relation), columns=condition.columns)


def copy(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what a COPY does; one that reads only, nothing."""
    if node.is_from:
        yield Action("copy", relation(node.relation))


def _queries(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the queries in WITH, with their names, which are no tables."""
    for each in node.with_clause.ctes:
        yield each.common_table_expr.ctename, unwrap(each.common_table_expr.ctequery)[1]


def _joined(node: Node, others: Iterable[Node]) -> Iterator[tuple[str, Node]]:
    """Yield the queries that an UPDATE or a DELETE joins, by their names."""
    named = {key: each for key, each in _queries(node) if each.DESCRIPTOR.name == "SelectStmt"}
    yield from named.items()
    for each in others:
        kind, inner = unwrap(each)
        if kind == "range_var" and inner.relname in named and inner.alias.aliasname:
            yield inner.alias.aliasname, named[inner.relname]
        elif kind == "range_subselect":
            yield inner.alias.aliasname, inner.subquery.select_stmt


def _resolved(select: Node, named: dict[str, Node]) -> Iterator[str]:
    """Yield the tables that a SELECT reads, those of a query in WITH that has no limit, too."""
    for name in sources(select):
        inner = named.get(name)
        if inner is None or inner.DESCRIPTOR.name != "SelectStmt":
            yield name
        elif not (is_batch(inner) or Condition(inner.where_clause).limited):
            # One query may read itself.
            yield from _resolved(inner, {key: each for key, each in named.items() if key != name})


def _parts(node: Node, variables: bool) -> Iterator[Action]:
    """Yield what the statements in WITH do."""
    for each in node.with_clause.ctes:
        kind, inner = unwrap(each.common_table_expr.ctequery)
        if kind in ROWS:
            yield from ROWS[kind](inner, variables=variables)


def wrapped(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what the statement does that an EXPLAIN, a PREPARE or a cursor has."""
    if node.DESCRIPTOR.name == "ExplainStmt" and not any(
        each.def_elem.defname == "analyze" for each in node.options
    ):
        return
    kind, inner = unwrap(node.query)
    if kind in ROWS:
        yield from ROWS[kind](inner, variables=variables)


# The kinds of the actions that change rows.
WRITES = ("insert", "update", "delete", "merge")
ROWS = {
    "explain_stmt": wrapped,
    "prepare_stmt": wrapped,
    "declare_cursor_stmt": wrapped,
    "select_stmt": select,
    "insert_stmt": insert,
    "update_stmt": write,
    "delete_stmt": write,
    "merge_stmt": merge,
    "copy_stmt": copy,
}
