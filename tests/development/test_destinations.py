"""Where the commands go: DATABASE_URL alone sends none of them to a strange server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import REPOSITORY, TEMPLATE_FOLDER, Renderer, Rendering

MAKEFILE = (REPOSITORY / TEMPLATE_FOLDER / "migrations.mk").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z][a-z-]*):.*?## ", MAKEFILE, re.MULTILINE)
HOST = "db.example.org"

# What each target does to a server: every new one needs a decision here.
WRITES = {
    "migrate": "",
    "upgrade": "",
    "downgrade": "to=base",
    "redo": "",
    "squash": "m=start",
    "baseline": "m=start yes=1 beside=1",
    "reset": "yes=1",
    "seed": "",
}
# What works on shadow databases: on the development server of the ini file, else on the server of
# DATABASE_URL, if that is for development.
SHADOWS = {
    "revision": "m=more",
    "merge": "m=merge",
    "snapshot": "",
    "diagram": "out=diagram.md",
    "lint-migrations": "from=base",
    "trace": "from=base",
}
READS = {
    "migrations-help": "",
    "empty-revision": "m=empty",
    "status": "",
    "current": "",
    "history": "",
    "history-graph": "",  # without the changes of the schema
    "heads": "",
    "sql": "out=plan.sql",
    "check-history": "",
    "tables": "",
    "plan": "",
    "db-start": "",
    "db-stop": "",
    "db-url": "",
}
# With alembic_prod.ini, which names its database on purpose; and a shell is for its user to use.
NOT_FOR_DEVELOPMENT = {
    *("deploy", "rehearse", "rollback", "backup", "restore", "wait", "db-shell"),
    *("fleet-plan", "fleet-deploy", "fleet-status", "fleet-verify", "fleet-create", "fleet-drop"),
}

# What could be changed on a server: its databases, and what is in one of them.
STATE = """
SELECT (SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database),
       (SELECT string_agg(oid::regclass || ' ' || xmin, ', ' ORDER BY oid) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace),
       (SELECT string_agg(version_num, ' ') FROM alembic_version),
       (SELECT string_agg(name, ' ' ORDER BY id) FROM teams)
"""
HEADER = """
from alembic import op

revision = "{revision}"
down_revision = "5f2c81d0a7e4"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 2")
"""


@pytest.fixture(scope="module")
def url(project: Rendering) -> str:
    """A database in use, one revision behind."""
    url = project.database_url()
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO teams (name) VALUES ('precious')")
    return url


def elsewhere(url: str) -> str:
    """The same server, by a name that is not this machine's: libpq goes to hostaddr."""
    return url.replace("@127.0.0.1:", f"@{HOST}:") + "?hostaddr=127.0.0.1"


def state(url: str) -> tuple[object, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute(STATE).fetchone()


def written(project: Rendering) -> dict[str, bytes]:
    """The files that commands write."""
    kept = ("migrations/versions/", "app/", "schema.sql")
    return {name: text for name, text in project.files().items() if name.startswith(kept)}


def revisions(project: Rendering, *names: str) -> None:
    """Add revisions that follow the first one, beside each other."""
    for name in names:
        path = project.path / f"migrations/versions/{name}.py"
        path.write_text(HEADER.format(revision=name), encoding="utf-8")


@pytest.fixture
def prepared(project: Rendering, request: pytest.FixtureRequest) -> Iterator[str]:
    """The target, with what it needs to have something to do."""
    target: str = request.param
    before = written(project)
    if target == "merge":
        revisions(project, "left", "right")
    elif target == "baseline":
        for name in before:
            if name.startswith("migrations/versions/2"):
                (project.path / name).unlink()
    elif target not in ("seed", "revision"):
        revisions(project, "newer")
    yield target
    for name in written(project):
        if name not in before:
            (project.path / name).unlink()
    for name, text in before.items():
        (project.path / name).write_bytes(text)


def test_each_target_has_a_decision() -> None:
    assert sorted(TARGETS) == sorted([*WRITES, *SHADOWS, *READS, *NOT_FOR_DEVELOPMENT])


@pytest.mark.parametrize("prepared", WRITES, indirect=True)
def test_what_writes_refuses_a_strange_server(project: Rendering, url: str, prepared: str) -> None:
    refused(project, url, prepared, WRITES[prepared])


@pytest.mark.parametrize("prepared", SHADOWS, indirect=True)
def test_shadow_databases_are_on_the_development_server(
    project: Rendering, url: str, prepared: str
) -> None:
    before = state(url)
    goal = f"make {prepared} {SHADOWS[prepared]}"
    done = project.run(goal, env={"DATABASE_URL": elsewhere(url)})
    assert done.returncode == 0, done.stdout + done.stderr
    port = url.rpartition(":")[2].partition("/")[0]
    assert f"Shadow databases beside my_service on 127.0.0.1:{port}\n" in done.stderr
    assert HOST not in done.stdout + done.stderr
    assert state(url) == before


@pytest.mark.parametrize("prepared", SHADOWS, indirect=True)
def test_shadow_databases_are_not_on_a_strange_server(
    project: Rendering, url: str, prepared: str
) -> None:
    """The ini file names no development server: the user has a PostgreSQL of their own."""
    path = project.path / "alembic.ini"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub("sqlalchemy.url = .*", "sqlalchemy.url =", text), encoding="utf-8")
    try:
        refused(project, url, prepared, SHADOWS[prepared], keeps=prepared != "merge")
        goal = f"make {prepared} {SHADOWS[prepared]} host={HOST}"
        named = project.run(goal, env={"DATABASE_URL": elsewhere(url)})
        assert "Error 5" not in named.stderr, named.stdout + named.stderr
    finally:
        path.write_text(text, encoding="utf-8")


