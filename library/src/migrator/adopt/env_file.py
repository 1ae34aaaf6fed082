"""An env.py of another kind: what it does, and the import and the call that it needs."""

import ast
import io
from dataclasses import dataclass

IMPORT = "from migrator import environment"
CALL = "environment.adopt({config})"
SYNC, ASYNC, FLASK, MULTIDB = "sync", "async", "flask-migrate", "multidb"


@dataclass(frozen=True)
class EnvFile:
    """An env.py: its kind, and its text with the two lines; None if it is not understood.

    `adopted` is whether it has them already, or is this tool's own.
    """

    kind: str
    adopted: bool
    completed: str | None
    why: str = ""


def read(text: str) -> EnvFile:
    """Read an env.py, and add the lines to its text, which stays as it is otherwise."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return EnvFile(SYNC, False, None, f"it is not Python (line {error.lineno})")
    kind, names = _kind(tree), _names(tree)
    if any(name.startswith("migrator.environment") for name in names.values()):
        return EnvFile(kind, True, text)
    context = next((own for own, name in names.items() if name == "alembic.context"), "")
    if not context:
        return EnvFile(kind, False, None, "it does not import context from alembic")
    imported, place, config = _places(tree, context)
    if imported is None or place is None:
        return EnvFile(kind, False, None, "it imports alembic inside of functions only")
    own = "environment" if "environment" not in _bound(tree) else "migrator_environment"
    line = IMPORT if own == "environment" else f"{IMPORT} as {own}"
    call = CALL.format(config=config).replace("environment", own, 1)
    completed = _inserted(text, [(imported, line), (place, call)])
    added = len(ast.parse(completed).body) - len(tree.body)
    return EnvFile(kind, False, completed if added == 2 else None, "a line holds two statements")


def _kind(tree: ast.Module) -> str:
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    if "engine_name" in keywords:
        return MULTIDB
    if "current_app" in words:
        return FLASK
    awaits = any(isinstance(node, ast.Await | ast.AsyncFunctionDef) for node in ast.walk(tree))
    return ASYNC if awaits or "run_sync" in words else SYNC


def _names(tree: ast.Module) -> dict[str, str]:
    """Return what the module imports at its top level, by the name that it has there."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {
                alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names
            }
    if "alembic" in found.values() or "alembic.context" in found:
        found.setdefault("alembic.context", "alembic.context")
    return found


def _bound(tree: ast.Module) -> set[str]:
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    defined = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    return stored | defined | _names(tree).keys()


def _places(tree: ast.Module, context: str) -> tuple[int | None, int | None, str]:
    """Return after which lines the import and the call go, and what the call gets.

    The call follows `config = context.config`; without that, the last import at the top level.
    """
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    of_alembic = [
        node
        for node in imports
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("alembic"))
        or (isinstance(node, ast.Import) and any(a.name.startswith("alembic") for a in node.names))
    ]
    if not of_alembic:
        return None, None, ""
    imported = of_alembic[-1].end_lineno
    config = f"{context}.config"
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        if ast.unparse(node.value) == config:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and (node.end_lineno or 0) >= (imported or 0):
                return imported, node.end_lineno, target.id
    return imported, imports[-1].end_lineno, config


def _inserted(text: str, added: list[tuple[int, str]]) -> str:
    """Return `text` with each line after the line with that number (from 1), as it ends lines."""
    end = "\r\n" if "\r\n" in text else "\n"
    made: list[str] = []
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        made.append(line)
        for after, new in added:
            if after == number:
                made[-1] += "" if made[-1].endswith(("\n", "\r")) else end
                made.append(f"{new}{end}")
    return "".join(made)
