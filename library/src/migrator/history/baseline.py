"""Begin the history of a database that is there already: models, a first revision, a stamp."""

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

from migrator import database
from migrator.config import imports, models
from migrator.config.context import Context
from migrator.errors import RefusedError, UsageError
from migrator.history import folder_swap, reflection, revision_file
from migrator.history.schema import Schema
from migrator.history.shadow_databases import ShadowDatabases
from migrator.revisions import graph, plan

FILE = "adopted.py"


@dataclass(frozen=True)
class BaselineResult:
    """What was written.

    Args:
        carried: the objects that are SQL in the revision.
        why: why all of them are, if all of them are.
        differences: what the models do not say as the database has it; empty when they agree.
    """

    revision: str
    path: Path
    models: Path
    carried: tuple[str, ...]
    why: str
    differences: str


def prepare(context: Context, beside: bool = False) -> Path:
    """Return the file for the models, if everything is as it should be before a baseline.

    Raises:
        RefusedError: `context` is for production, or there are revisions or models already.
        UsageError: there is a file of that name.
    """
    if context.settings.production:
        raise RefusedError(
            f"{context.ini} is for deploys: run `make baseline`, which uses"
            " alembic.ini, with DATABASE_URL set to the database, better to a copy of it."
        )
    if heads := graph.load(context).get_heads():
        raise RefusedError(
            f"There are revisions already (up to {', '.join(heads)}), and a baseline is the first."
            " Nothing was changed; remove them (those of the example, say) and run this again."
        )
    base = models.metadata(context.config)
    try:
        models.import_models(context.config)
    except UsageError:
        if base.tables:
            raise
    if base.tables and not beside:
        raise RefusedError(
            f"There are models already ({', '.join(sorted(base.tables))}), which the database does"
            " not know. Nothing was changed; remove them (those of the example, say), or keep"
            " those of tables that it has with beside=1 (--beside)."
        )
    package = context.option("autoimport_models").replace(",", " ").split()[0]
    module = imports.load(package, Path(str(context.ini)))
    file = Path(module.__path__[0]) / FILE
    if file.exists():
        raise UsageError(f"{file} is there already and is never overwritten: move it away first.")
    return file


def run(context: Context, message: str, file: Path, server: str | None = None) -> BaselineResult:
    """Write the models and the revision, which is proved to make the same schema.

    Args:
        file: for the models.
        server: the URL of a database beside which scratch databases are made, if not beside the
            one that is adopted.

    Raises:
        RefusedError: the database has a history.
        UsageError: it has no table.
        MigratorError: a revision that makes the same schema cannot be written.
    """
    url = context.target.url
    with database.connect(context) as connection:
        if current := plan.current_heads(connection):
            raise RefusedError(
                f"The database has a history: it is at {', '.join(current)}. Nothing was changed;"
                " work with the revisions that it comes from."
            )
    shadows = ShadowDatabases(context, make_url(server) if server else url, owners=False)
    source = create_engine(url, poolclass=NullPool)
    wanted = shadows.schema(source)
    if not wanted.tables:
        raise UsageError("The database has no table, so there is nothing to adopt.")
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
    _tidy(file)
    path = versions / made.path.relative_to(new)
    return BaselineResult(revision, path, file, made.carried, made.why, _differences(shadows))


def stamp(context: Context, revision: str) -> None:
    """Write into the database that it is at `revision`; nothing else in it is touched."""
    command.stamp(context.config, revision)


def _models(context: Context, connection: Connection, wanted: Schema) -> str:
    try:
        from migrator.history import model_draft  # sqlacodegen, which only this needs
    except ModuleNotFoundError:
        raise UsageError(
            "sqlacodegen, which drafts the models, is not installed here. Nothing was changed; run"
            " `make setup`, then this again."
        ) from None

    with connection:
        metadata = reflection.tables(connection, wanted)
        for name in models.metadata(context.config).tables:
            if name in metadata.tables:
                metadata.remove(metadata.tables[name])
        return model_draft.draft(connection, metadata, context.option("autoimport_base"))


def _tidy(file: Path) -> None:
    """Format the draft, if ruff is there; it is only a matter of looks."""
    steps: Sequence[Sequence[str]] = (
        ("check", "--fix-only", "--unsafe-fixes", "--quiet"),
        ("format", "--quiet"),
        ("check", "--add-noqa", "--quiet"),  # long texts cannot be broken
    )
    for step in steps:
        command_line = [sys.executable, "-m", "ruff", *step, str(file)]
        subprocess.run(command_line, capture_output=True, check=False)


def _differences(shadows: ShadowDatabases) -> str:
    """Return what `alembic check` says about the models and the new revision."""
    with shadows.empty() as engine, shadows.configured(engine) as copy:
        command.upgrade(copy.config, "head")
        try:
            command.check(copy.config)
        except CommandError as error:
            return str(error)
    return ""
