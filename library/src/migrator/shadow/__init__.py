"""Shadow databases: empty databases on which revisions are run, and which are dropped after."""

from migrator.shadow.database import another, configured, copy, empty, reading, server
from migrator.shadow.fence import ShadowError, fence, is_theirs, outside
from migrator.shadow.migration import (
    check,
    commit_rest,
    downgrade,
    fenced,
    not_there,
    run,
    upgrade,
)

__all__ = [
    "ShadowError",
    "another",
    "check",
    "commit_rest",
    "configured",
    "copy",
    "downgrade",
    "empty",
    "fence",
    "fenced",
    "is_theirs",
    "not_there",
    "outside",
    "reading",
    "run",
    "server",
    "upgrade",
]
