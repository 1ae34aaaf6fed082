"""PostgreSQL's catalog: one file for each kind of object, found by its being here.

Each has a `Kind` in KINDS. What is read of no kind: casts, operators and operator classes, text
search configurations, publications and subscriptions, foreign servers, large objects.
"""
