"""Where this shop has its database: a variable of its own."""

import os

SHOP_DATABASE = os.environ.get("SHOP_DATABASE", "postgresql+psycopg2://shop@db.internal/shop")
CURRENCIES = ("EUR", "CNY")
