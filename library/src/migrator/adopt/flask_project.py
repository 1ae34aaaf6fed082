"""The application of a Flask project, in the form of Flask's own FLASK_APP."""

import ast
import os
from pathlib import Path

FACTORIES = ("create_app", "make_app")
APPLICATIONS = ("app", "application")


def find(folder: Path) -> str:
    """Return it as the environment, .flaskenv or the code names it; empty if none does."""
    if named := os.environ.get("FLASK_APP"):
        return named
    for name in (".flaskenv", ".env"):
        file = folder / name
        for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
            key, _, value = line.removeprefix("export ").partition("=")
            if key.strip() == "FLASK_APP" and value.strip():
                return value.strip().strip("\"'")
    places = [folder / "wsgi.py", folder / "app.py", *sorted(folder.glob("*.py"))]
    places += sorted(folder.glob("*/__init__.py")) + sorted(folder.glob("*/app.py"))
    for path in places:
        if found := _in(path):
            module = path.parent if path.name == "__init__.py" else path.with_suffix("")
            return f"{'.'.join(module.relative_to(folder).parts)}:{found}"
    return ""


def _in(path: Path) -> str:
    """Return the application or its factory that a file defines."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return ""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if "Flask" not in names:
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in FACTORIES:
            return node.name
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id in APPLICATIONS:
            return target.id
    return ""
