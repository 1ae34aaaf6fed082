"""Where the database is, and how long a migration may take.

The URL comes from the environment first (`MIGRATION_DATABASE_URL`, then `DATABASE_URL`; each
may instead name a file with `_FILE`, as container secrets do) and from the ini last. The ini's
value is read raw: ConfigParser's interpolation breaks on every `%` in a password.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic.config import Config
from sqlalchemy.engine import URL, make_url

from migrator.config import urls
from migrator.errors import UsageError

URL_VARIABLES = ("MIGRATION_DATABASE_URL", "DATABASE_URL")


@dataclass(frozen=True)
class Settings:
    """The `[migrator]` section of an ini file; `MIGRATOR_<NAME>` in the environment wins.

    Numbers are seconds, except `backup_keep`. What each is for, and what 0 means, stands beside it
    in alembic_prod.ini; the defaults here are those of development.
    """

    production: bool = False
    connect_timeout: float = 10
    wait_timeout: float = 60
    allow_ahead: bool = False
    allow_pooler: bool = False
    window: str = ""
    old_transaction: float = 300
    backup: bool = False
    backup_folder: str = "backups"
    backup_keep: int = 5
    pg_bin: str = ""
    deploy_lock_timeout: float = 300
    gate_age: float = 0.5
    gate_timeout: float = 60
    lock_timeout: float = 0
    lock_timeout_max: float = 0.2
    lock_deadline: float = 600
    show_queries: bool = False
    statement_timeout: float = 0
    idle_in_transaction_session_timeout: float = 0
    client_connection_check_interval: float = 1
    drift: bool = True
    smoke_sql: str = ""


def load(config: Config) -> Settings:
    """Read the settings of `config`'s ini file.

    Those in `config.attributes["settings"]` win over everything: a command's flags.

    Raises:
        UsageError: a setting is misspelt or has a value of the wrong kind.
    """
    known = {field.name: field.type for field in fields(Settings)}
    ini = config.file_config
    section = ini.items("migrator", raw=True) if ini.has_section("migrator") else []
    here = project_folder(config).as_posix()
    given = {key: value.replace("%(here)s", here) for key, value in section if key != "here"}
    for name in os.environ:
        if name.startswith("MIGRATOR_"):
            given[name.removeprefix("MIGRATOR_").lower()] = os.environ[name]
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
            raise UsageError(f"There is no setting {key!r} for the migrator; {hint}")
    found = Settings(**{key: _convert(key, value, known[key]) for key, value in given.items()})
    found = replace(found, **config.attributes.get("settings", {}))
    if 0 < found.statement_timeout <= max(found.lock_timeout, found.lock_timeout_max):
        raise UsageError(
            "The migrator's setting statement_timeout has to be longer than lock_timeout and"
            " lock_timeout_max: else a wait for a lock ends as a statement that took too long,"
            " which is not tried again."
        )
    return found


def _convert(key: str, value: str, kind: object) -> Any:
    text = value.strip()
    if kind is str:
        return text
    if kind is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise UsageError(f"The migrator's setting {key} is true or false, not {value!r}.")
    try:
        number = int(text) if kind is int else float(text.lower().removesuffix("s"))
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        what = "a whole number" if kind is int else "a number of seconds"
        raise UsageError(f"The migrator's setting {key} is {what}, not {value!r}.")
    return number


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
