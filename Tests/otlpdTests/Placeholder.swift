// Holds the place of the otlpd tests until the first lands.
