from shop import db


class Customer(db.Model):
    __tablename__ = "customers"

    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(100), nullable=False)


tags = db.Table(
    "tags",
    db.Column("customer_id", db.ForeignKey("customers.id"), primary_key=True),
    db.Column("tag", db.String(30), primary_key=True),
)
