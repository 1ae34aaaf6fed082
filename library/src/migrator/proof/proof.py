"""The proof of revisions: what they build, and what they leave as it was.

On a shadow database with rows in every table: upgrade, and the catalog equals that of the models;
downgrade, and it equals that of before; upgrade again, and it is the same as the first time. Rows
are counted, and their values compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alembic.script import Script

from migrator import catalog
from migrator.autogenerate.comparison import Comparison
from migrator.catalog import Difference, Schema
from migrator.errors import RefusedError
from migrator.proof import contents, remedies, tables
from migrator.proof.contents import Contents, Loss, Name
from migrator.proof.old_code import Code, Refused
from migrator.proof.shadow_history import ShadowHistory
from migrator.revisions import phase_and_transaction
from migrator.revisions.phase_and_transaction import EXPAND
from migrator.sqlite import values_kept

SHOWN = 10  # of many differences


class NotProved(RefusedError):
    """A revision does something else than it has to; the details say what."""

    def __init__(self, message: str, details: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class DowngradeFailed(Exception):
    """A downgrade fails, perhaps because of the rows that there are."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


class OldCodeRefused(NotProved):
    """After a revision of phase expand, statements of old code are refused."""

    def __init__(self, message: str, script: Script, refused: Sequence[Refused]) -> None:
        shown = [("refused", f"{each.sql}: {each.reason}") for each in refused[:SHOWN]]
        super().__init__(message, shown)
        self.script, self.refused = script, refused


def not_covered(found: Sequence[Difference]) -> NotProved:
    """Return the error for differences that no operation of autogenerate covers."""
    return NotProved(
        "The models and the revisions would still differ, in what autogenerate has no operation"
        ' for. Write one by hand, with op.execute: `make empty-revision m="..."`.',
        details=[*_shown(found, "the revisions", "the models"), *remedies.write(found)],
    )


