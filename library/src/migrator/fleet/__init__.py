"""Many tenants with the same tables: a schema for each, or a database for each.

settings      the section [fleet] of the ini file
tenant        one tenant, and how its database is reached
inventory     which tenants there are; `selection`, which of them are meant
positions     where they all are
plan          what each of them lacks; `overview`, that for people and for JSON
session       one connection that serves many tenants, inside env.py
runner        applies revisions to one tenant on it, in one attempt
single_tenant  deploys to one tenant as `deploy` would
batch         many tenants of a database: applied one by one, then `batch_verification`
outcome       what became of one; `results`, of all so far
work          what all workers share
job           what one worker is given at a time
worker        the process that does it; `pool`, all of them
stage         one stage, given to them
admission     what has to be so before anything is changed
backups       each database once
deploy        all of it in its order
verification  compares the catalogs of many schemas at once; `drift`, those of all tenants
creation      makes a tenant; `removal` removes one
"""
