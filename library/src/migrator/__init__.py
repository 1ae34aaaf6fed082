"""The migration tool: schema migrations that do not disturb a database in use.

It imports nothing from the application. Its packages import each other in one direction only:
each may import those that ORDER names before it.
"""

__version__ = "2026.11.0"

ORDER = (
    "errors",
    "console",
    "devserver",
    "config",
    "postgres",
    "sqlite",
    "database",
    "catalog",
    "shadow",
    "revisions",
    "operations",
    "autogenerate",
    "environment",
    "trace",
    "lint",
    "backup",
    "deploy",
    "history",
    "commands",
    "cli",
)
