// Holds the place of Admin until its first file lands.
