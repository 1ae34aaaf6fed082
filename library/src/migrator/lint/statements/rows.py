"""What statements do that read and write rows."""

from collections.abc import Iterator

from migrator.lint.statements.action import Action
from migrator.lint.statements.expressions import Condition
from migrator.lint.statements.nodes import (
    Node,
    constant,
    dotted,
    find,
    relation,
    texts,
    unwrap,
)


def select(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what a SELECT does: to rows, and to the session by the functions that it calls."""
    yield from _parts(node, variables)
    yield from called(node)
    tables = sources(node)
    condition = Condition(node.where_clause, variables=variables)
    limited = condition.limited or node.HasField("limit_count")
    if node.locking_clause and tables:
        facts = frozenset({"limited"} if limited else ())
        yield Action("lock rows", tables[0], columns=condition.columns, facts=facts)
    if node.into_clause.rel.relname:
        yield Action("create table", relation(node.into_clause.rel))
    elif tables and not limited and not condition.columns:
        yield Action("read", tables[0], refers=tables)


def called(node: Node) -> Iterator[Action]:
    """Yield what functions in an expression do to the session."""
    for call in find(node, "FuncCall"):
        name = dotted(texts(call.funcname))
        words = [constant(each) for each in call.args]
        if name == "set_config" and len(words) == 3:
            local = frozenset({"local"} if (words[2] or "").lower() in ("true", "t", "on") else ())
            yield Action("set", name=(words[0] or "").lower(), value=words[1] or "", facts=local)
        elif name in ("pg_advisory_lock", "pg_advisory_lock_shared"):
            yield Action("set", name="advisory lock", value="held")
        elif name in ("pg_advisory_unlock", "pg_advisory_unlock_all", "pg_advisory_unlock_shared"):
            yield Action("set", name="advisory lock")
        else:
            yield Action("call", name=name)


def insert(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what an INSERT does."""
    yield from _parts(node, variables)
    source = node.select_stmt.select_stmt
    yield from called(source)
    condition = Condition(source.where_clause, variables=variables)
    limited = condition.limited or source.HasField("limit_count")
    facts = frozenset({"limited"} if limited else ())
    table = relation(node.relation)
    read = tuple(name for name in sources(source) if name not in _names(node))
    yield Action("insert", table, columns=condition.columns, refers=read, facts=facts)


def write(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what an UPDATE or a DELETE does."""
    yield from _parts(node, variables)
    update = node.DESCRIPTOR.name == "UpdateStmt"
    others = node.from_clause if update else node.using_clause
    condition = Condition(node.where_clause, variables=variables and not others)
    facts = frozenset({"limited"} if condition.limited else ())
    kind = "update" if update else "delete"
    yield from called(node)
    yield Action(kind, relation(node.relation), columns=condition.columns, facts=facts)


def merge(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what a MERGE does."""
    yield from _parts(node, variables)
    condition = Condition(node.join_condition, variables=variables)
    yield Action("merge", relation(node.relation), columns=condition.columns)


def copy(node: Node, *, variables: bool = False) -> Iterator[Action]:
    """Yield what a COPY does; one that reads only, nothing."""
    if node.is_from:
        yield Action("copy", relation(node.relation))


def sources(node: Node) -> tuple[str, ...]:
    """Return the tables that a SELECT reads, in its FROM and in what is joined there."""
    found: list[str] = []
    for part in node.from_clause:
        found += [relation(each) for each in find(part, "RangeVar")]
    for side in (node.larg, node.rarg) if word_of(node) else ():
        found += sources(side)
    return tuple(dict.fromkeys(found))


def word_of(node: Node) -> bool:
    """Return whether a SELECT is a UNION or the like."""
    return bool(node.HasField("larg"))


def _names(node: Node) -> set[str]:
    """Return the names of the queries in WITH, which are no tables."""
    return {each.common_table_expr.ctename for each in node.with_clause.ctes}


def _parts(node: Node, variables: bool) -> Iterator[Action]:
    """Yield what the statements in WITH do."""
    for each in node.with_clause.ctes:
        kind, inner = unwrap(each.common_table_expr.ctequery)
        if kind in ROWS:
            yield from ROWS[kind](inner, variables=variables)


ROWS = {
    "select_stmt": select,
    "insert_stmt": insert,
    "update_stmt": write,
    "delete_stmt": write,
    "merge_stmt": merge,
    "copy_stmt": copy,
}
