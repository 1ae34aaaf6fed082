"""Users."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, PrimaryKey, ShortText, Timestamps
from app.models.team import Team


class User(Timestamps, Base):
    """A user who can sign in; a member of at most one team."""

    __tablename__ = "users"

    id: Mapped[PrimaryKey]
    email: Mapped[ShortText] = mapped_column(unique=True)
    name: Mapped[ShortText]
    team_id: Mapped[int | None] = mapped_column(
        ForeignKey("teams.id", ondelete="SET NULL"), index=True
    )

    team: Mapped[Team | None] = relationship()
