"""The machinery that looks after this project's database schema.

It belongs to the template (an update replaces the whole package) and imports nothing from
the application. The modules import each other in one direction only, in this order: errors,
console, urls, devserver, settings, flags, limits, unreachable, database, importing, discovery,
operations, enums, schemas, rendering, sessions, retry, record, autogenerate, chain, replaced,
plan, waiting, sql, preview, scratch, trace, lint, schema_dump, snapshot, revision_files,
git_trees, guard, report, window, health, preflight, safety, backup, locks, gate, watch, online,
attempt, apply, verify, standing, outcome, carrying_out, deploy, rollback, history, devdb, cli,
commands.
"""

__version__ = "2026.11.0"
