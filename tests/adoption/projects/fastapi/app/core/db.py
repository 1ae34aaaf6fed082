from sqlmodel import create_engine

from app.core.config import settings

# The application keeps a pool, as in production.
engine = create_engine(str(settings.database_uri), pool_pre_ping=True)
