// Holds the place of Receivers until its first file lands.
