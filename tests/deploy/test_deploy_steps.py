"""The steps of a deploy around its revisions: what it refuses, checks, verifies and writes down."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.deploy.deploying import (
    COMMAND,
    PATIENCE,
    REVISION,
    Stage,
    alone,
    execute,
    go_on,
    pausing,
    server_of,
    steps,
    until_paused,
)
from tests.deploy.pooling import pooler

TABLE = execute("CREATE TABLE rows (n int)")
MORE = execute("INSERT INTO rows VALUES (1)")
PASSWORD = "s3cret-w0rd"


def sentence(output: str) -> str:
    """The last line but for its details; the others are what was done before it."""
    assert PASSWORD not in output
    return [line for line in output.splitlines() if not line.startswith("  ")][-1]


def address(url: str) -> str:
    """What stands behind the password in a URL."""
    return url.rpartition("@")[2]


# Connecting


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://postgres:{password}@{address}", "password authentication failed"),
        ("postgresql://nobody:{password}@{address}", "password authentication failed"),
        ("{url}_not_there", 'database "deployed_not_there" does not exist'),
        ("{url}?sslmode=require", "server does not support SSL, but SSL was required"),
        ("{url}?sslrootcert=/nowhere/root.crt&sslmode=verify-full", "cannot be reached"),
    ],
)
def test_what_no_waiting_helps(stage: Stage, url: str, reason: str) -> None:
    """It ends at once, whatever wait_timeout says, with a sentence that has no password."""
    wrong = url.format(url=stage.url, password=PASSWORD, address=address(stage.url))
    stage.history(TABLE)
    output = stage.run(code=1, DATABASE_URL=wrong, MIGRATOR_WAIT_TIMEOUT="100000")
    assert reason in sentence(output)
    assert "Nothing was changed." in sentence(output)
    assert str(psycopg.conninfo.conninfo_to_dict(stage.url)["password"]) not in output


@pytest.mark.parametrize("arguments", [(), ("--no-wait",)])
def test_a_host_that_does_not_answer(stage: Stage, arguments: tuple[str, ...]) -> None:
    stage.history(TABLE)
    with socket.socket() as taken:  # a port on which nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{taken.getsockname()[1]}/deployed"
        output = stage.run(*arguments, code=1, DATABASE_URL=url, MIGRATOR_WAIT_TIMEOUT="1")
    assert "Connection refused" in sentence(output)
    assert ("Retrying for 1 s" in output) == (not arguments)
    url = f"postgresql://postgres:{PASSWORD}@host.invalid/deployed"
    output = stage.run("--no-wait", code=1, DATABASE_URL=url)
    assert "host.invalid" in sentence(output)


def test_a_server_that_starts_late(stage: Stage) -> None:
    stage.history(TABLE)
    stage.project.make("db-stop")
    deploy = stage.start()
    deploy.until_it_says("Retrying for 60 s")
    assert server_of(stage.project) == stage.server
    assert "applied step1" in deploy.end()


def test_a_standby(stage: Stage) -> None:
    """It answers, but cannot be changed: nothing is tried."""
    stage.history(TABLE)
    data = stage.project.path / ".postgres/data"
    stage.project.make("db-stop")
    standby = data / "standby.signal"
    standby.touch()
    os.chown(standby, data.stat().st_uid, data.stat().st_gid)
    try:
        assert server_of(stage.project) == stage.server
        output = stage.run(code=5)
        assert "is a standby, which cannot be changed" in sentence(output)
        assert "MIGRATION_DATABASE_URL" in sentence(output)
        assert "deploy first" in stage.run(command="check", code=3)  # it can be looked at
    finally:
        stage.project.make("db-stop")
        standby.unlink()
        assert server_of(stage.project) == stage.server
    stage.run()


@pytest.fixture
def pooled(stage: Stage, tmp_path: Path) -> Callable[..., Any]:
    """pooled(mode, *lines): a context with the URL of a PgBouncer before the server."""
    return partial(pooler, tmp_path, stage.url)


@pytest.mark.parametrize("lines", [(), ("ignore_startup_parameters = options",)])
def test_a_pooler_in_transaction_mode(
    stage: Stage, pooled: Callable[..., Any], lines: tuple[str, ...]
) -> None:
    """Whether or not it lets our limits in, it is seen; who only looks may come through it."""
    stage.history(TABLE)
    with pooled("transaction", *lines) as url:
        output = stage.run(code=5, DATABASE_URL=url)
        assert "is a pooler such as PgBouncer" in sentence(output)
        assert "MIGRATION_DATABASE_URL" in sentence(output)
        assert "--allow-pooler" in sentence(output)
        assert stage.at == ""
        assert "deploy first" in stage.run(command="check", code=3, DATABASE_URL=url)
        stage.run(DATABASE_URL=url, MIGRATION_DATABASE_URL=stage.url)
        output = stage.run("--timeout", "1", command="wait", DATABASE_URL=url)
        assert "The database is at step1, as this code expects" in output


def test_a_pooler_in_session_mode(stage: Stage, pooled: Callable[..., Any]) -> None:
    """The limits are set by statements, and who blocks is found behind the pooler."""
    look = execute(
        "INSERT INTO rows SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
    )
    stage.history(TABLE, look)
    with pooled("session") as url:
        stage.run("--allow-pooler", DATABASE_URL=url, MIGRATOR_STATEMENT_TIMEOUT="77")
        assert stage.ask("SELECT n FROM rows") == [(77_000,)]
        assert stage.at == "step2"
        stage.history(TABLE, look, execute("ALTER TABLE rows ADD extra int"))
        with stage.holding("SELECT FROM rows", application_name="reader"):
            output = stage.run(
                "--no-blockers",
                code=4,
                DATABASE_URL=url,
                MIGRATOR_ALLOW_POOLER="true",
                MIGRATOR_LOCK_DEADLINE="2",
            )
        assert "(reader, " in output
        # Nothing of ours stays behind in sessions that others get.
        with psycopg.connect(url) as after:
            shown = after.execute("SHOW statement_timeout").fetchone()
        assert shown == ("0",)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("more", ["", "server_round_robin = 1", "default_pool_size = 1"])
def test_a_pooler_that_mixes_sessions_is_always_refused(
    stage: Stage, pooled: Callable[..., Any], mode: str, more: str
) -> None:
    """Whatever one says; and nothing is left in the sessions that others get."""
    stage.history(TABLE)
    with pooled(mode, *filter(None, [more])) as url:
        others = [psycopg.connect(url, autocommit=True) for _ in range(3)]
        try:
            for other in others:
                other.execute("SELECT 1")
            output = stage.run("--allow-pooler", code=5, DATABASE_URL=url)
            assert "is not in session mode" in sentence(output)
            assert stage.at == ""
            assert others[0].execute("SHOW lock_timeout").fetchone() == ("0",)
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert stage.ask(locks) == [(0,)]
        finally:
            for other in others:
                other.close()


def test_a_pool_without_a_reset_query(stage: Stage, pooled: Callable[..., Any]) -> None:
    """What the deploy has set for its session is not there for the next client."""
    stage.history(TABLE, execute("SET search_path = pg_catalog"))
    names = ("lock_timeout", "statement_timeout", "search_path", "role", "synchronous_commit")
    show = f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}"
    with pooled("session", "server_reset_query =", "default_pool_size = 20") as url:
        (before,) = stage.ask(show)
        stage.run("--allow-pooler", DATABASE_URL=url)
        for _ in range(8):
            with psycopg.connect(url, autocommit=True) as after:
                assert after.execute(show).fetchone() == before
        assert stage.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


# The account


@pytest.fixture
def account(stage: Stage) -> Iterator[Callable[..., str]]:
    """account(*settings): the URL of an owner of the database, a role with these settings."""
    with stage.connect() as admin:
        admin.execute("CREATE ROLE deployer LOGIN PASSWORD 'deployer'")
        admin.execute("GRANT pg_read_all_stats TO deployer")
        admin.execute("ALTER DATABASE deployed OWNER TO deployer")

        def make(*settings: str) -> str:
            for each in settings:
                admin.execute(f"ALTER ROLE deployer {each}")
            return f"postgresql://deployer:deployer@{stage.url.rpartition('@')[2]}"

        yield make
        admin.execute("ALTER DATABASE deployed OWNER TO postgres")
        admin.execute("REASSIGN OWNED BY deployer TO postgres")
        admin.execute("DROP OWNED BY deployer")
        admin.execute("DROP ROLE deployer")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["SET default_transaction_read_only = on"], "are read-only"),
        (["SET search_path = nosuch"], "no schema of search_path (nosuch) exists"),
        (["SET search_path = ''"], "no schema of search_path"),
        (["CONNECTION LIMIT 2"], "A deploy needs 3 connections at the same time, and this account"),
        (["CONNECTION LIMIT 1"], "A deploy needs 3 connections at the same time, and this account"),
    ],
)
def test_an_account_that_cannot_deploy(
    stage: Stage,
    account: Callable[..., str],
    tmp_path: Path,
    settings: list[str],
    said: str,
) -> None:
    """It is found before the backup."""
    stage.history(TABLE)
    backup = {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    output = stage.run(code=5, DATABASE_URL=account(*settings), **backup)
    assert said in sentence(output)
    assert "Nothing was changed" in sentence(output)
    assert not list(tmp_path.iterdir())
    assert stage.at == ""


@pytest.mark.parametrize(
    "setting",
    ["idle_session_timeout = 700", "transaction_timeout = 700", "idle_session_timeout = 100"],
)
def test_timeouts_of_the_account(
    stage: Stage, account: Callable[..., str], tmp_path: Path, setting: str
) -> None:
    """Neither the session with the lock nor the backup nor an index that is built ends by them."""
    url = account(f"SET {setting}", "CONNECTION LIMIT 3")
    stage.begin("CREATE TABLE rows (n int)")
    with stage.connect() as admin:
        admin.execute("ALTER TABLE rows OWNER TO deployer")
        admin.execute("ALTER TABLE alembic_version OWNER TO deployer")
    index = alone("CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)")
    stage.history(TABLE, steps("import time", "time.sleep(1)", execute("SELECT 1")), index)
    backup = {"MIGRATOR_BACKUP": "true", "MIGRATOR_BACKUP_FOLDER": str(tmp_path)}
    with stage.holding("LOCK TABLE rows"):
        deploy = stage.start("--no-blockers", DATABASE_URL=url, **backup)
        stage.until("SELECT FROM pg_stat_activity WHERE application_name = 'pg_dump'", deploy)
        time.sleep(1)
    with stage.holding("INSERT INTO rows VALUES (1)"):
        building = "SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'"
        stage.until(building, deploy)
        time.sleep(1)
    deploy.end()
    assert stage.at == "step3"


def test_rows_that_a_policy_hides(stage: Stage, account: Callable[..., str]) -> None:
    """They are not left out without a word; a revision that means the others says so."""
    url = account()
    table = [
        "CREATE TABLE seen (n int PRIMARY KEY, m int)",
        "INSERT INTO seen SELECT generate_series(1, 10)",
        "ALTER TABLE seen ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "CREATE POLICY visible ON seen USING (n > 7)",
    ]
    filling = "op.backfill('seen', {'m': 1}, where='m IS NULL')"
    for change in (filling, execute("UPDATE seen SET m = 1"), execute("TABLE seen")):
        stage.history(steps(*map(execute, table)), change)
        if "backfill" in change:
            path = stage.files[-1]
            path.write_text(path.read_text().replace("def up", "transactional = False\ndef up", 1))
        output = stage.run(code=1, DATABASE_URL=url)
        assert 'would be affected by row-level security policy for table "seen"' in output
        assert stage.ask("SELECT count(m) FROM seen") == [(0,)]
    stage.history(
        steps(*map(execute, table)),
        steps(execute("SET row_security = on"), execute("UPDATE seen SET m = 1")),
    )
    stage.run(DATABASE_URL=url)
    assert stage.ask("SELECT count(m) FROM seen") == [(3,)]


@pytest.mark.parametrize(
    "setting",
    [
        "client_encoding = 'LATIN1'",
        "client_encoding = 'SQL_ASCII'",
        "DateStyle = 'German'",
        "DateStyle = 'SQL, DMY'",
        "quote_all_identifiers = on",
    ],
)
def test_how_the_account_has_things_written(
    stage: Stage, account: Callable[..., str], setting: str
) -> None:
    """Times, names and texts are read as they are, and dates in revisions as the account has it."""
    url = account(f"SET {setting}")
    day = execute("INSERT INTO texts VALUES ('Zażółć 中文', '2026-02-03')")
    stage.history(
        steps(execute("CREATE TABLE texts (text text, day date)"), day), execute("SELECT 1")
    )
    output = stage.run(DATABASE_URL=url)
    output += stage.run(command="status", DATABASE_URL=url)
    output += stage.run(command="log", DATABASE_URL=url)
    assert "Warning" not in output
    assert stage.ask("SELECT text, day::text FROM texts") == [("Zażółć 中文", "2026-02-03")]
    assert stage.at == "step2"


# Plan


def test_ahead_of_this_code_or_unknown_to_it(stage: Stage) -> None:
    stage.history(TABLE, MORE)
    stage.run()
    stage.history(TABLE)  # the code of the release before
    for command in ("deploy", "check", "plan"):
        said = stage.run(command=command, code=5)
        assert "The database is ahead of this code" in sentence(said)
        assert "step2" in sentence(said)
        assert "step1" in sentence(said)
    assert "ahead of this code" in stage.run("--timeout", "300", command="wait", code=5)
    for command in ("deploy", "check", "plan", "wait"):
        assert "ahead of this code" in stage.run("--allow-ahead", command=command)
    assert stage.lines("--allow-ahead")[-1]["message"].startswith("Nothing to do")
    # It cannot revert what it does not have, whatever it accepts.
    for accepts in ({}, {"MIGRATOR_ALLOW_AHEAD": "true"}):
        back = stage.run("--to", "-1", "--yes", command="rollback", code=1, **accepts)
        assert "The database is at revision step2, which this code does not have" in sentence(back)
        assert "allow-ahead" not in back
    assert stage.at == "step2"
    # Another history: the record does not have our newest behind the database's.
    stage.history(TABLE, MORE)
    path = next(path for path in stage.files if "step2" in path.name)
    path.write_text(path.read_text("utf-8").replace('"step2"', '"branch"'), "utf-8")
    for command, arguments in (
        ("deploy", ("--allow-ahead",)),
        ("check", ()),
        ("plan", ()),
    ):
        said = stage.run(*arguments, command=command, code=1)
        assert "The database is at revision step2, which this code does not have" in sentence(said)
    said = stage.run("--timeout", "1", command="wait", code=3)
    assert "which this code does not have" in said
    assert stage.at == "step2"


def test_without_a_record_a_newer_revision_is_unknown(stage: Stage) -> None:
    stage.history(TABLE, MORE)
    stage.run("--no-log")
    assert stage.ask("SELECT to_regclass('migration_log')") == [(None,)]
    stage.history(TABLE)
    assert "which this code does not have" in sentence(stage.run("--allow-ahead", code=1))


# Check


def test_the_window_is_closed(stage: Stage) -> None:
    stage.history(TABLE)
    today = time.strftime("%a", time.gmtime(time.time() + 3 * 86400))
    closed: dict[str, Any] = {"MIGRATOR_WINDOW": f"{today} 00:00-00:00 UTC"}
    output = stage.run(code=5, **closed)
    assert "The maintenance window is" in sentence(output)
    assert "--now" in sentence(output)
    assert stage.at == ""
    assert "cannot be read" in sentence(stage.run(code=2, MIGRATOR_WINDOW="at night"))
    assert "is ignored: --now" in stage.run("--now", **closed)
    # Nothing to do is not refused, at whatever time.
    assert "Nothing to do" in stage.run(**closed)


def test_what_is_there_before(stage: Stage) -> None:
    """Old transactions, INVALID indexes and NOT VALID constraints; none of them is the deploy's."""
    stage.history(TABLE, MORE)
    stage.run("--to", "step1")
    with stage.connect() as connection:
        connection.execute("CREATE INDEX ix_old ON rows (n)")
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_old'::regclass"
        )
        connection.execute("ALTER TABLE rows ADD CONSTRAINT ck_old CHECK (n > 0) NOT VALID")
    with stage.holding("SELECT 1", application_name="forgotten"):
        deploy = stage.start("--no-blockers", MIGRATOR_OLD_TRANSACTION="0.01")
        output = deploy.end()
    assert "an old transaction may block the deploy: process" in output
    assert "(forgotten, transaction open for" in output
    assert "unfinished before this deploy: INVALID index ix_old" in output
    assert "unfinished before this deploy: NOT VALID constraint ck_old on rows" in output
    assert stage.at == "step2"


