"""A deploy is killed while its ALTER TABLE waits: how long does it go on blocking everybody?"""

import subprocess
import time

import psycopg

from benchmarks.tables import Table
from benchmarks.underload.load import report
from benchmarks.underload.peers.alembics import OPERATIONS, PlainAlembic, write_revision
from benchmarks.underload.peers.ours import Ours
from benchmarks.underload.peers.tool import Tool
from benchmarks.workshop import Workshop

NAME = "killed"
HELD = 12.0  # seconds for which a report holds the table
QUEUED = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'accounts'::regclass"
LEFT = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND application_name NOT IN ('watch', 'report')
"""


def killed(workshop: Workshop) -> Table:
    """Seconds from `kill -9` until nothing of the deploy is left in the server."""
    table = Table(
        "kill -9 while an ALTER TABLE waits for its lock",
        f"a report holds the table for {HELD:.0f} s; seconds from the kill until no session of the"
        " deploy is left, and until its lock request, behind which everybody queues, is gone;"
        " ours with --no-blockers, or it would not have queued at all",
        ("tool", "no session", "no lock request"),
    )
    url = workshop.database(NAME)
    folder = workshop.folder / NAME
    sides: tuple[tuple[Tool, str], ...] = (
        (PlainAlembic(folder, url), "alembic/versions"),
        (Ours(folder, url, workshop.template), "migrations/versions"),
    )
    folder.mkdir()
    for tool, versions in sides:
        tool.install()
        if isinstance(tool, Ours):
            tool.give_up("--no-blockers")
        write_revision(tool.folder / versions, 2, OPERATIONS["add-column"])
        plain = workshop.database(NAME).replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True, application_name="watch") as connection:
            connection.execute("CREATE TABLE accounts AS SELECT 1 AS id")
            table.rows.append((tool.name, *_kill(tool, connection, plain)))
    return table


def _kill(tool: Tool, watch: psycopg.Connection, url: str) -> tuple[str, str]:
    with report(url, HELD):
        time.sleep(0.2)
        deploy = tool.deploy(tool.folder)
        process = subprocess.Popen(
            deploy.command,
            cwd=deploy.folder,
            env=deploy.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        waits = _until(watch, QUEUED, some=True, patience=HELD / 2)
        process.kill()
        process.wait()
        begin = time.monotonic()
        _until(watch, QUEUED, some=False)
        queued = time.monotonic() - begin
        _until(watch, LEFT, some=False)
        left = time.monotonic() - begin
    return f"{left:.1f} s", f"{queued:.1f} s" if waits else "was not queued"


def _until(watch: psycopg.Connection, query: str, some: bool, patience: float = 60) -> bool:
    """Wait until a query counts some, or none; return whether it did in time."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        row = watch.execute(query.encode()).fetchone()
        if bool(row and row[0]) == some:
            return True
        time.sleep(0.005)
    return False
