// Holds the place of the Config tests until the first lands.
