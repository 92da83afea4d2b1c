// Holds the place of HTTPClient until its first file lands.
