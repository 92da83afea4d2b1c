// Holds the place of the TelemetryStore tests until the first lands.
