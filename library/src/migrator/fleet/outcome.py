"""What became of one tenant."""

from dataclasses import asdict, dataclass
from typing import Any

from migrator.deploy.violation import Violation

DONE, NOTHING, FAILED, INTERRUPTED = "done", "nothing", "failed", "interrupted"


@dataclass(frozen=True)
class Outcome:
    """What a deploy did to the tenant `name`.

    `applied` are the revisions that it has applied, `at` where the tenant is now, as the database
    says; None if it cannot be asked. `reason` is why it failed, without secrets or rows.
    `exit_code` is that of a deploy to this tenant alone. `tries` are the attempts at its
    revisions, more than there are revisions if locks were not granted at once. `violations` are the
    rows because of which it failed.
    """

    name: str
    state: str
    at: tuple[str, ...] | None
    applied: tuple[str, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    exit_code: int = 0
    tries: int = 0
    violations: tuple[Violation, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        found = asdict(self)
        at = None if self.at is None else [*self.at]
        rows = [each.data() for each in self.violations]
        return {
            **found,
            "at": at,
            "applied": [*self.applied],
            "reason": self.reason or None,
            "violations": rows,
        }
