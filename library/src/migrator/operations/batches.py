"""The SQL of a backfill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from migrator.operations import names

PASSES = 5  # what others insert behind us needs another one; a condition that stays true no more


@dataclass
class Batches:
    """What to change, all of it as SQL: `values` by column, the rows that `where` finds."""

    target: str
    values: Mapping[str, str]
    where: str
    key: list[str] = field(default_factory=list)

    def next(self, last: Sequence[Any] | None, size: int) -> str:
        """Return a query that changes the next batch after the key `last`.

        It returns how many rows were changed and the last key of the batch; no row at the end.
        """
        after = f" AND ({self._keys()}) > ({', '.join(_literal(v) for v in last)})" if last else ""
        aliases = ", ".join(self._aliases())
        last_first = ", ".join(f"{alias} DESC" for alias in self._aliases())
        return (
            f"WITH {self._batch(after, size)}, changed AS ({self._update()} RETURNING 1)"
            f" SELECT (SELECT count(*) FROM changed), {aliases} FROM batch"
            f" ORDER BY {last_first} LIMIT 1"
        )

    def everything(self) -> str:
        """Return one UPDATE of all rows."""
        return f"UPDATE {self.target} SET {self._assignments()} WHERE {self.where}"

    def procedure(self, size: int, pause: float, done: str) -> str:
        """Return a DO block that commits after each batch; it must not run in a transaction.

        Args:
            done: a statement for the end.
        """
        after = " AND (last_row IS NULL OR ({keys}) > ({last}))".format(
            keys=self._keys(), last=", ".join(f"last_row.{name}" for name in self.key)
        )
        aliases = ", ".join(self._aliases())
        # One statement, so that both parts of it mean the same rows.
        return f"""DO $backfill$
DECLARE
  last_row {self.target};
  next_row {self.target};
BEGIN
  FOR pass IN 1..{PASSES} LOOP
    last_row := NULL;
    LOOP
      WITH {self._batch(after, size)}, changed AS ({self._update()} RETURNING 1)
      SELECT * INTO next_row FROM {self.target}
        WHERE ({self._keys()}) IN (SELECT {aliases} FROM batch)
        ORDER BY {self._keys("DESC")} LIMIT 1;
      EXIT WHEN NOT FOUND;
      last_row := next_row;
      COMMIT;
      PERFORM pg_sleep({pause:g});
    END LOOP;
    EXIT WHEN last_row IS NULL;
  END LOOP;
  {done};
END $backfill$"""

    def _batch(self, after: str, size: int) -> str:
        return (
            f"batch ({', '.join(self._aliases())}) AS (SELECT {self._keys()} FROM {self.target}"
            f" WHERE ({self.where}){after} ORDER BY {self._keys()} LIMIT {size})"
        )

    def _update(self) -> str:
        # `where` once more: somebody may have filled the row since the batch was chosen.
        pairs = zip(self.key, self._aliases(), strict=True)
        same = " AND ".join(f"{self.target}.{name} = batch.{alias}" for name, alias in pairs)
        return (
            f"UPDATE {self.target} SET {self._assignments()} FROM batch"
            f" WHERE {same} AND ({self.where})"
        )

    def _aliases(self) -> list[str]:
        """Names for the key's columns in a batch, that no expression means by accident."""
        return [f"batch_key_{number}" for number in range(len(self.key))]

    def _assignments(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.values.items())

    def _keys(self, direction: str = "") -> str:
        return ", ".join(f"{name} {direction}".strip() for name in self.key)


def _literal(value: Any) -> str:
    if isinstance(value, int | float | Decimal):
        return str(value)
    return names.literal(str(value))
