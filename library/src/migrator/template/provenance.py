"""Which version of the library this is, and which commit it comes from."""

import json
from importlib import metadata, resources

from migrator import __version__

DISTRIBUTION = "alembic-starter"
# Written by the template's hook into each rendering; this repository has no such file.
RECORD = "commit.txt"
MODIFIED = "modified"


def version() -> str:
    """Return the version, and the commit where one is known."""
    commit, modified = recorded()
    commit = commit or installed_from_git()
    if not commit:
        return __version__
    return f"{__version__} (commit {commit}{', with uncommitted changes' if modified else ''})"


def recorded() -> tuple[str, bool]:
    """Return the template's commit that the project was made from, and whether it was modified.

    The commit is an empty string where the template was not in a git repository.
    """
    record = resources.files("migrator") / RECORD
    if not record.is_file():
        return "", False
    commit, _, rest = record.read_text(encoding="utf-8").strip().partition(" ")
    return commit, rest == MODIFIED


def installed_from_git() -> str:
    """Return the commit that the package was installed from, where it was a git address (PEP 610).

    An empty string for a folder, a file or a package registry.
    """
    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return ""
    return str(json.loads(text or "{}").get("vcs_info", {}).get("commit_id", ""))
