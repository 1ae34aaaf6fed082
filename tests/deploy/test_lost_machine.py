"""A deployer whose machine vanishes: nobody tells the server, so it has to find out by itself."""

import os
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.deploy.deploying import PATIENCE, STOP, STOPPED, Stage, execute, steps

TABLE = execute("CREATE TABLE rows (name text, setting text)")
LOOK = execute("INSERT INTO rows SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp%'")
HOLDER = """
SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objid <> 1
"""
SOCKETS = Path("/proc/net/tcp")
KEEPALIVE = "02"  # the timer that runs for a socket, in that file


def test_the_session_that_works(stage: Stage) -> None:
    stage.history(steps(TABLE, LOOK))
    stage.run()
    assert dict(stage.ask("SELECT * FROM rows")) == {
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        # For an answer that was on its way; only Linux has it.
        "tcp_user_timeout": "60000" if sys.platform == "linux" else "0",
    }


@pytest.mark.skipif(not SOCKETS.exists(), reason="there is no /proc to look at")
def test_the_session_that_has_the_lock(stage: Stage) -> None:
    """Seen from outside: the server's end of it has a timer of at most half a minute."""
    stage.history(STOP)
    with psycopg.connect(stage.url) as connection:
        port = connection.info.port
    with stage.stopping():
        deploy = stage.start()
        stage.until(STOPPED, deploy)
        (client,) = stage.until(HOLDER, deploy)
        seconds = keepalive(port, client)
    deploy.end()
    assert 0 <= seconds <= 30


def keepalive(port: int, client: int) -> float:
    """The seconds until the kernel looks whether the other end of a connection is there."""
    ends = [f"0100007F:{port:04X}", f"0100007F:{client:04X}"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for line in SOCKETS.read_text().splitlines()[1:]:
            fields = line.split()
            timer, _, ticks = fields[5].partition(":")
            if fields[1:3] == ends and timer == KEEPALIVE:
                return int(ticks, 16) / os.sysconf("SC_CLK_TCK")
        time.sleep(0.01)  # what was sent last is not acknowledged yet
    raise AssertionError(f"no keepalive timer from {port} to {client}")
