"""Parts of the parser's tree, written as SQL again."""

import postgast

from migrator.lint.statements.nodes import Node


def expression(node: Node) -> str:
    """Return an expression as SQL."""
    return _select("SELECT 1", node)


def condition(node: Node) -> str:
    """Return a condition as SQL, or nothing if there is none."""
    return expression(node) if node.ByteSize() else ""


def column(name: str) -> str:
    """Return an identifier as SQL, in quotes where it needs them."""
    tree = postgast.parse("SELECT x")
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.column_ref.fields[
        0
    ].string.sval = name
    return str(postgast.deparse(tree)).removeprefix("SELECT ")


def relation(node: Node) -> str:
    """Return the name of a table as SQL, with its schema if it has one."""
    parts = (part for part in (node.schemaname, node.relname) if part)
    return ".".join(column(part) for part in parts)


def type_name(node: Node) -> str:
    """Return a type as SQL."""
    cast = postgast.parse("SELECT x::int").stmts[0].stmt.select_stmt.target_list[0]
    cast.res_target.val.type_cast.type_name.CopyFrom(node)
    return _select("SELECT 1", cast.res_target.val).removeprefix("x::")


def _select(start: str, node: Node) -> str:
    tree = postgast.parse(start)
    tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val.CopyFrom(node)
    return str(postgast.deparse(tree)).removeprefix("SELECT ")
