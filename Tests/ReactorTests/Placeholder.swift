// Holds the place of the Reactor tests until the first lands.
