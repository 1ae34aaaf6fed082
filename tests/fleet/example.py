"""The example of docs/fleet.md: each customer has a schema, and plans are shared."""

SHARED = '''"""What all customers share."""

from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText


class Plan(Base):
    """What a customer may use."""

    __tablename__ = "plans"
    __table_args__ = {"schema": "shared"}  # noqa: RUF012

    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(unique=True)


class Tenant(Base):
    """A customer, with the schema of its tables."""

    __tablename__ = "tenants"
    __table_args__ = {"schema": "shared"}  # noqa: RUF012

    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(unique=True)
    schema: Mapped[ShortText] = mapped_column(unique=True)
    stage: Mapped[ShortText] = mapped_column(server_default="")
'''

TENANT = '''"""What each customer has: tables without a schema."""

import enum

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, PrimaryKey, ShortText, Timestamps


class State(enum.Enum):
    """Of an order."""

    open = "open"
    paid = "paid"


class Item(Base):
    """Something to sell."""

    __tablename__ = "items"
    __table_args__ = (CheckConstraint("price >= 0", name="price"),)

    id: Mapped[PrimaryKey]
    name: Mapped[ShortText] = mapped_column(unique=True)
    price: Mapped[int] = mapped_column(server_default="0")


class Order(Timestamps, Base):
    """An order."""

    __tablename__ = "orders"
    __table_args__ = (Index("ix_orders_note", text("lower(note)")),)

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("shared.plans.id"))
    state: Mapped[State] = mapped_column(Enum(State, name="order_state"), server_default="open")
    note: Mapped[ShortText] = mapped_column(server_default="it''s public.")
'''

# In both ini files.
HISTORIES = """
[shared]
script_location = %(here)s/migrations
version_locations = %(here)s/migrations/shared
version_table_schema = shared
prepend_sys_path = %(here)s
path_separator = os
"""

FLEET = """
[fleet]
schemas_sql = SELECT name, schema, stage FROM shared.tenants ORDER BY name
parallel = 2
create_sql = INSERT INTO shared.tenants (name, schema) VALUES (:name, :schema)
drop_sql = DELETE FROM shared.tenants WHERE name = :name
"""
