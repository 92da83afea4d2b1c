// Holds the place of Compression until its first file lands.
