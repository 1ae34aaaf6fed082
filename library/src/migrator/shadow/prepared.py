"""Shadow databases for a history that stands on another one, whose revisions are applied first."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL

from migrator.config import histories
from migrator.config.context import Context
from migrator.database import version_schema
from migrator.errors import MigratorError
from migrator.shadow import database
from migrator.shadow.fence import ShadowError, outside
from migrator.shadow.migration import fenced, upgrade


@contextmanager
def empty(context: Context, url: URL | None = None) -> Iterator[URL]:
    """Yield the URL of a new database, as the history of `context` begins with it.

    Raises:
        MigratorError: as for `database.empty`, which makes it, or the shared history cannot be
            applied.
    """
    with database.empty(context, url) as made:
        prepare(context, made)
        yield made


def prepare(context: Context, url: URL) -> None:
    """Make an empty shadow database what the history of `context` begins with.

    Raises:
        MigratorError: a revision of the shared history fails.
    """
    if context.config.config_ini_section != histories.MAIN:
        with outside(), database.connected(url) as connection:
            version_schema.make(connection)
    first = histories.shared(context)
    if first is None:
        return
    with histories.used(first):
        prepare(first, url)
        with fenced(first, url) as own:
            try:
                upgrade(own, "heads")
            except (MigratorError, ShadowError):
                raise
            except Exception as error:  # a revision is somebody's Python
                raise MigratorError(
                    f"The revisions of the history [{first.config.config_ini_section}], on which"
                    f" this one stands, cannot be applied: {type(error).__name__}: {error}."
                ) from error
