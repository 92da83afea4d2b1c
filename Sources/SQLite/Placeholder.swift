// Holds the place of SQLite until its first file lands.
