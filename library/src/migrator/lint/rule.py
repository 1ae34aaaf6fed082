"""What a rule is: one value that holds everything about it.

Each file in `rules/` has one, and nothing else knows a rule by its name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from migrator.lint.candidate import Candidate
from migrator.lint.history import History
from migrator.lint.observed import Observed, Trial

if TYPE_CHECKING:
    from migrator.lint.python_code import Code
    from migrator.lint.rendering import Rendered


@dataclass(frozen=True)
class Example:
    """Two bodies of `upgrade()`: one that breaks the rule, and one that breaks none.

    A line `phase = "..."` in them belongs above the function.
    """

    unsafe: str
    safe: str


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


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Everything about a rule.

    Args:
        name: as its file.
        reason: why it is a rule, in a sentence.
        safe: the safe form, in this project's operations where there is one.
        example: tried by the tests.
        action: whether an action of a rendered statement breaks it.
        code: the lines of the revision's Python that break it, with the schema before it.
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
    code: Callable[["Code", History], Iterable[int]] | None = None
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
