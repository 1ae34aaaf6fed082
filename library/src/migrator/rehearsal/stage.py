"""The copy that a rehearsal works on: restored, used and removed; what differs by database."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from migrator.config.context import Context
from migrator.rehearsal.result import Result
from migrator.rehearsal.source import Source
from migrator.rehearsal.statement import Statement


@dataclass(frozen=True)
class Totals:
    """Bytes: the log that the server has written, the database, all temporary files so far."""

    wal: int
    size: int
    temporary: int


class Stage(ABC):
    """The copy; `context` names it, with the settings of a deploy."""

    def __init__(self, context: Context, result: Result) -> None:
        self.context, self.result = context, result

    @abstractmethod
    def restore(self, data: Path) -> None:
        """Restore a backup.

        Raises:
            MigratorError: it cannot be restored.
        """

    @abstractmethod
    def execute(self, file: Path) -> None:
        """Run a file of SQL.

        Raises:
            MigratorError: a statement failed.
        """

    @abstractmethod
    def settle(self) -> None:
        """Give the database what a restore leaves out, and one in use has."""

    @abstractmethod
    def size(self) -> int:
        """Return how many bytes it takes."""

    @abstractmethod
    def totals(self) -> Totals:
        """Return the counters as they are now."""

    @abstractmethod
    def take_peak(self) -> int:
        """Return the most bytes that were taken at one time since the last call."""

    @abstractmethod
    def following(self, paths: Mapping[str, str]) -> AbstractContextManager[list[Statement]]:
        """Yield the statements of revisions (their files by name), which grow meanwhile."""


@contextmanager
def stage(context: Context, data: Source, folder: Path) -> Iterator[Stage]:
    """Yield an empty copy for `data`; it is removed at the end.

    Raises:
        MigratorError: none can be made.
        RefusedError: the disk is too small, or the server may serve users.
    """
    if context.target.dialect == "sqlite":
        from migrator.rehearsal.stage_sqlite import stage as own
    else:
        from migrator.rehearsal.stage_postgres import stage as own
    with own(context, data, folder) as made:
        yield made


def as_deployed(context: Context) -> Context:
    """Return a context with the settings of a deploy, and nothing that only a real one needs."""
    settings = replace(context.settings, production=True, backup=False, window="")
    return replace(context, settings=settings)
