"""Shadow databases: empty ones to try revisions on, beside the one in use, and gone afterwards."""

from migrator.shadow.database import configured, empty

__all__ = ["configured", "empty"]
