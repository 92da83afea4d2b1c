// Holds the place of the Bytes tests until the first lands.
