"""The target database: its URL from the environment or the ini file.

The environment takes precedence (`MIGRATION_DATABASE_URL`, then `DATABASE_URL`; with the suffix
`_FILE`, each may name a file instead, as for container secrets). In development the file `.env` of
the project has the same variables, for those that the environment does not set. The value in the
ini file is read raw, because ConfigParser's interpolation fails on a `%` in a password.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from alembic.config import Config
from sqlalchemy.engine import URL, make_url

from migrator.config import urls
from migrator.errors import UsageError

URL_VARIABLES = ("MIGRATION_DATABASE_URL", "DATABASE_URL")


@dataclass(frozen=True)
class Target:
    """The database that `config` and the environment name, determined on first use."""

    config: Config = field(repr=False)

    @cached_property
    def url(self) -> URL:
        """The URL for migrations, with a synchronous driver; see `database_url`."""
        return database_url(self.config)

    @cached_property
    def configured(self) -> URL:
        """The URL as configured; the development server is not started."""
        return configured_url(self.config)

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the kind of database, determined without a connection."""
        return dialect_name(self.config)

    @property
    def project_dialects(self) -> set[str]:
        """The kinds of databases that the project has: this one, and the one in the ini file."""
        written = _from_ini(self.config)
        return {self.dialect} | ({_backend(urls.normalise(written))} if written else set())


@dataclass(frozen=True)
class GivenTarget(Target):
    """A database whose URL the caller knows, as that of one of many tenants."""

    given: URL = field(repr=False)

    @cached_property
    def url(self) -> URL:
        """The URL that was given."""
        return self.given

    @cached_property
    def configured(self) -> URL:
        """The same."""
        return self.given

    @property
    def dialect(self) -> str:
        """The kind of the database."""
        return self.given.get_backend_name()


def database_url(config: Config, variables: Sequence[str] = URL_VARIABLES) -> URL:
    """Return the URL for migrations, with a synchronous driver.

    A URL `devserver://NAME` in the ini file is a database on the project's development PostgreSQL,
    which is started if it is not running.

    Args:
        variables: the environment variables to read, in order of precedence.

    Raises:
        UsageError: there is no URL, or it cannot be parsed; the message contains no password.
    """
    return _started(config, configured_url(config, variables))


def database_url_of(config: Config, text: str) -> URL:
    """Return the URL that a setting has, like `database_url`."""
    return _started(config, urls.normalise(text))


def _started(config: Config, url: URL) -> URL:
    if url.drivername != "devserver":
        return url
    from migrator import devserver  # not installed in production

    return make_url(devserver.url(project_folder(config), url.host or "postgres"))


def configured_url(config: Config, variables: Sequence[str] = URL_VARIABLES) -> URL:
    """Return the URL as configured; the development server is not started."""
    text = urls.from_environment(variables) or _from_dotenv(config, variables) or _from_ini(config)
    if not text:
        raise UsageError(
            f"No database is configured: {config.config_file_name or 'this configuration'} has no"
            " URL, so that no database is migrated by mistake; set DATABASE_URL or"
            " MIGRATION_DATABASE_URL (or, with the suffix _FILE, the path of a file that contains"
            " the URL) and run the command again."
        )
    return urls.normalise(text)


def dialect_name(config: Config) -> str:
    """Return SQLAlchemy's name of the kind of database, without a connection."""
    return _backend(configured_url(config))


def _backend(url: URL) -> str:
    return "postgresql" if url.drivername == "devserver" else url.get_backend_name()


def has_devserver(config: Config) -> bool:
    """Tell whether the ini file names a database on the development server of the project."""
    return (_from_ini(config) or "").startswith("devserver:")


def project_folder(config: Config) -> Path:
    """Return the folder of the project, which contains the ini file."""
    return Path(config.config_file_name or ".").absolute().parent


def _from_dotenv(config: Config, variables: Sequence[str]) -> str | None:
    """Return the value in `.env`, which is not read for a deploy."""
    file = project_folder(config) / ".env"
    production = config.file_config.get("migrator", "production", raw=True, fallback="")
    if not variables or production.lower() in ("true", "yes", "on", "1") or not file.is_file():
        return None
    from dotenv import dotenv_values

    found = dotenv_values(file)
    return next((value for name in variables if (value := found.get(name))), None)


def _from_ini(config: Config) -> str | None:
    ini, key = config.file_config, "sqlalchemy.url"
    raw = ini.get(config.config_ini_section, key, raw=True, fallback=None) or ini.get(
        "alembic", key, raw=True, fallback=None
    )
    # Quoted, because the name of a folder may contain ? or #.
    return raw.replace("%(here)s", quote(project_folder(config).as_posix())) if raw else None
