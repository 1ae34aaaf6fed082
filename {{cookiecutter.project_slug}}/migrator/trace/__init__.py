"""What revisions really do, tried on a database of their own.

`recorder` follows the statements with what `catalog` reads from the server, `seeding` puts rows
into the tables first, `judging` says which statements would make others wait, `running` goes from
revision to revision.
"""

from collections.abc import Sequence

from alembic.config import Config
from alembic.script import Script

from migrator import scratch, settings
from migrator.errors import UsageError
from migrator.trace.judging import Problem, Traced
from migrator.trace.recorder import Step

__all__ = ["Problem", "Step", "Traced", "run"]


def run(config: Config, revisions: Sequence[Script], *, together: bool = True) -> list[Traced]:
    """Run revisions, oldest first, on a scratch database, and return what they did.

    After one that fails, those behind it are not tried. Rows that a revision cannot work with
    are left out, and the notes say so.

    Args:
        together: they are deployed at once, so that what one creates is empty for the next; else
            each is judged as if it came alone.

    Raises:
        UsageError: this is the configuration for production.
        MigratorError: no scratch database can be made, or a revision before these fails.
    """
    if settings.load(config).production:
        raise UsageError(
            "A trace runs revisions on a scratch database, which has no place on a production"
            " server: use alembic.ini."
        )
    from migrator.trace.running import RowsDoNotFit, Run  # psycopg does not come with SQLite

    full: set[str] = set()
    empty: set[str] = set()
    while True:
        try:
            with (
                scratch.empty(settings.database_url(config)) as url,
                scratch.configured(config, url) as own,
            ):
                return Run(own, url, full, empty).all(revisions, together)
        except RowsDoNotFit as error:
            (empty if error.table in full else full).add(error.table)
