"""Shadow databases: empty databases on which revisions are run, and which are dropped after."""

from migrator.shadow.database import another, configured, copy, empty, reading, server
from migrator.shadow.fence import ShadowError, fence
from migrator.shadow.migration import check, downgrade, fenced, not_there, upgrade

__all__ = [
    "ShadowError",
    "another",
    "check",
    "configured",
    "copy",
    "downgrade",
    "empty",
    "fence",
    "fenced",
    "not_there",
    "reading",
    "server",
    "upgrade",
]