# Verify


@pytest.mark.parametrize(
    ("revision", "left"),
    [
        (
            execute("ALTER TABLE rows ADD CONSTRAINT ck CHECK (n > 0) NOT VALID"),
            "NOT VALID constraint ck on rows",
        ),
        (
            steps(
                execute("INSERT INTO rows VALUES (1), (1)"),
                "try:",
                "    with op.get_context().autocommit_block():",
                "        op.execute('CREATE UNIQUE INDEX CONCURRENTLY ix ON rows (n)')",
                "except Exception:",
                "    pass",
            ),
            "INVALID index ix",
        ),
    ],
)
def test_something_is_left_unfinished(stage: Stage, revision: str, left: str) -> None:
    stage.history(TABLE, revision)
    for _ in range(2):  # the second time nothing is pending
        output = stage.run(code=1)
        assert f"Not verified: the deploy left something unfinished: {left}" in sentence(output)
        assert "The database is at step2" in sentence(output)


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("SELECT count(*) = 1 FROM rows WHERE n::text LIKE '1%' AND 5 % 2 = 1", ""),
        ("SELECT '12:30'::time > '00:00'::time AND ' :n' || n = ' :n1' FROM rows", ""),
        ("SELECT NULL", ""),
        ("SELECT FROM rows WHERE false", ""),
        ("UPDATE rows SET n = 2", ""),
        ("SELECT count(*) > 1 FROM rows", "smoke_sql gave False"),
        ("SELECT 0", "smoke_sql gave 0"),
        ("SELECT 1 / (n - 1) FROM rows", "smoke_sql failed: division by zero"),
        ("SELEC 1", "smoke_sql failed: syntax error"),
    ],
)
def test_smoke_sql(stage: Stage, statement: str, wrong: str) -> None:
    stage.history(TABLE, MORE)
    output = stage.run(code=1 if wrong else 0, MIGRATOR_SMOKE_SQL=statement)
    assert wrong in sentence(output)
    assert ("smoke_sql succeeds" in output) == (not wrong)
    assert stage.ask("SELECT n FROM rows") == [(1,)]  # it may look, and changes nothing


