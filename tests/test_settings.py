"""Where the database is: environment, secrets, ini; passwords of every kind, never shown."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import Render, Renderer, Rendering

PASSWORDS = {
    "percent": "100%",
    "at": "p@ss@word",
    "colon": "a:b",
    "slash": "a/b",
    "hash": "a#b",
    "question": "a?b",
    "space": "a b",
    "quotes": "a'b\"c\\d",
    "chinese": "密码",
    "all": "%41@:/#? é密'",
}


@pytest.fixture(scope="module")
def project(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready()


@pytest.fixture(scope="module")
def plain(renderer: Renderer) -> Iterator[Rendering]:
    with renderer.stopping():
        yield renderer.ready(database="sqlite")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def db_url(project: Rendering, env: dict[str, str | None]) -> str:
    done = project.run(".venv/bin/python -m migrator db url", env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SQLITE = {name: f"sqlite:////tmp/{name}.db" for name in ("env", "env_file", "m", "m_file")}


def test_the_order_of_the_sources(plain: Rendering, tmp_path: Path) -> None:
    """Each row adds a source that wins over the ones before it."""
    given: dict[str, str | None] = {}
    assert db_url(plain, given) == f"sqlite:///{plain.path}/my_service.db"
    (tmp_path / "d").write_text(f"{SQLITE['env_file']}\n", "utf-8")
    given["DATABASE_URL_FILE"] = str(tmp_path / "d")
    assert db_url(plain, given) == SQLITE["env_file"]
    del given["DATABASE_URL_FILE"]
    given["DATABASE_URL"] = SQLITE["env"]
    assert db_url(plain, given) == SQLITE["env"]
    (tmp_path / "m").write_text(SQLITE["m_file"], "utf-8")
    given["MIGRATION_DATABASE_URL_FILE"] = str(tmp_path / "m")
    assert db_url(plain, given) == SQLITE["m_file"]
    del given["MIGRATION_DATABASE_URL_FILE"]
    given["MIGRATION_DATABASE_URL"] = SQLITE["m"]
    assert db_url(plain, given) == SQLITE["m"]


def test_the_ini_comes_last_and_percent_is_nothing_special(ready: Render) -> None:
    project = ready(database="sqlite")
    text = project.read("alembic.ini")
    line = next(x for x in text.splitlines() if x.startswith("sqlalchemy.url"))
    changed = text.replace(line, "sqlalchemy.url = postgresql://u:50%25off@host/name")
    (project.path / "alembic.ini").write_text(changed, "utf-8")
    assert db_url(project, {}) == "postgresql+psycopg://u:50%25off@host/name"


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg2://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+asyncpg://u@h/d?ssl=require", "postgresql+psycopg://u@h/d?sslmode=require"),
        ("postgresql://u@/d?host=/run/pg", "postgresql+psycopg://u@/d?host=%2Frun%2Fpg"),
        ("postgresql://u:p@[::1]:5433/d", "postgresql+psycopg://u:p@[::1]:5433/d"),
        ("sqlite+aiosqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        ("  postgresql://u@h/d\n", "postgresql+psycopg://u@h/d"),
    ],
)
def test_urls_as_providers_write_them(plain: Rendering, given: str, normal: str) -> None:
    assert db_url(plain, {"DATABASE_URL": given}) == normal


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS.keys())
def test_passwords_that_log_in(project: Rendering, secret: Path, password: str) -> None:
    """Escaped in the variable and in a secret's file; the server asks for the real thing."""
    port = project.make("-s db-url").rpartition(":")[2].partition("/")[0]
    literal = password.replace("'", "''")
    script = (
        "import sys, sqlalchemy as sa\n"
        "with sa.create_engine(sys.argv[1]).begin() as c:\n"
        "    if not c.exec_driver_sql(\"SELECT 1 FROM pg_roles WHERE rolname = 'app'\").all():\n"
        "        c.exec_driver_sql('CREATE ROLE app LOGIN SUPERUSER')\n"
        "    c.exec_driver_sql(open(sys.argv[2], encoding='utf-8').read().replace('%', '%%'))\n"
    )
    (project.path / "set_password.py").write_text(script, "utf-8")
    secret.write_text(f"ALTER ROLE app PASSWORD '{literal}'", "utf-8")
    url = project.make("-s db-url").strip()
    assert project.run(f".venv/bin/python set_password.py {url} {secret}").returncode == 0

    escaped = f"postgresql://app:{quote(password, safe='')}@127.0.0.1:{port}/my_service"
    done = project.run("make migrate current", env={"DATABASE_URL": escaped})
    assert "5f2c81d0a7e4 (head)" in done.stdout, done.stdout + done.stderr
    secret.write_text(escaped + "\n", "utf-8")
    done = project.run("make plan", env={"DATABASE_URL_FILE": str(secret)})
    assert done.returncode == 0, done.stdout + done.stderr
    if password not in ("100%", "%41@:/#? é密'"):  # raw, a percent sign is an escape
        raw = f"postgresql://app:{password}@127.0.0.1:{port}/my_service"
        done = project.run("make plan", env={"DATABASE_URL": raw})
        assert done.returncode == 0, done.stdout + done.stderr
    wrong = f"postgresql://app:{quote(password + 'x', safe='')}@127.0.0.1:{port}/my_service"
    for command in ("make migrate", "make plan", ".venv/bin/python scripts/deploy_migrations.py"):
        done = project.run(command, env={"DATABASE_URL": wrong})
        output = done.stdout + done.stderr
        assert done.returncode != 0
        assert "password authentication failed" in output
        assert password not in output
        assert quote(password, safe="") not in output or quote(password, safe="") == password
        assert "Traceback" not in output


