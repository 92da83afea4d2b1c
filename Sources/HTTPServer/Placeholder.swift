// Holds the place of HTTPServer until its first file lands.
