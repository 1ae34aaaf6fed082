"""The schema that the revisions build, in two files; for a fleet, in three.

schema.sql is for reviews, which see a change as a diff; catalog.txt (see recorded_schema) is for
comparisons, since it does not depend on the server's version. tenant.sql makes a new tenant.
"""

from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import URL

from migrator import shadow
from migrator.config import histories, version_table
from migrator.config.context import Context
from migrator.errors import MigratorError, RefusedError, UsageError
from migrator.revisions import recorded_schema, schema_dump
from migrator.revisions.recorded_schema import RecordedSchema

FILE = "schema.sql"
HEADER = (
    "-- The schema that the revisions build from nothing, to read in reviews;"
    " `make revision` writes it.\n"
    "-- Do not edit it. After you edited a revision, or after a conflict here: `make snapshot`.\n\n"
)
TENANT = "tenant.sql"
OF_TENANT = (
    "-- The schema of a new tenant at revision {revision}: `fleet create` executes it. `make"
    " revision` and\n-- `make snapshot` write it; do not edit it.\n\n"
)
PRODUCTION = "alembic_prod.ini"
FIRST_WORDS = 39  # of the header: they stay, so that the file is known again
SHOWN = 40  # lines of a difference


def write(context: Context, url: URL, *, keep: bool) -> list[str]:
    """Write the files of the snapshot, and return the names of those that changed.

    Args:
        keep: do not write schema.sql where there is none: a project that does not want it deletes
            it.
        url: a shadow database that all revisions have been applied to, and nothing else.

    Raises:
        MigratorError: the schema cannot be read.
        RefusedError: there is a schema.sql that is not ours.
        UsageError: a file cannot be written.
    """
    file, record = path(context), recorded_schema.path(context)
    old = read(file)
    if old and not old.startswith((HEADER[:FIRST_WORDS], "<<<<<<< ")):
        raise RefusedError(
            f"{file} was not written by this tool, and would be lost: move it away, then run `make"
            " snapshot` again."
        )
    wanted = old is not None or not keep
    now = _recorded(url)
    texts = {record: now.text(), **({file: _sql(context, url)} if wanted else {})}
    if has_fleet(context):
        texts[tenant_path(context)] = _of_tenant(context, url, now)
    return [name.name for name, text in texts.items() if _replace(name, text)]


def said(names: Sequence[str]) -> str:
    """Return a sentence about the files that were written."""
    them = "them" if len(names) > 1 else "it"
    return f"Wrote {' and '.join(names)}: commit {them} together with the revisions."


def check(context: Context, url: URL) -> list[str]:
    """Compare the files with the revisions, change nothing, and return those that match.

    schema.sql is compared only with the server that it was written on: every version of pg_dump
    writes another text.

    Args:
        url: as for `write`.

    Raises:
        MigratorError: one is stale; the message has the difference. Otherwise as for `write`.
    """
    record, file = recorded_schema.path(context), path(context)
    now, recorded = _recorded(url), recorded_schema.read(record)
    old = read(file)
    if recorded is not None:
        with shadow.reading(url) as connection:
            found = recorded.differences(connection)
        if found or recorded.revision != now.revision:
            lines = [each.describe("the revisions", record.name) for each in found]
            raise _stale(record.name, lines)
    same_server = recorded is None or recorded.server == now.server
    if (
        same_server
        and has_fleet(context)
        and read(tenant_path(context)) != _of_tenant(context, url, now)
    ):
        raise _stale(TENANT, ())
    if old is None or not same_server:
        return [record.name] if recorded else []
    new = _sql(context, url)
    if old != new:
        if any(line.startswith(("<<<<<<< ", ">>>>>>> ")) for line in old.splitlines()):
            raise MigratorError(
                f"{file.name} has a conflict from a merge in it: run `make snapshot`."
            )
        names = f"{file.name} as it is", f"{file.name} as the revisions build it"
        lines = [*unified_diff(old.splitlines(), new.splitlines(), *names, n=1, lineterm="")]
        raise _stale(file.name, lines)
    return [file.name, *([record.name] if recorded else [])]


def _stale(name: str, lines: Sequence[str]) -> MigratorError:
    shown = "\n".join(["", *lines[:SHOWN]])
    left = f"\n... and {len(lines) - SHOWN} lines more" if len(lines) > SHOWN else ""
    return MigratorError(
        f"{name} is stale, so a review would not show what the revisions do: run `make snapshot`,"
        f" look at the difference and commit it.{shown if lines else ''}{left}"
    )


def _replace(file: Path, text: str) -> bool:
    if read(file) == text:
        return False
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{file.name} cannot be written: {error.strerror}.") from None
    return True


def _recorded(url: URL) -> RecordedSchema:
    with shadow.reading(url) as connection:
        options = version_table.options()
        heads = MigrationContext.configure(connection, opts=options).get_current_heads()
        return RecordedSchema.of(connection, ", ".join(heads) or "base")


def has_fleet(context: Context) -> bool:
    """Tell whether the history is of many tenants: the ini file of deploys has [fleet]."""
    if context.config.config_ini_section != histories.MAIN:
        return False
    production = Path(context.folder, PRODUCTION)
    own = context.config.file_config.has_section("fleet")
    return own or (production.exists() and Config(str(production)).file_config.has_section("fleet"))


def tenant_path(context: Context) -> Path:
    """Return where tenant.sql is, or will be: beside the revisions, for whoever has them."""
    return recorded_schema.path(context).with_name(TENANT)


def _of_tenant(context: Context, url: URL, now: RecordedSchema) -> str:
    header = OF_TENANT.format(revision=now.revision)
    return header + schema_dump.dump(url, context.settings.pg_bin)


def _sql(context: Context, url: URL) -> str:
    return HEADER + schema_dump.dump(url, context.settings.pg_bin)


def path(context: Context) -> Path:
    """Return where schema.sql is, or will be."""
    return context.folder / histories.file_name(context, FILE)


def read(file: Path) -> str | None:
    """Return the text of the file, None when there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