@pytest.fixture
def recorded(stage: Stage) -> Iterator[Callable[[], None]]:
    """Writes catalog.txt for the revisions that there are; afterwards the files are as before."""
    folder = stage.project.path / "migrations"
    names = [folder / "catalog.txt", stage.project.path / "schema.sql"]
    before = {path: path.read_bytes() for path in names}

    def record() -> None:
        done = stage.project.run(".venv/bin/python -m migrator snapshot")
        assert done.returncode == 0, done.stderr

    yield record
    for path, content in before.items():
        path.write_bytes(content)
    (folder / "accepted_drift.toml").unlink(missing_ok=True)


ACCEPTED = """
[[difference]]
between = "database"
object = "index public.rows.by_hand"
reason = "for a report"
"""


def test_drift(stage: Stage, recorded: Callable[[], None]) -> None:
    """The database is compared with catalog.txt: what is missing is wrong, what is more is said."""
    stage.history(TABLE)
    output = stage.run(MIGRATOR_DRIFT="true")
    assert "drift was not looked for: catalog.txt is of revision 5f2c81d0a7e4" in output
    stage.history(TABLE, MORE)
    recorded()
    with stage.connect() as connection:
        connection.execute("CREATE INDEX by_hand ON rows (n)")
    output = stage.run(MIGRATOR_DRIFT="true")
    by_hand = "index public.rows.by_hand is in the database, but not in the revisions"
    assert f"drift, made by hand: {by_hand}" in output
    assert "the schema is the one that the revisions build" in output
    (stage.project.path / "migrations/accepted_drift.toml").write_text(ACCEPTED, "utf-8")
    stage.history(TABLE, MORE, MORE)
    recorded()
    with stage.connect() as connection:
        connection.execute("ALTER TABLE rows ALTER n SET DEFAULT 7")
    output = stage.run(code=1, MIGRATOR_DRIFT="true")
    wrong = "column public.rows.n: default is 7 in the database, not set in the revisions"
    assert f"drift: {wrong}" in sentence(output)
    assert "by_hand" not in output
    with stage.connect() as connection:
        connection.execute("ALTER TABLE rows ALTER n DROP DEFAULT")
        connection.execute("DROP INDEX by_hand")
    stage.history(TABLE, MORE, MORE, MORE)
    recorded()
    output = stage.run(MIGRATOR_DRIFT="true")
    assert "accepts a difference of index public.rows.by_hand, and" in output
    # Only part of the way, or not at all.
    stage.history(TABLE, MORE, MORE, MORE, MORE, MORE)
    output = stage.run("--to", "step5", MIGRATOR_DRIFT="true")
    assert "drift was not looked for before the head" in output
    assert "drift" not in stage.run("--no-drift", MIGRATOR_DRIFT="true")


