"""`python -m migrator`."""

import sys
from pathlib import Path

# `python -m` looks in the current folder first, where a project may have a package called alembic
# with its revisions.
first = sys.path.pop(0) if sys.path and Path(sys.path[0]).resolve() == Path.cwd() else None
from migrator.cli import main  # noqa: E402

if first is not None:
    sys.path.insert(0, first)

if __name__ == "__main__":
    sys.exit(main())
