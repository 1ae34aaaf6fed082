from migrator.config.settings import database_url as database_url
