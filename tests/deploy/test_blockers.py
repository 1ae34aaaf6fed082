"""Locks: who holds them is waited for, named and never queued behind; what may run again does."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.deploying import Stage, alone, execute, steps

ROWS = "CREATE TABLE rows AS SELECT n, n % 7 AS m FROM generate_series(1, 1000) n"
TABLE = execute(ROWS)
CHANGE = execute("ALTER TABLE rows ADD extra int")
COLUMN = (
    "SELECT FROM information_schema.columns WHERE table_name = 'rows' AND column_name = 'extra'"
)
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
BUILDING = "SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'"


@pytest.fixture
def rows(stage: Stage) -> Stage:
    """A database at step1, which made the table `rows`; step2 adds a column to it."""
    stage.begin(ROWS)
    stage.history(TABLE, CHANGE)
    return stage


def test_a_holder_that_never_ends(rows: Stage) -> None:
    """It is waited for as long as allowed, then attempts are short, then it is exit 4."""
    with rows.holding("SELECT count(*) FROM rows", application_name="report") as holder:
        limits = {"MIGRATOR_BLOCKER_TIMEOUT": "1.5", "MIGRATOR_LOCK_DEADLINE": "4"}
        output = rows.run(code=4, **limits)
        pid = holder.info.backend_pid
        waits = rf"blockers Waiting for process {pid} \(report, transaction open for"
        assert re.search(waits, output)
        assert f"No longer waiting for process {pid}" in output
        assert "step2: lock timeout after" in output
        who = (
            rf"process {pid} \(report, transaction open for [\d.]+ s, holds AccessShareLock on rows"
        )
        assert re.search(rf"got no lock in \d+ s and \d+ attempts\. .*{who}", output)
        assert "count(*)" not in output  # a statement may hold personal data
        assert "The database is at step1 (no revision was applied)" in output
        assert rows.ask(COLUMN) == []
        output = rows.run("--no-blockers", "--show-queries", code=4, MIGRATOR_LOCK_DEADLINE="1")
        assert "SELECT count(*) FROM rows" in output
        assert "Waiting for process" not in output
    rows.run()
    assert rows.at == "step2"
    rows.until_quiet()


def test_a_holder_that_ends(rows: Stage) -> None:
    """What it waited is in the record and in the report."""
    with rows.holding("SELECT count(*) FROM rows"):
        deploy = rows.start("--no-blockers")
        deploy.until_it_says("retrying (attempt 3)")
    output = deploy.end()
    assert re.search(r"applied step2 in [\d.]+ s \(\d+ attempts, waited [\d.]+ s before\)", output)
    attempts, waited = rows.ask("SELECT attempts, waited FROM migration_log ORDER BY id")[-1]
    assert attempts >= 3
    assert waited > 0


def test_others_get_on_while_a_deploy_retries(rows: Stage) -> None:
    """Who comes after the deploy does not wait longer than one of its attempts."""
    with rows.holding("SELECT count(*) FROM rows"), rows.connect() as reader:
        deploy = rows.start("--no-blockers")
        deploy.until_it_says("retrying (attempt 2)")
        for _ in range(20):
            reader.execute("SET lock_timeout = '30s'; SELECT count(*) FROM rows")
    deploy.end()


def test_pg_dump_is_flagged(rows: Stage) -> None:
    with rows.holding("SELECT count(*) FROM rows", application_name="pg_dump"):
        output = rows.run("--no-blockers", code=4, MIGRATOR_LOCK_DEADLINE="1")
    assert "(pg_dump, somebody's backup, " in output


@pytest.fixture
def vacuumed(rows: Stage, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """`rows`, in which an autovacuum is at work that would take minutes, or `param` times less."""
    with rows.connect() as connection:
        connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("INSERT INTO rows SELECT n FROM generate_series(1, 200000) n")
        connection.execute(
            "ALTER TABLE rows SET (autovacuum_vacuum_cost_delay = 100,"
            f" autovacuum_vacuum_cost_limit = {getattr(request, 'param', 1)},"
            " autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_analyze_threshold = 2000000000)"
        )
        connection.execute("DELETE FROM rows WHERE n % 2 = 0")
        rows.until("SELECT FROM pg_stat_progress_vacuum WHERE relid = 'rows'::regclass")
        yield rows
        connection.execute("ALTER SYSTEM RESET autovacuum_naptime")
        connection.execute("SELECT pg_reload_conf()")


def test_autovacuum_gives_way(vacuumed: Stage) -> None:
    """To a try that is longer than deadlock_timeout, and to no other."""
    output = vacuumed.run(MIGRATOR_BLOCKER_TIMEOUT="1")
    assert re.search(r"Blocked by process \d+ \(autovacuum, cancelled soon, holds Share", output)
    assert "No longer waiting for process" in output
    assert vacuumed.at == "step2"


@pytest.mark.parametrize("vacuumed", [8], indirect=True)
def test_autovacuum_is_waited_for(vacuumed: Stage) -> None:
    """The second that it takes to make it give way is one in which nobody gets through."""
    log = vacuumed.project.path / ".postgres/log"
    before = log.stat().st_size
    output = vacuumed.run()
    blocked = r"retrying \(attempt 2\)\. Blocked by process \d+ \(autovacuum"
    assert re.search(blocked, output), output
    assert vacuumed.at == "step2"
    assert b"canceling autovacuum task" not in log.read_bytes()[before:]


@pytest.fixture
def owner(stage: Stage) -> Iterator[str]:
    """The URL of a user who owns the database and sees nothing of other users' sessions."""
    with stage.connect() as admin:
        admin.execute("CREATE ROLE owner LOGIN PASSWORD 'owner'")
        admin.execute("GRANT ALL ON SCHEMA public TO owner")
        admin.execute("GRANT ALL ON DATABASE deployed TO owner")
        url = stage.url
        address = url.rpartition("@")[2]
        yield f"postgresql://owner:owner@{address}"
        admin.execute("REASSIGN OWNED BY owner TO postgres")
        admin.execute("DROP OWNED BY owner")
        admin.execute("DROP ROLE owner")


