"""The dock "Adapt to video"."""
