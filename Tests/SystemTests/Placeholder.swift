// Holds the place of the System tests until the first lands.
