"""`make bench-deploy`: what users notice while each tool deploys each change."""

import argparse
import signal
import sys
import time
from pathlib import Path

from benchmarks.underload import report
from benchmarks.underload.changes import BY_NAME, MAIN
from benchmarks.underload.peers import registry
from benchmarks.underload.peers.tool import NotRunnable, Tool
from benchmarks.underload.picture import draw, write
from benchmarks.underload.plan import plan
from benchmarks.underload.results import NOTHING, Results, load_results
from benchmarks.underload.server import Server
from benchmarks.underload.small import SMALL
from benchmarks.underload.targets import targets
from benchmarks.underload.trial import Range
from benchmarks.workshop import Workshop, workshop

README = Path(__file__).resolve().parents[2] / "README.md"
PICTURE = "docs/images/deploy-under-load.svg"  # where the README expects it


def main() -> None:
    """Measure what was asked for, then write tables and the picture from all results."""
    options = _options()
    # However it is interrupted, the server and the load are to end with it.
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, signal.default_int_handler)
    if not (options.resume or options.report):
        options.results.unlink(missing_ok=True)
    results = load_results(options.results)
    if not options.report and not options.small:
        results.begin()
    if not options.report:
        with workshop() as made:
            if not options.small:
                _trials(made, results, options)
            for small in () if options.quick else SMALL:
                results.keep(small(made))
    tools = [name for name in registry.NAMES if results.of(name) or name in results.not_run]
    tables = [
        report.by_tool(results, tools, MAIN.name, MAIN.words),
        report.by_change(results, registry.OURS),
        *results.tables.values(),
        report.overview(results, [name for name in tools if results.of(name)]),
    ]
    shown = [*tables, targets(results, registry.OURS)]
    print("\n" + "\n\n".join(table.plain() for table in shown))
    if options.markdown:
        options.markdown.write_text(report.section(results, tables), encoding="utf-8")
    if options.svg:
        write(options.svg, draw(results, tools, MAIN.name, MAIN.words))
    if options.readme:
        report.put_into(README, report.section(results, tables[:-1], PICTURE))


def _trials(made: Workshop, results: Results, options: argparse.Namespace) -> None:
    server = Server(made)
    trials = Range(server, made.folder)
    tools = registry.tools(made.folder / "tools", server.url, made.template)
    wanted = [name for name in (NOTHING, *tools) if name in (options.only or (NOTHING, *tools))]
    planned = list(
        plan(wanted, options.change or list(BY_NAME), options.rounds, options.peer_rounds)
    )
    known = {trial.key for trial in results.trials}
    for number, (name, change, round_) in enumerate(planned, start=1):
        tool: Tool | None = tools.get(name)
        if (tool.name if tool else "", change, round_) in known:
            continue
        begin = time.monotonic()
        try:
            trial = trials.run(tool, change, round_)
        except NotRunnable as error:
            results.miss(name, str(error))
            continue
        results.add(trial)
        found = f"max {trial.requests.max_ms:.0f} ms, {trial.requests.slow} slow"
        end = "" if not tool else "applied" if trial.applied else f"not applied: {trial.said}"
        spent = f"{time.monotonic() - begin:.0f} s"
        print(f"{number}/{len(planned)} {name}, {change}: {found} ({spent}) {end}", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure deploys under load.")
    parser.add_argument("--only", choices=(NOTHING, *registry.NAMES), action="append")
    parser.add_argument("--change", choices=BY_NAME, action="append")
    parser.add_argument("--rounds", type=int, default=10, help="of ours and of no migration")
    parser.add_argument("--peer-rounds", type=int, default=1, help="of every other tool")
    parser.add_argument("--quick", action="store_true", help="one change, once: does it run?")
    parser.add_argument("--small", action="store_true", help="the small benchmarks only")
    default = Path("build/bench-deploy.jsonl")
    parser.add_argument("--results", type=Path, default=default, help="a file of JSON lines")
    parser.add_argument("--resume", action="store_true", help="go on with the results file")
    parser.add_argument("--report", action="store_true", help="measure nothing, write again")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the picture")
    parser.add_argument("--readme", action="store_true", help="put the tables into the README")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.change = 1, options.change or [MAIN.name]
    options.results.parent.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    main()
