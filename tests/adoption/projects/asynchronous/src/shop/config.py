import os

DSN = os.environ.get("SHOP_DSN", "postgresql+asyncpg://shop@db.internal/shop")
