"""Database URLs as people and providers write them."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from migrator.errors import UsageError

# What is secret in a query: sslpassword, oauth_client_secret, scram_client_key and their like.
SECRET = re.compile(r"passw|secret|_key$", re.IGNORECASE)
SYNC_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


def from_environment(variables: Sequence[str]) -> str | None:
    """Return the first of `variables` that is set, or the content of the file in its _FILE form.

    Raises:
        UsageError: both forms of one variable are set, or the file cannot be read.
    """
    for name in variables:
        value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
        if value and path:
            raise UsageError(
                f"{name} and {name}_FILE are both set, and may mean two databases; unset one."
            )
        if value:
            return value
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                raise UsageError(
                    f"{name}_FILE names {path}, which cannot be read: {reason}."
                ) from None
    return None


def normalise(text: str) -> URL:
    """Parse a database URL and give it the driver that migrations use.

    Accepts what hosting providers hand out: `postgres://`, an asynchronous driver, a password
    with an unescaped `@` or `?`.
    """
    address, question, query = text.strip().partition("?")
    if "@" in query and "/" not in address.partition("://")[2]:  # the ? is the password's
        credentials, _, rest = text.strip().rpartition("@")
        host, question, query = rest.partition("?")
        address = f"{credentials.replace('?', '%3F')}@{host}"
    credentials, at, host = address.rpartition("@")
    scheme, separator, login = credentials.partition("://")
    address = f"{scheme}{separator}{login.replace('@', '%40')}{at}{host}"
    try:
        url = make_url(f"{address}{question}{query}")
    except (ArgumentError, ValueError):
        raise UsageError(
            "The database URL cannot be read (it is not shown, since it may hold a password);"
            " write it as postgresql://user:password@host:5432/name, with %XX for special"
            " characters."
        ) from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise UsageError(
                "The database URL means an SQLite database in memory, which is gone when the"
                " command ends; name a file: sqlite:////path/to/file.db."
            )
        return url.set(drivername="sqlite")
    if backend == "devserver":
        return url
    if backend not in SYNC_DRIVERS:
        raise UsageError(
            f"{backend} is not supported; use a database URL that begins with postgresql:// or"
            " sqlite://."
        )
    if ssl := url.query.get("ssl"):  # asyncpg's name for libpq's sslmode
        url = url.difference_update_query(["ssl"]).update_query_dict({"sslmode": ssl})
    if isinstance(password := url.query.get("password"), str):  # libpq's, but it would be shown
        url = url.difference_update_query(["password"]).set(password=password)
    return url.set(drivername=SYNC_DRIVERS[backend])


def shown(url: URL) -> str:
    """Return a URL for people, with *** in place of what is secret, in its query too."""
    hidden = dict.fromkeys(filter(SECRET.search, url.query), "***")
    text = url.update_query_dict(hidden).render_as_string(hide_password=True)
    return text.replace("%2A%2A%2A", "***")


def without_secrets(text: str, url: URL) -> str:
    """Return what somebody said about a connection to `url`, with *** in place of its secrets."""
    found = [str(url.password or "")]
    for name, value in url.query.items():
        if SECRET.search(name):
            found += [value] if isinstance(value, str) else value
    for secret in filter(None, found):
        text = text.replace(secret, "***")
    return text
