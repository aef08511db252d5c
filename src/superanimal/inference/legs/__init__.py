"""Left and right legs told apart over time."""
