"""The network between a deploy and its server is cut, for good and without a word to anybody."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.conftest import LEFT_OUT
from tests.deploy.deploying import COMMAND, KEY, STOP, STOPPED, Deploy, Stage, alone, execute, steps

NETWORK = Path(__file__).with_name("cut_network.py")
# What takes a minute in production: that the other end does not answer.
SOON = "tcp_user_timeout=3000&keepalives_idle=1&keepalives_interval=1&keepalives_count=3"
ROWS = "CREATE TABLE rows AS SELECT n, n % 7 AS m FROM generate_series(1, 1000) n"
TABLE = execute(ROWS)
INDEX = alone("CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)")
MORE = execute("INSERT INTO rows VALUES (0, 0)")
BUILDING = "SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'"
# The COMMIT waits for a lock.
AT_COMMIT = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON rows DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait()
"""
QUICK = {
    "MIGRATOR_WAIT_TIMEOUT": "1",
    "MIGRATOR_LOCK_TIMEOUT": "0",
    "MIGRATOR_DRIFT": "false",
    "MIGRATOR_CLIENT_CONNECTION_CHECK_INTERVAL": "1",
}


@pytest.fixture(scope="module", autouse=True)
def network() -> None:
    """Skips where a user may have no network of their own."""
    words = [sys.executable, str(NETWORK), "1", "true"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"{LEFT_OUT}a cut network, because a process may not have one of its own here")


def start(stage: Stage, backups: Path | None = None) -> Deploy:
    """Starts a deploy whose network can be cut."""
    with psycopg.connect(stage.url) as connection:
        port = connection.info.port
    backup = {"MIGRATOR_BACKUP": str(backups is not None).lower()}
    if backups:
        backup["MIGRATOR_BACKUP_FOLDER"] = str(backups)
    words = [sys.executable, str(NETWORK), str(port), *COMMAND, "deploy", "--no-lint"]
    return Deploy(
        stage.project.start(
            [*words, "--no-blockers"],
            env={"DATABASE_URL": f"{stage.url}?{SOON}", **QUICK, **backup},
            together=True,
        )
    )


def cut(deploy: Deploy) -> str:
    """Cuts it, and returns what the deploy says in the end."""
    deploy.send(signal.SIGUSR1)
    return deploy.end(code=1)


@pytest.mark.parametrize("point", ["inside", "commit", "index"])
def test_while_it_works(stage: Stage, point: str) -> None:
    """What is committed is not known; the next deploy finds out."""
    stage.begin(ROWS, *([AT_COMMIT] if point == "commit" else []))
    change = {"inside": steps(MORE, STOP), "commit": MORE, "index": INDEX}[point]
    stage.history(TABLE, change, execute("CREATE TABLE after ()"))
    with stage.stopping(), closing(stage.connect()) as other:
        if point == "index":
            other.execute("BEGIN; INSERT INTO rows VALUES (-1)")
        deploy = start(stage)
        stage.until(BUILDING if point == "index" else STOPPED, deploy)
        output = cut(deploy)
    assert "Revision step2 failed: " in output
    assert "The database no longer answers, so its state is not known" in output
    assert "rolled back." not in output.split("its state is not known")[0]
    assert "when it answers again: " in output
    stage.until_quiet()
    stage.run("--no-blockers")
    assert stage.at == "step3"
    # The trigger was let go before the server had noticed, or not: once in either case.
    assert stage.ask("SELECT count(*) FROM rows WHERE n = 0") == [(int(point != "index"),)]
    done = stage.ask("SELECT revision FROM migration_log WHERE failure IS NULL ORDER BY id")
    assert done == [("step2",), ("step3",)]


def test_while_it_backs_up(stage: Stage, tmp_path: Path) -> None:
    """pg_dump notices, too."""
    stage.begin(ROWS)
    stage.history(TABLE, MORE)
    with stage.holding("LOCK TABLE rows IN ACCESS EXCLUSIVE MODE"):
        deploy = start(stage, tmp_path)
        stage.until("SELECT FROM pg_locks WHERE NOT granted", deploy)
        output = cut(deploy)
    assert "The connection was lost: " in output
    assert "cannot be reached: " in output
    assert "Nothing was changed" in output
    assert not list(tmp_path.iterdir())
    stage.until_quiet()
    stage.run()
    assert stage.at == "step2"


def test_while_it_waits_for_the_lock(stage: Stage) -> None:
    stage.history(TABLE)
    with closing(stage.connect()) as other:
        other.execute(f"SELECT pg_advisory_lock({KEY})")
        deploy = start(stage)
        deploy.until_it_says("Waiting for another deploy")
        output = cut(deploy)
    assert re.search(r"lock +The connection was lost: ", output), output
    assert "cannot be reached: " in output
    assert "Nothing was changed" in output
    stage.until_quiet()
    stage.run()
    assert stage.at == "step1"
