// Holds the place of the OTLP tests until the first lands.
