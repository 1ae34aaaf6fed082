"""This project's deploys at hard moments; see moments.py."""

import os
import time

from benchmarks.tables import Table
from benchmarks.underload.changes import ROWS
from benchmarks.underload.load import load
from benchmarks.underload.moments import MOMENTS, Moment
from benchmarks.underload.peers.alembics import write_revision
from benchmarks.underload.peers.ours import Ours
from benchmarks.underload.peers.tool import Deploy
from benchmarks.underload.server import Server
from benchmarks.underload.trial import REST, run_aside
from benchmarks.workshop import Workshop

NAME = "hard"


def hard(workshop: Workshop) -> Table:
    """How long each takes, and what users feel of it. (BENCH_ROWS: of another table, to try it.)"""
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    table = Table(
        "Deploys at hard moments, of this project",
        f"once each, on a table of {rows:,} rows under the same load",
        ("moment", "exit code", "seconds", "longest request", "> 250 ms", "failed", ""),
    )
    server = Server(workshop, f"{NAME}-base", rows)
    ours = Ours(workshop.folder / NAME, server.url, workshop.template)
    ours.folder.parent.mkdir()
    ours.install()
    ours.give_up("--no-lint")  # it has nothing to do with time
    server.fresh()
    run_aside(ours.first(ours.folder))
    server.keep(NAME)
    for moment in MOMENTS:
        table.rows.append((moment.words, *_measure(server, ours, moment)))
    return table


def _measure(server: Server, ours: Ours, moment: Moment) -> tuple[str, ...]:
    alone = _alone(server, moment)
    _prepare(server, moment)
    versions = ours.folder / "migrations/versions"
    written = [versions / f"{number:04}_.py" for number in range(2, 2 + len(moment.bodies))]
    for number, body in enumerate(moment.bodies, start=2):
        write_revision(versions, number, body)
    deploy = ours.deploy(ours.folder)
    # What is written by hand is not in the models.
    environment = {**deploy.environment, "MIGRATOR_DRIFT": "false", **moment.settings}
    scratch = server.folder / f"load-{time.monotonic_ns()}"
    with load(server.programs, scratch, server.plain, moment.options) as running:
        running.since = time.time()
        with moment.around(server) as said:
            code, _, seconds = run_aside(Deploy(deploy.command, deploy.folder, environment))
            about = said()
        time.sleep(REST)
        requests = running.stop()
    for path in written:
        path.unlink()
    compared = f"one UPDATE alone: {alone:.1f} s, {alone / seconds:.0%} of its speed"
    return (
        str(code),
        f"{seconds:.1f}",
        f"{requests.max_ms:.0f} ms",
        str(requests.slow),
        str(requests.failed),
        "; ".join(filter(None, (about, compared if alone else "", moment.explains.get(code, "")))),
    )


def _prepare(server: Server, moment: Moment) -> None:
    server.fresh(NAME)
    if moment.before:
        server.run(moment.before)


def _alone(server: Server, moment: Moment) -> float:
    if not moment.alone:
        return 0.0
    _prepare(server, moment)
    begin = time.perf_counter()
    server.run(moment.alone)
    return time.perf_counter() - begin
