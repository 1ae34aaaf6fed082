"""What a rule is: one value that holds everything about it, and what rules look at.

Each file in `rules/` has one, and nothing else knows a rule by its name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migrator.lint.change import Change
from migrator.lint.known_schema import History
from migrator.lint.statements import Action
from migrator.postgres import sql
from migrator.trace import Step, Traced
from migrator.trace.catalog import STOPS_WRITES

if TYPE_CHECKING:
    from migrator.lint.finding import Finding
    from migrator.lint.python_code import Code
    from migrator.lint.rendering import Rendered, Statement


@dataclass(frozen=True)
class Example:
    """Two bodies of `upgrade()`: one that breaks the rule, and one that breaks none.

    A line `phase = "..."` in them belongs above the function.
    """

    unsafe: str
    safe: str


@dataclass(frozen=True)
class Placed:
    """An action, the statement that it belongs to, and the number of its transaction."""

    action: Action
    statement: "Statement"
    transaction: int


@dataclass(frozen=True)
class Candidate:
    """An action about something that is in use, and what is around it.

    Attributes:
        phase: of the revision; empty if the revision does not say it.
        earlier: the actions of the revision before it that are about something in use.
        later: all actions of the revision behind it.
        history: the schema before it.
        change: what the same change has added before.
        new: the names of what the deploy has created before.
        nested: it stands in a DO block.
        in_transaction: it is in the transaction of the revision, whose number is `transaction`.
    """

    action: Action
    phase: str = ""
    earlier: tuple[Placed, ...] = ()
    later: tuple[Placed, ...] = ()
    history: History = field(default_factory=lambda: History(lambda: ((), True)))
    change: Change = field(default_factory=Change)
    new: frozenset[str] = frozenset()
    nested: bool = False
    in_transaction: bool = True
    transaction: int = 0

    @property
    def kind(self) -> str:
        """The kind of the action."""
        return self.action.kind

    def locked_before(self) -> set[str]:
        """Return the tables in use that an earlier action of the transaction has locked."""
        return {
            each.action.table
            for each in self.earlier
            if each.transaction == self.transaction
            and self.in_transaction
            and each.action.has("strong lock")
        }

    def is_made_again(self, verb: str = "create") -> bool:
        """Return whether the transaction makes what it drops here again, under the same name."""
        what = self.kind.partition(" ")[2].removeprefix("materialized ")
        names = (self.action.table, self.action.name)
        return any(
            each.action.kind.endswith(f" {what}")
            and each.action.kind.startswith(verb)
            and (each.action.table, each.action.name) == names
            and self.action.value in (None, each.action.value)
            and each.transaction == self.transaction
            for each in self.later
        )


@dataclass(frozen=True)
class Observed:
    """What the trace saw of a statement; `old` are the tables that are in use, by their oids."""

    step: Step
    old: frozenset[int]

    @property
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


@dataclass(frozen=True)
class Suppression:
    """A comment that suppresses a rule; `rule` is empty if it is none that can be suppressed.

    `unused` if nothing in the revision breaks the rule.
    """

    line: int
    text: str
    rule: str = ""
    reason: str = ""
    unused: bool = False


def harmless(trial: Trial) -> bool:
    """Dismiss a finding if the trace saw nothing wrong with its statement."""
    return trial.harmless


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Everything about a rule.

    Args:
        name: as its file.
        reason: why it is a rule, in a sentence.
        safe: the safe form, in this project's operations where there is one.
        example: tried by the tests.
        action: whether an action of a rendered statement breaks it.
        code: the lines of the revision's Python that break it.
        words: a file that has none of them is not parsed for `code`.
        revision: what of a rendered revision breaks it, in words, or nothing.
        observed: whether a statement broke it when it ran on the shadow database.
        untried: it is about what the trace did not get to, behind a failure.
        comment: whether a comment that suppresses a rule breaks it.
        locks: it is about how long others wait; the library's operations are safe there.
        breaks_code: it is about names that code still uses.
        dismiss: whether the trace disproves a finding. Without, none can be disproved.
        undecided_at_deploy: such a statement is often safe, and its SQL does not tell: a deploy,
            which has no trace, names it only.
        allowed_in_contract: with phase = "contract", the code that it would break is gone.
        announces: rules that the trace finds where this one said so before.
        covers: rules that say less of the same statement; they are left out.
        suppressible: a comment in the revision may suppress it.
        written: why `make revision` may write what breaks it; it suppresses that with this reason.
    """

    name: str
    reason: str
    safe: str
    example: Example
    action: Callable[[Candidate], bool] | None = None
    code: Callable[["Code"], Iterable[int]] | None = None
    words: tuple[str, ...] = ()
    revision: Callable[["Rendered"], str] | None = None
    observed: Callable[[Observed], bool] | None = None
    untried: bool = False
    comment: Callable[[Suppression], bool] | None = None
    locks: bool = False
    breaks_code: bool = False
    dismiss: Callable[[Trial], bool] | None = None
    undecided_at_deploy: bool = False
    allowed_in_contract: bool = False
    announces: frozenset[str] = frozenset()
    covers: frozenset[str] = frozenset()
    suppressible: bool = True
    written: str = ""

    def says(self, seen: "Rule") -> bool:
        """Return whether a finding of this rule says already what the trace has `seen`."""
        if self is seen or seen.name in self.announces:
            return True
        return (self.breaks_code and seen.breaks_code) or (self.locks and seen.locks)


def uncovered(found: Iterable[Rule], every: dict[str, Rule]) -> list[Rule]:
    """Return the rules that none of the others covers, each once, in their order."""
    rules = list({rule.name: rule for rule in found}.values())
    covered: set[str] = set()
    left = [name for rule in rules for name in rule.covers]
    while left:
        if (name := left.pop()) not in covered:
            covered.add(name)
            left += every[name].covers
    return [rule for rule in rules if rule.name not in covered]
