"""What revisions change in the schema: two catalogs of each, before and after."""

from collections.abc import Iterator, Sequence

from alembic.script import Script

from migrator import catalog, shadow
from migrator.catalog import Schema
from migrator.config.context import Context
from migrator.lint.output.report import Change
from migrator.proof.shadow_history import ShadowHistory
from migrator.revisions import graph


def read(context: Context, revisions: Sequence[Script]) -> dict[str, Change]:
    """Return by revision what it changes; see `steps`."""
    return {
        script.revision: Change(catalog.diff(before, after), before, after)
        for script, before, after in steps(context, revisions)
    }


def steps(context: Context, revisions: Sequence[Script]) -> Iterator[tuple[Script, Schema, Schema]]:
    """Yield revisions with the schema before and after, on a shadow database without rows.

    After one that fails there are no more: lint says that it does.

    Args:
        revisions: each one after those of its parents that are among them.
    """
    with shadow.empty(context) as url, shadow.fenced(context, url) as own:
        history = ShadowHistory(own, graph.load(own, tolerant=True), url)
        done: set[str] = set()
        before: Schema | None = None
        for script in revisions:
            try:
                for parent in set(script._all_down_revisions) - done:
                    history.upgrade(parent)
                    before = None
                before = before or history.schema()
                history.apply(script)
            except shadow.ShadowError:
                raise
            except Exception:  # a revision is somebody's Python
                break
            after = history.schema()
            yield script, before, after
            done.add(script.revision)
            before = after
