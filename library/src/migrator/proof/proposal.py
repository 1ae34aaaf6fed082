"""What autogenerate writes for the models, in a folder of its own until it is proved."""

import logging
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from alembic.autogenerate.api import RevisionContext
from alembic.config import PostWriteHookConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.write_hooks import _run_hooks
from sqlalchemy.engine import URL
from sqlalchemy.exc import IdentifierError, NoReferenceError

from migrator import console
from migrator.autogenerate import affected_rows, comparison, consent
from migrator.autogenerate.comparison import Comparison
from migrator.proof.shadow_history import ShadowHistory

UNUSED = ("splice", "branch_label", "rev_id", "depends_on")


@dataclass
class Proposal:
    """Revisions, oldest first, whose files are in `folder`, and not in the history yet.

    `lossy` are columns (table.column) whose values may be other ones afterwards, by consent.
    """

    directory: ScriptDirectory
    folder: Path
    scripts: Sequence[Script]
    compared: Comparison
    locations: Sequence[Path]
    hooks: Sequence[PostWriteHookConfig]
    lossy: frozenset[str] = frozenset()

    def write(self) -> list[Path]:
        """Move the files to where revisions belong, run the hooks of the ini file, and return them.

        Raises:
            CommandError: a hook failed; the files are there.
        """
        written = []
        for script in self.scripts:
            path = Path(script.path)
            place = self._home() / path.relative_to(self.folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, place)
            written.append(place)
        for place in written if self.hooks else ():
            with redirect_stdout(StringIO()):  # what Alembic says of each hook
                _run_hooks(place, [*self.hooks])
        return written

    def _home(self) -> Path:
        """Return the folder of the revision that the first one follows, as Alembic does."""
        before = self.directory.get_revision(str(self.scripts[0].down_revision or "base"))
        inside = [each for each in self.locations if before and each in Path(before.path).parents]
        return max(inside, key=lambda each: len(each.parts), default=self.locations[0])


@contextmanager
def proposed(
    history: ShadowHistory, message: str, asked: Sequence[str], rows: URL | None = None
) -> Iterator[Proposal]:
    """Compare the models with the schema of `history`, and yield what leads to them.

    There are no scripts where autogenerate finds nothing to do.

    Args:
        history: all revisions are applied.
        asked: what was named: `drop=...` and the like, as after alembic's -x.
        rows: the developer's database, which has rows as the shadow database has not.

    Raises:
        RefusedError: something has to be named; nothing was written.
        MigratorError: the tables of the models cannot be created.
    """
    config, directory = history.context.config, history.directory
    with tempfile.TemporaryDirectory(prefix="revision-") as name:
        folder = Path(name)
        config.cmd_opts = Namespace(x=list(asked))
        config.attributes[affected_rows.URL] = rows
        arguments: dict[str, Any] = dict.fromkeys(UNUSED) | {
            "autogenerate": True,
            "sql": False,
            "head": "head",
            "message": message,
            "version_path": str(folder),
        }
        revision = RevisionContext(config, directory, arguments)
        compared: list[Comparison] = []

        def compare(heads: Any, migration: MigrationContext) -> list[Any]:
            revision.run_autogenerate(heads, migration)
            compared.append(comparison.of(migration))
            return []

        given = {"template_args": revision.template_args, "revision_context": revision}
        try:
            with _detected():
                history.run(compare, **given)
        except (NoReferenceError, IdentifierError) as error:
            raise comparison.cannot_be_created(error) from error
        found = [
            each
            for each in revision.generated_revisions
            if each.upgrade_ops is not None and not each.upgrade_ops.is_empty()
        ]
        revision.generated_revisions[:] = found
        locations, hooks = directory._version_locations, directory.hooks
        with _elsewhere(directory, folder):
            scripts = [script for script in revision.generate_scripts() if script]
        lossy = config.attributes.get(consent.LOSSY, frozenset())
        yield Proposal(directory, folder, scripts, compared[0], locations, hooks, lossy)


@contextmanager
def _elsewhere(directory: ScriptDirectory, folder: Path) -> Iterator[None]:
    """Let Alembic write into `folder`, silently and without the hooks: they are for the place."""
    others: dict[str, Any] = {
        "hooks": [],
        "messaging_opts": {"quiet": True},
        "version_locations": None,
        "_version_locations": [*directory._version_locations, folder],
    }
    before = {name: getattr(directory, name) for name in others}
    vars(directory).update(others)
    try:
        yield
    finally:
        vars(directory).update(before)


@contextmanager
def _detected() -> Iterator[None]:
    """Show what Alembic logs of the differences that it detects."""
    logger = logging.getLogger("alembic.autogenerate")
    handler = console.Handler()
    handler.setFormatter(logging.Formatter("%(levelname)-7s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
