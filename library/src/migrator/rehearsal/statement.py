"""A statement of a rehearsal, and what it cost."""

from dataclasses import dataclass, field

from migrator.postgres import lock_modes


@dataclass
class Lock:
    """A lock on a table that was there before, and the seconds until it was released."""

    mode: str
    table: str
    seconds: float = 0.0


@dataclass
class Amount:
    """Rows and bytes of one table or index; `how` is scanned, rewritten or created."""

    relation: str
    how: str
    rows: int
    size: int


@dataclass
class Statement:
    """One statement of the revision `revision`, in `line` of its file.

    `count` is how often it was run in a row. `locks` are those that it took itself, the strongest
    for each table. `changed` are inserted, updated and deleted rows by table. `wal` and `temporary`
    are bytes; `temporary` was seen from outside, in regular intervals. `transactional` if it
    belongs to a transaction of several statements, at whose end its locks are released.
    """

    sql: str
    revision: str
    line: int
    transactional: bool = True
    count: int = 1
    seconds: float = 0.0
    locks: list[Lock] = field(default_factory=list)
    amounts: list[Amount] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)
    wal: int = 0
    temporary: int = 0
    error: str = ""

    @property
    def strongest(self) -> Lock | None:
        """The strongest lock; of several, the one that was held longest."""
        return max(
            self.locks, key=lambda each: (lock_modes.rank(each.mode), each.seconds), default=None
        )

    def absorb(self, other: "Statement") -> None:
        """Count the same statement, which was run once more."""
        self.count += other.count
        self.seconds += other.seconds
        self.wal += other.wal
        self.temporary = max(self.temporary, other.temporary)
        for table, rows in other.changed.items():
            self.changed[table] = self.changed.get(table, 0) + rows
        by_table = {lock.table: lock for lock in self.locks}
        for lock in other.locks:
            mine = by_table.get(lock.table)
            if mine is None:
                self.locks.append(lock)
            elif (lock_modes.rank(lock.mode), lock.seconds) > (
                lock_modes.rank(mine.mode),
                mine.seconds,
            ):
                mine.mode, mine.seconds = lock.mode, lock.seconds
        known = {(each.relation, each.how): each for each in self.amounts}
        for amount in other.amounts:
            same = known.get((amount.relation, amount.how))
            if same is None:
                self.amounts.append(amount)
            else:
                same.rows += amount.rows
                same.size = max(same.size, amount.size)


def collapsed(statements: list[Statement]) -> list[Statement]:
    """Return them with those joined that were run several times in a row."""
    found: list[Statement] = []
    for each in statements:
        last = found[-1] if found else None
        same = last and (last.revision, last.line, last.sql) == (
            each.revision,
            each.line,
            each.sql,
        )
        if last and same and not each.error and not last.error:
            last.absorb(each)
        else:
            found.append(each)
    return found
