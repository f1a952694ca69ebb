"""Hold one night against what was promised of privacy, in figures, and say whether it may be published."""
