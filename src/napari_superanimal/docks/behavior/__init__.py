"""The dock "Behaviour": what the animals of a pose layer do."""