def test_autovacuum_gives_way_to_a_user_who_sees_little(
    rows: Stage, owner: str, request: pytest.FixtureRequest
) -> None:
    with rows.connect() as admin:
        admin.execute("ALTER TABLE rows OWNER TO owner")
        admin.execute("ALTER TABLE alembic_version OWNER TO owner")
    request.getfixturevalue("vacuumed")
    output = rows.run(DATABASE_URL=owner, MIGRATOR_BLOCKER_TIMEOUT="1")
    assert "GRANT pg_read_all_stats" in output
    assert rows.at == "step2"


def test_the_gate_of_a_user_who_sees_little(rows: Stage, owner: str) -> None:
    """How old others' transactions are is hidden, but not that they are there."""
    with rows.connect() as admin:
        admin.execute("ALTER TABLE rows OWNER TO owner")
        admin.execute("ALTER TABLE alembic_version OWNER TO owner")
    with rows.holding("SELECT count(*) FROM rows", application_name="hidden") as holder:
        deploy = rows.start(DATABASE_URL=owner)
        deploy.until_it_says(f"Waiting for process {holder.info.backend_pid}")
    assert "lock timeout" not in deploy.end()
    assert rows.at == "step2"


def test_a_deadlock_is_tried_again(rows: Stage) -> None:
    """The other session gets what it waits for, since the deploy lets go of everything."""
    both = steps(
        execute("LOCK TABLE others"),
        # Until the other session is in the queue; the second time it is not there.
        execute(
            "DO $$ BEGIN FOR i IN 1..200 LOOP EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT"
            " granted AND relation = 'others'::regclass) OR nextval('tries') > 100;"
            " PERFORM pg_sleep(0.05); END LOOP; PERFORM setval('tries', 100); END $$"
        ),
        CHANGE,
    )
    rows.history(TABLE, both)
    with rows.connect() as admin:
        admin.execute("CREATE TABLE others (); CREATE SEQUENCE tries")
        # Only the deploy looks for a deadlock soon.
        admin.execute("ALTER DATABASE deployed SET deadlock_timeout = '100ms'")
    with rows.holding("SET LOCAL deadlock_timeout = '60s'", "LOCK TABLE rows") as other:
        deploy = rows.start("--no-blockers", MIGRATOR_LOCK_TIMEOUT="20")
        rows.until("SELECT FROM pg_locks WHERE granted AND relation = 'others'::regclass", deploy)
        other.execute("LOCK TABLE others")
    output = deploy.end()
    assert "step2: lock timeout after" in output
    assert "2 attempts" in output
    assert rows.at == "step2"


def test_what_may_not_run_again(rows: Stage) -> None:
    """The transaction is gone, but not what was done outside of it, and that is named."""
    rows.history(TABLE, steps(alone("INSERT INTO rows VALUES (-1)"), CHANGE))
    with rows.holding("SELECT count(*) FROM rows"):
        output = rows.run("--no-blockers", code=4)
    assert "cannot be retried automatically" in output
    assert "INSERT INTO rows VALUES (-1)" in output
    assert rows.ask("SELECT count(*) FROM rows WHERE n = -1") == [(1,)]
    assert rows.ask(COLUMN) == []
    assert rows.at == "step1"


