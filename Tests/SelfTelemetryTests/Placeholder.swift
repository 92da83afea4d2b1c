// Holds the place of the SelfTelemetry tests until the first lands.
