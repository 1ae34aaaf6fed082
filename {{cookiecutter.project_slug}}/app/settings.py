"""The application's settings, from the environment."""

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


def _default_database_url() -> SecretStr:
    """Return the content of DATABASE_URL_FILE, or the development database of alembic.ini."""
    from alembic.config import Config  # slow to import, and not needed if DATABASE_URL is set

    from migrator.config.target import database_url

    url = database_url(Config(PROJECT / "alembic.ini"), variables=("DATABASE_URL",))
    return SecretStr(url.render_as_string(hide_password=False))


class Settings(BaseSettings):
    """Each field is read from the environment variable of its name in upper case, or from .env.

    The environment wins. `.env.example` shows the file, which is for development and not in git.
    """

    model_config = SettingsConfigDict(
        env_file=PROJECT / ".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )
    database_url: SecretStr = Field(default_factory=_default_database_url)


@cache
def get_settings() -> Settings:
    """Return the settings, which are read once."""
    return Settings()
