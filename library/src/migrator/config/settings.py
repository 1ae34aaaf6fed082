"""The settings in the `[migrator]` section of an ini file, such as limits of a deploy."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from alembic.config import Config

from migrator.config.target import project_folder
from migrator.console import note
from migrator.errors import UsageError

# Names of version 2026.11.0, which ini files and environments of older projects have.
RENAMED = {"gate_age": "blocker_age", "gate_timeout": "blocker_timeout"}
# Likewise, without a meaning today.
REMOVED = {"squawk_timeout": "lint does not run squawk any more"}


@dataclass(frozen=True)
class Settings:
    """The `[migrator]` section of an ini file; `MIGRATOR_<NAME>` in the environment overrides it.

    Numbers are in seconds, except `backup_keep`. The comments in alembic_prod.ini describe each
    setting and the meaning of 0; the defaults here are those for development.
    """

    production: bool = False
    development_hosts: str = ""
    shadow_url: str = ""
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
    rehearsal_server: str = ""
    rehearsal_folder: str = "rehearsals"
    require_rehearsal: float = 0
    deploy_lock_timeout: float = 300
    blocker_age: float = 0.5
    blocker_timeout: float = 60
    lock_timeout: float = 0
    lock_timeout_max: float = 0.2
    lock_deadline: float = 600
    standby_timeout: float = 30
    show_queries: bool = False
    statement_timeout: float = 0
    idle_in_transaction_session_timeout: float = 0
    client_connection_check_interval: float = 1
    drift: bool = True
    smoke_sql: str = ""

    @property
    def shows_details(self) -> bool:
        """Whether errors show rows and pieces of statements: not in the log of a pipeline."""
        return self.show_queries or not self.production


def load(config: Config, flags: Mapping[str, Any]) -> Settings:
    """Read the settings of `config`'s ini file.

    Args:
        flags: values of the command line, which take precedence over everything.

    Raises:
        UsageError: a setting is misspelt or has a value of the wrong kind.
    """
    given = section(config, "migrator")
    for name in os.environ:
        if name.startswith("MIGRATOR_"):
            given[name.removeprefix("MIGRATOR_").lower()] = os.environ[name]
    given = {RENAMED.get(key, key): value for key, value in given.items()}
    for key in given.keys() & REMOVED.keys():
        note(f"The setting {key} has no effect: {REMOVED[key]}. Remove it.")
        del given[key]
    found = replace(Settings(**converted("migrator", given, Settings)), **flags)
    if 0 < found.statement_timeout <= max(found.lock_timeout, found.lock_timeout_max):
        raise UsageError(
            "The setting statement_timeout has to be longer than lock_timeout and lock_timeout_max;"
            " otherwise a wait for a lock would end with a statement timeout, which is not retried."
        )
    return found


def section(config: Config, name: str) -> dict[str, str]:
    """Return the keys and values of a section of the ini file; none if there is no such section."""
    ini = config.file_config
    here = project_folder(config).as_posix()
    items = ini.items(name, raw=True) if ini.has_section(name) else []
    return {key: value.replace("%(here)s", here) for key, value in items if key != "here"}


def converted(name: str, given: Mapping[str, str], kind: type) -> dict[str, Any]:
    """Return values of the section `name` as the dataclass `kind` has them.

    Raises:
        UsageError: a key is misspelt or has a value of the wrong kind.
    """
    known = {field.name: field.type for field in fields(kind)}
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(known)}."
            raise UsageError(f"[{name}] has no setting {key!r}; {hint}")
    return {key: _convert(key, value, known[key]) for key, value in given.items()}


# The server and libpq take 32 bits of milliseconds: 24 days are as good as more of them.
LONGEST = 2_147_483.0
OF_SERVER = (
    *("lock_timeout", "lock_timeout_max", "lock_deadline", "statement_timeout", "connect_timeout"),
    *("idle_in_transaction_session_timeout", "client_connection_check_interval"),
    "deploy_lock_timeout",
)


def _convert(key: str, value: str, kind: object) -> Any:
    text = value.strip()
    if kind is str:
        return text
    if kind is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise UsageError(f"The setting {key} has to be true or false, not {value!r}.")
    try:
        number = int(text) if kind is int else float(text.lower().removesuffix("s"))
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        what = "a whole number" if kind is int else "a number of seconds"
        raise UsageError(f"The setting {key} has to be {what}, not {value!r}.")
    return min(number, LONGEST) if key in OF_SERVER else number
