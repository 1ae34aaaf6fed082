"""Start the history of an existing database: draft models, a first revision, a stamp."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.util import rev_id
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from migrator import database, shadow
from migrator.config import imports, models
from migrator.config.context import Context
from migrator.errors import RefusedError, UsageError
from migrator.history import folder_swap, reflection, revision_file
from migrator.history.schema_objects import Schema
from migrator.history.shadow_databases import ShadowDatabases
from migrator.revisions import graph, pending

FILE = "adopted.py"


@dataclass(frozen=True)
class BaselineResult:
    """The files that were written.

    Args:
        carried: the objects that the revision creates with SQL.
        why: why it creates all objects with SQL, if it does.
        differences: how the models differ from the database; empty if they agree.
    """

    revision: str
    path: Path
    models: Path
    carried: tuple[str, ...]
    why: str
    differences: str


def prepare(context: Context, beside: bool = False) -> Path:
    """Check that a baseline can be written, and return the file for the models.

    Args:
        beside: whether existing models of tables in the database are kept.

    Raises:
        RefusedError: `context` is for production, or there are revisions or models already.
        UsageError: the file exists.
    """
    if context.settings.production:
        raise RefusedError(
            f"{context.ini} is for deploys, and a baseline is written in development: run"
            " `make baseline`, which uses alembic.ini, with DATABASE_URL set to the database or,"
            " better, to a copy of it."
        )
    if heads := graph.load(context).get_heads():
        raise RefusedError(
            f"There are revisions already (up to {', '.join(heads)}), and a baseline has to be the"
            " first; nothing was changed. Remove them (for example, those of the example"
            " application) and run this again."
        )
    base = models.metadata(context.config)
    try:
        models.import_models(context.config)
    except UsageError:
        if base.tables:
            raise
    if base.tables and not beside:
        raise RefusedError(
            f"There are models already ({', '.join(sorted(base.tables))}), and a baseline drafts"
            " models for all tables; nothing was changed. Remove them (for example, those of the"
            " example application), or use beside=1 (--beside) to keep models of tables that are"
            " in the database."
        )
    package = context.option("autoimport_models").replace(",", " ").split()[0]
    module = imports.load(package, Path(str(context.ini)))
    file = Path(module.__path__[0]) / FILE
    if file.exists():
        raise UsageError(f"{file} already exists and is never overwritten: move it away first.")
    return file


def run(context: Context, message: str, file: Path, server: str | None = None) -> BaselineResult:
    """Write the models and the revision, and prove that the revision creates the same schema.

    Args:
        file: the file for the models.
        server: the URL of a database on the server where shadow databases are created; by default
            the server of the database itself.

    Raises:
        RefusedError: the database has a history.
        UsageError: the database has no tables.
        MigratorError: a revision that creates the same schema cannot be written.
    """
    url = context.target.url
    with database.connect(context) as connection:
        if current := pending.current_heads(connection):
            raise RefusedError(
                f"The database has a history already: it is at {', '.join(current)}. Nothing was"
                " changed; use the revisions that it was migrated with."
            )
    shadows = ShadowDatabases(context, make_url(server) if server else url, owners=False)
    source = create_engine(url, poolclass=NullPool)
    wanted = shadows.schema(source)
    if not wanted.tables:
        raise UsageError("The database has no tables, so there is nothing to adopt.")
    code = _models(context, source.connect(), wanted)
    versions = Path(graph.load(context).versions)
    revision = rev_id()
    with folder_swap.replacement(versions) as new:
        text = revision_file.RevisionParts(message)
        made = revision_file.write_proved(shadows, new, revision, source, wanted, text)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(code)
        try:
            folder_swap.swap(versions, new)
        except BaseException:
            file.unlink()
            raise
    _format(file)
    path = versions / made.path.relative_to(new)
    return BaselineResult(revision, path, file, made.carried, made.why, _differences(shadows))


def stamp(context: Context, revision: str) -> None:
    """Record in the database that it is at `revision`; nothing else in it is changed."""
    command.stamp(context.config, revision)


def _models(context: Context, connection: Connection, wanted: Schema) -> str:
    try:
        from migrator.history import model_draft  # needs sqlacodegen
    except ModuleNotFoundError:
        raise UsageError(
            "sqlacodegen, which drafts the models, is not installed; nothing was changed. Run"
            " `make setup`, then run this again."
        ) from None

    with connection:
        metadata = reflection.tables(connection, wanted)
        for name in models.metadata(context.config).tables:
            if name in metadata.tables:
                metadata.remove(metadata.tables[name])
        return model_draft.draft(connection, metadata, context.option("autoimport_base"))


def _format(file: Path) -> None:
    """Format the draft with ruff, if it is installed."""
    steps: Sequence[Sequence[str]] = (
        ("check", "--fix-only", "--unsafe-fixes", "--quiet"),
        ("format", "--quiet"),
        ("check", "--add-noqa", "--quiet"),  # long strings cannot be wrapped
    )
    for step in steps:
        command_line = [sys.executable, "-m", "ruff", *step, str(file)]
        subprocess.run(command_line, capture_output=True, check=False)


def _differences(shadows: ShadowDatabases) -> str:
    """Return how the models differ from the new revision, according to `alembic check`."""
    with shadows.empty() as engine, shadows.fenced(engine) as copy:
        shadow.upgrade(copy, "head")
        try:
            shadow.check(copy)
        except CommandError as error:
            return str(error)
    return ""
