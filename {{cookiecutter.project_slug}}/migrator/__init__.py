"""The machinery that looks after this project's database schema.

It belongs to the template (an update replaces the whole package) and imports nothing from
the application. The modules import each other in one direction only, in this order: errors,
console, urls, devserver, settings, importing, discovery, database, enums, schemas,
rendering, autogenerate, plan, locks, deploy, sql, devdb, cli.
"""

__version__ = "2026.11.0"
