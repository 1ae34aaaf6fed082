"""What has to work on every version of PostgreSQL that is supported."""
