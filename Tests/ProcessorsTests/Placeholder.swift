// Holds the place of the Processors tests until the first lands.
