"""Shadow databases: empty databases on which revisions are run, and which are dropped after."""

from migrator.shadow.database import configured, copy, empty, server

__all__ = ["configured", "copy", "empty", "server"]