def refused(
    project: Rendering, url: str, target: str, arguments: str, *, keeps: bool = True
) -> None:
    """Run a target for a strange server: it is refused, and has changed nothing."""
    before, files = state(url), written(project)
    done = project.run(f"make {target} {arguments}", env={"DATABASE_URL": elsewhere(url)})
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Error 5" in done.stderr
    said = done.stdout + done.stderr
    assert f"on {HOST}:" in said and "is neither on this machine nor on a host in" in said
    assert "postgres:" not in said and "Traceback" not in said
    assert state(url) == before
    assert not keeps or written(project) == files


@pytest.mark.parametrize("target", READS)
def test_what_reads_changes_nothing(project: Rendering, url: str, target: str) -> None:
    before = state(url)
    done = project.run(f"make {target} {READS[target]}", env={"DATABASE_URL": elsewhere(url)})
    assert done.returncode in (0, 2), done.stdout + done.stderr
    assert "Error 5" not in done.stderr
    assert state(url) == before
    for path in project.path.glob("migrations/versions/*_empty.py"):
        path.unlink()


@pytest.mark.parametrize(
    "arguments",
    ["stamp base", "upgrade head", "downgrade -1", "check", "revision --autogenerate -m x"],
)
def test_typed_commands_refuse_it_too(project: Rendering, url: str, arguments: str) -> None:
    before, files = state(url), written(project)
    done = project.run(
        f".venv/bin/python -m alembic {arguments}", env={"DATABASE_URL": elsewhere(url)}
    )
    assert done.returncode == 5, done.stdout + done.stderr
    assert (state(url), written(project)) == (before, files)


@pytest.mark.parametrize(
    "arguments", ["deploy", "rollback --to base --yes", "restore {file} --yes --into new"]
)
def test_deploys_with_the_ini_of_development_refuse_it_too(
    project: Rendering, url: str, arguments: str
) -> None:
    backup = project.path / "backups/it.dump"
    run = ".venv/bin/python -m migrator"
    made = project.run(f"{run} backup --output {backup}", env={"DATABASE_URL": elsewhere(url)})
    assert made.returncode == 0, made.stderr
    revisions(project, "newer")
    before = state(url)
    done = project.run(
        f"{run} {arguments.format(file=backup)}", env={"DATABASE_URL": elsewhere(url)}
    )
    (project.path / "migrations/versions/newer.py").unlink()
    backup.unlink()
    assert done.returncode == 5, done.stdout + done.stderr
    assert "is neither on this machine" in done.stderr
    assert state(url) == before


def ways(url: str) -> dict[str, dict[str, str]]:
    """How the environment can name a server whose name is not this machine's."""
    address = re.match(r"postgresql://postgres:(.*)@127.0.0.1:(\d+)/(.*)", url)
    assert address
    password, port, name = address.groups()
    own = {"PGPASSWORD": password, "PGPORT": port, "PGUSER": "postgres"}
    return {
        "query": {"DATABASE_URL": f"postgresql:///{name}?host={HOST}&hostaddr=127.0.0.1", **own},
        "PGHOST": {
            "DATABASE_URL": f"postgresql:///{name}",
            "PGHOST": HOST,
            "PGHOSTADDR": "127.0.0.1",
            **own,
        },
        "variable": {"MIGRATION_DATABASE_URL": elsewhere(url), "DATABASE_URL": url},
        "service": {"DATABASE_URL": "postgresql:///?service=strange", "PGSERVICEFILE": "service"},
        "several": {
            "DATABASE_URL": f"postgresql:///{name}?host={HOST},127.0.0.1&port={port},{port}"
            "&hostaddr=127.0.0.1,127.0.0.1",
            **own,
        },
    }


