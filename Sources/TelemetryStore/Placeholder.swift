// Holds the place of TelemetryStore until its first file lands.
