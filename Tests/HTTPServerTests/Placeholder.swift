// Holds the place of the HTTPServer tests until the first lands.
