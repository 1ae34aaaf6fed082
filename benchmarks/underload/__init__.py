"""What a deploy does to those who use the database meanwhile: `make bench-deploy`.

An open-loop load reads and writes one table; a report reads it for 8 s; one second after the
report began, a tool deploys one change of that table. Every request counts from the moment at
which its user would have sent it, so that one which had to queue for its turn counts in full.
"""
