"""catalog.txt: the schema that the revisions build, recorded in the repository.

A deploy compares the production database with it, so it needs neither the models nor a second
database. It is beside the revisions, so whatever has them has it.
"""

from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from migrator import catalog
from migrator.catalog import Difference, Schema
from migrator.catalog.differences import ON_REQUEST
from migrator.config import histories
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.postgres import sql

FILE = "catalog.txt"
HEADER = """\
# The schema that the revisions build, as the database's catalog has it; `make revision` and `make
# snapshot` write this file, and a deploy compares the database with it. Do not edit it.
"""
# Since 16, PostgreSQL writes the columns in the definition of a view without their table.
NEW_VIEWS = 16
# Since 14, it writes these functions with their SQL syntax, and not as calls: extract(...) is
# date_part(...) on an older server, for the same statement.
NEW_FUNCTIONS = 14
# What differs from server to server without anybody's doing.
OF_SERVERS = ON_REQUEST | {"version"}


@dataclass(frozen=True)
class RecordedSchema:
    """The schema at `revision`, as a server of the major version `server` has it (0: SQLite)."""

    revision: str
    server: int
    schema: Schema

    @classmethod
    def of(cls, connection: Connection, revision: str) -> "RecordedSchema":
        """Read it from a database that the revisions have been applied to."""
        return cls(revision, server_of(connection), _without_owners(connection))

    def text(self) -> str:
        """Return the text of the file."""
        return f"{HEADER}# revision {self.revision}\n# server {self.server}\n\n{self.schema.text()}"

    def differences(self, connection: Connection) -> list[Difference]:
        """Return what leads from the database to this, but not what another version only writes."""
        return self.from_schema(_without_owners(connection), server_of(connection))

    def from_schema(self, schema: Schema, server: int) -> list[Difference]:
        """Return the same for a schema that a server of the major version `server` has."""
        found = catalog.diff(schema, self.schema)
        if (self.server >= NEW_VIEWS) != (server >= NEW_VIEWS):
            found = [each for each in found if not _is_view(each)]
        if (self.server >= NEW_FUNCTIONS) != (server >= NEW_FUNCTIONS):
            found = [each for each in found if not _has_syntax(each)]
        return found


def path(context: Context) -> Path:
    """Return where the file is, or will be."""
    folder = ScriptDirectory.from_config(context.config).dir
    return Path(folder, histories.file_name(context, FILE))


def read(file: Path) -> RecordedSchema | None:
    """Return what the file says, None when there is none.

    Raises:
        MigratorError: it has a conflict from a merge in it, or was edited.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    said = {}
    lines = text.split("\n")
    for line in lines:
        name, _, value = line.removeprefix("# ").partition(" ")
        if line.startswith("# ") and name in ("revision", "server"):
            said[name] = value.strip()
    try:
        body = "\n".join(line for line in lines if not line.startswith("#"))
        return RecordedSchema(said["revision"], int(said["server"]), Schema.parse(body))
    except (KeyError, ValueError):
        raise MigratorError(
            f"{file.name} cannot be read, perhaps for a conflict from a merge in it: run `make"
            " snapshot`."
        ) from None


def _without_owners(connection: Connection) -> Schema:
    return without_owners(catalog.read(connection, catalog.NOT_OURS))


def without_owners(schema: Schema) -> Schema:
    """Return a schema as it is recorded: without what differs from server to server."""
    return Schema(
        {
            key: {name: value for name, value in properties.items() if name not in OF_SERVERS}
            for key, properties in schema.objects.items()
        }
    )


def _is_view(difference: Difference) -> bool:
    return difference.property == "definition" and "view" in difference.key.kind


def _has_syntax(difference: Difference) -> bool:
    values = (difference.before, difference.after)
    return None not in values and any(sql.calls_as_syntax(str(each)) for each in values)


def server_of(connection: Connection) -> int:
    """Return the major version of the server; 0 for SQLite."""
    version = connection.dialect.server_version_info
    return int(version[0]) if version and connection.dialect.name == "postgresql" else 0
