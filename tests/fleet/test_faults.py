"""Deploys to a fleet in which something goes wrong: processes that are killed, locks, drift."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Process, users_environment
from tests.fleet.fleets import COMMAND, Fleet

NAMES = [f"t{number}" for number in range(1, 9)]
ADD = "op.add_column('items', sa.Column('weight', sa.Integer()))"
SLOW = f"op.execute('SELECT pg_sleep(0.3)'); {ADD}"
APPLIED = "SELECT count(*) FROM {}.migration_log WHERE revision = 'weight' AND failure IS NULL"
WORKERS = (
    "SELECT count(DISTINCT pid) FROM pg_stat_activity"
    " WHERE application_name LIKE 'migrate:t%' AND datname = current_database()"
)


@pytest.fixture
def tenants(fleet: Fleet) -> Fleet:
    """Eight tenants, and a revision that none of them has."""
    fleet.tenants(NAMES)
    return fleet


def until(true: Callable[[], bool]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(process: Process, code: int) -> str:
    """What a command has said, which has to end with this exit code."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "Traceback" not in said, said
    return str(said)


def everything_once(fleet: Fleet, names: list[str] = NAMES) -> None:
    """Each tenant has the revision, and its log has one line of it that was verified."""
    assert set(fleet.at().values()) == {"weight"}
    for name in names:
        assert fleet.ask(APPLIED.format(name)) == [(1,)], name
        assert fleet.ask(f"SELECT FROM {name}.migration_log WHERE verified IS NULL") == []
    assert "None differs" in fleet.run("verify")


def children(fleet: Fleet) -> set[int]:
    """The processes whose connections serve tenants now, by the ports of their connections."""
    rows = fleet.ask(
        "SELECT DISTINCT client_port FROM pg_stat_activity"
        " WHERE application_name LIKE 'migrate:t%' AND datname = current_database()"
    )
    return {pid for (port,) in rows if (pid := _process_of(port))}


def both_workers(fleet: Fleet) -> set[int]:
    """The two workers, as soon as each serves a tenant."""
    found: set[int] = set()

    def look() -> bool:
        found.clear()
        found.update(children(fleet))
        return len(found) == 2

    until(look)
    return found


def _process_of(port: int) -> int:
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].partition(":")[2], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            for link in (folder / "fd").iterdir():
                if str(link.readlink()) in inodes:
                    return int(folder.name)
        except OSError:
            continue
    return 0


def test_a_worker_is_killed(tenants: Fleet) -> None:
    """Another one does what it has left."""
    tenants.revision("weight", SLOW)
    tenants.snapshot()
    process = tenants.start("deploy --no-backup --no-lint")
    os.kill(min(both_workers(tenants)), signal.SIGKILL)
    said = ended(process, 0)
    assert "its worker process has died" in said
    everything_once(tenants)


def test_the_parent_is_killed(tenants: Fleet) -> None:
    """Its workers end by themselves, and the next deploy does what is missing."""
    tenants.revision("weight", SLOW)
    tenants.snapshot()
    process = tenants.start("deploy --no-backup --no-lint")
    until(lambda: len(children(tenants)) == 2)
    process.kill()
    process.communicate()
    until(lambda: tenants.ask(WORKERS) == [(0,)])
    done = sum(at == "weight" for at in tenants.at().values())
    assert done < len(NAMES)
    assert "8 of 8 tenants" in tenants.run("deploy --no-backup --no-lint") or done
    everything_once(tenants)


def test_interrupted(tenants: Fleet) -> None:
    """Ctrl-C rolls back what is not committed, and says where each tenant is."""
    tenants.revision("weight", "op.execute('SELECT pg_sleep(20)')")
    process = tenants.start("deploy --no-backup --no-lint")
    until(lambda: len(children(tenants)) == 2)
    process.send_signal(signal.SIGINT)
    said = ended(process, 130)
    assert "Interrupted: tenants deployed to: 0, failed: 2, not tried: 6" in said
    assert "interrupted, it is at" in said
    assert "weight" not in tenants.at().values()


MOMENTS = (0.4, 0.8, 1.2, 1.6)


