"""Chinese stays Chinese: every command, in every locale, to a pipe, to a file and to a terminal."""

from __future__ import annotations

import ast
import codecs
import os
import pty
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.conftest import Render, Renderer, Rendering, users_environment

Environment = Callable[[str], dict[str, str | None]]

FIRST, SECOND = "5f2c81d0a7e4", "0a1b2c3d4e5f"
TABLE, TITLE, SUMMARY = "文章表：“标题”与 🐼", "标题（不超过二百字）", "摘要"
ROWS = ["你好，世界", "it's “100%” \\ :名 $$", "🐼 繁體"]
MESSAGE = "添加文章表"

MODEL = f"""
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText


class Article(Base):
    __tablename__ = "articles"
    __table_args__ = {{"comment": {TABLE!r}}}

    id: Mapped[PrimaryKey]
    title: Mapped[ShortText] = mapped_column(comment={TITLE!r})
    # No revision has this one yet: it is there for `make revision`.
    summary: Mapped[str | None] = mapped_column(String(200), comment={SUMMARY!r})
"""
REVISION = f'''"""{MESSAGE}

Revision ID: {SECOND}
"""

import sqlalchemy as sa
from alembic import op

revision = "{SECOND}"
down_revision = "{FIRST}"
branch_labels = ("文章",)
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    articles = op.create_table(
        "articles",
        sa.Column("id", BigId, nullable=False),
        sa.Column("title", sa.String(200), nullable=False, comment={TITLE!r}),
        sa.PrimaryKeyConstraint("id", name="pk_articles"),
        comment={TABLE!r},
    )
    op.bulk_insert(articles, [{{"title": title}} for title in {ROWS!r}])


def downgrade() -> None:
    op.drop_table("articles")
'''

# What the environment says, and the encoding in which Python without our help would write.
ENVIRONMENTS: dict[str, tuple[dict[str, str | None], str]] = {
    "no LANG": ({}, "utf-8"),
    "LC_ALL=C": ({"LC_ALL": "C"}, "utf-8"),
    "LC_ALL=C PYTHONUTF8=0": ({"LC_ALL": "C", "PYTHONUTF8": "0"}, "ascii"),
    "LC_ALL=C PYTHONUTF8=1": ({"LC_ALL": "C", "PYTHONUTF8": "1"}, "utf-8"),
    "PYTHONIOENCODING=ascii": ({"PYTHONIOENCODING": "ascii"}, "ascii"),
    "PYTHONIOENCODING=latin-1": ({"PYTHONIOENCODING": "latin-1"}, "iso8859-1"),
    "PYTHONIOENCODING=gbk": ({"PYTHONIOENCODING": "gbk"}, "gbk"),
    "zh_CN.GBK": ({"LC_ALL": "zh_CN.GBK"}, "gbk"),
    "en_US.ISO-8859-1": ({"LC_ALL": "en_US.ISO-8859-1"}, "iso8859-1"),
}
LOCALES = [name for name in ENVIRONMENTS if "." in name]

