"""Reading otlpd's SQLite files as a user does."""

import sqlite3
from pathlib import Path


def rows(data: Path, query: str, *arguments) -> list[sqlite3.Row]:
    """The rows of a query over every day file."""
    found = []
    for path in sorted(data.rglob("telemetry-*.db")):
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            found += connection.execute(query, arguments).fetchall()
        except sqlite3.OperationalError as error:
            # The file exists a moment before its tables.
            if "no such table" not in str(error):
                raise
        finally:
            connection.close()
    return found


def count(data: Path, table: str) -> int:
    return sum(row[0] for row in rows(data, f"SELECT count(*) FROM {table}"))
