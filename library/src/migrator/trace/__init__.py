"""What revisions really do, tried on a database of their own.

`recorder` makes a `step` of each statement with what `catalog` and `names` read from the server;
`seeding` is `inserting` rows of `values` into the `database` first, and `rows` knows which ones a
revision cannot work with; `judging` says which statements would make others wait or break them,
and `running` goes from revision to revision.
"""

from collections.abc import Sequence

from alembic.config import Config
from alembic.script import Script

from migrator.config import settings
from migrator.errors import UsageError
from migrator.shadow import database as shadow
from migrator.trace.judging import Problem, Traced
from migrator.trace.step import Step

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
    # psycopg does not come with SQLite.
    from migrator.trace.rows import Rows, RowsDoNotFit
    from migrator.trace.running import Run

    rows = Rows()
    while True:
        try:
            with (
                shadow.empty(settings.database_url(config)) as url,
                shadow.configured(config, url) as own,
            ):
                return Run(own, url, rows).all(revisions, together)
        except RowsDoNotFit as error:
            rows.change(error)
