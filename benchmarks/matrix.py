"""`make bench-matrix`: unsafe revisions and their safe counterparts, tool by tool.

Each tool looks at one revision at a time, as for a merge request. Caught is an unsafe revision
about which it says anything; a false alarm is a safe one about which it does.
"""

import argparse
import re
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import projects
from benchmarks.matrix_tools import Tool, tools
from benchmarks.tables import Table
from tests.lint.catch_cases import ROWS, SCHEMA, Case, cases

README = projects.REPOSITORY / "README.md"
MARKERS = ("<!-- bench-matrix:begin -->", "<!-- bench-matrix:end -->")
ABOUT = """\
Is the unsafe revision caught? An exclamation mark is a false alarm about its safe counterpart. What
only this project's phases tell apart (a column or table that is dropped when its code is gone)
counts for nobody, nor do squawk's rules about style. Seconds: the median for one revision."""


class Verdicts:
    """What one tool said about each case, and how long it took."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        self.alarmed: dict[str, bool] = {}
        self.seconds: list[float] = []

    def ask(self, case: Case) -> None:
        """Run the tool on one case."""
        started = time.perf_counter()
        self.alarmed[case.name] = self.tool.alarms(case.name)
        self.seconds.append(time.perf_counter() - started)

    def cell(self, unsafe: Case, safe: Case) -> str:
        """Return one row's cell."""
        caught = "yes" if self.alarmed[unsafe.name] else "no"
        return caught + (" !" if self.alarmed[safe.name] and not safe.more else "")

    def share(self, chosen: Sequence[Case]) -> str:
        """Return of how many of these cases it said anything."""
        return f"{sum(self.alarmed[case.name] for case in chosen)} of {len(chosen)}"


def main() -> None:
    """Print the table, and put it into the README if asked to."""
    parser = argparse.ArgumentParser(description="Catch unsafe revisions, tool by tool.")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--all", action="store_true", help="the variations of each form too")
    options = parser.parse_args()
    # Our own operations mean nothing to the others.
    listed = [case for case in cases() if "migrator" not in case.body]
    chosen = [case for case in listed if case.main or options.all]
    with TemporaryDirectory(prefix="alembic-starter-matrix-") as name, tools(Path(name)) as found:
        for tool in found:
            tool.prepare(Case("before", "", False, SCHEMA).text(None))
        verdicts = [Verdicts(tool) for tool in found]
        for number, case in enumerate(chosen, start=1):
            print(f"{number} of {len(chosen)}: {case.name}", file=sys.stderr, flush=True)
            for verdict in verdicts:
                with verdict.tool.revision(case.name, case.text("before")):
                    verdict.ask(case)
    text = table(verdicts, chosen).markdown()
    print(text)
    if options.readme:
        write(text)


def table(verdicts: Sequence[Verdicts], chosen: Sequence[Case]) -> Table:
    """Lay out what was found."""
    made = Table("Unsafe revisions", ABOUT, ["", *(verdict.tool.name for verdict in verdicts)])
    for row in ROWS:
        unsafe, safe = (case for case in chosen if case.row == row and case.main)
        made.rows.append([row, *(verdict.cell(unsafe, safe) for verdict in verdicts)])
    main_cases = [case for case in chosen if case.main]
    for what, listed in (("", main_cases), (" with variations", chosen)):
        if listed is chosen and len(chosen) == len(main_cases):
            continue
        for title, unsafe_ones in ((f"caught{what}", True), (f"false alarms{what}", False)):
            counted = [case for case in listed if case.unsafe == unsafe_ones and not case.more]
            made.rows.append([title, *(verdict.share(counted) for verdict in verdicts)])
    times = (f"{statistics.median(verdict.seconds):.3f}" for verdict in verdicts)
    made.rows.append([f"seconds (n = {len(chosen)})", *times])
    return made


def write(text: str) -> None:
    """Put the table between its markers."""
    begin, end = MARKERS
    readme = README.read_text("utf-8")
    if begin not in readme or end not in readme:
        sys.exit(f"README.md has no {begin} and {end}: put them where the table belongs.")
    body = text.partition("\n")[2]
    pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: f"{begin}\n{body}\n{end}", readme), "utf-8")


if __name__ == "__main__":
    main()
