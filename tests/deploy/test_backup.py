"""Backups that are whole, or that stop everything; and what comes back from them."""

import os
import re
import shlex
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from migrator.postgres.sql.pg_dump_output import without_servers_options
from tests.conftest import Renderer, Rendering, users_environment

COMMAND = [".venv/bin/python", "-m", "migrator", "-c", "alembic_prod.ini"]
NOTHING_CHANGED = re.compile(r"nothing was changed\.", re.IGNORECASE)
PASSWORD = "heldback%40@:/#? '\"\\;&=+"
CONTENT = """
CREATE SCHEMA billing;
CREATE TYPE mood AS ENUM ('fine', '难过', 'it''s');
CREATE SEQUENCE billing.numbers START 7 INCREMENT 3;
CREATE TABLE people (
    id bigserial PRIMARY KEY, name text UNIQUE, mood mood, data jsonb, raw bytea,
    doubled int GENERATED ALWAYS AS (length(name) * 2) STORED
);
INSERT INTO people (name, mood, data, raw)
    SELECT '用户 ' || g, '难过', jsonb_build_object('键', E'a\\tb\\n' || g), sha256(g::text::bytea)
    FROM generate_series(1, 500) g;
CREATE TABLE "odd ""name"" 表" ("select" int);
CREATE TABLE billing.parts (n int) PARTITION BY RANGE (n);
CREATE TABLE billing.parts_1 PARTITION OF billing.parts FOR VALUES FROM (0) TO (10);
INSERT INTO billing.parts VALUES (3), (4);
CREATE VIEW sad AS SELECT name FROM people WHERE mood = '难过';
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM people;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('5f2c81d0a7e4');
SELECT lo_from_bytea(0, '\\x00ff'), nextval('billing.numbers'), nextval('billing.numbers');
"""
TABLES = 5


def start(
    project: Rendering, url: str, *arguments: str, before: Sequence[str] = (), **more: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, *COMMAND, *arguments],
        cwd=project.path,
        env=users_environment({"DATABASE_URL": url, **more}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def run(
    project: Rendering, url: str, *arguments: str, code: int = 0, **more: str
) -> tuple[str, Path]:
    """Run a command; return its output and the path that a backup says."""
    process = start(project, url, *arguments, **more)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == code, output
    assert "Traceback" not in output
    return output, Path(output.partition(": ")[0])


def stopped(output: str) -> str:
    """The output of a backup that was not made, whose last line says that nothing was changed."""
    assert NOTHING_CHANGED.search(output.strip().splitlines()[-1]), output
    return output


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        project = renderer.ready()
        renderer.serve(project)
        yield project


@pytest.fixture(scope="module")
def server(project: Rendering) -> str:
    return project.database_url()


@pytest.fixture(scope="module")
def programs(project: Rendering) -> Path:
    """The folder of the PostgreSQL programs that are as new as the server."""
    code = "from migrator.devserver import binaries; print(binaries())"
    return Path(project.run(f".venv/bin/python -c '{code}'").stdout.strip())


def create(server: str, name: str) -> str:
    """A new database with some of everything in it."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        admin.execute(f"ALTER DATABASE {name} SET search_path TO billing, public")
    new = beside(server, name)
    with psycopg.connect(new, options="-csearch_path=public") as connection:
        connection.execute(CONTENT)
    return new


@pytest.fixture(scope="module")
def dumped(project: Rendering, server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good backup to read only."""
    path = tmp_path_factory.mktemp("dumped") / "a.dump"
    run(project, create(server, "dumped"), "backup", "--output", str(path))
    return path


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """A new database with some of everything in it; those beside it go too in the end."""
    with psycopg.connect(server, autocommit=True) as admin:
        before = {row[0] for row in admin.execute("SELECT datname FROM pg_database")}
        new = create(server, "stored")
        yield new
        for (name,) in admin.execute("SELECT datname FROM pg_database").fetchall():
            if name not in before:
                admin.execute(
                    psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(
                        psycopg.sql.Identifier(name)
                    )
                )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def beside(url: str, name: str) -> str:
    return url.rpartition("/")[0] + "/" + quote(name, safe="")


def everything_in(programs: Path, url: str) -> str:
    """Schema and contents, as SQL."""
    dump = subprocess.run([programs / "pg_dump", url], capture_output=True, check=True).stdout
    lines = without_servers_options(dump.decode()).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))


