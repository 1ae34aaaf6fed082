"""Which database: the URL from the environment or the ini file.

The URL comes from the environment first (`MIGRATION_DATABASE_URL`, then `DATABASE_URL`; each
may instead name a file with `_FILE`, as container secrets do) and from the ini last. The ini's
value is read raw: ConfigParser's interpolation breaks on every `%` in a password.
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
    """The database that `config` and the environment name, looked up when it is asked for."""

    config: Config = field(repr=False)

    @cached_property
    def url(self) -> URL:
        """What migrations connect to, with a synchronous driver; see `database_url`."""
        return database_url(self.config)

    @cached_property
    def configured(self) -> URL:
        """The URL as configured, without starting the development server for it."""
        return configured_url(self.config)

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the kind of database, known without connecting to it."""
        return dialect_name(self.config)


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
