// Holds the place of the HTTPClient tests until the first lands.