# Exit code and what has to be said. make itself ends with 2 when a command fails.
COMMANDS: dict[str, tuple[int, str]] = {
    "make sql out=迁移.sql": (0, f"Wrote 迁移.sql: from {FIRST} to {SECOND}."),
    "make history": (0, f"{FIRST} -> {SECOND} (文章) (head), {MESSAGE}"),
    "make heads": (0, f"{SECOND} (文章) (head)"),
    "make tables": (0, TABLE),
    "make plan": (0, f"  {SECOND}  {MESSAGE}\n"),
    "make revision m=添加用户表": (0, "添加用户表.py"),
    ".venv/bin/python -m migrator sql --output 迁移.sql": (0, "Wrote 迁移.sql: from"),
    ".venv/bin/python -m migrator tables": (0, TABLE),
    ".venv/bin/python -m migrator plan": (3, f"  {SECOND}  {MESSAGE}\n"),
    ".venv/bin/python -m migrator deploy --to 没有": (2, "There is no revision 没有;"),
    ".venv/bin/alembic upgrade head --sql": (0, f"COMMENT ON TABLE articles IS '{TABLE}';"),
    ".venv/bin/alembic current --verbose": (0, MESSAGE),
}


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locales that the machine may lack, for LOCPATH."""
    program = shutil.which("localedef")
    if program is None:
        pytest.skip("localedef is not installed")
    folder = tmp_path_factory.mktemp("locales")
    for name in LOCALES:
        language, _, charset = name.partition(".")
        command = [program, "-i", language, "-f", charset, str(folder / name)]
        made = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if not (folder / name / "LC_CTYPE").exists():
            pytest.skip(f"localedef cannot make {name}: {made.stderr}")
    return folder


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> Environment:
    """environment(name): the changes to the user's environment."""

    def changes(name: str) -> dict[str, str | None]:
        given = ENVIRONMENTS[name][0]
        if name in LOCALES:
            # make's own messages are translated, in the locale's encoding; they are not ours.
            folder = str(request.getfixturevalue("locales"))
            return {**given, "LOCPATH": folder, "LANGUAGE": "en"}
        return given

    return changes


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    """A project at its second revision, both of them in Chinese, with a third one to write."""
    with renderer.stopping():
        project = renderer.ready()
        (project.path / "app/models/article.py").write_text(MODEL, "utf-8")
        (project.path / f"migrations/versions/{SECOND}.py").write_text(REVISION, "utf-8")
        project.make("migrate")
        yield project


@pytest.fixture(scope="module")
def server(project: Rendering) -> str:
    """The URL of the project's database, for libpq."""
    return project.database_url()


@pytest.fixture(scope="module")
def new_database(server: str) -> Callable[[str], str]:
    """new_database(name): the URL of an empty database."""

    def create(name: str) -> str:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return f"{server.rpartition('/')[0]}/{name}"

    return create


@pytest.fixture(scope="module")
def behind(project: Rendering, new_database: Callable[[str], str]) -> str:
    """The URL of a database at the first revision, with the second pending."""
    url = new_database("behind")
    project.make(f"upgrade to={FIRST}", env={"DATABASE_URL": url})
    return url


@pytest.fixture(scope="module")
def pending_sql(project: Rendering, behind: str) -> str:
    """What `make sql` writes for that database where nothing is in its way."""
    utf8 = {"LC_ALL": "C.UTF-8", "DATABASE_URL": behind}
    project.make("sql out=reference.sql", env=utf8)
    text = project.read("reference.sql")
    assert all(words.replace("'", "''") in text for words in (TABLE, TITLE, *ROWS))
    return text


def to_a_pipe(command: list[bytes], folder: Path, env: Mapping[str, str]) -> tuple[int, bytes]:
    done = subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def to_a_file(command: list[bytes], folder: Path, env: Mapping[str, str]) -> tuple[int, bytes]:
    files = folder / "stdout.txt", folder / "stderr.txt"
    with files[0].open("wb") as out, files[1].open("wb") as err:
        code = subprocess.run(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        ).returncode
    return code, b"".join(file.read_bytes() for file in files)


def to_a_terminal(command: list[bytes], folder: Path, env: Mapping[str, str]) -> tuple[int, bytes]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    output = b""
    with suppress(OSError):  # Linux says EIO when the other side is closed
        while part := os.read(ours, 65536):
            output += part
    os.close(ours)
    return process.wait(), output.replace(b"\r\n", b"\n")


def files(project: Rendering) -> set[str]:
    """The files that commands write for people."""
    found = (*project.path.glob("*.sql"), *project.path.glob("migrations/versions/*.py"))
    return {path.relative_to(project.path).as_posix() for path in found}


