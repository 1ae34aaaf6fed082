"""The backups of a fleet deploy: each database that tenants share once, before the first change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.engine import URL

from migrator.config.context import Context
from migrator.deploy.deployment import Options
from migrator.deploy.report import Report
from migrator.fleet.settings import FleetSettings
from migrator.fleet.tenant import Tenant, at


@dataclass
class Backups:
    """Those of one deploy; `taken` has what removes older ones, by database."""

    context: Context
    fleet: FleetSettings
    options: Options
    report: Report
    taken: dict[URL, Callable[[], None] | None] = field(default_factory=dict)

    def take(self, tenants: Sequence[Tenant], at_revision: str) -> None:
        """Back up the databases of these tenants; one of a tenant's own is its deploy's business.

        Raises:
            MigratorError: a backup failed; nothing was changed.
        """
        if "backup" in self.options.without:
            self.report.skipped("backup", "skipped: --no-backup")
            return
        if not self.fleet.backup or not self.context.settings.backup:
            self.report.skipped("backup", "left to the operator: backup = false")
            return
        from migrator import backup

        for url in dict.fromkeys(each.database(self.context) for each in tenants if each.schema):
            if url in self.taken:
                continue
            own = at(self.context, url)
            saved = backup.take(own, at_revision)
            self.taken[url] = partial(backup.prune, saved, own)
            self.report.done(
                "backup",
                f"{saved.path}, {saved.size:,} bytes, {saved.tables} tables, read back in"
                f" {saved.seconds:.1f} s",
                path=saved.path,
                size=saved.size,
            )

    def prune(self) -> None:
        """Remove older ones, as after any deploy that was verified."""
        for remove in filter(None, self.taken.values()):
            remove()
