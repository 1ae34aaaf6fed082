from sqlalchemy.orm import Mapped, mapped_column

from shop.models.base import Model


class Customer(Model):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