def test_what_stood_before_the_block_may_not_run_again_either(rows: Stage) -> None:
    """Entering the block commits it."""
    rows.history(
        TABLE, steps(execute("INSERT INTO rows VALUES (-1)"), alone("ANALYZE rows"), CHANGE)
    )
    with rows.holding("SELECT count(*) FROM rows"):
        output = rows.run("--no-blockers", code=4)
    assert "INSERT INTO rows VALUES (-1)" in output
    assert rows.ask("SELECT count(*) FROM rows WHERE n = -1") == [(1,)]


def test_what_may_run_again(rows: Stage) -> None:
    index = alone("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_rows_n ON rows (n)")
    rows.history(TABLE, steps(index, CHANGE))
    with rows.connect() as other:
        deploy = rows.start("--no-blockers")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM rows")
        deploy.until_it_says("retrying (attempt 3)")
        other.execute("ROLLBACK")
        output = deploy.end()
    assert "applied step2" in output
    assert rows.ask(INVALID) == []


@pytest.mark.parametrize(
    ("table", "index"),
    [
        ("rows", "ix_rows_n"),
        ('other."Odd Rows"', '"ix Odd ""Rows"" 100%"'),
        ("public.rows", "IX_UPPER"),
        ('"mixed.dot"."t.able"', '"ix.dot"'),
    ],
)
@pytest.mark.parametrize("unique", ["", "UNIQUE "])
def test_an_invalid_index_is_built_anew(rows: Stage, table: str, index: str, unique: str) -> None:
    rows.history(TABLE, alone(f"CREATE {unique}INDEX CONCURRENTLY {index} ON {table} (n)"))
    with rows.connect() as connection:
        connection.execute('CREATE SCHEMA other; CREATE SCHEMA "mixed.dot"')
        if table not in ("rows", "public.rows"):
            connection.execute(f"CREATE TABLE {table} (n int)")
        # As a cancelled build leaves it.
        connection.execute(f"CREATE INDEX {index} ON {table} (n)")
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indrelid = to_regclass(%s)", [table]
        )
    assert len(rows.ask(INVALID)) == 1
    # A namesake in another schema is none of our business.
    with rows.connect() as connection:
        connection.execute("CREATE SCHEMA namesake; CREATE TABLE namesake.t (n int)")
        connection.execute(f"CREATE INDEX {index} ON namesake.t (n)")
    output = rows.run()
    assert "Dropped the INVALID index" in output
    assert rows.ask(INVALID) == []
    assert rows.ask("SELECT count(*) FROM pg_indexes WHERE schemaname = 'namesake'") == [(1,)]


OPERATIONS = "from migrator.operations import op"
# By case: what another session builds, in which table, and what the revision says.
BUILDS = {
    "SQL": (
        "CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)",
        "rows",
        alone("CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)"),
    ),
    "operation": (
        "CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)",
        "rows",
        steps(OPERATIONS, 'op.create_index_concurrently("ix_rows_n", "rows", ["n"])'),
    ),
    "unique constraint": (
        "CREATE UNIQUE INDEX CONCURRENTLY ix_rows_n ON rows (n)",
        "rows",
        steps(OPERATIONS, 'op.add_unique_concurrently("ix_rows_n", "rows", ["n"])'),
    ),
    "partition": (
        "CREATE INDEX CONCURRENTLY part_ix_whole_n ON part (n)",
        "part",
        steps(OPERATIONS, 'op.create_index_concurrently("ix_whole_n", "whole", ["n"])'),
    ),
    "reindexed, SQL": (
        "REINDEX INDEX CONCURRENTLY ix_rows_m",
        "rows",
        alone("CREATE INDEX CONCURRENTLY ix_rows_m ON rows (m)"),
    ),
    "reindexed, operation": (
        "REINDEX INDEX CONCURRENTLY ix_rows_m",
        "rows",
        steps(OPERATIONS, 'op.create_index_concurrently("ix_rows_m", "rows", ["m"])'),
    ),
}


