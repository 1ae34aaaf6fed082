"""Shadow databases: empty databases on which revisions are run, and which are dropped after."""

from migrator.shadow.database import configured, empty
from migrator.shadow.fence import ShadowError, fence
from migrator.shadow.migration import check, downgrade, fenced, upgrade

__all__ = ["ShadowError", "check", "configured", "downgrade", "empty", "fence", "fenced", "upgrade"]
