"""The statements in PL/pgSQL: in a DO block, and in the body of a function."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import postgast

from migrator.lint.statements.nodes import Node, constant, dotted, texts, unwrap

# Where PL/pgSQL keeps a whole statement, and where an expression that computes one.
WHOLE, COMPUTED = 0, "PLpgSQL_stmt_dynexecute"
ENDS = {"PLpgSQL_stmt_commit": "COMMIT", "PLpgSQL_stmt_rollback": "ROLLBACK"}
LOOPS = (
    *("PLpgSQL_stmt_loop", "PLpgSQL_stmt_while", "PLpgSQL_stmt_fors", "PLpgSQL_stmt_forc"),
    *("PLpgSQL_stmt_dynfors", "PLpgSQL_stmt_foreach_a"),
)
HOLE = "something"  # for what is not known before the block runs


class Inner(NamedTuple):
    """A statement in PL/pgSQL; `repeated` if a loop runs it again and again in one transaction."""

    sql: str
    repeated: bool = False


def body(node: Node) -> list[Inner]:
    """Return the statements in a DO block or a CREATE FUNCTION; none if they cannot be read.

    Args:
        node: the whole statement.
    """
    kind, inner = unwrap(node)
    source = postgast.ParseResult()
    source.stmts.add().stmt.CopyFrom(node)
    options = {each.def_elem.defname: each.def_elem.arg for each in _options(kind, inner)}
    language = options["language"].string.sval if "language" in options else "plpgsql"
    if language == "sql" and "as" in options:
        return [Inner(options["as"].list.items[0].string.sval)]
    if kind == "create_function_stmt" and inner.HasField("sql_body"):
        return [*_atomic(inner.sql_body)]
    if kind == "create_function_stmt" and "as" not in options:
        return []  # no parser of PL/pgSQL may get it: this one would end the process
    try:
        trees = postgast.parse_plpgsql(postgast.deparse(source))
    except (postgast.PgQueryError, ValueError):  # what it writes of a trigger's function is no JSON
        return []
    found = [each for tree in trees for each in _statements(tree)]
    commits = any(each.sql in ENDS.values() for each in found)
    return [Inner(each.sql) for each in found] if commits else found


def _atomic(node: Node) -> Iterator[Inner]:
    """Yield the statements of BEGIN ATOMIC; RETURN with an expression has none."""
    kind, inner = unwrap(node)
    if kind == "list":
        for each in inner.items:
            yield from _atomic(each)
    elif kind not in ("", "return_stmt"):
        source = postgast.ParseResult()
        source.stmts.add().stmt.CopyFrom(node)
        yield Inner(postgast.deparse(source))


def _options(kind: str, inner: Node) -> Any:
    return inner.args if kind == "do_stmt" else inner.options


def _statements(tree: Any, repeated: bool = False) -> Iterator[Inner]:
    """Yield the statements in what the parser of PL/pgSQL returns: objects and lists of JSON."""
    for each in tree if isinstance(tree, list) else ():
        yield from _statements(each, repeated)
    for key, value in tree.items() if isinstance(tree, dict) else ():
        if key in ENDS:
            yield Inner(ENDS[key])
        elif key == COMPUTED:
            for text in _computed(value["query"]["PLpgSQL_expr"]["query"]):
                yield Inner(text, repeated)
        elif key == "PLpgSQL_expr" and value.get("parseMode") == WHOLE:
            yield Inner(value["query"], repeated)
        else:
            yield from _statements(value, repeated or key in LOOPS)


def _computed(expression: str) -> Iterator[str]:
    """Yield the statement that EXECUTE gets, as far as it is written there."""
    try:
        select = postgast.parse(f"SELECT {expression}").stmts[0].stmt.select_stmt
    except postgast.PgQueryError:
        return
    yield _text(select.target_list[0].res_target.val)


def _text(node: Node) -> str:
    kind, inner = unwrap(node)
    if kind == "a_expr" and texts(inner.name) == ["||"]:
        return _text(inner.lexpr) + _text(inner.rexpr)
    if kind == "func_call" and dotted(texts(inner.funcname)) == "format" and inner.args:
        pattern, *values = (_text(each) for each in inner.args)
        for mark in ("%I", "%L", "%s"):
            pattern = pattern.replace(mark, "\0" + mark[1])
        first, *rest = pattern.split("\0")
        filled = [*values, *[HOLE] * len(rest)]
        quoted = {"L": "'{}'", "I": '"{}"', "s": "{}"}
        parts = (quoted[part[0]].format(filled[n]) + part[1:] for n, part in enumerate(rest))
        return first + "".join(parts)
    text = constant(node)
    return HOLE if text is None else text
