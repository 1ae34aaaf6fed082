"""Alembic's configuration: an ini file, and what pyproject.toml beside it says in addition."""

import tomllib
from pathlib import Path

from alembic.config import Config


def read(path: str | Path) -> Config:
    """Read an ini file; a table [tool.alembic] of the pyproject.toml beside it counts, too.

    Raises:
        configparser.Error: it is not an ini file.
    """
    beside = Path(path).absolute().parent / "pyproject.toml"
    return Config(str(path), toml_file=str(beside) if says_alembic(beside) else None)


def says_alembic(file: Path) -> bool:
    """Tell whether a pyproject.toml has a table for Alembic."""
    try:
        return "alembic" in tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError):
        return False
