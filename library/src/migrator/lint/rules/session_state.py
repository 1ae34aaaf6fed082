"""A lock timeout that is switched off, or a setting that outlives its revision."""

from migrator.lint.candidate import Candidate
from migrator.lint.rule import Example, Rule

# Without it, a statement that waits for a lock makes everybody behind it wait.
LIMIT = "lock_timeout"
EVERYTHING = "all"


LONGEST = 30_000  # milliseconds that are as good as no limit
UNITS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def _is_set(candidate: Candidate) -> bool:
    action = candidate.action
    if candidate.kind != "set":
        return False
    if action.value is None:  # back to the default, which is no limit
        works = any(each.action.kind not in ("set", "call") for each in candidate.later)
        return action.name in (LIMIT, EVERYTHING) and works
    if action.name == LIMIT and not 0 < _milliseconds(action.value) <= LONGEST:
        return True
    if action.has("local"):
        return False
    later = (each.action for each in candidate.later)
    reset = {each.name for each in later if each.kind == "set" and each.value is None}
    return action.name not in reset and EVERYTHING not in reset


def _milliseconds(value: str) -> float:
    number = value.strip().rstrip(" abcdefghijklmnopqrstuvwxyz")
    unit = value.strip()[len(number) :].strip()
    try:
        return float(number) * UNITS.get(unit, 1)
    except ValueError:
        return 0


RULE = Rule(
    name="session-state",
    reason=(
        "The setting stays in force for the revisions that the same deploy applies after this one,"
        " and without a lock timeout others wait for as long as a statement of the revision waits."
    ),
    safe=(
        "SET LOCAL, which ends with the transaction, or RESET at the end of the revision; leave"
        " lock_timeout to the deploy, which retries."
    ),
    example=Example(
        unsafe='op.execute("SET search_path = other, public")',
        safe='op.execute("SET LOCAL search_path = other, public")',
    ),
    action=_is_set,
    locks=True,
)