@dataclass
class Proof:
    """The proof of `scripts`, oldest first, on the shadow database of `history`.

    `compared` is the comparison that they were written from; None for one that is in the history
    already, and need not lead to the models. `lossy` are columns (table.column) whose values may
    change. `only` are the tables that have rows, if not all of them have. `accepted` is the number
    of statements of old code that are still accepted after the expand revisions.
    """

    history: ShadowHistory
    scripts: Sequence[Script]
    compared: Comparison | None = None
    lossy: frozenset[str] = frozenset()
    only: frozenset[Name] | None = None
    accepted: int = field(default=0, init=False)

    def run(self) -> None:
        """Prove it.

        Raises:
            NotProved: it is wrong.
            Exception: whatever a revision raises, with its identifier in a note.
        """
        before = self._read()
        for script in self.scripts:
            self.history.apply(script)
        after = self._read(before)
        irreversible = any(hasattr(script.module, "irreversible") for script in self.scripts)
        if not irreversible:
            self._nothing_lost("the upgrade", before, after, before)
        self._is_what_models_describe(after.schema)
        if irreversible:
            return
        self._revert()
        again = self._read(before)
        self._same("after a downgrade", before.schema, again.schema, after.schema)
        self._nothing_lost("the downgrade", before, again, after)
        self._apply_beside_old_code(again, after.schema)
        self._same("after a second upgrade", after.schema, self.history.schema())

    def _is_what_models_describe(self, after: Schema) -> None:
        if self.compared is None:
            return
        # What was read of the models before is enough, as a rule, and costs nothing.
        quick = Comparison(after, self.compared.models, self.compared.accepted)
        if quick.differences and (found := self.history.compare().differences):
            raise not_covered(found)

    def _apply_beside_old_code(self, before: Contents, after: Schema) -> None:
        """Apply the revisions; those of phase expand have to leave the old code working.

        Args:
            before: the rows of tables that the revisions change, or others, too.
            after: the schema that they lead to.

        Raises:
            OldCodeRefused: one of them does not.
        """
        with self.history.connect() as connection:
            on_sqlite = connection.dialect.name == "sqlite"  # nobody writes during a deploy
            changed = tables.of(catalog.diff(before.schema, after))
            old = Code([]) if on_sqlite else Code.of(connection, before, changed)
        expanding = True
        for script in self.scripts:
            self.history.apply(script)
            of_expand = (
                phase_and_transaction.has_phase(script)
                and phase_and_transaction.of(script).phase == EXPAND
            )
            expanding = expanding and of_expand
            if expanding:
                with self.history.connect() as connection:
                    if refused := old.refused(connection):
                        raise OldCodeRefused(
                            f"After revision {script.revision}, of phase expand, the server refuses"
                            " what code that does not know of it may send: it belongs to phase"
                            " contract.",
                            script,
                            refused,
                        )
                self.accepted = len(old.statements)

    def _revert(self) -> None:
        try:
            for script in reversed(self.scripts):
                self.history.revert(script)
        except Exception as error:  # a revision is somebody's Python
            raise DowngradeFailed(error) from error

    def _read(self, before: Contents | None = None) -> Contents:
        """Return the rows, with values whose type is not that of `before` cast back to it."""
        schema = self.history.schema()

        def cast(table: Name, column: str) -> str | None:
            kinds = [
                each.objects.get(catalog.Key("column", (*table, column)), {}).get("type")
                for each in (before.schema if before else schema, schema)
            ]
            old = str(kinds[0]) if kinds[0] and kinds[0] != kinds[1] else None
            return old if old and casts_back(old) else None

        with self.history.reading() as connection:
            casts_back = values_kept.casts_back if connection.dialect.name == "sqlite" else bool
            return contents.read(connection, schema, cast, self.only)

    def _nothing_lost(
        self, what: str, before: Contents, after: Contents, between: Contents
    ) -> None:
        """Compare rows; columns that `between` has not are gone, by consent."""
        found = [
            each
            for each in contents.losses(
                before, after, between, only_changed_types=self.compared is None
            )
            if not self._is_meant(each, between, after)
        ]
        if found:
            raise NotProved(
                f"Rows or values are lost by {what}, as tried on a shadow database.",
                details=[("lost", str(each)) for each in found[:SHOWN]],
            )

    def _is_meant(self, loss: Loss, between: Contents, after: Contents) -> bool:
        if not loss.column:
            return loss.table not in between.counts
        if "generated" in after.schema.objects[catalog.Key("column", (*loss.table, loss.column))]:
            return True  # what it is made of is compared
        names = {".".join((*loss.table[start:], loss.column)) for start in range(len(loss.table))}
        return bool(names & self.lossy) or loss.column not in between.columns(loss.table)

    def _same(self, when: str, one: Schema, other: Schema, between: Schema | None = None) -> None:
        found = [each for each in catalog.diff(one, other) if not _stays(each, between)]
        if found:
            by_hand = 'write it by hand (`make empty-revision m="..."`)'
            do = "correct it" if self.compared is None else by_hand
            raise NotProved(
                f"The schema is another one {when}, as tried on a shadow database.",
                details=[
                    *_shown(found, "the schema before", "the schema after it"),
                    ("to do", f"{do}, so that these are as they were"),
                ],
            )


def _stays(difference: Difference, between: Schema | None) -> bool:
    """Whether no downgrade can take it back.

    That is a new value of an enum type, and NULL where `between` had not the column: its values
    are gone, by consent.
    """
    key, name, before, after = (
        difference.key,
        difference.property,
        difference.before,
        difference.after,
    )
    if key.kind == "column" and name == "not_null" and between is not None:
        return key not in between.objects
    return key.kind == "enum" and name == "values" and set(before or ()) <= set(after or ())


def _shown(found: Sequence[Difference], before: str, after: str) -> list[tuple[str, str]]:
    lines = [("differs", each.describe(before, after)) for each in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(("and", f"{len(found) - SHOWN} more"))
    return lines