NOT_VALID = "ALTER TABLE rows ADD CONSTRAINT {} CHECK (n > 0) NOT VALID"
VERIFIED = "SELECT revision, verified FROM migration_log WHERE direction = 'upgrade' ORDER BY id"


def test_what_was_not_verified_is_verified_again(stage: Stage) -> None:
    """Until it is, and with what was unfinished before the deploy that nobody has verified."""
    bad: dict[str, Any] = {"MIGRATOR_SMOKE_SQL": "SELECT false"}
    good: dict[str, Any] = {"MIGRATOR_SMOKE_SQL": "SELECT true"}
    stage.history(TABLE)
    stage.run()
    with stage.connect() as connection:
        connection.execute(NOT_VALID.format("ck_old"))
    stage.history(TABLE, execute(NOT_VALID.format("ck_new")), MORE)
    stage.run("--to", "step2", code=1, **bad)
    assert stage.ask(VERIFIED) == [("step1", "yes"), ("step2", None)]
    # Now it is there before the deploy, but no deploy was verified with it.
    output = stage.run(code=1, **good)
    assert "unfinished: NOT VALID constraint ck_new on rows. The" in sentence(output)
    with stage.connect() as connection:
        connection.execute("ALTER TABLE rows VALIDATE CONSTRAINT ck_new")
    assert "smoke_sql gave False" in sentence(stage.run(code=1, **bad))
    assert stage.lines(**good)[-1]["message"].startswith("the target is reached")
    assert stage.ask(VERIFIED) == [("step1", "yes"), ("step2", "yes"), ("step3", "yes")]
    assert "Nothing to do" in stage.run(**bad)