def test_ctrl_c_in_a_terminal_at_any_moment(tenants: Fleet) -> None:
    """It reaches the parent and all workers, which hear of it from the parent, too."""
    tenants.revision("weight", f"op.execute('SELECT pg_sleep(0.1)'); {ADD}")
    tenants.snapshot()
    words = [*COMMAND, "deploy", "--no-backup", "--no-lint"]
    for seconds in MOMENTS:
        process = subprocess.Popen(
            words,
            cwd=tenants.project.path,
            env=users_environment(tenants.env()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        # Before the command has begun, Python itself answers.
        assert "Traceback" not in said or "multiprocessing" not in said, said
        assert "Process ForkProcess" not in said, said
        until(lambda: tenants.ask(WORKERS) == [(0,)])
    tenants.run("deploy --no-backup --no-lint")
    everything_once(tenants)


@pytest.mark.parametrize("end", ["released", "for ever"])
def test_one_tenant_is_locked(tenants: Fleet, end: str) -> None:
    """The others are done meanwhile; it is waited for, and repeated by its own command."""
    tenants.revision("weight", ADD)
    tenants.snapshot()
    with tenants.connect() as blocking:
        blocking.execute("LOCK TABLE t3.items")
        deadline = "3" if end == "for ever" else "60"
        env = tenants.env(MIGRATOR_LOCK_DEADLINE=deadline)
        command = [".venv/bin/python", "-m", "migrator", "-c", "alembic_prod.ini"]
        command += ["fleet", "deploy", "--no-backup", "--no-lint", "--on-failure", "continue"]
        process = tenants.project.start(command, env=env, together=True)
        others = [name for name in NAMES if name != "t3"]
        until(lambda: all(tenants.ask(APPLIED.format(name)) == [(1,)] for name in others))
        if end == "released":
            blocking.rollback()
            ended(process, 0)
        else:
            said = ended(process, 4)
            assert "t3 failed" in said
            assert f"(process {blocking.info.backend_pid}" in said or "Blocked by" in said
            assert "fleet deploy --only t3" in said
            blocking.rollback()
            tenants.run("deploy --no-backup --no-lint --only t3")
    everything_once(tenants)


def test_one_tenant_has_drift(tenants: Fleet) -> None:
    """What is missing is an error of that tenant; what is there besides is said."""
    tenants.ask("DROP INDEX t2.ix_orders_note")
    tenants.ask("CREATE TABLE t5.extra (id int)")
    tenants.revision("weight", ADD)
    tenants.snapshot()
    said = tenants.run("deploy --no-backup --no-lint --on-failure continue", code=1)
    assert "t2 failed, it is at weight: drift: index public.orders.ix_orders_note" in said
    assert "t5: drift, made by hand: table public.extra" in said
    assert "1 tenant failed, 7 deployed to" in said
    assert set(tenants.at().values()) == {"weight"}
    assert "t2:" in tenants.run("verify", code=1)
    # It is verified again, and only it, until it is as it should be.
    assert "1 to be verified" in tenants.run("plan", code=3)
    tenants.ask("CREATE INDEX ix_orders_note ON t2.orders (lower(note))")
    assert "1 of 1 tenant" in tenants.run("deploy --no-backup")


def test_a_revision_fails_for_one(tenants: Fleet) -> None:
    """With the reason, the line in its log, and no other tenant begun; then only it is left."""
    tenants.ask("INSERT INTO t1.items (name, price) VALUES ('a', 5)")
    tenants.revision("weight", f"op.execute('ALTER TABLE items ADD CHECK (price < 5)'); {ADD}")
    said = tenants.run("deploy --no-backup --no-lint --no-rows --parallel 1", code=1)
    assert "t1 failed" in said
    assert "is violated by some row" in said
    assert "not tried: 7" in said
    assert tenants.ask("SELECT direction FROM t1.migration_log ORDER BY id DESC LIMIT 1") == [
        ("failed upgrade",)
    ]
    said = tenants.run("deploy --no-backup --no-lint --on-failure continue", code=1)
    assert "1 tenant failed, 7 deployed to" in said
    tenants.ask("DELETE FROM t1.items")
    said = tenants.run("deploy --no-backup --no-lint")
    assert "1 of 1 tenant at weight" in said


def test_three_fleets_at_once(tenants: Fleet) -> None:
    """Each tenant is deployed to once, and none of them fails."""
    tenants.revision("weight", f"op.execute('SELECT pg_sleep(0.05)'); {ADD}")
    tenants.snapshot()
    processes = [tenants.start("deploy --no-backup --no-lint") for _ in range(3)]
    for process in processes:
        ended(process, 0)
    everything_once(tenants)


def test_a_tenant_comes_in_meanwhile(tenants: Fleet) -> None:
    """The inventory is read again at the end."""
    tenants.ask("DELETE FROM shared.tenants WHERE name = 't8'")
    tenants.revision("weight", SLOW)
    tenants.snapshot()
    process = tenants.start("deploy --no-backup --no-lint")
    until(lambda: len(children(tenants)) == 2)
    tenants.ask("INSERT INTO shared.tenants (name, schema) VALUES ('t8', 't8')")
    assert "1 tenant came in meanwhile" in ended(process, 0)
    everything_once(tenants)


def test_a_canary_fails(tenants: Fleet) -> None:
    """It comes first, and nothing else begins."""
    tenants.ask("UPDATE shared.tenants SET stage = 'canary' WHERE name IN ('t7', 't8')")
    tenants.ask("INSERT INTO t8.items (name, price) VALUES ('a', 5)")
    tenants.revision("weight", f"op.execute('ALTER TABLE items ADD CHECK (price < 5)'); {ADD}")
    said = tenants.run("deploy --no-backup --no-lint --on-failure continue", code=1)
    assert "because a canary has failed" in said
    assert sorted(name for name, at in tenants.at().items() if at == "weight") == ["t7"]


def test_shards(tenants: Fleet) -> None:
    """They wait for the canaries, and do everything together."""
    tenants.ask("UPDATE shared.tenants SET stage = 'canary' WHERE name = 't7'")
    tenants.revision("weight", ADD)
    tenants.snapshot()
    said = tenants.run("deploy --no-backup --no-lint --shard 0/2", code=5)
    assert "The canaries come first" in said
    tenants.run("deploy --no-backup --no-lint --stage canary")
    assert list(tenants.at().values()).count("weight") == 1
    tenants.run("deploy --no-backup --no-lint --shard 0/2")
    assert 1 < list(tenants.at().values()).count("weight") < len(NAMES)
    tenants.run("deploy --no-backup --no-lint --shard 1/2")
    everything_once(tenants)


def test_a_server_is_gone(tenants: Fleet, tmp_path: Path) -> None:
    """Its tenants are named with the reason; the others go on if that is wanted."""
    tenants.revision("weight", ADD)
    tenants.snapshot()
    file = tenants.project.path / "alembic_prod.ini"
    before = file.read_text(encoding="utf-8")
    lines = [f'{{"name": "{name}", "schema": "{name}"}}' for name in NAMES]
    lines.append('{"name": "gone", "schema": "a", "url": "postgresql://x@127.0.0.1:1/x"}')
    lines.append('{"name": "wrong", "schema": "b", "url_env": "WRONG"}')
    (tmp_path / "tenants.jsonl").write_text("\n".join(lines), encoding="utf-8")
    start = before.index("schemas_sql")
    end = before.index("\n", start)
    text = f"{before[:start]}targets_file = {tmp_path / 'tenants.jsonl'}{before[end:]}"
    parts = psycopg.conninfo.conninfo_to_dict(tenants.url)
    wrong = tenants.url.replace(str(parts["password"]), "secret-word")
    try:
        file.write_text(text, encoding="utf-8")
        said = tenants.run("deploy --no-backup --no-lint", code=5, env={"WRONG": wrong})
        assert "2 tenants cannot be deployed to" in said
        assert "gone: " in said
        assert "password authentication failed" in said
        assert "secret-word" not in said
        assert "weight" not in {
            each["current"][0] for each in tenants.json("status")["tenants"] if each["current"]
        }
        command = "deploy --no-backup --no-lint --on-failure continue"
        said = tenants.run(command, code=1, env={"WRONG": wrong})
        assert "2 tenants failed, 8 deployed to" in said
    finally:
        file.write_text(before, encoding="utf-8")
    everything_once(tenants)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("raise KeyError('url')", "KeyError: 'url'"),
        ("import os; os._exit(0)", "has called os._exit(0)"),
        ("import os; os.kill(os.getpid(), 9)", "has died 2 times"),
    ],
)
def test_env_py_fails(tenants: Fleet, line: str, sentence: str) -> None:
    """Each tenant fails with the reason; a worker that always dies is not replaced for ever."""
    tenants.revision("weight", ADD)
    file = tenants.project.path / "migrations/env.py"
    before = file.read_text(encoding="utf-8")
    try:
        file.write_text(f"{line}\n{before}", encoding="utf-8")
        assert sentence in tenants.run("deploy --no-backup --no-lint", code=1)
    finally:
        file.write_text(before, encoding="utf-8")
    assert "weight" not in tenants.at().values()
