"""The section [fleet] of an ini file."""

import os
from dataclasses import dataclass
from typing import Self

from migrator.config import settings
from migrator.config.context import Context
from migrator.errors import UsageError

STOP, CONTINUE = "stop", "continue"
SOURCES = ("schemas_sql", "targets_file", "targets_command")


@dataclass(frozen=True)
class FleetSettings:
    """How many tenants are found and deployed to; docs/fleet.md describes each key.

    `parallel` and `connections` are numbers of processes; 0 is the number of processors, and no
    limit. `max_failures` is how many tenants may fail before a deploy stops; 0: none with
    `on_failure = stop`.
    """

    schemas_sql: str = ""
    targets_file: str = ""
    targets_command: str = ""
    search_path: str = ""
    parallel: int = 0
    connections: int = 0
    on_failure: str = STOP
    max_failures: int = 0
    backup: bool = True
    create_sql: str = ""
    drop_sql: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers with which a deploy would never end.

        Raises:
            UsageError: one is negative.
        """
        for name in ("parallel", "connections", "max_failures"):
            if (value := getattr(self, name)) < 0:
                raise UsageError(f"{name} of a fleet is {value}, and may not be negative.")

    @classmethod
    def of(cls, context: Context) -> Self:
        """Read them.

        Raises:
            UsageError: there is no such section, or a key of it is wrong.
        """
        given = settings.section(context.config, "fleet")
        if not given:
            raise UsageError(
                f"{context.ini} has no section [fleet], so there is no fleet: docs/fleet.md shows"
                " how to write it."
            )
        found = cls(**settings.converted("fleet", given, cls))
        chosen = [name for name in SOURCES if getattr(found, name)]
        if len(chosen) != 1:
            raise UsageError(
                f"[fleet] in {context.ini} has to say in one way which tenants there are:"
                f" {', '.join(SOURCES[:-1])} or {SOURCES[-1]}; it has"
                f" {' and '.join(chosen) or 'none of them'}."
            )
        if found.on_failure not in (STOP, CONTINUE):
            raise UsageError(
                f"The setting on_failure has to be stop or continue, not {found.on_failure!r}."
            )
        return found

    @property
    def workers(self) -> int:
        """The number of worker processes."""
        return self.parallel or os.cpu_count() or 1

    @property
    def extra_path(self) -> list[str]:
        """The schemas of the search path after the tenant's."""
        return [name.strip() for name in self.search_path.split(",") if name.strip()]
