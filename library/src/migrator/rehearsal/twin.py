"""A copy of the schema without a row, on which the failed revision cannot break anything."""

from contextlib import suppress
from pathlib import Path

from alembic.script import Script
from sqlalchemy.engine import URL

from migrator import database, shadow
from migrator.backup import pg_restore, programs
from migrator.config.context import Context
from migrator.deploy import deploy
from migrator.deploy.deployment import Options
from migrator.errors import Interrupted, MigratorError
from migrator.rehearsal import violations
from migrator.rehearsal.progress import Silent
from migrator.rehearsal.result import Violation

LEFT_OUT = ("backup", "lint", "rehearsal", "check", "verify", "blockers", "log")


def find(context: Context, url: URL, failed: Script, folder: Path) -> list[Violation]:
    """Return what rows of the database at `url`, which `context` names, break of a revision.

    Nothing is returned if the twin cannot be made, or the revision fails on it too.
    """
    with database.connect(context) as connection:
        before = violations.constraints(connection)
    # What the revision has left behind, it cannot make once more.
    new = {each for each in before if not each.valid}
    with (
        suppress(MigratorError),
        shadow.another(url) as twin,
        shadow.fenced(context, twin) as own,
    ):
        _copy_schema(context, own, folder / "schema.dump")
        try:
            deploy.run(own, Options(to=failed.revision, without=LEFT_OUT, now=True), Silent())
        except Interrupted:
            raise KeyboardInterrupt from None
        with database.connect(own) as connection:
            new = new | (violations.constraints(connection) - before)
    made_again = {(each.table, each.name) for each in new if each.valid}
    new = {each for each in new if each.valid or (each.table, each.name) not in made_again}
    with database.connect(context) as connection:
        return list(violations.find(connection, new))


def _copy_schema(context: Context, own: Context, file: Path) -> None:
    source, to = programs.database(context), programs.database(own)
    with source.connect() as connection:
        server = connection.info.server_version // 10000
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    found = programs.find(context, server)[0]
    command = [found.path("pg_dump"), "--schema-only", "--format=custom", "--no-password"]
    run = programs.run([*command, f"--file={file}", source.argument], source.environment)
    if run.returncode:
        raise MigratorError(programs.error_output(run))
    target = pg_restore.RestoreTarget(str(own.target.url.database), to, server)
    pg_restore.restore(found, file, target, ["--no-owner", "--no-privileges"])
    with to.connect() as connection:
        for (version,) in rows:
            connection.execute("INSERT INTO alembic_version VALUES (%s)", [version])