UNUSABLE = {
    "no URL": ({}, "names none on purpose, so set DATABASE_URL"),
    "two sources": ({"DATABASE_URL": "x", "DATABASE_URL_FILE": "y"}, "both set"),
    "no such file": ({"DATABASE_URL_FILE": "/none"}, "cannot be read: No such file"),
    "not a URL": ({"DATABASE_URL": "geheim"}, "cannot be read"),
    "bad port": ({"DATABASE_URL": "postgresql://u:geheim@h:port/d"}, "cannot be read"),
    "unknown setting": ({"MIGRATOR_LOCK_TIMEOT": "1"}, "did you mean lock_timeout?"),
    "not a number": ({"MIGRATOR_LOCK_TIMEOUT": "soon"}, "lock_timeout is a number of seconds"),
    "not a truth": ({"MIGRATOR_PRODUCTION": "maybe"}, "production is true or false"),
}


@pytest.mark.parametrize(("env", "said"), UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize(
    "command",
    [".venv/bin/python -m migrator -c alembic_prod.ini plan", "scripts/deploy_migrations.py"],
)
def test_bad_configuration_is_one_sentence(
    plain: Rendering, command: str, env: dict[str, str | None], said: str
) -> None:
    if command.startswith("scripts"):
        command = f".venv/bin/python {command}"
    done = plain.run(command, env=env)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "geheim" not in done.stdout + done.stderr


def test_a_misspelt_setting_in_the_ini(ready: Render) -> None:
    project = ready(database="sqlite")
    text = project.read("alembic_prod.ini").replace("\nlock_timeout", "\nlok_timeout")
    (project.path / "alembic_prod.ini").write_text(text, "utf-8")
    done = project.run("make deploy", env={"DATABASE_URL": "sqlite:////tmp/never.db"})
    assert "Error 2" in done.stderr
    assert "did you mean lock_timeout?" in done.stderr


def test_with_a_url_the_development_server_is_not_touched(ready: Render, tmp_path: Path) -> None:
    project = ready()
    done = project.run("make migrate current", env={"DATABASE_URL": f"sqlite:///{tmp_path}/x.db"})
    assert done.returncode == 0, done.stderr
    assert not (project.path / ".postgres").exists()
