"""Uses a project's development server in a process of its own, as a command does.

Prints the database's URL, then what the options ask for.
"""

import argparse
import signal
import sys
import time
from pathlib import Path


def main() -> int:
    """Does what the arguments say, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("database")
    parser.add_argument("--without", help="a module that cannot be imported")
    parser.add_argument("--loaded", help="say whether this module has been imported")
    parser.add_argument("--stop", action="store_true", help="ensure again, then stop the server")
    parser.add_argument("--stay", action="store_true", help="wait for a signal")
    parser.add_argument("--psql", nargs=argparse.REMAINDER, help="run psql instead")
    options = parser.parse_args()
    if options.without:
        # None in sys.modules is how Python itself marks a module that cannot be imported.
        sys.modules[options.without] = None  # type: ignore[assignment]
    if options.stay:
        # Whoever runs these tests (nohup, a background job) may have made us deaf to both.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    from migrator.devserver import DevServer

    server = DevServer(options.folder)
    if options.psql is not None:
        return server.psql(options.database, options.psql)
    print(server.ensure(options.database), flush=True)
    if options.loaded:
        print(options.loaded in sys.modules)
    if options.stop:
        print(server.ensure(options.database))
        print(server.stop())
    if options.stay:
        time.sleep(600)
    return 0


if __name__ == "__main__":
    sys.exit(main())
