"""Refuses changes to the main branch's revisions, which databases have applied.

A branch may add revisions. It may not delete, edit or re-parent one that the main branch has;
replacing them by a squash is the exception.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from migrator.config.context import Context
from migrator.errors import RefusedError, UsageError
from migrator.revisions import branch, files, git
from migrator.revisions.files import RevisionFile

# In a commit's message: this edit is meant, and reviewed with the commit.
TRAILER = "Edits-Revision"

Revisions = dict[str, RevisionFile]


@dataclass(frozen=True)
class Histories:
    """The revisions of three trees: where the branch began, the main branch now, and here."""

    fork: Revisions
    main: Revisions
    ours: Revisions
    commit: str
    base: str

    def merged(self) -> Revisions:
        """The revisions after a merge: what one side deleted is gone."""
        both = self.main | self.ours
        gone = {r for r in self.fork if r not in self.main or r not in self.ours}
        return {r: file for r, file in both.items() if r not in gone}


def check(context: Context, base: str | None = None, *, optional: bool = False) -> str:
    """Return a sentence that says what was compared.

    Args:
        base: a branch or commit; by default the merge request's target, then the main branch.
        optional: where nothing names a base, and there is no main branch, all is well.

    Raises:
        RefusedError: the branch changes what the main branch has, or there would be two heads.
        UsageError: there is no such base, or a shallow clone does not reach back to it.
        MigratorError: a revision file cannot be read.
    """
    repository = git.Repository.around(context)
    found = base or (branch.main(repository) if repository else branch.target())
    if not found and optional:
        return "There is no main branch here to compare the revisions with."
    if not found:
        raise UsageError("There is no main branch here to compare with: name one with base=.")
    if not repository:
        raise UsageError(
            f"There is no git repository here, so there is no {found} to compare with."
        )
    commit = repository.fork(found)
    histories = Histories(
        fork=files.read_all(repository.files_at(commit), found),
        main=files.read_all(repository.files_at(found), found),
        ours=files.read_all(repository.files_here(), "here"),
        commit=commit,
        base=found,
    )
    meant = repository.trailers(commit, TRAILER)
    problems = [*changes(histories, meant), *joints(histories)]
    if problems:
        raise RefusedError(
            "\n  ".join([f"Compared with {found}, this must not be merged:", *problems])
        )
    added = len(histories.ours.keys() - histories.fork.keys())
    return f"All revisions of {found} ({len(histories.fork)}) are as they were; {added} added."


def changes(histories: Histories, meant: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield a line for each revision of the main branch that is not as it was.

    Args:
        meant: revisions that may be edited, since a commit says so.
    """
    ours = histories.ours
    stand_in = {old: file.revision for file in ours.values() for old in file.replaces}
    for revision, was in histories.fork.items():
        restore = f"`git checkout {histories.commit[:12]} -- {shlex.quote(':/' + was.path)}`"
        now = ours.get(revision)
        if now is None:
            if revision not in stand_in:
                yield (
                    f"{was.described} is deleted, and databases that are at it would be at an"
                    f" unknown revision. Restore it: {restore}. To undo what it did, write a new"
                    " revision."
                )
            continue
        if now.replaces != was.replaces:
            continue  # a squash kept this name for all that it does instead
        parents, needs = (
            tuple(sorted(one if one in ours else stand_in.get(one, one) for one in names))
            for names in (was.parents, was.needs)
        )
        if now.parents != parents:
            yield (
                f"{was.described} follows {_names(now.parents)} here, and {_names(was.parents)} on"
                f" {histories.base}: databases that have applied it would never run what"
                f" precedes it now. Restore it: {restore}. Let your own revision follow it."
            )
        changed = (was.body, was.labels, needs) != (now.body, now.labels, now.needs)
        if changed and revision not in meant:
            yield (
                f"{was.described} is edited, and databases that have applied it will not apply it"
                f" again. Restore it: {restore}. Write a new revision instead. (If the edit is"
                " meant, end the message of a commit with the line"
                f' "{TRAILER}: {revision}".)'
            )


def joints(histories: Histories) -> Iterator[str]:
    """Yield a line when the history would not be one line after a merge."""
    merged, base = histories.merged(), histories.base
    for file in merged.values():
        for parent in set(file.parents) & (histories.fork.keys() - merged.keys()):
            if parent not in histories.main:
                yield (
                    f"{file.described} follows {parent}, which {base} no longer has: `git merge"
                    f" {base}`, then set down_revision in {file.path} to what replaces it."
                )
            elif parent in {old for one in merged.values() for old in one.replaces}:
                yield (
                    f"{file.described} is new on {base} and follows {parent}, which was squashed"
                    f" here: revert the squash, `git merge {base}`, and squash again."
                )
    followed = {parent for file in merged.values() for parent in file.parents}
    heads = [merged[head] for head in sorted(merged.keys() - followed)]
    mine = [head.described for head in heads if head.revision in histories.ours]
    theirs = [head.described for head in heads if head.revision not in histories.ours]
    if mine and theirs:
        yield (
            f"There would be two heads after a merge: {', '.join(mine)} here and"
            f" {', '.join(theirs)} on {base}. Run `git merge {base}`, then `make merge"
            ' m="merge"`, which writes a revision that follows both, and commit it.'
        )
    elif len(mine) > 1:
        yield (
            f"There are {len(mine)} heads ({', '.join(mine)}), so upgrade cannot know where to go."
            ' Run `make merge m="merge"`, which writes a revision that follows them, and commit it.'
        )


def _names(revisions: tuple[str, ...]) -> str:
    return ", ".join(revisions) or "nothing"
