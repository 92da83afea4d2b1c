// Holds the place of the SQLite tests until the first lands.