def test_who_left_out_the_verification_is_not_asked_again(stage: Stage) -> None:
    """And with --no-verify, what is not verified is no reason to do anything."""
    bad: dict[str, Any] = {"MIGRATOR_SMOKE_SQL": "SELECT false"}
    stage.history(TABLE)
    stage.run("--no-verify", **bad)
    assert stage.ask(VERIFIED) == [("step1", "left out")]
    assert "Nothing to do" in stage.run(**bad)
    stage.history(TABLE, MORE)
    stage.run(code=1, **bad)
    assert "Nothing to do" in stage.run("--no-verify", **bad)
    assert stage.ask(VERIFIED)[-1] == ("step2", None)
    # Nothing was written down, which is said.
    stage.history(TABLE, MORE, MORE)
    output = stage.run("--no-log", code=1, **bad)
    assert "this one was not logged" in sentence(output)


def test_code_that_does_not_have_the_revision_does_not_verify_it(stage: Stage) -> None:
    bad: dict[str, Any] = {"MIGRATOR_SMOKE_SQL": "SELECT false"}
    stage.history(TABLE, MORE)
    stage.run(code=1, **bad)
    stage.history(TABLE)
    assert "Nothing to do" in stage.run("--allow-ahead", **bad)
    stage.history(TABLE, MORE)
    stage.run("--to", "step1", "--yes", command="rollback", **bad)
    stage.history(TABLE)
    stage.run(code=1, **bad)


