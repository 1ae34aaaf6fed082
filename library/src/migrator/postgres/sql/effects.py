"""What a statement is to a session: whether it commits, waits, may run twice, leaves a state."""

import re

from migrator.postgres.sql.names import QUALIFIED
from migrator.postgres.sql.tokens import bare, begins, body, has, words

# They refuse to run inside a transaction, or end it.
ALONE = (
    *(f"{verb} {kind}" for verb in ("CREATE", "DROP") for kind in ("DATABASE", "TABLESPACE")),
    *("CREATE SUBSCRIPTION", "DROP SUBSCRIPTION", "ALTER SYSTEM", "ALTER DATABASE", "VACUUM"),
    *("CALL", "BEGIN", "START", "COMMIT", "ROLLBACK", "DISCARD"),
)
# To do these twice is to do them once.
REPEATABLE = ("ANALYZE", "VACUUM", "REINDEX", "REFRESH", "COMMENT", "SET", "RESET", "SHOW")
REPEATABLE_ACTIONS = (
    *("VALIDATE CONSTRAINT", "SET NOT NULL", "DROP NOT NULL"),
    *(f"ADD {kind} IF NOT EXISTS" for kind in ("COLUMN", "CONSTRAINT")),
    *(f"DROP {kind} IF EXISTS" for kind in ("COLUMN", "CONSTRAINT")),
)
ENDS = re.compile(r"\b(?:COMMIT|ROLLBACK)(?: AND (?:NO )?CHAIN)? ;")
DETACH = re.compile(
    rf"(?P<kept>\bDETACH\s+PARTITION\s+(?P<partition>{QUALIFIED}))\s+CONCURRENTLY\b", re.IGNORECASE
)
BARE_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b(?!\s+IF\b)", re.IGNORECASE)


def first_word(statement: str) -> str:
    """Return the word that a statement begins with, in capitals."""
    return next(iter(words(statement)), "")


def is_concurrent(statement: str) -> bool:
    """Return whether a statement works CONCURRENTLY: it waits for others without a strong lock."""
    if not has(statement, "CONCURRENTLY"):
        return False
    if begins(statement, "ALTER TABLE"):
        return has(statement, "DETACH PARTITION")
    return begins(statement, "CREATE", "DROP", "REINDEX", "REFRESH")


def validates(statement: str) -> bool:
    """Return whether a statement validates a constraint, which reads the whole table."""
    return begins(statement, "ALTER TABLE") and has(statement, "VALIDATE CONSTRAINT")


def only_reads(statement: str) -> bool:
    """Return whether a statement begins as one that only reads, and sets nothing."""
    return begins(statement, "SELECT", "SHOW") and not has(statement, "SET_CONFIG")


def looks_at_server(statement: str) -> bool:
    """Return whether a statement asks for the server, its catalog or its settings."""
    found = words(statement)
    if not begins(statement, "SELECT", "WITH"):
        return False
    settings = {"SET_CONFIG", "CURRENT_SETTING"}
    return len(found) < 3 or any(w.startswith("PG_") or w in settings for w in found)


def changes_nothing(statement: str) -> bool:
    """Return whether a statement begins as one that leaves nothing in the database."""
    return begins(statement, "SELECT", "SHOW", "SET")


def changes_rows(statement: str) -> bool:
    """Return whether a statement deletes or changes rows that are there."""
    return begins(statement, "DELETE", "TRUNCATE", "UPDATE")


def runs_alone(statement: str) -> bool:
    """Return whether a statement refuses to run in a transaction, or ends the one it is in.

    So do DO blocks with a COMMIT, as `--sql` writes them for a backfill.
    """
    if begins(statement, "CREATE", "DROP", "REINDEX", "ALTER") and has(statement, "CONCURRENTLY"):
        return True
    return begins(statement, *ALONE) or bool(ENDS.search(" ".join(words(body(statement)))))


def is_repeatable(statement: str) -> bool:
    """Return whether a statement may run again after it has run."""
    if begins(statement, *REPEATABLE, "CREATE OR REPLACE"):
        return True
    if begins(statement, "ALTER TABLE"):
        return has(statement, *REPEATABLE_ACTIONS)
    if begins(statement, "ALTER TYPE"):
        return has(statement, "ADD VALUE IF NOT EXISTS")
    if begins(statement, "SELECT"):  # what only looks into the catalog
        return bool(re.search(r"\bFROM\s+\"?pg_", statement, re.IGNORECASE))
    exists = {"CREATE": "IF NOT EXISTS", "DROP": "IF EXISTS"}.get(first_word(statement))
    return exists is not None and has(statement, exists)


def if_not_exists(statement: str) -> str:
    """Return a CREATE INDEX CONCURRENTLY that leaves an index of that name alone."""
    return BARE_CONCURRENTLY.sub(r"\g<0> IF NOT EXISTS", statement, count=1)


def detached_partition(statement: str) -> str:
    """Return the partition that ALTER TABLE detaches CONCURRENTLY, as written, or nothing."""
    found = DETACH.search(statement) if begins(statement, "ALTER TABLE") else None
    return found["partition"] if found else ""


def finalized(statement: str) -> str:
    """Return what ends a DETACH PARTITION CONCURRENTLY that was interrupted."""
    return DETACH.sub(r"\g<kept> FINALIZE", statement, count=1)


def sent(statement: str) -> str:
    """Return a statement as the server gets it, without comments before: drivers halve %%."""
    return bare(statement).replace("%%", "%")