@pytest.mark.parametrize("case", BUILDS)
def test_a_build_of_another_session_is_waited_for_until_the_deadline(
    rows: Stage, case: str
) -> None:
    """It is neither dropped nor waited for without end, and the message says who builds."""
    build, table, change = BUILDS[case]
    rows.history(TABLE, change)
    with rows.connect() as admin:
        admin.execute("CREATE TABLE whole (n int) PARTITION BY RANGE (n)")
        admin.execute("CREATE TABLE part PARTITION OF whole DEFAULT")
        admin.execute("CREATE INDEX ix_rows_m ON rows (m)")  # as a cancelled build leaves it
        admin.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_rows_m'::regclass"
        )
    with (
        rows.connect(application_name="colleague") as builder,
        rows.holding(f"INSERT INTO {table} VALUES (-1)") as old,
    ):
        work = threading.Thread(target=builder.execute, args=[build])
        work.start()
        rows.until(BUILDING)
        who = f"process {builder.info.backend_pid} (colleague)"
        index = re.findall(r"\w*ix_\w+", build)[0]
        oid = rows.ask(f"SELECT '{index}'::regclass::oid")
        output = rows.run("--no-blockers", code=4, MIGRATOR_LOCK_DEADLINE="1")
        assert rows.at == "step1"
        assert rows.ask(f"SELECT '{index}'::regclass::oid") == oid
        old.execute("ROLLBACK")
        work.join()
    assert f"is being built by {who}: waiting for it to end" in output
    assert re.search(
        rf"gave up after 1 s: the index \w+ is still being built by {re.escape(who)}\.", output
    )
    assert "Nothing is wrong with it: run the deploy again" in output
    rows.run("--no-blockers")
    assert rows.at == "step2"
    assert set(rows.ask(INVALID)) <= {("ix_rows_m",)}
    assert ("reindexed" not in case) == (("ix_rows_m",) in rows.ask(INVALID))


def test_a_build_whose_index_may_not_be_seen_is_waited_for(rows: Stage) -> None:
    """Of another role, to one that may not read all statistics: not taken for a remnant."""
    build, _, change = BUILDS["operation"]
    rows.history(TABLE, change)
    with rows.connect() as admin:
        admin.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        admin.execute("GRANT ALL ON SCHEMA public TO plain")
        admin.execute("ALTER TABLE rows OWNER TO plain; ALTER TABLE alembic_version OWNER TO plain")
    address = rows.url.partition("@")[2]
    limited: dict[str, Any] = {"DATABASE_URL": f"postgresql://plain:plain@{address}"}
    try:
        with rows.connect() as builder, rows.holding("INSERT INTO rows VALUES (-1)") as old:
            work = threading.Thread(target=builder.execute, args=[build])
            work.start()
            rows.until(BUILDING)
            output = rows.run("--no-blockers", code=4, MIGRATOR_LOCK_DEADLINE="1", **limited)
            old.execute("ROLLBACK")
            work.join()
            assert f"is still being built by process {builder.info.backend_pid}" in output
        built = rows.ask("SELECT 'ix_rows_n'::regclass::oid")
        rows.run("--no-blockers", **limited)
        assert rows.ask("SELECT 'ix_rows_n'::regclass::oid") == built
    finally:
        with rows.connect() as admin:
            admin.execute("DROP OWNED BY plain CASCADE; DROP ROLE plain")


SLOWLY = (
    "CREATE FUNCTION slowly(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_sleep(0.005); RETURN i; END $$"
)


def test_what_stands_does_not_count_for_the_deadline(rows: Stage) -> None:
    """An index that takes longer, between two locks that are not had at once."""
    change = alone("ALTER TABLE others ADD COLUMN IF NOT EXISTS extra int")
    index = alone("CREATE INDEX CONCURRENTLY ix_rows_slowly ON rows (slowly(n))")
    rows.history(TABLE, steps(change, index, CHANGE))
    with rows.connect() as admin:
        admin.execute("CREATE TABLE others ()")
        admin.execute(SLOWLY)
    with rows.holding("SELECT FROM rows", application_name="second"):
        with rows.holding("SELECT FROM others", application_name="first"):
            deploy = rows.start("--no-blockers", MIGRATOR_LOCK_DEADLINE="3")
            deploy.until_it_says("(first")
        # Not a line that only names the session: the attempt that built the index has to be over.
        deploy.until_it_says("(second")
        while "retrying" not in deploy.output.splitlines()[-1]:
            deploy.until_it_says("(second")
    output = deploy.output + deploy.end()
    assert "Kept the index ix_rows_slowly" in output
    assert "applied step2" in output
    assert rows.ask(INVALID) == []


def test_the_work_of_the_first_try_does_not_count_for_the_deadline(rows: Stage) -> None:
    """Else what works longer than the deadline would never be tried again."""
    rows.history(TABLE, steps(execute("SELECT pg_sleep(3)"), CHANGE))
    with rows.holding("SELECT FROM rows"):
        deploy = rows.start("--no-blockers", MIGRATOR_LOCK_DEADLINE="2")
        deploy.until_it_says("step2: lock timeout after 0.10 s, retrying (attempt 2)")
    assert "applied step2" in deploy.end()


