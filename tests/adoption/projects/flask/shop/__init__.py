import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get(
        "SHOP_DB", "postgresql+psycopg2://shop@db.internal/shop"
    )
    app.config["FIRST_CUSTOMER"] = "the shop itself"
    from shop import models  # noqa: F401

    db.init_app(app)
    migrate.init_app(app, db)
    return app
