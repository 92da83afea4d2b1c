// Holds the place of YAML until its first file lands.
