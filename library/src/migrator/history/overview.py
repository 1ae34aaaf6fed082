"""What the page of the history shows: revisions, where each database is, what a branch changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError

from migrator import catalog
from migrator.config.context import Context
from migrator.config.imports import relative
from migrator.diagrams import mermaid, table_changes
from migrator.diagrams.history_page import History, Revision
from migrator.diagrams.table_changes import TableChange
from migrator.errors import MigratorError, UsageError, one_line
from migrator.history import positions
from migrator.lint import ranges, rendering, schema_changes
from migrator.lint.ranges import Range
from migrator.revisions import graph, phase_and_transaction

Changes = tuple[TableChange, ...]


def collect(context: Context, newest: int) -> History:
    """Return the history of this project.

    Args:
        newest: of how many revisions the changes of the schema are looked up, on a shadow
            database; 0: no server is needed. Revisions of the branch are looked up in any case.

    Raises:
        MigratorError: the revisions cannot be read.
    """
    directory = graph.load(context)
    scripts = list(directory.walk_revisions())
    notes: list[str] = []
    branch = _branch(context, notes)
    added = {script.revision for script in branch.revisions} if branch else set()
    looked_up = _looked_up(scripts, added, newest)
    found = _Changes()
    if newest:
        found.read(context, looked_up, added, notes)
    statements = _sql(context, directory, scripts, notes)
    return History(
        title=context.folder.name,
        revisions=tuple(
            replace(
                _revision(script),
                on_branch=script.revision in added,
                changes=found.by_revision.get(script.revision),
                sql=statements.get(script.revision, ""),
            )
            for script in scripts
        ),
        databases=tuple(positions.read(context)),
        branch=f"Changed by {branch}." if branch else "There is no branch to compare.",
        branch_changes=found.of_branch,
        tables=found.tables,
        notes=tuple(notes),
    )


class _Changes:
    """What is found on a shadow database."""

    def __init__(self) -> None:
        self.by_revision: dict[str, Changes] = {}
        self.of_branch: Changes = ()
        self.tables: tuple[str, ...] = ()

    def read(
        self, context: Context, scripts: Sequence[Script], added: set[str], notes: list[str]
    ) -> None:
        """Apply the revisions, those of the branch last: they are one change."""
        first = last = None
        try:
            for script, before, after in schema_changes.steps(context, scripts):
                differences = catalog.diff(before, after)
                self.by_revision[script.revision] = tuple(
                    table_changes.changes(before, after, differences)
                )
                last = after
                if script.revision in added:
                    first = first or before
        except MigratorError as error:
            notes.append(f"Changes of the schema are not shown: {one_line(error)}")
            return
        if last:
            names = sorted(key.name for key in last.objects if key.kind == "table")
            self.tables = tuple(map(mermaid.name, names))
        if first and last:
            found = table_changes.changes(first, last, catalog.diff(first, last))
            self.of_branch = tuple(found)
        if len(self.by_revision) < len(scripts):
            failed = scripts[len(self.by_revision)].revision
            notes.append(
                f"Changes of the schema are shown up to revision {failed}, which fails on an empty"
                " database."
            )
        elif not all(script.is_base for script in scripts[:1]):
            notes.append(
                f"Changes of the schema are shown of the newest {len(scripts)} revisions; more with"
                " --newest."
            )


def _branch(context: Context, notes: list[str]) -> Range | None:
    try:
        found = ranges.chosen(context, None, None, added=True)
    except UsageError as error:
        notes.append(f"The branch is not compared: {one_line(error)}")
        return None
    return found if found.base and found.revisions else None


def _looked_up(scripts: Sequence[Script], added: set[str], newest: int) -> list[Script]:
    """Return the revisions to look up, in an order in which they can be applied."""
    chosen = [
        script
        for number, script in enumerate(scripts)
        if number < newest or script.revision in added
    ]
    oldest_first = chosen[::-1]
    return sorted(oldest_first, key=lambda script: script.revision in added)


def _revision(script: Script) -> Revision:
    versioned = script._versioned_down_revisions
    depends = tuple(set(script._all_down_revisions) - set(versioned))
    date = getattr(script.module, "__doc__", None) or ""
    created = [line for line in date.splitlines() if line.startswith("Create Date:")]
    return Revision(
        revision=script.revision,
        message=script.doc or "",
        file=relative(script.path),
        date=created[0].partition(":")[2].strip()[:16] if created else "",
        phase=phase_and_transaction.described(script),
        parents=(*versioned, *depends),
        depends=depends,
        labels=tuple(sorted(script._orig_branch_labels)),
    )


def _sql(
    context: Context, directory: ScriptDirectory, scripts: Sequence[Script], notes: list[str]
) -> Mapping[str, str]:
    try:
        rendered = rendering.render(context.fresh(), directory, scripts)
    except (CommandError, MigratorError) as error:
        notes.append(f"SQL is not shown: {one_line(error)}")
        return {}
    return {each.script.revision: "\n".join(_statements(each)) for each in rendered}


def _statements(rendered: rendering.Rendered) -> Iterator[str]:
    yield from (f"{each.sql};" for each in rendered.statements if not each.nested)
    if rendered.failure:
        yield "-- The rest depends on what is in the database."
