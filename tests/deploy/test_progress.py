"""A statement that runs long says how far it is, every few seconds, and not on stdout with JSON."""

from __future__ import annotations

import json
import re

from tests.deploy.deploying import Stage, alone, execute

BIG = execute("CREATE TABLE big AS SELECT n, md5(n::text) AS t FROM generate_series(1, 400000) n")
# An index on it takes half a minute, whatever the machine.
SLOW = execute(
    "CREATE FUNCTION slow(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS"
    " 'BEGIN PERFORM pg_sleep(0.005); RETURN t; END'"
)
FEW = execute("DELETE FROM big WHERE n > 3200")


def test_an_index_says_its_phase(stage: Stage) -> None:
    stage.history(BIG, SLOW, FEW)
    stage.run()
    stage.history(BIG, SLOW, FEW, alone("CREATE INDEX CONCURRENTLY ix ON big (slow(t))"))
    output = stage.run()
    lines = re.findall(r"CREATE INDEX CONCURRENTLY has been running for (\d+) s: (.*)", output)
    assert len(lines) >= 2, output
    assert int(lines[1][0]) - int(lines[0][0]) <= 8
    assert "building index: scanning table" in lines[0][1]
    assert re.search(r", \d+ %\.$", lines[0][1])


def test_another_statement_says_for_how_long(stage: Stage) -> None:
    """And shows no constant, which may be personal data; stdout has JSON only."""
    stage.history("pass", execute("SELECT pg_sleep(11), 'anna@example.org'"))
    deploy = stage.start("--json")
    said, errors = deploy.process.communicate(timeout=60)
    assert deploy.process.returncode == 0
    assert all(json.loads(line) for line in said.splitlines())
    assert "has been running" not in said
    assert errors is not None
    assert "SELECT has been running for 5 s: waiting for Timeout PgSleep." in errors
    assert len(re.findall("SELECT has been running for", errors)) == 2
    assert "anna" not in errors


def test_a_short_one_says_nothing(stage: Stage) -> None:
    stage.history("pass", *[execute("SELECT pg_sleep(2)")] * 4)
    assert "has been running" not in stage.run()
