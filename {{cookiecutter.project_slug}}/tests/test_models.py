"""The example models: defaults of the server, names of the convention."""

import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.models.base import Base
from app.models.billing.invoice import Invoice
from app.models.team import Team
from app.models.user import User


def make_user() -> User:
    return User(email="a@example.org", name="韩梅梅", team=Team(name="研发"))


def test_rows_get_their_defaults_from_the_server(session: Session) -> None:
    invoice = Invoice(user=make_user(), amount=Decimal("12.50"))
    session.add(invoice)
    session.commit()
    found = session.scalars(sa.select(Invoice)).one()
    assert found.user.name == "韩梅梅"
    assert found.amount == Decimal("12.50")
    assert isinstance(found.created_at, datetime.datetime)


def test_an_amount_is_not_negative(session: Session) -> None:
    session.add(Invoice(user=make_user(), amount=Decimal("-1")))
    with pytest.raises(IntegrityError, match="ck_invoices_amount_not_negative"):
        session.commit()


def test_every_constraint_has_a_name() -> None:
    unnamed = [
        f"{table.name}: {constraint!r}"
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name is None
    ]
    assert unnamed == []
