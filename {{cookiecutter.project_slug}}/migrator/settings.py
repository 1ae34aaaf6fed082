"""Where the database is, and how long a migration may take.

The URL comes from the environment first (`MIGRATION_DATABASE_URL`, then `DATABASE_URL`; each
may instead name a file with `_FILE`, as container secrets do) and from the ini last. The ini's
value is read raw: ConfigParser's interpolation breaks on every `%` in a password.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic.config import Config
from sqlalchemy.engine import URL, make_url

from migrator import urls
from migrator.errors import UsageError

URL_VARIABLES = ("MIGRATION_DATABASE_URL", "DATABASE_URL")


@dataclass(frozen=True)
class Settings:
    """The `[migrator]` section of an ini file; `MIGRATOR_<NAME>` in the environment wins.

    `production` refuses commands that write revisions. All times are in seconds; 0 means no
    limit.
    """

    production: bool = False
    connect_timeout: float = 10
    deploy_lock_timeout: float = 300
    lock_timeout: float = 0
    statement_timeout: float = 0
    idle_in_transaction_session_timeout: float = 0


def load(config: Config) -> Settings:
    """Read the settings of `config`'s ini file.

    Raises:
        UsageError: a setting is misspelt or has a value of the wrong kind.
    """
    known = {field.name: field.type for field in fields(Settings)}
    section = config.get_section("migrator", {})
    given = {key: value for key, value in section.items() if key != "here"}
    for name in os.environ:
        if name.startswith("MIGRATOR_"):
            given[name.removeprefix("MIGRATOR_").lower()] = os.environ[name]
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
            raise UsageError(f"There is no setting {key!r} for the migrator; {hint}")
    return Settings(**{key: _convert(key, value, known[key]) for key, value in given.items()})


def _convert(key: str, value: str, kind: object) -> Any:
    text = value.strip().lower()
    if kind is bool:
        if text in ("true", "false"):
            return text == "true"
        raise UsageError(f"The migrator's setting {key} is true or false, not {value!r}.")
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"The migrator's setting {key} is a number of seconds, not {value!r}.")
    return seconds


def database_url(config: Config, variables: Sequence[str] = URL_VARIABLES) -> URL:
    """Return the URL that migrations connect to, with a synchronous driver.

    `variables` are the environment variables to look at, in this order. A `devserver://NAME`
    URL in the ini stands for the project's own development PostgreSQL: it is started if need be.

    Raises:
        UsageError: there is no URL, or it cannot be parsed. No message contains a password.
    """
    url = configured_url(config, variables)
    if url.drivername != "devserver":
        return url
    from migrator import devserver  # not installed where there is a DATABASE_URL

    return make_url(devserver.url(project_folder(config), url.host or "postgres"))


def configured_url(config: Config, variables: Sequence[str] = URL_VARIABLES) -> URL:
    """Return the URL as configured, without starting the development server for it."""
    text = urls.from_environment(variables) or _from_ini(config)
    if not text:
        raise UsageError(
            f"No database: {config.config_file_name or 'this configuration'} names none on purpose,"
            " so set DATABASE_URL (or MIGRATION_DATABASE_URL, or either with _FILE and the path"
            " of a file that holds it) and run the command again."
        )
    return urls.normalise(text)


def dialect_name(config: Config) -> str:
    """Return SQLAlchemy's name of the kind of database, without connecting to it."""
    url = configured_url(config)
    return "postgresql" if url.drivername == "devserver" else url.get_backend_name()


def project_folder(config: Config) -> Path:
    """Return the folder of the ini file, which is the project's."""
    return Path(config.config_file_name or ".").absolute().parent


def _from_ini(config: Config) -> str | None:
    raw = config.file_config.get(
        config.config_ini_section, "sqlalchemy.url", raw=True, fallback=None
    )
    # Quoted, because a folder's name may have a ? or a # in it.
    return raw.replace("%(here)s", quote(project_folder(config).as_posix())) if raw else None
