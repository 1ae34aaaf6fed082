"""The attributes `phase` and `transactional` of a revision: the one place that reads them.

Revisions that were written before `transactional` existed have `phase = "online"`, which means
expand and non-transactional.
"""

from typing import NamedTuple

from alembic.script import Script

from migrator.errors import MigratorError

EXPAND, CONTRACT = PHASES = ("expand", "contract")
ONLINE = "online"


class Attributes(NamedTuple):
    """When a revision is deployed, and how.

    Attributes:
        phase: expand, before the new code; contract, when no older code runs.
        transactional: it is rolled back whole. If not, it may be run again after an interruption.
    """

    phase: str = EXPAND
    transactional: bool = True

    def __str__(self) -> str:
        return self.phase if self.transactional else self.whole

    def as_dict(self) -> dict[str, str | bool]:
        """Return them by name, for JSON."""
        return {"phase": self.phase, "transactional": self.transactional}

    @property
    def whole(self) -> str:
        """The attributes in words, also what is usual."""
        return f"{self.phase}, {'' if self.transactional else 'non-'}transactional"


def of(script: Script) -> Attributes:
    """Return the attributes of a revision; one without them is of expand, and transactional.

    Raises:
        MigratorError: one of them has a value that means nothing.
    """
    phase = getattr(script.module, "phase", "") or EXPAND
    transactional = getattr(script.module, "transactional", phase != ONLINE)
    if phase not in (*PHASES, ONLINE):
        raise MigratorError(
            f'Revision {script.revision} has phase = {phase!r}, which has to be "expand" or'
            ' "contract": correct it in its file.'
        )
    if not isinstance(transactional, bool):
        raise MigratorError(
            f"Revision {script.revision} has transactional = {transactional!r}, which has to be"
            " True or False: correct it in its file."
        )
    return Attributes(EXPAND if phase == ONLINE else phase, transactional)


def has_phase(script: Script) -> bool:
    """Return whether a revision says its phase; those from elsewhere often do not."""
    return bool(getattr(script.module, "phase", ""))


def described(script: Script) -> str:
    """Return the attributes in words, nothing if the revision has none."""
    has_any = has_phase(script) or hasattr(script.module, "transactional")
    return str(of(script)) if has_any else ""
