"""The proof of revisions: what they build, and what they leave as it was.

On a shadow database with rows in every table: upgrade, and the catalog equals that of the models;
downgrade, and it equals that of before; upgrade again, and it is the same as the first time. Rows
are counted, and their values compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alembic.script import Script

from migrator import catalog
from migrator.catalog import Difference, Schema
from migrator.errors import RefusedError, one_line
from migrator.proof import contents, remedies
from migrator.proof.contents import Contents, Loss, Name
from migrator.proof.old_code import Code, Refused
from migrator.proof.shadow_history import ShadowHistory
from migrator.revisions import graph

SHOWN = 10  # of many differences


class NotProved(RefusedError):
    """A revision does something else than it has to; the details say what."""

    def __init__(self, message: str, details: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(f"{message} No revision was written.")
        self.details = tuple(details)


class OldCodeRefused(NotProved):
    """After a revision of phase expand, statements of old code are refused."""

    def __init__(self, script: Script, refused: Sequence[Refused]) -> None:
        super().__init__(
            f"After revision {script.revision}, of phase expand, the server refuses what code that"
            " does not know of it may send: it belongs to phase contract.",
            [("refused", f"{each.sql}: {each.reason}") for each in refused[:SHOWN]],
        )
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

    `aims_at_models` is false for a revision in the middle of a history. `lossy` are columns
    (table.column) whose values may change. `accepted` is the number of statements of old code that
    are still accepted after the expand revisions.
    """

    history: ShadowHistory
    scripts: Sequence[Script]
    aims_at_models: bool = True
    lossy: frozenset[str] = frozenset()
    by_hand: bool = False
    accepted: int = field(default=0, init=False)

    def run(self) -> None:
        """Prove it.

        Raises:
            NotProved: it is wrong.
            Exception: whatever a revision raises, with its identifier in a note.
        """
        before = self._read()
        self._apply_beside_old_code(before)
        after = self._read(before)
        self._nothing_lost("the upgrade", before, after, before)
        self._is_what_models_describe()
        self._revert()
        again = self._read(before)
        self._same("after a downgrade", before.schema, again.schema)
        self._nothing_lost("the downgrade", before, again, after)
        self.history.upgrade(self.scripts[-1].revision)
        self._same("after a second upgrade", after.schema, self.history.schema())

    def _apply_beside_old_code(self, before: Contents) -> None:
        """Apply the revisions; those of phase expand have to leave the old code working.

        Raises:
            OldCodeRefused: one of them does not.
        """
        if self.history.url.get_backend_name() == "sqlite":  # nobody writes during a deploy
            self.history.upgrade(self.scripts[-1].revision)
            return
        with self.history.connect() as connection:
            old = Code.of(connection, before)
        expanding = True
        for script in self.scripts:
            self.history.upgrade(script.revision)
            expanding = expanding and graph.phase(script) != "contract"
            if expanding:
                with self.history.connect() as connection:
                    if refused := old.refused(connection):
                        raise OldCodeRefused(script, refused)
                self.accepted = len(old.statements)

    def _revert(self) -> None:
        before = self.scripts[0]._versioned_down_revisions
        try:
            self.history.downgrade(before[0] if before else "base")
        except Exception as error:
            raise NotProved(
                f"The downgrade fails on a shadow database: {one_line(error)}"
            ) from error

    def _read(self, before: Contents | None = None) -> Contents:
        """Return the rows, with values whose type is not that of `before` cast back to it."""
        schema = self.history.schema()

        def cast(table: Name, column: str) -> str | None:
            kinds = [
                each.objects.get(catalog.Key("column", (*table, column)), {}).get("type")
                for each in (before.schema if before else schema, schema)
            ]
            return str(kinds[0]) if kinds[0] and kinds[0] != kinds[1] else None

        with self.history.connect() as connection:
            return contents.read(connection, schema, cast)

    def _nothing_lost(
        self, what: str, before: Contents, after: Contents, between: Contents
    ) -> None:
        """Compare rows; columns that `between` has not are gone, by consent."""
        found = [
            each
            for each in contents.losses(before, after, only_changed_types=self.by_hand)
            if not self._is_meant(each, between)
        ]
        if found:
            raise NotProved(
                f"Rows or values are lost by {what}, as tried on a shadow database.",
                details=[("lost", str(each)) for each in found[:SHOWN]],
            )

    def _is_meant(self, loss: Loss, between: Contents) -> bool:
        if not loss.column:
            return loss.table not in between.counts
        names = {".".join((*loss.table[start:], loss.column)) for start in range(len(loss.table))}
        return bool(names & self.lossy) or loss.column not in between.columns(loss.table)

    def _is_what_models_describe(self) -> None:
        if self.aims_at_models and (found := self.history.compare().differences):
            raise not_covered(found)

    def _same(self, when: str, one: Schema, other: Schema) -> None:
        found = [each for each in catalog.diff(one, other) if not _stays(each)]
        if found:
            raise NotProved(
                f"The schema is another one {when}, as tried on a shadow database.",
                details=_shown(found, "the schema before", "the schema after it"),
            )


def _stays(difference: Difference) -> bool:
    """Whether it is a new value of an enum type, which PostgreSQL cannot take back."""
    key, name, before, after = (
        difference.key,
        difference.property,
        difference.before,
        difference.after,
    )
    return key.kind == "enum" and name == "values" and set(before or ()) <= set(after or ())


def _shown(found: Sequence[Difference], before: str, after: str) -> list[tuple[str, str]]:
    lines = [("differs", each.describe(before, after)) for each in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(("and", f"{len(found) - SHOWN} more"))
    return lines
