// Holds the place of Config until its first file lands.