def test_what_is_concurrently_waits_until_the_deadline(rows: Stage) -> None:
    rows.history(TABLE, alone("CREATE INDEX CONCURRENTLY ix_rows_n ON rows (n)"))
    with rows.holding("INSERT INTO rows VALUES (-1)"):
        output = rows.run("--no-blockers", code=4, MIGRATOR_LOCK_DEADLINE="1")
    assert "got no lock in 1 s and 1 attempt" in output
    rows.run()
    assert rows.ask(INVALID) == []


def test_limits_are_off_where_they_harm_and_back_afterwards(rows: Stage) -> None:
    """And each revision has a transaction, a name and limits of its own."""
    look = execute(
        "INSERT INTO seen (step, tx, lock_timeout, statement_timeout, name) SELECT '{}',"
        " pg_current_xact_id()::text, current_setting('lock_timeout'),"
        " current_setting('statement_timeout'), current_setting('application_name')"
    )
    rows.history(
        TABLE,
        steps(
            execute(
                "CREATE TABLE seen (id serial, step text, tx text, lock_timeout text,"
                " statement_timeout text, name text)"
            ),
            # Called while the index is built; what it does to a sequence stays.
            execute(
                # Autovacuum, that calls it too, has limits of its own and no name.
                "CREATE SEQUENCE limit_1; CREATE SEQUENCE limit_2;"
                " CREATE FUNCTION peek(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
                " IF current_setting('application_name') LIKE 'migrate:%' THEN"
                " PERFORM setval('public.limit_1', 1000 + setting::int) FROM pg_settings WHERE"
                " name = 'lock_timeout';"
                " PERFORM setval('public.limit_2', 1000 + setting::int) FROM pg_settings WHERE"
                " name = 'statement_timeout'; END IF; RETURN i; END $$"
            ),
            look.format("before"),
            look.format("same"),
        ),
        steps(
            alone("CREATE INDEX CONCURRENTLY ix_rows_peek ON rows (peek(n))"),
            look.format("after"),
        ),
    )
    rows.run(MIGRATOR_STATEMENT_TIMEOUT="90")
    seen = {
        step: (tx, *rest)
        for step, tx, *rest in rows.ask(
            "SELECT step, tx, lock_timeout, statement_timeout, name FROM seen ORDER BY id"
        )
    }
    assert seen["before"][1:] == ("100ms", "90s", "migrate:step2")
    assert seen["same"] == seen["before"]
    # Milliseconds: what is left of lock_deadline for a wait that is in nobody's way, no end for the
    # work.
    assert rows.ask("SELECT last_value - 1000 BETWEEN 540000 AND 600000 FROM limit_1") == [(True,)]
    assert rows.ask("SELECT last_value - 1000 FROM limit_2") == [(0,)]
    assert seen["after"][1:] == ("100ms", "90s", "migrate:step3")
    assert seen["after"][0] != seen["before"][0]


def test_a_lock_that_is_refused_at_the_commit(stage: Stage) -> None:
    """The very first revision, so that the record's table went with its transaction."""
    with stage.connect() as admin:
        admin.execute("CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1)")
        admin.execute(
            "CREATE TABLE children (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)"
        )
    stage.history(execute("INSERT INTO children VALUES (1)"))
    with stage.holding("SELECT FROM parents FOR UPDATE"):
        deploy = stage.start("--no-blockers")
        deploy.until_it_says("retrying (attempt 2)")
    deploy.end()
    assert stage.ask("SELECT count(*) FROM children") == [(1,)]
    assert stage.ask("SELECT count(*) FROM migration_log") == [(1,)]


def test_a_rule_that_is_not_enforced_is_not_unfinished(rows: Stage) -> None:
    """It is marked as one that was never checked, and stays so for good."""
    rule = "ALTER TABLE rows ADD CONSTRAINT {} CHECK (n >= 0) {}"
    rows.history(TABLE, execute(rule.format("known", "NOT ENFORCED")), CHANGE)
    rows.run("--to", "step2")
    assert rows.ask("SELECT convalidated FROM pg_constraint WHERE conname = 'known'") == [(False,)]
    with rows.connect() as admin:
        admin.execute(rule.format("forgotten", "NOT VALID"))
    output = rows.run()
    assert "NOT VALID constraint forgotten on rows" in output
    assert "known" not in output
