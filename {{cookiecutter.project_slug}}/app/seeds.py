"""Example data for development: `make seed`, and `make reset`, which empties the database first.

Each row is looked up by its natural key, so running it again adds nothing.
"""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.billing.invoice import Invoice
from app.models.team import Team
from app.models.user import User

TEAM = "Research"
USERS = {"ada@example.org": "Ada", "lilei@example.org": "李雷"}


def run(session: Session) -> None:
    """Add the rows that are missing; the caller commits."""
    team = session.scalars(select(Team).where(Team.name == TEAM)).one_or_none()
    if team is None:
        team = Team(name=TEAM)
        session.add(team)
    for email, name in USERS.items():
        if session.scalars(select(User).where(User.email == email)).one_or_none() is None:
            user = User(email=email, name=name, team=team)
            session.add_all([user, Invoice(user=user, amount=Decimal("9.90"))])
