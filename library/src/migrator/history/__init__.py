"""The history of the schema as a whole: squash it, begin it on an existing database, start over.

`workbench` makes databases that nobody minds, `schema` is what two of them are compared by,
`postgresql` and `sqlite` read it, `reflection` turns tables into something Alembic can write,
`draft` decides what Alembic writes and what is carried over as SQL, `rows` and `statements` say
what else the old revisions did, `writing` makes the file and proves it, `folder` exchanges the
folder of revisions; `squash`, `adopting` and `reset` are the commands' knowledge.
"""
