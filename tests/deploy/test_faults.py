"""Deploys that are killed, stopped or cut off: what stands stands, and the next one goes on."""

import json
import os
import random
import re
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.deploy.deploying import (
    KEY,
    PATIENCE,
    STOP,
    STOPPED,
    Stage,
    alone,
    execute,
    go_on,
    pausing,
    server_of,
    steps,
    until_paused,
)

ROWS = "CREATE TABLE rows AS SELECT n, n % 7 AS m FROM generate_series(1, 1000) n"
TABLE = execute(ROWS)
INDEX = alone("CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)")
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_rows_n'::regclass"
MORE = execute("INSERT INTO rows VALUES (0, 0)")
# A build waits for the transactions that were there before it; so does the killed one's end.
BUILDING = "SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'"
PATIENT = {"MIGRATOR_LOCK_TIMEOUT": "0", "MIGRATOR_STATEMENT_TIMEOUT": "0"}  # until it is ended


@pytest.mark.parametrize("point", ["at a blocker", "inside", "before its commit", "between two"])
def test_killed(stage: Stage, point: str) -> None:
    stage.begin(ROWS)
    wait = "SELECT pg_advisory_xact_lock(1)"
    if point == "at a blocker":  # which has a lock on the table
        wait = "SELECT FROM rows"
    elif point == "before its commit":
        wait = "LOCK TABLE alembic_version IN EXCLUSIVE MODE"
    stage.history(
        TABLE,
        steps(execute("ALTER TABLE rows ADD extra int"), STOP if point == "inside" else "pass"),
        steps(MORE, STOP),
    )
    waits = [] if point == "at a blocker" else ["--no-blockers"]
    with stage.holding(wait):
        deploy = stage.start(*waits, **PATIENT, MIGRATOR_BLOCKER_AGE="0.01")
        if point == "at a blocker":
            deploy.until_it_says("Waiting for process")
        else:
            stage.until("SELECT FROM pg_locks WHERE NOT granted", deploy)
        deploy.kill()
        stage.until_quiet()
    reached = 2 if point == "between two" else 1
    assert stage.at == f"step{reached}"
    stage.run()
    assert stage.at == "step3"
    assert stage.ask("SELECT count(extra), count(*) FROM rows") == [(0, 1001)]
    recorded = [("step2",), ("step3",)]  # each once: in the transaction that stands
    assert stage.ask("SELECT revision FROM migration_log ORDER BY id") == recorded
    stage.until_quiet()


def test_killed_while_it_builds_an_index(stage: Stage) -> None:
    stage.begin(ROWS)
    stage.history(TABLE, INDEX, MORE)
    with stage.holding("INSERT INTO rows VALUES (-1)"):
        deploy = stage.start("--no-blockers")
        stage.until(BUILDING, deploy)
        deploy.kill()
        stage.until_quiet()
        assert stage.ask(VALID) == [(False,)]
    assert stage.at == "step1"
    output = stage.run()
    assert "Dropped the INVALID index ix_rows_n that an earlier attempt left behind" in output
    assert stage.ask(VALID) == [(True,)]
    assert stage.at == "step3"
    stage.until_quiet()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_stopped_while_it_detaches_a_partition(stage: Stage, sent: signal.Signals) -> None:
    """Between the two transactions of the statement, after which it cannot run again."""
    stage.begin(
        'CREATE TABLE whole (n int) PARTITION BY LIST (n); CREATE SCHEMA "O ld"',
        'CREATE TABLE "O ld"."p 1" PARTITION OF whole FOR VALUES IN (1)',
    )
    detach = 'ALTER TABLE "whole" DETACH PARTITION "O ld"."p 1" CONCURRENTLY'
    stage.history(TABLE, alone(detach), execute("CREATE TABLE after ()"))
    with stage.holding("SELECT FROM whole"):
        deploy = stage.start("--no-blockers")
        stage.until("SELECT FROM pg_inherits WHERE inhdetachpending", deploy)
        deploy.send(sent)
        output = deploy.end(code=130 if sent == signal.SIGTERM else -9)
        stage.until_quiet()
    half = "half detached partition p 1 of whole"
    assert (f"left behind  {half}" in output) == (sent == signal.SIGTERM)
    assert half in stage.run(command="status")
    assert "Finished detaching" in stage.run("--no-blockers")
    assert stage.ask("SELECT FROM pg_inherits") == []
    assert stage.at == "step3"


