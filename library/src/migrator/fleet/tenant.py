"""One tenant: its name, its stage, and how its database is reached."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.engine import URL

from migrator.config import urls
from migrator.config.context import Context
from migrator.config.target import URL_VARIABLES, GivenTarget
from migrator.errors import UsageError
from migrator.postgres.sql.schemas import quoted

CANARY = "canary"


@dataclass(frozen=True)
class Tenant:
    """One tenant.

    `schema` is that of its tables; empty if the whole database is its own. `url`, `url_env` or
    `url_file` say where the database is, none of them that it is the fleet's; `password_env` or
    `password_file` where the password is, which is never in the inventory.
    """

    name: str
    schema: str = ""
    stage: str = ""
    url: str = field(default="", repr=False)
    url_env: str = ""
    url_file: str = ""
    password_env: str = ""
    password_file: str = ""

    def database(self, context: Context) -> URL:
        """Return the URL of its database, with the password.

        Raises:
            UsageError: a variable is not set or a file cannot be read, the URL cannot be parsed, or
                has a password.
        """
        text = self.url or _secret(self.name, "url", self.url_env, self.url_file)
        if not text:
            return context.target.url
        url = urls.normalise(text)
        if url.get_backend_name() != "postgresql":
            raise UsageError(f"Tenant {self.name}: a fleet needs PostgreSQL.")
        if self.url and url.password:
            raise UsageError(
                f"Tenant {self.name} has a password in its url, and an inventory is no place for"
                " secrets: name a variable with password_env, or a file with password_file."
            )
        if password := _secret(self.name, "password", self.password_env, self.password_file):
            url = url.set(password=password)
        return url


def _secret(name: str, what: str, variable: str, file: str) -> str:
    if variable and file:
        raise UsageError(f"Tenant {name} has both {what}_env and {what}_file; keep one of them.")
    if variable:
        if not os.environ.get(variable):
            raise UsageError(f"Tenant {name}: the variable {variable} ({what}_env) is not set.")
        return os.environ[variable]
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(
                f"Tenant {name}: {what}_file names {file}, which cannot be read: {reason}."
            ) from None
    return ""


def at(context: Context, url: URL, schema: str = "", extra: Sequence[str] = ()) -> Context:
    """Return `context` for another database, and for sessions that are in a schema of it.

    Args:
        extra: further schemas of the search path.
    """
    if schema:
        url = url.update_query_dict({"options": f"-c search_path={_escaped(path(schema, extra))}"})
    return replace(context, target=GivenTarget(context.config, url))


def path(schema: str, extra: Sequence[str] = ()) -> str:
    """Return a search path as SQL writes it."""
    return ", ".join(map(quoted, (schema, *extra)))


def _escaped(option: str) -> str:
    """Return a value as the start packet has it, where spaces separate options."""
    return option.replace("\\", "\\\\").replace(" ", "\\ ")


@contextmanager
def in_environment(url: URL) -> Iterator[None]:
    """Let env.py and revisions find this database, too, if they look into the environment."""
    before = dict(os.environ)
    for name in URL_VARIABLES:
        os.environ.pop(f"{name}_FILE", None)
        os.environ[name] = url.render_as_string(hide_password=False)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
