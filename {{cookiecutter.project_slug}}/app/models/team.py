"""Teams."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText, Timestamps


class Team(Timestamps, Base):
    """A group of users who share their work."""

    __tablename__ = "teams"

    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(unique=True)
