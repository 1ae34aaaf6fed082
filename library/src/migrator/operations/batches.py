"""The SQL of a backfill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from migrator.operations import names

PASSES = 5  # what others insert behind us needs another one
NEXT_TRANSACTION = "pg_snapshot_xmax(pg_current_snapshot())::xid"
# So that a key's text means the same value again.
EXACT = {"DateStyle": "ISO", "IntervalStyle": "postgres", "extra_float_digits": "3"}
# So that a batch is read by the index of the key. Without statistics of a new column the planner
# takes almost no row for one that is left, and would read the whole table for each batch.
BY_INDEX = {"enable_seqscan": "off", "enable_bitmapscan": "off", "jit": "off"}
NO_JOINS = {"enable_hashjoin": "off", "enable_mergejoin": "off"}  # of the batch with the table


@dataclass
class Batches:
    """What to change, all of it as SQL: `values` by column, the rows that `where` finds.

    `types` are those of the key's columns.
    """

    target: str
    values: Mapping[str, str]
    where: str
    key: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    def next(self, last: Sequence[str], size: int) -> str:
        """Return a query that changes the next batch after the key `last`, if there is one.

        It returns how many rows were changed, in how many of them `where` is true nevertheless, and
        the last key of the batch, as the server writes it; no row at the end.
        """
        after = ""
        if last:
            pairs = zip(last, self.types, strict=True)
            values = ", ".join(f"CAST({names.literal(text)} AS {kind})" for text, kind in pairs)
            after = f" AND ({self._keys()}) > ({values})"
        aliases = ", ".join(self._aliases())
        texts = ", ".join(f"{alias}::text AS {alias}_text" for alias in self._aliases())
        last_first = ", ".join(f"{alias} DESC" for alias in self._aliases())
        # All rows up to the last one of the batch: these are the batch, in the same snapshot, and
        # they are found without looking for each of them.
        return (
            f"WITH {self._batch(after, size)}, batch_end AS (SELECT {aliases} FROM batch"
            f" ORDER BY {last_first} LIMIT 1), changed AS (UPDATE {self.target}"
            f" SET {self._assignments()} FROM batch_end WHERE ({self.where}){after}"
            f" AND ({self._keys()}) <= ({aliases}) AND {self._known} RETURNING {self._is_left})"
            f" SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM changed WHERE is_left),"
            f" {texts} FROM batch_end"
        )

    def any_left(self) -> str:
        """Return a query that gives a row if one is left, or if its key is NULL."""
        return f"SELECT 1 FROM {self.target} WHERE {self.where} LIMIT 1"

    def left(self, before: str) -> str:
        """Return a query that counts the rows that are left and were there at a certain moment.

        Args:
            before: SQL for the number of the first transaction after that moment.
        """
        older = f"age({self.target}.xmin) > age({before})"
        return f"SELECT count(*) FROM {self.target} WHERE ({self.where}) AND {older}"

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
        left = names.literal(f"the backfill of {self.target} has left % rows")
        by_index = ", ".join(
            f"set_config('{name}', '{value}', true)"
            for name, value in (BY_INDEX | NO_JOINS).items()
        )
        # One statement, so that both parts of it mean the same rows.
        return f"""DO $backfill$
DECLARE
  last_row {self.target};
  step record;
  began xid;
  number bigint := 0;
BEGIN
  FOR pass IN 1..{PASSES} LOOP
    last_row := NULL;
    began := {NEXT_TRANSACTION};
    LOOP
      PERFORM {by_index};
      WITH {self._batch(after, size)}, changed AS ({self._update()} RETURNING {self._is_left})
      SELECT whole_row, (SELECT count(*) FROM changed WHERE is_left) AS left INTO step
        FROM {self.target} AS whole_row WHERE ({self._keys()}) IN (SELECT {aliases} FROM batch)
        ORDER BY {self._keys("DESC")} LIMIT 1;
      EXIT WHEN NOT FOUND;
      last_row := step.whole_row;
      number := number + step.left;
      COMMIT;
      PERFORM pg_sleep({pause:g});
    END LOOP;
    EXIT WHEN last_row IS NULL OR number > 0;
  END LOOP;
  number := number + ({self.left("began")});
  IF number > 0 THEN
    RAISE EXCEPTION {left}, number;
  END IF;
  {done};
END $backfill$"""

    def _batch(self, after: str, size: int) -> str:
        return (
            f"batch ({', '.join(self._aliases())}) AS (SELECT {self._keys()} FROM {self.target}"
            f" WHERE ({self.where}){after} AND {self._known} ORDER BY {self._keys()} LIMIT {size})"
        )

    @property
    def _known(self) -> str:
        # A composite value with a NULL in it is one that IS NOT NULL does not find.
        return " AND ".join(f"{name} IS DISTINCT FROM NULL" for name in self.key)

    @property
    def _is_left(self) -> str:
        return f"({self.where}) IS TRUE AS is_left"

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
