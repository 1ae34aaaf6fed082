from migrator.config.urls import normalise as normalise
