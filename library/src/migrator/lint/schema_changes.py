"""What revisions change in the schema: two catalogs of each, before and after."""

from collections.abc import Sequence

from alembic.script import Script

from migrator import catalog, shadow
from migrator.config.context import Context
from migrator.lint.output.report import Change
from migrator.proof.shadow_history import ShadowHistory
from migrator.revisions import graph


def read(context: Context, revisions: Sequence[Script]) -> dict[str, Change]:
    """Return by revision what it changes, on a shadow database without rows.

    After one that fails there are no more: lint says that it does.
    """
    found: dict[str, Change] = {}
    with shadow.empty(context) as url, shadow.fenced(context, url) as own:
        history = ShadowHistory(own, graph.load(own), url)
        for script in revisions:
            try:
                for parent in script._versioned_down_revisions:
                    history.upgrade(parent)
                before = history.schema()
                history.apply(script)
            except shadow.ShadowError:
                raise
            except Exception:  # a revision is somebody's Python
                break
            after = history.schema()
            found[script.revision] = Change(catalog.diff(before, after), after)
    return found
