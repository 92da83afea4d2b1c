"""A service with a mistake: one endpoint asks the database for each book's author, the other for all at once."""

import time

from fastapi import FastAPI
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import StaticPool

BOOKS = 8
app = FastAPI()
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


@event.listens_for(engine, "connect")
def add_network(connection, _):
    """A statement takes as long as one on another machine."""
    connection.create_function("away", 1, lambda value: time.sleep(0.012) or value)


with engine.begin() as connection:
    connection.execute(text("CREATE TABLE authors(id INTEGER, name TEXT)"))
    for number in range(BOOKS):
        connection.execute(text("INSERT INTO authors VALUES (:id, :name)"), {"id": number, "name": f"author {number}"})


@app.get("/health")
async def health():
    return {}


@app.get("/books")
def books():
    with engine.connect() as connection:
        one = text("SELECT away(name) FROM authors WHERE id = :id")
        return [connection.execute(one, {"id": number}).scalar() for number in range(BOOKS)]


@app.get("/books-at-once")
def books_at_once():
    with engine.connect() as connection:
        return [row[0] for row in connection.execute(text("SELECT away(name) FROM authors WHERE id < 8"))]


@app.get("/slow/{milliseconds}")
def slow(milliseconds: int):
    time.sleep(milliseconds / 1000)
    return {}