def databases(server: str) -> set[str]:
    with psycopg.connect(server) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


@contextmanager
def table_lock(url: str) -> Iterator[psycopg.Connection]:
    """A session that keeps every pg_dump waiting."""
    with psycopg.connect(url, application_name="nosy") as holder:
        holder.execute("LOCK TABLE public.people IN ACCESS EXCLUSIVE MODE")
        yield holder


def wait_for_dump(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until pg_dump waits for the lock, so that it surely is in the middle."""
    question = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'public.people'::regclass"
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(question).fetchone():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)


def wait_for_end_of_dump(url: str) -> None:
    question = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_dump'"
    deadline = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(question).fetchone():
            assert time.monotonic() < deadline, "pg_dump goes on"
            time.sleep(0.05)


def test_what_was_backed_up_comes_back(
    project: Rendering, url: str, programs: Path, folder: Path
) -> None:
    said, path = run(project, url, "backup", MIGRATOR_BACKUP_FOLDER=str(folder))
    assert f"{TABLES} tables, at 5f2c81d0a7e4" in said
    assert re.fullmatch(
        r"stored@127\.0\.0\.1_\d+-\d{8}T\d{6}\.\d{3}Z-5f2c81d0a7e4\.dump", path.name
    )
    assert list(folder.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = everything_in(programs, url)
    assert "难过" in before and "lo_open" in before
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE public.people CASCADE")

    name = 'back "here" 表 %s'
    said, _ = run(project, url, "restore", str(path), "--into", name, "--yes")
    assert f"Restored into {name}: {TABLES} tables, at 5f2c81d0a7e4" in said
    assert 'ALTER DATABASE "back ""here"" 表 %s" RENAME TO "stored"' in said
    assert everything_in(programs, beside(url, name)) == before != everything_in(programs, url)
    with psycopg.connect(beside(url, name)) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("billing, public",)


def test_the_command_that_is_shown_restores(project: Rendering, url: str, programs: Path) -> None:
    said, path = run(project, url, "backup")
    command = shlex.split(said.partition("To restore it: ")[2])
    assert command[:3] == [".venv/bin/python", "-m", "migrator"]
    done = project.run(shlex.join([*command, "--yes"]), env={"DATABASE_URL": url})
    assert done.returncode == 0, done.stderr
    copy = beside(url, "stored_restored")
    assert everything_in(programs, copy) == everything_in(programs, url)
    assert path.is_relative_to(project.path / "backups")
    ignored = [line.rstrip("/") for line in project.read(".gitignore").splitlines()]
    assert "backups" in ignored


def test_into_the_database_itself(
    project: Rendering, url: str, server: str, programs: Path, folder: Path
) -> None:
    """When it is empty, and when it is gone altogether."""
    before = everything_in(programs, url)
    file = folder / "named.dump"
    run(project, url, "backup", "--output", str(file))
    for create in (True, False):
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("DROP DATABASE stored")
            if create:
                admin.execute("CREATE DATABASE stored")
        run(project, url, "restore", str(file), "--yes")
        assert everything_in(programs, url) == before


def test_nothing_is_overwritten(project: Rendering, url: str, folder: Path) -> None:
    _, path = run(project, url, "backup", MIGRATOR_BACKUP_FOLDER=str(folder))
    before = path.read_bytes()
    stopped(run(project, url, "backup", "--output", str(path), code=1)[0])
    said = stopped(run(project, url, "restore", str(path), "--yes", code=5)[0])
    assert "functions: 1 (twice)" in said
    assert "--into NEW_NAME" in said
    assert path.read_bytes() == before
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM public.people").fetchone() == (500,)


def test_what_counts_as_not_empty(project: Rendering, url: str, server: str, dumped: Path) -> None:
    statements = [
        "CREATE TABLE t ()",
        "CREATE TYPE e AS ENUM ()",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA s",
        "SELECT lo_create(0)",
    ]
    for number, statement in enumerate(statements):
        name = f"other_{number}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        with psycopg.connect(beside(url, name)) as connection:
            connection.execute(statement)
        stopped(run(project, url, "restore", str(dumped), "--into", name, "--yes", code=5)[0])


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to look at")
def test_the_password_is_nowhere(
    project: Rendering, url: str, server: str, programs: Path, folder: Path
) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS secretive")
        admin.execute(
            psycopg.sql.SQL("CREATE ROLE secretive SUPERUSER LOGIN PASSWORD {}").format(PASSWORD)
        )
    login = f"//secretive:{quote(PASSWORD, safe='')}@"
    theirs = re.sub("//.*@", lambda _: login, url)
    with table_lock(url):
        process = start(project, theirs, "backup", MIGRATOR_BACKUP_FOLDER=str(folder))
        wait_for_dump(url, process)
        lines = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(entry.read_bytes().decode(errors="replace"))
            except OSError:
                continue
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    dumps = [line for line in lines if "--format=custom" in line]
    assert len(dumps) == 1 and "user=secretive" in dumps[0]
    path = Path(said.partition(": ")[0])
    said += run(project, theirs, "restore", str(path), "--into", "again", "--yes")[0]
    wrong = theirs.replace(quote(PASSWORD, safe=""), quote(f"not {PASSWORD}", safe=""))
    said += run(project, wrong, "backup", code=1)[0]
    said += run(project, wrong, "restore", str(path), "--into", "again", "--yes", code=1)[0]
    for text in [said, *lines]:
        assert "heldback" not in text  # however the rest is escaped
    assert everything_in(programs, beside(url, "again")) == everything_in(programs, url)


def test_all_of_the_url_reaches_pg_dump(
    project: Rendering, url: str, server: str, folder: Path
) -> None:
    """The role has rights by `options` only, and the first of the hosts does not answer."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS poor")
        admin.execute("DROP ROLE IF EXISTS rich")
        admin.execute("CREATE ROLE rich SUPERUSER")
        admin.execute("CREATE ROLE poor LOGIN PASSWORD 'p' IN ROLE rich")
    with psycopg.connect(url) as connection:  # its rights are enough to see where it is
        connection.execute("GRANT SELECT ON public.alembic_version TO poor")
    port = url.rpartition(":")[2].partition("/")[0]
    with socket.socket() as closed:  # bound, but it does not listen
        closed.bind(("127.0.0.1", 0))
        hosts = f"host=127.0.0.1:{closed.getsockname()[1]}&host=127.0.0.1:{port}"
        plain = f"postgresql://poor:p@/stored?sslmode=prefer&{hosts}"
        said, _ = run(
            project, f"{plain}&options=-crole%3Drich", "backup", "--output", f"{folder}/a"
        )
        assert f"{TABLES} tables" in said
        said = stopped(run(project, plain, "backup", "--output", f"{folder}/b", code=1)[0])
        assert "permission denied" in said
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_a_secret_that_has_no_variable(project: Rendering, url: str) -> None:
    said = stopped(run(project, f"{url}?sslpassword=hidden", "backup", code=1)[0])
    assert "sslpassword" in said and "hidden" not in said


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/backups"])
def test_a_folder_that_cannot_be_written(
    project: Rendering, url: str, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    target = str(tmp_path / place)
    said = stopped(run(project, url, "backup", MIGRATOR_BACKUP_FOLDER=target, code=1)[0])
    assert "cannot be written" in said and "MIGRATOR_BACKUP_FOLDER" in said


def mounted(folder: Path, options: str) -> list[str]:
    """What to put before a command, which then has a file system of its own in `folder`."""
    folder.mkdir()
    mount = f"mount -t tmpfs -o {options} none {shlex.quote(str(folder))}"
    own = ["unshare", "--mount"] + (["--map-root-user"] if os.geteuid() else [])
    command = [*own, "sh", "-c", f'{mount} && exec "$@"', "sh"]
    try:
        done = subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    except FileNotFoundError:
        done = 1
    if done:
        pytest.skip("this machine lets nobody mount a small file system")
    return command


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("size=256k", "free some space"),
        ("size=3m", "No space left on device"),
        ("ro", "Read-only file system"),
    ],
)
def test_a_full_disk(project: Rendering, url: str, folder: Path, options: str, words: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE noise AS SELECT gen_random_uuid() || '' || gen_random_uuid()"
            " FROM generate_series(1, 100000)"
        )
    own = mounted(folder, options)
    more: dict[str, Any] = {"MIGRATOR_BACKUP_FOLDER": str(folder)}
    # Inside, so that what is left on that disk can be seen.
    script = [
        *own,
        "sh",
        "-c",
        f'"$@"; code=$?; ls -A {shlex.quote(str(folder))}; exit $code',
        "sh",
    ]
    process = start(project, url, "backup", before=script, **more)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1, said
    assert words in stopped(said)  # whose last line it is: nothing is left


