"""Write a revision that makes a whole schema, and prove that it does."""

import ast
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_python_into_templatevars
from alembic.operations import ops
from alembic.script import ScriptDirectory
from alembic.script.write_hooks import _run_hooks
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.history import revision_draft, schema
from migrator.history.revision_draft import Draft
from migrator.history.schema import Schema
from migrator.history.shadow_databases import ShadowDatabases, with_revisions


class Loop(ops.MigrateOperation):
    """A loop that executes the statements of one of the revision's constants."""

    def __init__(self, constant: str) -> None:
        self.constant = constant


@renderers.dispatch_for(Loop)
def _render_loop(_context: AutogenContext, op: Loop) -> str:
    # In one line, because Alembic's printer would not end the block; ruff breaks it.
    return f"for statement in {op.constant}: op.execute(statement)"


@dataclass(frozen=True)
class RevisionParts:
    """What stands in the revision besides its two functions.

    Args:
        replaces: the revisions that it stands for.
        labels: its branch labels.
        rows: the statements that fill tables.
    """

    message: str
    replaces: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProvedRevision:
    """A revision that was written and proved.

    Args:
        path: its file.
        carried: the objects that are SQL in it.
        why: why all of them are, if all of them are.
    """

    path: Path
    carried: tuple[str, ...]
    why: str


def write_proved(
    shadows: ShadowDatabases,
    folder: Path,
    revision: str,
    source: Engine,
    wanted: Schema,
    text: RevisionParts,
    filled: Sequence[str] = (),
) -> ProvedRevision:
    """Write a first revision that makes the schema `wanted` into `folder`, and prove it.

    Args:
        source: the database whose schema that is.
        filled: the tables that the revision fills.

    Raises:
        MigratorError: it cannot be written; the message says what would differ.
    """
    why = ""
    for plain in (False, True):
        made = revision_draft.make(shadows, source, wanted, plain=plain)
        path = write(shadows.context, folder, revision, made, text)
        problem = prove(shadows, folder, revision, wanted, (filled, text.rows))
        if not problem:
            return ProvedRevision(path, tuple(one.title for one in made.carried), why)
        path.unlink()
        why = problem
    raise MigratorError(
        "One revision that makes the same schema cannot be written, so nothing was changed. What"
        f" differs:\n{why}"
    )


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
        # Revisions that follow this one would be an error while it is not there yet. The folder
        # is below the other one for the sake of its ruff.toml.
        alone = with_revisions(context.fresh(), Path(empty)).config
        scripts = ScriptDirectory.from_config(alone)
        with redirect_stdout(StringIO()):  # what the hooks say about themselves
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
            raise MigratorError("Alembic wrote no revision; nothing was changed.")
        written = Path(script.path)
        path = folder / written.relative_to(empty)
        path.parent.mkdir(parents=True, exist_ok=True)
        return written.rename(path)


def _insert(path: Path, constants: str) -> None:
    """Put the constants above the functions that use them.

    The project's template knows nothing of them, and what it does with imports is its own matter.
    """
    source = path.read_text(encoding="utf-8")
    module = ast.parse(source)
    line = next(part.lineno for part in module.body if isinstance(part, ast.FunctionDef))
    lines = source.split("\n")  # as Python counts them
    above, below = "\n".join(lines[: line - 1]), "\n".join(lines[line - 1 :])
    path.write_text(f"{above}\n{constants}\n\n\n{below}", encoding="utf-8")


def prove(
    shadows: ShadowDatabases,
    folder: Path,
    revision: str,
    wanted: Schema,
    filled: tuple[Sequence[str], tuple[str, ...]] = ((), ()),
) -> str:
    """Run the revision up, down and up again on an empty database.

    Args:
        filled: tables, and the statements that fill them as they should be filled.

    Returns:
        What is wrong; empty when the schema is `wanted` both times and nothing is left between.
    """
    with shadows.empty() as engine, shadows.configured(engine, folder) as copy:
        try:
            command.upgrade(copy.config, revision)
            if different := schema.difference(wanted, shadows.schema(engine)):
                return different
            if shadows.rows(engine, filled[0]) != filled[1]:
                return f"other rows in {', '.join(filled[0])}"
            command.downgrade(copy.config, "base")
            if left := schema.remains(shadows.schema(engine)):
                return "left after a downgrade: " + ", ".join(one.title for one in left)
            command.upgrade(copy.config, revision)
            return schema.difference(wanted, shadows.schema(engine))
        except (MigratorError, SQLAlchemyError, ValueError, TypeError, NameError) as error:
            return " ".join(str(getattr(error, "orig", None) or error).split())


def _calls(found: Draft, text: RevisionParts) -> ops.MigrationScript:
    """Return Alembic's part with loops over the constants around it."""
    up, down = found.script.upgrade_ops, found.script.downgrade_ops
    assert up is not None and down is not None
    first: list[ops.MigrateOperation] = [Loop("BEFORE")] if found.before else []
    if any(one.kind in ("FUNCTION", "PROCEDURE") for one in found.carried):
        # A body may name what comes later.
        first.insert(0, ops.ExecuteSQLOp("SET LOCAL check_function_bodies = off"))
    last = [Loop(name) for name, part in (("ROWS", text.rows), ("AFTER", found.after)) if part]
    drops = [Loop("DROP_FIRST")] if found.drop_after else []
    dropped = [Loop("DROP_LAST")] if found.drop_before else []
    return ops.MigrationScript(
        None,
        ops.UpgradeOps([*first, *up.ops, *last]),
        ops.DowngradeOps([*drops, *down.ops, *dropped]),
    )


_BEFORE = "What Alembic cannot write, as the database's own dump has it."
_ROWS = "The rows that the old revisions wrote."
_AFTER = "The same, for what needs the tables."


def _constant(name: str, statements: Sequence[str], comment: str = "") -> str:
    if not statements:
        return ""
    lines = [f"# {comment}"] if comment else []
    return "\n".join([*lines, f"{name} = (", *(f"    {_literal(s)}," for s in statements), ")"])


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
        "# A database at one of these has to be upgraded with the code that still has them.\n"
        f"replaces: tuple[str, ...] = (\n{names})"
    )
