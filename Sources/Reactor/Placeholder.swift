// Holds the place of Reactor until its first file lands.
