"""The file of a revision that creates a whole schema."""

import ast
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_python_into_templatevars
from alembic.operations import ops
from alembic.script import ScriptDirectory
from alembic.script.write_hooks import _run_hooks

from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.history import revision_draft
from migrator.history.revision_draft import Draft
from migrator.history.shadow_databases import with_revisions


class Loop(ops.MigrateOperation):
    """A loop that executes the statements in a constant of the revision."""

    def __init__(self, constant: str) -> None:
        self.constant = constant


@renderers.dispatch_for(Loop)
def _render_loop(_context: AutogenContext, op: Loop) -> str:
    # On one line, because Alembic's printer would not end the block; ruff wraps it.
    return f"for statement in {op.constant}: op.execute(statement)"


@dataclass(frozen=True)
class RevisionParts:
    """What the revision contains besides the schema.

    Args:
        replaces: the revisions that it replaces.
        labels: its branch labels.
        rows: the statements that insert rows.
    """

    message: str
    replaces: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


def write(context: Context, folder: Path, revision: str, found: Draft, text: RevisionParts) -> Path:
    """Write a first revision into `folder` and return its path."""
    variables: dict[str, Any] = {}
    autogenerate = AutogenContext(found.context, autogenerate=False)
    _render_python_into_templatevars(autogenerate, _calls(found, text), variables)
    parts = [
        _replaces(text.replaces),
        _constant("BEFORE", revision_draft.statements(found.before), _BEFORE),
        _constant("ROWS", text.rows, _ROWS),
        _constant("AFTER", revision_draft.statements(found.after), _AFTER),
        _constant("DROP_FIRST", found.drop_after),
        _constant("DROP_LAST", found.drop_before),
    ]
    constants = "\n\n".join(part for part in parts if part)
    with tempfile.TemporaryDirectory(dir=folder, prefix="draft-") as empty:
        # The revisions that follow this one could not be loaded while it does not exist. The
        # temporary folder is inside `folder` so that its ruff.toml applies.
        alone = with_revisions(context.fresh(), Path(empty)).config
        scripts = ScriptDirectory.from_config(alone)
        with redirect_stdout(StringIO()):  # discard the output of the hooks
            script = scripts.generate_revision(
                revision,
                text.message,
                head="base",
                branch_labels=text.labels or None,
                config=alone,
                **variables,
            )
            if script is not None:
                _insert(Path(script.path), constants)
                _run_hooks(script.path, scripts.hooks)
        if script is None:
            raise MigratorError("Alembic did not write a revision; nothing was changed.")
        written = Path(script.path)
        path = folder / written.relative_to(empty)
        path.parent.mkdir(parents=True, exist_ok=True)
        return written.rename(path)


def _insert(path: Path, constants: str) -> None:
    """Put the constants above the functions that use them.

    The project's script.py.mako has no place for them, and may write imports as it likes.
    """
    source = path.read_text(encoding="utf-8")
    module = ast.parse(source)
    line = next(part.lineno for part in module.body if isinstance(part, ast.FunctionDef))
    lines = source.split("\n")  # split as Python counts lines
    above, below = "\n".join(lines[: line - 1]), "\n".join(lines[line - 1 :])
    path.write_text(f"{above}\n{constants}\n\n\n{below}", encoding="utf-8")


def _calls(found: Draft, text: RevisionParts) -> ops.MigrationScript:
    """Return Alembic's operations, surrounded by loops over the constants."""
    up, down = found.script.upgrade_ops, found.script.downgrade_ops
    assert up is not None and down is not None
    first: list[ops.MigrateOperation] = [Loop("BEFORE")] if found.before else []
    if any(one.kind in ("FUNCTION", "PROCEDURE") for one in found.carried):
        # A function body may refer to an object that is created later.
        first.insert(0, ops.ExecuteSQLOp("SET LOCAL check_function_bodies = off"))
    last = [Loop(name) for name, part in (("ROWS", text.rows), ("AFTER", found.after)) if part]
    drops = [Loop("DROP_FIRST")] if found.drop_after else []
    dropped = [Loop("DROP_LAST")] if found.drop_before else []
    return ops.MigrationScript(
        None,
        ops.UpgradeOps([*first, *up.ops, *last]),
        ops.DowngradeOps([*drops, *down.ops, *dropped]),
    )


_BEFORE = "What Alembic cannot write, as SQL from the dump of the database."
_ROWS = "The rows that the replaced revisions inserted."
_AFTER = "The same, for objects that depend on the tables."


def _constant(name: str, statements: Sequence[str], comment: str = "") -> str:
    if not statements:
        return ""
    lines = [f"# {comment}"] if comment else []
    return "\n".join([*lines, f"{name} = (", *map(_item, statements), ")"])


def _item(statement: str) -> str:
    """Return a line of a tuple; ruff would take away blanks that are part of a function's body."""
    code = _literal(statement)
    ends = [line for line in code.splitlines() if line != line.rstrip()]
    rules = {"W291" if line.strip() else "W293" for line in ends}
    said = f"  # noqa: {', '.join(sorted(rules))}" if rules else ""
    return f"    {code},{said}"


def _literal(statement: str) -> str:
    sql = revision_draft.escape(statement)
    if "\n" not in sql and '"' not in sql and "\\" not in sql:
        return f'"{sql}"'
    if '"""' in sql or sql.endswith(('"', "\\")) or "\r" in sql:
        return repr(sql)
    return f'r"""{sql}"""' if "\\" in sql else f'"""{sql}"""'


def _replaces(revisions: Sequence[str]) -> str:
    if not revisions:
        return ""
    names = "".join(f"    {revision!r},\n" for revision in revisions)
    return (
        "# A database at one of these has to be upgraded with the code that still contains them.\n"
        f"replaces: tuple[str, ...] = (\n{names})"
    )
