"""The context of a command: the configuration, the settings and the target."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from alembic.config import Config

from migrator.config import alembic_config, settings
from migrator.config.settings import Settings
from migrator.config.target import Target, project_folder


@dataclass(frozen=True)
class Context:
    """The context of one command; the command line creates it and passes it on.

    `config` is Alembic's configuration, which env.py reads; `target` is the database.
    """

    config: Config
    settings: Settings
    target: Target = field(repr=False)

    @classmethod
    def of(cls, config: Config, flags: Mapping[str, Any] | None = None) -> Self:
        """Read the settings that belong to `config`.

        Args:
            flags: values of the command line by name; settings among them take precedence, if not
                None. `host` is one more of the `development_hosts`.

        Raises:
            UsageError: a setting is misspelt or has a value of the wrong kind.
        """
        names = {field.name for field in fields(Settings)}
        given = {k: v for k, v in (flags or {}).items() if k in names and v is not None}
        loaded = settings.load(config, given)
        if host := (flags or {}).get("host"):
            loaded = replace(loaded, development_hosts=f"{loaded.development_hosts},{host}")
        return cls(config, loaded, Target(config))

    @property
    def ini(self) -> str:
        """The path of the ini file, as given."""
        return str(self.config.config_file_name)

    @property
    def folder(self) -> Path:
        """The folder of the project, which contains the ini file."""
        return project_folder(self.config)

    def fresh(self) -> Self:
        """Return a copy whose Alembic configuration and URL are read again.

        Used for commands on another database, and where the configuration is modified.
        """
        config = alembic_config.read(self.ini, self.config.config_ini_section)
        return replace(self, config=config, target=Target(config))

    def option(self, key: str) -> str:
        """Return an option of the ini file's [alembic] section; empty if it is not set."""
        return self.config.get_main_option(key) or ""
