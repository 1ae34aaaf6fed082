"""Revision files read without running them: who follows whom, and what a revision does."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from migrator.errors import MigratorError

NAMES = ("revision", "down_revision", "depends_on", "branch_labels", "replaces")
# What only annotations need: a linter may rewrite it in revisions that were applied long ago.
FOR_TYPES = ("__future__", "collections.abc", "typing")


@dataclass(frozen=True)
class RevisionFile:
    """One revision.

    Attributes:
        path: its file, relative to the repository.
        parents: the revisions that it follows, none for the first.
        needs: the revisions that it depends on without following them.
        replaces: the revisions that it stands for, since a squash.
        body: what the file does, without comments, docstrings, annotations and line breaks.
    """

    revision: str
    path: str
    title: str
    parents: tuple[str, ...]
    needs: tuple[str, ...]
    replaces: tuple[str, ...]
    labels: tuple[str, ...]
    body: str

    @property
    def described(self) -> str:
        """The revision as people are told of it."""
        return f"{self.revision} ({self.title})" if self.title else self.revision


def read_all(files: Mapping[str, bytes], where: str) -> dict[str, RevisionFile]:
    """Return the revisions in `files` (contents by path) by their identifiers.

    Args:
        where: whose files they are, for messages.

    Raises:
        MigratorError: a file cannot be read, or two files have the same revision.
    """
    found: dict[str, RevisionFile] = {}
    for path, content in sorted(files.items()):
        try:
            revision = _read(path, content)
        except (SyntaxError, ValueError, TypeError) as error:
            raise MigratorError(
                f"{path} ({where}) cannot be read as a revision: {error}. Fix it; the identifiers"
                " in it have to be written out as text."
            ) from None
        if revision is None:
            continue
        if revision.revision in found:
            raise MigratorError(
                f"{path} and {found[revision.revision].path} ({where}) have the same revision"
                f" {revision.revision}; give the copy an identifier of its own."
            )
        found[revision.revision] = revision
    return found


@cache  # most files are the same in all trees
def _read(path: str, content: bytes) -> RevisionFile | None:
    module = ast.parse(content)
    values: dict[str, Any] = dict(_values(module))
    if "revision" not in values or "down_revision" not in values:
        return None
    return RevisionFile(
        revision=str(values["revision"]),
        path=path,
        title=(ast.get_docstring(module) or "").partition("\n")[0].strip(),
        parents=_tuple(values["down_revision"]),
        needs=_tuple(values.get("depends_on")),
        replaces=_tuple(values.get("replaces")),
        labels=_tuple(values.get("branch_labels")),
        body=ast.dump(_essence(module)),
    )


def _values(module: ast.Module) -> Iterator[tuple[str, Any]]:
    for statement in module.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case _:
                continue
        if name in NAMES:
            yield name, ast.literal_eval(value)


def _tuple(value: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(sorted(value or ()))


def _essence(module: ast.Module) -> ast.Module:
    """Remove what can change in a file without changing what it does."""
    _Essence().visit(module)
    module.body = [s for s in module.body if not _is_identity(s) and not _is_for_types(s)]
    return module


def _is_identity(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in NAMES for target in statement.targets
    )


def _is_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module in FOR_TYPES


class _Essence(ast.NodeTransformer):
    """Without docstrings and annotations; a lone text in a body does nothing either."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """A body that is a docstring only does the same as one with `pass`."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign(targets=[node.target], value=node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node