def test_pg_dump_is_missing(project: Rendering, url: str, tmp_path: Path) -> None:
    said = stopped(run(project, url, "backup", MIGRATOR_PG_BIN=str(tmp_path), code=1)[0])
    assert str(tmp_path) in said and "postgresql-client-18" in said


def older(program: str, than: int) -> tuple[Path, int]:
    """The folder of an older PostgreSQL of this machine, as Debian installs it."""
    for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}")):
        if (major := int(path.parts[-3])) < than:
            return path.parent, major
    pytest.skip(f"there is no older {program} on this machine (Debian: postgresql-15)")


def test_pg_dump_is_too_old(project: Rendering, url: str, folder: Path) -> None:
    old, major = older("pg_dump", 18)
    more: dict[str, Any] = {"MIGRATOR_PG_BIN": str(old), "MIGRATOR_BACKUP_FOLDER": str(folder)}
    said = stopped(run(project, url, "backup", code=1, **more)[0])
    assert f"version {major} and cannot dump a server of version 18" in said
    # Without pg_bin, the newer one is found, though an older one may come first on PATH.
    path = f"{old}{os.pathsep}{os.environ['PATH']}"
    _, file = run(project, url, "backup", MIGRATOR_BACKUP_FOLDER=str(folder), PATH=path)
    said = run(project, url, "restore", str(file), "--into", "new", "--yes", code=1, **more)[0]
    assert "written by a newer pg_dump" in stopped(said)


