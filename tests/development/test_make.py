"""migrations.mk from the outside: what each target says, writes and refuses, here and elsewhere."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.sql import SQL, Identifier

from tests.conftest import (
    LIBRARY,
    REPOSITORY,
    TEMPLATE_FOLDER,
    Render,
    Renderer,
    Rendering,
    users_environment,
)

FIRST = "5f2c81d0a7e4"
SHOP = """
from sqlalchemy.orm import Mapped

from app.models.base import Base, PrimaryKey


class Shop(Base):
    __tablename__ = "shops"

    id: Mapped[PrimaryKey]
"""
MESSAGES = [
    "添加用户表",
    'it\'s "quoted"',
    '"first',
    '""" three """',
    "C:\\new\\x \\d \\",
    "$HOME $(shell touch touched) $(touch touched) `touch touched`",
    "; touch touched # & | > touched",
    "100% %s %(here)s %%",
    "${message} {{ x }} <% y %> ## z",
    "-x",
    "--help",
    "!! * ? [a] ~ \t tab",
    "🐼 مرحبا",
    "very long " * 30,
    '添加 """ C:\\new $HOME $(shell touch touched) `touch touched` 100%s',
]


@pytest.fixture(scope="module")
def shared(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready(database="sqlite")


@pytest.fixture
def project(shared: Rendering) -> Iterator[Rendering]:
    """A project on SQLite, fresh for each test."""
    before = shared.files()
    yield shared
    for name in files(shared) - before.keys():
        (shared.path / name).unlink()
    for name, content in before.items():
        if not (shared.path / name).exists() or (shared.path / name).read_bytes() != content:
            (shared.path / name).write_bytes(content)


@pytest.fixture(scope="module")
def on_postgresql(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready()


def made(project: Rendering, *goals: str) -> CompletedProcess[str]:
    return project.run(shlex.join(["make", *goals]))


def said(done: CompletedProcess[str]) -> str:
    """Everything that a command printed. Whatever happens, people never see a traceback."""
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    return text


def files(project: Rendering) -> set[str]:
    """The names of all files, those in __pycache__ and the like left out."""
    return {name for name in project.files() if "cache" not in name}


def revisions(project: Rendering) -> set[str]:
    folder = project.path / "migrations/versions"
    return {path.name for path in folder.glob("*.py")}


def at(project: Rendering) -> list[str]:
    """The revisions that the SQLite database is at; none before there is one."""
    with closing(sqlite3.connect(project.path / "my_service.db")) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        if ("alembic_version",) not in tables:
            return []
        return [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]


def write_revision(project: Rendering, name: str, after: str, upgrade: str = "pass") -> Path:
    """A revision whose identifier is its name."""
    path = project.path / f"migrations/versions/{name}.py"
    # Python takes the bytecode of another text that had the same size in the same second.
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
    path.write_text(
        f'"""步骤 {name}"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f'revision: str = "{name}"\ndown_revision: str = "{after}"\n\n\n'
        f"def upgrade() -> None:\n    {upgrade}\n\n\ndef downgrade() -> None:\n    pass\n",
        "utf-8",
    )
    return path


# --- what is said and written -------------------------------------------------------------------


def test_before_setup_make_says_what_to_do(rendered: Render) -> None:
    done = rendered().run("make migrate")
    assert done.returncode == 2
    assert "make setup" in said(done)


def test_the_url_is_all_that_is_printed(project: Rendering, on_postgresql: Rendering) -> None:
    done = project.run("make -s db-url")
    assert done.stdout.startswith("sqlite:////") and done.stdout.endswith("/my_service.db\n")
    assert (done.stderr, done.stdout.count("\n")) == ("", 1)
    on_postgresql.make("db-stop")  # starting it may not add anything either
    url = on_postgresql.make("-s db-url")
    assert re.fullmatch(r"postgresql\+psycopg://postgres:\S+@127\.0\.0\.1:\d+/my_service\n", url)
    given = {"DATABASE_URL": "postgres://u:p%40@host/x"}
    url = on_postgresql.make("-s db-url", env=given)
    assert url == "postgresql+psycopg://u:p%40@host/x\n"


@pytest.mark.parametrize("goal", ["revision", "empty-revision", "merge"])
def test_a_message_is_needed(goal: str, project: Rendering) -> None:
    for arguments in ([goal], [goal, "m="]):
        done = made(project, *arguments)
        assert done.returncode == 2
        assert f'make {goal} needs a message, for example: make {goal} m="' in said(done)
    assert len(revisions(project)) == 1


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_arrives_as_it_is(message: str, project: Rendering) -> None:
    before = files(project)
    done = made(project, "empty-revision", f"m={message}")
    assert done.returncode == 0, said(done)
    (name,) = files(project) - before
    docstring = ast.get_docstring(ast.parse(project.read(name))) or ""
    assert docstring.splitlines()[0].strip() == message.strip().expandtabs(8)
    for check in ("check", "format --check"):
        assert project.run(f".venv/bin/python -m ruff {check} {name!r}").returncode == 0, check
    if message == MESSAGES[-1]:
        assert f"(head), {message.strip()}\n" in project.make("history")


def test_other_arguments_are_not_executed_either(project: Rendering) -> None:
    evil = "$(shell touch touched)`touch touched`;touch touched'\""
    before = files(project)
    for goals in (
        ["upgrade", f"to={evil}"],
        ["downgrade", f"to={evil}"],
        ["revision", "m=x", f"drop={evil}"],
        ["sql", f"from={evil}"],
        ["sql", "from=base", f"to={evil}"],
        ["plan", f"to={evil}"],
        ["deploy", f"to={evil}"],
        ["deploy", f"phase={evil}"],
        ["rollback", f"to={evil}"],
        ["squash", "m=x", f"to={evil}", f"keep={evil}"],
        ["check-history", f"base={evil}"],
    ):
        assert made(project, *goals).returncode != 0, goals
    for goals in (["downgrade", f"host={evil}"], ["seed", f"host={evil}"]):
        said(made(project, *goals))
    # Nor by targets that do not take them: make gives what was typed to every command that it runs.
    makefile = project.read("migrations.mk")
    names = set(re.findall(r"migration_(?:option|x|takes_no),([a-z ]+)", makefile))
    names = {name for words in names for name in words.split()}
    assert names > {"to", "from", "phase", "prod", "drop"}
    made(project, "heads", "m=x", *(f"{name}={evil}" for name in sorted(names)))
    odd = "$(shell touch touched);`'\".sql"
    done = made(project, "sql", "from=base", f"out={odd}")
    assert done.returncode == 0, said(done)
    assert files(project) - before == {"my_service.db", odd}


@pytest.mark.parametrize(
    ("goals", "argument"),
    [
        ("plan phase=expand", "phase"),
        ("rollback to=-1 phase=expand", "phase"),
        (f"migrate to={FIRST}", "to"),
        ("migrate prod=1", "prod"),
        ("upgrade prod=1", "prod"),
        ("downgrade prod=1", "prod"),
        ("redo to=-2", "to"),
        ("redo prod=1", "prod"),
        ("backup file=x", "file"),
        ("restore file=x out=y", "out"),
        ("wait to=x", "to"),
    ],
)
def test_an_argument_that_would_be_ignored_is_refused(
    goals: str, argument: str, project: Rendering
) -> None:
    done = project.run(f"make {goals}")
    assert done.returncode == 2
    goal = goals.split()[0]
    assert f"make {goal} does not support {argument}= and changed nothing" in said(done)
    assert "would be applied" not in done.stdout
    assert not (project.path / "my_service.db").exists()


def test_revision_leaves_the_database_alone(project: Rendering) -> None:
    (project.path / "app/models/shop.py").write_text(SHOP, "utf-8")
    before = revisions(project)
    project.make("revision m=shops")
    (name,) = revisions(project) - before
    assert at(project) == []
    assert f'down_revision: str | Sequence[str] | None = "{FIRST}"' in project.read(
        f"migrations/versions/{name}"
    )


def test_sql_takes_a_range_and_a_file(project: Rendering) -> None:
    assert f"Wrote migration.sql: from base to {FIRST}." in project.make("sql")
    pending = project.read("migration.sql")
    assert "CREATE TABLE teams" in pending
    project.make("migrate")
    (project.path / "migration.sql").unlink()
    assert "Nothing to write" in project.make("sql")
    assert not (project.path / "migration.sql").exists()
    write_revision(project, "rev1", FIRST, "op.execute('SELECT 1')")
    project.make(f"sql from=base to={FIRST} out='a b.sql'")
    assert project.read("a b.sql") == pending
    project.make("sql out=next.sql")
    assert "SELECT 1" in project.read("next.sql")
    assert "CREATE TABLE" not in project.read("next.sql")
    project.make("sql from=head to=base out=back.sql")
    assert "DROP TABLE teams" in project.read("back.sql")
    assert at(project) == [FIRST]


@pytest.mark.parametrize(
    ("goals", "words"),
    [
        ("sql from=nonsense", "Can't locate revision identified by 'nonsense'"),
        ("sql from=base to=nonsense", "Can't locate revision identified by 'nonsense'"),
        ("sql from=base out=nowhere/x.sql", "nowhere/x.sql cannot be written: No such file"),
        ("sql from=base out=migrations", "migrations cannot be written: it is not a regular file"),
        ("upgrade to=nonsense", "Can't locate revision identified by 'nonsense'"),
        ("downgrade to=nonsense", "Can't locate revision identified by 'nonsense'"),
        ("upgrade to=+2", "Relative revision +2 didn't produce 2 migrations"),
        ("downgrade to=-2", "Relative revision -2 didn't produce 2 migrations"),
    ],
)
def test_a_wrong_revision_or_file_is_one_line(goals: str, words: str, project: Rendering) -> None:
    if goals.startswith("downgrade"):
        project.make("migrate")
    before = files(project)
    done = project.run(f"make {goals}")
    assert done.returncode == 2
    lines = [line for line in said(done).splitlines() if words in line]
    assert len(lines) == 1, said(done)
    assert files(project) - before <= {"my_service.db"}


def test_the_ends_of_the_history_are_no_failures(project: Rendering) -> None:
    assert "Already at base: nothing to downgrade." in project.make("downgrade")
    assert "base (no revision is applied)" in project.make("current")
    project.make("upgrade to=+1")
    assert f"{FIRST} (head)" in project.make("current")
    assert "Already at the newest revision: nothing to upgrade." in project.make("upgrade to=+1")
    project.make("upgrade")
    project.make("downgrade to=base")
    assert at(project) == []


def test_two_heads_are_named_and_merged(project: Rendering) -> None:
    write_revision(project, "left", FIRST)
    write_revision(project, "right", FIRST)
    assert set(project.make("heads").split()) == {"left", "right", "(head)"}
    for goal in ("check-migrations", "plan", "sql"):
        done = project.run(f"make {goal}")
        assert done.returncode == 2
        assert "2 heads" in said(done) and 'make merge m="merge"' in said(done), goal
    before = revisions(project)
    project.make("merge m=合并")
    (name,) = revisions(project) - before
    assert name.endswith("_合并.py")
    assert re.fullmatch(r"\w+ \(head\)\n", project.make("heads"))
    project.make("check-migrations")
    assert at(project) == []


def test_plan_says_what_is_pending(project: Rendering) -> None:
    """That revisions are pending is no failure for make; the script keeps its code."""
    done = project.run("make plan")
    assert (done.returncode, "Error" in done.stderr) == (0, False)
    assert f"  {FIRST}  teams, users and invoices\n" in said(done)
    assert "Error 2" in project.run("make plan to=nonsense").stderr
    assert project.run(".venv/bin/python -m migrator plan").returncode == 3
    project.make("migrate")
    assert "Nothing is pending" in project.make("plan")


def test_plan_takes_a_revision(project: Rendering) -> None:
    project.make("migrate")
    write_revision(project, "rev1", FIRST)
    write_revision(project, "rev2", "rev1")
    assert "1 pending up to rev1" in said(project.run("make plan to=rev1"))
    assert "2 pending up to rev2" in said(project.run("make plan"))
    assert "Nothing is pending" in project.make(f"plan to={FIRST}")


# --- the production configuration ---------------------------------------------------------------


@pytest.mark.parametrize("goals", ["plan", "sql", "history deploys=1"])
def test_prod_is_the_configuration_for_deploys(goals: str, project: Rendering) -> None:
    project.make("migrate")  # the database of alembic.ini
    done = project.run(f"make {goals} prod=1")
    assert done.returncode == 2
    assert "alembic_prod.ini has no URL" in said(done)
    project.make(f"{goals} prod=1", env={"DATABASE_URL": f"sqlite:///{project.path}/my_service.db"})


@pytest.mark.parametrize(
    "command",
    ["revision -m x", "revision --autogenerate -m x", "merge heads -m x", "revision -m x --sql"],
)
def test_no_revision_is_written_with_the_production_ini(command: str, project: Rendering) -> None:
    project.make("migrate")
    if "merge" in command:
        write_revision(project, "left", FIRST)
        write_revision(project, "right", FIRST)
    before = revisions(project)
    for url in (f"sqlite:///{project.path}/my_service.db", None):
        done = project.run(
            f".venv/bin/alembic -c alembic_prod.ini {command}", env={"DATABASE_URL": url}
        )
        assert done.returncode != 0
        assert "is for deploys" in said(done)
    assert revisions(project) == before


@pytest.mark.parametrize(
    "command",
    [
        ".venv/bin/python -m migrator -c alembic_prod.ini plan",
        ".venv/bin/python scripts/deploy_migrations.py",
    ],
)
def test_without_a_url_deploys_ask_for_one(command: str, project: Rendering) -> None:
    done = project.run(command)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "set DATABASE_URL" in said(done)
    assert not (project.path / "my_service.db").exists()


# --- from elsewhere, in odd places --------------------------------------------------------------


def test_any_current_folder_will_do(project: Rendering) -> None:
    root, here = Path("/"), shlex.quote(str(project.path))
    for command in (
        f"make -C {here} migrate",
        f"{here}/.venv/bin/alembic -c {here}/alembic.ini current",
        f"{here}/.venv/bin/alembic -c {here}/alembic.ini check",
    ):
        done = project.run(command, cwd=root)
        assert done.returncode == 0, said(done)
    url = {"DATABASE_URL": f"sqlite:///{project.path}/my_service.db"}
    deploy = f"{here}/.venv/bin/python {here}/scripts/deploy_migrations.py"
    done = project.run(deploy, cwd=root, env=url)
    assert done.returncode == 0
    assert "the target is reached" in done.stdout  # nobody has deployed it: it is verified, once
    done = project.run(deploy, cwd=root, env=url)
    assert done.stdout.endswith(f"Nothing to do: the database is at {FIRST}.\n")
    assert at(project) == [FIRST]


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_any_folder_will_do(database: str, ready: Render) -> None:
    project = ready(database=database)
    folder = project.path.parent / "a  b 中文 '\" ?#@&=+,; $HOME $(x) `y` \\z"
    folder.mkdir()
    project.path = project.path.rename(folder / "my_service")
    project.make("migrate")
    project.make("empty-revision m=x")
    project.make("migrate")
    project.make("sql from=base")
    assert "invoices" in project.make("tables")
    assert project.make("-s db-url").count("\n") == 1
    assert "Nothing is pending" in project.make("plan")
    beside = {path.name for path in (*folder.iterdir(), *folder.parent.iterdir())}
    assert beside == {"my_service", folder.name}
    if database == "sqlite":
        assert len(at(project)) == 1


def test_a_percent_sign_in_the_path_is_refused(ready: Render) -> None:
    project = ready(database="sqlite")
    project.path = project.path.rename(project.path.with_name("100%s"))
    for command in ("make migrate", ".venv/bin/python -m migrator plan"):
        done = project.run(command)
        assert done.returncode == 2
        assert "a folder with % in its path" in said(done)


# --- deploys by make ----------------------------------------------------------------------------


def deployed(project: Rendering, goals: str, code: int = 0, **variables: str) -> str:
    """What a production target says; make ends with 0 or 2, and says the exit code."""
    url = f"sqlite:///{project.path}/my_service.db"
    env = {"DATABASE_URL": url, "MIGRATOR_DRIFT": "false", **variables}
    done = project.run(f"make {goals}", env=env)
    assert done.returncode == (2 if code else 0), said(done)
    told = f"make {goals.split()[0]}: exit code {code}. (make itself ends with 2 after every"
    assert (told in done.stderr) == bool(code), said(done)
    assert not code or f"Error {code}" in done.stderr
    return said(done)


def typed(project: Rendering, told: str, name: str, **variables: str) -> CompletedProcess[str]:
    """Types the command that a message names, as it is printed, without an activated .venv."""
    (command,) = re.findall(rf"^  {name} +(.*)$", told, re.MULTILINE)
    env = {"DATABASE_URL": f"sqlite:///{project.path}/my_service.db", "MIGRATOR_DRIFT": "false"}
    env |= project.for_make() | variables
    return project.run(shlex.join(["bash", "-c", command]), env=env)


@pytest.mark.parametrize("caller", ["make", "module", "script"])
def test_the_commands_after_a_failure_run_as_printed(caller: str, project: Rendering) -> None:
    project.make("migrate")
    write_revision(project, "rev1", FIRST)
    broken = write_revision(project, "rev2", "rev1", "op.execute('nonsense')")
    command, starts = {
        "make": ("make deploy", "make "),
        "module": (
            ".venv/bin/python -m migrator -c alembic_prod.ini deploy",
            ".venv/bin/python -m",
        ),
        "script": (".venv/bin/python scripts/deploy_migrations.py", ".venv/bin/python scripts/"),
    }[caller]
    env = {"DATABASE_URL": f"sqlite:///{project.path}/my_service.db", "MIGRATOR_DRIFT": "false"}
    done = project.run(command, env=env)
    told = said(done)
    (go_on,) = re.findall("^  to go on +(.*)$", told, re.MULTILINE)
    # A test's interpreter is not the one in .venv by name; its path is printed then.
    if caller == "make":
        assert go_on == "make deploy"
        assert re.search("^  to go back +make rollback to=5f2c81d0a7e4$", told, re.MULTILINE)
        assert re.search("^  to restore +make restore file=\\S+ into=\\S+$", told, re.MULTILINE)
    else:
        assert starts.partition(" ")[2] in go_on and go_on.split()[0].endswith("/bin/python")
    write_revision(project, "rev2", "rev1", "op.execute('SELECT 11')")  # of another size
    again = typed(project, told, "to go on")
    assert again.returncode == 0, said(again)
    assert at(project) == ["rev2"]
    broken.unlink()


def test_the_way_back_is_asked_for_and_confirmed(project: Rendering) -> None:
    project.make("migrate")
    write_revision(project, "rev1", FIRST)
    deployed(project, "deploy")
    assert "confirm with yes=1" in deployed(project, "rollback to=-1", 2)
    assert at(project) == ["rev1"]
    assert "reverted rev1" in deployed(project, "rollback to=-1 yes=1")
    assert at(project) == [FIRST]


def test_a_backup_is_made_and_restored(project: Rendering) -> None:
    project.make("migrate")
    told = deployed(project, "backup out='a b.db'")
    (restore,) = re.findall("^To restore it: (.*)$", told, re.MULTILINE)
    assert restore.startswith("make restore 'file=") or restore.startswith("make restore file='")
    assert "confirm with yes=1" in deployed(project, restore.removeprefix("make "), 2)
    told = deployed(project, f"{restore.removeprefix('make ')} yes=1")
    assert "Restored into" in told
    with closing(sqlite3.connect(project.path / "my_service_restored.db")) as connection:
        assert connection.execute("SELECT * FROM alembic_version").fetchall() == [(FIRST,)]
    done = project.run("make restore into=x yes=1")
    assert done.returncode == 2 and "make restore needs a backup" in said(done)
    files = deployed(project, "backup")
    assert re.search(f"backups/.*{FIRST}.*: .* verified", files)


def test_wait_says_the_exit_code(project: Rendering) -> None:
    assert "this code expects" in deployed(project, "wait timeout=0", 3)
    deployed(project, "deploy")
    assert "as this code expects" in deployed(project, "wait timeout=0")


def test_a_refusal_and_a_failure_have_their_own_codes(project: Rendering) -> None:
    """All are 2 for make."""
    window = {"MIGRATOR_WINDOW": "00:00-00:01 UTC" if time.gmtime().tm_hour else "12:00-12:01 UTC"}
    deployed(project, "deploy", 5, **window)
    deployed(project, "deploy to=nonsense", 2)
    write_revision(project, "rev1", FIRST, "op.execute('nonsense')")
    deployed(project, "deploy", 1)


def test_deploy_takes_more_options(project: Rendering) -> None:
    """As they are typed, with spaces and dollar signs; what recommends one says it so."""
    closed = "00:00-00:01 UTC" if time.gmtime().tm_hour else "12:00-12:01 UTC"
    text = deployed(project, "deploy", 5, MIGRATOR_WINDOW=closed)
    assert "or pass args=--now if it cannot wait" in text
    reason = "$(shell touch touched) it's small"
    given = shlex.quote(f"""args=--now --accept-risk "{reason}" --no-backup""")
    assert "--now" in deployed(project, f"deploy {given}", MIGRATOR_WINDOW=closed)
    assert not (project.path / "touched").exists()
    with closing(sqlite3.connect(project.path / "my_service.db")) as connection:
        query = "SELECT accepted_risk FROM migration_log WHERE failure IS NULL"
        assert connection.execute(query).fetchall() == [(reason,)]
    assert "unrecognized arguments: --nonsense" in deployed(project, "deploy args=--nonsense", 2)
    assert "cannot be read: No closing quotation" in deployed(project, "deploy args=\\'", 2)


def test_redo_reverts_and_applies_again(project: Rendering) -> None:
    assert "There is no way back from base" in said(project.run("make redo"))
    project.make("migrate")
    for name, after in (("rev1", FIRST), ("rev2", "rev1")):
        path = write_revision(project, name, after, f'op.execute("CREATE TABLE {name} (id int)")')
        text = path.read_text("utf-8")
        down = f'def downgrade() -> None:\n    op.execute("DROP TABLE {name}")'
        path.write_text(text.replace("def downgrade() -> None:\n    pass", down), "utf-8")
    project.make("migrate")
    told = project.make("redo")
    assert re.findall("^(Reverted|Applied) (\\w+)", told, re.MULTILINE) == [
        ("Reverted", "rev2"),
        ("Applied", "rev2"),
    ]
    assert "The database is at rev2, as before." in told
    with closing(sqlite3.connect(project.path / "my_service.db")) as connection:
        connection.execute("INSERT INTO rev1 VALUES (1)")
        connection.commit()
    told = project.make("redo n=2")
    assert re.findall("^(?:Reverted|Applied) (\\w+)", told, re.MULTILINE) == [
        *("rev2", "rev1", "rev1", "rev2")
    ]
    assert at(project) == ["rev2"]
    with closing(sqlite3.connect(project.path / "my_service.db")) as connection:
        assert connection.execute("SELECT count(*) FROM rev1").fetchone() == (0,)
    for goals, words in (
        ("redo n=9", "There is no way back"),
        ("redo n=0", "one revision or more"),
    ):
        done = project.run(f"make {goals}")
        assert done.returncode == 2 and words in said(done)
    assert at(project) == ["rev2"]


def test_redo_says_where_it_stopped(project: Rendering) -> None:
    project.make("migrate")
    write_revision(project, "rev1", FIRST, "op.execute('SELECT 1')")
    project.make("migrate")
    write_revision(project, "rev1", FIRST, "op.execute('no such statement')")
    done = project.run("make redo")
    assert done.returncode == 2
    assert f"redo failed, and the database is at {FIRST}" in said(done)
    assert at(project) == [FIRST]


def test_redo_is_for_development_only(project: Rendering) -> None:
    url = f"sqlite:///{project.path}/my_service.db"
    command = ".venv/bin/python -m migrator -c alembic_prod.ini redo"
    done = project.run(command, env={"DATABASE_URL": url})
    assert done.returncode == 5 and "for development databases only" in said(done)


def test_the_script_with_another_python_is_one_sentence(
    project: Rendering, with_alembic: Path
) -> None:
    """One that has nothing, and one that has only Alembic."""
    bare = project.path.parent / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    for python in (bare / "bin/python", with_alembic / "bin/python"):
        done = project.run(f"{python} {project.path}/scripts/deploy_migrations.py", cwd=bare)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
        assert "does not have the module migrator" in said(done)
        (shown,) = re.findall(r"Run the script with (\S+)\.$", done.stderr.strip())
        done = project.run(f"{shown} {project.path}/scripts/deploy_migrations.py --help", cwd=bare)
        assert done.returncode == 0 and "Steps:" in done.stdout


# --- in another project -------------------------------------------------------------------------

NEEDS_MIGRATOR = (
    "sql",
    "tables",
    "status",
    "redo",
    "plan",
    "deploy",
    "backup",
    "wait",
    "db-start",
    "db-stop",
    "db-shell",
    "db-url",
)


@pytest.fixture(scope="module")
def with_alembic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has Alembic and nothing of ours."""
    environment = tmp_path_factory.mktemp("stock") / "venv"
    install(environment, "alembic")
    return environment


def install(environment: Path, *packages: str, folder: Path | None = None) -> None:
    """Makes an environment with packages, as people do."""
    uv = shutil.which("uv", path=os.pathsep.join([f"{sys.prefix}/bin", os.environ["PATH"]]))
    assert uv
    python = f"--python={environment}/bin/python"
    for command in (
        ["venv", f"--python={sys.executable}", str(environment)],
        ["pip", "install", python, *packages],
    ):
        subprocess.run([uv, "--quiet", *command], cwd=folder, env=users_environment(), check=True)


@pytest.fixture
def stock(with_alembic: Path, renderer: Renderer, tmp_path: Path) -> Rendering:
    """What `alembic init` makes, with a URL, one model, and migrations.mk."""
    other = Rendering(tmp_path, {}, renderer.interpreters(with_alembic))
    other.path.joinpath(".venv").symlink_to(with_alembic)
    assert other.run(".venv/bin/alembic init alembic").returncode == 0
    (other.path / "models.py").write_text(
        "from sqlalchemy import Integer\n"
        "from sqlalchemy.orm import DeclarativeBase, mapped_column\n\n\n"
        "class Base(DeclarativeBase):\n    pass\n\n\n"
        "class Thing(Base):\n"
        '    __tablename__ = "things"\n'
        '    id = mapped_column(Integer, primary_key=True, comment="编号")\n',
        "utf-8",
    )
    edit(
        other, "alembic.ini", r"^sqlalchemy\.url = .*$", "sqlalchemy.url = sqlite:///my_service.db"
    )
    edit(
        other,
        "alembic/env.py",
        "^target_metadata = None$",
        "from models import Base\n\ntarget_metadata = Base.metadata",
    )
    shutil.copy(REPOSITORY / TEMPLATE_FOLDER / "migrations.mk", other.path)
    (other.path / "Makefile").write_text("include migrations.mk\n", "utf-8")
    return other


def edit(project: Rendering, name: str, old: str, new: str) -> None:
    text, count = re.subn(old, new, project.read(name), flags=re.MULTILINE)
    assert count == 1, f"{name} has changed: {old}"
    (project.path / name).write_text(text, "utf-8")


def test_a_stock_project_works_with_alembic_alone(stock: Rendering) -> None:
    assert "migrate" in stock.make("")
    stock.make("migrate")
    stock.make("revision m=添加")
    (revision,) = (stock.path / "alembic/versions").glob("*_添加.py")
    identifier = revision.name.partition("_")[0]
    stock.make("migrate")
    assert at(stock) == [identifier]
    stock.make("downgrade")
    assert "Already at base" in stock.make("downgrade")
    stock.make("upgrade to=+1")
    assert "Already at the newest" in stock.make("upgrade to=+1")
    assert identifier in stock.make("current")
    assert "添加" in stock.make("history")
    assert identifier in stock.make("heads")
    stock.make("empty-revision m=empty")
    done = stock.run(f".venv/bin/alembic revision -m other --head {identifier} --splice")
    assert done.returncode == 0, said(done)
    stock.make("merge m=both")
    stock.make("upgrade")


def test_a_makefile_keeps_its_own_variables(stock: Rendering) -> None:
    """Those that are called like arguments of these targets, which take what is typed only."""
    (stock.path / "Makefile").write_text(
        "host = 0.0.0.0\nexport out = build\nto = $(out)/x\nm = $(to)\nyes ?= no\n"
        "include migrations.mk\n\n"
        "serve:\n\t@echo $(host) $(out) $(to) $(yes) $$out $$yes\n",
        "utf-8",
    )
    assert stock.make("serve", env={"yes": "maybe"}) == "0.0.0.0 build build/x maybe build maybe\n"
    assert stock.make("serve") == "0.0.0.0 build build/x no build\n"
    assert stock.make("serve host=::1 out=dist") == "::1 dist dist/x no dist\n"
    assert "needs a message" in said(stock.run("make empty-revision"))
    stock.make("empty-revision m=first", env={"m": "second"})
    assert "first" in stock.make("history")
    stock.make("upgrade")
    assert len(at(stock)) == 1
    stock.make("downgrade", env={"to": "nonsense"})
    assert at(stock) == []


def test_without_the_package_what_works_is_listed_apart(stock: Rendering) -> None:
    works, _, needing = stock.make("migrations-help").partition("\nThese need the package")
    listed = {line.split()[0] for line in works.splitlines() if line.startswith("  ")}
    apart = {*needing.partition("\n")[2].split()}
    assert {"migrate", "revision", "upgrade", "current", "merge"} <= listed
    of_postgresql = {"db-start", "db-stop", "lint-migrations", "trace"}  # here is SQLite
    assert {*NEEDS_MIGRATOR, "squash"} - of_postgresql <= apart
    assert not listed & apart
    for goal in ("current", "history", "heads"):
        assert "needs the package" not in said(stock.run(f"make {goal}"))


@pytest.mark.parametrize("goal", NEEDS_MIGRATOR)
def test_the_other_targets_say_what_else_to_copy(goal: str, stock: Rendering) -> None:
    done = stock.run(f"make {goal}")
    assert done.returncode == 2
    needed = f"make {goal} needs the package alembic-starter: copy its folder {LIBRARY}, then "
    assert needed in said(done)


def test_copying_what_they_say_makes_them_work(stock: Rendering, shared: Rendering) -> None:
    stock.make("revision m=添加")
    shutil.copytree(shared.path / LIBRARY, stock.path / LIBRARY)
    (stock.path / ".venv").unlink()
    stock.warm = None
    install(stock.path / ".venv", "alembic", f"./{LIBRARY}[sqlite]", folder=stock.path)
    assert stock.make("-s db-url") == "sqlite:///my_service.db\n"
    assert "there is no development server" in stock.run("make db-start").stderr
    assert "1 pending" in said(stock.run("make plan"))
    stock.make("sql")
    assert "CREATE TABLE things" in stock.read("migration.sql")

    assert "autoimport_" in said(stock.run("make tables"))
    keys = "autoimport_models = models\nautoimport_base = models:Base"
    edit(stock, "alembic.ini", r"^(sqlalchemy\.url = .*)$", rf"\1\n{keys}")
    assert re.search(r"^things +models", stock.make("tables"), re.MULTILINE)

    url = {"DATABASE_URL": "sqlite:///elsewhere.db"}
    assert "alembic_prod.ini" in said(stock.run("make deploy", env=url))
    shutil.copy(shared.path / "alembic_prod.ini", stock.path)
    shutil.copy(shared.path / "migrations/env.py", stock.path / "alembic")
    edit(stock, "alembic_prod.ini", "^script_location = .*$", "script_location = %(here)s/alembic")
    edit(stock, "alembic_prod.ini", "^autoimport_models.*\n.*\n.*$", keys)
    assert "The database is at" in stock.make("deploy", env=url)
    with closing(sqlite3.connect(stock.path / "elsewhere.db")) as connection:
        assert connection.execute("SELECT * FROM things").fetchall() == []
    stock.make("migrate")
    assert "Nothing is pending" in stock.make("plan")


# --- deploys ------------------------------------------------------------------------------------


@pytest.fixture
def deploying(on_postgresql: Rendering) -> Iterator[Rendering]:
    before = revisions(on_postgresql)
    yield on_postgresql
    for name in revisions(on_postgresql) - before:
        (on_postgresql.path / "migrations/versions" / name).unlink()


@pytest.fixture
def new_postgresql(deploying: Rendering) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    server = deploying.database_url()
    name = Identifier("deploys")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(name))
        yield server.rpartition("/")[0] + "/deploys"
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(params=["postgresql", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database to deploy to."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deploys.db"
    return str(request.getfixturevalue("new_postgresql"))


# The tables of these tests are in no model, and what backups do is tested elsewhere.
PLAIN = {"MIGRATOR_DRIFT": "false", "MIGRATOR_BACKUP": "false"}


def deploy(project: Rendering, url: str, *more: str, **env: str) -> CompletedProcess[str]:
    command = [".venv/bin/python", "scripts/deploy_migrations.py", *more]
    return project.run(shlex.join(command), env={"DATABASE_URL": url, **PLAIN, **env})


def tables(url: str) -> set[str]:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_a_deploy_applies_what_is_pending_and_names_it(deploying: Rendering, url: str) -> None:
    write_revision(deploying, "rev1", FIRST, 'op.create_table("t1", sa.Column("id", sa.Integer))')
    done = deploying.run("make deploy", env={"DATABASE_URL": url, **PLAIN})
    assert done.returncode == 0, said(done)
    assert "The database is at base; 2 to apply:" in done.stdout
    assert "  rev1  步骤 rev1\n" in done.stdout
    for revision in (FIRST, "rev1"):
        assert f"applied {revision} in " in done.stdout
    assert "The database is at rev1: 2 revisions in " in done.stdout.splitlines()[-1]
    assert {"users", "t1"} <= tables(url)
    for again in (deploy(deploying, url), deploy(deploying, url, "--to", "rev1")):
        assert (again.returncode, again.stderr) == (0, "")
        assert again.stdout.endswith("Nothing to do: the database is at rev1.\n")
    back = deploy(deploying, url, "--to", FIRST)
    assert back.returncode == 2
    assert "no revision leads forward from there" in said(back)


def test_a_deploy_goes_as_far_as_it_is_told(deploying: Rendering, url: str) -> None:
    def go(arguments: str) -> CompletedProcess[str]:
        return deploying.run(f"make deploy {arguments}", env={"DATABASE_URL": url, **PLAIN})

    for name, after in (("rev1", FIRST), ("rev2", "rev1"), ("rev3", "rev2")):
        path = write_revision(deploying, name, after)
        phase = "contract" if name == "rev3" else "expand"
        path.write_text(f'{path.read_text("utf-8")}\nphase: str = "{phase}"\n', "utf-8")
    for arguments, end in (
        ("to=rev1", "The database is at rev1: 2 revisions in "),
        ("phase=expand", "The database is at rev2: 1 revision in "),
        ("phase=expand", "Nothing to do: the database is at rev2"),
        ("phase=contract", "The database is at rev3: 1 revision in "),
    ):
        done = go(arguments)
        assert done.returncode == 0, said(done)
        assert end in done.stdout, arguments
    wrong = go("phase=online")
    assert wrong.returncode == 2
    assert "invalid choice: 'online'" in said(wrong)


def test_what_was_applied_before_a_failure_stands(deploying: Rendering, url: str) -> None:
    assert deploy(deploying, url).returncode == 0
    create = 'op.create_table("{0}", sa.Column("id", sa.Integer))'
    write_revision(deploying, "rev1", FIRST, create.format("t1"))
    failing = create.format("t2") + '; op.execute("INSERT INTO nowhere VALUES (1)")'
    second = write_revision(deploying, "rev2", "rev1", failing)
    write_revision(deploying, "rev3", "rev2", create.format("t3"))
    done = deploy(deploying, url)
    assert done.returncode == 1
    assert "applied rev1" in done.stdout and "applied rev2" not in done.stdout
    assert "Revision rev2 failed: " in said(done)
    assert "nowhere" in done.stderr
    assert re.search(r"applied +rev1\n +not done +rev2 \(failed\), rev3 \(not tried\)", done.stderr)
    assert "The database is at rev1 (1 of 3 revisions applied)." in done.stderr
    assert {"t1", "t2", "t3"} & tables(url) == {"t1"}
    again = deploy(deploying, url)
    assert again.returncode == 1
    assert "The database is at rev1 (no revision was applied)." in said(again)
    second.unlink()
    write_revision(deploying, "rev2", "rev1", create.format("t2"))
    fixed = deploy(deploying, url)
    assert (fixed.returncode, "at rev1; 2 to apply" in fixed.stdout) == (0, True)
    assert {"t1", "t2", "t3"} <= tables(url)


def test_a_lock_that_is_held_ends_the_deploy(deploying: Rendering, new_postgresql: str) -> None:
    url = new_postgresql
    assert deploy(deploying, url).returncode == 0
    write_revision(deploying, "rev1", FIRST, 'op.add_column("users", sa.Column("nick", sa.Text))')
    with psycopg.connect(url) as somebody:
        somebody.execute("SELECT * FROM users")
        short = {"MIGRATOR_LOCK_DEADLINE": "1", "MIGRATOR_BLOCKER_TIMEOUT": "0.1"}
        done = deploy(deploying, url, **short)
        assert done.returncode == 4
        assert f"Blocked by process {somebody.info.backend_pid} (" in said(done)
        assert f"The database is at {FIRST} (no revision was applied)" in said(done)
        env = {"DATABASE_URL": url, **PLAIN, **short}
        assert "Error 4" in deploying.run("make deploy", env=env).stderr
    assert deploy(deploying, url).returncode == 0


def test_a_revision_that_the_code_lacks_is_named(deploying: Rendering, url: str) -> None:
    path = write_revision(deploying, "rev1", FIRST)
    assert deploy(deploying, url).returncode == 0
    path.unlink()
    done = deploy(deploying, url)
    assert done.returncode == 5
    assert "The database is ahead of this code: newer code has brought it to rev1" in said(done)
    assert len(done.stderr.splitlines()) == 1
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE migration_log"))
    engine.dispose()
    done = deploy(deploying, url)
    assert done.returncode == 1
    assert "The database is at revision rev1, which this code does not have" in said(done)
    unknown = deploy(deploying, url, "--to", "nonsense")
    assert unknown.returncode == 2
    assert "There is no revision nonsense" in said(unknown)


def nobody_listens() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://postgres:geheim%40@127.0.0.1:{running}/my_service", 1),
        ("postgres://127.0.0.1:{running}/my_service?user=postgres&password=geheim%40", 1),
        ("postgresql+asyncpg://postgres:geheim%40@127.0.0.1:{closed}/my_service", 1),
        ("postgresql://nobody:geheim%40@127.0.0.1:{running}/nowhere", 1),
        ("postgresql://postgres:geheim%40@127.0.0.1:port/x", 2),
        ("mysql+nothing://root:geheim%40@127.0.0.1/x", 2),
        ("geheim@", 2),
        ("sqlite:////nowhere/x.db", 1),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_sentence(
    url: str, code: int, on_postgresql: Rendering
) -> None:
    found = re.search(r":(\d+)/", on_postgresql.make("-s db-url"))
    assert found
    url = url.format(running=found[1], closed=nobody_listens())
    done = deploy(on_postgresql, url, "--no-wait")
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1
    by_alembic = on_postgresql.run(".venv/bin/alembic current", env={"DATABASE_URL": url})
    assert by_alembic.returncode != 0
    assert "geheim" not in said(done) + said(by_alembic)
