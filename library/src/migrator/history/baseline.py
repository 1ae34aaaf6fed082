"""Start the history of an existing database: draft models, a first revision, a stamp."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.util import rev_id
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from migrator import database, shadow
from migrator.config import imports, models
from migrator.config.context import Context
from migrator.errors import RefusedError, UsageError
from migrator.history import extensions, folder_swap, models_file, proved_revision, revision_file
from migrator.history.shadow_databases import ShadowDatabases
from migrator.revisions import accepted_drift, graph, position

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
        if current := position.current_heads(connection):
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
    extensions.refuse_missing(shadows.server, wanted)
    versions = Path(graph.load(context).versions)
    revision = rev_id()
    with folder_swap.replacement(versions) as new:
        text = revision_file.RevisionParts(message)
        made = proved_revision.write(shadows, new, revision, source, wanted, text)
        with shadows.empty() as engine, shadows.fenced(engine, new) as copy:
            shadow.upgrade(copy, revision)
            with engine.connect() as connection:
                models_file.write(context, connection, file)
                try:
                    differences, problem = models_file.compare(context, connection, folder)
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
        extensions.missing_in_development(context, wanted),
    )


def stamp(context: Context, revision: str) -> None:
    """Record in the database that it is at `revision`; nothing else in it is changed."""
    command.stamp(context.config, revision)