PLACES = (to_a_pipe, to_a_file, to_a_terminal)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_environments_are_what_they_claim(
    name: str, project: Rendering, environment: Environment
) -> None:
    """Else the tests below would all run in UTF-8 and say nothing."""
    ask = ".venv/bin/python -c 'import sys; print(sys.stdout.encoding)'"
    found = project.run(ask, env=environment(name)).stdout.strip()
    assert codecs.lookup(found).name == ENVIRONMENTS[name][1]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_chinese_stays_chinese(
    name: str,
    command: str,
    environment: Environment,
    project: Rendering,
    behind: str,
    pending_sql: str,
) -> None:
    # Each command to each place, and each environment to each place, but not all triples.
    place = PLACES[(list(ENVIRONMENTS).index(name) + list(COMMANDS).index(command)) % 3]
    in_development = "revision" in command or "current" in command
    changes = {**environment(name), "DATABASE_URL": None if in_development else behind}
    before = files(project)

    arguments = [word.encode() for word in shlex.split(command)]
    code, output = place(arguments, project.path, users_environment(changes))

    said = output.decode("utf-8")
    expected_code, expected = COMMANDS[command]
    assert (code, expected in said) == (expected_code, True), said
    written = files(project) - before
    try:
        if "sql --output" in command or "make sql" in command:
            assert written == {"迁移.sql"}
            assert project.read("迁移.sql") == pending_sql
        elif "revision" in command:
            (revision,) = written
            docstring = ast.get_docstring(ast.parse(project.read(revision))) or ""
            assert docstring.splitlines()[0] == "添加用户表"
            assert f'comment="{SUMMARY}"' in project.read(revision)
        elif "--sql" in command:
            assert all(row.replace("'", "''") in said for row in ROWS)
    finally:
        for file in written:
            (project.path / file).unlink()


@pytest.mark.parametrize("client_encoding", [None, "GBK", "LATIN1"])
def test_psql_runs_the_sql(
    client_encoding: str | None,
    project: Rendering,
    new_database: Callable[[str], str],
) -> None:
    url = new_database(f"by_hand_{client_encoding}")
    project.make("sql from=base out=all.sql")
    ask = ".venv/bin/python -c 'from migrator import devserver; print(devserver.binaries())'"
    program = Path(project.run(ask).stdout.strip(), "psql")
    psql = shlex.join([str(program), "-X", "-v", "ON_ERROR_STOP=1", "-f", "all.sql", url])
    done = project.run(psql, env={"PGCLIENTENCODING": client_encoding})
    assert done.returncode == 0, done.stderr
    with psycopg.connect(url, client_encoding="utf8") as connection:
        rows = connection.execute("SELECT title FROM articles ORDER BY id").fetchall()
        comments = connection.execute(
            "SELECT obj_description('articles'::regclass), col_description('articles'::regclass, 2)"
        ).fetchone()
    assert [title for (title,) in rows] == ROWS
    assert comments == (TABLE, TITLE)
    assert "Nothing is pending" in project.make("plan", env={"DATABASE_URL": url})


def test_sqlite_runs_the_sql(ready: Render) -> None:
    project = ready(database="sqlite")
    (project.path / f"migrations/versions/{SECOND}.py").write_text(REVISION, "utf-8")
    command = ".venv/bin/python -m migrator sql --from base --output all.sql"
    done = project.run(command, env={"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    connection = sqlite3.connect(":memory:")
    connection.executescript(project.read("all.sql"))
    rows = connection.execute("SELECT title FROM articles ORDER BY id").fetchall()
    connection.close()
    assert [title for (title,) in rows] == ROWS


@pytest.mark.parametrize("name", LOCALES)
def test_a_folder_may_be_chinese(name: str, ready: Render, locales: Path) -> None:
    """Its bytes are no text in the locale, but lead to the same files."""
    project = ready(database="sqlite")
    project.path = project.path.rename(project.path.with_name("项目"))
    env = {"LC_ALL": name, "LOCPATH": str(locales), "DATABASE_URL": None}
    for command in (
        "make migrate",
        ".venv/bin/python -m migrator plan",
        ".venv/bin/alembic current",
    ):
        done = project.run(command, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
    elsewhere = project.path.parent / "elsewhere.db"
    done = project.run(
        f"{project.path}/.venv/bin/python {project.path}/scripts/deploy_migrations.py",
        env={**env, "DATABASE_URL": f"sqlite:///{elsewhere}"},
        cwd=project.path.parent,
    )
    assert done.returncode == 0, done.stderr
    assert sqlite3.connect(elsewhere).execute("SELECT * FROM alembic_version").fetchall() == [
        (FIRST,)
    ]
