"""Shadow databases: empty databases on which revisions are run, and which are dropped after.

database      creates, copies and drops them
prepared      what a history begins with, where it stands on another one
sessions      their sessions, one after the other
migration     Alembic's commands there, with the proof that they ran there
fence         no connection to another database is used meanwhile; driver, those of psycopg
abandoned     those of commands that were killed
made_outside  roles, databases and tablespaces that revisions have made on the server
"""

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
