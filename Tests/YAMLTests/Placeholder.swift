// Holds the place of the YAML tests until the first lands.
