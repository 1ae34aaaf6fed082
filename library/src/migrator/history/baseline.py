"""Start the history of an existing database: draft models, a first revision, a stamp."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.util import rev_id
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from migrator import catalog, database, shadow
from migrator.autogenerate import comparison
from migrator.catalog import Difference
from migrator.config import imports, models
from migrator.config.context import Context
from migrator.errors import MigratorError, RefusedError, UsageError
from migrator.history import folder_swap, reflection, revision_file, schema_objects
from migrator.history.shadow_databases import ShadowDatabases
from migrator.revisions import accepted_drift, graph, pending

FILE = "adopted.py"
UNDESCRIBED = "it was there at the baseline, and models cannot describe it"


@dataclass(frozen=True)
class BaselineResult:
    """The files that were written.

    Args:
        carried: the objects that the revision creates with SQL.
        why: why it creates all objects with SQL, if it does.
        left_out: the objects that it does not create.
        differences: what the models do not describe, which is accepted.
        problem: why the models could not be compared with the database, if they could not.
        missing: the extensions that the development server does not have.
    """

    revision: str
    path: Path
    models: Path
    carried: tuple[str, ...]
    why: str
    left_out: tuple[str, ...]
    differences: tuple[str, ...]
    problem: str
    missing: Sequence[str] = ()


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
    folder = Path(graph.load(context).dir)
    without = accepted_drift.read(folder, "database").whole
    shadows = ShadowDatabases(
        context, make_url(server) if server else url, owners=False, without=without
    )
    source = create_engine(url, poolclass=NullPool)
    wanted = shadows.schema(source)
    if not wanted.tables:
        raise UsageError("The database has no tables, so there is nothing to adopt.")
    _refuse_missing_extensions(shadows.server, wanted)
    versions = Path(graph.load(context).versions)
    revision = rev_id()
    with folder_swap.replacement(versions) as new:
        text = revision_file.RevisionParts(message)
        made = revision_file.write_proved(shadows, new, revision, source, wanted, text)
        with shadows.empty() as engine, shadows.fenced(engine, new) as copy:
            shadow.upgrade(copy, revision)
            with engine.connect() as connection:
                code = _models(context, connection)
                with file.open("x", encoding="utf-8") as opened:
                    opened.write(code)
                try:
                    _format(file)
                    differences, problem = compare(context, connection, folder)
                    folder_swap.swap(versions, new)
                except BaseException:
                    file.unlink()
                    raise
    if differences:
        accepted_drift.add(folder, "models", differences, UNDESCRIBED)
    return BaselineResult(
        revision,
        versions / made.path.relative_to(new),
        file,
        made.carried,
        made.why,
        tuple(each.title for each in wanted.left_out),
        tuple(each.describe("the database", "the models") for each in differences),
        problem,
        missing_extensions(shadow.server(context), wanted),
    )


def missing_extensions(server: URL, wanted: schema_objects.Schema) -> list[str]:
    """Return the extensions of a schema that a server does not have; none on SQLite."""
    names = {one.name for one in wanted.objects if one.kind == "EXTENSION"}
    if not names:
        return []
    with create_engine(server, poolclass=NullPool).connect() as connection:
        available = connection.exec_driver_sql("SELECT name FROM pg_available_extensions")
        return sorted(names - {*available.scalars()})


def _refuse_missing_extensions(server: URL, wanted: schema_objects.Schema) -> None:
    if missing := missing_extensions(server, wanted):
        raise RefusedError(
            f"The server for shadow databases does not have the extensions {', '.join(missing)},"
            " which the database has, so no revision can be proved there; nothing was changed."
            " Name a server that has them (--shadow URL), or leave them, and what needs them, to"
            ' somebody else: an entry in accepted_drift.toml with between = "database" for each,'
            f' for example object = "extension {missing[0]}".'
        )


def stamp(context: Context, revision: str) -> None:
    """Record in the database that it is at `revision`; nothing else in it is changed."""
    command.stamp(context.config, revision)


def _models(context: Context, connection: Connection) -> str:
    try:
        from migrator.history import model_draft  # needs sqlacodegen
    except ModuleNotFoundError:
        raise UsageError(
            "sqlacodegen, which drafts the models, is not installed; nothing was changed. Run"
            " `make setup`, then run this again."
        ) from None

    schema = catalog.read(connection, catalog.NOT_OURS)
    default = connection.dialect.default_schema_name
    known = {
        (key.name[-2] if len(key.name) > 1 else default, key.name[-1])
        for key, said in schema.objects.items()
        if key.kind == "table" and not said.keys() & {"partition_bound", "module", "foreign_server"}
    }
    metadata = reflection.tables(connection, known)
    for name in models.metadata(context.config).tables:
        if name in metadata.tables:
            metadata.remove(metadata.tables[name])
    return model_draft.draft(connection, metadata, schema, context.option("autoimport_base"))


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


def compare(context: Context, connection: Connection, folder: Path) -> tuple[list[Difference], str]:
    """Return how the models differ from the database, or why they cannot be compared with it."""
    try:
        models.import_models(context.config)
        accepted = accepted_drift.read(folder, "models")
        metadata = models.metadata(context.config)
        return comparison.compare(connection, metadata, accepted).differences, ""
    except MigratorError as error:
        return [], str(error)
