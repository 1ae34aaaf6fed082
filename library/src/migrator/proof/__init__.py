"""Proves revisions: they are run on a shadow database before they are written.

proposal        what autogenerate writes for the models, in a folder of its own until it is proved
shadow_history  the revisions on a shadow database, forward and back
proof           upgrade, compare with the models, downgrade, compare with before, upgrade again
tables          those that a revision is about
contents        the rows of all tables, counted, and their values compared
revising        `make revision`, from the models to the files
whole_history   the proof of revisions that are there already
drift           `make check`, which proves nothing and compares
seeding         rows for every table
old_code        what code of the old schema writes is still accepted after the expand revisions
remedies        the statement to write where autogenerate has no operation
"""
