"""What the trace saw: what rules look at when a revision has run on the shadow database."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from migrator.postgres import sql
from migrator.postgres.lock_modes import STOPS_WRITES
from migrator.trace import Step, Traced

if TYPE_CHECKING:
    from migrator.lint.finding import Finding


@dataclass(frozen=True)
class Observed:
    """What the trace saw of a statement; `old` are the tables that are in use, by their oids."""

    step: Step
    old: frozenset[int]

    @cached_property
    def word(self) -> str:
        """The word that the statement begins with, in capitals."""
        return sql.first_word(self.step.sql)

    @property
    def locked(self) -> frozenset[int]:
        """The tables whose writers wait for what the statement has locked."""
        return frozenset(oid for oid, mode in self.step.locks if mode in STOPS_WRITES) & self.old

    @property
    def rewritten(self) -> frozenset[int]:
        """The tables that are in other files than before, or whose indexes are."""
        return self.step.rewritten & self.old

    @property
    def scanned(self) -> frozenset[int]:
        """The tables that were read from end to end."""
        return self.step.scanned & self.old

    @property
    def held(self) -> frozenset[int]:
        """The tables that an earlier statement of the transaction has locked."""
        return self.step.held & self.old

    @property
    def changed(self) -> frozenset[int]:
        """The tables with updated or deleted rows."""
        return self.old & self.step.rows.keys()

    @property
    def bulk(self) -> frozenset[int]:
        """The tables that are written or locked as a whole, or get very many rows."""
        return self.old & self.step.bulk

    def loses(self, kind: str, *, renamed: bool) -> bool:
        """Return whether a table, column or value had this name before and has it no longer."""
        return any(
            loss.kind == kind and bool(loss.new) == renamed for loss in self.step.lost.values()
        )


@dataclass(frozen=True)
class Trial:
    """What the trace saw of a finding's statement; `harmless` if it saw all, and nothing wrong."""

    finding: "Finding"
    traced: Traced
    steps: tuple[Step, ...]
    harmless: bool

    @property
    def whole(self) -> bool:
        """Whether the revision came to its end."""
        return not self.traced.failure

    @property
    def everything(self) -> bool:
        """Whether the server knows of nothing besides the statements that were seen."""
        return self.traced.confirmed and not any(step.elsewhere for step in self.traced.steps)


def harmless(trial: Trial) -> bool:
    """Dismiss a finding if the trace saw nothing wrong with its statement."""
    return trial.harmless
