"""`migrator.urls`, which is `migrator.config.urls` now."""

from migrator.config.urls import normalise

__all__ = ["normalise"]