@pytest.fixture
def older_server(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that does not know all that the newest programs write."""
    binaries, _ = older("initdb", 17)
    folder = tmp_path_factory.mktemp("older")
    prefix: list[str] = []
    if not os.geteuid():  # which PostgreSQL refuses to run as
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for path in [folder, *folder.parents]:
            if path.name.startswith(("older", "popen-", "pytest-")):
                path.chmod(0o755)
        os.chown(folder, 65534, 65534)
    data = folder / "data"
    (folder / "password").write_text("secret")
    (folder / "password").chmod(0o644)
    subprocess.run(
        [
            *prefix,
            f"{binaries}/initdb",
            f"--pgdata={data}",
            f"--pwfile={folder / 'password'}",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--auth=scram-sha-256",
        ],
        check=True,
        capture_output=True,
        cwd="/",
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*prefix, f"{binaries}/postgres", "-D", str(data), f"--port={port}"]
    with subprocess.Popen(
        [*command, "-k", "", "-h", "127.0.0.1"], cwd="/", stderr=subprocess.DEVNULL
    ) as process:
        try:
            url = f"postgresql://postgres:secret@127.0.0.1:{port}/postgres"
            while True:
                try:
                    psycopg.connect(url).close()
                    break
                except psycopg.OperationalError:
                    assert process.poll() is None
                    time.sleep(0.1)
            yield url
        finally:
            process.send_signal(signal.SIGINT)


def test_an_older_server(
    project: Rendering, older_server: str, programs: Path, folder: Path, tmp_path: Path
) -> None:
    """Newer programs set a variable that it does not know; its backup must come back anyway."""
    with psycopg.connect(older_server, options="-csearch_path=public") as connection:
        connection.execute(CONTENT)
    more: dict[str, Any] = {"MIGRATOR_BACKUP_FOLDER": str(folder)}
    old, _ = older("initdb", 17)
    _, file = run(
        project, older_server, "backup", PATH=f"{old}{os.pathsep}{os.environ['PATH']}", **more
    )
    assert subprocess.run([old / "pg_restore", "--list", file], capture_output=True).returncode == 0

    more["MIGRATOR_PG_BIN"] = str(programs)
    _, file = run(project, older_server, "backup", **more)
    run(project, older_server, "restore", str(file), "--into", "again", "--yes", **more)
    again = beside(older_server, "again")
    assert everything_in(programs, again) == everything_in(programs, older_server)

    words = ("restore", str(file), "--into", "third", "--yes")
    wrap(tmp_path / "bin", programs, "pg_restore", FAILS_HALFWAY)
    more["MIGRATOR_PG_BIN"] = str(tmp_path / "bin")
    assert "is empty" in run(project, older_server, *words, code=1, **more)[0]
    more["MIGRATOR_PG_BIN"] = str(programs)
    run(project, older_server, *words, **more)  # so nothing was left there


# All of the schema but the data, and then an end like that of a killed process.
FAILS_HALFWAY = """
case "$*" in
    *--create*) "$real" "$@" ;;
    *--file=-*) "$real" --section=pre-data "$@"; exit 1 ;;
    *) "$real" "$@" ;;
