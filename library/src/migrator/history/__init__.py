"""The history of the schema as a whole: squash it, start it from a database, reset it, seed it.

`squash`, `baseline`, `reset` and `seeds` are what the commands of these names do. The first two
share the rest: `shadow_databases` makes databases and reads their schemas, `postgresql` and
`sqlite` read a `schema`, `reflection` prepares tables for Alembic, `revision_draft` divides a
schema into what Alembic writes and what is executed as SQL, `revision_file` writes the revision,
`proved_revision` tries it, `folder_swap` replaces the folder of revisions in one step. `replay`
applies old revisions, `squashed_rows` says which of their rows stay, and `executed_sql` finds the
SQL in them. `models_file` is the file that `model_draft` writes, with `model_names`, `model_types`,
`serials_and_sequences`, `definition_code` and `relationships`. `fresh_start` begins the history
anew, and `extensions` are those that a server has.
"""
