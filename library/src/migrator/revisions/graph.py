"""The graph of this code's revisions: read from their files, and found by name."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from traceback import walk_tb

from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from migrator.config import application
from migrator.config.context import Context
from migrator.config.ending import contained
from migrator.errors import MigratorError, UsageError
from migrator.revisions import missing, unreadable


def load(context: Context, *, tolerant: bool = False) -> ScriptDirectory:
    """Read the revision files.

    Args:
        tolerant: a revision that cannot be imported is there all the same; see `unreadable`.

    Raises:
        MigratorError: one of them is broken, or the one that it follows is missing.
    """
    script = ScriptDirectory.from_config(context.config)
    application.enter(context.config)
    try:
        spared = unreadable.tolerated() if tolerant else nullcontext()
        with _operations(context), spared, contained():
            heads = script.get_heads()
    except CommandError:
        raise
    except Exception as error:
        file = _broken(script, error)
        if isinstance(error, KeyError) and not file:
            lost = missing.from_history(context, str(error.args[0]))
            found = MigratorError(
                f"Revision {error} is missing, but another one names it as its down_revision:"
                f" {lost.where}. Restore its file."
            )
            found.details = (("to bring it", lost.restore),) if lost.source else ()
            raise found from None
        raise MigratorError(
            f"A revision file cannot be read: {file}{type(error).__name__}: {error}. Fix it and run"
            " the command again."
        ) from None
    if len(set(heads)) < len(heads):
        raise MigratorError(
            f"Two files have the same revision ({', '.join(sorted(set(heads)))}); give the copy an"
            " identifier of its own."
        )
    return script


@contextmanager
def _operations(context: Context) -> Iterator[None]:
    """Let revisions call `op` while they are imported: `op.get_bind()` has no connection then."""
    try:
        op.get_context()
    except (NameError, AttributeError):  # outside env.py, or after it
        options = {"as_sql": True}
        there = MigrationContext.configure(dialect_name=context.target.dialect, opts=options)
        with Operations.context(there):
            yield
    else:
        yield


def _broken(script: ScriptDirectory, error: Exception) -> str:
    """Return which revision file raised an error while it was imported or read, if one did."""
    folders = [Path(folder).resolve() for folder in script._version_locations]
    files = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    # Alembic's own frames say which file they are about: it may not be text, or no revision.
    about = [str(frame.f_locals.get("path", "")) for frame, _ in walk_tb(error.__traceback__)]
    named = str(getattr(error, "filename", None) or "")  # a SyntaxError, an OSError
    for each in (*about, *files, named)[::-1]:
        path = Path(each).resolve()
        if each and any(folder in path.parents for folder in folders):
            return f"{path.name}: "
    return ""


def is_known(script: ScriptDirectory, revision: str) -> bool:
    """Tell whether this code has the revision."""
    try:
        script.get_revision(revision)
    except CommandError:
        return False
    return True


def find(script: ScriptDirectory, to: str) -> str:
    """Return the identifier of the revision `to`, as Alembic writes it.

    Raises:
        MigratorError: there are several heads.
        UsageError: there is no such revision.
    """
    heads = script.get_heads()
    if len(heads) > 1:
        raise MigratorError(
            f"The history has {len(heads)} heads ({', '.join(heads)}), so it is not clear where to"
            ' go; join them with `make merge m="merge"`.'
        )
    if not heads:
        raise UsageError('There is no revision yet; write one with `make revision m="initial"`.')
    if to in ("head", "heads"):
        return heads[0]
    try:
        found = script.get_revision(to)
    except CommandError:
        found = None
    if found is None:
        raise UsageError(f"There is no revision {to}; `make history` lists them.")
    return found.revision
