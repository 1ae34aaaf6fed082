"""The SQL of an upgrade as a file, for review or for a DBA to run: UTF-8 under every locale."""

from contextlib import suppress
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from migrator import console, database
from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.revisions import description, graph, pending


def write(context: Context, output: Path, start: str | None = None, to: str = "head") -> str | None:
    """Write the SQL that leads from `start` to `to`, and return that range in words.

    Args:
        output: the file; it appears whole or not at all.
        start: a revision or "base"; by default the one that the database is at.
        to: a revision, later than `start` (upgrade) or earlier (downgrade).

    Returns:
        None when there is nothing between the two; no file is written then.

    Raises:
        UsageError: there is no such revision, or the file cannot be written.
    """
    if output.exists() and not output.is_file():  # a device would be removed
        name = console.argument(str(output))
        raise UsageError(f"{name} cannot be written: it is not a regular file.")
    with suppress(OSError):
        output.unlink()  # what an earlier run wrote must not be taken for this one's
    script = graph.load(context)
    if start is None:
        with database.connect(context, anywhere=True) as connection:
            current = pending.make(context, connection, revisions=script).current
        if len(current) > 1:
            raise UsageError(
                f"The database is at {len(current)} revisions ({', '.join(current)}): say which to"
                " start from (make sql from=REV)."
            )
        start = current[0] if current else "base"
    first, last = _resolve(script, start), _resolve(script, to)
    if first == last:
        return None
    back = last == "base" or (first != "base" and _follows(script, first, last))
    partial = output.with_name(f"{output.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(f"-- From {first} to {last}.\n\n")
            upper, lower = (first, last) if back else (last, first)
            between = [*script.iterate_revisions(upper, lower)]
            for each in between if back else between[::-1]:
                file.write(f"-- {' '.join(description.line(each).split())}\n")
            file.write("\n")
            if context.target.dialect == "postgresql":
                file.write("SET client_encoding = 'UTF8';\n\n")
            context.config.output_buffer = file
            step = command.downgrade if back else command.upgrade
            step(context.config, f"{first}:{last}", sql=True)
        partial.replace(output)
    except OSError as error:
        name = console.argument(str(output))
        raise UsageError(f"{name} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            partial.unlink()
    return f"from {first} to {last}"


def _resolve(script: ScriptDirectory, name: str) -> str:
    if name == "base":
        return name
    try:
        revision = script.get_revision(name)
    except CommandError as error:
        raise UsageError(f"{error}. `make history` lists the revisions.") from None
    return revision.revision if revision else "base"


def _follows(script: ScriptDirectory, later: str, earlier: str) -> bool:
    return any(revision.revision == earlier for revision in script.iterate_revisions(later, "base"))
