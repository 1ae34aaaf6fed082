"""Where the database is: environment, secrets, ini; passwords of every kind, never shown."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
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


@pytest.fixture(scope="module")
def server(project: Rendering) -> str:
    """The address of a server with one user for each password, named as in PASSWORDS."""
    url = project.database_url()
    literals = {name: password.replace("'", "''") for name, password in PASSWORDS.items()}
    roles = "".join(
        f"CREATE ROLE \"{name}\" LOGIN SUPERUSER PASSWORD '{literal}';\n"
        for name, literal in literals.items()
    )
    with psycopg.connect(url) as connection:
        connection.execute(roles.encode())
    project.make("migrate")
    return url.rpartition("@")[2]


def address(server: str, user: str, password: str) -> str:
    return f"postgresql://{user}:{quote(password, safe='')}@{server}"


@pytest.mark.parametrize(("user", "password"), PASSWORDS.items(), ids=PASSWORDS.keys())
def test_passwords_log_in(project: Rendering, server: str, user: str, password: str) -> None:
    """The server asks for the real thing; unescaped too, but a bare % begins an escape."""
    given = [address(server, user, password)]
    if "%" not in password:
        given.append(f"postgresql://{user}:{password}@{server}")
    for url in given:
        done = project.run(".venv/bin/python -m migrator plan", env={"DATABASE_URL": url})
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command", ["make migrate", "make plan", "make deploy", "make tables migrate"]
)
def test_a_wrong_password_is_not_shown(project: Rendering, server: str, command: str) -> None:
    wrong = PASSWORDS["all"] + "x"
    done = project.run(command, env={"DATABASE_URL": address(server, "all", wrong)})
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "password authentication failed" in output
    assert wrong not in output
    assert quote(wrong, safe="") not in output
    assert "Traceback" not in output


def test_secrets_in_the_query_are_not_shown(project: Rendering, tmp_path: Path) -> None:
    """Of a host that is down: in the log, in JSON, in the summary and in what `check` says."""
    key = base64.b64encode(b"geheim" * 5 + b"!!").decode()
    secrets = {"oauth_client_secret": "gé heim", "scram_client_key": key, "sslpassword": "ge=heim"}
    hidden = "&".join(f"{name}=***" for name in secrets)
    summary = tmp_path / "summary.md"
    with socket.socket() as taken:  # a port on which nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://u:geheim@127.0.0.1:{taken.getsockname()[1]}/d?{urlencode(secrets)}"
        env: dict[str, str | None] = {"DATABASE_URL": url, "GITHUB_STEP_SUMMARY": str(summary)}
        for command in ("deploy --no-wait", "deploy --no-wait --json", "check"):
            done = project.run(f".venv/bin/python -m migrator {command}", env=env)
            output = done.stdout + done.stderr
            assert done.returncode == 1, output
            assert f"/d?{hidden} cannot be reached" in output
            assert "Connection refused" in output
            for text in (output, summary.read_text("utf-8")):
                assert "heim" not in text
                assert key[:8] not in text


def test_a_secret_in_a_file(project: Rendering, server: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(address(server, "all", PASSWORDS["all"]) + "\n", "utf-8")
    done = project.run("make migrate current", env={"DATABASE_URL_FILE": str(secret)})
    assert "5f2c81d0a7e4 (head)" in done.stdout, done.stdout + done.stderr


UNUSABLE = {
    "no URL": ({}, "has no URL, so that no database is migrated by mistake; set DATABASE_URL"),
    "two sources": ({"DATABASE_URL": "x", "DATABASE_URL_FILE": "y"}, "both set"),
    "no such file": ({"DATABASE_URL_FILE": "/none"}, "cannot be read: No such file"),
    "not a URL": ({"DATABASE_URL": "geheim"}, "cannot be parsed"),
    "bad port": ({"DATABASE_URL": "postgresql://u:geheim@h:port/d"}, "cannot be parsed"),
    "unknown setting": ({"MIGRATOR_LOCK_TIMEOT": "1"}, "did you mean lock_timeout?"),
    "not a number": (
        {"MIGRATOR_LOCK_TIMEOUT": "soon"},
        "lock_timeout has to be a number of seconds",
    ),
    "not a truth": ({"MIGRATOR_PRODUCTION": "maybe"}, "production has to be true or false"),
}


@pytest.mark.parametrize(("env", "said"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_bad_configuration_is_one_sentence(
    plain: Rendering, env: dict[str, str | None], said: str
) -> None:
    done = plain.run(".venv/bin/python scripts/deploy_migrations.py", env=env)
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
    assert not (project.path / ".postgres/server").exists()
