"""`migrator.waiting`, which is `migrator.revisions.wait` now."""

from migrator.revisions.wait import until_expected

__all__ = ["until_expected"]
