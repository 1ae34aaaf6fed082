"""Tables, for a terminal or in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.pairing import Comparison

COMPARED = ("what", "n", "ours", "theirs", "ratio", "quartiles", "cpu ratio", "target", "")


@dataclass
class Table:
    """A title, a sentence that says what is compared, a header and rows as long as it."""

    title: str
    about: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def plain(self) -> str:
        """Lay the table out in columns: the first aligned left, the others right."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        laid_out = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
        return "\n".join([f"{self.title}\n{self.about}", *laid_out])

    def markdown(self) -> str:
        """Return the table as a Markdown section."""
        rule = [":--", *("--:" for _ in self.header[1:])]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.header, rule, *self.rows)]
        return "\n".join([f"### {self.title}", self.about, "", *lines])


def compared(
    what: str, found: Comparison, ours: str, theirs: str, target: float | None = None
) -> Sequence[str]:
    """Return a row of COMPARED.

    Args:
        target: the ratio that the project set itself; it is shown, never enforced.
    """
    clock, cpu = found.ratio(ours, theirs), found.ratio(ours, theirs, cpu=True)
    return (
        what,
        str(found.rounds),
        f"{found.seconds(ours):.3f} s",
        f"{found.seconds(theirs):.3f} s",
        f"{clock.median:.2f}",
        f"{clock.low:.2f}-{clock.high:.2f}",
        f"{cpu.median:.2f}",
        f"target <= {target:g}" if target else "",
        "" if target is None else "ok" if clock.median <= target else "missed",
    )


def modules(count: int) -> str:
    """Return how many model modules, in words."""
    return f"{count} module" if count == 1 else f"{count} modules"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = zip(cells, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
