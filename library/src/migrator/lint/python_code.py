"""The Python of a revision, as far as it can be judged without running it."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from migrator.lint.row_loops import is_autocommit_block, row_writes

UPGRADE = "upgrade"
CALLED = (ast.Call, ast.Attribute)


@dataclass(frozen=True)
class Call:
    """A call: its dotted name, as "alembic.op.get_bind().commit", and its line.

    Names that were imported or assigned are replaced by what they stand for.
    """

    name: str
    line: int

    def ends_with(self, *names: str) -> bool:
        """Return whether the last part of the name is one of these."""
        return self.name.rpartition(".")[2] in names


@dataclass(frozen=True)
class Code:
    """What `upgrade` and the functions that it may use call, in their order, and the imports.

    `imported` is what of the imported modules is used, each with the line of the import; an import
    from a module counts as used.

    `blocks` are the lines at which an autocommit block begins, each with the line of the statement
    directly before it. `row_writes` are the lines in a loop over rows of the database that change
    one of them, all in the transaction of the revision.
    """

    text: str
    calls: tuple[Call, ...] = ()
    imports: tuple[tuple[str, int], ...] = ()
    imported: tuple[tuple[str, int], ...] = ()
    attributes: tuple[Call, ...] = ()
    blocks: tuple[tuple[int, int], ...] = ()
    row_writes: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Code":
        """Read the text of a revision file."""
        return _read(text)

    def line(self, number: int) -> str:
        """Return the text of a line, without the space around it."""
        return self.text.splitlines()[number - 1].strip()


@lru_cache(maxsize=8)
def _read(text: str) -> Code:
    tree = ast.parse(text)
    everything = [*ast.walk(tree)]
    names = _names(everything)
    used = [*_used(tree)]
    nodes = [node for part in used for node in ast.walk(part)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return Code(
        text,
        tuple(Call(_dotted(node.func, names), node.lineno) for node in calls),
        tuple(_imports(everything)),
        tuple(_imported(everything, names)),
        tuple(Call(_dotted(node, names), node.lineno) for node in attributes),
        tuple(_blocks(nodes)),
        tuple(row_writes(used, lambda node: _dotted(node, names))),
    )


def _used(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield `upgrade`, and the functions of the file that it uses, one through another."""
    functions = {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    left, seen = [UPGRADE], set()
    while left:
        name = left.pop()
        if name in functions and name not in seen:
            seen.add(name)
            yield functions[name]
            names = (node for node in ast.walk(functions[name]) if isinstance(node, ast.Name))
            left += (node.id for node in names)


def _names(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return what names stand for: modules and what is in them, and calls."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            found |= {each.asname or each.name: prefix + each.name for each in node.names}
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            if isinstance(node.targets[0], ast.Name) and isinstance(node.value, CALLED):
                found.setdefault(node.targets[0].id, _dotted(node.value, found))
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            found.setdefault(node.optional_vars.id, _dotted(node.context_expr, found))
    return found


def _dotted(node: ast.AST, names: Mapping[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, names)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{_dotted(node.func, names)}()"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _imported(nodes: Sequence[ast.AST], names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    attributes = {_dotted(node, names) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                inside = f"{alias.name}."
                yield from ((each, node.lineno) for each in attributes if each.startswith(inside))
        elif isinstance(node, ast.ImportFrom):
            yield from _imports([node])


def _blocks(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, int]]:
    for node in nodes:
        body = getattr(node, "body", [])
        for before, after in pairwise(body) if isinstance(body, list) else ():
            if is_autocommit_block(after):
                yield after.lineno, before.lineno
