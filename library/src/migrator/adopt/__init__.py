"""Set this tool up in a project that uses Alembic: what `python -m migrator adopt` does.

adoption       a project, and what is known of it
project_layout where the project has its configuration, env.py, revisions and script.py.mako
env_file       what kind of env.py it is, and the two lines that it needs
replay         the history on a shadow database, and what env.py gave to Alembic meanwhile
own_models     the base of the models, and the modules that define them
database       the database that is named: where it is, and what differs from the history
ini_file       keys in an ini file whose text stays
changes        what is written, as a difference, if git could restore what it replaces
report         all that as data, and in words
findings       what there is to say about it, and what does not fit
future_context, shadow_server
               what the history is replayed with
inspection     these, one after the other
proposal       the files that are written
"""
