"""Which tenants are meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from migrator.fleet import inventory
from migrator.fleet.inventory import Shard
from migrator.fleet.tenant import Tenant


@dataclass(frozen=True)
class Selection:
    """Those of these names, of this stage, of this shard; by default all."""

    names: Sequence[str] = ()
    stage: str | None = None
    shard: Shard | None = None

    def of(self, tenants: Sequence[Tenant]) -> list[Tenant]:
        """Return them.

        Raises:
            UsageError: there is no tenant of a name, or no such stage.
        """
        inventory.require(tenants, self.names, self.stage)
        return [
            each
            for each in tenants
            if (not self.names or each.name in self.names)
            and (self.stage is None or each.stage == self.stage)
            and (self.shard is None or self.shard.has(each))
        ]
