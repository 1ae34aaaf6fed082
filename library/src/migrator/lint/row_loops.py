"""Loops in a revision's Python that read rows from the database and change them one by one."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from migrator.lint.known_schema import Schema
from migrator.lint.statements import read
from migrator.postgres import sql

READS = ("execute", "exec_driver_sql", "query", "scalars", "fetchall")
SENDS = ("execute", "exec_driver_sql")
MAPPINGS = ("bulk_update_mappings", "bulk_save_objects")  # which send one for each of a list
WRITES = ("update()", "delete()")
WRITTEN = ("UPDATE", "DELETE")
QUERIES = ("SELECT", "WITH", "VALUES", "TABLE")
COMMITS = "autocommit_block"
BOUNDS = ("limit", "first", "one", "one_or_none", "get")
WHERES = ("where", "filter", "filter_by")

Dotted = Callable[[ast.AST], str]


@dataclass(frozen=True)
class RowWrite:
    """A line that changes one row, in a loop over rows that a query reads.

    `queries` are the texts of SQL that the loop is over, `columns` those that Python limits to
    constants; `bounded` if it reads no more than a batch. `text` is that of the file.
    """

    line: int
    queries: tuple[str, ...]
    columns: frozenset[str]
    bounded: bool
    text: str = ""

    def is_of_few(self, schema: Schema) -> bool:
        """Return whether the rows are few for certain: of a list, a batch, or by a key."""
        if self.bounded:
            return True
        if self.queries:
            return all(_is_of_few(each, schema) for each in self.queries)
        tables = [name for name in schema.tables if name.rpartition(".")[2] in self.text]
        return bool(self.columns) and any(schema.is_key(each, self.columns) for each in tables)


def _is_of_few(query: str, schema: Schema) -> bool:
    reads = [each for each in read(sql.numbered(query)).actions if each.kind.endswith("read")]
    return all(
        each.has("limited") or (each.columns and schema.is_key(each.table, each.columns))
        for each in reads
    )


def is_autocommit_block(node: ast.AST) -> bool:
    """Return whether a statement is `with ....autocommit_block():`."""
    return isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Attribute)
        and item.context_expr.func.attr == COMMITS
        for item in node.items
    )


def row_writes(functions: Sequence[ast.AST], dotted: Dotted, text: str) -> Iterator[RowWrite]:
    """Yield what changes one row, in a loop over rows of the database.

    Outside an autocommit block these are one transaction.

    Args:
        functions: those that are called, which call each other.
        dotted: returns the name of what an expression is, as "session.query().all()".
    """
    named = {each.name: each for each in functions if isinstance(each, ast.FunctionDef)}
    for function in functions:
        loops = _Loops(dotted, text, {**named, **_assigned(function)})
        yield from loops.found([function])


def _assigned(function: ast.AST) -> dict[str, ast.AST]:
    """Return what the names of a function stand for."""
    return {
        node.targets[0].id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


class _Loops:
    """The loops of one function, in which `names` stand for expressions and functions."""

    def __init__(self, dotted: Dotted, text: str, names: Mapping[str, ast.AST]) -> None:
        self._dotted, self._text, self._names = dotted, text, names

    def found(self, nodes: Iterable[ast.AST]) -> Iterator[RowWrite]:
        """Yield those in `nodes` and below."""
        for node in nodes:
            if is_autocommit_block(node):
                continue
            lines: list[int] = []
            sources: list[ast.expr] = []
            if isinstance(node, ast.For):
                targets = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
                lines, sources = self._writes(node, targets), [node.iter]
            elif isinstance(node, ast.Call):
                lines, sources = [node.lineno], self._sent(node)
            query = self._query(sources) if lines and sources else None
            if query:
                yield from (RowWrite(line, *query, self._text) for line in lines)
            yield from self.found(ast.iter_child_nodes(node))

    def _query(
        self, sources: Iterable[ast.expr]
    ) -> tuple[tuple[str, ...], frozenset[str], bool] | None:
        """Return what is read from the database to make expressions, if anything is."""
        nodes = [node for source in sources for node in self._reached(source, set())]
        called = {
            each.func.attr
            for each in nodes
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
        }
        if called.isdisjoint(READS):
            return None
        texts = (each.value for each in nodes if isinstance(each, ast.Constant))
        queries = [
            text for text in texts if isinstance(text, str) and sql.first_word(text) in QUERIES
        ]
        return tuple(queries), frozenset(_limited(nodes)), not called.isdisjoint(BOUNDS)

    def _reached(self, node: ast.AST, seen: set[str]) -> Iterator[ast.AST]:
        """Yield what an expression is made of, also through names."""
        for each in ast.walk(node):
            yield each
            if isinstance(each, ast.Name) and each.id in self._names and each.id not in seen:
                seen.add(each.id)
                yield from self._reached(self._names[each.id], seen)

    def _sent(self, call: ast.Call) -> list[ast.expr]:
        """Return the list for each of which a call sends a write, if it does."""
        if not isinstance(call.func, ast.Attribute):
            return []
        if call.func.attr in MAPPINGS:
            return call.args
        inside = [each for argument in call.args for each in ast.walk(argument)]
        if call.func.attr not in SENDS or not any(map(self._is_write, inside)):
            return []
        return [
            part.iter
            for each in inside
            if isinstance(each, ast.ListComp | ast.GeneratorExp)
            for part in each.generators
        ] or [each for each in call.args[1:2] if self._is_list(each)]

    def _is_list(self, node: ast.expr) -> bool:
        value = self._names.get(node.id) if isinstance(node, ast.Name) else None
        return isinstance(value, ast.ListComp | ast.GeneratorExp)

    def _writes(self, loop: ast.For, targets: set[str]) -> list[int]:
        found = []
        for node in (each for part in loop.body for each in ast.walk(part)):
            if isinstance(node, ast.Assign | ast.AugAssign):
                assigned = node.targets if isinstance(node, ast.Assign) else [node.target]
                attributes = [each for each in assigned if isinstance(each, ast.Attribute)]
                if any(_root(each) in targets for each in attributes):
                    found.append(loop.lineno)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                inside = [each for argument in node.args for each in ast.walk(argument)]
                sends = node.func.attr in SENDS and any(map(self._is_write, inside))
                deletes = node.func.attr == "delete"  # session.delete(row)
                if sends or (deletes and any(_root(each) in targets for each in node.args)):
                    found.append(node.lineno)
        return found

    def _is_write(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, str) and sql.first_word(node.value) in WRITTEN
        return any(part in WRITES for part in self._dotted(node).split("."))


def _limited(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the columns that `where`, `filter` and `filter_by` limit to constants."""
    columns: list[ast.expr] = []
    for node in nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in WHERES:
            yield from (each.arg for each in node.keywords if each.arg)
            compared = [each for each in node.args if isinstance(each, ast.Compare)]
            columns += [each.left for each in compared if _is_equal(each)]
        elif node.func.attr == "in_":
            lists = [each for each in node.args if isinstance(each, ast.List | ast.Tuple)]
            columns += [node.func.value for _ in lists]
    yield from (each.attr for each in columns if isinstance(each, ast.Attribute))


def _is_equal(compared: ast.Compare) -> bool:
    value = compared.comparators[0]
    return isinstance(compared.ops[0], ast.Eq) and isinstance(value, ast.Constant | ast.Name)


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
