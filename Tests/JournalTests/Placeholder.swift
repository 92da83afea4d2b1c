// Holds the place of the Journal tests until the first lands.
