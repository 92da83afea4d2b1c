// Holds the place of Sinks until its first file lands.
