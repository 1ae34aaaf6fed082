"""The table under load, and twelve changes of it that every service meets sooner or later.

The load uses `id` and `balance` only, and every change is one of another column: a request that
fails, fails because of how the change was deployed.
"""

from dataclasses import dataclass

ROWS = 1_000_000
SCHEMA = """
CREATE TABLE branches (id integer NOT NULL, name varchar(50) NOT NULL,
    CONSTRAINT pk_branches PRIMARY KEY (id));
INSERT INTO branches SELECT i, 'branch ' || i FROM generate_series(1, 100) i;
CREATE TABLE accounts (id integer NOT NULL, balance integer NOT NULL, branch_id integer NOT NULL,
    region integer, code varchar(20), owner varchar(50), note varchar(50), nick varchar(50),
    legacy varchar(50));
INSERT INTO accounts
    SELECT i, 0, 1 + i % 100, i % 1000, 'c' || i, 'owner', 'note', 'nick', 'legacy'
    FROM generate_series(1, {rows}) i;
ALTER TABLE accounts ADD CONSTRAINT pk_accounts PRIMARY KEY (id);
"""
SCRIPTS = {  # a script of pgbench and its weight
    "read": ("SELECT balance FROM accounts WHERE id = :id", 8),
    "write": ("UPDATE accounts SET balance = balance + 1 WHERE id = :id", 2),
}
_COLUMNS = "SELECT FROM pg_attribute WHERE attrelid = 'accounts'::regclass AND NOT attisdropped AND"
_INDEXES = (
    "SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
    " WHERE indrelid = 'accounts'::regclass AND indnatts = 1 AND indisvalid AND"
)
_CONSTRAINTS = (
    "SELECT FROM pg_constraint WHERE conrelid = 'accounts'::regclass AND convalidated AND"
)


@dataclass(frozen=True)
class Change:
    """One change: `name` on the command line, `words` in tables.

    `applied` is a query of the catalog, true when all of the change is there and valid. One that
    `fills` gives every row a value, which takes a minute or two in small batches: it is measured
    for this project only, and not as often.
    """

    name: str
    words: str
    applied: str
    fills: bool = False


def _exists(query: str) -> str:
    return f"SELECT EXISTS ({query})"


CHANGES = [
    Change("add-column", "add column", _exists(f"{_COLUMNS} attname = 'extra'")),
    Change(
        "add-default",
        "add column with default",
        _exists(f"{_COLUMNS} attname = 'status' AND atthasdef"),
    ),
    Change("drop-column", "drop column", f"SELECT NOT EXISTS ({_COLUMNS} attname = 'legacy')"),
    Change("rename-column", "rename column", _exists(f"{_COLUMNS} attname = 'nickname'")),
    Change("index", "index", _exists(f"{_INDEXES} attname = 'region'")),
    Change("unique", "unique constraint", _exists(f"{_INDEXES} attname = 'code' AND indisunique")),
    Change("foreign-key", "foreign key", _exists(f"{_CONSTRAINTS} contype = 'f'")),
    Change("check", "check constraint", _exists(f"{_CONSTRAINTS} contype = 'c'")),
    # The load's own columns are NOT NULL from the start, so it is about this one.
    Change("not-null", "NOT NULL", _exists(f"{_COLUMNS} attname = 'owner' AND attnotnull")),
    # varchar(50) to varchar(100): longer is a change of the catalog only, with a brief lock. A
    # change that rewrites the table (integer to bigint) cannot be done in one step by any tool.
    Change(
        "widen-type",
        "wider type, varchar(50) to (100)",
        _exists(f"{_COLUMNS} attname = 'note' AND atttypmod = 104"),
    ),
    Change(
        "new-not-null",
        "add NOT NULL column, filled",
        _exists(f"{_COLUMNS} attname = 'stars' AND attnotnull"),
        fills=True,
    ),
    Change(
        "volatile-default",
        "add column with a random default, filled",
        _exists(f"{_COLUMNS} attname = 'token' AND attnotnull AND atthasdef"),
        fills=True,
    ),
]
BY_NAME = {change.name: change for change in CHANGES}
MAIN = CHANGES[0]  # the one that all tools are compared by
