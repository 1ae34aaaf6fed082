"""Which modules `autoimport_exclude` leaves out."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

# Not a module, but commonly named in such lists.
NEVER = "__pycache__"


class Exclusions:
    """Patterns of names, as in `tests`, `*.tests`, `core.models.tests` or `core/models/tests`.

    A pattern that fits a package excludes all below it. One without a dot fits any package or
    module of that name, wherever it is.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = {each: each.strip("/").replace("/", ".") for each in patterns}
        self._used: set[str] = set()

    def exclude(self, module: str) -> bool:
        """Tell whether a module is left out."""
        parts = module.split(".")
        names = [".".join(parts[: count + 1]) for count in range(len(parts))]
        fitting = [
            given
            for given, pattern in self.patterns.items()
            if any(fnmatchcase(name, pattern) for name in names)
            or ("." not in pattern and any(fnmatchcase(part, pattern) for part in parts))
        ]
        self._used.update(fitting)
        return bool(fitting)

    def unused(self) -> Iterator[str]:
        """Yield the patterns that have fitted no module."""
        yield from (each for each in self.patterns if each not in self._used and each != NEVER)
