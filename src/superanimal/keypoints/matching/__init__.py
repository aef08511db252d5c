"""Which keypoint of a model is which of the labels, by position."""