@pytest.mark.parametrize("same", [True, False])
def test_killed_when_the_index_is_built(stage: Stage, same: bool) -> None:
    """And the revision is not marked as applied: it is kept, if it is what the revision says."""
    stage.begin(ROWS)
    stage.history(TABLE, steps(INDEX, STOP))
    with stage.stopping():
        deploy = stage.start(**PATIENT)
        stage.until(STOPPED, deploy)
        deploy.kill()
        stage.until_quiet()
    assert stage.at == "step1"
    stage.history(TABLE, steps(INDEX if same else INDEX.replace("(n)", "(m)"), STOP))
    output = stage.run(code=0 if same else 1)
    assert ("Kept the index ix_rows_n, which an earlier attempt has built" in output) == same
    assert ('"ix_rows_n" already exists' in output) != same


def test_the_next_deploy_does_not_wait_for_the_killed_one_for_ever(stage: Stage) -> None:
    """It comes while the server still builds for the one that was killed."""
    stage.begin(ROWS)
    stage.history(TABLE, INDEX)
    with stage.holding("INSERT INTO rows VALUES (-1)") as old:
        deploy = stage.start("--no-blockers", MIGRATOR_CLIENT_CONNECTION_CHECK_INTERVAL="3")
        stage.until(BUILDING, deploy)
        deploy.kill()
        again = stage.start("--no-blockers")
        stage.until("SELECT FROM pg_stat_activity WHERE query LIKE 'DROP INDEX CONC%'", again)
        old.execute("ROLLBACK")
        assert "Dropped the INVALID index" in again.end()
    assert stage.ask(VALID) == [(True,)]
    stage.until_quiet()


