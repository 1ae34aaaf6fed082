"""Run revisions on a shadow database whose tables have rows, one after the other."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from traceback import extract_tb
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import Script
from sqlalchemy.engine import URL

from migrator import shadow
from migrator.config.context import Context
from migrator.errors import MigratorError
from migrator.revisions import graph
from migrator.trace.rejected_rows import Rows
from migrator.trace.traced_statement import Traced
from migrator.trace.trials import Trials, reason


class Run:
    """One shadow database at `url`, which `context` names; `rows` says what goes into it."""

    def __init__(self, context: Context, url: URL, rows: Rows, *, together: bool) -> None:
        self.context = context
        self.trials = Trials(url, rows, together=together)
        self._revisions = graph.load(context, tolerant=True)
        self._applied: set[str] = set()
        # The revision before those that were asked for that is running, and whether such have run
        # since the database was looked at.
        self._preparing, self._prepared = "", False

    def close(self) -> None:
        """Close the sessions."""
        self.trials.close()

    def all(self, revisions: Sequence[Script], traced: list[Traced]) -> None:
        """Add to `traced` what each revision did that is not there yet.

        Raises:
            RowsDoNotFit: one fails because of the rows, and has committed something before.
            MigratorError: one fails before these.
        """
        left = deque(revisions[len(traced) :])
        failed = next((each.script.revision for each in traced if each.failure), "")
        with self.trials.watching() as connection:
            self.context.config.attributes["connection"] = connection
            while left and not failed:
                self._run_env(left, traced)
                failed = traced[-1].script.revision if traced and traced[-1].failure else ""
        why = f"not tried, because {failed} fails"
        traced += [Traced(script, failure=why, untried=True) for script in left]

    def _run_env(self, left: deque[Script], traced: list[Traced]) -> None:
        """Run env.py once for as many of the revisions as it commits one by one."""
        trials = self.trials
        revisions = self._revisions
        begun = False

        def steps(_: Any, migration: MigrationContext) -> Iterator[Any]:
            nonlocal begun
            trials.recorder.attach(migration)
            while left:
                if (yield from self._before(left[0], migration)) and _is_open(migration):
                    return  # env.py commits, and the locks of these are gone
                if self._prepared:
                    trials.prepared()
                    self._prepared = False
                begun = True
                trials.begin(left[0])
                yield MigrationStep.upgrade_from_script(revisions.revision_map, left[0])
                shadow.commit_rest(migration)
                if _is_open(migration):
                    return
                finish()

        def reached(heads: tuple[str, ...]) -> bool:
            if not begun:
                return not any(self._steps(each, heads) for each in left[0]._all_down_revisions)
            last = traced[-1].script if not trials.running and traced else left[0]
            return not self._steps(last.revision, heads)

        def finish() -> None:
            traced.append(trials.end())
            self._applied.add(left.popleft().revision)

        try:
            shadow.run(self.context, revisions, left[-1].revision, steps, reached)
        except shadow.ShadowError:
            raise
        except Exception as error:  # a revision is Python: anything may be raised
            if self._preparing:
                raise self._unprepared(error) from error
            if not trials.running:
                raise
            if trials.fail(error):
                finish()
        else:
            if trials.running:
                finish()
        finally:
            self._preparing = ""

    def _before(self, script: Script, migration: MigrationContext) -> Generator[Any, None, bool]:
        """Yield the steps to revisions that this one follows; return whether any had not run."""
        if not {*script._all_down_revisions} - self._applied:
            return False
        heads = migration.get_current_heads()
        shadow.commit_rest(migration)  # reading where it is began a transaction
        for step in self._steps(script.revision, heads):
            if step.revision.revision != script.revision:
                self._preparing = step.revision.revision
                yield step
                self._applied.add(self._preparing)
        shadow.commit_rest(migration)
        self._applied.update(script._all_down_revisions)
        self._preparing, self._prepared = "", True
        return True

    def _steps(self, revision: str, heads: Any) -> list[Any]:
        return [*self._revisions._upgrade_revs(revision, heads)]

    def _unprepared(self, error: Exception) -> MigratorError:
        frames = {frame.filename for frame in extract_tb(error.__traceback__)}
        scripts = self._revisions.walk_revisions()
        failed = next((s.revision for s in scripts if s.module.__file__ in frames), None)
        if failed is None and isinstance(error, MigratorError):
            return error
        return MigratorError(
            f"Revision {failed or self._preparing} fails on the shadow database,"
            " before those that were to be checked; it would fail on every new database, too"
            f" ({type(error).__name__}: {reason(error)}). Fix it so that it needs neither"
            " rows nor settings of another database."
        )


def _is_open(migration: MigrationContext) -> bool:
    """Return whether env.py has one transaction for all revisions, which it commits at its end."""
    return migration.connection is None or migration.connection.in_transaction()