def test_a_record_that_an_older_version_has_made(stage: Stage) -> None:
    bad: dict[str, Any] = {"MIGRATOR_SMOKE_SQL": "SELECT false"}
    stage.history(TABLE)
    stage.run(code=1, **bad)
    with stage.connect() as connection:
        for column in ("unfinished_before", "verified", "failure"):
            connection.execute(f"ALTER TABLE migration_log DROP COLUMN {column}")
    assert "Nothing to do" in stage.run(**bad)
    assert "step1" in stage.run(command="log")
    stage.history(TABLE, MORE)
    stage.run(code=1, **bad)
    assert stage.ask(VERIFIED) == [("step1", "by an older version"), ("step2", None)]
    stage.run(code=1, **bad)
    stage.run()
    assert stage.ask(VERIFIED)[-1] == ("step2", "yes")
    assert "step2" in stage.run(command="log")


def test_a_deploy_needs_no_models(stage: Stage) -> None:
    broken = stage.project.path / "app/models/broken.py"
    broken.write_text("import nowhere_at_all\n", "utf-8")
    try:
        stage.history(TABLE)
        stage.run(MIGRATOR_DRIFT="true")
        assert stage.at == "step1"
    finally:
        broken.unlink()


# Record and report


def test_the_record(stage: Stage) -> None:
    stage.history(TABLE, steps(MORE, execute("SELECT 1 / 0")))
    start = stage.ask("SELECT clock_timestamp()")[0][0]
    stage.run(code=1, GITHUB_ACTOR="octo cat", GIT_COMMIT="0123abcd")
    stage.history(TABLE, MORE)
    nobody: dict[str, Any] = {
        "GITHUB_ACTOR": "",
        "GITLAB_USER_LOGIN": "",
        "USER": "",
        "GIT_COMMIT": "",
    }
    # Not verified, since that is written into the lines later.
    stage.run(code=1, CI_COMMIT_SHA="cafe", MIGRATOR_SMOKE_SQL="SELECT false", **nobody)
    rows = stage.ask(
        "SELECT revision, down_revision, direction, attempts, code_commit, who, host,"
        " tool_version <> '', accepted_risk, seconds >= 0 AND waited >= 0,"
        " wal_position::pg_lsn <= pg_current_wal_lsn() FROM migration_log"
        " WHERE direction = 'upgrade' ORDER BY id"
    )
    host = socket.gethostname()
    assert rows[0] == (
        *("step1", "", "upgrade", 1, "0123abcd", "octo cat", host, True, None, True, True),
    )
    assert rows[1][:5] == ("step2", "step1", "upgrade", 1, "cafe")
    assert rows[1][5] not in ("", "octo cat")
    assert len(rows) == 2
    times = [
        row[0]
        for row in stage.ask(
            "SELECT started_at FROM migration_log WHERE direction = 'upgrade' ORDER BY id"
        )
    ]
    assert start < times[0] < times[1]
    # Each line is of its revision's transaction.
    with stage.connect() as connection:
        same = connection.execute(
            "SELECT (SELECT xmin::text FROM alembic_version) = "
            "(SELECT xmin::text FROM migration_log WHERE revision = 'step2' AND verified IS NULL)"
        ).fetchone()
    assert same == (True,)


