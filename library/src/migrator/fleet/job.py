"""What one worker is given at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import URL

from migrator.config.context import Context
from migrator.fleet.tenant import Tenant

BATCH = 200  # tenants at most: they are verified together
SHARES = 4  # batches for each worker, so that none ends long before the others


@dataclass
class Job:
    """Tenants of one database."""

    url: URL
    tenants: list[Tenant]

    @property
    def server(self) -> tuple[Any, ...]:
        """Whose connections are counted together."""
        return (self.url.host, self.url.port, self.url.query.get("host"))


def jobs(context: Context, tenants: Sequence[Tenant], workers: int) -> Iterator[Job]:
    """Yield batches of tenants of the same database."""
    databases: dict[URL, list[Tenant]] = {}
    for each in tenants:
        databases.setdefault(each.database(context), []).append(each)
    size = max(1, min(BATCH, -(-len(tenants) // (workers * SHARES))))
    for url, some in databases.items():
        for start in range(0, len(some), size):
            yield Job(url, some[start : start + size])