esac
"""


def wrap(folder: Path, programs: Path, name: str, script: str) -> None:
    """Make a folder of PostgreSQL's programs, one of which is run by `script` as "$real"."""
    folder.mkdir()
    for program in ("pg_dump", "pg_restore", "psql"):
        lines = script if program == name else '"$real" "$@"\n'
        path = folder / program
        path.write_text(f"#!/bin/sh\nreal={shlex.quote(str(programs / program))}\n{lines}", "utf-8")
        path.chmod(0o755)


FAULTS = {
    "truncated": 'truncate -s -3000 "$file"',
    "no table of contents": 'truncate -s 0 "$file"',
    "a flipped byte": 'printf X | dd of="$file" bs=1 conv=notrunc seek=$(($(wc -c <"$file")-999))',
    "no file": 'rm "$file"',
}


@pytest.mark.parametrize("fault", [*FAULTS, "a table is missing"])
def test_a_broken_dump(
    project: Rendering, url: str, programs: Path, folder: Path, tmp_path: Path, fault: str
) -> None:
    """The real pg_dump, but something happens to what it has written."""
    script = '"$real" "$@" --exclude-table="*odd*"\n'
    if fault in FAULTS:
        script = (
            '"$real" "$@" || exit\n'
            'for a; do case "$a" in --file=*) file="${a#--file=}";; esac; done\n'
            f'[ -z "$file" ] || {{ {FAULTS[fault]}; }} 2>/dev/null\n'
        )
    wrap(tmp_path / "bin", programs, "pg_dump", script)
    more: dict[str, Any] = {
        "MIGRATOR_PG_BIN": str(tmp_path / "bin"),
        "MIGRATOR_BACKUP_FOLDER": str(folder),
    }
    said = stopped(run(project, url, "backup", code=1, **more)[0])
    assert list(folder.iterdir()) == [], said


