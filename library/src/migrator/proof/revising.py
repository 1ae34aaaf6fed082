"""`make revision`: from the models to revisions that are proved, and then written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from alembic.script import Script

from migrator import shadow
from migrator.autogenerate import removed_enum_values
from migrator.config.context import Context
from migrator.errors import MigratorError, one_line
from migrator.proof import tables
from migrator.proof.proof import DowngradeFailed, NotProved, OldCodeRefused, Proof, not_covered
from migrator.proof.proposal import Proposal, proposed
from migrator.proof.seeding import Seeding
from migrator.proof.shadow_history import ShadowHistory, applied
from migrator.revisions import phase_and_transaction, snapshot
from migrator.revisions.phase_and_transaction import Attributes

EMPTY = '`make empty-revision m="..."`'


@dataclass
class Written:
    """The revisions that were written, oldest first, and what the proof could not try.

    `files` has the attributes of each. `snapshot` are the files of the snapshot that changed.
    `range` is FROM..TO. `without_rows` is whether a table took no rows, or had to be without.
    `kept` is whether enum types keep values that no model lists.
    """

    files: list[tuple[Path, Attributes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    snapshot: list[str] = field(default_factory=list)
    range: str = ""
    without_rows: bool = False
    kept: bool = False


def revise(context: Context, message: str, asked: Sequence[str]) -> Written:
    """Write the revisions that lead from the history to the models, once they are proved.

    Args:
        asked: what was named, as after alembic's -x.

    Returns:
        No files if the models and the history agree.

    Raises:
        RefusedError: something has to be named, or cannot be proved; nothing was written.
        MigratorError: a revision fails, or no shadow database can be made; nothing was written.
    """
    rows = shadow.server(context)  # where rows are counted that a change would not keep
    with applied(context) as history, proposed(history, message, asked, rows) as proposal:
        if not proposal.scripts:
            if found := proposal.compared.differences:
                raise not_covered(found)
            return Written(kept=bool([*removed_enum_values.kept(proposal.compared)]))
        try:
            with proved(history, proposal.scripts, proposal) as (copy, notes, without_rows):
                attributes_of = [phase_and_transaction.of(each) for each in proposal.scripts]
                files = [*zip(proposal.write(), attributes_of, strict=True)]
                saved = snapshot.write(context, copy.url, keep=True)
        except NotProved as error:
            error.args = (f"{error} No revision was written.",)
            raise
        first, last = proposal.scripts[0], proposal.scripts[-1]
        between = f"{first.down_revision or ''}..{last.revision}"
        return Written(files, notes, saved, between, without_rows)


@contextmanager
def proved(
    history: ShadowHistory,
    scripts: Sequence[Script],
    proposal: Proposal | None = None,
) -> Iterator[tuple[ShadowHistory, list[str], bool]]:
    """Prove revisions that follow those of `history`.

    Rows that a revision cannot work with, as duplicates where a value becomes unique, are left
    out in another try, and a sentence says so.

    Args:
        proposal: what they are of, and the database of `history` may be used up; None for some
            that are in the history already, which are proved on a copy of it.

    Yields:
        The database to which they are applied, the sentences, and whether rows were left out.

    Raises:
        NotProved: they do something else than they have to.
    """
    compared, lossy, only = None, frozenset[str](), None
    if proposal is not None:
        compared, lossy = proposal.compared, proposal.lossy
        found = tables.of(compared.differences)
        only = tables.with_related(found, compared.existing, compared.models)
    seeding = Seeding(only=only)
    place = history.copied() if proposal is None else nullcontext(history)
    while True:
        with place as own:
            if (notes := _prove(Proof(own, scripts, compared, lossy, only), seeding)) is not None:
                yield own, [*notes, *seeding.notes], bool(seeding.empty or seeding.problems)
                return
        place = history.copied() if proposal is None else history.made_again(scripts[0])


def _prove(proof: Proof, seeding: Seeding) -> list[str] | None:
    """Return sentences; None if it has to be tried again, with other rows or another phase."""
    seeding.problems = seeding.fill(proof.history)
    notes = [*seeding.problems]
    try:
        proof.run()
    except OldCodeRefused as error:
        if proof.compared is None:
            raise
        _make_contract(error.script)
        example = error.refused[0]
        seeding.notes.append(
            f"{error.script.revision} is of phase contract, since code that runs now may send what"
            f" it refuses: {example.sql}: {example.reason.removesuffix('.')}."
        )
        return None
    except NotProved:
        raise
    except Exception as error:  # a revision is somebody's Python
        if seeding.without(error):
            return None
        if isinstance(error, DowngradeFailed):
            raise NotProved(
                f"The downgrade fails on a shadow database: {_reason(error.reason)}."
            ) from error
        by_hand = "" if proof.compared is None else f" {_by_hand(error)}"
        raise NotProved(
            f"The revision fails on a shadow database: {_reason(error)}.{by_hand}"
        ) from error
    if proof.accepted:
        notes.append(
            f"Old code: {proof.accepted} statements that the schema before accepts are accepted"
            " after the expand revisions, too."
        )
    return notes


def _by_hand(error: Exception) -> str:
    """Return what to type; an operation of ours has said what to write."""
    order = "" if isinstance(error, MigratorError) else ", in an order that the server takes"
    return f"Write the revision by hand{order}: {EMPTY}."


def _reason(error: Exception) -> str:
    return one_line(error).removesuffix(".")


def _make_contract(script: Script) -> None:
    """Write another phase into the file, and into what was read from it."""
    path = Path(script.path)
    text = path.read_text(encoding="utf-8")
    for quote in ("'", '"'):
        before = f"phase: str = {quote}expand{quote}"
        text = text.replace(before, before.replace("expand", "contract"))
    path.write_text(text, encoding="utf-8")
    vars(script.module)["phase"] = "contract"
