"""Which revisions the naming convention of the models is applied to.

Alembic's operations take it from `target_metadata`: it names what a revision leaves without a
name, and lengthens the names of its CHECK constraints. A revision that was written elsewhere, for
other metadata, is to create what it did there.
"""

import sys
from types import FrameType
from typing import Any

from sqlalchemy import MetaData

# That of this template. With another one, a project is its revisions' own.
CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class RevisionMetaData(MetaData):
    """Stands for the metadata of the models while revisions run.

    Revisions that this template has not written have no `phase`: with its convention, they get
    none.
    """

    def __init__(self, models: MetaData) -> None:
        self._convention: Any = models.naming_convention
        super().__init__(schema=models.schema)
        self._none: Any = MetaData().naming_convention

    @property
    def naming_convention(self) -> Any:
        """The convention for the revision that runs now."""
        elsewhere = dict(self._convention) == CONVENTION and not _has_phase()
        return self._none if elsewhere else self._convention

    @naming_convention.setter
    def naming_convention(self, _: Any) -> None:
        """SQLAlchemy sets its default."""


def _has_phase() -> bool:
    """Return whether the revision that calls says its phase; true if none does."""
    frame: FrameType | None = sys._getframe(1)
    while frame:
        if {"down_revision", "upgrade"} <= frame.f_globals.keys():
            return "phase" in frame.f_globals
        frame = frame.f_back
    return True
