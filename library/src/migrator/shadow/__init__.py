"""Shadow databases: empty databases on which revisions are run, and which are dropped after."""

from migrator.shadow.database import configured, empty

__all__ = ["configured", "empty"]
