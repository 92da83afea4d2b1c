// Holds the place of Processors until its first file lands.