@pytest.mark.parametrize("way", ["query", "PGHOST", "variable", "service", "several"])
def test_the_driver_is_asked(project: Rendering, url: str, way: str) -> None:
    env = ways(url)[way]
    own = ways(url)["query"]
    (project.path / "service").write_text(
        f"[strange]\nhost={HOST}\nhostaddr=127.0.0.1\nport={own['PGPORT']}\nuser=postgres\n"
        f"password={own['PGPASSWORD']}\ndbname={url.rpartition('/')[2]}\n",
        encoding="utf-8",
    )
    before = state(url)
    for command in ("alembic downgrade base", "migrator reset --yes", "migrator squash -m x"):
        done = project.run(f".venv/bin/python -m {command}", env=env)
        assert done.returncode == 5, done.stdout + done.stderr
        assert f"on {HOST}:" in done.stdout + done.stderr
    assert state(url) == before


def test_an_address_that_is_given_decides_whatever_the_name_is(
    project: Rendering, url: str
) -> None:
    """PGHOSTADDR leads elsewhere: 192.0.2.2 answers nobody, and no password is sent."""
    (project.path / "service").unlink(missing_ok=True)
    program = """
from migrator.database.development_only import Place, refuse_elsewhere
from migrator.config.context import Context
from alembic.config import Config
context = Context.of(Config("alembic.ini"), {"host": "database"})
for place in (
    Place("x", "localhost", 5432, "192.0.2.2", True),
    Place("x", "database", 5432, "192.0.2.2", True),
    Place("x", "127.0.0.1.example.org", 5432, "127.0.0.1"),
    Place("x", "localhost.example.org", 5432, "127.0.0.1"),
    Place("x", "0.0.0.0", 5432, "0.0.0.0"),
    Place("x", "192.0.2.2", 5432, "192.0.2.2", True),
    Place("x", "database", 5432, "192.0.2.2"),
    Place("x", "localhost", 5432, "::1"),
    Place("x", "127.0.0.2", 5432, "127.0.0.2", True),
    Place("x", "/run/postgresql", 5432),
    Place("x", "@socket", 5432),
):
    try:
        refuse_elsewhere(context, place)
        print("allowed")
    except Exception as error:
        print(error.exit_code)
"""
    done = project.run(f".venv/bin/python -c '{program}'")
    assert done.stdout.split() == ["5"] * 6 + ["allowed"] * 5, done.stdout + done.stderr


@pytest.mark.parametrize("prepared", [*WRITES], indirect=True)
def test_a_host_that_is_named_is_used_and_said_first(
    project: Rendering, url: str, prepared: str
) -> None:
    if prepared == "baseline":
        pytest.skip("it needs a database without a history: below")
    goal = f"make {prepared} {WRITES[prepared]}"
    done = project.run(f"{goal} host={HOST}", env={"DATABASE_URL": elsewhere(url)})
    assert "is neither on this machine" not in done.stdout + done.stderr
    assert "Error 5" not in done.stderr, done.stdout + done.stderr
    first = done.stderr.splitlines()[0]
    port = url.rpartition(":")[2].partition("/")[0]
    where = f"{url.rpartition('/')[2]} on {HOST}:{port} (127.0.0.1)"
    assert first in (f"Database {where}", f"Shadow databases beside {where}")


def test_named_for_good(project: Rendering, url: str) -> None:
    project.make("reset yes=1")
    env: dict[str, str | None] = {"DATABASE_URL": elsewhere(url)}
    path = project.path / "alembic.ini"
    text = path.read_text(encoding="utf-8")
    for hosts in (HOST, f" other , {HOST.upper()}"):
        named = text.replace("development_hosts =", f"development_hosts = {hosts}")
        path.write_text(named, encoding="utf-8")
        project.make("migrate", env=env)
    for hosts in ("other", f"{HOST}.org", ""):
        named = text.replace("development_hosts =", f"development_hosts = {hosts}")
        path.write_text(named, encoding="utf-8")
        assert project.run("make migrate", env=env).returncode == 2
    path.write_text(text, encoding="utf-8")
    project.make("migrate", env={**env, "MIGRATOR_DEVELOPMENT_HOSTS": f"postgres,{HOST}"})


def test_the_first_line_of_each_command_has_no_password(project: Rendering, url: str) -> None:
    password = url.partition("postgres:")[2].partition("@")[0]
    port = url.rpartition(":")[2].partition("/")[0]
    for goal in ("migrate", "downgrade", "upgrade", "seed", "snapshot", "trace from=base"):
        done = project.run(f"make {goal}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{url.rpartition('/')[2]} on 127.0.0.1:{port}" in done.stderr.splitlines()[0]
        assert password not in done.stdout + done.stderr


def test_the_tests_of_a_project_refuse_it(project: Rendering, url: str) -> None:
    before = state(url)
    done = project.run("make test", env={"DATABASE_URL": elsewhere(url)})
    assert "Error 5" in done.stderr, done.stdout + done.stderr
    assert f"on {HOST}:" in done.stdout + done.stderr
    assert state(url) == before


def test_sqlite_says_the_file(renderer: Renderer) -> None:
    with renderer.stopping():
        project = renderer.ready(database="sqlite")
        done = project.run("make migrate")
        assert done.returncode == 0, done.stderr
        name = project.path.name
        assert done.stderr.splitlines()[0] == f"Database file {project.path / name}.db"
