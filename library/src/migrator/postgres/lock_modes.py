"""PostgreSQL's lock modes of tables, by the names in pg_locks."""

# From weak to strong, as PostgreSQL's manual lists them.
MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
# By what they stop in other sessions; the other modes stop only changes of the schema.
STOPS_READS = frozenset({"AccessExclusiveLock"})
STOPS_WRITES = STOPS_READS | {"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock"}


def rank(mode: str) -> int:
    """Return how strong a lock mode is."""
    return MODES.index(mode) if mode in MODES else -1


def shown(mode: str) -> str:
    """Return a lock mode as PostgreSQL's manual writes it, for example ACCESS EXCLUSIVE."""
    name = mode.removesuffix("Lock")
    return "".join(f" {c}" if c.isupper() else c for c in name).strip().upper()
