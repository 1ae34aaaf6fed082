"""What revisions print while they run on a shadow database."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from migrator.console import verbosity


@contextmanager
def prints() -> Iterator[None]:
    """Withhold what is printed: it sounds as if it happened to somebody's data. -v shows it.

    If something fails, it is written to stderr, because it may say why.
    """
    if verbosity.is_verbose():
        yield
        return
    # Not a StringIO: some env.py files reconfigure stdout, or use its buffer.
    printed = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True)
    try:
        with redirect_stdout(printed):
            yield
    except BaseException:
        with suppress(OSError, ValueError):  # one of them may have been closed
            printed.seek(0)
            sys.stderr.write(printed.read())
        raise
