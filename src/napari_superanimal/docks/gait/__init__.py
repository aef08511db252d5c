"""The dock "Gait": how the animals of a pose layer walk."""
