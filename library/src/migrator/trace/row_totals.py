"""How many rows of a table one transaction changes, adds or locks, in however many statements."""

from collections import Counter

from migrator.trace.traced_statement import Known, Step

# So many new rows in one transaction are no longer a few constants.
LOAD = 1000


class RowTotals:
    """What the statements of a transaction have done until now."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._transaction = ""
        self._clear()

    def _clear(self) -> None:
        self._changed: Counter[int] = Counter()
        self._inserted: Counter[int] = Counter()
        self._lines: Counter[tuple[int, int]] = Counter()
        self._read: set[int] = set()

    def bulk(self, step: Step) -> frozenset[int]:
        """Return the tables of which, with this statement, whole tables are written or locked.

        Every row was changed or locked, or a table's rows were copied, or very many were added.
        """
        if step.transaction != self._transaction:
            self._transaction = step.transaction
            self._clear()
        known = self._known
        bulk = {oid for oid, count in step.rows.items() if count >= known.many.get(oid, count + 1)}
        self._changed.update(step.rows)
        bulk |= {oid for oid in step.rows if self._changed[oid] >= self._all(oid)}
        bulk |= {oid for oid, count in step.locked_rows.items() if count >= self._all(oid)}
        self._inserted.update(step.inserted)
        self._read |= {self._all(oid) for oid, n in step.read.items() if n >= self._all(oid)}
        for oid, count in step.inserted.items():
            self._lines[oid, step.place.line] += 1
            once = min(self._read, default=count + 1)
            looped = self._lines[oid, step.place.line] == self._inserted[oid]
            copied = (looped and self._inserted[oid] in self._read) or (
                not looped and count >= once and step.read
            )
            if oid in known.rows and (copied or self._inserted[oid] >= LOAD):
                bulk.add(oid)
        return frozenset(bulk)

    def _all(self, oid: int) -> int:
        """Return how many rows a table has; more than any, if it is new or has none."""
        return max(self._known.rows.get(oid, 0) or 1 << 62, 2)
