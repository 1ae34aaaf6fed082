"""The main branch, and what the current branch adds to it."""

import os
from dataclasses import dataclass
from pathlib import Path

from migrator.revisions.git import Repository

# What a merge request goes to and comes from, as GitHub and GitLab say it.
TARGET_VARIABLES = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
SOURCE_VARIABLES = (
    "GITHUB_HEAD_REF",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "GITHUB_REF_NAME",
    "CI_COMMIT_REF_NAME",
)
REMOTE_HEAD = "origin/HEAD"
MAIN_BRANCHES = ("origin/main", "origin/master", "main", "master")


@dataclass(frozen=True)
class Branch:
    """What is checked out, compared with `base`.

    Attributes:
        name: the branch in words.
        base: the branch or commit that it is compared with, in words.
        files: files that were added or changed since they diverged, with those that are not
            committed.
        itself: the base is this branch, so that only what is not committed differs.
    """

    name: str
    base: str
    files: frozenset[Path]
    itself: bool = False


def target() -> str | None:
    """Return the branch that the merge request in this CI job goes to, None outside of one."""
    branches = (os.environ.get(name) for name in TARGET_VARIABLES)
    return next((f"origin/{branch}" for branch in branches if branch), None)


def main(repository: Repository) -> str | None:
    """Return the branch that this one will be merged into, None if there is none here."""
    if found := target():
        return found
    head = repository.full_name(REMOTE_HEAD) if repository.first([REMOTE_HEAD]) else None
    # The clone of a work tree has as origin/HEAD what is checked out there: this very branch.
    if head and head != f"origin/{repository.current()}":
        return head
    return repository.first(MAIN_BRANCHES) or head


def compared(repository: Repository, base: str) -> Branch:
    """Return what the work tree adds to `base`.

    Raises:
        UsageError: there is no such commit, or a shallow clone does not reach back far enough.
    """
    name = repository.current()
    if base == "HEAD" and not repository.first(["HEAD"]):  # no commit yet: everything is added
        return Branch(_in_words(name), "an empty repository", repository.files_in_work_tree())
    files = repository.changed_since(repository.fork(base))
    return Branch(_in_words(name), base, files, itself=name == base)


def _in_words(name: str) -> str:
    if name:
        return f"branch {name}"
    sources = (os.environ.get(variable) for variable in SOURCE_VARIABLES)
    source = next(filter(None, sources), "")
    return f"branch {source}" if source else "this checkout, which is on no branch,"
