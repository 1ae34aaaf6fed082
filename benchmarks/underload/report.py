"""Tables of the results, and their place in the README."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.tables import Table
from benchmarks.underload.changes import CHANGES, ROWS
from benchmarks.underload.load import CLIENTS, RATE, REPORT
from benchmarks.underload.results import NOTHING, Results, Summary, Trial, summary

HEADER = ("applied", "max ms", "worst", "p99 ms", "> 250 ms", "failed", "seconds", "n")
MARKERS = ("<!-- bench-deploy:begin -->", "<!-- bench-deploy:end -->")
COLUMNS = (
    "max and p99 are medians of n deploys, worst is the longest request of all of them; requests"
    " over 250 ms and failed ones are sums; seconds are those of the command; applied is what the"
    " catalog says."
)


def by_tool(results: Results, tools: Sequence[str], change: str, words: str) -> Table:
    """Return a table of one change, with a row for each tool."""
    table = Table(f"{words[0].upper()}{words[1:]}, by tool", "", ("tool", *HEADER))
    nothing = results.of("")
    if nothing:
        table.rows.append(_row(NOTHING, summary(nothing), "-"))
    how: list[str] = []
    for tool in tools:
        trials = results.of(tool, change)
        if trials:
            label = f"{tool} {trials[-1].version}".strip()
            how.append(f"{tool}: {trials[-1].about}")
            table.rows.append(_row(label, summary(trials), _applied(trials)))
        elif tool in results.not_run:
            table.rows.append((tool, "not run", *[""] * (len(HEADER) - 1)))
            how.append(f"{tool} could not be run: {results.not_run[tool]}")
    table.about = f"Each as its documentation has it. {'; '.join(how)}."
    return table


def by_change(results: Results, tool: str) -> Table:
    """Return a table of one tool, with a row for each change."""
    about = (
        "As `make revision` writes them from the models, in up to four revisions; only the rename"
        " is written by hand, since no comparison can see one."
    )
    table = Table(f"Twelve changes with {tool}", about, ("change", *HEADER))
    nothing = results.of("")
    if nothing:
        table.rows.append(_row(NOTHING, summary(nothing), "-"))
    for change in CHANGES:
        trials = results.of(tool, change.name)
        if trials:
            table.rows.append(_row(change.words, summary(trials), _applied(trials)))
    return table


def overview(results: Results, tools: Sequence[str]) -> Table:
    """Return the longest request by tool and change; in parentheses where it was not applied."""
    table = Table(
        "The longest request in ms, by tool and change",
        "Medians; in parentheses where the change was not applied.",
        ("change", *tools),
    )
    for change in CHANGES:
        cells = []
        for tool in tools:
            trials = results.of(tool, change.name)
            found = f"{summary(trials).max_ms:,.0f}" if trials else ""
            whole = all(trial.applied for trial in trials)
            cells.append(found if whole else f"({found})")
        if any(cells):
            table.rows.append((change.words, *cells))
    return table


def section(results: Results, tables: Sequence[Table], picture: str = "") -> str:
    """Return Markdown that says what was measured, with a picture if there is one, and tables."""
    shown = f"![The longest request by tool]({picture})\n\n" if picture else ""
    about = (
        f"{RATE} requests a second over {CLIENTS} connections, 80 % reads and 20 % writes of a"
        f" table of {ROWS:,} rows, which a report reads for {REPORT:.0f} s; one second after it"
        " began, the deploy does. A request counts from when it was due, so that waiting for a"
        f" free connection is in it. {COLUMNS} {results.where}.\n\n"
    )
    return shown + about + "\n\n".join(table.markdown() for table in tables) + "\n"


def put_into(path: Path, text: str) -> None:
    """Replace what is between the markers of a Markdown file.

    Raises:
        ValueError: the markers are not there.
    """
    content = path.read_text(encoding="utf-8")
    begin, end = (content.find(marker) for marker in MARKERS)
    if not 0 <= begin < end:
        raise ValueError(f"{path} has no {MARKERS[0]} followed by {MARKERS[1]}.")
    begin += len(MARKERS[0])
    path.write_text(f"{content[:begin]}\n\n{text.strip()}\n\n{content[end:]}", encoding="utf-8")


def _applied(trials: Sequence[Trial]) -> str:
    done = sum(trial.applied for trial in trials)
    if done in (0, len(trials)):
        return "yes" if done else "no"
    return f"{done} of {len(trials)}"


def _row(label: str, found: Summary, applied: str) -> Sequence[str]:
    return (
        label,
        applied,
        f"{found.max_ms:,.0f}",
        f"{found.worst_ms:,.0f}",
        f"{found.p99_ms:,.0f}",
        f"{found.slow:,}",
        f"{found.failed:,}",
        f"{found.seconds:.1f}" if applied != "-" else "-",
        str(found.n),
    )
