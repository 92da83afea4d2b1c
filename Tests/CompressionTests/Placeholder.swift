// Holds the place of the Compression tests until the first lands.