def test_going_on_is_what_was_asked_for(stage: Stage) -> None:
    """Neither more revisions nor those of the other phase."""

    def go_on_with(*arguments: str, code: int = 1) -> str:
        lines = stage.run(*arguments, code=code).splitlines()
        (line,) = [line for line in lines if line.startswith("  to go on ")]
        command = line.partition("alembic_prod.ini ")[2]
        assert command.startswith("deploy")
        return command.removeprefix("deploy").strip()

    text = REVISION.format(name="step3", before="step2", upgrade=MORE, downgrade="pass")
    contract = text.replace("branch_labels", 'phase = "contract"\nbranch_labels')
    stage.begin("CREATE TABLE rows (n int)")
    stage.history(TABLE, execute("SELECT 1 / 0"))
    stage.write("step3", contract)
    for arguments in ("", "--phase expand", "--phase contract --to step3", "--to step2"):
        assert go_on_with(*arguments.split()) == arguments
    bad: dict[str, Any] = {"MIGRATOR_SMOKE_SQL": "SELECT false"}
    stage.history(TABLE, MORE)
    stage.write("step3", contract)
    for _ in range(2):  # the second time to verify only
        assert "deploy --phase expand\n" in stage.run("--phase", "expand", code=1, **bad)
    assert stage.at == "step2"


