// Holds the place of the Sinks tests until the first lands.
