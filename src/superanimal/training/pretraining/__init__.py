"""Training of a network on several data sets from one configuration."""