def restart(stage: Stage) -> None:
    """As a crash does: nobody is told, and nothing is finished."""
    data = stage.project.path / ".postgres/data"
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + PATIENCE
    while (data / "postmaster.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert server_of(stage.project) == stage.server


def test_the_server_goes_and_does_not_come_back(stage: Stage) -> None:
    stage.history(TABLE, STOP)
    with stage.stopping():
        deploy = stage.start(**PATIENT, MIGRATOR_WAIT_TIMEOUT="1")
        stage.until(STOPPED, deploy)
        stage.project.make("db-stop")
    output = deploy.end(code=1)
    assert "Revision step2 failed" in output
    assert "no longer answers, so its state is not known" in output
    assert server_of(stage.project) == stage.server
    stage.run()
    assert stage.at == "step2"


@pytest.mark.parametrize("point", ["plan", "lock", "backup", "blockers"])
@pytest.mark.parametrize("cut", [False, True], ids=["restart", "cut"])
def test_the_connection_is_lost_before_anything_is_changed(
    stage: Stage, tmp_path: Path, point: str, cut: bool
) -> None:
    """A restart of the server, or of all its sessions: the deploy connects again and goes on."""
    stage.begin(ROWS, "CHECKPOINT")  # the server of tests writes behind
    stage.history(TABLE, execute("ALTER TABLE rows ADD extra int"), MORE)
    with closing(stage.connect()) as other:  # which a restart ends, too
        locked = {"plan": "alembic_version", "backup": "rows", "blockers": "rows"}
        mode = "ROW EXCLUSIVE" if point == "blockers" else "ACCESS EXCLUSIVE"
        if point == "lock":
            other.execute(f"SELECT pg_advisory_lock({KEY})")
        else:
            other.execute("BEGIN")
            other.execute(f"LOCK TABLE {locked[point]} IN {mode} MODE")
        deploy = stage.start(
            **PATIENT,
            MIGRATOR_BLOCKER_AGE="0.01",
            MIGRATOR_BACKUP="true" if point == "backup" else "false",
            MIGRATOR_BACKUP_FOLDER=str(tmp_path),
        )
        if point in ("plan", "backup"):
            stage.until("SELECT FROM pg_locks WHERE NOT granted", deploy)
        else:
            deploy.until_it_says("Waiting for ")
        if cut:
            # Not the one with the lock: without it, a statement may end before its session does.
            mine = f"pg_backend_pid(), {other.info.backend_pid}"
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
            stage.ask(f"{end} current_database() AND pid NOT IN ({mine})")
        else:
            restart(stage)
    output = deploy.end()
    assert "The connection was lost: " in output
    assert "Nothing was changed yet. Connecting again for 60 s; then this step is rep" in output
    assert output.count("applied step2") == output.count("applied step3") == 1
    assert stage.ask("SELECT revision FROM migration_log ORDER BY id") == [("step2",), ("step3",)]
    assert len(list(tmp_path.iterdir())) == (1 if point == "backup" else 0)
    stage.until_quiet()


@pytest.mark.parametrize("which", ["pg_dump", "snapshot", "both"])
def test_a_session_of_the_backup_is_cut(stage: Stage, tmp_path: Path, which: str) -> None:
    """And not the one that has the deploy lock: the backup is made again."""
    stage.begin(ROWS)
    stage.history(TABLE, MORE)
    with closing(stage.connect()) as other:
        other.execute("BEGIN; LOCK TABLE rows IN ACCESS EXCLUSIVE MODE")
        deploy = stage.start(MIGRATOR_BACKUP="true", MIGRATOR_BACKUP_FOLDER=str(tmp_path))
        stage.until("SELECT FROM pg_locks WHERE NOT granted", deploy)
        sessions = {
            "snapshot": "query LIKE 'SELECT pg_export_snapshot()%'",
            "pg_dump": "application_name = 'pg_dump'",
        }
        for name, where in sessions.items():
            if which in (name, "both"):
                end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                here = "datname = current_database() AND pid <> pg_backend_pid()"
                assert stage.ask(f"{end} {here} AND {where}") == [(True,)]
        if which != "snapshot":
            deploy.until_it_says("Connecting again for 60 s; then this step is repeated")
            assert "backup   The connection was lost: pg_dump failed (" in deploy.output
    output = deploy.end()
    # pg_dump has taken over the snapshot by then, and needs its session no more.
    assert "The connection was lost" not in output
    assert output.count("applied step2") == 1
    assert len(list(tmp_path.iterdir())) == 1
    stage.until_quiet()


def test_the_connection_is_lost_while_a_rollback_counts(stage: Stage) -> None:
    """It does not say that a table cannot be read; it counts again."""
    stage.history(TABLE, downgrade=execute("DROP TABLE rows"))
    stage.run()
    with closing(stage.connect()) as other:
        other.execute("BEGIN; LOCK TABLE rows IN ACCESS EXCLUSIVE MODE")
        rollback = stage.start("--to", "base", "--yes", command="rollback", **PATIENT)
        stage.until("SELECT FROM pg_locks WHERE NOT granted", rollback)
        # Not the session that has the lock, too: without it the count may end before its own does.
        stage.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
    output = rollback.end()
    assert "plan     The connection was lost: " in output
    assert "would be lost: table rows: 1,000 rows" in output and "not there now" not in output
    assert "reverted step1" in output


def test_the_server_goes_while_a_deploy_waits_and_does_not_come_back(stage: Stage) -> None:
    """It is waited for no longer than at first, and what is said is what is known."""
    stage.history(TABLE)
    with stage.connect() as other:
        other.execute(f"SELECT pg_advisory_lock({KEY})")
        deploy = stage.start(MIGRATOR_WAIT_TIMEOUT="2")
        deploy.until_it_says("Waiting for another deploy")
        stage.project.make("db-stop")
    output = deploy.end(code=1)
    assert "Connecting again for 2 s" in output
    assert "cannot be reached: " in output and "Nothing was changed" in output
    assert server_of(stage.project) == stage.server
    assert "applied step1" in stage.run()


def test_fifty_deployers_at_once(stage: Stage, tmp_path: Path) -> None:
    """Each revision once, and one backup: it is made by the one who works."""
    stage.history(TABLE, INDEX, MORE)
    backups = {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    with stage.connect() as other:  # who comes first waits too, so that they do meet
        other.execute(f"SELECT pg_advisory_lock({KEY})")
        running = [stage.start(**backups) for _ in range(50)]
        stage.until(
            "SELECT FROM pg_stat_activity WHERE application_name = 'migrate' HAVING count(*) >= 40"
        )
    outputs = [deploy.end() for deploy in running]
    assert sum(output.count(" applied ") for output in outputs) == 3
    assert stage.ask("SELECT count(*) FROM rows") == [(1001,)]
    assert stage.ask(VALID) == [(True,)]
    assert stage.ask("SELECT count(*) FROM migration_log") == [(3,)]
    assert len(list(tmp_path.rglob("*.dump"))) == 1
    stage.until_quiet()


def test_three_of_fourteen_deployers_are_killed(stage: Stage) -> None:
    """At any moment: each revision is applied once and logged once, and the others end well."""
    slow = execute("SELECT pg_sleep(0.1)")
    stage.begin(ROWS)
    stage.history(TABLE, steps(MORE, slow), INDEX, steps(MORE, slow), steps(slow, MORE))
    seed = time.time_ns()
    chance = random.Random(seed)
    running = [stage.start() for _ in range(14)]
    killed = chance.sample(running, 3)
    for each in killed:
        time.sleep(chance.uniform(0, 0.8))
        each.process.kill()
    codes = [each.process.wait(PATIENCE) for each in running]
    said = [each.process.communicate()[0] for each in running]
    others = [code for each, code in zip(running, codes, strict=True) if each not in killed]
    assert others == [0] * 11, (seed, said)
    assert {*codes} <= {0, -signal.SIGKILL}
    assert stage.at == "step5"
    assert stage.ask("SELECT count(*) FROM rows") == [(1003,)], (seed, said)
    assert stage.ask(VALID) == [(True,)]
    names = [(f"step{number}", "yes") for number in range(2, 6)]
    assert stage.ask("SELECT revision, verified FROM migration_log ORDER BY id") == names
    stage.until_quiet()


def test_a_revision_fails(stage: Stage) -> None:
    stage.history(TABLE, steps(MORE, execute("SELECT 1 / 0")), MORE)
    lines = stage.lines("--no-verify", code=1)
    end = lines[-1]
    assert (
        "Revision step2 failed: division by zero. Its transaction was rolled back."
        in end["message"]
    )
    assert "The database is at step1 (1 of 3 revisions applied)" in end["message"]
    assert (end["status"], end["applied"]) == ("failed", ["step1"])
    assert end["not_done"] == [
        {"revision": "step2", "failed": True},
        {"revision": "step3", "failed": False},
    ]
    assert end["to_go_back"].endswith("rollback --to base")
    assert stage.at == "step1"
    assert stage.ask("SELECT count(*) FROM rows") == [(1000,)]
    assert stage.ask("SELECT revision, direction FROM migration_log ORDER BY id") == [
        ("step1", "upgrade"),
        ("step2", "failed upgrade"),
    ]
    output = stage.run(code=1)
    assert "no revision was applied" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["SIGTERM", "Ctrl-C", "SIGHUP"]
)
@pytest.mark.parametrize("point", ["server", "lock", "gate", "backup", "index", "pause"])
def test_stopped(stage: Stage, tmp_path: Path, point: str, sent: signal.Signals) -> None:
    """While it waits for the server, another deploy, old transactions; while it works; between
    two tries."""
    stage.begin(ROWS)
    change = INDEX if point == "index" else execute("ALTER TABLE rows ADD extra int")
    stage.history(TABLE, change, MORE)
    with stage.connect() as other:
        url, gate, backup = stage.url, ["--no-blockers"], "false"
        if point == "server":
            url = stage.url.replace(f":{other.info.port}/", ":1/")
            waits = "Retrying for"
        elif point == "lock":
            other.execute(f"SELECT pg_advisory_lock({KEY})")
            waits = "Waiting for another deploy"
        else:
            other.execute("BEGIN")
            other.execute("LOCK TABLE rows IN ROW EXCLUSIVE MODE")
            waits = "retrying"
        if point == "gate":
            gate, waits = [], "Waiting for process"
        elif point == "backup":
            other.execute("LOCK TABLE rows IN ACCESS EXCLUSIVE MODE")
            backup = "true"
        deploy = stage.start(
            *gate,
            DATABASE_URL=url,
            MIGRATOR_BACKUP=backup,
            MIGRATOR_BACKUP_FOLDER=str(tmp_path),
        )
        if point == "backup":
            stage.until("SELECT FROM pg_locks WHERE NOT granted", deploy)
        elif point == "index":
            stage.until(BUILDING, deploy)
        else:
            deploy.until_it_says(waits)
        deploy.send(sent)
        output = deploy.end(code=130)
        assert re.search("stopped|interrupted", output, re.IGNORECASE), output
        if point != "lock":
            stage.until_quiet()
    assert not list(tmp_path.rglob("*.*"))
    if point in ("gate", "index", "pause"):
        assert "The database is at step1" in output
    assert ("left behind  INVALID index ix_rows_n" in output) == (point == "index")
    assert ("DROP INDEX CONCURRENTLY ix_rows_n" in output) == (point == "index")
    assert stage.at == "step1"
    stage.run()
    assert stage.at == "step3"


def test_stopped_for_machines(stage: Stage, tmp_path: Path) -> None:
    stage.history(STOP)
    summary = tmp_path / "summary.md"
    with stage.stopping():
        deploy = stage.start("--json", **PATIENT, GITHUB_STEP_SUMMARY=str(summary))
        stage.until(STOPPED, deploy)
        deploy.send(signal.SIGTERM)
        said, _ = deploy.process.communicate(timeout=PATIENCE)
    end = json.loads(said.splitlines()[-1])
    assert (end["step"], end["status"], end["exit_code"]) == ("end", "failed", 130)
    assert "Stopped in revision step1" in end["message"]
    assert "| failed | Stopped in revision step1" in summary.read_text("utf-8")


def test_the_server_restarts(stage: Stage) -> None:
    stage.history(TABLE, steps(MORE, STOP), MORE)
    with stage.stopping():
        deploy = stage.start(**PATIENT)
        stage.until(STOPPED, deploy)
        restart(stage)
    output = deploy.end(code=1)
    assert "Revision step2 failed: " in output
    assert "Its transaction was rolled back." in output
    assert "The database is at step1 (1 of 3 revisions applied)" in output
    assert "not done     step2 (failed), step3 (not tried)" in output
    stage.run()
    assert stage.ask("SELECT count(*) FROM rows") == [(1002,)]


@pytest.mark.parametrize("which", ["migrate:step2", "migrate"])
def test_a_connection_is_cut(stage: Stage, which: str) -> None:
    """The one that works; and the one that holds the deploy lock, so that another may begin."""
    stage.history(TABLE, steps(MORE, STOP), MORE)
    session = f"FROM pg_stat_activity WHERE application_name = '{which}'"
    with stage.stopping():
        deploy = stage.start(**PATIENT)
        stage.until(STOPPED, deploy)
        assert stage.ask(f"SELECT pg_terminate_backend(pid) {session}") == [(True,)]
        stage.until(f"SELECT WHERE NOT EXISTS (SELECT {session})")
    output = deploy.end(code=1)
    if which == "migrate":
        assert "the connection that held the deploy lock was closed" in output, output
    assert "The database is at step1 (1 of 3 revisions applied)" in output
    assert "step2 (failed), step3 (not tried)" in output
    assert stage.at == "step1"
    stage.until_quiet()
    stage.run()
    assert stage.at == "step3"
    assert stage.ask("SELECT count(*) FROM rows") == [(1002,)]


def test_the_connection_is_cut_between_two_revisions(stage: Stage) -> None:
    """While it waits for a blocker, in no transaction."""
    stage.history(TABLE, steps(MORE, STOP), steps(MORE, execute("ALTER TABLE rows ADD extra int")))
    with stage.stopping() as lock:
        deploy = stage.start(**PATIENT)
        stage.until(STOPPED, deploy)
        with stage.holding("SELECT FROM rows", application_name="old"):
            stage.until(
                "SELECT FROM pg_stat_activity WHERE application_name = 'old'"
                " AND clock_timestamp() - xact_start > '0.6 s'"
            )
            lock.close()
            deploy.until_it_says("Waiting for process")
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
            assert stage.ask(f"{cut}'migrate:step2'") == [(True,)]
    output = deploy.end(code=1)
    assert "Revision step3 failed" in output
    assert "The database is at step2 (2 of 3 revisions applied)" in output
    stage.run()
    assert stage.ask("SELECT count(*) FROM rows") == [(1002,)]
    stage.until_quiet()


def test_a_revision_fails_outside_its_transaction(stage: Stage) -> None:
    """What it did there stands, and is named."""
    stage.history(TABLE, steps(INDEX, execute("SELECT 1 / 0")))
    output = stage.run(code=1)
    assert "CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)" in output
    assert stage.at == "step1"
    assert stage.ask(VALID) == [(True,)]


def test_an_index_that_was_invalid_before_is_not_left_behind(stage: Stage) -> None:
    """Unlike one that this deploy has begun."""
    stage.begin(ROWS, "CREATE INDEX ix_old ON rows (m)")
    with stage.connect() as connection:
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_old'::regclass"
        )
    unique = "CREATE UNIQUE INDEX CONCURRENTLY ix_rows_m ON rows (m)"
    stage.history(TABLE, alone(unique))
    output = stage.run("--no-check", "--no-rows", code=1)
    assert "left behind  INVALID index ix_rows_m" in output
    assert "ix_old" not in output


