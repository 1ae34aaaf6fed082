from shop.models.base import Model
from shop.models.customer import Customer
from shop.models.order import Order

__all__ = ["Customer", "Model", "Order"]
