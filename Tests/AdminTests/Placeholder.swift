// Holds the place of the Admin tests until the first lands.
