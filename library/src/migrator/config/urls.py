"""Database URLs: reading those that users and hosting providers write, and hiding secrets."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from migrator.config import hosts
from migrator.errors import UsageError

# Secret parameters of a URL: sslpassword, oauth_client_secret, scram_client_key and similar.
SECRET = re.compile(r"passw|secret|_key$", re.IGNORECASE)
SYNC_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


def from_environment(variables: Sequence[str]) -> str | None:
    """Return the value of the first of `variables` that is set, itself or with the suffix _FILE.

    Raises:
        UsageError: both forms of one variable are set, or the file cannot be read.
    """
    for name in variables:
        value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
        if value and path:
            raise UsageError(
                f"{name} and {name}_FILE are both set and may name two databases; unset one of"
                " them."
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
    """Parse a database URL, and set the driver that migrations use.

    It accepts the URLs of hosting providers: `postgres://`, an asynchronous driver, a password
    with an unescaped `@` or `?`; and several hosts, as libpq writes them and as SQLAlchemy does.

    Raises:
        UsageError: the URL cannot be parsed, or is not supported.
    """
    address, question, query = text.strip().partition("?")
    if "@" in query and "/" not in address.partition("://")[2]:  # the ? is part of the password
        credentials, _, rest = text.strip().rpartition("@")
        host, question, query = rest.partition("?")
        address = f"{credentials.replace('?', '%3F')}@{host}"
    credentials, at, host = address.rpartition("@")
    scheme, separator, login = credentials.partition("://")
    address = f"{scheme}{separator}{login.replace('@', '%40')}{at}{host}"
    try:
        address, places = hosts.taken_out(address)
        url = make_url(f"{address}{question}{query}").update_query_dict(places)
        url = hosts.in_one_form(url)
    except (ArgumentError, ValueError):
        raise UsageError(
            "The database URL cannot be parsed (it is not shown, because it may contain a"
            " password); write it as postgresql://user:password@host:5432/name, with %XX for"
            " special characters."
        ) from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise UsageError(
                "The database URL names an SQLite database in memory, which would be lost at the"
                " end of the command; name a file: sqlite:////path/to/file.db."
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
    if isinstance(
        password := url.query.get("password"), str
    ):  # libpq accepts it there, but it would be shown
        url = url.difference_update_query(["password"]).set(password=password)
    return url.set(drivername=SYNC_DRIVERS[backend])


def shown(url: URL) -> str:
    """Return a URL for messages, with *** for all secrets, including those in the query."""
    hidden = dict.fromkeys(filter(SECRET.search, url.query), "***")
    text = hosts.shown(url.update_query_dict(hidden))
    return text.replace("%2A%2A%2A", "***")


def without_secrets(text: str, url: URL) -> str:
    """Return a message about a connection to `url`, with *** for the secrets of the URL."""
    found = [str(url.password or "")]
    for name, value in url.query.items():
        if SECRET.search(name):
            found += [value] if isinstance(value, str) else value
    words = {url.username, url.database, url.host}  # that are no secret, and would be unreadable
    for secret in {each for plain in found if plain not in words for each in (plain, quote(plain))}:
        text = text.replace(secret, "***") if secret else text
    return text