# Between the last commit and the verification


def stands(output: str) -> None:
    """What a deploy has to say that has applied two revisions and has not verified them."""
    assert "The database is at step2 (2 of 2 revisions applied)" in output
    assert "nothing was changed" not in output.lower()
    assert "  applied      step1, step2" in output
    assert "  not done     none" in output
    assert "  to go on     .venv/bin/python -m migrator -c alembic_prod.ini deploy\n" in output
    assert (
        "  to go back   .venv/bin/python -m migrator -c alembic_prod.ini rollback --to base"
        in output
    )


@pytest.mark.parametrize("comes_back", [True, False])
def test_the_server_goes_before_the_verification(
    stage: Stage, tmp_path: Path, comes_back: bool
) -> None:
    stage.history(TABLE, steps(MORE, pausing(tmp_path)))
    deploy = stage.start(
        MIGRATOR_WAIT_TIMEOUT="60" if comes_back else "1",
        MIGRATOR_BACKUP="true",
        MIGRATOR_BACKUP_FOLDER=str(tmp_path / "backups"),
    )
    until_paused(tmp_path, deploy)
    stage.project.make("db-stop")
    go_on(tmp_path)
    if not comes_back:
        deploy.process.wait(PATIENCE)
    assert server_of(stage.project) == stage.server
    output = deploy.end(code=0 if comes_back else 1)
    if comes_back:
        assert "verify   the target is reached" in output
    else:
        stands(output)
        assert "Not verified: The database " in output and "cannot be reached" in output
        (dump,) = (tmp_path / "backups").iterdir()
        assert f"  backup       {dump}\n" in output
        assert f"restore {dump} --into deployed_restored" in output
        assert "verify   the target is reached" in stage.run()
    assert "verify" not in stage.run()
    stage.until_quiet()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_stopped_before_the_verification(stage: Stage, sent: signal.Signals) -> None:
    stage.history(TABLE, MORE)
    smoke = {"MIGRATOR_SMOKE_SQL": "SELECT pg_advisory_lock(1) IS NULL"}
    with stage.stopping():
        deploy = stage.start(**PATIENT, **smoke)
        stage.until(STOPPED, deploy)
        deploy.send(sent)
        output = deploy.end(code=-sent if sent == signal.SIGKILL else 130)
        if sent != signal.SIGKILL:
            stands(output)
            assert "Stopped before the result was verified" in output
        stage.until_quiet()
    # Nothing is pending, but that is not all that counts.
    output = stage.run(code=1, MIGRATOR_SMOKE_SQL="SELECT false")
    assert "Not verified: smoke_sql gave False. The database is at step2. " in output
    assert "smoke_sql succeeds" in stage.run(MIGRATOR_SMOKE_SQL="SELECT true")
    assert "Nothing to do" in stage.run(MIGRATOR_SMOKE_SQL="SELECT false")


def test_a_rollback_that_is_not_verified(stage: Stage, tmp_path: Path) -> None:
    """It says what it has reverted."""
    stage.history(TABLE, MORE, downgrade=pausing(tmp_path))
    stage.run()
    deploy = stage.start("--to", "base", "--yes", command="rollback", MIGRATOR_WAIT_TIMEOUT="1")
    until_paused(tmp_path, deploy)
    stage.project.make("db-stop")
    go_on(tmp_path)
    output = deploy.end(code=1)
    assert server_of(stage.project) == stage.server
    assert "The database is at base (2 of 2 revisions reverted)" in output
    assert "nothing was changed" not in output.lower()
    assert (
        "  to go on     .venv/bin/python -m migrator -c alembic_prod.ini rollback --to base"
        in output
    )
    assert stage.at == ""
