// Holds the place of the Receivers tests until the first lands.
