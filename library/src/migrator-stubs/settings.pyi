from migrator.config.target import database_url as database_url
