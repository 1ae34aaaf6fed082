"""What the project set itself for its own deploys; it is shown, never enforced."""

from benchmarks.tables import Table
from benchmarks.underload.changes import CHANGES
from benchmarks.underload.results import Results, summary

MAX_RATIO = 2.0  # of the longest request with a deploy to that without, median to median


def targets(results: Results, tool: str) -> Table:
    """Return a table of what `tool` reached, change by change."""
    table = Table(
        f"Targets of {tool}",
        f"the longest request at most {MAX_RATIO:g} times that with no migration, no request over"
        " 250 ms or failed, always applied",
        ("change", "ratio", "> 250 ms", "failed", "applied", ""),
    )
    nothing = results.of("")
    for change in CHANGES:
        trials = results.of(tool, change.name)
        if not (trials and nothing):
            continue
        found = summary(trials)
        ratio = found.max_ms / summary(nothing).max_ms
        missed = ratio > MAX_RATIO or found.slow or found.failed or found.applied < found.n
        counts = (str(found.slow), str(found.failed), f"{found.applied} of {found.n}")
        table.rows.append((change.words, f"{ratio:.2f}", *counts, "missed" if missed else "ok"))
    return table
