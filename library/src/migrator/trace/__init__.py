"""What revisions really do when they are run on a shadow database.

A trace only observes; lint judges. `execution` runs env.py, and `trials` has what is there before
and after each revision. `recorder` makes a `traced_statement` of each statement that passes
psycopg's `cursors`, with its `effects`: what `transaction_state`, `schemas` and `names` read from
the server before and after it. `event_log` has what other sessions do. Before that, `sample_rows`
of `sample_values` are put into the tables of the `database` (`sample_insertion`); `rejected_rows`
knows those that a revision cannot work with. `bare_strings` are run though SQLAlchemy refuses them.
"""

from collections.abc import Sequence
from contextlib import closing

from alembic.script import Script

from migrator import shadow
from migrator.config.context import Context
from migrator.errors import UsageError
from migrator.trace.traced_statement import Step, Traced

__all__ = ["Step", "Traced", "run"]


def run(context: Context, revisions: Sequence[Script], *, together: bool = True) -> list[Traced]:
    """Run revisions, oldest first, on a shadow database, and return what they did.

    After one that fails, those behind it are not tried. Rows that a revision cannot work with
    are left out, and the notes say so.

    Args:
        together: they are deployed at once, so that what one creates is empty for the next; else
            each is judged as if it came alone.

    Raises:
        UsageError: this is the configuration for production.
        MigratorError: no shadow database can be made, or a revision before these fails.
    """
    if context.settings.production:
        raise UsageError(
            "A trace runs revisions on a shadow database, which is never created on a production"
            " server: use alembic.ini."
        )
    # psycopg does not come with SQLite.
    from migrator.trace.execution import Run
    from migrator.trace.rejected_rows import Rows, RowsDoNotFit

    rows = Rows()
    traced: list[Traced] = []
    while len(traced) < len(revisions):
        try:
            with (
                shadow.empty(context) as url,
                shadow.fenced(context, url) as own,
                closing(Run(own, url, rows, together=together)) as running,
            ):
                running.all(revisions, traced)
        except RowsDoNotFit as error:
            # A part of the revision is there to stay: the next database goes on before it.
            rows.change(error)
            if together:
                traced.clear()
    return traced
