"""An application that starts waits for its schema: through a restart, and not for what never comes.

Both ways: the command of an init container, and `wait_for_schema` in the application's code, which
looks through the application's own engine and its pool.
"""

import signal
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import users_environment
from tests.deploy.deploying import PATIENCE, Stage, execute, renamed, server_of

TABLE = execute("CREATE TABLE rows (n int)")
MORE = execute("INSERT INTO rows VALUES (1)")
APPLICATION = """
from app.database import wait_for_schema
try:
    print(wait_for_schema({seconds}))
except Exception as error:
    print(f"{{type(error).__name__}}: {{error}}")
"""
LOOKED = "SELECT FROM pg_stat_activity WHERE application_name = 'service' AND state LIKE 'idle%'"
PASSWORD = "s3cret-w0rd"
READER = "Ein Leser"  # has to be quoted


@pytest.fixture
def stage(stage: Stage) -> Iterator[Stage]:
    """With a user who owns nothing."""
    with stage.connect() as admin:
        admin.execute(f"CREATE ROLE \"{READER}\" LOGIN PASSWORD '{PASSWORD}'")
    yield stage
    with stage.connect() as admin:
        admin.execute(f'DROP OWNED BY "{READER}"')
        admin.execute(f'DROP ROLE "{READER}"')


def application(stage: Stage, url: str, seconds: int) -> "subprocess.Popen[str]":
    """An application that begins with `wait_for_schema`; an error is a line of its output."""
    return subprocess.Popen(
        [".venv/bin/python", "-c", APPLICATION.format(seconds=seconds)],
        cwd=stage.project.path,
        env=users_environment({"DATABASE_URL": url}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def said(process: "subprocess.Popen[str]") -> str:
    """What an application printed, when it has ended."""
    try:
        return process.communicate(timeout=PATIENCE)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def wrong(url: str, **parts: str) -> str:
    """A URL with other parts."""
    known = {**psycopg.conninfo.conninfo_to_dict(url), **parts}
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**known)


def test_a_restart_between_two_looks(stage: Stage) -> None:
    """The connection that the last look left in the pool is dead; that is not the end."""
    stage.history(TABLE)
    process = application(stage, f"{stage.url}?application_name=service", seconds=600)
    try:
        stage.until(LOOKED)
        stage.project.make("db-stop")
        assert server_of(stage.project) == stage.server
        stage.until(LOOKED)  # it looks again
        assert process.poll() is None, process.communicate()[0]
        stage.run()
        assert said(process).strip() == "The database is at step1, as this code expects."
    finally:
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"password": PASSWORD}, "password authentication failed"),
        ({"dbname": "not_there"}, 'database "not_there" does not exist'),
    ],
)
def test_what_no_waiting_helps(stage: Stage, parts: dict[str, str], reason: str) -> None:
    """It ends at once, and does not say that revisions are pending."""
    stage.history(TABLE)
    url = wrong(stage.url, **parts)
    output = stage.run("--timeout", "100000", command="wait", code=1, DATABASE_URL=url)
    assert reason in output
    assert "Waited" not in output
    output = said(application(stage, url, seconds=100_000))
    assert output.startswith("UnreachableError: The database postgresql")
    assert reason in output
    assert PASSWORD not in output


def test_an_account_that_may_not_see_where_the_database_is(stage: Stage) -> None:
    """Both tables are named at once, though the second is read only when the database is ahead."""
    stage.history(TABLE, MORE)
    stage.run()
    stage.history(TABLE)
    url = wrong(stage.url, user="Ein%20Leser", password=PASSWORD)
    grant = f'GRANT SELECT ON alembic_version, migration_log TO "{READER}";'
    ahead = ("--allow-ahead", "--timeout", "1")

    def look(table: str) -> None:
        for command, arguments, code in (("check", (), 1), ("wait", ahead, 3)):
            output = stage.run(*arguments, command=command, code=code, DATABASE_URL=url)
            assert f"permission denied for table {table}" in output
            assert grant in output
        output = said(application(stage, url, seconds=0))
        assert f"permission denied for table {table}" in output
        assert grant in output

    look("alembic_version")
    with stage.connect() as connection:
        connection.execute(f'GRANT SELECT ON alembic_version TO "{READER}"')
        look("migration_log")
        connection.execute(grant)
    assert "ahead of this code, which is allowed" in stage.run(
        *ahead, command="wait", DATABASE_URL=url
    )
    assert "ahead of this code, which is allowed" in said(application(stage, url, seconds=0))
    # Who may look but not write is told something else.
    stage.history(TABLE, MORE, MORE)
    output = stage.run("--no-check", command="deploy", code=1, DATABASE_URL=url)
    assert "may not read" not in output


def test_the_database_may_come_later_than_the_application(stage: Stage) -> None:
    """A server that is down is waited for."""
    stage.history(TABLE)
    stage.run()
    stage.project.make("db-stop")
    process = application(stage, renamed(stage.server, "deployed"), seconds=600)
    assert server_of(stage.project) == stage.server
    assert "at step1, as this code expects" in said(process)
