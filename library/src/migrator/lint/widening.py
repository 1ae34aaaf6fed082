"""Which changes of type keep the rows as they are, and let old code write what it writes."""

from migrator.lint.statements import Type

# Without a length in brackets, and with one it fits into.
TEXTS = ("text", "varchar")
LENGTHS = ("varchar", "varbit", "timestamp", "timestamptz", "time", "timetz", "interval")
SAME = {("cidr", "inet"), ("citext", "text"), ("text", "citext"), ("varchar", "citext")}


def widens(old: Type, new: Type) -> bool:
    """Return whether PostgreSQL changes a type in its catalog alone."""
    if old.array != new.array:
        return False
    if old == new or (old.name, new.name) in SAME:
        return not new.numbers or old == new
    if old.name in TEXTS and new.name in TEXTS and not new.numbers:
        return True
    if old.name != new.name or old.array:
        return False
    if old.name in LENGTHS:
        return not new.numbers or (bool(old.numbers) and old.numbers[-1] <= new.numbers[-1])
    if old.name == "numeric":
        return not new.numbers or _fits(old.numbers, new.numbers)
    return False


def _fits(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Return whether each number of one precision and scale is one of the other."""
    precision, scale = (*new, 0)[:2]
    return bool(old) and precision >= old[0] and scale == (*old, 0)[1]