def test_a_damaged_file_is_not_restored(
    project: Rendering, url: str, server: str, dumped: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.dump"
    content = dumped.read_bytes()
    before = databases(server)
    flipped = content[:-999] + bytes([content[-999] ^ 1]) + content[-998:]
    for damaged, code in [
        (content[:-1], 1),
        (content[:-2000], 1),
        (content[:50], 1),
        (flipped, 1),
        (b"", 2),
        (b"-- SQL\n", 2),
    ]:
        bad.write_bytes(damaged)
        words = ("restore", str(bad), "--into", "new", "--yes")
        assert "nothing was changed" in run(project, url, *words, code=code)[0]
    run(project, url, "restore", str(tmp_path / "none"), "--yes", code=2)
    assert databases(server) == before


def test_a_restore_that_fails_is_rolled_back(
    project: Rendering, url: str, server: str, folder: Path
) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS passing")
        admin.execute("CREATE ROLE passing")
        with psycopg.connect(url) as connection:
            connection.execute("ALTER VIEW public.sad OWNER TO passing")
        run(project, url, "backup", "--output", str(folder / "a.dump"))
        with psycopg.connect(url) as connection:
            connection.execute("ALTER VIEW public.sad OWNER TO current_user")
        admin.execute("DROP ROLE passing")
    words = ("restore", str(folder / "a.dump"), "--into", "half", "--yes")
    said = run(project, url, *words, code=1)[0]
    assert 'role "passing" does not exist' in said and "is empty" in said
    with psycopg.connect(beside(url, "half")) as connection:
        left = connection.execute("SELECT count(*) FROM pg_class WHERE oid > 16383").fetchone()
        assert left == (0,)
    run(project, url, *words, "--no-owner")


@pytest.mark.parametrize(("typed", "code"), [("new", 0), ("yes", 5), ("", 5), (None, 2)])
def test_it_asks(
    project: Rendering, url: str, server: str, dumped: Path, typed: str | None, code: int
) -> None:
    pty = pytest.importorskip("pty")
    words = [*COMMAND, "restore", str(dumped), "--into", "new"]
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as terminal:
        with os.fdopen(theirs, "rb") as stdin:
            process = subprocess.Popen(
                words,
                cwd=project.path,
                env=users_environment({"DATABASE_URL": url}),
                stdin=subprocess.DEVNULL if typed is None else stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
            )
        terminal.write(b"" if typed is None else f"{typed}\n".encode())
        said = process.communicate(timeout=60)[0]
    assert process.returncode == code, said
    assert ("new" in databases(server)) == (code == 0)
    assert ("--yes" in said) == (code == 2)


def test_so_many_are_kept(project: Rendering, url: str, folder: Path) -> None:
    more: dict[str, Any] = {"MIGRATOR_BACKUP_FOLDER": str(folder), "MIGRATOR_BACKUP_KEEP": "2"}
    _, first = run(project, url, "backup", **more)
    name = first.name
    old = name.replace(re.findall(r"-(\d{8}T)", name)[0], "20200101T")
    foreign = [
        name + ".bak",
        old.replace("stored", "stored-old"),
        old.replace("stored", "stored2"),
        old.replace("127.0.0.1", "db.example.com"),
        old.replace(".dump", ".sql"),
        "mine.dump",
        "x" + old,
        old + ".part",  # somebody may be writing it
    ]
    for stranger in foreign:
        (folder / stranger).touch()
    (folder / old.replace("20200101", "20200102")).mkdir()
    dead = folder / old.replace("20200101", "20200103").replace(".dump", ".dump.part")
    dead.touch()
    os.utime(dead, (1e9, 1e9))
    _, second = run(project, url, "backup", **more)
    _, third = run(project, url, "backup", **more)
    left = {path.name for path in folder.iterdir() if path.is_file()}
    assert left == {second.name, third.name, *foreign}
    # One that fails takes none of them away.
    more["MIGRATOR_BACKUP_KEEP"] = "1"
    with table_lock(url):
        run(project, url, "backup", code=4, MIGRATOR_DEPLOY_LOCK_TIMEOUT="0.3", **more)
    assert left == {path.name for path in folder.iterdir() if path.is_file()}
    more["MIGRATOR_BACKUP_KEEP"] = "0"
    _, last = run(project, url, "backup", **more)
    assert last.exists() and not third.exists()


def test_somebody_keeps_a_table_locked(project: Rendering, url: str, folder: Path) -> None:
    more: dict[str, Any] = {
        "MIGRATOR_DEPLOY_LOCK_TIMEOUT": "1",
        "MIGRATOR_BACKUP_FOLDER": str(folder),
    }
    with table_lock(url) as holder:
        said = stopped(run(project, url, "backup", code=4, **more)[0])
        # The holder's own temporary objects aside, it is named with what it holds.
        assert f"process {holder.info.backend_pid} (nosy) has a lock on" in said
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_stopped_in_the_middle(
    project: Rendering, url: str, folder: Path, sent: signal.Signals
) -> None:
    with table_lock(url):
        process = start(project, url, "backup", MIGRATOR_BACKUP_FOLDER=str(folder))
        wait_for_dump(url, process)
        assert [path.suffix for path in folder.iterdir()] == [".part"]
        process.send_signal(sent)
        said = process.communicate(timeout=30)[0]
        assert process.returncode == 130, said
        assert "Traceback" not in stopped(said)
        wait_for_end_of_dump(url)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pg_dump goes on to its end")
def test_killed_in_the_middle(project: Rendering, url: str, folder: Path) -> None:
    """The dump does not go on without us, and its beginning goes in time."""
    more: dict[str, Any] = {"MIGRATOR_BACKUP_FOLDER": str(folder)}
    with table_lock(url):
        process = start(project, url, "backup", **more)
        wait_for_dump(url, process)
        process.kill()
        process.communicate(timeout=30)
        wait_for_end_of_dump(url)
    (part,) = folder.iterdir()
    _, path = run(project, url, "backup", **more)
    assert set(folder.iterdir()) == {part, path}  # it might be another deploy's
    os.utime(part, (1e9, 1e9))
    _, second = run(project, url, "backup", **more)
    assert set(folder.iterdir()) == {path, second}


def test_several_at_once(project: Rendering, url: str, folder: Path) -> None:
    """While tables come and go: each dump is compared with the state that it is of."""
    running = [start(project, url, "backup", MIGRATOR_BACKUP_FOLDER=str(folder)) for _ in range(4)]
    with psycopg.connect(url, autocommit=True) as other:
        number = 0
        while any(process.poll() is None for process in running) and number < 400:
            other.execute(f"CREATE TABLE public.new_{number} ()")
            number += 1
            time.sleep(0.01)
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4, outputs
    assert len({output.partition(": ")[0] for output in outputs}) == 4
    assert len(list(folder.iterdir())) == 4


# SQLite


@pytest.fixture(scope="module")
def small(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready(database="sqlite")


@pytest.fixture(params=["delete", "wal"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database in each way of writing."""
    path = tmp_path / "数据 #1%20?.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"PRAGMA journal_mode = {request.param};"
            "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, raw BLOB);"
            "CREATE TABLE alembic_version (version_num TEXT);"
            "INSERT INTO alembic_version VALUES ('5f2c81d0a7e4');"
            "CREATE VIEW names AS SELECT name FROM people;"
        )
        with connection:
            rows = [(f"用户 {n}", bytes([n])) for n in range(200)]
            connection.executemany("INSERT INTO people (name, raw) VALUES (?, ?)", rows)
    return path


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def address(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"


def test_sqlite_comes_back(small: Rendering, file: Path, folder: Path, tmp_path: Path) -> None:
    more: dict[str, Any] = {"MIGRATOR_BACKUP_FOLDER": str(folder), "MIGRATOR_BACKUP_KEEP": "2"}
    paths = []
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("INSERT INTO people (name) VALUES ('not committed')")
        for _ in range(3):
            said, path = run(small, address(file), "backup", **more)
            assert "2 tables, at 5f2c81d0a7e4" in said
            paths.append(path)
        writer.rollback()
    assert sorted(folder.iterdir()) == paths[1:]
    assert path.name.endswith("Z-5f2c81d0a7e4.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = contents(file)

    words = ("restore", str(path), "--yes")
    stopped(run(small, address(file), *words, code=5)[0])
    said, _ = run(small, address(file), *words, "--into", str(tmp_path / "new.db"))
    assert "2 tables, at 5f2c81d0a7e4" in said
    assert contents(tmp_path / "new.db") == before
    file.unlink()
    run(small, address(file), *words)
    assert contents(file) == before
    assert sorted(folder.iterdir()) == paths[1:]  # and no files beside them


def test_sqlite_is_locked(small: Rendering, file: Path, folder: Path) -> None:
    code = (
        "from alembic.config import Config; from migrator import backup, errors\n"
        "from migrator.config.context import Context\n"
        "try: backup.take(Context.of(Config('alembic_prod.ini')), 'base')\n"
        "except errors.LockTimeout as error: print(error)"
    )
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")  # keeps readers out in WAL mode too
        other.execute("BEGIN EXCLUSIVE")
        other.execute("DELETE FROM people")
        done = small.run(
            f".venv/bin/python -c {shlex.quote(code)}",
            env={"DATABASE_URL": address(file), "MIGRATOR_BACKUP_FOLDER": str(folder)},
        )
    assert "locked" in stopped(done.stdout), done.stderr
    assert list(folder.iterdir()) == []


def test_sqlite_is_damaged(small: Rendering, file: Path, folder: Path) -> None:
    """A source that is broken is no backup, and a broken backup is not restored."""
    _, path = run(small, address(file), "backup", MIGRATOR_BACKUP_FOLDER=str(folder))
    content = bytearray(path.read_bytes())
    content[4096 + 100 : 4096 + 2000] = b"\xff" * 1900
    path.write_bytes(content)
    new = file.with_name("new.db")
    words = ("restore", str(path), "--into", str(new), "--yes")
    assert "nothing was changed" in run(small, address(file), *words, code=1)[0]
    assert not new.exists()
    path.write_bytes(b"no database at all" * 100)
    run(small, address(file), *words, code=1)
    run(small, address(file), "restore", str(folder / "none"), "--into", str(new), "--yes", code=2)
    assert not new.exists()
    file.write_bytes(content)
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    before = sorted(folder.iterdir())
    stopped(run(small, address(file), "backup", code=1, MIGRATOR_BACKUP_FOLDER=str(folder))[0])
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "words"), [("size=8k", "free some space"), ("ro", "Read-only file system")]
)
def test_sqlite_and_a_full_disk(
    small: Rendering, file: Path, folder: Path, options: str, words: str
) -> None:
    own = mounted(folder, options)
    process = start(small, address(file), "backup", before=own, MIGRATOR_BACKUP_FOLDER=str(folder))
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and words in stopped(said)