def test_backups_stay_until_a_deploy_is_verified(stage: Stage, tmp_path: Path) -> None:
    """Only the first has what a revision that stands has dropped; a retry does not replace it.

    That retries, which change nothing, keep the newest of theirs: see test_superseded_backups.
    """
    more: dict[str, Any] = {
        "MIGRATOR_BACKUP": "true",
        "MIGRATOR_BACKUP_FOLDER": str(tmp_path),
        "MIGRATOR_BACKUP_KEEP": "1",
    }
    stage.history(TABLE, MORE)
    stage.run(**more)
    (first,) = tmp_path.iterdir()
    stage.history(TABLE, MORE, execute("DELETE FROM rows"), execute("SELECT 1 / 0"))
    stage.run(code=1, **more)
    (with_rows,) = {*tmp_path.iterdir()} - {first}
    for _ in range(2):
        stage.run(code=1, **more)
        assert len(list(tmp_path.iterdir())) == 3
    stage.history(TABLE, MORE, execute("DELETE FROM rows"), "pass")
    stage.run(code=1, MIGRATOR_SMOKE_SQL="SELECT false", **more)
    stage.run(**more)
    stage.run("--to", "step3", "--yes", command="rollback", **more)
    assert {first, with_rows} < {*tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == 4
    stage.run(**more)
    (last,) = tmp_path.iterdir()
    assert last.name.endswith("-step3.dump")


def test_lines_for_machines(stage: Stage, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", "utf-8")
    page: dict[str, Any] = {"GITHUB_STEP_SUMMARY": str(summary)}
    stage.history(TABLE, MORE)
    backups: dict[str, Any] = {"MIGRATOR_BACKUP": "true"}
    backups["MIGRATOR_BACKUP_FOLDER"] = str(tmp_path / "backups")
    lines = stage.lines(**page, **backups)
    assert [line["step"] for line in lines] == [
        *("wait", "plan", "check", "lint", "backup", "apply", "apply", "verify", "done", "end")
    ]
    assert all(line["message"] and line["time"] for line in lines)
    assert [line["step"] for line in lines if line["status"] != "done"] == ["lint"]  # --no-lint
    assert [each["revision"] for each in lines[1]["pending"]] == ["step1", "step2"]
    assert (lines[5]["revision"], lines[5]["attempts"]) == ("step1", 1)
    assert Path(lines[4]["path"]).stat().st_size == lines[4]["size"]
    stage.history(TABLE, MORE, execute("SELECT '|', 1 / 0"))
    end = stage.lines(code=1, **page)[-1]
    assert end["status"] == "failed"
    assert end["applied"] == []
    text = summary.read_text("utf-8")
    assert text.startswith(
        "before\n### Database migration\n\n| step | |\n|---|---|\n| wait | Postg"
    )
    assert "| done | The database is at step2: 2 revisions" in text
    assert (
        "| failed | Revision step3 failed: division by zero. Its transaction was rolled back"
        in text
    )
    assert "| to go on | .venv/bin/python -m migrator" in text
    tables = [part.splitlines() for part in text.split("### Database migration\n\n")[1:]]
    rows = [row for table in tables for row in table]
    assert all(row.replace("\\|", "").count("|") == 3 for row in rows), rows


def test_a_summary_that_cannot_be_written(stage: Stage, tmp_path: Path) -> None:
    stage.history(TABLE)
    stage.run(GITHUB_STEP_SUMMARY=str(tmp_path / "nowhere/summary.md"))
    assert stage.at == "step1"


def test_steps_that_are_left_out(stage: Stage, tmp_path: Path) -> None:
    """Each by its own flag, and it is said."""
    closed: dict[str, Any] = {
        "MIGRATOR_WINDOW": f"{time.strftime('%a', time.gmtime(time.time() + 3 * 86400))} "
        "00:00-00:00 UTC",
        "MIGRATOR_BACKUP": "true",
        "MIGRATOR_BACKUP_FOLDER": str(tmp_path),
        "MIGRATOR_SMOKE_SQL": "SELECT false",
    }
    stage.history(TABLE)
    output = stage.run("--no-check", "--no-backup", "--no-verify", "--no-log", **closed)
    for step in ("check", "backup", "verify"):
        assert f"{step:<8} skipped: --no-{step}" in output
    assert not list(tmp_path.iterdir())
    assert stage.at == "step1"
    assert stage.ask("SELECT to_regclass('migration_log')") == [(None,)]
    stage.history(TABLE, MORE)
    with stage.holding("SELECT 1"):
        output = stage.run("--no-blockers")
        assert "Waiting for process" not in output
    assert stage.ask("SELECT revision FROM migration_log") == [("step2",)]


# SQLite

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
print(flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_file_that_another_process_has_locked(
    light_stage: Stage, tmp_path: Path, mode: str
) -> None:
    """Against writers, or against readers too."""
    file = tmp_path / "deployed.db"
    light_stage.history(TABLE, MORE)
    light_stage.run("--to", "step1")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file), f"BEGIN {mode}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        before = file.read_bytes()
        output = light_stage.run(code=4, MIGRATOR_LOCK_DEADLINE="1")
        if mode == "IMMEDIATE":
            assert "got no lock in" in output
            assert "The database is at step1 (no revision was applied)" in output
        else:
            assert "database is locked" in sentence(output)
        assert file.read_bytes() == before
        deploy = light_stage.start()
        if mode == "IMMEDIATE":
            deploy.until_it_says("retrying (attempt 2)")
        holder.communicate("\n", timeout=PATIENCE)
        deploy.end()
    assert "database is at step2" in light_stage.run(command="plan")


def test_a_file_that_is_locked_before_the_verification(light_stage: Stage, tmp_path: Path) -> None:
    """Everything stands then, whatever the lock says; and it is verified later."""
    file = tmp_path / "deployed.db"
    folder = tmp_path / "backups"
    more: dict[str, Any] = {
        "MIGRATOR_BACKUP": "true",
        "MIGRATOR_BACKUP_FOLDER": str(folder),
        "MIGRATOR_BACKUP_KEEP": "1",
    }
    light_stage.history(TABLE, MORE)
    light_stage.run("--to", "step1", **more)
    light_stage.history(TABLE, steps(MORE, pausing(tmp_path)))
    deploy = light_stage.start(**more)
    until_paused(tmp_path, deploy)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        go_on(tmp_path)
        output = deploy.end(code=1)
    assert "Not verified: Another session holds a lock that this needs" in output
    assert "nothing was changed" not in output.lower()
    assert "The database is at step2 (1 of 1 revisions applied)" in sentence(output)
    assert len(list(folder.iterdir())) == 2
    assert "verify   the target is reached" in light_stage.run(**more)
    assert "Nothing to do" in light_stage.run(**more)
    light_stage.history(TABLE, MORE, MORE)
    light_stage.run(**more)
    assert [path.name.endswith("-step2.db") for path in folder.iterdir()] == [True]


def test_commands_are_the_same_as_the_script(stage: Stage) -> None:
    """scripts/deploy_migrations.py takes the same options, from any folder."""
    stage.history(TABLE)
    script = str(stage.project.path / "scripts/deploy_migrations.py")
    python = str(stage.project.path / COMMAND[0])
    run = stage.project.run(
        f"{python} {script} --json --no-lint",
        cwd=Path("/"),
        env={"DATABASE_URL": stage.url, "MIGRATOR_DRIFT": "false", "MIGRATOR_BACKUP": "false"},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout.splitlines()[-1])["exit_code"] == 0
