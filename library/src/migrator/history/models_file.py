"""The file with the drafted models: written, formatted, and compared with the database."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from migrator import catalog
from migrator.autogenerate import comparison
from migrator.catalog import Difference
from migrator.config import models
from migrator.config.context import Context
from migrator.errors import MigratorError, UsageError
from migrator.history import reflection
from migrator.revisions import accepted_drift


def write(context: Context, connection: Connection, file: Path) -> None:
    """Draft models for the tables of a database that have none, into a new file.

    Raises:
        UsageError: sqlacodegen is not installed.
    """
    code = _draft(context, connection)
    with file.open("x", encoding="utf-8") as opened:
        opened.write(code)
    _format(file)


def compare(context: Context, connection: Connection, folder: Path) -> tuple[list[Difference], str]:
    """Return how the models differ from the database, or why they cannot be compared with it."""
    try:
        models.import_models(context.config)
        accepted = accepted_drift.read(folder, "models")
        metadata = models.metadata(context.config)
        return comparison.compare(connection, metadata, accepted).differences, ""
    except MigratorError as error:
        return [], str(error)


def _draft(context: Context, connection: Connection) -> str:
    try:
        from migrator.history import model_draft, relationships  # need sqlacodegen
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
    relationships.remove_keys_to_partitions(metadata, known, default)
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
