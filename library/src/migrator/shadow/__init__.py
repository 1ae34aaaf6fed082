"""Shadow databases: empty databases on which revisions are run, and which are dropped after."""

from migrator.shadow.database import another, configured, connected, copy, reading, server
from migrator.shadow.database import empty as bare
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
from migrator.shadow.prepared import empty, prepare

__all__ = [
    "ShadowError",
    "another",
    "bare",
    "check",
    "commit_rest",
    "configured",
    "connected",
    "copy",
    "downgrade",
    "empty",
    "fence",
    "fenced",
    "is_theirs",
    "not_there",
    "outside",
    "prepare",
    "reading",
    "run",
    "server",
    "upgrade",
]
