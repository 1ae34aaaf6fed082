"""The base of all models: constraint names, column types, timestamps."""

import datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Integer, MetaData, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# A constraint without a name cannot be dropped by a later revision.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite generates keys only for a column of type INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")

PrimaryKey = Annotated[int, mapped_column(BigId, primary_key=True)]
ShortText = Annotated[str, mapped_column(String(200))]


class Base(DeclarativeBase):
    """The declarative base: derive every model from it."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy expects a plain dict
        int: BigId,
        datetime.datetime: DateTime(timezone=True),
    }


class Timestamps:
    """Mix-in: when a row was created, and when it was last updated.

    The defaults are server defaults, so that they apply to rows from other programs and migrations
    too. Only this application sets `updated_at` on updates.
    """

    created_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime.datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now()
    )
