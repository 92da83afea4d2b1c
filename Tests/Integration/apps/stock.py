"""The service behind the shop: it keeps its stock in SQLite, through SQLAlchemy."""

import logging

from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

app = FastAPI()
log = logging.getLogger("stock")
log.setLevel(logging.INFO)
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})

with engine.begin() as connection:
    connection.execute(text("CREATE TABLE stock(item TEXT, amount INTEGER)"))
    connection.execute(text("INSERT INTO stock VALUES ('pen', 7)"))


@app.get("/health")
async def health():
    return {}


@app.get("/stock/{item}")
def stock(item: str):
    with engine.connect() as connection:
        row = connection.execute(text("SELECT amount FROM stock WHERE item = :item"), {"item": item}).first()
    if row is None:
        raise HTTPException(404)
    log.info("%d of %s", row[0], item)
    return {"amount": row[0]}
