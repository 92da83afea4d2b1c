// Holds the place of the Pipeline tests until the first lands.
