"""Training of the embedded models on rendered animals."""
