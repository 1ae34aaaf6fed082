"""Alembic's configuration: an ini file, and what pyproject.toml beside it says in addition."""

import tomllib
from pathlib import Path
from typing import Any

from alembic.config import Config

MAIN = "alembic"
# What a section for another history does not take from [alembic].
OWN = ("version_locations", "version_table", "version_table_schema", "shared_history", "here")


def read(path: str | Path, section: str = "alembic") -> Config:
    """Read an ini file; a table [tool.alembic] of the pyproject.toml beside it counts, too.

    Args:
        section: the one that the options are in, as Alembic's -n names it. What it does not say is
            as in [alembic], such as the names of files.

    Raises:
        configparser.Error: it is not an ini file.
    """
    beside = Path(path).absolute().parent / "pyproject.toml"
    toml = str(beside) if says_alembic(beside) else None
    found = Config(str(path), toml_file=toml, ini_section=section)
    complete(found)
    return found


def complete(config: Config) -> None:
    """Let a section for another history have what only [alembic] says."""
    ini, section = config.file_config, config.config_ini_section
    if section != MAIN and ini.has_section(section) and ini.has_section(MAIN):
        for key, value in ini.items(MAIN, raw=True):
            if key not in OWN and not ini.has_option(section, key):
                ini.set(section, key, value)


def says_alembic(file: Path) -> bool:
    """Tell whether a pyproject.toml has a table for Alembic."""
    return bool(of_pyproject(file))


def of_pyproject(file: Path) -> dict[str, Any]:
    """Return the table [tool.alembic] of a pyproject.toml; empty if there is none."""
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["alembic"]
    except (OSError, ValueError, KeyError):
        return {}
    return found
