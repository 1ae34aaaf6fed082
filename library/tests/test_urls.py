"""Database URLs: as providers write them, as people see them, and where they come from."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from migrator.config import urls
from migrator.errors import UsageError


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg2://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+asyncpg://u@h/d?ssl=require", "postgresql+psycopg://u@h/d?sslmode=require"),
        ("postgresql://u@/d?host=/run/pg", "postgresql+psycopg://u@/d?host=%2Frun%2Fpg"),
        ("postgresql://u:p@[::1]:5433/d", "postgresql+psycopg://u:p@[::1]:5433/d"),
        ("postgresql://u@h/d?password=p", "postgresql+psycopg://u:p@h/d"),
        # Several hosts, as libpq and as SQLAlchemy writes them, and the folder of a socket.
        ("postgresql://u@a:1,b:2/d", "postgresql+psycopg://u@/d?host=a%2Cb&port=1%2C2"),
        ("postgresql://u@a,b/d", "postgresql+psycopg://u@/d?host=a%2Cb"),
        ("postgresql://a,b:2/d", "postgresql+psycopg:///d?host=a%2Cb&port=%2C2"),
        ("postgresql://u@a:1,[::1]:2/d", "postgresql+psycopg://u@/d?host=a%2C%3A%3A1&port=1%2C2"),
        ("postgresql://u@/d?host=a:1&host=b:2", "postgresql+psycopg://u@/d?host=a%2Cb&port=1%2C2"),
        ("postgresql://u@%2Frun%2Fpg:5/d", "postgresql+psycopg://u@/d?host=%2Frun%2Fpg&port=5"),
        ("postgresql:///?service=x", "postgresql+psycopg:///?service=x"),
        ("sqlite+aiosqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        ("devserver://app", "devserver://app"),
        ("  postgresql://u@h/d\n", "postgresql+psycopg://u@h/d"),
    ],
)
def test_as_providers_write_them(given: str, normal: str) -> None:
    assert urls.normalise(given).render_as_string(hide_password=False) == normal


@pytest.mark.parametrize(
    "password", ["p@ss@word", "a:b", "a/b", "a#b", "a?b", "a?b@c/d", "a b", "a'b\"c\\d", "密码"]
)
def test_a_password_that_is_not_escaped(password: str) -> None:
    url = urls.normalise(f"postgresql://me:{password}@host:5433/name?sslmode=require")
    assert (url.username, url.password, url.host, url.port) == ("me", password, "host", 5433)
    assert (url.database, dict(url.query)) == ("name", {"sslmode": "require"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("geheim", "cannot be parsed"),
        ("postgresql://u:geheim@h:port/d", "cannot be parsed"),
        ("postgresql://u:geheim@a:1,b:x/d", "cannot be parsed"),
        ("mysql://u:geheim@h/d", "mysql is not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_what_is_no_url_for_migrations(given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        urls.normalise(given)
    assert "geheim" not in str(refused.value)


def test_what_is_secret_is_not_shown() -> None:
    query = (
        "sslpassword=geheim&oauth_client_secret=ge%20heim&scram_client_key=gehe=im&sslmode=require"
    )
    url = make_url(f"postgresql://u:geheim@h/d?{query}")
    shown = urls.shown(url)
    assert shown.startswith("postgresql://u:***@h/d?")
    assert "sslmode=require" in shown
    assert shown.count("***") == 4
    assert "heim" not in shown
    said = urls.without_secrets("no geheim, no ge heim, no gehe=im here", url)
    assert said == "no ***, no ***, no *** here"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://u:geheim@a:1,b:2/d", "postgresql+psycopg://u:***@a:1,b:2/d"),
        ("postgresql://u:ge,im@a,[::1]:2/d", "postgresql+psycopg://u:***@a,[::1]:2/d"),
        ("postgresql://u@/d?host=a,b&port=5&sslmode=require", "a:5,b:5/d?sslmode=require"),
        ("postgresql://u@/d?host=/run/pg", "postgresql+psycopg://u@/d?host=%2Frun%2Fpg"),
    ],
)
def test_several_hosts_are_shown_as_libpq_writes_them(given: str, shown: str) -> None:
    assert urls.shown(urls.normalise(given)).endswith(shown)


def test_the_first_variable_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = ("MIGRATION_DATABASE_URL", "DATABASE_URL")
    assert urls.from_environment(names) is None
    (tmp_path / "secret").write_text("from a file\n", "utf-8")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "secret"))
    assert urls.from_environment(names) == "from a file"
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "ours")
    assert urls.from_environment(names) == "ours"


def test_two_sources_and_unreadable_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        urls.from_environment(["DATABASE_URL"])
    (tmp_path / "none").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        urls.from_environment(["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", "x")
    with pytest.raises(UsageError, match="both set"):
        urls.from_environment(["DATABASE_URL"])
