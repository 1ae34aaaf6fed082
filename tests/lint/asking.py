"""Prints the rules that revisions break, each judged by itself; runs in a project."""

import contextlib
import io
import json
import sys

from migrator.cli import main


def rules(revision: str) -> list[str]:
    """What `lint` finds in one revision."""
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as said:
        main(["lint", "--json", revision])
        said.seek(0)
        return [finding["rule"] for finding in json.load(said)["findings"]]


if __name__ == "__main__":
    print(json.dumps({name: rules(name) for name in sys.argv[1:]}))
