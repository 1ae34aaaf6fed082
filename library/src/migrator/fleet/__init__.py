"""Many tenants with the same tables: a schema for each, or a database for each.

settings      the section [fleet] of the ini file
tenant        one tenant, and how its database is reached
inventory     which tenants there are
positions     where they all are
plan          what is to be done, in stages
session       one connection that serves many tenants, inside env.py
runner        applies revisions to one tenant on it, in one attempt
work          what a worker process does with the tenants that it is given
pool          the worker processes
deploy        the stages of a deploy
verification  compares the catalogs of many schemas at once
creation      makes a tenant, and removes one
"""
