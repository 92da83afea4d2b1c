// Holds the place of the Tidy tests until the first lands.
