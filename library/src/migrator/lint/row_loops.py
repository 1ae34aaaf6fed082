"""Loops in a revision's Python that read rows from the database and change them one by one."""

import ast
from collections.abc import Callable, Iterable, Iterator

from migrator.postgres import sql

READS = ("execute()", "exec_driver_sql()", "query()", "scalars()", "fetchall()", "stream_results()")
SENDS = ("execute", "exec_driver_sql")
WRITES = ("update()", "delete()")
WRITTEN = ("UPDATE", "DELETE")
COMMITS = "autocommit_block"

Dotted = Callable[[ast.AST], str]


def is_autocommit_block(node: ast.AST) -> bool:
    """Return whether a statement is `with ....autocommit_block():`."""
    return isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Attribute)
        and item.context_expr.func.attr == COMMITS
        for item in node.items
    )


def row_writes(nodes: Iterable[ast.AST], dotted: Dotted) -> Iterator[int]:
    """Yield the lines that change one row, in a loop over rows of the database.

    Outside an autocommit block these are one transaction.

    Args:
        dotted: returns the name of what an expression is, as "session.query().all()".
    """
    for node in nodes:
        if is_autocommit_block(node):
            continue
        if isinstance(node, ast.For) and _reads(node.iter, dotted):
            targets = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
            yield from _writes(node, targets, dotted)
        elif isinstance(node, ast.Call) and _sends_many(node, dotted):
            yield node.lineno
        yield from row_writes(ast.iter_child_nodes(node), dotted)


def _sends_many(call: ast.Call, dotted: Dotted) -> bool:
    """Return whether a write is sent for each of a list of rows that come from the database."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in SENDS):
        return False
    inside = [each for argument in call.args for each in ast.walk(argument)]
    lists = [each for each in inside if isinstance(each, ast.ListComp | ast.GeneratorExp)]
    rows = any(_reads(part.iter, dotted) for each in lists for part in each.generators)
    return rows and any(_is_write(each, dotted) for each in inside)


def _reads(node: ast.AST, dotted: Dotted) -> bool:
    parts = (part for each in ast.walk(node) for part in dotted(each).split("."))
    return any(part in READS for part in parts)


def _writes(loop: ast.For, targets: set[str], dotted: Dotted) -> Iterator[int]:
    for node in (each for part in loop.body for each in ast.walk(part)):
        if isinstance(node, ast.Assign | ast.AugAssign):
            assigned = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(each, ast.Attribute) and _root(each) in targets for each in assigned):
                yield loop.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            inside = [each for argument in node.args for each in ast.walk(argument)]
            sends = node.func.attr in SENDS and any(_is_write(each, dotted) for each in inside)
            deletes = node.func.attr == "delete"  # session.delete(row)
            if sends or (deletes and any(_root(each) in targets for each in node.args)):
                yield node.lineno


def _is_write(node: ast.AST, dotted: Dotted) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and sql.first_word(node.value) in WRITTEN
    return any(part in WRITES for part in dotted(node).split("."))


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
