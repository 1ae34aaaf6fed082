"""The migration tool: schema migrations that do not disturb a database in use.

It imports nothing from the application. Its packages import each other in one direction only:
each may import those that ORDER names before it.
"""

from pathlib import Path

__version__ = "2026.11.0"

# Old names of modules, which files of older projects import: see compat/__init__.py.
__path__.append(str(Path(__path__[0], "compat")))

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
    "diagrams",
    "operations",
    "autogenerate",
    "environment",
    "trace",
    "proof",
    "lint",
    "backup",
    "deploy",
    "rehearsal",
    "history",
    "fleet",
    "adopt",
    "compat",
    "template",
    "commands",
    "arguments",
    "cli",
)
