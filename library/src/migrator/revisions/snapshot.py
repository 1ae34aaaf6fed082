"""schema.sql: the schema that the revisions build, so that a review sees a change as a diff."""

from difflib import unified_diff
from pathlib import Path

from sqlalchemy.engine import URL

from migrator.config.context import Context
from migrator.errors import MigratorError, RefusedError, UsageError
from migrator.revisions import schema_dump

FILE = "schema.sql"
HEADER = (
    "-- The schema that the revisions build from nothing, to read in reviews;"
    " `make revision` writes it.\n"
    "-- Do not edit it. After you edited a revision, or after a conflict here: `make snapshot`.\n\n"
)
FIRST_WORDS = 39  # of the header: they stay, so that the file is known again
SHOWN = 40  # lines of a difference


def write(context: Context, url: URL) -> bool:
    """Write schema.sql beside the ini file, and tell whether that changed it.

    Args:
        url: a database that all revisions have been applied to, and nothing else.

    Raises:
        MigratorError: the schema cannot be read.
        RefusedError: there is a file of this name that is not ours.
        UsageError: the file cannot be written.
    """
    file = path(context)
    old = read(file)
    if old and not old.startswith((HEADER[:FIRST_WORDS], "<<<<<<< ")):
        raise RefusedError(
            f"{file} was not written by this tool, and would be lost: move it away, then run `make"
            " snapshot` again."
        )
    new = _text(context, url)
    try:
        if old == new:
            return False
        file.write_text(new, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{FILE} cannot be written: {error.strerror}.") from None
    return True


def check(context: Context, url: URL) -> bool:
    """Compare schema.sql with the revisions, and change nothing.

    Args:
        url: as for `write`.

    Returns:
        False if there is no such file: a project that does not want it deletes it.

    Raises:
        MigratorError: it is stale; the message has the difference. Otherwise as for `write`.
    """
    old = read(path(context))
    if old is None:
        return False
    new = _text(context, url)
    if old == new:
        return True
    if any(line.startswith(("<<<<<<< ", ">>>>>>> ")) for line in old.splitlines()):
        raise MigratorError(f"{FILE} has a conflict from a merge in it: run `make snapshot`.")
    names = f"{FILE} as it is", f"{FILE} as the revisions build it"
    lines = list(unified_diff(old.splitlines(), new.splitlines(), *names, n=1, lineterm=""))
    shown = "\n".join(lines[:SHOWN])
    left = f"\n... and {len(lines) - SHOWN} lines more" if len(lines) > SHOWN else ""
    raise MigratorError(
        f"{FILE} is stale, so a review would not show what the revisions do: run `make snapshot`,"
        f" look at the difference and commit it.\n{shown}{left}"
    )


def _text(context: Context, url: URL) -> str:
    return HEADER + schema_dump.dump(url, context.settings.pg_bin)


def path(context: Context) -> Path:
    """Return where schema.sql is, or will be."""
    return context.folder / FILE


def read(file: Path) -> str | None:
    """Return the text of the file, None when there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
